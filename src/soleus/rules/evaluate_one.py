"""Expressions to values one bin at a time, in plain Python: the reference that the vectorised way is held against."""

from __future__ import annotations

import math
from typing import Final

from soleus.rules.evaluate import Frame, row_name
from soleus.rules.expression import BIN_S, Binary, Call, Name, Negative, Node, Not, Number
from soleus.rules.shapes import FOOTED
from soleus.rules.windows import NORMAL_MAD

LEFT: Final = 0
RIGHT: Final = 1


def evaluate_at(node: Node, frame: Frame, row: int, foot: int) -> float:  # noqa: PLR0911 - one return a kind
    """Evaluate a node at one bin and foot in plain Python: the reference that a :class:`Plan` is held against.

    Parameters
    ----------
    row
        Bin of the frame, context included.
    foot
        0 left, 1 right; ignored by parts without feet.
    """
    name = row_name(node)
    if name is not None and name in frame.index:
        return float(frame.table[frame.index[name], row, foot])
    match node:
        case Number(value=value):
            return value
        case Name(name=name):
            return frame.constants[name]
        case Negative(operand=operand):
            return -evaluate_at(operand, frame, row, foot)
        case Not(operand=operand):
            return 1.0 - evaluate_at(operand, frame, row, foot)
        case Binary(operator=operator, left=left, right=right):
            return _scalar_binary(operator, evaluate_at(left, frame, row, foot), evaluate_at(right, frame, row, foot))
        case Call(function=function, arguments=arguments, bins=bins):
            if bins:
                rows = range(row - bins + 1, row + 1)
                return _scalar_window(function, [evaluate_at(arguments[0], frame, r, foot) for r in rows])
            if function in FOOTED:
                sides = (RIGHT, LEFT) if function == "lead" and foot == RIGHT else (LEFT, RIGHT)
                pair = [evaluate_at(arguments[0], frame, row, side) for side in sides]
                return _scalar_footed(function, *pair)
            return _scalar_plain(function, [evaluate_at(argument, frame, row, foot) for argument in arguments])


def _scalar_binary(operator: str, a: float, b: float) -> float:  # noqa: PLR0911 - one return a kind
    match operator:
        case "+":
            return a + b
        case "-":
            return a - b
        case "*":
            return a * b
        case "/":
            return a / b if b != 0.0 else math.nan
        case "and":
            return 0.0 if a == 0.0 or b == 0.0 else (a + b) * 0.5
        case "or":
            return 1.0 if 1.0 in {a, b} else (a + b) * 0.5
        case _:
            if math.isnan(a + b):
                return math.nan
            return float({"<": a < b, "<=": a <= b, ">": a > b, ">=": a >= b}[operator])


def _scalar_footed(function: str, left: float, right: float) -> float:
    if function in {"asymmetry", "lead"}:
        return _scalar_binary("/", left - right, (left + right) * 0.5)
    return {"left": left, "right": right, "both": (left + right) * 0.5}[function]


def _scalar_plain(function: str, values: list[float]) -> float:
    first, last = values[0], values[-1]
    unknown = math.isnan(first)
    match function:
        case "abs":
            return abs(first)
        case "sqrt":
            return math.sqrt(first) if first >= 0.0 else math.nan
        case "greater":
            return math.nan if math.isnan(first + last) else max(first, last)
        case "lesser":
            return math.nan if math.isnan(first + last) else min(first, last)
        case "or_else":
            return last if unknown else first
        case _:
            return 0.0 if unknown else 1.0


def _scalar_median(values: list[float]) -> float:
    ordered = sorted(value for value in values if not math.isnan(value))
    if not ordered:
        return math.nan
    return (ordered[(len(ordered) - 1) // 2] + ordered[len(ordered) // 2]) * 0.5


def _scalar_window(function: str, values: list[float]) -> float:  # noqa: PLR0911 - one return a kind
    known = [value for value in values if not math.isnan(value)]
    if not known or (function not in {"min", "max", "last", "count"} and len(known) * 2 < len(values)):
        return math.nan
    total = 0.0
    for value in known:
        total += value
    match function:
        case "median":
            return _scalar_median(known)
        case "mean" | "share":
            return total / len(known)
        case "count":
            return total
        case "min":
            return min(known)
        case "max":
            return max(known)
        case "last":
            return known[-1]
        case "slope":
            pairs = [
                (values[j] - values[i]) / ((j - i) * BIN_S)
                for i in range(len(values))
                for j in range(i + 1, len(values))
            ]
            return _scalar_median(pairs)
        case _:
            middle = _scalar_median(known)
            return NORMAL_MAD * _scalar_median([abs(value - middle) for value in known])
