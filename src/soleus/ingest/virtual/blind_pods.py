"""Virtual pods that send neither time nor counter: MetaMotion and Thingy:52, as far as their sources tell."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

import numpy as np
from bumble import gatt
from bumble.device import Connection

from soleus.ingest.protocols import metamotion, thingy52
from soleus.ingest.protocols.block import DEGREE_RAD, STANDARD_GRAVITY_MPS2, Stream
from soleus.ingest.virtual.other_pods import StreamingPod, in_scale
from soleus.ingest.virtual.peripheral import Properties, Radio, characteristic
from soleus.ingest.virtual.pod_clock import PodClock, SampleSource

ACCEL_RANGE_G: Final = 16
GYRO_RANGE_DPS: Final = 2000
REVISION: Final = 1


class VirtualMetaMotion(StreamingPod):
    """A MetaMotion that sends packed samples of both sensors.

    Parameters
    ----------
    sensor
        What is built in.
    """

    block_samples = metamotion.PACKED

    def __init__(
        self,
        radio: Radio,
        source: SampleSource,
        clock: PodClock,
        now_s: Callable[[], float],
        *,
        address: str,
        sensor: metamotion.Sensor = metamotion.Sensor.BMI270,
    ) -> None:
        scaled = in_scale(
            source,
            ACCEL_RANGE_G / metamotion.INT16_STEPS * STANDARD_GRAVITY_MPS2,
            DEGREE_RAD / metamotion.GYRO_LSB_PER_DPS[GYRO_RANGE_DPS],
        )
        self.sensor = sensor
        self.drop_frames = {Stream.ACCEL: 0, Stream.GYRO: 0}
        self._wanted = list(metamotion.encode_start(sensor, accel_range_g=ACCEL_RANGE_G, gyro_range_dps=GYRO_RANGE_DPS))
        self._seen: set[bytes] = set()
        both = Properties.WRITE | Properties.WRITE_WITHOUT_RESPONSE
        self._write = characteristic(metamotion.WRITE_UUID, both, write=self._on_write)
        self._data = characteristic(metamotion.NOTIFY_UUID, Properties.NOTIFY)
        super().__init__(radio, scaled, clock, now_s, name="MetaWear", address=address, maker="MbientLab")

    def services(self) -> Sequence[gatt.Service]:
        """Give the command service."""
        return [gatt.Service(metamotion.SERVICE_UUID, [self._write, self._data])]

    def advertised_services(self) -> Sequence[str]:
        """Give the command service's UUID."""
        return [metamotion.SERVICE_UUID]

    def _on_write(self, _connection: Connection, data: bytes) -> None:
        if data == metamotion.ASK_SENSOR:
            self.notify(self._data, metamotion.ASK_SENSOR + bytes([self.sensor, REVISION]))
        elif data in metamotion.encode_stop(self.sensor):
            self._seen.clear()
            self.end()
        else:
            # A command that this sensor does not know starts nothing: as with the real one there is no answer.
            self._seen.add(bytes(data))
            if self._column is None and self._seen.issuperset(self._wanted):
                self.begin()

    def send_block(self, column: int) -> None:
        """Send a packet of each sensor."""
        counts = self.source.counts[:, column : column + self.block_samples]
        for stream, part in ((Stream.ACCEL, counts[:3]), (Stream.GYRO, counts[3:])):
            if self.drop_frames[stream]:
                self.drop_frames[stream] -= 1
            else:
                self.notify(self._data, metamotion.encode(stream, np.ascontiguousarray(part), self.sensor))

    def on_disconnected(self) -> None:
        """Forget what was asked for."""
        self._seen.clear()
        super().on_disconnected()


class VirtualThingy(StreamingPod):
    """A Thingy:52 that sends raw motion while somebody listens."""

    block_samples = 1

    def __init__(
        self, radio: Radio, source: SampleSource, clock: PodClock, now_s: Callable[[], float], *, address: str
    ) -> None:
        scaled = in_scale(source, thingy52.ACCEL_LSB_MPS2, thingy52.GYRO_LSB_RADS)
        self.config = b""
        self._config = characteristic(thingy52.CONFIG_UUID, Properties.WRITE, write=self._on_config)
        self._raw = characteristic(thingy52.RAW_UUID, Properties.NOTIFY)
        super().__init__(radio, scaled, clock, now_s, name="Thingy", address=address, maker="Nordic")

    def services(self) -> Sequence[gatt.Service]:
        """Give the motion service."""
        return [gatt.Service(thingy52.MOTION_SERVICE_UUID, [self._config, self._raw])]

    def advertised_services(self) -> Sequence[str]:
        """Give the configuration service's UUID, as the firmware does."""
        return [thingy52.CONFIGURATION_SERVICE_UUID]

    def _on_config(self, _connection: Connection, data: bytes) -> None:
        self.config = bytes(data)
        self.begin()

    def send_block(self, column: int) -> None:
        """Send one sample."""
        self.notify(self._raw, thingy52.encode(self.source.counts[:, column : column + 1]))
