"""A recording played again as events, in real time, faster, or as fast as they are taken."""

from __future__ import annotations

import heapq
import queue
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Final

import numpy as np

from soleus.ingest.ble.events import BeltIn, Ended, HeartRateIn, PodReady, SamplesIn
from soleus.ingest.ble.pod_stream import PodCounts
from soleus.ingest.ble.radio import steady_clock
from soleus.ingest.heart_rate import HeartRateReading
from soleus.ingest.treadmill import TreadmillReading
from soleus.live.news import Marked
from soleus.live.source import RunEvent
from soleus.model import Belt, FloatArray, Foot, HeartRate, PainTold, PodSamples
from soleus.recording import RecordingReader

PIECE_S: Final = 0.05
"""Length of the pieces [s]: some packets of a pod."""
RATE_UNKNOWN_HZ: Final = 200.0
"""Rate by which pieces are cut where the pod does not tell its own [Hz]."""
EVENTS_AT_ONCE: Final = 200
"""Events given at once at most: five seconds of two pods."""

Timed = tuple[float, int, RunEvent]


class Replay:
    """A source that plays a recording.

    Parameters
    ----------
    reader
        The recording; stays open until the end.
    speed
        Times real time; ``None``: as fast as events are taken.

    Examples
    --------
    >>> from soleus.model import PodInfo, PodTrack, Recording
    >>> from soleus.recording import from_recording
    >>> still = PodSamples(Foot.LEFT, np.arange(40) / 200, np.zeros((6, 40), np.int16))
    >>> replay = Replay(from_recording(Recording((PodTrack(PodInfo(Foot.LEFT, 0.005, 0.001), still),))), speed=None)
    >>> [type(event).__name__ for event in replay.take()]
    ['PodReady', 'SamplesIn', 'SamplesIn', 'SamplesIn', 'SamplesIn', 'Ended']
    """

    def __init__(self, reader: RecordingReader, speed: float | None = 1.0) -> None:
        if speed is not None and not speed > 0:
            raise ValueError(f"speed must be greater than 0, not {speed:g}")
        self.start_utc: datetime | None = reader.start_utc
        self._reader = reader
        self._speed = speed
        self._clock = steady_clock()
        self._timeline = self._events()
        self._next: Timed | None = None
        self._typed: queue.SimpleQueue[Belt] = queue.SimpleQueue()
        self._began_real_s: float | None = None
        self._first_s = 0.0
        self._played_s = 0.0
        self._stopping = False
        self._ended = False

    def take(self, timeout_s: float = 0.1) -> list[RunEvent]:
        """Give the events whose time has come, or those that come first within the time."""
        if self._ended:
            return []
        if self._began_real_s is None:
            self._began_real_s = self._clock()
            self._next = next(self._timeline, None)
            self._first_s = self._played_s = self._next[0] if self._next else 0.0
        events: list[RunEvent] = []
        until_real_s = self._clock() + timeout_s
        while True:
            self._take_typed(events)
            while self._next is not None and not self._stopping and len(events) < EVENTS_AT_ONCE:
                if self._speed is not None and self._next[0] > self.now_s():
                    break
                self._played_s = max(self._played_s, self._next[0])
                events.append(self._next[2])
                self._next = next(self._timeline, None)
            if self._next is None or self._stopping:
                self._ended = True
                return [*events, Ended(self._played_s)]
            if events or (left_s := until_real_s - self._clock()) <= 0:
                return events
            wait_s = 0.0 if self._speed is None else (self._next[0] - self.now_s()) / self._speed
            self._sleep(min(left_s, max(wait_s, 0.0)))

    def now_s(self) -> float:
        """Session time [s]."""
        if self._speed is None or self._began_real_s is None or self._ended:
            return self._played_s
        return self._first_s + (self._clock() - self._began_real_s) * self._speed

    def set_belt(self, speed_mps: float, grade: float = 0.0) -> None:
        """Take a belt speed [m/s] and grade typed by hand, as of now."""
        time_s = float(np.nextafter(max(self.now_s(), self._played_s), np.inf))
        self._typed.put(Belt(np.array([time_s]), np.array([float(speed_mps)]), np.array([float(grade)])))

    def stop(self) -> None:
        """End at the next events."""
        self._stopping = True

    def counts(self) -> Mapping[str, PodCounts]:
        """Tell nothing: nothing is lost on this way."""
        return {}

    def _sleep(self, seconds: float) -> None:
        try:
            self._typed.put(self._typed.get(timeout=max(seconds, 1e-3)))
        except queue.Empty:
            return

    def _take_typed(self, events: list[RunEvent]) -> None:
        while not self._typed.empty():
            belt = self._typed.get()
            events.append(_belt_in("typed by hand", belt))

    def _events(self) -> Iterator[Timed]:
        """Give all events with their time, in order; what is of one pod stays in that pod's order."""
        side = [self._readings(), self._marks()]
        yield from heapq.merge(self._pod_events(), *side, key=lambda timed: timed[:2])

    def _pod_events(self) -> Iterator[Timed]:
        taken = dict.fromkeys(Foot, 0)
        due_s = dict.fromkeys(Foot, -np.inf)
        announced = False
        for chunk in self._reader.chunks():
            timed: list[Timed] = []
            for samples in chunk:
                for piece in _pieces(samples, self._rate_hz(samples.foot)):
                    due_s[piece.foot] = max(due_s[piece.foot], _last_time(piece.time_s, due_s[piece.foot]))
                    timed.append((due_s[piece.foot], 3, SamplesIn(piece.foot.label, taken[piece.foot], piece)))
                    taken[piece.foot] += len(piece)
            timed.sort(key=lambda each: each[0])
            if timed and not announced:
                announced = True
                for pod in self._reader.pods:
                    yield timed[0][0], 0, PodReady(timed[0][0], pod.foot.label, pod)
            yield from timed

    def _rate_hz(self, foot: Foot) -> float:
        return next((pod.rate_hz for pod in self._reader.pods if pod.foot is foot and pod.rate_hz), RATE_UNKNOWN_HZ)

    def _readings(self) -> Iterator[Timed]:
        """Give belt and heart rate."""
        belt = self._reader.belt or Belt(np.empty(0), np.empty(0), np.empty(0))
        rates = self._reader.heart_rate or HeartRate(np.empty(0), np.empty(0))
        readings: list[Timed] = []
        for i, time_s in enumerate(belt.time_s.tolist()):
            reading = Belt(belt.time_s[i : i + 1], belt.speed_mps[i : i + 1], belt.grade[i : i + 1])
            readings.append((time_s, 1, _belt_in("treadmill", reading)))
        for time_s, rate in zip(rates.time_s.tolist(), rates.rate_bpm.tolist(), strict=True):
            known = round(rate) if np.isfinite(rate) else None
            readings.append((time_s, 2, HeartRateIn(time_s, "strap", HeartRateReading(known))))
        yield from sorted(readings, key=lambda timed: timed[:2])

    def _marks(self) -> Iterator[Timed]:
        """Give what the runner told in that run."""
        for happening in self._reader.happened:
            if isinstance(happening, PainTold):
                yield happening.time_s, 4, Marked(happening.time_s, "pain", happening.rating)


def _belt_in(device: str, belt: Belt) -> BeltIn:
    speed, grade = float(belt.speed_mps[0]), float(belt.grade[0])
    return BeltIn(device, belt, TreadmillReading(speed_mps=speed, grade=grade))


def _pieces(samples: PodSamples, rate_hz: float) -> Iterator[PodSamples]:
    size = max(1, round(PIECE_S * rate_hz))
    for start in range(0, len(samples), size):
        yield samples[start : start + size]


def _last_time(time_s: FloatArray, otherwise: float) -> float:
    known = time_s[np.isfinite(time_s)]
    return float(known.max()) if known.size else otherwise
