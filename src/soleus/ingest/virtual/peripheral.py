"""What every virtual device has: a radio, advertising, a GATT server with battery and device information."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from bumble import att, core, gatt, hci
from bumble.device import Connection, Device
from bumble.host import Host

from soleus.ingest.heart_rate import (
    BATTERY_LEVEL_UUID,
    BATTERY_SERVICE_UUID,
    DEVICE_INFORMATION_SERVICE_UUID,
    DEVICE_INFORMATION_UUIDS,
)
from soleus.ingest.protocols.soleus_pod_defs import ATT_HEADER_SIZE, MTU_MIN
from soleus.ingest.virtual.controller import VirtualController
from soleus.ingest.virtual.link import TimedLink

ADVERTISING_INTERVAL_MS: Final = 100.0
INTERVAL_REQUEST_AFTER_S: Final = 0.05
"""A device asks for its connection interval this long after the connection [s]."""
SUPERVISION_TIMEOUT_MS: Final = 4000.0
DEVICE_FLAGS: Final = b"\x06"
"""General discoverable, no BR/EDR: Core Specification Supplement A 1.3."""
NAME_LENGTH_MAX: Final = 19
Properties = gatt.Characteristic.Properties
READABLE: Final = gatt.Characteristic.READABLE
WRITEABLE: Final = gatt.Characteristic.WRITEABLE

Read = Callable[[Connection], bytes]
Write = Callable[[Connection, bytes], None]


@dataclass(frozen=True, slots=True)
class Radio:
    """The radio of a virtual device.

    Attributes
    ----------
    link
        The air it shares with the others.
    interval_ms
        Connection interval it asks for [ms]; ``None``: it takes what the central gives.
    mtu
        Largest ATT MTU it grants [B].
    rssi_dbm
        Signal strength [dBm].
    """

    link: TimedLink
    interval_ms: float | None = 15.0
    mtu: int = 247
    rssi_dbm: int = -55


def characteristic(
    uuid: str, properties: Properties, *, read: Read | None = None, write: Write | None = None, value: bytes = b""
) -> gatt.Characteristic[bytes]:
    """Make a characteristic whose value comes from and goes to functions, if given."""
    source = gatt.CharacteristicValue(read=read, write=write) if read or write else value
    return gatt.Characteristic(uuid, properties, gatt.Characteristic.Permissions(READABLE | WRITEABLE), source)


class Peripheral:
    """A virtual device: subclasses give it services and life.

    Attributes
    ----------
    name, address
        What it advertises.
    battery_pct
        Battery level [%].
    connection
        The host connected to it, if one is.
    """

    def __init__(
        self, radio: Radio, *, name: str, address: str, maker: str = "Soleus", model: str = "virtual", serial: str = ""
    ) -> None:
        self.radio = radio
        self.name = name
        self.address = address
        self.battery_pct = 80
        self.connection: Connection | None = None
        self.powered = False
        self.controller = VirtualController(name, radio.link, rssi_dbm=radio.rssi_dbm)
        self.device = Device(name=name, address=hci.Address(address), host=Host(self.controller, self.controller))
        self.controller.host = self.device.host
        self.device.gatt_server.max_mtu = radio.mtu
        self._battery = characteristic(
            BATTERY_LEVEL_UUID, Properties.READ | Properties.NOTIFY, read=lambda _: bytes([self.battery_pct])
        )
        texts = {"maker": maker, "model": model, "serial": serial or address, "firmware": "virtual 1"}
        self.device.add_services(
            [
                gatt.Service(BATTERY_SERVICE_UUID, [self._battery]),
                gatt.Service(
                    DEVICE_INFORMATION_SERVICE_UUID,
                    [
                        characteristic(DEVICE_INFORMATION_UUIDS[key], Properties.READ, value=text.encode())
                        for key, text in texts.items()
                    ],
                ),
                *self.services(),
            ]
        )
        self.device.on("connection", self._on_connection)
        self._tasks: set[asyncio.Task[Any]] = set()

    # To be given by subclasses.

    def services(self) -> Sequence[gatt.Service]:
        """List the services beside battery and device information."""
        return ()

    def advertised_services(self) -> Sequence[str]:
        """List the UUIDs in the advertising packet."""
        return ()

    def manufacturer_data(self) -> bytes:
        """Give the manufacturer data of the scan response, company identifier first."""
        return b""

    def on_connected(self) -> None:
        """Take note of a new connection."""

    def on_disconnected(self) -> None:
        """Take note of the end of the connection."""

    # Life.

    def spawn(self, work: Any) -> None:  # noqa: ANN401 - a coroutine
        """Run a coroutine beside."""
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def power_on(self) -> None:
        """Switch on and advertise."""
        await self.device.power_on()
        self.powered = True
        await self.advertise()

    async def power_off(self) -> None:
        """Fall silent at once, as with an empty battery."""
        self.powered = False
        self.radio.link.cut(self.controller)
        await self.device.stop_advertising()

    async def close(self) -> None:
        """End all work of the device."""
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def advertise(self) -> None:
        """Advertise with the present data; while connected only the data change."""
        if self.connection is not None or not self.powered:
            return
        await self.device.start_advertising(
            advertising_data=self._advertising_data(),
            scan_response_data=self._scan_response(),
            advertising_interval_min=ADVERTISING_INTERVAL_MS,
            advertising_interval_max=ADVERTISING_INTERVAL_MS,
        )

    def _advertising_data(self) -> bytes:
        kinds = core.AdvertisingData.Type
        parts: list[tuple[int, bytes]] = [(kinds.FLAGS, DEVICE_FLAGS)]
        wire = [_wire_uuid(uuid) for uuid in self.advertised_services()]
        for kind, size in (
            (kinds.COMPLETE_LIST_OF_16_BIT_SERVICE_CLASS_UUIDS, 2),
            (kinds.COMPLETE_LIST_OF_128_BIT_SERVICE_CLASS_UUIDS, 16),
        ):
            data = b"".join(uuid for uuid in wire if len(uuid) == size)
            if data:
                parts.append((kind, data))
        return bytes(core.AdvertisingData(parts))

    def _scan_response(self) -> bytes:
        kinds = core.AdvertisingData.Type
        parts: list[tuple[int, bytes]] = [(kinds.COMPLETE_LOCAL_NAME, self.name.encode()[:NAME_LENGTH_MAX])]
        if data := self.manufacturer_data():
            parts.append((kinds.MANUFACTURER_SPECIFIC_DATA, data))
        return bytes(core.AdvertisingData(parts))

    def _on_connection(self, connection: Connection) -> None:
        self.connection = connection
        connection.on("disconnection", self._on_disconnection)
        if self.radio.interval_ms is not None:
            self.spawn(self._ask_for_interval(connection, self.radio.interval_ms))
        self.on_connected()

    async def _ask_for_interval(self, connection: Connection, interval_ms: float) -> None:
        await asyncio.sleep(INTERVAL_REQUEST_AFTER_S)
        if self.connection is connection:
            await connection.update_parameters(interval_ms, interval_ms, 0, SUPERVISION_TIMEOUT_MS, use_l2cap=True)

    def _on_disconnection(self, _reason: int) -> None:
        self.connection = None
        # A request for parameters that the lost connection will never answer.
        manager = self.device.l2cap_channel_manager
        if manager.connection_parameters_update_response is not None:
            manager.connection_parameters_update_response.cancel()
            manager.connection_parameters_update_response = None
        self.on_disconnected()
        self.spawn(self.advertise())

    # Sending.

    @property
    def queued(self) -> int:
        """Packets handed to the radio and not yet received by the host."""
        if self.connection is None:
            return 0
        queue = self.device.host.get_data_packet_queue(self.connection.handle)
        return 0 if queue is None else queue.pending

    def is_subscribed(self, target: gatt.Characteristic[bytes], bit: int = 1) -> bool:
        """Whether the host asked for notifications (bit 1) or indications (bit 2)."""
        if self.connection is None:
            return False
        configured = self.device.gatt_server.subscribers.get(self.connection, {}).get(target.handle, b"\0\0")
        return bool(configured[0] & bit)

    def notify(self, target: gatt.Characteristic[bytes], value: bytes) -> bool:
        """Send a notification if the host asked for it; tell whether it did."""
        if self.connection is None or not self.is_subscribed(target):
            return False
        pdu = att.ATT_Handle_Value_Notification(
            attribute_handle=target.handle, attribute_value=value[: self.mtu - ATT_HEADER_SIZE]
        )
        self.device.gatt_server.send_gatt_pdu(self.connection, bytes(pdu))
        return True

    @property
    def mtu(self) -> int:
        """ATT MTU of the connection [B]."""
        return MTU_MIN if self.connection is None else self.connection.att_mtu

    async def indicate(self, target: gatt.Characteristic[bytes], value: bytes) -> None:
        """Send an indication if the host asked for it, and wait until it has come."""
        if self.connection is not None:
            # A host that has gone confirms nothing.
            with contextlib.suppress(TimeoutError):
                await self.device.indicate_subscriber(self.connection, target, value)

    def set_battery(self, percent: int) -> None:
        """Change the battery level and tell the host."""
        if percent != self.battery_pct:
            self.battery_pct = percent
            self.notify(self._battery, bytes([percent]))

    def silence(self, duration_s: float) -> None:
        """Be out of reach for a while; longer than the supervision timeout loses the link."""
        self.radio.link.silence(self.controller, duration_s)

    def drop_link(self) -> None:
        """Lose the link at once."""
        self.radio.link.cut(self.controller)


SIG_SUFFIX: Final = "-0000-1000-8000-00805f9b34fb"


def _wire_uuid(uuid: str) -> bytes:
    """Shortest form of a UUID, as advertised: two bytes if it is one of the Bluetooth SIG's."""
    if uuid.startswith("0000") and uuid.endswith(SIG_SUFFIX):
        return bytes.fromhex(uuid[4:8])[::-1]
    return bytes.fromhex(uuid.replace("-", ""))[::-1]
