"""Dates, distances and durations as people type them."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Final

from soleus.cli.errors import UsageError

METRES: Final = {"m": 1.0, "km": 1000.0, "mi": 1609.344, "mile": 1609.344, "miles": 1609.344}
"""[m]; the international mile (1959 agreement)."""
MINUTE_S: Final = 60
HOUR_S: Final = 3600
NOON_HOUR: Final = 12
"""A run of which only the day is known is put at noon."""
_DISTANCE: Final = re.compile(r"(\d{1,6}(?:[.,]\d{1,3})?)\s*([a-z]+)")
_CLOCK: Final = re.compile(r"(?:(\d{1,3}):)?(\d{1,3}):([0-5]\d)")
_UNITS: Final = re.compile(
    r"(?:(\d{1,3})\s*h(?:ours?)?)?\s*(?:(\d{1,4})\s*m(?:in(?:utes?)?)?)?\s*(?:(\d{1,5})\s*s(?:ec)?)?"
)


def parse_distance(text: str) -> float:
    """Read a distance with its unit [m].

    Raises
    ------
    UsageError
        If the unit is missing or unknown.

    Examples
    --------
    >>> parse_distance("10km"), round(parse_distance("6.2 mi")), parse_distance("400m")
    (10000.0, 9978, 400.0)
    """
    match = _DISTANCE.fullmatch(text.strip().lower())
    if match is None or match[2] not in METRES:
        raise UsageError(f"distance '{text}': not understood; write it with its unit, such as 10km, 6.2mi or 800m")
    return float(match[1].replace(",", ".")) * METRES[match[2]]


def parse_duration(text: str) -> float:
    """Read a duration [s].

    Raises
    ------
    UsageError
        If it is not understood or nothing.

    Examples
    --------
    >>> parse_duration("50min"), parse_duration("1h20m"), parse_duration("1:20:05"), parse_duration("49:30")
    (3000.0, 4800.0, 4805.0, 2970.0)
    """
    plain = text.strip().lower()
    match = _CLOCK.fullmatch(plain) or _UNITS.fullmatch(plain)
    hours, minutes, seconds = (int(part or 0) for part in match.groups()) if match else (0, 0, 0)
    total = hours * HOUR_S + minutes * MINUTE_S + seconds
    if total <= 0:
        raise UsageError(f"time '{text}': not understood; write it as 50min, 1h20m or 1:20:05")
    return float(total)


def parse_date(text: str) -> tuple[datetime, bool]:
    """Read a date, with or without the time of day; times without a zone are local.

    Returns
    -------
    when, only_day
        The instant in UTC, and whether only the day was given (taken as noon).

    Raises
    ------
    UsageError
        If it is no date.

    Examples
    --------
    >>> parse_date("2025-05-03T18:30Z")
    (datetime.datetime(2025, 5, 3, 18, 30, tzinfo=datetime.timezone.utc), False)
    >>> parse_date("2025-05-03")[1]
    True
    """
    plain = text.strip()
    try:
        # The zone is added below, where it is missing.
        when = datetime.fromisoformat(plain)
        only_day = "T" not in plain.upper() and ":" not in plain
        if only_day:
            when = when.replace(hour=NOON_HOUR)
        return (when if when.tzinfo else when.astimezone()).astimezone(UTC), only_day
    except (ValueError, OverflowError, OSError) as error:
        raise UsageError(f"date '{text}': not understood; write it as 2025-05-03 or 2025-05-03T18:30") from error


def kilometres(distance_m: float | None) -> str:
    """Write a distance for people.

    Examples
    --------
    >>> kilometres(10040.0), kilometres(None)
    ('10.0 km', '-')
    """
    return "-" if distance_m is None else f"{distance_m / METRES['km']:.1f} km"
