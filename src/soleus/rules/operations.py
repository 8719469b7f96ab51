"""The plain operations of the rule language, vectorised over stacks of values.

A stack has shape ``(k, n, 2)``: ``k`` parts of expressions, ``n`` bins, left and right.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from soleus.rules.expression import Binary, Call, Negative, Node, Not

FloatArray = npt.NDArray[np.float64]
Operation = Callable[..., FloatArray]
"""From the operands to the result, which may have one side only."""


def operation_of(node: Node) -> str:
    """Name the operation that a node stands for."""
    match node:
        case Binary(operator=operator):
            return operator
        case Call(function=function):
            return function
        case Negative():
            return "negative"
        case Not():
            return "not"
        case _:
            return ""


def _divide(a: FloatArray, b: FloatArray) -> FloatArray:
    """Divide; a division by zero is unknown."""
    return np.where(b == 0.0, np.nan, a / b)


def _and(a: FloatArray, b: FloatArray) -> FloatArray:
    return np.where((a == 0.0) | (b == 0.0), 0.0, (a + b) * 0.5)


def _or(a: FloatArray, b: FloatArray) -> FloatArray:
    return np.where((a == 1.0) | (b == 1.0), 1.0, (a + b) * 0.5)


def _comparison(compare: Callable[[Any, Any], Any]) -> Operation:
    def compared(a: FloatArray, b: FloatArray) -> FloatArray:
        return np.where(np.isnan(a + b), np.nan, compare(a, b))

    return compared


def _or_else(a: FloatArray, b: FloatArray) -> FloatArray:
    return np.where(np.isnan(a), b, a)


def _known(values: FloatArray) -> FloatArray:
    known: FloatArray = (~np.isnan(values)).astype(np.float64)
    return known


def _both(values: FloatArray) -> FloatArray:
    return (values[..., :1] + values[..., 1:]) * 0.5


def _asymmetry(values: FloatArray) -> FloatArray:
    left, right = values[..., :1], values[..., 1:]
    return _divide(left - right, (left + right) * 0.5)


def _lead(values: FloatArray) -> FloatArray:
    return np.concatenate([_asymmetry(values), _asymmetry(values[..., ::-1])], axis=-1)


OPERATIONS: Final[dict[str, Operation]] = {
    "+": np.add,
    "-": np.subtract,
    "*": np.multiply,
    "/": _divide,
    "and": _and,
    "or": _or,
    "<": _comparison(np.less),
    "<=": _comparison(np.less_equal),
    ">": _comparison(np.greater),
    ">=": _comparison(np.greater_equal),
    "negative": np.negative,
    "not": lambda a: 1.0 - a,
    "abs": np.abs,
    "sqrt": np.sqrt,
    "greater": np.maximum,
    "lesser": np.minimum,
    "or_else": _or_else,
    "known": lambda a: np.where(np.isnan(a), 0.0, 1.0),
    "left": lambda a: a[..., :1],
    "right": lambda a: a[..., 1:],
    "both": _both,
    "asymmetry": _asymmetry,
    "lead": _lead,
}
"""Every operation by its name."""
