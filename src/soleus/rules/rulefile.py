"""Rule files: TOML to rules that are checked whole, so that the engine need not doubt them."""

from __future__ import annotations

import functools
import string
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Annotated, Any, Final, Literal

import msgspec

from soleus.rules.errors import RuleError, did_you_mean
from soleus.rules.explain import SIGNED, TEMPLATE_WORDS
from soleus.rules.expression import BIN_S, Expression, parse
from soleus.rules.plausible import check_clear, check_threshold
from soleus.rules.units import quantity_expression

MAX_FILE_BYTES: Final = 256 * 1024
"""Size of a rule file."""
MAX_RULES: Final = 200
"""Rules of one file."""

Scope = Literal["window", "minute", "run", "history", "report", "finish"]
Seconds = Annotated[float, msgspec.Meta(ge=0, le=86400)]
Text = Annotated[str, msgspec.Meta(max_length=800)]

SCOPE_MEANINGS: Final[dict[Scope, str]] = {
    "window": "every 10 s while running, on the trailing window of steps",
    "minute": "at each full minute while running",
    "run": "every 10 s, on what has added up in this run",
    "history": "once, before the run",
    "report": "when the runner tells the pain",
    "finish": "once, when the run ends",
}


class RuleText(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One rule as written in a file.

    Attributes
    ----------
    name, title
        Name in lower case with hyphens, and a short title.
    scope
        When it is looked at: ``window``, ``minute``, ``run``, ``history``, ``report``, ``finish``.
    signal
        Expression of a number.
    above, below
        Threshold, one of the two: an expression or a quantity such as ``'240 ms'``.
    clear
        Threshold at which the rule lets go again (hysteresis); the same as the threshold if not given.
    when
        Comparison that must hold as well.
    foot
        ``each``: one verdict a foot; ``both``: one verdict; ``side``: one verdict, its foot from the sign of ``side``.
    side
        Expression that is positive for the left foot and negative for the right.
    sustain_s
        How long it must hold without a break [s].
    cooldown_s
        Time until it may be said again [s]; doubles each time (faded feedback).
    max_per_run
        How often it is said in one run.
    min_quality
        Share of trustworthy steps in the last minute below which the rule stays silent.
    severity, priority
        ``info``, ``notice``, ``caution`` or ``stop``; among equals the greater priority is said first.
    label
        What the signal is called in an explanation, if not by its own name.
    message
        What is said; words in braces are filled in: those of :data:`~soleus.rules.explain.TEMPLATE_WORDS` (such as
        ``{value}``, ``{reference}``, ``{change}``, ``{since}``, ``{speed}``, ``{side}``) and the names of ``show``;
        ``{name:+}`` keeps the plus of a number.
    show
        Further numbers for the evidence and the message, by name.
    reference, doi, caveat
        Source (paper), its DOI, and what to keep in mind.
    """

    name: Annotated[str, msgspec.Meta(pattern=r"^[a-z][a-z0-9]*(-[a-z0-9]+)*$", max_length=48)]
    title: Annotated[str, msgspec.Meta(min_length=1, max_length=80)]
    scope: Scope
    signal: str
    above: str | float | None = None
    below: str | float | None = None
    clear: str | float | None = None
    when: str = ""
    foot: Literal["each", "both", "side"] = "both"
    side: str = ""
    sustain_s: Seconds = 0.0
    cooldown_s: Seconds = 600.0
    max_per_run: Annotated[int, msgspec.Meta(ge=1, le=100)] = 3
    min_quality: Annotated[float, msgspec.Meta(ge=0, le=1)] = 0.8
    severity: Literal["info", "notice", "caution", "stop"]
    priority: Annotated[int, msgspec.Meta(ge=0, le=100)] = 50
    label: Annotated[str, msgspec.Meta(max_length=60)] = ""
    message: Annotated[str, msgspec.Meta(min_length=1, max_length=600)]
    show: dict[str, str] = {}
    reference: Annotated[str, msgspec.Meta(min_length=1, max_length=400)]
    doi: Annotated[str, msgspec.Meta(pattern=r"^10\.\d{4,9}/\S+$", max_length=200)] | None = None
    caveat: Text = ""


@dataclass(frozen=True, slots=True, eq=False)
class Rule:
    """A rule that was checked: its text and the expressions in it."""

    text: RuleText
    signal: Expression
    threshold: Expression
    clear: Expression
    above: bool
    when: Expression | None
    side: Expression | None
    show: Mapping[str, Expression]

    @property
    def name(self) -> str:
        """The rule's name."""
        return self.text.name

    @property
    def expressions(self) -> tuple[Expression, ...]:
        """All expressions of the rule."""
        rest = [each for each in (self.when, self.side) if each is not None]
        return (self.signal, self.threshold, self.clear, *rest, *self.show.values())

    @property
    def per_foot(self) -> bool:
        """Whether it gives one verdict a foot."""
        return self.text.foot == "each"

    @property
    def source(self) -> str:
        """The reference with its DOI."""
        return f"{self.text.reference} doi:{self.text.doi}" if self.text.doi else self.text.reference


def read_rules(text: str, file: str = "rules") -> tuple[Rule, ...]:
    """Read rules from the text of a rule file.

    Raises
    ------
    RuleError
        With the file, the rule, the key and the mend.

    Examples
    --------
    >>> read_rules('''
    ... [[rule]]
    ... name = "short"
    ... title = "Short contact"
    ... scope = "window"
    ... signal = "both(median(contact_time, 60*s))"
    ... below = "150 ms"
    ... severity = "info"
    ... mesage = "Contact {value}."
    ... reference = "Example"
    ... ''', "my.toml")
    Traceback (most recent call last):
    soleus.rules.errors.RuleError: my.toml: rule 'short': unknown key 'mesage'; did you mean 'message'?
    """
    if len(text.encode(errors="replace")) > MAX_FILE_BYTES:
        raise RuleError(f"{file}: larger than {MAX_FILE_BYTES // 1024} KiB; split it")
    try:
        table = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise RuleError(f"{file}: not valid TOML: {error}") from None
    unknown = [key for key in table if key != "rule"]
    if unknown:
        raise RuleError(f"{file}: unknown key '{unknown[0]}'; a rule file holds [[rule]] tables only")
    entries = table.get("rule", [])
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise RuleError(f"{file}: 'rule' is not a list of tables; begin each rule with [[rule]]")
    if len(entries) > MAX_RULES:
        raise RuleError(f"{file}: {len(entries)} rules; at most {MAX_RULES} are allowed")
    rules: dict[str, Rule] = {}
    for number, entry in enumerate(entries, start=1):
        rule = _rule(entry, f"{file}: rule {_called(entry, number)}")
        if rule.name in rules:
            raise RuleError(f"{file}: rule '{rule.name}' stands there twice; give each its own name")
        rules[rule.name] = rule
    return tuple(rules.values())


def load_rules(path: Path) -> tuple[Rule, ...]:
    """Read the rules of a file.

    Raises
    ------
    RuleError
        If the file cannot be read or a rule in it cannot be used.
    """
    try:
        with path.open("rb") as stream:
            data = stream.read(MAX_FILE_BYTES + 1)
        text = data.decode()
    except OSError as error:
        raise RuleError(f"{path}: cannot be read: {error.strerror}") from None
    except UnicodeDecodeError as error:
        raise RuleError(f"{path}: byte {error.start} is not UTF-8; save the file as UTF-8") from None
    return read_rules(text, path.name)


@functools.cache
def _presets() -> Mapping[str, Rule]:
    """Read the rules that come with Soleus, once."""
    rules: dict[str, Rule] = {}
    for file in sorted(resources.files("soleus.rules").joinpath("presets").iterdir(), key=lambda each: each.name):
        if file.name.endswith(".toml"):
            rules |= {rule.name: rule for rule in read_rules(file.read_text("utf-8"), file.name)}
    return rules


def load_presets(own: Iterable[Rule] = ()) -> tuple[Rule, ...]:
    """Give the rules that come with Soleus, those of the runner's own beside them; an own one of a name replaces it.

    Examples
    --------
    >>> "distance-110" in [rule.name for rule in load_presets()]
    True
    """
    return tuple((dict(_presets()) | {rule.name: rule for rule in own}).values())


def _called(entry: Mapping[str, Any], number: int) -> str:
    name = entry.get("name")
    return f"'{name[:60]}'" if isinstance(name, str) else f"number {number}"


def _rule(entry: dict[str, Any], where: str) -> Rule:
    """Turn one table into a rule, or say what is wrong with it."""
    known = RuleText.__struct_fields__
    for key in entry:
        if key not in known:
            raise RuleError(f"{where}: unknown key '{key}'{did_you_mean(key, known)}")
    try:
        text = msgspec.convert(entry, RuleText)
    except msgspec.ValidationError as error:
        raise RuleError(f"{where}: {_readable(error)}") from None
    try:
        return _compile(text)
    except RuleError as error:
        raise RuleError(f"{where}: {error}") from None


def _readable(error: msgspec.ValidationError) -> str:
    """Put the key first in msgspec's message."""
    reason, _, path = str(error).partition(" - at `$.")
    return f"'{path.rstrip('`')}': {reason}" if path else reason


def _compile(text: RuleText) -> Rule:
    if (text.above is None) == (text.below is None):
        raise RuleError("give either 'above' or 'below'")
    above = text.above is not None
    signal = _expression("signal", text.signal, number=True)
    threshold = _expression("above" if above else "below", text.above if above else text.below, number=True)
    clear = threshold if text.clear is None else _expression("clear", text.clear, number=True)
    when = _expression("when", text.when, number=False) if text.when else None
    side = _expression("side", text.side, number=True) if text.side else None
    show = {name: _expression(f"show.{name}", value, number=True) for name, value in text.show.items()}
    rule = Rule(text, signal, threshold, clear, above, when, side, show)
    for key, expression in (("above" if above else "below", threshold), ("clear", clear)):
        check_threshold(signal, expression, key, above=above)
    check_clear(threshold, clear, above=above)
    _check_feet(rule)
    _check_template(text)
    if text.sustain_s % BIN_S:
        raise RuleError(f"'sustain_s' is {text.sustain_s:g}; give a multiple of {BIN_S:g} s")
    return rule


def _expression(key: str, value: str | float | None, *, number: bool) -> Expression:
    """Parse the expression of a key and check that it is a number, or a comparison."""
    try:
        expression = parse(quantity_expression(value) if isinstance(value, str) else repr(value))
    except RuleError as error:
        raise RuleError(f"'{key}': {error}") from None
    if expression.shape.truth == number:
        wanted = "a number" if number else "a comparison"
        raise RuleError(f"'{key}': '{expression.text}' is not {wanted}")
    return expression


def _check_feet(rule: Rule) -> None:
    """Check that the verdict is per foot where the rule says so, and only there."""
    per_foot = any(each is not None and each.shape.per_foot for each in (rule.signal, rule.threshold, rule.when))
    if per_foot != rule.per_foot:
        mend = "use both(x), left(x) or right(x)" if per_foot else "write foot = 'both'"
        raise RuleError(f"'foot' is '{rule.text.foot}' but the verdict is {'' if per_foot else 'not '}per foot; {mend}")
    if (rule.text.foot == "side") != (rule.side is not None):
        raise RuleError("'side' and foot = 'side' go together; give both or neither")
    if rule.side is not None and rule.side.shape.per_foot:
        raise RuleError("'side' must be one number, such as asymmetry(x)")


def _check_template(text: RuleText) -> None:
    """Check that the message names only what can be filled in."""
    words: Sequence[str] = [*TEMPLATE_WORDS, *text.show]
    try:
        parts = list(string.Formatter().parse(text.message))
    except ValueError as error:
        raise RuleError(f"'message': {error}") from None
    for _, name, layout, conversion in parts:
        if name is None:
            continue
        if name not in words:
            raise RuleError(f"'message': unknown word '{{{name}}}'{did_you_mean(name, words)}")
        if layout not in {"", SIGNED} or conversion:
            raise RuleError(f"'message': '{{{name}}}' takes no format but ':+'; the unit decides how it is shown")
    for name in text.show:
        if not name.isidentifier() or name in TEMPLATE_WORDS:
            raise RuleError(f"'show': '{name}' cannot be a name; use letters and underscores")
