"""Swings in a stream of pitch rate: every lobe once, at the right place, however the stream is cut."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from soleus.gait import filters
from soleus.gait.grid import GRID_HZ
from soleus.gait.segmentation import FALL_PERCENT, SwingFinder


def found(rate, cuts=(), first=0):
    """All swings of a stream cut at the places given."""
    finder = SwingFinder(first)
    edges = [0, *sorted(cuts), rate.size]
    anchors = [finder.push(rate[begin:end]) for begin, end in itertools.pairwise(edges)]
    return np.concatenate([*anchors, finder.finish()])


def steps_like(seconds=12.0, stride_hz=1.4, seed=0) -> np.ndarray:
    """Pitch rate of a runner, roughly: a swing lobe, a push-off, a slap, noise."""
    t = np.arange(round(seconds * GRID_HZ)) / GRID_HZ
    phase = (t * stride_hz) % 1
    rng = np.random.default_rng(seed)
    lobe = 8 * np.exp(-(((phase - 0.55) / 0.09) ** 2))
    push = -9 * np.exp(-(((phase - 0.25) / 0.07) ** 2))
    slap = -6 * np.exp(-(((phase - 0.80) / 0.02) ** 2))
    return lobe + push + slap + rng.normal(0, 0.3, t.size)


@given(st.lists(st.integers(0, 2400), max_size=60), st.integers(0, 50), st.sampled_from([0.9, 1.4, 1.7]))
@settings(max_examples=60, deadline=None)
def test_swings_do_not_depend_on_the_cuts(cuts, seed, stride_hz):
    rate = steps_like(stride_hz=stride_hz, seed=seed)
    assert np.array_equal(found(rate), found(rate, cuts))


@given(st.lists(st.integers(0, 1600), max_size=40), st.integers(0, 1000))
@settings(max_examples=40, deadline=None)
def test_noise_with_pauses_does_not_depend_on_the_cuts(cuts, seed):
    rng = np.random.default_rng(seed)
    rate = np.cumsum(rng.normal(0, 1, 1600)) * np.repeat(rng.random(16) > 0.4, 100)
    assert np.array_equal(found(rate), found(rate, cuts))


def test_one_sample_at_a_time():
    rate = steps_like(6.0)
    assert np.array_equal(found(rate), found(rate, range(rate.size)))


@pytest.mark.parametrize("stride_hz", [0.7, 0.9, 1.2, 1.4, 1.7, 1.9])
def test_one_swing_a_stride(stride_hz):
    anchors = found(steps_like(20.0, stride_hz))
    assert abs(anchors.size - 20 * stride_hz) <= 1.5
    assert np.abs(np.diff(anchors) / GRID_HZ - 1 / stride_hz).max() < 0.03


def test_the_anchor_is_where_the_lobe_has_fallen_to_its_share():
    t = np.arange(1200) / GRID_HZ
    lobe = np.where((t > 2) & (t < 2.4), 8 * np.sin(np.pi * (t - 2) / 0.4) ** 2, 0.0)
    lobe[:300] = lobe[600:] = -2.0
    (anchor,) = found(lobe)
    smooth = filters.smooth(lobe, filters.hann(0.16))
    crossing = np.flatnonzero((t[1:] > 2.2) & (smooth[1:] < FALL_PERCENT / 100 * smooth.max()))[0] + 1
    assert abs(anchor - crossing) <= 1


def test_the_first_number_counts_from_where_the_stretch_begins():
    rate = steps_like()
    assert np.array_equal(found(rate, first=1000), found(rate) + 1000)


@pytest.mark.parametrize("rate", [np.zeros(3000), np.full(3000, 0.2), np.full(3000, 50.0), np.full(3000, -50.0)])
def test_no_motion_or_endless_turning_is_no_swing(rate):
    assert found(rate).size <= 1


def test_standing_forgets_a_half_lobe():
    """A slow lift and a stop, then a run: the run's swings are found as if nothing had been before."""
    run = steps_like(6.0)
    lift = np.concatenate([np.zeros(200), np.full(30, 1.2), np.zeros(400)])
    assert np.array_equal(found(np.concatenate([lift, run]))[-6:], found(run)[-6:] + lift.size)


def test_settled_never_goes_back_and_reaches_the_end():
    rate = steps_like(4.0)
    finder = SwingFinder(0)
    settled = [finder.settled]
    for k in range(0, rate.size, 7):
        finder.push(rate[k : k + 7])
        settled.append(finder.settled)
    finder.finish()
    assert (np.diff(settled) >= 0).all()
    assert finder.settled == rate.size
