"""Polar Verity Sense: the Polar Measurement Data (PMD) service.

Source: Polar BLE SDK, ``technical_documentation/Polar_Measurement_Data_Specification.pdf`` and its published test
vectors. Accelerometer and gyroscope come in frames of their own, each with the time of its last sample; SDK mode
unlocks rates to 416 Hz. Start commands are built from the specification and were not tried on a device.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from enum import IntEnum
from typing import Final

import numpy as np
import numpy.typing as npt

from soleus.ingest.protocols.block import (
    ATT_VALUE_SIZE_MAX,
    DEGREE_RAD,
    NO_FLAGS,
    STANDARD_GRAVITY_MPS2,
    ProtocolError,
    SampleBlock,
    Stream,
    TimeBase,
    counts_of,
)
from soleus.ingest.protocols.family import Family, Kind
from soleus.model import INT16_MAX, CountArray

KEY: Final = "polar-verity-sense"
SERVICE_UUID: Final = "fb005c80-02e7-f387-1cad-8acd2d8df0c8"
CONTROL_UUID: Final = "fb005c81-02e7-f387-1cad-8acd2d8df0c8"
DATA_UUID: Final = "fb005c82-02e7-f387-1cad-8acd2d8df0c8"
COMPANY_ID: Final = 0x006B
"""Polar Electro, Bluetooth assigned numbers."""

FAMILIES: Final = (
    Family(
        key=KEY,
        title="Polar Verity Sense",
        remark="Polar Verity Sense: usable in SDK mode at 104 or 208 Hz; lost packets show as gaps in time only.",
        name_prefixes=("Polar Sense", "Polar Verity"),
        company_ids=(COMPANY_ID,),
        time_base=TimeBase(tick_s=1e-9, modulus=None),
    ),
    Family(
        key="polar-h10",
        title="Polar H10",
        kind=Kind.HEART_RATE,
        remark="Polar H10 is used as heart-rate strap; worn on the chest and without gyroscope it is no foot pod.",
        name_prefixes=("Polar H10", "Polar H9"),
        company_ids=(COMPANY_ID,),
    ),
)

HEADER: Final = struct.Struct("<BQB")
DELTA_FRAME: Final = 0x80
CHANNELS: Final = 3
SAMPLES_MAX: Final = 512
"""Most samples we take from one frame: 244 bytes hold at most 640 of one bit a channel, real ones below 80."""
MILLI_G_MPS2: Final = STANDARD_GRAVITY_MPS2 / 1000
BITS_PER_BYTE: Final = 8
DELTA_BITS_MAX: Final = 32
RESPONSE: Final = 0xF0
FLOAT_REFERENCE: Final = 4
INT_REFERENCE: Final = 2


class Measurement(IntEnum):
    """Measurement types used here."""

    ACCEL = 2
    GYRO = 5
    SDK_MODE = 9


class Operation(IntEnum):
    """Control point operations."""

    GET_SETTINGS = 1
    START = 2
    STOP = 3


class Setting(IntEnum):
    """Types of settings, with the size of their values in :data:`SETTING_SIZES`."""

    RATE = 0
    RESOLUTION = 1
    RANGE = 2
    RANGE_MILLIUNIT = 3
    CHANNELS = 4
    FACTOR = 5


SETTING_SIZES: Final = {
    Setting.RATE: 2,
    Setting.RESOLUTION: 2,
    Setting.RANGE: 2,
    Setting.RANGE_MILLIUNIT: 4,
    Setting.CHANNELS: 1,
    Setting.FACTOR: 4,
}


@dataclass(frozen=True, slots=True)
class StreamSettings:
    """How a stream was started.

    Attributes
    ----------
    rate_hz
        Sampling rate [Hz].
    full_scale
        Range [g] or [°/s].
    factor
        What the pod answered as factor; counts times this are [g] or [°/s].
    """

    rate_hz: int
    full_scale: int
    factor: float = 1.0

    @property
    def lsb(self) -> float:
        """Count that fills int16 over the full scale, for frames of floating point numbers [g or °/s]."""
        return self.full_scale / (INT16_MAX + 1)


def encode_sdk_mode(*, on: bool) -> bytes:
    """Write the command that enters or leaves SDK mode.

    Examples
    --------
    >>> encode_sdk_mode(on=True).hex()
    '0209'
    """
    return bytes([Operation.START if on else Operation.STOP, Measurement.SDK_MODE])


def encode_get_settings(measurement: Measurement) -> bytes:
    """Ask which settings a stream offers."""
    return bytes([Operation.GET_SETTINGS, measurement])


def encode_start(measurement: Measurement, *, rate_hz: int, full_scale: int, resolution_bits: int = 16) -> bytes:
    """Write the command that starts a stream of three channels.

    Examples
    --------
    >>> encode_start(Measurement.ACCEL, rate_hz=208, full_scale=16).hex()
    '02020001d0000101100002011000040103'
    """
    command = bytearray([Operation.START, measurement])
    for setting, value in ((Setting.RATE, rate_hz), (Setting.RESOLUTION, resolution_bits), (Setting.RANGE, full_scale)):
        command += bytes([setting, 1]) + value.to_bytes(SETTING_SIZES[setting], "little")
    return bytes(command + bytes([Setting.CHANNELS, 1, CHANNELS]))


def encode_stop(measurement: Measurement) -> bytes:
    """Write the command that stops a stream."""
    return bytes([Operation.STOP, measurement])


@dataclass(frozen=True, slots=True)
class Response:
    """Answer of the control point: 0 in ``error`` means success; ``settings`` by type."""

    operation: int
    measurement: int
    error: int
    more: bool
    settings: dict[Setting, tuple[float, ...]]


def decode_response(data: bytes) -> Response:
    """Read an answer of the control point.

    Raises
    ------
    ProtocolError
        If it is none, or its settings are cut off, unknown or repeated.

    Examples
    --------
    >>> decode_response(bytes.fromhex("f00202000005018ee3733a")).settings[Setting.FACTOR]
    (0.0009303...,)
    """
    if len(data) < 4 or data[0] != RESPONSE or len(data) > ATT_VALUE_SIZE_MAX:  # noqa: PLR2004 - head of four bytes
        raise ProtocolError(KEY, f"no control point answer: {data[:4].hex()}")
    operation, measurement, error = data[1:4]
    more = len(data) > 4 and data[4] != 0  # noqa: PLR2004
    return Response(operation, measurement, error, more, _settings(data[5:]))


def _settings(data: bytes) -> dict[Setting, tuple[float, ...]]:
    found: dict[Setting, tuple[float, ...]] = {}
    at = 0
    while at < len(data):
        if data[at] not in SETTING_SIZES or Setting(data[at]) in found or at + 1 >= len(data):
            raise ProtocolError(KEY, f"setting of unknown, repeated or cut type {data[at]}")
        setting, n = Setting(data[at]), data[at + 1]
        size = SETTING_SIZES[setting]
        values = data[at + 2 : at + 2 + n * size]
        if len(values) != n * size:
            raise ProtocolError(KEY, f"settings of type {setting.name} are cut off")
        code = "<f4" if setting is Setting.FACTOR else f"<u{size}"
        found[setting] = tuple(float(value) for value in np.frombuffer(values, code))
        at += 2 + n * size
    if any(not np.isfinite(factor) or factor <= 0 for factor in found.get(Setting.FACTOR, ())):
        raise ProtocolError(KEY, "factor is not a positive number")
    return found


def decode_frame(data: bytes, settings: StreamSettings) -> SampleBlock:
    """Read a data frame of the accelerometer or the gyroscope.

    Frame types: accelerometer 0 and 1 raw (int8, int16 [mg]), 0x80 differences of counts, 0x81 differences of [mg];
    gyroscope 0x80 differences of counts, 0x81 differences of the bit patterns of float32 [°/s].

    Raises
    ------
    ProtocolError
        If measurement or frame type is unknown, the length does not fit, or a value leaves int16 or the range.

    Examples
    --------
    >>> frame = bytes.fromhex("05 FFFFFFFFFFFFFF7F 80 EAFF 0800 0D00 03 01 DF00")
    >>> decode_frame(frame, StreamSettings(208, 2000)).counts.T.tolist()
    [[-22, 8, 13], [-23, 11, 16]]
    """
    if not HEADER.size < len(data) <= ATT_VALUE_SIZE_MAX:
        raise ProtocolError(KEY, f"frame of {len(data)} bytes")
    measurement, time_ns, kind = HEADER.unpack_from(data)
    content = data[HEADER.size :]
    flags = NO_FLAGS
    match measurement, kind:
        case Measurement.ACCEL, 0 | 1:
            counts, lsb = _raw(content, 1 << kind), MILLI_G_MPS2
        case Measurement.ACCEL, 0x80:
            counts, lsb = _int16(_differences(content, INT_REFERENCE)), settings.factor * STANDARD_GRAVITY_MPS2
        case Measurement.ACCEL, 0x81:
            counts, lsb = _int16(_differences(content, INT_REFERENCE)), MILLI_G_MPS2
        case Measurement.GYRO, 0x80:
            counts, lsb = _int16(_differences(content, INT_REFERENCE)), settings.factor * DEGREE_RAD
        case Measurement.GYRO, 0x81:
            patterns = _differences(content, FLOAT_REFERENCE).astype(np.uint32)
            counts, flags = counts_of(KEY, patterns.view(np.float32), settings.lsb / settings.factor, "gyroscope")
            lsb = settings.lsb * DEGREE_RAD
        case _:
            raise ProtocolError(KEY, f"measurement {measurement} in frame type 0x{kind:02x} is not known")
    accel = measurement == Measurement.ACCEL
    return SampleBlock(
        Stream.ACCEL if accel else Stream.GYRO,
        counts,
        device_time=time_ns,
        time_index=counts.shape[1] - 1,
        accel_lsb_mps2=lsb if accel else None,
        gyro_lsb_rads=None if accel else lsb,
        flags=flags,
    )


def _raw(content: bytes, size: int) -> CountArray:
    if len(content) % (CHANNELS * size):
        raise ProtocolError(KEY, f"{len(content)} bytes are no whole number of samples")
    flat = np.frombuffer(content, f"<i{size}").reshape(-1, CHANNELS)
    return np.ascontiguousarray(flat.T.astype(np.int16))


def _int16(values: npt.NDArray[np.int64]) -> CountArray:
    if values.min() < -INT16_MAX - 1 or values.max() > INT16_MAX:
        raise ProtocolError(KEY, "differences lead out of int16")
    return values.astype(np.int16)


def _differences(content: bytes, size: int) -> npt.NDArray[np.int64]:
    """Undo the compression: a reference sample, then blocks of equally wide signed differences, bits LSB first."""
    at = CHANNELS * size
    if len(content) < at:
        raise ProtocolError(KEY, "frame ends within its reference sample")
    parts = [np.frombuffer(content[:at], f"<i{size}").astype(np.int64).reshape(1, CHANNELS)]
    total = 1
    while at < len(content):
        if at + 2 > len(content):
            raise ProtocolError(KEY, "frame ends within the head of a block")
        width, n = content[at], content[at + 1]
        total += n
        length = -(-width * n * CHANNELS // BITS_PER_BYTE)
        if not 0 < width <= DELTA_BITS_MAX or n == 0 or total > SAMPLES_MAX or at + 2 + length > len(content):
            raise ProtocolError(KEY, f"block of {n} differences of {width} bits does not fit")
        bits = np.unpackbits(
            np.frombuffer(content, np.uint8, length, at + 2), count=width * n * CHANNELS, bitorder="little"
        )
        weights = 1 << np.arange(width, dtype=np.int64)
        weights[-1] = -weights[-1]
        parts.append((bits.reshape(n, CHANNELS, width) @ weights).astype(np.int64))
        at += 2 + length
    values = np.cumsum(np.concatenate(parts), axis=0).T
    # Differences of bit patterns are taken modulo 2^32; those of counts never come near.
    return values if size == INT_REFERENCE else values % 2**32


def encode_frame(measurement: Measurement, counts: CountArray, *, time_ns: int, block_samples: int = 64) -> bytes:
    """Write a frame of type 0x80 from (3, n) counts, as a pod does (for virtual pods and tests).

    Raises
    ------
    ProtocolError
        If there are no or too many samples.

    Examples
    --------
    >>> counts = np.array([[-22, -23], [8, 11], [13, 16]], np.int16)
    >>> encode_frame(Measurement.GYRO, counts, time_ns=5).hex()
    '05050000000000000080eaff08000d000301df00'
    """
    n = counts.shape[1]
    if not 0 < n <= SAMPLES_MAX:
        raise ProtocolError(KEY, f"{n} samples in a frame")
    frame = bytearray(HEADER.pack(measurement, time_ns, DELTA_FRAME))
    frame += counts[:, 0].astype("<i2").tobytes()
    wide = counts.astype(np.int64)
    differences: npt.NDArray[np.int64] = (wide[:, 1:] - wide[:, :-1]).T
    for start in range(0, n - 1, block_samples):
        block = differences[start : start + block_samples]
        widest = max(int(block.max()), -int(block.min()) - 1)
        width = widest.bit_length() + 1
        bits = np.right_shift(block.reshape(-1, 1), np.arange(width, dtype=np.int64)) & 1
        frame += bytes([width, len(block)]) + np.packbits(bits.astype(np.uint8), bitorder="little").tobytes()
    return bytes(frame)
