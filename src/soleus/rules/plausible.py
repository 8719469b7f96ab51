"""Thresholds that can never be met, or always, are mistakes: they are refused when the rule is read."""

from __future__ import annotations

import functools
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
    if any(each.bins > 0 for each in (threshold, clear)):
        return
    for frame in _tries():
        fires, lets_go = (evaluate_at(each.node, frame, 0, 0) for each in (threshold, clear))
        if lets_go > fires if above else lets_go < fires:
            side = "above" if above else "below"
            raise RuleError(f"'clear' lies {side} the threshold; the rule would let go before it fires")


@functools.cache
def _tries() -> tuple[Frame, ...]:
    """Make frames of one bin in which every signal lies at some fraction of its range."""
    plain = list(SIGNALS)
    looked_up = [(f"{function} {name}", name) for function in (*REFERENCED, MATCHED) for name in plain]
    index = {name: row for row, name in enumerate([*plain, *(name for name, _ in looked_up)])}
    signals = [SIGNALS[name] for name in (*plain, *(name for _, name in looked_up))]
    return tuple(
        Frame(
            np.array([[[signal.low + fraction * (signal.high - signal.low)] * 2] for signal in signals]), index, 0, {}
        )
        for fraction in _FRACTIONS
    )
