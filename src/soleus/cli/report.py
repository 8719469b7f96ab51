"""``soleus report``: the report of a session, or two sessions beside each other."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

from cyclopts import Parameter

from soleus.cli.errors import UsageError

if TYPE_CHECKING:
    from soleus.rules import HistorySummary

NO_START: Final = "The session does not say when it was, so it was not compared with the history."
NO_HISTORY: Final = (
    "No history yet, so normal is what minutes 3-8 of the run itself show: soleus history rebuild FOLDERS starts one."
)
Flag = Annotated[bool, Parameter(negative=(), show_default=False)]


def report(
    session: list[Path] | None = None,
    /,
    *,
    compare: Annotated[tuple[Path, Path] | None, Parameter(negative=())] = None,
    out: Path | None = None,
    history: Annotated[Path | None, Parameter(name="--history")] = None,
    no_history: Flag = False,
    open: Flag = False,  # noqa: A002  (the word on the command line)
    json: Flag = False,
) -> None:
    """Write the report of a session, or of two beside each other, as one HTML file.

    The file needs nothing else and no network; print it from the browser for a PDF. A session must have been analysed.

    Parameters
    ----------
    session
        Session folders; each gets its own report.html.
    compare
        Two session folders instead: A, then B beside it at the same speeds, in comparison.html. For two pairs of shoes,
        or before and after.
    out
        File to write, for one session or a comparison; by default in the session's folder (of a comparison, B's).
    history
        The log to compare with; by default the runner's own, if there is one.
    no_history
        Use no log.
    open
        Show it in the browser.
    json
        Print what was written as JSON.
    """
    from soleus.cli.terminal import progress, screen, write_json
    from soleus.report import write_comparison, write_report

    sessions = session or []
    _check(sessions, compare, out)
    notes: list[str] = []
    if compare is not None:
        written = [write_comparison(*compare, out)]
    else:
        written = []
        for folder in progress(sessions, "Writing reports"):
            before, note = (None, "") if no_history else _weeks_before(folder, history)
            written.append(write_report(folder, out, history=before))
            notes += [note] if note else []
    if json:
        write_json({"files": [{"file": str(path), "bytes": path.stat().st_size} for path in written], "notes": notes})
    else:
        for path in written:
            screen().print(f"Wrote {path} ({path.stat().st_size / 1e6:.1f} MB)", soft_wrap=True, markup=False)
        for note in dict.fromkeys(notes):
            screen().print(note, soft_wrap=True, markup=False, style="dim")
    if open:
        _show(written)


def _check(sessions: list[Path], compare: tuple[Path, Path] | None, out: Path | None) -> None:
    if compare is not None and sessions:
        raise UsageError("give sessions or --compare A B, not both")
    if compare is None and not sessions:
        raise UsageError("give one or more session folders, or --compare A B")
    if out is not None and len(sessions) > 1:
        raise UsageError("--out names one file; without it each session gets its own report.html")
    if out is not None and out.is_dir():
        raise UsageError(f"--out {out}: is a folder; give a file name such as {out / 'run.html'}")


def _weeks_before(folder: Path, given: Path | None) -> tuple[HistorySummary | None, str]:
    """Take the weeks before a session from the log; say why if that cannot be."""
    from soleus.cli.with_history import use_history
    from soleus.recording import read_session_record

    if not folder.is_dir():
        return None, ""
    record = read_session_record(folder)
    if given is not None and not given.exists():
        raise UsageError(f"--history {given}: there is no such log")
    use = use_history(given, record.runner, record.start_utc, without=False)
    return use.summary, "" if use.summary is not None else (NO_START if record.start_utc is None else NO_HISTORY)


def _show(written: list[Path]) -> None:
    import webbrowser

    for path in written:
        webbrowser.open(path.resolve().as_uri())
