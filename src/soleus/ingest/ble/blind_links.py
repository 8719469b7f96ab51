"""Connections to pods that send neither time nor counter: MetaMotion and Thingy:52.

Built from the makers' sources and tried on virtual pods only. Lost packets cannot be noticed; that is told at every
start.
"""

from __future__ import annotations

import asyncio

from soleus.ingest.ble.backend import BluetoothError
from soleus.ingest.ble.blind_stream import TIME_BASE, BlindStream
from soleus.ingest.ble.events import Event, LossCause, Trouble
from soleus.ingest.ble.link import REQUEST_TIMEOUT_S
from soleus.ingest.ble.other_pods import OtherPodLink
from soleus.ingest.ble.racing import within
from soleus.ingest.protocols import metamotion, thingy52
from soleus.ingest.protocols.block import DEGREE_RAD, STANDARD_GRAVITY_MPS2, SampleBlock
from soleus.ingest.protocols.join_counted import CountedJoin


class BlindLink(OtherPodLink):
    """What both have in common."""

    time_base = TIME_BASE

    def _blind(self, rate_hz: int) -> BlindStream:
        if not isinstance(self.stream, BlindStream):
            self.stream = BlindStream(self.device, self.foot, float(rate_hz))
        self.stream.link_back(self.now_s())
        return self.stream

    def _take(self, block: SampleBlock, arrival_s: float) -> list[Event]:
        assert isinstance(self.stream, BlindStream)  # noqa: S101 - made in open
        self.stream.add_untimed(block, arrival_s)
        if self.stream.told:
            return []
        self.stream.told = True
        told = f"{self.device} sends neither time nor counter: lost packets cannot be noticed, times may be 30 ms off"
        return [Trouble(arrival_s, self.device, told)]


class MetaMotionLink(BlindLink):
    """A connection to a MetaMotion."""

    async def open(self) -> None:
        """Ask which sensor is built in, set it and start it."""
        await self.read_standard_services()
        self._join = CountedJoin(metamotion.KEY)
        self._found: asyncio.Queue[metamotion.Sensor] = asyncio.Queue()
        accel_g = _at_least(self.wish.accel_range_g, metamotion.ACCEL_RANGES_G)
        gyro_dps = _at_least(self.wish.gyro_range_dps, tuple(sorted(metamotion.GYRO_RANGE_CODES)))
        self._ranges = accel_g, gyro_dps
        self._unpaired = 0
        self._blind(metamotion.RATE_HZ)
        self._tell_ready(
            accel_g / metamotion.INT16_STEPS * STANDARD_GRAVITY_MPS2,
            DEGREE_RAD / metamotion.GYRO_LSB_PER_DPS[gyro_dps],
            metamotion.RATE_HZ,
        )
        await self.subscribe(metamotion.NOTIFY_UUID, "data")
        await self.write(metamotion.WRITE_UUID, metamotion.ASK_SENSOR)
        try:
            self._sensor = await within(REQUEST_TIMEOUT_S, self._found.get())
        except TimeoutError as error:
            raise BluetoothError(f"{self.device} does not say which gyroscope it has: switch it off and on") from error
        for command in metamotion.encode_start(self._sensor, accel_range_g=accel_g, gyro_range_dps=gyro_dps):
            await self.write(metamotion.WRITE_UUID, command)

    def handle(self, arrival_s: float, channel: str, data: bytes) -> list[Event]:
        """Take one notification."""
        if channel == "battery":
            return self._on_battery(arrival_s, data)
        sensor = metamotion.decode_sensor(data)
        if sensor is not None:
            self._found.put_nowait(sensor)
            return []
        accel_g, gyro_dps = self._ranges
        joined = self._join.push(metamotion.decode(data, accel_range_g=accel_g, gyro_range_dps=gyro_dps))
        if self.stream is not None:
            self.stream.count_loss(self._join.unpaired - self._unpaired, LossCause.UNPAIRED)
            self._unpaired = self._join.unpaired
        return [] if joined is None else self._take(joined, arrival_s)

    async def finish(self) -> None:
        """Stop both sensors."""
        for command in metamotion.encode_stop(self._sensor):
            await self.write(metamotion.WRITE_UUID, command)


class ThingyLink(BlindLink):
    """A connection to a Thingy:52."""

    async def open(self) -> None:
        """Set the rate and ask for raw motion."""
        await self.read_standard_services()
        self._blind(thingy52.RATE_MAX_HZ)
        self._tell_ready(thingy52.ACCEL_LSB_MPS2, thingy52.GYRO_LSB_RADS, thingy52.RATE_MAX_HZ)
        await self.write(thingy52.CONFIG_UUID, thingy52.encode_config(thingy52.RATE_MAX_HZ))
        await self.subscribe(thingy52.RAW_UUID, "data")

    def handle(self, arrival_s: float, channel: str, data: bytes) -> list[Event]:
        """Take one notification."""
        if channel == "battery":
            return self._on_battery(arrival_s, data)
        return self._take(thingy52.decode(data), arrival_s)


def _at_least(wanted: int, offered: tuple[int, ...]) -> int:
    return next((value for value in offered if value >= wanted), offered[-1])
