"""Expressions to values: vectorised over the bins of a frame.

The plain reference is in :mod:`~soleus.rules.evaluate_one`; both give the same bits.

Truth is a number too: 1 true, 0 false, NaN unknown (Kleene's three-valued logic), so that a missing value never makes
a rule fire and never makes 'not' fire either.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from soleus.rules.expression import BIN_S, Binary, Call, Name, Negative, Node, Not, Number

FloatArray = npt.NDArray[np.float64]
Value = FloatArray | float

NORMAL_MAD: Final = 1.4826
"""Standard deviation over median absolute deviation of a normal distribution."""


@dataclass(slots=True)
class Frame:
    """Bins to evaluate over: ``context`` earlier ones first, which windows look back into, then the new ones.

    Attributes
    ----------
    rows
        Signal to its values, shape ``(context + n, 2)`` per foot or ``(context + n, 1)``.
    context, n
        Number of earlier and of new bins.
    constants
        History signals to their values, NaN where unknown.
    references
        For ``'baseline'``, ``'usual'``, ``'usual_spread'``: gives a signal's values, shape ``(context + n, 2)``.
    memo
        Values already worked out, by identity of the node, which is kept so that no other can take its place.
    """

    rows: Mapping[str, FloatArray]
    context: int
    n: int
    constants: Mapping[str, float]
    references: Mapping[str, Callable[[str], FloatArray]]
    memo: dict[int, tuple[Node, Value]] = field(default_factory=dict)


def evaluate(node: Node, frame: Frame) -> Value:
    """Evaluate a node over all bins of a frame.

    Returns
    -------
    value
        A number, or an array of shape ``(context + n, 2)`` or ``(context + n, 1)``. Windows are worked out for the
        new bins only; their earlier rows are NaN.
    """
    known = frame.memo.get(id(node))
    if known is not None:
        return known[1]
    with np.errstate(all="ignore"):
        return _remembered(node, frame)


def _remembered(node: Node, frame: Frame) -> Value:
    """Evaluate a node unless it was already."""
    known = frame.memo.get(id(node))
    if known is not None:
        return known[1]
    value = _evaluate(node, frame)
    frame.memo[id(node)] = (node, value)
    return value


def _evaluate(node: Node, frame: Frame) -> Value:  # noqa: PLR0911 - one return a kind
    match node:
        case Number(value=value):
            return value
        case Name(name=name):
            row = frame.rows.get(name)
            return frame.constants[name] if row is None else row
        case Negative(operand=operand):
            return -_remembered(operand, frame)
        case Not(operand=operand):
            return 1.0 - _remembered(operand, frame)
        case Binary(operator=operator, left=left, right=right):
            return _binary(operator, _remembered(left, frame), _remembered(right, frame))
        case Call(function=function, arguments=arguments, bins=bins):
            if function in frame.references:
                return frame.references[function](argument_name(node))
            values = [_remembered(argument, frame) for argument in arguments]
            return _windowed(function, values[0], bins, frame) if bins else _plain(function, values)


def argument_name(call: Call) -> str:
    """Give the signal name that a function of a bare name is asked of."""
    first = call.arguments[0]
    return first.name if isinstance(first, Name) else ""


def _binary(operator: str, a: Value, b: Value) -> Value:  # noqa: PLR0911 - one return a kind
    match operator:
        case "+":
            return a + b
        case "-":
            return a - b
        case "*":
            return a * b
        case "/":
            return _divide(a, b)
        case "and":
            return np.where(np.equal(a, 0.0) | np.equal(b, 0.0), 0.0, np.add(a, b) * 0.5)
        case "or":
            return np.where(np.equal(a, 1.0) | np.equal(b, 1.0), 1.0, np.add(a, b) * 0.5)
        case _:
            return np.where(np.isnan(np.add(a, b)), np.nan, _COMPARE[operator](a, b))


_COMPARE: Final[dict[str, Callable[[Any, Any], Any]]] = {
    "<": np.less,
    "<=": np.less_equal,
    ">": np.greater,
    ">=": np.greater_equal,
}


def _divide(a: Value, b: Value) -> Value:
    """Divide; a division by zero is unknown."""
    quotient: FloatArray = np.divide(a, b)
    return np.where(np.equal(b, 0.0), np.nan, quotient)


def _plain(function: str, values: list[Value]) -> Value:  # noqa: PLR0911 - one return a kind
    first = values[0]
    match function:
        case "abs":
            return np.abs(first)
        case "sqrt":
            return np.sqrt(first)
        case "greater":
            return np.maximum(first, values[1])
        case "lesser":
            return np.minimum(first, values[1])
        case "or_else":
            return np.where(np.isnan(first), values[1], first)
        case "known":
            return np.where(np.isnan(first), 0.0, 1.0)
        case _:
            return _footed(function, np.asarray(first, np.float64))


def _footed(function: str, values: FloatArray) -> FloatArray:
    left, right = values[:, :1], values[:, 1:]
    match function:
        case "left":
            return left
        case "right":
            return right
        case "both":
            return (left + right) * 0.5
        case _:
            return np.asarray(_divide(left - right, (left + right) * 0.5), np.float64)


def _windowed(function: str, value: Value, bins: int, frame: Frame) -> FloatArray:
    """Apply a windowed function to the new bins; rows before them are NaN."""
    total = frame.context + frame.n
    values = np.asarray(value, np.float64)
    if values.ndim == 0:
        values = np.full((total, 1), values)
    result = np.full(values.shape, np.nan)
    recent = values[frame.context - bins + 1 :]
    many = np.lib.stride_tricks.sliding_window_view
    windows = recent.T[None] if frame.n == 1 else many(recent, bins, axis=0)
    result[frame.context :] = _WINDOWS[function](windows)
    return result


def _enough(windows: FloatArray) -> npt.NDArray[np.bool_]:
    """Tell in which windows at least half of the bins are known."""
    known = windows.shape[-1] - np.isnan(windows).sum(axis=-1)
    return np.asarray(known * 2 >= windows.shape[-1], np.bool_)


def sorted_median(values: FloatArray) -> FloatArray:
    """Take the median of the known values along the last axis; NaN where none is known."""
    width = values.shape[-1]
    ordered = np.sort(values, axis=-1).reshape(-1, width)
    counts = width - np.isnan(ordered).sum(axis=-1)
    row = np.arange(ordered.shape[0])
    low = ordered[row, np.maximum(counts - 1, 0) // 2]
    high = ordered[row, np.minimum(counts // 2, width - 1)]
    return np.asarray((low + high) * 0.5, np.float64).reshape(values.shape[:-1])


def _window_median(windows: FloatArray) -> FloatArray:
    return np.where(_enough(windows), sorted_median(windows), np.nan)


def _window_sum(windows: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Add the known values and count them; a running sum adds in order of time, so any cut gives the same bits."""
    known = ~np.isnan(windows)
    total = np.cumsum(np.where(known, windows, 0.0), axis=-1)[..., -1]
    return np.asarray(total, np.float64), known.sum(axis=-1).astype(np.float64)


def _window_mean(windows: FloatArray) -> FloatArray:
    total, count = _window_sum(windows)
    return np.where(count * 2 >= windows.shape[-1], total / np.maximum(count, 1.0), np.nan)


def _window_count(windows: FloatArray) -> FloatArray:
    total, count = _window_sum(windows)
    return np.where(count > 0, total, np.nan)


def _window_min(windows: FloatArray) -> FloatArray:
    return np.asarray(np.fmin.reduce(windows, axis=-1), np.float64)


def _window_max(windows: FloatArray) -> FloatArray:
    return np.asarray(np.fmax.reduce(windows, axis=-1), np.float64)


def _window_last(windows: FloatArray) -> FloatArray:
    known = ~np.isnan(windows)
    position = windows.shape[-1] - 1 - np.argmax(known[..., ::-1], axis=-1)
    return np.asarray(np.take_along_axis(windows, position[..., None], axis=-1)[..., 0], np.float64)


def _window_slope(windows: FloatArray) -> FloatArray:
    first, second = np.triu_indices(windows.shape[-1], k=1)
    if first.size == 0:
        return np.full(windows.shape[:-1], np.nan)
    slopes = (windows[..., second] - windows[..., first]) / ((second - first) * BIN_S)
    return np.where(_enough(windows), sorted_median(slopes), np.nan)


def _window_spread(windows: FloatArray) -> FloatArray:
    middle = sorted_median(windows)
    return np.where(_enough(windows), NORMAL_MAD * sorted_median(np.abs(windows - middle[..., None])), np.nan)


_WINDOWS: Final[dict[str, Callable[[FloatArray], FloatArray]]] = {
    "median": _window_median,
    "mean": _window_mean,
    "share": _window_mean,
    "count": _window_count,
    "min": _window_min,
    "max": _window_max,
    "last": _window_last,
    "slope": _window_slope,
    "spread": _window_spread,
}
