"""A population of simulated runners, step by step, to measure the rules on.

Every runner has a gait of his own, and every step noise around it: from step to step, from minute to minute, between
the feet, while warming up and slowly over the run. Speed and grade change on many runs. Then some runs get a change
of the size that the rules are meant to find. A simulation proves the rules' logic and their margin over the noise
put in here; it proves nothing about people.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from scipy.signal import lfilter

from soleus.model import STEP_DTYPES, Flag, Steps

FloatArray = npt.NDArray[np.float64]

G: Final = 9.81
STEP_NOISE_MEMORY: Final = 0.6
"""Correlation of one step's deviation with the next (running is persistent, DFA exponent about 0.75)."""
MINUTE_MEMORY_S: Final = 90.0
"""Time over which minute-to-minute variation forgets [s] (design choice)."""
STEP_NOISE: Final = {"step_time": 0.010, "contact_time": 0.0148, "strike_deg": 1.3, "overstride_m": 0.009}
"""Standard deviation of single steps; contact (3.7 of 250 ms), strike, overstride from 26 runners of Fukuchi 2017."""
MINUTE_NOISE: Final = {"step_time": 0.005, "contact_time": 0.007, "strike_deg": 0.4, "overstride_m": 0.002}
"""Standard deviation of the natural minute-to-minute variation (design choice)."""
SIDE_NOISE: Final = 0.0035
"""Minute-to-minute variation of one foot's contact time against the other's, as a share (design choice)."""
DRIFT_PER_HOUR: Final = {"step_time": 0.005, "contact_time": 0.008, "strike_deg": 0.4, "overstride_m": 0.0015}
"""Standard deviation between runners of the healthy slow drift over an hour (design choice)."""
WARM_UP: Final = 0.02
"""Contact time above its settled value at the start, as a share; gone with a time constant of two minutes."""
WARM_UP_S: Final = 120.0


@dataclass(frozen=True, slots=True)
class Habit:
    """One runner's gait at 3.2 m/s on the level, and how it follows speed."""

    cadence_share: float
    contact_share: float
    contact_power: float
    strike_deg: float
    overstride_offset_m: float
    side_share: float
    mass_kg: float
    leg_m: float

    @classmethod
    def draw(cls, rng: np.random.Generator) -> Habit:
        """Draw a healthy runner."""
        return cls(
            cadence_share=1.0 + 0.04 * rng.standard_normal(),
            contact_share=1.0 + 0.05 * rng.standard_normal(),
            contact_power=-0.5 + 0.05 * rng.standard_normal(),
            strike_deg=float(np.clip(9.0 + 8.0 * rng.standard_normal(), -11.0, 25.0)),
            overstride_offset_m=0.028 * rng.standard_normal(),
            side_share=0.015 * rng.standard_normal(),
            mass_kg=float(np.clip(68.0 + 10.0 * rng.standard_normal(), 45.0, 110.0)),
            leg_m=float(np.clip(0.93 + 0.05 * rng.standard_normal(), 0.75, 1.1)),
        )


@dataclass(frozen=True, slots=True)
class Change:
    """A change that sets in at a time and is complete after a ramp; shares and sizes of the full change."""

    onset_s: float = math.inf
    ramp_s: float = 30.0
    contact_left: float = 0.0
    contact_right: float = 0.0
    cadence: float = 0.0
    strike_deg: float = 0.0
    overstride_m: float = 0.0


@dataclass(frozen=True, slots=True)
class Course:
    """Speed and grade: from each time on, a new pair."""

    from_s: tuple[float, ...] = (0.0,)
    speed_mps: tuple[float, ...] = (3.0,)
    grade: tuple[float, ...] = (0.0,)


STEADY, SPEEDS, GRADES, INTERVALS = range(4)
SETTLING_S: Final = 8.0
"""Time after a change of speed or grade in which steps are flagged as accelerating [s]."""
STEEP: Final = 0.02
"""Grade beyond which the spring-mass values are missing."""
REARFOOT_DEG: Final = 8.0
FOREFOOT_DEG: Final = -1.6


def draw_course(rng: np.random.Generator, duration_s: float) -> Course:
    """Draw a treadmill session: steady, in blocks of changing speed, of changing grade, or intervals."""
    base = float(rng.uniform(2.5, 3.8))
    kind = rng.integers(4)
    if kind == STEADY:
        return Course(speed_mps=(base,))
    length = 180.0 if kind == INTERVALS else float(rng.uniform(300.0, 720.0))
    starts = np.arange(0.0, duration_s, length)
    if kind == SPEEDS:
        speeds = base + rng.choice([-0.3, -0.15, -0.08, 0.0, 0.08, 0.15, 0.3], starts.size)
        return Course(tuple(starts), tuple(speeds), (0.0,) * starts.size)
    if kind == GRADES:
        return Course(tuple(starts), (base,) * starts.size, tuple(rng.choice([0.0, 0.01, 0.02, 0.04], starts.size)))
    return Course(tuple(starts), tuple(base + 0.6 * (np.arange(starts.size) % 2)), (0.0,) * starts.size)


def _persistent(rng: np.random.Generator, n: int, memory: float) -> FloatArray:
    """Draw correlated noise of unit variance."""
    white = rng.standard_normal(n) * math.sqrt(1.0 - memory * memory)
    white[:1] /= math.sqrt(1.0 - memory * memory)
    return np.asarray(lfilter([1.0], [1.0, -memory], white), np.float64)


def _cadence(habit: Habit, speed: FloatArray, grade: FloatArray) -> FloatArray:
    """Give the cadence [spm] at a speed and grade: 124 + 13 v (Fukuchi 2017), 2 % more on 5 % of grade."""
    return (124.0 + 13.0 * speed) * habit.cadence_share * (1.0 + 0.4 * grade)


def _nominal_times(habit: Habit, course: Course, duration_s: float, change: Change) -> FloatArray:
    """Give about when each step comes, so that what sets in at a time sets in there."""
    times_s = np.arange(0.0, duration_s * 1.5, 0.36)
    for _ in range(3):
        part = np.searchsorted(course.from_s, times_s, side="right") - 1
        cadence = _cadence(habit, np.array(course.speed_mps)[part], np.array(course.grade)[part])
        cadence *= np.where(times_s >= change.onset_s, 1.0 + change.cadence, 1.0)
        times_s = np.cumsum(60.0 / cadence)
    return np.asarray(times_s[times_s < duration_s], np.float64)


def simulate(
    habit: Habit, course: Course, duration_s: float, rng: np.random.Generator, change: Change = Change()
) -> Steps:
    """Simulate the steps of one run, sorted by time, left and right in turn."""
    guess_s = _nominal_times(habit, course, duration_s, change)
    n = guess_s.size
    part = np.searchsorted(course.from_s, guess_s, side="right") - 1
    speed, grade = np.array(course.speed_mps)[part], np.array(course.grade)[part]
    since_change_s = guess_s - np.array(course.from_s)[part]
    minute_memory = math.exp(-0.36 / MINUTE_MEMORY_S)
    slow = {name: size * rng.standard_normal() * guess_s / 3600.0 for name, size in DRIFT_PER_HOUR.items()}
    noise = {
        name: STEP_NOISE[name] * _persistent(rng, n, STEP_NOISE_MEMORY)
        + MINUTE_NOISE[name] * _persistent(rng, n, minute_memory)
        + slow[name]
        for name in STEP_NOISE
    }
    foot = np.arange(n) % 2
    grown = (
        np.clip((guess_s - change.onset_s) / change.ramp_s, 0.0, 1.0) if math.isfinite(change.onset_s) else 0.0 * foot
    )
    cadence = _cadence(habit, speed, grade) * (1.0 + change.cadence * grown)
    step_s = 60.0 / cadence * (1.0 + noise["step_time"])
    side = np.where(foot == 0, 1.0, -1.0)
    contact_change = np.where(foot == 0, change.contact_left, change.contact_right) * grown
    contact_s = (
        0.262
        * (speed / 3.2) ** habit.contact_power
        * habit.contact_share
        * habit.cadence_share**-0.55
        * (1.0 + noise["contact_time"] + SIDE_NOISE * side * _persistent(rng, n, minute_memory))
        * (1.0 + 0.5 * habit.side_share * side)
        * (1.0 + WARM_UP * np.exp(-guess_s / WARM_UP_S))
        * (1.0 + contact_change)
    )
    strike = habit.strike_deg - 60.0 * grade + noise["strike_deg"] + change.strike_deg * grown
    overstride = (
        0.150 + 0.048 * (speed - 3.2) + habit.overstride_offset_m + noise["overstride_m"] + change.overstride_m * grown
    )
    initial_s = np.cumsum(step_s) - step_s[0]
    return _table(
        habit, initial_s, foot, step_s, contact_s, speed, grade, strike, overstride, since_change_s < SETTLING_S
    )


def _table(
    habit: Habit,
    initial_s: FloatArray,
    foot: npt.NDArray[np.intp],
    step_s: FloatArray,
    contact_s: FloatArray,
    speed: FloatArray,
    grade: FloatArray,
    strike: FloatArray,
    overstride: FloatArray,
    changing: npt.NDArray[np.bool_],
) -> Steps:
    """Work out what follows from the timing and put the table together."""
    duty = contact_s / step_s
    oscillation = G * step_s**2 * (0.125 - 0.09085 * duty)
    force = 0.5 * math.pi / duty
    graded = np.abs(grade) > STEEP
    sink = force * G * contact_s**2 / math.pi**2 - G * contact_s**2 / 8.0
    squeeze = habit.leg_m - np.sqrt(habit.leg_m**2 - (speed * contact_s / 2.0) ** 2) + sink
    stiffness = force * habit.mass_kg * G / squeeze / 1000.0
    impulse = 1.9 * step_s * np.interp(strike, [-8.0, 12.0], [1.19, 1.0])
    peak = 2.28 * force * np.interp(strike, [-8.0, 12.0], [1.07, 1.0])
    stride_s = np.concatenate(([np.nan, np.nan], initial_s[2:] - initial_s[:-2]))[: initial_s.size]
    columns: dict[str, npt.NDArray[Any]] = {
        "foot": foot,
        "initial_contact_s": initial_s,
        "toe_off_s": initial_s + contact_s,
        "contact_time_s": contact_s,
        "flight_time_s": step_s - contact_s,
        "step_time_s": step_s,
        "stride_time_s": stride_s,
        "cadence_spm": 60.0 / step_s,
        "duty_factor": contact_s / (2.0 * step_s),
        "speed_mps": speed,
        "speed_source": np.zeros(foot.size),
        "grade": grade,
        "stride_length_m": speed * stride_s,
        "step_length_m": speed * step_s,
        "foot_strike_angle_deg": strike,
        "foot_strike": np.where(strike > REARFOOT_DEG, 0, np.where(strike < FOREFOOT_DEG, 2, 1)),
        "pronation_excursion_deg": np.full(foot.size, -8.0),
        "vertical_oscillation_m": np.where(graded, np.nan, oscillation),
        "vertical_ratio": np.where(graded, np.nan, oscillation / (speed * step_s)),
        "overstride_m": overstride,
        "peak_force_bw": force,
        "leg_stiffness_kn_per_m": np.where(graded, np.nan, stiffness),
        "achilles_peak_bw": peak,
        "achilles_impulse_bws": impulse,
        "calf_dose": peak**6 * contact_s * 0.3,
        "quality": np.ones(foot.size),
        "flags": np.where(graded, int(Flag.GRADED), 0) | np.where(changing, int(Flag.ACCELERATING), 0),
    }
    return Steps({name: np.asarray(columns[name]).astype(dtype) for name, dtype in STEP_DTYPES.items()})


def draw_change(kind: str, rng: np.random.Generator) -> Change:
    """Draw a change at least as large as the smallest one worth finding."""
    onset_s = float(rng.uniform(660.0, 1500.0))
    size = float(rng.uniform(1.0, 2.0))
    if kind == "fatigue":
        return Change(onset_s, 30.0, 0.04 * size, 0.04 * size, -0.02, -3.0 * rng.choice([0.0, 1.0]), 0.01 * size)
    if kind == "overstride":
        return Change(onset_s, 30.0, overstride_m=0.01 * size)
    if kind == "contact":
        return Change(onset_s, 30.0, 0.04 * size, 0.04 * size)
    left = bool(rng.integers(2))
    return Change(onset_s, 30.0, 0.04 * size * left, 0.04 * size * (not left))
