"""Heart Rate, Battery and Device Information: the small standard services.

Sources: Bluetooth SIG Heart Rate Service 1.0 section 3.1, Battery Service 1.0 section 3.1, Device Information
Service 1.1 section 3.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from soleus.ingest.protocols.block import ATT_VALUE_SIZE_MAX, ProtocolError
from soleus.ingest.protocols.family import Family, Kind, sig_uuid

KEY: Final = "heart-rate"
SERVICE_UUID: Final = sig_uuid(0x180D)
MEASUREMENT_UUID: Final = sig_uuid(0x2A37)
BATTERY_SERVICE_UUID: Final = sig_uuid(0x180F)
BATTERY_LEVEL_UUID: Final = sig_uuid(0x2A19)
DEVICE_INFORMATION_SERVICE_UUID: Final = sig_uuid(0x180A)
DEVICE_INFORMATION_UUIDS: Final = {
    "model": sig_uuid(0x2A24),
    "serial": sig_uuid(0x2A25),
    "firmware": sig_uuid(0x2A26),
    "hardware": sig_uuid(0x2A27),
    "software": sig_uuid(0x2A28),
    "maker": sig_uuid(0x2A29),
}
FAMILIES: Final = (
    Family(
        key=KEY,
        title="Heart-rate strap",
        kind=Kind.HEART_RATE,
        remark="Heart-rate strap: gives heart rate and beat intervals.",
        service_uuids=(SERVICE_UUID,),
    ),
)

WIDE_RATE: Final = 0x01
CONTACT_DETECTED: Final = 0x02
CONTACT_SUPPORTED: Final = 0x04
ENERGY: Final = 0x08
INTERVALS: Final = 0x10
KNOWN_FLAGS: Final = 0x1F
INTERVAL_S: Final = 1 / 1024
"""Unit of the beat intervals [s]."""
RATE_MAX_BPM: Final = 300
"""Beyond any human heart [beats/min]; the fastest arrhythmias conduct at about 300."""
PERCENT_MAX: Final = 100
TEXT_MAX: Final = 248
"""Longest text we keep of a device's information [B]."""


@dataclass(frozen=True, slots=True)
class HeartRateReading:
    """One measurement.

    Attributes
    ----------
    rate_bpm
        Heart rate [beats/min]; ``None`` if the strap sent 0, its word for unknown.
    contact
        Whether the strap touches the skin; ``None`` if it cannot tell.
    energy_kj
        Energy since reset [kJ].
    intervals_s
        Beat-to-beat intervals, oldest first [s].
    """

    rate_bpm: int | None
    contact: bool | None = None
    energy_kj: int | None = None
    intervals_s: tuple[float, ...] = ()


def decode_measurement(data: bytes) -> HeartRateReading:
    """Read a Heart Rate Measurement.

    Raises
    ------
    ProtocolError
        If the length does not fit the flags, a reserved flag is set or the rate is impossible.

    Examples
    --------
    >>> decode_measurement(bytes.fromhex("16 8c 0002 ff01"))
    HeartRateReading(rate_bpm=140, contact=True, energy_kj=None, intervals_s=(0.5, 0.499...))
    """
    if not 2 <= len(data) <= ATT_VALUE_SIZE_MAX:  # noqa: PLR2004 - flags and one byte of rate
        raise ProtocolError(KEY, f"measurement of {len(data)} bytes")
    flags = data[0]
    if flags & ~KNOWN_FLAGS:
        raise ProtocolError(KEY, f"measurement with unknown flags 0x{flags:02x}")
    rate_size, energy_size = 1 + bool(flags & WIDE_RATE), 2 * bool(flags & ENERGY)
    tail = data[1 + rate_size + energy_size :]
    short = len(data) < 1 + rate_size + energy_size
    if short or len(tail) % 2 or bool(tail) > bool(flags & INTERVALS):
        raise ProtocolError(KEY, f"measurement of {len(data)} bytes does not fit its flags 0x{flags:02x}")
    rate = int.from_bytes(data[1 : 1 + rate_size], "little")
    if rate > RATE_MAX_BPM:
        raise ProtocolError(KEY, f"heart rate of {rate} beats/min")
    energy = int.from_bytes(data[1 + rate_size : 1 + rate_size + energy_size], "little")
    return HeartRateReading(
        rate_bpm=rate or None,
        contact=bool(flags & CONTACT_DETECTED) if flags & CONTACT_SUPPORTED else None,
        energy_kj=energy if energy_size else None,
        intervals_s=tuple(int.from_bytes(tail[at : at + 2], "little") * INTERVAL_S for at in range(0, len(tail), 2)),
    )


def encode_measurement(rate_bpm: int, intervals_s: tuple[float, ...] = ()) -> bytes:
    """Write a measurement, as a strap does (for virtual straps and tests)."""
    flags = CONTACT_DETECTED | CONTACT_SUPPORTED | (INTERVALS if intervals_s else 0)
    beats = b"".join(round(interval / INTERVAL_S).to_bytes(2, "little") for interval in intervals_s)
    return bytes([flags, rate_bpm]) + beats


def decode_battery_level(data: bytes) -> int:
    """Read a Battery Level [%].

    Raises
    ------
    ProtocolError
        If it is not one byte of 0-100.

    Examples
    --------
    >>> decode_battery_level(b"K")
    75
    """
    if len(data) != 1 or data[0] > PERCENT_MAX:
        raise ProtocolError("battery", f"level {data[:4].hex() or '(empty)'} is not 0-100 %")
    return data[0]


def decode_text(data: bytes) -> str:
    r"""Read a text of the Device Information Service; padding zeros and control characters are dropped.

    Raises
    ------
    ProtocolError
        If it is too long or not UTF-8.

    Examples
    --------
    >>> decode_text(b"Polar Electro Oy\x00\x00")
    'Polar Electro Oy'
    """
    if len(data) > TEXT_MAX:
        raise ProtocolError("device-information", f"text of {len(data)} bytes")
    try:
        text = data.rstrip(b"\0").decode()
    except UnicodeDecodeError as error:
        raise ProtocolError("device-information", f"text is not UTF-8: {error.reason}") from error
    return "".join(letter for letter in text if letter.isprintable()).strip()
