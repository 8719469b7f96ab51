"""The radio in a thread of its own: nothing the rest of the program does can starve it, nor it the rest.

Events cross to the taker through a queue without bound: the radio never waits for whoever takes them. An hour of two
pods at 400 Hz that nobody takes is 35 MB.
"""

from __future__ import annotations

import asyncio
import queue
import threading
import time
from collections.abc import Awaitable, Callable, Coroutine, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, Final, Self, TypeVar

from soleus.ingest.ble import once
from soleus.ingest.ble.backend import SYSTEM, Backend, BluetoothError, open_backend
from soleus.ingest.ble.events import Ended, Event, Trouble
from soleus.ingest.ble.ingest import Ingest, LinkCounts
from soleus.ingest.ble.pairing import Paired, RememberedDevices, Role
from soleus.ingest.ble.pod_probe import probe
from soleus.ingest.ble.pod_stream import PodCounts
from soleus.ingest.ble.racing import end
from soleus.ingest.ble.scan import SCAN_S, ScanRow
from soleus.ingest.ble.scan import scan as scan_for
from soleus.ingest.ble.soleus_link import Wish
from soleus.ingest.ble.tapping import TAP_S
from soleus.ingest.ble.tapping import pair_by_tap as tap_pairing
from soleus.ingest.conformance import Verdict, judge
from soleus.model import Belt, Foot

T = TypeVar("T")
CALL_TIMEOUT_S: Final = 120.0
"""A call into the thread that takes longer in real time has hung [s]."""
CHECK_S: Final = 20.0
"""Long enough to tell a clock's drift [s]."""
CLOSE_TIMEOUT_S: Final = 10.0
OPEN_TIMEOUT_S: Final = 60.0
"""Opening that takes longer in real time has hung [s]; a controller gets :data:`bumble_backend.POWER_ON_S` of it."""
ALIVE_LOOK_S: Final = 1.0
"""Whoever waits for events looks this often whether the thread still lives [s]."""


def steady_clock() -> Callable[[], float]:
    """Choose a clock [s] that never jumps and, where the system has one, goes on while the computer sleeps.

    Examples
    --------
    >>> clock = steady_clock()
    >>> clock() <= clock()
    True
    """
    boot_time = getattr(time, "CLOCK_BOOTTIME", None)
    if boot_time is not None:
        return lambda: time.clock_gettime(boot_time)
    return time.perf_counter


@dataclass(frozen=True, slots=True)
class Opened:
    """What an opener gives: Bluetooth, a clock [s] and what to do in the end."""

    backend: Backend
    clock: Callable[[], float] = field(default_factory=steady_clock)
    close: Callable[[], Awaitable[None]] | None = None


class Radio:
    """Bluetooth in a thread of its own.

    Parameters
    ----------
    transport
        ``'auto'`` for the system's Bluetooth, or a transport of Bumble (``'usb:0'``, ``'serial:/dev/ttyACM0'``,
        ``'tcp-client:127.0.0.1:9001'``).
    opener
        Opens something else instead; runs in the thread's loop.
    loop_factory
        Makes the thread's event loop.

    Attributes
    ----------
    start_utc
        Wall-clock time of session time zero: when :meth:`stream` was called.

    Examples
    --------
    ::

        with Radio() as radio:
            roles = pair(radio.scan()).roles
            radio.stream(roles)
            for event in radio.events():
                ...  # until radio.stop() was called and Ended came
    """

    def __init__(
        self,
        transport: str = SYSTEM,
        *,
        opener: Callable[[], Awaitable[Opened]] | None = None,
        loop_factory: Callable[[], asyncio.AbstractEventLoop] | None = None,
    ) -> None:
        self.start_utc: datetime | None = None
        self.error: BaseException | None = None
        self._transport = transport
        self._opener = opener
        self._loop_factory = loop_factory
        self._queue: queue.SimpleQueue[Event] = queue.SimpleQueue()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._opened: Opened | None = None
        self._ingest: Ingest | None = None
        self._tasks: set[asyncio.Task[Any]] = set()
        self._closing: asyncio.Event | None = None
        self._up = threading.Event()
        self._busy = 0
        self._thread = threading.Thread(target=self._run, name="soleus-radio", daemon=True)

    # From any thread.

    def __enter__(self) -> Self:
        """Open Bluetooth.

        Raises
        ------
        BluetoothError
            If that fails.
        """
        self._thread.start()
        if not self._up.wait(OPEN_TIMEOUT_S):
            raise BluetoothError(f"Bluetooth ('{self._transport}') does not open: switch it off and on")
        if self.error is not None:
            self._thread.join(CLOSE_TIMEOUT_S)
            raise self.error
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close all; what still streams is cut off."""
        loop, closing = self._loop, self._closing
        if loop is not None and closing is not None and self._thread.is_alive():
            loop.call_soon_threadsafe(closing.set)
        self._thread.join(CLOSE_TIMEOUT_S)

    def scan(self, seconds: float = SCAN_S) -> list[ScanRow]:
        """Scan; see :func:`soleus.ingest.ble.scan.scan`."""
        return self._call(lambda opened: scan_for(opened.backend, seconds))

    def identify(self, row: ScanRow, seconds: int = once.BLINK_S) -> None:
        """Let a pod blink; see :func:`soleus.ingest.ble.once.identify`."""
        self._call(lambda opened: once.identify(opened.backend, row, seconds))

    def set_side(self, row: ScanRow, foot: Foot) -> None:
        """Tell a pod its foot; see :func:`soleus.ingest.ble.once.set_side`."""
        self._call(lambda opened: once.set_side(opened.backend, row, foot))

    def pair_by_tap(
        self,
        rows: Sequence[ScanRow],
        seconds: float = TAP_S,
        *,
        remembered: RememberedDevices | None = None,
        tell: Callable[[str], None] | None = None,
    ) -> Paired:
        """Let the runner tap a foot; see :func:`soleus.ingest.ble.tapping.pair_by_tap`."""
        return self._call(lambda opened: tap_pairing(opened.backend, rows, seconds, remembered=remembered, tell=tell))

    def check(
        self, row: ScanRow, seconds: float = CHECK_S, *, tell: Callable[[str], None] | None = None
    ) -> tuple[Verdict, ...]:
        """Check a pod against the pod service.

        Parameters
        ----------
        row
            The pod, of a scan.
        seconds
            How long it streams [s].
        tell
            Called in the radio's thread with what is being done.

        Raises
        ------
        BluetoothError
            If it is no Soleus pod or cannot be connected.
        """
        seen = self._call(
            lambda opened: probe(opened.backend, row, seconds, opened.clock, tell or (lambda _what: None)),
            CALL_TIMEOUT_S + seconds,
        )
        return judge(seen)

    def stream(self, roles: Mapping[Role, ScanRow], wish: Wish | None = None, profile: Belt | None = None) -> None:
        """Connect to all and stream; session time zero is now.

        Parameters
        ----------
        roles
            A row of a scan for each role.
        wish
            Rate and full scales asked of pods.
        profile
            Belt speed by session time, for a treadmill that is mute.

        Raises
        ------
        BluetoothError
            If streaming already.
        """
        self._call(lambda opened: self._start(opened, roles, wish, profile))

    def set_belt(self, speed_mps: float, grade: float = 0.0) -> None:
        """Take a belt speed [m/s] and grade typed by hand, as of now."""
        ingest, loop = self._ingest, self._loop
        if ingest is not None and loop is not None:
            loop.call_soon_threadsafe(ingest.set_belt, speed_mps, grade)

    def stop(self) -> None:
        """Ask for the end in order and return at once; go on taking events until :class:`Ended` comes."""
        ingest, loop = self._ingest, self._loop
        if ingest is not None and loop is not None:
            loop.call_soon_threadsafe(ingest.stop)

    def take(self, timeout_s: float = 0.1) -> list[Event]:
        """Give all events that wait, or those that come first within the time."""
        events: list[Event] = []
        try:
            events.append(self._queue.get(timeout=timeout_s))
            while True:
                events.append(self._queue.get_nowait())
        except queue.Empty:
            return events

    def events(self, quiet_s: float | None = None) -> Iterator[Event]:
        """Give all events as they come, the last one :class:`Ended`.

        Parameters
        ----------
        quiet_s
            Longest real time without any event [s]; ``None``: any.

        Raises
        ------
        BluetoothError
            If nothing came for that long, or the radio's thread died without a word.
        """
        heard_s = time.monotonic()
        while True:
            alive = self._thread.is_alive()
            try:
                event = self._queue.get(timeout=ALIVE_LOOK_S if alive else 0.0)
            except queue.Empty:
                if not alive:
                    raise BluetoothError("the radio has ended: open another") from None
                if quiet_s is not None and time.monotonic() - heard_s > quiet_s:
                    raise BluetoothError(f"no device has sent anything for {quiet_s:.0f} s") from None
                continue
            heard_s = time.monotonic()
            yield event
            if isinstance(event, Ended):
                return

    @property
    def queued(self) -> int:
        """Events that wait to be taken."""
        return self._queue.qsize()

    @property
    def idle(self) -> bool:
        """Whether nothing was asked of the radio that is not done."""
        return self._busy == 0

    @property
    def closing(self) -> bool:
        """Whether the end has begun: whoever paces the loop must let it come to pass."""
        return self._closing is not None and self._closing.is_set()

    def counts(self) -> dict[str, PodCounts]:
        """Count the samples of each pod by what became of them."""

        async def ask() -> dict[str, PodCounts]:
            return {} if self._ingest is None else self._ingest.counts

        return self._call(lambda _opened: ask())

    def link_counts(self) -> dict[str, LinkCounts]:
        """Count the notifications of each device that were of no use."""

        async def ask() -> dict[str, LinkCounts]:
            return {} if self._ingest is None else self._ingest.link_counts

        return self._call(lambda _opened: ask())

    def now_s(self) -> float:
        """Session time [s]; 0 before :meth:`stream`."""
        return 0.0 if self._opened is None or self.start_utc is None else self._opened.clock() - self._zero_s

    def _call(self, work: Callable[[Opened], Coroutine[Any, Any, T]], timeout_s: float = CALL_TIMEOUT_S) -> T:
        if self._loop is None or self._opened is None:
            raise BluetoothError("the radio is not open: use it in a with statement")
        opened = self._opened

        # Counted in the loop's own thread: no two threads write it, and a paced clock stands from the very moment at
        # which the work is done, however late the caller wakes up.
        async def counted() -> T:
            self._busy += 1
            try:
                return await work(opened)
            finally:
                self._busy -= 1

        future = asyncio.run_coroutine_threadsafe(counted(), self._loop)
        try:
            return future.result(timeout_s)
        except TimeoutError as error:
            raise BluetoothError("Bluetooth does not answer: switch it off and on") from error
        finally:
            # Nothing if it is done; otherwise nobody waits for it any more.
            future.cancel()

    # In the thread.

    def _run(self) -> None:
        try:
            with asyncio.Runner(loop_factory=self._loop_factory) as runner:
                runner.run(self._serve())
        except BaseException as error:  # noqa: BLE001 - whoever takes the events must learn of it
            self.error = error
            self._queue.put(Trouble(self.now_s(), "", f"the radio stopped: {error}"))
            self._queue.put(Ended(self.now_s()))
        finally:
            self._up.set()

    async def _serve(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._closing = asyncio.Event()
        self._opened = await self._opener() if self._opener else Opened(await open_backend(self._transport))
        self._up.set()
        try:
            await self._closing.wait()
        finally:
            await end(*self._tasks)
            await self._opened.backend.close()
            if self._opened.close is not None:
                await self._opened.close()

    async def _start(
        self, opened: Opened, roles: Mapping[Role, ScanRow], wish: Wish | None, profile: Belt | None
    ) -> None:
        if self._ingest is not None:
            raise BluetoothError("the radio streams already: open another for another session")
        self._zero_s = opened.clock()
        self.start_utc = datetime.now(UTC)
        self._ingest = Ingest(opened.backend, roles, self._queue.put, self.now_s, wish)
        self._busy += 1
        self._spawn(self._stream(self._ingest))
        if profile is not None:
            self._spawn(self._ingest.play_profile(profile))

    async def _stream(self, ingest: Ingest) -> None:
        try:
            await ingest.run()
        except Exception as error:  # noqa: BLE001 - told to whoever takes the events
            self.error = error
            self._queue.put(Trouble(self.now_s(), "", f"the radio stopped: {error}"))
            self._queue.put(Ended(self.now_s()))
        finally:
            self._busy -= 1

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
