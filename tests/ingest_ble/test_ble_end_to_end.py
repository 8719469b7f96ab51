"""Two pods, treadmill and strap over real ATT: every sample that left a shoe comes out, once, in order, in time."""

import asyncio

import numpy as np
import pytest

from soleus.ingest.ble import (
    BatteryTold,
    BeltIn,
    Ended,
    HeartRateIn,
    HoleDeclared,
    LateSamples,
    LinkLost,
    LinkUp,
    LossCause,
    PodReady,
    PodRestarted,
    SamplesIn,
    Trouble,
)
from soleus.ingest.virtual import Fault, WorldSetting
from soleus.model import Belt, Foot, HeartRate

BELT = Belt(np.arange(0.0, 60.0), 3.0 + 0.01 * np.arange(60), np.full(60, 0.01))
STRAP = HeartRate(np.arange(0.0, 60.0), 120.0 + np.arange(60))


def complete(run, foot, boot=-1):
    """Whether all samples of a pod came, bit for bit; the indices that did."""
    index, time_s, counts = run.samples(foot)
    truth = run.world.pods[foot].source.counts[:, run.columns(foot, index, boot)]
    assert np.array_equal(counts, truth), "counts are those of their index"
    assert (np.diff(index) > 0).all(), "in device order, each once"
    assert (np.diff(time_s) > 0).all()
    return index


@pytest.fixture(scope="module")
def rough(recorded, virtual_run):
    """Ten per cent of packets lost, two link losses, packets lost in a queue, a split belt record."""
    faults = (
        Fault(15.0, Foot.LEFT, "drop"),
        Fault(22.0, Foot.RIGHT, "silence", 7.0),
        Fault(34.0, Foot.LEFT, "packets", 5),
    )
    setting = WorldSetting(packet_error_rate=0.1, faults=faults, split_belt=True, seed=3)
    return virtual_run(recorded(60.0, belt=BELT), 45.0, setting, heart_rate=STRAP)


@pytest.mark.parametrize("foot", list(Foot))
def test_every_sample_comes(rough, foot):
    index = complete(rough, foot)
    boot = rough.boots[foot][0]
    assert index[0] == boot.first_index
    assert index[-1] == boot.end_index - 1
    assert index.size == boot.end_index - boot.first_index, "nothing is missing"
    assert index.size > 35 * 200


def test_nothing_is_unaccounted(rough):
    for counts in rough.counts.values():
        assert (counts.unaccounted, counts.waiting, sum(counts.lost.values())) == (0, 0, 0)
        assert counts.released == counts.expected
    lost = rough.of(LinkLost)
    assert [round(event.time_s) for event in lost] == [15, 26], "4 s of supervision after the silence began"
    back = [event for event in rough.of(LinkUp) if event.outage_s is not None]
    assert len(back) == 2
    assert all(event.outage_s < 8.0 for event in back)
    assert all(counts.backfilled > 100 for counts in rough.counts.values())
    assert not rough.of(HoleDeclared)
    assert isinstance(rough.events[-1], Ended)


def test_pods_are_described_before_their_samples(rough):
    kinds = [type(event) for event in rough.events]
    assert len(rough.of(PodReady)) == 2, "and not again after a reconnection"
    for ready in rough.of(PodReady):
        first = next(event for event in rough.events if isinstance(event, SamplesIn) and event.device == ready.device)
        assert rough.events.index(ready) < rough.events.index(first)
        assert ready.info.rate_hz == 200.0
        assert ready.info.maker == "Soleus"
    assert BatteryTold in kinds


def test_belt_and_heart_rate(rough):
    readings = rough.of(BeltIn)
    assert len(readings) >= 38
    times = np.array([event.belt.time_s[0] for event in readings])
    shown, grade = BELT.at(times - 0.2)
    told = np.array([event.belt.speed_mps[0] for event in readings])
    assert np.abs(told - shown).max() < 0.0125, "as shown, to 0.01 km/h and one record's delay"
    assert np.array_equal(np.array([event.belt.grade[0] for event in readings]).round(3), grade)
    rates = [event.reading.rate_bpm for event in rough.of(HeartRateIn)]
    assert rates == sorted(rates)
    assert len(rates) >= 38


def test_belt_never_lies_in_the_past_of_samples(rough):
    handed_out_s = last_s = -np.inf
    for event in rough.events:
        if isinstance(event, SamplesIn):
            handed_out_s = max(handed_out_s, event.samples.time_s[-1])
        elif isinstance(event, BeltIn):
            assert event.belt.time_s[0] >= handed_out_s
            assert event.belt.time_s[0] > last_s
            last_s = event.belt.time_s[0]


def test_scanned_rows(rough):
    assert [row.title for row in rough.rows] == ["Soleus pod", "Soleus pod", "Treadmill (FTMS)", "Heart-rate strap"]
    assert rough.rows[0].cells() == ("Soleus A0E1", "Soleus pod", "left", "-50 dBm", "80 %", "Soleus pod: usable.")


@pytest.mark.parametrize("mtu", [23, 65, 185, 247])
def test_any_mtu(recorded, virtual_run, mtu):
    setting = WorldSetting(mtu=mtu, faults=(Fault(9.0, Foot.LEFT, "drop"),))
    run = virtual_run(recorded(20.0), 14.0, setting)
    assert {event.mtu for event in run.of(LinkUp)} == {mtu}
    for foot in Foot:
        index = complete(run, foot)
        assert index.size == run.boots[foot][0].end_index - run.boots[foot][0].first_index


def test_what_the_sensor_lost_is_declared(recorded, virtual_run):
    run = virtual_run(recorded(25.0), 18.0, WorldSetting(faults=(Fault(12.0, Foot.RIGHT, "overrun", 37),)))
    (hole,) = run.of(HoleDeclared)
    gone = run.boots[Foot.RIGHT][0].never_held[0]
    assert (hole.first_index, hole.samples, hole.cause, hole.foot) == (gone.start, 37, LossCause.POD, Foot.RIGHT)
    index = complete(run, Foot.RIGHT)
    assert not set(gone) & set(index.tolist())
    counts = run.counts["right Soleus A0E2"]
    assert (counts.unaccounted, counts.lost[LossCause.POD]) == (0, 37)


def test_what_the_ring_no_longer_holds_is_declared(recorded, virtual_run):
    setting = WorldSetting(ring_s=3.0, faults=(Fault(10.0, Foot.LEFT, "silence", 9.0),))
    run = virtual_run(recorded(35.0), 30.0, setting)
    (hole,) = run.of(HoleDeclared)
    assert hole.cause is LossCause.OVERWRITTEN
    counts = run.counts["left Soleus A0E1"]
    boot = run.boots[Foot.LEFT][0]
    assert counts.unaccounted == 0
    assert counts.released + counts.lost[LossCause.OVERWRITTEN] == boot.end_index - boot.first_index
    assert 4.0 < hole.samples / 200 < 9.0
    complete(run, Foot.LEFT)


def test_firmware_restart(recorded, virtual_run):
    """A new clock and a new index; the samples between are lost, and about how many is told."""
    run = virtual_run(recorded(50.0), 40.0, WorldSetting(faults=(Fault(20.0, Foot.LEFT, "restart"),)))
    (restart,) = run.of(PodRestarted)
    assert 20.0 < restart.time_s < 25.0
    parts = [event for event in run.of(SamplesIn) if event.samples.foot is Foot.LEFT]
    again = next(i for i in range(1, len(parts)) if parts[i].first_index < parts[i - 1].first_index)
    source = run.world.pods[Foot.LEFT].source
    for boot, some in ((0, parts[:again]), (1, parts[again:])):
        index = np.concatenate([np.arange(p.first_index, p.first_index + len(p.samples)) for p in some])
        counts = np.concatenate([p.samples.counts for p in some], axis=1)
        assert np.array_equal(counts, source.counts[:, run.columns(Foot.LEFT, index, boot)])
    counts = run.counts["left Soleus A0E1"]
    assert counts.unaccounted == 0
    first, second = run.boots[Foot.LEFT]
    truly = second.first_column - (parts[again - 1].first_index + len(parts[again - 1].samples) + first.first_column)
    assert abs(counts.lost[LossCause.RESTART] - truly) <= 2
    times = np.concatenate([part.samples.time_s for part in parts])
    assert (np.diff(times) > 0).all(), "time goes on"
    true_s = source.time_s[second.first_column :][: len(parts[-1].samples)]
    assert true_s.size


def test_a_dead_battery_is_told(recorded, virtual_run):
    setting = WorldSetting(battery_life_s=(None, 30.0))
    run = virtual_run(recorded(50.0), 45.0, setting)
    levels = [event.battery_pct for event in run.of(BatteryTold) if event.device.startswith("right")]
    assert levels == sorted(levels, reverse=True)
    assert len(run.of(LinkLost)) == 1
    assert run.counts["right Soleus A0E2"].unaccounted == 0
    complete(run, Foot.LEFT)
    complete(run, Foot.RIGHT)
    assert not [event for event in run.of(Trouble) if event.device.startswith("left")]


def test_late_samples_are_kept_aside(recorded, virtual_run, monkeypatch):
    """A pod whose backfill comes only after the wait: the hole is declared, and what comes then is not mixed in."""
    from soleus.ingest.ble import soleus_link

    original = soleus_link.SoleusLink.fill_gaps

    async def dawdling(self):
        gaps = self.stream.gaps() if self.stream is not None else []
        if gaps and self.now_s() < 20.0:
            gap = gaps[0]
            await asyncio.sleep(4.0)
            await self._fill(self.stream, gap)
        else:
            await original(self)

    monkeypatch.setattr(soleus_link.SoleusLink, "fill_gaps", dawdling)
    run = virtual_run(recorded(40.0), 30.0, WorldSetting(faults=(Fault(15.0, Foot.LEFT, "packets", 3),)))
    (hole,) = run.of(HoleDeclared)
    assert hole.cause is LossCause.WAIT
    late = run.of(LateSamples)
    assert sum(len(event.samples) for event in late) == hole.samples
    source = run.world.pods[Foot.LEFT].source
    for event in late:
        column = run.columns(Foot.LEFT, np.array([event.first_index]))[0]
        assert np.array_equal(event.samples.counts, source.counts[:, column : column + len(event.samples)])
        assert np.abs(event.samples.time_s - source.time_s[column : column + len(event.samples)]).max() < 0.02
    complete(run, Foot.LEFT)
    counts = run.counts["left Soleus A0E1"]
    assert (counts.unaccounted, counts.late, counts.lost[LossCause.WAIT]) == (0, hole.samples, hole.samples)


def test_a_pod_that_sends_nothing_is_told_once(recorded, virtual_run):
    run = virtual_run(recorded(8.0), 24.0)
    told = [
        event for event in run.of(Trouble) if "has sent no samples for 10 s: switch it off and on" in event.sentence
    ]
    assert sorted(event.device for event in told) == ["left Soleus A0E1", "right Soleus A0E2"]
    assert all(17.0 < event.time_s < 21.0 for event in told)
    assert not run.of(LinkLost)


def test_an_error_of_ours_is_told_and_costs_no_sample(recorded, virtual_run, monkeypatch):
    from soleus.ingest.ble import soleus_link

    original, failures = soleus_link.SoleusLink.handle, []

    def stumbling(self, arrival_s, channel, data):
        if channel == "status" and arrival_s > 9.0 and not failures:
            failures.append(arrival_s)
            raise ZeroDivisionError("of ours")
        return original(self, arrival_s, channel, data)

    monkeypatch.setattr(soleus_link.SoleusLink, "handle", stumbling)
    run = virtual_run(recorded(40.0), 20.0)
    (told,) = run.of(Trouble)
    assert "an error in this program (ZeroDivisionError('of ours')); the device is connected anew" in told.sentence
    assert len(run.of(LinkLost)) == 1
    for foot in Foot:
        index = complete(run, foot)
        assert index.size == run.boots[foot][0].end_index - run.boots[foot][0].first_index
