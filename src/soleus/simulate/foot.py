"""How a foot moves: one smooth curve (quintic spline, four continuous derivatives) through a whole session.

The curve is given by its control points, not by interpolation: where consecutive control points are equal, the
curve is exactly constant. So the ball of the foot rests exactly on the ground in mid-contact, and the whole curve
is exact truth, with exact derivatives.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from scipy.interpolate import BSpline

from soleus.model import FloatArray
from soleus.simulate.course import Course
from soleus.simulate.scenario import Gait
from soleus.simulate.steps import Contacts
from soleus.simulate.waveforms import (
    FLAT_KNOT,
    FORWARD,
    HEIGHT,
    LATERAL,
    PITCH,
    ROLL,
    STANCE_KNOTS,
    STRIDE_KNOTS,
    SWING_KNOTS,
    YAW,
    waveforms,
)

DEGREE: Final = 5
HALF_SUPPORT: Final = (DEGREE + 1) // 2
"""A control point acts over this many knots to each side."""
MOTION_CHANNELS: Final = ("pitch", "roll", "yaw", "heading", "x", "y", "z")
STAND_KNOT_S: Final = 0.05
"""Spacing of the knots put in while the runner stands [s]."""
PREPARE_FROM: Final = 16
"""From this knot on the swing turns from the shape of the stride behind to that of the contact ahead ..."""
PREPARED_AT: Final = 32
"""... which it has taken on at this one."""
SWING_SCALE_SD: Final = 0.015
"""SD of the size of the swing's pitch from stride to stride."""
CLEARANCE_SD: Final = 0.03
"""SD of the height of the swing from stride to stride."""
ROLL_SCALE_SD: Final = 0.08
"""SD of the size of the roll from contact to contact."""
EVERSION_DEG: Final = 5.0
"""How far the mean runner's foot rests everted of standing in mid-contact [°]; a common value of treadmill studies."""
REST_DEG: Final = 4.0
"""In mid-contact of running the foot rests toes-down of its pitch in standing by this much at a flat strike [°] ..."""
REST_PER_STRIKE: Final = -0.08
"""... and by this much more per degree of strike angle (runners of doi:10.7717/peerj.3298: 3-5° in all)."""
STRIKE_ROUNDS: Final = 3
"""Rounds that bring the strike angle to the one aimed at."""


@dataclass(frozen=True, slots=True)
class FootMotion:
    """The movement of one foot.

    Attributes
    ----------
    curve
        Spline of (pitch, roll, yaw, heading [rad], x, y, z [m]): rotation Rz(heading)·Ry(−pitch)·Rz(yaw)·Rx(roll)
        from foot axes, and the place of the ball of the foot, in a frame that is at rest overground, and in which the
        belt moves on a treadmill. z is up.
    contacts
        The contacts of this foot.
    side
        1 left, −1 right.
    belt
        Whether the ground moves back under the runner.
    strike_rad
        (n,) exact pitch at initial contact relative to the ground, on which a standing foot has none [rad].
    place_m
        (n, 3) where the ball of the foot rests in each contact, on the ground it rests on [m].
    """

    curve: BSpline[np.float64]
    contacts: Contacts
    side: int
    belt: bool
    strike_rad: FloatArray
    place_m: FloatArray

    def at(self, time_s: FloatArray, derivative: int = 0) -> FloatArray:
        """(7, n) values of the curve or of a derivative at (n,) times [s]."""
        return np.ascontiguousarray(self.curve(time_s, nu=derivative).T)


def move_foot(
    contacts: Contacts, side: int, gait: Gait, course: Course, *, belt: bool, generator: np.random.Generator
) -> FootMotion:
    """Draw the movement of one foot through its contacts.

    Parameters
    ----------
    contacts
        Those of this foot only.
    side
        1 left, −1 right.
    gait, course
        The runner and the course.
    belt
        Whether the ground moves back under the runner.
    generator
        Source of the stride-to-stride variation.
    """
    n = len(contacts)
    scale = 1.0 + np.array([[SWING_SCALE_SD], [CLEARANCE_SD], [ROLL_SCALE_SD]]) * generator.standard_normal((3, n))
    scale[0] *= gait.swing_scale
    scale[2] *= gait.roll_scale
    knots, hold = _knots(contacts)
    grade_rad = np.arctan(contacts.grade)
    target = np.radians(contacts.strike_deg)
    upright = contacts.standing | ~contacts.running
    rest = -np.where(upright, 0.0, np.radians(REST_DEG + REST_PER_STRIKE * contacts.strike_deg))
    rest_points = _strung(_carried(rest), hold)
    everted = np.where(upright, 0.0, np.radians(EVERSION_DEG) * scale[2])
    asked = target.copy()
    for _ in range(STRIKE_ROUNDS):
        shape = _shapes(contacts, asked, scale)
        pitch = _strung(shape[:, PITCH], hold) + rest_points
        curve = BSpline(knots, pitch[HALF_SUPPORT:-HALF_SUPPORT], DEGREE)
        inner = slice(1, n - 1)
        strike = target.copy()
        strike[inner] = curve(contacts.ic_s[inner])
        asked = asked + (target - strike)
    centre = np.convolve(knots, np.full(DEGREE, 1.0 / DEGREE), mode="same")  # Greville: a line stays a line
    grade_points = _strung(_carried(grade_rad), hold)
    heading_points = _strung(_carried(contacts.heading_rad), hold)
    forward = _strung(_forward(shape[:, FORWARD], contacts.place_m), hold)
    lateral = side * _strung(shape[:, LATERAL], hold)
    height = _strung(shape[:, HEIGHT], hold)
    toe_out = np.radians(gait.toe_out_deg)
    ground = _path(forward, lateral, height, grade_points, heading_points)
    place = ground[np.searchsorted(knots, contacts.ic_s) + FLAT_KNOT]
    room = ground
    if belt:
        room = _path(forward - course.distance_at(centre), lateral, height, grade_points, heading_points)
    points = np.column_stack(
        [
            pitch + grade_points,
            side * _strung(shape[:, ROLL] + _carried(everted), hold),
            side * (_strung(shape[:, YAW], hold) + toe_out),
            heading_points,
            room,
        ]
    )
    whole = BSpline(knots, points[HALF_SUPPORT:-HALF_SUPPORT], DEGREE)
    return FootMotion(whole, contacts, side, belt, strike, place)


def _knots(contacts: Contacts) -> tuple[FloatArray, np.ndarray[tuple[int], np.dtype[np.intp]]]:
    """Knot times of all strides, and for each the index of the control point (of n·40) that it takes."""
    ic, stance, to = contacts.ic_s, contacts.stance_s, contacts.to_s
    n = len(contacts)
    next_ic = np.append(ic[1:], to[-1] + 1.0)
    stance_share = np.arange(STANCE_KNOTS) / STANCE_KNOTS
    early = ic[:, None] + stance[:, None] * stance_share
    late = to[:, None] - stance[:, None] * (1.0 - stance_share)
    standing = np.where(stance_share <= FLAT_KNOT / STANCE_KNOTS, early, late)
    swing = to[:, None] + (next_ic - to)[:, None] * np.arange(SWING_KNOTS) / SWING_KNOTS
    times = np.concatenate([standing, swing], axis=1).ravel()
    index = np.arange(n * STRIDE_KNOTS)
    pause = to - ic - stance
    more = np.maximum(np.floor(pause / STAND_KNOT_S), 0.0).astype(np.intp)
    if not more.any():
        return times, index
    at = np.arange(n) * STRIDE_KNOTS + FLAT_KNOT
    where = np.repeat(at, more)
    nth = np.concatenate([np.arange(1, m + 1) for m in more])
    gap = np.repeat((times[at + 1] - times[at]) / (more + 1), more)
    return np.insert(times, where + 1, times[where] + nth * gap), np.insert(index, where + 1, where)


def _strung(values: FloatArray, hold: np.ndarray[tuple[int], np.dtype[np.intp]]) -> FloatArray:
    """(n, 40) control points of strides, strung together in time with those of standing put in."""
    return np.asarray(values.reshape(-1)[hold])


def _shapes(contacts: Contacts, strike_rad: FloatArray, scale: FloatArray) -> FloatArray:
    """(n, 6, 40) control points: each stride begins as its contact asks and ends as the next one asks."""
    own = waveforms().of(strike_rad, contacts.speed_mps, contacts.running.astype(np.float64))
    landing = np.arange(STRIDE_KNOTS) < STANCE_KNOTS
    own[:, PITCH] *= np.where(landing, 1.0, scale[0][:, None])
    own[:, HEIGHT] *= np.where(landing, 1.0, scale[1][:, None])
    own[:, ROLL] *= scale[2][:, None]
    ahead = np.concatenate([own[1:], own[-1:]])
    turned = np.clip((np.arange(STRIDE_KNOTS) - PREPARE_FROM) / (PREPARED_AT - PREPARE_FROM), 0.0, 1.0)
    return np.asarray((1.0 - turned) * own + turned * ahead)


def _carried(values: FloatArray) -> FloatArray:
    """(n, 40): the value of each contact through it, changing to that of the next while the foot is in the air."""
    ahead = np.append(values[1:], values[-1])
    share = np.clip((np.arange(STRIDE_KNOTS) - STANCE_KNOTS) / (SWING_KNOTS - HALF_SUPPORT), 0.0, 1.0)
    return np.asarray(values[:, None] + (ahead - values)[:, None] * share)


def _forward(shape: FloatArray, place_m: FloatArray) -> FloatArray:
    """(n, 40) way of the ball of the foot: it lands out of the stride behind and leaves into the one ahead."""
    stride = np.append(np.diff(place_m), place_m[-1] - place_m[-2])
    behind = np.append(stride[0], stride[:-1])
    length = np.where(np.arange(STRIDE_KNOTS) < STANCE_KNOTS // 2, behind[:, None], stride[:, None])
    return np.asarray(place_m[:, None] + shape * length)


def _path(
    forward: FloatArray, lateral: FloatArray, height: FloatArray, grade_rad: FloatArray, heading_rad: FloatArray
) -> FloatArray:
    """(m, 3) control points in the room: each small move along the way, turned by the grade and heading there."""
    way = np.diff(forward, prepend=forward[0])
    side = np.diff(lateral, prepend=0.0)
    up = np.diff(height, prepend=0.0)
    level = way * np.cos(grade_rad) - up * np.sin(grade_rad)
    moves = [
        level * np.cos(heading_rad) - side * np.sin(heading_rad),
        level * np.sin(heading_rad) + side * np.cos(heading_rad),
        way * np.sin(grade_rad) + up * np.cos(grade_rad),
    ]
    return np.cumsum(np.column_stack(moves), axis=0)
