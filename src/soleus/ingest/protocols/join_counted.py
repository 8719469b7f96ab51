"""Accelerometer and gyroscope that come in packets of their own without time: paired by counting.

The first sample of one sensor goes with the first of the other, and so on. A lost packet cannot be seen; but one
sensor that is ahead of the other for good tells that packets of the other were lost, and is brought back to it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

import numpy as np

from soleus.ingest.protocols.block import BlockFlag, ProtocolError, SampleBlock, Stream
from soleus.model import CountArray

AHEAD_MAX: Final = 9
"""One sensor may be this many samples ahead: its packet of three, one more in the same connection event, one in the
next."""
AHEAD_KEPT: Final = 3
"""And is brought back to this: a packet."""


@dataclass(slots=True)
class CountedJoin:
    """Joins the blocks of two sensors of one pod by counting.

    Parameters
    ----------
    family
        For messages.

    Attributes
    ----------
    unpaired
        Samples left out since the other sensor's were lost.

    Examples
    --------
    >>> join = CountedJoin("metamotion")
    >>> ones = np.ones((3, 3), np.int16)
    >>> join.push(SampleBlock(Stream.ACCEL, ones, None)) is None
    True
    >>> join.push(SampleBlock(Stream.GYRO, ones * 2, None)).counts[:, 0].tolist()
    [1, 1, 1, 2, 2, 2]
    """

    family: str
    unpaired: int = 0
    _waiting: dict[Stream, list[CountArray]] = field(
        default_factory=lambda: {Stream.ACCEL: [], Stream.GYRO: []}, repr=False
    )
    _lsb: dict[Stream, float | None] = field(default_factory=dict, repr=False)

    def push(self, block: SampleBlock) -> SampleBlock | None:
        """Take a block; return what is paired by it.

        Raises
        ------
        ProtocolError
            If the block is not of one sensor.
        """
        if block.stream is Stream.IMU:
            raise ProtocolError(self.family, "only blocks of one sensor can be joined")
        own = self._waiting[block.stream]
        other = self._waiting[Stream.GYRO if block.stream is Stream.ACCEL else Stream.ACCEL]
        own.extend(block.counts.T)
        self._lsb[block.stream] = block.accel_lsb_mps2 if block.stream is Stream.ACCEL else block.gyro_lsb_rads
        if len(own) > AHEAD_MAX and not other:
            self.unpaired += len(own) - AHEAD_KEPT
            del own[:-AHEAD_KEPT]
        n = min(len(own), len(other))
        if not n:
            return None
        accel, gyro = self._waiting[Stream.ACCEL], self._waiting[Stream.GYRO]
        counts = np.concatenate([np.stack(accel[:n], axis=1), np.stack(gyro[:n], axis=1)])
        del accel[:n], gyro[:n]
        return SampleBlock(
            Stream.IMU,
            counts,
            None,
            accel_lsb_mps2=self._lsb.get(Stream.ACCEL),
            gyro_lsb_rads=self._lsb.get(Stream.GYRO),
            flags=block.flags | BlockFlag.LOSS_BLIND,
        )
