"""A rule made ready for the engine, and the warning that a verdict of it becomes."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np

from soleus.model import SEVERITIES
from soleus.rules.evaluate import Frame, evaluate
from soleus.rules.explain import Verdict, evidence_json, fill, in_percent, sentence
from soleus.rules.expression import BIN_S, Binary, Call, Node, intern, walk
from soleus.rules.pacing import Lane
from soleus.rules.rulefile import Rule, Scope
from soleus.rules.shapes import REFERENCED
from soleus.rules.signals import PACE_SIGNALS
from soleus.rules.units import RATIO, describe, show, show_duration

Row = tuple[float, str, int, str, str, int, str]
"""One warning: time, rule, severity, message, evidence, foot, reference."""

LIVE_SCOPES: Final[tuple[Scope, ...]] = ("window", "minute", "run")
"""Scopes that are looked at while running."""


@dataclass(frozen=True, slots=True)
class Compiled:
    """A rule with its shared trees: when it fires, and while it holds."""

    rule: Rule
    fires: Node
    holds: Node
    signal: Node
    threshold: Node
    side: Node | None
    show: dict[str, Node]
    severity: int
    lanes: tuple[Lane, ...]


@dataclass(frozen=True, slots=True)
class Candidate:
    """A verdict that could be said: rule, the foot its numbers are of, the foot it concerns, how long it held."""

    compiled: Compiled
    lane: int
    foot: int
    held_s: float

    @property
    def rank(self) -> tuple[int, int]:
        """Severity, then priority."""
        return self.compiled.severity, self.compiled.rule.text.priority


def compile_rule(rule: Rule, table: dict[Node, Node]) -> Compiled:
    """Share equal parts between rules and put the comparison together."""
    signal, threshold, clear = (intern(each.node, table) for each in (rule.signal, rule.threshold, rule.clear))
    sign = ">" if rule.above else "<"
    fires: Node = Binary(sign, signal, threshold)
    holds: Node = Binary(sign, signal, clear)
    if rule.when is not None:
        when = intern(rule.when.node, table)
        fires, holds = Binary("and", fires, when), Binary("and", holds, when)
    return Compiled(
        rule,
        intern(fires, table),
        intern(holds, table),
        signal,
        threshold,
        None if rule.side is None else intern(rule.side.node, table),
        {name: intern(each.node, table) for name, each in rule.show.items()},
        SEVERITIES.index(rule.text.severity),
        tuple(Lane(rule.text.sustain_s) for _ in range(2 if rule.per_foot else 1)),
    )


def value_at(node: Node, frame: Frame, i: int, foot: int) -> float:
    """Take a value at a new bin and foot."""
    value = evaluate(node, frame)
    if np.ndim(value) == 0:
        return float(value)
    rows = np.asarray(value)
    return float(rows[frame.context + i, foot % rows.shape[1]])


def excess(candidate: Candidate, frame: Frame, i: int) -> float:
    """Tell how far a verdict is beyond its threshold."""
    compiled = candidate.compiled
    value, limit = (value_at(node, frame, i, candidate.lane) for node in (compiled.signal, compiled.threshold))
    return abs(value - limit)


_FOOT_WORDS: Final = {-1: "both feet", 0: "the left foot", 1: "the right foot"}


def warning_row(candidate: Candidate, frame: Frame, i: int, time_s: float, *, both: bool) -> Row:
    """Write one warning: message, evidence and foot."""
    compiled, rule = candidate.compiled, candidate.compiled.rule
    foot = candidate.foot
    if compiled.side is not None:
        sign = value_at(compiled.side, frame, i, 0)
        foot = -1 if math.isnan(sign) else int(sign < 0.0)

    def lookup(node: Node) -> float:
        return value_at(node, frame, i, candidate.lane)

    value, limit = lookup(compiled.signal), lookup(compiled.threshold)
    speed, grade = (float(frame.rows[name][frame.context + i, 0]) for name in PACE_SIGNALS)
    held_s = _span(candidate, frame, i)
    verdict = Verdict(value, limit, held_s, speed, grade, foot)
    shape, percent = rule.signal.shape, in_percent(rule.signal, rule.threshold)
    reference = _reference_in(compiled.threshold, lookup)
    shown = {name: lookup(node) for name, node in compiled.show.items()}
    words = {
        "value": show(value, shape.dimension, percent=percent),
        "threshold": show(limit, shape.dimension, percent=percent),
        "held": show_duration(held_s),
        "speed": f"{speed:.1f} m/s" if math.isfinite(speed) else "an unknown speed",
        "grade": f"{grade * 100:.1f} %" if math.isfinite(grade) else "an unknown grade",
        "foot": _FOOT_WORDS[-1 if both else foot],
        "change": f"{(value / reference - 1.0) * 100:+.1f} %" if reference else "a change",
        **{
            name: show(number, rule.show[name].shape.dimension, percent=in_percent(rule.show[name]))
            for name, number in shown.items()
        },
    }
    evidence: dict[str, float | str] = {
        "explanation": sentence(rule.signal, rule.threshold, verdict, rule.text.label, lookup, above=rule.above),
        "value": value,
        "threshold": limit,
        "unit": _unit(rule),
    }
    if reference is not None:
        evidence["reference_value"] = reference
    if compiled.rule.text.scope in LIVE_SCOPES:
        evidence |= {"held_s": held_s, "speed_mps": speed, "grade": grade}
    return (
        time_s,
        rule.name,
        compiled.severity,
        fill(rule.text.message, words),
        evidence_json({**evidence, **shown}),
        -1 if both else foot,
        rule.source,
    )


def _span(candidate: Candidate, frame: Frame, i: int) -> float:
    """Give the span of running that a verdict rests on [s]: how long it held and the window before that."""
    if candidate.compiled.rule.text.scope not in {"window", "minute"}:
        return 0.0
    window_s = max(candidate.compiled.rule.signal.bins - 1, 0) * BIN_S
    return min(candidate.held_s + window_s, float(frame.rows["running_time"][frame.context + i, 0]))


def _reference_in(threshold: Node, lookup: Callable[[Node], float]) -> float | None:
    """Give the value of the baseline that a threshold rests on, if it rests on one alone."""
    found = {node for node in walk(threshold) if isinstance(node, Call) and node.function in REFERENCED}
    if len(found) != 1:
        return None
    return float(lookup(found.pop()))


def _unit(rule: Rule) -> str:
    """Write the unit of a rule's value."""
    dimension = rule.signal.shape.dimension
    return "1" if dimension == RATIO else describe(dimension)
