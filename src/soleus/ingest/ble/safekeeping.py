"""What a pod's stream holds back, handed over for safekeeping: should the program die, it is on disk all the same.

Samples wait until the pod's clock is known, and behind a gap until it is filled. Both last longer than what a crash
may cost. What is handed over here comes again in order with its final time; only after a crash is it needed. The
records of the clock are handed over too, so that the mapping of device time can be done anew after the fact.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from soleus.ingest.ble.events import ClockRecords, Event, SamplesHeld
from soleus.ingest.ble.order import Piece
from soleus.ingest.clock import Arrival, Exchange
from soleus.model import FloatArray, Foot, PodSamples

HELD_S: Final = 0.3
"""Samples held back for longer than this are handed over for safekeeping [s]."""
RECORDS_S: Final = 1.0
"""Records of the clock are handed over this often [s]."""


class Safekeeping:
    """Remember what came and is not handed out yet.

    Parameters
    ----------
    device, foot
        Of the events.
    """

    def __init__(self, device: str, foot: Foot) -> None:
        self._device = device
        self._foot = foot
        self._pieces: list[tuple[float, Piece]] = []
        self._records: list[Arrival | Exchange] = []
        self._records_s: float | None = None
        self._offset_s = np.inf

    def add_piece(self, piece: Piece, arrival_s: float) -> None:
        """Take note of samples that came."""
        self._pieces.append((arrival_s, piece))

    def add_record(self, record: Arrival | Exchange) -> None:
        """Take note of a record of the clock."""
        self._records.append(record)
        if isinstance(record, Arrival):
            self._offset_s = min(self._offset_s, record.arrival_s - record.device_s)

    def restart(self) -> None:
        """Forget the time base: the pod began anew."""
        self._pieces.clear()
        self._offset_s = np.inf

    def take(self, now_s: float, handed_out: int, period_s: float) -> list[Event]:
        """Give what was held back for long, and the records of the clock.

        Parameters
        ----------
        now_s
            Session time [s].
        handed_out
            Index up to which samples are handed out, or declared lost.
        period_s
            Time between samples [s].
        """
        events: list[Event] = []
        self._pieces = [(came_s, piece) for came_s, piece in self._pieces if piece.end > handed_out]
        if self._pieces and now_s - self._pieces[0][0] >= HELD_S and np.isfinite(self._offset_s):
            pieces = sorted((piece for _, piece in self._pieces), key=lambda piece: piece.first)
            self._pieces.clear()
            events += self._held(pieces, period_s)
        if self._records_s is None:
            self._records_s = now_s
        if now_s - self._records_s >= RECORDS_S and self._records:
            self._records_s = now_s
            events.append(ClockRecords(now_s, self._device, tuple(self._records)))
            self._records = []
        return events

    def _held(self, pieces: list[Piece], period_s: float) -> list[Event]:
        """Make one event of each run of pieces."""
        breaks = [i for i in range(1, len(pieces)) if pieces[i].first != pieces[i - 1].end]
        events: list[Event] = []
        for start, stop in zip([0, *breaks], [*breaks, len(pieces)], strict=True):
            run = pieces[start:stop]
            time_s = np.concatenate([self._provisional_s(piece, period_s) for piece in run])
            counts = np.concatenate([piece.counts for piece in run], axis=1)
            events.append(SamplesHeld(self._device, run[0].first, PodSamples(self._foot, time_s, counts)))
        return events

    def _provisional_s(self, piece: Piece, period_s: float) -> FloatArray:
        device_s: FloatArray = piece.stamp_s + (np.arange(piece.first, piece.end) - piece.stamp_index) * period_s
        return device_s + self._offset_s
