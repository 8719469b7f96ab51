"""Where each row of a journal stands: enough to tell what there is and what is missing, without its samples.

A day of two pods has millions of rows and gigabytes of samples; the index takes forty bytes a row, and the samples are
read again, segment by segment, when they are wanted.
"""

from __future__ import annotations

import itertools
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from soleus.model import COUNT_CHANNELS, FloatArray, Foot, PodSamples
from soleus.recording.files import RecordingError
from soleus.recording.imu_file import as_ns
from soleus.recording.journal_format import BELT, HEART_RATE, NO_POD, SAMPLES, SCHEMA
from soleus.recording.journal_segment import read_segment
from soleus.recording.limits import Limits

SEGMENTS_KEPT: Final = 4
"""Segments held while rows are read: two pods are at most some seconds apart, so that each is read once."""
_LISTS: Final = {"t": "", **dict.fromkeys(COUNT_CHANNELS, SAMPLES), "speed_mps": BELT, "grade": BELT} | {
    "rate_bpm": HEART_RATE
}
"""Columns of lists, and the kind of row that has a value there for each time."""


@dataclass(frozen=True, slots=True)
class RowIndex:
    """One entry a row.

    Attributes
    ----------
    piece, pod, first_sample
        As in the journal; the pod of a row without samples is -1.
    length
        Times in the row.
    first_s, last_s
        First and last time [s]; NaN without any.
    segment, row
        Where it stands: number of the file, counted from 0, and row in it.
    """

    piece: npt.NDArray[np.int64]
    pod: npt.NDArray[np.int8]
    first_sample: npt.NDArray[np.int64]
    length: npt.NDArray[np.int32]
    first_s: FloatArray
    last_s: FloatArray
    segment: npt.NDArray[np.int32]
    row: npt.NDArray[np.int32]

    def __len__(self) -> int:
        return int(self.piece.size)

    @classmethod
    def of(cls, table: pa.Table, segment: int) -> RowIndex:
        """Index the rows of a segment."""
        length = _lengths(table.column("t"))
        end = np.cumsum(length)
        time_s = flat(table.column("t")).astype(np.float64, copy=False)
        known = length > 0
        first_s, last_s = np.full(length.size, np.nan), np.full(length.size, np.nan)
        first_s[known], last_s[known] = time_s[(end - length)[known]], time_s[end[known] - 1]
        samples = table.column("kind").to_numpy(zero_copy_only=False) == SAMPLES
        return cls(
            piece=table.column("piece").to_numpy().astype(np.int64, copy=False),
            pod=np.where(samples, table.column("pod").to_numpy(), NO_POD).astype(np.int8),
            first_sample=table.column("first_sample").to_numpy().astype(np.int64, copy=False),
            length=length.astype(np.int32),
            first_s=first_s,
            last_s=last_s,
            segment=np.full(length.size, segment, np.int32),
            row=np.arange(length.size, dtype=np.int32),
        )

    @classmethod
    def concat(cls, parts: Sequence[RowIndex]) -> RowIndex:
        """Join the indices of several segments."""
        names = cls.__dataclass_fields__
        return cls(**{name: np.concatenate([getattr(part, name) for part in parts]) for name in names})

    def select(self, rows: npt.NDArray[Any] | slice) -> RowIndex:
        """Take some rows."""
        return RowIndex(**{name: getattr(self, name)[rows] for name in self.__dataclass_fields__})

    def of_pod(self, foot: Foot) -> RowIndex:
        """Take the rows with samples of a pod."""
        return self.select(self.pod == foot.value)

    def runs(self) -> Iterator[slice]:
        """Go through the rows that stand in one file behind each other."""
        bounds = np.flatnonzero(np.diff(self.segment)) + 1
        ends = [0, *bounds.tolist(), len(self)]
        yield from (slice(a, b) for a, b in itertools.pairwise(ends) if b > a)


@dataclass(slots=True)
class PodClock:
    """What the time stamps of a pod are like, over all its samples.

    Attributes
    ----------
    finite, low_s, high_s
        How many are numbers, and between which they lie [s].
    whole_ns
        Whether all are whole nanoseconds.
    """

    finite: int = 0
    low_s: float = np.inf
    high_s: float = -np.inf
    whole_ns: bool = True

    def add(self, time_s: FloatArray) -> None:
        """Look at some more."""
        finite = time_s[np.isfinite(time_s)]
        self.whole_ns = self.whole_ns and as_ns(time_s) is not None
        if finite.size:
            self.finite += int(finite.size)
            self.low_s, self.high_s = min(self.low_s, float(finite.min())), max(self.high_s, float(finite.max()))


@dataclass(slots=True)
class SegmentTables:
    """Segments, read again when their rows are wanted; the last few are kept."""

    paths: Sequence[Path]
    limits: Limits
    _kept: OrderedDict[int, pa.Table] = field(default_factory=OrderedDict)

    def rows(self, index: RowIndex, *columns: str) -> pa.Table:
        """Give rows of one segment, some columns of them or all.

        Raises
        ------
        RecordingError
            If the file is not the same any more.
        """
        number = int(index.segment[0])
        table = self._kept.pop(number, None)
        if table is None:
            table = read_segment(self.paths[number], self.limits).table
        self._kept[number] = table
        while len(self._kept) > SEGMENTS_KEPT:
            self._kept.popitem(last=False)
        same = index.row[-1] < table.num_rows and np.array_equal(
            table.column("piece").to_numpy()[index.row], index.piece
        )
        if not same:
            raise RecordingError(f"{self.paths[number]}: changed while it was read; try again")
        return (table.select(list(columns)) if columns else table).take(index.row)


def check_rows(table: pa.Table, path: Path) -> None:
    """Refuse rows that no journal has, however sound their checksum.

    Raises
    ------
    RecordingError
        If there are any.
    """
    lengths = {name: _lengths(table.column(name)) for name in _LISTS}
    kind = table.column("kind").to_numpy(zero_copy_only=False)
    pod = table.column("pod").to_numpy()
    wrong = (kind == SAMPLES) & ~np.isin(pod, [foot.value for foot in Foot])
    for name, whose in _LISTS.items():
        wrong |= lengths[name] != np.where(kind == whose, lengths["t"], 0) if whose else False
    if wrong.any():
        piece = table.column("piece").to_numpy()[np.argmax(wrong)]
        raise RecordingError(f"{path}: piece {piece} of the journal is not as this program writes it; copy it again")


def samples_of(rows: pa.Table, foot: Foot) -> PodSamples:
    """Join the samples of some rows of a pod."""
    time_s = flat(rows.column("t")).astype(np.float64, copy=False)
    counts = np.empty((len(COUNT_CHANNELS), time_s.size), np.int16)
    for channel, name in zip(counts, COUNT_CHANNELS, strict=True):
        channel[:] = flat(rows.column(name))
    return PodSamples(foot, time_s, counts)


def without_samples(table: pa.Table) -> pa.Table:
    """Keep the rows that hold anything else: they are few."""
    kind = table.column("kind").to_numpy(zero_copy_only=False)
    return table.filter(pa.array(kind != SAMPLES, pa.bool_())) if len(table) else SCHEMA.empty_table()


def flat(column: pa.ChunkedArray[Any]) -> npt.NDArray[Any]:
    """Values of a column of lists, one after the other."""
    parts = [chunk.flatten().to_numpy() for chunk in column.chunks]  # type: ignore[attr-defined]
    return np.concatenate(parts) if parts else np.empty(0)


def _lengths(column: pa.ChunkedArray[Any]) -> npt.NDArray[np.int64]:
    return np.asarray(pc.list_value_length(column).to_numpy(), np.int64)
