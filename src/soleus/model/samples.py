"""What the sensors deliver: pods, samples, belt, recordings."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import IntEnum
from typing import TYPE_CHECKING, Any, Final, Self

import numpy as np
import numpy.typing as npt

from soleus.model.runner import Runner

if TYPE_CHECKING:
    from soleus.model.happenings import Happening

FloatArray = npt.NDArray[np.floating[Any]]
CountArray = npt.NDArray[np.int16]

COUNT_CHANNELS: Final = ("ax", "ay", "az", "gx", "gy", "gz")
INT16_MAX: Final = 32767
LARGEST_ACCEL_MPS2: Final = 2e5
"""Twenty thousand g: beyond every accelerometer."""
LARGEST_GYRO_RADS: Final = 4e4
"""Two million degrees a second: beyond every gyroscope."""


class Foot(IntEnum):
    """The foot a pod sits on; also the code of the ``foot`` column inside :class:`~soleus.model.Steps`."""

    LEFT = 0
    RIGHT = 1

    @property
    def label(self) -> str:
        """``'left'`` or ``'right'``, as written to files."""
        return self.name.lower()

    @property
    def other(self) -> Foot:
        """The opposite foot."""
        return Foot(1 - self)

    @classmethod
    def parse(cls, text: str) -> Foot:
        """Read a foot's name: 'left', 'L', 'right', 'r'.

        Raises
        ------
        ValueError
            If the text names neither foot.

        Examples
        --------
        >>> Foot.parse("Right").label
        'right'
        """
        match text.strip().lower():
            case "left" | "l" | "lf" | "links":
                return cls.LEFT
            case "right" | "r" | "rf" | "rechts":
                return cls.RIGHT
        raise ValueError(f"'{text}' is neither 'left' nor 'right'")


@dataclass(frozen=True, slots=True)
class PodInfo:
    """A pod: on which foot, and what one count of it means.

    Attributes
    ----------
    foot
        The foot the pod is said to sit on.
    accel_lsb_mps2, gyro_lsb_rads
        Physical value of one count [m/s²], [rad/s].
    accel_range_mps2, gyro_range_rads
        Full scale [m/s²], [rad/s]: a reading at or beyond it is clipped. ``None``: the limit of int16.
    rate_hz
        Nominal sampling rate [Hz]; ``None`` if unknown. The true rate is taken from the time stamps.
    pod_id, maker, firmware
        Who the pod is, for the record.

    Raises
    ------
    ValueError
        If the value of a count is not positive, or makes a full scale beyond every sensor.

    Examples
    --------
    >>> PodInfo(Foot.LEFT, accel_lsb_mps2=0.0048, gyro_lsb_rads=0.00107).accel_clip_counts
    32767
    """

    foot: Foot
    accel_lsb_mps2: float
    gyro_lsb_rads: float
    accel_range_mps2: float | None = None
    gyro_range_rads: float | None = None
    rate_hz: float | None = None
    pod_id: str = ""
    maker: str = ""
    firmware: str = ""

    def __post_init__(self) -> None:
        for what, lsb, most in (
            ("accelerometer", self.accel_lsb_mps2, LARGEST_ACCEL_MPS2),
            ("gyroscope", self.gyro_lsb_rads, LARGEST_GYRO_RADS),
        ):
            if not 0 < lsb * INT16_MAX <= most:
                raise ValueError(
                    f"{what}: one count is said to be {lsb:g}; full scale must be above 0, at most {most:g}"
                )

    @property
    def accel_clip_counts(self) -> int:
        """Smallest absolute accelerometer count that is clipped."""
        return _clip_counts(self.accel_range_mps2, self.accel_lsb_mps2)

    @property
    def gyro_clip_counts(self) -> int:
        """Smallest absolute gyroscope count that is saturated."""
        return _clip_counts(self.gyro_range_rads, self.gyro_lsb_rads)


def _clip_counts(full_scale: float | None, lsb: float) -> int:
    # The last count below full scale may still be a clipped one (rounding), hence the minus one.
    return INT16_MAX if full_scale is None else min(INT16_MAX, int(full_scale / lsb) - 1)


@dataclass(frozen=True, slots=True)
class PodSamples:
    """A run of samples of one pod, in the pod's own axes and counts.

    Attributes
    ----------
    foot
        The foot the pod sits on.
    time_s
        (n,) session time of each sample [s], from the pod's own clock. Need not be uniform.
    counts
        (6, n) int16 counts ``ax ay az gx gy gz``; :class:`PodInfo` gives their unit.

    Raises
    ------
    ValueError
        If there are not six counts a time stamp.

    Examples
    --------
    >>> import numpy as np
    >>> s = PodSamples(Foot.LEFT, np.arange(4) / 200, np.zeros((6, 4), np.int16))
    >>> len(s), len(s[1:3])
    (4, 2)
    """

    foot: Foot
    time_s: FloatArray
    counts: CountArray

    def __post_init__(self) -> None:
        if self.counts.shape != (len(COUNT_CHANNELS), self.time_s.size):
            raise ValueError(f"counts must be (6, {self.time_s.size}), got {self.counts.shape}")

    def __len__(self) -> int:
        return self.time_s.size

    def __getitem__(self, part: slice) -> Self:
        return dataclasses.replace(self, time_s=self.time_s[part], counts=self.counts[:, part])

    def accel_mps2(self, pod: PodInfo) -> FloatArray:
        """(3, n) specific force [m/s²] in the pod's axes."""
        return self.counts[:3].astype(np.float64) * pod.accel_lsb_mps2

    def gyro_rads(self, pod: PodInfo) -> FloatArray:
        """(3, n) angular rate [rad/s] in the pod's axes."""
        return self.counts[3:].astype(np.float64) * pod.gyro_lsb_rads


@dataclass(frozen=True, slots=True)
class Belt:
    """Treadmill readings: each holds from its time stamp until the next.

    Attributes
    ----------
    time_s
        (m,) session time of each reading [s], rising.
    speed_mps
        (m,) belt speed [m/s].
    grade
        (m,) rise over run (0.01 = 1 %).

    Examples
    --------
    >>> Belt.constant(3.5).at(np.array([12.0]))
    (array([3.5]), array([0.]))
    """

    time_s: FloatArray
    speed_mps: FloatArray
    grade: FloatArray

    @classmethod
    def constant(cls, speed_mps: float, grade: float = 0.0) -> Self:
        """Make a belt that keeps one speed and grade for ever."""
        return cls(np.array([-np.inf]), np.array([float(speed_mps)]), np.array([float(grade)]))

    def __len__(self) -> int:
        return self.time_s.size

    def at(self, time_s: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Speed [m/s] and grade in force at each time; NaN before the first reading."""
        i = np.searchsorted(self.time_s, time_s, side="right") - 1
        known = i >= 0
        if not self.time_s.size:
            return np.full(time_s.shape, np.nan), np.full(time_s.shape, np.nan)
        return np.where(known, self.speed_mps[i], np.nan), np.where(known, self.grade[i], np.nan)


@dataclass(frozen=True, slots=True)
class HeartRate:
    """Heart rate readings: ``time_s`` (m,) [s] and ``rate_bpm`` (m,) [beats/min]."""

    time_s: FloatArray
    rate_bpm: FloatArray


@dataclass(frozen=True, slots=True)
class PodTrack:
    """One pod with all its samples, in the order in which they were recorded."""

    info: PodInfo
    samples: PodSamples


@dataclass(frozen=True, slots=True)
class Recording:
    """A whole recording, ready for analysis.

    Attributes
    ----------
    pods
        One or two tracks, at most one a foot.
    runner
        Who ran, as far as known.
    belt, heart_rate
        Treadmill and heart-rate readings, if any.
    start_utc
        Wall-clock time of session time zero, if known.
    source
        Where it came from (a path), for messages.
    notes
        What the reader had to decide or repair, one sentence each, to be shown to the user.
    extra
        Further facts of the file (kept as they are in ``session.json``).
    happened
        What happened during the run that an analysis has to repeat, in order.

    Raises
    ------
    ValueError
        If two tracks are of one foot.
    """

    pods: tuple[PodTrack, ...]
    runner: Runner = field(default_factory=Runner)
    belt: Belt | None = None
    heart_rate: HeartRate | None = None
    start_utc: datetime | None = None
    source: str = ""
    notes: tuple[str, ...] = ()
    extra: dict[str, Any] = field(default_factory=dict)
    happened: tuple[Happening, ...] = ()

    def __post_init__(self) -> None:
        feet = [track.info.foot for track in self.pods]
        if len(set(feet)) != len(feet):
            raise ValueError("a recording holds at most one pod a foot")

    @property
    def duration_s(self) -> float:
        """Time from the first to the last sample of any pod [s]."""
        spans = [t.samples.time_s for t in self.pods if len(t.samples)]
        return max(float(np.nanmax(t)) for t in spans) - min(float(np.nanmin(t)) for t in spans) if spans else 0.0

    def chunks(self, chunk_s: float = 60.0) -> Iterator[Sequence[PodSamples]]:
        """Cut the recording into pieces of ``chunk_s`` seconds by sample order, as a stream would bring it."""
        sizes = [max(1, round(chunk_s * _mean_rate_hz(t.samples.time_s))) for t in self.pods]
        starts = [0] * len(self.pods)
        while any(start < len(t.samples) for start, t in zip(starts, self.pods, strict=True)):
            yield [
                t.samples[start : start + size]
                for start, size, t in zip(starts, sizes, self.pods, strict=True)
                if start < len(t.samples)
            ]
            starts = [start + size for start, size in zip(starts, sizes, strict=True)]


def _mean_rate_hz(time_s: FloatArray) -> float:
    span = float(time_s[-1] - time_s[0]) if time_s.size > 1 else 0.0
    return (time_s.size - 1) / span if span > 0 else 200.0
