"""Runs done without pods, from a watch's FIT file (optional library ``fitdecode``)."""

from __future__ import annotations

import importlib
import itertools
from datetime import UTC, datetime
from pathlib import Path
from types import ModuleType
from typing import Any, Final

from soleus.history.entry import MAX_DISTANCE_M, MAX_TIME_S, SessionEntry
from soleus.history.errors import HistoryError
from soleus.history.feed import digest
from soleus.model.runner import Surface

MAX_FILE_BYTES: Final = 64 * 2**20
"""Size of a FIT file; a day of running with every field is under 20 MiB."""
MAX_RECORDS: Final = 2_000_000
"""Messages read of one file."""
RUNNING: Final = ("running", 1)
"""Names and number of the sport in the FIT profile."""
STEPS_PER_CYCLE: Final = 2
"""FIT counts strides: two steps each."""
_SURFACES: Final[dict[Any, Surface]] = {
    "treadmill": "treadmill",
    1: "treadmill",
    "indoor_running": "treadmill",
    45: "treadmill",
    "street": "road",
    2: "road",
    "trail": "trail",
    3: "trail",
    "track": "track",
    4: "track",
}


def read_fit(path: str | Path, *, runner: str = "") -> list[SessionEntry]:
    """Read the runs of a FIT activity file.

    Parameters
    ----------
    path
        The file. One of several sports gives its runs only.
    runner
        Name under which they are kept.

    Raises
    ------
    HistoryError
        If the library is missing, the file is damaged, or there is no run in it.
    """
    path = Path(path)
    messages = _messages(path)
    runs = [found for found in messages if found.get("sport") in RUNNING]
    if not runs:
        sports = sorted({str(found.get("sport", "unknown")) for found in messages})
        what = f"only {', '.join(sports)}" if sports else "no session message"
        raise HistoryError(f"{path}: no run in it ({what}); give the file of a run, or add it by --distance and --time")
    return [_entry(path, found, runner) for found in runs]


def _messages(path: Path) -> list[dict[str, Any]]:
    """Read the fields of all session messages."""
    try:
        fitdecode = importlib.import_module("fitdecode")
    except ImportError as error:
        raise HistoryError("FIT files need the library fitdecode: pip install 'soleus[fit]'") from error
    try:
        size = path.stat().st_size
        if size <= MAX_FILE_BYTES:
            return _session_messages(path, fitdecode)
    except OSError as error:
        raise HistoryError(f"{path}: cannot be read: {error.strerror or error}") from error
    except Exception as error:  # a damaged file makes the library raise struct and index errors too
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise HistoryError(
            f"{path}: not a readable FIT file ({reason[:200]}); export it again from the watch"
        ) from error
    raise HistoryError(f"{path}: larger than {MAX_FILE_BYTES // 2**20} MiB; no watch writes such a file")


def _session_messages(path: Path, fitdecode: ModuleType) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    with fitdecode.FitReader(
        str(path), check_crc=fitdecode.CrcCheck.RAISE, error_handling=fitdecode.ErrorHandling.RAISE
    ) as reader:
        for frame in itertools.islice(reader, MAX_RECORDS):
            if frame.frame_type == fitdecode.FIT_FRAME_DATA and frame.name == "session":
                # The first of a name is the native field; a developer field of the same name comes later.
                fields: dict[str, Any] = {}
                for field in frame.fields:
                    fields.setdefault(field.name, field.value)
                found.append(fields)
    return found


def _entry(path: Path, found: dict[str, Any], runner: str) -> SessionEntry:
    """Make the entry of one session message."""
    start = found.get("start_time")
    if not isinstance(start, datetime):
        raise HistoryError(f"{path}: 'start_time' is missing; add the run by --date, --distance and --time")
    start = start if start.tzinfo is not None else start.replace(tzinfo=UTC)
    moving_s = _number(path, found, "total_timer_time", MAX_TIME_S)
    whole_s = _number(path, found, "total_elapsed_time", MAX_TIME_S)
    time_s = whole_s if whole_s is not None else moving_s
    if time_s is None:
        raise HistoryError(f"{path}: 'total_elapsed_time' is missing; add the run by --date, --distance and --time")
    cycles = found.get("total_strides", found.get("total_cycles"))
    return SessionEntry(
        id=digest({"fit": start.astimezone(UTC).isoformat(), "runner": runner}),
        runner=runner,
        kind="file",
        start_s=start.timestamp(),
        time_s=time_s,
        running_s=moving_s,
        distance_m=_number(path, found, "total_distance", MAX_DISTANCE_M),
        uphill_m=_number(path, found, "total_ascent", MAX_DISTANCE_M),
        steps=STEPS_PER_CYCLE * cycles if isinstance(cycles, int) and cycles >= 0 else None,
        surface=_SURFACES.get(found.get("sub_sport")),
        source=str(path),
    )


def _number(path: Path, found: dict[str, Any], name: str, most: float) -> float | None:
    value = found.get(name)
    if not isinstance(value, int | float):
        return None
    if not 0.0 <= value <= most:
        raise HistoryError(f"{path}: '{name}' is {value:g}; no run has that")
    return float(value)
