"""What a live run tells whoever shows or forwards it. Times are session times [s] unless their name says otherwise."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Protocol, TypeAlias

from soleus.model import Foot, PodInfo, PodSamples, Steps, Warnings


class Phase(StrEnum):
    """Where a run is."""

    LOOKING = "looking for the pods"
    STANDING = "stand still"
    READY = "ready"
    RUNNING = "running"
    STOPPING = "stopping"
    ENDED = "ended"


@dataclass(frozen=True, slots=True)
class PhaseChanged:
    """The run entered a phase; ``sentence`` says it to the runner."""

    time_s: float
    phase: Phase
    sentence: str


@dataclass(frozen=True, slots=True)
class PodJoined:
    """A pod streams from now on; comes before its first samples, and again when its information changed."""

    time_s: float
    pod: PodInfo


@dataclass(frozen=True, slots=True)
class SamplesTaken:
    """Samples as they were handed to the journal and the core."""

    samples: PodSamples


@dataclass(frozen=True, slots=True)
class StepsFound:
    """Steps that became final, in the core's order; ``session_now_s`` is when the core gave them."""

    session_now_s: float
    steps: Steps


@dataclass(frozen=True, slots=True)
class WarningsSaid:
    """Warnings the rules gave."""

    warnings: Warnings


@dataclass(frozen=True, slots=True)
class PodStatus:
    """How one pod is.

    Attributes
    ----------
    foot
        The foot it sits on.
    connected
        Whether it streams now.
    battery_pct, rssi_dbm
        As last told; ``None`` if never.
    received, lost
        Samples so far; ``lost`` counts every sample that will not come, whatever the cause.
    last_sample_s
        Session time of its newest sample.
    clock_error_ms
        How well its clock is known; ``None`` if unknown.
    """

    foot: Foot
    connected: bool
    battery_pct: int | None
    rssi_dbm: int | None
    received: int
    lost: int
    last_sample_s: float | None
    clock_error_ms: float | None


@dataclass(frozen=True, slots=True)
class RunStatus:
    """How the run is; told about once a second whether or not samples come.

    Attributes
    ----------
    session_now_s
        Session time of telling.
    phase
        Where the run is.
    pods
        Each pod in use.
    belt_speed_mps, belt_grade
        The belt as last read; ``None`` without one.
    heart_rate_bpm
        As last read; ``None`` without a strap.
    latency_s
        From a step's toe-off to its row, median of the last minute; ``None`` before the first step.
    on_disk_s
        Session time up to which everything is safe on disk; ``None`` if nothing is recorded.
    trouble
        What the runner must be told (disk full, link lost), one sentence each; empty if all is well.
    """

    session_now_s: float
    phase: Phase
    pods: tuple[PodStatus, ...]
    belt_speed_mps: float | None = None
    belt_grade: float | None = None
    heart_rate_bpm: float | None = None
    latency_s: float | None = None
    on_disk_s: float | None = None
    trouble: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Told:
    """Something the runner should know once, in one sentence: a link lost, feet swapped, a hole in the samples."""

    time_s: float
    sentence: str


@dataclass(frozen=True, slots=True)
class Marked:
    """The runner pressed a button: ``lap``, or ``pain`` with a rating of 0 to 10."""

    time_s: float
    kind: str
    value: float | None = None


@dataclass(frozen=True, slots=True)
class RunEnded:
    """Nothing follows; ``folder`` is the finished session, ``None`` if nothing was recorded."""

    time_s: float
    folder: Path | None
    sentence: str


News: TypeAlias = (
    PhaseChanged
    | PodJoined
    | SamplesTaken
    | StepsFound
    | WarningsSaid
    | RunStatus
    | Told
    | Marked
    | RunEnded
)  # fmt: skip


class Sink(Protocol):
    """Whoever wants the news of a run: terminal, page, outlet, exporter.

    ``take`` is called in the run's own thread, in order, and must return at once: a sink that has slow work to do
    keeps a bounded queue and a thread of its own. What it raises is told once, and the sink is left out from then on.
    """

    def take(self, news: News) -> None:
        """Take one piece of news."""

    def close(self) -> None:
        """Let go of everything; nothing follows."""


class Controls(Protocol):
    """What a page or a key may ask of a run. Each returns at once; the outcome comes as news. From any thread."""

    def start(self) -> None:
        """Begin the run, if it waits for that (phase READY)."""

    def stop(self) -> None:
        """End the run in order: the session is finished on disk, then :class:`RunEnded` is told."""

    def lap(self) -> None:
        """Begin a new lap now."""

    def pain(self, rating: float) -> None:
        """Note how much the calf hurts now, 0 to 10; the rules hear of it.

        Raises
        ------
        ValueError
            If the rating is not within 0 to 10.
        """

    def set_belt(self, speed_mps: float, grade: float = 0.0) -> None:
        """Take a belt speed [m/s] and grade typed by hand, as of now."""
