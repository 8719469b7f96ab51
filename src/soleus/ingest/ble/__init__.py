"""Bluetooth, the host's side: scan, connect, stream, reconnect; all else is pure and lies above this folder.

:class:`~soleus.ingest.ble.radio.Radio` is the door: a thread with the radio in it and a queue of events out of it.
"""

from soleus.ingest.ble.backend import SYSTEM, Backend, BluetoothError, open_backend
from soleus.ingest.ble.events import (
    BatteryTold,
    BeltIn,
    ClockRecords,
    ClockTold,
    Ended,
    Event,
    HeartRateIn,
    HoleDeclared,
    LateSamples,
    LinkGivenUp,
    LinkLost,
    LinkUp,
    LossCause,
    PodReady,
    PodRestarted,
    SamplesHeld,
    SamplesIn,
    Trouble,
)
from soleus.ingest.ble.ingest import Ingest, LinkCounts
from soleus.ingest.ble.pairing import DEVICES_NAME, Paired, RememberedDevice, RememberedDevices, Role, pair
from soleus.ingest.ble.pod_stream import PodCounts
from soleus.ingest.ble.radio import Opened, Radio
from soleus.ingest.ble.scan import ScanRow, scan
from soleus.ingest.ble.soleus_link import Wish

__all__ = [
    "DEVICES_NAME",
    "SYSTEM",
    "Backend",
    "BatteryTold",
    "BeltIn",
    "BluetoothError",
    "ClockRecords",
    "ClockTold",
    "Ended",
    "Event",
    "HeartRateIn",
    "HoleDeclared",
    "Ingest",
    "LateSamples",
    "LinkCounts",
    "LinkGivenUp",
    "LinkLost",
    "LinkUp",
    "LossCause",
    "Opened",
    "Paired",
    "PodCounts",
    "PodReady",
    "PodRestarted",
    "Radio",
    "RememberedDevice",
    "RememberedDevices",
    "Role",
    "SamplesHeld",
    "SamplesIn",
    "ScanRow",
    "Trouble",
    "Wish",
    "open_backend",
    "pair",
    "scan",
]
