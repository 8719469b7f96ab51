"""A rule made ready for the engine, and the warning that a verdict of it becomes."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

from soleus.model import SEVERITIES
from soleus.rules.evaluate import Frame
from soleus.rules.evaluate_one import evaluate_at
from soleus.rules.explain import Verdict, evidence_json, fill, in_percent, references, sentence
from soleus.rules.expression import BIN_S, Binary, Node, intern
from soleus.rules.rulefile import Rule, Scope
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


def compile_rule(rule: Rule, table: dict[object, Node]) -> Compiled:
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
    )


def value_at(node: Node, frame: Frame, i: int, foot: int) -> float:
    """Take a value at a new bin and foot."""
    return evaluate_at(node, frame, frame.context + i, max(foot, 0))


def excess(candidate: Candidate, frame: Frame, i: int) -> float:
    """Tell how far a verdict is beyond its threshold."""
    compiled = candidate.compiled
    value, limit = (value_at(node, frame, i, candidate.lane) for node in (compiled.signal, compiled.threshold))
    return abs(value - limit)


_FOOT_WORDS: Final = {-1: "both feet", 0: "the left foot", 1: "the right foot"}
_SIDE_WORDS: Final = {-1: "left and right", 0: "left", 1: "right"}


def warning_row(candidate: Candidate, frame: Frame, i: int, time_s: float, *, both: bool) -> Row:
    """Write one warning: message, evidence and foot."""
    compiled, rule = candidate.compiled, candidate.compiled.rule
    foot = candidate.foot
    if compiled.side is not None:
        sign = value_at(compiled.side, frame, i, 0)
        foot = -1 if math.isnan(sign) else int(sign < 0.0)

    def lookup(node: Node) -> float:
        return value_at(node, frame, i, candidate.lane if foot < 0 else foot)

    value, limit = lookup(compiled.signal), lookup(compiled.threshold)
    speed, grade = (float(frame.table[frame.index[name], frame.context + i, 0]) for name in PACE_SIGNALS)
    verdict = Verdict(value, limit, _span(candidate, frame, i), speed, grade, foot)
    found = references(compiled.threshold)
    reference = lookup(found[0]) if len(found) == 1 else None
    shown = {name: lookup(node) for name, node in compiled.show.items()}
    words = {
        **_words(rule, verdict, reference, time_s, -1 if both else foot),
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
        evidence |= {"held_s": verdict.held_s, "speed_mps": speed, "grade": grade}
    return (
        time_s,
        rule.name,
        compiled.severity,
        fill(rule.text.message, words),
        evidence_json({**evidence, **shown}),
        -1 if both else foot,
        rule.source,
    )


def _words(rule: Rule, verdict: Verdict, reference: float | None, time_s: float, foot: int) -> dict[str, str]:
    """Give the words that every message may use."""
    dimension, percent = rule.signal.shape.dimension, in_percent(rule.signal, rule.threshold)
    speed, grade = verdict.speed_mps, verdict.grade
    return {
        "value": show(verdict.value, dimension, percent=percent),
        "threshold": show(verdict.threshold, dimension, percent=percent),
        "reference": "unknown" if reference is None else show(reference, dimension, percent=percent),
        "change": f"{(verdict.value / reference - 1.0) * 100:+.1f} %" if reference else "a change",
        "held": show_duration(verdict.held_s),
        "since": f"minute {max(0.0, time_s - verdict.held_s) / 60.0:.0f}",
        "speed": f"{speed:.1f} m/s" if math.isfinite(speed) else "an unknown speed",
        "grade": f"{grade * 100:.1f} %" if math.isfinite(grade) else "an unknown grade",
        "foot": _FOOT_WORDS[foot],
        "side": _SIDE_WORDS[foot],
        "Side": _SIDE_WORDS[foot].capitalize(),
    }


def _span(candidate: Candidate, frame: Frame, i: int) -> float:
    """Give the span of running that a verdict rests on [s]: how long it held and the window before that."""
    if candidate.compiled.rule.text.scope not in {"window", "minute"}:
        return 0.0
    window_s = max(candidate.compiled.rule.signal.bins - 1, 0) * BIN_S
    running_s = float(frame.table[frame.index["running_time"], frame.context + i, 0])
    return min(candidate.held_s + window_s, running_s)


def _unit(rule: Rule) -> str:
    """Write the unit of a rule's value."""
    dimension = rule.signal.shape.dimension
    return "1" if dimension == RATIO else describe(dimension)
