"""A virtual Capture2Go, as far as its protocol document tells."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from typing import Final

import numpy as np
from bumble import gatt
from bumble.device import Connection

from soleus.ingest.protocols import capture2go
from soleus.ingest.protocols.block import ProtocolError
from soleus.ingest.protocols.soleus_pod_defs import ATT_HEADER_SIZE
from soleus.ingest.virtual.other_pods import StreamingPod, in_scale
from soleus.ingest.virtual.peripheral import Properties, Radio, characteristic
from soleus.ingest.virtual.pod_clock import PodClock, SampleSource

ANSWER_LATENCY_S: Final = 0.1e-3
QUEUED_MAX: Final = 4
"""Notifications the radio takes at once; the rest waits in the buffer."""
STATUS_EVERY: Final = 25
"""Packages of eight samples between two status packages: a second."""
BATTERY_AT: Final = 7


class VirtualCapture2Go(StreamingPod):
    """A Capture2Go that sends packed samples from its first-in-first-out buffer."""

    block_samples = capture2go.PACKED_SAMPLES

    def __init__(
        self, radio: Radio, source: SampleSource, clock: PodClock, now_s: Callable[[], float], *, address: str
    ) -> None:
        scaled = in_scale(source, capture2go.ACCEL_LSB_MPS2, capture2go.GYRO_LSB_RADS)
        self._sent = 0
        self._buffer: deque[int] = deque()
        self._write = characteristic(
            capture2go.WRITE_UUID, Properties.WRITE | Properties.WRITE_WITHOUT_RESPONSE, write=self._on_write
        )
        self._data = characteristic(capture2go.NOTIFY_UUID, Properties.NOTIFY)
        name = f"IMU_{address[-5:].replace(':', '').lower()}"
        super().__init__(radio, scaled, clock, now_s, name=name, address=address, maker="SensorStim")

    def services(self) -> Sequence[gatt.Service]:
        """Give the serial service."""
        return [gatt.Service(capture2go.SERVICE_UUID, [self._write, self._data])]

    def advertised_services(self) -> Sequence[str]:
        """Give the serial service's UUID."""
        return [capture2go.SERVICE_UUID]

    def _time_ns(self) -> int:
        return self.clock.device_us(self._now_s()) * 1000

    def _on_write(self, _connection: Connection, data: bytes) -> None:
        try:
            packages = capture2go.Capture2GoDecoder().push(b"\xff" + data)
        except ProtocolError:
            return
        for package in packages:
            if isinstance(package, capture2go.ClockRoundtrip):
                asyncio.get_running_loop().call_later(ANSWER_LATENCY_S, self._answer, package, self._time_ns())
            elif isinstance(package, capture2go.OtherPackage):
                self._obey(package)

    def _answer(self, asked: capture2go.ClockRoundtrip, received_ns: int) -> None:
        answer = asked._replace(sensor_received_ns=received_ns, sensor_sent_ns=self._time_ns())
        # Real-time: before what waits in the buffer.
        self.notify(self._data, b"\xfe" + capture2go.encode_roundtrip(answer))

    def _obey(self, package: capture2go.OtherPackage) -> None:
        match package.header:
            case capture2go.HEADER_SET_MODE:
                self._queue(capture2go.encode_frame(capture2go.HEADER_MODE_SET, package.payload))
            case capture2go.HEADER_START_STREAMING:
                self._queue(capture2go.encode_frame(capture2go.HEADER_STREAMING_STARTED))
                self.begin()
            case capture2go.HEADER_STOP_STREAMING:
                self.end()
                self._queue(capture2go.encode_frame(capture2go.HEADER_STREAMING_STOPPED))

    def send_block(self, column: int) -> None:
        """Put a package into the buffer, and a status package every second."""
        counts = self.source.counts[:, column : column + self.block_samples]
        time_ns = self.clock.device_us(float(self.source.time_s[column])) * 1000
        self._queue(capture2go.encode_samples(np.ascontiguousarray(counts), time_ns=time_ns))
        self._sent += 1
        if self._sent % STATUS_EVERY == 0:
            values = [0] * 9
            values[BATTERY_AT] = self.battery_pct
            status = capture2go.STATUS.pack(*values)
            self._queue(capture2go.encode_frame(capture2go.HEADER_STATUS, status))

    def _queue(self, frame: bytes) -> None:
        self._buffer.extend(frame)
        self._pump()

    def _pump(self, *_: object) -> None:
        """Send what the radio takes; the frames are cut wherever a notification ends."""
        room = self.mtu - ATT_HEADER_SIZE - 1
        while self._buffer and self.queued < QUEUED_MAX:
            part = bytes(self._buffer.popleft() for _ in range(min(room, len(self._buffer))))
            if not self.notify(self._data, b"\xff" + part):
                self._buffer.clear()

    async def power_on(self) -> None:
        """Switch on and advertise."""
        await super().power_on()
        queue = self.device.host.le_acl_packet_queue
        if queue is not None:
            queue.on("flow", self._pump)

    def on_disconnected(self) -> None:
        """Stop, and forget what was not sent."""
        self._buffer.clear()
        super().on_disconnected()
