"""A bleak backend on Bumble's host: bleak runs unchanged above it, on software controllers or on a dongle of its own.

:class:`BumbleAdapter` owns one controller: one on a :class:`~soleus.ingest.virtual.link.TimedLink`, one behind an HCI
socket of another process (``tcp-client:127.0.0.1:9001``), or a USB or serial dongle (``usb:0``,
``serial:/dev/ttyACM0,1000000``). It hands out the two classes that bleak takes as ``backend=``. With a dongle it also
gives what no operating system lets bleak choose: the connection interval.
"""

from __future__ import annotations

import asyncio
import contextlib
import uuid
from collections.abc import Callable
from typing import Any, Final

from bleak.args import SizedBuffer
from bleak.assigned_numbers import gatt_char_props_to_strs
from bleak.backends.characteristic import BleakGATTCharacteristic
from bleak.backends.client import BaseBleakClient, NotifyCallback
from bleak.backends.descriptor import BleakGATTDescriptor
from bleak.backends.device import BLEDevice
from bleak.backends.scanner import AdvertisementData, AdvertisementDataCallback, BaseBleakScanner
from bleak.backends.service import BleakGATTService, BleakGATTServiceCollection
from bleak.exc import BleakDeviceNotFoundError, BleakError, BleakGATTProtocolError
from bumble import att, core, gatt_client, hci
from bumble.controller import Controller
from bumble.device import Advertisement, Connection, ConnectionParametersPreferences, Device, Peer
from bumble.host import Host
from bumble.transport import open_transport
from bumble.transport.common import Transport

from soleus.ingest.ble.racing import within

HOST_ADDRESS: Final = "F0:50:1E:05:00:01"
"""Static random address of the host."""
MTU_WANTED: Final = 247
INTERVAL_MIN_MS: Final = 15.0
INTERVAL_MAX_MS: Final = 30.0
SUPERVISION_TIMEOUT_MS: Final = 4000.0
SCAN_INTERVAL_MS: Final = 60.0
POWER_ON_S: Final = 20.0
"""Reset and set-up of a controller take some tens of commands [s]; one that is longer at it is dead."""
DISCONNECT_S: Final = 2.0
"""Ending a connection takes a few connection intervals [s]; what takes longer is left to the supervision timeout."""
NAME: Final = "Soleus host"
COMPANY_SIZE: Final = 2
"""Company identifier of manufacturer data [B]."""


class BumbleAdapter:
    """One Bluetooth controller and Bumble's host stack above it.

    Parameters
    ----------
    device
        A Bumble device that is powered on.
    transport
        What to close in the end.

    Examples
    --------
    ::

        adapter = await BumbleAdapter.open("usb:0")
        found = await BleakScanner.discover(5.0, return_adv=True, backend=adapter.scanner)
        client = BleakClient(device, backend=adapter.client)
    """

    def __init__(self, device: Device, transport: Transport | None = None) -> None:
        self.device = device
        self._transport = transport
        self.scanner: type[BumbleScanner] = type("BumbleScanner", (BumbleScanner,), {"adapter": self})
        self.client: type[BumbleClient] = type("BumbleClient", (BumbleClient,), {"adapter": self})
        self.connecting = asyncio.Lock()

    @classmethod
    async def open(cls, moniker: str) -> BumbleAdapter:
        """Open a controller by Bumble's transport moniker.

        Raises
        ------
        BleakError
            If there is no such controller or it does not answer.
        """
        try:
            transport = await open_transport(moniker)
        except Exception as error:
            raise BleakError(f"no Bluetooth controller at '{moniker}': {error}") from error
        device = Device.with_hci(NAME, hci.Address(HOST_ADDRESS), transport.source, transport.sink)
        try:
            # Bumble waits for answers of the controller without end.
            await within(POWER_ON_S, device.power_on())
        except (TimeoutError, core.BaseBumbleError, hci.HCI_Error) as error:
            await transport.close()
            raise BleakError(f"the Bluetooth controller at '{moniker}' does not answer") from error
        return cls(device, transport)

    @classmethod
    async def on_controller(cls, controller: Controller, address: str = HOST_ADDRESS) -> BumbleAdapter:
        """Use a controller in this process."""
        device = Device(name=NAME, address=hci.Address(address), host=Host(controller, controller))
        controller.host = device.host
        await device.power_on()
        return cls(device)

    async def close(self) -> None:
        """Disconnect all and close the controller."""
        for connection in list(self.device.connections.values()):
            await hang_up(connection)
        if self._transport is not None:
            await self._transport.close()


async def hang_up(connection: Connection) -> None:
    """End a connection that may have been lost meanwhile, or whose controller may be."""
    with contextlib.suppress(core.BaseBumbleError, hci.HCI_Error, TimeoutError):
        await within(DISCONNECT_S, connection.disconnect())


class BumbleScanner(BaseBleakScanner):
    """Scanner of a :class:`BumbleAdapter`; made by it."""

    adapter: BumbleAdapter

    def __init__(
        self,
        detection_callback: AdvertisementDataCallback | None,
        service_uuids: list[str] | None,
        scanning_mode: str = "active",
        **_kwargs: Any,  # noqa: ANN401 - options of other backends
    ) -> None:
        super().__init__(detection_callback, service_uuids)
        self._active = scanning_mode != "passive"

    async def start(self) -> None:
        """Start scanning."""
        self.seen_devices = {}
        device = self.adapter.device
        device.on("advertisement", self._on_advertisement)
        await device.start_scanning(
            active=self._active, scan_interval=SCAN_INTERVAL_MS, scan_window=SCAN_INTERVAL_MS, filter_duplicates=False
        )

    async def stop(self) -> None:
        """Stop scanning."""
        device = self.adapter.device
        device.remove_listener("advertisement", self._on_advertisement)
        await device.stop_scanning()

    def _on_advertisement(self, seen: Advertisement) -> None:
        kinds = core.AdvertisingData.Type
        # Advertising and scan response come one after the other: what is known of a device adds up.
        address = seen.address.to_string(with_type_qualifier=False)
        known = self.seen_devices[address][1] if address in self.seen_devices else None
        uuids = list(known.service_uuids) if known else []
        makers = dict(known.manufacturer_data) if known else {}
        name = known.local_name if known else None
        for kind, data in seen.data.ad_structures:
            if kind in {kinds.COMPLETE_LOCAL_NAME, kinds.SHORTENED_LOCAL_NAME}:
                name = data.decode(errors="replace")
            elif kind == kinds.MANUFACTURER_SPECIFIC_DATA and len(data) >= COMPANY_SIZE:
                makers[int.from_bytes(data[:2], "little")] = bytes(data[2:])
            elif kind in UUID_LISTS:
                size = UUID_LISTS[kind]
                for at in range(0, len(data) - size + 1, size):
                    text = _uuid_text(core.UUID.from_bytes(data[at : at + size]))
                    if text not in uuids:
                        uuids.append(text)
        told = AdvertisementData(name, makers, {}, uuids, None, seen.rssi, ())
        device = self.create_or_update_device(address, address, name, seen.address, told)
        if self.is_allowed_uuid(uuids):
            self.call_detection_callbacks(device, told)


UUID_LISTS: Final = {
    core.AdvertisingData.Type.COMPLETE_LIST_OF_16_BIT_SERVICE_CLASS_UUIDS: 2,
    core.AdvertisingData.Type.INCOMPLETE_LIST_OF_16_BIT_SERVICE_CLASS_UUIDS: 2,
    core.AdvertisingData.Type.COMPLETE_LIST_OF_128_BIT_SERVICE_CLASS_UUIDS: 16,
    core.AdvertisingData.Type.INCOMPLETE_LIST_OF_128_BIT_SERVICE_CLASS_UUIDS: 16,
}
"""Advertised lists of services, with the size of their UUIDs [B]."""


def _uuid_text(value: core.UUID) -> str:
    return str(uuid.UUID(bytes=bytes(value.to_bytes(force_128=True))[::-1]))


class BumbleClient(BaseBleakClient):
    """Client of a :class:`BumbleAdapter`; made by it."""

    adapter: BumbleAdapter

    def __init__(
        self,
        address_or_ble_device: BLEDevice | str,
        *,
        disconnected_callback: Callable[[], None] | None = None,
        timeout: float = 30.0,
        **kwargs: Any,  # noqa: ANN401 - options of other backends
    ) -> None:
        super().__init__(address_or_ble_device, disconnected_callback=disconnected_callback, timeout=timeout, **kwargs)
        self._device = address_or_ble_device if isinstance(address_or_ble_device, BLEDevice) else None
        self._connection: Connection | None = None
        self._peer: Peer | None = None
        self._subscribers: dict[int, Callable[[bytes], None]] = {}

    @property
    def name(self) -> str:
        """Name as advertised, else the address with dashes."""
        return (self._device.name if self._device else None) or self.address.replace(":", "-")

    @property
    def mtu_size(self) -> int:
        """ATT MTU in force [B]."""
        return self._connection.att_mtu if self._connection else att.ATT_DEFAULT_MTU

    @property
    def is_connected(self) -> bool:
        """Whether the link is up."""
        return self._connection is not None

    async def connect(self, pair: bool, **_kwargs: Any) -> None:  # noqa: ANN401, FBT001 - bleak's signature
        """Connect, exchange the MTU, discover services."""
        if self._connection is not None:
            raise BleakError("already connected")
        address = await self._find()
        preferences = ConnectionParametersPreferences(
            connection_interval_min=INTERVAL_MIN_MS,
            connection_interval_max=INTERVAL_MAX_MS,
            supervision_timeout=int(SUPERVISION_TIMEOUT_MS),
        )
        async with self.adapter.connecting:
            try:
                connection = await self.adapter.device.connect(
                    address,
                    connection_parameters_preferences={hci.Phy.LE_1M: preferences},
                    timeout=self._timeout,
                )
            except (core.TimeoutError, core.ConnectionError) as error:
                raise TimeoutError(f"no answer from {self.address}") from error
        self._connection = connection
        connection.on("disconnection", self._on_disconnection)
        try:
            if pair:
                await connection.pair()
            self._peer = Peer(connection)
            await self._call(self._peer.request_mtu(MTU_WANTED))
            await self._call(self._discover(self._peer))
        except BaseException:
            if self._connection is connection:
                await hang_up(connection)
            raise

    async def _find(self) -> hci.Address:
        if self._device is not None and isinstance(self._device.details, hci.Address):
            return self._device.details
        wanted, found = self.address.upper(), asyncio.get_running_loop().create_future()

        def look(device: BLEDevice, _seen: AdvertisementData) -> None:
            if device.address.upper() == wanted and not found.done():
                found.set_result(device)

        scanner = self.adapter.scanner(look, None)
        await scanner.start()
        try:
            self._device = await within(self._timeout, found)
        except TimeoutError as error:
            raise BleakDeviceNotFoundError(self.address, f"device {self.address} was not found") from error
        finally:
            await scanner.stop()
        return self._device.details  # type: ignore[union-attr, no-any-return]

    async def _discover(self, peer: Peer) -> None:
        found = BleakGATTServiceCollection()
        await peer.discover_services()
        for service in peer.services:
            entry = BleakGATTService(service, service.handle, _uuid_text(service.uuid))
            found.add_service(entry)
            await peer.discover_characteristics(service=service)
            for proxy in service.characteristics:
                character = BleakGATTCharacteristic(
                    proxy,
                    proxy.handle,
                    _uuid_text(proxy.uuid),
                    list(gatt_char_props_to_strs(int(proxy.properties))),
                    lambda: self.mtu_size - 3,
                    entry,
                )
                found.add_characteristic(character)
                await peer.discover_descriptors(proxy)
                for descriptor in proxy.descriptors:
                    found.add_descriptor(
                        BleakGATTDescriptor(descriptor, descriptor.handle, _uuid_text(descriptor.type), character)
                    )
        self.services = found

    async def _call(self, work: Any) -> Any:  # noqa: ANN401 - any of Bumble's coroutines
        """Run a request; what Bumble raises becomes what bleak promises."""
        try:
            return await work
        except att.ATT_Error as error:
            raise BleakGATTProtocolError(error.error_code) from error
        except asyncio.CancelledError as error:
            # Bumble cancels the waiting request when the link is lost; a cancelled task is another matter.
            task = asyncio.current_task()
            if self._connection is None and not (task and task.cancelling()):
                raise BleakError("disconnected") from error
            raise
        except (core.BaseBumbleError, AssertionError) as error:
            raise BleakError(f"request failed: {error}") from error

    def _on_disconnection(self, _reason: int) -> None:
        self._connection = None
        self._peer = None
        self.services = None
        self._subscribers.clear()
        if self._disconnected_callback is not None:
            self._disconnected_callback()

    async def disconnect(self) -> None:
        """Disconnect."""
        if self._connection is not None:
            await hang_up(self._connection)

    async def pair(self, *_args: Any, **_kwargs: Any) -> None:  # noqa: ANN401 - bleak's signature
        """Pair."""
        if self._connection is None:
            raise BleakError("not connected")
        await self._connection.pair()

    async def unpair(self) -> None:
        """Nothing is stored, so nothing is to forget."""

    def _connected(self) -> Peer:
        if self._peer is None or self._connection is None:
            raise BleakError("not connected")
        return self._peer

    async def read_gatt_char(
        self,
        characteristic: BleakGATTCharacteristic,
        *,
        use_cached: bool = False,  # noqa: ARG002 - bleak's signature
        **_kwargs: Any,  # noqa: ANN401
    ) -> bytearray:
        """Read a value, long ones too."""
        return bytearray(await self._call(self._connected().gatt_client.read_value(characteristic.handle)))

    async def read_gatt_descriptor(
        self,
        descriptor: BleakGATTDescriptor,
        *,
        use_cached: bool = False,  # noqa: ARG002 - bleak's signature
        **_kwargs: Any,  # noqa: ANN401
    ) -> bytearray:
        """Read a descriptor."""
        return bytearray(await self._call(self._connected().gatt_client.read_value(descriptor.handle)))

    async def write_gatt_char(
        self,
        characteristic: BleakGATTCharacteristic,
        data: SizedBuffer,
        response: bool,  # noqa: FBT001 - bleak's signature
    ) -> None:
        """Write a value."""
        client = self._connected().gatt_client
        await self._call(client.write_value(characteristic.handle, bytes(data), with_response=response))

    async def write_gatt_descriptor(self, descriptor: BleakGATTDescriptor, data: SizedBuffer) -> None:
        """Write a descriptor."""
        client = self._connected().gatt_client
        await self._call(client.write_value(descriptor.handle, bytes(data), with_response=True))

    async def start_notify(
        self,
        characteristic: BleakGATTCharacteristic,
        callback: NotifyCallback,
        **_kwargs: Any,  # noqa: ANN401 - options of other backends
    ) -> None:
        """Ask for notifications, or indications where there are none."""
        client = self._connected().gatt_client

        def hand_over(value: bytes) -> None:
            callback(bytearray(value))

        self._subscribers[characteristic.handle] = hand_over
        proxy: gatt_client.CharacteristicProxy[bytes] = characteristic.obj
        await self._call(client.subscribe(proxy, hand_over))

    async def stop_notify(self, characteristic: BleakGATTCharacteristic) -> None:
        """Ask for no more notifications."""
        client = self._connected().gatt_client
        subscriber = self._subscribers.pop(characteristic.handle, None)
        await self._call(client.unsubscribe(characteristic.obj, subscriber))
