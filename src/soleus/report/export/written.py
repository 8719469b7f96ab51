"""Files are written whole or not at all."""

from __future__ import annotations

import errno
from pathlib import Path
from typing import BinaryIO

from soleus.recording.files import make_folder, write_atomically
from soleus.report.export.errors import ExportError


def write_whole(data: bytes, path: Path) -> None:
    """Write a file by way of a temporary one that is read back and renamed; its folder is made if need be.

    Raises
    ------
    ExportError
        If what was written could not be read back.
    soleus.recording.RecordingError
        If it cannot be written.
    """
    make_folder(path.parent)

    def write(file: BinaryIO) -> None:
        if file.write(data) != len(data):
            raise OSError(errno.ENOSPC, "no space left")

    def verify(temporary: Path) -> None:
        if temporary.read_bytes() != data:
            raise ExportError(f"{path}: what was written could not be read back; try another disk")

    write_atomically(path, write, verify)
