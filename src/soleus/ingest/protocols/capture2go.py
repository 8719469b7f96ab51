"""Capture2Go: framed packages with checksum over a serial-like Bluetooth service.

Source: the vendor's Python package capture2go 1.0.1 (MIT) and its documentation; the vectors were made with it.
A notification begins with a count of real-time packages (0xFF minus the count), which follow at once; the rest is
a stream of frames that may be cut anywhere.
"""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass, field
from typing import Final, NamedTuple

import numpy as np

from soleus.ingest.protocols.block import (
    ATT_VALUE_SIZE_MAX,
    DEGREE_RAD,
    ProtocolError,
    SampleBlock,
    Stream,
    TimeBase,
    interleaved_counts,
)
from soleus.ingest.protocols.family import Family
from soleus.model import CountArray

KEY: Final = "capture2go"
SERVICE_UUID: Final = "80030001-e629-4c98-9324-aa7fc0c66de7"
WRITE_UUID: Final = "80030002-e629-4c98-9324-aa7fc0c66de7"
NOTIFY_UUID: Final = "80030003-e629-4c98-9324-aa7fc0c66de7"

FAMILIES: Final = (
    Family(
        key=KEY,
        title="Capture2Go",
        remark="Capture2Go: usable at 200 Hz; lost packets show as gaps in time only.",
        service_uuids=(SERVICE_UUID,),
        name_prefixes=("IMU_",),
        time_base=TimeBase(tick_s=1e-9, modulus=None),
    ),
)

START_BYTE: Final = 0x02
FRAME: Final = struct.Struct("<BIBH")
"""Start byte, CRC-32 of header and payload, payload size, header."""
CRC_FROM: Final = 6
PAYLOAD_MAX: Final = 236
REAL_TIME_MAX: Final = 3

ACCEL_LSB_MPS2: Final = 16 * 9.81 / 32768
"""The vendor's scale takes g as 9.81 m/s²."""
GYRO_LSB_RADS: Final = 2000 * DEGREE_RAD / 32768
PACKED_SAMPLES: Final = 8
PACKED: Final = struct.Struct("<q48s48sQhB")
"""Time [ns] of the first sample, gyroscope, accelerometer, orientation, heading, error flags."""
ROUNDTRIP: Final = struct.Struct("<4q")

HEADER_PACKED_6D_RATES: Final = {0x0231: 200, 0x0232: 100}
"""Packages of eight samples without magnetometer, by header, with their rate [Hz]."""
HEADER_ROUNDTRIP: Final = 0x0172
HEADER_SET_MODE: Final = 0x0120
HEADER_MODE_SET: Final = 0x0122
"""Answer to HEADER_SET_MODE, with the mode in force."""
HEADER_START_STREAMING: Final = 0x0150
HEADER_STREAMING_STARTED: Final = 0x0151
HEADER_STOP_STREAMING: Final = 0x0152
HEADER_STREAMING_STOPPED: Final = 0x0153
HEADER_STATUS: Final = 0x0201
STATUS: Final = struct.Struct("<q2B3h3B")
"""Time [ns], two states, gyroscope offset, synchronised, battery [%] (128 more while it charges), free storage [%]."""
CHARGING: Final = 0x80
PERCENT: Final = range(101)
MODE: Final = struct.Struct("<q8BHBQ3B")
SAMPLING_MODES: Final = {200: 1, 100: 2}


class ClockRoundtrip(NamedTuple):
    """Clock exchange [ns]: host sent, sensor received, sensor sent, host received (0: not yet)."""

    host_sent_ns: int
    sensor_received_ns: int
    sensor_sent_ns: int
    host_received_ns: int


class OtherPackage(NamedTuple):
    """A package of no concern here, with a good checksum."""

    header: int
    payload: bytes


Package = SampleBlock | ClockRoundtrip | OtherPackage


def encode_frame(header: int, payload: bytes = b"") -> bytes:
    """Put a payload into a frame.

    Raises
    ------
    ProtocolError
        If it is too long.

    Examples
    --------
    >>> encode_frame(0x0150).hex()
    '023d7f658c005001'
    """
    if len(payload) > PAYLOAD_MAX:
        raise ProtocolError(KEY, f"payload of {len(payload)} bytes")
    crc = zlib.crc32(header.to_bytes(2, "little") + payload)
    return FRAME.pack(START_BYTE, crc, len(payload), header) + payload


def encode_set_mode(rate_hz: int) -> bytes:
    """Ask for packed six-axis packages at 200 or 100 Hz and a status package a second.

    Raises
    ------
    ProtocolError
        If the rate is another.

    Examples
    --------
    >>> encode_set_mode(200).hex()[:20]
    '02effa57911e20010000'
    """
    if rate_hz not in SAMPLING_MODES:
        raise ProtocolError(KEY, f"no packed six-axis data at {rate_hz} Hz")
    modes = (0, 0, SAMPLING_MODES[rate_hz], 0, 0, 0, 1, 0)
    return encode_frame(HEADER_SET_MODE, MODE.pack(0, *modes, 0, 0, 0, 0, 0, 1))


def encode_streaming(*, on: bool) -> bytes:
    """Start or stop streaming."""
    return encode_frame(HEADER_START_STREAMING if on else HEADER_STOP_STREAMING)


def encode_roundtrip(exchange: ClockRoundtrip) -> bytes:
    """Write a clock exchange: the host fills the first stamp, the pod the next two."""
    return encode_frame(HEADER_ROUNDTRIP, ROUNDTRIP.pack(*exchange))


def encode_samples(counts: CountArray, *, time_ns: int, header: int = 0x0231) -> bytes:
    """Write a package of (6, 8) counts, as a pod does (for virtual pods and tests)."""
    rows = np.ascontiguousarray(counts.T, "<i2")
    payload = PACKED.pack(time_ns, rows[:, 3:].tobytes(), rows[:, :3].tobytes(), 0, 0, 0)
    return encode_frame(header, payload)


def decode_status_battery(package: OtherPackage) -> int | None:
    """Read the battery level [%] from a status package; ``None`` if it is another.

    Examples
    --------
    >>> decode_status_battery(OtherPackage(HEADER_STATUS, STATUS.pack(0, 0, 0, 0, 0, 0, 0, 0x80 + 77, 5)))
    77
    """
    if package.header != HEADER_STATUS or len(package.payload) != STATUS.size:
        return None
    level = int(STATUS.unpack(package.payload)[7]) & ~CHARGING
    return level if level in PERCENT else None


def decode_package(header: int, payload: bytes) -> Package:
    """Read the payload of a frame whose checksum was good.

    Raises
    ------
    ProtocolError
        If its size is not that of its kind, or its time is negative.
    """
    if header in HEADER_PACKED_6D_RATES:
        if len(payload) != PACKED.size:
            raise ProtocolError(KEY, f"sample package of {len(payload)} bytes, {PACKED.size} expected")
        time_ns, gyro, accel, _orientation, _heading, _errors = PACKED.unpack(payload)
        if time_ns < 0:
            raise ProtocolError(KEY, "sample package with negative time")
        return SampleBlock(
            Stream.IMU,
            np.concatenate([interleaved_counts(accel, 3), interleaved_counts(gyro, 3)]),
            device_time=time_ns,
            accel_lsb_mps2=ACCEL_LSB_MPS2,
            gyro_lsb_rads=GYRO_LSB_RADS,
        )
    if header == HEADER_ROUNDTRIP:
        if len(payload) != ROUNDTRIP.size:
            raise ProtocolError(KEY, f"clock package of {len(payload)} bytes, {ROUNDTRIP.size} expected")
        exchange = ClockRoundtrip._make(ROUNDTRIP.unpack(payload))
        if exchange.sensor_sent_ns < exchange.sensor_received_ns:
            raise ProtocolError(KEY, "clock answer sent before its request came")
        return exchange
    return OtherPackage(header, payload)


@dataclass(slots=True)
class Capture2GoDecoder:
    r"""Cuts notifications into packages.

    Attributes
    ----------
    skipped_bytes
        Bytes thrown away to find the next good frame.
    refused_packages
        Packages of the stream with a good checksum but impossible content.

    Examples
    --------
    >>> decoder = Capture2GoDecoder()
    >>> frame = encode_samples(np.zeros((6, 8), np.int16), time_ns=5)
    >>> decoder.push(b"\xff" + frame[:100]), len(decoder.push(b"\xff" + frame[100:])[0])
    ([], 8)
    """

    skipped_bytes: int = 0
    refused_packages: int = 0
    _buffer: bytearray = field(default_factory=bytearray, repr=False)

    def push(self, data: bytes) -> list[Package]:
        """Take a notification; return the packages that became complete, real-time ones first.

        A frame with a bad checksum is searched through for the next start byte, since it may be the wrong half of
        a lost packet; what was passed over is counted.

        Raises
        ------
        ProtocolError
            If the real-time part is malformed; the notification is then dropped as a whole.
        """
        if not data or len(data) > ATT_VALUE_SIZE_MAX:
            raise ProtocolError(KEY, f"notification of {len(data)} bytes")
        count, at = 0xFF - data[0], 1
        if count > REAL_TIME_MAX:
            raise ProtocolError(KEY, f"notification announces {count} real-time packages")
        packages: list[Package] = []
        for _ in range(count):
            frame = _frame_at(data, at)
            if not frame:
                raise ProtocolError(KEY, "real-time package is cut off or damaged")
            header, payload = frame
            packages.append(decode_package(header, payload))
            at += FRAME.size + len(payload)
        self._buffer += data[at:]
        return packages + self._stream()

    def _stream(self) -> list[Package]:
        packages: list[Package] = []
        at = 0
        while (frame := _frame_at(self._buffer, at)) is not None:
            if not frame:
                self.skipped_bytes += 1
                at += 1
                continue
            header, payload = frame
            at += FRAME.size + len(payload)
            try:
                packages.append(decode_package(header, payload))
            except ProtocolError:
                # Raising here would lose the good packages beside it.
                self.refused_packages += 1
        del self._buffer[:at]
        return packages


def _frame_at(data: bytes | bytearray, at: int) -> tuple[int, bytes] | tuple[()] | None:
    """Header and payload of the frame that begins here; empty if none does, ``None`` if more bytes are needed."""
    if data[at : at + 1] != bytes([START_BYTE]):
        return () if at < len(data) else None
    if len(data) - at < FRAME.size:
        return None
    _start, crc, size, header = FRAME.unpack_from(data, at)
    if size > PAYLOAD_MAX:
        return ()
    end = at + FRAME.size + size
    if len(data) < end:
        return None
    if zlib.crc32(data[at + CRC_FROM : end]) != crc:
        return ()
    return header, bytes(data[at + FRAME.size : end])
