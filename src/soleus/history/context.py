"""Load ratios as context only: none of them triggers a rule.

The acute:chronic ratio is easily spurious (Lolli 2019, doi:10.1136/bjsports-2017-098110; Impellizzeri 2020,
doi:10.1007/s40279-020-01378-6) and ran the wrong way in 5 205 runners (Schuster Brandt Frandsen 2025,
doi:10.1136/bjsports-2024-109380); it is shown because runners ask for it.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final

import msgspec
import numpy as np

from soleus.history.entry import SessionEntry
from soleus.history.summary import DAY_S, loads
from soleus.model import FloatArray

CONTEXT_DAYS: Final = 28
"""Days that the ratios look at; a shorter log is 'not enough history'."""
MAX_DAYS: Final = 3650
"""Days looked back at most: what is older weighs nothing."""
ACUTE_DAYS: Final = 7
"""Days of the acute load, and of monotony; Foster 1998 (doi:10.1097/00005768-199807000-00023)."""


class LoadContext(msgspec.Struct, frozen=True, kw_only=True):
    """Ratios of the last four weeks, of one kind of load.

    Attributes
    ----------
    week, week_before
        Sum of the last seven days and of the seven before.
    acute_chronic
        Last week over the mean of the three weeks before it (uncoupled).
    ewma_ratio
        Exponentially weighted moving averages of 7 and 28 days, one over the other, begun with the log's first day;
        Williams 2017 (doi:10.1136/bjsports-2016-096589).
    monotony
        Mean over sample standard deviation of the last seven daily loads (Foster 1998); ``None`` if they are equal.
    """

    week: float
    week_before: float
    acute_chronic: float | None
    ewma_ratio: float | None
    monotony: float | None


def daily_loads(entries: Sequence[SessionEntry], values: FloatArray, at: datetime, days: int) -> FloatArray:
    """Add loads up by day: the last is the 24 hours before ``at``; shape ``(days,)``."""
    ages = np.array([(at.timestamp() - entry.start_s) / DAY_S for entry in entries], np.float64)
    kept = np.isfinite(values) & (ages >= 0.0) & (ages < days)
    return np.bincount(days - 1 - ages[kept].astype(np.int64), values[kept], days).astype(np.float64)


def load_context(entries: Sequence[SessionEntry], at: datetime) -> dict[str, LoadContext] | None:
    """Give the ratios of distance [m] and modelled impulse [bw·s]; ``None`` if the log is shorter than four weeks.

    Examples
    --------
    >>> from datetime import UTC
    >>> now = datetime(2025, 6, 1, tzinfo=UTC)
    >>> runs = [SessionEntry(id=f"{i:032x}", kind="hand", start_s=now.timestamp() - (29 - 2 * i) * 86400, time_s=3000,
    ...                      distance_m=8000) for i in range(15)]
    >>> context = load_context(runs, now)["distance_m"]
    >>> context.week, round(context.acute_chronic, 2)
    (24000.0, 0.82)
    >>> load_context(runs[8:], now) is None
    True
    """
    before = [entry for entry in entries if entry.start_s < at.timestamp()]
    if not before or at.timestamp() - before[0].start_s < CONTEXT_DAYS * DAY_S:
        return None
    days = min(MAX_DAYS, 1 + int((at.timestamp() - before[0].start_s) // DAY_S))
    distance = np.array([np.nan if entry.distance_m is None else entry.distance_m for entry in before], np.float64)
    found = {"distance_m": _context(daily_loads(before, distance, at, days))}
    impulse = loads(before).impulse_bws
    if np.isfinite(impulse).any():
        found["impulse_bws"] = _context(daily_loads(before, impulse, at, days))
    return found


def _context(daily: FloatArray) -> LoadContext:
    month, week = daily[-CONTEXT_DAYS:], daily[-ACUTE_DAYS:]
    chronic = float(month[:-ACUTE_DAYS].sum()) / (CONTEXT_DAYS / ACUTE_DAYS - 1)
    acute, slow = (moving_average(daily, days) for days in (ACUTE_DAYS, CONTEXT_DAYS))
    spread = float(np.std(week, ddof=1))
    return LoadContext(
        week=float(week.sum()),
        week_before=float(daily[-2 * ACUTE_DAYS : -ACUTE_DAYS].sum()),
        acute_chronic=float(week.sum()) / chronic if chronic > 0.0 else None,
        ewma_ratio=acute / slow if slow > 0.0 else None,
        monotony=float(week.mean()) / spread if spread > 0.0 else None,
    )


def moving_average(daily: FloatArray, days: int) -> float:
    """Give the exponentially weighted moving average of daily loads on the last day (Williams 2017).

    Each day's is ``λ·load + (1 - λ)·yesterday's`` with ``λ = 2/(N + 1)``; the first day's is its load.

    Parameters
    ----------
    daily
        Loads by day, shape ``(n,)``.
    days
        N.

    Examples
    --------
    >>> round(moving_average(np.array([30.0] * 21 + [50.0] * 7), 7), 2)
    47.33
    """
    decay = 1.0 - 2.0 / (days + 1.0)
    age = np.arange(daily.size - 1, -1, -1)
    weight = np.where(age == daily.size - 1, 1.0, 1.0 - decay) * decay**age
    return float(weight @ daily)
