"""The event streams: each viewer is sent the newest state at his own pace.

Nothing is queued for anybody. A viewer has a place in the steps and in the log; whoever reads slowly finds, when he
reads again, the newest snapshot and the steps since his place. The most that waits for a viewer is one message and what
the server's write buffer holds.
"""

from __future__ import annotations

import asyncio
import secrets
import time
from dataclasses import dataclass
from typing import Final

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.types import Receive, Scope, Send

from soleus.live.page import told
from soleus.live.page.board import Board

HEARTBEAT_S: Final = 0.25
"""Longest time between two messages [s]: the page takes a silence of six of them for a lost signal."""
SPACING_S: Final = 0.025
"""Shortest time between two snapshots [s]. Steps and heartbeats make some seven a second; only a fast replay more."""
SUMS_EVERY_S: Final = 2.0
"""How often the histogram and the open lap are told [s]."""
STUCK_S: Final = 20.0
"""A viewer who takes nothing for so long is let go [s]; when he wakes, his browser connects again."""
VIEWERS_MOST: Final = 16
"""Viewers at once: a treadmill's tablet, the coach, a television, the family; and a bound."""
RETRY_MS: Final = 500
"""After how long a browser tries again [ms]."""
RUNNER_ROWS: Final = 400
"""Steps that the runner's page gets at first: those of its trend."""


class Viewers:
    """All open streams, and the task that makes their snapshots.

    Parameters
    ----------
    board
        What is shown.

    Attributes
    ----------
    empty
        Set while nobody looks.
    """

    def __init__(self, board: Board) -> None:
        self._board = board
        self._boot = secrets.token_hex(4)
        self.empty = asyncio.Event()
        self.empty.set()
        self._wakers: set[asyncio.Event] = set()
        self._changed = asyncio.Event()
        self._snapshot = b""
        self._steps: tuple[int, int, bytes] = (-1, -1, b"")
        self._sums: tuple[float, bytes] = (0.0, b"")
        self._log: tuple[int, bytes] = (-1, b"")
        self._closing = False

    @property
    def count(self) -> int:
        """Viewers now."""
        return len(self._wakers)

    def wake(self) -> None:
        """Tell that the board changed; in the server's own thread."""
        self._changed.set()

    def close(self) -> None:
        """Show everybody the last state, then end their streams; in the server's own thread."""
        self._closing = True
        self._changed.set()

    async def publish(self) -> None:
        """Make a snapshot whenever the board changed, and now and then when it did not, while anybody looks."""
        while not self._closing:
            self._changed.clear()
            if self._wakers:
                self._snapshot = told.event("now", self._board.now(), f"{self._boot}-{self._board.row_count}")
                self._wake_all()
            await asyncio.sleep(SPACING_S)
            try:
                await asyncio.wait_for(self._changed.wait(), HEARTBEAT_S - SPACING_S)
            except TimeoutError:
                continue
        self._snapshot = told.event("now", self._board.now(), f"{self._boot}-{self._board.row_count}")
        self._wake_all()

    def stream(self, request: Request) -> Response:
        """Open a stream for a viewer."""
        if len(self._wakers) >= VIEWERS_MOST:
            return PlainTextResponse(f"{VIEWERS_MOST} displays look already; close one of them.\n", 503)
        coach = request.query_params.get("view") == "coach"
        place = request.headers.get("last-event-id") or request.query_params.get("after", "")
        return _Stream(self, coach=coach, rows=self._place(place, coach=coach))

    def _place(self, told_last: str, *, coach: bool) -> int:
        """Find where a viewer goes on: after what he has of this server's steps, or at the oldest that he needs."""
        boot, _, serial = told_last.partition("-")
        if boot == self._boot and serial.isascii() and serial.isdecimal():
            return min(int(serial), self._board.row_count)
        return 0 if coach else max(0, self._board.row_count - RUNNER_ROWS)

    def _wake_all(self) -> None:
        for waker in self._wakers:
            waker.set()

    def _parts(self, seen: _Seen, *, coach: bool) -> bytes:
        """Put together what a viewer has not seen yet."""
        parts = [self._snapshot, self._new_steps(seen)]
        if coach:
            parts += [self._new_log(seen), self._new_sums(seen)]
        return b"".join(parts)

    def _new_steps(self, seen: _Seen) -> bytes:
        if seen.rows >= self._board.row_count:
            return b""
        if seen.rows != self._steps[0] or self._steps[1] != self._board.row_count:
            first, rows = self._board.rows_from(seen.rows)
            body = {"boot": self._boot, "first": first, "rows": rows}
            self._steps = (seen.rows, first + len(rows), told.event("steps", body, f"{self._boot}-{first + len(rows)}"))
        seen.rows = self._steps[1]
        return self._steps[2]

    def _new_log(self, seen: _Seen) -> bytes:
        version = self._board.log_version
        if seen.log == version:
            return b""
        if self._log[0] != version:
            self._log = (version, told.event("log", self._board.log()))
        seen.log = version
        return self._log[1]

    def _new_sums(self, seen: _Seen) -> bytes:
        at = time.monotonic()
        if at - self._sums[0] >= SUMS_EVERY_S:
            self._sums = (at, told.event("sums", self._board.sums()))
        if seen.sums == self._sums[0]:
            return b""
        seen.sums = self._sums[0]
        return self._sums[1]

    async def follow(self, send: Send, *, coach: bool, rows: int) -> None:
        """Send a viewer what is new, at his own pace, until the run or he goes."""
        waker = asyncio.Event()
        self._wakers.add(waker)
        self.empty.clear()
        seen = _Seen(rows)
        try:
            hello = {**self._board.hello(), "boot": self._boot, "first": rows}
            await _write(send, f"retry: {RETRY_MS}\n".encode() + told.event("hello", hello))
            self._changed.set()
            while True:
                await waker.wait()
                waker.clear()
                # Read before the state is: after the last snapshot the flag is up, and nobody misses it.
                last = self._closing
                await _write(send, self._parts(seen, coach=coach))
                if last:
                    return
        except TimeoutError:
            return
        finally:
            self._wakers.discard(waker)
            if not self._wakers:
                self.empty.set()


@dataclass(slots=True)
class _Seen:
    """What a viewer has got: steps up to a serial number, a version of the log, the sums of a moment."""

    rows: int
    log: int = -1
    sums: float = -1.0


class _Stream(Response):
    """One viewer's stream, as the server runs it."""

    def __init__(self, viewers: Viewers, *, coach: bool, rows: int) -> None:
        super().__init__(media_type="text/event-stream")
        del self.headers["content-length"]
        self._viewers, self._coach, self._rows = viewers, coach, rows

    async def __call__(self, _scope: Scope, receive: Receive, send: Send) -> None:
        """Send until the viewer goes or the page closes."""
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        sending = asyncio.create_task(self._viewers.follow(send, coach=self._coach, rows=self._rows))
        gone = asyncio.create_task(_gone(receive))
        done, _ = await asyncio.wait({sending, gone}, return_when=asyncio.FIRST_COMPLETED)
        for task in (sending, gone):
            task.cancel()
        await asyncio.gather(sending, gone, return_exceptions=True)
        if sending in done:
            await send({"type": "http.response.body", "body": b""})


async def _gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def _write(send: Send, body: bytes) -> None:
    """Send, but wait no longer than a viewer may be stuck."""
    if body:
        await asyncio.wait_for(send({"type": "http.response.body", "body": body, "more_body": True}), STUCK_S)
