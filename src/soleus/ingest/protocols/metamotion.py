"""MbientLab MetaMotion: packed frames of three samples, accelerometer and gyroscope apart, without time or counter.

Source: MetaWear SDK, published test vectors (``test/test_accelerometer_bmi270.py``, ``test/test_gyro_bmi160.py``).
A lost packet cannot be noticed: the family is marked loss-blind and its samples carry no device time.
"""

from __future__ import annotations

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
        remark="MetaMotion sends neither time nor counter: lost packets cannot be noticed, so timing is unsure.",
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
PACKET_SAMPLES: Final = {b"\x03\x04": 1, b"\x03\x05": 3, b"\x13\x05": 1, b"\x13\x07": 3}
"""Module and register of a notification, and how many samples follow."""
ACCEL_MODULE: Final = 0x03


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
    n = PACKET_SAMPLES.get(bytes(data[:HEAD_SIZE]))
    if n is None:
        raise ProtocolError(KEY, f"notification {data[:HEAD_SIZE].hex()} is no sensor data")
    if len(data) != HEAD_SIZE + n * SAMPLE_SIZE:
        raise ProtocolError(KEY, f"notification of {len(data)} bytes for {n} samples")
    accel = data[0] == ACCEL_MODULE
    return SampleBlock(
        Stream.ACCEL if accel else Stream.GYRO,
        interleaved_counts(data[HEAD_SIZE:], 3),
        device_time=None,
        accel_lsb_mps2=accel_range_g / INT16_STEPS * STANDARD_GRAVITY_MPS2 if accel else None,
        gyro_lsb_rads=None if accel else DEGREE_RAD / GYRO_LSB_PER_DPS[gyro_range_dps],
        flags=BlockFlag.LOSS_BLIND,
    )


def encode(stream: Stream, counts: CountArray) -> bytes:
    """Write a packed notification of (3, 3) counts, as a pod does (for virtual pods and tests).

    Raises
    ------
    ProtocolError
        If there are not three samples of one sensor.
    """
    if counts.shape != (3, 3) or stream is Stream.IMU:
        raise ProtocolError(KEY, f"{stream} packet of shape {counts.shape}")
    return (b"\x03\x05" if stream is Stream.ACCEL else b"\x13\x07") + counts.T.astype("<i2").tobytes()
