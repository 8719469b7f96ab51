"""What is done with a run that has ended: its tables, its place in the log, its report."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.console import Console

    from soleus.batch.summary import Summary
    from soleus.cli.with_history import HistoryUse
    from soleus.live.outcome import Outcome


@dataclass(slots=True)
class Finish:
    """Write what belongs to a session that a run left on disk; call it with the run's outcome.

    Attributes
    ----------
    log
        The log in use.
    configuration
        How the run was recorded.
    report
        Whether report and FIT activity are written.
    summary, files, notes
        What came of it.
    """

    log: HistoryUse
    configuration: dict[str, Any] = field(default_factory=dict)
    report: bool = True
    summary: Summary | None = None
    files: list[Path] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def __call__(self, outcome: Outcome) -> Sequence[str]:
        """Write tables, record, log, report and activity; give sentences for the runner."""
        from soleus.batch import Result
        from soleus.batch.output import write_result
        from soleus.batch.summary import summarize
        from soleus.cli.with_history import remember

        if outcome.folder is None:
            return []
        result = Result(
            outcome.steps, outcome.warnings, outcome.pods, outcome.runner, outcome.belt, outcome.counts,
            outcome.samples, outcome.span_s, outcome.notes,
        )  # fmt: skip
        self.summary = summarize(result, str(outcome.folder))
        self.files += write_result(result, self.summary, outcome.folder, configuration=self.configuration)
        _note_radio(outcome, outcome.folder)
        self.notes.append(remember(self.log, outcome.folder))
        if self.report:
            self._write_more(outcome.folder)
        return [note for note in self.notes if note]

    def _write_more(self, folder: Path) -> None:
        from soleus.report import write_report
        from soleus.report.export import write_fit

        writers: tuple[Callable[[], Path], ...] = (
            lambda: write_report(folder, history=self.log.summary),
            lambda: write_fit(folder),
        )
        for write in writers:
            try:
                self.files.append(write())
            except (OSError, ValueError, ArithmeticError, LookupError) as error:
                # The session is whole; a report can be written again at any time.
                self.notes.append(f"{error} (the session itself is whole)")

    def show(self, console: Console) -> None:
        """Print the summary and what may help."""
        from soleus.cli.summary_text import show_summary
        from soleus.cli.with_history import help_for, show_help

        if self.summary is not None:
            console.print()
            show_summary(console, self.summary, self.files)
            show_help(console, help_for(self.summary), tuple(self.notes))

    def as_json(self, outcome: Outcome | None) -> dict[str, Any]:
        """Give everything as plain values."""
        from soleus.cli.with_history import help_as_json, help_for

        # The notes of a run that left a session are in its summary.
        notes = [*outcome.notes, *self.notes] if outcome is not None and outcome.folder is None else self.notes
        return {
            "folder": None if outcome is None or outcome.folder is None else str(outcome.folder),
            "summary": self.summary,
            "radio": {} if outcome is None else outcome.quality,
            "belt": {} if outcome is None else outcome.extra,
            "notes": [note for note in notes if note],
            "files": [str(file) for file in self.files],
            "guidance": [] if self.summary is None else help_as_json(help_for(self.summary)),
        }


def _note_radio(outcome: Outcome, folder: Path) -> None:
    """Put what the radio counted into the session's record."""
    import msgspec

    from soleus.recording import read_session_record, write_session_record

    record = read_session_record(folder)
    write_session_record(
        msgspec.structs.replace(
            record,
            quality=record.quality | outcome.quality,
            extra=record.extra | outcome.extra,
            notes=(*record.notes, *outcome.notes),
        ),
        folder,
    )
