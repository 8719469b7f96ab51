"""Device times of the samples between the stamps of packets, and indices for pods that count nothing."""

from __future__ import annotations

from collections import deque
from typing import Final

import numpy as np

from soleus.model import FloatArray

WINDOW_S: Final = 10.0
"""The sampling period is taken over this much [s]: a stamp that is 1 ms off then bends it by 0.01 %; slower than that
a sensor's oscillator does not change."""
STAMP_STEP_S: Final = 0.1
"""Stamps closer than this are passed over [s]."""
SPAN_MIN_S: Final = 1.0
"""Before stamps span this the nominal rate is used [s]."""
COARSE_TICK_S: Final = 0.25e-3
"""Stamps in ticks longer than this [s] are rounded so much that a line through many replaces each."""


class SampleTimes:
    """Finds the sampling period from the stamps, and each sample's device time.

    Parameters
    ----------
    nominal_hz
        Rate that the pod claims.
    tick_s
        Resolution of the stamps [s].

    Examples
    --------
    >>> times = SampleTimes(nominal_hz=200.0, tick_s=1e-6)
    >>> for index in range(0, 2000, 8):
    ...     times.add(index, index / 208.0)
    >>> times.of(2000, 3, stamp_index=2000, stamp_s=10.0)
    array([10.        , 10.00480769, 10.00961538])
    """

    def __init__(self, nominal_hz: float, tick_s: float) -> None:
        self._nominal_s = 1.0 / nominal_hz
        self._coarse = tick_s > COARSE_TICK_S
        self._stamps: deque[tuple[int, float]] = deque()

    def add(self, index: int, stamp_s: float) -> None:
        """Take the stamp of a live packet."""
        stamps = self._stamps
        if stamps and (index <= stamps[-1][0] or stamp_s - stamps[-1][1] < STAMP_STEP_S):
            return
        stamps.append((index, stamp_s))
        while stamp_s - stamps[0][1] > WINDOW_S and len(stamps) > 2:  # noqa: PLR2004 - a line needs two
            stamps.popleft()

    @property
    def period_s(self) -> float:
        """Time between samples [s]."""
        if not self._stamps or self._stamps[-1][1] - self._stamps[0][1] < SPAN_MIN_S:
            return self._nominal_s
        if self._coarse:
            return self._line()[1]
        (first, first_s), (last, last_s) = self._stamps[0], self._stamps[-1]
        return (last_s - first_s) / (last - first)

    def _line(self) -> tuple[float, float]:
        """Device time [s] of the newest stamp's sample on the line through all, and the line's slope."""
        table = np.array(self._stamps)
        x = table[:, 0] - table[-1, 0]
        slope, at_last = np.polyfit(x, table[:, 1], 1)
        return float(at_last), float(slope)

    def of(self, first: int, n: int, *, stamp_index: int, stamp_s: float) -> FloatArray:
        """Device times [s] (n,) of the samples from index ``first`` on, of a packet with the given stamp."""
        indices = np.arange(first, first + n)
        times: FloatArray
        if self._coarse and self._stamps and self._stamps[-1][1] - self._stamps[0][1] >= SPAN_MIN_S:
            at_last, slope = self._line()
            times = at_last + (indices - self._stamps[-1][0]) * slope
        else:
            times = stamp_s + (indices - stamp_index) * self.period_s
        return times

    def index_of(self, stamp_s: float, next_index: int) -> int:
        """Index of the sample with this stamp, at least ``next_index``: the gap in time tells what is missing."""
        if not self._stamps:
            return next_index
        last, last_s = self._stamps[-1]
        if self._coarse and last_s - self._stamps[0][1] >= SPAN_MIN_S:
            last_s = self._line()[0]
        return max(next_index, last + round((stamp_s - last_s) / self.period_s))
