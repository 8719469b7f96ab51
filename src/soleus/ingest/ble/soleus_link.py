"""A connection to a Soleus pod: clock exchanges, START, backfill; firmware_interfaces/POD_SERVICE.md."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from soleus.ingest.ble.backend import BluetoothError
from soleus.ingest.ble.events import BatteryTold, Event, LossCause, PodReady, Trouble
from soleus.ingest.ble.link import DeviceLink
from soleus.ingest.ble.pod_stream import PodStream, StreamKind
from soleus.ingest.ble.racing import all_of, within
from soleus.ingest.heart_rate import decode_battery_level
from soleus.ingest.protocols import soleus_pod as codec
from soleus.ingest.protocols import soleus_pod_control
from soleus.ingest.protocols import soleus_pod_defs as defs
from soleus.ingest.protocols.block import BlockFlag
from soleus.model import Foot, PodInfo

if TYPE_CHECKING:
    from bleak import BleakClient

BURST: Final = 40
"""Clock exchanges before START, POD_SERVICE.md section 7."""
BURST_GAP_S: Final = (0.01, 0.04)
"""Random distance of these [s]."""
EXCHANGE_GAP_S: Final = (0.1, 0.2)
"""Random distance of the later ones [s], same section."""
COMMAND_TIMEOUT_S: Final = 5.0
"""A command is answered within this or never [s]: several connection intervals of the slowest kind."""
BACKFILL_SILENCE_S: Final = 2.0
"""A backfill that brings nothing for this long has died [s]."""
BACKFILL_TRIES: Final = 2
"""Requests that bring nothing of the same samples: what is missing after the second was never held."""
BACKFILL_LOOK_S: Final = 0.02
"""Gaps are looked for this often [s]."""
PENDING_EXCHANGES_MAX: Final = 128
"""Requests remembered: their number has 8 bits."""
STORED_ERRORS: Final = {
    defs.Error.SENSOR_SILENT: "the sensor of the pod does not answer: restart the pod",
    defs.Error.LOW_BATTERY: "the pod's battery is almost empty: it is about to stop",
    defs.Error.STORAGE: "the pod could not store its side",
}


@dataclass(frozen=True, slots=True)
class Wish:
    """What a pod is asked for: rate [Hz] and full scales."""

    rate_hz: int = 200
    accel_range_g: int = 16
    gyro_range_dps: int = 2000
    samples_per_packet: int = 0


class SoleusLink(DeviceLink):
    """A connection to a Soleus pod.

    Parameters
    ----------
    client, device, now_s
        See :class:`~soleus.ingest.ble.link.DeviceLink`.
    foot
        Foot it is used for; ``None``: the pod's own word counts.
    wish
        What to ask for.
    stream
        Stream of an earlier connection to the same pod, with its boot number.
    """

    def __init__(
        self,
        client: BleakClient,
        device: str,
        now_s: Callable[[], float],
        *,
        foot: Foot | None,
        wish: Wish,
        stream: PodStream | None = None,
        boot_id: int | None = None,
        seed: int | None = None,
    ) -> None:
        super().__init__(client, device, now_s)
        self.foot = foot
        self.wish = wish
        self.stream = stream
        self.boot_id = boot_id
        self.info: PodInfo | None = None
        self.ready: PodReady | None = None
        self._random = random.Random(seed)  # noqa: S311 - spreads requests over the connection interval
        self._sequence = 0
        self._sent: dict[int, float] = {}
        self._reply: asyncio.Future[soleus_pod_control.AnyReply] | None = None
        self._backfill_end: asyncio.Event = asyncio.Event()
        self._backfill_heard_s = 0.0
        self._features = 0
        self._error = defs.Error.NONE
        self._asked: dict[int, tuple[int, int]] = {}
        self._command_lock = asyncio.Lock()
        self._backfill_lock = asyncio.Lock()

    async def open(self) -> None:
        """Read Info, exchange clocks, start."""
        await self.read_standard_services()
        info = codec.decode_info(await self.read(defs.INFO_UUID))
        self._features = info.features
        foot = self.foot if self.foot is not None else codec.foot_of(info.side)
        if foot is None:
            raise BluetoothError(f"{self.device} does not know its foot: choose left or right for it")
        if self.stream is None or self.stream.kind.foot is not foot:
            base = codec.SOLEUS.time_base
            assert base is not None  # noqa: S101 - a constant of the family
            kind = StreamKind(foot, float(info.rate_hz), base, bool(info.features & defs.FEATURE_BACKFILL))
            self.stream = PodStream(self.device, kind)
        elif info.boot_id != self.boot_id:
            self.stream.restart(self.now_s())
        self.boot_id = info.boot_id
        await self.subscribe(defs.CONTROL_UUID, "control")
        await self.subscribe(defs.SYNC_UUID, "sync")
        await self.subscribe(defs.BACKFILL_UUID, "backfill")
        await self.subscribe(defs.STATUS_UUID, "status")
        await self.subscribe(defs.IMU_UUID, "imu")
        for _ in range(BURST if info.features & defs.FEATURE_SYNC and info.state != defs.State.BUFFERING else 0):
            await self._exchange()
            await asyncio.sleep(self._random.uniform(*BURST_GAP_S))
        await self._start(info, foot)

    async def _start(self, info: defs.Info, foot: Foot) -> None:
        wish = self.wish
        command = defs.CommandStart(
            defs.Opcode.START, wish.rate_hz, wish.samples_per_packet, wish.accel_range_g, wish.gyro_range_dps
        )
        reply = await self.command(command)
        if not isinstance(reply, defs.ReplyStart):
            status = defs.StatusCode(reply.status).name
            raise BluetoothError(f"{self.device} refuses to start at {wish.rate_hz} Hz: {status}")
        told = info._replace(
            rate_hz=reply.rate_hz, accel_range_g=reply.accel_range_g, gyro_range_dps=reply.gyro_range_dps
        )
        pod = codec.pod_info(told, foot, maker=self.texts.get("maker", ""), firmware=self.texts.get("firmware", ""))
        if pod != self.info:
            self.info = pod
            self.ready = PodReady(self.now_s(), self.device, pod, self.battery_pct)
        if self.stream is not None:
            self.stream.set_rate(float(reply.rate_hz))
            self.stream.expect_from(reply.next_index)
            # After a reconnection the pod goes on with the newest sample: all before it exist.
            self.stream.expect_until(self.stream.unwrap_index(reply.next_index), self.now_s())
            self.stream.link_back(self.now_s())

    async def command(self, command: soleus_pod_control.Command) -> soleus_pod_control.AnyReply:
        """Send a command and wait for its reply, which comes through the inbox: somebody must drain it.

        Raises
        ------
        BluetoothError
            If none comes.
        """
        async with self._command_lock:
            self._reply = asyncio.get_running_loop().create_future()
            try:
                await self.write(defs.CONTROL_UUID, codec.pack(command))
                return await within(COMMAND_TIMEOUT_S, self._reply)
            except TimeoutError as error:
                name = defs.Opcode(command.opcode).name
                raise BluetoothError(f"{self.device} does not answer {name}: restart the pod") from error
            finally:
                self._reply = None

    # While it streams.

    async def work(self) -> None:
        """Exchange clocks and fetch what is missing."""
        await all_of(self._keep_exchanging(), self._keep_filling())

    async def _keep_exchanging(self) -> None:
        while self._features & defs.FEATURE_SYNC:
            await self._exchange()
            await asyncio.sleep(self._random.uniform(*EXCHANGE_GAP_S))

    async def _exchange(self) -> None:
        self._sequence = (self._sequence + 1) % 256
        if len(self._sent) >= PENDING_EXCHANGES_MAX:
            self._sent.clear()
        self._sent[self._sequence] = self.now_s()
        await self.write(defs.SYNC_UUID, soleus_pod_control.encode_sync_request(self._sequence), response=False)

    async def _keep_filling(self) -> None:
        while self._features & defs.FEATURE_BACKFILL:
            await asyncio.sleep(BACKFILL_LOOK_S)
            await self.fill_gaps()

    async def fill_gaps(self) -> None:
        """Ask for what is missing, oldest first, until nothing is or the pod has no more."""
        async with self._backfill_lock:
            while self.stream is not None and (gaps := self.stream.gaps()):
                gap = gaps[0]
                start, tries = self._asked.get(gap.stop, (gap.start, 0))
                tries = tries + 1 if start == gap.start else 1
                self._asked[gap.stop] = (gap.start, tries)
                if tries > BACKFILL_TRIES:
                    self.stream.lose(gap, LossCause.POD)
                    del self._asked[gap.stop]
                else:
                    await self._fill(self.stream, gap)

    async def _fill(self, stream: PodStream, gap: range) -> None:
        self._backfill_end.clear()
        span = min(len(gap), soleus_pod_control.BACKFILL_SPANS.stop - 1)
        reply = await self.command(defs.CommandBackfill(defs.Opcode.BACKFILL, gap.start % 2**32, span))
        if isinstance(reply, defs.ReplyBackfill):
            if reply.lost:
                stream.lose(range(gap.start, gap.start + reply.lost), LossCause.OVERWRITTEN)
            await self._await_backfill()
        elif reply.status == defs.StatusCode.NOT_HELD:
            # The pod counts samples it never held as well: what is newer than its ring was lost inside it.
            stream.lose(gap, LossCause.OVERWRITTEN)
        elif reply.status == defs.StatusCode.BUSY:
            await self.command(defs.CommandCancelBackfill(defs.Opcode.CANCEL_BACKFILL))
        else:
            stream.lose(gap, LossCause.POD)

    async def _await_backfill(self) -> None:
        self._backfill_heard_s = self.now_s()
        while not self._backfill_end.is_set():
            if self.now_s() - self._backfill_heard_s > BACKFILL_SILENCE_S:
                return
            await asyncio.sleep(BACKFILL_LOOK_S)

    def handle(self, arrival_s: float, channel: str, data: bytes) -> list[Event]:
        """Take one notification."""
        stream = self.stream
        match channel:
            case "imu" if stream is not None:
                stream.add_block(codec.decode_imu(data), arrival_s)
            case "backfill" if stream is not None:
                self._backfill_heard_s = arrival_s
                block = codec.decode_imu(data)
                if block.flags & BlockFlag.ENDS_BACKFILL:
                    self._backfill_end.set()
                else:
                    stream.add_block(block, arrival_s)
            case "sync" if stream is not None:
                reply = soleus_pod_control.decode_sync_reply(data)
                sent_s = self._sent.pop(reply.sequence, None)
                if sent_s is not None:
                    stream.add_exchange(sent_s, reply.received_us, reply.sent_us, arrival_s)
            case "control":
                answer = soleus_pod_control.decode_reply(data)
                if self._reply is not None and not self._reply.done():
                    self._reply.set_result(answer)
            case "status":
                return self._on_status(arrival_s, codec.decode_status(data))
            case "battery":
                self.battery_pct = decode_battery_level(data)
                return [BatteryTold(arrival_s, self.device, self.battery_pct)]
        return []

    def _on_status(self, arrival_s: float, status: defs.Status) -> list[Event]:
        error = defs.Error(status.last_error)
        if error is self._error:
            return []
        self._error = error
        told = STORED_ERRORS.get(error)
        return [Trouble(arrival_s, self.device, f"{self.device}: {told}")] if told else []

    async def finish(self) -> None:
        """Stop the pod and fetch what it still holds."""
        await self.command(defs.CommandStop(defs.Opcode.STOP))
        stats = await self.command(defs.CommandGetStats(defs.Opcode.GET_STATS))
        if isinstance(stats, defs.ReplyGetStats) and self.stream is not None:
            end = self.stream.unwrap_index(stats.next_index)
            self.stream.expect_until(end, self.now_s())
            await self.fill_gaps()
