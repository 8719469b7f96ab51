"""What an analysis does with the log: read it before the run, add the run after it."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Final

from soleus.history.feed import read_session_entry
from soleus.history.place import runner_file
from soleus.history.store import HistoryStore, Outcome
from soleus.history.summary import history_summary
from soleus.model import Runner
from soleus.rules import HistorySummary

OWNER: Final = ""
"""The name under which the owner of the log stands in it."""


def name_in_log(runner: Runner, owner: Runner | None = None) -> str:
    """Tell under which name a recording's runner stands in the log.

    Recordings that name nobody, or the owner, are the owner's; those of others are kept apart.

    Examples
    --------
    >>> name_in_log(Runner(name="Ada"), Runner(name="Ada")), name_in_log(Runner(name="Bo"), Runner(name="Ada"))
    ('', 'Bo')
    """
    mine = owner.name if owner is not None else ""
    return OWNER if runner.name in {"", mine} else runner.name


def owner_of_log() -> Runner | None:
    """Read the runner's file at its default place, if there is one."""
    from soleus.recording import load_runner

    file = runner_file()
    return load_runner(file) if file.is_file() else None


def summary_before(
    file: Path, start: datetime | None, runner: Runner, owner: Runner | None = None
) -> HistorySummary | None:
    """Sum up the log as it was when a run started; nothing if the log or the run's start is not known.

    Raises
    ------
    HistoryError
        If the log cannot be read.
    """
    if start is None or not file.exists():
        return None
    with HistoryStore(file) as store:
        return history_summary(store, start, name=name_in_log(runner, owner), runner=runner)


def add_session(
    file: Path, folder: str | Path, owner: Runner | None = None, when: datetime | None = None, name: str | None = None
) -> Outcome:
    """Put an analysed session folder into the log, which is made if need be.

    Raises
    ------
    HistoryError
        If the session has no start time or no steps, or the log cannot be written.
    """
    from msgspec.structs import replace

    entry = read_session_entry(folder, when=when)
    told = name_in_log(Runner(name=entry.runner), owner) if name is None else name
    with HistoryStore(file, create=True) as store:
        return store.put(replace(entry, runner=told))
