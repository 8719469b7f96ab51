"""The session folder gives back what was put in, bit for bit, and survives a full disk."""

from __future__ import annotations

import dataclasses
import json
import os
import resource
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from soleus import recording
from soleus.model import (
    STEP_DTYPES,
    Belt,
    Foot,
    HeartRate,
    PodInfo,
    PodSamples,
    PodTrack,
    Recording,
    Runner,
    Steps,
)
from soleus.recording import RecordingError


def track(foot: Foot, time_s: np.ndarray, seed: int = 0, **info) -> PodTrack:
    counts = np.random.default_rng(seed).integers(-32768, 32767, (6, time_s.size), np.int16, endpoint=True)
    pod = PodInfo(foot, **({"accel_lsb_mps2": 0.1 + 0.2, "gyro_lsb_rads": 1 / 3e3} | info))
    return PodTrack(pod, PodSamples(foot, time_s, counts))


def same_tracks(a: Recording, b: Recording) -> bool:
    return [t.info for t in a.pods] == [t.info for t in b.pods] and all(
        x.samples.time_s.tobytes() == y.samples.time_s.tobytes() and np.array_equal(x.samples.counts, y.samples.counts)
        for x, y in zip(a.pods, b.pods, strict=True)
    )


def full_recording(seconds: float = 200.0) -> Recording:
    return Recording(
        pods=(
            track(Foot.LEFT, np.arange(round(seconds * 200)) / 200, 1, rate_hz=200.0, pod_id="A1", maker="m"),
            track(Foot.RIGHT, 3.3 + np.arange(round(seconds * 104)) / 104, 2, gyro_range_rads=34.9, firmware="2.0"),
        ),
        runner=Runner(name="Ada", height_m=1.7, mass_kg=60.5),
        belt=Belt(
            np.array([-np.inf, 3.0, 3.0, 60.5]), np.array([2.5, 3.0, 3.5, np.nan]), np.array([0, 0.01, 0, -0.02])
        ),
        heart_rate=HeartRate(np.array([1.0, 2.0]), np.array([120.0, 121.0])),
        start_utc=datetime(2026, 5, 1, 10, 0, 0, 125_000, tzinfo=UTC),
        source="run.csv",
        notes=("first note", "second"),
        extra={"a": [1, 2.5, "x"], "b": {"c": None}},
    )


def test_everything_comes_back(tmp_path):
    wanted = full_recording()
    folder = recording.write_session(wanted, tmp_path / "new" / "s", configuration={"x": 1}, quality={"gaps": 3})
    got = recording.read_session(folder)
    assert same_tracks(got, wanted)
    for name in ("runner", "start_utc", "source", "notes", "extra"):
        assert getattr(got, name) == getattr(wanted, name)
    for name in ("time_s", "speed_mps", "grade"):
        assert getattr(got.belt, name).tobytes() == getattr(wanted.belt, name).tobytes()
    assert got.heart_rate.rate_bpm.tolist() == [120, 121]
    record = recording.read_session_record(folder)
    assert (record.configuration, record.quality) == ({"x": 1}, {"gaps": 3})
    assert not list(folder.glob(".*"))


@settings(max_examples=60, deadline=None)
@given(
    times=st.lists(
        hnp.arrays(np.float64, st.integers(0, 40), elements=st.floats(width=64, allow_nan=True)), min_size=1, max_size=2
    ),
    scale=st.floats(1e-9, 1.0),
    whole_ns=st.booleans(),
)
def test_any_stamps_come_back_bit_for_bit(times, scale, whole_ns):
    if whole_ns:
        times = [np.rint(np.nan_to_num(np.clip(t, -1e5, 1e5)) * 1e3) / 1e3 + 0.0 for t in times]
    feet = [Foot.RIGHT, Foot.LEFT][: len(times)]
    wanted = Recording(tuple(track(f, t, accel_lsb_mps2=scale) for f, t in zip(feet, times, strict=True)))
    with TemporaryDirectory() as folder:
        assert same_tracks(recording.read(recording.write_session(wanted, folder)), wanted)


@settings(max_examples=15, deadline=None)
@given(
    rates=st.tuples(st.sampled_from([50.0, 104.0, 200.0, 416.0]), st.sampled_from([52.0, 200.0])),
    late_s=st.floats(0, 200),
    seconds=st.floats(0.1, 150),
)
def test_chunks_are_the_whole_in_order(rates, late_s, seconds):
    starts = (0.0, late_s)
    wanted = Recording(
        tuple(
            track(foot, start + np.arange(int(seconds * rate) + 1) / rate, foot)
            for foot, rate, start in zip(Foot, rates, starts, strict=True)
        )
    )
    with TemporaryDirectory() as folder:
        recording.write_session(wanted, folder)
        with recording.open_recording(folder) as reader:
            assert reader.pods == tuple(t.info for t in wanted.pods)
            chunks = list(reader.chunks())
            again = sum(len(s) for chunk in reader.chunks() for s in chunk)
            assert reader.samples == {t.info.foot: len(t.samples) for t in wanted.pods}
    assert again == sum(len(t.samples) for t in wanted.pods)
    for t in wanted.pods:
        parts = [s for chunk in chunks for s in chunk if s.foot == t.info.foot]
        assert np.concatenate([p.time_s for p in parts]).tobytes() == t.samples.time_s.tobytes()
        assert np.array_equal(np.concatenate([p.counts for p in parts], axis=1), t.samples.counts)
    # Streaming is of use only if both feet advance together: to a minute and a row group's shortest length.
    reached: dict[Foot, float] = {}
    done = {t.info.foot: 0 for t in wanted.pods}
    for chunk in chunks:
        for s in chunk:
            reached[s.foot] = s.time_s[-1]
            done[s.foot] += len(s)
        open_feet = [t.info.foot for t in wanted.pods if done[t.info.foot] < len(t.samples)]
        if len(open_feet) == len(reached) == 2:
            assert abs(reached[Foot.LEFT] - reached[Foot.RIGHT]) < 60 + max(1000 / min(rates), 60) + 1


def test_time_is_whole_nanoseconds_where_possible(tmp_path):
    for time_s, kind in ((np.arange(500) / 104.0, pa.float64()), (np.arange(500) / 200, pa.int64())):
        recording.write_session(Recording((track(Foot.LEFT, time_s),)), tmp_path)
        schema = pq.read_schema(tmp_path / "imu.parquet")
        assert schema.field("t").type == kind
        assert schema.field("ax").metadata[b"mps2_per_count_left"] == repr(0.1 + 0.2).encode()
        assert schema.field("gz").metadata[b"unit"] == b"rad/s"


def test_files_that_mix_pods_in_a_row_group_are_read(tmp_path):
    wanted = full_recording(20)
    recording.write_session(wanted, tmp_path)
    table = pq.read_table(tmp_path / "imu.parquet").sort_by("t")
    order = np.argsort(table["t"].to_numpy(), kind="stable")
    pq.write_table(table.take(order), tmp_path / "imu.parquet", row_group_size=700)
    assert same_tracks(recording.read(tmp_path), wanted)
    with recording.open_recording(tmp_path, foot="left") as reader:
        assert sum(len(s) for chunk in reader.chunks() for s in chunk) == len(wanted.pods[0].samples)


def test_a_smaller_session_replaces_a_larger_one(tmp_path):
    recording.write_session(full_recording(5), tmp_path)
    (tmp_path / "steps.parquet").write_bytes(b"other")
    small = Recording((track(Foot.LEFT, np.arange(50) / 50),))
    recording.write_session(small, tmp_path)
    got = recording.read(tmp_path)
    assert got.belt is None
    assert got.heart_rate is None
    assert same_tracks(got, small)
    assert (tmp_path / "steps.parquet").read_bytes() == b"other"


def test_what_the_caller_says_wins(tmp_path):
    recording.write_session(full_recording(5), tmp_path)
    runner, belt = Runner(name="Bo"), Belt.constant(4.0)
    got = recording.read(tmp_path, foot="right", runner=runner, belt=belt)
    assert [t.info.foot for t in got.pods] == [Foot.RIGHT]
    assert (got.runner, got.belt) == (runner, belt)
    with recording.open_recording(tmp_path, runner=runner, belt=belt) as reader:
        assert (reader.runner, reader.belt) == (runner, belt)


@settings(max_examples=25, deadline=None)
@given(n=st.integers(0, 60), seed=st.integers(0, 99))
def test_steps_come_back(n, seed):
    rng = np.random.default_rng(seed)
    columns = {}
    for name, dtype in STEP_DTYPES.items():
        if dtype == np.float64:
            values = rng.normal(size=n)
            values[rng.random(n) < 0.3] = np.nan
        else:
            values = rng.integers(0, 2**10 if name == "flags" else 2, n)
        columns[name] = values.astype(dtype)
    steps = Steps(columns)
    with TemporaryDirectory() as folder:
        path = recording.write_steps(steps, Path(folder) / "deep")
        assert path.name == "steps.parquet"
        assert recording.read_steps(path) == steps
        assert recording.read_steps(path.parent) == steps
        named = recording.write_steps(steps, Path(folder) / "NAME.steps.parquet")
        assert recording.read_steps(named) == steps


def test_a_full_disk_leaves_the_earlier_session(tmp_path):
    # The kernel's limit on a file's size fails the write just as a full disk does.
    earlier = full_recording(3)
    recording.write_session(earlier, tmp_path)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, hard))
    try:
        with pytest.raises(RecordingError, match=r"imu\.parquet: cannot write it: "):
            recording.write_session(full_recording(60), tmp_path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert same_tracks(recording.read(tmp_path), earlier)
    assert not list(tmp_path.glob(".*"))


def test_a_file_where_the_folder_should_be(tmp_path):
    (tmp_path / "f").write_text("x")
    for write in (
        lambda: recording.write_session(full_recording(1), tmp_path / "f"),
        lambda: recording.write_steps(Steps.empty(), tmp_path / "f" / "g"),
    ):
        with pytest.raises(RecordingError, match="cannot write it"):
            write()


def test_folders_that_nobody_may_touch(tmp_path):
    if os.getuid() != 0:
        locked = tmp_path / "locked"
        recording.write_session(full_recording(1), locked)
        locked.chmod(0)
        try:
            with pytest.raises(RecordingError, match="permission denied"):
                recording.read(locked)
        finally:
            locked.chmod(0o700)
        return
    # The administrator may do anything; let an ordinary user try.
    with TemporaryDirectory() as place:
        Path(place).chmod(0o755)
        locked = Path(place) / "locked"
        recording.write_session(full_recording(1), locked)
        locked.chmod(0o700)
        code = (
            "import os, sys, numpy, pyarrow.parquet, soleus.recording as r\n"
            "from soleus.model import Steps\n"
            "os.setgid(65534); os.setuid(65534)\n"
            "for act in (r.read, r.open_recording, r.read_session, r.read_steps, lambda p: r.read(p + '/x.csv'),\n"
            "            lambda p: r.write_steps(Steps.empty(), p), lambda p: r.load_runner(p + '/r.toml')):\n"
            "    try: act(sys.argv[1])\n"
            "    except r.RecordingError as error: print(error)\n"
        )
        done = subprocess.run([sys.executable, "-c", code, locked], capture_output=True, text=True, check=True)
    assert done.stdout.count("permission denied") == 7, done.stdout


def test_nothing_to_write_and_no_such_foot(tmp_path):
    with pytest.raises(RecordingError, match="no pod"):
        recording.write_session(Recording(()), tmp_path)
    with pytest.raises(RecordingError, match="'both' is neither"):
        recording.read(tmp_path, foot="both")


def test_what_json_cannot_hold_is_refused(tmp_path):
    with pytest.raises(RecordingError, match=r"session\.json"):
        recording.write_session(dataclasses.replace(full_recording(1), extra={"x": object()}), tmp_path)
    naive = (datetime(2026, 5, 1, tzinfo=UTC) + timedelta(1)).replace(tzinfo=None)
    with pytest.raises(RecordingError, match="time zone"):
        recording.write_session(dataclasses.replace(full_recording(1), start_utc=naive), tmp_path)


def test_session_json_is_plain(tmp_path):
    recording.write_session(full_recording(1), tmp_path)
    text = json.loads((tmp_path / "session.json").read_text())
    assert text["schema"] == "soleus.session"
    assert text["start_utc"] == "2026-05-01T10:00:00.125000Z"
    assert text["pods"][1] | {"samples": 0} == {
        "foot": "right",
        "samples": 0,
        "accel_range_mps2": None,
        "gyro_range_rads": 34.9,
        "rate_hz": None,
        "pod_id": "",
        "maker": "",
        "firmware": "2.0",
    }
