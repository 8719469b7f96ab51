"""Runs as they happen: sources that play recordings, sinks that keep the news, sessions that come out."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from soleus.batch import Result, analyze
from soleus.live.outcome import Outcome
from soleus.live.replay import Replay
from soleus.live.run import LiveRun
from soleus.live.setting import RunSetting
from soleus.model import Recording
from soleus.recording import from_recording, open_recording
from soleus.simulate import Bout, Scenario, Sensor, simulate
from soleus.simulate.scenario import BeltReadings

NO_CHECK = RunSetting(stand_still=False)


@dataclass
class Ear:
    """A sink that keeps all news."""

    news: list = field(default_factory=list)
    closed: bool = False
    thread: threading.Thread | None = None

    def take(self, news):
        self.thread = threading.current_thread()
        self.news.append(news)

    def close(self):
        self.closed = True

    def of(self, kind):
        return [each for each in self.news if isinstance(each, kind)]


@dataclass
class Followed:
    """A run that was followed."""

    outcome: Outcome | None
    ear: Ear
    run: LiveRun

    def again(self) -> Result:
        """Analyse the recorded session as ``soleus analyze`` does."""
        with open_recording(self.outcome.folder) as reader:
            return analyze(reader)

    def same_again(self) -> bool:
        """Whether that gives the same, bit for bit."""
        result = self.again()
        return (
            result.step_rows == self.outcome.steps
            and result.warning_rows == self.outcome.warnings
            and result.samples == self.outcome.samples
            and result.span_s == self.outcome.span_s
        )


def play(recording: Recording, folder: Path | None, *, sinks=(), setting=NO_CHECK, during=None, speed=None, **how):
    """Replay a recording as a live run."""
    ear = Ear()
    run = LiveRun(
        Replay(from_recording(recording), speed),
        [track.info.foot for track in recording.pods],
        folder,
        runner=recording.runner,
        sinks=[ear, *sinks],
        setting=setting,
        **how,
    )
    run.begin()
    if during is not None:
        during(run)
    return Followed(run.join(120.0), ear, run)


@pytest.fixture(scope="session")
def played():
    return play


@pytest.fixture(scope="session")
def new_ear():
    return Ear


@pytest.fixture(scope="session")
def short_run() -> Recording:
    """Half a minute: standing, then running on a treadmill."""
    bouts = (
        Bout(kind="stand", duration_s=6.0),
        Bout(kind="run", speed_mps=3.0, duration_s=24.0, ramp_s=2.0),
    )
    return simulate(
        Scenario(name="short", bouts=bouts, sensor=Sensor(rate_hz=200.0), belt=BeltReadings()), seed=3
    ).recording
