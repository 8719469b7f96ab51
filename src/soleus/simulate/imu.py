"""What an ideal sensor on the foot feels: specific force and angular rate, with the shoe's ringing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from soleus.model import FloatArray
from soleus.simulate.foot import FootMotion

GRAVITY_MPS2: Final = 9.80665
"""Standard gravity [m/s²]."""
RING_LENGTH_S: Final = 0.26
"""A ringing is followed for so long [s]; by then less than a thousandth is left."""
RING_ACCEL_G: Final = 2.6
"""Peak ringing of a forefoot contact at 3.5 m/s and level 1 [g]."""
RING_ACCEL_PER_DEG: Final = 0.035
"""Relative rise of it per degree of foot strike angle."""
RING_SPEED_MPS: Final = 3.5
"""Ringing grows with speed over this [m/s]."""
RING_RATE_RADS: Final = (1.2, 3.2)
"""Range of the peak ringing of the angular rate [rad/s]."""
RING_ACCEL_HZ: Final = (28.0, 55.0)
"""Range of the shoe's own frequency [Hz]; science of soft mounts: 25-60."""
RING_RATE_HZ: Final = (26.0, 38.0)
"""Range of the strap's own frequency [Hz]."""
RING_DAMPING: Final = (0.18, 0.32)
"""Range of both damping ratios."""
RING_TOE_OFF: Final = 0.12
"""Ringing of toe-off over that of contact."""
RING_CV: Final = 0.22
"""Variation of its size from step to step."""


@dataclass(frozen=True, slots=True)
class Ringing:
    """The damped vibration of shoe and strap after each contact and toe-off.

    Attributes
    ----------
    time_s
        (e,) onsets, rising [s].
    accel_mps2, rate_rads
        (e, 3) peak specific force and angular rate, in foot axes.
    accel_hz, rate_hz, accel_damping, rate_damping
        The two resonances.
    """

    time_s: FloatArray
    accel_mps2: FloatArray
    rate_rads: FloatArray
    accel_hz: float
    rate_hz: float
    accel_damping: float
    rate_damping: float

    def add_to(self, time_s: FloatArray, force: FloatArray, rate: FloatArray) -> None:
        """Add it to (3, n) specific force [m/s²] and angular rate [rad/s] at (n,) equally spaced times, in place."""
        if not self.time_s.size or time_s.size <= 1:
            return
        step = (time_s[-1] - time_s[0]) / (time_s.size - 1)
        near = (self.time_s > time_s[0] - RING_LENGTH_S) & (self.time_s < time_s[-1])
        onset = self.time_s[near]
        first = np.ceil((onset - time_s[0]) / step).astype(np.intp)
        index = first[:, None] + np.arange(int(RING_LENGTH_S / step))
        since = index * step + time_s[0] - onset[:, None]
        accel_shape = _vibration(2 * np.pi * self.accel_hz * since, self.accel_damping, derivative=2)
        rate_shape = _vibration(2 * np.pi * self.rate_hz * since, self.rate_damping, derivative=1)
        inside = (index >= 0) & (index < time_s.size)
        at = index[inside]
        for axis in range(3):
            added = (self.accel_mps2[near, axis, None] * accel_shape)[inside]
            force[axis] += np.bincount(at, added, time_s.size)
            added = (self.rate_rads[near, axis, None] * rate_shape)[inside]
            rate[axis] += np.bincount(at, added, time_s.size)


def ringing_of(motion: FootMotion, level: float, generator: np.random.Generator) -> Ringing:
    """Draw the ringing of one pod: its resonances and directions are fixed, its size varies from step to step."""
    contacts = motion.contacts
    n = len(contacts)
    accel_way = np.array([0.0, 0.0, 1.0]) + 0.3 * generator.standard_normal(3)
    rate_way = generator.standard_normal(3)
    accel_hz, rate_hz = generator.uniform(*RING_ACCEL_HZ), generator.uniform(*RING_RATE_HZ)
    accel_damping, rate_damping = generator.uniform(*RING_DAMPING, 2)
    rate_peak = generator.uniform(*RING_RATE_RADS)
    speed = contacts.speed_mps / RING_SPEED_MPS
    strike = 1.0 + RING_ACCEL_PER_DEG * np.maximum(np.degrees(motion.strike_rad), 0.0)
    accel = RING_ACCEL_G * GRAVITY_MPS2 * speed * strike * (1.0 + RING_CV * generator.standard_normal(n))
    rate = rate_peak * speed * (1.0 + RING_CV * generator.standard_normal(n))
    size = level * np.concatenate([np.ones(n), np.full(n, RING_TOE_OFF)])
    onset = np.concatenate([contacts.ic_s + generator.uniform(0.0, 0.002, n), contacts.to_s])
    order = np.argsort(onset, kind="stable")
    if level == 0.0:
        order = order[:0]
    return Ringing(
        onset[order],
        np.outer(np.tile(accel, 2) * size, accel_way / np.linalg.norm(accel_way))[order],
        np.outer(np.tile(rate, 2) * size, rate_way / np.linalg.norm(rate_way))[order],
        float(accel_hz),
        float(rate_hz),
        float(accel_damping),
        float(rate_damping),
    )


def felt(motion: FootMotion, time_s: FloatArray, lever_m: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Specific force and angular rate at a point of the foot, in foot axes.

    f = Rᵀ(p̈ + g ẑ) + ω̇ × r + ω × (ω × r), from the exact derivatives of the movement.

    Parameters
    ----------
    motion
        The foot.
    time_s
        (n,) times [s].
    lever_m
        (3,) the point, from the ball of the foot, in foot axes [m].

    Returns
    -------
    tuple of ndarray
        (3, n) specific force [m/s²] and (3, n) angular rate [rad/s].
    """
    value, first, second = motion.at(time_s), motion.at(time_s, 1), motion.at(time_s, 2)
    force = second[4:].copy()
    force[2] += GRAVITY_MPS2
    rate = np.zeros_like(force)
    turn = np.zeros_like(force)
    # From the room inwards, each rotation of the chain takes the vectors into its own axes and adds its own rate.
    for axis, channel, sign in ((2, 3, 1.0), (1, 0, -1.0), (2, 2, 1.0), (0, 1, 1.0)):
        if not value[channel].any():
            continue
        j, k = (axis + 1) % 3, (axis + 2) % 3
        cos, sin = np.cos(value[channel]), sign * np.sin(value[channel])
        for vector in (force, rate, turn):
            vector[j], vector[k] = cos * vector[j] + sin * vector[k], cos * vector[k] - sin * vector[j]
        own = sign * first[channel]
        # d/dt of the turned rate: minus own rate × turned rate.
        turn[j] += own * rate[k]
        turn[k] -= own * rate[j]
        rate[axis] += own
        turn[axis] += sign * second[channel]
    x, y, z = lever_m
    wx, wy, wz = rate
    along = wx * x + wy * y + wz * z
    square = wx * wx + wy * wy + wz * wz
    force[0] += turn[1] * z - turn[2] * y + wx * along - x * square
    force[1] += turn[2] * x - turn[0] * z + wy * along - y * square
    force[2] += turn[0] * y - turn[1] * x + wz * along - z * square
    return force, rate


def _vibration(phase: FloatArray, damping: float, derivative: int) -> FloatArray:
    """Differentiate φ³·e^(−ζφ)·sin φ by φ and scale it to a peak of 1: nothing remains of it once it has rung out."""
    c = complex(-damping, 1.0)

    def shape(x: FloatArray) -> FloatArray:
        x = np.maximum(x, 0.0)
        if derivative == 1:
            return np.asarray(np.imag((3 * x**2 + c * x**3) * np.exp(c * x)))
        return np.asarray(np.imag((6 * x + 6 * c * x**2 + c * c * x**3) * np.exp(c * x)))

    peak = np.abs(shape(np.linspace(0.0, 60.0, 6001))).max()
    return np.asarray(shape(phase) / peak)
