"""What every screening test does with its results: keep them, let the rules look at them, print both."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

from cyclopts import Parameter

if TYPE_CHECKING:
    from soleus.history import Body
    from soleus.model import Runner

Flag = Annotated[bool, Parameter(negative=(), show_default=False)]
STOP_ON_PAIN: Final = "Stop a test as soon as it hurts. Results are no diagnosis."


@Parameter(name="*")
@dataclass(frozen=True, slots=True)
class Keeping:
    """When a test was, where its result is kept and how it is shown.

    Parameters
    ----------
    date
        When it was, if the recording does not say; by default now.
    history
        The log that keeps the result; by default the runner's own.
    no_history
        Keep nothing.
    json
        Print the result as JSON.
    """

    date: str | None = None
    history: Annotated[Path | None, Parameter(name="--history")] = None
    no_history: Flag = False
    json: Flag = False

    @property
    def place(self) -> Path | None:
        """The log; ``None`` if nothing is kept."""
        from soleus.history import history_file

        return None if self.no_history else self.history or history_file()

    def moment(self, recorded: datetime | None = None) -> datetime:
        """Give when it was: as told, as recorded, or now."""
        from datetime import UTC

        from soleus.cli.amounts import parse_date

        if self.date is not None:
            return parse_date(self.date)[0]
        return recorded or datetime.now(UTC).replace(microsecond=0)


AS_USUAL: Final = Keeping()
"""Now, in the runner's own log, as text."""


def finish(
    bodies: list[Body], lines: list[str], runner: Runner, keeping: Keeping, recorded: datetime | None = None
) -> None:
    """Keep the results, let the rules look at them, and print everything."""
    import msgspec

    from soleus.cli.screen_text import show_verdict, verdict_as_json
    from soleus.cli.terminal import screen, write_json
    from soleus.history import HistoryStore, make_note, summarize
    from soleus.screening import judge

    when, place = keeping.moment(recorded), keeping.place
    new = [make_note(body, when) for body in bodies]
    notes = new
    if place is not None:
        with HistoryStore(place, create=True) as store:
            for note in new:
                store.note(note)
            notes = [*(note for note in store.notes(before_s=when.timestamp()) if _bears_on(note.body, bodies)), *new]
    verdict = judge(summarize([], notes, when), runner)
    if keeping.json:
        results = [msgspec.to_builtins(body) for body in bodies]
        kept = None if place is None else str(place)
        write_json({"at": when.isoformat(), "results": results, **verdict_as_json(verdict), "history": kept})
        return
    console = screen()
    for line in lines:
        console.print(line, soft_wrap=True, markup=False)
    show_verdict(console, verdict)
    where = "Nothing was kept." if place is None else f"Kept in {place}."
    console.print(f"{where} {STOP_ON_PAIN}", soft_wrap=True, markup=False, style="dim")


def _bears_on(body: Body, bodies: list[Body]) -> bool:
    """Tell whether an earlier note belongs to a test: the same test of the other side, or how sore the calves are."""
    from soleus.history import Soreness

    same = any(type(body) is type(new) and getattr(body, "knee", "") == getattr(new, "knee", "") for new in bodies)
    return same or isinstance(body, Soreness)
