"""Smoothing by matrix products: the same as by convolution, and a window does not depend on its neighbours."""

from __future__ import annotations

import numpy as np
import pytest

from soleus.gait import banks, events, filters

RNG = np.random.default_rng(3)
BANKS = {
    name: getattr(events, name) for name in ("PITCH_BANK", "ROLL_BANK", "FORCE_BANK", "UNLOAD_BANK")
}  # fmt: skip


@pytest.mark.parametrize("name", BANKS)
def test_a_window_does_not_depend_on_how_many_there_are_nor_on_its_place(name):
    matrix = BANKS[name]
    windows = RNG.normal(size=(75, matrix.shape[1])).astype(np.float32)
    together = banks.times(matrix, windows)
    for first in range(0, 60, 7):
        for count in (1, 2, 3, 5, 15, 16, 17):
            alone = banks.times(matrix, windows[first : first + count])
            assert np.array_equal(alone, together[first : first + count])


def test_a_bank_smooths_as_the_smoother_does():
    windows = RNG.normal(size=(5, 90)).astype(np.float32)
    matrix = banks.bank(90, (filters.LOADING, 20, 60), (banks.change_of(filters.LOADING), 30, 50))
    smooth = filters.smooth(windows, filters.LOADING)
    found = banks.times(matrix, windows)
    assert found[:, :40] == pytest.approx(smooth[:, 20:60], abs=1e-5)
    assert found[:, 40:] == pytest.approx(np.gradient(smooth, axis=1)[:, 30:50], abs=1e-5)


def test_outer_axes_are_kept():
    windows = RNG.normal(size=(3, 20, 8)).astype(np.float32)
    matrix = RNG.normal(size=(4, 8)).astype(np.float32)
    assert banks.times(matrix, windows) == pytest.approx(windows @ matrix.T, abs=1e-5)
    assert banks.times(matrix, windows[:, :0]).shape == (3, 0, 4)
