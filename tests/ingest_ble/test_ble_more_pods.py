"""Capture2Go, and pods that send neither time nor counter, beside a Soleus pod; by their virtual sides."""

import asyncio
from functools import partial

import numpy as np
import pytest

from soleus.ingest.ble import (
    Backend,
    ClockTold,
    HoleDeclared,
    Ingest,
    LossCause,
    Role,
    SamplesIn,
    Trouble,
    Wish,
    pair,
    scan,
)
from soleus.ingest.ble.bumble_backend import BumbleAdapter
from soleus.ingest.protocols.block import Stream
from soleus.ingest.protocols.metamotion import Sensor
from soleus.ingest.virtual import PacedLoop, PodClock, SampleSource, VirtualWorld, WorldSetting
from soleus.ingest.virtual.blind_pods import VirtualMetaMotion, VirtualThingy
from soleus.ingest.virtual.capture_pod import VirtualCapture2Go
from soleus.ingest.virtual.peripheral import Radio
from soleus.model import Foot, Recording


@pytest.fixture
def beside(recorded):
    """Stream from a Soleus pod and another one; give the other's samples, events, counts and source."""

    def run(kind, rate_hz, *, drop_at_s=None, during=None, until_s=40.0):
        made = recorded(70.0, rate_hz)
        small = made.pods[Foot.RIGHT]
        # Within the range of every pod.
        small.samples.counts[:] //= 8
        events = []

        async def main():
            world = await VirtualWorld.open(Recording((made.pods[Foot.LEFT],)), WorldSetting(packet_error_rate=0.05))
            source = SampleSource.of(small)
            other = kind(Radio(world.link), source, PodClock(0.0, 5e6, 60.0), world.now_s, address="F0:00:00:00:00:77")
            await other.power_on()
            adapter = await BumbleAdapter.on_controller(world.controller())
            backend = Backend.of(adapter)
            found = pair(await scan(backend, 1.0))
            ingest = Ingest(backend, found.roles, events.append, world.now_s, Wish(rate_hz=200))
            task = asyncio.create_task(ingest.run())
            if drop_at_s is not None:
                await asyncio.sleep(drop_at_s - world.now_s())
                other.drop_link()
            if during is not None:
                await asyncio.sleep(20.0 - world.now_s())
                during(other)
            await asyncio.sleep(until_s - world.now_s())
            ingest.stop()
            await task
            counts = next(count for name, count in ingest.counts.items() if name.startswith("right"))
            await other.close()
            await adapter.close()
            await world.close()
            return found, other, counts

        with asyncio.Runner(loop_factory=PacedLoop) as runner:
            found, other, counts = runner.run(main())
        assert {event.samples.foot for event in events if isinstance(event, SamplesIn)} == set(Foot)
        parts = [event for event in events if isinstance(event, SamplesIn) and event.samples.foot is Foot.RIGHT]
        return found, other, counts, events, parts

    return run


def joined(parts):
    return (
        np.concatenate([np.arange(part.first_index, part.first_index + len(part.samples)) for part in parts]),
        np.concatenate([part.samples.time_s for part in parts]),
        np.concatenate([part.samples.counts for part in parts], axis=1),
    )


def columns_of(source, counts):
    """Where each sample stands in the source: every sample is unlike all others."""
    place = {source.counts[:, i].tobytes(): i for i in range(len(source))}
    return np.array([place[np.ascontiguousarray(counts[:, i]).tobytes()] for i in range(counts.shape[1])])


def test_capture2go(beside):
    found, other, counts, events, parts = beside(VirtualCapture2Go, 200.0, drop_at_s=18.0, until_s=30.0)
    assert found.roles[Role.RIGHT].title == "Capture2Go"
    index, time_s, got = joined(parts)
    column = columns_of(other.source, got)
    assert np.array_equal(np.diff(column), np.diff(index)), "the index from time is right"
    assert np.abs(time_s - other.source.time_s[column]).max() < 6e-3
    holes = [event for event in events if isinstance(event, HoleDeclared)]
    assert [hole.cause for hole in holes] == [LossCause.AIR]
    assert counts.unaccounted == 0
    assert got.shape[1] + holes[0].samples == index[-1] - index[0] + 1
    told = [event for event in events if isinstance(event, ClockTold) and event.device.startswith("right")]
    assert told[-1].report.source == "exchanges"


BLIND = [
    pytest.param(partial(VirtualMetaMotion, sensor=Sensor.BMI160), 100.0, "MbientLab MetaMotion", id="bmi160"),
    pytest.param(partial(VirtualMetaMotion, sensor=Sensor.BMI270), 98.3, "MbientLab MetaMotion", id="bmi270"),
    pytest.param(VirtualThingy, 200.0, "Nordic Thingy:52", id="thingy52"),
]


@pytest.mark.parametrize(("kind", "rate_hz", "title"), BLIND)
def test_blind_pods(beside, kind, rate_hz, title):
    """Nothing is missing but around a lost link, where it is estimated from the time, and counted."""
    found, other, counts, events, parts = beside(kind, rate_hz, drop_at_s=16.0, until_s=28.0)
    assert found.roles[Role.RIGHT].title == title
    assert "lost packets cannot be noticed" in found.roles[Role.RIGHT].sentence
    told = [event for event in events if isinstance(event, Trouble) and "neither time nor counter" in event.sentence]
    assert len(told) == 1
    _, time_s, got = joined(parts)
    column = columns_of(other.source, got)
    (cut,) = np.flatnonzero(np.diff(column) != 1)
    assert cut > 11 * rate_hz
    assert (np.diff(time_s) > 0).all()
    for part in (slice(0, cut + 1), slice(cut + 1, None)):
        error = time_s[part] - other.source.time_s[column[part]]
        # They are announced as ±30 ms; how late depends on how busy this machine is.
        assert -1e-3 < np.median(error) < 20e-3, "late by what all arrivals have in common"
        assert np.abs(error - np.median(error)).max() < 20e-3
    (hole,) = [event for event in events if isinstance(event, HoleDeclared)]
    truly = int(np.diff(column).max()) - 1
    assert hole.cause is LossCause.AIR
    assert abs(hole.samples - truly) <= 0.05 * rate_hz + 0.03 * truly
    assert counts.unaccounted == 0
    clocks = [event for event in events if isinstance(event, ClockTold) and event.device.startswith("right")]
    assert clocks[-1].report.bias_bound_s == 0.03


def test_a_sensor_that_lost_packets_is_brought_back(beside):
    def lose(pod):
        pod.drop_frames[Stream.GYRO] = 5

    _, other, counts, _, parts = beside(VirtualMetaMotion, 100.0, during=lose, until_s=30.0)
    _, _, got = joined(parts)
    accel = {other.source.counts[:3, i].tobytes(): i for i in range(len(other.source))}
    gyro = {other.source.counts[3:, i].tobytes(): i for i in range(len(other.source))}
    apart = [
        gyro[np.ascontiguousarray(got[3:, i]).tobytes()] - accel[np.ascontiguousarray(got[:3, i]).tobytes()]
        for i in range(got.shape[1])
    ]
    assert set(apart[: 15 * 100]) == {0}
    assert abs(apart[-1]) <= 6, "paired again, but for what cannot be told"
    assert 0 < counts.lost[LossCause.UNPAIRED] <= 15
