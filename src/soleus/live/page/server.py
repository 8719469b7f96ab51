"""Page: a sink that shows the run to any number of browsers, from a server in a thread of its own."""

from __future__ import annotations

import asyncio
import contextlib
import io
import secrets
import socket
import sys
import threading
from functools import partial
from types import TracebackType
from typing import TYPE_CHECKING, Final, Self

from soleus.live.news import Controls, News
from soleus.live.page.board import Board, nobody
from soleus.live.page.errors import PageError
from soleus.live.page.guard import Access
from soleus.live.page.past import PastWeeks
from soleus.rules import HistorySummary

if TYPE_CHECKING:
    import segno

    from soleus.live.page.viewers import Viewers

PORT: Final = 8765
LOOPBACK: Final = "127.0.0.1"
EVERYWHERE: Final = "0.0.0.0"  # noqa: S104  (only with lan=True, which needs a token)
TOKEN_BYTES: Final = 16
"""Length of a token of ours: 128 bits, beyond guessing."""
TOKEN_SHORTEST: Final = 16
"""Shortest token taken [characters]."""
START_MOST_S: Final = 10.0
"""A server that has not started by then never will [s]."""
CONNECTIONS_MOST: Final = 96
"""Connections at once: streams and what browsers open beside them."""
BACKLOG: Final = 64
FAREWELL_S: Final = 0.5
"""How long viewers are given to take the last state [s]."""
ELSEWHERE: Final = ("192.0.2.1", 9)
"""An address that is nobody's (RFC 5737): which of ours would be used to reach it is asked, nothing is sent."""


class Page:
    """Serve the live page.

    Parameters
    ----------
    controls
        What its buttons do.
    host
        Address to listen at; this machine only, unless ``lan``.
    port
        Port to listen at; 0 takes any free one.
    lan
        Whether tablets and phones on the same network may look. They need the token, which :attr:`address` and the
        QR code hold.
    token
        The token; a fresh one for each run unless given. Without ``lan``, none is needed unless given.
    title
        What is written at the top.
    history
        The runner's last weeks, if known: shown to the coach, and the dose so far is compared with them.

    Raises
    ------
    PageError
        If the address cannot be had, or the token is too short.

    Examples
    --------
    >>> class Nothing:
    ...     start = stop = lap = lambda self: None
    ...     pain = set_belt = lambda self, *values: None
    >>> with Page(Nothing(), port=0) as page:
    ...     page.address.startswith("http://127.0.0.1:")
    True
    """

    def __init__(
        self,
        controls: Controls,
        *,
        host: str = LOOPBACK,
        port: int = PORT,
        lan: bool = False,
        token: str | None = None,
        title: str = "",
        history: PastWeeks | HistorySummary | None = None,
    ) -> None:
        if token is not None and (len(token) < TOKEN_SHORTEST or not token.isascii() or not _is_plain(token)):
            raise PageError(f"the token needs {TOKEN_SHORTEST} letters or digits or more; leave it out for a fresh one")
        if not lan and not Access(port, lan=False, token=None).host_is_ours(f"{host}:{port}"):
            raise PageError(f"{host} can be reached from other machines; serving the page there needs lan")
        self._token = secrets.token_urlsafe(TOKEN_BYTES) if lan and token is None else token
        self._lan = lan
        self._socket = _listen(EVERYWHERE if lan and host == LOOPBACK else host, port)
        self._host = host
        self.port: int = self._socket.getsockname()[1]
        """The port that is served."""
        self.board = Board(title, history)
        """What all viewers look at."""
        self._loop: asyncio.AbstractEventLoop | None = None
        self._viewers: Viewers | None = None
        self._finish: asyncio.Event | None = None
        self._started = threading.Event()
        self._trouble: list[str] = []
        self._closed = False
        self._thread = threading.Thread(target=self._serve, args=(controls,), name="soleus-page", daemon=True)
        self._thread.start()
        started = self._started.wait(START_MOST_S)
        if self._trouble or not started:
            self._socket.close()
            raise PageError(f"the page could not be served: {' '.join(self._trouble) or 'its server did not start'}")

    @property
    def address(self) -> str:
        """Where to look: the address for other devices, token and all, if they may; this machine's otherwise."""
        query = "" if self._token is None else f"?token={self._token}"
        name = (_own_address() or socket.gethostname()) if self._lan else self._host
        return f"http://{f'[{name}]' if ':' in name else name}:{self.port}/{query}"

    @property
    def local_address(self) -> str:
        """Where to look on this machine."""
        query = "" if self._token is None else f"?token={self._token}"
        return f"http://{LOOPBACK if self._lan else self._host}:{self.port}/{query}"

    @property
    def viewers(self) -> int:
        """Displays that look now."""
        return 0 if self._viewers is None else self._viewers.count

    def qr_text(self) -> str:
        """Draw the QR code of :attr:`address` for a terminal."""
        text = io.StringIO()
        _qr(self.address).terminal(text, compact=True)
        return text.getvalue()

    def take(self, news: News) -> None:
        """Show a piece of news."""
        self.board.take(news)

    def close(self) -> None:
        """Show everybody the last state, then close the page."""
        if self._closed:
            return
        self._closed = True
        if self._loop is not None and self._finish is not None and self._thread.is_alive():
            with contextlib.suppress(RuntimeError):
                self._loop.call_soon_threadsafe(self._finish.set)
        self._thread.join(START_MOST_S)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _serve(self, controls: Controls) -> None:
        """Run the server; in its own thread."""
        try:
            asyncio.run(self._serve_until_closed(controls))
        except BaseException as error:  # noqa: BLE001  (whatever it is, whoever waits for the start must hear of it)
            self._trouble.append(str(error) or type(error).__name__)
        finally:
            self.board.on_change = nobody
            self._started.set()

    async def _serve_until_closed(self, controls: Controls) -> None:
        import uvicorn

        from soleus.live.page.app import Buttons, build
        from soleus.live.page.viewers import Viewers

        viewers = self._viewers = Viewers(self.board)
        access = Access(self.port, self._lan, self._token)
        server = uvicorn.Server(
            uvicorn.Config(
                build(
                    Buttons(controls, self.board),
                    viewers,
                    access,
                    _qr_svg(self.address) if self._lan else None,
                    self._started.set,
                ),
                http="h11",
                ws="none",
                lifespan="on",
                log_config=None,
                log_level="critical",
                access_log=False,
                server_header=False,
                date_header=False,
                proxy_headers=False,
                limit_concurrency=CONNECTIONS_MOST,
                # Open event streams would otherwise keep the server from ending.
                timeout_graceful_shutdown=1,
            )
        )
        loop = self._loop = asyncio.get_running_loop()
        self._finish = asyncio.Event()
        self.board.on_change = partial(_wake, loop, viewers)
        serving = asyncio.create_task(server.serve(sockets=[self._socket]))
        finishing = asyncio.create_task(self._finish.wait())
        await asyncio.wait({serving, finishing}, return_when=asyncio.FIRST_COMPLETED)
        viewers.close()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(viewers.empty.wait(), FAREWELL_S)
        server.should_exit = True
        await serving


def _wake(loop: asyncio.AbstractEventLoop, viewers: Viewers) -> None:
    # The run may tell its last news while the server ends.
    with contextlib.suppress(RuntimeError):
        loop.call_soon_threadsafe(viewers.wake)


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        if sys.platform != "win32":
            # Elsewhere it would let two programs share the port.
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(BACKLOG)
    except (OSError, OverflowError) as error:
        listener.close()
        raise PageError(f"the page cannot be served at {host}, port {port} ({error}); try another port") from error
    return listener


def _own_address() -> str | None:
    """Find this machine's address on the network; ``None`` if there is no network."""
    with contextlib.suppress(OSError), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asked:
        asked.connect(ELSEWHERE)
        address: str = asked.getsockname()[0]
        return address
    return None


def _is_plain(token: str) -> bool:
    return all(letter.isalnum() or letter in "-_" for letter in token)


def _qr(address: str) -> segno.QRCode:
    import segno

    return segno.make(address, micro=False, error="m")


def _qr_svg(address: str) -> bytes:
    picture = io.BytesIO()
    _qr(address).save(picture, kind="svg", scale=8, light="white")
    return picture.getvalue()
