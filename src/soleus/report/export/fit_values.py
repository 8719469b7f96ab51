"""Steps into what FIT's messages say: means of each second, of each lap and of the whole."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from soleus.model import Flag, Foot, HeartRate, Steps
from soleus.report.export.fit_profile import (
    CM_PER_M,
    FRACTIONS,
    MM_PER_M,
    MS_PER_S,
    PERCENT,
    STEP_VALUES,
    STEPS_PER_CYCLE,
)
from soleus.rules.bins import MAX_STEP_GAP_S

HEART_RATE_HOLDS_S: Final = 5.0
"""How long a heart-rate reading stands [s]: straps send about one a second; after five lost ones it is unknown."""

Floats = npt.NDArray[np.float64]
Whole = npt.NDArray[np.intp]

_MEANS: Final = (
    ("enhanced_speed", "speed_mps", 1.0),
    ("grade", "grade", PERCENT),
    ("vertical_oscillation", "vertical_oscillation_m", MM_PER_M),
    ("stance_time", "contact_time_s", MS_PER_S),
    ("stance_time_percent", "duty_factor", PERCENT),
    ("vertical_ratio", "vertical_ratio", PERCENT),
    ("step_length", "step_length_m", MM_PER_M),
    ("overstride", "overstride_m", CM_PER_M),
    ("achilles_impulse", "achilles_impulse_bws", 1.0),
    ("achilles_peak", "achilles_peak_bw", 1.0),
    ("foot_strike_angle", "foot_strike_angle_deg", 1.0),
    ("calf_dose", "calf_dose", 1.0),
)
"""Field, column of the steps, and factor to the field's unit."""


def moved_m(steps: Steps) -> Floats:
    """Give the way made up to each step since the one before [m]; nothing where speed is unknown or after a pause.

    Added up it is the distance that the history and the rules take.
    """
    taken_s = np.diff(steps["initial_contact_s"], prepend=np.nan)
    taken_s = np.where(taken_s <= MAX_STEP_GAP_S, taken_s, 0.0)
    speed_mps = steps["speed_mps"]
    return np.where(np.isfinite(speed_mps), speed_mps, 0.0) * taken_s


def group_means(steps: Steps, group: Whole, n: int) -> dict[str, Floats]:
    """Give the means of the steps of each group, in FIT's units; NaN where a group knows none.

    Parameters
    ----------
    steps
        The steps.
    group
        Group of each step, shape ``(steps,)``.
    n
        Number of groups.

    Returns
    -------
    dict
        Field to values, shape ``(n,)``. Cadence is in strides a minute, whole and fraction apart; the balance is the
        left foot's share of both feet's mean contact times.
    """
    values = {name: _mean(steps[column] * factor, group, n) for name, column, factor in _MEANS}
    for foot in Foot:
        mine = steps["foot"] == foot
        values[f"contact_time_{foot.label}"] = _mean(steps["contact_time_s"][mine] * MS_PER_S, group[mine], n)
    left, right = values["contact_time_left"], values["contact_time_right"]
    values["stance_time_balance"] = PERCENT * left / (left + right)
    strides = np.rint(_mean(steps["cadence_spm"], group, n) / STEPS_PER_CYCLE * FRACTIONS)
    values["cadence"] = np.floor(strides / FRACTIONS)
    values["fractional_cadence"] = (strides - values["cadence"] * FRACTIONS) / FRACTIONS
    return values


def running_rows(steps: Steps) -> npt.NDArray[np.bool_]:
    """Tell which steps averages are of: those of running, or all if there is only walking."""
    running = (steps["flags"] & int(Flag.WALKING)) == 0
    return running if running.any() else np.ones(len(steps), bool)


def latest_heart_rate(heart_rate: HeartRate | None, at_s: Floats) -> Floats:
    """Give the newest reading at each time [beats/min]; NaN where it is older than five seconds or there is none.

    Examples
    --------
    >>> latest_heart_rate(HeartRate(np.array([1.0, 2.5]), np.array([120.0, 122.0])), np.array([0.5, 2.0, 3.0, 9.0]))
    array([ nan, 120., 122.,  nan])
    """
    if heart_rate is None or not heart_rate.time_s.size:
        return np.full(at_s.shape, np.nan)
    i = np.searchsorted(heart_rate.time_s, at_s, side="right") - 1
    fresh = (i >= 0) & (at_s - heart_rate.time_s[i] <= HEART_RATE_HOLDS_S)
    return np.where(fresh & (heart_rate.rate_bpm[i] > 0), heart_rate.rate_bpm[i], np.nan)


def part_values(steps: Steps, heart_rate: HeartRate | None, edges_s: Floats, fastest_mps: Floats) -> dict[str, Floats]:
    """Give totals and averages of parts of a session.

    Parameters
    ----------
    steps, heart_rate
        The session's.
    edges_s
        Session times between the parts, shape ``(parts + 1,)``; a step belongs where its contact begins.
    fastest_mps
        Fastest second of each part, shape ``(parts,)``.

    Returns
    -------
    dict
        Field of the lap message (those of averages with ``avg_`` before them, own ones without), shape ``(parts,)``.
    """
    n = edges_s.size - 1
    part = np.clip(np.searchsorted(edges_s, steps["initial_contact_s"], side="right") - 1, 0, n - 1)
    kept = running_rows(steps)
    means = group_means(steps.select(kept), part[kept], n)
    way_m = moved_m(steps)
    whole_m = _sums(way_m, part, n)
    time_s = np.diff(edges_s)
    contacts = np.bincount(part, minlength=n)
    speed_known = bool(np.isfinite(steps["speed_mps"]).any())
    grade_known = bool(np.isfinite(steps["grade"]).any())
    uphill_m = _sums(way_m * np.maximum(np.nan_to_num(steps["grade"]), 0.0), part, n)
    unknown = np.full(n, np.nan)
    values = {(name if name in STEP_VALUES else f"avg_{name}"): each for name, each in means.items()}
    for name in _NOT_AVERAGED:
        del values[f"avg_{name}"]
    values |= _beats(heart_rate, edges_s)
    values |= {
        "total_elapsed_time": time_s,
        "total_timer_time": time_s,
        "total_cycles": (contacts // STEPS_PER_CYCLE).astype(np.float64),
        "total_fractional_cycles": contacts % STEPS_PER_CYCLE / STEPS_PER_CYCLE,
        "total_distance": whole_m if speed_known else unknown,
        "enhanced_avg_speed": whole_m / np.where(time_s > 0, time_s, np.nan) if speed_known else unknown,
        "enhanced_max_speed": fastest_mps,
        "total_ascent": uphill_m if grade_known else unknown,
    }
    return values


_NOT_AVERAGED: Final = ("enhanced_speed", "grade")
"""Of these a lap has its own kind of average, or none."""


def _beats(heart_rate: HeartRate | None, edges_s: Floats) -> dict[str, Floats]:
    n = edges_s.size - 1
    mean, most = np.full(n, np.nan), np.full(n, np.nan)
    if heart_rate is not None:
        inside = (heart_rate.time_s >= edges_s[0]) & (heart_rate.time_s <= edges_s[-1]) & (heart_rate.rate_bpm > 0)
        rate, at_s = heart_rate.rate_bpm[inside].astype(np.float64), heart_rate.time_s[inside]
        part = np.clip(np.searchsorted(edges_s, at_s, side="right") - 1, 0, n - 1)
        mean = _mean(rate, part, n)
        most = _largest(rate, part, n)
    return {"avg_heart_rate": mean, "max_heart_rate": most}


def _mean(values: npt.NDArray[Any], group: Whole, n: int) -> Floats:
    known = np.isfinite(values)
    counts = np.bincount(group[known], minlength=n)
    sums = np.bincount(group[known], values[known], n)
    return np.where(counts > 0, sums / np.maximum(counts, 1), np.nan)


def _sums(values: Floats, group: Whole, n: int) -> Floats:
    return np.asarray(np.bincount(group, values, n), np.float64)


def _largest(values: npt.NDArray[Any], group: Whole, n: int) -> Floats:
    most = np.full(n, -np.inf)
    known = np.isfinite(values)
    np.maximum.at(most, group[known], values[known])
    return np.where(np.isfinite(most), most, np.nan)


def largest_by_part(values: Floats, at_s: Floats, edges_s: Floats) -> Floats:
    """Give the largest known value of each part; NaN where there is none."""
    n = edges_s.size - 1
    part = np.clip(np.searchsorted(edges_s, at_s, side="right") - 1, 0, n - 1)
    return _largest(values, part, n)


def seconds(steps: Steps, heart_rate: HeartRate | None, ends_s: Floats) -> Mapping[str, Floats]:
    """Give what each record says: the second that ends at its time.

    Parameters
    ----------
    steps, heart_rate
        The session's.
    ends_s
        Session time at which each second ends, one apart, shape ``(n,)``.

    Returns
    -------
    dict
        Field to values, shape ``(n,)``: means over the steps whose contact begins in the second, the distance up to
        its end, the newest heart-rate reading.
    """
    n = ends_s.size
    second = np.clip(np.searchsorted(ends_s, steps["initial_contact_s"], side="right"), 0, n - 1)
    values = group_means(steps, second, n)
    if np.isfinite(steps["speed_mps"]).any():
        values["distance"] = np.cumsum(_sums(moved_m(steps), second, n))
    values["heart_rate"] = latest_heart_rate(heart_rate, ends_s)
    return values
