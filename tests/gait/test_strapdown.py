"""Integration of strides against a plain one, sample by sample, with scipy's rotations."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from soleus.gait.strapdown import SAMPLE_S, Strapdown, in_blocks, pick, running_sum

RNG = np.random.default_rng(8)
UP = np.array([[0.0], [0.0], [1.0]])
BEGIN, END, WIDTH = np.array([3, 17, 0, 30]), np.array([150, 160, 96, 142]), 192


def plain(rate, force, begin, end):
    """Orientation and running sum of force of one stride, with no drift taken back."""
    turned = [Rotation.identity()]
    for k in range(begin + 1, end + 1):
        turned.append(turned[-1] * Rotation.from_rotvec(0.5 * (rate[k - 1] + rate[k]) * SAMPLE_S))
    moved = np.stack([r.apply(f) for r, f in zip(turned, force[begin : end + 1], strict=True)])
    return turned[-1], moved


@pytest.fixture(scope="module")
def windows():
    """Smooth rates and forces (n, 6, w)."""
    noise = RNG.normal(size=(BEGIN.size, 6, WIDTH + 40)).cumsum(axis=2)
    return (noise[:, :, 20:-20] - noise.mean(axis=2, keepdims=True)) * 0.3 + np.array([0, 0, 0, 0, 0, 9.8])[:, None]


@pytest.fixture(scope="module")
def moved(windows):
    return Strapdown.of(in_blocks(windows, (0, 1, 2)), in_blocks(windows, (3, 4, 5)), BEGIN, END, UP)


def test_the_residual_is_the_rotation_that_remains(windows, moved):
    for row, (begin, end) in enumerate(zip(BEGIN, END, strict=True)):
        whole, _ = plain(windows[row, :3].T, windows[row, 3:].T, begin, end)
        heading = moved.heading[row] if abs(moved.heading[row]) > np.radians(10) else 0.0
        left = whole * Rotation.from_rotvec([0, 0, -heading])
        assert moved.residual[:, row] == pytest.approx(left.as_rotvec(), abs=1e-4)


def test_sums_without_drift_are_those_of_a_plain_integration(windows):
    """There and back again: the second half turns as the first did, backwards, so no drift remains."""
    rate = windows[:, :3].copy()
    middle = WIDTH // 2
    rate[:, :, middle + 1 :] = -rate[:, :, middle - 1 : 0 : -1]
    rate[:, :, middle] = 0
    rate[:, :, middle - 1] = rate[:, :, middle + 1] = 0
    both = np.concatenate([rate, windows[:, 3:]], axis=1)
    begin, end = np.full(4, 5), np.full(4, WIDTH - 5)
    found = Strapdown.of(in_blocks(both, (0, 1, 2)), in_blocks(both, (3, 4, 5)), begin, end, UP)
    assert np.abs(found.residual).max() < 1e-4
    path = found.paths_m(end[None])[:, 0]
    for row in range(4):
        _, force = plain(both[row, :3].T, both[row, 3:].T, 5, WIDTH - 5)
        weights = np.ones(force.shape[0])
        weights[[0, -1]] = 0.5
        gravity = weights @ force / (force.shape[0] - 1)
        assert found.gravity[:, row] == pytest.approx(gravity, abs=1e-4)
        ahead = np.cumsum(force, axis=0) - 0.5 * (force + force[0]) - gravity * np.arange(force.shape[0])[:, None]
        way = (ahead.sum(axis=0) - 0.5 * (ahead[0] + ahead[-1])) * SAMPLE_S**2
        assert path[:, row] == pytest.approx(way, abs=1e-5)
        assert pick(found.summed, end)[:, row] == pytest.approx(force.sum(axis=0), rel=1e-5, abs=1e-3)


def test_what_comes_before_the_begin_does_not_matter(windows, moved):
    other = windows.copy()
    for row, begin in enumerate(BEGIN):
        other[row, :, :begin] = 99.0
    again = Strapdown.of(in_blocks(other, (0, 1, 2)), in_blocks(other, (3, 4, 5)), BEGIN, END, UP)
    for name in ("gravity", "residual", "heading", "summed"):
        assert np.array_equal(getattr(again, name), getattr(moved, name)), name


def test_blocks_put_before_a_window_change_nothing(windows, moved):
    """So a stride does not depend on how long the longest beside it is."""
    wider = np.concatenate([RNG.normal(size=(*windows.shape[:2], 32)), windows], axis=2)
    again = Strapdown.of(in_blocks(wider, (0, 1, 2)), in_blocks(wider, (3, 4, 5)), BEGIN + 32, END + 32, UP)
    assert np.array_equal(again.gravity, moved.gravity)
    assert np.array_equal(again.paths_m(END[None] + 32), moved.paths_m(END[None]))


def test_running_sum_and_pick():
    x = RNG.normal(size=(2, 3, 64))
    blocks = in_blocks(x, (0, 2))
    summed = running_sum(blocks)
    for k in (0, 15, 16, 63):
        assert pick(summed, np.array([k, k])) == pytest.approx(x[:, [0, 2], : k + 1].sum(axis=2).T)


def test_other_widths_are_refused():
    with pytest.raises(ValueError, match="multiple of 16"):
        in_blocks(np.zeros((1, 3, 17)), (0,))
