"""How the foot moved over a stride: orientation, velocity and path, from mid-stance to mid-stance.

A stride is cut at 35 % of each contact, where the foot lies flat. The gyroscope is integrated from the first cut to
the second (strapdown); a runner's foot comes back to the same pose but for its heading, so the small residual rotation
is drift and is spread over the stride. Velocity comes back too, so the mean specific force is gravity and the rest
integrates to a velocity that is zero at both cuts - in the belt's frame on a treadmill (Falbriard 2020,
doi:10.3389/fbioe.2020.00065, integrates likewise between foot-flat phases). The pod itself is not quite at rest at the
cut, as it rolls over the ball of the foot: how fast, the velocity profile through stance tells (``speed_excess``).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from soleus.gait import filters, rotation
from soleus.gait.grid import GRID_HZ
from soleus.gait.sample_buffer import cut_rows
from soleus.model import FloatArray

IntArray = npt.NDArray[np.int64]

CUT_PHASE: Final = 0.35
"""Share of contact at which a stride is cut: inside foot-flat for every strike (RBDS, 13 runners)."""
FLAT_PHASE: Final = (0.30, 0.45)
"""Shares of contact over which the foot counts as flat."""
BEFORE_CONTACT_S: Final = (-0.015, -0.005)
"""Where the foot's pose 'at contact' is read [s]: just before, so that the slap does not blur it."""
TOE_OUT_PHASE: Final = (0.20, 0.50)
MID_ROLL_PHASE: Final = (0.50, 0.65)
LATE_HEEL_PHASE: Final = (0.75, 0.90)
EVERSION_PHASE: Final = (0.10, 0.70)
PROFILE_PHASES: Final = {"a": (0.15, 0.25), "b": (0.25, 0.40), "c": (0.40, 0.60), "d": (0.50, 0.70)}
"""Shares of contact over which the profile of velocity and pitch rate is taken."""
STANCE_LEAD: Final = 6
"""Samples of the stance window before initial contact."""
STANCE_TAIL: Final = 8
"""… and after toe-off."""
UP: Final = np.array([[0.0], [0.0], [1.0]], np.float32)
SAMPLE_S: Final = 1 / GRID_HZ
RATE_SMOOTH: Final = filters.hann(0.04)


@dataclass(frozen=True, slots=True)
class Strides:
    """Strides to be measured, one a contact; grid samples, fractional where float.

    ``begin``, ``end``: (n,) cuts in the previous and in this contact. ``contact``: (n,) initial contact.
    ``duration``: (n,) contact time. ``side``: (n,) +1 left, -1 right.
    """

    begin: IntArray
    end: IntArray
    contact: FloatArray
    duration: FloatArray
    side: FloatArray


def measure(signals: FloatArray, strides: Strides) -> dict[str, FloatArray]:
    """Measure each stride's pose, path and speed.

    Parameters
    ----------
    signals
        (6, n, w) samples in the foot frame (:data:`soleus.gait.pod_stream.CHANNELS`) from ``begin`` on; w a multiple
        of 16 that covers each stride up to 8 samples beyond its toe-off.
    strides
        The n strides.

    Returns
    -------
    (n,) arrays by name: ``strapdown_speed_mps``, ``pitch_contact_deg``, ``roll_contact_deg``, ``roll_mid_deg``,
    ``toe_out_deg``, ``heel_late_deg``, ``eversion_deg``, ``toe_off_travel_m``, ``speed_profile_a`` … ``d``,
    ``rate_profile_a`` … ``d`` [rad/m], ``residual_deg``, ``heading_change_deg``, ``gravity_mps2``.
    """
    length = strides.end - strides.begin
    row = np.arange(length.size)
    single = length.astype(np.float32)
    turn, residual, turned = _orientation(signals[:3], length)
    force = rotation.rotate(turn, signals[3:])
    total = np.cumsum(force, axis=2)
    gravity = (total[:, row, length] - 0.5 * (force[:, :, 0] + force[:, row, length])) / single
    k = np.arange(force.shape[2], dtype=np.float32)
    velocity = (total[:2] - 0.5 * (force[:2] + force[:2, :, :1]) - gravity[:2, :, None] * k) * SAMPLE_S
    summed = np.cumsum(velocity, axis=2)
    travel = _path(summed, velocity, row, length)
    distance = np.sqrt(travel[0] * travel[0] + travel[1] * travel[1])
    heading = np.arctan2(travel[1], travel[0])
    ahead = np.stack((np.cos(heading), np.sin(heading)))
    speed = distance / (single * SAMPLE_S)

    stance = _Stance.cut(strides)
    pitch, roll, yaw = _angles(stance.take(turn))
    forward = stance.take(velocity)
    forward_mps = ahead[0, :, None] * forward[0] + ahead[1, :, None] * forward[1]
    at_toe_off = strides.contact - strides.begin + strides.duration
    last = at_toe_off.astype(np.int64)
    before, after = _path(summed, velocity, row, last), _path(summed, velocity, row, last + 1)
    beyond = before + (at_toe_off - last) * (after - before) - travel
    pitch_rate = stance.take(signals[:1])[0]
    side = strides.side[:, None].astype(np.float32)
    pitch_wave, roll_wave = stance.wave(pitch), stance.wave(roll * side)
    yaw_wave = stance.wave(_wrapped(yaw - heading[:, None]) * side)
    tilt_wave = stance.wave(np.cumsum(pitch_rate, axis=1) * SAMPLE_S)
    forward_wave, rate_wave = stance.wave(forward_mps), stance.wave(filters.smooth(pitch_rate, RATE_SMOOTH))

    flat_pitch, flat_roll = pitch_wave.mean(*FLAT_PHASE), roll_wave.mean(*FLAT_PHASE)
    roll_contact = roll_wave.mean_s(*BEFORE_CONTACT_S) - flat_roll
    result = {
        "strapdown_speed_mps": speed,
        "pitch_contact_deg": np.degrees(pitch_wave.mean_s(*BEFORE_CONTACT_S) - flat_pitch),
        "roll_contact_deg": np.degrees(roll_contact),
        "roll_mid_deg": np.degrees(roll_wave.mean(*MID_ROLL_PHASE) - flat_roll),
        "toe_out_deg": np.degrees(yaw_wave.mean(*TOE_OUT_PHASE)),
        "heel_late_deg": np.degrees(tilt_wave.mean(*FLAT_PHASE) - tilt_wave.mean(*LATE_HEEL_PHASE)),
        "eversion_deg": np.degrees(roll_wave.highest(*EVERSION_PHASE) - flat_roll - roll_contact),
        "toe_off_travel_m": ahead[0] * beyond[0] + ahead[1] * beyond[1],
        "residual_deg": np.degrees(np.sqrt((residual * residual).sum(axis=0))),
        "heading_change_deg": np.degrees(turned),
        "gravity_mps2": np.sqrt(gravity[0] ** 2 + gravity[1] ** 2 + gravity[2] ** 2),
    }
    positive = np.where(speed > 0, speed, np.nan)
    for name, phases in PROFILE_PHASES.items():
        result[f"speed_profile_{name}"] = forward_wave.mean(*phases) / positive
        result[f"rate_profile_{name}"] = rate_wave.mean(*phases) / positive
    return {name: values.astype(np.float64) for name, values in result.items()}


def _path(summed: FloatArray, velocity: FloatArray, row: IntArray, at: IntArray) -> FloatArray:
    """Way (2, n) [m] from the first sample to sample ``at`` (n,), by the trapezoid rule."""
    way: FloatArray = (summed[:, row, at] - 0.5 * velocity[:, row, at]) * SAMPLE_S
    return way


def _orientation(rates: FloatArray, length: IntArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Turn of each sample to the first (4, n, w), the residual (3, n) of the stride spread out, heading change (n,)."""
    angle: FloatArray = np.zeros((3, *rates.shape[1:]), rates.dtype)
    for row, (channel, sign) in enumerate(((1, 1), (0, -1), (2, 1))):
        np.add(rates[channel, :, 1:], rates[channel, :, :-1], out=angle[row, :, 1:])
        angle[row, :, 1:] *= sign * SAMPLE_S / 2
    turn = rotation.scan(rotation.from_small_angle(angle))
    residual, heading = rotation.part_drift(turn[:, np.arange(length.size), length], UP)
    share = (np.arange(angle.shape[2]) / length[:, None]).astype(np.float32)
    closed = rotation.multiply(turn, rotation.from_small_angle(-residual[:, :, None] * share))
    return closed, residual, heading


def _angles(q: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Pitch (toes up), roll and yaw [rad] of the foot's axes."""
    w, x, y, z = q
    pitch = np.arcsin(np.clip(2 * (x * z - w * y), -1.0, 1.0))
    roll = np.arctan2(2 * (y * z + w * x), 1 - 2 * (x * x + y * y))
    yaw = np.arctan2(2 * (x * y + w * z), 1 - 2 * (y * y + z * z))
    return pitch, roll, yaw


def _wrapped(angle: FloatArray) -> FloatArray:
    turns = np.rint(angle * np.float32(1 / (2 * np.pi)))
    wrapped: FloatArray = angle - np.float32(2 * np.pi) * turns
    return wrapped


def samples_needed(strides: Strides) -> int:
    """Tell how many samples from ``begin`` on :func:`measure` needs: a multiple of 16."""
    latest = int((np.floor(strides.contact).astype(np.int64) - strides.begin).max())
    return int(-(-(latest + _stance_span(strides)) // rotation.BLOCK) * rotation.BLOCK)


def _stance_span(strides: Strides) -> int:
    return int(np.ceil(strides.duration.max())) + STANCE_LEAD + STANCE_TAIL


@dataclass(frozen=True, slots=True)
class _Stance:
    """The part of each stride's window that holds its stance, and means over phases of it."""

    first: IntArray
    span: int
    contact: FloatArray
    duration: FloatArray

    @classmethod
    def cut(cls, strides: Strides) -> _Stance:
        first = np.floor(strides.contact).astype(np.int64) - STANCE_LEAD - strides.begin
        return cls(first, _stance_span(strides), strides.contact - strides.begin - first, strides.duration)

    def take(self, x: FloatArray) -> FloatArray:
        return cut_rows(x, self.first, self.span)

    def wave(self, x: FloatArray) -> _Wave:
        """Make ready (n, w) samples of the stance for means over parts of it."""
        return _Wave(x, np.cumsum(0.5 * (x[:, 1:] + x[:, :-1]), axis=1), self.contact, self.duration)


@dataclass(frozen=True, slots=True)
class _Wave:
    """Samples (n, w) of each stance and their running integral; initial contact and contact time in samples."""

    x: FloatArray
    integral: FloatArray
    contact: FloatArray
    duration: FloatArray

    def mean(self, begin_phase: float, end_phase: float) -> FloatArray:
        """Mean between two shares of contact."""
        return self._mean(begin_phase * self.duration, end_phase * self.duration)

    def mean_s(self, begin_s: float, end_s: float) -> FloatArray:
        """Mean between two times after contact [s]."""
        ones = np.ones_like(self.duration)
        return self._mean(begin_s * GRID_HZ * ones, end_s * GRID_HZ * ones)

    def highest(self, begin_phase: float, end_phase: float) -> FloatArray:
        """Maximum between two shares of contact."""
        k = np.arange(self.x.shape[1]) - self.contact[:, None]
        inside = (k >= begin_phase * self.duration[:, None]) & (k <= end_phase * self.duration[:, None])
        top: FloatArray = np.where(inside, self.x, -np.inf).max(axis=1)
        return top

    def _mean(self, begin: FloatArray, end: FloatArray) -> FloatArray:
        return (self._upto(end) - self._upto(begin)) / (end - begin)

    def _upto(self, after_contact: FloatArray) -> FloatArray:
        place = self.contact + after_contact
        i = place.astype(np.int64)
        part = place - i
        row = np.arange(i.size)
        here, following = self.x[row, i], self.x[row, i + 1]
        before: FloatArray = np.where(i > 0, self.integral[row, i - 1], 0.0)
        return before + part * here + 0.5 * part * part * (following - here)
