"""Verdicts in words and numbers: what was compared with what, at which values, for how long and at which speed."""

from __future__ import annotations

import json
import math
import string
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from soleus.model import FEET
from soleus.rules.expression import Binary, Call, Expression, Name, Negative, Node, Not, Number, children, walk
from soleus.rules.shapes import REFERENCED
from soleus.rules.signals import SIGNALS
from soleus.rules.units import RATIO, Dimension, show, show_duration

TEMPLATE_WORDS: Final = (
    "value",
    "threshold",
    "reference",
    "change",
    "held",
    "since",
    "speed",
    "grade",
    "foot",
    "side",
    "Side",
)
"""Words that any message may have filled in."""
SIGNED: Final = "+"
"""Layout of a word that keeps its plus, as in ``{lead:+}``."""
SIGNIFICANT: Final = 6
"""Significant digits of a number in the evidence."""

_SIGNS: Final = {"*": "×", "-": "-", "+": "+", "/": "/", "<=": "≤", ">=": "≥"}
_BINDING: Final = {"or": 1, "and": 2, "<": 3, "<=": 3, ">": 3, ">=": 3, "+": 4, "-": 4, "*": 5, "/": 5}
_ATOM: Final = 9
_PERCENT_SIGNALS: Final = frozenset({"grade", "vertical_ratio"})

Lookup = Callable[[Node], float]
"""Gives the value of a node at the bin and foot that a verdict is about."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """One verdict of a rule: the numbers behind it, ready to be shown.

    Attributes
    ----------
    value, threshold
        The signal and what it was compared with, in SI.
    held_s
        Span of running that the verdict rests on: how long it has held, and the window before that [s].
    speed_mps, grade
        Where the runner was; NaN if unknown.
    foot
        0 left, 1 right, -1 both.
    """

    value: float
    threshold: float
    held_s: float
    speed_mps: float
    grade: float
    foot: int


def in_percent(*expressions: Expression) -> bool:
    """Tell whether the ratio that an expression gives is better read in per cent."""
    nodes = [node for expression in expressions for node in walk(expression.node)]
    return any(
        (isinstance(node, Number) and node.percent)
        or (isinstance(node, Name) and _reads_in_percent(node.name))
        or (isinstance(node, Call) and node.function in {"asymmetry", "lead"})
        for node in nodes
    )


def render(node: Node, dimension: Dimension, lookup: Lookup, *, percent: bool = False) -> str:
    """Write an expression with the numbers filled in.

    Examples
    --------
    >>> from soleus.rules.expression import parse
    >>> limit = parse("1.04 * baseline(contact_time)")
    >>> render(limit.node, limit.shape.dimension, lambda node: 0.251)
    '1.04 × baseline 251 ms'
    """
    return _render(node, dimension, lookup, percent)[0]


def _render(node: Node, dimension: Dimension, lookup: Lookup, percent: bool) -> tuple[str, int]:  # noqa: FBT001
    match node:
        case Number(value=value, dimension=own):
            return show(value, own, percent=percent or node.percent), _ATOM
        case Name(name=name):
            signal = SIGNALS[name]
            shown = show(lookup(node), signal.dimension, percent=_reads_in_percent(name))
            return f"{signal.label} {shown}", _ATOM
        case Negative(operand=operand):
            return f"-{_render(operand, dimension, lookup, percent)[0]}", _ATOM
        case Not(operand=operand):
            return f"not ({_render(operand, dimension, lookup, percent)[0]})", _ATOM
        case Binary(operator=operator, left=left, right=right):
            binding = _BINDING[operator]
            a, tight_a = _render(left, dimension, lookup, percent)
            b, tight_b = _render(right, dimension, lookup, percent)
            a = f"({a})" if tight_a < binding else a
            b = f"({b})" if (tight_b <= binding and operator in {"-", "/"}) or tight_b < binding else b
            return f"{a} {_SIGNS.get(operator, operator)} {b}", binding
        case Call():
            return _render_call(node, lookup), _ATOM


def _render_call(node: Call, lookup: Lookup) -> str:
    """Write a function by what it stands for: the signal below it and its value."""
    name = _signal_below(node)
    if name is None:
        return f"{node.function} {lookup(node):.3g}"
    signal = SIGNALS[name]
    references = [each.function for each in walk(node) if isinstance(each, Call) and each.function in REFERENCED]
    if node.function in {"share", "count", "asymmetry", "lead", "slope", "known"}:
        percent = node.function in {"share", "asymmetry", "lead"}
        reference = f"{references[0]} " if references else ""
        return f"{reference}{node.function} of {signal.label} {show(lookup(node), RATIO, percent=percent)}"
    shown = show(lookup(node), signal.dimension, percent=_reads_in_percent(name))
    return f"{references[0].replace('_', ' ') if references else signal.label} {shown}"


def _reads_in_percent(name: str) -> bool:
    return name in _PERCENT_SIGNALS or "share" in name or "asymmetry" in name


def _signal_below(node: Node) -> str | None:
    """Give the one signal that a part of an expression is about, if it is one."""
    names = {each.name for each in walk(node) if isinstance(each, Name)}
    return names.pop() if len(names) == 1 else None


def signal_label(signal: Expression, label: str, foot: int) -> str:
    """Call a signal by its own name if it is about one, with the foot: ``'contact_time.left'``."""
    name = label or _signal_below(signal.node) or signal.text
    return f"{name}.{FEET[foot]}" if foot >= 0 else name


def sentence(
    signal: Expression, threshold: Expression, verdict: Verdict, label: str, lookup: Lookup, *, above: bool
) -> str:
    """Explain a verdict in one line of numbers.

    Examples
    --------
    >>> from soleus.rules.expression import parse
    >>> sentence(
    ...     parse("median(contact_time, 60*s)"), parse("1.04 * baseline(contact_time)"),
    ...     Verdict(0.264, 0.261, 190.0, 3.3, float("nan"), 0), "", lambda node: 0.251, above=True)
    'contact_time.left 264 ms > 1.04 × baseline 251 ms for 3 min 10 s at 3.3 m/s'
    """
    percent = in_percent(signal, threshold)
    dimension = signal.shape.dimension
    limit = render(threshold.node, dimension, lookup, percent=percent)
    parts = [
        signal_label(signal, label, verdict.foot),
        show(verdict.value, dimension, percent=percent),
        ">" if above else "<",
        limit,
    ]
    if verdict.held_s > 0.0:
        parts.append(f"for {show_duration(verdict.held_s)}")
    if math.isfinite(verdict.speed_mps):
        parts.append(f"at {verdict.speed_mps:.1f} m/s")
    if math.isfinite(verdict.grade) and abs(verdict.grade) >= _FLAT:
        parts.append(f"and {verdict.grade * 100:.1f} % grade")
    return " ".join(parts)


_FLAT: Final = 0.005
"""Grade below which it is not worth a word."""


def fill(message: str, words: Mapping[str, str]) -> str:
    """Fill a message; its words were checked when the rule was read.

    Examples
    --------
    >>> fill("{side} {lead:+}", {"side": "left", "lead": "9 %"})
    'left +9 %'
    """
    parts = []
    for text, name, layout, _ in string.Formatter().parse(message):
        parts.append(text)
        if name is not None:
            word = words[name]
            parts.append(f"+{word}" if layout == SIGNED and word[0].isdigit() else word)
    return "".join(parts)


def references(threshold: Node) -> list[Node]:
    """List the parts of a threshold that say what is normal, each as a whole: ``both(mean(baseline(x), 60*s))``."""
    if isinstance(threshold, Call):
        below = [node for node in walk(threshold) if isinstance(node, Call) and node.function in REFERENCED]
        return [threshold] if below else []
    return list(dict.fromkeys(part for child in children(threshold) for part in references(child)))


def evidence_json(numbers: dict[str, float | str]) -> str:
    """Write the evidence as a JSON object; unknown numbers become null."""
    written = {name: _rounded(value) if isinstance(value, float) else value for name, value in numbers.items()}
    return json.dumps(written, ensure_ascii=False)


def _rounded(value: float) -> float | None:
    return float(f"{value:.{SIGNIFICANT}g}") if math.isfinite(value) else None
