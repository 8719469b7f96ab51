"""The clock and the samples of a virtual pod: what it measures when, and with which stamp."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from soleus.model import CountArray, FloatArray, PodTrack

MICROSECONDS: Final = 1e6
"""In a second."""
UNKNOWN_RATE_HZ: Final = 200.0
"""Rate of a track of one sample [Hz]."""


@dataclass(frozen=True, slots=True)
class PodClock:
    """A crystal that is off.

    Attributes
    ----------
    boot_s
        World time at which it began [s].
    offset_us
        What it showed then [µs].
    drift_ppm
        How much too fast it runs [1e-6].
    """

    boot_s: float
    offset_us: float = 0.0
    drift_ppm: float = 0.0

    def device_us(self, world_s: float) -> int:
        """Tell what it shows at a world time [µs]."""
        return int(self.offset_us + (world_s - self.boot_s) * (MICROSECONDS + self.drift_ppm))

    def world_s(self, device_us: FloatArray) -> FloatArray:
        """Find the world times [s] (n,) at which it shows ``device_us`` (n,): the truth to measure against."""
        world: FloatArray = self.boot_s + (device_us - self.offset_us) / (MICROSECONDS + self.drift_ppm)
        return world


@dataclass(frozen=True, slots=True)
class SampleSource:
    """What a pod would measure, by world time.

    Attributes
    ----------
    time_s
        (n,) world time of each sample [s], rising.
    counts
        (6, n) int16.
    rate_hz, accel_lsb_mps2, gyro_lsb_rads, accel_clip_counts, gyro_clip_counts
        As in :class:`~soleus.model.PodInfo`.
    """

    time_s: FloatArray
    counts: CountArray
    rate_hz: float
    accel_lsb_mps2: float
    gyro_lsb_rads: float
    accel_clip_counts: int
    gyro_clip_counts: int

    @classmethod
    def of(cls, track: PodTrack, start_s: float = 0.0) -> SampleSource:
        """Play a recorded or simulated track, its session time zero at world time ``start_s``.

        Raises
        ------
        ValueError
            If the track is empty or its times do not rise.
        """
        time_s = track.samples.time_s.astype(np.float64) + start_s
        if not time_s.size or not np.isfinite(time_s).all() or (np.diff(time_s) <= 0).any():
            raise ValueError("a virtual pod needs a track with samples whose times rise")
        info = track.info
        mean_rate = (time_s.size - 1) / (time_s[-1] - time_s[0]) if time_s.size > 1 else UNKNOWN_RATE_HZ
        return cls(
            time_s,
            track.samples.counts,
            info.rate_hz or round(float(mean_rate)),
            info.accel_lsb_mps2,
            info.gyro_lsb_rads,
            info.accel_clip_counts,
            info.gyro_clip_counts,
        )

    def __len__(self) -> int:
        return self.time_s.size

    def taken_by(self, world_s: float) -> int:
        """Count the samples up to a world time."""
        return int(np.searchsorted(self.time_s, world_s, side="right"))
