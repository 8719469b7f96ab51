"""Find each swing of a foot: the anchor from which its next contact is searched.

In swing the foot turns toes-up in one strong lobe of pitch rate, in walking and running, whatever the foot strike
(Falbriard 2018, doi:10.3389/fphys.2018.00610, uses the same lobe's peak). The anchor is where the lobe has fallen to
35 % of its peak: the zero crossing would not do, since a forefoot striker's pitch rate stays positive into stance.
Lobes are followed at 50 Hz, and the anchor is placed between two such values.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import numpy.typing as npt

from soleus.gait import filters
from soleus.gait.filters import DECIMATED_HZ, DECIMATION
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


NO_SWINGS: Final = np.empty(0, np.int64)


class SwingFinder:
    """Find swing lobes in a stream of pitch rate (toes up positive) that starts at grid sample ``first``.

    Examples
    --------
    >>> t = np.arange(1200) / 200
    >>> finder = SwingFinder(first=0)
    >>> anchors = finder.push(6 * np.sin(2 * np.pi * 1.4 * t))
    >>> anchors.size, int(anchors[0]), finder.settled
    (8, 63, 1182)
    """

    def __init__(self, first: int) -> None:
        self._reach = filters.SWING.size // 2
        self._skip = -first % DECIMATION
        self._start = first + self._skip
        self._rest: FloatArray = np.empty(0)
        self._tail: FloatArray = np.empty(0)
        self._next = 0
        self.settled = first
        """All swings that end before this grid sample have been given."""
        self._done = 0
        self._before = 0
        self._run = 0
        self._area = 0
        self._age = 0
        self._still = 0
        self._found = False
        self._first_lobe = True

    def push(self, pitch_rate_rads: FloatArray) -> IntArray:
        """Take (n,) further samples; give the grid samples (m,) at which swings ended."""
        x = pitch_rate_rads[self._skip :]
        self._skip -= pitch_rate_rads.size - x.size
        x = np.concatenate([self._rest, x])
        whole = x.size // DECIMATION
        self._rest = x[whole * DECIMATION :]
        a, b, c, d = x[: whole * DECIMATION].reshape(whole, DECIMATION).T
        return self._find(self._smoothed((a + b + c + d) / DECIMATION, last=False))

    def finish(self) -> IntArray:
        """Give the swings that the last samples hold."""
        anchors = self._find(self._smoothed(np.empty(0), last=True))
        self.settled = self._start + DECIMATION * self._done + self._rest.size
        return anchors

    def _smoothed(self, means: FloatArray, *, last: bool) -> FloatArray:
        if not means.size and not last:
            return means
        x = np.concatenate([self._tail, means])
        begin, end = self._next, x.size if last else x.size - self._reach
        if end <= begin:
            self._tail = x
            return np.empty(0)
        old = max(0, end - self._reach)
        self._tail, self._next = x[old:], end - old
        return filters.smooth(x, filters.SWING)[begin:end]

    def _find(self, smooth_rads: FloatArray) -> IntArray:
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
        least_rad = np.where((lobe == 0) & self._first_lobe, AREA_MIN_AT_START_RAD, AREA_MIN_RAD)
        enough = least_rad * DECIMATED_HZ / QUANTUM_RADS
        ended = ~parted & (100 * q < FALL_PERCENT * peak) & (peak >= PEAK_MIN_RADS / QUANTUM_RADS) & (area >= enough)
        at = np.flatnonzero(ended)
        found = NO_SWINGS
        if at.size:
            lobes, firsts = np.unique(lobe[at], return_index=True)
            at = at[firsts[~((lobes == 0) & self._found)]]
            found = self._anchors(q, at, FALL_PERCENT / 100 * peak[at])
            self._found = bool(lobes[-1] == lobe[-1]) or (self._found and lobe[-1] == 0)
        else:
            self._found = self._found and lobe[-1] == 0
        self._first_lobe = self._first_lobe and lobe[-1] == 0
        self._run, self._area, self._before = int(peak[-1]), int(area[-1]), int(q[-1])
        self._done += n
        self.settled = self._grid_sample(self._done - 1)
        return found

    def _anchors(self, q: IntArray, at: IntArray, fallen: FloatArray) -> IntArray:
        """First grid samples (m,) at which the lobe has fallen to its share, on the line to each value ``at``."""
        here, before = q[at], np.append(self._before, q)[at]
        step = np.where(before > here, before - here, 1)
        share = np.clip((before - fallen) / step, 0.0, 1.0)
        anchors: IntArray = self._grid_sample(self._done + at - 1) + np.floor(DECIMATION * share).astype(np.int64)
        return anchors

    def _grid_sample(self, value: Any) -> Any:  # noqa: ANN401  (a number or many)
        """First grid sample after the middle of a mean."""
        return self._start + DECIMATION * value + DECIMATION // 2

    def _standing(self, q: IntArray, place: IntArray) -> npt.NDArray[np.bool_]:
        moving = np.abs(q) >= STILL_RADS / QUANTUM_RADS
        since = place - np.maximum.accumulate(np.where(moving, place, -self._still))
        self._still = int(since[-1])
        standing: npt.NDArray[np.bool_] = since >= STILL_S * DECIMATED_HZ
        return standing

    def _too_long(self, parted: npt.NDArray[np.bool_], place: IntArray) -> npt.NDArray[np.bool_]:
        age = place - np.maximum.accumulate(np.where(parted, place, -self._age))
        self._age = int(age[-1])
        too_long: npt.NDArray[np.bool_] = (age > 0) & (age % round(LONGEST_LOBE_S * DECIMATED_HZ) == 0)
        return too_long
