"""All devices of a run at once: connected one after the other, kept, reconnected, ended in order.

Each device has a task that keeps its link. Connecting and scanning are serialised: a Bluetooth controller makes one
connection at a time, and scanning while others stream costs their packets, so that nothing is scanned for unless a
device is missing.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from soleus.ingest import treadmill
from soleus.ingest.ble.backend import Backend, BluetoothError
from soleus.ingest.ble.events import (
    BatteryTold,
    BeltIn,
    Ended,
    Event,
    LinkGivenUp,
    LinkLost,
    LinkUp,
    PodReady,
    SamplesIn,
    Trouble,
)
from soleus.ingest.ble.link import DeviceLink
from soleus.ingest.ble.link_choice import make_link
from soleus.ingest.ble.other_pods import OtherPodLink
from soleus.ingest.ble.pairing import Role
from soleus.ingest.ble.pod_stream import PodCounts, PodStream
from soleus.ingest.ble.racing import end, first_of, unless, within
from soleus.ingest.ble.scan import ScanRow
from soleus.ingest.ble.service_links import BeltStamps
from soleus.ingest.ble.soleus_link import SoleusLink, Wish
from soleus.ingest.protocols.block import ProtocolError
from soleus.ingest.protocols.soleus_pod_defs import SYNC_UUID
from soleus.model import Belt

if TYPE_CHECKING:
    from bleak import BleakClient
    from bleak.backends.device import BLEDevice

CONNECT_TIMEOUT_S: Final = 10.0
"""A connection attempt may take this long [s]; a pod advertises once a second at least."""
OPEN_TIMEOUT_S: Final = 40.0
"""Reading, subscribing and starting may take this long [s]: some 60 round trips at a slow connection interval."""
BACK_OFF_S: Final = (0.25, 0.5, 1.0, 2.0, 4.0)
"""Pauses after failed attempts [s]; the last is repeated."""
RESCAN_AFTER: Final = 2
"""After this many failed attempts the device is scanned for: systems forget devices."""
RESCAN_S: Final = 4.0
"""A scan for one device lasts at most this long [s]."""
GIVE_UP_S: Final = 600.0
"""A device is looked for this long after its link was lost [s]: as long as a Soleus pod goes on sampling."""
DRAIN_S: Final = 0.02
"""Notifications are taken from the inbox this often at most [s]: less adds work, more adds delay."""
DRAIN_LATEST_S: Final = 1.0
"""And this often at least [s]."""
FINISH_S: Final = 20.0
"""Ending the stream and fetching the rest may take this long [s]."""
DISCONNECT_S: Final = 5.0
SILENCE_S: Final = 10.0
"""A pod that is connected and sends nothing for this long [s] is told: its sensor or its subscription is dead."""


@dataclass(slots=True)
class _Kept:
    """A device and all that outlasts its connections."""

    role: Role
    row: ScanRow
    name: str
    link: DeviceLink | None = None
    stream: PodStream | None = None
    boot_id: int | None = None
    ready: PodReady | None = None
    lost_since_s: float | None = None
    first_s: float | None = None
    up_s: float = 0.0
    dropped: int = 0
    damaged: int = 0
    silent: bool = False
    task: asyncio.Task[None] | None = None
    stopping: asyncio.Event = field(default_factory=asyncio.Event)


@dataclass(frozen=True, slots=True)
class LinkCounts:
    """Notifications that could not be read, and those for which there was no room."""

    damaged: int = 0
    dropped: int = 0


class Ingest:
    """Streams from several devices.

    Parameters
    ----------
    backend
        Which Bluetooth.
    devices
        A row of a scan for each role.
    emit
        Called with each event, in order, from the loop's thread; must not block.
    now_s
        Session time [s]: a clock that never jumps.
    wish
        Rate and full scales asked of pods.
    """

    def __init__(
        self,
        backend: Backend,
        devices: Mapping[Role, ScanRow] | Sequence[tuple[Role, ScanRow]],
        emit: Callable[[Event], None],
        now_s: Callable[[], float],
        wish: Wish | None = None,
    ) -> None:
        self._backend = backend
        self._emit_event = emit
        self._now_s = now_s
        self._wish = wish or Wish()
        self._air = asyncio.Lock()
        self._stamps = BeltStamps()
        pairs = devices.items() if isinstance(devices, Mapping) else devices
        self._kept = [_Kept(role, row, _unique(role, row)) for role, row in pairs]
        self._all_up = asyncio.Event()

    @property
    def counts(self) -> dict[str, PodCounts]:
        """Samples of each pod by what became of them."""
        return {kept.name: kept.stream.counts for kept in self._kept if kept.stream is not None}

    @property
    def link_counts(self) -> dict[str, LinkCounts]:
        """Notifications of each device that were of no use."""
        found = {}
        for kept in self._kept:
            link = kept.link
            damaged = kept.damaged + (link.damaged if link else 0)
            found[kept.name] = LinkCounts(damaged, kept.dropped + (link.inbox.dropped if link else 0))
        return found

    async def run(self) -> None:
        """Connect to all and stream until :meth:`stop`."""
        for kept in self._kept:
            kept.task = asyncio.create_task(self._keep(kept), name=f"keep {kept.name}")
        try:
            await asyncio.gather(*(kept.task for kept in self._kept if kept.task is not None))
        finally:
            await end(*(kept.task for kept in self._kept if kept.task is not None))
            self._emit(Ended(self._now_s()))

    async def wait_until_up(self) -> None:
        """Wait until every device streams or was given up."""
        await self._all_up.wait()

    def set_belt(self, speed_mps: float, grade: float = 0.0, device: str = "typed by hand") -> None:
        """Hand out a belt speed [m/s] and grade that no treadmill told, as of now."""
        time_s = self._stamps.stamp(self._now_s())
        belt = Belt(np.array([time_s]), np.array([float(speed_mps)]), np.array([float(grade)]))
        self._emit(BeltIn(device, belt, treadmill.TreadmillReading(speed_mps=speed_mps, grade=grade)))

    async def play_profile(self, profile: Belt) -> None:
        """Hand out a speed profile, each reading when its session time has come."""
        for time_s, speed_mps, grade in zip(profile.time_s, profile.speed_mps, profile.grade, strict=True):
            await asyncio.sleep(max(0.0, float(time_s) - self._now_s()))
            self.set_belt(float(speed_mps), float(grade), "speed profile")

    def stop(self) -> None:
        """End in order: pods stopped, the rest fetched, links closed; :meth:`run` then returns."""
        for kept in self._kept:
            kept.stopping.set()

    # One device.

    async def _keep(self, kept: _Kept) -> None:
        failures = 0
        while not kept.stopping.is_set():
            try:
                failures = await self._connect_and_stream(kept, failures)
            except (BluetoothError, ProtocolError) as error:
                # The device answers, but not as it should: to try for ever would help nobody.
                self._emit(LinkGivenUp(self._now_s(), kept.name, str(error)))
                kept.lost_since_s = None
                break
            if self._is_over(kept):
                break
            if failures:
                pause_s = BACK_OFF_S[min(failures, len(BACK_OFF_S)) - 1]
                await first_of(kept.stopping.wait(), asyncio.sleep(pause_s))
        if kept.stream is not None:
            self._emit_all(kept, finish=True)
        self._note_up()
        kept.first_s = kept.first_s if kept.first_s is not None else self._now_s()

    def _is_over(self, kept: _Kept) -> bool:
        since_s = kept.lost_since_s
        if since_s is None or self._now_s() - since_s < GIVE_UP_S:
            return False
        minutes = GIVE_UP_S / 60
        self._emit(LinkGivenUp(self._now_s(), kept.name, f"{kept.name} was not found for {minutes:.0f} min"))
        return True

    async def _connect_and_stream(self, kept: _Kept, failures: int) -> int:
        """Keep one connection from its beginning to its end; return the number of attempts failed in a row."""
        from bleak.exc import BleakError

        lost = asyncio.Event()
        if kept.lost_since_s is None:
            kept.lost_since_s = self._now_s()
        made: list[BleakClient] = []

        async def attempt() -> None:
            async with self._air:
                made.append(await self._connect(kept, lost, rescan=failures >= RESCAN_AFTER))

        try:
            if not await unless(kept.stopping, attempt()):
                return failures
        except (BleakError, TimeoutError, OSError, EOFError) as error:
            if kept.first_s is None and failures + 1 == RESCAN_AFTER:
                self._emit(
                    Trouble(self._now_s(), kept.name, f"{kept.name} does not answer yet: {str(error) or 'timeout'}")
                )
            return failures + 1
        (client,) = made
        link = self._make_link(kept, client)
        try:
            drain = asyncio.create_task(self._drain(kept, link, lost))
            try:
                return await self._stream(kept, link, lost, failures)
            finally:
                await end(drain)
        except (BleakError, TimeoutError, OSError, EOFError):
            return failures + 1
        finally:
            self._emit_drained(kept, link)
            kept.link = None
            if isinstance(link, (SoleusLink, OtherPodLink)):
                kept.stream = link.stream
            if isinstance(link, SoleusLink):
                kept.boot_id = link.boot_id
            kept.dropped += link.inbox.dropped
            kept.damaged += link.damaged
            await self._disconnect(client)

    async def _stream(self, kept: _Kept, link: DeviceLink, lost: asyncio.Event, failures: int) -> int:
        opened = await unless(lost, within(OPEN_TIMEOUT_S, link.open()))
        if not opened:
            return failures + 1
        self._tell_up(kept, link)
        work = asyncio.create_task(link.work())
        ending = [asyncio.create_task(event.wait()) for event in (lost, kept.stopping)]
        await asyncio.wait([work, *ending], return_when=asyncio.FIRST_COMPLETED)
        await end(work, *ending)
        if lost.is_set() or not kept.stopping.is_set():
            now_s = self._now_s()
            kept.lost_since_s = now_s
            if kept.stream is not None:
                kept.stream.link_lost(now_s)
            self._emit_drained(kept, link)
            self._emit(LinkLost(now_s, kept.name, f"{kept.name} does not answer; it is looked for"))
        else:
            await unless(lost, within(FINISH_S, link.finish()))
        return 0

    def _tell_up(self, kept: _Kept, link: DeviceLink) -> None:
        now_s = self._now_s()
        outage_s = None if kept.first_s is None or kept.lost_since_s is None else now_s - kept.lost_since_s
        if isinstance(link, (SoleusLink, OtherPodLink)):
            kept.stream = link.stream
            if link.ready is not None and (kept.ready is None or link.ready.info != kept.ready.info):
                self._emit(link.ready)
            kept.ready = link.ready
        kept.link = link
        kept.up_s = now_s
        kept.first_s = kept.first_s if kept.first_s is not None else now_s
        kept.lost_since_s = None
        self._emit(LinkUp(now_s, kept.name, outage_s, link.mtu(SYNC_UUID)))
        if link.battery_pct is not None:
            self._emit(BatteryTold(now_s, kept.name, link.battery_pct))
        self._note_up()

    def _note_up(self) -> None:
        if all(kept.first_s is not None or (kept.task is not None and kept.task.done()) for kept in self._kept):
            self._all_up.set()

    async def _connect(self, kept: _Kept, lost: asyncio.Event, *, rescan: bool) -> BleakClient:
        from bleak import BleakClient
        from bleak.exc import BleakDeviceNotFoundError

        device = None if rescan else kept.row.device
        if device is None:
            device = await self._find(kept.row.address)
        if device is None:
            raise BleakDeviceNotFoundError(kept.row.address, f"{kept.name} was not seen")
        loop = asyncio.get_running_loop()

        def on_disconnect(_client: BleakClient) -> None:
            loop.call_soon(lost.set)

        chosen: dict[str, Any] = {} if self._backend.client is None else {"backend": self._backend.client}
        client = BleakClient(device, on_disconnect, timeout=CONNECT_TIMEOUT_S, **chosen)
        try:
            await within(2 * CONNECT_TIMEOUT_S, client.connect())
        except BaseException:
            await self._disconnect(client)
            raise
        return client

    async def _find(self, address: str) -> BLEDevice | None:
        from bleak import BleakScanner

        chosen: dict[str, Any] = {} if self._backend.scanner is None else {"backend": self._backend.scanner}
        return await BleakScanner.find_device_by_address(address, timeout=RESCAN_S, **chosen)

    async def _disconnect(self, client: BleakClient) -> None:
        from bleak.exc import BleakError

        try:
            await within(DISCONNECT_S, client.disconnect())
        except (BleakError, TimeoutError, OSError, EOFError):
            # The link is down already, or the system will notice that it is.
            return

    def _make_link(self, kept: _Kept, client: BleakClient) -> DeviceLink:
        return make_link(
            client,
            kept.row,
            kept.name,
            self._now_s,
            foot=kept.role.foot,
            wish=self._wish,
            stamps=self._stamps,
            stream=kept.stream,
            boot_id=kept.boot_id,
        )

    # Handing out.

    async def _drain(self, kept: _Kept, link: DeviceLink, lost: asyncio.Event) -> None:
        try:
            while True:
                # Gaps that were waited for long enough must be declared even when nothing comes.
                with contextlib.suppress(TimeoutError):
                    await within(DRAIN_LATEST_S, link.inbox.wake.wait())
                await asyncio.sleep(DRAIN_S)
                self._emit_drained(kept, link)
                self._watch(kept)
        except Exception as error:  # noqa: BLE001 - an error of ours must neither pass unseen nor end the run
            told = f"{kept.name}: an error in this program ({error!r}); the device is connected anew"
            self._emit(Trouble(self._now_s(), kept.name, told))
            lost.set()

    def _watch(self, kept: _Kept) -> None:
        """Tell once that a connected pod sends nothing."""
        if kept.stream is None or kept.link is None:
            return
        silent_s = self._now_s() - max(kept.stream.heard_s or 0.0, kept.up_s)
        if silent_s > SILENCE_S and not kept.silent:
            told = f"{kept.name} is connected but has sent no samples for {SILENCE_S:.0f} s: switch it off and on"
            self._emit(Trouble(self._now_s(), kept.name, told))
        kept.silent = silent_s > SILENCE_S

    def _emit_drained(self, kept: _Kept, link: DeviceLink) -> None:
        for event in link.drain():
            self._emit(event)
        if isinstance(link, (SoleusLink, OtherPodLink)) and link.stream is not None:
            kept.stream = link.stream
        self._emit_all(kept)

    def _emit_all(self, kept: _Kept, *, finish: bool = False) -> None:
        if kept.stream is not None:
            for event in kept.stream.take(self._now_s(), finish=finish):
                self._emit(event)

    def _emit(self, event: Event) -> None:
        if isinstance(event, SamplesIn):
            self._stamps.samples_until(float(event.samples.time_s[-1]))
        self._emit_event(event)


def _unique(role: Role, row: ScanRow) -> str:
    return f"{role.value} {row.name or row.address}" if role.foot is not None else row.name or row.address
