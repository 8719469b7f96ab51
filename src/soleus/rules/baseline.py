"""What is normal for this runner at this speed and grade: over the last weeks, and within this run.

Over weeks a robust regression (Huber 1964, doi:10.1214/aoms/1177703732) of one-minute medians on speed and grade,
with the spread between runs. Within a run minutes 3-8 at the same speed and grade. Speed and stride frequency mask
fatigue unless a regression of the runner's own takes them out (Zandbergen 2023, doi:10.3389/fspor.2023.1085513).
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Final, Literal

import msgspec
import numpy as np
import numpy.typing as npt

from soleus.model import Foot, Steps
from soleus.rules.windows import NORMAL_MAD

FloatArray = npt.NDArray[np.float64]

HUBER_K: Final = 1.345
"""Huber's tuning constant for 95 % efficiency on normal errors (Huber 1964)."""
HUBER_ROUNDS: Final = 20
"""Reweighting rounds; the fit settles well before."""
WINDOW_DAYS: Final = 28.0
"""Days looked back (design choice)."""
MIN_RUNS: Final = 3
"""Runs that a baseline needs (design choice)."""
MIN_MINUTES: Final = 15
"""One-minute medians that a baseline needs (design choice)."""
MIN_SPEED_SPREAD_MPS: Final = 0.25
"""Range of speed below which no slope is fitted [m/s]."""
MIN_GRADE_SPREAD: Final = 0.015
"""Range of grade below which no slope is fitted."""
MATCHED_SPEED_MPS: Final = 0.1
"""Speeds that are compared as equal [m/s] (design choice after Zandbergen 2023)."""
MATCHED_GRADE: Final = 0.005
"""Grades that are compared as equal (design choice)."""
TRIM: Final = 2.5
"""Percentile at either end that does not widen the range of speeds and grades a baseline holds for."""

BASELINE_SIGNALS: Final = (
    "contact_time",
    "cadence",
    "duty_factor",
    "foot_strike_angle",
    "vertical_oscillation",
    "vertical_ratio",
    "overstride",
    "leg_stiffness",
    "achilles_peak",
    "achilles_impulse",
)
"""Signals that a history keeps a baseline of."""


class SignalBaseline(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What is usual of one signal of one foot: ``value = level + speed_slope·(v - speed) + grade_slope·(g - grade)``.

    Attributes
    ----------
    signal, foot
        Signal of the rule language, in its SI unit, and the foot.
    level
        Usual value at the middle speed and grade.
    speed_mps, grade
        The middle speed [m/s] and grade.
    speed_slope, grade_slope
        Change per m/s and per unit of grade; 0 where the range was too narrow to fit it.
    speed_low_mps, speed_high_mps, grade_low, grade_high
        Range it holds for; beyond it nothing is predicted.
    spread
        Robust standard deviation between runs.
    n_runs, n_minutes
        Runs and one-minute medians behind it.

    Examples
    --------
    >>> usual = SignalBaseline(
    ...     signal="contact_time", foot="left", level=0.25, speed_mps=3.0, speed_slope=-0.04,
    ...     speed_low_mps=2.5, speed_high_mps=3.5, spread=0.004, n_runs=6, n_minutes=180)
    >>> float(usual.at(np.array([3.3]), np.array([0.0]))[0])
    0.238
    """

    signal: str
    foot: Literal["left", "right"]
    level: float
    speed_mps: float
    speed_low_mps: float
    speed_high_mps: float
    spread: Annotated[float, msgspec.Meta(ge=0)]
    n_runs: Annotated[int, msgspec.Meta(ge=1)]
    n_minutes: Annotated[int, msgspec.Meta(ge=1)]
    grade: float = 0.0
    grade_low: float = 0.0
    grade_high: float = 0.0
    speed_slope: float = 0.0
    grade_slope: float = 0.0

    def at(self, speed_mps: FloatArray, grade: FloatArray) -> FloatArray:
        """Predict at speeds [m/s] and grades, each of shape ``(n,)``; NaN out of range; no grade counts as level."""
        level_grade = np.where(np.isnan(grade), 0.0, grade)
        inside = (
            (speed_mps >= self.speed_low_mps - MATCHED_SPEED_MPS)
            & (speed_mps <= self.speed_high_mps + MATCHED_SPEED_MPS)
            & (level_grade >= self.grade_low - MATCHED_GRADE)
            & (level_grade <= self.grade_high + MATCHED_GRADE)
        )
        moved = self.speed_slope * (speed_mps - self.speed_mps) + self.grade_slope * (level_grade - self.grade)
        return np.where(inside, self.level + moved, np.nan)


class Usual:
    """Baselines of several signals side by side, to predict all of them at once.

    Parameters
    ----------
    baselines
        As many as there are.
    signals
        Signals wanted, in this order; one without a baseline stays unknown.
    """

    def __init__(self, baselines: Sequence[SignalBaseline], signals: Sequence[str]) -> None:
        fields = np.full((len(_PREDICTORS), len(signals), 1, 2), np.nan)
        place = {signal: row for row, signal in enumerate(signals)}
        for each in baselines:
            if each.signal in place:
                values = [getattr(each, name) for name in _PREDICTORS]
                fields[:, place[each.signal], 0, 0 if each.foot == "left" else 1] = values
        self._fields = dict(zip(_PREDICTORS, fields, strict=True))

    def at(self, speed_mps: FloatArray, grade: FloatArray) -> FloatArray:
        """Predict as :meth:`SignalBaseline.at` does, shape ``(signals, n, 2)``."""
        of = self._fields
        speed = speed_mps[:, None]
        level_grade = np.where(np.isnan(grade), 0.0, grade)[:, None]
        inside = (
            (speed >= of["speed_low_mps"] - MATCHED_SPEED_MPS)
            & (speed <= of["speed_high_mps"] + MATCHED_SPEED_MPS)
            & (level_grade >= of["grade_low"] - MATCHED_GRADE)
            & (level_grade <= of["grade_high"] + MATCHED_GRADE)
        )
        moved = of["speed_slope"] * (speed - of["speed_mps"]) + of["grade_slope"] * (level_grade - of["grade"])
        return np.where(inside, of["level"] + moved, np.nan)

    def spread(self, speed_mps: FloatArray, grade: FloatArray) -> FloatArray:
        """Give the spread between runs where something is predicted, shape ``(signals, n, 2)``."""
        return np.where(np.isnan(self.at(speed_mps, grade)), np.nan, self._fields["spread"])


_PREDICTORS: Final = (
    "level",
    "speed_mps",
    "speed_slope",
    "speed_low_mps",
    "speed_high_mps",
    "grade",
    "grade_slope",
    "grade_low",
    "grade_high",
    "spread",
)


@dataclass(frozen=True, slots=True)
class RunMinutes:
    """One-minute medians of one run, of both feet.

    Attributes
    ----------
    days_ago
        Age of the run [d].
    speed_mps, grade
        Of each minute, shape ``(n,)``.
    values
        Signal to medians, shape ``(n, 2)``, left and right.
    """

    days_ago: float
    speed_mps: FloatArray
    grade: FloatArray
    values: dict[str, FloatArray]


def run_minutes(steps: Steps, days_ago: float) -> RunMinutes:
    """Take the one-minute medians of a run that a baseline is fitted on; the first three minutes are left out.

    Examples
    --------
    >>> run_minutes(Steps.empty(), 1.0).speed_mps.size
    0
    """
    from soleus.rules.bins import BinGatherer
    from soleus.rules.within_run import WARM_UP_S

    if len(steps) == 0:
        return RunMinutes(days_ago, np.empty(0), np.empty(0), {name: np.empty((0, 2)) for name in BASELINE_SIGNALS})
    bins = BinGatherer(frozenset(BASELINE_SIGNALS)).gather(steps)
    warm = bins.rows["running_time"][:, 0] > WARM_UP_S
    minute = np.floor_divide(bins.end_s[warm] - 1.0, _MINUTE_S)
    starts = np.flatnonzero(np.diff(minute, prepend=-1.0))
    rows = [slice(a, b) for a, b in itertools.pairwise([*starts, minute.size])]

    def medians(values: FloatArray) -> FloatArray:
        kept = values[warm]
        found = [_known_median(kept[each]) for each in rows]
        return np.array(found) if found else np.empty((0, values.shape[1]))

    return RunMinutes(
        days_ago,
        medians(bins.rows["speed"])[:, 0],
        medians(bins.rows["grade"])[:, 0],
        {name: medians(bins.rows[name]) for name in BASELINE_SIGNALS},
    )


_MINUTE_S: Final = 60.0


def _known_median(values: FloatArray) -> FloatArray:
    """Take the median of each column's known values; NaN if there is none."""
    return np.array([np.median(c[~np.isnan(c)]) if np.any(~np.isnan(c)) else np.nan for c in values.T])


def fit_baselines(runs: Sequence[RunMinutes]) -> tuple[SignalBaseline, ...]:
    """Fit what is usual, for each signal and foot, on the runs of the last 28 days.

    A signal with fewer than 3 runs or 15 minutes gets no baseline: nothing is guessed.

    Examples
    --------
    >>> fit_baselines([])
    ()
    """
    recent = [run for run in runs if run.days_ago <= WINDOW_DAYS]
    fitted = [_fit(recent, name, foot) for name in BASELINE_SIGNALS for foot in Foot]
    return tuple(each for each in fitted if each is not None)


def _fit(runs: Sequence[RunMinutes], name: str, foot: Foot) -> SignalBaseline | None:
    if not runs:
        return None
    value = np.concatenate([run.values[name][:, foot] for run in runs])
    speed = np.concatenate([run.speed_mps for run in runs])
    grade = np.concatenate([run.grade for run in runs])
    number = np.concatenate([np.full(run.speed_mps.size, i) for i, run in enumerate(runs)])
    grade = np.where(np.isnan(grade), 0.0, grade)
    known = ~np.isnan(value + speed)
    value, speed, grade, number = value[known], speed[known], grade[known], number[known]
    n_runs = int(np.unique(number).size)
    if n_runs < MIN_RUNS or value.size < MIN_MINUTES:
        return None
    speed_low, speed_high = np.percentile(speed, [TRIM, 100.0 - TRIM])
    grade_low, grade_high = np.percentile(grade, [TRIM, 100.0 - TRIM])
    middle_speed, middle_grade = float(np.median(speed)), float(np.median(grade))
    columns = [np.ones(value.size)]
    fits_speed = speed_high - speed_low >= MIN_SPEED_SPREAD_MPS
    fits_grade = grade_high - grade_low >= MIN_GRADE_SPREAD
    if fits_speed:
        columns.append(speed - middle_speed)
    if fits_grade:
        columns.append(grade - middle_grade)
    design = np.stack(columns, axis=1)
    coefficients = huber_regression(design, value)
    residual = value - design @ coefficients
    of_runs = np.array([np.median(residual[number == i]) for i in np.unique(number)])
    spread = NORMAL_MAD * float(np.median(np.abs(of_runs - np.median(of_runs))))
    return SignalBaseline(
        signal=name,
        foot="left" if foot == Foot.LEFT else "right",
        level=float(coefficients[0]),
        speed_mps=middle_speed,
        grade=middle_grade,
        speed_slope=float(coefficients[1]) if fits_speed else 0.0,
        grade_slope=float(coefficients[-1]) if fits_grade else 0.0,
        speed_low_mps=float(speed_low) if fits_speed else middle_speed,
        speed_high_mps=float(speed_high) if fits_speed else middle_speed,
        grade_low=float(grade_low) if fits_grade else middle_grade,
        grade_high=float(grade_high) if fits_grade else middle_grade,
        spread=spread,
        n_runs=n_runs,
        n_minutes=int(value.size),
    )


def huber_regression(design: npt.NDArray[Any], value: FloatArray) -> FloatArray:
    """Fit a linear model that outliers do not pull (Huber 1964, iteratively reweighted least squares).

    Parameters
    ----------
    design
        Shape ``(n, k)``.
    value
        Shape ``(n,)``.

    Returns
    -------
    coefficients
        Shape ``(k,)``.

    Examples
    --------
    >>> x = np.arange(20.0)
    >>> y = 1.0 + 2.0 * x
    >>> y[3] = 500.0
    >>> [round(float(c), 3) for c in huber_regression(np.stack([np.ones(20), x], axis=1), y)]
    [1.0, 2.0]
    """
    weight = np.ones(value.size)
    coefficients = np.zeros(design.shape[1])
    for _ in range(HUBER_ROUNDS):
        root = np.sqrt(weight)
        coefficients = np.linalg.lstsq(design * root[:, None], value * root, rcond=None)[0]
        residual = np.abs(value - design @ coefficients)
        scale = NORMAL_MAD * float(np.median(residual))
        if scale == 0.0 or not math.isfinite(scale):
            break
        weight = np.minimum(1.0, HUBER_K * scale / np.maximum(residual, HUBER_K * scale * _TINY))
    return np.asarray(coefficients, np.float64)


_TINY: Final = 1e-9
"""Share of the scale that keeps a weight from dividing by zero."""
