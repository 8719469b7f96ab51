"""What the log says of the weeks before a run: the facts that the rules ask for, and nothing guessed.

The single-session comparison comes first (Schuster Brandt Frandsen 2025, doi:10.1136/bjsports-2024-109380). Sessions
without pods have no modelled load; theirs is taken from their distance and the runner's own usual load a metre, so
that the log is complete, and what rests on it is counted.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import numpy as np

from soleus.history.entry import CalfRaise, Gym, KneeToWall, Note, SessionEntry, Soreness
from soleus.history.store import HistoryStore
from soleus.model import Runner
from soleus.rules import HistorySummary, fit_baselines
from soleus.rules.history import MIN_SESSIONS, MIN_SPAN_DAYS

DAY_S: Final = 86400.0
HOUR_S: Final = 3600.0
LONGEST_DAYS: Final = 30.0
"""Window of the single-session comparison [d]; Frandsen 2025."""
USUAL_DAYS: Final = 28.0
"""Window of what is usual [d] (design choice: four whole weeks)."""
WEEK_DAYS: Final = 7.0
TREADMILL_BEFORE_DAYS: Final = 28.0
SPIKE: Final = 1.10
"""A session beyond this multiple of the longest before it is a spike; Frandsen 2025."""
HARD_PERCENTILE: Final = 75.0
"""A session whose modelled impulse is above this percentile of the runner's own is hard (design choice)."""
HILL_M: Final = 30.0
"""Metres climbed that make a session one with hills (design choice; the rule 'first-hills' asks for the same)."""
FAST_SHARE: Final = 1.15
"""A minute above this multiple of the usual speed is speed work (design choice; as in the rule 'first-speed')."""
PAIN_HOURS: Final = 24.0
"""How long answers on pain hold for the next run [h] (design choice)."""
LAST_RUN_HOURS: Final = 48.0
"""How long pain told in a run holds for the next one [h] (design choice)."""
SORENESS_DAYS: Final = 7.0
"""How long answers on soreness are taken to go on [d] (design choice)."""
WEEK_AGO_DAYS: Final = (4.0, 10.0)
"""Answers of this age count as those of a week ago [d] (design choice)."""
TEST_DAYS: Final = 7.0
"""How long a test speaks up before each run [d]; it stays in the log (design choice, so as not to nag)."""
SOFT: Final = ("grass", "sand")
"""Surfaces that are soft."""
PEAK: Final = "achilles_peak"
"""Signal of the minutes that tells the highest force of a session."""
SAME_DROP_M: Final = 0.0005
"""Drops that differ by less are the same [m]."""


@dataclass(frozen=True, slots=True)
class Loads:
    """Sessions with their modelled impulse, told or estimated.

    Attributes
    ----------
    entries
        Sessions by time.
    impulse_bws
        Impulse of each [bw·s], NaN where neither known nor to be estimated; shape ``(n,)``.
    estimated
        How many of them are estimated from distance.
    per_m
        The runner's usual impulse a metre [bw·s/m], NaN if unknown.
    """

    entries: Sequence[SessionEntry]
    impulse_bws: np.ndarray[tuple[int, ...], np.dtype[np.float64]]
    estimated: int
    per_m: float


def loads(entries: Sequence[SessionEntry]) -> Loads:
    """Take the impulse of each session; estimate it from distance where there were no pods.

    Examples
    --------
    >>> pods = SessionEntry(id="0" * 32, kind="pods", start_s=0, time_s=1, distance_m=5000, impulse_bws=3000)
    >>> told = SessionEntry(id="1" * 32, kind="hand", start_s=9, time_s=1, distance_m=10_000)
    >>> loads([pods, told]).impulse_bws
    array([3000., 6000.])
    """
    impulse = np.array([_or_nan(entry.impulse_bws) for entry in entries], np.float64)
    distance = np.array([_or_nan(entry.distance_m) for entry in entries], np.float64)
    known = np.isfinite(impulse) & (distance > 0.0)
    per_m = float(np.median(impulse[known] / distance[known])) if known.any() else np.nan
    guessed = np.array([entry.kind != "pods" for entry in entries], bool) & np.isnan(impulse)
    filled = np.where(guessed, distance * per_m, impulse)
    return Loads(entries, filled, int((guessed & np.isfinite(filled)).sum()), per_m)


def history_summary(
    store: HistoryStore, at: datetime, *, name: str = "", runner: Runner | None = None, without: str = ""
) -> HistorySummary:
    """Sum up the log as it was at a moment.

    Parameters
    ----------
    store
        The log.
    at
        When the run in question starts; what came later is not looked at.
    name
        Whose sessions.
    runner
        What is worn and run on this time: tells of a new shoe and of soft ground.
    without
        Identity of the run in question, if the log has it already.

    Raises
    ------
    HistoryError
        If the log cannot be read.
    """
    now_s = at.timestamp()
    entries = [entry for entry in store.sessions(name, before_s=now_s) if entry.id != without]
    return summarize(entries, store.notes(name, before_s=now_s), at, runner)


def summarize(
    entries: Sequence[SessionEntry], notes: Sequence[Note], at: datetime, runner: Runner | None = None
) -> HistorySummary:
    """Sum up sessions and notes before a moment, each sorted by time; see :func:`history_summary`."""
    now_s = at.timestamp()
    ages = np.array([(now_s - entry.start_s) / DAY_S for entry in entries], np.float64)
    month = [entry for entry, age in zip(entries, ages, strict=True) if age <= LONGEST_DAYS]
    usual = [entry for entry, age in zip(entries, ages, strict=True) if age <= USUAL_DAYS]
    span_days = (now_s - month[0].start_s) / DAY_S if month else 0.0
    enough = len(month) >= MIN_SESSIONS and span_days >= MIN_SPAN_DAYS
    months = loads(month)
    usual_speed = _usual_speed(usual)
    asymmetries = [entry.contact_asymmetry for entry in usual if entry.contact_asymmetry is not None]
    strikes = np.array([(e.rearfoot or 0, e.midfoot or 0, e.forefoot or 0) for e in usual], np.float64).reshape(-1, 3)
    drop_change, new_share = _new_shoe(entries, ages, runner)
    return HistorySummary(
        sessions_30d=len(month),
        span_days=span_days,
        longest_distance_m=_most([entry.distance_m for entry in month]),
        longest_impulse_bws=_most(months.impulse_bws.tolist()),
        highest_dose=_most([entry.dose for entry in month]),
        highest_peak_bw=_most([_highest_peak_bw(entry) for entry in month]),
        most_uphill_m=_most([entry.uphill_m for entry in month]),
        days_since_hill=_days_since(entries, ages, [(entry.uphill_m or 0.0) >= HILL_M for entry in entries]),
        days_since_fast=None
        if usual_speed is None
        else _days_since(entries, ages, [_fastest(entry) > FAST_SHARE * usual_speed for entry in entries]),
        hours_since_hard=_hours_since_hard(months, now_s) if enough else None,
        hours_since_spike=_hours_since_spike(entries, now_s),
        hours_since_gym=_latest_age(notes, Gym, now_s, HOUR_S),
        usual_speed_mps=usual_speed,
        treadmill_share_recent=_treadmill_share(entries, ages, 0.0, WEEK_DAYS),
        treadmill_share_before=_treadmill_share(entries, ages, WEEK_DAYS, WEEK_DAYS + TREADMILL_BEFORE_DAYS),
        non_rearfoot_share=float(strikes[:, 1:].sum() / strikes.sum()) if strikes.sum() > 0 else None,
        contact_asymmetry=float(np.median(asymmetries)) if len(asymmetries) >= MIN_SESSIONS else None,
        contact_asymmetry_spread=float(np.std(asymmetries, ddof=1)) if len(asymmetries) >= MIN_SESSIONS else None,
        shoe_drop_change_m=drop_change,
        new_shoe_share=new_share,
        soft_surface=None if runner is None or runner.surface is None else runner.surface in SOFT,
        usual_impulse_per_m=_or_none(loads(usual).per_m),
        pain_last_run=_pain_last_run(entries, notes, now_s),
        **_told(notes, now_s),
        **_tested(notes, now_s),
        baselines=fit_baselines(
            [
                entry.minutes.run(age)
                for entry, age in zip(entries, ages.tolist(), strict=True)
                if entry.minutes is not None and age <= USUAL_DAYS
            ]
        ),
    )


def spike_ratio(entries: Sequence[SessionEntry], position: int) -> float | None:
    """Give a session's distance over the longest of the 30 days before it; ``None`` without enough history."""
    entry = entries[position]
    before = [e for e in entries[:position] if 0.0 < entry.start_s - e.start_s <= LONGEST_DAYS * DAY_S]
    longest = _most([e.distance_m for e in before])
    if len(before) < MIN_SESSIONS or entry.start_s - before[0].start_s < MIN_SPAN_DAYS * DAY_S:
        return None
    return entry.distance_m / longest if entry.distance_m is not None and longest else None


def _hours_since_spike(entries: Sequence[SessionEntry], now_s: float) -> float | None:
    for position in range(len(entries) - 1, -1, -1):
        if now_s - entries[position].start_s > LONGEST_DAYS * DAY_S:
            return None
        ratio = spike_ratio(entries, position)
        if ratio is not None and ratio > SPIKE:
            return max(0.0, (now_s - entries[position].end_s) / HOUR_S)
    return None


def _hours_since_hard(months: Loads, now_s: float) -> float | None:
    known = np.isfinite(months.impulse_bws)
    if int(known.sum()) < MIN_SESSIONS:
        return None
    limit = float(np.percentile(months.impulse_bws[known], HARD_PERCENTILE))
    hard = np.flatnonzero(known & (months.impulse_bws > limit))
    if not hard.size or months.entries[int(hard[-1])].precision == "day":
        return None
    return max(0.0, (now_s - months.entries[int(hard[-1])].end_s) / HOUR_S)


def _usual_speed(entries: Sequence[SessionEntry]) -> float | None:
    """Take the median over all minutes; a session without pods counts its mean speed for each of its minutes."""
    parts = []
    for entry in entries:
        if entry.minutes is not None and entry.minutes.speed_mps:
            parts.append(np.array(entry.minutes.speed_mps, np.float64))
        elif entry.mean_speed_mps is not None:
            parts.append(np.full(max(1, int(entry.time_s // 60.0)), entry.mean_speed_mps))
    speeds = np.concatenate(parts) if parts else np.empty(0)
    speeds = speeds[np.isfinite(speeds)]
    return float(np.median(speeds)) if speeds.size else None


def _fastest(entry: SessionEntry) -> float:
    """Give the speed of the fastest minute [m/s], or the mean speed without pods; NaN if unknown."""
    known = [] if entry.minutes is None else [v for v in entry.minutes.speed_mps if v is not None]
    return max(known) if known else _or_nan(entry.mean_speed_mps)


def _highest_peak_bw(entry: SessionEntry) -> float | None:
    """Give the modelled Achilles peak of the highest minute, both feet together [bw]."""
    rows = [] if entry.minutes is None else entry.minutes.values.get(PEAK, [])
    return max(((a + b) / 2.0 for a, b in rows if a is not None and b is not None), default=None)


def _days_since(
    entries: Sequence[SessionEntry], ages: np.ndarray[tuple[int, ...], np.dtype[np.float64]], hits: list[bool]
) -> float | None:
    """Give the age of the last hit, or the days looked back if there was none."""
    if not entries:
        return None
    found = np.flatnonzero(hits)
    return float(ages[found[-1]] if found.size else ages[0])


def _treadmill_share(
    entries: Sequence[SessionEntry], ages: np.ndarray[tuple[int, ...], np.dtype[np.float64]], after: float, until: float
) -> float | None:
    told = [
        (entry.distance_m, entry.surface == "treadmill")
        for entry, age in zip(entries, ages, strict=True)
        if after < age <= until and entry.surface is not None and entry.distance_m
    ]
    total = sum(distance for distance, _ in told)
    return sum(distance for distance, belt in told if belt) / total if total else None


def _new_shoe(
    entries: Sequence[SessionEntry], ages: np.ndarray[tuple[int, ...], np.dtype[np.float64]], runner: Runner | None
) -> tuple[float | None, float | None]:
    """Compare the drop of the shoe of this run with that of the shoe worn before; share of the week in it."""
    if runner is None or runner.shoe_drop_m is None:
        return None, None
    now = runner.shoe_drop_m
    month = [
        (e, age)
        for e, age in zip(entries, ages, strict=True)
        if age <= LONGEST_DAYS and e.shoe_drop_m is not None and e.distance_m
    ]
    old = [e.shoe_drop_m for e, _ in month if e.shoe_drop_m is not None and abs(e.shoe_drop_m - now) > SAME_DROP_M]
    if not old:
        return None, None
    week = [(e.distance_m or 0.0, e.shoe_drop_m) for e, age in month if age <= WEEK_DAYS]
    total = sum(distance for distance, _ in week)
    share = sum(d for d, drop in week if drop is not None and abs(drop - now) <= SAME_DROP_M) / total if total else None
    return now - old[-1], share


def _pain_last_run(entries: Sequence[SessionEntry], notes: Sequence[Note], now_s: float) -> float | None:
    """Take the pain told in the last run, unless the questions were answered since."""
    if not entries or now_s - entries[-1].end_s > LAST_RUN_HOURS * HOUR_S:
        return None
    answered = any(isinstance(note.body, Soreness) and note.at_s >= entries[-1].end_s for note in notes)
    return None if answered else entries[-1].pain


def _told(notes: Sequence[Note], now_s: float) -> dict[str, Any]:
    """Take pain, soreness and red flags from the questionnaires."""
    asked = [(note, note.body) for note in notes if isinstance(note.body, Soreness)]
    if not asked:
        return {}
    note, last = asked[-1]
    age_s = now_s - note.at_s
    found: dict[str, Any] = {
        # Red flags stand until the questions are answered anew.
        "red_flags": last.red_flags,
        "pain_before": last.pain if age_s <= PAIN_HOURS * HOUR_S else None,
    }
    if age_s <= SORENESS_DAYS * DAY_S:
        if last.pain > 0.0 and last.days is not None:
            found["soreness_days"] = last.days + age_s / DAY_S
        before = [
            answers.pain
            for earlier, answers in asked[:-1]
            if WEEK_AGO_DAYS[0] * DAY_S <= note.at_s - earlier.at_s <= WEEK_AGO_DAYS[1] * DAY_S
        ]
        if before:
            found["soreness_change"] = last.pain - before[-1]
    return found


def _tested(notes: Sequence[Note], now_s: float) -> dict[str, Any]:
    """Take the last results of each test and side, if they are recent."""
    found: dict[str, Any] = {}
    for note in notes:
        if now_s - note.at_s > TEST_DAYS * DAY_S:
            continue
        match note.body:
            case CalfRaise(foot=foot, repetitions=repetitions, knee=knee):
                found[f"{'bent' if knee == 'bent' else 'calf'}_raises_{foot}"] = repetitions
            case KneeToWall(foot=foot, angle_deg=angle, distance_m=distance):
                if angle is not None:
                    found[f"ankle_range_{foot}_deg"] = angle
                if distance is not None:
                    found[f"wall_distance_{foot}_m"] = distance
            case _:
                pass
    return found


def _latest_age(notes: Sequence[Note], kind: type, now_s: float, unit_s: float) -> float | None:
    times = [note.at_s for note in notes if isinstance(note.body, kind)]
    return (now_s - times[-1]) / unit_s if times else None


def _most(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None and np.isfinite(value)]
    return max(known) if known else None


def _or_nan(value: float | None) -> float:
    return float("nan") if value is None else float(value)


def _or_none(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None
