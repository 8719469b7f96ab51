"""What a batch finds, writes, and does again."""

from __future__ import annotations

import json
import shutil
from datetime import UTC, datetime

import msgspec
import numpy as np
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from soleus.batch import analyze
from soleus.batch.dataset import open_dataset
from soleus.batch.plan import Request
from soleus.batch.run import run_batch
from soleus.cli import main
from soleus.model import Steps, Warnings
from soleus.recording import open_recording, read_session_record, write_session_record


def batch(season, out, **options):
    return run_batch(Request((str(season),), str(out), engine="inline", **options))


@pytest.fixture(scope="module")
def done(whole_season, tmp_path_factory, lab):
    """The dataset of the whole season, not to be changed."""
    out = tmp_path_factory.mktemp("done") / "out"
    report = batch(whole_season, out)
    assert (report.found, report.analysed, report.failed) == (lab.sessions, lab.sessions, [])
    return out


def summary_of(out):
    return {row["source"].rpartition("/")[2]: row for row in pq.read_table(out / "summary.parquet").to_pylist()}


def test_every_kind_of_recording_is_there(done, lab):
    summary = summary_of(done)
    assert len(summary) == lab.sessions
    assert {"run0", "undated", "nobody", "unfinished", "track-right.csv", "alone-left.csv", "both.parquet"} <= set(
        summary
    )
    assert all(row["steps"] > 30 for row in summary.values())
    assert summary["track-right.csv"]["feet"] == "left,right"
    assert summary["alone-left.csv"]["feet"] == "left"


def test_steps_are_those_of_a_single_analysis(done, whole_season, lab):
    with open_recording(whole_season / "day0" / "run1") as reader:
        alone = analyze(reader).step_rows
    key = summary_of(done)["run1"]["session"]
    table = open_dataset(str(done)).to_table(filter=pc.field("session") == key)
    assert Steps.from_arrow(table) == alone
    assert table.column("runner").unique().to_pylist() == [lab.runners[1]]
    assert table.column("date").unique().to_pylist() == [lab.start.date()]


def test_warnings_are_those_of_a_single_analysis(done, whole_season, lab):
    """The first session of a runner has no history to compare with: an empty log says the same."""
    from soleus.history import summarize

    with open_recording(whole_season / "day0" / "run1") as reader:
        alone = analyze(reader, history=summarize([], [], lab.start, reader.runner)).warning_rows
    key = summary_of(done)["run1"]["session"]
    table = open_dataset(str(done), "warnings").to_table(filter=pc.field("session") == key)
    assert Warnings.from_arrow(table) == alone


def test_history_is_the_runners_own_earlier_sessions(done):
    summary = summary_of(done)
    assert [(summary[f"run{i}"]["history"], summary[f"run{i}"]["history_sessions"]) for i in (0, 3, 6)] == [
        ("first", 0), ("used", 1), ("used", 2),
    ]  # fmt: skip
    assert summary["unfinished"]["history_sessions"] == 3
    assert summary["undated"]["history"] == "no date"
    assert summary["undated"]["start"] is None
    assert summary["nobody"]["history"] == "no runner"


def test_partitions_of_what_is_not_known_read_as_null(done, lab):
    table = open_dataset(str(done)).to_table(columns=["runner", "date"])
    assert table.column("runner").null_count > 0
    assert table.column("date").null_count > 0
    assert set(table.column("runner").unique().to_pylist()) == {*lab.runners, None}


def test_a_second_run_does_nothing(done, whole_season, lab):
    before = {path: path.stat().st_mtime_ns for path in done.rglob("*") if path.is_file() and "_items" in path.parts}
    report = batch(whole_season, done)
    assert (report.analysed, report.concluded, report.up_to_date) == (0, 0, lab.sessions)
    assert before == {path: path.stat().st_mtime_ns for path in before}


def test_force_does_everything(season, tmp_path, done):
    out = tmp_path / "out"
    batch(season / "day0", out)
    assert (batch(season / "day0", out).analysed, batch(season / "day0", out, force=True).analysed) == (0, 3)


def test_a_changed_recording_is_done_again_and_those_after_it_judged_again(season, tmp_path, motion, lab):
    out = tmp_path / "out"
    batch(season, out)
    shutil.rmtree(season / "day1" / "run3")
    lab.session_of(motion, season / "day1" / "run3", lab.runners[0], lab.start.replace(hour=9))
    report = batch(season, out)
    assert report.analysed == 1
    # run3 itself, and of the same runner run6 and the unfinished one; run0 came before.
    assert report.concluded == 3
    fresh = tmp_path / "fresh"
    batch(season, fresh)
    lab.assert_same_rows(fresh, out)


def test_a_session_that_comes_late_changes_the_history_of_those_after_it(season, tmp_path, motion, lab):
    out = tmp_path / "out"
    batch(season, out)
    lab.session_of(motion, season / "late", lab.runners[1], lab.start.replace(hour=20))
    report = batch(season, out)
    assert (report.analysed, report.concluded) == (1, 2)
    fresh = tmp_path / "fresh"
    batch(season, fresh)
    lab.assert_same_rows(fresh, out)


def test_a_renamed_runner_leaves_nothing_behind(season, tmp_path, lab):
    out = tmp_path / "out"
    batch(season, out)
    folder = season / "day0" / "run0"
    record = read_session_record(folder)
    (folder / "session.json").unlink()  # a link: the others must keep theirs
    write_session_record(
        msgspec.structs.replace(record, runner=msgspec.structs.replace(record.runner, name="Zoë")), folder
    )
    assert batch(season, out).analysed == 1
    fresh = tmp_path / "fresh"
    batch(season, fresh)
    lab.assert_same_rows(fresh, out)


def test_analysing_a_session_in_place_is_no_change(season, tmp_path, capsys):
    out = tmp_path / "out"
    batch(season / "day0", out)
    folder = season / "day0" / "run0"
    (folder / "session.json").write_bytes(b"".join([(folder / "session.json").read_bytes()]))
    assert main(["analyze", str(folder), "--no-history"]) == 0
    assert batch(season / "day0", out).analysed == 0


def test_other_rules_leave_the_steps_alone(season, tmp_path):
    out = tmp_path / "out"
    batch(season / "day0", out)
    rule = tmp_path / "mine.toml"
    rule.write_text(
        '[[rule]]\nname = "any"\ntitle = "Any contact"\nscope = "window"\nsignal = "both(median(contact_time, 10*s))"\n'
        'above = "90 ms"\nseverity = "caution"\nmessage = "Contact {value}."\nreference = "Test"\nmin_quality = 0\n'
    )
    report = batch(season / "day0", out, rules=(rule,))
    assert (report.analysed, report.concluded) == (0, 3)
    assert all(row["warnings_caution"] >= 1 for row in summary_of(out).values())


def test_a_removed_table_is_written_again(season, tmp_path, lab):
    out = tmp_path / "out"
    batch(season / "day0", out)
    before = lab.rows_of(out)
    next((out / "steps").rglob("*.parquet")).unlink()
    next((out / "warnings").rglob("*.parquet")).unlink()
    batch(season / "day0", out)
    assert {name: table.num_rows for name, table in lab.rows_of(out).items()} == {
        name: table.num_rows for name, table in before.items()
    }


def test_one_runners_file_for_all(season, tmp_path):
    runner = tmp_path / "runner.toml"
    runner.write_text('name = "Eve"\nheight_m = 1.62\nmass_kg = 55\n')
    batch(season / "csv", tmp_path / "out", runner=runner)
    rows = summary_of(tmp_path / "out")
    assert {row["runner"] for row in rows.values()} == {"Eve"}
    assert all(row["leg_stiffness_kn_per_m"] is not None for row in rows.values())


def test_reports_are_linked_from_the_overview(season, tmp_path):
    out = tmp_path / "out"
    batch(season / "day0" / "run0", out, reports=True)
    row = summary_of(out)["run0"]
    assert (out / row["report"]).read_text().startswith("<!")
    assert f'href="{row["report"]}"' in (out / "overview.html").read_text()


def test_the_overview_is_safe_and_says_what_it_shows(done, lab):
    page = (done / "overview.html").read_text()
    assert "Çelik &lt;b&gt;" in page
    assert "<b>" not in page
    assert "<script" not in page
    assert f"{lab.sessions} sessions" in page
    assert page.count("<svg") >= 10


# --- what goes wrong -------------------------------------------------------------------------------------------------


def spoil(season):
    """Damage of many kinds; gives the damaged recordings by the end of their path."""

    def truncated(path):
        data = path.read_bytes()
        path.unlink()
        path.write_bytes(data[: len(data) // 2])

    def flipped(path):
        data = bytearray(path.read_bytes())
        path.unlink()
        data[len(data) // 3 : len(data) // 3 + 400] = bytes(400)
        path.write_bytes(bytes(data))

    truncated(season / "day0" / "run0" / "imu.parquet")
    flipped(season / "day0" / "run1" / "imu.parquet")
    (season / "day0" / "run2" / "session.json").unlink()
    (season / "day1" / "run3" / "imu.parquet").unlink()
    (season / "day1" / "run4" / "session.json").unlink()
    (season / "day1" / "run4" / "session.json").write_text('{"schema": "soleus.session", "pods": 7')
    (season / "csv" / "empty-left.csv").write_bytes(b"")
    (season / "csv" / "words-left.csv").write_text("t,ax,ay,az,gx,gy,gz\n" + "a,b,c,d,e,f,g\n" * 9)
    (season / "csv" / "other.csv").write_text("name,score\nx,1\n")
    (season / "tables" / "noise.parquet").write_bytes(np.random.default_rng(1).bytes(5000))
    for segment in (season / "unfinished").iterdir():
        segment.unlink()
        segment.write_bytes(b"\xff" * 300)
    return {
        "run0", "run1", "run2", "run3", "run4", "empty-left.csv", "words-left.csv", "other.csv", "noise.parquet",
        "unfinished",
    }  # fmt: skip


def test_each_damaged_recording_is_named_and_the_rest_complete(season, tmp_path, whole_season, done, lab):
    bad = spoil(season)
    out = tmp_path / "out"
    report = batch(season, out)
    assert {path.rpartition("/")[2] for path, _ in report.failed} == bad
    assert report.analysed == lab.sessions + 4 - len(bad)
    rows = pq.read_table(out / "failures.parquet").to_pylist()
    assert {row["path"].rpartition("/")[2] for row in rows} == bad
    assert {row["kind"] for row in rows} == {"unreadable"}
    assert all(len(row["reason"]) > 20 and "\n" not in row["reason"] for row in rows)
    # The sound ones are as they were among sound ones.
    good, now = summary_of(done), summary_of(out)
    assert {name for name in good if name not in bad} == set(now)
    assert all(now[name]["cadence_spm"] == good[name]["cadence_spm"] for name in now)
    assert not list(out.rglob("*.tmp"))


def test_a_mended_recording_is_taken_in_and_a_spoilt_one_out(season, tmp_path, whole_season, lab):
    out, fresh = tmp_path / "out", tmp_path / "fresh"
    spoil(season)
    batch(season, out)
    shutil.rmtree(season)
    shutil.copytree(whole_season, season)
    batch(season, out)
    spoil(season)
    batch(season, out)
    batch(season, fresh)
    lab.assert_same_rows(fresh, out)


def test_a_full_place_stops_with_one_sentence(season, tmp_path, capsys):
    out = tmp_path / "out"
    out.mkdir()
    (out / "steps").write_text("a file where the folder should be")
    assert main(["batch", str(season / "day0"), "--out", str(out), "--jobs", "1"]) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert "steps" in error


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["batch", "--out", "o"], "nothing to do"),
        (["batch", "nowhere", "--out", "o"], "nowhere: it does not exist"),
        (["batch", ".", "--out", "o"], "no recording there"),
        (["batch", "*.csv", "--out", "o"], "no recording there"),
        (["batch", "x", "--out", "o", "--shard", "3/3"], "--shard 3/3"),
        (["batch", "x", "--out", "o", "--shard", "one"], "not understood"),
        (["batch", "x", "--out", "o", "--address", "auto"], "--engine ray"),
        (["batch", "x", "--out", "o", "--merge"], "--merge needs --out only"),
        (["batch", "--merge", "--out", "o"], "no session there"),
        (["batch", "s9://b/x", "--out", "o"], "not understood"),
        (["batch", "x", "--out", "o", "--jobs", "0"], "jobs"),
        (["batch", ".", "--out", "o", "--runner", "none.toml"], "none.toml"),
        (["batch", ".", "--out", "o", "--rules", "none.toml"], "none.toml"),
        (["batch", "--manifest", "none.csv", "--out", "o"], "none.csv"),
    ],
)  # fmt: skip
def test_wrong_usage_is_one_sentence(words, said, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(words) == 2
    error = capsys.readouterr().err
    assert said in error
    assert error.count("\n") == 1


@pytest.mark.parametrize("words", [["nowhere", "--out", "a/b"], ["--merge", "--out", "a/b"]])
def test_a_refused_run_leaves_no_folders(words, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main(["batch", *words]) == 2
    assert list(tmp_path.iterdir()) == []


def test_recordings_within_the_output_are_named_as_such(season, capsys):
    day = season / "day0"
    before = sorted(day.iterdir())
    assert main(["batch", str(day), "--out", str(day)]) == 2
    assert "lies in --out" in capsys.readouterr().err
    assert sorted(day.iterdir()) == before


def test_of_few_sessions_none_is_said_to_stand_out(season, tmp_path, capsys):
    out = tmp_path / "out"
    assert main(["batch", str(season / "day0"), "--out", str(out), "--jobs", "1"]) == 0
    page = (out / "overview.html").read_text()
    assert "3 sessions: median" in page
    assert "too few to say which stand out" in page
    assert "Sessions that stand out" not in page
    assert main(["batch", str(season / "day0" / "run0"), "--out", str(tmp_path / "one"), "--jobs", "1"]) == 0
    assert "1 recording: 1 analysed" in capsys.readouterr().out
    page = (tmp_path / "one" / "overview.html").read_text()
    assert "<h1>1 session</h1>" in page
    assert "1 runner, " in page


def test_exit_codes_and_json(season, tmp_path, capsys):
    out = str(tmp_path / "out")
    assert main(["batch", str(season / "day0"), "--out", out, "--jobs", "1", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["found"], told["analysed"], told["sessions"], told["failed"]) == (3, 3, 3, [])
    (season / "day0" / "bad-left.csv").write_text("")
    assert main(["batch", str(season / "day0"), "--out", out, "--jobs", "1"]) == 1
    text = capsys.readouterr().out
    assert "4 recordings: 0 analysed" in text
    assert "bad-left.csv" in text


def test_start_and_day_of_a_manifest(season, tmp_path, lab):
    manifest = season / "season.csv"
    manifest.write_text(
        "path,right_path,runner,date,belt_speed,grade,height_m\n"
        "csv/track-left.csv,csv/track-right.csv,Ada,2025-05-03,12 km/h,1%,1.80\n"
        "csv/alone-left.csv,,Ada,2025-05-03T18:30+02:00,,,\n"
        "day0/run0,,,,,,\n"
        "gone.csv,,Ada,,,,\n"
    )
    out = tmp_path / "out"
    report = run_batch(Request((), str(out), manifest=str(manifest), engine="inline"))
    assert [path.rpartition("/")[2] for path, _ in report.failed] == ["gone.csv"]
    rows = summary_of(out)
    assert set(rows) == {"track-right.csv", "alone-left.csv", "run0"}
    assert rows["track-right.csv"]["only_day"]
    assert rows["track-right.csv"]["start"] == datetime(2025, 5, 3, 12, tzinfo=UTC)
    assert rows["track-right.csv"]["speed_mps"] == pytest.approx(12 / 3.6)
    assert rows["alone-left.csv"]["start"] == datetime(2025, 5, 3, 16, 30, tzinfo=UTC)
    assert rows["run0"]["runner"] == lab.runners[0]
    assert rows["alone-left.csv"]["history"] == "used"
