"""Movesense: IMU6 subscriptions of the GATT sensor data service.

Source: Movesense device library, sample ``gatt_sensordata_app`` (GATTSensorDataClient.cpp), and a recorded packet
with its decoded truth (sensein/movesense-py, ``tests/fixtures/validation/fixture.json``). The pod sends float32;
they are whole counts of its LSM6DS3 and are turned back into those.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from soleus.ingest.protocols.block import (
    DEGREE_RAD,
    ProtocolError,
    SampleBlock,
    Stream,
    TimeBase,
    counts_of,
)
from soleus.ingest.protocols.family import Family, sig_uuid
from soleus.model import CountArray

KEY: Final = "movesense"
SERVICE_UUID: Final = "34802252-7185-4d5d-b431-630e7050e8f0"
WRITE_UUID: Final = "34800001-7185-4d5d-b431-630e7050e8f0"
NOTIFY_UUID: Final = "34800002-7185-4d5d-b431-630e7050e8f0"
COMPANY_ID: Final = 0x009F
"""Suunto, Bluetooth assigned numbers."""
SERVICE_16: Final = 0xFDF3
"""Advertised by newer firmware."""

FAMILIES: Final = (
    Family(
        key=KEY,
        title="Movesense",
        remark="Movesense: usable at 104 or 208 Hz; lost packets show as gaps in time only.",
        service_uuids=(SERVICE_UUID, sig_uuid(SERVICE_16)),
        name_prefixes=("Movesense",),
        company_ids=(COMPANY_ID,),
        time_base=TimeBase(tick_s=1e-3, modulus=2**32),
    ),
)

SUBSCRIBE: Final = 1
UNSUBSCRIBE: Final = 2
RESPONSE_DATA: Final = 2
RESPONSE_DATA_PART2: Final = 3
RATES_HZ: Final = (13, 26, 52, 104, 208, 416, 833, 1666)
SAMPLES_PER_13_HZ: Final = 13
"""A packet holds 1/13 s: four samples at 52 Hz."""
HEAD: Final = struct.Struct("<BB")
TIME: Final = struct.Struct("<I")
SAMPLE_SIZE: Final = 24
"""Three float32 each of accelerometer and gyroscope."""
GRAVITY_MPS2: Final = 9.807
"""What the firmware takes as g [m/s²]: with it the recorded packet holds whole counts to 1e-6."""
ACCEL_LSB_G: Final = {2: 61e-6, 4: 122e-6, 8: 244e-6, 16: 488e-6}
"""Sensitivity by range [g], LSM6DS3 data sheet table 3."""
GYRO_LSB_DPS: Final = {245: 8.75e-3, 500: 17.5e-3, 1000: 35e-3, 2000: 70e-3}
"""Sensitivity by range [°/s], same table."""


def encode_subscribe(reference: int, rate_hz: int) -> bytes:
    r"""Write the subscription to ``/Meas/IMU6/<rate>``.

    Raises
    ------
    ProtocolError
        If the pod has no such rate.

    Examples
    --------
    >>> encode_subscribe(99, 208)
    b'\x01c/Meas/IMU6/208'
    """
    if rate_hz not in RATES_HZ:
        raise ProtocolError(KEY, f"no rate of {rate_hz} Hz, choose of {RATES_HZ}")
    return bytes([SUBSCRIBE, reference]) + f"/Meas/IMU6/{rate_hz}".encode()


def encode_unsubscribe(reference: int) -> bytes:
    """Write the end of a subscription."""
    return bytes([UNSUBSCRIBE, reference])


def decode_imu6(body: bytes, *, accel_range_g: int = 8, gyro_range_dps: int = 2000) -> SampleBlock:
    """Read the body of an IMU6 packet: u32 time [ms] of the first sample, n accelerations [m/s²], n rates [°/s].

    Raises
    ------
    ProtocolError
        If the length fits no number of samples, or a value is not finite or beyond the range.

    Examples
    --------
    >>> body = TIME.pack(5) + struct.pack("<6f", 0, 0, 9.8125, 0.07, 0, -0.14)
    >>> decode_imu6(body).counts.T.tolist()
    [[0, 0, 4101, 1, 0, -2]]
    """
    n, rest = divmod(len(body) - TIME.size, SAMPLE_SIZE)
    if n < 1 or rest or n > RATES_HZ[-1] // SAMPLES_PER_13_HZ:
        raise ProtocolError(KEY, f"packet of {len(body)} bytes fits no number of samples")
    (time_ms,) = TIME.unpack_from(body)
    values = np.frombuffer(body, "<f4", offset=TIME.size).reshape(2, n, 3)
    accel_lsb = ACCEL_LSB_G[accel_range_g] * GRAVITY_MPS2
    gyro_lsb = GYRO_LSB_DPS[gyro_range_dps]
    accel, accel_flags = counts_of(KEY, values[0], accel_lsb, "accelerometer")
    gyro, gyro_flags = counts_of(KEY, values[1], gyro_lsb, "gyroscope")
    return SampleBlock(
        Stream.IMU,
        np.ascontiguousarray(np.concatenate([accel.T, gyro.T])),
        device_time=time_ms,
        accel_lsb_mps2=accel_lsb,
        gyro_lsb_rads=gyro_lsb * DEGREE_RAD,
        flags=accel_flags | gyro_flags,
    )


def encode_imu6(counts: CountArray, *, time_ms: int, accel_range_g: int = 8, gyro_range_dps: int = 2000) -> bytes:
    """Write the body of a packet from (6, n) counts, as a pod does (for virtual pods and tests)."""
    accel = counts[:3].T * (ACCEL_LSB_G[accel_range_g] * GRAVITY_MPS2)
    gyro = counts[3:].T * GYRO_LSB_DPS[gyro_range_dps]
    return TIME.pack(time_ms % 2**32) + np.concatenate([accel, gyro]).astype("<f4").tobytes()


@dataclass(slots=True)
class MovesenseDecoder:
    """Puts the two parts of long packets together.

    Attributes
    ----------
    reference
        The reference given at subscription.
    rate_hz
        The rate subscribed to: it fixes the length of a packet.
    accel_range_g, gyro_range_dps
        Ranges set on the pod.
    incomplete
        Packets given up since their second part never came.

    Examples
    --------
    >>> decoder = MovesenseDecoder(reference=7, rate_hz=104)
    >>> body = encode_imu6(np.ones((6, 8), np.int16), time_ms=77)
    >>> decoder.push(bytes([2, 7]) + body[:150]) is None
    True
    >>> len(decoder.push(bytes([3, 7]) + body[150:]))
    8
    """

    reference: int
    rate_hz: int
    accel_range_g: int = 8
    gyro_range_dps: int = 2000
    incomplete: int = 0
    _pending: bytes | None = field(default=None, repr=False)

    def push(self, data: bytes) -> SampleBlock | None:
        """Take a notification; return samples once a packet is complete.

        Raises
        ------
        ProtocolError
            If it is no data of this subscription, of wrong length, or a second part without a first.
        """
        if len(data) <= HEAD.size:
            raise ProtocolError(KEY, f"notification of {len(data)} bytes")
        kind, reference = HEAD.unpack_from(data)
        pending, self._pending = self._pending, None
        if reference != self.reference or kind not in {RESPONSE_DATA, RESPONSE_DATA_PART2}:
            self._pending = pending
            raise ProtocolError(KEY, f"notification of kind {kind} and reference {reference} is not ours")
        if kind == RESPONSE_DATA:
            self.incomplete += pending is not None
            body = data[HEAD.size :]
        elif pending is None:
            raise ProtocolError(KEY, "second part of a packet without its first")
        else:
            body = pending + data[HEAD.size :]
        whole = TIME.size + SAMPLE_SIZE * (self.rate_hz // SAMPLES_PER_13_HZ)
        if len(body) < whole and kind == RESPONSE_DATA:
            self._pending = body
            return None
        if len(body) != whole:
            raise ProtocolError(KEY, f"packet of {len(body)} bytes, {whole} expected at {self.rate_hz} Hz")
        return decode_imu6(body, accel_range_g=self.accel_range_g, gyro_range_dps=self.gyro_range_dps)
