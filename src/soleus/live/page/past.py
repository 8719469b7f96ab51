"""The runner's last weeks as the coach's screen shows them."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

import msgspec

from soleus.model import Runner
from soleus.rules import HistorySummary


class PastDay(msgspec.Struct, frozen=True, kw_only=True):
    """One day: its date, the way run [m] and the modelled Achilles impulse [bw·s], as far as the log knows them."""

    date: str
    distance_m: float
    impulse_bws: float


class PastWeeks(msgspec.Struct, frozen=True, kw_only=True):
    """The last weeks: what the rules know of them, and each day's load, the oldest first."""

    summary: HistorySummary
    days: tuple[PastDay, ...] = ()


def past_weeks(file: Path, at: datetime, *, name: str = "", runner: Runner | None = None) -> PastWeeks | None:
    """Read the last weeks from the log; ``None`` if there is no log.

    Parameters
    ----------
    file
        The log.
    at
        When the run begins; what came later is not looked at.
    name
        Whose sessions, as the log names them.
    runner
        What is worn and run on this time.

    Raises
    ------
    HistoryError
        If the log cannot be read.

    Examples
    --------
    >>> from datetime import UTC
    >>> past_weeks(Path("nowhere.sqlite"), datetime(2025, 1, 1, tzinfo=UTC)) is None
    True
    """
    if not file.exists():
        return None
    import numpy as np

    from soleus.history import HistoryStore, daily_loads, loads, summarize
    from soleus.history.context import CONTEXT_DAYS
    from soleus.history.summary import DAY_S

    with HistoryStore(file) as store:
        entries = store.sessions(name, before_s=at.timestamp())
        summary = summarize(entries, store.notes(name, before_s=at.timestamp()), at, runner)
    recent = [entry for entry in entries if at.timestamp() - entry.start_s <= CONTEXT_DAYS * DAY_S]
    way = np.array([np.nan if entry.distance_m is None else entry.distance_m for entry in recent], np.float64)
    distance = daily_loads(recent, way, at, CONTEXT_DAYS)
    impulse = daily_loads(recent, loads(entries).impulse_bws[len(entries) - len(recent) :], at, CONTEXT_DAYS)
    dates = [(at - timedelta(days=CONTEXT_DAYS - 1 - i)).date().isoformat() for i in range(CONTEXT_DAYS)]
    return PastWeeks(
        summary=summary,
        days=tuple(
            PastDay(date=date, distance_m=float(d), impulse_bws=float(load))
            for date, d, load in zip(dates, distance, impulse, strict=True)
        ),
    )
