"""A journal as a whole: its segments read one after the other, and put together."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final, TypeVar

import numpy as np
import pyarrow as pa

from soleus.model import Foot
from soleus.recording.files import RecordingError, os_error
from soleus.recording.journal_disk import SEGMENT_PATTERN, segment_name
from soleus.recording.journal_format import (
    END,
    FACTS,
    NO_POD,
    SCHEMA,
    EndRecord,
    JournalFacts,
    SegmentHeader,
)
from soleus.recording.journal_index import (
    PodClock,
    RowIndex,
    SegmentTables,
    check_rows,
    flat,
    without_samples,
)
from soleus.recording.journal_records import JournalRecords, rows_where
from soleus.recording.journal_segment import Damage, read_segment
from soleus.recording.limits import DEFAULT_LIMITS, Limits
from soleus.recording.typed import load_json

T = TypeVar("T")
SEGMENTS_MOST: Final = 100_000
"""Segments of one journal: two months of them."""


def segments_in(folder: Path) -> list[Path]:
    """List the segments of a folder in order.

    Raises
    ------
    RecordingError
        If the folder cannot be read, or holds more than a journal can have.
    """
    try:
        found = sorted(folder.glob(SEGMENT_PATTERN), key=_number_of)
    except OSError as error:
        raise os_error("read", folder, error) from error
    if len(found) > SEGMENTS_MOST:
        raise RecordingError(f"{folder}: {len(found)} segments are more than a journal can have; check the folder")
    return found


def read_journal(folders: Sequence[Path], limits: Limits = DEFAULT_LIMITS) -> JournalRecords:
    """Read the journal of a session, whatever happened to it; nothing is changed.

    Parameters
    ----------
    folders
        The folder of the session, and others that hold segments of the same session.
    limits
        Bounds on bytes and rows.

    Raises
    ------
    RecordingError
        If there is none, it is of another version or of two sessions, or not one header can be read.
    """
    paths = [path for folder in folders for path in segments_in(folder)]
    named = ", ".join(str(folder) for folder in folders)
    if not paths:
        raise RecordingError(f"{named}: no journal ({segment_name(0)} and so on) in it; check the folder")
    size_bytes = sum(path.stat().st_size for path in paths)
    if size_bytes > limits.file_bytes:
        raise RecordingError(f"{named}: {size_bytes} bytes are more than the limit of {limits.file_bytes}; raise it")
    gathered = _Gathered(sorted(paths, key=_number_of), limits)
    for number in range(len(paths)):
        gathered.take(number, named)
    if not gathered.headers:
        raise RecordingError(
            f"{named}: nothing can be recovered: no segment of the journal says what it holds; "
            "all are cut short or damaged"
        )
    index, others = gathered.in_order()
    return JournalRecords(
        session=gathered.headers[0].session,
        facts=_newest(others, FACTS, JournalFacts, named) or gathered.headers[-1].facts,
        index=index,
        others=others,
        segments=tuple(gathered.paths),
        damages=tuple(gathered.damages),
        missing_segments=_missing([_number_of(path) for path in gathered.paths]),
        end=_newest(others, END, EndRecord, named),
        _clocks=gathered.clocks,
        _tables=SegmentTables(gathered.paths, limits),
    )


class _Gathered:
    """What is kept of each segment while all are gone through."""

    def __init__(self, paths: list[Path], limits: Limits) -> None:
        self.paths = paths
        self.limits = limits
        self.headers: list[SegmentHeader] = []
        self.damages: list[Damage] = []
        self.clocks = {foot: PodClock() for foot in Foot}
        self._indices: list[RowIndex] = [RowIndex.of(SCHEMA.empty_table(), 0)]
        self._others: list[pa.Table] = [SCHEMA.empty_table()]
        self._samples = 0

    def take(self, number: int, named: str) -> None:
        """Read a segment, and keep all but its samples."""
        path = self.paths[number]
        content = read_segment(path, self.limits)
        self.damages += content.damages
        if content.header is not None:
            self.headers.append(content.header)
            if content.header.session != self.headers[0].session:
                raise RecordingError(
                    f"{named}: journals of two sessions; put the files of each into a folder of its own"
                )
        check_rows(content.table, path)
        index = RowIndex.of(content.table, number)
        self._samples += int(index.length.astype(np.int64).sum())
        if self._samples > self.limits.rows:
            raise RecordingError(
                f"{named}: {self._samples} samples are more than the limit of {self.limits.rows}; raise the limit"
            )
        for foot, clock in self.clocks.items():
            rows = content.table.select(["t"]).filter(pa.array(index.pod == foot.value, pa.bool_()))
            clock.add(flat(rows.column("t")).astype(np.float64, copy=False))
        self._indices.append(index)
        self._others.append(without_samples(content.table))

    def in_order(self) -> tuple[RowIndex, pa.Table]:
        """Put all rows in hand-out order; of a row that was written twice, the first."""
        index, others = RowIndex.concat(self._indices), pa.concat_tables(self._others)
        self._indices.clear()  # of a day they take some hundred megabytes
        if len(index) > 1 and not (np.diff(index.piece) > 0).all():
            place = np.cumsum(index.pod == NO_POD) - 1  # of each row among the others
            kept = np.unique(index.piece, return_index=True)[1]
            index, place = index.select(kept), place[kept]
            others = others.take(pa.array(place[index.pod == NO_POD]))
        return index, others


def _number_of(path: Path) -> int:
    return int("".join(c for c in path.stem if c.isdecimal()) or 0)


def _newest(table: pa.Table, kind: str, struct: type[T], named: str) -> T | None:
    rows: list[Any] = rows_where(table, "kind", kind).column("json").to_pylist()
    return load_json(rows[-1].encode(), struct, named) if rows else None


def _missing(numbers: Sequence[int]) -> tuple[str, ...]:
    known = set(numbers)
    return tuple(segment_name(n) for n in range(min(max(known), SEGMENTS_MOST)) if n not in known)
