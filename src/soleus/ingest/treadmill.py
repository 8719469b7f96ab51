"""Fitness Machine Service: Treadmill Data, split records put together.

Source: Bluetooth SIG Fitness Machine Service 1.0, section 4.9. Speed is that of the belt as set, about once a second
and with a lag. What the sources disagree on is the width of the two pace fields (one or two bytes): it is told from
the length of the packet where that is possible, and what follows them is left out where it is not; speed and incline
come before.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass, field, fields, replace
from typing import Final

from soleus.ingest.protocols.block import ATT_VALUE_SIZE_MAX, ProtocolError
from soleus.ingest.protocols.family import Family, Kind, sig_uuid

KEY: Final = "treadmill"
SERVICE_UUID: Final = sig_uuid(0x1826)
DATA_UUID: Final = sig_uuid(0x2ACD)
FAMILIES: Final = (
    Family(
        key=KEY,
        title="Treadmill (FTMS)",
        kind=Kind.TREADMILL,
        remark="Treadmill: gives belt speed and incline, as set on it.",
        service_uuids=(SERVICE_UUID,),
    ),
)

FLAGS: Final = struct.Struct("<H")
MORE_DATA: Final = 0x0001
"""Set: further packets of this record follow, and this one holds no speed."""
KNOWN_FLAGS: Final = 0x1FFF
"""Bits 13-15 are reserved; makers append fields of their own with them, which we pass over."""
NOT_AVAILABLE: Final = 0x7FFF
"""Incline and ramp angle when unknown."""
NOT_AVAILABLE_ENERGY: Final = 0xFFFF
SPEED_MAX_MPS: Final = 80 / 3.6
"""Fastest treadmill on sale: 80 km/h (h/p/cosmos quasar) [m/s]."""
GRADE_MAX: Final = 0.6
"""Steepest treadmills on sale reach 50 % [1]; a byte order gone wrong shows beyond."""
PARTS_MAX: Final = 4
"""Packets of one record: the fields of the specification fit two of 20 bytes."""
KMH_HUNDREDTH_MPS: Final = 0.01 / 3.6
THOUSANDTH: Final = 0.001


@dataclass(frozen=True, slots=True)
class TreadmillReading:
    """One record of a treadmill; ``None`` is what it did not send or declared unknown.

    Attributes
    ----------
    speed_mps, average_speed_mps
        Belt speed now and on average [m/s].
    distance_m
        Distance since the start [m].
    grade
        Rise over run (0.01 = 1 %).
    ramp_angle_deg
        Angle of the deck [°].
    elevation_gain_m, elevation_loss_m
        Sum of climbs and descents [m].
    energy_kcal
        Energy as the treadmill believes [kcal].
    heart_rate_bpm
        Heart rate [beats/min].
    elapsed_s, remaining_s
        Time of the programme [s].
    force_n, power_w
        Force on the belt [N], power [W].
    vendor_bytes
        Bytes beyond the fields announced.
    pace_unsure
        The width of the pace fields could not be told: what follows them was left out.
    """

    speed_mps: float | None = None
    average_speed_mps: float | None = None
    distance_m: int | None = None
    grade: float | None = None
    ramp_angle_deg: float | None = None
    elevation_gain_m: float | None = None
    elevation_loss_m: float | None = None
    energy_kcal: int | None = None
    heart_rate_bpm: int | None = None
    elapsed_s: int | None = None
    remaining_s: int | None = None
    force_n: int | None = None
    power_w: int | None = None
    vendor_bytes: int = 0
    pace_unsure: bool = False

    def merged(self, later: TreadmillReading) -> TreadmillReading:
        """Add the fields of a later packet of the same record; a field sent twice takes its later value."""
        known = {
            item.name: value
            for item in fields(later)
            if item.name not in {"vendor_bytes", "pace_unsure"} and (value := getattr(later, item.name)) is not None
        }
        return replace(
            self,
            **known,
            vendor_bytes=self.vendor_bytes + later.vendor_bytes,
            pace_unsure=self.pace_unsure or later.pace_unsure,
        )


@dataclass(frozen=True, slots=True)
class _Part:
    """A number of a packet: size [B], signed or not, what to make of it; without name it is passed over."""

    name: str | None
    size: int
    signed: bool = False
    convert: Callable[[int], float | int | None] = lambda value: value


def _speed(hundredths_kmh: int) -> float:
    speed = hundredths_kmh * KMH_HUNDREDTH_MPS
    if speed > SPEED_MAX_MPS:
        raise ProtocolError(KEY, f"belt speed of {hundredths_kmh / 100:.2f} km/h")
    return speed


def _grade(thousandths: int) -> float | None:
    if thousandths == NOT_AVAILABLE:
        return None
    if abs(thousandths) > GRADE_MAX / THOUSANDTH:
        raise ProtocolError(KEY, f"incline of {thousandths / 10:.1f} %")
    return thousandths * THOUSANDTH


def _tenths(value: int) -> float | None:
    return None if value == NOT_AVAILABLE else value / 10


def _known(value: int) -> int | None:
    return None if value == NOT_AVAILABLE else value


def _energy(value: int) -> int | None:
    return None if value == NOT_AVAILABLE_ENERGY else value


def _not_zero(value: int) -> int | None:
    return value or None


SPEED: Final = _Part("speed_mps", 2, convert=_speed)
BEFORE_PACE: Final = {
    0x0002: (_Part("average_speed_mps", 2, convert=_speed),),
    0x0004: (_Part("distance_m", 3),),
    0x0008: (_Part("grade", 2, signed=True, convert=_grade), _Part("ramp_angle_deg", 2, signed=True, convert=_tenths)),
    0x0010: (
        _Part("elevation_gain_m", 2, convert=lambda value: value / 10),
        _Part("elevation_loss_m", 2, convert=lambda value: value / 10),
    ),
}
PACES: Final = (0x0020, 0x0040)
AFTER_PACE: Final = {
    0x0080: (_Part("energy_kcal", 2, convert=_energy), _Part(None, 2), _Part(None, 1)),
    0x0100: (_Part("heart_rate_bpm", 1, convert=_not_zero),),
    0x0200: (_Part(None, 1),),
    0x0400: (_Part("elapsed_s", 2),),
    0x0800: (_Part("remaining_s", 2),),
    0x1000: (_Part("force_n", 2, signed=True, convert=_known), _Part("power_w", 2, signed=True, convert=_known)),
}
"""Fields by flag bit, in their order; speed comes first unless MORE_DATA is set."""


def decode_packet(data: bytes) -> tuple[TreadmillReading, bool]:
    """Read one packet; the second value tells whether more packets of the record follow.

    Raises
    ------
    ProtocolError
        If the packet is shorter than its flags announce, or speed or grade are impossible.

    Examples
    --------
    >>> reading, more = decode_packet(bytes.fromhex("0201 e204 b004 9b"))
    >>> round(reading.speed_mps * 3.6, 2), round(reading.average_speed_mps * 3.6, 2), reading.heart_rate_bpm, more
    (12.5, 12.0, 155, False)
    """
    if not FLAGS.size <= len(data) <= ATT_VALUE_SIZE_MAX:
        raise ProtocolError(KEY, f"packet of {len(data)} bytes")
    (flags,) = FLAGS.unpack_from(data)
    more = bool(flags & MORE_DATA)
    cursor = _Cursor(data, FLAGS.size)
    found = {} if more else cursor.read((SPEED,))
    for bit, parts in BEFORE_PACE.items():
        if flags & bit:
            found |= cursor.read(parts)
    paces = sum(1 for bit in PACES if flags & bit)
    if paces and not _pass_over_paces(cursor, flags, paces):
        return TreadmillReading(**found, pace_unsure=True), more  # type: ignore[arg-type]
    for bit, parts in AFTER_PACE.items():
        if flags & bit:
            found |= cursor.read(parts)
    return TreadmillReading(**found, vendor_bytes=cursor.left), more  # type: ignore[arg-type]


@dataclass(slots=True)
class _Cursor:
    data: bytes
    at: int

    @property
    def left(self) -> int:
        return len(self.data) - self.at

    def read(self, parts: tuple[_Part, ...]) -> dict[str, float | int | None]:
        found: dict[str, float | int | None] = {}
        for part in parts:
            raw = self.data[self.at : self.at + part.size]
            if len(raw) != part.size:
                raise ProtocolError(KEY, f"packet of {len(self.data)} bytes is shorter than its flags announce")
            self.at += part.size
            if part.name is not None:
                found[part.name] = part.convert(int.from_bytes(raw, "little", signed=part.signed))
        return found


def _pass_over_paces(cursor: _Cursor, flags: int, paces: int) -> bool:
    """Step over the pace fields if their width can be told from what is left."""
    after = sum(part.size for bit, parts in AFTER_PACE.items() if flags & bit for part in parts)
    spare = cursor.left - after
    if spare < paces:
        raise ProtocolError(KEY, f"packet of {len(cursor.data)} bytes is shorter than its flags announce")
    reserved = flags & ~KNOWN_FLAGS
    if spare == paces or (spare < 2 * paces):
        width = 1
    elif spare == 2 * paces and not reserved:
        width = 2
    else:
        return False
    cursor.at += width * paces
    return True


def encode_packet(
    *, speed_mps: float | None, grade: float | None = None, distance_m: int | None = None, elapsed_s: int | None = None
) -> bytes:
    """Write a packet, as a treadmill does (for virtual treadmills and tests); without speed, More Data is set.

    Examples
    --------
    >>> encode_packet(speed_mps=3.5, grade=0.01).hex()
    '0800ec040a00ff7f'
    """
    flags, body = 0, b""
    if speed_mps is None:
        flags |= MORE_DATA
    else:
        body += round(speed_mps / KMH_HUNDREDTH_MPS).to_bytes(2, "little")
    if distance_m is not None:
        flags |= 0x0004
        body += distance_m.to_bytes(3, "little")
    if grade is not None:
        flags |= 0x0008
        body += round(grade / THOUSANDTH).to_bytes(2, "little", signed=True) + NOT_AVAILABLE.to_bytes(2, "little")
    if elapsed_s is not None:
        flags |= 0x0400
        body += elapsed_s.to_bytes(2, "little")
    return FLAGS.pack(flags) + body


@dataclass(slots=True)
class TreadmillDecoder:
    """Puts split records together: parts with More Data set wait for the one without.

    Attributes
    ----------
    abandoned_parts
        Parts given up since their record never ended.

    Examples
    --------
    >>> decoder = TreadmillDecoder()
    >>> decoder.push(encode_packet(speed_mps=None, grade=0.02)) is None
    True
    >>> decoder.push(encode_packet(speed_mps=3.0)).grade
    0.02
    """

    abandoned_parts: int = 0
    _parts: list[TreadmillReading] = field(default_factory=list, repr=False)

    def push(self, data: bytes) -> TreadmillReading | None:
        """Take a notification; return the record once it is complete.

        Raises
        ------
        ProtocolError
            If the packet is malformed; the record it belongs to is given up.
        """
        try:
            reading, more = decode_packet(data)
        except ProtocolError:
            self.abandoned_parts += len(self._parts)
            self._parts.clear()
            raise
        if more:
            if len(self._parts) == PARTS_MAX:
                self.abandoned_parts += PARTS_MAX
                self._parts.clear()
            self._parts.append(reading)
            return None
        record = TreadmillReading()
        for part in (*self._parts, reading):
            record = record.merged(part)
        self._parts.clear()
        return record
