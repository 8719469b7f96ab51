"""Any samples onto the 200 Hz grid: exact on it, accurate between, every defect flagged and counted."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from soleus.gait.grid import (
    BREAK_S,
    BRIDGE_S,
    GRID_HZ,
    MAX_RATE_HZ,
    MIN_RATE_HZ,
    Gridder,
    SampleCounts,
    SampleFlag,
    Stretch,
)
from soleus.gait.repair import PLATEAU_S
from soleus.model import Foot, PodInfo, PodSamples

LSB = 0.001
POD = PodInfo(Foot.LEFT, LSB, LSB, accel_range_mps2=30.0, gyro_range_rads=30.0)
AMPLITUDE = 20.0
EDGE = 60
"""Grid samples at either end where a kernel lacks neighbours."""


def tone(time_s, hz, amplitude=AMPLITUDE) -> np.ndarray:
    """Six channels of one tone, each in its own phase, in physical units."""
    return amplitude * np.sin(2 * np.pi * hz * np.asarray(time_s) + np.arange(6)[:, None])


def gridded(time_s, values, pod=POD) -> tuple[list[Stretch], SampleCounts]:
    gridder = Gridder(pod)
    counts = np.clip(np.rint(values / LSB), -32768, 32767).astype(np.int16)
    pieces = gridder.push(PodSamples(Foot.LEFT, np.asarray(time_s, float), counts)) + gridder.finish()
    return joined(pieces), gridder.counts


def joined(pieces: list[Stretch]) -> list[Stretch]:
    """Put the pieces of each stretch together."""
    stretches: list[list[Stretch]] = []
    for piece in pieces:
        if piece.starts:
            stretches.append([])
        stretches[-1].append(piece)
    for parts in stretches:
        assert parts[-1].ends
        assert not any(part.ends for part in parts[:-1])
        assert all(a.first + a.values.shape[1] == b.first for a, b in itertools.pairwise(parts))
    return [
        Stretch(p[0].first, np.hstack([q.values for q in p]), np.hstack([q.flags for q in p]), starts=True, ends=True)
        for p in stretches
    ]


def times_of(stretch: Stretch) -> np.ndarray:
    return (stretch.first + np.arange(stretch.values.shape[1])) / GRID_HZ


def has(flags, bit) -> np.ndarray:
    return (flags & bit) != 0


def test_samples_on_the_grid_pass_unchanged():
    time = 3.0 + np.arange(1000) / 200
    counts = np.random.default_rng(1).integers(-20000, 20000, (6, 1000)).astype(np.int16)
    (stretch,), seen = gridded(time, counts * LSB)
    assert stretch.first == 600
    assert np.array_equal(stretch.values, counts * np.float32(LSB))
    assert not stretch.flags.any()
    assert seen == SampleCounts(received=1000)


@pytest.mark.parametrize("offset_s", [0.0, 0.0013, 0.0025, 0.0049, 17.77])
@pytest.mark.parametrize(
    "rate_hz", [50.0, 52.0, 60.0, 100.0, 104.0, 128.0, 200.0, 204.8, 208.0, 240.0, 400.0, 833.0, 1600.0]
)
def test_a_slow_tone_is_interpolated_at_any_rate(rate_hz, offset_s):
    time = offset_s + np.arange(round(3 * rate_hz)) / rate_hz
    (stretch,), seen = gridded(time, tone(time, 6.0))
    at = times_of(stretch)
    assert at.size == pytest.approx(600, abs=5)
    error = np.abs(stretch.values - tone(at, 6.0))[:, EDGE:-EDGE]
    assert error.max() < 0.012 * AMPLITUDE
    assert not stretch.flags.any()
    assert (seen.missing, seen.bad_time, seen.breaks) == (0, 0, 0)


@given(rate_hz=st.floats(50, 1600), hz=st.floats(0.5, 15), offset_s=st.floats(0, 1000), ppm=st.floats(-3e4, 3e4))
@settings(max_examples=60, deadline=None)
def test_interpolation_error_is_bounded(rate_hz, hz, offset_s, ppm):
    """Below a third of the pod's Nyquist rate the error stays within 2 % of the amplitude, whatever the clock."""
    hz = min(hz, rate_hz / 6)
    time = offset_s + np.arange(round(2.5 * rate_hz)) / (rate_hz * (1 + ppm * 1e-6))
    (stretch,), _ = gridded(time, tone(time, hz))
    error = np.abs(stretch.values - tone(times_of(stretch), hz))[:, EDGE:-EDGE]
    assert error.max() < 0.02 * AMPLITUDE


@pytest.mark.parametrize(
    ("rate_hz", "hz"), [(400, 150), (400, 190), (800, 150), (800, 390), (1600, 140), (1600, 700), (1600, 199)]
)
def test_what_the_grid_cannot_hold_vanishes(rate_hz, hz):
    time = np.arange(3 * rate_hz) / rate_hz
    (stretch,), _ = gridded(time, tone(time, hz))
    assert np.abs(stretch.values[:, EDGE:-EDGE]).max() < (0.003 if hz != 140 else 0.008) * AMPLITUDE


@pytest.mark.parametrize("rate_hz", [240.0, 400.0, 800.0, 1600.0])
def test_decimation_keeps_what_the_core_uses(rate_hz):
    time = np.arange(round(3 * rate_hz)) / rate_hz
    (stretch,), _ = gridded(time, tone(time, 40.0))
    error = np.abs(stretch.values - tone(times_of(stretch), 40.0))[:, EDGE:-EDGE]
    assert error.max() < 0.01 * AMPLITUDE


def test_a_constant_stays_constant_at_any_rate():
    for rate_hz in (50.0, 133.3, 200.0, 317.0, 1600.0):
        time = np.arange(round(2 * rate_hz)) / rate_hz
        (stretch,), _ = gridded(time, np.full((6, time.size), 9.81))
        assert np.abs(stretch.values / stretch.values[0, 0] - 1).max() < 5e-7


def test_jitter_of_stamps_is_averaged_out():
    rng = np.random.default_rng(3)
    true = np.arange(2000) / 100
    (stretch,), seen = gridded(true + rng.uniform(-0.0024, 0.0024, true.size), tone(true, 3.0))
    at = times_of(stretch)
    off = np.abs(stretch.values - tone(at, 3.0))[:, EDGE:-EDGE]
    raw_s = 0.0024 / np.sqrt(3)
    steepest = AMPLITUDE * 2 * np.pi * 3.0
    assert np.sqrt((off**2).mean()) < 0.5 * raw_s * steepest / np.sqrt(2)
    assert seen.missing == 0


def test_steps_of_10_and_20_ms_are_a_100_hz_pod_that_loses_samples():
    rng = np.random.default_rng(4)
    kept = np.flatnonzero(rng.random(3000) > 0.15)
    time = kept / 100
    (stretch,), seen = gridded(time, tone(time, 2.0))
    assert seen.missing == 3000 - kept.size - (2999 - kept[-1]) - kept[0]
    assert seen.bridged <= seen.missing
    assert has(stretch.flags, SampleFlag.BRIDGED).sum() >= seen.bridged
    clean = stretch.flags == 0
    clean[:EDGE] = clean[-EDGE:] = False
    assert np.abs(stretch.values - tone(times_of(stretch), 2.0))[:, clean].max() < 0.05 * AMPLITUDE


@given(at=st.integers(150, 700), width=st.integers(1, 47))
@settings(max_examples=50, deadline=None)
def test_holes_are_counted_and_flagged_where_they_are(at, width):
    kept = np.delete(np.arange(1000), slice(at, at + width))
    (stretch,), seen = gridded(kept / 200, tone(kept / 200, 3.0))
    assert seen.missing == width
    short = (width + 1) / 200 <= BRIDGE_S + 1e-9
    assert seen.bridged == (width if short else 0)
    bit = SampleFlag.BRIDGED if short else SampleFlag.GAP
    assert np.array_equal(np.flatnonzero(has(stretch.flags, bit)), np.arange(at, at + width))
    assert not has(stretch.flags, ~bit & np.uint8(0xFF)).any()
    outside = stretch.flags == 0
    as_they_came = np.rint(tone(kept / 200, 3.0) / LSB).astype(np.int16) * np.float32(LSB)
    assert np.array_equal(stretch.values[:, outside], as_they_came), "samples beside a hole must stay"


@pytest.mark.parametrize("rate_hz", [50, 100, 400, 800])
def test_holes_are_flagged_at_other_rates(rate_hz):
    keep = np.ones(4 * rate_hz, bool)
    keep[2 * rate_hz : round(2.1 * rate_hz)] = False
    time = np.flatnonzero(keep) / rate_hz
    (stretch,), seen = gridded(time, tone(time, 2.0))
    assert seen.missing == round(0.1 * rate_hz)
    at = times_of(stretch)[has(stretch.flags, SampleFlag.GAP)]
    assert at.min() == pytest.approx(2.0, abs=1.5 / rate_hz + 0.01)
    assert at.max() == pytest.approx(2.1, abs=1.5 / rate_hz + 0.01)
    far = (times_of(stretch) < 1.8) | (times_of(stretch) > 2.3)
    assert not stretch.flags[far].any()


@pytest.mark.parametrize("hole_s", [0.26, 0.5, 7.0, 86400.0])
def test_a_long_hole_ends_the_stretch(hole_s):
    time = np.concatenate([np.arange(500) / 200, 2.5 + hole_s + np.arange(500) / 200])
    stretches, seen = gridded(time, tone(time, 3.0))
    assert len(stretches) == 2
    assert seen.breaks == 1
    assert seen.missing == 0
    assert times_of(stretches[0])[-1] == pytest.approx(2.495)
    assert times_of(stretches[1])[0] == pytest.approx(2.5 + hole_s)


def test_a_hole_just_short_of_a_break_keeps_the_stretch():
    width = round(BREAK_S * 200) - 2
    kept = np.delete(np.arange(1000), slice(500, 500 + width))
    stretches, seen = gridded(kept / 200, tone(kept / 200, 3.0))
    assert len(stretches) == 1
    assert (seen.breaks, seen.missing) == (0, width)


@pytest.mark.parametrize("ahead_s", [0.3, 5.0, 1e6])
def test_a_stamp_that_leaps_ahead_goes_alone(ahead_s):
    time = np.arange(1000) / 200
    time[500] += ahead_s
    (stretch,), seen = gridded(time, tone(np.arange(1000) / 200, 3.0))
    assert seen.bad_time == 1
    assert seen.missing == 1
    assert stretch.values.shape[1] == 1000


@pytest.mark.parametrize("back_s", [0.0, 0.001, 0.2, 5.0, 1e6])
def test_stamps_that_do_not_rise_are_dropped_and_counted(back_s):
    time = np.arange(1000) / 200
    time[500:503] = time[499] - back_s
    stretches, seen = gridded(time, tone(np.arange(1000) / 200, 3.0))
    assert len(stretches) == 1, "a backward stamp is no break"
    assert seen.bad_time in (3, 4), "the good stamp before a long fall looks like a leap and may go too"
    assert seen.missing == seen.bad_time
    assert np.abs(stretches[0].values[:, 520:800] - tone(np.arange(520, 800) / 200, 3.0)).max() < 2 * LSB


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_stamps_that_are_no_numbers_are_dropped_and_counted(bad):
    time = np.arange(1000) / 200
    time[[0, 10, 500, 999]] = bad
    (stretch,), seen = gridded(time, tone(np.arange(1000) / 200, 3.0))
    assert seen.bad_time == 4
    assert seen.missing == 2
    assert np.isfinite(stretch.values).all()


def test_a_clock_that_was_set_back_for_good_loses_no_more_than_it_must():
    """A clock set back by seconds: what follows lies in the past until it has caught up, and is counted."""
    time = np.concatenate([np.arange(1000) / 200, 3.0 + np.arange(1000) / 200])
    _, seen = gridded(time, tone(np.arange(2000) / 200, 3.0))
    assert seen.bad_time == pytest.approx(400, abs=2)


def test_clipped_samples_are_flagged_and_left_as_they_are():
    time = np.arange(1000) / 200
    values = tone(time, 2.0, amplitude=1.0)
    values[1, 300:303] = 30.0
    values[2, 500] = -30.0
    (stretch,), seen = gridded(time, values)
    assert seen.clipped == 4
    assert np.array_equal(np.flatnonzero(has(stretch.flags, SampleFlag.CLIPPED)), [300, 301, 302, 500])
    assert stretch.values[1, 301] == pytest.approx(30.0)
    assert not has(stretch.flags, SampleFlag.SATURATED).any()


def test_without_a_known_range_the_limit_of_int16_clips():
    time = np.arange(1000) / 200
    values = tone(time, 2.0, amplitude=1.0)
    values[0, 400], values[0, 401], values[4, 600] = 32.767, 32.766, -32.768
    _, seen = gridded(time, values, PodInfo(Foot.LEFT, LSB, LSB))
    assert (seen.clipped, seen.saturated) == (1, 1)


@pytest.mark.parametrize("rate_hz", [100, 200, 400, 800])
@pytest.mark.parametrize("width_s", [0.005, 0.010, 0.025, 0.035, 0.060, 0.2])
def test_a_saturated_plateau_is_repaired_only_if_short_and_only_with_a_flag(rate_hz, width_s):
    width = round(width_s * rate_hz)
    if width == 0:
        pytest.skip("shorter than a sample at this rate")
    time = np.arange(4 * rate_hz) / rate_hz
    top = 4 * rate_hz // 2
    # a peak that the range cuts off
    true = 31.5 * np.exp(-0.5 * ((time - time[top]) / max(width_s, 0.01)) ** 2)
    values = tone(time, 1.0, amplitude=0.5)
    values[3] = np.minimum(true, 29.0)
    first = top - width // 2
    values[3, first : first + width] = 30.0
    (stretch,), seen = gridded(time, values)
    assert seen.saturated == width
    short = width / rate_hz <= PLATEAU_S
    assert seen.repaired == (width if short else 0)
    assert has(stretch.flags, SampleFlag.REPAIRED).any() == short
    assert has(stretch.flags, SampleFlag.SATURATED).any() == (not short)


def test_a_repaired_plateau_is_nearer_to_the_truth():
    time = np.arange(1000) / 200
    true = 33.0 * np.exp(-0.5 * ((time - 2.5) / 0.02) ** 2)
    values = tone(time, 1.0, amplitude=0.5)
    values[4] = np.minimum(true, 30.0)
    (stretch,), seen = gridded(time, values)
    assert seen.repaired == seen.saturated > 0
    mended = has(stretch.flags, SampleFlag.REPAIRED)
    assert np.abs(stretch.values[4] - true)[mended].mean() < np.abs(np.minimum(true, 30.0) - true)[mended].mean()
    others = [0, 1, 2, 3, 5]
    assert np.array_equal(stretch.values[others], np.rint(values / LSB)[others].astype(np.int16) * np.float32(LSB))


def test_plateaus_too_near_each_other_stay_saturated():
    time = np.arange(1000) / 200
    values = tone(time, 1.0, amplitude=0.5)
    values[3, [500, 502]] = 30.0
    (stretch,), seen = gridded(time, values)
    assert (seen.saturated, seen.repaired) == (2, 0)
    assert np.array_equal(np.flatnonzero(has(stretch.flags, SampleFlag.SATURATED)), [500, 502])


@pytest.mark.parametrize("rate_hz", [1.0, 20.0, 44.0, 1800.0, 10000.0])
def test_unusable_rates_give_nothing_and_are_counted(rate_hz):
    assert not MIN_RATE_HZ < rate_hz < MAX_RATE_HZ
    time = np.arange(2000) / rate_hz
    stretches, seen = gridded(time, tone(time, 0.1))
    assert stretches == []
    if rate_hz > 4:  # slower than that, every step is a break
        assert seen.unusable_rate == 2000
    else:
        assert seen.breaks > 0


@pytest.mark.parametrize("n", range(40))
def test_very_short_recordings_do_no_harm(n):
    time = np.arange(n) / 200
    stretches, seen = gridded(time, tone(time, 3.0))
    assert seen.received == n
    assert sum(s.values.shape[1] for s in stretches) in (0, n)


def test_stretches_shorter_than_the_rate_needs_are_counted():
    """Twenty samples between two breaks tell no rate: they are given up, and that is counted."""
    time = np.concatenate([np.arange(600) / 200, 10 + np.arange(20) / 200, 20 + np.arange(600) / 200])
    stretches, seen = gridded(time, tone(time, 3.0))
    assert len(stretches) == 2
    assert seen.unusable_rate == 20
    assert seen.breaks == 2


def test_time_that_starts_below_zero_or_far_off():
    for start in (-7.3, 1.7e9):
        time = start + np.arange(1000) / 200
        (stretch,), _ = gridded(time, tone(np.arange(1000) / 200, 3.0))
        assert times_of(stretch)[0] == pytest.approx(start, abs=0.0051)
        assert np.isfinite(stretch.values).all()
