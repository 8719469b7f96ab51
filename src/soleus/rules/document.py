"""The reference page of the rules, written from the rules themselves so that it cannot fall behind them."""

from __future__ import annotations

from collections.abc import Iterable

from soleus.rules.rulefile import SCOPE_MEANINGS, Rule
from soleus.rules.shapes import FUNCTION_MEANINGS
from soleus.rules.signals import SIGNALS
from soleus.rules.units import RATIO, UNITS, describe

_HEAD = """# The rules

This page is generated from the rules that come with Soleus (`src/soleus/rules/presets/`).

Loads are modelled from foot motion; no rule is a diagnosis, none tells the chance of an injury, and Soleus is not a
medical device. Pain overrides every measured value. Comparisons within a run are against the runner's own minutes 3-8
at the same speed (±0.1 m/s) and grade (±0.5 %), so that a change of pace never looks like fatigue.
Rules for level ground take an unknown grade (no treadmill connected) as level.

**How often it speaks.** One cue at a time, at most one in ten minutes unless the severity rises; each rule's pause
doubles after every time it spoke. A rule stays silent when fewer than its share of the last minute's steps can be
trusted. After a *stop* nothing else is said.
"""


def rules_markdown(rules: Iterable[Rule]) -> str:
    """Write the reference page: every rule with its threshold, message, source and caveat; then the language.

    Examples
    --------
    >>> from soleus.rules.rulefile import load_presets
    >>> rules_markdown(load_presets()).splitlines()[0]
    '# The rules'
    """
    listed = list(rules)
    parts = [_HEAD, "## Overview\n", _overview(listed), "## Each rule\n"]
    parts += [_rule(rule) for rule in listed]
    parts += [_language()]
    return "\n".join(parts).rstrip() + "\n"


def _overview(rules: list[Rule]) -> str:
    lines = ["| rule | severity | looked at |", "|---|---|---|"]
    for rule in rules:
        when = SCOPE_MEANINGS[rule.text.scope]
        lines.append(f"| [{rule.text.title}](#{rule.name}) | {rule.text.severity} | {when} |")
    return "\n".join(lines) + "\n"


def _rule(rule: Rule) -> str:
    """Write one rule's section."""
    text = rule.text
    timing = []
    if text.sustain_s:
        timing.append(f"for at least {text.sustain_s:g} s")
    if rule.clear.text != rule.threshold.text:
        timing.append(f"lets go at `{rule.clear.text}`")
    condition = f"`{rule.signal.text}` {'>' if rule.above else '<'} `{rule.threshold.text}`"
    source = f"{text.reference} [doi:{text.doi}](https://doi.org/{text.doi})" if text.doi else text.reference
    lines = [
        f"### {rule.name}\n",
        f"**{text.title}** ({text.severity})\n",
        f"- *fires when* {', '.join([condition, *timing])}",
    ]
    if rule.when is not None:
        lines.append(f"- *only when* `{rule.when.text}`")
    lines += [f"- *says* {text.message}", f"- *source* {source}"]
    if text.caveat:
        lines.append(f"- *caveat* {text.caveat}")
    return "\n".join(lines) + "\n"


def _language() -> str:
    """Write the signals, functions and units."""
    lines = ["## Rules of your own\n", _OWN, "### Signals\n", "| signal | unit | meaning |", "|---|---|---|"]
    for signal in SIGNALS.values():
        unit = "-" if signal.dimension == RATIO else describe(signal.dimension)
        lines.append(f"| `{signal.name}` | {unit} | {signal.meaning} |")
    lines += ["\n### Functions\n", "| function | meaning |", "|---|---|"]
    lines += [f"| `{name}` | {meaning} |" for name, meaning in FUNCTION_MEANINGS.items()]
    lines += ["\n### Units\n", ", ".join(f"`{name}`" for name in UNITS)]
    return "\n".join(lines) + "\n"


_OWN = """A rule file is TOML with one `[[rule]]` table a rule; a rule with the name of one above replaces it.
Expressions know `+ - * /`, `< <= > >=`, `and or not`, the signals, functions and units below, and nothing else.
A number that is compared with a measured one carries its unit: `240*ms`, or `"240 ms"` where a whole threshold is
meant. What is unknown stays unknown and never makes a rule fire.

A message has words filled in: `{value}`, `{threshold}`, `{reference}` (the baseline that the threshold rests on),
`{change}` (value against it), `{since}` (the minute), `{held}`, `{speed}`, `{grade}`, `{foot}` ("the left foot"),
`{side}` and `{Side}`, and whatever `show = { name = "expression" }` names. `{name:+}` keeps the plus of a number.

```toml
[[rule]]
name = "my-contact-time"
title = "Contact time above 280 ms"
scope = "window"
signal = "median(contact_time, 60*s)"
above = "280 ms"
clear = "270 ms"
foot = "each"
sustain_s = 60
severity = "info"
message = "{Side}: contact time {value} at {speed}, since {since}."
reference = "My physiotherapist"
```
"""
