"""Warnings and pain as marked events of a FIT activity."""

from __future__ import annotations

import math
from typing import Any, Final

import numpy as np

from soleus.model import FEET, SEVERITIES
from soleus.report.export import fit_profile as fit
from soleus.report.export.fit_clock import FitClock
from soleus.report.export.fit_format import Packed, pack
from soleus.report.export.session_tables import SessionTables

MAX_PAIN: Final = 10.0
"""Highest rating of the pain button."""
_RATING_KEYS: Final = ("rating", "value", "pain")
"""Names under which recorders note a rating."""


def markers(tables: SessionTables, clock: FitClock, local: int) -> Packed | None:
    """Make an event of each warning and each pain rating, in order of time; ``None`` without any.

    Raises
    ------
    ExportError
        If a pain rating's particulars are no JSON.
    """
    said = tables.warnings
    rows: list[tuple[float, str, str, str, float]] = []
    for i in range(len(said)):
        foot = int(said["foot"][i])
        rows.append(
            (float(said["time_s"][i]), str(said["rule"][i]), SEVERITIES[said["severity"][i]],
             "" if foot < 0 else FEET[foot], math.nan)
        )  # fmt: skip
    for time_s, told in tables.marks("pain"):
        rating = _rating(told)
        if rating is not None:
            rows.append((time_s, "", "", "", rating))
    if not rows:
        return None
    rows.sort(key=lambda row: row[0])
    times, rules, severities, feet, pains = zip(*rows, strict=True)
    return pack(
        fit.MARKER_EVENT,
        local,
        {
            "timestamp": clock.fit(times),
            "event": np.full(len(rows), fit.EVENT_USER_MARKER),
            "event_type": np.full(len(rows), fit.TYPE_MARKER),
            "warning": rules,
            "warning_severity": severities,
            "warning_foot": feet,
            "calf_pain": np.array(pains),
        },
    )


def _rating(told: Any) -> float | None:  # noqa: ANN401 - whatever the recorder noted
    """Find the pain rating in an event's particulars."""
    if isinstance(told, dict):
        told = next((told[key] for key in _RATING_KEYS if key in told), None)
    known = isinstance(told, int | float) and not isinstance(told, bool) and 0 <= told <= MAX_PAIN
    return float(told) if known else None
