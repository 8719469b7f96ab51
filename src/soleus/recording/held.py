"""Samples for safekeeping in a journal: what had no final time or place yet when the program died.

They are recorded as events, ``held_samples``; once they are recorded in their place, ``held_done`` says up to which
index. What is not done in the end belongs to the recording: its times are provisional.
"""

from __future__ import annotations

import base64
import binascii
import dataclasses
from pathlib import Path
from typing import Any, Final

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from soleus.model import COUNT_CHANNELS, Foot, PodSamples, PodTrack
from soleus.recording.events_file import EVENTS_FILE, events_of, read_events_table
from soleus.recording.happened import EventTaker
from soleus.recording.session import read_session, write_session
from soleus.recording.session_file import read_session_record

HELD: Final = "held_samples"
HELD_DONE: Final = "held_done"
PIECE_SAMPLES: Final = 1000
"""Samples of an event at most: 27 kB of text."""


class _HeldRecord(msgspec.Struct, frozen=True, kw_only=True):
    foot: str
    first_index: int
    time_s: str
    counts: str


class _DoneRecord(msgspec.Struct, frozen=True, kw_only=True):
    foot: str
    index: int | None


def encoded_samples(samples: PodSamples, first_index: int) -> dict[str, Any]:
    """Write samples as the value of an event: times as little-endian doubles, counts as int16, in base64."""
    return {
        "foot": samples.foot.label,
        "first_index": first_index,
        "time_s": base64.b64encode(samples.time_s.astype("<f8").tobytes()).decode(),
        "counts": base64.b64encode(samples.counts.astype("<i2").tobytes()).decode(),
    }


def record_samples(taker: EventTaker, kind: str, samples: PodSamples, first_index: int) -> None:
    """Record samples as events of a kind, in pieces that fit."""
    for start in range(0, len(samples), PIECE_SAMPLES):
        part = samples[start : start + PIECE_SAMPLES]
        taker.event(kind, float(part.time_s[0]), encoded_samples(part, first_index + start))


def record_done(taker: EventTaker, foot: Foot, index: int | None, time_s: float) -> None:
    """Record that held samples before an index are in their place; all of them without an index."""
    taker.event(HELD_DONE, time_s, {"foot": foot.label, "index": index})


def held_back(events: pa.Table) -> dict[Foot, PodSamples]:
    """Find the samples by foot that were held in the end, in the pod's order."""
    mine = events.filter(pc.is_in(events.column("kind"), value_set=pa.array([HELD, HELD_DONE])))
    held: dict[Foot, dict[int, PodSamples]] = {}
    for event in events_of(mine):
        try:
            if event.kind == HELD:
                record = msgspec.json.decode(event.json, type=_HeldRecord)
                held.setdefault(Foot.parse(record.foot), {})[record.first_index] = _decoded(record)
            else:
                done = msgspec.json.decode(event.json, type=_DoneRecord)
                foot = Foot.parse(done.foot)
                held[foot] = {} if done.index is None else _after(held.get(foot, {}), done.index)
        except (msgspec.ValidationError, binascii.Error, ValueError):
            # Not as this program writes it: the rest of the recording is none the worse.
            continue
    return {foot: _joined(foot, pieces) for foot, pieces in held.items() if pieces}


def restore_held(folder: Path) -> tuple[str, ...]:
    """Put samples that were held in the end behind the others of their pod, in a session made of a journal.

    Returns
    -------
    tuple of str
        What was done, one sentence a pod; nothing if nothing was held.

    Raises
    ------
    soleus.recording.RecordingError
        If the session cannot be read or written.
    """
    events = read_events_table(folder / EVENTS_FILE)
    held = held_back(events)
    if not held:
        return ()
    recording, record = read_session(folder), read_session_record(folder)
    tracks, notes = [], []
    for known in recording.pods:
        track = known
        extra = held.get(track.info.foot)
        last_s = float(np.max(track.samples.time_s, initial=-np.inf))
        later = None if extra is None else extra[int(np.searchsorted(extra.time_s, last_s, side="right")) :]
        if later is not None and len(later):
            track = PodTrack(known.info, _joined(known.info.foot, {0: known.samples, len(known.samples): later}))
            foot, n = track.info.foot.label, len(later)
            notes.append(f"{foot} foot: the times of the last {n} samples are provisional, good to some 20 ms")
        tracks.append(track)
    write_session(
        dataclasses.replace(recording, pods=tuple(tracks), notes=(*recording.notes, *notes)),
        folder,
        configuration=record.configuration,
        quality=record.quality,
        events=events,
    )
    return tuple(notes)


def _appended(samples: PodSamples, later: PodSamples) -> PodSamples:
    time_s = np.concatenate([samples.time_s, later.time_s])
    return PodSamples(samples.foot, time_s, np.concatenate([samples.counts, later.counts], axis=1))


def _decoded(record: _HeldRecord) -> PodSamples:
    time_s = np.frombuffer(base64.b64decode(record.time_s, validate=True), "<f8")
    counts = np.frombuffer(base64.b64decode(record.counts, validate=True), "<i2")
    return PodSamples(
        Foot.parse(record.foot), time_s.astype(np.float64), counts.astype(np.int16).reshape(len(COUNT_CHANNELS), -1)
    )


def _after(pieces: dict[int, PodSamples], index: int) -> dict[int, PodSamples]:
    kept = {}
    for first, samples in pieces.items():
        cut = max(0, index - first)
        if cut < len(samples):
            kept[first + cut] = samples[cut:]
    return kept


def _joined(foot: Foot, pieces: dict[int, PodSamples]) -> PodSamples:
    """Join pieces in the order of their index; what two of them have counts once.

    The time on the way is known better with every packet, so of pieces that follow each other the later one's times
    are right, and the earlier ones are moved to meet them.
    """
    parts: list[tuple[int, PodSamples]] = []
    end = -1
    for first, samples in sorted(pieces.items()):
        cut = max(0, end - first)
        if cut < len(samples):
            parts.append((first + cut, samples[cut:]))
            end = first + len(samples)
    times = [part.time_s for _, part in parts]
    for i in range(len(parts) - 2, -1, -1):
        first, part = parts[i]
        if first + len(part) == parts[i + 1][0] and len(part) > 1:
            period_s = float(np.median(np.diff(part.time_s)))
            times[i] = times[i] + (times[i + 1][0] - period_s - times[i][-1])
    return PodSamples(foot, np.concatenate(times), np.concatenate([part.counts for _, part in parts], axis=1))
