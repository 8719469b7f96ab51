"""What a pod on a moving foot would measure: poses from motion capture -> counts of an inertial sensor."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.interpolate import BSpline, make_interp_spline
from scipy.signal import butter, sosfiltfilt
from scipy.spatial.transform import Rotation

from rbds_capture import Array, Pose

GRAVITY_MPS2 = 9.80665
CUTOFF_HZ = 25.0
"""Markers' noise is differentiated twice: beyond this there is more of it than movement in 150 Hz captures."""
ORDER = 4
DEGREE = 5
"""Quintic: the second derivative is still smooth."""
MAX_HOLE_S = 0.1
"""Frames unseen for longer than this are not bridged: the pod has a gap there."""
POD_M = (-0.075, 0.0, 0.065)
"""Where the pod sits from the ball of the foot [m]: on the laces."""
LACE_DEG = (0.0, 90.0, 180.0, -90.0)
"""How people clip a pod on: in any of four ways ..."""
TILT_DEG = 25.0
"""... and tilted up to this about any axis across the lace's normal."""
ACCEL_RANGE_MPS2 = 16.0 * GRAVITY_MPS2
GYRO_RANGE_RADS = float(np.radians(2000.0))
COUNTS = 32767
ACCEL_LSB_MPS2 = ACCEL_RANGE_MPS2 / COUNTS
GYRO_LSB_RADS = GYRO_RANGE_RADS / COUNTS
ACCEL_BIAS_MPS2, GYRO_BIAS_RADS = 0.15, float(np.radians(0.5))
ACCEL_NOISE_MPS2, GYRO_NOISE_RADS = 0.03, float(np.radians(0.1))
"""Standard deviations a sample, those of a consumer part at 200 Hz."""


@dataclass(frozen=True, slots=True)
class Path:
    """A smooth pose in time: splines of the quaternion (scalar last) and of the origin, and where they hold."""

    quaternion: BSpline[np.float64]
    origin_m: BSpline[np.float64]
    seen_from_s: float
    seen_until_s: float
    holes_s: Array

    def whole(self, time_s: Array) -> npt.NDArray[np.bool_]:
        """(n,) whether the body was seen at each time, or unseen for a moment only."""
        inside = (time_s >= self.seen_from_s) & (time_s <= self.seen_until_s)
        for start, end in self.holes_s:
            inside &= (time_s <= start) | (time_s >= end)
        return inside

    def rotation(self, time_s: Array) -> Array:
        """(n, 3, 3) rotation from the body to the laboratory."""
        turned: Array = Rotation.from_quat(self.quaternion(time_s)).as_matrix()
        return turned

    def rate_rads(self, time_s: Array) -> Array:
        """(n, 3) angular rate in the body's axes: twice the vector part of q⁻¹ q̇."""
        q, dq = self.quaternion(time_s), self.quaternion(time_s, 1)
        size = (q**2).sum(axis=1, keepdims=True)
        vector, scalar = q[:, :3], q[:, 3:]
        rate: Array = 2 * (scalar * dq[:, :3] - dq[:, 3:] * vector - np.cross(vector, dq[:, :3])) / size
        return rate


def smooth_path(pose: Pose, rate_hz: float) -> Path:
    """Low-pass the pose, both ways, and run splines through it."""
    seen = np.flatnonzero(np.isfinite(pose.origin_m).all(axis=1))
    first, last = int(seen[0]), int(seen[-1])
    time = seen / rate_hz
    gap = np.flatnonzero(np.diff(time) > MAX_HOLE_S)
    quaternion = Rotation.from_matrix(pose.rotation[seen]).as_quat()
    quaternion *= np.cumprod(np.append(1.0, np.where((quaternion[1:] * quaternion[:-1]).sum(axis=1) < 0, -1.0, 1.0)))[
        :, None
    ]
    frames = np.arange(first, last + 1) / rate_hz
    values = make_interp_spline(time, np.concatenate([quaternion, pose.origin_m[seen]], axis=1), 3)(frames)
    filtered = sosfiltfilt(butter(ORDER, CUTOFF_HZ, fs=rate_hz, output="sos"), values, axis=0)
    return Path(
        make_interp_spline(frames, filtered[:, :4], DEGREE),
        make_interp_spline(frames, filtered[:, 4:], DEGREE),
        float(frames[0]),
        float(frames[-1]),
        np.stack([time[gap], time[gap + 1]], axis=1),
    )


def pod_counts(path: Path, time_s: Array, random: np.random.Generator) -> npt.NDArray[np.int16]:
    """(6, n) counts of a pod on the lace: mounted anyhow, with bias, noise and limits."""
    rotation = path.rotation(time_s)
    step = 1e-3
    lever = np.asarray(POD_M)
    # Second difference of the lever's turn, with the spline's own second derivative of the origin: exact to 1e-6.
    around = [path.rotation(time_s + shift) @ lever for shift in (-step, 0.0, step)]
    acceleration = path.origin_m(time_s, 2) + (around[0] - 2 * around[1] + around[2]) / step**2
    acceleration[:, 2] += GRAVITY_MPS2
    force = np.einsum("nji,nj->ni", rotation, acceleration)
    mounting = _mounting(random)
    force = (
        (force @ mounting.T) + random.normal(0, ACCEL_BIAS_MPS2, 3) + random.normal(0, ACCEL_NOISE_MPS2, force.shape)
    )
    rate = path.rate_rads(time_s) @ mounting.T
    rate = rate + random.normal(0, GYRO_BIAS_RADS, 3) + random.normal(0, GYRO_NOISE_RADS, rate.shape)
    counts = np.concatenate([force / ACCEL_LSB_MPS2, rate / GYRO_LSB_RADS], axis=1).T
    return np.clip(np.round(counts), -COUNTS, COUNTS).astype(np.int16)


def _mounting(random: np.random.Generator) -> Array:
    """Draw the rotation from the foot to the pod."""
    lace = Rotation.from_euler("z", random.choice(LACE_DEG), degrees=True)
    across = random.uniform(0, 2 * np.pi)
    tilt = Rotation.from_rotvec(
        np.radians(random.uniform(-TILT_DEG, TILT_DEG)) * np.array([np.cos(across), np.sin(across), 0.0])
    )
    matrix: Array = (tilt * lace).as_matrix()
    return matrix
