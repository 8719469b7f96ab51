"""Accelerometer and gyroscope that come in packets of their own, joined into samples of six axes.

Where packets carry the time of one of their samples, the others lie evenly between it and the packet before; a
sample of one sensor is paired with the nearest of the other if that is within half a period. Nothing is interpolated:
what finds no partner is left out and counted.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from soleus.ingest.protocols.block import NO_FLAGS, BlockFlag, ProtocolError, SampleBlock, Stream
from soleus.model import CountArray, FloatArray

GAP_PERIODS: Final = 1.5
"""A packet this many periods late has lost samples before it [periods]: half a sample beyond the expected one."""
HELD_MAX: Final = 4096
"""Most samples kept while the other sensor is silent: 10 s at 416 Hz."""


@dataclass(slots=True)
class _Side:
    """Samples of one sensor that wait for the other's."""

    time_ticks: deque[float] = field(default_factory=deque)
    counts: deque[CountArray] = field(default_factory=deque)
    last_ticks: float | None = None
    lsb: float | None = None
    flags: BlockFlag = NO_FLAGS

    def take(self) -> tuple[FloatArray, CountArray]:
        return np.array(self.time_ticks), np.stack(self.counts, axis=1)

    def drop(self, n: int) -> None:
        for _ in range(n):
            self.time_ticks.popleft()
            self.counts.popleft()


@dataclass(slots=True)
class StreamJoin:
    """Joins the blocks of two sensors of one pod.

    Parameters
    ----------
    family
        For messages.
    period_ticks
        Nominal sampling period, in ticks of the family's clock.

    Attributes
    ----------
    unpaired
        Samples left out, by sensor.
    missing
        Samples that the gaps in time say were lost, by sensor.

    Examples
    --------
    >>> join = StreamJoin("polar", period_ticks=10)
    >>> ones = np.ones((3, 4), np.int16)
    >>> join.push(SampleBlock(Stream.ACCEL, ones, device_time=1040, time_index=3))
    []
    >>> [block] = join.push(SampleBlock(Stream.GYRO, ones * 2, device_time=1043, time_index=3))
    >>> block.counts[:, 0].tolist(), block.device_time
    ([1, 1, 1, 2, 2, 2], 1010)
    """

    family: str
    period_ticks: float
    unpaired: dict[Stream, int] = field(default_factory=lambda: {Stream.ACCEL: 0, Stream.GYRO: 0})
    missing: dict[Stream, int] = field(default_factory=lambda: {Stream.ACCEL: 0, Stream.GYRO: 0})
    _sides: dict[Stream, _Side] = field(
        default_factory=lambda: {Stream.ACCEL: _Side(), Stream.GYRO: _Side()}, repr=False
    )

    def push(self, block: SampleBlock) -> list[SampleBlock]:
        """Take a block; return joined blocks, the time of each that of its first sample (accelerometer's).

        Raises
        ------
        ProtocolError
            If the block is not of one sensor, has no time, or its time does not rise.
        """
        if block.stream is Stream.IMU or block.device_time is None or not len(block):
            raise ProtocolError(self.family, "only blocks of one sensor with a time can be joined")
        side = self._sides[block.stream]
        times = self._times(block, side)
        side.last_ticks = float(times[-1])
        side.lsb = block.accel_lsb_mps2 if block.stream is Stream.ACCEL else block.gyro_lsb_rads
        side.flags |= block.flags
        side.time_ticks.extend(times)
        side.counts.extend(block.counts.T)
        overlong = max(0, len(side.time_ticks) - HELD_MAX)
        side.drop(overlong)
        self.unpaired[block.stream] += overlong
        return self._pairs()

    def _times(self, block: SampleBlock, side: _Side) -> FloatArray:
        n, stamp = len(block), float(block.device_time or 0)
        after = (n - 1 - block.time_index) * self.period_ticks
        if side.last_ticks is None:
            return stamp + (np.arange(n) - block.time_index) * self.period_ticks
        elapsed = stamp + after - side.last_ticks
        if elapsed <= 0:
            raise ProtocolError(self.family, f"{block.stream} time does not rise")
        lost = elapsed / self.period_ticks - n
        if lost < GAP_PERIODS - 1:
            return side.last_ticks + elapsed * np.arange(1, n + 1) / n
        self.missing[block.stream] += round(lost)
        return stamp + (np.arange(n) - block.time_index) * self.period_ticks

    def _pairs(self) -> list[SampleBlock]:
        accel, gyro = self._sides[Stream.ACCEL], self._sides[Stream.GYRO]
        if not accel.time_ticks or not gyro.time_ticks:
            return []
        accel_ticks, accel_counts = accel.take()
        gyro_ticks, gyro_counts = gyro.take()
        # A sample is decided once the other sensor has come half a period beyond it.
        settled = min(accel_ticks[-1], gyro_ticks[-1]) + self.period_ticks / 2
        right = np.clip(np.searchsorted(gyro_ticks, accel_ticks), 1, max(1, gyro_ticks.size - 1))
        left = right - 1
        right = np.minimum(right, gyro_ticks.size - 1)
        nearer_left = accel_ticks - gyro_ticks[left] <= gyro_ticks[right] - accel_ticks
        nearest = np.where(nearer_left, left, right)
        close = np.abs(gyro_ticks[nearest] - accel_ticks) <= self.period_ticks / 2
        first_use = np.concatenate([[True], nearest[1:] != nearest[:-1]])
        paired = close & first_use & (accel_ticks <= settled)
        done_accel = int(np.count_nonzero(accel_ticks <= settled - self.period_ticks))
        done_gyro = int(np.count_nonzero(gyro_ticks <= settled - self.period_ticks))
        if paired.any():
            done_accel = max(done_accel, int(np.flatnonzero(paired)[-1]) + 1)
            done_gyro = max(done_gyro, int(nearest[paired][-1]) + 1)
        n = int(paired.sum())
        self.unpaired[Stream.ACCEL] += done_accel - n
        self.unpaired[Stream.GYRO] += done_gyro - n
        flags, accel.flags, gyro.flags = accel.flags | gyro.flags, NO_FLAGS, NO_FLAGS
        accel.drop(done_accel)
        gyro.drop(done_gyro)
        if not n:
            return []
        # A block has one time and even spacing: it is cut where samples are missing.
        columns = np.flatnonzero(paired)
        cuts = np.flatnonzero(np.diff(accel_ticks[columns]) > GAP_PERIODS * self.period_ticks) + 1
        return [
            SampleBlock(
                Stream.IMU,
                np.concatenate([accel_counts[:, run], gyro_counts[:, nearest[run]]]),
                device_time=round(float(accel_ticks[run[0]])),
                accel_lsb_mps2=accel.lsb,
                gyro_lsb_rads=gyro.lsb,
                flags=flags,
            )
            for run in np.split(columns, cuts)
        ]
