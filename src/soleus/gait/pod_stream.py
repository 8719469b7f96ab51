"""One pod's grid samples kept as long as strides need them, with the mounting in force at every moment.

The mounting is found from the first seconds of motion and looked at again every five minutes, or within ten seconds
when the mean direction of the specific force in the pod's axes jumps, as it does when a pod slips on the shoe.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from soleus.gait.grid import GRID_HZ, Stretch
from soleus.gait.mounting import WINDOW_S, Mounting, axes_from, find_mounting
from soleus.gait.sample_buffer import SampleBuffer
from soleus.gait.segmentation import NO_SWINGS, SwingFinder
from soleus.model import FloatArray

BLOCK: Final = 10 * GRID_HZ
"""The mounting is looked at each time this many samples are complete."""
REFRESH_BLOCKS: Final = 30
"""… and found anew at least this often [blocks]: five minutes."""
THINNED: Final = 4
"""Every fourth sample is enough for the mean of a block."""
SLIP_DEG: Final = 7.0
"""Turn of a block's mean specific force that calls for a new mounting at once; steady running stays below 5° (RBDS)."""
COS_SLIP: Final = math.cos(math.radians(SLIP_DEG))
SAME_DEG: Final = 6.0
"""Two mountings closer than this are one pod that has not moved: windows of one trial agree within 0.5-4.6° (RBDS)."""
AVERAGE_OVER: Final = 6
"""Mountings averaged while the pod does not move."""
CHANNELS: Final = ("pitch_rate", "roll_rate", "yaw_rate", "force_x", "force_y", "force_z")
"""Samples in the foot frame: rates [rad/s] about -y (toes up positive), x and z, specific force [m/s²]."""
MOUNTINGS_KEPT: Final = 3
"""Earlier mountings remembered for contacts still in the making."""
WINDOW: Final = round(WINDOW_S * GRID_HZ)
FIRST_STEP: Final = GRID_HZ
"""Until a mounting is found it is tried again each time this many samples came."""
BACKLOG: Final = 30 * GRID_HZ
"""Samples kept while no mounting is known: standing and fumbling need no more."""
KEEP: Final = WINDOW + BLOCK
"""Samples kept behind the newest: a mounting window, which is longer than any stride."""

Float32Array = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class _Mounted:
    """A mounting and the grid sample from which it holds."""

    since: int
    mounting: Mounting
    averaged: int


class PodStream:
    """Samples of one stretch of one pod, turned into the foot frame, and the swings found in them.

    Parameters
    ----------
    first
        Number of the stretch's first grid sample.
    known
        Mounting of an earlier stretch, in force until it proves wrong.

    Attributes
    ----------
    flags
        (1, n) :class:`~soleus.gait.grid.SampleFlag` bits.
    foot
        (6, n) samples in the foot frame (:data:`CHANNELS`), as far as the mounting is known.
    """

    def __init__(self, first: int, known: Mounting | None = None) -> None:
        self.raw = SampleBuffer(6, np.float32, first)
        self.flags = SampleBuffer(1, np.uint8, first)
        self.foot = SampleBuffer(6, np.float32, first)
        self._mounted: list[_Mounted] = []
        self._finder: SwingFinder | None = None
        self._next_look = first + WINDOW
        self._last_found = first
        self._direction: tuple[float, float, float] | None = None
        if known is not None:
            self._start(known, first)

    @property
    def end(self) -> int:
        """Number of the grid sample after the newest."""
        return self.raw.end

    @property
    def settled(self) -> int:
        """All swings that end before this grid sample are known."""
        return self._finder.settled if self._finder else self.raw.first

    @property
    def mounting(self) -> Mounting | None:
        """The newest mounting."""
        return self._mounted[-1].mounting if self._mounted else None

    def unsure_at(self, sample: npt.NDArray[np.int64]) -> npt.NDArray[np.bool_]:
        """Tell whether the mounting in force at each grid sample (n,) is unsure."""
        which = np.searchsorted([m.since for m in self._mounted], sample, side="right") - 1
        return np.array([m.mounting.unsure for m in self._mounted])[np.maximum(which, 0)]

    def push(self, piece: Stretch) -> npt.NDArray[np.int64]:
        """Take the next piece of the stretch; give the grid samples (m,) at which swings ended."""
        self.raw.append(piece.values)
        self.flags.append(piece.flags[None])
        known = self.foot.end
        while self._next_look <= self.end:
            self._look(self._next_look)
        if piece.ends and self._finder is None:
            self._mount_first(self.end, last_chance=True)
        if self._finder is None:
            return NO_SWINGS
        self._turn_to(self.end)
        swings = self._finder.push(self.foot.view(max(known, self._finder.settled), self.foot.end)[0])
        return np.concatenate([swings, self._finder.finish()]) if piece.ends else swings

    def forget(self) -> None:
        """Drop samples that no stride and no mounting will need."""
        old = self.end - (KEEP if self._finder else BACKLOG)
        for buffer in (self.raw, self.flags, self.foot):
            buffer.forget_before(old)

    def _look(self, at: int) -> None:
        if self._finder is None:
            self._next_look += FIRST_STEP
            self._mount_first(at, last_chance=False)
            return
        self._next_look += BLOCK
        x, y, z = np.ascontiguousarray(self.raw.view(at - BLOCK, at)[:3, ::THINNED]).sum(axis=1).tolist()
        size = math.hypot(x, y, z) or 1.0
        direction = (x / size, y / size, z / size)
        slipped = (
            self._direction is not None
            and sum(a * b for a, b in zip(direction, self._direction, strict=True)) < COS_SLIP
        )
        due = at - self._last_found >= REFRESH_BLOCKS * BLOCK
        if self._direction is None or slipped or due:
            self._direction = direction
            self._last_found = at
            found = find_mounting(self._window(at))
            if found is not None:
                self._turn_to(at)
                self._update(found, at)

    def _window(self, at: int) -> FloatArray:
        return self.raw.view(at - WINDOW, at)

    def _mount_first(self, at: int, *, last_chance: bool) -> None:
        found = find_mounting(self._window(at), accept_disagreement=last_chance)
        if found is not None:
            self._next_look = at + BLOCK
            self._start(found, at)

    def _start(self, found: Mounting, at: int) -> None:
        begin = max(self.raw.first, at - BACKLOG)
        self._finder = SwingFinder(begin)
        self.foot = SampleBuffer(6, np.float32, begin)
        self._mounted.append(_Mounted(begin, found, 1))

    def _update(self, found: Mounting, at: int) -> None:
        """Average with the mounting in force while the pod stays where it is; replace it when the pod has moved."""
        newest = self._mounted[-1]
        now = newest.mounting
        if found.unsure and not now.unsure:
            return
        moved = angle_between(found.axes, now.axes) > np.radians(SAME_DEG)
        count = 1 if moved or now.unsure else min(newest.averaged + 1, AVERAGE_OVER)
        mean = now.axes + (found.axes - now.axes) / count
        self._mounted = self._mounted[-MOUNTINGS_KEPT:]
        self._mounted.append(_Mounted(at, Mounting(axes_from(mean[2], mean[1]), found.unsure), count))

    def _turn_to(self, end: int) -> None:
        """Turn the samples up to ``end`` into the foot frame by the mounting in force."""
        raw = self.raw.view(self.foot.end, end)
        turned = self.foot.extend(raw.shape[1])
        (x, y, z) = self._mounted[-1].mounting.axes.astype(np.float32)
        for row, axis, part in ((0, -y, 3), (1, x, 3), (2, z, 3), (3, x, 0), (4, y, 0), (5, z, 0)):
            np.multiply(axis[0], raw[part], out=turned[row])
            for k in (1, 2):
                turned[row] += axis[k] * raw[part + k]


def angle_between(a: FloatArray, b: FloatArray) -> float:
    """Angle [rad] between two sets of axes (3, 3).

    Examples
    --------
    >>> round(angle_between(np.eye(3), np.diag([-1.0, -1.0, 1.0])), 4)
    3.1416
    """
    return float(np.arccos(np.clip(((a * b).sum() - 1) / 2, -1, 1)))
