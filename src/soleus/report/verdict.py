"""The verdict: what happened to the calf load, in plain sentences with their numbers; honest where data are poor."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

from soleus.model import Flag, Foot
from soleus.report.change import Change, Drift, changes, drift
from soleus.report.course import Course
from soleus.report.four_weeks import Compared, Load, compare, load_of
from soleus.report.headline import UNUSUAL_SPREADS, Level, headline_of, milliseconds, since_words
from soleus.report.normal import Reference, own_reference
from soleus.report.quantities import QUANTITIES, clock, in_sentence, number, percent, signed
from soleus.report.run import Run, evidence
from soleus.report.splits import pain_marks
from soleus.rules import HistorySummary


@dataclass(frozen=True, slots=True)
class Verdict:
    """What is said first.

    Attributes
    ----------
    level
        How pressing it is.
    headline
        One sentence.
    sentences
        What it rests on, one fact each, with numbers.
    changes, drift, reference
        What changed within the run.
    compared, loads
        This run against the last weeks.
    """

    level: Level
    headline: str
    sentences: tuple[str, ...]
    changes: tuple[Change, ...]
    drift: Drift | None
    reference: Reference | None
    compared: tuple[Compared, ...]
    loads: tuple[Load, ...]


def verdict_of(run: Run, course: Course, history: HistorySummary | None) -> Verdict:
    """Judge a run."""
    reference = own_reference(course)
    changed = tuple(change for each in QUANTITIES for change in changes(course, each, reference))
    apart = drift(course, reference)
    compared, loads = compare(course, history), load_of(course, history)
    level, headline = headline_of(run, course, changed, apart, compared)
    judged = level != "unknown"
    sentences = [
        *_load_sentences(loads),
        *_change_sentences(changed, apart, reference) * judged,
        *_unusual_sentences(compared) * judged,
        *_pain_sentences(run),
        *_quality_sentences(run, course),
    ]
    return Verdict(level, headline, tuple(sentences), changed, apart, reference, compared, loads)


def _change_sentences(changed: tuple[Change, ...], apart: Drift | None, reference: Reference | None) -> list[str]:
    if not changed or reference is None:
        return []
    found: list[str] = []
    told = ("contact_time", "achilles_impulse")
    for each in QUANTITIES:
        feet = [change for change in changed if change.quantity.signal == each.signal]
        if feet and (each.signal in told or any(change.notable for change in feet)):
            found.append(_change_sentence(feet, last=not found))
    if apart is not None and apart.notable:
        found.insert(
            1,
            f"Left against right, contact time went from {signed(100 * apart.before, 1)} % to "
            f"{signed(100 * apart.after, 1)} % of the mean: {milliseconds(apart.difference_s)} more on the "
            f"{apart.foot.label}{since_words(apart.since_s)}. Growth of 3 % is worth a word.",
        )
    if any(change.notable and change.quantity.signal == "contact_time" for change in changed):
        found.append(
            "Long contact is a marker of a tiring calf, not a load by itself: at equal cadence it lowers the modelled "
            "peak force."
        )
    return found


def _change_sentence(feet: list[Change], *, last: bool) -> str:
    each = feet[0].quantity
    parts = [
        f"{change.foot.label} {each.show(change.before, unit=False)} to {each.show(change.after)} "
        f"({_size(change)}{since_words(change.since_s)})"
        for change in feet
    ]
    against = " from minutes 3-8 to the last five minutes at the same speed" if last else ""
    return f"{each.label}{against}: {'; '.join(parts)}.{_limit_words(feet)}"


def _size(change: Change) -> str:
    """Write a change as the limit is given: in per cent or in the unit."""
    if change.quantity.limit is None:
        return change.quantity.show_change(change.difference)
    return f"{signed(100 * change.share, 1)} %"


def _limit_words(feet: list[Change]) -> str:
    if any(change.notable for change in feet):
        return ""
    each = feet[0].quantity
    limit = each.show(each.limit_absolute) if each.limit is None else f"{number(100 * each.limit)} %"
    return f" That is within what counts as no change ({limit})."


def _load_sentences(loads: tuple[Load, ...]) -> list[str]:
    impulse, distance, _ = loads
    if impulse.now <= 0.0:
        return []
    kilometres = distance.now / 1000.0
    text = f"Calf load of the run (modelled Achilles impulse, both feet): at least {number(impulse.now)} bw·s"
    if kilometres > 0.0:
        text += f" over {number(kilometres, 2)} km ({number(impulse.now / kilometres)} bw·s/km)"
    if math.isnan(impulse.ratio):
        return [f"{text}."]
    return [f"{text}: {impulse.percent} of the largest in 30 days; distance {distance.percent}."]


def _unusual_sentences(compared: tuple[Compared, ...]) -> list[str]:
    far = [each for each in compared if abs(each.spreads) >= UNUSUAL_SPREADS]
    if not far:
        return []
    listed = "; ".join(
        f"{in_sentence(each.quantity.label)} {each.foot.label} {each.quantity.show(each.now)}, usually "
        f"{each.quantity.show(each.usual)} ({number(abs(each.spreads), 1)} standard deviations "
        f"{'above' if each.difference > 0 else 'below'})"
        for each in far[:_TOLD]
    )
    more = f"; and {len(far) - _TOLD} more, see below" if len(far) > _TOLD else ""
    return [f"Unlike the last 28 days at the same speeds: {listed}{more}."]


_TOLD: Final = 3
"""Unusual quantities that are named in the verdict."""


def _pain_sentences(run: Run) -> list[str]:
    marks = pain_marks(run)
    if not marks:
        return []
    listed = ", ".join(f"{number(rating)} at {clock(time_s)}" for time_s, rating in marks[:_FEW])
    more = f" and {len(marks) - _FEW} more" if len(marks) > _FEW else ""
    return [f"Calf pain told during the run (0-10): {listed}{more}."]


_FEW: Final = 6


def _quality_sentences(run: Run, course: Course) -> list[str]:
    total = int(course.running.sum())
    if not total:
        return []
    text = f"{percent(course.trusted_share)} of {number(total)} steady running steps rest on good data"
    walking = int(((run.steps["flags"] & Flag.WALKING) != 0).sum())
    if walking:
        text += f"; {number(walking)} walking steps are marked and left out of every figure"
    feet = {Foot(code) for code in set(run.steps["foot"].tolist()) if code >= 0}
    if len(feet) == 1:
        (foot,) = feet
        text += f"; only the {foot.label} foot was seen, so nothing can be said of left against right"
    return [f"{text}."]


def explained(run: Run, position: int) -> str:
    """Give a warning's evidence as its rule put it, in one line."""
    found = evidence(run, position).get("explanation")
    return found if isinstance(found, str) else ""
