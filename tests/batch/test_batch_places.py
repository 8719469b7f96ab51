"""Where recordings are found, what is told of them, and where results go."""

from __future__ import annotations

import os
from datetime import date

import pyarrow as pa
import pyarrow.fs as pafs
import pyarrow.parquet as pq
import pytest

from soleus.batch.arrow_items import items_table, process_batches
from soleus.batch.conclude import judge
from soleus.batch.dataset import Dataset
from soleus.batch.discover import discover
from soleus.batch.errors import BatchError
from soleus.batch.item import Item, Settings
from soleus.batch.manifest import read_manifest, read_runners
from soleus.batch.places import Place, run_of
from soleus.batch.plan import Request
from soleus.batch.process import find_steps, process
from soleus.batch.run import run_batch
from soleus.model import Foot, PainTold, Steps, Warnings
from soleus.pipeline import Pipeline
from soleus.rules import load_presets


def names(paths, **options):
    return sorted(
        "+".join(place.name for place in found.places) for found in discover([str(p) for p in paths], **options)
    )


def test_a_tree(season):
    assert names([season]) == sorted(
        [f"run{i}" for i in range(7)]
        + ["undated", "nobody", "unfinished", "track-left.csv+track-right.csv", "alone-left.csv", "both.parquet"]
    )


@pytest.mark.parametrize(
    ("pattern", "found"),
    [
        ("day0", ["run0", "run1", "run2"]),
        ("day*", [f"run{i}" for i in range(7)]),
        ("day?/run[13]", ["run1", "run3"]),
        ("**/run0", ["run0"]),
        ("**/*.csv", ["alone-left.csv", "track-left.csv+track-right.csv"]),
        ("csv/track*", ["track-left.csv+track-right.csv"]),
        ("csv/track-right.csv", ["track-right.csv"]),
        ("**/imu.parquet", [*(f"run{i}" for i in range(7)), "undated", "nobody"]),
        ("unfinished/journal-*.arrows", ["unfinished"]),
        ("day0/run0/session.json", ["run0"]),
    ],
)
def test_patterns(season, pattern, found):
    assert names([season / pattern]) == sorted(found)
    if "?" not in pattern:  # that begins the options of a URI
        assert names([f"file://{season}/{pattern}"]) == sorted(found)


def test_each_once_and_results_never(season, tmp_path, lab):
    out = season / "out"
    run_batch(Request((str(season / "day0"),), str(out), engine="inline"))
    (season / "csv" / "alone-left.soleus").mkdir()
    (season / "csv" / "alone-left.soleus" / "session.json").write_text("{}")
    (season / "csv" / "alone-left.soleus" / "steps.parquet").write_bytes(b"x")
    (season / ".hidden").mkdir()
    (season / ".hidden" / "x-left.csv").write_text("x")
    assert len(names([season, season / "day0", f"{season}/day1/", season / "day0" / ".." / "day0"])) == lab.sessions
    assert len(names([season], leave_out=[Place.parse(str(season / "csv"))])) == lab.sessions - 2


def test_links_that_go_round_and_names_that_are_no_text(season, tmp_path, lab):
    (season / "day0" / "round").symlink_to("..")
    (season / "to-nowhere-left.csv").symlink_to("nowhere")
    os.mkfifo(season / "pipe-left.csv")
    with open(os.fsencode(season) + b"/\xff-left.csv", "w") as file:  # noqa: PTH123 - no Path holds this name
        file.write("t,ax\n")
    report = run_batch(Request((str(season),), str(tmp_path / "out"), engine="inline"))
    assert report.analysed == lab.sessions
    assert [path.rpartition("/")[2] for path, _ in report.failed] == ["\ufffd-left.csv"]


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may enter every folder")
def test_a_folder_that_may_not_be_entered_is_named(season, tmp_path, lab):
    (season / "day1" / "run3").chmod(0)
    try:
        report = run_batch(Request((str(season),), str(tmp_path / "out"), engine="inline"))
    finally:
        (season / "day1" / "run3").chmod(0o755)
    assert report.analysed == lab.sessions - 1
    assert [path.rpartition("/")[2] for path, _ in report.failed] == ["run3"]


def test_a_name_with_brackets_is_a_name_first(season):
    (season / "day0").rename(season / "day[0]")
    assert names([season / "day[0]"]) == ["run0", "run1", "run2"]


def test_addresses_come_back_and_keys_are_not_shown():
    place = Place.parse("s3://KEY:SECRET@bucket/a%20b/c?region=eu-north-1&scheme=http")
    assert place.path == "bucket/a b/c"
    below = place / "run 1"
    assert below.shown == "s3://bucket/a b/c/run 1"
    again = Place.parse(below.address)
    assert (again.path, again.shown, again.fs) == (below.path, below.shown, below.fs)
    assert Place.parse("file:///a%20b/c").shown == "/a b/c"


def test_a_file_is_written_whole_or_not_at_all(tmp_path):
    place = Place.parse(str(tmp_path)) / "deep" / "file"
    place.write(b"one")
    place.write(b"two")
    assert place.read(10) == b"two"
    assert [p.name for p in (tmp_path / "deep").iterdir()] == ["file"]
    with pytest.raises(BatchError, match="more than the 2"):
        place.read(2)
    (tmp_path / "a-file").write_bytes(b"")
    with pytest.raises(BatchError, match="cannot write"):
        (Place.parse(str(tmp_path)) / "a-file" / "below").write(b"x")
    assert run_of(".x.a1.00000000.tmp") == "a1"
    assert run_of("x.parquet") is None


@pytest.mark.parametrize("kind", ["mock", "subtree", "subtree of a store"])
def test_other_file_systems(kind, season, tmp_path):
    """The dataset goes wherever pyarrow reaches."""
    fs = {
        "mock": pafs._MockFileSystem(),
        "subtree": pafs.SubTreeFileSystem(str(tmp_path), pafs.LocalFileSystem()),
        "subtree of a store": pafs.SubTreeFileSystem("root", pafs._MockFileSystem()),
    }[kind]
    dataset = Dataset(Place(fs, "out", "mock://"), "r")
    item = Item(key="0" * 32, source="run0", addresses=(str(season / "day0" / "run0"),), fingerprint="", runner="Ada")
    settings = Settings(out="mock://out", run="r", gait_key="g", rules_key="r")
    record = process(item, settings, dataset)
    _, steps = find_steps(item, settings)
    assert Steps.from_arrow(dataset.read_table("steps", record, record.input_key)) == steps
    records, _ = dataset.records()
    assert [each.key for each in records] == [item.key]
    assert [path.rpartition("/")[2] for path in dataset.files()] == [f"{item.key}.parquet"]
    with pytest.raises(BatchError, match="rests on another"):
        dataset.read_table("steps", record, "other")
    dataset.discard(record)
    assert dataset.place.below() == []


def test_what_lies_elsewhere_is_copied_while_it_is_read(season):
    """An S3-compatible store is another place in the same way; this one needs no server."""
    mock = pafs._MockFileSystem()
    mock.create_dir("bucket/run0")
    for file in (season / "day0" / "run0").iterdir():
        with mock.open_output_stream(f"bucket/run0/{file.name}") as stream:
            stream.write(file.read_bytes())
    from soleus.batch.staging import _copied

    place = Place(mock, "bucket/run0", "mock://")
    folder = season.parent / "copy"
    assert _copied(place, ("imu.parquet", "session.json"), folder) == folder
    assert (folder / "imu.parquet").read_bytes() == (season / "day0" / "run0" / "imu.parquet").read_bytes()


def test_pain_that_was_told_is_repeated(motion):
    pain = PainTold(12.0, 6.0, after_steps=10)
    late = PainTold(29.0, 2.0, after_steps=10_000)
    pipeline = Pipeline([t.info for t in motion.pods], happened=[pain, late])
    begun = pipeline.push()
    said = [begun, pipeline.push([t.samples for t in motion.pods]), pipeline.finish()]
    steps = Steps.concat([steps for steps, _ in said])
    expected = Warnings.concat([warnings for _, warnings in said])
    assert "pain-stop" in expected["rule"].tolist()
    assert judge(steps, motion.runner, load_presets(), None, (pain, late)) == expected


def test_arrow_batches_as_of_spark(season, tmp_path, lab):
    out, expected = tmp_path / "out", tmp_path / "expected"
    (season / "csv" / "bad-left.csv").write_text("t,ax\n")
    request = Request((str(season),), str(out), engine="inline")
    table, settings = items_table(request)
    assert len(table) == lab.sessions + 1
    rows = [row for batch in process_batches(iter(table.to_batches(4)), settings) for row in batch.to_pylist()]
    assert len(rows) == lab.sessions + 1
    assert [row["kind"] for row in rows if row["reason"]] == ["unreadable"]
    report = run_batch(request)
    assert (report.analysed, report.up_to_date) == (0, lab.sessions)
    run_batch(Request((str(season),), str(expected), engine="inline"))
    lab.assert_same_rows(expected, out)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("file,runner\nx,Ada\n", "the column 'path' is missing"),
        ("path,shoes\nx,3\n", "unknown column 'shoes'"),
        ("path,height_m\nx,tall\n", "row 2: column 'height_m'"),
        ("path,height_m\nx,1.7\ny,17\n", "row 3: column 'height_m'"),
        ("path,foot\nx,both\n", "row 2: column 'foot'"),
        ("path,date\nx,May\n", "row 2: column 'date': 'May' is no date"),
        ("path,belt_speed\nx,12\n", "row 2: speed '12'"),
        ("path,grade\nx,1%\n", "row 2: column 'grade'"),
        ("path,runner\nx,Ada\n./x,Bo\n", "row 3: './x' stands in row 2 already"),
        ("path,runner\n,Ada\n", "row 2: 'path' is empty"),
        ("", "not a readable table"),
    ],
)
def test_a_wrong_manifest_names_row_and_column(tmp_path, text, said):
    file = tmp_path / "season.csv"
    file.write_text(text)
    with pytest.raises(BatchError) as caught:
        read_manifest(Place.parse(str(file)))
    assert said in str(caught.value)
    assert str(file) in str(caught.value)


def test_a_manifest_as_parquet(tmp_path):
    columns = {
        "path": ["a/../run1.csv", "file:///a%20b/run2", "/data/run3"],
        "date": pa.array([date(2025, 5, 3), None, None]),
        "height_m": [1.7, None, None],
        "foot": [None, "left", None],
    }
    pq.write_table(pa.table(columns), tmp_path / "m.parquet")
    rows = read_manifest(Place.parse(str(tmp_path / "m.parquet")))
    assert [places[0].shown for places, _ in rows] == [f"{tmp_path}/run1.csv", "/a b/run2", "/data/run3"]
    assert (rows[0][1].only_day, rows[0][1].measures, rows[1][1].foot) == (True, {"height_m": 1.7}, "left")


def test_runners_table(tmp_path, season):
    file = tmp_path / "runners.csv"
    file.write_text("name,height_m,mass_kg\nAda,1.66,57\nEve,1.7,\n")
    assert read_runners(Place.parse(str(file)))["Ada"].mass_kg == 57
    out = tmp_path / "out"
    run_batch(Request((str(season / "day0"),), str(out), runners=str(file), engine="inline"))
    records, _ = Dataset(Place.parse(str(out))).records()
    assert {record.runner.name: record.runner.height_m for record in records}["Ada"] == 1.66
    file.write_text("name,height_m\nAda,1.66\nAda,1.7\n")
    with pytest.raises(BatchError, match="stands there twice"):
        read_runners(Place.parse(str(file)))


def test_the_foot_of_a_manifest(season, tmp_path):
    manifest = season / "m.csv"
    manifest.write_text("path,foot\ntables/both.parquet,right\n")
    out = tmp_path / "out"
    run_batch(Request((), str(out), manifest=str(manifest), engine="inline"))
    row = pq.read_table(out / "summary.parquet").to_pylist()[0]
    assert row["feet"] == Foot.RIGHT.label
