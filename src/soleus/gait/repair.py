"""Short plateaus at full scale: bridged by a cubic through their flanks (Fritsch & Carlson 1980), and flagged so."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from soleus.model import FloatArray

PLATEAU_S: Final = 0.025
"""A saturated gyroscope plateau up to this long [s] is repaired: the pitch rate has no feature shorter than that."""
FLANK_SAMPLES: Final = 2
"""Clean samples needed on either side of a plateau: they give the cubic its ends and slopes."""
ROUNDING_S: Final = 1e-6
"""Durations are compared with this slack [s], so that a clock's offset does not decide."""
OVERSHOOT_MAX: Final = 2.5
"""A repaired reading stays below this multiple of full scale: an impact of 16 g on a shoe rarely exceeds 40 g."""


def repair_plateaus(
    values: FloatArray, saturated: npt.NDArray[np.bool_], limit: float, interval_s: float
) -> npt.NDArray[np.bool_]:
    """Bridge short runs of saturated samples, in place.

    Parameters
    ----------
    values
        (channels, n) readings of one sensor.
    saturated
        (n,) samples of which any channel stands at full scale.
    limit
        Full scale, in the unit of the readings.
    interval_s
        Sampling interval [s].

    Returns
    -------
    (n,) samples that were repaired. A run too long, or without two clean samples on either side, is left as it is.

    Examples
    --------
    >>> x = np.array([[0.0, 1, 2, 2, 2, 2, 1, 0]])
    >>> int(repair_plateaus(x, x[0] >= 2, 2.0, 0.005).sum()), x.round(2)
    (4, array([[0. , 1. , 1.8, 2.2, 2.2, 1.8, 1. , 0. ]]))
    """
    repaired = np.zeros(saturated.size, bool)
    if not saturated.any():
        return repaired
    change = np.diff(saturated.astype(np.int8), prepend=0, append=0)
    starts, stops = np.flatnonzero(change == 1), np.flatnonzero(change == -1)
    short = (stops - starts) * interval_s <= PLATEAU_S + ROUNDING_S
    inside = (starts >= FLANK_SAMPLES) & (stops + FLANK_SAMPLES <= saturated.size)
    for start, stop in zip(starts[short & inside], stops[short & inside], strict=True):
        if saturated[start - FLANK_SAMPLES : start].any() or saturated[stop : stop + FLANK_SAMPLES].any():
            continue
        hit = np.flatnonzero((np.abs(values[:, start:stop]) >= limit * ALMOST).any(axis=1))
        length = stop - start + 1
        position = np.arange(1, length) / length
        before, after = values[hit, start - 1, None], values[hit, stop, None]
        slope_in = (before - values[hit, start - 2, None]) * length
        slope_out = (values[hit, stop + 1, None] - after) * length
        bridge = _hermite(position, before, after, slope_in, slope_out)
        values[hit, start:stop] = np.clip(bridge, -OVERSHOOT_MAX * limit, OVERSHOOT_MAX * limit)
        repaired[start:stop] = True
    return repaired


ALMOST: Final = 1 - 1e-9
"""Rounding of a reading at full scale."""


def _hermite(
    x: FloatArray, before: FloatArray, after: FloatArray, slope_in: FloatArray, slope_out: FloatArray
) -> FloatArray:
    """Cubic through both ends with both slopes, ``x`` from 0 to 1."""
    return (
        (2 * x**3 - 3 * x**2 + 1) * before
        + (x**3 - 2 * x**2 + x) * slope_in
        + (3 * x**2 - 2 * x**3) * after
        + (x**3 - x**2) * slope_out
    )
