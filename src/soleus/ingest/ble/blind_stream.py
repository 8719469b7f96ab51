"""Samples of pods that send neither time nor counter: counted as they come, timed by the earliest arrivals.

What can be had: samples are even, so a line of count against arrival tells their times but for what all arrivals have
in common. What cannot: a lost packet. It shifts the times after it by its length until the line's window has passed,
and nobody can tell.
"""

from __future__ import annotations

from collections import deque
from dataclasses import replace
from typing import Final

import numpy as np

from soleus.ingest.ble.events import Event
from soleus.ingest.ble.pod_stream import PodStream, StreamKind
from soleus.ingest.clock import ClockReport
from soleus.ingest.protocols.block import SampleBlock, TimeBase
from soleus.model import Foot

WINDOW_S: Final = 10.0
"""The line goes through arrivals of this much time [s]: a lost packet is forgotten after it; one bin's error of 5 ms
then bends the rate by 0.02 %."""
BIN_S: Final = 0.25
"""Of each such piece the earliest arrival counts [s]: some ten connection events."""
SPAN_MIN_S: Final = 3.0
"""Blocks wait until arrivals span this [s]."""
DEPTH_S: Final = 5e-3
"""Arrivals later than the line by more than this [s] count less and less: they waited for a repetition."""
ITERATIONS: Final = 4
BLIND_BOUND_S: Final = 30e-3
"""What the error of such times is told to be at most [s]: a lost packet of three samples at 100 Hz. More cannot be
promised."""
MICROSECONDS: Final = 1e6
TIME_BASE: Final = TimeBase(tick_s=1 / MICROSECONDS, modulus=None)


class ArrivalLine:
    """A line through the earliest arrivals of counted samples.

    Examples
    --------
    >>> line = ArrivalLine(nominal_hz=100.0)
    >>> for index in range(0, 1000, 3):
    ...     line.add(index, index / 98.0 + (0.02 if index % 9 else 0.0))
    >>> round(line.at(1000) - 1000 / 98.0, 2)
    0.0
    """

    def __init__(self, nominal_hz: float) -> None:
        self._period_s = 1 / nominal_hz
        self._bins: deque[tuple[int, int, float]] = deque()
        self._line: tuple[int, float, float] | None = None

    @property
    def span_s(self) -> float:
        """Time between the first and the last arrival [s]."""
        return self._bins[-1][2] - self._bins[0][2] if self._bins else 0.0

    def add(self, index: int, arrival_s: float) -> None:
        """Take the arrival of the packet whose last sample has this index."""
        number = int(arrival_s // BIN_S)
        if self._bins and number <= self._bins[-1][0]:
            _, best, best_s = self._bins[-1]
            if arrival_s - best_s < (index - best) * self._period_s:
                self._bins[-1] = (number, index, arrival_s)
                self._line = None
            return
        self._bins.append((number, index, arrival_s))
        while arrival_s - self._bins[0][2] > WINDOW_S:
            self._bins.popleft()
        self._line = None

    def at(self, index: int) -> float:
        """Time [s] at which the sample with this index would have arrived without waiting."""
        if self._line is None:
            self._line = self._fit()
        origin, time_s, period_s = self._line
        return time_s + (index - origin) * period_s

    def _fit(self) -> tuple[int, float, float]:
        origin, base_s = self._bins[-1][1], self._bins[-1][2]
        if self.span_s < SPAN_MIN_S:
            earliest = min(at_s - base_s - (index - origin) * self._period_s for _, index, at_s in self._bins)
            return origin, base_s + earliest, self._period_s
        index = np.array([entry[1] - origin for entry in self._bins], np.float64)
        y = np.array([entry[2] - base_s for entry in self._bins])
        weight = np.ones(y.size)
        for _ in range(ITERATIONS):
            slope, offset = np.polyfit(index, y, 1, w=weight)
            late = np.maximum(y - (offset + slope * index), 0.0)
            weight = DEPTH_S / (DEPTH_S + late)
        return origin, base_s + float(offset), float(slope)


class BlindStream(PodStream):
    """A :class:`~soleus.ingest.ble.pod_stream.PodStream` for pods that send neither time nor counter.

    Attributes
    ----------
    told
        The user knows what that means.
    """

    def __init__(self, device: str, foot: Foot, rate_hz: float) -> None:
        super().__init__(device, StreamKind(foot, rate_hz, TIME_BASE, can_backfill=False))
        self.told = False
        self._line = ArrivalLine(rate_hz)
        self._next = 0
        self._waiting: list[tuple[SampleBlock, int, float]] = []
        self._last_us = 0
        self._cut_s: float | None = None

    def add_untimed(self, block: SampleBlock, arrival_s: float) -> None:
        """Take the next block of six axes."""
        if self._cut_s is not None:
            # While the link was down samples were taken; how many, only the time tells.
            self._next += max(0, round((arrival_s - self._cut_s) * self.kind.rate_hz) - len(block))
            self._line, self._cut_s = ArrivalLine(self.kind.rate_hz), None
        first, self._next = self._next, self._next + len(block)
        self._line.add(self._next - 1, arrival_s)
        self._waiting.append((block, first, arrival_s))
        if self._line.span_s >= SPAN_MIN_S:
            self._flush()

    def _flush(self) -> None:
        waiting, self._waiting = self._waiting, []
        for block, first, arrival_s in waiting:
            last = first + len(block) - 1
            # Time goes on, whatever the line does.
            self._last_us = max(self._last_us + 1, round(self._line.at(last) * MICROSECONDS))
            timed = replace(block, device_time=self._last_us, time_index=len(block) - 1, first_index=first)
            self.add_block(timed, arrival_s)

    def link_back(self, now_s: float) -> None:
        """Take note that the pod streams again; what comes now is counted from a new beginning."""
        self._flush()
        self._cut_s = self._last_us / MICROSECONDS if self._last_us else None
        super().link_back(now_s)

    def take(self, now_s: float, *, finish: bool = False) -> list[Event]:
        """Give what is ready; with ``finish`` all there is."""
        if finish:
            self._flush()
        return super().take(now_s, finish=finish)

    @property
    def report(self) -> ClockReport:
        """How well the times are known: badly."""
        found = super().report
        return found if found.source == "none" else replace(found, bias_bound_s=BLIND_BOUND_S)
