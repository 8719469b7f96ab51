"""Strapdown integration of many strides at once: gyroscope to orientation, specific force to velocity and path.

Samples of a stride are worked on in blocks of 16: within the blocks of all strides at once, then from block to block.
A foot comes back to the same pose from one stance to the next but for its heading, so the small rotation that remains
over a stride is drift; it is taken back block by block in proportion to time. Velocity comes back too, so the mean
specific force is gravity. Axes are those of the foot at the stride's begin; integration is by the trapezoid rule.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from soleus.gait import rotation
from soleus.gait.grid import GRID_HZ
from soleus.model import FloatArray

BLOCK_BITS: Final = 4
BLOCK: Final = 1 << BLOCK_BITS
"""Length of a block: near the square root of a stride's samples, which is the fewest steps in Python."""
SAMPLE_S: Final = 1 / GRID_HZ

IntArray = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Strapdown:
    """Integrated strides; sums are over samples, not yet times 5 ms.

    Attributes
    ----------
    begin, end
        (n,) first and last sample of each stride within its window.
    turned
        (3, 3, 16, b, n) rotation of each sample to the first of its block.
    carry
        (3, 3, b, n) rotation of each block's begin to the stride's begin, drift taken back.
    force
        (3, 16, b, n) specific force [m/s²] in the axes at the begin; zero before the begin.
    force_at_begin
        (3, n) the same at the begin.
    summed
        (3, 16, b, n) running sum of it.
    gravity
        (3, n) its mean over the stride [m/s²].
    residual
        (3, n) drift [rad].
    heading
        (n,) change of heading [rad].
    """

    begin: IntArray
    end: IntArray
    turned: FloatArray
    carry: FloatArray
    force: FloatArray
    force_at_begin: FloatArray
    summed: FloatArray
    gravity: FloatArray
    residual: FloatArray
    heading: FloatArray

    @classmethod
    def of(
        cls, rates: FloatArray, force: FloatArray, begin: IntArray, end: IntArray, up: FloatArray | None
    ) -> Strapdown:
        """Integrate.

        Parameters
        ----------
        rates, force
            (3, 16, b, n) angular rate [rad/s] and specific force [m/s²] about and along x, y, z, as :func:`in_blocks`
            lays them out. Both are changed.
        begin, end
            (n,) first and last sample of each stride within its window.
        up
            (3, 1) unit vector up at the begin, or ``None``: then it is the mean specific force.
        """
        turned, carry = _orientation(rates, begin)
        lead = int(begin.max()) // BLOCK + 1
        force[:, :, :lead] *= _after(begin - 1, lead).astype(force.dtype)
        in_block = rotation.turn(turned, force)
        if up is None:
            rough = pick(running_sum(rotation.turn(carry[:, :, None], in_block)), end)
            size = np.sqrt(rough[0] * rough[0] + rough[1] * rough[1] + rough[2] * rough[2])
            up = rough / np.maximum(size, np.finfo(size.dtype).tiny)
        whole = rotation.turn(carry[:, :, end // BLOCK, np.arange(end.size)], pick(turned, end))
        residual, heading = rotation.part_drift(whole, up)
        middle = np.arange(carry.shape[2])[:, None] * BLOCK + (BLOCK - 1) / 2
        share = np.maximum((middle - begin) / (end - begin), 0).astype(carry.dtype)
        carry = rotation.turn(rotation.from_small_angle(-residual[:, None] * share), carry)
        moved = rotation.turn(carry[:, :, None], in_block)
        summed = running_sum(moved)
        length = (end - begin).astype(moved.dtype)
        first = pick(moved, begin)
        gravity = (pick(summed, end) - 0.5 * (first + pick(moved, end))) / length
        return cls(begin, end, turned, carry, moved, first, summed, gravity, residual, heading)

    def paths_m(self, places: IntArray) -> FloatArray:
        """Way (3, p, n) [m] from the begin to each of p places (p, n) not before it."""
        after = (places - self.begin).astype(self.summed.dtype)
        first, gravity = self.force_at_begin[:, None], self.gravity[:, None]
        summed = pick(self.summed, places)
        velocity = summed - 0.5 * (pick(self.force, places) + first) - gravity * after
        twice = pick(running_sum(self.summed), places)
        total = twice - 0.5 * (summed + first * (after + 1) + gravity * (after * (after + 1)))
        way: FloatArray = (total - 0.5 * velocity) * SAMPLE_S**2
        return way


def in_blocks(signals: FloatArray, rows: tuple[int, ...]) -> FloatArray:
    """Lay some rows of (n, c, w) windows out in blocks (rows, 16, w / 16, n).

    Raises
    ------
    ValueError
        If w is no multiple of 16.

    Examples
    --------
    >>> in_blocks(np.arange(64).reshape(2, 1, 32), (0,))[0, 3]
    array([[ 3, 35],
           [19, 51]])
    """
    n, _, width = signals.shape
    if width % BLOCK:
        raise ValueError(f"the number of samples must be a multiple of {BLOCK}, got {width}")
    blocks = np.empty((len(rows), BLOCK, width // BLOCK, n), signals.dtype)
    for place, row in enumerate(rows):
        blocks[place] = signals[:, row].reshape(n, width // BLOCK, BLOCK).transpose(2, 1, 0)
    return blocks


def pick(x: FloatArray, place: IntArray) -> FloatArray:
    """Sample ``place`` (..., n) of each window of (..., 16, b, n)."""
    picked: FloatArray = x[..., place % BLOCK, place // BLOCK, np.arange(place.shape[-1])]
    return picked


def running_sum(x: FloatArray) -> FloatArray:
    """Sum up to each sample of (c, 16, b, n)."""
    total = np.empty_like(x)
    total[:, 0] = x[:, 0]
    for k in range(1, BLOCK):
        np.add(total[:, k - 1], x[:, k], out=total[:, k])
    # np.cumsum adds one by one along the axis whatever the layout; a plain sum would not always
    carried = np.cumsum(total[:, -1, :-1], axis=1)
    total[:, :, 1:] += carried[:, None]
    return total


def _after(begin: IntArray, blocks: int) -> npt.NDArray[np.bool_]:
    """Tell which samples of the first blocks (16, blocks, n) come after ``begin`` (n,)."""
    place = np.arange(blocks * BLOCK).reshape(blocks, BLOCK).T
    after: npt.NDArray[np.bool_] = place[:, :, None] > begin
    return after


def _orientation(rates: FloatArray, begin: IntArray) -> tuple[FloatArray, FloatArray]:
    """Rotation of each sample to its block's first (3, 3, 16, b, n), and of the blocks to the begin (3, 3, b, n)."""
    angle = np.empty_like(rates)
    np.add(rates[:, 1:], rates[:, :-1], out=angle[:, 1:])
    angle[:, 0, 0] = 0
    np.add(rates[:, 0, 1:], rates[:, -1, :-1], out=angle[:, 0, 1:])
    angle *= SAMPLE_S / 2
    lead = int(begin.max()) // BLOCK + 1
    angle[:, :, :lead] *= _after(begin, lead).astype(angle.dtype)
    steps = rotation.from_small_angle(angle)
    turned = np.empty_like(steps)
    turned[:, :, 0] = steps[:, :, 0]
    for k in range(1, BLOCK):
        rotation.turn(turned[:, :, k - 1], steps[:, :, k], out=turned[:, :, k])
    carry = np.zeros((turned.shape[3], 3, 3, turned.shape[4]), turned.dtype)
    carry[0, range(3), range(3)] = 1
    for b in range(1, carry.shape[0]):
        rotation.turn(carry[b - 1], turned[:, :, -1, b - 1], out=carry[b])
    return turned, np.ascontiguousarray(carry.transpose(1, 2, 0, 3))
