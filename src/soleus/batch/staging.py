"""Recordings of other file systems, copied to this machine while they are read."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Final

from soleus.batch.errors import BatchError
from soleus.batch.item import Item
from soleus.batch.places import Place
from soleus.recording import DEFAULT_LIMITS

COPY_BYTES: Final = 2**22
"""Piece in which a file is copied [bytes]."""


@contextlib.contextmanager
def on_this_machine(item: Item) -> Iterator[list[Path]]:
    """Give the paths of an item's recording; what lies elsewhere is copied for as long as it is needed.

    Raises
    ------
    BatchError
        If it cannot be copied, or is larger than a recording may be.
    """
    places = [Place.parse(address) for address in item.addresses]
    if all(place.is_local for place in places):
        yield [Path(place.path) for place in places]
        return
    with tempfile.TemporaryDirectory(prefix="soleus-batch-") as folder:
        yield [_copied(place, item.files, Path(folder) / str(i)) for i, place in enumerate(places)]


def _copied(place: Place, files: tuple[str, ...], folder: Path) -> Path:
    folder.mkdir()
    if not files:
        target = folder / (PurePosixPath(place.path).name or "recording")
        _copy(place, target, DEFAULT_LIMITS.file_bytes)
        return target
    left_bytes = DEFAULT_LIMITS.file_bytes
    for name in files:
        left_bytes -= _copy(place / name, folder / PurePosixPath(name).name, left_bytes)
    return folder


def _copy(place: Place, target: Path, most_bytes: int) -> int:
    copied = 0
    with place.told("read"), place.fs.open_input_stream(place.path) as source, target.open("xb") as file:
        while data := source.read(COPY_BYTES):
            copied += len(data)
            if copied > most_bytes:
                raise BatchError(f"{place.shown}: larger than the {most_bytes} bytes that a recording may have")
            file.write(data)
    return copied
