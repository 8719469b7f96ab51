"""Samples as they come -> samples on one uniform grid of 200 Hz, every defect flagged and counted.

Pods sample at 50-1600 Hz, jitter, lose packets and repeat time stamps. The core wants one grid. Lost samples are
re-inserted (and flagged), jitter of the stamps is averaged out, and a windowed-sinc kernel interpolates without
aliasing. Everything here depends on the samples alone, never on how they were cut into pushes.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field
from typing import Final

import numpy as np
import numpy.typing as npt

from soleus.gait.repair import FLANK_SAMPLES, PLATEAU_S, ROUNDING_S, repair_plateaus
from soleus.gait.resampling import Flags, kernel_for, without_jitter
from soleus.model import COUNT_CHANNELS, FloatArray, PodInfo, PodSamples

GRID_HZ: Final = 200
"""Rate of the core [Hz]: Mitschke 2017 (doi:10.1080/10255842.2017.1382482) finds 200 Hz enough for foot kinematics."""
BRIDGE_S: Final = 0.030
"""A hole up to this long [s] is bridged and flagged as repaired: 3 samples at 100 Hz, a fifth of a contact."""
BREAK_S: Final = 0.25
"""A hole longer than this [s] ends the stretch: no stride can be followed across it."""
RATE_SAMPLES: Final = 33
"""The nominal interval is the median of the first intervals of a stretch; this many stamps are enough at any jitter."""
JITTER_HALF_S: Final = 0.025
"""Half width [s] of the average that removes the jitter of time stamps."""
LONG_STEP: Final = 1.4
"""Steps longer than this many intervals are looked at for lost samples: from one and a half on there are some."""
MIN_RATE_HZ: Final = 45.0
MAX_RATE_HZ: Final = 1700.0


class SampleFlag:
    """What happened to a sample on the grid, one bit each."""

    GAP: Final = np.uint8(1)
    BRIDGED: Final = np.uint8(2)
    CLIPPED: Final = np.uint8(4)
    SATURATED: Final = np.uint8(8)
    REPAIRED: Final = np.uint8(16)


@dataclass(frozen=True, slots=True)
class Stretch:
    """Uniform samples without a break.

    Attributes
    ----------
    first
        Number of the first grid sample: its time is ``first / 200`` s.
    values
        (6, n) ``ax ay az`` [m/s²], ``gx gy gz`` [rad/s] in the pod's axes.
    flags
        (n,) :class:`SampleFlag` bits.
    starts, ends
        Whether a stretch begins with this piece, or ends with it.
    """

    first: int
    values: FloatArray
    flags: Flags
    starts: bool
    ends: bool


@dataclass(slots=True)
class SampleCounts:
    """What was seen, dropped and repaired, in samples of the pod."""

    received: int = 0
    bad_time: int = 0
    missing: int = 0
    bridged: int = 0
    clipped: int = 0
    saturated: int = 0
    repaired: int = 0
    breaks: int = 0
    unusable_rate: int = 0


@dataclass(slots=True)
class _Pending:
    """Samples of the current stretch that still wait for their neighbours; holes filled, uniform but for jitter."""

    time_s: FloatArray = field(default_factory=lambda: np.empty(0))
    values: FloatArray = field(default_factory=lambda: np.empty((6, 0), np.float32))
    flags: Flags = field(default_factory=lambda: np.empty(0, np.uint8))


class Gridder:
    """Put one pod's samples on the 200 Hz grid, in pieces of any size.

    Parameters
    ----------
    pod
        Scale and range of the pod's counts.

    Examples
    --------
    >>> from soleus.model import Foot
    >>> gridder = Gridder(PodInfo(Foot.LEFT, 0.01, 0.001))
    >>> samples = PodSamples(Foot.LEFT, np.arange(300) / 100, np.ones((6, 300), np.int16))
    >>> pieces = gridder.push(samples) + gridder.finish()
    >>> sum(piece.values.shape[1] for piece in pieces), pieces[0].first, float(pieces[0].values[0, 40].round(3))
    (599, 0, 0.01)
    """

    def __init__(self, pod: PodInfo) -> None:
        self._pod = pod
        self._scale = np.repeat([pod.accel_lsb_mps2, pod.gyro_lsb_rads], 3)[:, None].astype(np.float32)
        self._raw_time: FloatArray = np.empty(0)
        self._raw_counts = np.empty((6, 0), np.int16)
        self._latest_s = self._preceding_s = -np.inf
        self._interval_s: float | None = None
        self._pending = _Pending()
        self._next_grid: int | None = None
        self._fresh = True
        self._trimmed = False
        self.counts = SampleCounts()

    def push(self, samples: PodSamples) -> list[Stretch]:
        """Take samples in; give the grid samples that are final by now."""
        self.counts.received += len(samples)
        time_s = np.concatenate([self._raw_time, samples.time_s])
        counts = np.concatenate([self._raw_counts, samples.counts], axis=1)
        return self._advance(time_s, counts, last=False)

    def finish(self) -> list[Stretch]:
        """Give what is left, as if no sample will ever follow."""
        return self._advance(self._raw_time, self._raw_counts, last=True)

    def skip_to(self, time_s: float) -> list[Stretch]:
        """End the stretch: no sample before this time [s] will come, and any that does is dropped and counted."""
        pieces = self.finish()
        self._latest_s = max(self._latest_s, time_s)
        return pieces

    def _advance(self, time_s: FloatArray, counts: npt.NDArray[np.int16], *, last: bool) -> list[Stretch]:
        time_s, counts = self._drop_bad_times(time_s, counts, last=last)
        pieces: list[Stretch] = []
        for part, whole in self._unbroken(time_s, last=last):
            self._take(time_s[part], counts[:, part])
            pieces.extend(self._emit(ends=whole))
        return pieces

    def _drop_bad_times(
        self, time_s: FloatArray, counts: npt.NDArray[np.int16], *, last: bool
    ) -> tuple[FloatArray, npt.NDArray[np.int16]]:
        """Keep rising stamps only; a lone stamp that leaps ahead of its successor goes, not all that follow."""
        finite = np.isfinite(time_s)
        if not finite.all():
            self.counts.bad_time += int((~finite).sum())
            time_s, counts = time_s[finite], counts[:, finite]
        ready = time_s.size if last else max(time_s.size - 1, 0)
        self._raw_time, self._raw_counts = time_s[ready:], counts[:, ready:]
        if last:
            self._raw_time, self._raw_counts = time_s[:0], counts[:, :0]
        if ready == 0:
            return time_s[:0], counts[:, :0]
        following = np.append(time_s[1:], np.inf)[:ready]
        time_s, counts = time_s[:ready], counts[:, :ready]
        if time_s[0] > self._latest_s and (following > time_s).all():
            self._latest_s = self._preceding_s = float(time_s[-1])
            return time_s, counts
        # A stamp far ahead of its successor is a glitch: dropping it alone saves all that follow.
        preceding = np.append(self._preceding_s, time_s[:-1])
        self._preceding_s = float(time_s[-1])
        leaps = (following < time_s - BREAK_S) & (time_s > preceding + BREAK_S)
        reached: FloatArray = np.maximum.accumulate(np.append(self._latest_s, np.where(leaps, -np.inf, time_s)))
        before = reached[:-1]
        keep = (time_s > before) & ~leaps
        self.counts.bad_time += int((~keep).sum())
        if keep.any():
            self._latest_s = float(time_s[keep][-1])
        return time_s[keep], counts[:, keep]

    def _unbroken(self, time_s: FloatArray, *, last: bool) -> list[tuple[slice, bool]]:
        """Cut at breaks; the second value tells whether the stretch ends with that part."""
        previous = self._pending.time_s[-1:] if self._pending.time_s.size else time_s[:1]
        steps = np.diff(time_s, prepend=previous)
        cuts = np.flatnonzero(steps > BREAK_S + ROUNDING_S)
        self.counts.breaks += cuts.size
        edges = [0, *cuts.tolist(), time_s.size]
        return [
            (slice(start, stop), last or i < len(edges) - 2)
            for i, (start, stop) in enumerate(itertools.pairwise(edges))
        ]

    def _take(self, time_s: FloatArray, counts: npt.NDArray[np.int16]) -> None:
        """Append samples to the pending stretch, with the lost ones re-inserted."""
        flags = np.zeros(time_s.size, np.uint8)
        clipped = _at_full_scale(counts[:3], self._pod.accel_clip_counts)
        saturated = _at_full_scale(counts[3:], self._pod.gyro_clip_counts)
        if clipped is not None:
            flags[clipped] |= SampleFlag.CLIPPED
            self.counts.clipped += int(np.count_nonzero(clipped))
        if saturated is not None:
            flags[saturated] |= SampleFlag.SATURATED
            self.counts.saturated += int(np.count_nonzero(saturated))
        pending = self._pending
        pending.time_s = np.concatenate([pending.time_s, time_s])
        old = pending.values.shape[1]
        values = np.empty((len(COUNT_CHANNELS), old + time_s.size), np.float32)
        values[:, :old] = pending.values
        np.multiply(counts, self._scale, out=values[:, old:])
        pending.values = values
        pending.flags = np.concatenate([pending.flags, flags])
        if self._interval_s is None and pending.time_s.size >= RATE_SAMPLES:
            self._interval_s = float(np.median(np.diff(pending.time_s[:RATE_SAMPLES])))
        if self._interval_s is not None:
            self._fill_holes(max(0, pending.time_s.size - time_s.size - 1) if self._next_grid is not None else 0)

    def _fill_holes(self, start: int) -> None:
        """Insert evenly spaced samples where the step is longer than one and a half intervals."""
        assert self._interval_s is not None  # noqa: S101  (narrowing; callers hold it)
        p = self._pending
        steps = np.diff(p.time_s[start:])
        holes = np.flatnonzero(steps > LONG_STEP * self._interval_s)
        if not holes.size:
            return
        number = np.rint(steps[holes] / self._interval_s).astype(np.int64) - 1
        holes, number = holes[number > 0] + start, number[number > 0]
        if not holes.size:
            return
        self.counts.missing += int(number.sum())
        long = p.time_s[holes + 1] - p.time_s[holes] > BRIDGE_S + ROUNDING_S
        self.counts.bridged += int(number[~long].sum())
        at = np.repeat(holes, number)
        nth = np.arange(number.sum()) - np.repeat(np.cumsum(number) - number, number) + 1
        share = nth / (np.repeat(number, number) + 1)
        time_new = p.time_s[at] + share * (p.time_s[at + 1] - p.time_s[at])
        value_new = p.values[:, at] + share.astype(np.float32) * (p.values[:, at + 1] - p.values[:, at])
        flag_new = np.where(np.repeat(long, number), SampleFlag.GAP, SampleFlag.BRIDGED).astype(np.uint8)
        p.time_s = np.insert(p.time_s, at + 1, time_new)
        p.values = np.insert(p.values, at + 1, value_new, axis=1)
        p.flags = np.insert(p.flags, at + 1, flag_new)

    def _emit(self, *, ends: bool) -> list[Stretch]:
        """Interpolate all grid samples whose neighbourhood is complete, and forget what is no longer needed."""
        p = self._pending
        rate_known = self._interval_s is not None and 1 / MAX_RATE_HZ < self._interval_s < 1 / MIN_RATE_HZ
        if not rate_known:
            return self._give_up() if ends or self._interval_s is not None else []
        interval = self._interval_s or 0.0
        kernel = kernel_for(interval, GRID_HZ)
        # a plateau that touches a sample's kernel must have ended in sight
        settle = int(np.ceil(PLATEAU_S / interval)) + FLANK_SAMPLES + kernel.reach
        done = p.time_s.size if ends else p.time_s.size - settle
        if done <= 1:
            return self._reset_stretch() if ends else []
        self._repair(interval)
        half = max(1, round(JITTER_HALF_S / interval))
        smooth = without_jitter(p.time_s, half, at_start=not self._trimmed, at_end=ends)
        if self._next_grid is None:
            self._next_grid = int(np.ceil(smooth[0] * GRID_HZ - 1e-6))
        last_grid = int(np.floor(smooth[done - 1] * GRID_HZ + 1e-6))
        grid = np.arange(self._next_grid, last_grid + 1)
        pieces: list[Stretch] = []
        if grid.size or ends:
            values, flags = kernel.interpolate(grid / GRID_HZ, smooth, p.values, p.flags)
            pieces.append(Stretch(self._next_grid, values, flags, starts=self._fresh, ends=ends))
            self._fresh = False
            self._next_grid = last_grid + 1
        if ends:
            self._reset_stretch()
            return pieces
        old = max(0, done - 2 * settle)
        self._trimmed |= old > 0
        p.time_s, p.values, p.flags = p.time_s[old:], p.values[:, old:], p.flags[old:]
        return pieces

    def _repair(self, interval_s: float) -> None:
        """Bridge short gyroscope plateaus; clipped impacts are left: a cubic through them makes strides worse."""
        p = self._pending
        saturated = (p.flags & SampleFlag.SATURATED) != 0
        if saturated.any():
            limit = self._pod.gyro_clip_counts * self._pod.gyro_lsb_rads
            done = repair_plateaus(p.values[3:], saturated, limit, interval_s)
            p.flags[done] = (p.flags[done] & ~SampleFlag.SATURATED) | SampleFlag.REPAIRED
            self.counts.repaired += int(done.sum())

    def _give_up(self) -> list[Stretch]:
        self.counts.unusable_rate += self._pending.time_s.size
        return self._reset_stretch()

    def _reset_stretch(self) -> list[Stretch]:
        self._pending = _Pending()
        self._interval_s = None
        self._next_grid = None
        self._fresh = True
        self._trimmed = False
        return []


def _at_full_scale(counts: npt.NDArray[np.int16], limit: int) -> npt.NDArray[np.bool_] | None:
    """Tell which samples stand at full scale; ``None`` if none does."""
    if not counts.size or (counts.max() < limit and counts.min() > -limit):
        return None
    at_limit: npt.NDArray[np.bool_] = (counts.max(axis=0) >= limit) | (counts.min(axis=0) <= -limit)
    return at_limit
