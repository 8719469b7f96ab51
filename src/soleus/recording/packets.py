"""Stamps of radio packets, which all samples of a packet share, spread over its samples."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import numpy.typing as npt

MIN_PACKETS: Final = 2
"""Packets needed to know a sample's length."""
USUAL_STEPS: Final = 1.5
"""A packet that takes longer than this many usual ones was followed by a lost one."""

Ticks = npt.NDArray[Any]


class Packets:
    """Spreads samples that share their packet's stamp evenly from it on; a lost packet leaves its gap.

    Stamps are added in any number of blocks; what is kept of them is a stamp and a number a packet.

    Examples
    --------
    >>> packets = Packets()
    >>> packets.add(np.array([0.0, 0.0, 10.0]))
    >>> packets.add(np.array([10.0, 20.0, 20.0, 60.0, 60.0]))
    >>> packets.finish()
    >>> packets.ticks(0, 4), packets.ticks(4, 8)
    (array([ 0.,  5., 10., 15.]), array([20., 25., 60., 65.]))
    """

    def __init__(self) -> None:
        self._stamps: list[Ticks] = []
        self._starts: list[npt.NDArray[np.int64]] = []
        self._n = 0
        self._last: Any = None
        self._stamp = np.empty(0)
        self._start = np.empty(0, np.int64)
        self._step = np.empty(0)

    def add(self, ticks: Ticks) -> None:
        """Take the next (n,) stamps, equal within a packet."""
        new = np.ones(ticks.size, np.bool_)
        new[1:] = ticks[1:] != ticks[:-1]
        new[:1] = self._last is None or ticks[:1] != self._last
        first = np.flatnonzero(new)
        self._stamps.append(ticks[first])
        self._starts.append(first + self._n)
        self._n += ticks.size
        self._last = ticks[-1] if ticks.size else self._last

    def finish(self) -> None:
        """Find the length of a sample in each packet: that takes the stamps of all."""
        self._stamp, self._start = np.concatenate(self._stamps), np.concatenate(self._starts)
        self._stamps, self._starts = [], []
        self._step = np.zeros(self._stamp.size)
        if self._stamp.size < MIN_PACKETS:
            return
        own = np.diff(self._stamp) / np.diff(self._start)
        usual = float(np.median(own))
        # After the last packet, before a lost one and at a reversal the next stamp tells nothing: take the usual step.
        self._step[:] = usual
        good = (own > 0) & (own < USUAL_STEPS * usual)
        self._step[:-1][good] = own[good]

    def ticks(self, start: int, stop: int) -> Ticks:
        """Spread stamps of the samples from ``start`` to before ``stop``, at most all."""
        rows = np.arange(start, min(stop, self._n))
        packet = np.searchsorted(self._start, rows, side="right") - 1
        return np.asarray(self._stamp[packet] + (rows - self._start[packet]) * self._step[packet])
