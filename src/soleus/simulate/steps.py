"""The sequence of contacts: when each foot lands and leaves, and what it aims at.

The laws and constants here are the simulator's own and on purpose not those of any estimator in this package.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from soleus.model import FloatArray
from soleus.simulate.course import MARGIN_S, STANDING_MPS, Course
from soleus.simulate.scenario import Scenario

REFERENCE_SPEED_MPS: Final = 3.2
"""Speed at which :class:`~soleus.simulate.scenario.Gait` gives its means [m/s]."""
CADENCE_SLOPE_SPM: Final = 12.3
"""Rise of cadence with running speed [spm per m/s]; Fukuchi 2017, runners of doi:10.7717/peerj.3298: 11-14."""
CONTACT_SPEED_EXPONENT: Final = 0.57
"""Contact time goes with speed to minus this power (same data: 0.5-0.62)."""
CONTACT_CADENCE_EXPONENT: Final = 0.5
"""Contact time goes with the ratio of cadence to the runner's own to minus this power."""
STRIKE_SLOPE_DEG: Final = 1.9
"""Rise of the foot strike angle with speed [° per m/s] (same data)."""
UPHILL_CADENCE: Final = 0.45
"""Relative change of cadence per unit grade."""
UPHILL_STRIKE_DEG: Final = -62.0
"""Change of foot strike angle per unit grade [°]."""
UPHILL_CONTACT: Final = 0.5
"""Relative change of contact time per unit grade."""
LEAST_FLIGHT_S: Final = 0.022
"""A running step keeps at least this flight [s]."""
WALK_CADENCE_SPM: Final = 70.0
"""Cadence of walking at no speed, extrapolated [spm]."""
WALK_CADENCE_SLOPE_SPM: Final = 33.0
"""Rise of walking cadence with speed [spm per m/s]."""
WALK_DUTY: Final = 0.66
"""Contact over stride time in walking, extrapolated to no speed."""
WALK_DUTY_SLOPE: Final = -0.032
"""Its change with speed [per m/s]."""
WALK_STRIKE_DEG: Final = 22.0
"""Foot strike angle of walking [°]."""
RUN_FROM_MPS: Final = 1.9
"""Whoever runs runs down to this speed [m/s]."""
WALK_UP_TO_MPS: Final = 2.4
"""Whoever walks walks up to this speed [m/s]."""
FIRST_STEP_S: Final = 0.45
"""From the wish to move to the first contact after standing [s]."""
SLOWEST_STEPPING_MPS: Final = 0.6
"""Cadence and length of steps into and out of standing are those of this speed [m/s]."""
NOISE_TIMES_STEPS: Final = (1.5, 6.0, 24.0, 96.0)
"""Correlation times of the step-to-step variation [steps]; their sum is near 1/f."""

FEET: Final = 2

BoolArray = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Contacts:
    """All contacts of both feet in order of time; left and right alternate. Every array is (n,).

    Attributes
    ----------
    foot
        0 left, 1 right.
    ic_s, to_s
        Initial contact and toe-off [s].
    stance_s
        Contact time that the foot's movement is drawn for [s]; shorter than to_s − ic_s when the runner stands in it.
    speed_mps, grade, heading_rad
        The course's values in mid-contact.
    running
        Whether it is a running step.
    strike_deg
        Foot strike angle aimed at [°].
    standing
        Whether the runner comes to stand in this contact.
    bout
        Index of the bout.
    place_m
        Distance along the way of the foot's place on the ground [m].
    """

    foot: npt.NDArray[np.int8]
    ic_s: FloatArray
    to_s: FloatArray
    stance_s: FloatArray
    speed_mps: FloatArray
    grade: FloatArray
    heading_rad: FloatArray
    running: BoolArray
    strike_deg: FloatArray
    standing: BoolArray
    bout: npt.NDArray[np.intp]
    place_m: FloatArray

    def __len__(self) -> int:
        return self.ic_s.size

    def of_foot(self, code: int) -> Contacts:
        """Those of one foot, 0 left, 1 right."""
        rows = self.foot == code
        return Contacts(*(getattr(self, field.name)[rows] for field in dataclasses.fields(self)))


def walk_through(scenario: Scenario, course: Course, generator: np.random.Generator) -> Contacts:
    """Place every contact of a session, from a little before its start to a little after its end."""
    gait, fatigue = scenario.gait, scenario.fatigue
    most = int((scenario.duration_s + 4 * MARGIN_S) * 240 / 60) + 8  # no cadence exceeds 240
    step_noise = 1.0 + gait.step_time_cv * _slow_noise(generator, most)
    contact_noise = 1.0 + gait.contact_time_cv * _slow_noise(generator, most)
    strike_noise = gait.strike_sd_deg * _slow_noise(generator, most)
    place_noise = 0.012 * _slow_noise(generator, most)
    ic, running, step, gap_after = _landings(scenario, course, step_noise)
    n = ic.size
    foot = (np.arange(n) % 2).astype(np.int8)
    side = np.where(foot == 0, 1.0, -1.0)
    speed = np.maximum(course.speed_at(ic), SLOWEST_STEPPING_MPS)
    grade = course.grade_at(ic)
    tired = 1.0 - np.exp(-np.maximum(ic - fatigue.start_s, 0.0) / fatigue.time_constant_s)
    fatigued_contact = np.where(foot == 0, fatigue.contact_left, fatigue.contact_right)
    own_cadence = gait.cadence_spm + CADENCE_SLOPE_SPM * (speed - REFERENCE_SPEED_MPS)
    stance_run = (
        gait.contact_time_s
        * (REFERENCE_SPEED_MPS / speed) ** CONTACT_SPEED_EXPONENT
        * (60.0 / step / own_cadence) ** -CONTACT_CADENCE_EXPONENT
        * (1.0 + 0.5 * side * gait.contact_asymmetry)
        * (1.0 + tired * fatigued_contact)
        * (1.0 + UPHILL_CONTACT * grade)
        * contact_noise[:n]
    )
    next_step = np.append(np.diff(ic), step[-1])
    stance_run = np.minimum(stance_run, np.minimum(step, next_step) - LEAST_FLIGHT_S)
    stance_walk = (WALK_DUTY + WALK_DUTY_SLOPE * speed) * 2.0 * step * contact_noise[:n]
    stance = np.where(running, stance_run, stance_walk)
    bout = course.bout_at(ic)
    aimed = np.array([np.nan if b.strike_angle_deg is None else b.strike_angle_deg for b in scenario.bouts])[bout]
    own_strike = gait.strike_angle_deg + STRIKE_SLOPE_DEG * (speed - REFERENCE_SPEED_MPS) + UPHILL_STRIKE_DEG * grade
    strike = np.where(running, np.where(np.isnan(aimed), own_strike, aimed), WALK_STRIKE_DEG)
    fatigued_strike = np.where(foot == 0, fatigue.strike_left_deg, fatigue.strike_right_deg)
    strike = strike + 0.5 * side * gait.strike_asymmetry_deg + tired * fatigued_strike + strike_noise[:n]
    # Around a pause both feet stand: they leave the ground only for the steps after it.
    standing = gap_after | np.append(gap_after[1:], values=False)
    swing = np.append(ic[2:], ic[-2:] + 1.0) - ic - stance
    usual_swing = 2.0 * step - stance
    to = np.where(standing, ic + stance + np.maximum(swing - usual_swing, 0.0), ic + stance)
    middle = ic + 0.5 * stance
    place = course.distance_at(middle) + place_noise[:n]
    place[1:][standing[:-1] & standing[1:]] = place[:-1][standing[:-1] & standing[1:]]
    return Contacts(
        foot,
        ic,
        to,
        stance,
        speed,
        grade,
        course.heading_at(middle),
        running,
        strike,
        standing,
        bout,
        place,
    )


def _landings(
    scenario: Scenario, course: Course, noise: FloatArray
) -> tuple[FloatArray, BoolArray, FloatArray, BoolArray]:
    """Step through the course: initial contacts, running or not, step times aimed at, whether a pause follows."""
    gait, fatigue = scenario.gait, scenario.fatigue
    end = float(course.time_s[-1]) + MARGIN_S
    time = float(course.time_s[0]) - MARGIN_S
    rows: list[tuple[float, bool, float, bool]] = []
    extra = FEET  # contacts after the end, for the splines to run on
    was_running = scenario.bouts[0].kind == "run"
    while extra:
        extra -= time > end
        speed = float(course.speed_at(time))
        bout = scenario.bouts[int(course.bout_at(time))]
        paused = False
        if speed < STANDING_MPS and time < end and len(rows) >= FEET:
            time = min(course.next_moving(time), end) + FIRST_STEP_S
            rows[-1] = (*rows[-1][:3], True)
            paused = True
            speed = float(course.speed_at(time))
            bout = scenario.bouts[int(course.bout_at(time))]
        speed = max(speed, SLOWEST_STEPPING_MPS)
        if bout.kind == "run" or was_running:
            running = speed >= RUN_FROM_MPS and not (bout.kind == "walk" and speed <= WALK_UP_TO_MPS)
        else:
            running = speed > WALK_UP_TO_MPS
        was_running = running
        if running:
            tired = 1.0 - np.exp(-max(time - fatigue.start_s, 0.0) / fatigue.time_constant_s)
            cadence = gait.cadence_spm + CADENCE_SLOPE_SPM * (speed - REFERENCE_SPEED_MPS)
            cadence *= (1.0 + fatigue.cadence * tired) * (1.0 + UPHILL_CADENCE * float(course.grade_at(time)))
        else:
            cadence = WALK_CADENCE_SPM + WALK_CADENCE_SLOPE_SPM * speed
        if bout.cadence_spm is not None and not paused and running == (bout.kind == "run"):
            cadence = bout.cadence_spm
        step = 60.0 / cadence * float(noise[len(rows)])
        rows.append((time, running, step, False))
        time += step
    ic, running_, step_, gap = zip(*rows, strict=True)
    return np.array(ic), np.array(running_), np.array(step_), np.array(gap)


def _slow_noise(generator: np.random.Generator, n: int) -> FloatArray:
    """(n,) unit-variance noise with power near 1/f: a sum of first-order autoregressions."""
    from scipy.signal import lfilter

    total: npt.NDArray[Any] = np.zeros(n)
    for steps in NOISE_TIMES_STEPS:
        keep = np.exp(-1.0 / steps)
        white = generator.standard_normal(n + 200)
        total = total + lfilter([np.sqrt(1.0 - keep**2)], [1.0, -keep], white)[200:]
    return np.asarray(total / np.sqrt(len(NOISE_TIMES_STEPS)))
