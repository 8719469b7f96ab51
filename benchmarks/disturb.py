"""Disturbed copies of trials for fitting: impact ringing, other mountings, clipping, half the rate, other tempo.

The weights of the event models are fitted on these beside the clean trials, so that they learn to be blind to what a
real shoe adds. The ringing's onset is not tied to the true contact, or the fit would learn to time the disturbance.
"""

from __future__ import annotations

import dataclasses

import numpy as np
from scipy.interpolate import CubicSpline
from scipy.spatial.transform import Rotation

from soleus.gait.grid import GRID_HZ
from soleus.gait.mounting import GRAVITY_MPS2
from soleus.model import FloatArray
from trials import FootTrial

RING_SAMPLES = 58
CLIP_G, CLIP_RADS = 16.0, 34.9


def damped(after_s: FloatArray, frequency_hz: float, damping: float, order: int) -> FloatArray:
    """Differentiate (once or twice) (ωt)² e^(-ζωt) sin(ωt): peak 1, nothing left once it has rung out."""
    pole = (1j - damping) * 2 * np.pi * frequency_hz

    def shape(t: FloatArray) -> FloatArray:
        factor = 2 * t + pole * t**2 if order == 1 else 2 + 4 * pole * t + pole**2 * t**2
        wave: FloatArray = np.imag(factor * np.exp(pole * t))
        return wave

    peak = np.abs(shape(np.arange(0, 0.3, 1e-4))).max()
    burst: FloatArray = np.where(after_s > 0, shape(np.maximum(after_s, 0)), 0.0) / peak
    return burst


def disturb(trial: FootTrial, seed: int, *, ringing: float = 2.5, tempo: float = 0.0) -> FootTrial:
    """Make a disturbed copy.

    ``ringing`` is the strongest level (1 typical, 2 hard), drawn anew for each trial; ``tempo`` the log standard
    range of a change of pace.
    """
    rng = np.random.default_rng([seed, trial.runner, round(10 * trial.speed_mps), int(trial.foot)])
    time_s = (trial.first + np.arange(trial.values.shape[1])) / GRID_HZ
    contact, toe_off = trial.truth["t_ic"], trial.truth["t_tc"]
    values = trial.values.copy()
    if tempo:
        stretch = float(np.exp(rng.uniform(-tempo, tempo)))
        start = time_s[0]
        slow_s = start + (time_s - start) * stretch
        time_s = start + np.arange(int((slow_s[-1] - start) * GRID_HZ)) / GRID_HZ
        values = CubicSpline(slow_s, values, axis=1)(time_s)
        values[3:] /= stretch
        contact, toe_off = start + (contact - start) * stretch, start + (toe_off - start) * stretch
    _ring(values, time_s, contact, toe_off, trial.speed_mps, rng.uniform(0, ringing), rng)
    values = _turned(values, rng)
    values[:3] = np.clip(values[:3], -CLIP_G * GRAVITY_MPS2, CLIP_G * GRAVITY_MPS2)
    values[3:] = np.clip(values[3:], -CLIP_RADS, CLIP_RADS)
    if rng.uniform() < 0.25:  # noqa: PLR2004  (a quarter of the copies come from a 100 Hz pod)
        odd = int(rng.integers(2))
        time_half = time_s[odd::2]
        inside = (time_s >= time_half[0]) & (time_s <= time_half[-1])
        time_s, values = time_s[inside], CubicSpline(time_half, values[:, odd::2], axis=1)(time_s[inside])
    truth = trial.truth | {"t_ic": contact, "t_tc": toe_off}
    return dataclasses.replace(
        trial, values=np.ascontiguousarray(values), truth=truth, first=round(time_s[0] * GRID_HZ)
    )


def _unit(v: FloatArray) -> FloatArray:
    unit: FloatArray = v / np.sqrt((v**2).sum())
    return unit


def _ring(
    values: FloatArray, time_s: FloatArray, contact: FloatArray, toe_off: FloatArray,
    speed_mps: float, level: float, rng: np.random.Generator,
) -> None:  # fmt: skip
    early = (np.abs(time_s[:, None] - contact - 0.05) < 0.03).any(axis=1)  # noqa: PLR2004  (early stance)
    up = _unit(values[:3, early].mean(axis=1))
    force_axis, rate_axis = _unit(up + 0.4 * rng.normal(size=3)), _unit(rng.normal(size=3))
    force_tone = (rng.uniform(23, 60), rng.uniform(0.15, 0.38), 2)
    rate_tone = (rng.uniform(23, 42), rng.uniform(0.14, 0.32), 1)
    force_size, rate_size = rng.uniform(3, 12) * speed_mps / 3.5 * GRAVITY_MPS2, rng.uniform(1, 4)
    onset = rng.uniform(-0.008, 0.008)
    for events, share in ((contact, 1.0), (toe_off, rng.uniform(0, 0.25))):
        start = events + onset + rng.uniform(-0.002, 0.002, events.size)
        at = np.searchsorted(time_s, start)[:, None] + np.arange(RING_SAMPLES)
        inside = at < time_s.size
        at = np.minimum(at, time_s.size - 1)
        after = time_s[at] - start[:, None]
        for tone, size, axis, rows in ((force_tone, force_size, force_axis, slice(0, 3)),
                                       (rate_tone, rate_size, rate_axis, slice(3, 6))):  # fmt: skip
            swing = damped(after, *tone) * inside * (level * share * size * rng.normal(1, 0.25, events.size))[:, None]
            np.add.at(values[rows].T, at, swing[..., None] * axis)


def _turned(values: FloatArray, rng: np.random.Generator) -> FloatArray:
    """Turn the pod by any angle about its z axis and up to 25° about another."""
    lace = np.array([0.0, 0.0, rng.uniform(-np.pi, np.pi)])
    tilt = np.append(_unit(rng.normal(size=2)), 0.0) * np.radians(rng.uniform(-25, 25))
    turn = (Rotation.from_rotvec(tilt) * Rotation.from_rotvec(lace)).as_matrix()
    return np.concatenate([turn @ values[:3], turn @ values[3:]])
