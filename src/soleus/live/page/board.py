"""What all viewers look at: numbers, newest steps and log; the run's thread fills it, the server's reads it."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from typing import Any, Final

import msgspec

from soleus.live.news import Marked, News, RunEnded, SamplesTaken, StepsFound, Told, WarningsSaid
from soleus.live.numbers import RunNumbers
from soleus.live.page import told
from soleus.live.page.past import PastWeeks
from soleus.live.snapshot import Snapshot
from soleus.model import Foot
from soleus.rules import HistorySummary

ROWS_KEPT: Final = 2400
"""Steps that a viewer who comes late still gets: more than ten minutes of a quick runner's."""
SPOKEN_KEPT: Final = 8
"""How often the giving of one cue is remembered: once a display."""


class Board:
    """The state that every viewer is shown; it keeps no queue, so no viewer can make it grow.

    Parameters
    ----------
    title
        What is written at the top of the page.
    history
        The runner's last weeks, if known.
    """

    def __init__(self, title: str = "", history: PastWeeks | HistorySummary | None = None) -> None:
        past = PastWeeks(summary=history) if isinstance(history, HistorySummary) else history
        self._hello = told.hello(title, None if past is None else msgspec.to_builtins(past))
        self._lock = threading.Lock()
        self._numbers = RunNumbers(None if past is None else past.summary)
        self._rows: deque[list[Any]] = deque(maxlen=ROWS_KEPT)
        self._row_count = 0
        self._log_version = 0
        self._spoken: dict[int, list[str]] = {}
        self._muted = False
        self._heard_at = time.monotonic()
        self._samples_at: dict[Foot, float] = {}
        self._ended = False
        self.on_change: Callable[[], None] = nobody
        """Called after each change that viewers should see at once, in the thread that made it."""

    @property
    def muted(self) -> bool:
        """Whether sound is muted on all displays."""
        return self._muted

    @property
    def ended(self) -> bool:
        """Whether the run has ended."""
        return self._ended

    @property
    def row_count(self) -> int:
        """Steps so far; the serial number that the next one gets."""
        return self._row_count

    @property
    def log_version(self) -> int:
        """Rises whenever the log has something new."""
        return self._log_version

    def take(self, news: News) -> None:
        """Take one piece of news."""
        with self._lock:
            self._numbers.take(news)
            self._heard_at = time.monotonic()
            match news:
                case SamplesTaken(samples):
                    self._samples_at[samples.foot] = self._heard_at
                    return
                case StepsFound(_, steps):
                    rows = told.step_rows(steps)
                    self._rows.extend(rows)
                    self._row_count += len(rows)
                case WarningsSaid() | Marked() | Told():
                    self._log_version += 1
                case RunEnded():
                    self._ended = True
                    self._log_version += 1
                case _:
                    pass
        self.on_change()

    def mute(self, *, muted: bool) -> None:
        """Mute all displays, or let them sound again."""
        with self._lock:
            self._muted = muted
        self.on_change()

    def note_given(self, cue: int, how: str) -> bool:
        """Note that a display gave a cue to the runner; false if there is no such cue."""
        with self._lock:
            if not any(each.number == cue for each in self._snapshot().cues):
                return False
            given = self._spoken.setdefault(cue, [])
            if len(given) < SPOKEN_KEPT:
                given.append(how)
            self._log_version += 1
        self.on_change()
        return True

    def given(self, cue: int) -> tuple[str, ...]:
        """Tell how a cue was given by the displays that gave it."""
        with self._lock:
            return tuple(self._spoken.get(cue, ()))

    def hello(self) -> told.Plain:
        """Give what does not change."""
        return self._hello

    def now(self) -> told.Plain:
        """Give what a display shows now."""
        with self._lock:
            snapshot = self._snapshot()
            at = time.monotonic()
            silences = {int(foot): round(at - heard, 2) for foot, heard in self._samples_at.items()}
            muted = self._muted
        return told.now(snapshot, min(silences.values(), default=None), silences, muted=muted)

    def sums(self) -> told.Plain:
        """Give what grows with every step."""
        with self._lock:
            return told.sums(self._snapshot(), self._numbers.strike_counts)

    def log(self) -> told.Plain:
        """Give what happened so far."""
        with self._lock:
            return told.log(self._snapshot(), {number: tuple(given) for number, given in self._spoken.items()})

    def rows_from(self, serial: int) -> tuple[int, list[list[Any]]]:
        """Give the steps from a serial number on, as far as they are kept, and the number of the first given."""
        with self._lock:
            oldest = self._row_count - len(self._rows)
            first = min(max(serial, oldest), self._row_count)
            return first, [self._rows[i] for i in range(first - oldest, len(self._rows))]

    def _snapshot(self) -> Snapshot:
        if self._ended or self._numbers.phase is None:
            return self._numbers.snapshot()
        # Between news the session's clock goes on, so that old values fade when nothing comes any more.
        return self._numbers.snapshot(self._numbers.newest_s + time.monotonic() - self._heard_at)


def nobody() -> None:
    """Stand in while nobody wants to know."""
