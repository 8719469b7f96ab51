"""What every decoder delivers, and the one error it may raise."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntFlag, StrEnum
from typing import Final

import numpy as np
import numpy.typing as npt

from soleus.model import INT16_MAX, CountArray

STANDARD_GRAVITY_MPS2: Final = 9.80665
"""Standard acceleration of gravity [m/s²], CGPM 1901."""
DEGREE_RAD: Final = np.pi / 180.0
"""One degree [rad]."""
ATT_VALUE_SIZE_MAX: Final = 512
"""Longest attribute value [B], Bluetooth Core 5.4 Vol 3 Part F 3.2.9: no notification is longer."""
REQUANTISED_LSB: Final = 0.1
"""A decoded value further than this from a whole count [counts] was not a count of the scale given; float32 noise
of a true count stays below 0.01."""


class ProtocolError(ValueError):
    """A packet breaks its protocol: wrong length, unknown type, impossible value.

    Attributes
    ----------
    family
        Key of the pod family.
    """

    def __init__(self, family: str, message: str) -> None:
        super().__init__(f"{family}: {message}")
        self.family = family


class Stream(StrEnum):
    """Which sensors a block holds."""

    IMU = "imu"
    """Accelerometer and gyroscope sampled together: six rows."""
    ACCEL = "accel"
    """Accelerometer alone: three rows."""
    GYRO = "gyro"
    """Gyroscope alone: three rows."""


class BlockFlag(IntFlag):
    """What a decoder has to say about a block; the first five are those of the Soleus pod."""

    BACKFILL = 0x01
    """Sent again from the pod's memory."""
    OVERRUN = 0x02
    """The pod lost samples before this block."""
    CONFIG_CHANGED = 0x04
    """First block after a change of rate or range."""
    GYRO_SATURATED = 0x08
    """A gyroscope reading stands at full scale."""
    ACCEL_SATURATED = 0x10
    """An accelerometer reading stands at full scale."""
    ENDS_BACKFILL = 0x100
    """No samples: the answer to a backfill request is complete."""
    REQUANTISED = 0x200
    """The pod sent numbers that are no whole counts of the scale given; they were rounded."""
    LOSS_BLIND = 0x400
    """The protocol has neither time nor counter: a lost packet cannot be noticed."""


NO_FLAGS: Final = BlockFlag(0)


@dataclass(frozen=True, slots=True, eq=False)
class SampleBlock:
    """The samples of one packet, in the pod's axes and counts.

    Attributes
    ----------
    stream
        Which sensors.
    counts
        (6, n) int16 ``ax ay az gx gy gz``, or (3, n) of one sensor.
    device_time
        Time stamp of the packet in ticks of the family's :class:`TimeBase`, as sent (not unwrapped); ``None`` if
        the protocol has none.
    time_index
        Column that ``device_time`` belongs to: 0 for the first sample, n - 1 for the last.
    first_index
        Index of the first sample as sent (not unwrapped), ``None`` if the protocol counts no samples.
    index_modulus
        Where ``first_index`` wraps.
    sequence
        Packet counter as sent, ``None`` if there is none.
    accel_lsb_mps2, gyro_lsb_rads
        Physical value of a count [m/s²], [rad/s], where the packets tell; ``None`` where the pod's information does.
    flags
        See :class:`BlockFlag`.

    Examples
    --------
    >>> block = SampleBlock(Stream.IMU, np.zeros((6, 8), np.int16), device_time=1000, first_index=16)
    >>> len(block), block.next_index
    (8, 24)
    """

    stream: Stream
    counts: CountArray
    device_time: int | None
    time_index: int = 0
    first_index: int | None = None
    index_modulus: int = 2**32
    sequence: int | None = None
    accel_lsb_mps2: float | None = None
    gyro_lsb_rads: float | None = None
    flags: BlockFlag = NO_FLAGS

    def __len__(self) -> int:
        return int(self.counts.shape[1])

    @property
    def next_index(self) -> int | None:
        """Index that the sample after this block carries, wrapped."""
        return None if self.first_index is None else (self.first_index + len(self)) % self.index_modulus


@dataclass(frozen=True, slots=True)
class TimeBase:
    """The clock of a family's time stamps: length of a tick [s] and where it wraps [ticks]."""

    tick_s: float
    modulus: int | None


def interleaved_counts(data: bytes, channels: int) -> CountArray:
    """Read little-endian int16 samples laid out sample after sample: (channels, n).

    Examples
    --------
    >>> interleaved_counts(bytes([1, 0, 2, 0, 3, 0, 255, 255]), 2).tolist()
    [[1, 3], [2, -1]]
    """
    flat = np.frombuffer(data, "<i2").reshape(-1, channels)
    return np.ascontiguousarray(flat.T.astype(np.int16))


def counts_of(family: str, values: npt.NDArray[np.floating], lsb: float, what: str) -> tuple[CountArray, BlockFlag]:
    """Turn physical values back into the counts they came from.

    Parameters
    ----------
    family, what
        For the message.
    values
        Any shape, in the unit of ``lsb``.
    lsb
        Value of one count.

    Raises
    ------
    ProtocolError
        If a value is not finite or beyond int16.

    Examples
    --------
    >>> counts, flags = counts_of("x", np.array([0.061, -0.122]), 0.061, "accelerometer")
    >>> counts.tolist(), flags == BlockFlag(0)
    ([1, -2], True)
    """
    if not np.isfinite(values).all():
        raise ProtocolError(family, f"{what} value is not a finite number")
    exact = values.astype(np.float64) / lsb
    counts = np.rint(exact)
    if np.abs(counts).max(initial=0.0) > INT16_MAX + 1 or counts.max(initial=0.0) > INT16_MAX:
        raise ProtocolError(family, f"{what} value beyond the range that was asked for")
    rounded = bool(np.abs(exact - counts).max(initial=0.0) > REQUANTISED_LSB)
    return counts.astype(np.int16), BlockFlag.REQUANTISED if rounded else NO_FLAGS
