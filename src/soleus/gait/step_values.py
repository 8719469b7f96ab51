"""The values of each step's row, from its own contact, the other foot's next one, speed, grade and runner.

The contract of every column is in :mod:`soleus.model.tables`; what cannot be estimated is NaN, with a flag why.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from soleus.gait import calf, mechanics
from soleus.gait.contacts import Contacts
from soleus.gait.fitted import MetricModels
from soleus.gait.grid import SampleFlag
from soleus.gait.mounting import FAIR_MPS2, GRAVITY_ERROR_MAX_MPS2, GRAVITY_MPS2, RESIDUAL_MAX_RAD
from soleus.model import FOOT_STRIKES, MISSING_CODE, SPEED_SOURCES, Flag, FloatArray, Foot, Runner, Steps

REARFOOT_ABOVE_DEG: Final = 8.0
FOREFOOT_BELOW_DEG: Final = -1.6
"""Foot strike classes by foot strike angle; Altman & Davis 2012 (doi:10.1016/j.gaitpost.2011.09.104)."""
WALKING_DUTY: Final = 0.5
"""A foot on the ground for more than half of its stride leaves no flight: that is walking by definition."""
SLOW_DUTY: Final = 0.42
SLOW_STRIDE_S: Final = 0.92
"""So long a stride with so long a contact is a walk whose toe-off was seen early: runners of 130 steps/min fly."""
GRADED_BEYOND: Final = 0.02
"""Slope from which the spring-mass stiffness is invalid; Meyer 2023 (doi:10.1055/a-2032-0311)."""
TURN_DEG: Final = 20.0
UNSTEADY_RATIO: Final = 0.15
"""Change of stride time or speed from one stride to the next that no steady run shows (its CV is 1-3 %)."""
FITTED_SPEED_MPS: Final = (2.2, 5.0)
BELT_MIN_MPS: Final = 0.2
"""A belt slower than this stands; a foot that steps on it runs elsewhere."""
BELT_RATIO_MAX: Final = 1.2
"""The trajectory's speed is right within a few per cent (RBDS): a belt that differs by more lies or lags."""
STRIDE_TIME_S: Final = (0.40, 1.6)
STEP_OF_STRIDE_MAX: Final = 0.8
"""A step longer than this share of the stride skips a contact of the other foot."""
STEP_MAX_S: Final = 1.0
UNSURE_QUALITY: Final = 0.5
"""Factor on quality for each of: mounting unsure, stride not closed, toe-off not seen."""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a foot's contacts need from outside; (n,) each, NaN where unknown.

    ``next_other_s`` the other foot's next initial contact [s]; ``other_speed_mps`` trajectory speed of the other
    foot's previous stride; ``last_stride_s``, ``last_speed_mps`` of the same foot's previous stride; ``belt_mps``,
    ``grade`` of the belt.
    """

    next_other_s: FloatArray
    other_speed_mps: FloatArray
    last_stride_s: FloatArray
    last_speed_mps: FloatArray
    belt_mps: FloatArray
    grade: FloatArray


def stride_time_s(contacts: Contacts) -> FloatArray:
    """Time since the same foot's previous contact [s]; NaN at the first contact of a bout."""
    time = contacts.initial_contact_s - contacts.previous_s
    return np.where((time >= STRIDE_TIME_S[0]) & (time <= STRIDE_TIME_S[1]), time, np.nan)


def trajectory_speed_mps(contacts: Contacts, models: MetricModels) -> FloatArray:
    """Speed of each stride from the foot's own path [m/s]; NaN where the path could not be followed."""
    features = contacts.features
    speed = features["strapdown_speed_mps"] * (1 + models.speed_excess(features))
    return np.where(_broken(contacts), np.nan, speed)


def fill(foot: Foot, contacts: Contacts, around: Surroundings, runner: Runner, models: MetricModels) -> Steps:
    """Make the rows of one foot's contacts.

    Parameters
    ----------
    foot
        The foot.
    contacts, around
        n contacts and their surroundings.
    runner, models
        Body measures and fitted models.
    """
    contact_s, toe_off_s = contacts.initial_contact_s, contacts.toe_off_s
    gap = (contacts.defects & SampleFlag.GAP) != 0
    broken = _broken(contacts)
    contact_time = np.where(gap, np.nan, toe_off_s - contact_s)
    stride_time = stride_time_s(contacts)
    step_time = _step_time(contact_s, around.next_other_s, stride_time)
    walking = _walking(contact_time, stride_time, step_time)
    own_speed = trajectory_speed_mps(contacts, models)
    both = np.where(np.isfinite(around.other_speed_mps), 0.5 * (own_speed + around.other_speed_mps), own_speed)
    on_belt = around.belt_mps > BELT_MIN_MPS
    speed = np.where(on_belt, around.belt_mps, both)
    graded = np.abs(around.grade) > GRADED_BEYOND

    features = {name: np.where(broken, np.nan, values) for name, values in contacts.features.items()}
    step_or_half = np.where(np.isfinite(step_time), step_time, stride_time / 2)
    running = np.where(walking, np.nan, contact_time)
    terms = mechanics.step_terms(running, step_or_half, stride_time, runner.height_m, features)
    angle = models.foot_strike_angle_deg(terms)
    force = models.peak_force_bw(terms)
    oscillation = models.vertical_oscillation_m(terms)
    has_height = runner.height_m is not None
    overstride = models.overstride_m(terms)
    impulse, peak = _tendon(terms, models, around.grade, runner)
    stiffness = mechanics.leg_stiffness_kn_per_m(force, running, speed, runner.mass_kg, runner.leg_m)

    columns: dict[str, npt.NDArray[Any]] = {
        "foot": np.full(contact_s.size, int(foot), np.int8),
        "initial_contact_s": contact_s,
        "toe_off_s": np.where(gap, np.nan, toe_off_s),
        "contact_time_s": contact_time,
        "flight_time_s": np.where(np.isfinite(step_time), around.next_other_s, np.nan) - contact_s - contact_time,
        "step_time_s": step_time,
        "stride_time_s": stride_time,
        "cadence_spm": 60.0 / step_or_half,
        "duty_factor": contact_time / stride_time,
        "speed_mps": speed,
        "speed_source": _codes(np.isfinite(speed), np.where(on_belt, 0, 1), len(SPEED_SOURCES)),
        "grade": around.grade,
        "stride_length_m": speed * stride_time,
        "step_length_m": speed * step_time,
        "foot_strike_angle_deg": angle,
        "foot_strike": _codes(np.isfinite(angle), _strike(angle), len(FOOT_STRIKES)),
        "pronation_excursion_deg": features["eversion_deg"],
        "vertical_oscillation_m": oscillation,
        "vertical_ratio": oscillation / (speed * step_or_half),
        "overstride_m": np.where(graded, np.nan, overstride),
        "peak_force_bw": force,
        "leg_stiffness_kn_per_m": np.where(graded, np.nan, stiffness),
        "achilles_peak_bw": peak,
        "achilles_impulse_bws": impulse,
        "calf_dose": calf.dose_bw6s(peak, impulse),
        "quality": _quality(contacts, toe_off_s),
    }
    flags = _defect_flags(contacts)
    for condition, flag in (
        (walking, Flag.WALKING),
        (np.abs(contacts.features["heading_change_deg"]) > TURN_DEG, Flag.TURNING),
        (_unsteady(stride_time, around.last_stride_s) | _unsteady(own_speed, around.last_speed_mps), Flag.ACCELERATING),
        (~np.isfinite(speed), Flag.NO_SPEED),
        (np.full(walking.shape, not has_height), Flag.NO_HEIGHT),
        (np.full(walking.shape, runner.mass_kg is None), Flag.NO_MASS),
        (graded, Flag.GRADED),
        (on_belt & _differ(around.belt_mps, both), Flag.BELT_DIFFERS),
        (~np.isfinite(stride_time), Flag.FIRST_OF_BOUT),
        (~np.isfinite(step_time), Flag.OTHER_FOOT_MISSING),
        (contacts.unsure, Flag.MOUNTING_UNSURE),
        (~np.isfinite(toe_off_s), Flag.CUT),
        (~walking & ((speed < FITTED_SPEED_MPS[0]) | (speed > FITTED_SPEED_MPS[1])), Flag.EXTRAPOLATED),
        (_not_closed(contacts), Flag.NOT_CLOSED),
        (contacts.swapped, Flag.SWAPPED),
    ):
        flags[condition] |= flag
    columns["flags"] = flags
    return Steps(columns)


def _broken(contacts: Contacts) -> npt.NDArray[np.bool_]:
    """Tell strides whose path is lost: samples missing, rates saturated, or not closed."""
    lost = (contacts.defects & (SampleFlag.GAP | SampleFlag.SATURATED)) != 0
    broken: npt.NDArray[np.bool_] = lost | _not_closed(contacts)
    return broken


def _not_closed(contacts: Contacts) -> npt.NDArray[np.bool_]:
    """Tell strides over which the pose does not come back, or whose mean specific force is nothing like gravity."""
    gravity = contacts.features["gravity_mps2"]
    no_gravity = (gravity < FAIR_MPS2[0]) | (gravity > FAIR_MPS2[1])
    not_closed: npt.NDArray[np.bool_] = no_gravity | (contacts.features["residual_deg"] > np.degrees(RESIDUAL_MAX_RAD))
    return not_closed


def _step_time(contact_s: FloatArray, next_other_s: FloatArray, stride_s: FloatArray) -> FloatArray:
    step = next_other_s - contact_s
    longest = np.where(np.isfinite(stride_s), np.minimum(STEP_OF_STRIDE_MAX * stride_s, STEP_MAX_S), STEP_MAX_S)
    return np.where(step <= longest, step, np.nan)


def _walking(contact_s: FloatArray, stride_s: FloatArray, step_s: FloatArray) -> npt.NDArray[np.bool_]:
    slow = (contact_s > SLOW_DUTY * stride_s) & (stride_s > SLOW_STRIDE_S)
    by_duty = (contact_s > WALKING_DUTY * stride_s) | slow
    by_overlap = ~np.isfinite(stride_s) & (contact_s > step_s)
    walking: npt.NDArray[np.bool_] = by_duty | by_overlap
    return walking


def _tendon(
    terms: dict[str, FloatArray], models: MetricModels, grade: FloatArray, runner: Runner
) -> tuple[FloatArray, FloatArray]:
    """Achilles impulse [bw·s] and peak [bw]."""
    if runner.height_m is None:
        impulse = models.ankle_impulse_without_height_nms_per_kg(terms)
        peak = models.ankle_peak_without_height_nm_per_kg(terms)
    else:
        impulse = models.ankle_impulse_nms_per_kg(terms)
        peak = models.ankle_peak_nm_per_kg(terms)
    stance = np.where(np.isfinite(terms["contact_length_m"]), terms["step_time_s"], np.nan)
    impulse = calf.graded_moment(impulse, GRAVITY_MPS2 * stance, grade)
    peak = calf.graded_moment(peak, GRAVITY_MPS2 * terms["half_sine_force_bw"], grade)
    return calf.tendon_force_bw(impulse, runner.height_m), calf.tendon_force_bw(peak, runner.height_m)


def _strike(angle_deg: FloatArray) -> npt.NDArray[np.int64]:
    return np.where(angle_deg > REARFOOT_ABOVE_DEG, 0, np.where(angle_deg < FOREFOOT_BELOW_DEG, 2, 1))


def _codes(known: npt.NDArray[np.bool_], code: npt.NDArray[Any], words: int) -> npt.NDArray[np.int8]:
    return np.where(known & (code < words), code, MISSING_CODE).astype(np.int8)


def _unsteady(now: FloatArray, before: FloatArray) -> npt.NDArray[np.bool_]:
    unsteady: npt.NDArray[np.bool_] = np.abs(now - before) > UNSTEADY_RATIO * np.abs(before)
    return unsteady


def _differ(belt_mps: FloatArray, own_mps: FloatArray) -> npt.NDArray[np.bool_]:
    differ: npt.NDArray[np.bool_] = (belt_mps > BELT_RATIO_MAX * own_mps) | (own_mps > BELT_RATIO_MAX * belt_mps)
    return differ


def _quality(contacts: Contacts, toe_off_s: FloatArray) -> FloatArray:
    """Clean share of the samples, halved for each doubt."""
    features = contacts.features
    closed = (features["residual_deg"] < np.degrees(RESIDUAL_MAX_RAD)) & (
        np.abs(features["gravity_mps2"] - GRAVITY_MPS2) < GRAVITY_ERROR_MAX_MPS2
    )
    quality = contacts.clean_share.copy()
    for doubt in (~closed, contacts.unsure, ~np.isfinite(toe_off_s)):
        quality = np.where(doubt, UNSURE_QUALITY * quality, quality)
    return quality


def _defect_flags(contacts: Contacts) -> npt.NDArray[np.int32]:
    flags = np.zeros(len(contacts), np.int32)
    for bit, flag in (
        (SampleFlag.GAP, Flag.GAP),
        (SampleFlag.BRIDGED, Flag.REPAIRED),
        (SampleFlag.CLIPPED, Flag.CLIPPED),
        (SampleFlag.SATURATED, Flag.SATURATED),
        (SampleFlag.REPAIRED, Flag.REPAIRED),
    ):
        flags[(contacts.defects & bit) != 0] |= flag
    return flags
