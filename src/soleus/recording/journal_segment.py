"""Reads one segment of a journal, whatever happened to it: each sound batch comes out, each damage is named.

Batches are found by their framing and believed by their checksum. After damage the next place is searched at which a
sound batch begins, so that a flipped bit costs its own batch only, wherever it is.
"""

from __future__ import annotations

import struct
import zlib
from pathlib import Path
from typing import Any, Final, Literal, NamedTuple

import msgspec
import pyarrow as pa

from soleus.recording.files import RecordingError, read_bytes
from soleus.recording.journal_format import (
    HEADER,
    SCHEMA,
    SCHEMA_NAME,
    SCHEMA_VERSION,
    SegmentHeader,
    checksum,
    decode_message,
)
from soleus.recording.limits import MIB, Limits

SEGMENT_MOST_BYTES: Final = 64 * MIB
"""Larger files are no segments of a journal: they end at 16 MiB and one batch."""
SEARCH_FACTOR: Final = 4
"""Bytes that may be tried after damage, as a multiple of the file: bounds the work on a file made to cost time."""
METADATA_MOST_BYTES: Final = MIB
"""Header of a message; ours take 2 KB and what the facts take."""
ALIGNMENT: Final = 8
"""Messages begin at multiples of this [bytes]."""

_MARKER: Final = b"\xff\xff\xff\xff"
_PREFIX: Final = struct.Struct("<4si")
# Message and RecordBatch of https://github.com/apache/arrow/blob/main/format/Message.fbs: numbers of their fields.
_MESSAGE_KIND, _MESSAGE_CONTENT, _MESSAGE_BODY_BYTES = 1, 2, 3
_BATCH_COMPRESSION: Final = 3
_KIND_SCHEMA, _KIND_BATCH = 1, 3


Reason = Literal["cut", "checksum", "unreadable"]


class Damage(msgspec.Struct, frozen=True, kw_only=True):
    """A part of a segment that cannot be used.

    Attributes
    ----------
    segment
        File name.
    offset_bytes, size_bytes
        Where it is.
    reason
        ``'cut'``: the file ends within a batch. ``'checksum'``: a batch that is not what was written.
        ``'unreadable'``: not even a batch.
    """

    segment: str
    offset_bytes: int
    size_bytes: int
    reason: Reason

    @property
    def sentence(self) -> str:
        """The same in words."""
        what = {
            "cut": "the file ends within a batch",
            "checksum": "a batch does not match its checksum",
            "unreadable": "no batch can be read",
        }[self.reason]
        return f"{self.segment}: {what} at byte {self.offset_bytes} ({self.size_bytes} bytes were left out)"


class SegmentContent(NamedTuple):
    """What a segment holds: its header if that is sound, its rows without the header, and what is damaged."""

    path: Path
    header: SegmentHeader | None
    table: pa.Table
    damages: list[Damage]


class _Frame(NamedTuple):
    """A message: its kind (0 for the mark at the end of the stream) and where it ends."""

    kind: int
    end: int


def read_segment(path: Path, limits: Limits) -> SegmentContent:
    """Read a segment.

    Raises
    ------
    RecordingError
        If it is no plain file, too large for a segment, or sound but of another format or version.
    """
    if path.stat().st_size == 0:
        cut = Damage(segment=path.name, offset_bytes=0, size_bytes=0, reason="cut")
        return SegmentContent(path, None, SCHEMA.empty_table(), [cut])
    data = read_bytes(path, min(SEGMENT_MOST_BYTES, limits.file_bytes))
    return _Scan(path, data).run()


def header_of(data: bytes) -> SegmentHeader | None:
    """Read which segment of which session some bytes are, from the schema they begin with; ``None`` if damaged.

    Examples
    --------
    >>> header_of(b"") is None
    True
    """
    frame = _frame_at(data, 0)
    if frame is None or frame.kind != _KIND_SCHEMA or frame.end > len(data):
        return None
    try:
        metadata = pa.ipc.read_schema(pa.py_buffer(data[: frame.end])).metadata or {}
    except (pa.ArrowException, OSError, UnicodeError):
        return None
    return _header_of(metadata.get(b"header", b""))


class _Scan:
    def __init__(self, path: Path, data: bytes) -> None:
        self.path = path
        self.data = data
        self.header: SegmentHeader | None = None
        self.batches: list[pa.RecordBatch] = []
        self.damages: list[Damage] = []
        self._budget_bytes = SEARCH_FACTOR * len(data)

    def run(self) -> SegmentContent:
        position = 0
        reason: Reason | None
        while position < len(self.data):
            frame = _frame_at(self.data, position)
            if frame is not None and frame.end <= len(self.data):
                reason = self._take(position, frame)
                # A flipped bit in its length may make a message, sound or not, reach over the next.
                end = self._next_sound(position + 1, frame.end) or frame.end
                if reason is None:
                    position = end
                    continue
            else:
                found = self._next_sound(position + 1, len(self.data))
                reason = "cut" if found is None and self._may_be_cut(position, frame) else "unreadable"
                end = found or len(self.data)
            self.damages.append(
                Damage(segment=self.path.name, offset_bytes=position, size_bytes=end - position, reason=reason)
            )
            position = end
        table = pa.Table.from_batches(self.batches, SCHEMA).combine_chunks()
        return SegmentContent(self.path, self.header, table, self.damages)

    def _may_be_cut(self, position: int, frame: _Frame | None) -> bool:
        return frame is not None or len(self.data) - position < _PREFIX.size

    def _take(self, position: int, frame: _Frame) -> Reason | None:
        """Keep what is sound; say why it is not."""
        if frame.kind == 0:
            return None
        message = self.data[position : frame.end]
        if frame.kind == _KIND_SCHEMA:
            return self._take_schema(message) if position == 0 else "unreadable"
        batch = _batch_of(message)
        if batch is None or isinstance(batch, str):
            return batch or "unreadable"
        if batch.column("kind")[0].as_py() == HEADER:
            self.header = self.header or _header_of(batch.column("json")[0].as_py().encode())
            batch = batch.slice(1)
        if batch.num_rows:
            self.batches.append(batch)
        return None

    def _take_schema(self, message: bytes) -> Reason | None:
        try:
            metadata = pa.ipc.read_schema(pa.py_buffer(message)).metadata or {}
        except (pa.ArrowException, OSError, UnicodeError):
            return "unreadable"
        text = metadata.get(b"header", b"")
        if metadata.get(b"header_crc32") != str(zlib.crc32(text)).encode():
            return "checksum"
        self._check_version(metadata)
        self.header = _header_of(text)
        return None if self.header is not None else "unreadable"

    def _check_version(self, metadata: dict[bytes, bytes]) -> None:
        # A name or number with one flipped bit is damage, not another version: then the batches speak for themselves.
        found = metadata.get(b"schema_version", b"").decode(errors="replace")
        if found.partition(".")[0] != SCHEMA_VERSION.partition(".")[0] and not self._first_batch_is_ours():
            raise RecordingError(
                f"{self.path}: its format is {metadata.get(b'schema', b'').decode(errors='replace')} {found}, "
                f"this program reads {SCHEMA_NAME} {SCHEMA_VERSION}; update the program"
            )

    def _first_batch_is_ours(self) -> bool:
        found = self._next_sound(ALIGNMENT, len(self.data))
        return found is not None and found + _PREFIX.size < len(self.data)

    def _next_sound(self, start: int, stop: int) -> int | None:
        """Find where the next sound batch begins, before ``stop``."""
        position = start
        while self._budget_bytes > 0:
            position = self.data.find(_MARKER, position, stop + len(_MARKER) - 1)
            if position < 0:
                return None
            if position % ALIGNMENT == 0 and self._is_sound(position):
                return position
            position += 1
        return None

    def _is_sound(self, position: int) -> bool:
        frame = _frame_at(self.data, position)
        if frame is None or frame.end > len(self.data):
            return False
        if frame.kind == 0:
            return frame.end == len(self.data)
        self._budget_bytes -= frame.end - position
        return frame.kind == _KIND_BATCH and isinstance(_batch_of(self.data[position : frame.end]), pa.RecordBatch)


def _batch_of(message: bytes) -> pa.RecordBatch | Literal["checksum"] | None:
    """Read a batch: itself if it is sound, else what is wrong; ``None`` if it cannot be read at all."""
    try:
        batch, metadata = decode_message(message)
    except (pa.ArrowException, OSError, UnicodeError, ValueError, StopIteration):
        return None
    whole = batch.num_rows > 0 and not any(_nulls(column) for column in batch.columns)
    if not whole or metadata.get(b"crc32") != str(checksum(batch)).encode():
        return "checksum"
    return batch


def _nulls(column: Any) -> int:  # noqa: ANN401  (lists and others have no type in common)
    return int(column.null_count + (column.values.null_count if isinstance(column, pa.ListArray) else 0))


def _header_of(text: bytes) -> SegmentHeader | None:
    try:
        return msgspec.json.decode(text, type=SegmentHeader)
    except (ValueError, RecursionError):
        return None


def _frame_at(data: bytes, position: int) -> _Frame | None:
    """Read the frame of a message; ``None`` if there is none, or one that no journal has.

    Sizes and compression are looked at here, before any memory is taken for what they claim.
    """
    if len(data) - position < _PREFIX.size:
        return None
    marker, size = _PREFIX.unpack_from(data, position)
    start = position + _PREFIX.size
    if marker != _MARKER or size % ALIGNMENT or not 0 <= size <= METADATA_MOST_BYTES:
        return None
    if size == 0 or start + size > len(data):
        return _Frame(_KIND_BATCH if size else 0, start + size)
    return _message_frame(data[start : start + size], start + size)


def _message_frame(head: bytes, end: int) -> _Frame | None:
    """Read the frame of a message from its metadata, which ends at ``end``."""
    try:
        message = struct.unpack_from("<I", head)[0]
        kind = struct.unpack_from("<B", head, _place_of(head, message, _MESSAGE_KIND))[0]
        at = _place_of(head, message, _MESSAGE_BODY_BYTES)
        body_bytes = struct.unpack_from("<q", head, at)[0] if at else 0
        at = _place_of(head, message, _MESSAGE_CONTENT)
        content = at + struct.unpack_from("<I", head, at)[0]
        compressed = kind == _KIND_BATCH and _place_of(head, content, _BATCH_COMPRESSION) != 0
    except struct.error:
        return None
    if compressed or kind not in (_KIND_SCHEMA, _KIND_BATCH) or not 0 <= body_bytes <= SEGMENT_MOST_BYTES:
        return None
    return _Frame(kind, end + body_bytes)


def _place_of(head: bytes, table: int, field: int) -> int:
    """Place of a field of a flatbuffers table; 0 if it is left out (https://flatbuffers.dev/internals)."""
    fields = table - struct.unpack_from("<i", head, table)[0]
    slot = 4 + 2 * field
    if fields < 0 or slot + 2 > struct.unpack_from("<H", head, fields)[0]:
        return 0
    offset: int = struct.unpack_from("<H", head, fields + slot)[0]
    return table + offset if offset else 0
