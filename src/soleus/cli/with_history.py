"""What an analysis takes from the runner's own files - log, rules, measures - and gives back to the log."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from datetime import datetime

    from rich.console import Console

    from soleus.batch.summary import Summary
    from soleus.guidance import Guidance
    from soleus.model import Runner
    from soleus.rules import HistorySummary

SEVEREST_FIRST: Final = ("stop", "caution", "notice", "info")


@dataclass(frozen=True, slots=True)
class HistoryUse:
    """The log in use for one analysis.

    Attributes
    ----------
    file
        The log; ``None`` if none is used.
    owner
        Whose log it is.
    summary
        The weeks before the run.
    note
        What is to be said of it.
    """

    file: Path | None
    owner: Runner | None
    summary: HistorySummary | None
    note: str


def use_history(given: Path | None, runner: Runner, start: datetime | None, *, without: bool) -> HistoryUse:
    """Open the log for an analysis: the one given, or the runner's own if there is one."""
    from soleus.history import history_file, owner_of_log, summary_before

    if without:
        return HistoryUse(None, None, None, "")
    file = given if given is not None else history_file()
    if given is None and not file.exists():
        return HistoryUse(None, None, None, "No history yet: soleus history rebuild FOLDERS starts one.")
    owner = owner_of_log()
    summary = summary_before(file, start, runner, owner)
    note = (
        ""
        if start is not None
        else "The recording does not say when it was, so it was not compared with the history nor added to it; "
        "add it with soleus history rebuild FOLDER --date DATE."
    )
    return HistoryUse(None if start is None else file, owner, summary, note)


def remember(use: HistoryUse, folder: Path) -> str:
    """Put the analysed session into the log; say what became of it. An analysis never fails for its log."""
    from soleus.history import HistoryError, add_session

    if use.file is None:
        return use.note
    try:
        outcome = add_session(use.file, folder, use.owner)
    except HistoryError as error:
        return f"Not added to the history: {error}"
    return f"History {use.file}: session {outcome}."


def or_own_runner(recorded: Runner) -> tuple[Runner, str]:
    """Take the runner's own file where a recording says nothing of who ran; say so."""
    from soleus.history import owner_of_log, runner_file
    from soleus.model import Runner

    own = owner_of_log() if recorded == Runner() else None
    return (recorded, "") if own is None else (own, f"Runner: {own.name or 'unnamed'}, from {runner_file()}.")


def help_for(summary: Summary) -> tuple[Guidance, ...]:
    """Choose the guidance that fits the warnings, the severest first."""
    from soleus.guidance import guidance_for

    findings = [(warning.rule, warning.severity) for warning in summary.warnings]
    return guidance_for(sorted(findings, key=lambda each: SEVEREST_FIRST.index(each[1])))


def show_help(console: Console, guidance: tuple[Guidance, ...], notes: tuple[str, ...]) -> None:
    """Print what may help and what became of the log."""
    for each in guidance:
        console.print(f"May help - {each.title}: {each.text}", soft_wrap=True, markup=False)
        console.print(f"  Not when: {each.not_when} ({each.source})", soft_wrap=True, markup=False, style="dim")
    for note in filter(None, notes):
        console.print(note, soft_wrap=True, markup=False, style="dim")


def help_as_json(guidance: tuple[Guidance, ...]) -> list[dict[str, Any]]:
    """Give guidance as plain values."""
    return [{"name": g.name, "text": g.text, "not_when": g.not_when, "source": g.source} for g in guidance]
