"""Two sessions at the same speeds: differences with their confidence intervals and effect sizes.

The ten-second medians of both sessions that have a partner in speed and grade are fitted by ``value = level +
session + slope·speed (+ slope·grade)``; the session's coefficient is the difference. Its interval comes from drawing
whole minutes with replacement (parts of a series keep its memory; Künsch 1989, doi:10.1214/aos/1176347265).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from soleus.model import FloatArray, Foot, Steps
from soleus.report.course import Course
from soleus.report.normal import steady
from soleus.report.quantities import QUANTITIES, Quantity
from soleus.rules.baseline import (
    MATCHED_GRADE,
    MATCHED_SPEED_MPS,
    MIN_GRADE_SPREAD,
    MIN_SPEED_SPREAD_MPS,
)
from soleus.rules.expression import BIN_S

BLOCK_BINS: Final = 6
"""Ten-second medians drawn together: a minute."""
MIN_BLOCKS: Final = 4
"""Minutes of each session that an interval needs (design choice)."""
MIN_MATCHED_BINS: Final = 6
"""Ten-second medians of each session that a difference needs: one minute (design choice)."""
DRAWS: Final = 2000
"""Drawn samples: the ends of a 95 % interval are then good to some 3 % of its width."""
SEED: Final = 20260101
"""The same sessions give the same interval."""
INTERVAL: Final = (0.025, 0.975)
"""A 95 % interval."""

BoolArray = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Matched:
    """The parts of two sessions that can be compared.

    Attributes
    ----------
    rows
        Of each session, its ten-second bins with a partner in the other.
    speeds_mps
        Lowest and highest speed among them; NaN if there are none.
    shares
        Share of each session's steady running that they are.
    """

    rows: tuple[BoolArray, BoolArray]
    speeds_mps: tuple[float, float]
    shares: tuple[float, float]

    @property
    def enough(self) -> bool:
        """Whether there is anything to compare."""
        return all(int(rows.sum()) >= MIN_MATCHED_BINS for rows in self.rows)


@dataclass(frozen=True, slots=True)
class Difference:
    """One quantity of one foot, B against A at the same speeds, in the column's unit.

    Attributes
    ----------
    quantity, foot
        What, and of which foot.
    a, b
        Medians over the matched bins.
    difference
        B minus A, speed and grade taken out.
    low, high
        Its 95 % interval; NaN if the sessions are too short for one.
    effect
        Difference over the standard deviation of ten-second medians within the sessions (Cohen's d).
    spread
        That standard deviation.
    """

    quantity: Quantity
    foot: Foot
    a: float
    b: float
    difference: float
    low: float
    high: float
    effect: float
    spread: float

    @property
    def clear(self) -> bool:
        """Whether the interval leaves zero out."""
        return self.low > 0.0 or self.high < 0.0

    @property
    def large(self) -> bool:
        """Whether the difference is as large as a change that is worth a word, in either direction."""
        size = self.quantity.limit_absolute
        if self.quantity.limit is not None:
            size = self.quantity.limit * abs(self.a)
        return size is not None and abs(self.difference) >= size

    @property
    def words(self) -> str:
        """What to make of it."""
        if np.isnan(self.low):
            return "too short to tell"
        if not self.clear:
            return "cannot be told apart"
        return "clear" if self.large else "clear, but small"


def match(courses: tuple[Course, Course]) -> Matched:
    """Find the bins of two sessions that have a partner in speed (±0.1 m/s) and grade (±0.5 %) in the other.

    An unknown grade counts as level.
    """
    paces = [_paces(course) for course in courses]
    rows = []
    for mine, other, course in ((paces[0], paces[1], courses[0]), (paces[1], paces[0], courses[1])):
        kept = steady(course) & np.isfinite(mine[:, 0])
        partners = other[steady(courses[1] if course is courses[0] else courses[0])]
        partners = np.unique(np.round(partners[np.isfinite(partners[:, 0])] / _GRAIN) * _GRAIN, axis=0)
        near = np.zeros(kept.size, bool)
        for speed, grade in partners[:_MAX_PARTNERS]:
            near |= (np.abs(mine[:, 0] - speed) <= MATCHED_SPEED_MPS) & (np.abs(mine[:, 1] - grade) <= MATCHED_GRADE)
        rows.append(kept & near)
    speeds = np.concatenate([pace[kept, 0] for pace, kept in zip(paces, rows, strict=True)])
    shares = [
        float(kept.sum()) / max(1, int(steady(course).sum())) for kept, course in zip(rows, courses, strict=True)
    ]  # fmt: skip
    span = (float(speeds.min()), float(speeds.max())) if speeds.size else (float("nan"), float("nan"))
    return Matched((rows[0], rows[1]), span, (shares[0], shares[1]))


_GRAIN: Final = np.array([0.01, 0.001])
"""Speeds [m/s] and grades nearer than this are looked at once."""
_MAX_PARTNERS: Final = 5000


def _paces(course: Course) -> FloatArray:
    """Give speed and grade of each bin, shape ``(n, 2)``; no grade counts as level."""
    if course.bins is None:
        return np.empty((0, 2))
    speed, grade = course.bins.rows["speed"][:, 0], course.bins.rows["grade"][:, 0]
    return np.stack([speed, np.where(np.isnan(grade), 0.0, grade)], axis=1)


def matched_steps(steps: Steps, course: Course, rows: BoolArray) -> BoolArray:
    """Tell which trusted steps lie in matched bins, shape ``(n,)``."""
    if course.bins is None or not rows.any():
        return np.zeros(len(steps), bool)
    ends = np.round(course.bins.end_s[rows] / BIN_S).astype(np.int64)
    mine = np.floor_divide(steps["initial_contact_s"], BIN_S).astype(np.int64) + 1
    return course.trusted & np.isin(mine, ends)


def differences(courses: tuple[Course, Course], matched: Matched) -> tuple[Difference, ...]:
    """Compare two sessions, quantity by quantity and foot by foot, where both have values at the same speeds."""
    if not matched.enough:
        return ()
    paces = [_paces(course) for course in courses]
    found = []
    for each in QUANTITIES:
        for foot in Foot:
            values = [course.bins.rows[each.signal][:, foot] for course in courses if course.bins is not None]
            kept = [rows & np.isfinite(value) for rows, value in zip(matched.rows, values, strict=True)]
            if all(int(rows.sum()) >= MIN_MATCHED_BINS for rows in kept):
                part = [(value[rows], pace[rows]) for value, pace, rows in zip(values, paces, kept, strict=True)]
                found.append(_difference(each, foot, part[0], part[1]))
    return tuple(found)


Part = tuple[FloatArray, FloatArray]


def _difference(each: Quantity, foot: Foot, a: Part, b: Part) -> Difference:
    value = np.concatenate([a[0], b[0]])
    pace = np.concatenate([a[1], b[1]])
    session = np.concatenate([np.zeros(a[0].size), np.ones(b[0].size)])
    columns = [np.ones(value.size), session]
    for position, least in ((0, MIN_SPEED_SPREAD_MPS), (1, MIN_GRADE_SPREAD)):
        if np.ptp(pace[:, position]) >= least:
            columns.append(pace[:, position] - pace[:, position].mean())
    design = np.stack(columns, axis=1)
    coefficients = np.linalg.lstsq(design, value, rcond=None)[0]
    residual = value - design @ coefficients
    freedom = max(1, value.size - design.shape[1])
    spread = float(np.sqrt((residual**2).sum() / freedom))
    low, high = _interval(design, value, session)
    difference = float(coefficients[1])
    effect = difference / spread if spread > 0.0 else float("nan")
    return Difference(
        each, foot, float(np.median(a[0])), float(np.median(b[0])), difference, low, high, effect, spread
    )  # fmt: skip


_ALWAYS: Final = ("level", "session")
"""Columns of every fit; each draw holds both sessions, so these alone can always be solved for."""


def _interval(design: npt.NDArray[Any], value: FloatArray, session: FloatArray) -> tuple[float, float]:
    """Draw minutes with replacement within each session and fit anew; the sums of each minute are all it takes."""
    within = np.concatenate([np.arange((session == code).sum()) // BLOCK_BINS for code in (0.0, 1.0)])
    counts = [int(within[session == code].max()) + 1 for code in (0.0, 1.0)]
    if min(counts) < MIN_BLOCKS:
        return float("nan"), float("nan")
    block = within + counts[0] * session.astype(np.intp)
    n, k = sum(counts), design.shape[1]
    squares, products = np.zeros((n, k, k)), np.zeros((n, k))
    np.add.at(squares, block, design[:, :, None] * design[:, None, :])
    np.add.at(products, block, design * value[:, None])
    rng = np.random.default_rng(SEED)
    weights = np.concatenate(
        [rng.multinomial(count, np.full(count, 1.0 / count), size=DRAWS) for count in counts], axis=1
    ).astype(np.float64)
    left = (weights @ squares.reshape(n, k * k)).reshape(DRAWS, k, k)
    right = weights @ products
    # A draw may by chance hold one speed only; the pseudo-inverse then leaves that slope at nothing.
    solvable = k == len(_ALWAYS)
    fitted = (
        np.linalg.solve(left, right[:, :, None])
        if solvable
        else np.linalg.pinv(left, hermitian=True) @ right[:, :, None]
    )
    low, high = np.quantile(fitted[:, 1, 0], INTERVAL)
    return float(low), float(high)
