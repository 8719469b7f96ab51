"""A sink behind a queue and a thread of its own: whatever it does, the run does not wait for it."""

from __future__ import annotations

import contextlib
import queue
import threading
from collections.abc import Callable
from typing import Final

from soleus.live.news import News, SamplesTaken, Sink

NEWS_WAITING: Final = 20_000
"""News that may wait for a sink: about three minutes of two pods; bounds the memory of a sink that hangs."""
CLOSE_S: Final = 5.0
"""How long a sink may take for what still waits at the end [s]."""


class Outlet:
    """Hands news to one sink, in order; leaves out samples first, then all, where it does not keep up.

    Parameters
    ----------
    sink
        Who takes the news.
    on_failure
        Called once with a sentence if the sink raises or falls behind, from its thread or the run's.
    """

    def __init__(self, sink: Sink, on_failure: Callable[[str], None]) -> None:
        self.left_out = 0
        self._sink = sink
        self._on_failure = on_failure
        self._queue: queue.SimpleQueue[News | None] = queue.SimpleQueue()
        self._failed = False
        self._behind = False
        self._thread = threading.Thread(target=self._hand_on, name=f"outlet-{self.name}", daemon=True)
        self._thread.start()

    @property
    def name(self) -> str:
        """What to call the sink."""
        return type(self._sink).__name__

    def put(self, news: News) -> None:
        """Hand over one piece of news; returns at once."""
        if self._failed:
            return
        waiting = self._queue.qsize()
        if waiting >= NEWS_WAITING or (waiting >= NEWS_WAITING // 2 and isinstance(news, SamplesTaken)):
            self.left_out += 1
            if not self._behind:
                self._behind = True
                self._on_failure(f"{self.name} does not keep up and misses some news; the recording is not touched")
            return
        self._queue.put(news)

    def close(self) -> None:
        """Hand on what waits, then let the sink close; one that hangs is left behind."""
        self._queue.put(None)
        self._thread.join(CLOSE_S)

    def _hand_on(self) -> None:
        while (news := self._queue.get()) is not None:
            if self._failed:
                continue
            try:
                self._sink.take(news)
            except Exception as error:  # noqa: BLE001 - a sink of anybody's may raise anything; the run goes on
                self._failed = True
                self._on_failure(f"{self.name} failed and is left out from now on: {type(error).__name__}: {error}")
        with contextlib.suppress(Exception):
            self._sink.close()
