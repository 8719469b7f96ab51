"""A virtual run over the whole Bluetooth path, as fast as the machine can, and what came out of it."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

import numpy as np
import pytest

from soleus.ingest.ble import Backend, BeltIn, Event, Ingest, PodCounts, SamplesIn, Wish, pair, scan
from soleus.ingest.ble.bumble_backend import BumbleAdapter
from soleus.ingest.ble.scan import ScanRow
from soleus.ingest.virtual import PacedLoop, VirtualWorld, WorldSetting
from soleus.ingest.virtual.pod_memory import Boot
from soleus.model import Foot, HeartRate, PodInfo, PodSamples, PodTrack, Recording


def recording_of(duration_s: float, rate_hz: float = 200.0, seed: int = 5, **parts) -> Recording:
    """Random counts at a steady rate: every sample is unlike its neighbours, so that none can stand for another."""
    rng = np.random.default_rng(seed)
    tracks = []
    for foot in Foot:
        n = int(duration_s * rate_hz)
        time_s = (np.arange(n) + 0.3 * foot) / rate_hz
        counts = rng.integers(-30000, 30000, (6, n), dtype=np.int16)
        info = PodInfo(foot, 16 * 9.80665 / 32768, 2000 / 32768 * np.pi / 180, rate_hz=rate_hz)
        tracks.append(PodTrack(info, PodSamples(foot, time_s, counts)))
    return Recording(tuple(tracks), **parts)


@dataclass
class Run:
    """What came out."""

    events: list[Event]
    counts: dict[str, PodCounts]
    rows: list[ScanRow]
    notes: tuple[str, ...]
    boots: dict[Foot, list[Boot]]
    world: VirtualWorld
    ends_s: float = 0.0
    errors: dict[Foot, np.ndarray] = field(default_factory=dict)

    def of(self, kind):
        return [event for event in self.events if isinstance(event, kind)]

    def samples(self, foot: Foot, role: Foot | None = None):
        """Indices, times, counts of all samples handed out in order for a foot."""
        parts = [event for event in self.of(SamplesIn) if event.samples.foot is foot]
        index = [np.arange(part.first_index, part.first_index + len(part.samples)) for part in parts]
        return (
            np.concatenate(index),
            np.concatenate([part.samples.time_s for part in parts]),
            np.concatenate([part.samples.counts for part in parts], axis=1),
        )

    def columns(self, foot: Foot, index: np.ndarray, boot: int = -1) -> np.ndarray:
        truth = self.boots[foot][boot]
        return index - truth.first_index + truth.first_column

    def time_errors_s(self, foot: Foot):
        """True time and error of the time of each sample, one boot."""
        index, time_s, _ = self.samples(foot)
        true_s = self.world.pods[foot].source.time_s[self.columns(foot, index)]
        return true_s, time_s - true_s


@pytest.fixture(scope="session")
def recorded():
    return recording_of


@pytest.fixture(scope="session")
def virtual_run():
    """Stream a recording through virtual pods for a while and stop in order."""

    def run(
        recording: Recording,
        duration_s: float,
        setting: WorldSetting | None = None,
        *,
        heart_rate: HeartRate | None = None,
        wish: Wish | None = None,
        choose=pair,
        during=None,
    ) -> Run:
        made: list[Run] = []

        async def main() -> None:
            world = await VirtualWorld.open(recording, setting, heart_rate)
            adapter = await BumbleAdapter.on_controller(world.controller())
            backend = Backend.of(adapter)
            rows = await scan(backend, 1.0)
            paired = choose(rows)
            events: list[Event] = []
            ingest = Ingest(backend, paired.roles, events.append, world.now_s, wish)
            task = asyncio.create_task(ingest.run())
            if during is not None:
                await during(world, ingest)
            await asyncio.sleep(max(0.0, duration_s - world.now_s()))
            ends_s = world.now_s()
            ingest.stop()
            await task
            boots = {foot: list(pod.boots) for foot, pod in world.pods.items()}
            counts = ingest.counts
            await adapter.close()
            await world.close()
            made.append(Run(events, counts, rows, paired.notes, boots, world, ends_s))

        with asyncio.Runner(loop_factory=PacedLoop) as runner:
            # Not returned: the runner writes out what a task returns, and that is long.
            runner.run(main())
        return made[0]

    return run


@pytest.fixture(scope="session")
def belt_times():
    return lambda run: np.array([event.belt.time_s[0] for event in run.of(BeltIn)])
