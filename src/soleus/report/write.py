"""Write the report of one session, or of two beside each other, as one HTML file."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from soleus.recording import RecordingError
from soleus.recording.files import make_folder, write_atomically
from soleus.report.course import course_of
from soleus.report.run import Run, read_run
from soleus.report.session_page import session_page
from soleus.rules import HistorySummary

REPORT_FILE: Final = "report.html"
COMPARISON_FILE: Final = "comparison.html"


def write_report(session: str | Path, out: str | Path | None = None, *, history: HistorySummary | None = None) -> Path:
    """Write the report of an analysed session.

    Parameters
    ----------
    session
        A session folder with ``steps.parquet``: of a live run, or of ``soleus analyze``.
    out
        File to write; ``report.html`` in the session folder by default.
    history
        The weeks before the run, as :func:`soleus.history.summary_before` gives them; without it the run's own minutes
        3-8 are what is normal.

    Returns
    -------
    Path
        The file written; whole or not at all.

    Raises
    ------
    ReportError
        If the session has no steps yet.
    soleus.recording.RecordingError
        If a file cannot be read or written.
    """
    run = read_run(session)
    return write_run_report(run, Path(session) / REPORT_FILE if out is None else out, history=history)


def write_run_report(run: Run, out: str | Path, *, history: HistorySummary | None = None) -> Path:
    """Write the report of a run that is in memory; see :func:`write_report`.

    Examples
    --------
    >>> import tempfile
    >>> from soleus.model import Steps, Warnings
    >>> from soleus.recording import SessionRecord
    >>> run = Run("nothing", Steps.empty(), Warnings.empty(), SessionRecord(pods=()))
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_run_report(run, Path(folder) / "run.html").name
    'run.html'
    """
    return _write(Path(out), session_page(run, course_of(run.steps, run.name), history))


def write_comparison(before: str | Path, after: str | Path, out: str | Path | None = None) -> Path:
    """Write two sessions beside each other: two pairs of shoes, or before and after.

    Parameters
    ----------
    before, after
        Session folders, analysed; A and B of the page.
    out
        File to write; ``comparison.html`` in the second folder by default.

    Raises
    ------
    ReportError
        If a session has no steps yet.
    soleus.recording.RecordingError
        If a file cannot be read or written.
    """
    from soleus.report.comparison_page import comparison_page

    runs = (read_run(before), read_run(after))
    courses = (course_of(runs[0].steps, runs[0].name), course_of(runs[1].steps, runs[1].name))
    return _write(Path(after) / COMPARISON_FILE if out is None else Path(out), comparison_page(runs, courses))


def _write(path: Path, page: bytes) -> Path:
    make_folder(path.parent)

    def verify(temporary: Path) -> None:
        if temporary.stat().st_size != len(page):
            raise RecordingError(f"{path}: what was written could not be read back; try another disk")

    write_atomically(path, lambda file: _whole(file.write(page), len(page)), verify)
    return path


def _whole(written: int, wanted: int) -> None:
    if written != wanted:
        raise OSError(28, "no space left")
