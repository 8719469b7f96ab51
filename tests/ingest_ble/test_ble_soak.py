"""An hour of two pods at 400 Hz with faults, as fast as the machine can: nothing unaccounted, memory flat."""

import asyncio
import gc
import resource
from pathlib import Path

import numpy as np
import pytest

from soleus.ingest.ble import Backend, Ingest, SamplesIn, Wish, pair, scan
from soleus.ingest.ble.bumble_backend import BumbleAdapter
from soleus.ingest.virtual import Fault, PacedLoop, VirtualWorld, WorldSetting
from soleus.model import Foot


def resident_mb():
    with Path("/proc/self/statm").open(encoding="ascii") as statm:
        return int(statm.read().split()[1]) * resource.getpagesize() / 1e6


@pytest.mark.slow
def test_one_hour(recorded):
    hour_s = 3600.0
    recording = recorded(hour_s + 20.0, 400.0)
    rng = np.random.default_rng(1)
    faults = tuple(
        Fault(float(at_s), Foot(int(rng.integers(2))), kind, amount)
        for kind, amount, each_s in (
            ("drop", 0.0, 300),
            ("silence", 6.0, 400),
            ("packets", 4.0, 120),
            ("overrun", 9, 500),
        )
        for at_s in np.arange(60.0, hour_s - 60.0, each_s) + rng.uniform(0, 50)
    )
    setting = WorldSetting(packet_error_rate=0.05, faults=faults)
    seen = dict.fromkeys(Foot, 0)
    right = dict.fromkeys(Foot, 0)
    memory = []

    async def main():
        world = await VirtualWorld.open(recording, setting)

        def take(event):
            if isinstance(event, SamplesIn):
                foot, n = event.samples.foot, len(event.samples)
                boot = world.pods[foot].boot
                column = event.first_index - boot.first_index + boot.first_column
                seen[foot] += n
                right[foot] += (
                    np.array_equal(event.samples.counts, recording.pods[foot].samples.counts[:, column : column + n])
                    * n
                )

        adapter = await BumbleAdapter.on_controller(world.controller())
        ingest = Ingest(
            Backend.of(adapter), pair(await scan(Backend.of(adapter), 1.0)).roles, take, world.now_s, Wish(400)
        )
        task = asyncio.create_task(ingest.run())
        while world.now_s() < hour_s:
            await asyncio.sleep(60.0)
            gc.collect()
            memory.append(resident_mb())
        ingest.stop()
        await task
        ends = {foot: pod.boot.end_index - pod.boot.first_index for foot, pod in world.pods.items()}
        counts = ingest.counts
        await adapter.close()
        await world.close()
        return counts, ends

    with asyncio.Runner(loop_factory=PacedLoop) as runner:
        counts, ends = runner.run(main())
    print(counts, [round(value) for value in memory])
    for foot in Foot:
        mine = next(count for name, count in counts.items() if name.startswith(foot.label))
        assert mine.unaccounted == 0
        assert mine.released == seen[foot] == right[foot]
        assert mine.released + sum(mine.lost.values()) == ends[foot]
    warm = memory[5]
    assert max(memory[5:]) - warm < 10.0
