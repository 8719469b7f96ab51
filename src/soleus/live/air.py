"""Virtual pods as a source: a recording over the whole Bluetooth path, no faster than asked."""

from __future__ import annotations

import asyncio
import time
from typing import Final

from soleus.ingest.ble import Radio, pair
from soleus.ingest.ble.pairing import Paired
from soleus.ingest.ble.soleus_link import Wish
from soleus.ingest.virtual.loop import PacedLoop
from soleus.ingest.virtual.radio import world_opener
from soleus.ingest.virtual.world import WorldSetting
from soleus.live.outcome import joined_samples
from soleus.model import Belt, Foot, HeartRate, PodSamples, PodTrack, Recording
from soleus.recording import RecordingReader

START_AFTER_S: Final = 4.0
"""The recording begins this long after the world [s]: scanning and connecting are over."""
SCAN_S: Final = 1.0
"""Virtual devices advertise several times in this time [s]."""
EVENTS_AHEAD: Final = 64
"""The radio runs at most this many events ahead of whoever takes them."""


def air_around(
    recording: Recording,
    setting: WorldSetting,
    *,
    heart_rate: HeartRate | None = None,
    speed: float | None = None,
) -> Radio:
    """Make a radio around which virtual pods, treadmill and strap play a recording.

    The radio's time is exact, free of the machine's scheduling; where the machine cannot hold the speed, it is slower.

    Parameters
    ----------
    recording
        What they measure.
    setting
        Radio, devices and faults.
    heart_rate
        What the strap shows; otherwise the recording's.
    speed
        Times real time at most; ``None``: as fast as events are taken.
    """
    pace = _Pace(speed)

    def loop() -> asyncio.AbstractEventLoop:
        pace.loop = PacedLoop(None, pace.brake)
        return pace.loop

    pace.radio = Radio("virtual", opener=world_opener(recording, setting, heart_rate), loop_factory=loop)
    return pace.radio


class _Pace:
    """Holds the world's time while it is ahead of whoever takes the events, or of real time."""

    def __init__(self, speed: float | None) -> None:
        self.radio: Radio | None = None
        self.loop: asyncio.AbstractEventLoop | None = None
        self._speed = speed
        self._zero: tuple[float, float] | None = None

    def brake(self) -> bool:
        if self.radio is None or self.loop is None or self.radio.closing:
            return False
        now_s, real_s = self.loop.time(), time.perf_counter()
        if self.radio.idle:
            # Between commands the time of the world must not run away.
            self._zero = None
            return True
        if self._zero is None:
            self._zero = now_s, real_s
        zero_s, zero_real_s = self._zero
        ahead = self._speed is not None and now_s - zero_s > (real_s - zero_real_s) * self._speed
        return ahead or self.radio.queued > EVENTS_AHEAD


def begin_streaming(radio: Radio, recording: Recording) -> Paired:
    """Scan, pair and stream, at the pods' own rate."""
    paired = pair(radio.scan(SCAN_S))
    rates = [round(track.info.rate_hz) for track in recording.pods if track.info.rate_hz]
    radio.stream(paired.roles, Wish(max(rates)) if rates else None)
    return paired


def ends_s(recording: Recording, setting: WorldSetting) -> float:
    """Give a session time [s] by which the recording is over, at most a second or two later than it is."""
    return setting.start_after_s + max(float(track.samples.time_s[-1]) for track in recording.pods)


def from_start(reader: RecordingReader) -> Recording:
    """Read a recording whole, its first sample at session time zero, as virtual pods play it."""
    parts: dict[Foot, list[PodSamples]] = {pod.foot: [] for pod in reader.pods}
    for chunk in reader.chunks():
        for samples in chunk:
            parts[samples.foot].append(samples)
    joined = {samples.foot: samples for pieces in parts.values() for samples in joined_samples(pieces)}
    firsts = [float(samples.time_s[0]) for samples in joined.values() if len(samples)]
    zero_s = min(firsts, default=0.0)
    belt, heart_rate = reader.belt, reader.heart_rate
    return Recording(
        tuple(
            PodTrack(pod, PodSamples(pod.foot, joined[pod.foot].time_s - zero_s, joined[pod.foot].counts))
            for pod in reader.pods
            if pod.foot in joined and len(joined[pod.foot])
        ),
        runner=reader.runner,
        belt=None if belt is None else Belt(belt.time_s - zero_s, belt.speed_mps, belt.grade),
        heart_rate=None if heart_rate is None else HeartRate(heart_rate.time_s - zero_s, heart_rate.rate_bpm),
    )
