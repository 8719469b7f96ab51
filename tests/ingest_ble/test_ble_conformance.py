"""pod-check: a pod that keeps to the service passes; each fault is found by the check that is for it."""

import asyncio
import itertools

import numpy as np
import pytest
from bumble import core

from soleus.ingest.ble import Backend, BluetoothError, pod_probe, scan
from soleus.ingest.ble.bumble_backend import BumbleAdapter
from soleus.ingest.ble.pod_probe import probe
from soleus.ingest.conformance import Observed, Outcome, judge
from soleus.ingest.conformance.checks import CHECKS
from soleus.ingest.heart_rate import DEVICE_INFORMATION_UUIDS
from soleus.ingest.protocols import soleus_pod as codec
from soleus.ingest.protocols import soleus_pod_control
from soleus.ingest.protocols import soleus_pod_defs as defs
from soleus.ingest.virtual import PacedLoop, PodSetting, SampleSource, VirtualPod, WorldSetting, virtual_radio
from soleus.ingest.virtual.controller import VirtualController
from soleus.ingest.virtual.link import TimedLink
from soleus.ingest.virtual.peripheral import Radio
from soleus.model import Foot

SECONDS = 4.0
SECONDS_OF_CLOCKS = 10.0
IMU_FLAGS, IMU_SEQUENCE, IMU_TIME = slice(0, 1), slice(2, 4), slice(8, 12)


class Altered(VirtualPod):
    """A pod whose live packets are altered on their way to the radio."""

    def alter(self, value):
        return value

    def notify(self, target, value):
        return super().notify(target, self.alter(value) if target is self._imu else value)


class NoMaker(VirtualPod):
    def __init__(self, *args, **more):
        super().__init__(*args, **more)
        wanted = core.UUID(DEVICE_INFORMATION_UUIDS["maker"])
        (maker,) = [
            attribute for attribute in self.device.gatt_server.attributes if getattr(attribute, "uuid", None) == wanted
        ]
        maker.value = b""


class NoBackfill(VirtualPod):
    def services(self):
        (service,) = super().services()
        return [type(service)(defs.SERVICE_UUID, [c for c in service.characteristics if c is not self._backfilled])]


class Nameless(VirtualPod):
    def __init__(self, *args, **more):
        super().__init__(*args, **{**more, "name": ""})


class AdvertisesNoSide(VirtualPod):
    def manufacturer_data(self):
        told = defs.Advertisement(defs.ADV_MAGIC, defs.VERSION_MAJOR, defs.Side.UNSET, 0, 80)
        return defs.ADV_COMPANY_ID.to_bytes(2, "little") + codec.pack(told)


class WrongScale(VirtualPod):
    def info(self):
        return super().info()._replace(accel_lsb_ng=61_000)


class OtherVersion(VirtualPod):
    def info(self):
        return super().info()._replace(version_major=2)


class NeedsNoIndications(VirtualPod):
    def _on_command(self, connection, data):
        self.spawn(self.indicate(self._control, self._answer(bytes(data))))


class Mixes(VirtualPod):
    def _answer(self, data):
        if data[0] not in soleus_pod_control.COMMANDS:
            return soleus_pod_control.reply_to(data, defs.StatusCode.OUT_OF_RANGE)
        return super()._answer(data)


class Mute(VirtualPod):
    def _on_command(self, connection, data):
        if data[0] in soleus_pod_control.COMMANDS:
            super()._on_command(connection, data)


class ForgetsSide(VirtualPod):
    def _obey(self, command):
        if not isinstance(command, defs.CommandSetSide):
            super()._obey(command)


def refusing(opcode):
    class Refuses(VirtualPod):
        def _answer(self, data):
            if data[:1] == bytes([opcode]):
                return soleus_pod_control.reply_to(data, defs.StatusCode.WRONG_STATE)
            return super()._answer(data)

    return Refuses


class Chatty(VirtualPod):
    """Notifies as soon as somebody subscribes."""

    def on_connected(self):
        super().on_connected()
        self.spawn(self.chat())

    async def chat(self):
        for _ in range(400):
            await asyncio.sleep(0.01)
            if self.state is defs.State.IDLE:
                self.notify(self._imu, codec.encode_imu(np.zeros((6, 4), np.int16), first_index=0, first_time_us=0))


def starting(**changed):
    class Starts(VirtualPod):
        def _start(self, command):
            reply = super()._start(command)
            if len(reply) != defs.STRUCTS[defs.ReplyStart].size:
                return reply
            return codec.pack(codec.unpack(defs.ReplyStart, reply)._replace(**changed))

    return Starts


class ResetsIndex(VirtualPod):
    def _start(self, command):
        if self.state is defs.State.STREAMING:
            self.memory.boot.first_column += self._next
            self._next = 0
        return super()._start(command)


class ReservedBit(Altered):
    def alter(self, value):
        return bytes([value[0] | 0x20]) + value[1:]


class FlagsNothing(Altered):
    def alter(self, value):
        return (
            bytes([value[0] & (defs.FLAG_COMPACT | defs.FLAG_ACCEL_SATURATED | defs.FLAG_GYRO_SATURATED)]) + value[1:]
        )


class SaturatesSilently(Altered):
    def alter(self, value):
        return bytes([value[0] & ~(defs.FLAG_ACCEL_SATURATED | defs.FLAG_GYRO_SATURATED)]) + value[1:]


class SameSequence(Altered):
    def alter(self, value):
        return value[:2] + b"\x07\x00" + value[4:]


class LosesSilently(FlagsNothing):
    """Its FIFO overruns, and it says nothing."""

    def alter(self, value):
        changed = super().alter(value)
        return bytes([changed[0] | value[0] & defs.FLAG_CONFIG_CHANGED]) + changed[1:]

    def _pump_live(self):
        if self._now_s() > 7.0 and not self.memory.boot.never_held:
            self.overrun_fifo(40)
        super()._pump_live()


class Leaky(VirtualPod):
    """Drops packets before the radio."""

    pumped = 0

    def _pump_live(self):
        self.pumped += 1
        if self.pumped % 50 == 0:
            self.lose_packets(1)
        super()._pump_live()


class StampsWhenBuilt(Altered):
    jitter = None

    def alter(self, value):
        self.jitter = self.jitter or itertools.cycle([0, 3100, 700, 4900, 1900])
        time_us = int.from_bytes(value[IMU_TIME], "little") + next(self.jitter)
        return value[:8] + (time_us % 2**32).to_bytes(4, "little") + value[12:]


class StampsByAnotherClock(Altered):
    def alter(self, value):
        time_us = int.from_bytes(value[IMU_TIME], "little") + 5_000_000
        return value[:8] + (time_us % 2**32).to_bytes(4, "little") + value[12:]


class LocksToTheInterval(VirtualPod):
    def _packet_size(self):
        return 6


class DeafWhenIdle(VirtualPod):
    def _on_sync(self, connection, data):
        if self.state is defs.State.STREAMING:
            super()._on_sync(connection, data)


class SwapsStamps(VirtualPod):
    def notify(self, target, value):
        if target is self._sync:
            told = codec.unpack(defs.SyncReply, value)
            value = codec.pack(defs.SyncReply(told.sequence, told.sent_us, told.received_us))
        return super().notify(target, value)


class AnswersLongRequests(VirtualPod):
    def _on_sync(self, connection, data):
        super()._on_sync(connection, data[:1])


class NotesLate(VirtualPod):
    """Notes the request only when it gets round to it."""

    def _on_sync(self, connection, data):
        if len(data) == 1:
            asyncio.get_running_loop().call_later(0.04, super()._on_sync, connection, data)


class TellsNoStatus(VirtualPod):
    def _tell_status(self):
        return


class SendsOtherSamples(VirtualPod):
    def notify(self, target, value):
        if target is self._backfilled and len(value) > defs.IMU_HEADER_STRUCT.size:
            value = value[:12] + value[12:][::-1]
        return super().notify(target, value)


class NeverEndsBackfill(VirtualPod):
    def notify(self, target, value):
        if target is self._backfilled and len(value) == defs.IMU_HEADER_STRUCT.size:
            return True
        return super().notify(target, value)


class NeverBusy(VirtualPod):
    def _start_backfill(self, command):
        self._backfill = None
        return super()._start_backfill(command)


class SleepsWithoutHost(VirtualPod):
    def on_disconnected(self):
        super().on_disconnected()
        self._stop_sampling()


class BootsWithoutHost(VirtualPod):
    def on_disconnected(self):
        super().on_disconnected()
        if self.state is defs.State.BUFFERING:
            self.memory.boots[-1].boot_id += 1


class StreamsOn(VirtualPod):
    def _stop_sampling(self):
        return


FAULTS = {
    "no backfill characteristic": ({"kind": NoBackfill}, {"services", "backfill", "reconnection"}),
    "no maker": ({"kind": NoMaker}, {"device information"}),
    "no name": ({"kind": Nameless}, {"advertisement"}),
    "advertises no side": ({"kind": AdvertisesNoSide}, {"advertisement"}),
    "wrong scale": ({"kind": WrongScale}, {"info"}),
    "other version": ({"kind": OtherVersion}, {"info", "reconnection"}),
    "small MTU": ({"kind": VirtualPod, "mtu": 100}, {"connection"}),
    "long interval": ({"kind": VirtualPod, "interval_ms": 60.0}, {"connection"}),
    "needs no indications": ({"kind": NeedsNoIndications}, {"indications needed"}),
    "mixes errors": ({"kind": Mixes}, {"bad commands"}),
    "mute": ({"kind": Mute}, {"bad commands"}),
    "forgets its side": ({"kind": ForgetsSide}, {"side"}),
    "does not blink": ({"kind": refusing(defs.Opcode.IDENTIFY)}, {"identify"}),
    "no connection parameters": ({"kind": refusing(defs.Opcode.CONN_PARAMS)}, {"connection parameters"}),
    "chatty": ({"kind": Chatty}, {"silence before start"}),
    "refuses to start": (
        {"kind": refusing(defs.Opcode.START)},
        {"start", "packets", "status", "bad commands"},
    ),
    "promises too many": ({"kind": starting(samples_max=60)}, {"start"}),
    "other boot": ({"kind": starting(boot_id=7)}, {"start"}),
    "small ranges": ({"kind": starting(accel_range_g=8)}, {"start"}),
    "tells another rate": ({"kind": starting(rate_hz=400)}, {"rate"}),
    "resets its index": ({"kind": ResetsIndex}, {"continuity", "start again"}),
    "reserved bit": ({"kind": ReservedBit}, {"packets"}),
    "flags nothing": ({"kind": FlagsNothing}, {"packets"}),
    "same sequence": ({"kind": SameSequence}, {"continuity"}),
    "loses silently": ({"kind": LosesSilently}, {"continuity"}),
    "leaky": ({"kind": Leaky}, {"continuity"}),
    "stamps when built": ({"kind": StampsWhenBuilt}, {"time stamps"}),
    "stamps by another clock": ({"kind": StampsByAnotherClock}, {"clock"}),
    "saturates silently": ({"kind": SaturatesSilently}, {"saturation"}),
    "locks to the interval": ({"kind": LocksToTheInterval}, {"packet period"}),
    "deaf when idle": ({"kind": DeafWhenIdle}, {"clock"}),
    "swaps its stamps": ({"kind": SwapsStamps}, {"clock"}),
    "answers long requests": ({"kind": AnswersLongRequests}, {"clock"}),
    "notes requests late": ({"kind": NotesLate}, {"clock"}),
    "drifts": ({"kind": VirtualPod, "drift_ppm": 700.0, "told_ppm": 20}, {"clock"}),
    "no status": ({"kind": TellsNoStatus}, {"status"}),
    "other samples": ({"kind": SendsOtherSamples}, {"backfill"}),
    "never ends": ({"kind": NeverEndsBackfill}, {"backfill"}),
    "never busy": ({"kind": NeverBusy}, {"backfill errors"}),
    "sleeps without host": ({"kind": SleepsWithoutHost}, {"reconnection"}),
    "boots without host": ({"kind": BootsWithoutHost}, {"reconnection"}),
    "streams on": ({"kind": StreamsOn}, {"stop"}),
}
MORE = {
    # What else may show, as a consequence.
    "no backfill characteristic": {"stop", "backfill errors"},
    "refuses to start": {"backfill", "backfill errors", "start again", "stop", "connection", "clock"},
    "resets its index": {"backfill", "clock", "time stamps", "rate", "reconnection"},
    "other boot": set(),
    "reserved bit": {"reconnection", "backfill"},
    "same sequence": set(),
    "stamps when built": {"clock"},
    "deaf when idle": set(),
    "streams on": {"reconnection"},
    "chatty": {
        "stop",
        "continuity",
        "packets",
        "clock",
        "time stamps",
        "rate",
        "reconnection",
        "backfill",
        "saturation",
    },
    "locks to the interval": {"clock"},
    "never ends": {"backfill errors", "reconnection"},
    "tells another rate": {"start again"},
    "long interval": {"status"},
    "loses silently": {"backfill"},
}


@pytest.fixture(scope="module", autouse=True)
def in_haste():
    """Shorter waits than with a real pod: the times are exact here."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pod_probe, "OUTAGE_S", 1.5)
        patch.setattr(pod_probe, "BACK_S", 1.0)
        yield


@pytest.fixture(scope="module")
def verdicts_of(recorded):
    """Check a pod of some kind."""
    recording = recorded(60.0)
    track = recording.pods[Foot.LEFT]
    # Some readings at full scale.
    track.samples.counts[0, ::97] = 32767
    track.samples.counts[4, ::101] = -32768

    def check(kind=VirtualPod, *, mtu=247, interval_ms=15.0, drift_ppm=15.0, told_ppm=None, seconds=SECONDS):
        async def main():
            loop = asyncio.get_running_loop()
            start_s, link = loop.time(), TimedLink(3, stack_jitter_s=0.0003)

            def now_s():
                return loop.time() - start_s

            setting = PodSetting(Foot.LEFT, clock_offset_us=2.3e9, clock_drift_ppm=drift_ppm, pod_id=0xA0E1)
            made = {"name": "Soleus A0E1", "address": "F0:00:00:00:00:11"}
            pod = kind(Radio(link, interval_ms, mtu), SampleSource.of(track), setting, now_s, **made)
            if told_ppm is not None:
                true_info = pod.info
                pod.info = lambda: true_info()._replace(clock_tolerance_ppm=told_ppm)
            await pod.power_on()
            adapter = await BumbleAdapter.on_controller(VirtualController("host", link))
            backend = Backend.of(adapter)
            (row,) = await scan(backend, 1.0)
            seen = await probe(backend, row, seconds, now_s, lambda _what: None)
            await adapter.close()
            await pod.close()
            return pod, judge(seen)

        with asyncio.Runner(loop_factory=PacedLoop) as runner:
            return runner.run(main())

    return check


def failed(verdicts):
    return {verdict.check for verdict in verdicts if verdict.outcome is Outcome.FAILED}


@pytest.mark.parametrize("drift_ppm", [-40.0, 15.0])
def test_a_good_pod_passes_all(verdicts_of, drift_ppm):
    pod, verdicts = verdicts_of(drift_ppm=drift_ppm, seconds=SECONDS_OF_CLOCKS)
    assert [v for v in verdicts if v.outcome is not Outcome.PASSED] == []
    assert len(verdicts) == len(CHECKS)
    assert pod.side == defs.Side.LEFT, "the side was set back"
    assert pod.state is defs.State.IDLE
    told = {verdict.check: verdict.found for verdict in verdicts}
    assert told["rate"].startswith("200 Hz told, 200.0")
    assert "all equal" in told["backfill"]


@pytest.mark.parametrize("fault", FAULTS)
def test_each_fault_is_found_by_its_check(verdicts_of, fault):
    how, expected = FAULTS[fault]
    seconds = SECONDS_OF_CLOCKS if expected & {"clock", "status"} else SECONDS
    _, verdicts = verdicts_of(**how, seconds=seconds)
    found = failed(verdicts)
    assert expected <= found, [v for v in verdicts if v.outcome is not Outcome.PASSED]
    assert found <= expected | MORE.get(fault, set()), [v for v in verdicts if v.outcome is Outcome.FAILED]
    for verdict in verdicts:
        if verdict.outcome is Outcome.FAILED:
            assert verdict.mend
            assert verdict.section[0].isdigit()


def test_a_pod_that_falls_silent_is_told(verdicts_of):
    class Dies(VirtualPod):
        def _start(self, command):
            self.silence(1000.0)
            return super()._start(command)

    _, verdicts = verdicts_of(Dies)
    (last,) = [verdict for verdict in verdicts if verdict.check == "the check itself"]
    assert last.outcome is Outcome.FAILED
    assert last.found.startswith("broke off: ")


def test_from_the_radio(recorded):
    with virtual_radio(recorded(60.0), WorldSetting(packet_error_rate=0.05), speed=None) as radio:
        told = []
        verdicts = radio.check(radio.scan(1.0)[1], 10.0, tell=told.append)
    assert failed(verdicts) == set()
    assert told[0] == "Connecting"


def test_only_soleus_pods_are_checked(recorded):
    from soleus.ingest.ble import ScanRow
    from soleus.ingest.protocols.family import Kind

    row = ScanRow("A", "Polar", "polar-verity-sense", "Polar Verity Sense", Kind.POD, True, "", None, -50, None)
    with (
        virtual_radio(recorded(5.0), speed=None) as radio,
        pytest.raises(BluetoothError, match="only pods of the Soleus"),
    ):
        radio.check(row)


def test_nothing_observed_raises_nothing():
    assert len(judge(Observed())) == len(CHECKS)
