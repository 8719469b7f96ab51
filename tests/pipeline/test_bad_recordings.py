"""Recordings of what goes wrong, end to end through file, reader and core: a clear error, or rows that say so.

Nothing may hang or crash, no warning of numpy may escape (warnings are errors here), and every row must keep the
promises of the table: times in order, no infinity, and a reason for each value that is missing.
"""

from __future__ import annotations

import dataclasses
import time

import numpy as np
import pytest

import soleus
from soleus.model import STEP_DTYPES, Belt, Flag, Foot, PodInfo, PodSamples, PodTrack, Recording, Steps
from soleus.recording import write_session

SECONDS_MAX = 20.0
G = 9.80665
POD = PodInfo(Foot.LEFT, 16 * G / 32768, float(np.radians(2000)) / 32768)


def track(time_s, counts, foot=Foot.LEFT, pod=POD) -> PodTrack:
    info = dataclasses.replace(pod, foot=foot)
    limited = np.clip(np.rint(counts), -32768, 32767).astype(np.int16)
    return PodTrack(info, PodSamples(foot, np.asarray(time_s, float), limited))


def both(make) -> Recording:
    """Each foot's track from make(foot)."""
    return Recording(tuple(make(foot) for foot in Foot), source="test")


def with_counts(change):
    """A good run whose counts (6, n) were changed; the change is given counts, times and foot."""

    def make(run):
        def one(t):
            counts = change(t.samples.counts.astype(float), t.samples.time_s, t.info.foot)
            return track(t.samples.time_s, counts, t.info.foot, t.info)

        return dataclasses.replace(run, pods=tuple(one(t) for t in run.pods))

    return make


def with_times(change):
    def make(run):
        def one(t):
            return PodTrack(t.info, dataclasses.replace(t.samples, time_s=change(t.samples.time_s, t.info.foot)))

        return dataclasses.replace(run, pods=tuple(one(t) for t in run.pods))

    return make


def kept(choose):
    """Samples that choose(time_s, foot) keeps."""

    def make(run):
        def one(t):
            mask = choose(t.samples.time_s, t.info.foot)
            return PodTrack(t.info, PodSamples(t.info.foot, t.samples.time_s[mask], t.samples.counts[:, mask]))

        return dataclasses.replace(run, pods=tuple(one(t) for t in run.pods))

    return make


def put(rows, value):
    def change(counts, times, foot):
        counts[rows] = value
        return counts

    return change


def noise(scale, seed=0):
    return lambda _run: both(
        lambda foot: track(np.arange(4000) / 200, np.random.default_rng(seed + foot).normal(0, scale, (6, 4000)), foot)
    )


def motion(wave, rate_hz=200.0, seconds=20.0):
    """Made-up motion: wave(t) gives (6, n) in m/s² and rad/s."""
    t = np.arange(round(seconds * rate_hz)) / rate_hz
    lsb = np.repeat([POD.accel_lsb_mps2, POD.gyro_lsb_rads], 3)[:, None]
    return lambda _run: both(lambda foot: track(t, wave(t) / lsb, foot))


def channels(t, **values) -> np.ndarray:
    made = {"ax": 0.0, "ay": 0.0, "az": G, "gx": 0.0, "gy": 0.0, "gz": 0.0} | values
    return np.stack([np.broadcast_to(np.asarray(v, float), t.shape) for v in made.values()])


def cycling(t):
    """A pedalling foot: 90 turns a minute, nods by 20°, goes round a circle of 17 cm."""
    w = 2 * np.pi * 1.5
    nod = np.radians(20)
    round_mps2 = 0.17 * w**2
    return channels(t, ax=round_mps2 * np.cos(w * t), az=G + round_mps2 * np.sin(w * t), gy=nod * w * np.cos(w * t))


def shaken(t):
    return channels(
        t, ax=60 * np.sin(2 * np.pi * 37 * t), az=G + 80 * np.sin(2 * np.pi * 31 * t), gy=5 * np.sin(2 * np.pi * 33 * t)
    )


def square_wave(counts, times, foot):
    return np.where(np.floor(times * 8) % 2, 32767.0, -32768.0) + 0 * counts


def bad_road(t):
    return channels(t, az=G + 4 * np.sin(2 * np.pi * 2.1 * t), gx=0.3 * np.sin(9 * t))


def other_stands(counts, times, foot):
    return counts if foot == Foot.LEFT else np.repeat(counts[:, :1], counts.shape[1], 1)


def slipped_40_degrees(counts, times, foot):
    angle = np.radians(40)
    turn = np.array([[1, 0, 0], [0, np.cos(angle), -np.sin(angle)], [0, np.sin(angle), np.cos(angle)]])
    late = times > 14
    for rows in (slice(0, 3), slice(3, 6)):
        counts[rows, late] = turn @ counts[rows, late]
    return counts


def lost_samples(share, seed=0):
    return kept(lambda t, foot: np.random.default_rng(seed + foot).random(t.size) > share)


def one_pod(foot):
    return lambda run: dataclasses.replace(run, pods=(run.pods[foot],))


def swapped(run):
    def relabel(t):
        return PodTrack(
            dataclasses.replace(t.info, foot=t.info.foot.other), dataclasses.replace(t.samples, foot=t.info.foot.other)
        )

    return dataclasses.replace(run, pods=tuple(relabel(t) for t in run.pods[::-1]))


def scaled(accel=1.0, gyro=1.0):
    def make(run):
        def one(t):
            info = dataclasses.replace(
                t.info, accel_lsb_mps2=t.info.accel_lsb_mps2 * accel, gyro_lsb_rads=t.info.gyro_lsb_rads * gyro,
                accel_range_mps2=None, gyro_range_rads=None,
            )  # fmt: skip
            return PodTrack(info, t.samples)

        return dataclasses.replace(run, pods=tuple(one(t) for t in run.pods))

    return make


def belt(*readings):
    t, v, g = (np.array(x, float) for x in zip(*readings, strict=True))
    return lambda run: dataclasses.replace(run, belt=Belt(t, v, g))


def few(n):
    return kept(lambda t, _foot: np.arange(t.size) < n)


# What is made of a good run, and what must come of it:
#   nothing  no rows          flagged(...)  all rows from a time on have one of the flags
#   rows     rows, as usual   few_rows      no more rows than real strides leave
NOTHING, ROWS, FEW = "nothing", "rows", "few rows"
CASES = {
    "empty": (few(0), NOTHING),
    "one sample": (few(1), NOTHING),
    "two samples": (few(2), NOTHING),
    "32 samples, too few for a rate": (few(32), NOTHING),
    "one second": (few(200), NOTHING),
    "three seconds": (few(600), None),
    "all zero": (with_counts(put(slice(None), 0)), NOTHING),
    "all constant": (with_counts(put(slice(None), 1234)), NOTHING),
    "all clipped": (with_counts(put(slice(None), 32767)), NOTHING),
    "all clipped downwards": (with_counts(put(slice(None), -32768)), NOTHING),
    "full-scale square wave": (with_counts(square_wave), None),
    "accelerometer dead": (with_counts(put(slice(0, 3), 0)), FEW),
    "accelerometer stuck at full scale": (with_counts(put(slice(0, 3), 32767)), FEW),
    "gyroscope dead": (with_counts(put(slice(3, 6), 0)), NOTHING),
    "gyroscope stuck at full scale": (with_counts(put(slice(3, 6), 32767)), NOTHING),
    "gyro x dead": (with_counts(put(3, 0)), None),
    "gyro y dead": (with_counts(put(4, 0)), None),
    "gyro z dead": (with_counts(put(5, 0)), None),
    "accel z dead": (with_counts(put(2, 0)), None),
    "gyro pitch sign wrong": (with_counts(lambda c, _t, _f: c * np.array([1, 1, 1, 1, -1, 1.0])[:, None]), None),
    "left-handed axes": (with_counts(lambda c, _t, _f: c * np.array([-1, 1, 1, -1, 1, 1.0])[:, None]), None),
    "accel and gyro exchanged": (with_counts(lambda c, _t, _f: c[[3, 4, 5, 0, 1, 2]]), None),
    "axes of gyro permuted": (with_counts(lambda c, _t, _f: c[[0, 1, 2, 4, 5, 3]]), None),
    "feet swapped by name": (swapped, [Flag.SWAPPED]),
    "g taken for m/s²": (scaled(accel=1 / G), [Flag.MOUNTING_UNSURE]),
    "m/s² taken for g": (scaled(accel=G), [Flag.MOUNTING_UNSURE]),
    "degrees taken for radians": (scaled(gyro=180 / np.pi), None),
    "radians taken for degrees": (scaled(gyro=np.pi / 180), NOTHING),
    "scale of nothing": (scaled(accel=1e-30, gyro=1e-30), NOTHING),
    "scale beyond reason": (scaled(accel=1e12, gyro=1e12), None),
    "inverted mounting": (with_counts(lambda c, _t, _f: c * np.array([1, -1, -1, 1, -1, -1.0])[:, None]), ROWS),
    "pod slips by 40°": (with_counts(slipped_40_degrees), ROWS),
    "one pod drops out": (kept(lambda t, f: (t < 12) | (f == 0)), ROWS),
    "one pod drops out and comes back": (kept(lambda t, f: (t < 8) | (t > 14) | (f == 0)), ROWS),
    "both pods drop out": (kept(lambda t, _f: (t < 9) | (t > 13)), ROWS),
    "one pod only": (one_pod(0), [Flag.OTHER_FOOT_MISSING]),
    "the other pod empty": (kept(lambda t, f: (t > 1e9) | (f == 0)), [Flag.OTHER_FOOT_MISSING]),
    "the other pod stands still": (with_counts(other_stands), [Flag.OTHER_FOOT_MISSING]),
    "half of the samples lost": (lost_samples(0.5), None),
    "95 % of the samples lost": (lost_samples(0.95), None),
    "every third sample lost": (kept(lambda t, _f: np.arange(t.size) % 3 > 0), None),
    "a hole of 0.1 s in every second": (kept(lambda t, _f: t % 1 > 0.1), [Flag.GAP, Flag.FIRST_OF_BOUT, None]),
    "a hole of 0.3 s in every second": (kept(lambda t, _f: t % 1 > 0.3), None),
    "clocks 1000 s apart": (with_times(lambda t, f: t + 1000.0 * f), None),
    "clocks 60 ms apart": (with_times(lambda t, f: t + 0.06 * f), ROWS),
    "clock 3 % slow": (with_times(lambda t, _f: t * 0.97), ROWS),
    "clock runs twice as fast": (with_times(lambda t, _f: t * 0.5), None),
    "clock stands still": (with_times(lambda t, _f: t * 0), NOTHING),
    "clock runs backwards": (with_times(lambda t, _f: t[::-1].copy()), NOTHING),
    "clock jumps ahead by a day": (with_times(lambda t, _f: t + np.where(t > 12, 86400.0, 0)), ROWS),
    "clock jumps back by 5 s": (with_times(lambda t, _f: t - np.where(t > 12, 5.0, 0)), ROWS),
    "clock starts in 1970": (with_times(lambda t, _f: t + 1.7e9), ROWS),
    "clock starts below zero": (with_times(lambda t, _f: t - 1e6), ROWS),
    "stamps rounded to 10 ms": (with_times(lambda t, _f: np.round(t, 2)), None),
    "stamps rounded to a second": (with_times(lambda t, _f: np.round(t)), NOTHING),
    "stamps shuffled": (with_times(lambda t, _f: np.random.default_rng(1).permutation(t)), None),
    "stamps of packets of ten": (with_times(lambda t, _f: np.repeat(t[::10], 10)[: t.size]), None),
    "rate of 20 Hz": (kept(lambda t, _f: np.arange(t.size) % 10 == 0), NOTHING),
    "rate of 3300 Hz": (with_times(lambda t, _f: t * 200 / 3300), NOTHING),
    "weak noise": (noise(10), NOTHING),
    "noise": (noise(3000), FEW),
    "noise at full scale": (noise(30000), FEW),
    "vibration": (motion(shaken), NOTHING),
    "a car on a bad road": (motion(bad_road), NOTHING),
    "endless turning": (motion(lambda t: channels(t, gz=10.0)), NOTHING),
    "cycling": (motion(cycling), FEW),
    "free fall": (motion(lambda t: channels(t, az=0.0)), NOTHING),
    "single spikes": (with_counts(lambda c, t, _f: np.where(np.arange(t.size) % 400 == 7, 32767.0, 0 * c)), NOTHING),
    "belt at no speed": (belt((0, 0, 0)), ROWS),
    "belt speed not a number": (belt((0, np.nan, np.nan)), ROWS),
    "belt at an absurd speed": (belt((0, 500, 4)), ROWS),
    "belt that runs backwards": (belt((0, -3, 0)), ROWS),
    "belt starts late": (belt((12, 3.2, 0)), ROWS),
}  # fmt: skip


REFUSED = {"scale beyond reason"}
"""What the nouns themselves refuse."""
UNREADABLE: set[str] = set()
"""What cannot be written or read as a session."""
SENTENCE = r"^[^\n]{20,}$"


@pytest.fixture(scope="module")
def run(recordings):
    return recordings.run(3.2, duration_s=20.0, right=recordings.Pod(lace_deg=90)).recording


def checked(rows: Steps) -> None:
    """What every table of rows keeps, whatever it was made of."""
    for name, dtype in STEP_DTYPES.items():
        assert rows[name].dtype == dtype, name
        if dtype == np.float64:
            assert not np.isinf(rows[name]).any(), name
    contact, toe_off = rows["initial_contact_s"], rows["toe_off_s"]
    assert np.isfinite(contact).all()
    assert (np.diff(contact) >= 0).all(), "sorted"
    for foot in Foot:
        own = contact[rows["foot"] == foot]
        assert (np.diff(own) > 0).all(), "one row a contact"
    seen = np.isfinite(toe_off)
    assert (toe_off[seen] > contact[seen]).all()
    assert ((rows["quality"] >= 0) & (rows["quality"] <= 1)).all()
    for name in ("contact_time_s", "step_time_s", "stride_time_s", "cadence_spm", "peak_force_bw", "calf_dose"):
        value = rows[name][np.isfinite(rows[name])]
        assert (value > 0).all(), f"{name} must be positive, got {value.min() if value.size else None}"
    flags = rows["flags"]
    explained = {
        "toe_off_s": Flag.CUT | Flag.GAP,
        "contact_time_s": Flag.CUT | Flag.GAP,
        "stride_time_s": Flag.FIRST_OF_BOUT,
        "step_time_s": Flag.OTHER_FOOT_MISSING,
        "flight_time_s": Flag.OTHER_FOOT_MISSING | Flag.CUT | Flag.GAP,
        "speed_mps": Flag.NO_SPEED,
    }
    for name, reasons in explained.items():
        silent = np.isnan(rows[name]) & ((flags & int(reasons)) == 0)
        assert not silent.any(), f"{name} is missing without a reason in {silent.sum()} rows"
    models = ("vertical_oscillation_m", "peak_force_bw", "overstride_m", "foot_strike_angle_deg", "achilles_peak_bw")
    for name in models:
        silent = np.isnan(rows[name]) & (flags == 0)
        assert not silent.any(), f"{name} is missing without any flag in {silent.sum()} rows"


def test_there_are_enough_cases():
    assert len(CASES) >= 40


@pytest.mark.parametrize("case", CASES)
def test_bad_recording(case, run, tmp_path):
    make, expected = CASES[case]
    if case in REFUSED:
        with pytest.raises(ValueError, match=SENTENCE):
            make(run)
        return
    begun = time.monotonic()
    recording = make(run)
    if case in UNREADABLE:
        with pytest.raises(ValueError, match=SENTENCE):
            soleus.read(write_session(recording, tmp_path / "session"))
        read = recording  # the core itself must stand it too
    else:
        write_session(recording, tmp_path / "session")
        read = soleus.read(tmp_path / "session")
    result = soleus.analyze(read)
    rows = result.step_rows
    assert time.monotonic() - begun < SECONDS_MAX
    checked(rows)
    assert result.steps.num_rows == len(rows)
    received = sum(len(t.samples) for t in read.pods)
    assert sum(counts.samples.received for counts in result.counts.values()) == received
    names = sorted({Flag(int(f)).names for f in rows["flags"]})
    if expected == NOTHING:
        assert len(rows) == 0, f"{len(rows)} steps found in what holds none: {names}"
    elif expected == FEW:
        unflagged = (rows["flags"] & int(~Flag(0))) == 0
        assert unflagged.sum() == 0, f"{unflagged.sum()} of {len(rows)} rows without a flag"
    elif expected == ROWS:
        assert len(rows) > 20, f"{len(rows)} rows"
    elif expected is not None:
        assert len(rows) > 8
        reasons = [flag for flag in expected if flag is not None]
        if None in expected:
            assert any((rows["flags"] & flag).any() for flag in reasons), names
        else:
            late = rows["initial_contact_s"] > rows["initial_contact_s"][0] + 12
            marked = np.array([(rows["flags"] & flag) != 0 for flag in reasons]).any(axis=0)
            assert late.any()
            assert marked[late].all(), names


def test_a_scale_in_numpys_float_is_written(tmp_path):
    """What numpy computes is a number too."""
    pod = PodInfo(Foot.LEFT, np.float64(16 * G / 32768), np.radians(2000) / 32768)
    write_session(Recording((track(np.arange(400) / 200, np.ones((6, 400)), pod=pod),)), tmp_path / "s")
    assert soleus.read(tmp_path / "s").pods[0].info.gyro_lsb_rads == pod.gyro_lsb_rads
