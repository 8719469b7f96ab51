"""Rules made ready to run together: their shared trees, the rows they need and the plan that works them out."""

from __future__ import annotations

import functools
import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from soleus.rules.cue import LIVE_SCOPES, Compiled, compile_rule
from soleus.rules.evaluate import Plan
from soleus.rules.expression import Node
from soleus.rules.layout import Layout
from soleus.rules.rulefile import Rule

KEPT: Final = 8
"""Sets of rules kept ready, for runs to come with the same ones."""


@dataclass(frozen=True, slots=True, eq=False)
class RuleSet:
    """Some rules ready to run; it holds nothing of a run, so that runs can share it.

    Attributes
    ----------
    compiled, live
        All rules, and those looked at while running.
    layout
        Rows that they need.
    plan
        Works out when the live rules fire, then while they hold.
    min_quality
        Share of trustworthy steps that each live rule asks for, shape ``(rules, 1)``.
    """

    compiled: tuple[Compiled, ...]
    live: tuple[Compiled, ...]
    layout: Layout
    plan: Plan
    min_quality: npt.NDArray[np.float64]


def make_ready(rules: Iterable[Rule]) -> RuleSet:
    """Make rules ready to run; the same ones again cost nothing.

    Examples
    --------
    >>> from soleus.rules.rulefile import load_presets
    >>> make_ready(load_presets()) is make_ready(load_presets())
    True
    """
    return _made_ready(tuple(rules))


@functools.lru_cache(KEPT)
def _made_ready(rules: tuple[Rule, ...]) -> RuleSet:
    table: dict[object, Node] = {}
    compiled = tuple(compile_rule(rule, table) for rule in rules)
    live = tuple(each for each in compiled if each.rule.text.scope in LIVE_SCOPES)
    layout = Layout.of(table.values())
    plan = Plan([*(each.fires for each in live), *(each.holds for each in live)], layout.index)
    asked = [-math.inf if each.rule.text.scope == "run" else each.rule.text.min_quality for each in live]
    return RuleSet(compiled, live, layout, plan, np.array(asked, np.float64)[:, None])
