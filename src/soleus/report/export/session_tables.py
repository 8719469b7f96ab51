"""What an analysed session folder holds, read and checked once for every kind of export."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Any, Final

import msgspec
import numpy as np

from soleus.history.entry import MAX_TIME_S
from soleus.model import SPEED_SOURCES, Belt, Foot, HeartRate, Steps, Warnings
from soleus.model.tables import WARNINGS_SCHEMA_NAME
from soleus.recording import DEFAULT_LIMITS, Event, RecordingError, SessionRecord, read_session_record, read_steps
from soleus.recording.events_file import EVENTS_FILE, events_of, read_events_table
from soleus.recording.files import check_file, present, reading
from soleus.recording.imu_file import Group, ImuFile
from soleus.recording.session import IMU_FILE
from soleus.recording.side_tables import STEPS_FILE, read_belt, read_heart_rate
from soleus.report.export.errors import ExportError

WARNINGS_FILE: Final = "warnings.parquet"
MAX_WARNINGS: Final = 20_000
"""Warnings read of one session: two a minute for a week."""
MAX_MARKS: Final = 20_000
"""Laps, or pain ratings, of one session: more is no runner's doing."""


@dataclass(frozen=True)
class SessionTables:
    """The tables of an analysed session.

    Attributes
    ----------
    folder
        Where they come from.
    record
        ``session.json``.
    steps, warnings
        What the analysis found.
    belt, heart_rate
        Readings, if any.
    events
        What else happened: laps, pain, links.
    """

    folder: Path
    record: SessionRecord
    steps: Steps
    warnings: Warnings
    belt: Belt | None
    heart_rate: HeartRate | None
    events: tuple[Event, ...]

    @property
    def name(self) -> str:
        """Name of the session: that of its folder."""
        return self.folder.resolve().name

    @property
    def start_utc(self) -> datetime | None:
        """Calendar time of session time zero, if known."""
        start = self.record.start_utc
        return None if start is None else start.astimezone(UTC)

    @property
    def on_belt(self) -> bool:
        """Whether a treadmill was there: it gave readings, or its speed stands in the steps."""
        told = self.belt is not None and len(self.belt) > 0
        return told or bool((self.steps["speed_source"] == SPEED_SOURCES.index("belt")).any())

    @cached_property
    def span_s(self) -> tuple[float, float]:
        """First and last session time [s]: of the samples where the folder has them, else of the steps.

        Raises
        ------
        ExportError
            If there is neither sample nor step, or they span more than a week.
        soleus.recording.RecordingError
            If ``imu.parquet`` is damaged.
        """
        times = [self.steps["initial_contact_s"], self.steps["toe_off_s"]]
        if present(self.folder / IMU_FILE):
            times += _outer_times(self.folder / IMU_FILE)
        known = np.concatenate(times)
        known = known[np.isfinite(known)]
        if not known.size:
            raise ExportError(f"{self.folder}: neither samples nor steps in it; there is nothing to export")
        first_s, last_s = float(known.min()), float(known.max())
        if not last_s - first_s <= MAX_TIME_S:
            raise ExportError(
                f"{self.folder}: its times span {last_s - first_s:.0f} s, more than a week; the clock was wrong, "
                "record or import it again"
            )
        return first_s, last_s

    def marks(self, kind: str) -> list[tuple[float, Any]]:
        """List the events of a kind as (session time [s], particulars); those without a time are left out.

        Raises
        ------
        ExportError
            If there are too many of them, or particulars are no JSON.
        """
        mine = [event for event in self.events if event.kind == kind]
        if len(mine) > MAX_MARKS:
            raise ExportError(f"{self.folder / EVENTS_FILE}: more than {MAX_MARKS} of '{kind}'; no runner's doing")
        try:
            found = [(e.time_s, e.value) for e in mine if e.time_s is not None and np.isfinite(e.time_s)]
        except msgspec.DecodeError as error:
            raise ExportError(
                f"{self.folder / EVENTS_FILE}: column 'json': a '{kind}' is no JSON ({error}); record or import the "
                "session again"
            ) from error
        return sorted(found, key=lambda mark: mark[0])


def read_tables(folder: str | Path) -> SessionTables:
    """Read the tables of an analysed session folder.

    Raises
    ------
    ExportError
        If the session has not been analysed, or its steps have no time or are out of order.
    soleus.recording.RecordingError
        If a file is missing, damaged or of another version.
    """
    folder = Path(folder)
    record = read_session_record(folder)
    if not present(folder / STEPS_FILE):
        raise ExportError(f"{folder}: has no {STEPS_FILE}; run soleus analyze on it first")
    steps = read_steps(folder)
    contact_s = steps["initial_contact_s"]
    if not np.isfinite(contact_s).all() or (np.diff(contact_s) < 0).any():
        raise ExportError(
            f"{folder / STEPS_FILE}: column 'initial_contact_s' has missing or falling values; analyse it again"
        )
    return SessionTables(
        folder,
        record,
        steps,
        _read_warnings(folder / WARNINGS_FILE),
        read_belt(folder),
        read_heart_rate(folder),
        events_of(read_events_table(folder / EVENTS_FILE)),
    )


def _read_warnings(path: Path) -> Warnings:
    """Read ``warnings.parquet``; none without one."""
    import pyarrow.parquet as pq

    if not present(path):
        return Warnings.empty()
    check_file(path, DEFAULT_LIMITS.file_bytes)
    with reading(path, "warnings table"):
        with pq.ParquetFile(path) as file:
            if file.metadata.num_rows > MAX_WARNINGS:
                raise RecordingError(f"{path}: more than {MAX_WARNINGS} warnings; analyse the session again")
            table = file.read(use_threads=False)
        if (table.schema.metadata or {}).get(b"schema") != WARNINGS_SCHEMA_NAME.encode():
            raise RecordingError(f"{path}: not a table of warnings; analyse the session again")
        try:
            return Warnings.from_arrow(table)
        except KeyError as error:
            raise RecordingError(f"{path}: column or word {error} is missing or unknown; analyse it again") from error


def _outer_times(path: Path) -> list[np.ndarray[Any, np.dtype[np.float64]]]:
    """Read the stamps at both ends of ``imu.parquet``: of the first and last row group of each foot."""
    with ImuFile(path, DEFAULT_LIMITS) as imu:
        outer: dict[tuple[Foot | None, str], Group] = {}
        for group in imu.groups:
            outer.setdefault((group.foot, "first"), group)
            outer[group.foot, "last"] = group
        read = {group.index: imu.read(group) for group in outer.values()}
        return [np.asarray(samples.time_s, np.float64) for runs in read.values() for samples in runs]
