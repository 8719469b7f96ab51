"""One connection to one device: subscribe, stamp, enqueue; what comes in is taken from the queue elsewhere."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from soleus.ingest.ble.events import Event
from soleus.ingest.ble.racing import within
from soleus.ingest.heart_rate import (
    BATTERY_LEVEL_UUID,
    DEVICE_INFORMATION_UUIDS,
    decode_battery_level,
    decode_text,
)
from soleus.ingest.protocols.block import ProtocolError

if TYPE_CHECKING:
    from bleak import BleakClient

INBOX_MAX: Final = 200_000
"""Notifications kept while the program does not come round to them: beyond half an hour of two pods."""
REQUEST_TIMEOUT_S: Final = 10.0
"""A read, write or subscription that takes longer has failed [s]; the slowest granted connection interval is 4 s."""


@dataclass(slots=True)
class Inbox:
    """Notifications of one connection: (session time [s], channel, bytes), in the order of their arrival."""

    entries: deque[tuple[float, str, bytes]] = field(default_factory=deque)
    wake: asyncio.Event = field(default_factory=asyncio.Event)
    dropped: int = 0


class DeviceLink(ABC):
    """A connection to a device of one family.

    Parameters
    ----------
    client
        Connected.
    now_s
        Session time [s].

    Attributes
    ----------
    damaged
        Notifications that could not be read.
    texts
        Device information, once :meth:`open` has read it.
    battery_pct
        Battery level [%], likewise.
    """

    def __init__(self, client: BleakClient, device: str, now_s: Callable[[], float]) -> None:
        self.client = client
        self.device = device
        self.now_s = now_s
        self.inbox = Inbox()
        self.damaged = 0
        self.texts: dict[str, str] = {}
        self.battery_pct: int | None = None

    async def subscribe(self, uuid: str, channel: str) -> None:
        """Let notifications of a characteristic come in on a channel of the inbox."""
        inbox, now_s = self.inbox, self.now_s

        def stamp(_sender: Any, data: bytearray) -> None:  # noqa: ANN401 - bleak's signature
            if len(inbox.entries) >= INBOX_MAX:
                inbox.dropped += 1
                return
            inbox.entries.append((now_s(), channel, bytes(data)))
            inbox.wake.set()

        await within(REQUEST_TIMEOUT_S, self.client.start_notify(uuid, stamp))

    async def read(self, uuid: str) -> bytes:
        """Read a characteristic."""
        return bytes(await within(REQUEST_TIMEOUT_S, self.client.read_gatt_char(uuid)))

    async def write(self, uuid: str, data: bytes, *, response: bool = True) -> None:
        """Write a characteristic."""
        await within(REQUEST_TIMEOUT_S, self.client.write_gatt_char(uuid, data, response=response))

    def has(self, uuid: str) -> bool:
        """Whether the device has a characteristic."""
        return self.client.services.get_characteristic(uuid) is not None

    def mtu(self, uuid: str | None = None) -> int:
        """ATT MTU [B], as far as the system tells it: by a characteristic that takes writes without response."""
        character = self.client.services.get_characteristic(uuid) if uuid else None
        return self.client.mtu_size if character is None else character.max_write_without_response_size + 3

    async def read_standard_services(self) -> None:
        """Read device information and battery level, and subscribe to the latter, as far as they are there."""
        for key, uuid in DEVICE_INFORMATION_UUIDS.items():
            if self.has(uuid):
                try:
                    self.texts[key] = decode_text(await self.read(uuid))
                except ProtocolError:
                    self.damaged += 1
        if self.has(BATTERY_LEVEL_UUID):
            try:
                self.battery_pct = decode_battery_level(await self.read(BATTERY_LEVEL_UUID))
            except ProtocolError:
                self.damaged += 1
            character = self.client.services.get_characteristic(BATTERY_LEVEL_UUID)
            if character is not None and "notify" in character.properties:
                await self.subscribe(BATTERY_LEVEL_UUID, "battery")

    @abstractmethod
    async def open(self) -> None:
        """Read what the device is, subscribe to all, start the stream."""

    async def work(self) -> None:
        """Do what must be done while the link is up (clock exchanges, backfill); cancelled at its end."""
        await asyncio.Event().wait()

    @abstractmethod
    def handle(self, arrival_s: float, channel: str, data: bytes) -> list[Event]:
        """Take one notification from the inbox.

        Raises
        ------
        ProtocolError
            If it cannot be read.
        """

    async def finish(self) -> None:
        """End the stream in order while the link is still up, and fetch what is missing."""
        return

    def drain(self) -> list[Event]:
        """Take all notifications that have come."""
        events: list[Event] = []
        entries = self.inbox.entries
        self.inbox.wake.clear()
        while entries:
            arrival_s, channel, data = entries.popleft()
            try:
                events += self.handle(arrival_s, channel, data)
            except ProtocolError:
                self.damaged += 1
        return events
