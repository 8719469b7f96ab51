from dataclasses import dataclass

import numpy as np
import pytest

from soleus.model import Foot, PodInfo, PodSamples, PodTrack, Recording, Runner
from soleus.screening import PodMotion, put_on_grid

G = 9.80665
LEVER = np.array([-0.085, 0.004, 0.066])  # the pod from the ball of the foot [m]
ACCEL_LSB, GYRO_LSB = G / 2048, np.radians(1 / 16.4)


def turn(seed: int) -> np.ndarray:
    """A random turn of the pod in its strap."""
    q, _ = np.linalg.qr(np.random.default_rng(seed).standard_normal((3, 3)))
    return q * np.sign(np.linalg.det(q))


def tilt(angle: np.ndarray) -> np.ndarray:
    """(n, 3, 3) turns about the lateral axis, heel up (or shank forward) positive."""
    c, s, o, i = np.cos(angle), np.sin(angle), 0.0 * angle, 1.0 + 0.0 * angle
    return np.stack([np.stack([c, o, s], -1), np.stack([o, i, o], -1), np.stack([-s, o, c], -1)], -2)


@dataclass
class Made:
    """A simulated test: the pod's samples, and what they were made from."""

    track: PodTrack
    time_s: np.ndarray
    angle_deg: np.ndarray

    @property
    def motion(self) -> PodMotion:
        samples = self.track.samples
        return put_on_grid(self.track.info, [samples[i : i + 777] for i in range(0, len(samples), 777)])


class Tests:
    """Makes recordings of screening tests."""

    RUNNER = Runner(height_m=1.75, mass_kg=70.0, sex="male", age_years=35)

    @staticmethod
    def pod(angle_deg, rate_hz: float = 200.0, foot: Foot = Foot.LEFT, seed: int = 0, lever=LEVER) -> Made:
        """The pod of a foot (or shank) that turns by an angle about its ball (or the ankle)."""
        fine = 4
        time_s = np.arange(round(len(angle_deg) / 1000 * rate_hz) * fine) / (rate_hz * fine)
        angle = np.radians(np.interp(time_s, np.arange(len(angle_deg)) / 1000.0, angle_deg))
        rotation = tilt(angle)
        place = rotation @ lever
        force = np.gradient(np.gradient(place, time_s, axis=0), time_s, axis=0) + np.array([0.0, 0.0, G])
        rate = np.stack([0 * angle, np.gradient(angle, time_s), 0 * angle], -1)
        rng = np.random.default_rng(seed)
        mounted = turn(seed + 1)
        accel = np.einsum("nji,nj->ni", rotation, force)[::fine] @ mounted
        gyro = rate[::fine] @ mounted
        accel = accel + 0.2 * rng.standard_normal(3) + 0.03 * rng.standard_normal(accel.shape)
        gyro = gyro + 0.015 * rng.standard_normal(3) + 0.003 * rng.standard_normal(gyro.shape)
        counts = np.concatenate([accel / ACCEL_LSB, gyro / GYRO_LSB], 1).T
        counts = np.clip(np.rint(counts), -32767, 32767).astype(np.int16)
        info = PodInfo(foot, ACCEL_LSB, GYRO_LSB, rate_hz=rate_hz)
        return Made(PodTrack(info, PodSamples(foot, time_s[::fine], counts)), time_s[::fine], np.degrees(angle[::fine]))

    @staticmethod
    def raises(peaks_deg, period_s=2.0, stand_s: float = 3.0, end_s: float = 2.0) -> np.ndarray:
        """Pitch [°] a millisecond: standing, raises to each peak, standing."""
        periods = np.broadcast_to(period_s, len(peaks_deg))
        parts = [np.zeros(round(stand_s * 1000))]
        for peak, period in zip(peaks_deg, periods, strict=True):
            phase = np.arange(round(period * 1000)) / round(period * 1000)
            up = np.clip((phase - 0.08) / 0.84, 0.0, 1.0)
            parts.append(peak * np.sin(np.pi * up) ** 2)
        return np.concatenate([*parts, np.zeros(round(end_s * 1000))])

    @staticmethod
    def recording(*made: Made, **facts) -> Recording:
        return Recording(tuple(each.track for each in made), **facts)


@pytest.fixture(scope="session")
def tests() -> Tests:
    return Tests()
