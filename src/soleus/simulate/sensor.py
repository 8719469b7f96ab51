"""What a real pod makes of it: mounting, errors, noise, clipping, counts, clock, lost packets."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from scipy.signal import firwin, upfirdn

from soleus.model import INT16_MAX, CountArray, FloatArray, Foot, PodInfo, PodSamples, PodTrack
from soleus.simulate.foot import FootMotion
from soleus.simulate.imu import GRAVITY_MPS2, felt, ringing_of
from soleus.simulate.scenario import Pod, Sensor

RENDER_HZ: Final = 1600.0
"""The movement is rendered at least this fast before it is filtered and thinned to the pod's rate [Hz]."""
BLOCK_S: Final = 20.0
"""Rendered at a time, so that memory does not grow with the session [s]."""
PASS_SHARE: Final = 0.42
"""Cut-off of the anti-aliasing filter over the pod's rate."""
FILTER_SAMPLES: Final = 5
"""Half length of that filter [samples of the pod]."""
KAISER_BETA: Final = 6.0
"""Shape of its window: 60 dB."""
SLIP_TIME_S: Final = 0.10
"""A slipping pod takes so long to its new place [s]."""
LONGEST_RUN: Final = 1e9
"""Rarer losses than one burst in so many packets do not happen."""
MOST_JITTER: Final = 0.45
"""A time stamp is never off by more than this share of a sample: stamps stay in order."""


@dataclass(frozen=True, slots=True)
class Chip:
    """The errors of one sensor, drawn once.

    Attributes
    ----------
    matrix
        (6, 6) true to measured: scale, cross-axis terms, and the gyroscope's answer to specific force.
    bias
        (6,) constant bias.
    white, walk
        (6,) SD of the noise of a sample and of the step of the bias from sample to sample.
    """

    matrix: FloatArray
    bias: FloatArray
    white: FloatArray
    walk: FloatArray


def record(motion: FootMotion, sensor: Sensor, pod: Pod, end_s: float, seed: np.random.SeedSequence) -> Recorded:
    """Record the movement of one foot with one pod.

    Parameters
    ----------
    motion, sensor, pod
        The foot, the sensor, how it sits and sends.
    end_s
        End of the session [s].
    seed
        Everything random of this pod comes from it, each defect from a stream of its own.
    """
    build, ring, noise, clock, radio, slip = (np.random.Generator(np.random.PCG64DXSM(s)) for s in seed.spawn(6))
    chip = _chip(sensor, build)
    ringing = ringing_of(motion, sensor.ringing_level, ring)
    lsb = np.repeat(_lsb(sensor), 3)
    stop = end_s if pod.stop_s is None else min(pod.stop_s, end_s)
    # The pod's crystal: a fast clock (positive drift) takes its samples too often.
    period = 1.0 / (sensor.rate_hz * (1.0 + 1e-6 * pod.clock_drift_ppm))
    n = max(int(np.floor((stop - pod.start_s) / period)), 0)
    time = pod.start_s + np.arange(n) * period
    factor = int(np.ceil(RENDER_HZ / sensor.rate_hz))
    taps = _filter(factor)
    slip_axis = slip.standard_normal(3)
    slip_vector = np.radians(pod.slip_deg) * slip_axis / np.linalg.norm(slip_axis)
    mounting = _mounting(pod)
    counts = np.empty((6, n), np.int16)
    clipped = np.zeros(2, np.intp)
    drift = np.zeros((6, 1))
    block = int(BLOCK_S * sensor.rate_hz)
    for start in range(0, n, block):
        part = time[start : start + block]
        fine = part[0] + (np.arange(part.size * factor + 2 * FILTER_SAMPLES * factor) - FILTER_SAMPLES * factor) * (
            period / factor
        )
        force, rate = felt(motion, fine, np.array(pod.lever_m))
        ringing.add_to(fine, force, rate)
        true = np.concatenate([force, rate])
        if factor > 1:
            true = upfirdn(taps, true, down=factor, axis=1)
        skip = 2 * FILTER_SAMPLES if factor > 1 else FILTER_SAMPLES
        true = np.ascontiguousarray(true[:, skip : skip + part.size])
        true = np.concatenate([mounting @ true[:3], mounting @ true[3:]])
        if pod.slip_s is not None:
            true = _slipped(true, part, pod.slip_s, slip_vector)
        walked = drift + np.cumsum(chip.walk[:, None] * noise.standard_normal((part.size, 6)).T, axis=1)
        drift = walked[:, -1:]
        measured = chip.matrix @ true + chip.bias[:, None] + walked
        measured += chip.white[:, None] * noise.standard_normal((part.size, 6)).T
        whole = np.rint(measured / lsb[:, None])
        over = np.abs(whole) >= INT16_MAX
        clipped += over[:3].any(axis=0).sum(), over[3:].any(axis=0).sum()
        counts[:, start : start + part.size] = np.clip(whole, -INT16_MAX, INT16_MAX)
    told = pod.start_s + pod.clock_offset_s + np.arange(n) / sensor.rate_hz
    if sensor.stamp_jitter_s:
        most = MOST_JITTER / sensor.rate_hz
        told = told + np.clip(sensor.stamp_jitter_s * clock.standard_normal(n), -most, most)
    keep, bursts = _received(n, sensor, pod, radio)
    defects = {
        "samples_made": n,
        "samples_lost": int(n - keep.sum()),
        "loss_bursts": bursts,
        "accel_clipped": int(clipped[0]),
        "gyro_saturated": int(clipped[1]),
        "slipped_at_s": None if pod.slip_s is None else float(pod.slip_s),
        "slip_deg": None if pod.slip_s is None else float(pod.slip_deg),
        "clock_offset_s": float(pod.clock_offset_s),
        "clock_drift_ppm": float(pod.clock_drift_ppm),
        "mounting_foot_to_sensor": mounting.ravel().tolist(),
    }
    return Recorded(told[keep], counts[:, keep], time[keep], defects)


@dataclass(frozen=True, slots=True)
class Recorded:
    """What a pod delivered.

    Attributes
    ----------
    time_s
        (n,) the pod's time stamps [s].
    counts
        (6, n) its counts.
    true_time_s
        (n,) when the samples were truly taken [s].
    defects
        What went wrong, counted. Clipped samples are counted before any is lost.
    """

    time_s: FloatArray
    counts: CountArray
    true_time_s: FloatArray
    defects: dict[str, Any]

    def track(self, foot: Foot, sensor: Sensor) -> PodTrack:
        """Label it as the pod of a foot."""
        accel_lsb, gyro_lsb = _lsb(sensor)
        info = PodInfo(
            foot,
            accel_lsb_mps2=float(accel_lsb),
            gyro_lsb_rads=float(gyro_lsb),
            accel_range_mps2=sensor.accel_range_g * GRAVITY_MPS2,
            gyro_range_rads=float(np.radians(sensor.gyro_range_dps)),
            rate_hz=sensor.rate_hz,
            pod_id=f"simulated-{foot.label}",
            maker="soleus simulate",
        )
        return PodTrack(info, PodSamples(foot, self.time_s, self.counts))


def _lsb(sensor: Sensor) -> FloatArray:
    ranges = np.array([sensor.accel_range_g * GRAVITY_MPS2, np.radians(sensor.gyro_range_dps)])
    return ranges / INT16_MAX


def _filter(factor: int) -> FloatArray:
    taps = firwin(2 * FILTER_SAMPLES * factor + 1, 2.0 * PASS_SHARE / factor, window=("kaiser", KAISER_BETA))
    return np.asarray(taps / taps.sum())


def _mounting(pod: Pod) -> FloatArray:
    """(3, 3) rotation from foot axes to sensor axes."""
    from scipy.spatial.transform import Rotation

    placed = Rotation.from_euler("YXZ", [pod.tilt_deg, pod.lean_deg, pod.lace_deg], degrees=True)
    return np.asarray(placed.inv().as_matrix())


def _chip(sensor: Sensor, generator: np.random.Generator) -> Chip:
    per_sqrt_sample = np.sqrt(sensor.rate_hz / 2.0)
    accel, gyro = GRAVITY_MPS2, np.radians(1.0)
    matrix = np.eye(6)
    for part in (slice(0, 3), slice(3, 6)):
        errors = sensor.cross_axis_sd * generator.standard_normal((3, 3))
        np.fill_diagonal(errors, sensor.scale_sd * generator.standard_normal(3))
        matrix[part, part] += errors
    sensitivity = sensor.g_sensitivity_dps_g * gyro / accel
    matrix[3:, :3] = sensitivity * generator.standard_normal((3, 3))
    units = np.repeat([1e-6 * accel, 1e-3 * gyro], 3)
    density = np.repeat([sensor.accel_noise_ug_rthz, sensor.gyro_noise_mdps_rthz], 3)
    walk = np.repeat([sensor.accel_walk_ug_rts, sensor.gyro_walk_mdps_rts], 3)
    bias = np.repeat([1e-3 * accel * sensor.accel_bias_mg, gyro * sensor.gyro_bias_dps], 3)
    return Chip(
        matrix,
        bias * generator.standard_normal(6),
        units * density * per_sqrt_sample,
        units * walk / np.sqrt(sensor.rate_hz),
    )


def _slipped(true: FloatArray, time_s: FloatArray, slip_s: float, vector: FloatArray) -> FloatArray:
    """Turn (6, n) signals into the axes of a pod that turns by ``vector`` [rad] at ``slip_s``."""
    from scipy.spatial.transform import Rotation

    share = np.clip((time_s - slip_s) / SLIP_TIME_S, 0.0, 1.0)
    eased = share**3 * (10.0 - 15.0 * share + 6.0 * share**2)
    speed = 30.0 * share**2 * (1.0 - share) ** 2 / SLIP_TIME_S
    if not eased.any():
        return true
    turn = Rotation.from_rotvec(eased[:, None] * vector)
    force, rate = turn.apply(true[:3].T, inverse=True), turn.apply(true[3:].T, inverse=True)
    return np.concatenate([force.T, (rate + speed[:, None] * vector).T])


def _received(n: int, sensor: Sensor, pod: Pod, generator: np.random.Generator) -> tuple[npt.NDArray[np.bool_], int]:
    """Which samples arrive over a Gilbert–Elliott channel, and how many bursts were lost."""
    packets = -(-n // sensor.samples_per_packet)
    if not pod.loss_share or not packets:
        return np.ones(n, np.bool_), 0
    mean_bad = max(pod.burst_s * sensor.rate_hz / sensor.samples_per_packet, 1.0)
    mean_good = float(np.clip(mean_bad * (1.0 - pod.loss_share) / pod.loss_share, 1.0, LONGEST_RUN))
    pairs = int(2 * packets / (mean_bad + mean_good)) + 100
    ends = np.zeros(1, np.int64)
    while ends[-1] < packets:
        lengths = np.column_stack(
            [generator.geometric(1.0 / mean_good, pairs), generator.geometric(1.0 / mean_bad, pairs)]
        )
        ends = np.concatenate([ends, ends[-1] + np.cumsum(lengths.ravel())])
    good = np.searchsorted(ends, np.arange(packets), side="right") % 2 == 1
    bursts = int(np.sum(np.diff(good.astype(np.int8), prepend=1) == -1))
    return np.repeat(good, sensor.samples_per_packet)[:n], bursts
