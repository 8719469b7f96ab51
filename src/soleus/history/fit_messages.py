"""The messages of a FIT file that a log needs, read by ``fitdecode`` within bounds."""

from __future__ import annotations

import importlib
from array import array
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from types import ModuleType
from typing import Any, Final, NamedTuple

from soleus.history.errors import HistoryError

MAX_FILE_BYTES: Final = 64 * 2**20
"""Size of a FIT file; a day of running with every field is under 20 MiB."""
MAX_MESSAGES: Final = 1_000_000
"""Messages of one file; a week with a record a second has 604 800."""
MAX_VALUES: Final = 4_000_000
"""Values of all messages; a day with 40 fields a second has 3.5 million. Decoding them takes about a minute."""
MAX_SERIES: Final = 64
"""Fields followed through the records; more of one name and other units are no device's doing."""


class SeriesName(NamedTuple):
    """A field of the records: its name, whether a developer defined it, and the unit the file tells."""

    field: str
    developer: bool
    unit: str


@dataclass(frozen=True, slots=True)
class Series:
    """Values of a field: calendar times [s since 1970] and numbers as the file gives them, scaled by the profile."""

    time_s: array[float] = field(default_factory=lambda: array("d"))
    value: array[float] = field(default_factory=lambda: array("d"))


@dataclass(frozen=True, slots=True)
class FitMessages:
    """What was read: fields of each session message by name, and series of the records."""

    sessions: list[dict[str, Any]]
    series: Mapping[SeriesName, Series]


def read_messages(path: Path, wanted: Collection[str]) -> FitMessages:
    """Read session messages, and some fields of the records.

    Parameters
    ----------
    path
        The file.
    wanted
        Names of the fields of records to keep.

    Raises
    ------
    HistoryError
        If ``fitdecode`` is missing, or the file is missing, damaged, too large or no FIT file.
    """
    try:
        fitdecode = importlib.import_module("fitdecode")
    except ImportError as error:
        raise HistoryError("FIT files need the library fitdecode: pip install 'soleus[fit]'") from error
    try:
        _check(path)
        return _read(path, fitdecode, wanted)
    except HistoryError:
        raise
    except OSError as error:
        raise HistoryError(f"{path}: cannot be read: {error.strerror or error}") from error
    except Exception as error:  # a damaged file makes the library raise struct, index and type errors too
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise HistoryError(
            f"{path}: not a readable FIT file ({reason[:200]}); export it again from the watch"
        ) from error


def _check(path: Path) -> None:
    if not path.is_file():
        reason = "it is a folder or no plain file" if path.exists() else "it does not exist"
        raise HistoryError(f"{path}: cannot be read: {reason}; give a watch's FIT file")
    if path.stat().st_size > MAX_FILE_BYTES:
        raise HistoryError(f"{path}: larger than {MAX_FILE_BYTES // 2**20} MiB; no watch writes such a file")


def _read(path: Path, fitdecode: ModuleType, wanted: Collection[str]) -> FitMessages:
    sessions: list[dict[str, Any]] = []
    series: dict[SeriesName, Series] = {}
    values = 0
    with fitdecode.FitReader(
        str(path), check_crc=fitdecode.CrcCheck.RAISE, error_handling=fitdecode.ErrorHandling.RAISE
    ) as reader:
        for seen, frame in enumerate(reader):
            if seen >= MAX_MESSAGES:
                raise HistoryError(f"{path}: more than {MAX_MESSAGES} messages; no watch writes such a file")
            if frame.frame_type != fitdecode.FIT_FRAME_DATA:
                continue
            values += len(frame.fields)
            if values > MAX_VALUES:
                raise HistoryError(f"{path}: more than {MAX_VALUES} values; no watch writes such a file")
            if frame.name == "session":
                # The first of a name is the native field; a developer field of the same name comes later.
                fields: dict[str, Any] = {}
                for each in frame.fields:
                    fields.setdefault(each.name, each.value)
                sessions.append(fields)
            elif frame.name == "record":
                _keep(frame, wanted, series)
    return FitMessages(sessions, series)


def _keep(frame: Any, wanted: Collection[str], series: dict[SeriesName, Series]) -> None:  # noqa: ANN401 - untyped
    """Add a record's wanted numbers to their series."""
    at_s: float | None = None
    for each in frame.fields:
        if each.name == "timestamp" and isinstance(each.value, datetime):
            stamp = each.value if each.value.tzinfo is not None else each.value.replace(tzinfo=UTC)
            at_s = stamp.timestamp()
    if at_s is None:
        return
    for each in frame.fields:
        if each.name not in wanted or not isinstance(each.value, int | float):
            continue
        developer = each.field_def is not None and each.field_def.is_dev
        name = SeriesName(each.name, developer, str(each.units or ""))
        if name not in series:
            if len(series) >= MAX_SERIES:
                continue
            series[name] = Series()
        series[name].time_s.append(at_s)
        series[name].value.append(float(each.value))
