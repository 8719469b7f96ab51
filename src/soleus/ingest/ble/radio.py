"""The radio in a thread of its own: nothing the rest of the program does can starve it, nor it the rest.

Events cross to the taker through a queue without bound: the radio never waits for whoever takes them. An hour of two
pods at 400 Hz that nobody takes is 35 MB.
"""

from __future__ import annotations

import asyncio
import queue
import threading
import time
from collections.abc import Awaitable, Callable, Coroutine, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, Final, Self, TypeVar

from soleus.ingest.ble import once
from soleus.ingest.ble.backend import SYSTEM, Backend, BluetoothError, open_backend
from soleus.ingest.ble.events import Ended, Event, Trouble
from soleus.ingest.ble.ingest import Ingest, LinkCounts
from soleus.ingest.ble.pairing import Role
from soleus.ingest.ble.pod_stream import PodCounts
from soleus.ingest.ble.scan import SCAN_S, ScanRow
from soleus.ingest.ble.scan import scan as scan_for
from soleus.ingest.ble.soleus_link import Wish
from soleus.model import Belt, Foot

T = TypeVar("T")
CALL_TIMEOUT_S: Final = 120.0
"""A call into the thread that takes longer in real time has hung [s]."""
CLOSE_TIMEOUT_S: Final = 10.0


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
        self._up.wait()
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

    def events(self) -> Iterator[Event]:
        """Give all events as they come, the last one :class:`Ended`."""
        while True:
            event = self._queue.get()
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

    def _call(self, work: Callable[[Opened], Coroutine[Any, Any, T]]) -> T:
        if self._loop is None or self._opened is None:
            raise BluetoothError("the radio is not open: use it in a with statement")
        self._busy += 1
        try:
            return asyncio.run_coroutine_threadsafe(work(self._opened), self._loop).result(CALL_TIMEOUT_S)
        finally:
            self._busy -= 1

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
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)
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
