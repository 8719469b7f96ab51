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
from soleus.gait.strapdown import BLOCK, SAMPLE_S, Strapdown, in_blocks, running_sum
from soleus.gait.waves import Means, Part, highest, smooth_in_time
from soleus.model import FloatArray

IntArray = npt.NDArray[np.int64]

CUT_PHASE: Final = 0.35
"""Share of contact at which a stride is cut: inside foot-flat for every strike (RBDS, 13 runners)."""
FLAT: Final = Part(0.30, 0.45)
"""Where the foot counts as flat."""
BEFORE: Final = Part(0.0, 0.0, -0.015 * GRID_HZ, -0.005 * GRID_HZ)
"""Where the foot's pose 'at contact' is read: 15-5 ms before it, so that the slap does not blur it."""
TOE_OUT: Final = Part(0.20, 0.50)
MID_ROLL: Final = Part(0.50, 0.65)
LATE_HEEL: Final = Part(0.75, 0.90)
EVERSION_PHASE: Final = (0.10, 0.70)
PROFILE: Final = {"a": Part(0.15, 0.25), "b": Part(0.25, 0.40), "c": Part(0.40, 0.60), "d": Part(0.50, 0.70)}
"""Where the profile of velocity and pitch rate is taken."""
STANCE_LEAD: Final = 6
"""Samples of the stance window before initial contact."""
STANCE_TAIL: Final = 8
"""… and after toe-off."""
UP: Final = np.array([[0.0], [0.0], [1.0]], np.float32)
RATE_SMOOTH: Final = filters.hann(0.04)
SINE_PITCH, SINE_ROLL, COSINE_ROLL, COSINE_YAW, SINE_YAW, SPEED_X, SPEED_Y, TILT, RATE = range(9)
"""Waves of a stance: components of the foot's axes, velocity along x and y but for gravity's part, the running sum of
pitch rate, and pitch rate [rad/s]. Angles are taken of the means: the same for small changes, and less to do."""
MEANS: Final = Means(
    {f"{name}_{wave}": (wave, part) for name, part, waves in (
        ("flat", FLAT, (SINE_PITCH, SINE_ROLL, COSINE_ROLL, TILT)),
        ("before", BEFORE, (SINE_PITCH, SINE_ROLL, COSINE_ROLL)),
        ("mid_roll", MID_ROLL, (SINE_ROLL, COSINE_ROLL)),
        ("toe_out", TOE_OUT, (COSINE_YAW, SINE_YAW)),
        ("late_heel", LATE_HEEL, (TILT,)),
        *((name, part, (SPEED_X, SPEED_Y, RATE)) for name, part in PROFILE.items()),
    ) for wave in waves}
)  # fmt: skip


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


def window_of(strides: Strides) -> tuple[IntArray, int]:
    """First grid sample (n,) and common width of the windows that :func:`measure` wants.

    The blocks of all windows end where stance begins, so that stance lies at one place in all of them.
    """
    stance = _stance_begin(strides)
    before = _blocks(int((stance - strides.begin).max()))
    after = _blocks(int(np.ceil(strides.duration.max())) + STANCE_LEAD + STANCE_TAIL)
    return stance - before * BLOCK, (before + after) * BLOCK


def _stance_begin(strides: Strides) -> IntArray:
    return np.floor(strides.contact).astype(np.int64) - STANCE_LEAD


def _blocks(samples: int) -> int:
    return -(-samples // BLOCK)


def measure(signals: FloatArray, strides: Strides) -> dict[str, FloatArray]:
    """Measure each stride's pose, path and speed.

    Parameters
    ----------
    signals
        (n, 6, w) samples in the foot frame (:data:`soleus.gait.pod_stream.CHANNELS`), as :func:`window_of` wants them.
    strides
        The n strides.

    Returns
    -------
    (n,) arrays by name: ``strapdown_speed_mps``, ``pitch_contact_deg``, ``roll_contact_deg``, ``roll_mid_deg``,
    ``toe_out_deg``, ``heel_late_deg``, ``eversion_deg``, ``toe_off_travel_m``, ``speed_profile_a`` … ``d``,
    ``rate_profile_a`` … ``d`` [rad/m], ``residual_deg``, ``heading_change_deg``, ``gravity_mps2``.
    """
    start, _ = window_of(strides)
    rates = in_blocks(signals, (1, 0, 2))
    np.negative(rates[1], out=rates[1])
    begin, end = strides.begin - start, strides.end - start
    stance = int(_stance_begin(strides)[0] - start[0])
    # counted from the stride's begin or its stance: from the window's start, rounding would depend on the other strides
    contact, at_contact = strides.contact - strides.begin, strides.contact - _stance_begin(strides)
    pitch_rate = signals[:, 0, stance:].T
    moved = Strapdown.of(rates, in_blocks(signals, (3, 4, 5)), begin, end, UP)
    toe_off = contact + strides.duration
    last = toe_off.astype(np.int64)
    travel, before, after = moved.paths_m(np.stack((end, begin + last, begin + last + 1))).swapaxes(0, 1)
    distance = np.sqrt(travel[0] * travel[0] + travel[1] * travel[1])
    heading = np.arctan2(travel[1], travel[0])
    ahead = np.stack((np.cos(heading), np.sin(heading)))
    speed = distance / ((end - begin) * SAMPLE_S)
    beyond = before + (toe_off - last) * (after - before) - travel

    waves = _waves(moved, pitch_rate, stance // BLOCK)
    m = MEANS.of(waves, at_contact, strides.duration)
    roll = waves[SINE_ROLL] / waves[COSINE_ROLL] * strides.side.astype(waves.dtype)
    evert = [at_contact + phase * strides.duration for phase in EVERSION_PHASE]
    flat_pitch, flat_roll, roll_contact, roll_mid = (
        np.arcsin(np.clip(m[f"flat_{SINE_PITCH}"], -1, 1)),
        *(strides.side * np.arctan2(m[f"{part}_{SINE_ROLL}"], m[f"{part}_{COSINE_ROLL}"])
          for part in ("flat", "before", "mid_roll")),
    )  # fmt: skip
    toe_out = np.arctan2(m[f"toe_out_{SINE_YAW}"], m[f"toe_out_{COSINE_YAW}"]) - heading
    result = {
        "strapdown_speed_mps": speed,
        "pitch_contact_deg": np.degrees(np.arcsin(np.clip(m[f"before_{SINE_PITCH}"], -1, 1)) - flat_pitch),
        "roll_contact_deg": np.degrees(roll_contact - flat_roll),
        "roll_mid_deg": np.degrees(roll_mid - flat_roll),
        "toe_out_deg": np.degrees(strides.side * _wrapped(toe_out)),
        "heel_late_deg": np.degrees(SAMPLE_S * (m[f"flat_{TILT}"] - m[f"late_heel_{TILT}"])),
        "eversion_deg": np.degrees(np.arctan(highest(roll, *evert)) - roll_contact),
        "toe_off_travel_m": ahead[0] * beyond[0] + ahead[1] * beyond[1],
        "residual_deg": np.degrees(np.sqrt((moved.residual * moved.residual).sum(axis=0))),
        "heading_change_deg": np.degrees(moved.heading),
        "gravity_mps2": np.sqrt(moved.gravity[0] ** 2 + moved.gravity[1] ** 2 + moved.gravity[2] ** 2),
    }
    positive = np.where(speed > 0, speed, np.nan)
    for name, part in PROFILE.items():
        middle = contact + 0.5 * (part.begin_phase + part.end_phase) * strides.duration
        along = [m[f"{name}_{SPEED_X + axis}"] - moved.gravity[axis] * middle for axis in (0, 1)]
        forward = (ahead[0] * along[0] + ahead[1] * along[1]) * SAMPLE_S
        result[f"speed_profile_{name}"] = forward / positive
        result[f"rate_profile_{name}"] = m[f"{name}_{RATE}"] / positive
    return {name: values.astype(np.float64) for name, values in result.items()}


def _waves(moved: Strapdown, pitch_rate: FloatArray, first: int) -> FloatArray:
    """Waves (9, 16, b, n) from block ``first`` on."""
    turned, carry = moved.turned[:, :, :, first:], moved.carry[:, :, first:]
    waves = np.empty((9, *turned.shape[2:]), turned.dtype)
    # the rows of carry times the columns of turned: only those components that are looked at
    rotation.turn(carry[2:, :, None], turned, out=waves[None, SINE_PITCH : COSINE_ROLL + 1])
    rotation.turn(carry[:2, :, None], turned[:, 0], out=waves[COSINE_YAW : SINE_YAW + 1])
    speed = waves[SPEED_X : SPEED_Y + 1]
    np.add(moved.force[:2, :, first:], moved.force_at_begin[:2, None, None], out=speed)
    speed *= -0.5
    speed += moved.summed[:2, :, first:]
    in_time = np.ascontiguousarray(pitch_rate)
    by_block = in_time.reshape(-1, BLOCK, in_time.shape[1]).transpose(1, 0, 2)
    waves[TILT] = running_sum(by_block[None])[0]
    waves[RATE] = smooth_in_time(in_time, RATE_SMOOTH).reshape(by_block.transpose(1, 0, 2).shape).transpose(1, 0, 2)
    return waves


def _wrapped(angle: FloatArray) -> FloatArray:
    wrapped: FloatArray = angle - 2 * np.pi * np.rint(angle / (2 * np.pi))
    return wrapped
