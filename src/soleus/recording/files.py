"""Safe access to files: refuse what is no plain file or too large, write all or nothing."""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
import stat
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO, Final

from soleus.recording.limits import MIB

_MEND: Final = {
    errno.ENOENT: "it does not exist; check the path",
    errno.EACCES: "permission denied; make it readable and writable for you",
    errno.EPERM: "permission denied; make it readable and writable for you",
    errno.ELOOP: "its symbolic links go round in a circle; give the real path",
    errno.ENOSPC: "the disk is full; free some space and try again",
    errno.EDQUOT: "your disk quota is used up; free some space and try again",
    errno.EFBIG: "the file would be larger than this system allows; write to another disk",
    errno.EROFS: "the disk is read-only; write to another folder",
    errno.EISDIR: "it is a folder, not a file",
    errno.ENOTDIR: "a part of the path is a file, not a folder",
    errno.EEXIST: "a file of that name stands where the folder should be; choose another name",
    errno.ENAMETOOLONG: "the name is too long",
}


class RecordingError(ValueError):
    """A recording, profile or runner file that cannot be used, or a folder that cannot be written.

    The text is one sentence that names the file, the field or row, and the mend.
    """


def os_error(verb: str, path: Path, error: OSError) -> RecordingError:
    """Turn an operating system's error into a sentence.

    Examples
    --------
    >>> print(os_error("read", Path("a.csv"), FileNotFoundError(2, "No such file")))
    a.csv: cannot read it: it does not exist; check the path
    """
    reason = _MEND.get(error.errno or 0) or error.strerror or first_line(str(error))
    return RecordingError(f"{path}: cannot {verb} it: {reason}")


def first_line(text: str) -> str:
    """First line of a library's message, without its full stop."""
    return text.strip().splitlines()[0].rstrip(". ") if text.strip() else "unknown reason"


@contextlib.contextmanager
def reading(path: Path, what: str) -> Iterator[None]:
    """Turn whatever a file library raises into one :class:`RecordingError` that names the file."""
    import pyarrow as pa

    try:
        yield
    except RecordingError:
        raise
    except MemoryError as error:
        raise RecordingError(f"{path}: too large for this machine's memory; cut it into shorter recordings") from error
    except (pa.ArrowException, OSError, UnicodeError) as error:
        if isinstance(error, OSError) and error.errno in _MEND:
            raise os_error("read", path, error) from error
        raise RecordingError(
            f"{path}: not a readable {what} ({first_line(str(error))}); it is damaged, cut short or of another kind"
        ) from error


def present(path: Path) -> bool:
    """Tell whether a file is there.

    Raises
    ------
    RecordingError
        If that cannot be told, as in a folder that may not be entered.
    """
    try:
        path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError as error:
        raise os_error("read", path, error) from error
    return True


def check_file(path: Path, limit_bytes: int) -> int:
    """Refuse what is no plain file, is empty or too large; return the size [bytes].

    Raises
    ------
    RecordingError
        If the file cannot be looked at, is no plain file, is empty or exceeds the limit.
    """
    try:
        info = path.stat()
    except OSError as error:
        raise os_error("read", path, error) from error
    except ValueError as error:  # a NUL byte in the name
        raise RecordingError(f"{path!r}: not a file name: {error}") from error
    if not stat.S_ISREG(info.st_mode):
        raise RecordingError(f"{path}: not a plain file; give a recording's file or folder")
    if info.st_size == 0:
        raise RecordingError(f"{path}: the file is empty; copy it again from the pod")
    if info.st_size > limit_bytes:
        raise RecordingError(
            f"{path}: {info.st_size / MIB:.0f} MiB is more than the limit of {limit_bytes / MIB:.0f} MiB; "
            "cut it into shorter files or raise the limit"
        )
    return info.st_size


def read_bytes(path: Path, limit_bytes: int) -> bytes:
    """Read a small file as a whole.

    Raises
    ------
    RecordingError
        As :func:`check_file`.
    """
    check_file(path, limit_bytes)
    try:
        with path.open("rb") as file:
            return file.read(limit_bytes)
    except OSError as error:
        raise os_error("read", path, error) from error


def make_folder(folder: Path) -> None:
    """Make a folder with its parents, if it is not there yet.

    Raises
    ------
    RecordingError
        If that is not possible.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise os_error("write", folder, error) from error


def write_atomically(path: Path, write: Callable[[BinaryIO], None], verify: Callable[[Path], None]) -> None:
    """Write a file whole or not at all: temporary file, fsync, verification, rename.

    Parameters
    ----------
    path
        The file to make or replace.
    write
        Writes the content to the open file.
    verify
        Reads the temporary file back; raises if it is not what was to be written.

    Raises
    ------
    RecordingError
        If the disk is full, the folder cannot be written, or verification fails. An earlier file stays as it was.
    """
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}.tmp")
    try:
        with temporary.open("xb") as file:
            write(file)
            file.flush()
            os.fsync(file.fileno())
        verify(temporary)
        temporary.replace(path)
        sync_folder(path.parent)
    except OSError as error:
        raise os_error("write", path, error) from error
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink()


def sync_folder(folder: Path) -> None:
    """Bring a folder's list of files to the disk: without it a new name or a rename may be lost in a power cut.

    Raises
    ------
    OSError
        If the folder cannot be opened or synchronised.
    """
    # Windows cannot open folders and needs no such step.
    if os.name != "posix":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
