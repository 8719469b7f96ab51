"""Speeds and grades as people type them."""

from __future__ import annotations

import re
from typing import Final

from soleus.recording.files import RecordingError

METRES_PER_MILE: Final = 1609.344
"""International mile [m] (1959 agreement)."""
SECONDS_PER_HOUR: Final = 3600.0
"""[s]"""
MAX_SPEED_MPS: Final = 15.0
"""Fastest speed accepted [m/s]: beyond the top speed of any runner (12.4 m/s, Berlin 2009)."""
MAX_GRADE: Final = 0.5
"""Steepest grade accepted: beyond any treadmill (0.4)."""

_SPEED_UNITS: Final = {
    "m/s": 1.0,
    "mps": 1.0,
    "km/h": 1000.0 / SECONDS_PER_HOUR,
    "kmh": 1000.0 / SECONDS_PER_HOUR,
    "kph": 1000.0 / SECONDS_PER_HOUR,
    "mph": METRES_PER_MILE / SECONDS_PER_HOUR,
    "mi/h": METRES_PER_MILE / SECONDS_PER_HOUR,
}
_PACE_LENGTHS_M: Final = {"km": 1000.0, "mi": METRES_PER_MILE, "mile": METRES_PER_MILE}
_NUMBER: Final = r"(\d{1,6}(?:[.,]\d{1,9})?)"
_SPEED: Final = re.compile(rf"{_NUMBER}\s*([a-z/]+)")
_PACE: Final = re.compile(r"(\d{1,3}):([0-5]\d(?:[.,]\d{1,6})?)\s*(?:min)?\s*/\s*(km|mi|mile)")
_GRADE: Final = re.compile(rf"([+-]?){_NUMBER}\s*(%?)")


def parse_speed(text: str) -> float:
    """Read a speed with its unit, or a pace.

    Parameters
    ----------
    text
        ``12km/h``, ``3.33 m/s``, ``7.5mph`` or a pace ``5:00/km``, ``8:03/mi``.

    Returns
    -------
    float
        Speed [m/s].

    Raises
    ------
    RecordingError
        If the unit is missing or unknown, or nobody runs that fast.

    Examples
    --------
    >>> parse_speed("12km/h")
    3.3333
    >>> parse_speed("5:00/km")
    3.3333
    """
    plain = text.strip().lower().replace("min/", "/")
    if pace := _PACE.fullmatch(plain):
        seconds = 60 * int(pace[1]) + _number(pace[2])
        speed_mps = _PACE_LENGTHS_M[pace[3]] / seconds if seconds > 0 else float("inf")
    elif (speed := _SPEED.fullmatch(plain)) and speed[2] in _SPEED_UNITS:
        speed_mps = _number(speed[1]) * _SPEED_UNITS[speed[2]]
    else:
        raise RecordingError(
            f"speed '{text}': not understood; write it with its unit, such as 12km/h, 3.3m/s or 5:00/km"
        )
    if speed_mps > MAX_SPEED_MPS:
        raise RecordingError(f"speed '{text}': {speed_mps:.1f} m/s is faster than anybody runs; check the unit")
    return speed_mps


def parse_grade(text: str) -> float:
    """Read a treadmill's grade.

    Parameters
    ----------
    text
        In percent (``1%``) or as rise over run (``0.01``); negative downhill.

    Returns
    -------
    float
        Rise over run.

    Raises
    ------
    RecordingError
        If it is no number or steeper than any treadmill.

    Examples
    --------
    >>> parse_grade("1%"), parse_grade("-0.02")
    (0.01, -0.02)
    """
    match = _GRADE.fullmatch(text.strip())
    if match is None:
        raise RecordingError(f"grade '{text}': not understood; write it as 1% or 0.01")
    grade = _number(match[2]) / (100.0 if match[3] else 1.0) * (-1.0 if match[1] == "-" else 1.0)
    if abs(grade) > MAX_GRADE:
        raise RecordingError(f"grade '{text}': steeper than any treadmill; write percent with the sign, such as 1%")
    return grade


def _number(text: str) -> float:
    return float(text.replace(",", "."))
