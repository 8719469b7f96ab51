"""Interpolation of a pod's samples at the times of the grid, without aliasing.

A windowed-sinc kernel (Kaiser window) interpolates and, above the grid's rate, keeps aliases out (Smith & Gossett
1984, doi:10.1109/ICASSP.1984.1172555). A grid sample depends on its neighbours alone.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_array

from soleus.model import FloatArray

PHASES: Final = 256
HALF_LOBES: Final = 4
KAISER_BETA: Final = 7.0
"""Side lobes below -70 dB (Kaiser 1974)."""
CUTOFF: Final = 0.92
"""Cut-off of the anti-aliasing kernel as a share of the lower Nyquist rate."""

Flags = npt.NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Kernel:
    """Windowed-sinc taps for each sub-sample phase, and how many samples they reach to either side."""

    taps: FloatArray
    reach: int
    passes_samples: bool

    def interpolate(
        self, at_s: FloatArray, time_s: FloatArray, values: FloatArray, flags: Flags
    ) -> tuple[FloatArray, Flags]:
        """Evaluate values and flags at the times wanted; the ends are held.

        Parameters
        ----------
        at_s
            (m,) times wanted [s].
        time_s, values, flags
            (n,) times [s], (6, n) values and (n,) flags of the samples.

        Returns
        -------
        (6, m) values, (m,) flags.
        """
        if not at_s.size:
            return np.empty((6, 0), np.float32), np.empty(0, np.uint8)
        # np.interp looks near the last place first: for rising times it is faster than a search
        place = np.interp(at_s, time_s, np.arange(time_s.size, dtype=np.float64))
        base = np.minimum(place.astype(np.int64), time_s.size - 2)
        share = (at_s - time_s[base]) / (time_s[base + 1] - time_s[base])
        phase = np.rint(np.clip(share, 0, 1) * PHASES).astype(np.int64)
        base, phase = base + (phase == PHASES), phase % PHASES
        spread = self._spread(flags, base, phase)
        if self.passes_samples and not phase.any() and base[-1] - base[0] == base.size - 1:
            return values[:, base[0] : base[-1] + 1].copy(), spread
        columns = base[:, None].astype(np.int32) + np.arange(1 - self.reach, self.reach + 1, dtype=np.int32)
        width = 2 * self.reach
        if columns[0, 0] < 0 or columns[-1, -1] >= time_s.size:
            np.clip(columns, 0, time_s.size - 1, out=columns)
        rows = csr_array(
            (self.taps[phase].ravel(), columns.ravel(), np.arange(0, width * at_s.size + 1, width, dtype=np.int32)),
            shape=(at_s.size, time_s.size),
        )
        return np.ascontiguousarray((rows @ np.ascontiguousarray(values.T)).T), spread

    def _spread(self, flags: Flags, base: npt.NDArray[np.int64], phase: npt.NDArray[np.int64]) -> Flags:
        """Join the flags of all samples that a grid sample mainly rests on."""
        if not flags.any():
            return np.zeros(base.size, np.uint8)
        main_lobe = max(1, self.reach // HALF_LOBES)
        result = flags[base]
        for offset in range(1 - main_lobe, main_lobe + 1):
            neighbour = flags[np.clip(base + offset, 0, flags.size - 1)]
            between = (phase != 0) | (not self.passes_samples)
            result = result | np.where(between, neighbour, 0).astype(np.uint8)
        return result


KEEP_BAND_RATIO: Final = 1.02
"""Up to this ratio of the pod's rate to the grid's no anti-aliasing is needed: clocks differ by less."""


@functools.lru_cache(maxsize=8)
def kernel_for(interval_s: float, grid_hz: int) -> Kernel:
    """Make the taps for a pod with this sampling interval [s] and a grid of this rate [Hz]."""
    ratio = 1 / (grid_hz * interval_s)
    keeps_band = ratio <= KEEP_BAND_RATIO
    stretch = 1.0 if keeps_band else ratio
    reach = int(np.ceil(HALF_LOBES * stretch))
    offsets = np.arange(1 - reach, reach + 1) - np.arange(PHASES)[:, None] / PHASES
    cutoff = 1.0 if keeps_band else CUTOFF / stretch
    inside = np.clip(1 - (offsets / reach) ** 2, 0, None)
    taps = np.sinc(cutoff * offsets) * np.i0(KAISER_BETA * np.sqrt(inside))
    if keeps_band:
        taps[0] = np.arange(1 - reach, reach + 1) == 0  # np.sinc leaves 1e-17 where zero is meant
    unit = (taps / taps.sum(axis=1, keepdims=True)).astype(np.float32)
    unit.flags.writeable = False
    return Kernel(unit, reach, keeps_band)


def without_jitter(time_s: FloatArray, half: int, *, at_start: bool, at_end: bool) -> FloatArray:
    """Average each stamp with its neighbours: a uniform clock passes unchanged.

    Parameters
    ----------
    time_s
        (n,) stamps [s], all samples present.
    half
        Neighbours on either side.
    at_start, at_end
        Whether the stretch begins or ends with these stamps: there fewer neighbours count.

    Returns
    -------
    (n,) stamps [s]; where an end is cut off, the outer ``half`` are not to be used.
    """
    smooth = time_s.copy()
    if time_s.size > 2 * half:
        smooth[half : time_s.size - half] = _moving_sum(time_s, 2 * half + 1) / (2 * half + 1)
    ends = ([range(half)] if at_start else []) + ([range(time_s.size - half, time_s.size)] if at_end else [])
    for i in (i for end in ends for i in end if 0 <= i < time_s.size):
        narrow = min(i, time_s.size - 1 - i, half)
        smooth[i] = time_s[i - narrow : i + narrow + 1].mean()
    return smooth


def _moving_sum(x: FloatArray, width: int) -> FloatArray:
    """Sum of each run of ``width`` neighbours, built from sums of 1, 2, 4, … of them."""
    count = x.size - width + 1
    total: FloatArray = np.zeros(count)
    start, size = 0, 1
    while size <= width:
        if width & size:
            total += x[start : start + count]
            start += size
        x = x[:-size] + x[size:] if 2 * size <= width else x
        size *= 2
    return total
