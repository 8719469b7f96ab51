"""What is handed to a journal comes back bit for bit and in order; it costs the caller next to nothing."""

from __future__ import annotations

import dataclasses
import gc
import json
import subprocess
import sys
import threading
import time
import zlib
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from soleus.model import Belt, Foot, HeartRate, PodInfo, PodSamples, Recording, Runner
from soleus.recording import (
    Event,
    Journal,
    JournalFacts,
    RecordingError,
    open_recording,
    read,
    read_events,
    read_journal,
    read_session_record,
    recover,
)

PODS = (
    PodInfo(Foot.LEFT, 0.1 + 0.2, 1 / 3e3, accel_range_mps2=156.9, rate_hz=400.0, pod_id="A1", maker="m"),
    PodInfo(Foot.RIGHT, 0.0048, 0.00107, gyro_range_rads=34.9, firmware="2.0"),
)
FACTS = JournalFacts(
    pods=PODS,
    runner=Runner(name="Ada", height_m=1.7, mass_kg=60.5),
    start_utc=datetime(2026, 3, 1, 9, 30, 15, 250_000, UTC),
    configuration={"transport": "usb:0"},
    extra={"site": "lab"},
)


def piece(foot: Foot, number: int, size: int = 20) -> PodSamples:
    rng = np.random.default_rng(number * 2 + foot)
    time_s = (number * size + np.arange(size)) / 400 + rng.normal(0, 1e-5, size)
    return PodSamples(foot, time_s, rng.integers(-32768, 32767, (6, size), np.int16, endpoint=True))


def joined(pieces: list[PodSamples]) -> tuple[bytes, bytes]:
    counts = np.concatenate([p.counts for p in pieces], axis=1)
    return np.concatenate([p.time_s for p in pieces]).tobytes(), counts.tobytes()


def samples_of(recording: Recording, foot: Foot) -> tuple[bytes, bytes]:
    track = next(track for track in recording.pods if track.info.foot == foot)
    return track.samples.time_s.tobytes(), np.ascontiguousarray(track.samples.counts).tobytes()


def full_journal(folder: Path, **how) -> tuple[Journal, list]:
    """A journal of everything there is, stopped; and what was handed to it."""
    handed: list = []
    with Journal(folder, FACTS, **how) as journal:
        for number in range(40):
            for foot in Foot:
                handed.append(piece(foot, number, size=1 + number))
                journal.samples(handed[-1])
            if number % 10 == 0:
                handed.append(
                    Belt(np.array([number / 20, number / 20]), np.array([3.0, np.nan]), np.array([0.0, 0.01]))
                )
                journal.belt(handed[-1])
                handed.append(HeartRate(np.array([number / 20]), np.array([150.0 + number])))
                journal.heart_rate(handed[-1])
            if number % 7 == 0:
                journal.event("clock", number / 20, {"pod": 1, "device_s": 0.1 + number})
                handed.append(Event(len(handed), number / 20, "clock", f'{{"pod":1,"device_s":{0.1 + number}}}'))
            time.sleep(0.002)
    return journal, handed


def test_session_gives_back_what_was_handed_over(tmp_path):
    journal, handed = full_journal(tmp_path / "run", write_s=0.01, segment_s=0.03)
    assert len(list((tmp_path / "run").glob("journal-*.arrows"))) > 2
    folder = journal.close()
    recording = read(folder)
    assert tuple(track.info for track in recording.pods) == PODS
    for foot in Foot:
        pieces = [p for p in handed if isinstance(p, PodSamples) and p.foot == foot]
        assert samples_of(recording, foot) == joined(pieces)
    belts = [p for p in handed if isinstance(p, Belt)]
    assert recording.belt is not None
    assert recording.belt.speed_mps.tobytes() == np.concatenate([b.speed_mps for b in belts]).tobytes()
    assert recording.heart_rate is not None
    assert recording.heart_rate.rate_bpm.tolist() == [150.0, 160.0, 170.0, 180.0]
    assert (recording.runner, recording.start_utc) == (FACTS.runner, FACTS.start_utc)
    assert recording.extra["site"] == "lab"
    record = read_session_record(folder)
    assert record.configuration == FACTS.configuration
    assert record.quality == {"lost_samples_left": 0, "lost_samples_right": 0, "lost_pieces": 0, "damaged_batches": 0}
    assert read_events(folder) == tuple(p for p in handed if isinstance(p, Event))
    assert read_events(folder, "clock")[1].value == {"pod": 1, "device_s": 7.1}
    assert read_events(folder, "lap") == ()
    assert sorted(p.name for p in folder.iterdir()) == [
        "belt.parquet",
        "events.parquet",
        "heart_rate.parquet",
        "imu.parquet",
        "session.json",
    ]
    assert journal.close() == folder, "closing twice does nothing"
    assert journal.status.state == "stopped"


def test_pieces_come_again_in_the_order_and_cut_in_which_they_were_handed_over(tmp_path):
    _, handed = full_journal(tmp_path / "run", write_s=0.01, segment_s=0.03)
    again = list(read_journal([tmp_path / "run"]).pieces())
    assert [type(p) for p in again] == [type(p) for p in handed]
    for a, b in zip(again, handed, strict=True):
        if isinstance(b, PodSamples):
            assert isinstance(a, PodSamples)
            assert a.foot == b.foot
            assert joined([a]) == joined([b])
        elif isinstance(b, Event):
            assert a == b
        else:
            assert all(getattr(a, f.name).tobytes() == getattr(b, f.name).tobytes() for f in dataclasses.fields(b))


def test_a_journal_is_read_like_a_session_and_stays_untouched(tmp_path):
    journal, _ = full_journal(tmp_path / "run")
    before = {p.name: p.read_bytes() for p in (tmp_path / "run").iterdir()}
    unfinished = read(tmp_path / "run")
    assert "soleus recover" in unfinished.notes[0]
    with open_recording(tmp_path / "run", foot="right") as reader:
        assert [pod.foot for pod in reader.pods] == [Foot.RIGHT]
        assert sum(len(s) for chunk in reader.chunks() for s in chunk) == sum(range(1, 41))
    assert {p.name: p.read_bytes() for p in (tmp_path / "run").iterdir()} == before
    assert read_events(tmp_path / "run", "clock")[0].time_s == 0.0
    journal.close()
    finished = read(tmp_path / "run")
    assert all(samples_of(finished, foot) == samples_of(unfinished, foot) for foot in Foot)


def test_any_table_program_reads_a_segment(tmp_path):
    """As the format's description says: pyarrow alone, and the checksum in five lines."""
    full_journal(tmp_path / "run")
    (path,) = (tmp_path / "run").glob("journal-*.arrows")
    rows = 0
    with pa.ipc.open_stream(path) as reader:
        header = msgspec.json.decode(reader.schema.metadata[b"header"])
        while True:
            try:
                batch, metadata = reader.read_next_batch_with_custom_metadata()
            except StopIteration:
                break
            crc = zlib.crc32(str(batch.num_rows).encode())
            for buffer in [b for column in batch.columns for b in column.buffers() if b is not None]:
                crc = zlib.crc32(buffer, crc)
            assert int(metadata[b"crc32"]) == crc
            rows += sum(len(t) for t, kind in zip(batch["t"], batch["kind"], strict=True) if kind.as_py() == "samples")
    assert header["facts"]["pods"][0]["accel_lsb_mps2"] == PODS[0].accel_lsb_mps2
    assert rows == 2 * sum(range(1, 41))


@settings(max_examples=25, deadline=None)
@given(
    hnp.arrays(np.float64, st.integers(1, 30), elements=st.floats(allow_nan=False, width=64)),
    st.randoms(use_true_random=False),
)
def test_every_bit_of_a_time_stamp_is_kept(tmp_path_factory, time_s, random):
    folder = tmp_path_factory.mktemp("bits")
    counts = np.array([[random.randint(-32768, 32767) for _ in time_s] for _ in range(6)], np.int16)
    journal = Journal(folder, FACTS)
    journal.samples(PodSamples(Foot.RIGHT, time_s, counts))
    assert samples_of(read(journal.close()), Foot.RIGHT) == (time_s.tobytes(), counts.tobytes())


def test_what_the_caller_does_to_its_arrays_afterwards_changes_nothing(tmp_path):
    journal = Journal(tmp_path / "run", FACTS)
    given_piece = piece(Foot.LEFT, 3)
    wanted = joined([given_piece])
    journal.samples(given_piece)
    given_piece.time_s[:] = -1
    given_piece.counts[:] = 0
    assert samples_of(read(journal.close()), Foot.LEFT) == wanted


def test_a_whole_recording_at_once_is_cut_into_pieces(tmp_path):
    journal = Journal(tmp_path / "run", FACTS)
    long = piece(Foot.LEFT, 0, size=100_000)
    journal.samples(long)
    journal.samples(piece(Foot.LEFT, 0, size=0))
    journal.stop()
    assert max(len(p) for p in read_journal([tmp_path / "run"]).pieces()) == 2**15
    assert samples_of(read(journal.close()), Foot.LEFT) == joined([long])


def test_a_second_pod_may_join_but_no_scale_may_change(tmp_path):
    journal = Journal(tmp_path / "run", msgspec.structs.replace(FACTS, pods=PODS[:1]))
    journal.samples(piece(Foot.LEFT, 0))
    journal.facts(FACTS)
    journal.samples(piece(Foot.RIGHT, 0))
    with pytest.raises(RecordingError, match="the left pod has recorded already, its scale cannot change"):
        journal.facts(msgspec.structs.replace(FACTS, pods=(dataclasses.replace(PODS[0], accel_lsb_mps2=1.0),)))
    recording = read(journal.close())
    assert tuple(track.info for track in recording.pods) == PODS
    assert samples_of(recording, Foot.RIGHT) == joined([piece(Foot.RIGHT, 0)])


def test_samples_of_an_unknown_pod_are_said_not_hidden(tmp_path):
    journal = Journal(tmp_path / "run", msgspec.structs.replace(FACTS, pods=PODS[:1]))
    journal.samples(piece(Foot.RIGHT, 0))
    assert any("20 samples of the right foot were left out" in note for note in read(journal.close()).notes)


def test_readings_out_of_order_are_sorted_and_said(tmp_path):
    journal = Journal(tmp_path / "run", FACTS)
    for t in (2.0, 1.0, np.nan):
        journal.heart_rate(HeartRate(np.array([t]), np.array([100 + t])))
    journal.belt(Belt.constant(3.0))
    recording = read(journal.close())
    assert recording.heart_rate is not None
    assert recording.heart_rate.rate_bpm.tolist() == [101.0, 102.0]
    assert recording.belt == Belt(np.array([-np.inf]), np.array([3.0]), np.array([0.0]))
    assert any("1 heart-rate readings without a time" in note for note in recording.notes)
    assert any("1 came later than younger ones" in note for note in recording.notes)


@pytest.mark.parametrize(
    ("kind", "value", "reason"),
    [
        ("pain", object(), "keep to what JSON can hold"),
        ("samples", {}, "the journal uses this word itself"),
        ("note", "x" * 70_000, "70002 bytes are too many"),
    ],
)
def test_an_event_that_cannot_be_recorded_is_counted_and_told(tmp_path, kind, value, reason):
    told = []
    journal = Journal(tmp_path / "run", FACTS, on_status=told.append)
    journal.event(kind, 1.0, value)
    assert reason in told[0].message
    assert journal.status.dropped_readings == 1
    assert read_events(journal.close()) == ()


def test_what_comes_after_the_end_is_counted(tmp_path):
    journal = Journal(tmp_path / "run", FACTS)
    journal.stop()
    journal.samples(piece(Foot.LEFT, 0))
    journal.event("lap", 1.0)
    assert (journal.status.dropped_samples[Foot.LEFT], journal.status.dropped_readings) == (20, 1)
    assert len(read(journal.close()).pods[0].samples) == 0


def test_facts_are_checked_at_the_start(tmp_path):
    with pytest.raises(RecordingError, match="no pod; a session needs at least one"):
        Journal(tmp_path / "a", msgspec.structs.replace(FACTS, pods=()))
    with pytest.raises(RecordingError, match="two pods of the left foot"):
        Journal(tmp_path / "a", msgspec.structs.replace(FACTS, pods=(PODS[0], PODS[0])))
    with pytest.raises(RecordingError, match="cannot be written"):
        Journal(tmp_path / "a", msgspec.structs.replace(FACTS, start_utc=datetime(2026, 1, 1)))  # noqa: DTZ001
    with pytest.raises(RecordingError, match="cannot be written"):
        Journal(tmp_path / "a", msgspec.structs.replace(FACTS, extra={"x": object()}))


def test_a_folder_in_use_is_refused(tmp_path):
    journal = Journal(tmp_path / "run", FACTS, write_s=0.01)
    journal.samples(piece(Foot.LEFT, 0))
    time.sleep(0.2)
    with pytest.raises(RecordingError, match="is being recorded right now"):
        recover(tmp_path / "run")
    journal.stop()
    with pytest.raises(RecordingError, match="soleus recover"):
        Journal(tmp_path / "run", FACTS)
    journal.close()
    with pytest.raises(RecordingError, match="holds a session already"):
        Journal(tmp_path / "run", FACTS)
    (tmp_path / "file").write_text("")
    with pytest.raises(RecordingError, match="choose another name"):
        Journal(tmp_path / "file", FACTS)


def test_many_threads_hand_over_at_once(tmp_path):
    journal = Journal(tmp_path / "run", FACTS, write_s=0.005)

    def stream(foot: Foot) -> None:
        for number in range(300):
            journal.samples(piece(foot, number))

    def lap() -> None:
        for number in range(300):
            journal.event("lap", float(number))

    threads = [threading.Thread(target=work, args=args) for work, *args in ((stream, *[f]) for f in Foot)]
    threads.append(threading.Thread(target=lap))
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    folder = journal.close()
    for foot in Foot:
        assert samples_of(read(folder), foot) == joined([piece(foot, n) for n in range(300)])
    assert [e.time_s for e in read_events(folder)] == [float(n) for n in range(300)]
    assert journal.recovery is not None
    assert journal.recovery.complete


def test_the_end_of_the_program_stops_a_forgotten_journal(tmp_path):
    script = """
import sys, numpy as np
from soleus.model import *
from soleus.recording import *
journal = Journal(sys.argv[1], JournalFacts(pods=(PodInfo(Foot.LEFT, 0.005, 0.001),)), write_s=30.0)
journal.samples(PodSamples(Foot.LEFT, np.arange(20) / 400, np.ones((6, 20), np.int16)))
"""
    subprocess.run([sys.executable, "-c", script, tmp_path / "run"], check=True, timeout=60)
    report = recover(tmp_path / "run")
    assert (report.pods[0].samples, report.stopped) == (20, True)


def resident_mib() -> float:
    with Path("/proc/self/statm").open() as file:
        return int(file.read().split()[1]) * 4096 / 2**20


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="no /proc: memory cannot be measured here")
def test_memory_stays_flat_over_an_hour(tmp_path):
    """Two pods at 400 Hz in pieces of 50 ms, as fast as the disk takes them."""
    journal = Journal(tmp_path / "run", FACTS)
    counts = np.random.default_rng(0).integers(-3000, 3000, (6, 20)).astype(np.int16)
    measured = []
    for number in range(72_000):
        for foot in Foot:
            journal.samples(PodSamples(foot, (number * 20 + np.arange(20)) / 400, counts))
        while number % 200 == 0 and journal.status.waiting_bytes > 2**22:
            time.sleep(0.005)
        if number % 6_000 == 5_999:
            gc.collect()
            measured.append(resident_mib())
    journal.stop()
    assert max(measured) - measured[0] < 10, measured
    assert journal.status.dropped_samples == dict.fromkeys(Foot, 0)
    assert journal.status.message == ""
    size_bytes = sum(path.stat().st_size for path in (tmp_path / "run").iterdir())
    assert size_bytes < 72e6
    report = recover(tmp_path / "run")
    assert [pod.samples for pod in report.pods] == [1_440_000] * 2
    assert report.complete


CPU_SCRIPT = """
import sys, time
import numpy as np
from soleus.model import *
from soleus.recording import *

facts = JournalFacts(pods=tuple(PodInfo(foot, 0.005, 0.001) for foot in Foot))
counts = np.ones((6, 20), np.int16)

def run(hand_over):
    cpu, begin = time.process_time(), time.perf_counter()
    for number in range(60):
        time_s = (number * 20 + np.arange(20)) / 400
        for foot in Foot:
            hand_over(PodSamples(foot, time_s, counts))
        time.sleep(max(0.0, begin + 0.05 * (number + 1) - time.perf_counter()))
    return (time.process_time() - cpu) / (time.perf_counter() - begin)

with Journal(sys.argv[1], facts) as journal:
    print(run(journal.samples) - run(len))
"""


def test_recording_takes_three_percent_of_a_core_at_most(tmp_path):
    """Two pods at 400 Hz in pieces of 50 ms, in real time."""
    command = [sys.executable, "-c", CPU_SCRIPT, tmp_path / "run"]
    done = subprocess.run(command, check=True, timeout=60, capture_output=True, text=True)
    assert float(done.stdout) <= 0.03


def test_the_examples_of_the_format_description_run(tmp_path):
    page = Path(__file__).parents[2] / "docs" / "formats.md"
    imu, journal_rows = [block.partition("```")[0] for block in page.read_text("utf-8").split("```python\n")[1:]]
    journal, _ = full_journal(tmp_path / "run", write_s=0.01, segment_s=0.03)
    paths = [str(path) for path in (tmp_path / "run").glob("journal-*.arrows")]
    assert printed(f"paths = {paths}\n{journal_rows}\nprint(samples)") == 2 * sum(range(1, 41))
    folder = journal.close()
    wanted = read(folder).pods[0].samples.counts[2] * PODS[0].accel_lsb_mps2
    assert printed(f"folder = {str(folder)!r}\n{imu}\nprint(az_mps2)") == wanted.tolist()


def printed(script: str):
    done = subprocess.run([sys.executable, "-c", script], check=True, timeout=60, capture_output=True, text=True)
    return json.loads(done.stdout)
