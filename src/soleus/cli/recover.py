"""``soleus recover``: a session out of a journal."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

from cyclopts import Parameter

if TYPE_CHECKING:
    from rich.console import Console

    from soleus.recording import RecoveryReport

SENTENCES_SHOWN: Final = 20
"""Losses told one by one; JSON has them all."""


def recover(
    folder: list[Path],
    /,
    *,
    json: Annotated[bool, Parameter(negative=(), show_default=False)] = False,
) -> int:
    """Finish sessions that broke off: rebuild them from their journals and say what was lost.

    Exit status 1 if samples or readings are missing that had been recorded.

    Parameters
    ----------
    folder
        Session folders. One that is finished already stays as it is.
    json
        Print all figures as JSON.
    """
    from soleus.cli import EXIT_DONE, EXIT_SHORT
    from soleus.cli.terminal import screen, working, write_json
    from soleus.recording import recover as recover_session

    reports = []
    for place in folder:
        with working(f"Recovering {place} ..."):
            reports.append(recover_session(place))
        if not json:
            _show(screen(), reports[-1])
    if json:
        write_json({"recovered": reports})
    return EXIT_DONE if all(report.complete for report in reports) else EXIT_SHORT


def _show(console: Console, report: RecoveryReport) -> None:
    from rich.markup import escape

    from soleus.cli.terminal import clock

    what = "rebuilt from its journal" if report.outcome == "rebuilt" else "was whole already"
    console.print(f"{escape(report.folder)}: {what}", soft_wrap=True)
    for pod in report.pods:
        until = "" if pod.until_s is None or pod.from_s is None else f", {clock(pod.until_s - pod.from_s)}"
        console.print(f"  {pod.foot} foot: {pod.samples:,} samples{until}", soft_wrap=True)
    sentences = (*report.losses, *report.notes)
    for sentence in sentences[:SENTENCES_SHOWN]:
        console.print(f"  {escape(sentence)}", soft_wrap=True)
    if len(sentences) > SENTENCES_SHOWN:
        console.print(f"  and {len(sentences) - SENTENCES_SHOWN} more (--json lists all)")
    if not sentences:
        console.print("  Nothing is missing.")
