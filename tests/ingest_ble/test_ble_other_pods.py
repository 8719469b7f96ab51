"""Pods of other makers beside a Soleus pod, by their virtual sides; their protocols were not tried on devices."""

import asyncio

import numpy as np
import pytest

from soleus.ingest.ble import Backend, HoleDeclared, Ingest, LossCause, Role, SamplesIn, Wish, pair, scan
from soleus.ingest.ble.bumble_backend import BumbleAdapter
from soleus.ingest.virtual import PacedLoop, PodClock, SampleSource, VirtualWorld, WorldSetting
from soleus.ingest.virtual.other_pods import VirtualMovesense, VirtualPolar
from soleus.ingest.virtual.peripheral import Radio
from soleus.model import Foot, Recording


@pytest.mark.parametrize(("kind", "title"), [(VirtualMovesense, "Movesense"), (VirtualPolar, "Polar Verity Sense")])
def test_beside_a_soleus_pod(recorded, kind, title):
    made = recorded(60.0, 208.0)
    small = made.pods[Foot.RIGHT]
    # Within the range of every pod.
    small.samples.counts[:] //= 4
    events = []

    async def main():
        world = await VirtualWorld.open(Recording((made.pods[Foot.LEFT],)), WorldSetting(packet_error_rate=0.05))
        radio = Radio(world.link)
        other = kind(radio, SampleSource.of(small), PodClock(0.0, 5e6, 60.0), world.now_s, address="F0:00:00:00:00:77")
        await other.power_on()
        adapter = await BumbleAdapter.on_controller(world.controller())
        backend = Backend.of(adapter)
        rows = await scan(backend, 1.0)
        found = pair(rows)
        assert found.roles[Role.RIGHT].title == title
        ingest = Ingest(backend, found.roles, events.append, world.now_s, Wish(rate_hz=208))
        task = asyncio.create_task(ingest.run())
        await asyncio.sleep(25.0 - world.now_s())
        other.drop_link()
        await asyncio.sleep(15.0)
        ingest.stop()
        await task
        counts = ingest.counts
        source = other.source
        await other.close()
        await adapter.close()
        await world.close()
        return source, counts

    with asyncio.Runner(loop_factory=PacedLoop) as runner:
        source, counts = runner.run(main())
    assert {event.samples.foot for event in events if isinstance(event, SamplesIn)} == set(Foot)
    parts = [event for event in events if isinstance(event, SamplesIn) and event.samples.foot is Foot.RIGHT]
    got = np.concatenate([part.samples.counts for part in parts], axis=1)
    time_s = np.concatenate([part.samples.time_s for part in parts])
    index = np.concatenate([np.arange(p.first_index, p.first_index + len(p.samples)) for p in parts])
    first = int(np.flatnonzero((source.counts == got[:, :1]).all(axis=0))[0])
    assert np.array_equal(got, source.counts[:, index - index[0] + first]), "the index from time is right"
    assert np.abs(time_s - source.time_s[index - index[0] + first]).max() < 6e-3
    (hole,) = [event for event in events if isinstance(event, HoleDeclared)]
    assert hole.cause is LossCause.AIR
    mine = next(count for name, count in counts.items() if name.startswith("right"))
    assert mine.unaccounted == 0
    assert got.shape[1] + hole.samples == index[-1] - index[0] + 1
