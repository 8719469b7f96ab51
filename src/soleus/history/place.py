"""Where a runner's own files lie: the log, the runner's file, rules of one's own."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Final

HOME_VARIABLE: Final = "SOLEUS_HOME"
"""Environment variable that names another folder."""
HISTORY_NAME: Final = "history.sqlite"
RUNNER_NAME: Final = "runner.toml"
RULES_NAME: Final = "rules"


def home() -> Path:
    """Give the folder of the runner's own files, as the platform has it; it need not exist.

    Examples
    --------
    >>> home().name.lower()
    'soleus'
    """
    if told := os.environ.get(HOME_VARIABLE):
        return Path(told)
    user = Path.home()
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA") or user / "AppData" / "Local") / "Soleus"
    if sys.platform == "darwin":
        return user / "Library" / "Application Support" / "Soleus"
    return Path(os.environ.get("XDG_DATA_HOME") or user / ".local" / "share") / "soleus"


def history_file() -> Path:
    """Give the default place of the log."""
    return home() / HISTORY_NAME


def runner_file() -> Path:
    """Give the default place of the runner's file."""
    return home() / RUNNER_NAME


def own_rule_files() -> list[Path]:
    """List the rule files of one's own: every TOML file of the folder ``rules``, by name."""
    folder = home() / RULES_NAME
    return sorted(folder.glob("*.toml")) if folder.is_dir() else []
