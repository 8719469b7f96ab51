"""The page's addresses: files, the event stream, and the buttons."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Final, TypeVar

import msgspec
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from soleus.live.news import Controls
from soleus.live.page import asked, files
from soleus.live.page.board import Board
from soleus.live.page.guard import Access, Guard
from soleus.live.page.viewers import Viewers

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

_log: Final = logging.getLogger("soleus.live.page")
Body = TypeVar("Body")
Handler = Callable[[Request], Awaitable[Response]]
DONE: Final = 204
"""No content: what came of it is seen in the stream."""


class Buttons:
    """What each button does.

    Parameters
    ----------
    controls
        The run.
    board
        What is shown; it keeps what concerns the displays alone.
    """

    def __init__(self, controls: Controls, board: Board) -> None:
        self._controls = controls
        self._board = board

    def start(self, _: asked.Nothing) -> None:
        """Begin the run."""
        self._controls.start()

    def stop(self, _: asked.Nothing) -> None:
        """End the run."""
        self._controls.stop()

    def lap(self, _: asked.Nothing) -> None:
        """Begin a lap."""
        self._controls.lap()

    def pain(self, pain: asked.Pain) -> None:
        """Note a pain rating."""
        self._controls.pain(pain.rating)

    def belt(self, typed: asked.BeltTyped) -> None:
        """Take a belt speed typed by hand."""
        self._controls.set_belt(typed.speed_mps, typed.grade)

    def mute(self, mute: asked.Mute) -> None:
        """Mute all displays, or let them sound again."""
        self._board.mute(muted=mute.muted)

    def spoken(self, spoken: asked.Spoken) -> None:
        """Log that a cue was given to the runner."""
        if not self._board.note_given(spoken.cue, spoken.how):
            raise ValueError(f"there is no cue {spoken.cue}")
        _log.info("cue %d given by %s", spoken.cue, spoken.how)


def build(
    buttons: Buttons, viewers: Viewers, access: Access, qr_svg: bytes | None, on_started: Callable[[], None]
) -> Guard:
    """Put the page's addresses together, behind their guard."""

    async def events(request: Request) -> Response:
        return viewers.stream(request)

    async def qr(_: Request) -> Response:
        if qr_svg is None:
            return PlainTextResponse("There is no other address than this one.\n", 404)
        return Response(qr_svg, media_type="image/svg+xml")

    @asynccontextmanager
    async def publishing(_: Starlette) -> AsyncIterator[None]:
        task = asyncio.create_task(viewers.publish())
        on_started()
        yield
        task.cancel()

    routes = [
        Route("/", _file("runner.html")),
        Route("/coach", _file("coach.html")),
        Route("/static/{name}", _static),
        Route("/events", events),
        Route("/qr.svg", qr),
        _button("/start", asked.Nothing, buttons.start),
        _button("/stop", asked.Nothing, buttons.stop),
        _button("/lap", asked.Nothing, buttons.lap),
        _button("/pain", asked.Pain, buttons.pain),
        _button("/belt", asked.BeltTyped, buttons.belt),
        _button("/mute", asked.Mute, buttons.mute),
        _button("/spoken", asked.Spoken, buttons.spoken),
    ]
    return Guard(Starlette(routes=routes, lifespan=publishing), access)


def _file(name: str) -> Handler:
    async def give(_: Request) -> Response:
        content, media_type = files.read(name)
        return Response(content, media_type=media_type)

    return give


async def _static(request: Request) -> Response:
    try:
        content, media_type = files.read(request.path_params["name"])
    except KeyError:
        return PlainTextResponse("There is no such file.\n", 404)
    return Response(content, media_type=media_type)


def _button(path: str, kind: type[Body], act: Callable[[Body], None]) -> Route:
    """Make the address of a button: a small JSON body in, nothing out."""
    decoder = msgspec.json.Decoder(kind)

    async def press(request: Request) -> Response:
        if request.headers.get("content-type", "").partition(";")[0].strip() != "application/json":
            return PlainTextResponse("A button sends JSON.\n", 415)
        body = await _small_body(request)
        if body is None:
            return PlainTextResponse(f"A button sends at most {asked.BODY_MOST} bytes.\n", 413)
        try:
            act(decoder.decode(body))
        except msgspec.DecodeError as error:
            return PlainTextResponse(f"{path}: {error}\n", 400)
        except ValueError as error:
            return PlainTextResponse(f"{path}: {error}\n", 409)
        return Response(status_code=DONE)

    return Route(path, press, methods=["POST"])


async def _small_body(request: Request) -> bytes | None:
    """Read a body; ``None`` as soon as it is too long."""
    body = b""
    async for part in request.stream():
        body += part
        if len(body) > asked.BODY_MOST:
            return None
    return body
