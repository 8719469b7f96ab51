"""Folders and files wherever pyarrow reaches: this machine, S3-compatible stores, Google Cloud Storage, HDFS.

Whatever is written appears whole or not at all: on this machine through a temporary file that is renamed, in an object
store because an object is there only once it is complete.
"""

from __future__ import annotations

import contextlib
import functools
import os
import secrets
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self
from urllib.parse import quote, unquote, urlsplit

import pyarrow as pa
import pyarrow.fs as pafs

from soleus.batch.errors import BatchError

TEMPORARY_SUFFIX: Final = ".tmp"
"""End of the name of a file that is being written; such names begin with a dot, which dataset readers pass over."""
UNREADABLE: Final = "session.json"
"""File that stands for a folder that may not be entered."""
UNKNOWN_RUN: Final = "0"
"""Run in the name of a temporary file that no run of a batch wrote."""


@dataclass(frozen=True, slots=True)
class Place:
    """A file or folder on some file system.

    Attributes
    ----------
    fs, path
        The file system, and the path within it.
    lead, query
        What stands before and after the path in its URI; both empty for a file of this machine.

    Examples
    --------
    >>> place = Place.parse("file:///data/season%201") / "run.csv"
    >>> place.path, place.address == place.path
    ('/data/season 1/run.csv', True)
    """

    fs: pafs.FileSystem
    path: str
    lead: str = ""
    query: str = ""

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read a path of this machine or a URI.

        Raises
        ------
        BatchError
            If the URI is not understood.
        """
        if "://" not in text:
            return cls(_local(), os.path.abspath(text).replace(os.sep, "/"))  # noqa: PTH100 (keeps symbolic links)
        parts = urlsplit(text)
        if parts.scheme == "file":
            return cls(_local(), unquote(parts.path).rstrip("/") or "/")
        secret, _, bucket = parts.netloc.rpartition("@")
        begin = f"{parts.scheme}://{secret + '@' if secret else ''}"
        # Of a store the bucket is the first part of the path; of a server its name is not.
        inside, whole = unquote(parts.path).rstrip("/"), (bucket + unquote(parts.path)).rstrip("/")
        fs = _opened(f"{begin}{bucket}/", parts.query)
        return (
            cls(fs, inside or "/", f"{begin}{bucket}", parts.query)
            if parts.scheme in {"hdfs", "viewfs"}
            else cls(fs, whole, begin, parts.query)
        )

    @property
    def is_local(self) -> bool:
        """Whether it is a file of this machine."""
        return isinstance(self.fs, pafs.LocalFileSystem)

    @property
    def address(self) -> str:
        """What :meth:`parse` reads again; may hold an access key."""
        if not self.lead:
            return self.path
        return f"{self.lead}{quote(self.path)}" + (f"?{self.query}" if self.query else "")

    @property
    def shown(self) -> str:
        """What may be shown and stored: without keys."""
        if not self.lead:
            return self.path
        scheme, _, server = self.lead.partition("://")
        return f"{scheme}://{server.rpartition('@')[2]}{self.path}"

    @property
    def name(self) -> str:
        """Last part of the path."""
        return self.path.rpartition("/")[2]

    @property
    def parent(self) -> Self:
        """The folder it lies in."""
        return self.at(self.path.rpartition("/")[0] or "/")

    def __truediv__(self, name: str) -> Self:
        return self.at(f"{self.path.rstrip('/')}/{name}")

    def at(self, path: str) -> Self:
        """Give another path of the same file system."""
        return type(self)(self.fs, path, self.lead, self.query)

    def info(self) -> pafs.FileInfo:
        """Look at it: kind, size and time of the last change.

        Raises
        ------
        BatchError
            If that cannot be told.
        """
        with self.told("read"):
            return self.fs.get_file_info(self.path)

    def below(self) -> list[pafs.FileInfo]:
        """List all files below it, by path; nothing if it is not there.

        Raises
        ------
        BatchError
            If it cannot be listed.
        """
        with self.told("list"):
            if self.is_local:
                found = list(_walked(self.path))
            else:
                found = self.fs.get_file_info(pafs.FileSelector(self.path, allow_not_found=True, recursive=True))
        return sorted((f for f in found if f.type != pafs.FileType.Directory), key=lambda f: str(f.path))

    def read(self, most_bytes: int) -> bytes:
        """Read a file that must not be larger than told.

        Raises
        ------
        BatchError
            If it cannot be read or is larger.
        """
        with self.told("read"), self.fs.open_input_file(self.path) as file:
            size = file.size()
            if size > most_bytes:
                raise BatchError(f"{self.shown}: {size} bytes are more than the {most_bytes} that such a file may have")
            return bytes(file.read())

    def write(self, data: bytes | pa.Buffer, run: str = UNKNOWN_RUN) -> None:
        """Write a file whole or not at all, its folder made if need be.

        Raises
        ------
        BatchError
            If it cannot be written; an earlier file stays as it was.
        """
        with self.told("write"):
            if not _renames(self.fs):
                with self.fs.open_output_stream(self.path) as stream:
                    stream.write(data)
                return
            folder = self.parent
            folder.fs.create_dir(folder.path, recursive=True)
            temporary = folder / f".{self.name}.{run}.{secrets.token_hex(4)}{TEMPORARY_SUFFIX}"
            try:
                with self.fs.open_output_stream(temporary.path) as stream:
                    stream.write(data)
                if self.is_local:
                    _sync(temporary.path)
                self.fs.move(temporary.path, self.path)
            finally:
                with contextlib.suppress(OSError):
                    if self.fs.get_file_info(temporary.path).type == pafs.FileType.File:
                        self.fs.delete_file(temporary.path)

    def remove(self) -> bool:
        """Remove a file; tell whether it was there.

        Raises
        ------
        BatchError
            If it cannot be removed.
        """
        with self.told("remove"):
            try:
                self.fs.delete_file(self.path)
            except FileNotFoundError:
                return False
        return True

    @contextlib.contextmanager
    def told(self, verb: str) -> Iterator[None]:
        """Turn what the file system raises into one sentence."""
        try:
            yield
        except (OSError, pa.ArrowException) as error:
            reason = (getattr(error, "strerror", "") or str(error)).strip().splitlines()
            raise BatchError(f"{self.shown}: cannot {verb} it: {reason[0] if reason else 'unknown reason'}") from error


def _walked(root: str) -> Iterator[pafs.FileInfo]:
    """Go through the files below a folder of this machine; links are followed, each folder is entered once.

    Arrow's own listing goes round in circles of links, and ends at the first name that is no UTF-8.
    """
    seen: set[tuple[int, int]] = set()
    closed: list[str] = []
    for folder, folders, files in os.walk(root, followlinks=True, onerror=lambda e: closed.append(str(e.filename))):
        place = Path(folder)
        try:
            here = place.stat()
        except OSError:  # removed meanwhile
            folders.clear()
            continue
        if (here.st_dev, here.st_ino) in seen:
            folders.clear()
            continue
        seen.add((here.st_dev, here.st_ino))
        folders.sort()
        for name in files:
            path = place / name
            info = pafs.FileInfo(_utf8(str(path)), pafs.FileType.Unknown)
            with contextlib.suppress(OSError):  # a link to nothing, or removed meanwhile
                facts = path.stat()
                if stat.S_ISREG(facts.st_mode):
                    info = pafs.FileInfo(
                        _utf8(str(path)), pafs.FileType.File, size=facts.st_size, mtime_ns=facts.st_mtime_ns
                    )
            yield info
    for folder in closed:
        if folder == root and Path(root).exists():
            os.scandir(root).close()  # raises what is wrong with it
        elif folder != root:
            # What is in it nobody knows; reading it as a session will say why it cannot be read.
            yield pafs.FileInfo(_utf8(f"{folder}/{UNREADABLE}"), pafs.FileType.File, size=0)


def _utf8(path: str) -> str:
    """Give a path as it can be stored; one that is no UTF-8 names no file then, which its failure will say."""
    return path.replace(os.sep, "/").encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def run_of(name: str) -> str | None:
    """Tell which run a temporary file is of; ``None`` for any other file.

    Examples
    --------
    >>> run_of(".3f.parquet.a1b2.00ff00ff.tmp"), run_of("3f.parquet")
    ('a1b2', None)
    """
    parts = name.split(".")
    is_ours = name.startswith(".") and name.endswith(TEMPORARY_SUFFIX) and len(parts) >= 5  # noqa: PLR2004
    return parts[-3] if is_ours else None


@functools.cache
def _local() -> pafs.LocalFileSystem:
    return pafs.LocalFileSystem()


@functools.cache
def _opened(root: str, query: str) -> pafs.FileSystem:
    try:
        fs, _ = pafs.FileSystem.from_uri(root.rstrip("/") + (f"?{query}" if query else ""))
    except (pa.ArrowException, OSError, ValueError) as error:
        scheme = root.partition("://")[0]
        raise BatchError(f"{scheme}://...: not understood ({error}); give a URI as pyarrow.fs takes it") from error
    return fs


def _renames(fs: pafs.FileSystem) -> bool:
    """Tell whether a rename is one step there; in an object store it is a copy, and writing itself is one step."""
    while isinstance(fs, pafs.SubTreeFileSystem):
        fs = fs.base_fs
    return fs.type_name in {"local", "mock", "hdfs"}


def _sync(path: str) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
