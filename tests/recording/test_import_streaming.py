"""An imported file read piece by piece gives what it gives as a whole, in memory that does not grow with it."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import UTC, datetime

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from soleus import recording
from soleus.model import Foot
from soleus.recording import Limits, RecordingError, imported_samples, parquet_table
from soleus.recording.packets import Packets
from soleus.recording.sensor_survey import PLATEAU_TOLERANCE, ChannelSurvey, SensorSurvey, Thinned
from soleus.recording.stamps import Clocked, StampSurvey, Unwrapper

AXES = ("ax", "ay", "az", "gx", "gy", "gz")
TWICE = Limits(held_rows=0)
"""Every file is read twice, however short."""
DEG = np.pi / 180


@pytest.fixture(autouse=True)
def small_batches(monkeypatch):
    monkeypatch.setattr(parquet_table, "BATCH_ROWS", 97)
    monkeypatch.setattr(imported_samples, "MAX_AHEAD_SAMPLES", 150)


def values(motion):
    return np.concatenate([motion.accel, motion.gyro])


def both_feet(motion, order):
    """(time, values, foot) of two feet; the right one slower and upside down."""
    t = np.concatenate([motion.t, motion.t[::2] + 0.003])
    both = np.concatenate([values(motion), -values(motion)[:, ::2]], axis=1)
    feet = np.repeat(["left", "right"], [motion.t.size, motion.t[::2].size])
    rows = np.argsort(t, kind="stable") if order == "mixed" else np.arange(t.size)
    return t[rows], both[:, rows], feet[rows]


def table(t, axes, feet=None, **columns):
    named = {"t": t} | dict(zip(AXES, axes, strict=True)) | ({} if feet is None else {"foot": feet})
    return pa.table(named | columns)


def parquet(name, make, metadata=None):
    def write(folder, motion):
        made = make(motion)
        made = made if metadata is None else made.replace_schema_metadata({"recording": json.dumps(metadata)})
        pq.write_table(made, folder / name, row_group_size=333)
        return folder / name

    return write


def counts(motion, damage=False):
    t, axes, feet = both_feet(motion, "mixed")
    made = list(np.rint(axes / np.repeat([0.0048, 0.00106], 3)[:, None]).astype(np.int16))
    if damage:
        made[1] = pa.array(made[1], mask=np.arange(t.size) == 200)
    return table(t, made, pa.array(feet).dictionary_encode())


def damaged(motion):
    t, axes, feet = both_feet(motion, "mixed")
    axes, feet = axes.copy(), feet.astype(object)
    axes[2, 300:303] = np.nan
    axes[0, 555] = -np.inf
    feet[100:104] = None
    t[40], t[41] = t[41], t[40]
    t[400] = t[399]
    return table(t, np.clip(axes, -70, 70), pa.array(list(feet), pa.string()))


def dates(motion):
    ns = 1_777_700_000_000_000_000 + np.rint(motion.t * 1e9).astype(np.int64)
    return table(pa.array(ns).cast(pa.timestamp("ns", "UTC")), values(motion)).rename_columns(["timestamp", *AXES])


def csv_of_both(order):
    def write(folder, motion):
        t, axes, feet = both_feet(motion, order)
        lines = [
            ",".join(f"{x:.5f}" for x in row) + f",{foot}"
            for row, foot in zip(np.column_stack([t, axes.T]), feet, strict=True)
        ]
        lines.insert(500, "cut,short")
        (folder / "run.csv").write_text("\n".join(["t," + ",".join(AXES) + ",foot", *lines, ""]))
        return folder / "run.csv"

    return write


def counters(folder, motion):
    start = 2**32 - 2_000_000
    stamps = (start + np.rint(motion.t * 1e6).astype(np.int64)) % 2**32
    rows = [
        f"{i},{s}," + ",".join(f"{x:.6f}" for x in v)
        for i, (s, v) in enumerate(zip(stamps, motion.columns(gyro=1 / DEG)[:, 1:], strict=True))
    ]
    head = "sep=,\nDeviceTag:,a\n\nPacketCounter,SampleTimeFine,Acc_X,Acc_Y,Acc_Z,Gyr_X,Gyr_Y,Gyr_Z\n0,1,0,0,0,0,0,0\n"
    for foot, first in (("left", 0), ("right", 120)):
        (folder / f"{foot}.csv").write_text(head + "\n".join(rows[first:]))
    return folder


def packets(folder, motion):
    stamps = np.floor(motion.t[np.arange(motion.t.size) // 4 * 4] * 1000 + 5000)
    rows = np.column_stack([motion.columns(gyro=1 / DEG)[:, 1:], stamps])
    rows = rows[np.arange(motion.t.size) // 4 != 50]
    lines = [",".join(f"{x:.6f}" for x in row) for row in rows]
    (folder / "right.csv").write_text("\n".join(["accX,accY,accZ,gyroX,gyroY,gyroZ,time", *lines]))
    return folder / "right.csv"


def slow(folder, motion):
    return motion.csv(folder / "left.csv", table=motion.columns()[::8])


def one_of_each_kind(folder, motion):
    motion.csv(folder / "left.csv")
    pq.write_table(table(motion.t + 0.5, values(motion)), folder / "right.parquet")
    return [folder / "right.parquet", folder / "left.csv"]


SCALES = {"accel_lsb_mps2": 0.0048, "gyro_lsb_rads": 0.00106, "mass_kg": 60.0, "belt_speed_mps": 3.0}
FILES = {
    "parquet, feet mixed": parquet("a.parquet", lambda m: table(*both_feet(m, "mixed"))),
    "parquet, one foot after the other": parquet("a.parquet", lambda m: table(*both_feet(m, "apart"))),
    "parquet of one foot": parquet("left.parquet", lambda m: table(m.t, values(m).astype(np.float32))),
    "parquet of counts": parquet("a.parquet", counts, SCALES),
    "parquet of counts, one missing": parquet("a.parquet", lambda m: counts(m, damage=True), SCALES),
    "parquet with faults": parquet("a.parquet", damaged),
    "parquet with dates": parquet("right.parquet", dates),
    "csv, feet mixed": csv_of_both("mixed"),
    "csv, one foot after the other": csv_of_both("apart"),
    "csv with a counter that overflows": counters,
    "csv with the stamps of packets": packets,
    "csv, slow": slow,
    "a csv and a parquet file": one_of_each_kind,
}


def same_samples(a, b):
    return a.foot == b.foot and np.array_equal(a.time_s, b.time_s) and np.array_equal(a.counts, b.counts)


@pytest.mark.parametrize("case", FILES)
def test_pieces_are_the_whole(case, tmp_path, make_motion):
    path = FILES[case](tmp_path, make_motion(130))
    whole = recording.read(path)
    with recording.open_recording(path, limits=TWICE) as reader:
        assert reader.pods == tuple(track.info for track in whole.pods)
        assert reader.samples == {track.info.foot: len(track.samples) for track in whole.pods}
        for name in ("notes", "runner", "start_utc", "source", "extra", "heart_rate", "happened"):
            assert getattr(reader, name) == getattr(whole, name)
        assert (reader.belt is None) == (whole.belt is None)
        for _ in range(2):
            pieces = list(reader.chunks())
            cut = list(whole.chunks())
            assert [len(piece) for piece in pieces] == [len(piece) for piece in cut]
            assert len(pieces) > 2
            assert all(same_samples(a, b) for x, y in zip(pieces, cut, strict=True) for a, b in zip(x, y, strict=True))
    held = recording.open_recording(path)
    assert all(same_samples(a, b) for x, y in zip(held.chunks(), cut, strict=True) for a, b in zip(x, y, strict=True))


def test_what_the_reader_is_told_is_kept(tmp_path, motion):
    path = FILES["parquet of counts"](tmp_path, motion)
    with recording.open_recording(path, foot="right", runner=recording.read(path).runner, limits=TWICE) as reader:
        assert [pod.foot for pod in reader.pods] == [Foot.RIGHT]
        assert {piece.foot for chunk in reader.chunks() for piece in chunk} == {Foot.RIGHT}
        assert reader.runner.mass_kg == 60


def test_a_start_on_the_calendar_is_kept(tmp_path, motion):
    path = FILES["parquet with dates"](tmp_path, motion)
    assert recording.open_recording(path, limits=TWICE).start_utc == datetime.fromtimestamp(1.7777e9, UTC)


@pytest.mark.parametrize("case", ["parquet, feet mixed", "csv, feet mixed"])
def test_a_file_that_changes_meanwhile_is_refused(case, tmp_path, motion):
    path = FILES[case](tmp_path, motion)
    held = recording.open_recording(path)
    reader = recording.open_recording(path, limits=TWICE)
    path.write_bytes(path.read_bytes() + b"\n")
    with pytest.raises(RecordingError, match="changed while it was read"):
        list(reader.chunks())
    assert sum(len(s) for chunk in held.chunks() for s in chunk) == sum(reader.samples.values())
    path.unlink()
    with pytest.raises(RecordingError, match="does not exist"):
        list(reader.chunks())


def blocks(data, values):
    cuts = data.draw(st.lists(st.integers(0, values.shape[-1]), max_size=4).map(sorted))
    return [part for part in np.split(values, cuts, axis=-1) if part.shape[-1]]


STEPS = st.sampled_from([0.0, 5.0, 5.0, 5.0005, 4.9995, 20.0, -3.0, 300.0])


@given(st.data(), st.lists(STEPS, min_size=2, max_size=60))
def test_stamps_need_not_be_together(data, steps):
    ticks = 1e6 + np.cumsum(steps)
    seen = StampSurvey()
    parts = blocks(data, ticks)
    for part in parts:
        seen.add(part)
    step = np.diff(ticks)
    assert (seen.n, seen.n_shared, seen.n_back) == (ticks.size, (step == 0).sum(), (step < 0).sum())
    assert (seen.first, seen.last, seen.low, seen.high) == (ticks[0], ticks[-1], ticks.min(), ticks.max())
    clocked = Clocked(None, Foot.LEFT, seen, lambda: iter(parts), "ms", False, False, False)
    usual = clocked.usual_step()
    if (step > 0).any():
        assert usual == np.median(step[step > 0])
    else:
        assert np.isnan(usual)


@given(st.data(), st.lists(st.integers(0, 255), min_size=1, max_size=60))
def test_counters_need_not_be_together(data, ticks):
    ticks = np.array(ticks, np.float64)
    unwrap = Unwrapper(8)
    step = np.diff(ticks)
    turns = np.cumsum((step < -128).astype(int) - (step > 128).astype(int))
    expected = ticks + 256 * np.concatenate([[0], turns])
    assert np.array_equal(np.concatenate([unwrap(part) for part in blocks(data, ticks)]), expected)


READINGS = st.sampled_from([0.0, 1.0, -1.0, 78.45, 78.4503, 78.45079, 78.4511, -78.45, -78.4505, -78.46, 3e-6])


@given(st.data(), hnp.arrays(np.float32, st.integers(1, 80), elements=READINGS.map(np.float32)))
def test_extremes_need_not_be_together(data, readings):
    channel = ChannelSurvey()
    for part in blocks(data, readings):
        channel.add(part)
    expected = [
        (extreme, np.count_nonzero(np.abs(readings.astype(np.float64) - extreme) <= PLATEAU_TOLERANCE * abs(extreme)))
        for extreme in (float(readings.max()), float(readings.min()))
    ]
    assert list(channel.extremes()) == expected


@given(st.data(), hnp.arrays(np.float64, (3, 12), elements=st.floats(-1e4, 1e4, width=16)))
def test_fractions_are_seen_in_any_block(data, readings):
    seen = SensorSurvey(are_counts=True)
    for part in blocks(data, readings):
        seen.add(part)
    assert seen.fractions == bool((readings != np.rint(readings)).any())
    assert seen.largest == np.abs(readings).max()


@pytest.mark.parametrize("n", [1, 399_999, 400_000, 1_700_003])
def test_thinned_samples_are_every_so_manieth(n):
    thinned = Thinned()
    rows = np.arange(n, dtype=np.float32)[None]
    for start in range(0, n, 70_001):
        thinned.add(rows[:, start : start + 70_001])
    (kept,) = thinned.values()
    stride = 1 if kept.size < 2 else int(kept[1])
    assert np.array_equal(kept, rows[0, ::stride])
    assert min(n, 200_000) <= kept.size < 400_000


@given(
    st.data(), st.lists(st.tuples(st.sampled_from([40.0, 40.0, 41.0, -40.0, 300.0]), st.integers(1, 9)), max_size=30)
)
def test_packets_need_not_be_together(data, sent):
    gaps, sizes = [40.0, *(gap for gap, _ in sent)], [4, *(size for _, size in sent)]
    ticks = np.repeat(np.cumsum(gaps), sizes)
    packets, at_once = Packets(), Packets()
    at_once.add(ticks)
    for part in blocks(data, ticks):
        packets.add(part)
    for each in (packets, at_once):
        each.finish()
    middle = data.draw(st.integers(0, ticks.size))
    spread = np.concatenate([packets.ticks(0, middle), packets.ticks(middle, ticks.size)])
    assert np.array_equal(spread, at_once.ticks(0, ticks.size))
    first = np.flatnonzero(np.diff(ticks, prepend=np.nan) != 0)
    assert np.array_equal(spread[first], ticks[first])


PEAK = """
import resource, sys
from soleus.recording import open_recording
with open_recording(sys.argv[1]) as reader:
    n = sum(len(samples) for chunk in reader.chunks() for samples in chunk)
print(n, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="ru_maxrss is in kibibytes on Linux")
def test_memory_does_not_grow_with_the_recording(tmp_path, make_motion):
    motion = make_motion(60, rate_hz=1000)
    peaks_mib = []
    for minutes in (50, 150):
        path = tmp_path / f"left{minutes}.parquet"
        schema = pa.schema([("t", pa.float64()), *((axis, pa.float32()) for axis in AXES)])
        with pq.ParquetWriter(path, schema, compression="none") as writer:
            for i in range(minutes):
                writer.write_table(table(motion.t + 60 * i, values(motion).astype(np.float32)).cast(schema))
        done = subprocess.run([sys.executable, "-c", PEAK, path], capture_output=True, text=True, check=True)
        n, peak_kib = map(int, done.stdout.split())
        assert n == minutes * motion.t.size
        peaks_mib.append(peak_kib / 1024)
    # Six million samples more; each takes 20 bytes in memory at least.
    assert peaks_mib[1] - peaks_mib[0] < 60, peaks_mib
