"""The FIT file format: definitions, rows, checksum, header.

Written from the public description of the Flexible and Interoperable Data Transfer protocol, version 2.0
(https://developer.garmin.com/fit/protocol/): sections 'File Header', 'CRC', 'Record Format', 'Base Types' and
'Developer Data'. All is little-endian; rows of one kind are one NumPy array.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
import numpy.typing as npt

HEADER_BYTES: Final = 14
CRC_BYTES: Final = 2
PROTOCOL_VERSION: Final = 0x20
"""2.0, the first with developer fields."""
PROFILE_VERSION: Final = 21158
"""21.158: every native field written here stands in it."""
DEFINITION: Final = 0x40
"""Bit of a record header that announces a definition."""
DEVELOPER: Final = 0x20
"""Bit of a definition's header that announces developer fields."""
DEVELOPER_INDEX: Final = 0
"""Number under which a file's only developer of fields stands in it."""
CRC_POLYNOMIAL: Final = 0xA001
"""x^16 + x^15 + x^2 + 1, bits reversed (section 'CRC')."""
CRC_BITS: Final = 16
CRC_LANES: Final = 2048
"""Parts of a file whose checksums are worked out at once (measured: fastest for some hundred kilobytes)."""
BYTE_BITS: Final = 8
BYTE_MASK: Final = 0xFF
MAX_STRING_BYTES: Final = 255
"""The size of a field is one byte."""

Rows = npt.NDArray[Any]


@dataclass(frozen=True, slots=True)
class Base:
    """A base type: its code, NumPy letter and the value that means 'missing'."""

    code: int
    letter: str
    invalid: int


ENUM: Final = Base(0x00, "u1", 0xFF)
SINT16: Final = Base(0x83, "<i2", 0x7FFF)
UINT8: Final = Base(0x02, "u1", 0xFF)
UINT16: Final = Base(0x84, "<u2", 0xFFFF)
UINT32: Final = Base(0x86, "<u4", 0xFFFFFFFF)
UINT32Z: Final = Base(0x8C, "<u4", 0)
BYTES: Final = Base(0x0D, "u1", 0xFF)
FLOAT32: Final = Base(0x88, "<f4", 0xFFFFFFFF)
STRING: Final = Base(0x07, "S", 0)


@dataclass(frozen=True, slots=True)
class Field:
    """A field, native or of our own.

    Attributes
    ----------
    number, name, base
        As in the profile, or as we describe it in the file.
    scale
        Written are this many times its values, rounded.
    count
        Above one for an array.
    unit
        Of a field of our own; the profile tells it for the others.
    """

    number: int
    name: str
    base: Base
    scale: float = 1.0
    count: int = 1
    unit: str = ""


@dataclass(frozen=True, slots=True)
class Message:
    """A kind of message: its number in the profile, its native fields in the order written, and those of our own."""

    number: int
    fields: tuple[Field, ...]
    developer: tuple[Field, ...] = ()


@dataclass(frozen=True, slots=True)
class Packed:
    """Messages of one kind.

    Attributes
    ----------
    definition
        The definition that precedes them.
    rows
        The messages, one element each, header byte included.
    beyond
        Values by field that the field cannot hold; they are written as missing.
    """

    definition: bytes
    rows: Rows
    beyond: dict[str, int] = field(default_factory=dict)

    def __bytes__(self) -> bytes:
        return self.definition + self.rows.tobytes()


def pack(message: Message, local: int, columns: Mapping[str, Any]) -> Packed:
    """Pack messages of one kind.

    Parameters
    ----------
    message
        Their kind.
    local
        Local message type, 0-15, under which the definition holds from here on.
    columns
        Values by field: numbers with NaN for a missing one, texts, or bytes for an array field; one value or one a
        message. What is not named is written as missing.

    Raises
    ------
    KeyError
        If a column is none of the message's.

    Examples
    --------
    >>> lap = Message(19, (Field(253, "timestamp", UINT32), Field(15, "avg_heart_rate", UINT8)))
    >>> packed = pack(lap, 3, {"timestamp": [10.0, 20.0], "avg_heart_rate": [float("nan"), 150.4]})
    >>> packed.definition.hex(" "), packed.rows["avg_heart_rate"]
    ('43 00 00 13 00 02 fd 04 86 0f 01 02', array([255, 150], dtype=uint8))
    """
    fields = (*message.fields, *message.developer)
    unknown = set(columns) - {each.name for each in fields}
    if unknown:
        raise KeyError(f"no fields of message {message.number}: {sorted(unknown)}")
    texts = {each.name: _texts(columns.get(each.name, "")) for each in fields if each.base is STRING}
    kinds = {each.name: _kind(each.base, texts.get(each.name)) for each in fields}
    n = max((np.size(value) for value in columns.values() if not isinstance(value, bytes)), default=1)
    layout: list[Any] = [(each.name, kinds[each.name], (each.count,) if each.count > 1 else ()) for each in fields]
    rows = np.zeros(n, np.dtype([("header", "u1"), *layout]))
    rows["header"] = local
    beyond: dict[str, int] = {}
    for each in fields:
        value = columns.get(each.name, np.nan)
        if each.base is STRING:
            rows[each.name] = texts[each.name]
        elif isinstance(value, bytes):
            rows[each.name] = np.frombuffer(value, np.uint8)
        elif count := _fill(rows[each.name], np.asarray(value, np.float64) * each.scale, each.base):
            beyond[each.name] = count
    return Packed(_definition(message, local, kinds), rows, beyond)


def _definition(message: Message, local: int, kinds: Mapping[str, str]) -> bytes:
    """Tell the fields of the messages that follow: number and size of each, base type or developer."""
    sizes = {name: np.dtype(kind).itemsize for name, kind in kinds.items()}
    header = DEFINITION | local | (DEVELOPER if message.developer else 0)
    parts = [struct.pack("<BBBHB", header, 0, 0, message.number, len(message.fields))]
    parts += [bytes([each.number, sizes[each.name] * each.count, each.base.code]) for each in message.fields]
    if message.developer:
        parts.append(bytes([len(message.developer)]))
        parts += [bytes([each.number, sizes[each.name], DEVELOPER_INDEX]) for each in message.developer]
    return b"".join(parts)


def fit_file(data: bytes) -> bytes:
    """Put header and checksums around definitions and messages.

    Examples
    --------
    >>> len(fit_file(b"")), fit_file(b"")[8:12]
    (16, b'.FIT')
    """
    head = struct.pack("<BBHI4s", HEADER_BYTES, PROTOCOL_VERSION, PROFILE_VERSION, len(data), b".FIT")
    whole = head + struct.pack("<H", checksum(head)) + data
    return whole + struct.pack("<H", checksum(whole))


def checksum(data: bytes) -> int:
    """Give the CRC-16 of some bytes.

    The checksum is linear over bits: parts of equal length are worked out side by side, and each is carried past
    those after it by a table. Zero bytes in front change nothing, so that the parts can be made equal.

    Examples
    --------
    >>> hex(checksum(b"123456789"))
    '0xbb3d'
    """
    size = -(-len(data) // CRC_LANES)
    if not size:
        return 0
    lanes = np.zeros(size * CRC_LANES, np.uint8)
    lanes[-len(data) :] = np.frombuffer(data, np.uint8)
    parts = _advance(np.zeros(CRC_LANES, np.uint16), lanes.reshape(CRC_LANES, size).T)
    # Where each single bit of a checksum ends up after as many zero bytes as a part is long.
    bits = _advance(np.uint16(1) << np.arange(CRC_BITS, dtype=np.uint16), np.zeros((size, CRC_BITS), np.uint8))
    carried = [int(bit) for bit in bits]
    whole = 0
    for part in parts.tolist():
        whole = _carry(whole, carried) ^ part
    return whole


def _advance(state: npt.NDArray[np.uint16], columns: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint16]:
    for column in columns:
        state = (state >> BYTE_BITS) ^ _CRC_TABLE[(state ^ column) & BYTE_MASK]
    return state


def _carry(state: int, carried: list[int]) -> int:
    moved = 0
    for bit in range(CRC_BITS):
        if state >> bit & 1:
            moved ^= carried[bit]
    return moved


def _crc_table() -> npt.NDArray[np.uint16]:
    table = np.arange(2**BYTE_BITS, dtype=np.uint16)
    for _ in range(BYTE_BITS):
        table = np.where(table & 1, table >> 1 ^ np.uint16(CRC_POLYNOMIAL), table >> 1).astype(np.uint16)
    return table


_CRC_TABLE: Final = _crc_table()


def _kind(base: Base, texts: npt.NDArray[np.bytes_] | None) -> str:
    # One byte more than the longest text: it ends with a zero.
    return base.letter if texts is None else f"S{min(texts.dtype.itemsize + 1, MAX_STRING_BYTES)}"


def _texts(value: Any) -> npt.NDArray[np.bytes_]:  # noqa: ANN401 - one text or several
    listed = [value] if isinstance(value, str) else list(value)
    # A text that is too long is cut between characters.
    cut = [text.encode()[: MAX_STRING_BYTES - 1].decode(errors="ignore").encode() for text in listed]
    return np.array(cut, dtype=np.bytes_)


def _fill(target: Rows, values: npt.NDArray[np.float64], base: Base) -> int:
    """Write numbers into a column; give how many it cannot hold."""
    known = np.isfinite(values)
    if base is FLOAT32:
        held = known & (np.abs(values) <= np.finfo(np.float32).max)
        target[...] = np.where(held, values, 0.0)
        if not held.all():
            # The profile's own sign for a missing number, not just any NaN.
            raw = np.full(target.shape, base.invalid, np.uint32).view(np.float32)
            target[...] = np.where(held, target, raw)
        return int(np.count_nonzero(known & ~held))
    limits = np.iinfo(target.dtype)
    whole = np.rint(values)
    held = known & (whole >= limits.min) & (whole <= limits.max) & (whole != base.invalid)
    target[...] = np.where(held, whole, base.invalid).astype(target.dtype)
    return int(np.count_nonzero(known & ~held))
