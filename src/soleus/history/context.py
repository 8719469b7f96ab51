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
        Exponentially weighted means over 7 and 28 days, one over the other; Williams 2017
        (doi:10.1136/bjsports-2016-096589).
    monotony
        Mean over standard deviation of the seven daily loads (Foster 1998).
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
    distance = np.array([np.nan if entry.distance_m is None else entry.distance_m for entry in before], np.float64)
    found = {"distance_m": _context(daily_loads(before, distance, at, CONTEXT_DAYS))}
    impulse = loads(before).impulse_bws
    if np.isfinite(impulse).any():
        found["impulse_bws"] = _context(daily_loads(before, impulse, at, CONTEXT_DAYS))
    return found


def _context(daily: FloatArray) -> LoadContext:
    week = float(daily[-ACUTE_DAYS:].sum())
    chronic = float(daily[:-ACUTE_DAYS].sum()) / (CONTEXT_DAYS / ACUTE_DAYS - 1)
    acute, slow = (_ewma(daily, days) for days in (ACUTE_DAYS, CONTEXT_DAYS))
    spread = float(np.std(daily[-ACUTE_DAYS:], ddof=1))
    return LoadContext(
        week=week,
        week_before=float(daily[-2 * ACUTE_DAYS : -ACUTE_DAYS].sum()),
        acute_chronic=week / chronic if chronic > 0.0 else None,
        ewma_ratio=acute / slow if slow > 0.0 else None,
        monotony=week / ACUTE_DAYS / spread if spread > 0.0 else None,
    )


def _ewma(daily: FloatArray, days: int) -> float:
    """Weigh each day by (1 - λ) to its age, λ = 2 / (N + 1)."""
    weight = (1.0 - 2.0 / (days + 1.0)) ** np.arange(daily.size - 1, -1, -1)
    return float((weight * daily).sum() / weight.sum())
