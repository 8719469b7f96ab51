"""Nordic Thingy:52: raw motion, one sample a notification, without time or counter.

Source: Nordic Thingy:52 firmware (``ble_tms.h``, ``m_motion.c``): fixed point with 6, 11 and 12 integer bits.
A lost packet cannot be noticed: the family is marked loss-blind and its samples carry no device time.
"""

from __future__ import annotations

import struct
from typing import Final

import numpy as np

from soleus.ingest.protocols.block import (
    DEGREE_RAD,
    STANDARD_GRAVITY_MPS2,
    BlockFlag,
    ProtocolError,
    SampleBlock,
    Stream,
)
from soleus.ingest.protocols.family import Family
from soleus.model import CountArray

KEY: Final = "thingy52"
CONFIGURATION_SERVICE_UUID: Final = "ef680100-9b35-4933-9b10-52ffa9740042"
MOTION_SERVICE_UUID: Final = "ef680400-9b35-4933-9b10-52ffa9740042"
CONFIG_UUID: Final = "ef680401-9b35-4933-9b10-52ffa9740042"
RAW_UUID: Final = "ef680406-9b35-4933-9b10-52ffa9740042"

FAMILIES: Final = (
    Family(
        key=KEY,
        title="Nordic Thingy:52",
        remark="Thingy:52: usable at 200 Hz, but its timing is unsure: it sends neither time nor counter, so that lost "
        "packets cannot be noticed.",
        service_uuids=(CONFIGURATION_SERVICE_UUID, MOTION_SERVICE_UUID),
        name_prefixes=("Thingy",),
        loss_blind=True,
    ),
)

RAW: Final = struct.Struct("<9h")
CONFIG: Final = struct.Struct("<4HB")
ACCEL_LSB_MPS2: Final = STANDARD_GRAVITY_MPS2 / 2**10
GYRO_LSB_RADS: Final = DEGREE_RAD / 2**5
RATES_HZ: Final = range(5, 201)
RATE_MAX_HZ: Final = 200
INTERVAL_MS: Final = 1000
"""Step counter, temperature and compass, which we do not use, at their slow default [ms]."""


def decode(data: bytes) -> SampleBlock:
    """Read a raw notification; the compass is passed over.

    Raises
    ------
    ProtocolError
        If the length is wrong.

    Examples
    --------
    >>> decode(RAW.pack(0, 0, 1024, 32, 0, 0, 7, 8, 9)).counts.ravel().tolist()
    [0, 0, 1024, 32, 0, 0]
    """
    if len(data) != RAW.size:
        raise ProtocolError(KEY, f"notification of {len(data)} bytes, {RAW.size} expected")
    values = RAW.unpack(data)
    return SampleBlock(
        Stream.IMU,
        np.array(values[:6], np.int16).reshape(6, 1),
        device_time=None,
        accel_lsb_mps2=ACCEL_LSB_MPS2,
        gyro_lsb_rads=GYRO_LSB_RADS,
        flags=BlockFlag.LOSS_BLIND,
    )


def encode(counts: CountArray) -> bytes:
    """Write a raw notification of (6, 1) counts, as a pod does (for virtual pods and tests)."""
    return RAW.pack(*(int(count) for count in counts.ravel()), 0, 0, 0)


def encode_config(rate_hz: int) -> bytes:
    """Write the motion configuration.

    Raises
    ------
    ProtocolError
        If the rate is not 5-200 Hz.

    Examples
    --------
    >>> encode_config(200).hex()
    'e803e803e803c80000'
    """
    if rate_hz not in RATES_HZ:
        raise ProtocolError(KEY, f"no rate of {rate_hz} Hz")
    return CONFIG.pack(INTERVAL_MS, INTERVAL_MS, INTERVAL_MS, rate_hz, 0)
