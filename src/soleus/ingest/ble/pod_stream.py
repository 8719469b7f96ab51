"""One pod's blocks to samples with session time: index and time unwrapped, ordered, mapped, counted.

Holds what outlasts a connection. What a link knows of its protocol ends here: it brings blocks, clock exchanges and
losses; events come out. Samples get their time when they are handed out, and that time is final: whoever records what
comes out can redo everything after the fact bit for bit.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from typing import Final

import numpy as np

from soleus.ingest.ble.events import (
    ClockTold,
    Event,
    HoleDeclared,
    LateSamples,
    LossCause,
    PodRestarted,
    SamplesIn,
    Trouble,
)
from soleus.ingest.ble.order import WAIT_S, Hole, Piece, SampleOrder
from soleus.ingest.ble.safekeeping import Safekeeping
from soleus.ingest.ble.sample_times import SampleTimes
from soleus.ingest.clock import Arrival, ClockError, ClockReport, DeviceClock, Exchange, Unwrapper
from soleus.ingest.protocols.block import BlockFlag, SampleBlock, TimeBase
from soleus.model import FloatArray, Foot, PodSamples

CLOCK_REPORT_S: Final = 10.0
"""The state of a clock is told this often [s]."""
BACKWARDS_S: Final = 1.0
"""A live stamp this far before the latest means that the pod began anew [s]."""


@dataclass(frozen=True, slots=True)
class StreamKind:
    """What a pod's stream can tell.

    Attributes
    ----------
    foot
        The foot it sits on.
    rate_hz
        Nominal sampling rate [Hz].
    time_base
        Its clock.
    can_backfill
        Whether missing samples can be asked for.
    """

    foot: Foot
    rate_hz: float
    time_base: TimeBase
    can_backfill: bool


@dataclass(slots=True)
class PodCounts:
    """Samples of a pod over all its boots; see :class:`~soleus.ingest.ble.order.OrderCounts`.

    Attributes
    ----------
    expected
        Indices between the first expected and the last known.
    waiting
        Neither released nor lost yet.
    """

    expected: int = 0
    released: int = 0
    backfilled: int = 0
    duplicate: int = 0
    late: int = 0
    waiting: int = 0
    lost: Counter[LossCause] = field(default_factory=Counter)

    @property
    def unaccounted(self) -> int:
        """Samples expected that are nowhere: 0, or there is an error in this program."""
        inside = sum(n for cause, n in self.lost.items() if cause not in OUTSIDE_THE_INDEX)
        return self.expected - self.released - self.waiting - inside


OUTSIDE_THE_INDEX: Final = frozenset({LossCause.RESTART, LossCause.UNPAIRED})
"""Losses that the index does not show."""


@dataclass(slots=True, eq=False)
class _Boot:
    """What ends with a restart of the pod."""

    order: SampleOrder | None
    times: SampleTimes
    clock: DeviceClock
    index: dict[int, Unwrapper]
    ticks: Unwrapper
    untimed: list[Piece] = field(default_factory=list)
    refused: int = 0
    last_session_s: float | None = None


class PodStream:
    """Turns blocks of one pod into events.

    Parameters
    ----------
    device
        Name for the events.
    kind
        What the stream can tell.
    wait_s
        How long later samples wait for missing ones [s].

    Attributes
    ----------
    heard_s
        Session time of the latest block [s].
    """

    def __init__(self, device: str, kind: StreamKind, wait_s: float = WAIT_S) -> None:
        self.device = device
        self.kind = kind
        self._wait_s = wait_s
        self._past = PodCounts()
        self._events: list[Event] = []
        self._last_session_s: float | None = None
        self._restart_pending = False
        self._reported_s = -np.inf
        self.heard_s: float | None = None
        self._safe = Safekeeping(device, kind.foot)
        self._boot = self._new_boot(None)

    def _new_boot(self, first_index: int | None) -> _Boot:
        base = self.kind.time_base
        return _Boot(
            order=None if first_index is None else SampleOrder(first_index, self._wait_s),
            times=SampleTimes(self.kind.rate_hz, base.tick_s),
            clock=DeviceClock(),
            index={},
            ticks=Unwrapper(base.modulus),
        )

    # What the link brings.

    def set_rate(self, rate_hz: float) -> None:
        """Take note of the nominal rate [Hz] that the pod really started with."""
        if rate_hz != self.kind.rate_hz:
            self.kind = replace(self.kind, rate_hz=rate_hz)
            self._boot.times = SampleTimes(rate_hz, self.kind.time_base.tick_s)

    def expect_from(self, index: int) -> None:
        """Take note of the index that comes next, as the pod says it at its first start."""
        if self._boot.order is None:
            self._boot.order = SampleOrder(index, self._wait_s)

    def restart(self, now_s: float) -> None:
        """Begin anew: the pod restarted."""
        self._release(now_s, finish=True)
        self._close_boot()
        self._events.append(PodRestarted(now_s, self.device))
        self._boot = self._new_boot(None)
        self._safe.restart()
        self._restart_pending = self._last_session_s is not None

    def add_block(self, block: SampleBlock, arrival_s: float) -> None:
        """Take a block of six axes, live or backfilled."""
        n = len(block)
        if not n or block.device_time is None:
            return
        self.heard_s = arrival_s
        backfill = bool(block.flags & BlockFlag.BACKFILL)
        boot, tick_s = self._boot, self.kind.time_base.tick_s
        latest = boot.ticks.latest
        stamp_s = boot.ticks(block.device_time) * tick_s
        # A pod that counts its samples tells a restart itself, and its clock answers run ahead of waiting packets.
        if latest is not None and block.first_index is None and stamp_s < latest * tick_s - BACKWARDS_S:
            self.restart(arrival_s)
            self.add_block(block, arrival_s)
            return
        first = self._index(boot, block, stamp_s)
        stamp_index = first + block.time_index
        if boot.order is None:
            boot.order = SampleOrder(first, self._wait_s)
        known = boot.order.end
        piece = Piece(first, block.counts, stamp_index, stamp_s)
        boot.order.push(piece, arrival_s, backfill=backfill)
        self._safe.add_piece(piece, arrival_s)
        if not backfill:
            boot.times.add(stamp_index, stamp_s)
            last_s = stamp_s + (n - 1 - block.time_index) * boot.times.period_s
            self._add_to_clock(Arrival(last_s, arrival_s))
            if first > known and not self.kind.can_backfill:
                boot.order.lose(range(known, first), LossCause.AIR)

    def _index(self, boot: _Boot, block: SampleBlock, stamp_s: float) -> int:
        if block.first_index is None:
            return boot.times.index_of(stamp_s, boot.order.end if boot.order else 0)
        return self.unwrap_index(block.first_index, block.index_modulus)

    def unwrap_index(self, raw: int, modulus: int = 2**32) -> int:
        """Undo the wrapping of an index as the pod sends it."""
        boot = self._boot
        if modulus not in boot.index:
            boot.index[modulus] = Unwrapper(modulus, boot.order.end if boot.order else None)
        return boot.index[modulus](raw)

    def add_exchange(self, sent_s: float, received_ticks: int, answered_ticks: int, heard_s: float) -> None:
        """Take a clock exchange: session times [s] and the pod's ticks."""
        boot, base = self._boot, self.kind.time_base
        modulus = base.modulus or 2**64
        device_received = boot.ticks(received_ticks % modulus)
        device_answered = device_received + (answered_ticks - received_ticks)
        self._add_to_clock(Exchange(sent_s, device_received * base.tick_s, device_answered * base.tick_s, heard_s))

    def _add_to_clock(self, record: Arrival | Exchange) -> None:
        self._safe.add_record(record)
        try:
            self._boot.clock.add(record)
        except ClockError:
            # The samples stay; only their stamp is not used for the fit.
            self._boot.refused += 1

    def expect_until(self, index: int, now_s: float) -> None:
        """Take note that all samples before an index exist."""
        if self._boot.order is not None:
            self._boot.order.expect_until(index, now_s)

    def lose(self, gone: range, cause: LossCause) -> None:
        """Take note of samples that will never come."""
        if self._boot.order is not None:
            self._boot.order.lose(gone, cause)

    def count_loss(self, samples: int, cause: LossCause) -> None:
        """Count a loss that the index does not show."""
        self._past.lost[cause] += samples

    def gaps(self) -> list[range]:
        """List the indices that are missing."""
        return self._boot.order.gaps() if self._boot.order is not None else []

    def link_lost(self, now_s: float) -> None:
        """Take note that no samples can come for now."""
        if self._boot.order is not None:
            self._boot.order.link_lost(now_s)

    def link_back(self, now_s: float) -> None:
        """Take note that the pod streams again."""
        if self._boot.order is not None:
            self._boot.order.link_back(now_s)

    # What comes out.

    @property
    def report(self) -> ClockReport:
        """How well the clock is known."""
        return self._boot.clock.report

    @property
    def counts(self) -> PodCounts:
        """Samples by what became of them."""
        counts = _added(self._past, self._boot.order)
        counts.waiting = self._boot.order.waiting if self._boot.order else 0
        return counts

    def take(self, now_s: float, *, finish: bool = False) -> list[Event]:
        """Give what is ready; with ``finish`` all there is, gaps declared."""
        self._release(now_s, finish=finish)
        if finish:
            self._close_boot()
            self._boot = self._new_boot(None)
        elif now_s - self._reported_s >= CLOCK_REPORT_S and self._boot.clock.ready:
            self._reported_s = now_s
            self._events.append(ClockTold(now_s, self.device, self.report))
        if self._boot.order is not None:
            waiting = sum(piece.end - piece.first for piece in self._boot.untimed)
            handed_out = self._boot.order.head - waiting
            self._events += self._safe.take(now_s, handed_out, self._boot.times.period_s)
        events, self._events = self._events, []
        return events

    def _release(self, now_s: float, *, finish: bool) -> None:
        boot = self._boot
        if boot.order is None:
            return
        for part in boot.order.take(now_s, finish=finish):
            if isinstance(part, Hole):
                self._hand_out()
                hole = HoleDeclared(now_s, self.device, self.kind.foot, part.first, part.samples, part.cause)
                self._events.append(hole)
            else:
                boot.untimed.append(part)
        self._hand_out()
        for piece in boot.order.late if boot.clock.ready else ():
            samples = PodSamples(self.kind.foot, self._session_s(piece), piece.counts)
            self._events.append(LateSamples(self.device, piece.first, samples))
        if boot.clock.ready:
            boot.order.late.clear()

    def _session_s(self, piece: Piece) -> FloatArray:
        boot, n = self._boot, piece.end - piece.first
        device_s = boot.times.of(piece.first, n, stamp_index=piece.stamp_index, stamp_s=piece.stamp_s)
        # The last samples of the newest packet may lie a rounding beyond what the clock has settled.
        return boot.clock.map(np.minimum(device_s, boot.clock.mapped_until_s))

    def _hand_out(self) -> None:
        """Give times to all samples in line, in one event a run."""
        boot = self._boot
        if not boot.untimed or not boot.clock.ready:
            return
        pieces, boot.untimed = boot.untimed, []
        breaks = [i for i in range(1, len(pieces)) if pieces[i].first != pieces[i - 1].end]
        for start, stop in zip([0, *breaks], [*breaks, len(pieces)], strict=True):
            run = pieces[start:stop]
            time_s = np.concatenate([self._session_s(piece) for piece in run])
            counts = np.concatenate([piece.counts for piece in run], axis=1)
            self._note_restart(float(time_s[0]))
            self._last_session_s = float(time_s[-1])
            self._events.append(SamplesIn(self.device, run[0].first, PodSamples(self.kind.foot, time_s, counts)))

    def _note_restart(self, first_s: float) -> None:
        if self._restart_pending and self._last_session_s is not None:
            self._restart_pending = False
            missing = max(0, round((first_s - self._last_session_s) / self._boot.times.period_s) - 1)
            self._past.lost[LossCause.RESTART] += missing
            told = f"{missing} samples are missing around a restart of the pod (estimated from the time)"
            self._events.append(Trouble(first_s, self.device, told))

    def _close_boot(self) -> None:
        boot = self._boot
        untimed = sum(piece.end - piece.first for piece in boot.untimed)
        if untimed:
            self._past.lost[LossCause.NO_TIME] += untimed
            told = f"{untimed} samples came before the pod's clock was known and are lost: record for longer"
            self._events.append(Trouble(self._last_session_s or 0.0, self.device, told))
            boot.untimed.clear()
        self._past = _added(self._past, boot.order)
        self._past.released -= untimed


def _added(past: PodCounts, order: SampleOrder | None) -> PodCounts:
    if order is None:
        return PodCounts(
            past.expected, past.released, past.backfilled, past.duplicate, past.late, 0, Counter(past.lost)
        )
    counts = order.counts
    return PodCounts(
        past.expected + order.end - order.start,
        past.released + counts.released,
        past.backfilled + counts.backfilled,
        past.duplicate + counts.duplicate,
        past.late + counts.late,
        0,
        past.lost + counts.lost,
    )
