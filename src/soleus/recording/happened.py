"""Happenings of a run among its events: how they are recorded, and how an analysis finds them again."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final, Protocol

import msgspec
import pyarrow as pa
import pyarrow.compute as pc

from soleus.model import Foot, Happening, PainTold, Silence
from soleus.recording.events_file import EVENTS_FILE, Event, events_of, read_events_table
from soleus.recording.files import RecordingError
from soleus.recording.limits import DEFAULT_LIMITS, Limits

SILENCE: Final = "silence"
PAIN: Final = "pain"
"""Kinds of events that an analysis repeats."""


class EventTaker(Protocol):
    """Whoever records events, such as :class:`soleus.recording.Journal`."""

    def event(self, kind: str, time_s: float, value: Any = None) -> None:  # noqa: ANN401
        """Take an event."""


class _SilenceRecord(msgspec.Struct, frozen=True, kw_only=True):
    foot: str
    until_s: float
    after_samples: int


class _PainRecord(msgspec.Struct, frozen=True, kw_only=True):
    rating: float
    after_steps: int


def record_happening(taker: EventTaker, happening: Happening, time_s: float) -> None:
    """Record a happening as an event at a session time [s]."""
    match happening:
        case Silence(foot, until_s, after_samples):
            value: Any = {"foot": foot.label, "until_s": until_s, "after_samples": after_samples}
            taker.event(SILENCE, time_s, value)
        case PainTold(told_s, rating, after_steps):
            taker.event(PAIN, told_s, {"rating": rating, "after_steps": after_steps})


def happened_in(folder: Path, limits: Limits = DEFAULT_LIMITS) -> tuple[Happening, ...]:
    """Find the happenings of a session folder.

    Raises
    ------
    RecordingError
        If ``events.parquet`` is damaged.
    """
    try:
        return happened_of(read_events_table(folder / EVENTS_FILE, limits))
    except (msgspec.DecodeError, ValueError) as error:
        if isinstance(error, RecordingError):
            raise
        raise RecordingError(f"{folder / EVENTS_FILE}: {error}; remove the file to read the rest") from error


def happened_of(events: pa.Table) -> tuple[Happening, ...]:
    """Find the happenings of a table of events, in order; what else was called so is left alone."""
    mine = events.filter(pc.is_in(events.column("kind"), value_set=pa.array([SILENCE, PAIN])))
    found = [_happening(event) for event in events_of(mine)]
    return tuple(each for each in found if each is not None)


def _happening(event: Event) -> Happening | None:
    try:
        if event.kind == SILENCE:
            silence = msgspec.json.decode(event.json, type=_SilenceRecord)
            return Silence(Foot.parse(silence.foot), silence.until_s, silence.after_samples)
        pain = msgspec.json.decode(event.json, type=_PainRecord)
    except msgspec.ValidationError:
        return None
    return None if event.time_s is None else PainTold(event.time_s, pain.rating, pain.after_steps)
