"""MbientLab MetaMotion: packed frames of three samples, accelerometer and gyroscope apart, without time or counter.

Source: MetaWear SDK, published test vectors (``test/test_accelerometer_bmi160.py``, ``test_accelerometer_bmi270.py``,
``test_gyro_bmi160.py``) and registers (``gyro_bosch_register.h``). The sensor is a BMI160 (MetaMotion R, RL, C) or a
BMI270 (MetaMotion S); which one the gyroscope's module information tells.
A lost packet cannot be noticed: the family is marked loss-blind and its samples carry no device time.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import IntEnum
from typing import Final

from soleus.ingest.protocols.block import (
    DEGREE_RAD,
    STANDARD_GRAVITY_MPS2,
    BlockFlag,
    ProtocolError,
    SampleBlock,
    Stream,
    interleaved_counts,
)
from soleus.ingest.protocols.family import Family
from soleus.model import CountArray

KEY: Final = "metamotion"
SERVICE_UUID: Final = "326a9000-85cb-9195-d9dd-464cfbbae75a"
WRITE_UUID: Final = "326a9001-85cb-9195-d9dd-464cfbbae75a"
NOTIFY_UUID: Final = "326a9006-85cb-9195-d9dd-464cfbbae75a"

FAMILIES: Final = (
    Family(
        key=KEY,
        title="MbientLab MetaMotion",
        remark="MetaMotion: usable at 100 Hz, but its timing is unsure: it sends neither time nor counter, so that "
        "lost packets cannot be noticed.",
        service_uuids=(SERVICE_UUID,),
        name_prefixes=("MetaWear", "MetaMotion"),
        loss_blind=True,
    ),
)

HEAD_SIZE: Final = 2
SAMPLE_SIZE: Final = 6
ACCEL_RANGES_G: Final = (2, 4, 8, 16)
GYRO_LSB_PER_DPS: Final = {125: 262.4, 250: 131.2, 500: 65.6, 1000: 32.8, 2000: 16.4}
"""Sensitivity by range [°/s], BMI160 data sheet table 3."""
INT16_STEPS: Final = 32768
PACKED: Final = 3
PACKET_SAMPLES: Final[Mapping[bytes, tuple[int, ...]]] = {
    b"\x03\x04": (1,),
    b"\x03\x05": (PACKED,),
    b"\x03\x1c": (PACKED,),
    b"\x13\x04": (1,),
    b"\x13\x05": (1, PACKED),
    b"\x13\x07": (PACKED,),
}
"""Module and register of a notification, and how many samples may follow: register 5 of the gyroscope is the single
sample of a BMI160 and the packed ones of a BMI270."""
ACCEL_MODULE: Final = 0x03
GYRO_MODULE: Final = 0x13
RATE_HZ: Final = 100
"""Packed samples of both sensors are then 67 notifications a second; 200 Hz would need a connection interval of 7.5 ms,
which no system grants at a program's wish."""
POWER, INTERRUPT, CONFIG = 0x01, 0x02, 0x03
"""Registers of both modules."""
READ: Final = 0x80
"""Added to a register to read it; register 0 holds the module's information."""
INFO_SIZE: Final = 4
RATE_CODE: Final = 0x08
"""100 Hz, BMI160 and BMI270 data sheets, ACC_CONF and GYR_CONF."""
FILTER_NORMAL: Final = 0x20
ACCEL_PERFORMANCE: Final = 0x80
"""ACC_CONF of the BMI270: filter for performance; the BMI160 has undersampling there."""
GYRO_RANGE_CODES: Final = {2000: 0, 1000: 1, 500: 2, 250: 3, 125: 4}


class Sensor(IntEnum):
    """What is built in: implementation number of the gyroscope's module."""

    BMI160 = 0
    BMI270 = 1


ACCEL_PACKED_REGISTER: Final = {Sensor.BMI160: 0x1C, Sensor.BMI270: 0x05}
GYRO_PACKED_REGISTER: Final = {Sensor.BMI160: 0x07, Sensor.BMI270: 0x05}
ACCEL_RANGE_CODES: Final = {
    Sensor.BMI160: {2: 0x03, 4: 0x05, 8: 0x08, 16: 0x0C},
    Sensor.BMI270: {2: 0x00, 4: 0x01, 8: 0x02, 16: 0x03},
}
ASK_SENSOR: Final = bytes([GYRO_MODULE, READ])
"""Asks for the gyroscope's module information."""


def decode_sensor(data: bytes) -> Sensor | None:
    """Read the answer to :data:`ASK_SENSOR`; ``None`` if the notification is another.

    Raises
    ------
    ProtocolError
        If the gyroscope is missing or unknown.

    Examples
    --------
    >>> decode_sensor(bytes.fromhex("13800100")).name
    'BMI270'
    """
    if data[:HEAD_SIZE] != ASK_SENSOR:
        return None
    if len(data) < INFO_SIZE:
        raise ProtocolError(KEY, "the board has no gyroscope")
    try:
        return Sensor(data[HEAD_SIZE])
    except ValueError:
        raise ProtocolError(KEY, f"gyroscope of unknown kind {data[HEAD_SIZE]}") from None


def encode_start(sensor: Sensor, *, accel_range_g: int, gyro_range_dps: int) -> tuple[bytes, ...]:
    """Write the commands that set both sensors to 100 Hz and start them, packed.

    Raises
    ------
    ProtocolError
        If a range is not offered.

    Examples
    --------
    >>> [command.hex() for command in encode_start(Sensor.BMI160, accel_range_g=16, gyro_range_dps=2000)][:2]
    ['0303280c', '13032800']
    """
    if accel_range_g not in ACCEL_RANGES_G or gyro_range_dps not in GYRO_RANGE_CODES:
        raise ProtocolError(KEY, f"no range of {accel_range_g} g and {gyro_range_dps} °/s")
    accel_config = FILTER_NORMAL | RATE_CODE | (ACCEL_PERFORMANCE if sensor is Sensor.BMI270 else 0)
    modules = (ACCEL_MODULE, GYRO_MODULE)
    return (
        bytes([ACCEL_MODULE, CONFIG, accel_config, ACCEL_RANGE_CODES[sensor][accel_range_g]]),
        bytes([GYRO_MODULE, CONFIG, FILTER_NORMAL | RATE_CODE, GYRO_RANGE_CODES[gyro_range_dps]]),
        bytes([ACCEL_MODULE, ACCEL_PACKED_REGISTER[sensor], 1]),
        bytes([GYRO_MODULE, GYRO_PACKED_REGISTER[sensor], 1]),
        *(bytes([module, INTERRUPT, 1, 0]) for module in modules),
        *(bytes([module, POWER, 1]) for module in modules),
    )


def encode_stop(sensor: Sensor) -> tuple[bytes, ...]:
    """Write the commands that stop both sensors.

    Examples
    --------
    >>> [command.hex() for command in encode_stop(Sensor.BMI270)][0]
    '030100'
    """
    modules = (ACCEL_MODULE, GYRO_MODULE)
    return (
        *(bytes([module, POWER, 0]) for module in modules),
        *(bytes([module, INTERRUPT, 0, 1]) for module in modules),
        bytes([ACCEL_MODULE, ACCEL_PACKED_REGISTER[sensor], 0]),
        bytes([GYRO_MODULE, GYRO_PACKED_REGISTER[sensor], 0]),
    )


def decode(data: bytes, *, accel_range_g: int = 16, gyro_range_dps: int = 2000) -> SampleBlock:
    """Read a notification.

    Raises
    ------
    ProtocolError
        If it is no sensor data, or its length is wrong.

    Examples
    --------
    >>> block = decode(bytes.fromhex("0305 62b7530de9fd 16d04d0e5702 8affa1050a01"), accel_range_g=8)
    >>> (block.counts[:, 0] * (8 / 32768)).round(3).tolist()
    [-4.539, 0.833, -0.131]
    """
    allowed = PACKET_SAMPLES.get(bytes(data[:HEAD_SIZE]))
    if allowed is None:
        raise ProtocolError(KEY, f"notification {data[:HEAD_SIZE].hex()} is no sensor data")
    if len(data) not in {HEAD_SIZE + n * SAMPLE_SIZE for n in allowed}:
        raise ProtocolError(KEY, f"notification of {len(data)} bytes for {allowed[-1]} samples")
    accel = data[0] == ACCEL_MODULE
    return SampleBlock(
        Stream.ACCEL if accel else Stream.GYRO,
        interleaved_counts(data[HEAD_SIZE:], 3),
        device_time=None,
        accel_lsb_mps2=accel_range_g / INT16_STEPS * STANDARD_GRAVITY_MPS2 if accel else None,
        gyro_lsb_rads=None if accel else DEGREE_RAD / GYRO_LSB_PER_DPS[gyro_range_dps],
        flags=BlockFlag.LOSS_BLIND,
    )


def encode(stream: Stream, counts: CountArray, sensor: Sensor = Sensor.BMI160) -> bytes:
    """Write a packed notification of (3, 3) counts, as a pod does (for virtual pods and tests).

    Raises
    ------
    ProtocolError
        If there are not three samples of one sensor.
    """
    if counts.shape != (3, PACKED) or stream is Stream.IMU:
        raise ProtocolError(KEY, f"{stream} packet of shape {counts.shape}")
    if stream is Stream.ACCEL:
        head = bytes([ACCEL_MODULE, ACCEL_PACKED_REGISTER[sensor]])
    else:
        head = bytes([GYRO_MODULE, GYRO_PACKED_REGISTER[sensor]])
    return head + counts.T.astype("<i2").tobytes()
