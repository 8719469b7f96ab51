"""The one sentence that stands first, and how pressing it is."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, Literal

from soleus.model import SEVERITIES, Foot
from soleus.report.change import Change, Drift
from soleus.report.course import Course
from soleus.report.four_weeks import Compared
from soleus.report.quantities import clock, in_sentence, number, percent, quantity
from soleus.report.run import Run
from soleus.report.splits import pain_marks

ENOUGH_TRUSTED: Final = 0.8
"""Share of trusted running steps below which nothing is judged, as in the rules."""
ENOUGH_RUNNING_S: Final = 120.0
"""Trusted running below which nothing is judged [s] (design choice)."""
UNUSUAL_SPREADS: Final = 2.0
"""Standard deviations between runs from which a run is unlike the others."""
STOP_PAIN: Final = 4.0
"""Pain from which running is to end (0-10), as in the rules."""
MINUTE_S: Final = 60.0
TELLING: Final = ("contact_time", "achilles_impulse", "overstride", "leg_stiffness", "achilles_peak")
"""Quantities whose change within a run is worth a headline, the most telling first."""
LOADS: Final = ("contact_time", "achilles_impulse", "achilles_peak", "overstride")
"""Quantities that make a run worth a headline when it is unlike the others."""

Level = Literal["stop", "caution", "notice", "well", "unknown"]
Said = tuple[Level, str]


def headline_of(
    run: Run, course: Course, changed: tuple[Change, ...], apart: Drift | None, compared: tuple[Compared, ...]
) -> Said:
    """Find the one thing to say first: what says stop, poor data, a change within the run, a warning, other runs."""
    said = (*_stop(run), *_unknown(run, course), *_judged(run, changed, apart, compared))
    return said[0]


def _stop(run: Run) -> Iterator[Said]:
    severities = severities_of(run)
    if "stop" in severities:
        yield "stop", f"Stop: {run.warnings['message'][severities.index('stop')]}"
    worst = max((rating for _, rating in pain_marks(run)), default=0.0)
    if worst >= STOP_PAIN:
        yield "stop", f"Calf pain of {number(worst)} out of 10 was told: pain comes before every number here."


def _unknown(run: Run, course: Course) -> Iterator[Said]:
    if not len(run.steps):
        yield "unknown", "No steps were found: nobody walked or ran, or the pods were not on the feet."
    elif not course.running.any():
        yield (
            "unknown",
            "Nothing was run: the models of calf load hold for running only, so there is no verdict on it.",
        )
    elif course.trusted_share < ENOUGH_TRUSTED:
        share = percent(course.trusted_share)
        yield (
            "unknown",
            f"The data are too poor for a verdict: only {share} of the running steps can be trusted.",
        )
    elif trusted_running_s(course) < ENOUGH_RUNNING_S:
        spent = clock(trusted_running_s(course))
        yield "unknown", f"Too little running for a verdict: {spent} min, and it takes {clock(ENOUGH_RUNNING_S)}."


def _judged(
    run: Run, changed: tuple[Change, ...], apart: Drift | None, compared: tuple[Compared, ...]
) -> Iterator[Said]:
    """Go through what a judged run may have to say, the gravest first."""
    severities = severities_of(run)
    level: Level = "caution" if "caution" in severities else "notice"
    notable = {(change.quantity.signal, change.foot): change for change in changed if change.notable}
    if apart is not None and apart.notable:
        yield _drifted(apart, notable, level)
    yield from _changed(notable, level)
    if severities:
        yield _warned(run, severities)
    for each in compared:
        if each.spreads >= UNUSUAL_SPREADS and each.quantity.signal in LOADS:
            said = (
                f"Unlike your other runs: {in_sentence(each.quantity.label)} ({each.foot.label}) is "
                f"{each.quantity.show(each.now)}, usually {each.quantity.show(each.usual)} at this speed."
            )
            yield "notice", said
    yield "well", _well(changed, compared)


def _drifted(apart: Drift, notable: dict[tuple[str, Foot], Change], level: Level) -> Said:
    side, other, since = apart.foot.label, apart.foot.other.label, since_words(apart.since_s)
    own = notable.get(("contact_time", apart.foot))
    if own is None or ("contact_time", apart.foot.other) in notable:
        return level, (
            f"The feet drifted apart: the {side} foot stayed {milliseconds(apart.difference_s)} longer on the ground "
            f"than the {other}, against minutes 3-8{since}."
        )
    shown = quantity("contact_time")
    return "caution", (
        f"The {side} calf may be tiring: {side} contact time grew by {number(100 * own.share, 1)} % "
        f"({shown.show(own.before, unit=False)} to {shown.show(own.after)}){since}; {other} contact time did not."
    )


def _changed(notable: dict[tuple[str, Foot], Change], level: Level) -> Iterator[Said]:
    for signal in TELLING:
        feet = [notable[signal, foot] for foot in Foot if (signal, foot) in notable]
        if feet:
            worst = max(feet, key=lambda change: abs(change.share))
            q = worst.quantity
            side = "Both feet" if len(feet) == len(Foot) else f"The {worst.foot.label} foot"
            said = (
                f"{side} changed during the run: {in_sentence(q.label)} {q.show(worst.before)} in minutes 3-8, "
                f"{q.show(worst.after)} at the end."
            )
            yield level, said


def _warned(run: Run, severities: list[str]) -> Said:
    worst = max(severities, key=SEVERITIES.index)
    first = severities.index(worst)
    text, stop, _ = str(run.warnings["message"][first]).partition(". ")
    worded = "One warning" if len(severities) == 1 else f"{number(len(severities))} warnings, the gravest"
    return "notice" if worst in {"info", "notice"} else "caution", f"{worded}: {text}{'.' if stop else ''}"


def _well(changed: tuple[Change, ...], compared: tuple[Compared, ...]) -> str:
    if changed:
        return (
            "Nothing unusual: contact time, modelled Achilles load and reach stayed near this run's own normal, and no "
            "rule fired."
        )
    if compared:
        return "Nothing unusual against the last four weeks at the same speeds, and no rule fired."
    return (
        "No rule fired; whether anything changed within the run cannot be told, as it was too short or too uneven for "
        "that."
    )


def severities_of(run: Run) -> list[str]:
    """List how grave each warning is."""
    return [SEVERITIES[code] for code in run.warnings["severity"].tolist()]


def trusted_running_s(course: Course) -> float:
    """Give the time spent running on trusted steps [s]: each stands for its share of the running time."""
    total = int(course.running.sum())
    return course.total("running_time") * float(course.trusted.sum()) / total if total else 0.0


def since_words(since_s: float | None) -> str:
    """Say since when, if that is known.

    Examples
    --------
    >>> since_words(487.0), since_words(None)
    (', from about minute 8 on', '')
    """
    return "" if since_s is None else f", from about minute {since_s / MINUTE_S:.0f} on"


def milliseconds(seconds: float) -> str:
    """Write a short time."""
    return f"{1000 * seconds:.0f} ms"
