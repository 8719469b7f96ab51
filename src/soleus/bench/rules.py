"""False alarms, detections and speed of the rules on a simulated population, against their bars."""

from __future__ import annotations

import itertools
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np
import numpy.typing as npt

from soleus.bench.population import Course, Habit, draw_change, draw_course, simulate
from soleus.bench.speed import Figure
from soleus.model import Steps
from soleus.rules import HistorySummary, Rule, RuleEngine, fit_baselines, load_presets, run_minutes
from soleus.rules.expression import BIN_S


@dataclass(slots=True)
class Tally:
    """What a series of runs gave."""

    runs: int = 0
    hours: float = 0.0
    alarms: Counter[str] = field(default_factory=Counter)
    notices: Counter[str] = field(default_factory=Counter)
    found: int = 0
    late_s: list[float] = field(default_factory=list)


CAUTION: Final = 2
NOTICE: Final = 1
WITHIN_S: Final = 180.0


def warnings_of(
    steps: Steps, rules: Sequence[Rule], history: HistorySummary | None = None
) -> list[tuple[float, str, int, int]]:
    """Run the rules over a run: time, rule, severity and foot of each warning."""
    engine = RuleEngine(rules=rules, history=history)
    rows: list[tuple[float, str, int, int]] = []
    for batch in (engine.push(steps), engine.finish()):
        columns = (batch[name].tolist() for name in ("time_s", "rule", "severity", "foot"))
        rows.extend(zip(*columns, strict=True))
    return rows


def healthy(runners: int, hours: float, rules: Sequence[Rule], seed: int = 1) -> Tally:
    """Let healthy runners run and count the warnings of caution or above."""
    tally = Tally()
    for number in range(runners):
        rng = np.random.default_rng([seed, number])
        habit = Habit.draw(rng)
        left_s = hours * 3600.0
        while left_s > 0.0:
            duration_s = min(left_s, float(rng.uniform(1800.0, 5400.0)))
            left_s -= duration_s
            steps = simulate(habit, draw_course(rng, duration_s), duration_s, rng)
            tally.runs += 1
            tally.hours += duration_s / 3600.0
            for _, rule, severity, _ in warnings_of(steps, rules):
                (tally.alarms if severity >= CAUTION else tally.notices)[rule] += 1
    return tally


WANTED: Final = {
    "fatigue": {"contact-time-drift", "overstride-drift", "achilles-impulse-drift", "asymmetry-growing"},
    "overstride": {"overstride-drift"},
    "contact": {"contact-time-drift"},
    "one-sided": {"asymmetry-growing", "contact-time-drift"},
}
"""Rules of which one must speak, at caution, for a change to count as found."""


def changed(kind: str, runners: int, rules: Sequence[Rule], seed: int = 2) -> Tally:
    """Let runners change in the middle of a steady run and count how many are found within three minutes."""
    tally = Tally()
    for number in range(runners):
        rng = np.random.default_rng([seed, number])
        habit, change = Habit.draw(rng), draw_change(kind, rng)
        course = Course(speed_mps=(float(rng.uniform(2.5, 3.8)),))
        steps = simulate(habit, course, change.onset_s + 300.0, rng, change)
        tally.runs += 1
        for time_s, rule, severity, foot in warnings_of(steps, rules):
            late_s = time_s - change.onset_s
            side = 0 if change.contact_left else 1
            right_foot = kind != "one-sided" or foot == side
            if severity >= CAUTION and rule in WANTED[kind] and 0.0 < late_s <= WITHIN_S and right_foot:
                tally.found += 1
                tally.late_s.append(late_s)
                break
    return tally


def habitual(runners: int, rules: Sequence[Rule], seed: int = 3) -> Tally:
    """Let runners overstride from the start, 2.3-3.5 standard deviations, and count how many are told."""
    tally = Tally()
    for number in range(runners):
        rng = np.random.default_rng([seed, number])
        drawn = Habit.draw(rng)
        values = {name: getattr(drawn, name) for name in Habit.__slots__}
        habit = Habit(**values | {"overstride_offset_m": 0.028 * float(rng.uniform(2.3, 3.5))})
        steps = simulate(habit, Course(speed_mps=(float(rng.uniform(2.5, 3.8)),)), 400.0, rng)
        tally.runs += 1
        late = [t for t, rule, severity, _ in warnings_of(steps, rules) if rule == "overstride" and t <= WITHIN_S]
        tally.found += bool(late)
        tally.late_s += late[:1]
    return tally


ALARMS_HOURS: Final = 20.0
ALARMS_BAR: Final = 1.0
"""Warnings of caution or above in 20 h of steady healthy running."""
FOUND_BAR: Final = 95.0
"""Changes of a size worth finding that are told within three minutes [%]."""
BATCH_STEPS: Final = 10_000
BATCH_BAR_MS: Final = 20.0
PUSH_BAR_MS: Final = 1.0
PUSH_S: Final = 0.05
"""Time of ten thousand steps through all rules in batch, and of any one push of 50 ms live."""
REPEATS: Final = 5
"""The best of this many runs counts: what disturbs a run only ever makes it longer."""
PERCENT: Final = 100.0
MS: Final = 1000.0
SPEED_RUN_S: Final = 3800.0
"""A little over ten thousand steps."""


def measure_rules(
    *, runners: int = 200, hours: float = 1.0, seed: int = 1, tell: Callable[[str], None] = print
) -> list[Figure]:
    """Measure false alarms, detections and speed of the rules that come with Soleus.

    Parameters
    ----------
    runners
        Runners of each series.
    hours
        Healthy running of each runner.
    seed
        Draws other runners.
    tell
        Is told what is being measured.

    Returns
    -------
    list of Figure
        Beside their bars. A simulation proves the rules' logic and margin, nothing about people.
    """
    rules = load_presets()
    tell("healthy runs ...")
    tally = healthy(runners, hours, rules, seed)
    alarms, notices = (sum(counts.values()) / tally.hours * ALARMS_HOURS for counts in (tally.alarms, tally.notices))
    figures = [
        Figure(what="hours of healthy running", value=tally.hours, unit="h"),
        Figure(what="caution or above in 20 h", value=alarms, unit="", bar=ALARMS_BAR),
        Figure(what="info and notice in 20 h", value=notices, unit=""),
    ]
    for kind in WANTED:
        tell(f"changes: {kind} ...")
        tally = changed(kind, runners, rules, seed + 1)
        figures.append(_found(f"found within 3 min: {kind}", tally))
    tell("habitual overstride ...")
    figures.append(_found("told within 3 min: habitual overstride (notice)", habitual(runners, rules, seed + 2)))
    tell("speed ...")
    return [*figures, *measure_rule_speed(rules)]


def measure_rule_speed(rules: Sequence[Rule]) -> list[Figure]:
    """Measure the processor's time for ten thousand steps at once, and for each push of a live run."""
    habit = Habit.draw(np.random.default_rng(1))
    # A change of pace in the middle: there the reference comes by way of the runner's own baselines, the longest way.
    course = Course((0.0, SPEED_RUN_S / 2.0), (3.0, 3.4), (0.0, 0.0))
    steps = simulate(habit, course, SPEED_RUN_S, np.random.default_rng(2)).select(slice(0, BATCH_STEPS))
    history = HistorySummary(
        sessions_30d=9,
        span_days=28.0,
        longest_distance_m=9e3,
        longest_impulse_bws=5e3,
        baselines=fit_baselines([run_minutes(steps, 3.0 * number) for number in range(1, 4)]),
    )
    batch_s = min(_batch_s(steps, rules, history) for _ in range(REPEATS))
    # Each push alone is too short to be timed only once: the best of the runs, push by push.
    pushes = np.min([_push_s(steps, rules, history) for _ in range(REPEATS)], axis=0)
    closing = pushes[_closes_bin(steps)]
    return [
        Figure(what=f"{BATCH_STEPS} steps at once", value=MS * batch_s, unit="ms", bar=BATCH_BAR_MS),
        Figure(what="one push of 50 ms live, mean", value=MS * float(pushes.mean()), unit="ms"),
        # Once in ten seconds a push closes a bin, and all rules look at it.
        Figure(what="one push live that closes a bin, median", value=MS * float(np.median(closing)), unit="ms"),
        Figure(what="one push live, longest", value=MS * float(pushes.max()), unit="ms", bar=PUSH_BAR_MS),
    ]


def _pushes(steps: Steps) -> list[int]:
    """Give the row at which each push of a live run begins."""
    pushed_s = np.arange(0.0, float(steps["initial_contact_s"][-1]), PUSH_S)
    return [int(row) for row in np.searchsorted(steps["initial_contact_s"], pushed_s)]


def _closes_bin(steps: Steps) -> npt.NDArray[np.bool_]:
    """Tell which pushes bring the first step of a new bin."""
    edges = np.array(_pushes(steps))
    newest = np.floor_divide(steps["initial_contact_s"][np.maximum(edges, 1) - 1], BIN_S)
    return np.asarray(np.diff(newest) > 0.0, np.bool_)


def _found(what: str, tally: Tally) -> Figure:
    return Figure(what=what, value=PERCENT * tally.found / tally.runs, unit="%", bar=FOUND_BAR, better=">=")


def _batch_s(steps: Steps, rules: Sequence[Rule], history: HistorySummary) -> float:
    engine = RuleEngine(rules=rules, history=history)
    began = time.process_time()
    engine.push(steps)
    engine.finish()
    return time.process_time() - began


def _push_s(steps: Steps, rules: Sequence[Rule], history: HistorySummary) -> list[float]:
    """Time each push of a live run; most of them bring no step."""
    engine = RuleEngine(rules=rules, history=history)
    engine.push(Steps.empty())
    took = []
    for first, last in itertools.pairwise(_pushes(steps)):
        some = steps.select(slice(first, last))
        began = time.process_time()
        engine.push(some)
        took.append(time.process_time() - began)
    return took
