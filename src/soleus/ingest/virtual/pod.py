"""A virtual Soleus pod: firmware_interfaces/POD_SERVICE.md, spoken by a GATT server in software."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any, Final

import numpy as np
from bumble import att, gatt
from bumble.device import Connection

from soleus.ingest.protocols import soleus_pod as codec
from soleus.ingest.protocols import soleus_pod_control
from soleus.ingest.protocols import soleus_pod_defs as defs
from soleus.ingest.protocols.block import ProtocolError
from soleus.ingest.virtual.peripheral import Peripheral, Properties, Radio, characteristic
from soleus.ingest.virtual.pod_clock import SampleSource
from soleus.ingest.virtual.pod_memory import Boot, PodMemory, PodSetting
from soleus.ingest.virtual.pod_records import ACCEL_RANGE_G, GYRO_RANGE_DPS, info_record, status_record

ERROR_NOT_CONFIGURED: Final = 0xFD
"""Client Characteristic Configuration Descriptor improperly configured, Core Supplement Part B 1.2."""
QUEUE_MAX: Final = defs.CONNECTION_NOTIFICATIONS_PER_EVENT
PACKET_SAMPLES: Final = 8
"""Samples of a packet when the host leaves it to the pod; now and then one less, so that packets do not lock to the
connection interval."""
SHORTER_EVERY: Final = 3
FIFO_LATENCY_S: Final = 0.5e-3
"""From the last sample of a packet to the packet [s]: interrupt, bus, firmware."""
ANSWER_LATENCY_S: Final = 0.1e-3
"""From a clock request to its answer [s]."""
BATTERY_LOW_PCT: Final = 5


class VirtualPod(Peripheral):
    """A Soleus pod in software.

    Parameters
    ----------
    radio
        Its radio.
    source
        What it measures.
    setting
        How it is.
    now_s
        World time [s].

    Attributes
    ----------
    memory
        What it sampled.
    identified
        World times at which it was asked to blink [s].
    """

    def __init__(
        self,
        radio: Radio,
        source: SampleSource,
        setting: PodSetting,
        now_s: Callable[[], float],
        *,
        name: str,
        address: str,
    ) -> None:
        self.source = source
        self.setting = setting
        self.side = defs.Side.UNSET if setting.side is None else codec.side_of(setting.side)
        self.state = defs.State.IDLE
        self.last_error = defs.Error.NONE
        self.identified: list[float] = []
        self.memory = PodMemory(source, setting, now_s)
        self._now_s = now_s
        self._next = 0
        self._samples_max = PACKET_SAMPLES
        self._flags = 0
        self._lost = 0
        self._drop = 0
        self._backfill: range | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._buffering_since_s = 0.0
        self._status_timer: asyncio.TimerHandle | None = None
        self._on_since_s = now_s()
        both = Properties.READ | Properties.NOTIFY
        self._info = characteristic(defs.INFO_UUID, Properties.READ, read=lambda _: codec.pack(self.info()))
        self._control = characteristic(
            defs.CONTROL_UUID, Properties.WRITE | Properties.INDICATE, write=self._on_command
        )
        self._imu = characteristic(defs.IMU_UUID, Properties.NOTIFY)
        self._sync = characteristic(
            defs.SYNC_UUID, Properties.WRITE_WITHOUT_RESPONSE | Properties.NOTIFY, write=self._on_sync
        )
        self._backfilled = characteristic(defs.BACKFILL_UUID, Properties.NOTIFY)
        self._status = characteristic(defs.STATUS_UUID, both, read=lambda _: codec.pack(self.status()))
        super().__init__(radio, name=name, address=address, model="Virtual pod", serial=f"{setting.pod_id:08x}")
        self.battery_pct = setting.battery_pct

    # What it is.

    @property
    def boots(self) -> list[Boot]:
        """One entry a boot, the present one last: the truth to hold a host against."""
        return self.memory.boots

    @property
    def boot(self) -> Boot:
        """The present boot."""
        return self.memory.boot

    def services(self) -> Sequence[gatt.Service]:
        """Give the pod service."""
        parts = [self._info, self._control, self._imu, self._sync, self._backfilled, self._status]
        return [gatt.Service(defs.SERVICE_UUID, parts)]

    def advertised_services(self) -> Sequence[str]:
        """Give the pod service's UUID."""
        return [defs.SERVICE_UUID]

    def manufacturer_data(self) -> bytes:
        """Give side, state and battery."""
        told = defs.Advertisement(defs.ADV_MAGIC, defs.VERSION_MAJOR, self.side, self.state, self.battery_pct)
        return defs.ADV_COMPANY_ID.to_bytes(2, "little") + codec.pack(told)

    def info(self) -> defs.Info:
        """Give the Info record."""
        return info_record(self.setting, self.source, self.memory, self.side, self.state)

    def status(self) -> defs.Status:
        """Give the Status record."""
        connection = self.connection
        interval_ms = 0.0 if connection is None else connection.parameters.connection_interval
        return status_record(
            self.memory, self.battery_pct, self.state, self.queued, self.last_error, interval_ms, self.mtu, self._lost
        )

    # Sending: live packets first, backfill when none waits.

    def _pump(self, *_: Any) -> None:  # noqa: ANN401 - a timer's or an event's arguments
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self.state is defs.State.STREAMING:
            self._pump_live()
        while self._backfill is not None and self.queued < QUEUE_MAX:
            self._send_backfill(self._backfill)
        if self.state is defs.State.BUFFERING and self._now_s() - self._buffering_since_s > defs.BUFFERING_LIMIT_S:
            self._stop_sampling()

    def _pump_live(self) -> None:
        size = self._packet_size()
        while self.queued < QUEUE_MAX:
            end = self.memory.end_index()
            oldest = self.memory.oldest()
            if self._next < oldest:
                self._lost += oldest - self._next
                self.last_error = defs.Error.RING_OVERRUN
                self._flags |= defs.FLAG_OVERRUN
                self._next = oldest
            self._next, run_end = self.memory.held_from(self._next, end)
            n = min(size, run_end - self._next)
            if n <= 0 or (n < size and run_end == end):
                break
            if self._drop:
                self._drop -= 1
            else:
                self.notify(self._imu, self.memory.packet(self._next, n, self._flags, mtu=self.mtu, backfill=False))
                self._flags = 0
            self._next += n
            size = self._packet_size()
        self._wait_for(self._next + size - 1)

    def _packet_size(self) -> int:
        fit = min(self._samples_max, codec.samples_per_packet(self.mtu))
        return fit - 1 if fit > SHORTER_EVERY and self.memory.live_packets % SHORTER_EVERY == 0 else fit

    def _wait_for(self, index: int) -> None:
        column = self.memory.column(index)
        if column < len(self.source):
            delay_s = float(self.source.time_s[column]) + FIFO_LATENCY_S - self._now_s()
            self._timer = asyncio.get_running_loop().call_later(max(delay_s, FIFO_LATENCY_S), self._pump)

    def _send_backfill(self, wanted: range) -> None:
        first, end = self.memory.held_from(max(wanted.start, self.memory.oldest()), wanted.stop)
        n = min(codec.samples_per_packet(self.mtu), end - first)
        if first >= wanted.stop or n <= 0:
            ending = codec.encode_imu(
                np.empty((6, 0), np.int16), first_index=wanted.stop, first_time_us=0, flags=defs.FLAG_BACKFILL
            )
            self.notify(self._backfilled, ending)
            self._backfill = None
            return
        self.notify(self._backfilled, self.memory.packet(first, n, 0, mtu=self.mtu, backfill=True))
        self._backfill = range(first + n, wanted.stop)

    # Commands.

    def _on_command(self, _connection: Connection, data: bytes) -> None:
        if not self.is_subscribed(self._control, bit=2):
            raise att.ATT_Error(error_code=att.ErrorCode(ERROR_NOT_CONFIGURED))
        self.spawn(self.indicate(self._control, self._answer(bytes(data))))

    def _answer(self, data: bytes) -> bytes:
        if not data or data[0] not in soleus_pod_control.COMMANDS:
            return soleus_pod_control.reply_to(data, defs.StatusCode.UNKNOWN_OPCODE)
        if len(data) != defs.STRUCTS[soleus_pod_control.COMMANDS[data[0]]].size:
            return soleus_pod_control.reply_to(data, defs.StatusCode.BAD_LENGTH)
        try:
            command = soleus_pod_control.decode_command(data)
        except ProtocolError:
            return soleus_pod_control.reply_to(data, defs.StatusCode.OUT_OF_RANGE)
        head = (defs.REPLY_OPCODE, command.opcode, defs.StatusCode.OK)
        if isinstance(command, defs.CommandStart):
            answer = self._start(command)
        elif isinstance(command, defs.CommandBackfill):
            answer = self._start_backfill(command)
        elif isinstance(command, defs.CommandGetStats):
            answer = codec.pack(defs.ReplyGetStats(*head, self.memory.oldest(), self.memory.end_index(), self._lost))
        else:
            self._obey(command)
            answer = soleus_pod_control.reply_to(data, defs.StatusCode.OK)
        return answer

    def _obey(self, command: soleus_pod_control.Command) -> None:
        match command:
            case defs.CommandStop():
                self._stop_sampling()
            case defs.CommandSetSide():
                self.side = defs.Side(command.side)
            case defs.CommandIdentify():
                self.identified.append(self._now_s())
            case defs.CommandConnParams():
                self.spawn(self._ask_for(command))
            case defs.CommandCancelBackfill():
                self._backfill = None
        self._tell_status()

    def _start(self, command: defs.CommandStart) -> bytes:
        if command.accel_range_g > ACCEL_RANGE_G or command.gyro_range_dps > GYRO_RANGE_DPS:
            return soleus_pod_control.reply_to(codec.pack(command), defs.StatusCode.OUT_OF_RANGE)
        if self.state is defs.State.IDLE:
            self._next = self.memory.begin()
            self._flags = defs.FLAG_CONFIG_CHANGED
        elif self.state is defs.State.BUFFERING:
            self._next = self.memory.end_index()
        self._samples_max = command.samples_max or PACKET_SAMPLES
        self.state = defs.State.STREAMING
        reply = defs.ReplyStart(
            defs.REPLY_OPCODE,
            defs.Opcode.START,
            defs.StatusCode.OK,
            rate_hz=round(self.source.rate_hz),
            samples_max=min(self._samples_max, codec.samples_per_packet(self.mtu)),
            accel_range_g=ACCEL_RANGE_G,
            gyro_range_dps=GYRO_RANGE_DPS,
            mtu=self.mtu,
            boot_id=self.boot.boot_id,
            next_index=self._next,
        )
        asyncio.get_running_loop().call_soon(self._pump)
        self._tell_status()
        return codec.pack(reply)

    def _start_backfill(self, command: defs.CommandBackfill) -> bytes:
        data = codec.pack(command)
        if self._backfill is not None:
            return soleus_pod_control.reply_to(data, defs.StatusCode.BUSY)
        wanted = range(command.first_index, command.first_index + command.span)
        first, end = max(wanted.start, self.memory.oldest()), min(wanted.stop, self.memory.end_index())
        if first >= end:
            return soleus_pod_control.reply_to(data, defs.StatusCode.NOT_HELD)
        self._backfill = range(first, end)
        self.spawn(self._pump_later())
        head = (defs.REPLY_OPCODE, defs.Opcode.BACKFILL, defs.StatusCode.OK)
        return codec.pack(defs.ReplyBackfill(*head, first, end - first, first - wanted.start))

    async def _pump_later(self) -> None:
        # The reply comes first: it is already on its way when the next pass of the loop begins.
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        self._pump()

    async def _ask_for(self, command: defs.CommandConnParams) -> None:
        if self.connection is not None:
            await self.connection.update_parameters(
                command.interval_min * 1.25,
                command.interval_max * 1.25,
                command.latency,
                command.timeout * 10.0,
                use_l2cap=True,
            )

    def _stop_sampling(self) -> None:
        if self.state in {defs.State.STREAMING, defs.State.BUFFERING}:
            self.memory.end()
        self.state = defs.State.IDLE
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _on_sync(self, _connection: Connection, data: bytes) -> None:
        if len(data) != defs.SYNC_REQUEST_STRUCT.size:
            return
        received_us = self.boot.clock.device_us(self._now_s())

        def answer() -> None:
            sent_us = self.boot.clock.device_us(self._now_s())
            self.notify(self._sync, codec.pack(defs.SyncReply(data[0], received_us, sent_us)))

        asyncio.get_running_loop().call_later(ANSWER_LATENCY_S, answer)

    # Life.

    async def power_on(self) -> None:
        """Switch on and advertise."""
        await super().power_on()
        queue = self.device.host.le_acl_packet_queue
        if queue is not None:
            queue.on("flow", self._pump)
        self._status_soon()

    def _status_soon(self) -> None:
        self._status_timer = asyncio.get_running_loop().call_later(defs.STATUS_PERIOD_S, self._on_status_timer)

    def _on_status_timer(self) -> None:
        life_s = self.setting.battery_life_s
        if life_s is not None and self.powered:
            used = self.setting.battery_pct * (self._now_s() - self._on_since_s) / life_s
            self.set_battery(max(0, round(self.setting.battery_pct - used)))
            if self.battery_pct <= BATTERY_LOW_PCT:
                self.last_error = defs.Error.LOW_BATTERY
            if self.battery_pct == 0:
                self._stop_sampling()
                self.spawn(self.power_off())
                return
        self._tell_status()
        self._status_soon()

    def _tell_status(self) -> None:
        self.notify(self._status, codec.pack(self.status()))

    def on_disconnected(self) -> None:
        """Go on sampling into the ring."""
        self._backfill = None
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self.state is defs.State.STREAMING:
            self.state = defs.State.BUFFERING
            self._buffering_since_s = self._now_s()

    async def close(self) -> None:
        """End all work of the pod."""
        for timer in (self._timer, self._status_timer):
            if timer is not None:
                timer.cancel()
        await super().close()

    # Faults.

    def restart(self, offset_us: float = 0.0) -> None:
        """Restart the firmware: link and ring lost, index and clock begin anew, the state is IDLE."""
        self._stop_sampling()
        self.memory.reboot(offset_us)
        self._next, self._lost, self._drop = 0, 0, 0
        self.last_error = defs.Error.NONE
        self.drop_link()

    def overrun_fifo(self, n: int) -> None:
        """Lose the next ``n`` samples in the sensor's FIFO."""
        self.memory.lose(max(self.memory.end_index(), self._next), n)
        self._lost += n
        self.last_error = defs.Error.FIFO_OVERRUN
        self._flags |= defs.FLAG_OVERRUN

    def lose_packets(self, n: int) -> None:
        """Lose the next ``n`` live packets between sensor and radio; the ring still holds them."""
        self._drop += n
