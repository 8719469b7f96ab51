"""The truth of a session as a table: one row a contact, in the columns of the Steps contract."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from soleus.model import STEP_COLUMNS, Column, Flag, FloatArray, Runner
from soleus.simulate.body import ForceShape, calf_load, eversion_deg, overstride_m
from soleus.simulate.course import Course
from soleus.simulate.foot import FootMotion
from soleus.simulate.scenario import Scenario
from soleus.simulate.steps import Contacts

REARFOOT_ABOVE_DEG: Final = 8.0
FOREFOOT_BELOW_DEG: Final = -1.6
"""Classes of the foot strike; Altman & Davis 2012, doi:10.1016/j.gaitpost.2011.09.104."""
STEADY_MPS2: Final = 0.05
"""Contacts within a step of a faster change of speed are marked as accelerating [m/s²]."""
TURNING_DEG: Final = 20.0
GRADED: Final = 0.02
"""Limits of the flags of the same name, as their definitions say."""

TRUTH_COLUMNS: Final = (
    *(c for c in STEP_COLUMNS if c.name not in {"speed_source", "quality", "leg_stiffness_kn_per_m"}),
    Column("t_next_ic", "s", "Initial contact of the other foot after this one"),
    Column("bout", "1", "Index of the scenario's bout"),
)
"""The columns of the truth; leg stiffness is a matter of definition and has none."""


def truth_table(
    scenario: Scenario, course: Course, contacts: Contacts, feet: tuple[FootMotion, FootMotion], seed: int
) -> pa.Table:
    """Put together the truth of all contacts that lie whole within the session.

    ``overstride_m``, forces, oscillation and calf load are null in walking; stride values are null for a foot's
    first contact.
    """
    n = len(contacts)
    generator = np.random.Generator(np.random.PCG64DXSM(np.random.SeedSequence([seed, n])))
    strike, eversion, overstride = np.empty(n), np.empty(n), np.empty(n)
    place = np.empty((n, 3))
    contact_time = contacts.to_s - contacts.ic_s
    runner: Runner = scenario.runner
    for motion in feet:
        own = contacts.foot == (motion.side < 0)
        strike[own] = np.degrees(motion.strike_rad)
        eversion[own] = eversion_deg(motion)
        overstride[own] = overstride_m(motion, scenario.gait, runner, contact_time[own], generator)
        place[own] = motion.place_m
    next_ic = np.append(contacts.ic_s[1:], np.nan)
    step_time = next_ic - contacts.ic_s
    stride_time, stride_length = np.full(n, np.nan), np.full(n, np.nan)
    stride_time[2:] = contacts.ic_s[2:] - contacts.ic_s[:-2]
    stride_length[2:] = np.linalg.norm(place[2:] - place[:-2], axis=1)
    speed = stride_length / stride_time
    shape = ForceShape(scenario.gait.force_exponent)
    running = contacts.running & (step_time > contact_time)
    calf = calf_load(shape, runner, strike, contacts.grade, step_time, contact_time)
    oscillation = shape.oscillation_m(step_time, contact_time)
    only_run = np.where(running, 1.0, np.nan)
    strike_word = np.where(strike > REARFOOT_ABOVE_DEG, 0, np.where(strike < FOREFOOT_BELOW_DEG, 2, 1))
    values: dict[str, Any] = {
        "foot": contacts.foot,
        "initial_contact_s": contacts.ic_s,
        "toe_off_s": contacts.to_s,
        "contact_time_s": contact_time,
        "flight_time_s": next_ic - contacts.to_s,
        "step_time_s": step_time,
        "stride_time_s": stride_time,
        "cadence_spm": 60.0 / step_time,
        "duty_factor": contact_time / stride_time,
        "speed_mps": speed,
        "grade": contacts.grade,
        "stride_length_m": stride_length,
        "step_length_m": speed * step_time,
        "foot_strike_angle_deg": strike,
        "foot_strike": strike_word.astype(np.int8),
        "pronation_excursion_deg": eversion,
        "vertical_oscillation_m": oscillation * only_run,
        "vertical_ratio": oscillation / (speed * step_time) * only_run,
        "overstride_m": overstride * only_run,
        "peak_force_bw": shape.peak_force_bw(step_time, contact_time) * only_run,
        "achilles_peak_bw": calf.peak_bw * only_run,
        "achilles_impulse_bws": calf.impulse_bws * only_run,
        "calf_dose": calf.dose * only_run,
        "flags": _flags(contacts, course, stride_time),
        "t_next_ic": next_ic,
        "bout": contacts.bout.astype(np.float64),
    }
    # What exists only in relation to a contact before the session is unknown to any observer of it.
    whole = np.flatnonzero((contacts.ic_s >= 0.0) & (contacts.to_s <= scenario.duration_s))
    first = np.intersect1d(whole[:2], np.flatnonzero(np.append([np.nan] * 2, contacts.ic_s[:-2]) < 0.0))
    for name in ("stride_time_s", "stride_length_m", "speed_mps", "step_length_m", "duty_factor", "vertical_ratio"):
        values[name][first] = np.nan
    values["flags"][first] |= int(Flag.FIRST_OF_BOUT)
    return pa.Table.from_arrays(
        [_array(column, values[column.name][whole]) for column in TRUTH_COLUMNS],
        schema=pa.schema([column.field for column in TRUTH_COLUMNS]),
    )


def _flags(contacts: Contacts, course: Course, stride_time: FloatArray) -> npt.NDArray[np.int32]:
    """(n,) flags that follow from the scenario: walking, turning, accelerating, graded."""
    around = np.linspace(-1.0, 1.0, 9)[:, None] * np.nan_to_num(stride_time, nan=0.8).clip(0.4, 1.5)
    speed = course.speed_at(contacts.ic_s + around)
    changing = np.ptp(speed, axis=0) > STEADY_MPS2 * 2.0 * np.nan_to_num(stride_time, nan=0.8).clip(0.4, 1.5)
    standing = contacts.standing.copy()
    for shift in (1, 2):
        standing[shift:] |= contacts.standing[:-shift]
        standing[:-shift] |= contacts.standing[shift:]
    turned = np.zeros(len(contacts), np.bool_)
    turned[2:] = np.abs(np.degrees(contacts.heading_rad[2:] - contacts.heading_rad[:-2])) > TURNING_DEG
    flags = np.zeros(len(contacts), np.int32)
    for flag, where in (
        (Flag.WALKING, ~contacts.running),
        (Flag.ACCELERATING, changing | standing),
        (Flag.TURNING, turned),
        (Flag.GRADED, np.abs(contacts.grade) > GRADED),
    ):
        flags[where] |= int(flag)
    return flags


def _array(column: Column, values: npt.NDArray[Any]) -> pa.Array[Any]:
    if column.name == "flags":
        sets, codes = np.unique(values, return_inverse=True)
        words = pa.array([Flag(int(s)).names for s in sets], pa.string())
        return pa.DictionaryArray.from_arrays(pa.array(codes, pa.int32()), words)
    if column.words is not None:
        return pa.DictionaryArray.from_arrays(pa.array(values, pa.int8()), pa.array(column.words, pa.string()))
    return pa.array(values, pa.float64(), from_pandas=True)
