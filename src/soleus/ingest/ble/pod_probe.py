"""Talk to a pod as :mod:`soleus.ingest.conformance` needs it: every command, right and wrong, and what comes back.

The link is dropped on purpose once. The side is set to the other foot for a moment and set back.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

from soleus.ingest.ble.backend import Backend, BluetoothError
from soleus.ingest.ble.racing import end, within
from soleus.ingest.ble.scan import ScanRow
from soleus.ingest.conformance import Asked, Observed, SyncSent
from soleus.ingest.heart_rate import DEVICE_INFORMATION_UUIDS, decode_text
from soleus.ingest.protocols import soleus_pod as codec
from soleus.ingest.protocols import soleus_pod_control
from soleus.ingest.protocols import soleus_pod_defs as defs
from soleus.ingest.protocols.block import ProtocolError

if TYPE_CHECKING:
    from bleak import BleakClient

CONNECT_S: Final = 30.0
REQUEST_S: Final = 10.0
REPLY_S: Final = 3.0
"""A command is answered within this or never [s]."""
EARLY_S: Final = 1.0
"""Live packets are waited for this long before START [s]."""
BURST: Final = 40
BURST_GAP_S: Final = (0.01, 0.04)
EXCHANGE_GAP_S: Final = (0.1, 0.2)
"""Clock requests before START, and the random distances of these and of later ones [s], POD_SERVICE.md section 7."""
SETTLE_S: Final = 0.5
"""What is on its way arrives within this [s]."""
OUTAGE_S: Final = 3.0
"""The link is dropped for this long [s]."""
BACKFILL_SILENCE_S: Final = 2.0
BACK_S: Final = 3.0
"""Live packets after the reconnection are looked at for this long [s]."""
COMPARED_S: Final = 2.0
"""The samples of this time are asked for again and compared [s]."""
INDEX_MODULUS: Final = 2**32
UNKNOWN_COMMAND: Final = bytes([0x7F])
HIGHEST_WISH: Final = defs.CommandStart(defs.Opcode.START, 200, 0, 16, 2000)


async def probe(
    backend: Backend, row: ScanRow, seconds: float, now_s: Callable[[], float], tell: Callable[[str], None]
) -> Observed:
    """Put a pod through all there is; see :mod:`soleus.ingest.conformance`.

    Parameters
    ----------
    backend
        Which Bluetooth.
    row
        The pod, of a scan.
    seconds
        How long it streams before the link is dropped [s].
    now_s
        A clock that never jumps [s].
    tell
        Called with what is being done.

    Raises
    ------
    BluetoothError
        If it is no Soleus pod or cannot be connected. What goes wrong later is part of what was observed.
    """
    if row.family != codec.KEY:
        raise BluetoothError(f"{row.name or row.address} is a {row.title}: only pods of the Soleus service are checked")
    return await _Probe(backend, row, seconds, now_s, tell).run()


class _Probe:
    def __init__(
        self, backend: Backend, row: ScanRow, seconds: float, now_s: Callable[[], float], tell: Callable[[str], None]
    ) -> None:
        self.backend, self.row, self.seconds, self.now_s, self.tell = backend, row, seconds, now_s, tell
        self.seen = Observed(row.name, row.foot, row.battery_pct)
        self.replies: asyncio.Queue[bytes] = asyncio.Queue()
        self.backfill: list[tuple[float, bytes]] = []
        self.live: list[tuple[float, bytes]] = []
        self.number = 0
        self.random = random.Random()  # noqa: S311 - spreads requests over the connection interval
        self.client: BleakClient

    async def run(self) -> Observed:
        from bleak.exc import BleakError

        errors = (BleakError, TimeoutError, OSError, EOFError, ProtocolError)
        self.tell("Connecting")
        try:
            await self._connect()
        except errors as error:
            told = str(error) or "timeout"
            raise BluetoothError(
                f"{self.row.name} cannot be connected ({told}): wake it up, bring it nearer"
            ) from error
        try:
            await self._describe()
            await self._before_start()
            await self._stream()
            await self._reconnect()
            await self._stop()
        except errors as error:
            self.seen.broke_off = str(error) or "no answer in time"
        finally:
            await self._disconnect()
        return self.seen

    # The link.

    async def _connect(self) -> None:
        from bleak import BleakClient

        chosen: dict[str, Any] = {} if self.backend.client is None else {"backend": self.backend.client}
        self.client = BleakClient(self.row.device or self.row.address, **chosen)
        await within(CONNECT_S, self.client.connect())

    async def _disconnect(self) -> None:
        from bleak.exc import BleakError

        try:
            await within(REQUEST_S, self.client.disconnect())
        except (BleakError, TimeoutError, OSError, EOFError):
            return

    def _has(self, uuid: str) -> bool:
        return self.client.services.get_characteristic(uuid) is not None

    async def _read(self, uuid: str) -> bytes:
        return bytes(await within(REQUEST_S, self.client.read_gatt_char(uuid)))

    async def _subscribe(self, uuid: str, take: Callable[[bytes], None]) -> None:
        if self._has(uuid):
            await within(REQUEST_S, self.client.start_notify(uuid, lambda _sender, data: take(bytes(data))))

    async def _subscribe_all(self) -> None:
        seen = self.seen
        await self._subscribe(defs.CONTROL_UUID, self.replies.put_nowait)
        await self._subscribe(defs.SYNC_UUID, lambda data: seen.sync_replies.append((self.now_s(), data)))
        await self._subscribe(defs.BACKFILL_UUID, lambda data: self.backfill.append((self.now_s(), data)))
        await self._subscribe(defs.STATUS_UUID, lambda data: seen.statuses.append((self.now_s(), data)))
        await self._subscribe(defs.IMU_UUID, lambda data: self.live.append((self.now_s(), data)))

    async def _ask(self, what: str, command: bytes) -> Asked:
        """Write a command and wait for its reply."""
        while not self.replies.empty():
            self.replies.get_nowait()
        asked_s = self.now_s()
        await within(REQUEST_S, self.client.write_gatt_char(defs.CONTROL_UUID, command, response=True))
        reply: bytes | None = None
        try:
            reply = await within(REPLY_S, self.replies.get())
        except TimeoutError:
            # That none comes is an observation.
            reply = None
        asked = Asked(command, reply, self.now_s() - asked_s)
        self.seen.asked[what] = asked
        return asked

    # The parts, in their order.

    async def _describe(self) -> None:
        seen = self.seen
        for service in self.client.services:
            for character in service.characteristics:
                seen.characteristics[character.uuid.lower()] = frozenset(character.properties)
        sync = self.client.services.get_characteristic(defs.SYNC_UUID)
        # Some systems tell the MTU only by a characteristic that takes writes without response.
        by_sync = None if sync is None else sync.max_write_without_response_size + defs.ATT_HEADER_SIZE
        seen.host_mtu = by_sync or self.client.mtu_size
        for key, uuid in DEVICE_INFORMATION_UUIDS.items():
            if self._has(uuid):
                seen.texts[key] = decode_text(await self._read(uuid))
        seen.info = await self._read(defs.INFO_UUID)

    async def _before_start(self) -> None:
        self.tell("Trying commands, right and wrong")
        seen = self.seen
        seen.unsubscribed_error = await self._write_unsubscribed()
        await self._subscribe_all()
        if self._is_sampling():
            await self._ask("stop before", codec.pack(defs.CommandStop(defs.Opcode.STOP)))
            self.live.clear()
        await asyncio.sleep(EARLY_S)
        seen.early_packets = len(self.live)
        self.live.clear()
        for what, command in (
            ("unknown opcode", UNKNOWN_COMMAND),
            ("command too long", codec.pack(defs.CommandStop(defs.Opcode.STOP)) + b"\0"),
            ("command too short", bytes([defs.Opcode.START])),
            ("rate 0", codec.pack(HIGHEST_WISH._replace(rate_hz=0))),
            ("side 3", bytes([defs.Opcode.SET_SIDE, 3])),
            ("identify", codec.pack(defs.CommandIdentify(defs.Opcode.IDENTIFY, 1))),
            ("connection parameters", codec.pack(_connection_wish())),
        ):
            await self._ask(what, command)
        await self._try_side()
        await self._exchange_idle()

    def _is_sampling(self) -> bool:
        info = self.seen.read_info(self.seen.info)
        return info is not None and info.state != defs.State.IDLE

    async def _write_unsubscribed(self) -> int:
        """Write a command without indications; give the ATT error, 0 if none."""
        from bleak.exc import BleakGATTProtocolError

        try:
            command = codec.pack(defs.CommandGetStats(defs.Opcode.GET_STATS))
            await within(REQUEST_S, self.client.write_gatt_char(defs.CONTROL_UUID, command, response=True))
        except BleakGATTProtocolError as error:
            return int(error.code)
        return 0

    async def _try_side(self) -> None:
        info = self.seen.read_info(self.seen.info)
        if info is None:
            return
        other = defs.Side.RIGHT if info.side == defs.Side.LEFT else defs.Side.LEFT
        await self._ask("side", codec.pack(defs.CommandSetSide(defs.Opcode.SET_SIDE, other)))
        self.seen.info_side_changed = await self._read(defs.INFO_UUID)
        # A side that was never set cannot be taken back; the first one that is will do.
        back = info.side if info.side != defs.Side.UNSET else defs.Side.LEFT
        await self._ask("side back", codec.pack(defs.CommandSetSide(defs.Opcode.SET_SIDE, back)))

    async def _exchange(self) -> None:
        self.seen.syncs.append(SyncSent(self.number, self.now_s()))
        request = soleus_pod_control.encode_sync_request(self.number % 2**8)
        self.number += 1
        await within(REQUEST_S, self.client.write_gatt_char(defs.SYNC_UUID, request, response=False))

    async def _exchange_idle(self) -> None:
        if not self.seen.features & defs.FEATURE_SYNC:
            return
        for _ in range(BURST):
            await self._exchange()
            await asyncio.sleep(self.random.uniform(*BURST_GAP_S))
        await asyncio.sleep(SETTLE_S)
        self.seen.idle_syncs, self.seen.idle_replies = len(self.seen.syncs), len(self.seen.sync_replies)
        await within(REQUEST_S, self.client.write_gatt_char(defs.SYNC_UUID, b"\0\0", response=False))
        await asyncio.sleep(SETTLE_S)
        self.seen.long_sync_answered = len(self.seen.sync_replies) > self.seen.idle_replies
        del self.seen.sync_replies[self.seen.idle_replies :]

    async def _stream(self) -> None:
        self.tell(f"Streaming for {self.seconds:.0f} s")
        seen = self.seen
        await self._ask("start", codec.pack(HIGHEST_WISH))
        seen.streamed_from_s = seen.streamed_until_s = self.now_s()
        seen.live = self.live
        exchanging = asyncio.ensure_future(self._keep_exchanging())
        try:
            await asyncio.sleep(self.seconds / 2)
            await self._ask("start again", codec.pack(HIGHEST_WISH))
            await asyncio.sleep(self.seconds / 2)
        finally:
            await end(exchanging)
        seen.streamed_until_s = self.now_s()
        await asyncio.sleep(SETTLE_S)
        await self._try_backfill()

    async def _keep_exchanging(self) -> None:
        while self.seen.features & defs.FEATURE_SYNC:
            await self._exchange()
            await asyncio.sleep(self.random.uniform(*EXCHANGE_GAP_S))

    async def _try_backfill(self) -> None:
        if not self.seen.features & defs.FEATURE_BACKFILL:
            return
        self.tell("Asking for samples again")
        rate_hz = self.seen.started.rate_hz if self.seen.started else HIGHEST_WISH.rate_hz
        newest = self._next_index()
        if newest is None:
            return
        span = max(1, round(COMPARED_S * rate_hz))
        await self._ask("backfill", _backfill(newest - span, span))
        second = await self._ask("while one runs", _backfill(newest - span, span))
        if _has_ended(self.backfill):
            # The first was served before the second was answered: nothing can be said.
            del self.seen.asked["while one runs"]
        self.seen.backfill["backfill"] = await self._await_backfill()
        if second.is_status(defs.StatusCode.OK):
            await self._await_backfill()
        await self._ask("samples to come", _backfill(newest + 100 * rate_hz, span))
        await self._ask("span 0", codec.pack(defs.CommandBackfill(defs.Opcode.BACKFILL, newest % INDEX_MODULUS, 0)))

    def _next_index(self) -> int | None:
        for _, data in reversed(self.live):
            try:
                block = codec.decode_imu(data)
            except ProtocolError:
                continue
            return block.next_index
        return None

    async def _await_backfill(self) -> list[tuple[float, bytes]]:
        """Wait for the end of a backfill, or until nothing came for a while; give its packets."""
        known, quiet_since_s = -1, self.now_s()
        while self.now_s() - quiet_since_s < BACKFILL_SILENCE_S:
            await asyncio.sleep(EARLY_S / 50)
            if len(self.backfill) != known:
                known, quiet_since_s = len(self.backfill), self.now_s()
            if _has_ended(self.backfill):
                break
        came, self.backfill = self.backfill, []
        return came

    async def _reconnect(self) -> None:
        self.tell("Dropping the link on purpose")
        seen = self.seen
        seen.live, self.live = list(self.live), []
        await self._disconnect()
        await asyncio.sleep(OUTAGE_S)
        await self._connect()
        seen.info_reconnected = await self._read(defs.INFO_UUID)
        seen.live_again = self.live
        await self._subscribe_all()
        await self._ask("start after outage", codec.pack(HIGHEST_WISH))
        await asyncio.sleep(BACK_S)
        before, after = _last_index(seen.live), _first_index(self.live)
        if before is not None and after is not None and seen.features & defs.FEATURE_BACKFILL:
            self.tell("Fetching what was missed")
            span = (after - before) % INDEX_MODULUS
            if 0 < span < INDEX_MODULUS // 2:
                await self._ask("backfill of the outage", _backfill(before, span))
                seen.backfill["outage"] = await self._await_backfill()

    async def _stop(self) -> None:
        self.tell("Stopping")
        seen = self.seen
        await self._ask("stop", codec.pack(defs.CommandStop(defs.Opcode.STOP)))
        await asyncio.sleep(SETTLE_S)
        known = len(self.live)
        seen.info_stopped = await self._read(defs.INFO_UUID)
        await asyncio.sleep(EARLY_S)
        seen.packets_after_stop = len(self.live) - known
        newest = self._next_index()
        if newest is not None and seen.features & defs.FEATURE_BACKFILL:
            await self._ask("after stop", _backfill(newest - 1, 1))
            await self._await_backfill()


def _backfill(first: int, span: int) -> bytes:
    return codec.pack(defs.CommandBackfill(defs.Opcode.BACKFILL, first % INDEX_MODULUS, span))


def _has_ended(came: list[tuple[float, bytes]]) -> bool:
    return any(len(data) == defs.IMU_HEADER_STRUCT.size for _, data in came)


def _connection_wish() -> defs.CommandConnParams:
    return defs.CommandConnParams(
        defs.Opcode.CONN_PARAMS,
        defs.CONNECTION_INTERVAL_MIN,
        defs.CONNECTION_INTERVAL_MAX,
        defs.CONNECTION_LATENCY,
        defs.CONNECTION_SUPERVISION_TIMEOUT,
        defs.Phy.LE_2M,
    )


def _last_index(came: list[tuple[float, bytes]]) -> int | None:
    """Index after the last sample of readable packets."""
    for _, data in reversed(came):
        try:
            return codec.decode_imu(data).next_index
        except ProtocolError:
            continue
    return None


def _first_index(came: list[tuple[float, bytes]]) -> int | None:
    for _, data in came:
        try:
            return codec.decode_imu(data).first_index
        except ProtocolError:
            continue
    return None
