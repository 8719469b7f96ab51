"""Tui: a sink that fills the terminal with the run's numbers."""

from __future__ import annotations

import threading
import time

from soleus.live.news import Controls, News, RunEnded, SamplesTaken
from soleus.live.numbers import RunNumbers
from soleus.live.snapshot import Snapshot, Trend
from soleus.live.tui.screen import RunScreen
from soleus.rules import HistorySummary


class Tui:
    """Show a run in the terminal.

    Parameters
    ----------
    controls
        What its keys do.
    title
        What is written at the top.
    history
        The runner's last weeks, if known.

    Examples
    --------
    ::

        tui = Tui(run, title="Tuesday")
        run.add_sink(tui)
        run.begin()
        tui.show()  # in the main thread, until the run has ended
    """

    def __init__(self, controls: Controls, *, title: str = "", history: HistorySummary | None = None) -> None:
        self._numbers = RunNumbers(history)
        self._lock = threading.Lock()
        self._heard_at = time.monotonic()
        self._samples_at: float | None = None
        self._ended = False
        self.closed = threading.Event()
        """Set once nothing follows."""
        self.screen = RunScreen(self, controls, title)
        """The application; :meth:`show` runs it."""

    def take(self, news: News) -> None:
        """Take one piece of news."""
        with self._lock:
            self._numbers.take(news)
            self._heard_at = time.monotonic()
            if isinstance(news, SamplesTaken):
                self._samples_at = self._heard_at
            self._ended = self._ended or isinstance(news, RunEnded)

    def close(self) -> None:
        """Leave the terminal; what is on it goes."""
        self.closed.set()

    def show(self) -> None:
        """Fill the terminal until the run has ended; in the main thread."""
        self.screen.run()

    @property
    def silent_s(self) -> float | None:
        """For how long no sample came [s, by the clock on the wall]; ``None`` before the first."""
        return None if self._samples_at is None else time.monotonic() - self._samples_at

    def look(self, name: str) -> tuple[Snapshot, Trend]:
        """Give what is shown now, and the last minute of one quantity."""
        with self._lock:
            passed_s = 0.0 if self._ended or self._numbers.phase is None else time.monotonic() - self._heard_at
            now_s = self._numbers.newest_s + passed_s
            return self._numbers.snapshot(now_s), self._numbers.trend(name, now_s)
