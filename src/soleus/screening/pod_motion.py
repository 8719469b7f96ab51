"""One pod's samples on the uniform grid, and how still it lies: what all tests with a pod begin with."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
from scipy.ndimage import uniform_filter1d
from scipy.signal import butter, sosfiltfilt

from soleus.gait.grid import GRID_HZ, Gridder, Stretch
from soleus.model import FloatArray, Foot, PodInfo, PodSamples
from soleus.screening.errors import ScreeningError

MAX_TEST_S: Final = 1800.0
"""Longest recording of a test [s]: bounds the memory."""
MIN_TEST_S: Final = 3.0
"""Shortest recording of a test [s]."""
GRAVITY_MPS2: Final = 9.80665
"""Standard gravity [m/s²] (CGPM 1901)."""
STILL_RATE_RADS: Final = np.radians(6.0)
"""Angular rate below which a pod lies still [rad/s] (design choice: sway of a standing person is 1-3 °/s)."""
STILL_FORCE_MPS2: Final = 0.6
"""How far the specific force may be from its size at rest [m/s²] (design choice)."""
UPRIGHT_S: Final = 1.0
"""Length of upright standing that counts [s] (design choice)."""
STILL_OVER_S: Final = 0.3
"""Window over which stillness is judged [s] (design choice)."""


@dataclass(frozen=True, slots=True)
class PodMotion:
    """A pod's samples at 200 Hz without a break.

    Attributes
    ----------
    foot
        The foot it is labelled with.
    time_s
        (n,) session time [s].
    accel_mps2, gyro_rads
        (3, n) specific force and angular rate in the pod's axes.
    """

    foot: Foot
    time_s: FloatArray
    accel_mps2: FloatArray
    gyro_rads: FloatArray

    @property
    def still(self) -> npt.NDArray[np.bool_]:
        """(n,) where the pod lies still."""
        width = round(STILL_OVER_S * GRID_HZ)
        rate = np.sqrt(uniform_filter1d(np.sum((self.gyro_rads - self.bias) ** 2, axis=0), width))
        force = np.linalg.norm(uniform_filter1d(self.accel_mps2, width, axis=1), axis=0)
        level = np.median(force)
        quiet: npt.NDArray[np.bool_] = (rate < STILL_RATE_RADS) & (np.abs(force - level) < STILL_FORCE_MPS2)
        return quiet

    @property
    def bias(self) -> FloatArray:
        """(3, 1) the gyroscope's offset: its mean over the calmest second [rad/s]."""
        width = min(GRID_HZ, self.time_s.size)
        mean = uniform_filter1d(self.gyro_rads, width, axis=1)
        spread = uniform_filter1d(np.sum((self.gyro_rads - mean) ** 2, axis=0), width)
        calm = int(np.argmin(spread[width // 2 : max(width // 2 + 1, spread.size - width // 2)])) + width // 2
        return mean[:, calm : calm + 1]

    def upright(self) -> slice:
        """Find the first second of standing still, with which a test of the shank begins.

        Raises
        ------
        ScreeningError
            If the pod was never still.
        """
        for start, stop in runs_of(self.still):
            if stop - start >= UPRIGHT_S * GRID_HZ:
                return slice(start, stop)
        raise ScreeningError("the shank was never still; stand upright for two seconds before the test begins")

    def between(self, from_s: float, until_s: float) -> slice:
        """Give the samples between two times."""
        start, stop = np.searchsorted(self.time_s, [from_s, until_s])
        return slice(int(start), int(stop))

    def direction(self, part: slice) -> FloatArray:
        """Give the mean direction of the specific force over a part, shape ``(3,)``: up, if the pod hardly moves."""
        mean: FloatArray = self.accel_mps2[:, part].mean(axis=1)
        return mean / np.linalg.norm(mean)


def angle_deg(a: FloatArray, b: FloatArray) -> float:
    """Give the angle between two directions [°].

    Examples
    --------
    >>> round(angle_deg(np.array([1.0, 0.0, 0.0]), np.array([1.0, 1.0, 0.0])), 6)
    45.0
    """
    return float(np.degrees(np.arctan2(np.linalg.norm(np.cross(a, b)), a @ b)))


class MotionGatherer:
    """Puts a pod's samples on the 200 Hz grid as they come; gives the longest stretch without a break.

    Parameters
    ----------
    info
        The pod.
    """

    def __init__(self, info: PodInfo) -> None:
        self._foot = info.foot
        self._gridder = Gridder(info)
        self._stretches: list[list[tuple[int, FloatArray]]] = []
        self._columns = 0

    def push(self, samples: PodSamples) -> None:
        """Take the next samples.

        Raises
        ------
        ScreeningError
            If the test takes too long.
        """
        self._take(self._gridder.push(samples))

    def finish(self) -> None:
        """Take what was held back until now; nothing may be pushed afterwards."""
        self._take(self._gridder.finish())

    def motion(self) -> PodMotion:
        """Give what came so far.

        Raises
        ------
        ScreeningError
            If nothing of use is in it.
        """
        if not self._stretches:
            raise ScreeningError(f"no usable samples of the {self._foot.label} pod; check the recording")
        longest = max(self._stretches, key=lambda pieces: sum(values.shape[1] for _, values in pieces))
        values = np.concatenate([v for _, v in longest], axis=1)
        if values.shape[1] < MIN_TEST_S * GRID_HZ:
            raise ScreeningError(
                f"only {values.shape[1] / GRID_HZ:.1f} s of the {self._foot.label} pod are without a break; "
                "record the test again"
            )
        time_s = (longest[0][0] + np.arange(values.shape[1])) / GRID_HZ
        return PodMotion(self._foot, time_s, values[:3], values[3:])

    def _take(self, pieces: Sequence[Stretch]) -> None:
        for piece in pieces:
            if piece.starts or not self._stretches:
                self._stretches.append([])
            self._stretches[-1].append((piece.first, piece.values))
            self._columns += piece.values.shape[1]
        if self._columns > MAX_TEST_S * GRID_HZ:
            raise ScreeningError(f"the recording is longer than {MAX_TEST_S / 60:.0f} min; cut out the test")


def put_on_grid(info: PodInfo, chunks: Iterable[PodSamples]) -> PodMotion:
    """Put a pod's samples on the 200 Hz grid and take the longest stretch without a break.

    Raises
    ------
    ScreeningError
        If the recording is too long, or nothing of use is in it.
    """
    gatherer = MotionGatherer(info)
    for samples in chunks:
        gatherer.push(samples)
    gatherer.finish()
    return gatherer.motion()


def low_pass(values: FloatArray, cutoff_hz: float) -> FloatArray:
    """Smooth along the last axis without delay (Butterworth of second order, forth and back)."""
    sections = butter(2, cutoff_hz, fs=GRID_HZ, output="sos")
    pad = min(values.shape[-1] - 1, round(GRID_HZ / cutoff_hz))
    smoothed: FloatArray = sosfiltfilt(sections, values, axis=-1, padlen=pad)
    return smoothed


def runs_of(mask: npt.NDArray[np.bool_]) -> list[tuple[int, int]]:
    """Give start and end (exclusive) of each run of true values.

    Examples
    --------
    >>> runs_of(np.array([0, 1, 1, 0, 1], bool))
    [(1, 3), (4, 5)]
    """
    edges = np.flatnonzero(np.diff(np.concatenate(([False], mask, [False])).astype(np.int8)))
    return [(int(a), int(b)) for a, b in edges.reshape(-1, 2)]
