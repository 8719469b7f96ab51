"""A belt speed profile from a file, for a treadmill that is mute.

CSV with a header: ``time_s``, then ``speed_mps`` or ``speed_kmh``, and, if there are hills, ``grade`` (0.01 = 1 %) or
``grade_pct``. Each row holds until the next.
"""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Final

import numpy as np

from soleus.ingest.treadmill import GRADE_MAX, SPEED_MAX_MPS
from soleus.model import Belt

SIZE_MAX: Final = 1_000_000
"""Largest profile read [B]."""
KMH_MPS: Final = 1 / 3.6
PERCENT: Final = 0.01
SPEEDS: Final = {"speed_mps": 1.0, "speed_kmh": KMH_MPS}
GRADES: Final = {"grade": 1.0, "grade_pct": PERCENT}


class ProfileError(ValueError):
    """A speed profile that cannot be read."""


def read_profile(path: Path | str) -> Belt:
    """Read a speed profile.

    Raises
    ------
    ProfileError
        If the file cannot be read, a column is missing or unknown, or a row is impossible; the row is named.
    """
    path = Path(path)
    try:
        if path.stat().st_size > SIZE_MAX:
            raise ProfileError(f"{path}: larger than {SIZE_MAX} B")
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise ProfileError(f"{path}: {error}") from error
    rows = list(csv.reader(text.splitlines()))
    if len(rows) < 2:  # noqa: PLR2004 - header and one row
        raise ProfileError(f"{path}: needs a header and at least one row")
    header = [name.strip() for name in rows[0]]
    speed = _column(path, header, SPEEDS)
    grade = _column(path, header, GRADES) if set(header) & set(GRADES) else None
    unknown = set(header) - {"time_s", *SPEEDS, *GRADES}
    if "time_s" not in header or unknown:
        raise ProfileError(f"{path}: columns must be time_s, speed_kmh and perhaps grade_pct, not {', '.join(header)}")
    table: list[tuple[float, float, float]] = []
    for number, row in enumerate(rows[1:], start=2):
        try:
            values = dict(zip(header, map(float, row), strict=True))
        except ValueError as error:
            raise ProfileError(f"{path}, row {number}: {error}") from error
        entry = (
            values["time_s"],
            values[speed] * SPEEDS[speed],
            values[grade] * GRADES[grade] if grade else 0.0,
        )
        good = np.isfinite(entry).all() and 0 <= entry[1] <= SPEED_MAX_MPS and abs(entry[2]) <= GRADE_MAX
        if not good or (table and entry[0] <= table[-1][0]):
            raise ProfileError(f"{path}, row {number}: times must rise, speeds and grades be those of a treadmill")
        table.append(entry)
    time_s, speed_mps, grades = np.array(table).T
    return Belt(time_s, speed_mps, grades)


def _column(path: Path, header: list[str], choices: dict[str, float]) -> str:
    found = [name for name in choices if name in header]
    if len(found) != 1:
        raise ProfileError(f"{path}: needs exactly one of the columns {', '.join(choices)}")
    return found[0]
