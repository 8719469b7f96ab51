"""Find each swing of a foot: the anchor from which its next contact is searched.

In swing the foot turns toes-up in one strong lobe of pitch rate, in walking and running, whatever the foot strike
(Falbriard 2018, doi:10.3389/fphys.2018.00610, uses the same lobe's peak). The anchor is where the lobe has fallen to
35 % of its peak: the zero crossing would not do, since a forefoot striker's pitch rate stays positive into stance.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from soleus.gait import filters
from soleus.gait.grid import GRID_HZ
from soleus.model import FloatArray

# Chosen on 13 runners (RBDS) and the PyShoe walking and jogging trials; running lobes measure 1.1-1.9 rad.
PEAK_MIN_RADS: Final = 1.5
AREA_MIN_RAD: Final = 0.33
AREA_MIN_AT_START_RAD: Final = 0.2
FALL_PERCENT: Final = 35
SEPARATOR_RADS: Final = -1.0
"""Push-off and early swing turn the foot toes-down faster than this [rad/s]: it parts two lobes."""
STILL_RADS: Final = 0.3
STILL_S: Final = 0.4
"""A foot slower than STILL_RADS for STILL_S stands: what was gathered of a lobe is forgotten."""
LONGEST_LOBE_S: Final = 3.0
QUANTUM_RADS: Final = 1e-4
"""Whole numbers of this unit make sums and comparisons exact, hence independent of how the stream was cut."""

_STEP: Final = 1 << 24
IntArray = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Swings:
    """Ends of swing lobes: ``anchor`` (n,) grid sample number, ``peak_rads`` (n,) the lobe's height [rad/s]."""

    anchor: IntArray
    peak_rads: FloatArray

    def followed_by(self, later: Swings) -> Swings:
        """Join with later swings."""
        return Swings(np.concatenate([self.anchor, later.anchor]), np.concatenate([self.peak_rads, later.peak_rads]))


NO_SWINGS: Final = Swings(np.empty(0, np.int64), np.empty(0))


class SwingFinder:
    """Find swing lobes in a stream of pitch rate (toes up positive) that starts at grid sample ``first``.

    Examples
    --------
    >>> t = np.arange(1200) / 200
    >>> finder = SwingFinder(first=0)
    >>> swings = finder.push(6 * np.sin(2 * np.pi * 1.4 * t))
    >>> swings.anchor.size, finder.settled
    (8, 1184)
    """

    def __init__(self, first: int) -> None:
        self._reach = filters.SWING.size // 2
        self._tail: FloatArray = np.empty(0)
        self._next = 0
        self.settled = first
        """All swings that end before this grid sample have been given."""
        self._run = 0
        self._area = 0
        self._age = 0
        self._still = 0
        self._found = False
        self._first_lobe = True

    def push(self, pitch_rate_rads: FloatArray) -> Swings:
        """Take (n,) further samples; give the swings that ended."""
        return self._find(self._smoothed(pitch_rate_rads, last=False))

    def finish(self) -> Swings:
        """Give the swings that the last samples hold."""
        return self._find(self._smoothed(np.empty(0), last=True))

    def _smoothed(self, x: FloatArray, *, last: bool) -> FloatArray:
        x = np.concatenate([self._tail, x.astype(np.float64)])
        begin, end = self._next, x.size if last else x.size - self._reach
        if end <= begin:
            self._tail = x
            return np.empty(0)
        old = max(0, end - self._reach)
        self._tail, self._next = x[old:], end - old
        return filters.smooth(x, filters.SWING)[begin:end]

    def _find(self, smooth_rads: FloatArray) -> Swings:
        n = smooth_rads.size
        if n == 0:
            return NO_SWINGS
        q = np.rint(smooth_rads / QUANTUM_RADS).astype(np.int64)
        place = np.arange(1, n + 1)
        parted = (q < SEPARATOR_RADS / QUANTUM_RADS) | self._standing(q, place)
        parted |= self._too_long(parted, place)
        lobe = np.cumsum(parted)
        height = np.where(parted, 0, np.maximum(q, 0))
        carried = np.where(lobe == 0, self._run, 0)
        peak = np.maximum.accumulate(lobe * _STEP + np.maximum(height, carried)) - lobe * _STEP
        total = np.cumsum(height)
        area = total - np.maximum.accumulate(np.where(parted, total, 0)) + np.where(lobe == 0, self._area, 0)
        enough = np.where((lobe == 0) & self._first_lobe, AREA_MIN_AT_START_RAD, AREA_MIN_RAD) * GRID_HZ / QUANTUM_RADS
        ended = ~parted & (100 * q < FALL_PERCENT * peak) & (peak >= PEAK_MIN_RADS / QUANTUM_RADS) & (area >= enough)
        at = np.flatnonzero(ended)
        lobes, firsts = np.unique(lobe[at], return_index=True)
        at = at[firsts[~((lobes == 0) & self._found)]]
        self._found = bool(lobes.size and lobes[-1] == lobe[-1]) or (self._found and lobe[-1] == 0)
        self._first_lobe = self._first_lobe and lobe[-1] == 0
        self._run, self._area = int(peak[-1]), int(area[-1])
        swings = Swings(at + self.settled, peak[at] * QUANTUM_RADS)
        self.settled += n
        return swings

    def _standing(self, q: IntArray, place: IntArray) -> npt.NDArray[np.bool_]:
        moving = np.abs(q) >= STILL_RADS / QUANTUM_RADS
        since = place - np.maximum.accumulate(np.where(moving, place, -self._still))
        self._still = int(since[-1])
        standing: npt.NDArray[np.bool_] = since >= STILL_S * GRID_HZ
        return standing

    def _too_long(self, parted: npt.NDArray[np.bool_], place: IntArray) -> npt.NDArray[np.bool_]:
        age = place - np.maximum.accumulate(np.where(parted, place, -self._age))
        self._age = int(age[-1])
        too_long: npt.NDArray[np.bool_] = (age > 0) & (age % round(LONGEST_LOBE_S * GRID_HZ) == 0)
        return too_long
