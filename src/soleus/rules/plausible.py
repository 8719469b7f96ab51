"""Thresholds that can never be met, or always, are mistakes: they are refused when the rule is read."""

from __future__ import annotations

from typing import Final

import numpy as np

from soleus.rules.errors import RuleError
from soleus.rules.evaluate import Frame
from soleus.rules.evaluate_one import evaluate_at
from soleus.rules.expression import Expression
from soleus.rules.shapes import MATCHED, REFERENCED
from soleus.rules.signals import SIGNALS
from soleus.rules.units import describe, show

_FRACTIONS: Final = (0.1, 0.5, 0.9)
"""Where within each signal's plausible range two thresholds are compared."""


def check_threshold(signal: Expression, threshold: Expression, key: str, *, above: bool) -> None:
    """Refuse a threshold of another unit than its signal's, or out of the signal's reach.

    Raises
    ------
    RuleError
        With the units, or with the range that the signal can have.
    """
    a, b = signal.shape, threshold.shape
    if a.dimension != b.dimension and not b.zero:
        raise RuleError(f"'{key}' is {describe(b.dimension)} but the signal is {describe(a.dimension)}")
    if not b.constant:
        return
    never = b.low >= a.high if above else b.low <= a.low
    always = b.low < a.low if above else b.low > a.high
    if never or always:
        reach = f"{show(a.low, a.dimension)} to {show(a.high, a.dimension)}"
        word = "never" if never else "always"
        raise RuleError(f"'{key}' = {show(b.low, b.dimension)} would {word} fire: the signal lies within {reach}")


def check_clear(threshold: Expression, clear: Expression, *, above: bool) -> None:
    """Refuse a clear level on the wrong side of its threshold, tried at a few plausible values of the signals.

    Raises
    ------
    RuleError
        If letting go would need more than firing.
    """
    for fraction in _FRACTIONS:
        row = {
            name: np.full((1, 2), signal.low + fraction * (signal.high - signal.low))
            for name, signal in SIGNALS.items()
        }
        frame = Frame(row, 0, 1, {}, dict.fromkeys((*REFERENCED, MATCHED), row.__getitem__))
        if any(_windowed(each) for each in (threshold, clear)):
            return
        fires, lets_go = (evaluate_at(each.node, frame, 0, 0) for each in (threshold, clear))
        if lets_go > fires if above else lets_go < fires:
            side = "above" if above else "below"
            raise RuleError(f"'clear' lies {side} the threshold; the rule would let go before it fires")


def _windowed(expression: Expression) -> bool:
    return expression.bins > 0
