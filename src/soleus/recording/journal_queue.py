"""What was handed over and is not yet on the disk: numbered, in order, bounded."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

import msgspec

from soleus.model import CountArray, FloatArray, Foot
from soleus.recording.journal_format import END, NO_COUNTS, NO_POD, NO_VALUES, SAMPLES, EndRecord, Row, text_row

BATCH_BYTES: Final = 2**20
"""Greatest batch [bytes]; reading one back takes this much at once."""


@dataclass(frozen=True, slots=True)
class QueueCounts:
    """Samples handed over and dropped by foot, other things dropped, bytes waiting."""

    samples: Mapping[Foot, int]
    dropped_samples: Mapping[Foot, int]
    dropped_readings: int
    waiting_bytes: int


class JournalQueue:
    """Rows between those who hand over and the one who writes; what is oldest gives way where it gets full.

    Parameters
    ----------
    memory_bytes
        What may wait [bytes].
    wake
        Called when a whole batch is waiting.
    """

    def __init__(self, memory_bytes: int, wake: Callable[[], None]) -> None:
        self._memory_bytes = memory_bytes
        self._wake = wake
        self._lock = threading.Lock()
        self._rows: deque[Row] = deque()
        self._waiting_bytes = 0
        self._pieces = 0
        self._samples = dict.fromkeys(Foot, 0)
        self._dropped_samples = dict.fromkeys(Foot, 0)
        self._dropped_readings = 0
        self._ended = False

    @property
    def counts(self) -> QueueCounts:
        """How much came and went."""
        with self._lock:
            return QueueCounts(
                dict(self._samples), dict(self._dropped_samples), self._dropped_readings, self._waiting_bytes
            )

    def put_samples(self, foot: Foot, time_s: FloatArray, counts: CountArray) -> None:
        """Take a piece of samples: (n,) times [s] and (6, n) counts, which must not change any more."""
        with self._lock:
            first = self._samples[foot]
            self._samples[foot] += time_s.size
            self._put(Row(self._number(), SAMPLES, foot.value, first, time_s, counts, NO_VALUES, ""))

    def put_readings(self, kind: str, time_s: FloatArray, values: FloatArray) -> None:
        """Take readings: (n,) times [s] and (k, n) values, which must not change any more."""
        with self._lock:
            self._put(Row(self._number(), kind, NO_POD, 0, time_s, NO_COUNTS, values, ""))

    def put_text(self, kind: str, json: str, time_s: float | None = None) -> None:
        """Take an event or facts."""
        with self._lock:
            self._put(text_row(self._number(), kind, json, time_s))

    def refuse(self) -> None:
        """Count a thing that cannot be recorded."""
        with self._lock:
            self._dropped_readings += 1

    def end(self) -> bool:
        """Take the last row; what comes later is dropped and counted. False if that was done before."""
        with self._lock:
            if self._ended:
                return False
            record = EndRecord(pieces=self._pieces, samples={foot.label: n for foot, n in self._samples.items()})
            self._put(text_row(self._number(), END, msgspec.json.encode(record).decode()))
            self._ended = True
            return True

    def take(self) -> list[Row]:
        """Take out what makes a batch; it still counts as waiting."""
        rows: list[Row] = []
        size_bytes = 0
        with self._lock:
            while self._rows and size_bytes < BATCH_BYTES:
                rows.append(self._rows.popleft())
                size_bytes += rows[-1].size_bytes
        return rows

    def put_back(self, rows: list[Row]) -> None:
        """Give back what could not be written."""
        with self._lock:
            self._rows.extendleft(reversed(rows))
            self._bound()

    def written(self, rows: list[Row]) -> None:
        """Forget what was written."""
        with self._lock:
            self._waiting_bytes -= sum(row.size_bytes for row in rows)

    def _number(self) -> int:
        number = self._pieces
        self._pieces += 1
        return number

    def _put(self, row: Row) -> None:
        if self._ended:
            self._drop(row)
            return
        self._rows.append(row)
        self._waiting_bytes += row.size_bytes
        self._bound()
        if self._waiting_bytes > BATCH_BYTES:
            self._wake()

    def _bound(self) -> None:
        while self._waiting_bytes > self._memory_bytes and self._rows:
            oldest = self._rows.popleft()
            self._waiting_bytes -= oldest.size_bytes
            self._drop(oldest)

    def _drop(self, row: Row) -> None:
        if row.kind == SAMPLES:
            self._dropped_samples[Foot(row.pod)] += row.time_s.size
        else:
            self._dropped_readings += 1
