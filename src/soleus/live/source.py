"""Where the events of a run come from: the radio, or a recording that is played again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Protocol, TypeAlias

from soleus.ingest.ble.events import Event
from soleus.ingest.ble.pod_stream import PodCounts
from soleus.live.news import Marked

RunEvent: TypeAlias = Event | Marked
"""What a source brings; :class:`~soleus.live.news.Marked` for laps and pain of a recording that is played again."""


class Source(Protocol):
    """Whoever brings the events of a run, in order, the last one :class:`~soleus.ingest.ble.Ended`.

    :class:`soleus.ingest.ble.Radio` is one, once it streams.

    Attributes
    ----------
    start_utc
        Calendar time of session time zero.
    """

    start_utc: datetime | None

    def take(self, timeout_s: float = 0.1) -> Sequence[RunEvent]:
        """Give all events that wait, or those that come first within the time."""

    def now_s(self) -> float:
        """Session time [s]."""

    def set_belt(self, speed_mps: float, grade: float = 0.0) -> None:
        """Take a belt speed [m/s] and grade typed by hand, as of now."""

    def stop(self) -> None:
        """Ask for the end in order and return at once; events come until the end."""

    def counts(self) -> Mapping[str, PodCounts]:
        """Count the samples of each pod by what became of them, by device."""
