"""Virtual pods of other makers: Movesense and Polar Verity Sense, as far as their protocols are known."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Final

import numpy as np
from bumble import gatt
from bumble.device import Connection

from soleus.ingest.protocols import movesense, polar
from soleus.ingest.protocols.block import DEGREE_RAD, STANDARD_GRAVITY_MPS2
from soleus.ingest.protocols.soleus_pod_defs import ATT_HEADER_SIZE
from soleus.ingest.virtual.peripheral import Peripheral, Properties, Radio, characteristic
from soleus.ingest.virtual.pod_clock import PodClock, SampleSource
from soleus.model import INT16_MAX

MOVESENSE_RANGES: Final = (8, 2000)
POLAR_FRAME_SAMPLES: Final = 34
"""Samples that fit a frame of 244 B even if every difference needs 17 bits."""
POLAR_GYRO_LATER_S: Final = 0.9e-3
"""The two sensors do not sample at the same instant [s]."""
POLAR_ERROR_UNKNOWN: Final = 1


def in_scale(source: SampleSource, accel_lsb_mps2: float, gyro_lsb_rads: float) -> SampleSource:
    """Give the same motion in counts of another scale, clipped at int16."""
    ratio = np.array([source.accel_lsb_mps2 / accel_lsb_mps2] * 3 + [source.gyro_lsb_rads / gyro_lsb_rads] * 3)
    counts = np.clip(np.rint(source.counts * ratio[:, None]), -INT16_MAX - 1, INT16_MAX).astype(np.int16)
    return SampleSource(source.time_s, counts, source.rate_hz, accel_lsb_mps2, gyro_lsb_rads, INT16_MAX, INT16_MAX)


class StreamingPod(Peripheral):
    """A pod that sends blocks of equal size while it is asked to, and keeps nothing."""

    block_samples: int

    def __init__(
        self,
        radio: Radio,
        source: SampleSource,
        clock: PodClock,
        now_s: Callable[[], float],
        *,
        name: str,
        address: str,
        maker: str,
    ) -> None:
        self.source = source
        self.clock = clock
        self._now_s = now_s
        self._column: int | None = None
        self._timer: asyncio.TimerHandle | None = None
        super().__init__(radio, name=name, address=address, maker=maker)

    def begin(self) -> None:
        """Start to sample."""
        self.end()
        self._column = self.source.taken_by(self._now_s())
        self._wait()

    def end(self) -> None:
        """Stop sampling."""
        self._column = None
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _wait(self) -> None:
        if self._column is not None and self._column + self.block_samples <= len(self.source):
            due_s = float(self.source.time_s[self._column + self.block_samples - 1]) - self._now_s()
            self._timer = asyncio.get_running_loop().call_later(max(0.0, due_s), self._tick)

    def _tick(self) -> None:
        if self._column is not None:
            self.send_block(self._column)
            self._column += self.block_samples
            self._wait()

    def send_block(self, column: int) -> None:
        """Send the block that begins at a column of the source."""

    def on_disconnected(self) -> None:
        """Stop: these pods do not sample for nobody."""
        self.end()

    async def close(self) -> None:
        """End all work of the pod."""
        self.end()
        await super().close()


class VirtualMovesense(StreamingPod):
    """A Movesense with its GATT sensor data service."""

    def __init__(
        self, radio: Radio, source: SampleSource, clock: PodClock, now_s: Callable[[], float], *, address: str
    ) -> None:
        accel_g, gyro_dps = MOVESENSE_RANGES
        scaled = in_scale(
            source,
            movesense.ACCEL_LSB_G[accel_g] * movesense.GRAVITY_MPS2,
            movesense.GYRO_LSB_DPS[gyro_dps] * DEGREE_RAD,
        )
        self.block_samples = round(source.rate_hz) // movesense.SAMPLES_PER_13_HZ
        self._reference = 0
        self._write = characteristic(movesense.WRITE_UUID, Properties.WRITE, write=self._on_write)
        self._data = characteristic(movesense.NOTIFY_UUID, Properties.NOTIFY)
        name = f"Movesense {address[-5:].replace(':', '')}"
        super().__init__(radio, scaled, clock, now_s, name=name, address=address, maker="Movesense")

    def services(self) -> Sequence[gatt.Service]:
        """Give the sensor data service."""
        return [gatt.Service(movesense.SERVICE_UUID, [self._write, self._data])]

    def manufacturer_data(self) -> bytes:
        """Give the maker's identifier."""
        return movesense.COMPANY_ID.to_bytes(2, "little")

    def _on_write(self, _connection: Connection, data: bytes) -> None:
        if data[:1] == bytes([movesense.SUBSCRIBE]):
            self._reference = data[1]
            self.begin()
        elif data[:1] == bytes([movesense.UNSUBSCRIBE]):
            self.end()

    def send_block(self, column: int) -> None:
        """Send a block, in two parts if it must be."""
        accel_g, gyro_dps = MOVESENSE_RANGES
        time_ms = self.clock.device_us(float(self.source.time_s[column])) // 1000
        counts = self.source.counts[:, column : column + self.block_samples]
        body = movesense.encode_imu6(counts, time_ms=time_ms, accel_range_g=accel_g, gyro_range_dps=gyro_dps)
        room = self.mtu - ATT_HEADER_SIZE - movesense.HEAD.size
        self.notify(self._data, bytes([movesense.RESPONSE_DATA, self._reference]) + body[:room])
        if len(body) > room:
            self.notify(self._data, bytes([movesense.RESPONSE_DATA_PART2, self._reference]) + body[room:])


class VirtualPolar(StreamingPod):
    """A Polar Verity Sense with its measurement data service."""

    block_samples = POLAR_FRAME_SAMPLES

    def __init__(
        self, radio: Radio, source: SampleSource, clock: PodClock, now_s: Callable[[], float], *, address: str
    ) -> None:
        self._factors = {
            polar.Measurement.ACCEL: float(np.float32(source.accel_lsb_mps2 / STANDARD_GRAVITY_MPS2)),
            polar.Measurement.GYRO: float(np.float32(source.gyro_lsb_rads / DEGREE_RAD)),
        }
        self._started: set[int] = set()
        self._control = characteristic(polar.CONTROL_UUID, Properties.WRITE | Properties.INDICATE, write=self._on_write)
        self._data = characteristic(polar.DATA_UUID, Properties.NOTIFY)
        name = f"Polar Sense {address[-5:].replace(':', '')}"
        super().__init__(radio, source, clock, now_s, name=name, address=address, maker="Polar")

    def services(self) -> Sequence[gatt.Service]:
        """Give the measurement data service."""
        return [gatt.Service(polar.SERVICE_UUID, [self._control, self._data])]

    def manufacturer_data(self) -> bytes:
        """Give the maker's identifier."""
        return polar.COMPANY_ID.to_bytes(2, "little") + b"\x00"

    def on_disconnected(self) -> None:
        """Stop both sensors."""
        self._started.clear()
        super().on_disconnected()

    def _on_write(self, _connection: Connection, data: bytes) -> None:
        operation, measurement = data[0], data[1]
        answer = bytes([polar.RESPONSE, operation, measurement, 0, 0])
        known = measurement in {*self._factors, polar.Measurement.SDK_MODE}
        if not known:
            answer = bytes([polar.RESPONSE, operation, measurement, POLAR_ERROR_UNKNOWN])
        elif operation == polar.Operation.START and measurement != polar.Measurement.SDK_MODE:
            factor = np.float32(self._factors[polar.Measurement(measurement)]).tobytes()
            answer += bytes([polar.Setting.FACTOR, 1]) + factor
            self._started.add(measurement)
            if len(self._started) == len(self._factors):
                self.begin()
        elif operation == polar.Operation.STOP:
            self._started.discard(measurement)
            self.end()
        self.spawn(self.indicate(self._control, answer))

    def send_block(self, column: int) -> None:
        """Send a frame of each sensor, stamped with the time of its last sample."""
        counts = self.source.counts[:, column : column + self.block_samples]
        last_us = self.clock.device_us(float(self.source.time_s[column + self.block_samples - 1]))
        frames = (
            (polar.Measurement.ACCEL, counts[:3], 0.0),
            (polar.Measurement.GYRO, counts[3:], POLAR_GYRO_LATER_S),
        )
        for measurement, part, later_s in frames:
            time_ns = last_us * 1000 + round(later_s * 1e9)
            self.notify(self._data, polar.encode_frame(measurement, np.ascontiguousarray(part), time_ns=time_ns))
