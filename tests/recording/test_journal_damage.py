"""Whatever happens to a journal: each whole batch comes back, each damage is named, and nothing is lost twice."""

from __future__ import annotations

import shutil
import zlib
from pathlib import Path

import msgspec
import numpy as np
import pyarrow as pa
import pytest

from soleus.model import Foot, PodInfo, PodSamples
from soleus.recording import JournalFacts, RecordingError, read, read_journal, read_session, recover
from soleus.recording.journal_format import (
    END,
    END_OF_STREAM,
    NO_VALUES,
    SAMPLES,
    SCHEMA,
    EndRecord,
    Row,
    SegmentHeader,
    checksum,
    encode_rows,
    segment_start,
    text_row,
)
from soleus.recording.limits import Limits

FACTS = JournalFacts(pods=tuple(PodInfo(foot, 0.005, 0.001) for foot in Foot))
BATCHES, PIECES, SIZE = 6, 4, 20
"""Batches of a segment, pieces of a batch (half of them of each foot), samples of a piece."""


def samples_row(number: int) -> Row:
    rng = np.random.default_rng(number)
    foot, of_foot = number % 2, number // 2
    time_s = (of_foot * SIZE + np.arange(SIZE)) / 400
    # Many -1: they look like the marks between batches.
    counts = rng.choice(np.array([-1, -1, -1, 7, -32768], np.int16), (6, SIZE))
    return Row(number, SAMPLES, foot, of_foot * SIZE, time_s, counts, NO_VALUES, "")


class Made:
    """A journal of three segments with known places of its batches."""

    def __init__(self, folder: Path, *, stopped: bool = True, session: str = "cafe") -> None:
        self.folder = folder
        folder.mkdir()
        self.places: dict[str, list[tuple[int, int, list[int]]]] = {}
        number = 0
        for segment in range(3):
            name = f"journal-{segment:04d}.arrows"
            data = segment_start(SegmentHeader(session=session, segment=segment, facts=FACTS))
            places = []
            for _ in range(BATCHES):
                rows = [samples_row(n) for n in range(number, number + PIECES)]
                number += PIECES
                message = encode_rows(rows)
                places.append((len(data), len(data) + len(message), [row.piece for row in rows]))
                data += message
            self.places[name] = places
            if stopped and segment == 2:
                half = number // 2 * SIZE
                end = EndRecord(pieces=number, samples={"left": half, "right": half})
                data += encode_rows([text_row(number, END, msgspec.json.encode(end).decode())])
            (folder / name).write_bytes(data + (END_OF_STREAM if stopped else b""))
        self.pieces = number


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> Made:
    return Made(tmp_path_factory.mktemp("made") / "whole")


@pytest.fixture
def copy(made, tmp_path) -> Path:
    return shutil.copytree(made.folder, tmp_path / "run")


def check(made: Made, folder: Path, name: str, damaged: bytes) -> int:
    """Every batch whose bytes are as they were is there; every other is there bit for bit, or named. Give the lost."""
    whole = (made.folder / name).read_bytes()
    (folder / name).write_bytes(damaged)
    records = read_journal([folder])
    # The row that ends the journal is no piece.
    found = dict(zip(records.index.piece.tolist(), records.pieces(), strict=False))
    lost = []
    for segment, places in made.places.items():
        for start, end, pieces in places:
            here = [number in found for number in pieces]
            if segment != name or damaged[start:end] == whole[start:end]:
                assert all(here), (segment, start)
            elif not all(here):
                assert not any(here), "half a batch"
                assert any(
                    d.segment == segment
                    and d.offset_bytes < max(end, start + 1)
                    and d.offset_bytes + max(d.size_bytes, 1) > min(start, len(damaged) - 1)
                    for d in records.damages
                ) or start >= len(damaged), (start, records.damages)
                lost += pieces
    for number, piece in found.items():
        row = samples_row(number)
        assert isinstance(piece, PodSamples)
        assert piece.time_s.tobytes() == row.time_s.tobytes()
        assert piece.counts.tobytes() == row.counts.tobytes()
    if records.end is not None:
        for foot in Foot:
            told = sum(gap.samples for gap in records.lost(foot))
            assert told == sum(SIZE for n in lost if n % 2 == foot)
        assert records.lost_pieces() == len(lost)
    return len(lost)


@pytest.mark.parametrize("name", ["journal-0000.arrows", "journal-0001.arrows", "journal-0002.arrows"])
def test_truncated_anywhere(made, copy, name):
    """100 places in the last segment, where it happens, and 50 in each other."""
    whole = (made.folder / name).read_bytes()
    rng = np.random.default_rng(1)
    for end in rng.integers(0, len(whole), 100 if name.endswith("2.arrows") else 50).tolist():
        check(made, copy, name, whole[:end])


def test_flipped_bits_anywhere(made, copy):
    """Two hundred places, a fifth of them with several bits."""
    rng = np.random.default_rng(2)
    lost = 0
    for i in range(200):
        name = f"journal-{i % 3:04d}.arrows"
        data = bytearray((made.folder / name).read_bytes())
        for place in rng.integers(0, len(data), 5 if i % 5 == 0 else 1).tolist():
            data[place] ^= 1 << int(rng.integers(8))
        lost += check(made, copy, name, bytes(data))
        shutil.copy(made.folder / name, copy / name)
    assert lost > 300, "flips hit nothing"


@pytest.mark.slow
def test_flipped_bits_everywhere(made, copy):
    """Every fifth byte of a segment, so that every field of the framing is met in some batch."""
    name = "journal-0001.arrows"
    whole = (made.folder / name).read_bytes()
    for place in range(0, len(whole), 5):
        data = bytearray(whole)
        data[place] ^= 1 << place % 8
        check(made, copy, name, bytes(data))


def test_holes_zeros_and_rubbish(made, copy):
    """What a failing disk leaves: a page of zeros or of noise, and a piece cut out."""
    rng = np.random.default_rng(3)
    name = "journal-0001.arrows"
    whole = (made.folder / name).read_bytes()
    for start in range(0, len(whole) - 4096, 4096):
        for filling in (bytes(4096), rng.bytes(4096), b"\xff" * 4096):
            check(made, copy, name, whole[:start] + filling + whole[start + 4096 :])
    places = made.places[name]
    check(made, copy, name, whole + bytes(10_000))
    (copy / name).write_bytes(whole[: places[2][0]] + whole[places[3][0] :])
    records = read_journal([copy])
    assert [(gap.samples, gap.after_s, gap.until_s) for gap in records.lost(Foot.LEFT)] == [
        (2 * SIZE, (16 * SIZE - 1) / 400, 18 * SIZE / 400)
    ]


def test_recovered_sessions_after_damage(made, tmp_path):
    """The whole way, for forty of such journals: the session can be read, and a second time changes nothing."""
    rng = np.random.default_rng(4)
    for i in range(40):
        folder = shutil.copytree(made.folder, tmp_path / f"run-{i}")
        name = f"journal-{i % 3:04d}.arrows"
        data = bytearray((folder / name).read_bytes())
        if i % 2:
            del data[int(rng.integers(3000, len(data))) :]
        else:
            data[int(rng.integers(3000, len(data)))] ^= 4
        (folder / name).write_bytes(data)
        wanted = read(folder)
        report = recover(folder)
        got = read_session(folder)
        for a, b in zip(wanted.pods, got.pods, strict=True):
            assert a.samples.time_s.tobytes() == b.samples.time_s.tobytes()
            assert np.array_equal(a.samples.counts, b.samples.counts)
        for pod in report.pods:
            assert pod.samples + (pod.lost_samples if report.stopped else 0) <= made.pieces // 2 * SIZE
            if report.stopped:
                assert pod.samples + pod.lost_samples == made.pieces // 2 * SIZE
        assert not list(folder.glob("journal-*"))
        assert {p.name for p in folder.glob("damaged-*")} == set(report.kept)
        before = {p.name: p.read_bytes() for p in folder.iterdir()}
        again = recover(folder)
        assert again == msgspec.structs.replace(report, outcome="whole")
        assert {p.name: p.read_bytes() for p in folder.iterdir()} == before


def test_a_corrupt_batch_is_named_and_its_segment_kept(made, copy):
    start, end, _ = made.places["journal-0001.arrows"][2]
    path = copy / "journal-0001.arrows"
    data = bytearray(path.read_bytes())
    data[end - 100] ^= 1
    path.write_bytes(data)
    report = recover(copy)
    (damage,) = report.damages
    assert (damage.offset_bytes, damage.size_bytes, damage.reason) == (start, end - start, "checksum")
    assert "journal-0001.arrows: a batch does not match its checksum at byte" in " ".join(report.losses)
    assert "left foot: 40 samples are missing (0.10 s in gaps)" in report.losses
    assert report.lost_pieces == PIECES
    assert not report.complete
    assert (copy / "damaged-journal-0001.arrows").read_bytes() == bytes(data)
    assert any("left foot: 40 samples are missing" in note for note in read(copy).notes)


@pytest.mark.parametrize("missing", [0, 1, 2])
def test_missing_segment(made, copy, missing):
    (copy / f"journal-{missing:04d}.arrows").unlink()
    report = recover(copy)
    left = report.pods[0]
    per_segment = BATCHES * PIECES // 2 * SIZE
    assert left.samples == 2 * per_segment
    if missing < 2:
        assert report.missing_segments == (f"journal-{missing:04d}.arrows",)
        assert left.lost_samples == per_segment
        assert not report.complete
    else:
        assert not report.stopped, "that the last is missing cannot be known"
        assert "broke off" in report.losses[-1]


def test_both_heads_of_a_segment_may_be_gone_if_another_has_one(made, copy):
    path = copy / "journal-0001.arrows"
    data = bytearray(path.read_bytes())
    start = made.places[path.name][0][0]
    data[:start] = bytes(start)
    path.write_bytes(data)
    report = recover(copy)
    assert report.complete
    assert [d.reason for d in report.damages] == ["unreadable"]


def test_no_head_at_all_is_an_error_and_changes_nothing(made, copy):
    for path in copy.iterdir():
        path.write_bytes(path.read_bytes()[:500])
    before = {p.name: p.read_bytes() for p in copy.iterdir()}
    with pytest.raises(RecordingError, match="nothing can be recovered"):
        recover(copy)
    assert {p.name: p.read_bytes() for p in copy.iterdir()} == before


def finished(made: Made, tmp_path: Path) -> Path:
    folder = shutil.copytree(made.folder, tmp_path / "finished")
    recover(folder)
    return folder


@pytest.mark.parametrize("left", [(0, 1, 2), (1, 2), (2,)])
def test_killed_while_the_journal_was_removed(made, tmp_path, left):
    """The session is whole, the journal still there or partly."""
    folder = finished(made, tmp_path)
    before = {p.name: p.read_bytes() for p in folder.iterdir()}
    for number in left:
        shutil.copy(made.folder / f"journal-{number:04d}.arrows", folder)
    assert len(read(folder).pods[0].samples) == made.pieces // 2 * SIZE
    report = recover(folder)
    assert report.outcome == "whole"
    assert {p.name: p.read_bytes() for p in folder.iterdir()} == before


def test_killed_before_the_session_was_written_whole(made, copy, tmp_path):
    """imu.parquet is in place, session.json is not; half-written files lie about."""
    whole = finished(made, tmp_path)
    shutil.copy(whole / "imu.parquet", copy)
    (copy / ".session.json.0123abcd.tmp").write_text('{"schema": "sol')
    (copy / ".imu.parquet.89abcdef.tmp").write_bytes(b"PAR1")
    (copy / ".notes.tmp").write_text("mine")
    assert read(copy).pods[0].samples.time_s.tobytes() == read(whole).pods[0].samples.time_s.tobytes()
    assert recover(copy).outcome == "rebuilt"
    assert {p.name for p in copy.iterdir()} == {".notes.tmp", "imu.parquet", "session.json"}
    assert len(read_session(copy).pods[0].samples) == made.pieces // 2 * SIZE


@pytest.mark.parametrize("file", ["imu.parquet", "session.json"])
def test_a_damaged_session_is_made_anew_while_there_is_a_journal(made, copy, tmp_path, file):
    whole = finished(made, tmp_path)
    for path in whole.iterdir():
        shutil.copy(path, copy)
    data = (copy / file).read_bytes()
    (copy / file).write_bytes(data[: len(data) // 2])
    assert recover(copy).outcome == "rebuilt"
    assert len(read_session(copy).pods[0].samples) == made.pieces // 2 * SIZE


def test_a_session_with_less_than_the_journal_is_made_anew(made, copy, tmp_path):
    for path in copy.glob("journal-000[12]*"):
        path.rename(tmp_path / path.name)
    recover(copy)
    for path in made.folder.iterdir():
        shutil.copy(path, copy)
    assert recover(copy).outcome == "rebuilt"
    assert len(read_session(copy).pods[0].samples) == made.pieces // 2 * SIZE


def test_session_and_journal_that_each_hold_something_are_left_alone(made, copy, tmp_path):
    (copy / "journal-0001.arrows").rename(tmp_path / "journal-0001.arrows")
    recover(copy)
    shutil.copy(tmp_path / "journal-0001.arrows", copy)
    with pytest.raises(RecordingError, match="each hold samples that the other lacks"):
        recover(copy)
    assert (copy / "journal-0001.arrows").exists()


def test_journals_of_two_sessions_are_told_apart(made, copy, tmp_path):
    other = Made(tmp_path / "other", session="beef")
    shutil.copy(other.folder / "journal-0002.arrows", copy / "journal-0003.arrows")
    with pytest.raises(RecordingError, match="journals of two sessions"):
        recover(copy)
    folder = finished(made, tmp_path)
    shutil.copy(other.folder / "journal-0002.arrows", folder)
    with pytest.raises(RecordingError, match="the journal of another one"):
        recover(folder)
    assert (folder / "journal-0002.arrows").exists()


def test_rows_written_twice_count_once(made, copy):
    shutil.copy(copy / "journal-0001.arrows", copy / "journal-0007.arrows")
    report = recover(copy)
    assert report.pods[0].samples == made.pieces // 2 * SIZE
    assert report.pods[0].lost_samples == 0


def test_nothing_there(tmp_path):
    with pytest.raises(RecordingError, match="no such folder"):
        recover(tmp_path / "none")
    with pytest.raises(RecordingError, match=r"session\.json: cannot read it: it does not exist"):
        recover(tmp_path)
    (tmp_path / "journal-0000.arrows").write_bytes(b"")
    with pytest.raises(RecordingError, match="nothing can be recovered"):
        recover(tmp_path)


def with_schema(schema: pa.Schema, batch: pa.RecordBatch, **options) -> bytes:
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, schema, options=pa.ipc.IpcWriteOptions(**options)) as writer:
        writer.write_batch(batch, custom_metadata={b"crc32": str(checksum(batch)).encode()})
    return sink.getvalue().to_pybytes()


def a_batch(**columns) -> pa.RecordBatch:
    names = {name: [[]] for name in SCHEMA.names}
    row = {"piece": [0], "kind": ["samples"], "pod": [0], "first_sample": [0], "json": [""]}
    return pa.RecordBatch.from_pydict(names | row | columns, schema=SCHEMA)


def test_compressed_batches_are_refused_before_memory_is_taken(made, copy):
    """Thirty bytes may claim to be a gigabyte; a journal has no such batches."""
    message = with_schema(SCHEMA, a_batch(json=["x" * 10_000_000]), compression="zstd")
    path = copy / "journal-0001.arrows"
    path.write_bytes(path.read_bytes() + message)
    records = read_journal([copy])
    assert records.damages
    assert records.lost_pieces() == 0


@pytest.mark.parametrize(
    "columns",
    [
        {"pod": [7]},
        {"t": [[0.0, 1.0]]},
        {"ax": [[1]]},
        {"kind": ["belt"], "pod": [-1], "t": [[0.0]], "speed_mps": [[1.0]]},
        {"kind": ["lap"], "t": [[0.0]], "gx": [[3]]},
        {"kind": ["facts"], "json": ['{"pods": 3}']},
        {"kind": ["end"], "json": ["{"]},
    ],
)
def test_rows_that_no_journal_has_are_refused(tmp_path, columns):
    start = segment_start(SegmentHeader(session="cafe", segment=0, facts=FACTS))
    message = with_schema(SCHEMA, a_batch(**columns))
    (tmp_path / "journal-0000.arrows").write_bytes(start + message[len(SCHEMA.serialize()) :])
    with pytest.raises(RecordingError):
        recover(tmp_path)


def test_another_version_is_refused(tmp_path):
    header = msgspec.json.encode(SegmentHeader(session="cafe", segment=0, facts=FACTS))
    metadata = {"schema": "soleus.journal", "schema_version": "2.0"}
    crc = {"header": header, "header_crc32": str(zlib.crc32(header))}
    schema = pa.schema([pa.field("x", pa.int8())], metadata=metadata | crc)
    (tmp_path / "journal-0000.arrows").write_bytes(
        with_schema(schema, pa.RecordBatch.from_pydict({"x": [1]}, schema=schema))
    )
    with pytest.raises(RecordingError, match=r"its format is soleus\.journal 2\.0, this program reads .* update"):
        recover(tmp_path)


def test_sizes_are_bounded(made, copy):
    with pytest.raises(RecordingError, match="samples are more than the limit"):
        recover(copy, Limits(rows=100))
    with pytest.raises(RecordingError, match="bytes are more than the limit"):
        recover(copy, Limits(file_bytes=10_000))
    with (copy / "journal-0001.arrows").open("r+b") as file:
        file.truncate(2**27)
    with pytest.raises(RecordingError, match="more than the limit of 64 MiB"):
        recover(copy)


def test_a_file_made_to_cost_time_does_not(made, copy):
    """Eight megabytes of beginnings of batches, none of which is one."""
    start, end, _ = made.places["journal-0000.arrows"][0]
    message = (copy / "journal-0000.arrows").read_bytes()[start:end]
    (copy / "journal-0001.arrows").write_bytes((message[:600].ljust(600, b"\0") * (2**23 // 600))[: 2**23])
    assert read_journal([copy]).damages
