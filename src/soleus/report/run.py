"""What a report is of: the steps and warnings of one session with everything that is known around them."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import msgspec
import numpy as np

from soleus.model import Belt, HeartRate, Steps, Warnings
from soleus.recording import Event, RecordingError, SessionRecord, read_session_record, read_steps
from soleus.recording.files import check_file, os_error, present, reading
from soleus.recording.limits import DEFAULT_LIMITS
from soleus.report.errors import ReportError

STEPS_FILE: Final = "steps.parquet"
WARNINGS_FILE: Final = "warnings.parquet"
MAX_STEPS: Final = 2_000_000
"""Steps of one report: eight days without a rest at 180 a minute."""
MAX_WARNINGS: Final = 10_000
"""Warnings of one session that are read: two a minute over three days."""
MAX_HASHED_BYTES: Final = 2**28
"""Largest file that is hashed; it costs a second."""
HASHED: Final = (
    "session.json",
    "imu.parquet",
    "belt.parquet",
    "heart_rate.parquet",
    "events.parquet",
    STEPS_FILE,
    WARNINGS_FILE,
)


@dataclass(frozen=True, slots=True)
class FileFact:
    """A file that the report rests on; ``sha256`` is empty if it is too large to be hashed at once."""

    name: str
    size: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Run:
    """One session, analysed.

    Attributes
    ----------
    name
        What it is called: its folder.
    steps, warnings
        What the analysis found.
    record
        Who ran, with what, when, and the quality counts.
    belt, heart_rate, events
        What else was recorded, if it was.
    files
        What it was read from.
    """

    name: str
    steps: Steps
    warnings: Warnings
    record: SessionRecord
    belt: Belt | None = None
    heart_rate: HeartRate | None = None
    events: tuple[Event, ...] = ()
    files: tuple[FileFact, ...] = field(default=())


def read_run(folder: str | Path) -> Run:
    """Read an analysed session folder: of a live run, or of ``soleus analyze``.

    Parameters
    ----------
    folder
        A folder with ``session.json``, ``steps.parquet`` and ``warnings.parquet``; the other tables may be missing.

    Raises
    ------
    ReportError
        If the folder has no steps or warnings yet, or a step is infinite.
    soleus.recording.RecordingError
        If a file is missing, damaged or too large.
    """
    from soleus.recording.events_file import EVENTS_FILE, events_of, read_events_table
    from soleus.recording.side_tables import read_belt, read_heart_rate

    folder = Path(folder)
    if not folder.is_dir():
        raise ReportError(f"{folder}: no such folder; give the folder of a session")
    if not present(folder / STEPS_FILE):
        raise ReportError(f"{folder}: has no {STEPS_FILE}; run soleus analyze on it first")
    if not present(folder / WARNINGS_FILE):
        raise ReportError(
            f"{folder}: has no {WARNINGS_FILE}, so what the rules said is not known; run soleus analyze on it again"
        )
    record = read_session_record(folder)
    steps = read_steps(folder)
    if len(steps) > MAX_STEPS:
        raise ReportError(f"{folder / STEPS_FILE}: more than {MAX_STEPS:,} steps; cut the session into days")
    for name, values in steps.columns.items():
        if values.dtype.kind == "f" and np.isinf(values).any():
            raise ReportError(f"{folder / STEPS_FILE}: column '{name}' has infinite values; analyse the session again")
    return Run(
        name=folder.resolve().name,
        steps=steps,
        warnings=_read_warnings(folder / WARNINGS_FILE),
        record=record,
        belt=read_belt(folder),
        heart_rate=read_heart_rate(folder),
        events=events_of(read_events_table(folder / EVENTS_FILE)),
        files=tuple(_fact(folder / name) for name in HASHED if present(folder / name)),
    )


def _read_warnings(path: Path) -> Warnings:
    import pyarrow.parquet as pq

    check_file(path, DEFAULT_LIMITS.file_bytes)
    with reading(path, "warnings table"), pq.ParquetFile(path) as file:
        if file.metadata.num_rows > MAX_WARNINGS:
            raise RecordingError(f"{path}: more than {MAX_WARNINGS:,} warnings; analyse the session again")
        table = file.read(use_threads=False)
        try:
            return Warnings.from_arrow(table)
        except (KeyError, TypeError, ValueError) as error:
            raise RecordingError(f"{path}: not a warnings table ({error}); analyse the session again") from error


def _fact(path: Path) -> FileFact:
    size = path.stat().st_size
    if size > MAX_HASHED_BYTES:
        return FileFact(path.name, size, "")
    try:
        with path.open("rb") as file:
            return FileFact(path.name, size, hashlib.file_digest(file, "sha256").hexdigest())
    except OSError as error:
        raise os_error("read", path, error) from error


def configuration_hash(record: SessionRecord) -> str:
    """Give a name of 12 hex digits to runner and configuration: the same for the same, whatever their order.

    Examples
    --------
    >>> len(configuration_hash(SessionRecord(pods=())))
    12
    """
    what = {"runner": msgspec.to_builtins(record.runner), "configuration": record.configuration}
    return hashlib.sha256(msgspec.json.encode(what, order="deterministic")).hexdigest()[:12]


def evidence(run: Run, position: int) -> dict[str, Any]:
    """Give the numbers that made a rule fire; nothing if they are no JSON object."""
    try:
        found = msgspec.json.decode(run.warnings["evidence"][position] or "{}")
    except msgspec.DecodeError:
        return {}
    return found if isinstance(found, dict) else {}


def rule_title(name: str) -> str:
    """Write a rule's name as words.

    Examples
    --------
    >>> rule_title("contact-time-drift")
    'Contact time drift'
    """
    words = re.sub(r"[-_]+", " ", name).strip()
    return words[:1].upper() + words[1:]
