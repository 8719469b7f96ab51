"""Messages between the pool and its workers: a length, then as many bytes, over a pipe."""

from __future__ import annotations

import struct
from typing import BinaryIO, Final

_LENGTH: Final = struct.Struct("<Q")
MOST_BYTES: Final = 2**30
"""Largest message: a task is some kilobytes."""


def send(pipe: BinaryIO, message: bytes) -> None:
    """Write a message.

    Raises
    ------
    OSError
        If nobody reads any more.
    """
    pipe.write(_LENGTH.pack(len(message)) + message)
    pipe.flush()


def receive(pipe: BinaryIO) -> bytes | None:
    """Read a message; ``None`` if the other side has ended.

    Examples
    --------
    >>> import io
    >>> pipe = io.BytesIO()
    >>> send(pipe, b"task")
    >>> _ = pipe.seek(0)
    >>> receive(pipe), receive(pipe)
    (b'task', None)
    """
    head = _exactly(pipe, _LENGTH.size)
    if head is None:
        return None
    length = _LENGTH.unpack(head)[0]
    return None if length > MOST_BYTES else _exactly(pipe, length)


def _exactly(pipe: BinaryIO, size: int) -> bytes | None:
    data = pipe.read(size)
    return data if len(data) == size else None
