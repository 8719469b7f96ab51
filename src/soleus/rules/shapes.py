"""What a part of an expression is: number or truth, of which unit, per foot or not, and how large it can be."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from soleus.rules.errors import RuleError
from soleus.rules.units import RATIO, TIME, Dimension, describe, multiply

WINDOWED: Final = ("median", "mean", "min", "max", "last", "slope", "spread", "share", "count")
"""Functions over the trailing window given as their second argument."""
FOOTED: Final = ("left", "right", "both", "asymmetry", "lead")
"""Functions that set a value of each foot beside the other's; all but ``lead`` turn them into one value."""
REFERENCED: Final = ("baseline", "usual", "usual_spread")
"""Functions that look up what is normal, of a bare signal name."""
MATCHED: Final = "matched"
"""Function that keeps a signal only where the run has a reference at this speed and grade."""
ELEMENTWISE: Final = {"abs": 1, "sqrt": 1, "greater": 2, "lesser": 2, "or_else": 2, "known": 1}
"""Plain functions and how many arguments they take."""

FUNCTION_MEANINGS: Final = {
    "median": "Median over the trailing window; at least half of it must be known",
    "mean": "Mean over the trailing window; at least half of it must be known",
    "min": "Smallest known value in the trailing window",
    "max": "Largest known value in the trailing window",
    "last": "Last known value in the trailing window",
    "slope": "Theil-Sen slope over the trailing window, per second; at least half of it must be known",
    "spread": "Robust standard deviation (1.4826 x median absolute deviation) over the trailing window",
    "share": "Share of the known bins of the trailing window in which a comparison holds",
    "count": "Number of bins of the trailing window in which a comparison holds",
    "left": "The left foot's value",
    "right": "The right foot's value",
    "both": "Mean of the two feet",
    "asymmetry": "(left - right) / mean of the two",
    "lead": "For each foot, (its value - the other's) / mean of the two",
    "baseline": "This run's own reference at this speed and grade (minutes 3-8)",
    "matched": "The signal where its baseline is known, unknown elsewhere: compare means of both over one window",
    "usual": "What the last 28 days say at this speed and grade",
    "usual_spread": "Standard deviation between the runs of the last 28 days",
    "abs": "Size without sign",
    "sqrt": "Square root",
    "greater": "The greater of two",
    "lesser": "The lesser of two",
    "or_else": "The first if known, else the second",
    "known": "Whether a value is known",
}
"""Meaning of each function, for the reference page."""


Written = Callable[[], str]
"""Writes the part of an expression that something is wrong with."""


@dataclass(frozen=True, slots=True)
class Shape:
    """What a part of an expression is; ``low`` and ``high`` bound it for plausible signals."""

    dimension: Dimension
    truth: bool = False
    per_foot: bool = False
    low: float = -math.inf
    high: float = math.inf
    constant: bool = False

    @property
    def zero(self) -> bool:
        """Whether it is the number zero, which has any unit."""
        return self.constant and self.low == 0.0 == self.high


def compared_shape(a: Shape, b: Shape, written: Written) -> Shape:
    """Check that two numbers can be compared.

    Raises
    ------
    RuleError
        If one is no number or their units differ.
    """
    if a.truth or b.truth:
        raise RuleError(f"'{written()}' compares a comparison; join comparisons with 'and' or 'or'")
    if a.dimension != b.dimension and not (a.zero or b.zero):
        units = f"{describe(a.dimension)} with {describe(b.dimension)}"
        raise RuleError(f"'{written()}' compares {units}; give both sides the same unit")
    return Shape(RATIO, truth=True, per_foot=a.per_foot or b.per_foot, low=0.0, high=1.0)


def binary_shape(operator: str, a: Shape, b: Shape, written: Written) -> Shape:
    """Combine two numbers by ``+ - * /``.

    Raises
    ------
    RuleError
        If one is no number, or a sum mixes units.
    """
    if a.truth or b.truth:
        raise RuleError(f"'{written()}' calculates with a comparison")
    per_foot, constant = a.per_foot or b.per_foot, a.constant and b.constant
    if operator in {"+", "-"}:
        if a.dimension != b.dimension and not (a.zero or b.zero):
            units = f"{describe(a.dimension)} and {describe(b.dimension)}"
            raise RuleError(f"'{written()}' adds {units}; write the number with its unit, such as 8*mm")
        dimension = b.dimension if a.zero else a.dimension
        low, high = (a.low + b.low, a.high + b.high) if operator == "+" else (a.low - b.high, a.high - b.low)
    elif operator == "*":
        dimension = multiply(a.dimension, b.dimension)
        low, high = _extremes([x * y for x, y in itertools.product((a.low, a.high), (b.low, b.high))])
    else:
        dimension = multiply(a.dimension, b.dimension, -1.0)
        if b.low <= 0.0 <= b.high:
            low, high = -math.inf, math.inf
        else:
            low, high = _extremes([x / y for x, y in itertools.product((a.low, a.high), (b.low, b.high))])
    return Shape(dimension, per_foot=per_foot, low=low, high=high, constant=constant)


def _extremes(values: list[float]) -> tuple[float, float]:
    if any(math.isnan(value) for value in values):
        return -math.inf, math.inf
    return min(values), max(values)


def call_shape(name: str, arguments: Sequence[Shape], window_s: float, bin_s: float, written: Written) -> Shape:  # noqa: PLR0911 - one return a kind
    """Give the shape of a function's value.

    Raises
    ------
    RuleError
        If a number stands where a comparison is needed, the reverse, or units differ.
    """
    first = arguments[0]
    needs_truth = name in {"share", "count"}
    if any(argument.truth != needs_truth for argument in arguments):
        raise RuleError(f"'{written()}': {name}() needs a {'comparison' if needs_truth else 'number'}")
    width = first.high - first.low
    match name:
        case "share":
            return Shape(RATIO, per_foot=first.per_foot, low=0.0, high=1.0)
        case "count":
            return Shape(RATIO, per_foot=first.per_foot, low=0.0, high=window_s / bin_s)
        case "known":
            return Shape(RATIO, truth=True, per_foot=first.per_foot, low=0.0, high=1.0)
        case "slope":
            per_second = multiply(first.dimension, TIME, -1.0)
            return Shape(per_second, per_foot=first.per_foot, low=-width / bin_s, high=width / bin_s)
        case "spread" | "usual_spread":
            return Shape(first.dimension, per_foot=first.per_foot, low=0.0, high=width)
        case _ if name in FOOTED:
            return _footed(name, first, written)
        case _ if name in ELEMENTWISE:
            return _elementwise(name, arguments, written)
        case _:
            return Shape(first.dimension, per_foot=first.per_foot, low=first.low, high=first.high)


def _footed(name: str, first: Shape, written: Written) -> Shape:
    if not first.per_foot:
        raise RuleError(f"'{written()}': {name}() needs a value of each foot")
    if name in {"asymmetry", "lead"}:
        bound = math.inf if first.low < 0.0 else 2.0
        return Shape(RATIO, per_foot=name == "lead", low=-bound, high=bound)
    return Shape(first.dimension, low=first.low, high=first.high)


def _elementwise(name: str, arguments: Sequence[Shape], written: Written) -> Shape:
    first, last = arguments[0], arguments[-1]
    if first.dimension != last.dimension:
        raise RuleError(f"'{written()}' mixes {describe(first.dimension)} and {describe(last.dimension)}")
    per_foot = first.per_foot or last.per_foot
    match name:
        case "abs":
            low = 0.0 if first.low <= 0.0 <= first.high else min(abs(first.low), abs(first.high))
            return Shape(first.dimension, per_foot=per_foot, low=low, high=max(abs(first.low), abs(first.high)))
        case "sqrt":
            half = multiply(RATIO, first.dimension, 0.5)
            low, high = (math.sqrt(max(bound, 0.0)) for bound in (first.low, first.high))
            return Shape(half, per_foot=per_foot, low=low, high=high)
        case _:
            return Shape(
                first.dimension, per_foot=per_foot, low=min(first.low, last.low), high=max(first.high, last.high)
            )
