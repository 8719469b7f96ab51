"""Segments of a journal on the disk: unbuffered, never half a batch, moved elsewhere when a folder fails.

Every segment stays open until the end: a file that somebody removes meanwhile can still be read through its handle and
is written anew.
"""

from __future__ import annotations

import contextlib
import os
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from soleus.recording.files import os_error, sync_folder

if sys.platform != "win32":
    import fcntl

SEGMENT_PATTERN: Final = "journal-[0-9][0-9][0-9][0-9]*.arrows"
SEGMENT_S: Final = 60.0
"""Length of a segment [s]: what a lost file costs at most."""
SEGMENT_BYTES: Final = 16 * 2**20
"""Size at which a segment is full before its time [bytes]; a minute of two pods at 400 Hz takes 1.6 MB."""
OPEN_MOST: Final = 180
"""Segments kept open: three hours, well below the 1024 files a process may have."""
COPY_BYTES: Final = 2**20
"""Piece in which a removed segment is written anew [bytes]."""


def segment_name(number: int) -> str:
    """File name of a segment.

    Examples
    --------
    >>> segment_name(7)
    'journal-0007.arrows'
    """
    return f"journal-{number:04d}.arrows"


def rescue_folders(session: str) -> tuple[Path, ...]:
    """Where a session's journal goes on when its own folder cannot be written."""
    return (Path(tempfile.gettempdir()) / f"soleus-{session}",)


def is_being_written(path: Path) -> bool:
    """Tell whether another process, or a journal in this one, holds a segment open for writing."""
    if sys.platform == "win32":
        return False
    try:
        handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:  # a file system without locks
        return False
    finally:
        os.close(handle)
    return False


class Segment:
    """One file, written batch by batch."""

    def __init__(self, path: Path) -> None:
        self.path = path
        flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0) | getattr(os, "O_NOFOLLOW", 0)
        self._handle = os.open(path, flags, 0o644)
        self._lock = threading.Lock()
        self._open = True
        self._named = False
        self._synced_bytes = 0
        self.size_bytes = 0
        if sys.platform != "win32":
            # Held until the process ends, however it ends; tells others that this is no leftover.
            with contextlib.suppress(OSError):
                fcntl.flock(self._handle, fcntl.LOCK_EX | fcntl.LOCK_NB)

    def append(self, data: bytes) -> None:
        """Write data whole; what was written of it is taken back if that fails.

        Raises
        ------
        OSError
            If the disk is full or fails.
        """
        try:
            written = 0
            while written < len(data):
                written += os.write(self._handle, data[written:])
        except OSError:
            with contextlib.suppress(OSError):
                os.ftruncate(self._handle, self.size_bytes)
                os.lseek(self._handle, self.size_bytes, os.SEEK_SET)
            raise
        self.size_bytes += len(data)

    def sync(self) -> None:
        """Bring everything to the disk.

        Raises
        ------
        OSError
            If the disk fails.
        """
        with self._lock:
            size_bytes = self.size_bytes
            if not self._open or size_bytes == self._synced_bytes:
                return
            os.fsync(self._handle)
            self._synced_bytes = size_bytes
        if not self._named:
            with contextlib.suppress(OSError):  # a folder that may not be read; the file itself is safe
                sync_folder(self.path.parent)
            self._named = True

    def is_gone(self) -> bool:
        """Tell whether the file is no longer where it was made."""
        if sys.platform == "win32":
            return False
        try:
            there = self.path.stat()
        except (FileNotFoundError, NotADirectoryError):
            return self._open
        except OSError:  # a folder that may not be entered now
            return False
        with self._lock:
            if not self._open:
                return False
            here = os.fstat(self._handle)
        return (there.st_dev, there.st_ino) != (here.st_dev, here.st_ino)

    def copy_to(self, path: Path) -> Segment:
        """Write the same content to another file.

        Raises
        ------
        OSError
            If that is not possible; nothing is left behind.
        """
        copy = Segment(path)
        try:
            if sys.platform != "win32":
                for start in range(0, self.size_bytes, COPY_BYTES):
                    copy.append(os.pread(self._handle, min(COPY_BYTES, self.size_bytes - start), start))
            copy.sync()
        except OSError:
            copy.discard()
            raise
        return copy

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            if self._open:
                self._open = False
                os.close(self._handle)

    def discard(self) -> None:
        """Close and remove the file."""
        self.close()
        with contextlib.suppress(OSError):
            self.path.unlink()


class SegmentStore:
    """The segments of one session, in its own folder or wherever they can be kept.

    Parameters
    ----------
    folders
        The session's folder, and others for when it fails, in order of preference.
    start
        Gives the first bytes of the segment of a number.
    tell
        Told in one sentence of what went wrong and what was done.
    segment_s, segment_bytes
        When a segment is full.
    """

    def __init__(
        self,
        folders: Sequence[Path],
        start: Callable[[int], bytes],
        tell: Callable[[str], None],
        segment_s: float = SEGMENT_S,
        segment_bytes: int = SEGMENT_BYTES,
    ) -> None:
        self.folders = tuple(folders)
        self.folder = self.folders[0]
        self._start = start
        self._tell = tell
        self._segment_s = segment_s
        self._segment_bytes = segment_bytes
        self._segments: list[Segment] = []
        self._current: Segment | None = None
        self._opened_s = 0.0
        self._next_number = 0
        self._gone = threading.Event()
        self._complained = ""

    def write(self, message: bytes, end: bytes = b"") -> None:
        """Write one batch whole, in a segment that has room.

        Parameters
        ----------
        message
            The batch.
        end
            Written at the end of a segment that is full.

        Raises
        ------
        OSError
            If no folder takes it.
        """
        if self._gone.is_set():
            self.restore()
        failed: OSError | None = None
        if self._current is not None and not self._is_full(self._current):
            try:
                self._current.append(message)
            except OSError as error:
                failed = os_error_of(self._current.path, error)
                self._current = None
            else:
                return
        elif self._current is not None:
            with contextlib.suppress(OSError):
                self._current.append(end)
            self._current = None
        self._open_with(message, failed)

    def _is_full(self, segment: Segment) -> bool:
        aged = time.monotonic() - self._opened_s >= self._segment_s
        return aged or segment.size_bytes >= self._segment_bytes

    def _open_with(self, message: bytes, failed: OSError | None) -> None:
        """Begin a segment with this batch, in the first folder that takes it."""
        for folder in self.folders:
            try:
                segment = _create(folder / segment_name(self._next_number), self._start(self._next_number) + message)
            except OSError as error:
                failed = failed or os_error_of(folder / segment_name(self._next_number), error)
                continue
            self._next_number += 1
            self._opened_s = time.monotonic()
            self._current = segment
            self._keep(segment)
            self._moved_to(folder, failed)
            return
        raise failed or FileNotFoundError(2, "no folder to write to")

    def _keep(self, segment: Segment) -> None:
        self._segments = [*self._segments, segment]
        if len(self._segments) > OPEN_MOST:
            oldest, *self._segments = self._segments
            with contextlib.suppress(OSError):
                oldest.sync()
            oldest.close()

    def _moved_to(self, folder: Path, failed: OSError | None) -> None:
        moved, self.folder = folder != self.folder, folder
        if folder == self.folders[0]:
            if moved:
                self._complained = ""
                self._tell(f"{folder}: the recording is written there again")
        elif failed is not None and moved:
            self._complain(failed, f"the run goes on, recorded in {folder}")

    def _complain(self, error: OSError, then: str) -> None:
        sentence = f"{os_error('write', Path(error.filename or self.folder), error)} ({then})"
        if sentence != self._complained:
            self._complained = sentence
            self._tell(sentence)

    def sync(self) -> None:
        """Bring what was written to the disk, and look whether the files are still there. Raises nothing."""
        for segment in self._segments:
            try:
                segment.sync()
            except OSError as error:
                self._complain(os_error_of(segment.path, error), "the last seconds may not have reached the disk")
            if segment.is_gone():
                self._gone.set()

    def restore(self) -> None:
        """Write segments anew that somebody removed, from their open handles. Raises nothing."""
        self._gone.clear()
        lost = [segment for segment in self._segments if segment.is_gone()]
        if not lost:
            return
        restored: dict[Segment, Segment] = {}
        failed: OSError | None = None
        for segment in lost:
            for folder in self.folders:
                try:
                    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
                    restored[segment] = segment.copy_to(folder / segment.path.name)
                    break
                except OSError as error:
                    failed = failed or os_error_of(folder / segment.path.name, error)
        self._segments = [restored.get(segment, segment) for segment in self._segments]
        if self._current is not None:
            self._current = restored.get(self._current, self._current)
        for segment in restored:
            segment.close()
        if len(restored) < len(lost) and failed is not None:
            self._complain(failed, f"{len(lost) - len(restored)} removed files of the recording could not be restored")
        else:
            places = ", ".join(dict.fromkeys(str(segment.path.parent) for segment in restored.values()))
            self._tell(
                f"{lost[0].path.parent}: files of the recording were removed or moved away; "
                f"they were restored in {places}"
            )

    def close(self, end: bytes = b"") -> None:
        """Bring everything to the disk and close. Raises nothing."""
        self.sync()
        if self._gone.is_set():
            self.restore()
        if self._current is not None:
            with contextlib.suppress(OSError):
                self._current.append(end)
        self.sync()
        for segment in self._segments:
            segment.close()
        self._segments = []
        self._current = None


def _create(path: Path, data: bytes) -> Segment:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    segment = Segment(path)
    try:
        segment.append(data)
    except OSError:
        segment.discard()
        raise
    return segment


def os_error_of(path: Path, error: OSError) -> OSError:
    """Name the file in an error of a handle."""
    return OSError(error.errno, error.strerror, str(path))
