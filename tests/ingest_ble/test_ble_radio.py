"""The radio in its own thread, and the same path between two processes."""

import asyncio
import socket
import subprocess
import sys
import threading
import time

import numpy as np
import pytest
from bleak import BleakClient, BleakScanner
from bleak.exc import BleakError, BleakGATTProtocolError

from soleus.ingest.ble import BeltIn, BluetoothError, Ended, LinkGivenUp, LinkUp, Radio, Role, SamplesIn, pair
from soleus.ingest.ble.bumble_backend import BumbleAdapter
from soleus.ingest.protocols import soleus_pod as codec
from soleus.ingest.protocols import soleus_pod_defs as defs
from soleus.ingest.virtual import PacedLoop, VirtualWorld, WorldSetting, virtual_radio
from soleus.ingest.virtual.loop import START_S
from soleus.model import Belt, Foot, PodSamples


def joined(events, foot):
    parts = [event.samples for event in events if isinstance(event, SamplesIn) and event.samples.foot is foot]
    return PodSamples(
        foot, np.concatenate([part.time_s for part in parts]), np.concatenate([part.counts for part in parts], axis=1)
    )


def test_a_session_from_another_thread(recorded):
    profile = Belt(np.array([0.0, 8.0]), np.array([2.5, 3.5]), np.zeros(2))
    with virtual_radio(recorded(60.0), WorldSetting(packet_error_rate=0.05), speed=None) as radio:
        rows = radio.scan(1.0)
        radio.identify(rows[0])
        radio.stream(pair(rows).roles, profile=profile)
        assert radio.start_utc is not None
        events = []
        for event in radio.events(quiet_s=60.0):
            events.append(event)
            if isinstance(event, SamplesIn) and event.samples.time_s[-1] > 12.0:
                radio.set_belt(4.0)
                radio.stop()
        counts = radio.counts()
        with pytest.raises(BluetoothError, match="streams already"):
            radio.stream({})
    assert isinstance(events[-1], Ended)
    assert all(count.unaccounted == 0 for count in counts.values())
    assert {event.device for event in events if isinstance(event, LinkUp)} == {"left Soleus A0E1", "right Soleus A0E2"}
    speeds = [float(event.belt.speed_mps[0]) for event in events if isinstance(event, BeltIn)]
    assert speeds[:3] == [2.5, 3.5, 4.0]
    left = joined(events, Foot.LEFT)
    assert left.time_s[0] < 5.0, "session time began with the stream"


def test_time_stands_between_commands_however_late_the_caller_is(recorded):
    """The virtual world must not run on while the caller's thread does not come to its turn."""
    hogging = threading.Event()

    def hog():
        while not hogging.is_set():
            sum(range(10_000))

    threading.Thread(target=hog, daemon=True).start()
    try:
        with virtual_radio(recorded(20.0), speed=None) as radio:
            for scans in range(1, 7):
                radio.scan(0.5)
                assert radio._loop.time() - radio._opened.clock() == 0.0
                assert radio._loop.time() - START_S == pytest.approx(0.5 * scans, abs=0.02)
    finally:
        hogging.set()


def test_closing_needs_nobody_to_take_the_events(recorded):
    """Whoever leaves in the midst of a stream is not kept waiting."""
    with virtual_radio(recorded(60.0), speed=None) as radio:
        radio.stream(pair(radio.scan(1.0)).roles)
        for event in radio.events(quiet_s=60.0):
            if isinstance(event, SamplesIn):
                break
        begun_s = time.monotonic()
    assert time.monotonic() - begun_s < 9.0, "the thread ended by itself"
    assert not radio._thread.is_alive()
    assert isinstance(list(radio.events())[-1], Ended), "what waited can still be taken"
    with pytest.raises(BluetoothError, match="the radio has ended"):
        next(radio.events())


def test_silence_is_bounded(recorded):
    with (
        virtual_radio(recorded(5.0), speed=None) as radio,
        pytest.raises(BluetoothError, match="sent anything for 1 s"),
    ):
        next(radio.events(quiet_s=1.0))


def test_feet_swapped_by_name(recorded):
    """Pods that sit on each other's feet are recorded as they call themselves, or as the user says."""
    recording = recorded(40.0)
    setting = WorldSetting(sides="swapped")
    for chosen, expected in ((None, Foot.RIGHT), ({Role.LEFT: "Soleus A0E1", Role.RIGHT: "Soleus A0E2"}, Foot.LEFT)):
        with virtual_radio(recording, setting, speed=None) as radio:
            radio.stream(pair(radio.scan(1.0), chosen=chosen).roles)
            events = []
            for event in radio.events(quiet_s=60.0):
                events.append(event)
                if isinstance(event, SamplesIn):
                    radio.stop()
        counts = joined(events, expected).counts
        source = recording.pods[Foot.LEFT].samples.counts
        first = int(np.flatnonzero((source == counts[:, :1]).all(axis=0))[0])
        assert np.array_equal(counts, source[:, first : first + counts.shape[1]])


def test_no_side_and_no_choice_is_refused(recorded):
    with virtual_radio(recorded(20.0), WorldSetting(sides="unset"), speed=None) as radio:
        rows = radio.scan(1.0)
        assert len(pair(rows).undecided) == 2
        radio.set_side(rows[0], Foot.RIGHT)
        found = pair(radio.scan(1.0))
        assert set(found.roles) == {Role.LEFT, Role.RIGHT}
        assert "taken for the left one" in found.notes[0]


def test_a_pod_that_refuses_is_given_up(recorded):
    from soleus.ingest.ble import Wish

    with virtual_radio(recorded(20.0), speed=None) as radio:
        radio.stream(pair(radio.scan(1.0)).roles, Wish(gyro_range_dps=4000))
        events = list(radio.events(quiet_s=60.0))
    told = [event.sentence for event in events if isinstance(event, LinkGivenUp)]
    assert told == [
        f"{name} refuses to start at 200 Hz: OUT_OF_RANGE" for name in ("left Soleus A0E1", "right Soleus A0E2")
    ]


def test_a_transport_that_is_not_there():
    with (
        pytest.raises(BluetoothError, match=r"no Bluetooth controller at 'tcp-client:127\.0\.0\.1:1'"),
        Radio("tcp-client:127.0.0.1:1"),
    ):
        pass


SERVER = """
import asyncio, sys
sys.path.insert(0, sys.argv[2])
import conftest
from soleus.ingest.virtual import VirtualWorld, WorldSetting

async def main():
    world = await VirtualWorld.open(conftest.recording_of(60.0), WorldSetting())
    await world.serve(int(sys.argv[1]))
    print("ready", flush=True)
    await asyncio.sleep(60)

asyncio.run(main())
"""


def test_two_processes_over_an_hci_socket(recorded, request):
    """Pods and controller in one process, bleak in the other; real time."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    folder = str(request.path.parent)
    with subprocess.Popen([sys.executable, "-c", SERVER, str(port), folder], stdout=subprocess.PIPE, text=True) as pods:
        try:
            assert pods.stdout.readline().strip() == "ready"
            with Radio(f"tcp-client:127.0.0.1:{port}") as radio:
                radio.stream(pair(radio.scan(0.5)).roles)
                events = []
                for event in radio.events(quiet_s=60.0):
                    events.append(event)
                    enough = {e.samples.foot for e in events if isinstance(e, SamplesIn)} == set(Foot)
                    if enough:
                        radio.stop()
                counts = radio.counts()
        finally:
            pods.kill()
    recording = recorded(60.0)
    for foot in Foot:
        counted = joined(events, foot).counts
        source = recording.pods[foot].samples.counts
        first = int(np.flatnonzero((source == counted[:, :1]).all(axis=0))[0])
        assert np.array_equal(counted, source[:, first : first + counted.shape[1]])
        assert counted.shape[1] > 900
    assert all(count.unaccounted == 0 and not count.lost for count in counts.values())


def test_bleak_itself_runs_on_the_backend(recorded):
    """bleak's own interface, unchanged: find by name, read long values on a small MTU, errors, a lost link."""

    async def main():
        world = await VirtualWorld.open(recorded(5.0), WorldSetting(mtu=23))
        adapter = await BumbleAdapter.on_controller(world.controller())
        device = await BleakScanner.find_device_by_name("Soleus A0E2", backend=adapter.scanner)
        lost = asyncio.Event()
        client = BleakClient(device, lambda _client: lost.set(), backend=adapter.client)
        await client.connect()
        assert client.backend_id == "BumbleClient"
        assert (client.mtu_size, client.name, client.is_connected) == (23, "Soleus A0E2", True)
        assert codec.decode_info(bytes(await client.read_gatt_char(defs.INFO_UUID))).side == defs.Side.RIGHT
        with pytest.raises(BleakGATTProtocolError) as refused:
            await client.write_gatt_char(defs.CONTROL_UUID, b"\x02", response=True)
        assert refused.value.code == 0xFD, "indications were not asked for"
        with pytest.raises(BleakError, match="already connected"):
            await client.connect()
        reading = asyncio.create_task(client.read_gatt_char(defs.INFO_UUID))
        await asyncio.sleep(0)
        world.pods[Foot.RIGHT].drop_link()
        with pytest.raises(BleakError):
            await reading
        await lost.wait()
        assert not client.is_connected
        with pytest.raises(BleakError):
            await client.write_gatt_char(defs.CONTROL_UUID, b"\x02", response=True)
        world.pods[Foot.LEFT].silence(100.0)
        client = BleakClient("F0:00:00:00:00:11", timeout=2.0, backend=adapter.client)
        with pytest.raises(BleakError):
            await client.connect()
        await adapter.close()
        await world.close()

    with asyncio.Runner(loop_factory=PacedLoop) as runner:
        runner.run(main())
