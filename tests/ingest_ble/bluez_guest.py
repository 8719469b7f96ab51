"""Runs inside a virtual machine: virtual pods on the kernel's virtual Bluetooth device, a radio on the system's stack.

``bluez_guest.py pods`` serves the pods, ``bluez_guest.py radio`` streams from them through bluetoothd and unmodified
bleak and prints what came as one line of JSON.
"""

import asyncio
import json
import sys
import time
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parent))
import conftest
from soleus.ingest.ble import Ended, HoleDeclared, LinkGivenUp, LinkLost, LinkUp, Radio, SamplesIn, Trouble, pair
from soleus.model import Foot

RATE_HZ = 100.0
RECORDED_S = 600.0
STREAMED_S = 12.0
QUIET_S = 180.0
HOST_ADDRESS = "00:50:1E:05:00:01"
"""Public: BlueZ configures no controller without one."""
MARK = "RESULT "


def recording():
    return conftest.recording_of(RECORDED_S, RATE_HZ)


async def pods():
    from bumble.transport import open_transport

    from soleus.ingest.virtual import VirtualWorld, WorldSetting
    from soleus.ingest.virtual.controller import VirtualController

    world = await VirtualWorld.open(recording(), WorldSetting(interval_ms=30.0))
    transport = await open_transport("vhci")
    controller = VirtualController("bluez", world.link, HOST_ADDRESS)
    controller.host = transport.sink
    transport.source.set_packet_sink(controller)
    print("pods are on the air", flush=True)
    await asyncio.Event().wait()


def found(radio):
    """Scan until both pods were seen: the stack takes its time to come up."""
    rows = []
    for _ in range(10):
        try:
            rows = radio.scan(10.0)
        except ValueError as error:
            print(error, flush=True)
            time.sleep(3.0)
        if len(pair(rows).roles) == len(Foot):
            break
    return rows


def radio():
    events, last_s = [], {}
    with Radio() as system:
        rows = found(system)
        print([row.cells() for row in rows], flush=True)
        system.stream(pair(rows).roles)
        first_s = {}
        for event in system.events(quiet_s=QUIET_S):
            events.append(event)
            if isinstance(event, SamplesIn):
                foot = event.samples.foot
                first_s.setdefault(foot, float(event.samples.time_s[0]))
                last_s[foot] = float(event.samples.time_s[-1])
                if len(last_s) == len(Foot) and all(last_s[f] - first_s[f] > STREAMED_S for f in Foot):
                    system.stop()
            elif isinstance(event, (LinkUp, LinkLost, LinkGivenUp, Trouble)):
                print(event, flush=True)
        counts = system.counts()
    truth = recording()
    right = {}
    for foot in Foot:
        parts = [event for event in events if isinstance(event, SamplesIn) and event.samples.foot is foot]
        got = np.concatenate([part.samples.counts for part in parts], axis=1)
        source = truth.pods[foot].samples.counts
        at = int(np.flatnonzero((source == got[:, :1]).all(axis=0))[0])
        right[foot.label] = bool(np.array_equal(got, source[:, at : at + got.shape[1]]))
    told = {
        "scanned": [
            [row.name, row.title, None if row.foot is None else row.foot.label, row.battery_pct] for row in rows
        ],
        "mtu": sorted({event.mtu for event in events if isinstance(event, LinkUp)}),
        "as_sent": right,
        "samples": {device: count.released for device, count in counts.items()},
        "unaccounted": {device: count.unaccounted for device, count in counts.items()},
        "lost": {device: sum(count.lost.values()) for device, count in counts.items()},
        "holes": sum(isinstance(event, HoleDeclared) for event in events),
        "troubles": [event.sentence for event in events if isinstance(event, Trouble)],
        "ended": isinstance(events[-1], Ended),
    }
    print(MARK + json.dumps(told), flush=True)


if __name__ == "__main__":
    if sys.argv[1] == "pods":
        asyncio.run(pods())
    else:
        radio()
