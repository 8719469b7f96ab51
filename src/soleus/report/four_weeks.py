"""The run against the last four weeks: each quantity at the same speeds, and the load against the longest runs."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import numpy as np

from soleus.model import FEET, Foot
from soleus.report.course import Course
from soleus.report.normal import steady
from soleus.report.quantities import MISSING, Quantity, number, quantity
from soleus.rules import HistorySummary

MIN_BINS: Final = 12
"""Ten-second medians at speeds that the history knows: two minutes (design choice)."""
LONGEST_LINES: Final = (1.0, 1.1)
"""Multiples of the 30-day longest that are drawn; Schuster Brandt Frandsen et al. 2025."""


@dataclass(frozen=True, slots=True)
class Compared:
    """One quantity of one foot, this run against what is usual at the same speeds and grades.

    Attributes
    ----------
    quantity, foot
        What, and of which foot.
    now, usual
        Median of this run's ten-second medians, and of what the history predicts for them, in the column's unit.
    difference
        Median of now minus usual.
    spread
        Robust standard deviation between runs.
    runs
        Runs behind it.
    share
        Share of this run at speeds that the history knows.
    """

    quantity: Quantity
    foot: Foot
    now: float
    usual: float
    difference: float
    spread: float
    runs: int
    share: float

    @property
    def spreads(self) -> float:
        """Difference in standard deviations between runs; NaN if they do not differ at all."""
        return self.difference / self.spread if self.spread > 0.0 else float("nan")


def compare(course: Course, history: HistorySummary | None) -> tuple[Compared, ...]:
    """Compare a run with the runner's history, quantity by quantity; what the history does not know is left out."""
    bins = course.bins
    if bins is None or history is None:
        return ()
    rows = steady(course)
    speed, grade = bins.rows["speed"][:, 0], bins.rows["grade"][:, 0]
    found = []
    for usual in history.baselines:
        if usual.signal not in bins.rows:
            continue
        foot = Foot(FEET.index(usual.foot))
        now = bins.rows[usual.signal][:, foot]
        predicted = usual.at(speed, grade)
        kept = rows & np.isfinite(now) & np.isfinite(predicted)
        if int(kept.sum()) < MIN_BINS:
            continue
        found.append(
            Compared(
                quantity(usual.signal),
                foot,
                float(np.median(now[kept])),
                float(np.median(predicted[kept])),
                float(np.median((now - predicted)[kept])),
                usual.spread,
                usual.n_runs,
                float(kept.sum()) / max(1, int((rows & np.isfinite(now)).sum())),
            )
        )
    order = {each.signal: position for position, each in enumerate(_ORDER)}
    return tuple(sorted(found, key=lambda each: (order.get(each.quantity.signal, len(order)), each.foot)))


@dataclass(frozen=True, slots=True)
class Load:
    """What added up in this run against the largest of one run in 30 days.

    Attributes
    ----------
    name, unit
        What it is, and the unit people read.
    factor, decimals
        From SI to that unit, and its decimals.
    now
        Of this run, in SI; at least this much.
    longest
        The largest before it, in SI; ``None`` if the history does not say.
    """

    name: str
    unit: str
    factor: float
    decimals: int
    now: float
    longest: float | None

    @property
    def ratio(self) -> float:
        """The run over the largest before it; NaN if that is not known."""
        return self.now / self.longest if self.longest else float("nan")

    @property
    def percent(self) -> str:
        """The ratio in words."""
        return MISSING if math.isnan(self.ratio) else f"{number(100.0 * self.ratio)} %"


def load_of(course: Course, history: HistorySummary | None) -> tuple[Load, ...]:
    """Compare impulse, distance and dose with the largest of 30 days, where the history is long enough to tell."""
    known = history is not None and bool(history.enough)

    def longest(value: float | None) -> float | None:
        return value if known else None

    return (
        Load(
            "Modelled Achilles impulse", "bw·s", 1.0, 0, course.total("impulse"),
            longest(None if history is None else history.longest_impulse_bws),
        ),
        Load(
            "Distance", "km", 0.001, 2, course.total("distance"),
            longest(None if history is None else history.longest_distance_m),
        ),
        Load(
            "Damage-weighted calf dose", "1000 bw⁶·s", 0.001, 0, course.total("dose"),
            longest(None if history is None else history.highest_dose),
        ),
    )  # fmt: skip


def history_words(history: HistorySummary | None) -> str:
    """Say what history there is, in one sentence."""
    if history is None:
        return "No history was given, so nothing can be said of what is usual over weeks."
    if history.sessions_30d is None:
        return "The history is empty."
    days = "" if history.span_days is None else f" over {history.span_days:.0f} days"
    text = f"The history knows {history.sessions_30d} sessions{days} before this run"
    if not history.enough:
        return f"{text}: not enough for a 30-day longest, which takes 3 sessions over 14 days."
    return f"{text}."


_ORDER: Final = tuple(
    quantity(name)
    for name in (
        "contact_time",
        "cadence",
        "achilles_impulse",
        "achilles_peak",
        "overstride",
        "vertical_oscillation",
        "foot_strike_angle",
        "leg_stiffness",
        "duty_factor",
    )
)
