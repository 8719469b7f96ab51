"""The smoothers: unit gain, no delay, the pass and stop bands that their comments claim."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from soleus.gait import filters
from soleus.gait.grid import GRID_HZ

SMOOTHERS = {name: getattr(filters, name) for name in ("SWING", "SLOW", "CALM", "LOADING", "PUSH", "SHARP")}


def gain(taps, hz) -> float:
    half = taps.size // 2
    return float(np.abs((taps * np.exp(-2j * np.pi * hz / GRID_HZ * np.arange(-half, half + 1))).sum()))


@pytest.mark.parametrize("name", SMOOTHERS)
def test_smoothers_are_symmetric_odd_and_of_unit_gain(name):
    taps = SMOOTHERS[name]
    assert taps.size % 2 == 1
    assert np.allclose(taps, taps[::-1], atol=1e-15)
    assert taps.sum() == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("name", "passed_hz", "stopped_hz"),
    [
        ("CALM", 6, (35, 60)),
        ("LOADING", 8, (40, 60)),
        ("PUSH", 3, (25, 60)),
        ("SLOW", 1.5, (20, 60)),
        ("SHARP", 8, (70, 99)),
    ],
)
def test_motion_passes_and_ringing_does_not(name, passed_hz, stopped_hz):
    taps = SMOOTHERS[name]
    assert gain(taps, passed_hz) > 0.7
    assert max(gain(taps, hz) for hz in np.linspace(*stopped_hz, 40)) < 0.06


@pytest.mark.parametrize("name", SMOOTHERS)
def test_there_is_no_delay(name):
    t = np.arange(801) / GRID_HZ
    bump = np.exp(-0.5 * ((t - 2.0) / 0.1) ** 2)
    smooth = filters.smooth(bump, SMOOTHERS[name])
    assert int(np.argmax(smooth)) == 400
    assert np.allclose(smooth, smooth[::-1], atol=1e-12)


@given(st.integers(0, 2**31), st.integers(0, 300), st.integers(40, 300), st.sampled_from(sorted(SMOOTHERS)))
@settings(max_examples=60, deadline=None)
def test_a_value_does_not_depend_on_where_the_stream_was_cut(seed, first, width, name):
    """Inside, the value of a sample is the same, bit for bit, whatever part of the stream is smoothed."""
    taps = SMOOTHERS[name]
    x = np.random.default_rng(seed).normal(size=800)
    half = taps.size // 2
    whole = filters.smooth(x, taps)
    part = filters.smooth(x[first : first + width], taps)
    inner = slice(half, width - half)
    assert np.array_equal(part[inner], whole[first : first + width][inner])


def test_ends_are_held():
    assert np.allclose(filters.smooth(np.full(10, 3.0), np.ones(5) / 5), 3.0, atol=1e-14)


def test_rows_are_smoothed_apart():
    x = np.random.default_rng(2).normal(size=(3, 4, 90))
    rows = filters.smooth(x, filters.CALM)
    assert np.array_equal(rows[1, 2], filters.smooth(x[1, 2], filters.CALM))
