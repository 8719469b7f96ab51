"""The files of the page: a fixed table, read from the package; nothing else can be asked for."""

from __future__ import annotations

import functools
from importlib import resources
from typing import Final

TYPES: Final = {
    "html": "text/html; charset=utf-8",
    "css": "text/css; charset=utf-8",
    "mjs": "text/javascript; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "svg": "image/svg+xml",
}
FILES: Final = (
    "runner.html",
    "coach.html",
    "look.css",
    "runner.css",
    "coach.css",
    "theme.js",
    "stream.mjs",
    "format.mjs",
    "charts.mjs",
    "sound.mjs",
    "parts.mjs",
    "trend.mjs",
    "runner.mjs",
    "coach.mjs",
    "icon.svg",
)
"""Everything there is."""


@functools.cache
def read(name: str) -> tuple[bytes, str]:
    """Give a file of the page and its media type.

    Raises
    ------
    KeyError
        If there is no such file.

    Examples
    --------
    >>> read("icon.svg")[1]
    'image/svg+xml'
    """
    if name not in FILES:
        raise KeyError(name)
    return resources.files("soleus.live.page").joinpath("static", name).read_bytes(), TYPES[name.rsplit(".", 1)[1]]
