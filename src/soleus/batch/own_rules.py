"""The rules of a batch: those that come with Soleus, and those of rule files beside them."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from pathlib import Path

from soleus.rules import Rule, load_presets, load_rules
from soleus.rules.rulefile import read_rules


@functools.lru_cache(maxsize=4)
def rules_of(texts: tuple[str, ...]) -> tuple[Rule, ...]:
    """Read rules from the texts of rule files.

    Raises
    ------
    soleus.rules.RuleError
        If one cannot be used.
    """
    return load_presets([rule for text in texts for rule in read_rules(text)])


def rule_texts(files: Sequence[Path]) -> tuple[str, ...]:
    """Check rule files and take their texts, for processes that may not see the files.

    Raises
    ------
    soleus.rules.RuleError
        If one cannot be read or used; the file, the rule, the key and the mend are named.
    """
    for file in files:
        load_rules(file)
    return tuple(file.read_text("utf-8") for file in files)
