"""What came of a run, and the figures that tell how well it was seen."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import numpy as np

from soleus.gait.analyzer import FootCounts, GaitAnalyzer
from soleus.ingest.belt_check import BeltAgreement, compare_belt
from soleus.ingest.ble.events import LossCause
from soleus.ingest.ble.pod_stream import PodCounts
from soleus.live.devices import Pod
from soleus.model import Belt, Foot, PodInfo, PodSamples, Runner, Steps, Warnings
from soleus.recording import open_recording

LATENCIES_KEPT: Final = 200_000
"""Latencies kept at most: those of a day's run."""
CLOCK_FIGURES: Final = ("rate_ppm", "precision_s", "bias_bound_s", "residual_s")
MOVING_MPS: Final = 0.1
"""A belt slower than this stands [m/s]."""


@dataclass(frozen=True)
class Outcome:
    """What came of a run.

    Attributes
    ----------
    folder
        The session on disk; ``None`` if nothing was recorded.
    steps, warnings
        All that was found and said.
    pods, runner, belt, start_utc
        What they rest on.
    counts, samples, span_s
        As in :class:`soleus.batch.Result`.
    quality
        Loss by pod and cause, clocks, latency, by name as in ``session.json``.
    belt_agreement
        What belt and steps say of each other; ``None`` without a belt.
    notes
        What is to be known of the recording.
    """

    folder: Path | None
    steps: Steps
    warnings: Warnings
    pods: tuple[PodInfo, ...]
    runner: Runner
    belt: Belt | None
    start_utc: datetime | None
    counts: dict[Foot, FootCounts]
    samples: dict[Foot, int]
    span_s: tuple[float, float]
    quality: dict[str, int | float]
    belt_agreement: BeltAgreement | None
    notes: tuple[str, ...] = ()

    @property
    def extra(self) -> dict[str, Any]:
        """Facts for ``session.json``."""
        if self.belt_agreement is None:
            return {}
        found = self.belt_agreement
        return {
            "belt_agreement": {
                "steps": found.steps,
                "lag_s": found.lag_s,
                "lag_range_s": found.lag_range_s,
                "scale": found.scale,
                "scatter_mps": found.scatter_mps,
                "plausible": found.plausible,
                "sentence": found.sentence,
            }
        }


@dataclass(slots=True)
class Figures:
    """Gathers how fast a run is seen: latency from toe-off to row, and time of the pushes."""

    latency_s: deque[float] = field(default_factory=lambda: deque(maxlen=LATENCIES_KEPT))
    push_s: deque[float] = field(default_factory=lambda: deque(maxlen=LATENCIES_KEPT))
    _recent: deque[tuple[float, float]] = field(default_factory=deque)

    def add_steps(self, steps: Steps, now_s: float, within_s: float) -> None:
        """Take note of steps that became final now."""
        late = now_s - steps["toe_off_s"]
        self.latency_s.extend(late[np.isfinite(late)].tolist())
        self._recent.extend((now_s, each) for each in late[np.isfinite(late)].tolist())
        while self._recent and self._recent[0][0] < now_s - within_s:
            self._recent.popleft()

    @property
    def recent_latency_s(self) -> float | None:
        """Median latency of late [s]; ``None`` before the first step."""
        return float(np.median([each for _, each in self._recent])) if self._recent else None

    @property
    def quality(self) -> dict[str, int | float]:
        """Give median and tails by name, as ``session.json`` has them [s]."""
        found: dict[str, int | float] = {}
        for name, values in (("latency", self.latency_s), ("push", self.push_s)):
            if values:
                median, p95, p99 = np.percentile(values, [50, 95, 99]).tolist()
                found |= {f"{name}.median_s": median, f"{name}.p95_s": p95, f"{name}.p99_s": p99}
        return found


def radio_quality(pods: Sequence[Pod], counts: Mapping[Foot, PodCounts], late: Mapping[Foot, int]) -> dict[str, Any]:
    """Give loss by pod and cause, links lost and clocks by name, as ``session.json`` has them.

    Parameters
    ----------
    pods
        What is known of each pod.
    counts
        What the radio counted, where it is known.
    late
        Samples that came too late for the analysis.
    """
    found: dict[str, int | float] = {}
    for pod in pods:
        foot, counted = pod.foot.label, counts.get(pod.foot)
        causes = pod.lost if counted is None else counted.lost
        found |= {f"{foot}.loss.{cause.name.lower()}": causes.get(cause, 0) for cause in LossCause}
        found |= {f"{foot}.links_lost": pod.links_lost, f"{foot}.late": late.get(pod.foot, 0)}
        if counted is not None:
            found |= {f"{foot}.backfilled": counted.backfilled, f"{foot}.unaccounted": counted.unaccounted}
        for name in CLOCK_FIGURES:
            value = None if pod.clock is None else getattr(pod.clock, name)
            if value is not None:
                found[f"{foot}.clock.{name}"] = value
    return found


def belt_agreement(belt: Belt | None, folder: Path | None) -> BeltAgreement | None:
    """Compare the belt with the steps of a session as they are without it; ``None`` without a belt that moved."""
    if belt is None or folder is None or not (belt.speed_mps > MOVING_MPS).any():
        return None
    with open_recording(folder) as reader:
        gait = GaitAnalyzer(reader.pods, reader.runner)
        found = [gait.push(samples) for samples in reader.chunks()]
    steps = Steps.concat([*found, gait.finish()])
    return compare_belt(belt, steps["initial_contact_s"] - steps["stride_time_s"] / 2, steps["speed_mps"])


def joined_belt(readings: Sequence[Belt]) -> Belt | None:
    """Join belt readings; ``None`` without any."""
    if not readings:
        return None
    return Belt(
        np.concatenate([belt.time_s for belt in readings]),
        np.concatenate([belt.speed_mps for belt in readings]),
        np.concatenate([belt.grade for belt in readings]),
    )


def joined_samples(pieces: Sequence[PodSamples]) -> list[PodSamples]:
    """Join the pieces of each foot: the core works fastest on long ones."""
    joined = []
    for foot in Foot:
        mine = [piece for piece in pieces if piece.foot is foot]
        if len(mine) > 1:
            time_s = np.concatenate([piece.time_s for piece in mine])
            joined.append(PodSamples(foot, time_s, np.concatenate([piece.counts for piece in mine], axis=1)))
        else:
            joined += mine
    return joined
