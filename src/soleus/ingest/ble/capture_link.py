"""A connection to a Capture2Go: packed samples through a first-in-first-out buffer, four-stamp clock exchanges.

Built from the maker's protocol document and tried on virtual pods only.
"""

from __future__ import annotations

import asyncio
import random
from typing import Final

from soleus.ingest.ble.backend import BluetoothError
from soleus.ingest.ble.events import BatteryTold, Event
from soleus.ingest.ble.link import REQUEST_TIMEOUT_S
from soleus.ingest.ble.other_pods import NANOSECONDS, OtherPodLink
from soleus.ingest.ble.racing import within
from soleus.ingest.protocols import capture2go
from soleus.ingest.protocols.block import SampleBlock, TimeBase

RATE_HZ: Final = 200
EXCHANGE_GAP_S: Final = (0.2, 0.4)
"""Random distance of clock exchanges [s]. The maker advises one a second; more are needed to meet a good phase of the
connection interval, and 45 B cost nothing beside 3 kB/s of samples."""
PENDING_MAX: Final = 64


class CaptureLink(OtherPodLink):
    """A connection to a Capture2Go."""

    time_base = TimeBase(tick_s=1 / NANOSECONDS, modulus=None)

    async def open(self) -> None:
        """Ask for packed samples and start."""
        await self.read_standard_services()
        self._decoder = capture2go.Capture2GoDecoder()
        self._answers: asyncio.Queue[int] = asyncio.Queue()
        self._random = random.Random()  # noqa: S311 - spreads requests over the connection interval
        self._sent: dict[int, float] = {}
        self._streams(RATE_HZ)
        self._tell_ready(capture2go.ACCEL_LSB_MPS2, capture2go.GYRO_LSB_RADS, RATE_HZ)
        await self.subscribe(capture2go.NOTIFY_UUID, "data")
        await self._ask(capture2go.encode_set_mode(RATE_HZ), capture2go.HEADER_MODE_SET, "the measurement mode")
        await self._ask(capture2go.encode_streaming(on=True), capture2go.HEADER_STREAMING_STARTED, "the start")

    async def _ask(self, command: bytes, answer: int, what: str) -> None:
        await self.write(capture2go.WRITE_UUID, command)

        async def answered() -> None:
            while await self._answers.get() != answer:
                pass

        try:
            await within(REQUEST_TIMEOUT_S, answered())
        except TimeoutError as error:
            raise BluetoothError(f"{self.device} does not confirm {what}: switch it off and on") from error

    async def work(self) -> None:
        """Exchange clocks."""
        while True:
            sent_s = self.now_s()
            if len(self._sent) >= PENDING_MAX:
                self._sent.clear()
            request = capture2go.ClockRoundtrip(round(sent_s * NANOSECONDS) + 1, 0, 0, 0)
            self._sent[request.host_sent_ns] = sent_s
            await self.write(capture2go.WRITE_UUID, capture2go.encode_roundtrip(request))
            await asyncio.sleep(self._random.uniform(*EXCHANGE_GAP_S))

    def handle(self, arrival_s: float, channel: str, data: bytes) -> list[Event]:
        """Take one notification, which may hold several packages."""
        if channel == "battery":
            return self._on_battery(arrival_s, data)
        events: list[Event] = []
        try:
            for package in self._decoder.push(data):
                events += self._on_package(arrival_s, package)
        finally:
            self.damaged += self._decoder.refused_packages
            self._decoder.refused_packages = 0
        return events

    def _on_package(self, arrival_s: float, package: capture2go.Package) -> list[Event]:
        match package:
            case SampleBlock() if self.stream is not None:
                self.stream.add_block(package, arrival_s)
            case capture2go.ClockRoundtrip() if self.stream is not None:
                sent_s = self._sent.pop(package.host_sent_ns, None)
                if sent_s is not None:
                    self.stream.add_exchange(sent_s, package.sensor_received_ns, package.sensor_sent_ns, arrival_s)
            case capture2go.OtherPackage():
                self._answers.put_nowait(package.header)
                level = capture2go.decode_status_battery(package)
                if level is not None and level != self.battery_pct:
                    self.battery_pct = level
                    return [BatteryTold(arrival_s, self.device, level)]
        return []

    async def finish(self) -> None:
        """Stop streaming; what still is in the pod's buffer comes before the answer."""
        await self._ask(capture2go.encode_streaming(on=False), capture2go.HEADER_STREAMING_STOPPED, "the stop")
