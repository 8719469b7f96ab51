"""What a result rests on beside its recording: the program itself."""

from __future__ import annotations

import functools
import hashlib
from importlib import resources
from importlib.metadata import PackageNotFoundError, version
from typing import Final

GAIT_ROOMS: Final = (
    "model",
    "recording",
    "gait",
    "batch/session.py",
    "batch/summary.py",
    "batch/process.py",
    "pipeline.py",
)
"""Sources that lead from a recording to its steps and their summary."""
RULES_ROOMS: Final = ("rules", "history", "batch/conclude.py")
"""Sources that lead from steps to warnings; the steps themselves have a key of their own."""
DIGEST_BYTES: Final = 16


@functools.cache
def program_key(rooms: tuple[str, ...]) -> str:
    """Give a digest of the version and of some sources, with the constants in them.

    A changed constant makes a new result even where the version stayed.

    Examples
    --------
    >>> program_key(GAIT_ROOMS) == program_key(RULES_ROOMS), len(program_key(GAIT_ROOMS))
    (False, 32)
    """
    found = hashlib.blake2b(_version().encode(), digest_size=DIGEST_BYTES)
    for room in rooms:
        for name, data in _sources(room):
            found.update(f"\0{name}\0{len(data)}\0".encode() + data)
    return found.hexdigest()


def _sources(room: str) -> list[tuple[str, bytes]]:
    root = resources.files("soleus").joinpath(room)
    if root.is_file():
        return [(room, root.read_bytes())]
    found = []
    for entry in sorted(root.iterdir(), key=lambda each: each.name):
        if entry.is_dir() and entry.name != "__pycache__":
            found += _sources(f"{room}/{entry.name}")
        elif entry.name.endswith((".py", ".toml", ".json")):
            found.append((f"{room}/{entry.name}", entry.read_bytes()))
    return found


def _version() -> str:
    try:
        return version("soleus")
    except PackageNotFoundError:
        return ""
