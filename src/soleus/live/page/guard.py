"""Who may see the page: checks of each request's address, origin and token, and headers that keep a browser strict.

Follows the recommendations of OWASP on DNS rebinding (Host is checked), cross-site request forgery (Origin is checked,
cookies are SameSite=Strict) and content security policy (no inline code, nothing from elsewhere).
"""

from __future__ import annotations

import hmac
import ipaddress
import socket
from dataclasses import dataclass
from typing import Final
from urllib.parse import parse_qs

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import cookie_parser
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

SAFE_METHODS: Final = frozenset({"GET", "HEAD"})
OPEN_PATHS: Final = ("/static/",)
"""Reached without the token: the page's own code, the same in every copy of Soleus."""
STRICT_HEADERS: Final = {
    "content-security-policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "cache-control": "no-store",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), microphone=(), geolocation=(), screen-wake-lock=(self)",
}


@dataclass(frozen=True, slots=True)
class Access:
    """Who may come in.

    Attributes
    ----------
    port
        The port that is served.
    lan
        Whether other machines may look.
    token
        What they must know; ``None``: nothing.
    """

    port: int
    lan: bool
    token: str | None

    @property
    def cookie(self) -> str:
        """Name of the cookie; cookies are not kept apart by port, so the port is in it."""
        return f"soleus-{self.port}"

    def host_is_ours(self, host: str) -> bool:
        """Tell whether a Host header names this machine: a foreign name means DNS rebinding.

        Examples
        --------
        >>> access = Access(8765, lan=False, token=None)
        >>> [access.host_is_ours(h) for h in ("127.0.0.1:8765", "localhost:8765", "evil.example:8765", "127.0.0.1")]
        [True, True, False, False]
        """
        name, _, port = host.rpartition(":")
        if port != str(self.port):
            return False
        name = name.strip("[]").lower()
        if name == "localhost":
            return True
        try:
            address = ipaddress.ip_address(name)
        except ValueError:
            own = socket.gethostname().lower()
            return self.lan and name in {own, own.partition(".")[0], f"{own.partition('.')[0]}.local"}
        # A numeric address cannot be rebound; from the loopback interface no other than its own can come.
        return self.lan or address.is_loopback

    def knows_token(self, given: str | None) -> bool:
        """Compare a token in constant time."""
        return self.token is None or (given is not None and hmac.compare_digest(given.encode(), self.token.encode()))


class Guard:
    """Refuse what does not come from our own page; put strict headers on every answer.

    Parameters
    ----------
    app
        What lies behind.
    access
        Who may come in.
    """

    def __init__(self, app: ASGIApp, access: Access) -> None:
        self._app = app
        self._access = access

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        if scope["type"] != "http":
            if scope["type"] == "lifespan":
                await self._app(scope, receive, send)
            return
        fresh_token = False

        async def strict_send(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers.update(STRICT_HEADERS)
                if fresh_token:
                    cookie = f"{self._access.cookie}={self._access.token}; HttpOnly; SameSite=Strict; Path=/"
                    headers.append("set-cookie", cookie)
            await send(message)

        refusal = self._refusal(scope)
        if refusal is None and self._needs_token(scope):
            given = parse_qs(scope["query_string"].decode("latin-1")).get("token", [None])[0]
            if given is not None and self._access.knows_token(given):
                fresh_token = True
            elif not self._access.knows_token(self._cookie(scope)):
                refusal = (401, "This page needs its token: scan the QR code that soleus shows, or open its address.")
        if refusal is not None:
            status, sentence = refusal
            await PlainTextResponse(sentence + "\n", status)(scope, receive, strict_send)
            return
        await self._app(scope, receive, strict_send)

    def _refusal(self, scope: Scope) -> tuple[int, str] | None:
        headers = Headers(scope=scope)
        host = headers.getlist("host")
        if len(host) != 1 or not self._access.host_is_ours(host[0]):
            return 421, "This name is not one of this machine's: open the address that soleus shows."
        origin = headers.get("origin")
        ours = f"http://{host[0].lower()}"
        if (origin is not None or scope["method"] not in SAFE_METHODS) and (origin or "").lower() != ours:
            return 403, "Only the page itself may ask for this."
        if headers.get("sec-fetch-site", "none") not in {"same-origin", "none"} and scope["path"] not in {
            "/",
            "/coach",
        }:
            return 403, "Only the page itself may ask for this."
        return None

    def _needs_token(self, scope: Scope) -> bool:
        return self._access.token is not None and not scope["path"].startswith(OPEN_PATHS)

    def _cookie(self, scope: Scope) -> str | None:
        return cookie_parser(Headers(scope=scope).get("cookie", "")).get(self._access.cookie)
