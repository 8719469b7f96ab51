"""A journal as a whole: its segments put together, what they hold, and what is missing between them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TypeVar

import msgspec
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from soleus.model import COUNT_CHANNELS, Belt, Foot, HeartRate, PodSamples, PodTrack, Recording
from soleus.recording.events_file import EVENTS_SCHEMA, Event, events_of
from soleus.recording.files import RecordingError, os_error
from soleus.recording.journal_disk import SEGMENT_PATTERN, segment_name
from soleus.recording.journal_format import (
    BELT,
    END,
    FACTS,
    HEART_RATE,
    OWN_KINDS,
    SAMPLES,
    SCHEMA,
    EndRecord,
    JournalFacts,
)
from soleus.recording.journal_segment import Damage, SegmentContent, read_segment
from soleus.recording.limits import DEFAULT_LIMITS, Limits
from soleus.recording.typed import load_json

T = TypeVar("T")
_LISTS: Final = {"t": "", **dict.fromkeys(COUNT_CHANNELS, SAMPLES), "speed_mps": BELT, "grade": BELT} | {
    "rate_bpm": HEART_RATE
}
"""Columns of lists, and the kind of row that has a value there for each time."""
SEGMENTS_MOST: Final = 100_000
"""Segments of one journal: two months of them."""


class LostSamples(msgspec.Struct, frozen=True, kw_only=True):
    """Samples of a pod that were handed over and are missing.

    Attributes
    ----------
    samples
        How many.
    after_s, until_s
        Session time of the last sample before and the first one after [s]; ``None`` at the start or end.
    """

    samples: int
    after_s: float | None
    until_s: float | None


@dataclass(frozen=True)
class JournalRecords:
    """All that could be read of a journal.

    Attributes
    ----------
    session
        Random name of the session.
    facts
        The newest facts.
    table
        All rows in hand-out order, as in the segments, without their headers.
    segments
        Files that were read.
    damages
        Parts of them that cannot be used.
    missing_segments
        Files that must have been there.
    end
        What was handed over in all, if the session was stopped in order.
    """

    session: str
    facts: JournalFacts
    table: pa.Table
    segments: tuple[Path, ...]
    damages: tuple[Damage, ...]
    missing_segments: tuple[str, ...]
    end: EndRecord | None

    def samples(self, foot: Foot) -> PodSamples:
        """Join all samples of a pod."""
        rows = self._rows_of(foot, "t", *COUNT_CHANNELS)
        return _samples_of(rows, foot)

    def lost(self, foot: Foot) -> tuple[LostSamples, ...]:
        """Find the samples of a pod that are missing: before, between, and after what is there if the end is known."""
        rows = self._rows_of(foot, "first_sample", "t")
        first = rows.column("first_sample").to_numpy()
        length = pc.list_value_length(rows.column("t")).to_numpy().astype(np.int64)
        time_s = _flat(rows.column("t"))
        begin = np.cumsum(length) - length
        handed = self.end.samples.get(foot.label, 0) if self.end is not None else None
        expected = np.concatenate([[0], first + length])
        found = np.concatenate([first, [expected[-1] if handed is None else handed]])
        lost = []
        for i in np.flatnonzero(found > expected).tolist():
            after_s = float(time_s[begin[i - 1] + length[i - 1] - 1]) if i else None
            until_s = float(time_s[begin[i]]) if i < first.size else None
            lost.append(LostSamples(samples=int(found[i] - expected[i]), after_s=after_s, until_s=until_s))
        return tuple(lost)

    def lost_pieces(self) -> int:
        """Count the things handed over that are missing, pieces of samples among them."""
        piece = self.table.column("piece").to_numpy()
        known = self.end.pieces + 1 if self.end is not None else (int(piece[-1]) + 1 if piece.size else 0)
        return max(0, known - piece.size)

    def events_table(self) -> pa.Table:
        """All events as in ``events.parquet``."""
        kinds = self.table.column("kind").to_numpy(zero_copy_only=False)
        rows = self.table.filter(pa.array(~np.isin(kinds.astype(str), sorted(OWN_KINDS)), pa.bool_()))
        time_s = pa.array([times[0] if times else None for times in rows.column("t").to_pylist()], pa.float64())
        columns = [rows.column("piece"), time_s, rows.column("kind"), rows.column("json")]
        return pa.table(columns, schema=EVENTS_SCHEMA)

    def events(self, kind: str | None = None) -> tuple[Event, ...]:
        """All events, or those of a kind, in hand-out order."""
        return events_of(self.events_table(), kind)

    def pieces(self) -> Iterator[PodSamples | Belt | HeartRate | Event]:
        """Give everything again as it was handed over, piece by piece, in the same order."""
        for batch in self.table.to_batches():
            kinds: list[Any] = batch.column("kind").to_pylist()
            pods: list[Any] = batch.column("pod").to_pylist()
            for i, (kind, pod) in enumerate(zip(kinds, pods, strict=True)):
                row = pa.Table.from_batches([batch.slice(i, 1)])
                if kind == SAMPLES:
                    yield _samples_of(row, Foot(pod))
                elif kind == BELT:
                    yield _belt(row)
                elif kind == HEART_RATE:
                    yield _heart_rate(row)
                elif kind not in OWN_KINDS:
                    time_s = _flat(row.column("t"))
                    values: list[Any] = [row.column(name).to_pylist()[0] for name in ("piece", "json")]
                    yield Event(values[0], float(time_s[0]) if time_s.size else None, kind, values[1])

    def recording(self, source: str) -> Recording:
        """Make a recording; readings that came out of order are sorted, and the notes say so."""
        notes = list(self.facts.notes)
        belt = _sorted(_flat_columns(self._kind(BELT), "t", "speed_mps", "grade"), "belt readings", notes)
        heart = _sorted(_flat_columns(self._kind(HEART_RATE), "t", "rate_bpm"), "heart-rate readings", notes)
        for foot in Foot:
            unknown = len(self.samples(foot)) if foot not in {pod.foot for pod in self.facts.pods} else 0
            if unknown:
                notes.append(f"{unknown} samples of the {foot.label} foot were left out: nothing is known of its pod")
        return Recording(
            pods=tuple(PodTrack(pod, self.samples(pod.foot)) for pod in self.facts.pods),
            runner=self.facts.runner,
            belt=Belt(*belt) if belt[0].size else None,
            heart_rate=HeartRate(*heart) if heart[0].size else None,
            start_utc=self.facts.start_utc,
            source=self.facts.source or source,
            notes=tuple(notes),
            extra=self.facts.extra,
        )

    def _kind(self, kind: str) -> pa.Table:
        return _where(self.table, "kind", kind)

    def _rows_of(self, foot: Foot, *columns: str) -> pa.Table:
        """Take the rows with samples of a pod, and of these only what is asked for: they are large."""
        mine = (self.table.column("pod").to_numpy() == foot.value) & (
            self.table.column("kind").to_numpy(zero_copy_only=False) == SAMPLES
        )
        return self.table.select(list(columns)).filter(pa.array(mine, pa.bool_()))


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
    contents = [read_segment(path, limits) for path in sorted(paths, key=_number_of)]
    headers = [content.header for content in contents if content.header is not None]
    if not headers:
        raise RecordingError(
            f"{named}: nothing can be recovered: no segment of the journal says what it holds; "
            "all are cut short or damaged"
        )
    if len({header.session for header in headers}) > 1:
        raise RecordingError(f"{named}: journals of two sessions; put the files of each into a folder of its own")
    table = _in_order(contents)
    _check_rows(table, named)
    rows = int(pc.list_value_length(table.column("t")).to_numpy().astype(np.int64).sum())
    if rows > limits.rows:
        raise RecordingError(f"{named}: {rows} samples are more than the limit of {limits.rows}; raise the limit")
    return JournalRecords(
        session=headers[0].session,
        facts=_newest(table, FACTS, JournalFacts, named) or headers[-1].facts,
        table=table,
        segments=tuple(content.path for content in contents),
        damages=tuple(damage for content in contents for damage in content.damages),
        missing_segments=_missing([_number_of(content.path) for content in contents]),
        end=_newest(table, END, EndRecord, named),
    )


def _number_of(path: Path) -> int:
    return int("".join(c for c in path.stem if c.isdecimal()) or 0)


def _in_order(contents: Sequence[SegmentContent]) -> pa.Table:
    """Join all rows in hand-out order; of a row that was written twice, the first."""
    table = pa.concat_tables([SCHEMA.empty_table(), *(content.table for content in contents)])
    piece = table.column("piece").to_numpy()
    if piece.size > 1 and not (np.diff(piece) > 0).all():
        table = table.take(np.unique(piece, return_index=True)[1])
    return table


def _check_rows(table: pa.Table, named: str) -> None:
    """Refuse rows that no journal has, however sound their checksum."""
    lengths = {name: pc.list_value_length(table.column(name)).to_numpy() for name in _LISTS}
    kind = table.column("kind").to_numpy(zero_copy_only=False)
    pod = table.column("pod").to_numpy()
    wrong = (kind == SAMPLES) & ~np.isin(pod, [foot.value for foot in Foot])
    for name, whose in _LISTS.items():
        wrong |= lengths[name] != np.where(kind == whose, lengths["t"], 0) if whose else False
    if wrong.any():
        piece = table.column("piece").to_numpy()[np.argmax(wrong)]
        raise RecordingError(f"{named}: piece {piece} of the journal is not as this program writes it; copy it again")


def _newest(table: pa.Table, kind: str, struct: type[T], named: str) -> T | None:
    rows: list[Any] = _where(table, "kind", kind).column("json").to_pylist()
    return load_json(rows[-1].encode(), struct, named) if rows else None


def _where(table: pa.Table, name: str, value: str | int) -> pa.Table:
    """Take the rows of one value."""
    return table.filter(pa.array(table.column(name).to_numpy(zero_copy_only=False) == value, pa.bool_()))


def _missing(numbers: Sequence[int]) -> tuple[str, ...]:
    known = set(numbers)
    return tuple(segment_name(n) for n in range(min(max(known), SEGMENTS_MOST)) if n not in known)


def _flat(column: pa.ChunkedArray[Any]) -> npt.NDArray[Any]:
    """Values of a column of lists, one after the other."""
    parts = [chunk.flatten().to_numpy() for chunk in column.chunks]  # type: ignore[attr-defined]
    return np.concatenate(parts) if parts else np.empty(0)


def _flat_columns(rows: pa.Table, *names: str) -> list[npt.NDArray[Any]]:
    return [_flat(rows.column(name)) for name in names]


def _samples_of(rows: pa.Table, foot: Foot) -> PodSamples:
    time_s = _flat(rows.column("t")).astype(np.float64, copy=False)
    counts = np.empty((len(COUNT_CHANNELS), time_s.size), np.int16)
    for channel, name in zip(counts, COUNT_CHANNELS, strict=True):
        channel[:] = _flat(rows.column(name))
    return PodSamples(foot, time_s, counts)


def _belt(row: pa.Table) -> Belt:
    return Belt(*_flat_columns(row, "t", "speed_mps", "grade"))


def _heart_rate(row: pa.Table) -> HeartRate:
    return HeartRate(*_flat_columns(row, "t", "rate_bpm"))


def _sorted(columns: list[npt.NDArray[Any]], what: str, notes: list[str]) -> list[npt.NDArray[Any]]:
    time_s = columns[0]
    timed = ~np.isnan(time_s)
    if not timed.all():
        notes.append(f"{int((~timed).sum())} {what} without a time were left out")
        columns = [column[timed] for column in columns]
        time_s = columns[0]
    late = int((np.diff(time_s) < 0).sum()) if time_s.size > 1 else 0
    if late:
        notes.append(f"{what}: {late} came later than younger ones and were sorted by time")
        order = np.argsort(time_s, kind="stable")
        columns = [column[order] for column in columns]
    return columns
