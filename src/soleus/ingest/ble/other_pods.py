"""Connections to pods of other makers that stream both sensors: Movesense and Polar Verity Sense.

Neither counts its samples nor sends any again: the index comes from the time stamps, and what is missing is lost. The
commands are built from the makers' documents and were tried on virtual pods only.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from soleus.ingest.ble.backend import BluetoothError
from soleus.ingest.ble.events import BatteryTold, Event, LossCause, PodReady
from soleus.ingest.ble.link import REQUEST_TIMEOUT_S, DeviceLink
from soleus.ingest.ble.pod_stream import PodStream, StreamKind
from soleus.ingest.ble.racing import within
from soleus.ingest.ble.soleus_link import Wish
from soleus.ingest.heart_rate import decode_battery_level
from soleus.ingest.protocols import movesense, polar
from soleus.ingest.protocols.block import DEGREE_RAD, STANDARD_GRAVITY_MPS2, SampleBlock, Stream, TimeBase
from soleus.ingest.protocols.join import StreamJoin
from soleus.model import Foot, PodInfo

if TYPE_CHECKING:
    from bleak import BleakClient

MOVESENSE_REFERENCE: Final = 99
MOVESENSE_RANGE_G: Final = 8
MOVESENSE_RANGE_DPS: Final = 2000
"""Full scales of IMU6 subscriptions as the firmware sets them."""
POLAR_RATES_HZ: Final = (52, 104, 208, 416)
"""Rates of both sensors in SDK mode, Polar BLE SDK, PolarVeritySense.md."""
NANOSECONDS: Final = 1e9
POLAR_ALREADY: Final = 6
"""Control point error: already in the state asked for."""


class OtherPodLink(DeviceLink):
    """What pods without sample index have in common."""

    family: str
    time_base: TimeBase

    def __init__(
        self,
        client: BleakClient,
        device: str,
        now_s: Callable[[], float],
        *,
        foot: Foot | None,
        wish: Wish,
        stream: PodStream | None = None,
    ) -> None:
        super().__init__(client, device, now_s)
        if foot is None:
            raise BluetoothError(f"{device} cannot know its foot: choose left or right for it")
        self.foot = foot
        self.wish = wish
        self.stream = stream
        self.ready: PodReady | None = None

    def _streams(self, rate_hz: int) -> PodStream:
        if self.stream is None:
            self.stream = PodStream(self.device, StreamKind(self.foot, float(rate_hz), self.time_base, False))  # noqa: FBT003
        self.stream.link_back(self.now_s())
        return self.stream

    def _on_battery(self, arrival_s: float, data: bytes) -> list[Event]:
        self.battery_pct = decode_battery_level(data)
        return [BatteryTold(arrival_s, self.device, self.battery_pct)]

    def _tell_ready(self, accel_lsb_mps2: float, gyro_lsb_rads: float, rate_hz: int) -> None:
        info = PodInfo(
            self.foot,
            accel_lsb_mps2,
            gyro_lsb_rads,
            rate_hz=float(rate_hz),
            pod_id=self.texts.get("serial", ""),
            maker=self.texts.get("maker", ""),
            firmware=self.texts.get("firmware", ""),
        )
        self.ready = PodReady(self.now_s(), self.device, info, self.battery_pct)


class MovesenseLink(OtherPodLink):
    """A connection to a Movesense."""

    time_base = TimeBase(tick_s=1e-3, modulus=2**32)

    async def open(self) -> None:
        """Subscribe to IMU6."""
        await self.read_standard_services()
        rate_hz = _nearest(self.wish.rate_hz, (104, 208))
        self._decoder = movesense.MovesenseDecoder(MOVESENSE_REFERENCE, rate_hz, MOVESENSE_RANGE_G, MOVESENSE_RANGE_DPS)
        self._streams(rate_hz)
        self._tell_ready(
            movesense.ACCEL_LSB_G[MOVESENSE_RANGE_G] * movesense.GRAVITY_MPS2,
            movesense.GYRO_LSB_DPS[MOVESENSE_RANGE_DPS] * DEGREE_RAD,
            rate_hz,
        )
        await self.subscribe(movesense.NOTIFY_UUID, "data")
        await self.write(movesense.WRITE_UUID, movesense.encode_subscribe(MOVESENSE_REFERENCE, rate_hz))

    def handle(self, arrival_s: float, channel: str, data: bytes) -> list[Event]:
        """Take one notification."""
        if channel == "battery":
            return self._on_battery(arrival_s, data)
        block = self._decoder.push(data)
        if block is not None and self.stream is not None:
            self.stream.add_block(block, arrival_s)
        return []

    async def finish(self) -> None:
        """Unsubscribe."""
        await self.write(movesense.WRITE_UUID, movesense.encode_unsubscribe(MOVESENSE_REFERENCE))


class PolarLink(OtherPodLink):
    """A connection to a Polar Verity Sense in SDK mode."""

    time_base = TimeBase(tick_s=1e-9, modulus=None)

    async def open(self) -> None:
        """Enter SDK mode and start both sensors."""
        await self.read_standard_services()
        rate_hz = _nearest(self.wish.rate_hz, POLAR_RATES_HZ)
        self._replies: asyncio.Queue[polar.Response] = asyncio.Queue()
        self._settings: dict[int, polar.StreamSettings] = {}
        self._join = StreamJoin(polar.KEY, NANOSECONDS / rate_hz)
        self._unpaired = 0
        self._streams(rate_hz)
        await self.subscribe(polar.CONTROL_UUID, "control")
        await self.subscribe(polar.DATA_UUID, "data")
        await self._ask(polar.encode_sdk_mode(on=True))
        ranges = {polar.Measurement.ACCEL: self.wish.accel_range_g, polar.Measurement.GYRO: self.wish.gyro_range_dps}
        for measurement, full_scale in ranges.items():
            reply = await self._ask(polar.encode_start(measurement, rate_hz=rate_hz, full_scale=full_scale))
            factor = reply.settings.get(polar.Setting.FACTOR, (1.0,))[0]
            self._settings[measurement] = polar.StreamSettings(rate_hz, full_scale, factor)
        self._tell_ready(
            self._settings[polar.Measurement.ACCEL].factor * STANDARD_GRAVITY_MPS2,
            self._settings[polar.Measurement.GYRO].factor * DEGREE_RAD,
            rate_hz,
        )

    async def _ask(self, command: bytes) -> polar.Response:
        await self.write(polar.CONTROL_UUID, command)
        try:
            reply = await within(REQUEST_TIMEOUT_S, self._replies.get())
        except TimeoutError as error:
            raise BluetoothError(f"{self.device} does not answer: switch it off and on") from error
        if reply.error not in {0, POLAR_ALREADY}:
            raise BluetoothError(f"{self.device} refuses command {command[:2].hex()} with error {reply.error}")
        return reply

    def handle(self, arrival_s: float, channel: str, data: bytes) -> list[Event]:
        """Take one notification."""
        match channel:
            case "battery":
                return self._on_battery(arrival_s, data)
            case "control":
                self._replies.put_nowait(polar.decode_response(data))
            case "data" if self.stream is not None:
                settings = self._settings.get(data[0] if data else 0)
                # Frames of the first sensor may come before the second has started.
                if settings is not None:
                    self._take(self.stream, polar.decode_frame(data, settings), arrival_s)
        return []

    def _take(self, stream: PodStream, block: SampleBlock, arrival_s: float) -> None:
        for joined in self._join.push(block):
            stream.add_block(joined, arrival_s)
        unpaired = self._join.unpaired[Stream.ACCEL]
        stream.count_loss(unpaired - self._unpaired, LossCause.UNPAIRED)
        self._unpaired = unpaired

    async def finish(self) -> None:
        """Stop both sensors."""
        for measurement in (polar.Measurement.ACCEL, polar.Measurement.GYRO):
            await self._ask(polar.encode_stop(measurement))


def _nearest(wanted_hz: int, offered: tuple[int, ...]) -> int:
    return next((rate for rate in offered if rate >= wanted_hz), offered[-1])
