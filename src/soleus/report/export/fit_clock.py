"""When things happened, as FIT tells it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

import numpy as np
import numpy.typing as npt

from soleus.report.export.errors import ExportError
from soleus.report.export.fit_profile import FIT_EPOCH_S, MIN_DATE_TIME
from soleus.report.export.session_tables import SessionTables

LAST_DATE_TIME: Final = 0xFFFFFFFE
"""Largest time a FIT file can tell [s]."""

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class FitClock:
    """Session time to FIT time, in whole seconds since the end of 1989.

    Attributes
    ----------
    first, last
        FIT second in which the session begins, and the one at which its last second ends.
    offset_s
        Session time zero after ``first`` [s]; may be negative.
    """

    first: int
    last: int
    offset_s: float

    def fit(self, time_s: npt.ArrayLike) -> Floats:
        """Give the nearest FIT second within the activity."""
        nearest = np.rint(np.asarray(time_s, np.float64) + self.offset_s) + self.first
        return np.asarray(np.clip(nearest, self.first, self.last), np.float64)

    @property
    def ends_s(self) -> Floats:
        """Session time at which each of the activity's seconds ends, shape ``(last - first,)``."""
        return np.arange(1.0, self.last - self.first + 1.0) - self.offset_s


def fit_clock(tables: SessionTables, given: datetime | None = None) -> FitClock:
    """Tie a session's clock to FIT's.

    Parameters
    ----------
    tables
        The session.
    given
        Calendar time of session time zero; that of the session unless given.

    Raises
    ------
    ExportError
        If the start is unknown, has no time zone, or is beyond what FIT can tell.
    """
    start = tables.start_utc if given is None else given
    if start is None:
        raise ExportError(
            f"{tables.folder}: the session does not say when it was, which FIT needs; give the start with --start, "
            "such as 2025-05-03T18:30"
        )
    if start.tzinfo is None:
        raise ExportError(f"start {start.isoformat()}: has no time zone; give it in UTC")
    first_s, last_s = tables.span_s
    since = start.astimezone(UTC) - datetime.fromtimestamp(FIT_EPOCH_S, UTC)
    whole, part_s = divmod(since.total_seconds(), 1.0)
    begins = math.floor(first_s + part_s)
    ends = math.floor(last_s + part_s) + 1
    first = int(whole) + begins
    if not first >= MIN_DATE_TIME or not int(whole) + ends <= LAST_DATE_TIME:
        raise ExportError(
            f"{tables.folder}: starts at {start.isoformat()}, which FIT cannot tell (it knows July 1998 to 2126); "
            "give the true start with --start"
        )
    return FitClock(first, int(whole) + ends, part_s - begins)
