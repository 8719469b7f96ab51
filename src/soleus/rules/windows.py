"""The functions over a trailing window, vectorised: the window is the last axis, NaN what is unknown.

A function gets windows and how wide each is: a narrower one among wider ones begins with unknown values, which change
nothing but what counts as half of it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import numpy as np
import numpy.typing as npt

from soleus.rules.expression import BIN_S

FloatArray = npt.NDArray[np.float64]
Width = int | npt.NDArray[np.intp]
"""Bins of each window, broadcast against the leading axes."""

NORMAL_MAD: Final = 1.4826
"""Standard deviation over median absolute deviation of a normal distribution."""


def sorted_median(values: FloatArray) -> tuple[FloatArray, npt.NDArray[np.intp]]:
    """Take the median of the known values along the last axis, NaN where none is known, and count these values.

    Examples
    --------
    >>> sorted_median(np.array([[3.0, np.nan, 1.0], [np.nan, np.nan, np.nan]]))
    (array([ 2., nan]), array([2, 0]))
    """
    width = values.shape[-1]
    ordered = np.sort(values, axis=-1).reshape(-1, width)
    counts = width - np.count_nonzero(np.isnan(ordered), axis=-1)
    row = np.arange(ordered.shape[0])
    low = ordered[row, np.maximum(counts - 1, 0) // 2]
    high = ordered[row, np.minimum(counts // 2, width - 1)]
    shape = values.shape[:-1]
    return ((low + high) * 0.5).reshape(shape), counts.reshape(shape)


def _median(windows: FloatArray, width: Width) -> FloatArray:
    median, known = sorted_median(windows)
    return np.where(known * 2 >= width, median, np.nan)


def _sum(windows: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Add the known values and count them; a running sum adds in order of time, so any cut gives the same bits."""
    known = ~np.isnan(windows)
    total: FloatArray = np.cumsum(np.where(known, windows, 0.0), axis=-1)[..., -1]
    return total, np.count_nonzero(known, axis=-1).astype(np.float64)


def _mean(windows: FloatArray, width: Width) -> FloatArray:
    total, count = _sum(windows)
    return np.where(count * 2 >= width, total / np.maximum(count, 1.0), np.nan)


def _count(windows: FloatArray, _width: Width) -> FloatArray:
    total, count = _sum(windows)
    return np.where(count > 0, total, np.nan)


def _min(windows: FloatArray, _width: Width) -> FloatArray:
    return np.asarray(np.fmin.reduce(windows, axis=-1), np.float64)


def _max(windows: FloatArray, _width: Width) -> FloatArray:
    return np.asarray(np.fmax.reduce(windows, axis=-1), np.float64)


def _last(windows: FloatArray, _width: Width) -> FloatArray:
    known = ~np.isnan(windows)
    position = windows.shape[-1] - 1 - np.argmax(known[..., ::-1], axis=-1)
    return np.asarray(np.take_along_axis(windows, position[..., None], axis=-1)[..., 0], np.float64)


def _slope(windows: FloatArray, width: Width) -> FloatArray:
    first, second = np.triu_indices(windows.shape[-1], k=1)
    if first.size == 0:
        return np.full(windows.shape[:-1], np.nan)
    slope, _ = sorted_median((windows[..., second] - windows[..., first]) / ((second - first) * BIN_S))
    known = np.count_nonzero(~np.isnan(windows), axis=-1)
    return np.where(known * 2 >= width, slope, np.nan)


def _spread(windows: FloatArray, width: Width) -> FloatArray:
    middle, known = sorted_median(windows)
    spread, _ = sorted_median(np.abs(windows - middle[..., None]))
    return np.where(known * 2 >= width, NORMAL_MAD * spread, np.nan)


WINDOWS: Final[dict[str, Callable[[FloatArray, Width], FloatArray]]] = {
    "median": _median,
    "mean": _mean,
    "share": _mean,
    "count": _count,
    "min": _min,
    "max": _max,
    "last": _last,
    "slope": _slope,
    "spread": _spread,
}
"""Each windowed function: from shape ``(..., bins)`` and the widths to ``(...)``."""


def working_values(function: str, bins: int) -> int:
    """Tell how many values a function needs at hand for one window: a slope looks at every pair.

    Examples
    --------
    >>> working_values("mean", 6), working_values("slope", 6)
    (6, 15)
    """
    return max(bins, bins * (bins - 1) // 2) if function == "slope" else bins
