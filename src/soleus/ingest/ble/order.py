"""Samples in the pod's order: gaps found by index, filled from backfill, waited for, and declared if they stay.

Pure bookkeeping without radio or clock: blocks with an index go in as they come, live and backfilled ones mixed, some
of them twice; samples come out by rising index, each once. Every index between the first expected and the last seen
is in the end released, or lost with a cause, or still waited for: nothing is unaccounted.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from dataclasses import dataclass, field, replace
from typing import Final

import numpy as np

from soleus.ingest.ble.events import LossCause
from soleus.model import CountArray

WAIT_S: Final = 3.0
"""A missing sample holds the later ones back this long at most, counted from the last progress [s]: time for a request
and its answer at any connection interval; more would delay the live view too far."""
OUTAGE_WAIT_S: Final = 30.0
"""While the link is down gaps are kept open this long [s]: the ring of a usual pod holds no more."""
HELD_MAX: Final = 100_000
"""Samples held back at most, four minutes at 400 Hz: bounds the memory."""


@dataclass(frozen=True, slots=True, eq=False)
class Piece:
    """Samples that follow each other without a gap.

    Attributes
    ----------
    first
        Index of the first sample.
    counts
        (6, n) int16.
    stamp_index, stamp_s
        A sample of the packet they came in, and its device time [s].
    """

    first: int
    counts: CountArray
    stamp_index: int
    stamp_s: float

    @property
    def end(self) -> int:
        """Index after the last sample."""
        return self.first + int(self.counts.shape[1])

    def cut(self, start: int, stop: int) -> Piece:
        """Keep the samples from index ``start`` to before ``stop``."""
        return replace(self, first=start, counts=self.counts[:, start - self.first : stop - self.first])


@dataclass(frozen=True, slots=True)
class Hole:
    """Indices that will not come in order."""

    first: int
    samples: int
    cause: LossCause


@dataclass(slots=True)
class OrderCounts:
    """Samples of one boot of a pod, by what became of them.

    Attributes
    ----------
    released, backfilled, duplicate, late
        Handed out in order; of these, brought by backfill; thrown away since they were there already; come after
        their hole was declared.
    lost
        By cause; what came late is not taken off.
    """

    released: int = 0
    backfilled: int = 0
    duplicate: int = 0
    late: int = 0
    lost: Counter[LossCause] = field(default_factory=Counter)


class SampleOrder:
    """Puts the samples of one pod, from one boot to the next, in order.

    Parameters
    ----------
    first
        Index of the first sample expected.
    wait_s
        See :data:`WAIT_S`.

    Examples
    --------
    >>> order = SampleOrder(first=0)
    >>> four = np.zeros((6, 4), np.int16)
    >>> for first in (0, 8):
    ...     order.push(Piece(first, four, first, first / 100), now_s=0.0)
    >>> [(piece.first, piece.end) for piece in order.take(now_s=0.0)], order.gaps()
    ([(0, 4)], [range(4, 8)])
    >>> order.push(Piece(4, four, 4, 0.04), now_s=0.1, backfill=True)
    >>> [(piece.first, piece.end) for piece in order.take(now_s=0.1)], order.gaps()
    ([(4, 8), (8, 12)], [])
    """

    def __init__(self, first: int, wait_s: float = WAIT_S) -> None:
        self.head = first
        self.start = first
        self.counts = OrderCounts()
        self.late: list[Piece] = []
        self._wait_s = wait_s
        self._held: list[Piece] = []
        self._gone: list[Hole] = []
        self._declared: list[range] = []
        self._known_end = first
        self._blocked_since_s: float | None = None
        self._open_until_s = -np.inf

    @property
    def end(self) -> int:
        """Index after the last sample known to exist."""
        return self._known_end

    @property
    def waiting(self) -> int:
        """Samples known to exist and neither released nor lost yet."""
        return self._known_end - self.head

    def push(self, piece: Piece, now_s: float, *, backfill: bool = False) -> None:
        """Take samples; what is there already is counted and dropped."""
        self._known_end = max(self._known_end, piece.end)
        if piece.first < self.head:
            self._push_late(piece.cut(piece.first, min(piece.end, self.head)))
            if piece.end <= self.head:
                return
            piece = piece.cut(self.head, piece.end)
        at = bisect_left(self._held, piece.first, key=lambda held: held.first)
        start = max(piece.first, self._held[at - 1].end) if at else piece.first
        parts = []
        for held in self._held[at:]:
            if held.first >= piece.end:
                break
            if start < held.first:
                parts.append(piece.cut(start, held.first))
            start = max(start, held.end)
        if start < piece.end:
            parts.append(piece.cut(start, piece.end))
        fresh = sum(part.end - part.first for part in parts)
        self.counts.duplicate += piece.end - piece.first - fresh
        self.counts.backfilled += fresh if backfill else 0
        for part in parts:
            self._bring_back(part.first, part.end)
            self._held.insert(bisect_left(self._held, part.first, key=lambda held: held.first), part)
        if self._blocked_since_s is None:
            self._blocked_since_s = now_s

    def _bring_back(self, first: int, end: int) -> None:
        """Take note that samples came which were thought lost."""
        if any(hole.first < end and first < hole.first + hole.samples for hole in self._gone):
            rests = [
                Hole(start, stop - start, hole.cause)
                for hole in self._gone
                for start, stop in (
                    (hole.first, min(first, hole.first + hole.samples)),
                    (max(end, hole.first), hole.first + hole.samples),
                )
                if start < stop
            ]
            self._gone = sorted(rests, key=lambda hole: hole.first)

    def _push_late(self, piece: Piece) -> None:
        late = 0
        for hole in list(self._declared):
            start, stop = max(hole.start, piece.first), min(hole.stop, piece.end)
            if start >= stop:
                continue
            late += stop - start
            self.late.append(piece.cut(start, stop))
            self._declared.remove(hole)
            self._declared += [rest for rest in (range(hole.start, start), range(stop, hole.stop)) if rest]
        self.counts.late += late
        self.counts.duplicate += piece.end - piece.first - late

    def expect_until(self, end: int, now_s: float) -> None:
        """Take note that all samples before index ``end`` exist."""
        self._known_end = max(self._known_end, end)
        if self._blocked_since_s is None and self.head < self._known_end:
            self._blocked_since_s = now_s

    def lose(self, gone: range, cause: LossCause) -> None:
        """Take note that samples will never come; those that are there stay."""
        for gap in self.gaps():
            start, stop = max(gap.start, gone.start), min(gap.stop, gone.stop)
            if start < stop:
                self._gone.append(Hole(start, stop - start, cause))
        self._gone.sort(key=lambda hole: hole.first)

    def gaps(self) -> list[range]:
        """List what is missing between the head and the last index known, oldest first."""
        found, at = [], self.head
        covered = sorted(
            [(piece.first, piece.end) for piece in self._held]
            + [(hole.first, hole.first + hole.samples) for hole in self._gone]
        )
        for first, end in covered:
            if first > at:
                found.append(range(at, first))
            at = max(at, end)
        if at < self._known_end:
            found.append(range(at, self._known_end))
        return found

    def link_lost(self, now_s: float) -> None:
        """Keep gaps open until the link is back, or for :data:`OUTAGE_WAIT_S`."""
        self._open_until_s = now_s + OUTAGE_WAIT_S

    def link_back(self, now_s: float) -> None:
        """Begin the wait for missing samples anew."""
        self._open_until_s = -np.inf
        if self._blocked_since_s is not None:
            self._blocked_since_s = now_s

    def take(self, now_s: float, *, finish: bool = False) -> list[Piece | Hole]:
        """Give what is next in order: samples, and holes once they are certain or were waited for long enough."""
        out: list[Piece | Hole] = []
        while self.head < self._known_end:
            if self._held and self._held[0].first == self.head:
                piece = self._held.pop(0)
                self.counts.released += piece.end - piece.first
                self.head = piece.end
                out.append(piece)
            elif self._gone and self._gone[0].first == self.head:
                self._declare(self._gone.pop(0), out)
            elif finish or self._waited_enough(now_s):
                stop = min(
                    [self._known_end, *(p.first for p in self._held[:1]), *(hole.first for hole in self._gone[:1])]
                )
                self._declare(Hole(self.head, stop - self.head, LossCause.WAIT), out)
            else:
                break
        if out:
            self._blocked_since_s = None if self.head >= self._known_end else now_s
        return out

    def _waited_enough(self, now_s: float) -> bool:
        if sum(piece.end - piece.first for piece in self._held) > HELD_MAX:
            return True
        since_s = self._blocked_since_s
        return since_s is not None and now_s >= max(since_s + self._wait_s, self._open_until_s)

    def _declare(self, hole: Hole, out: list[Piece | Hole]) -> None:
        self.head = hole.first + hole.samples
        self.counts.lost[hole.cause] += hole.samples
        self._declared.append(range(hole.first, self.head))
        out.append(hole)
