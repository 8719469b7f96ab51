"""What is normal for the runner: at this speed over the last weeks, or in minutes 3-8 of this run."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import numpy as np

from soleus.model import FEET, FloatArray, Foot
from soleus.report.course import BoolArray, Course
from soleus.rules import HistorySummary
from soleus.rules.baseline import MATCHED_GRADE, MATCHED_SPEED_MPS, WINDOW_DAYS
from soleus.rules.within_run import SPEED_SLOPES, WARM_UP_S

BAND_SPREADS: Final = 2.0
"""Half width of the band in robust standard deviations: some 95 % of what is usual."""
NORMAL_MAD: Final = 1.4826
"""Standard deviation over median absolute deviation of a normal distribution."""
REFERENCE_END_S: Final = 480.0
"""Running time at which the run's own reference ends [s]: the eighth minute, as in the rules."""
MIN_REFERENCE_BINS: Final = 12
"""Ten-second medians that the run's own reference needs: two minutes (design choice)."""
STEADY_STEPS: Final = 8
"""Trusted steps of both feet that ten seconds of steady running hold, as in the rules for changes within a run."""


@dataclass(frozen=True, slots=True)
class Reference:
    """The run's own minutes 3-8 (of running), at one speed and grade.

    Attributes
    ----------
    rows
        Ten-second bins that it is made of, shape ``(n,)``.
    speed_mps, grade
        Their middle.
    """

    rows: BoolArray
    speed_mps: float
    grade: float


@dataclass(frozen=True, slots=True)
class Band:
    """What is normal of one quantity, at each ten-second bin.

    Attributes
    ----------
    middle, spread
        Usual value and its robust standard deviation, shape ``(n, 2)``, left and right; NaN where not known.
    source
        ``history`` or ``run``.
    runs
        Runs behind it, for ``history``.
    """

    middle: FloatArray
    spread: FloatArray
    source: str
    runs: int = 0

    @property
    def low(self) -> FloatArray:
        """Lower edge, shape ``(n, 2)``."""
        return self.middle - BAND_SPREADS * self.spread

    @property
    def high(self) -> FloatArray:
        """Upper edge, shape ``(n, 2)``."""
        return self.middle + BAND_SPREADS * self.spread

    @property
    def words(self) -> str:
        """Where it comes from, in words."""
        if self.source == "history":
            days = f"the last {WINDOW_DAYS:.0f} days ({self.runs} runs)"
            return f"the runner's usual value at this speed and grade over {days}"
        return "minutes 3-8 of this run at the same speed (there is no history to compare with)"


def steady(course: Course) -> BoolArray:
    """Tell which ten-second bins hold steady, trusted running, shape ``(n,)``."""
    return np.zeros(0, bool) if course.bins is None else course.bins.valid >= STEADY_STEPS


def own_reference(course: Course) -> Reference | None:
    """Find the run's own reference: minutes 3-8 of running, as far as they were run at one speed and grade.

    ``None`` if there are fewer than two minutes of that.
    """
    bins = course.bins
    if bins is None:
        return None
    spent_s = bins.rows["running_time"][:, 0]
    rows = steady(course) & (spent_s > WARM_UP_S) & (spent_s <= REFERENCE_END_S)
    speed, grade = bins.rows["speed"][:, 0], bins.rows["grade"][:, 0]
    rows &= np.isfinite(speed)
    if not rows.any():
        return None
    middle_speed = float(np.median(speed[rows]))
    known_grade = grade[rows & np.isfinite(grade)]
    middle_grade = float(np.median(known_grade)) if known_grade.size else float("nan")
    rows &= matched(speed, grade, middle_speed, middle_grade)
    return Reference(rows, middle_speed, middle_grade) if int(rows.sum()) >= MIN_REFERENCE_BINS else None


def matched(speed: FloatArray, grade: FloatArray, at_speed: float, at_grade: float) -> BoolArray:
    """Tell where speed and grade are near enough to be compared; an unknown grade equals only an unknown one."""
    near: BoolArray = np.abs(speed - at_speed) <= MATCHED_SPEED_MPS
    same: BoolArray = np.isnan(grade) if np.isnan(at_grade) else np.abs(grade - at_grade) <= MATCHED_GRADE
    return near & same


def at_reference_speed(name: str, values: FloatArray, speed: FloatArray, reference: Reference) -> FloatArray:
    """Move values of bins by the small difference of speed within a match, as the rules do; shape ``(n, 2)``."""
    power, slope = SPEED_SLOPES.get(name, (0.0, 0.0))
    ratio = 1.0 + power * (speed / reference.speed_mps - 1.0)
    moved: FloatArray = values / ratio[:, None] - (slope * (speed - reference.speed_mps))[:, None]
    return moved


def band(course: Course, name: str, history: HistorySummary | None, reference: Reference | None) -> Band | None:
    """Give what is normal of a quantity at each bin: from history where it says something, else from this run."""
    bins = course.bins
    if bins is None or name not in bins.rows:
        return None
    speed, grade = bins.rows["speed"][:, 0], bins.rows["grade"][:, 0]
    if history is not None:
        middle, spread = np.full((2, speed.size, len(Foot)), np.nan)
        known = [each for each in history.baselines if each.signal == name]
        for each in known:
            foot = FEET.index(each.foot)
            middle[:, foot] = each.at(speed, grade)
            # A history knows how runs differ; ten seconds differ from a run's median besides.
            whole = math.hypot(each.spread, _within(bins.rows[name][:, foot], course, reference))
            spread[:, foot] = np.where(np.isnan(middle[:, foot]), np.nan, whole)
        if np.isfinite(middle).any():
            return Band(middle, spread, "history", min(each.n_runs for each in known))
    return None if reference is None else _own_band(course, name, reference)


def _within(values: FloatArray, course: Course, reference: Reference | None) -> float:
    """Give how ten-second medians of one foot spread within the run: in its reference, else from each to the next."""
    if reference is not None:
        own = values[reference.rows & np.isfinite(values)]
        if own.size >= MIN_REFERENCE_BINS:
            return NORMAL_MAD * float(np.median(np.abs(own - np.median(own))))
    steps = np.diff(values[steady(course)])
    steps = steps[np.isfinite(steps)]
    return NORMAL_MAD * float(np.median(np.abs(steps))) / math.sqrt(2.0) if steps.size >= MIN_REFERENCE_BINS else 0.0


def _own_band(course: Course, name: str, reference: Reference) -> Band | None:
    bins = course.bins
    if bins is None:
        return None
    speed, grade = bins.rows["speed"][:, 0], bins.rows["grade"][:, 0]
    moved = at_reference_speed(name, bins.rows[name], speed, reference)
    middle, spread = np.full(moved.shape, np.nan), np.full(moved.shape, np.nan)
    near = matched(speed, grade, reference.speed_mps, reference.grade)
    power, slope = SPEED_SLOPES.get(name, (0.0, 0.0))
    for foot in Foot:
        own = moved[reference.rows, foot]
        own = own[np.isfinite(own)]
        if own.size < MIN_REFERENCE_BINS:
            continue
        level = float(np.median(own))
        here = level * (1.0 + power * (speed / reference.speed_mps - 1.0)) + slope * (speed - reference.speed_mps)
        middle[:, foot] = np.where(near, here, np.nan)
        spread[:, foot] = np.where(near, NORMAL_MAD * float(np.median(np.abs(own - level))), np.nan)
    return Band(middle, spread, "run") if np.isfinite(middle).any() else None
