"""A sample session played into a page as if it were happening: the real pipeline, in pieces of 50 ms."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import numpy as np

import soleus
from soleus.live.news import (
    Marked,
    Phase,
    PhaseChanged,
    PodJoined,
    PodStatus,
    RunEnded,
    RunStatus,
    SamplesTaken,
    StepsFound,
    WarningsSaid,
)
from soleus.model import Belt, Foot
from soleus.pipeline import Pipeline

SAMPLES = Path(__file__).resolve().parents[2] / "sample_data"
PIECE_S = 0.05
TICK_S = 0.02
LATENCIES_KEPT = 100


class Player:
    """Plays a recording to sinks and takes the buttons' presses.

    What lies before ``start_s`` is played at once, so that a page has something to show.
    """

    def __init__(self, session: str = "one_sided_fatigue", start_s: float = 0.0, speed: float = 1.0) -> None:
        self.recording = soleus.read(SAMPLES / session)
        self.sinks = []
        self.start_s, self.speed = start_s, speed
        self.pressed: list[tuple] = []
        self.silent: set[Foot] = set()
        self.paused = threading.Event()
        self.errors: list[BaseException] = []
        self._pipeline = Pipeline([t.info for t in self.recording.pods], self.recording.runner)
        self._taken = dict.fromkeys(Foot, 0)
        self._latencies: list[float] = []
        self._belt_told = False
        self._lock = threading.RLock()
        self._stop = threading.Event()
        self._phase = Phase.RUNNING
        self.now_s = 0.0
        self._thread = threading.Thread(target=self._run, daemon=True)

    # What a page may ask for.
    def start(self) -> None:
        self.pressed.append(("start",))
        self._tell(PhaseChanged(self.now_s, Phase.RUNNING, "Run. I will speak up if something changes."))

    def stop(self) -> None:
        self.pressed.append(("stop",))
        self._stop.set()

    def lap(self) -> None:
        self.pressed.append(("lap",))
        self._tell(Marked(self.now_s, "lap"))

    def pain(self, rating: float) -> None:
        self.pressed.append(("pain", rating))
        with self._lock:
            said, _ = self._pipeline.tell_pain(self.now_s, rating)
        self._tell(Marked(self.now_s, "pain", rating))
        if len(said):
            self._tell(WarningsSaid(said))

    def set_belt(self, speed_mps: float, grade: float = 0.0) -> None:
        self.pressed.append(("belt", speed_mps, grade))

    def begin(self) -> None:
        self._tell(PhaseChanged(0.0, Phase.LOOKING, "Looking for the pods."))
        for track in self.recording.pods:
            self._tell(PodJoined(0.0, track.info))
        self._tell(PhaseChanged(0.0, Phase.RUNNING, "Run. I will speak up if something changes."))
        self._play_until(self.start_s, piece_s=5.0)
        self._latencies.clear()
        self._status()
        self._thread.start()

    def end(self) -> None:
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join(10)

    def _run(self) -> None:
        try:
            before, status = time.monotonic(), 0.0
            until_s = self.now_s
            last_s = float(self.recording.pods[0].samples.time_s[-1])
            while not self._stop.wait(TICK_S) and self.now_s < last_s:
                at = time.monotonic()
                if not self.paused.is_set():
                    until_s += (at - before) * self.speed
                    self._play_until(until_s, piece_s=PIECE_S)
                before = at
                if at - status >= 1.0:
                    status = at
                    self._status()
            self._tell(RunEnded(self.now_s, None, "The run has ended. Its session is on disk."))
        except BaseException as error:
            self.errors.append(error)
            raise

    def _play_until(self, until_s: float, piece_s: float) -> None:
        while self.now_s + piece_s <= until_s:
            self.now_s += piece_s
            pieces = []
            for track in self.recording.pods:
                foot = track.info.foot
                end = int(np.searchsorted(track.samples.time_s, self.now_s, side="right"))
                piece = track.samples[self._taken[foot] : end]
                self._taken[foot] = end
                if len(piece) and foot not in self.silent:
                    pieces.append(piece)
            with self._lock:
                steps, warnings = self._pipeline.push(pieces, self._belt())
            for piece in pieces:
                self._tell(SamplesTaken(piece))
            if len(steps):
                self._latencies = [*self._latencies, *(self.now_s - steps["toe_off_s"]).tolist()][-LATENCIES_KEPT:]
                self._tell(StepsFound(self.now_s, steps))
            if len(warnings):
                self._tell(WarningsSaid(warnings))

    def _belt(self) -> Belt | None:
        told, self._belt_told = self._belt_told, True
        return None if told else self.recording.belt

    def _status(self) -> None:
        pods = tuple(
            PodStatus(
                foot, foot not in self.silent, 82 - 5 * foot, -61 - 7 * foot, taken, taken // 900, self.now_s, 0.4
            )
            for foot, taken in self._taken.items()
        )
        speed = float(self.recording.belt.speed_mps[-1]) if self.recording.belt else None
        latency = float(np.median(self._latencies)) if self._latencies else None
        self._tell(RunStatus(self.now_s, self._phase, pods, speed, 0.0, 148.0, latency, self.now_s))

    def _tell(self, news) -> None:
        for sink in self.sinks:
            sink.take(news)
