"""Steps to warnings: rules in a small language, the runner's own baselines, one engine for live and batch."""

from soleus.rules.baseline import BASELINE_SIGNALS, RunMinutes, SignalBaseline, fit_baselines, run_minutes
from soleus.rules.document import rules_markdown
from soleus.rules.engine import RuleEngine
from soleus.rules.errors import RuleError
from soleus.rules.expression import Expression, parse
from soleus.rules.history import HistorySummary
from soleus.rules.rulefile import Rule, RuleText, load_presets, load_rules, read_rules
from soleus.rules.signals import SIGNALS, Signal

__all__ = [
    "BASELINE_SIGNALS",
    "SIGNALS",
    "Expression",
    "HistorySummary",
    "Rule",
    "RuleEngine",
    "RuleError",
    "RuleText",
    "RunMinutes",
    "Signal",
    "SignalBaseline",
    "fit_baselines",
    "load_presets",
    "load_rules",
    "parse",
    "read_rules",
    "rules_markdown",
    "run_minutes",
]
