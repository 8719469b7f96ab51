"""What a journal holds as a whole, and what is missing in it; its samples are read when they are wanted."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt
import pyarrow as pa

from soleus.model import COUNT_CHANNELS, Belt, FloatArray, Foot, HeartRate, PodInfo, PodSamples, PodTrack, Recording
from soleus.recording.events_file import EVENTS_SCHEMA, Event, events_of
from soleus.recording.happened import happened_of
from soleus.recording.imu_file import group_rows
from soleus.recording.imu_stream import SampleStream
from soleus.recording.journal_format import (
    BELT,
    HEART_RATE,
    OWN_KINDS,
    SAMPLES,
    EndRecord,
    JournalFacts,
)
from soleus.recording.journal_index import (
    PodClock,
    RowIndex,
    SegmentTables,
    flat,
    samples_of,
)
from soleus.recording.journal_segment import Damage
from soleus.recording.reader import RecordingReader


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
    index
        All rows in hand-out order, without the headers of the segments.
    others
        Of these all that hold no samples.
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
    index: RowIndex
    others: pa.Table
    segments: tuple[Path, ...]
    damages: tuple[Damage, ...]
    missing_segments: tuple[str, ...]
    end: EndRecord | None
    _clocks: Mapping[Foot, PodClock] = field(repr=False)
    _tables: SegmentTables = field(repr=False)

    def count(self, foot: Foot) -> int:
        """Count the samples of a pod."""
        return int(self.index.length[self.index.pod == foot.value].astype(np.int64).sum())

    def sample_pieces(self, foot: Foot) -> Iterator[PodSamples]:
        """Go through the samples of a pod, about a segment at a time."""
        mine = self.index.of_pod(foot)
        for run in mine.runs():
            yield samples_of(self._tables.rows(mine.select(run), "piece", "t", *COUNT_CHANNELS), foot)

    def chunks(self, feet: Sequence[Foot]) -> Iterator[Sequence[PodSamples]]:
        """Go through the samples of some pods in hand-out order, about a segment at a time."""
        mine = self.index.select(np.isin(self.index.pod, [foot.value for foot in feet]))
        for run in mine.runs():
            part = mine.select(run)
            rows = self._tables.rows(part, "piece", "pod", "t", *COUNT_CHANNELS)
            yield [
                samples_of(rows.filter(pa.array(part.pod == f.value)), f) for f in feet if (part.pod == f.value).any()
            ]

    def samples(self, foot: Foot) -> PodSamples:
        """Join all samples of a pod."""
        n = self.count(foot)
        time_s, counts = np.empty(n), np.empty((len(COUNT_CHANNELS), n), np.int16)
        done = 0
        for piece in self.sample_pieces(foot):
            time_s[done : done + len(piece)] = piece.time_s
            counts[:, done : done + len(piece)] = piece.counts
            done += len(piece)
        return PodSamples(foot, time_s, counts)

    def stream(self, pod: PodInfo) -> SampleStream:
        """Give the samples of a pod as they are written."""
        mine, clock, n = self.index.of_pod(pod.foot), self._clocks[pod.foot], self.count(pod.foot)
        size = group_rows(clock.finite, clock.low_s, clock.high_s) if clock.finite else group_rows(0, 0.0, 0.0)
        end = np.cumsum(mine.length.astype(np.int64))
        starts_s = mine.first_s[np.searchsorted(end, np.arange(0, n, size), side="right")]
        # Stamps may run backwards or be NaN; the order of a pod's groups must not change for that.
        latest_s: FloatArray = np.fmax.accumulate(np.fmax(starts_s, -np.inf)) if n else starts_s
        return SampleStream(pod, n, size, latest_s, clock.whole_ns, lambda: self.sample_pieces(pod.foot))

    def lost(self, foot: Foot) -> tuple[LostSamples, ...]:
        """Find the samples of a pod that are missing: before, between, and after what is there if the end is known."""
        mine = self.index.of_pod(foot)
        first, length = mine.first_sample, mine.length.astype(np.int64)
        handed = self.end.samples.get(foot.label, 0) if self.end is not None else None
        expected = np.concatenate([[0], first + length])
        found = np.concatenate([first, [expected[-1] if handed is None else handed]])
        lost = []
        for i in np.flatnonzero(found > expected).tolist():
            after_s = float(mine.last_s[i - 1]) if i else None
            until_s = float(mine.first_s[i]) if i < first.size else None
            lost.append(LostSamples(samples=int(found[i] - expected[i]), after_s=after_s, until_s=until_s))
        return tuple(lost)

    def span_s(self, foot: Foot) -> tuple[float | None, float | None]:
        """First and last time of a pod [s]; nothing without samples."""
        mine = self.index.of_pod(foot)
        known = mine.length > 0
        if not known.any():
            return None, None
        return float(mine.first_s[known][0]), float(mine.last_s[known][-1])

    def lost_pieces(self) -> int:
        """Count the things handed over that are missing, pieces of samples among them."""
        piece = self.index.piece
        known = self.end.pieces + 1 if self.end is not None else (int(piece[-1]) + 1 if piece.size else 0)
        return max(0, known - piece.size)

    def events_table(self) -> pa.Table:
        """All events as in ``events.parquet``."""
        kinds = self.others.column("kind").to_numpy(zero_copy_only=False)
        rows = self.others.filter(pa.array(~np.isin(kinds.astype(str), sorted(OWN_KINDS)), pa.bool_()))
        time_s = pa.array([times[0] if times else None for times in rows.column("t").to_pylist()], pa.float64())
        columns = [rows.column("piece"), time_s, rows.column("kind"), rows.column("json")]
        return pa.table(columns, schema=EVENTS_SCHEMA)

    def events(self, kind: str | None = None) -> tuple[Event, ...]:
        """All events, or those of a kind, in hand-out order."""
        return events_of(self.events_table(), kind)

    def pieces(self) -> Iterator[PodSamples | Belt | HeartRate | Event]:
        """Give everything again as it was handed over, piece by piece, in the same order."""
        for batch in (b for run in self.index.runs() for b in self._tables.rows(self.index.select(run)).to_batches()):
            kinds: list[Any] = batch.column("kind").to_pylist()
            pods: list[Any] = batch.column("pod").to_pylist()
            for i, (kind, pod) in enumerate(zip(kinds, pods, strict=True)):
                row = pa.Table.from_batches([batch.slice(i, 1)])
                if kind == SAMPLES:
                    yield samples_of(row, Foot(pod))
                elif kind == BELT:
                    yield _belt(row)
                elif kind == HEART_RATE:
                    yield _heart_rate(row)
                elif kind not in OWN_KINDS:
                    time_s = flat(row.column("t"))
                    values: list[Any] = [row.column(name).to_pylist()[0] for name in ("piece", "json")]
                    yield Event(values[0], float(time_s[0]) if time_s.size else None, kind, values[1])

    def reader(self, source: str) -> RecordingReader:
        """Make a recording to be read piece by piece; readings out of order are sorted, and the notes say so."""
        notes = list(self.facts.notes)
        belt = _sorted(_flat_columns(self._kind(BELT), "t", "speed_mps", "grade"), "belt readings", notes)
        heart = _sorted(_flat_columns(self._kind(HEART_RATE), "t", "rate_bpm"), "heart-rate readings", notes)
        feet = [pod.foot for pod in self.facts.pods]
        for foot in Foot:
            unknown = self.count(foot) if foot not in feet else 0
            if unknown:
                notes.append(f"{unknown} samples of the {foot.label} foot were left out: nothing is known of its pod")
        return RecordingReader(
            pods=self.facts.pods,
            runner=self.facts.runner,
            belt=Belt(*belt) if belt[0].size else None,
            heart_rate=HeartRate(*heart) if heart[0].size else None,
            start_utc=self.facts.start_utc,
            source=self.facts.source or source,
            notes=tuple(notes),
            extra=self.facts.extra,
            happened=happened_of(self.events_table()),
            samples={foot: self.count(foot) for foot in feet},
            _chunks=lambda: self.chunks(feet),
        )

    def recording(self, source: str) -> Recording:
        """Make a recording, in memory as a whole; else as :meth:`reader`."""
        reader = self.reader(source)
        return Recording(
            pods=tuple(PodTrack(pod, self.samples(pod.foot)) for pod in reader.pods),
            runner=reader.runner,
            belt=reader.belt,
            heart_rate=reader.heart_rate,
            start_utc=reader.start_utc,
            source=reader.source,
            notes=reader.notes,
            extra=reader.extra,
            happened=reader.happened,
        )

    def _kind(self, kind: str) -> pa.Table:
        return rows_where(self.others, "kind", kind)


def rows_where(table: pa.Table, name: str, value: str | int) -> pa.Table:
    """Take the rows of one value."""
    return table.filter(pa.array(table.column(name).to_numpy(zero_copy_only=False) == value, pa.bool_()))


def _flat_columns(rows: pa.Table, *names: str) -> list[npt.NDArray[Any]]:
    return [flat(rows.column(name)) for name in names]


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
