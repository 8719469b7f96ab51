"""The log as a person reads it."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

import msgspec
import numpy as np
from rich.console import Console

from soleus.cli.amounts import kilometres
from soleus.cli.terminal import clock, table
from soleus.history import (
    CalfRaise,
    HistoryStore,
    KneeToWall,
    LoadContext,
    Note,
    SessionEntry,
    Soreness,
    daily_loads,
    load_context,
    loads,
    spike_ratio,
    summarize,
)
from soleus.history.fit_dynamics import WORDS as DYNAMICS_WORDS
from soleus.model import FloatArray
from soleus.rules import HistorySummary
from soleus.rules.history import MIN_SESSIONS, MIN_SPAN_DAYS
from soleus.screening import Finding, judge

SHOWN_SESSIONS: Final = 12
"""Sessions listed; JSON has all."""
BARS: Final = "▁▂▃▄▅▆▇█"
WEEK_DAYS: Final = 7
PERCENT: Final = 100.0
WITHIN: Final = 1.10
"""A run within this multiple of the longest of 30 days is none of the spikes of Frandsen 2025."""
LOAD_NOTE: Final = "Loads are modelled. This is no diagnosis, and it does not tell how likely an injury is."


@dataclass(frozen=True, slots=True)
class HistoryView:
    """What is shown of a log.

    Attributes
    ----------
    path, runner, at
        Which log, whose sessions, and from when looked back.
    sessions, notes
        Up to then, by time.
    ratios
        Each session's distance over the longest of the 30 days before it; ``None`` without enough history.
    summary, context
        What the rules would be told, and ratios as context.
    weekly_m, weekly_bws
        Sum of each week, the last one ending now; impulse estimated where there were no pods.
    estimated
        Sessions whose impulse is estimated from distance.
    findings
        What the rules say before a run.
    others
        Names of other runners in the log.
    """

    path: str
    runner: str
    at: datetime
    sessions: Sequence[SessionEntry]
    notes: Sequence[Note]
    ratios: Sequence[float | None]
    summary: HistorySummary
    context: dict[str, LoadContext] | None
    weekly_m: FloatArray
    weekly_bws: FloatArray
    estimated: int
    findings: Sequence[Finding]
    others: Sequence[str] = ()


def history_view(store: HistoryStore, runner: str, at: datetime, weeks: int) -> HistoryView:
    """Read a log and sum it up."""
    sessions = store.sessions(runner, before_s=at.timestamp())
    notes = store.notes(runner, before_s=at.timestamp())
    distance = np.array([np.nan if e.distance_m is None else e.distance_m for e in sessions], np.float64)
    with_load = loads(sessions)
    summary = summarize(sessions, notes, at)
    days = weeks * WEEK_DAYS
    return HistoryView(
        path=str(store.path),
        runner=runner,
        at=at,
        sessions=sessions,
        notes=notes,
        ratios=[spike_ratio(sessions, i) for i in range(len(sessions))],
        summary=summary,
        context=load_context(sessions, at),
        weekly_m=daily_loads(sessions, distance, at, days).reshape(weeks, WEEK_DAYS).sum(axis=1),
        weekly_bws=daily_loads(sessions, with_load.impulse_bws, at, days).reshape(weeks, WEEK_DAYS).sum(axis=1),
        estimated=with_load.estimated,
        findings=judge(summary).findings,
        others=[name for name in store.runners() if name != runner],
    )


def show_history(console: Console, view: HistoryView) -> None:
    """Print a log."""
    whose = f" of {view.runner}" if view.runner else ""
    console.print(f"{view.path}: {len(view.sessions)} sessions{whose}", soft_wrap=True, markup=False, style="bold")
    stop = [finding for finding in view.findings if finding.severity == "stop"]
    if stop:
        # A red flag ends all training advice: nothing else is worth reading now.
        for finding in stop:
            console.print(finding.message, soft_wrap=True, markup=False, style="bold red")
        return
    if view.sessions:
        _show_sessions(console, view)
    console.print(_single_session_line(view.summary), soft_wrap=True, markup=False)
    for line in _context_lines(view):
        console.print(line, soft_wrap=True, markup=False)
    for note in _last_of_each(view.notes):
        console.print(_note_line(note), soft_wrap=True, markup=False)
    for finding in view.findings:
        console.print(f"{finding.severity}: {finding.message}", soft_wrap=True, markup=False)
    for name in view.others:
        whose = f"{name}: soleus history --runner {shlex.quote(name)}" if name else "the owner of the log"
        console.print(f"Also in this log: {whose}", soft_wrap=True, markup=False, style="dim")
    console.print(LOAD_NOTE, style="dim")


def dynamics_sentences(entry: SessionEntry) -> list[str]:
    """Tell what another maker's device measured in a run, and what of it could not be used; no full stops."""
    told = entry.dynamics
    if told is None:
        return []
    by_maker: dict[str, list[str]] = {}
    for name, source in told.sources.items():
        words, unit = DYNAMICS_WORDS[name]
        by_maker.setdefault(source.rpartition(" of ")[2], []).append(f"{words} {getattr(told, name):.3g} {unit}")
    kept = [f"{', '.join(values)} (fields of {maker})" for maker, values in by_maker.items()]
    medians = [f"running dynamics of that device, medians; no rule looks at them: {'; '.join(kept)}"] if kept else []
    return [*medians, *told.left_out]


def view_as_json(view: HistoryView) -> dict[str, Any]:
    """Give everything shown as plain values; baselines and minutes are left out."""
    sessions = [msgspec.structs.asdict(entry) | {"minutes": None} for entry in view.sessions]
    for entry, ratio in zip(sessions, view.ratios, strict=True):
        entry["of_longest_30_days"] = ratio
        del entry["minutes"]
    summary = msgspec.structs.asdict(view.summary)
    summary["baselines"] = len(view.summary.baselines)
    return {
        "history": view.path,
        "runner": view.runner,
        "at": view.at.isoformat(),
        "enough_history": bool(view.summary.enough),
        "sessions": sessions,
        "notes": [msgspec.to_builtins(note) for note in view.notes],
        "summary": summary,
        "context": view.context,
        "weekly_distance_m": view.weekly_m.tolist(),
        "weekly_impulse_bws": view.weekly_bws.tolist(),
        "impulse_estimated_sessions": view.estimated,
        "findings": [{"rule": f.rule, "severity": f.severity, "message": f.message} for f in view.findings],
    }


def sparkline(values: FloatArray) -> str:
    """Draw values as a line of bars.

    Examples
    --------
    >>> sparkline(np.array([0.0, 5.0, 10.0]))
    '▁▅█'
    """
    top = float(values.max(initial=0.0))
    if top <= 0.0:
        return BARS[0] * values.size
    return "".join(BARS[round(float(value) / top * (len(BARS) - 1))] for value in values)


def _show_sessions(console: Console, view: HistoryView) -> None:
    shown = table("session", "distance", "time", "climb", "modelled impulse", "of 30-day longest", "pain", "on", "from")
    shown.columns[7].justify = shown.columns[8].justify = "left"
    start = max(0, len(view.sessions) - SHOWN_SESSIONS)
    for entry, ratio in zip(view.sessions[start:], view.ratios[start:], strict=True):
        shown.add_row(
            _local(entry.start_s, day_only=entry.precision == "day"),
            kilometres(entry.distance_m),
            clock(entry.time_s),
            "-" if entry.uphill_m is None else f"{entry.uphill_m:.0f} m",
            "-" if entry.impulse_bws is None else f"{entry.impulse_bws:,.0f} bw·s",
            "-" if ratio is None else f"{ratio * PERCENT:.0f} %",
            "-" if entry.pain is None else f"{entry.pain:g}/10",
            entry.surface or "-",
            {"pods": "pods", "file": "watch", "hand": "by hand"}[entry.kind],
        )
    console.print(shown)
    if start:
        console.print(f"(the last {SHOWN_SESSIONS}; {start} earlier ones are in --json)")
    week = f"last week {view.weekly_m[-1] / 1000.0:.1f} km"
    console.print(f"Weekly distance  {sparkline(view.weekly_m)}  {week}")
    if view.weekly_bws.any():
        note = f" ({view.estimated} sessions estimated from distance)" if view.estimated else ""
        console.print(f"Weekly impulse   {sparkline(view.weekly_bws)}  {view.weekly_bws[-1]:,.0f} bw·s, modelled{note}")


def _single_session_line(summary: HistorySummary) -> str:
    if not summary.enough:
        return (
            f"Not enough history: {summary.sessions_30d or 0} sessions over {summary.span_days or 0.0:.0f} days in the "
            f"last 30; a comparison takes {MIN_SESSIONS} within at least {MIN_SPAN_DAYS:.0f}."
        )
    longest = summary.longest_distance_m
    if longest is None:
        return "Longest run of the last 30 days: unknown, no session has a distance."
    return (
        f"Longest run of the last 30 days: {kilometres(longest)}. A run within {kilometres(WITHIN * longest)} stays "
        "within 10 % of it."
    )


def _context_lines(view: HistoryView) -> list[str]:
    if view.context is None:
        return ["Week against month: not enough history (less than four weeks)."]
    lines = []
    for name, what in (("distance_m", "distance"), ("impulse_bws", "modelled impulse")):
        if name in view.context:
            found = view.context[name]
            lines.append(
                f"Context only, no rule looks at it ({what}): last week over the mean of the three before "
                f"{_ratio(found.acute_chronic)}, weighted mean of 7 days over that of 28 {_ratio(found.ewma_ratio)}, "
                f"monotony {_ratio(found.monotony)}."
            )
    return lines


def _ratio(value: float | None) -> str:
    return "-" if value is None else f"{value:.2f}"


def _last_of_each(notes: Sequence[Note]) -> list[Note]:
    """Give the last note of each kind, side and variant."""
    last: dict[tuple[str, str, str], Note] = {}
    for note in notes:
        last[type(note.body).__name__, str(getattr(note.body, "foot", "")), str(getattr(note.body, "knee", ""))] = note
    return list(last.values())


def _note_line(note: Note) -> str:
    day = _local(note.at_s, day_only=True)
    match note.body:
        case Soreness(pain=pain, days=days):
            since = "" if days is None else f" for {days:g} days"
            return f"{day} soreness {pain:g}/10{since}"
        case CalfRaise(foot=foot, repetitions=repetitions, knee=knee):
            return f"{day} calf raises{' with the knee bent' if knee == 'bent' else ''}, {foot}: {repetitions}"
        case KneeToWall(foot=foot, angle_deg=angle, distance_m=distance):
            parts = [] if angle is None else [f"{angle:.0f}°"]
            parts += [] if distance is None else [f"{distance * PERCENT:.1f} cm"]
            return f"{day} knee to wall, {foot}: {', '.join(parts) or 'heel lifted'}"
        case _:
            return f"{day} calf work in the gym"


def _local(start_s: float, *, day_only: bool = False) -> str:
    when = datetime.fromtimestamp(start_s, UTC).astimezone()
    return when.strftime("%Y-%m-%d" if day_only else "%Y-%m-%d %H:%M")
