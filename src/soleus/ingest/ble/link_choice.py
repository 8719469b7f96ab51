"""Which kind of connection a device of a family gets."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from soleus.ingest import heart_rate, treadmill
from soleus.ingest.ble.backend import BluetoothError
from soleus.ingest.ble.blind_links import MetaMotionLink, ThingyLink
from soleus.ingest.ble.capture_link import CaptureLink
from soleus.ingest.ble.link import DeviceLink
from soleus.ingest.ble.other_pods import MovesenseLink, OtherPodLink, PolarLink
from soleus.ingest.ble.pod_stream import PodStream
from soleus.ingest.ble.scan import ScanRow
from soleus.ingest.ble.service_links import BeltStamps, HeartRateLink, TreadmillLink
from soleus.ingest.ble.soleus_link import SoleusLink, Wish
from soleus.ingest.protocols import capture2go, metamotion, movesense, polar, soleus_pod, thingy52
from soleus.model import Foot

if TYPE_CHECKING:
    from bleak import BleakClient

OTHER_PODS: Final[dict[str, type[OtherPodLink]]] = {
    movesense.KEY: MovesenseLink,
    polar.KEY: PolarLink,
    capture2go.KEY: CaptureLink,
    metamotion.KEY: MetaMotionLink,
    thingy52.KEY: ThingyLink,
}


def make_link(
    client: BleakClient,
    row: ScanRow,
    device: str,
    now_s: Callable[[], float],
    *,
    foot: Foot | None,
    wish: Wish,
    stamps: BeltStamps,
    stream: PodStream | None,
    boot_id: int | None,
) -> DeviceLink:
    """Make the link of a connected device.

    Raises
    ------
    BluetoothError
        If nothing can be streamed from it.
    """
    match row.family:
        case soleus_pod.KEY:
            return SoleusLink(client, device, now_s, foot=foot, wish=wish, stream=stream, boot_id=boot_id)
        case treadmill.KEY:
            return TreadmillLink(client, device, now_s, stamps)
        case heart_rate.KEY | "polar-h10":
            return HeartRateLink(client, device, now_s)
    if row.family in OTHER_PODS:
        return OTHER_PODS[row.family](client, device, now_s, foot=foot, wish=wish, stream=stream)
    raise BluetoothError(f"{row.title} is recognised, but nothing can be streamed from it")
