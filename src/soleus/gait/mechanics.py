"""Spring-mass quantities of a running step, and overstride.

Morin 2005 (doi:10.1123/jab.21.2.167): with a half-sine vertical force of duration tc in a step of duration T, peak
force, oscillation and stiffness follow in closed form. The closed forms are terms of small linear models, fitted
against a force plate, which take up that real force is no half sine.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import numpy as np

from soleus.gait.mounting import GRAVITY_MPS2
from soleus.model import FloatArray

STRIDE_SHARE: Final = 0.2
"""Weight of half the stride beside the step time: a foot's timing bias lengthens one step and shortens the next."""
HALF_SINE_FLIGHT: Final = 0.125
HALF_SINE_CONTACT: Final = 0.25 - 1 / (2 * np.pi)
"""Oscillation of a half-sine step is g T² (1/8 - (1/4 - 1/(2π)) tc/T): Morin's two parts added."""


def step_terms(
    contact_time_s: FloatArray,
    step_time_s: FloatArray,
    stride_time_s: FloatArray,
    height_m: float | None,
    features: Mapping[str, FloatArray],
) -> dict[str, FloatArray]:
    """Make the terms of the metric models.

    Parameters
    ----------
    contact_time_s, step_time_s, stride_time_s
        (n,) [s].
    height_m
        Body height [m], if known.
    features
        (n,) arrays of :func:`soleus.gait.kinematics.measure`.

    Returns
    -------
    The features and, (n,) each: ``step_time_s``, ``half_sine_force_bw``, ``spring_mass_oscillation_m``,
    ``contact_share``, ``contact_length_m``, ``height_m`` and the moment scales [N·m·s/kg], [N·m/kg] per percent lever.

    Examples
    --------
    >>> one = np.ones(1)
    >>> terms = step_terms(0.24 * one, 0.36 * one, 0.72 * one, 1.75, {"strapdown_speed_mps": 3 * one})
    >>> terms["half_sine_force_bw"].round(3), terms["spring_mass_oscillation_m"].round(4)
    (array([2.356]), array([0.0819]))
    """
    balanced_s = (1 - STRIDE_SHARE) * step_time_s + STRIDE_SHARE * stride_time_s / 2
    force_bw = np.pi / 2 * step_time_s / contact_time_s
    impulse = GRAVITY_MPS2 * step_time_s / 100
    peak = GRAVITY_MPS2 * force_bw / 100
    height = np.nan if height_m is None else height_m
    return {
        **features,
        "step_time_s": step_time_s,
        "height_m": np.full_like(step_time_s, height),
        "half_sine_force_bw": force_bw,
        "contact_share": contact_time_s / balanced_s,
        "spring_mass_oscillation_m": GRAVITY_MPS2
        * balanced_s
        * (HALF_SINE_FLIGHT * balanced_s - HALF_SINE_CONTACT * contact_time_s),
        "contact_length_m": features["strapdown_speed_mps"] * contact_time_s,
        "impulse_scale": impulse * height,
        "peak_scale": peak * height,
        "impulse_scale_without_height": impulse,
        "peak_scale_without_height": peak,
    }


def leg_stiffness_kn_per_m(
    peak_force_bw: FloatArray,
    contact_time_s: FloatArray,
    speed_mps: FloatArray,
    mass_kg: float | None,
    leg_m: float | None,
) -> FloatArray:
    """Leg stiffness [kN/m] of the spring-mass model on the level (Morin 2005, eq. 3-7); NaN without mass or leg length.

    Parameters
    ----------
    peak_force_bw, contact_time_s, speed_mps
        (n,) peak vertical force [bw], contact time [s], speed [m/s].
    mass_kg, leg_m
        Body mass [kg] and leg length [m], if known.

    Examples
    --------
    >>> leg_stiffness_kn_per_m(np.array([2.4]), np.array([0.24]), np.array([3.3]), 70.0, 0.93).round(1)
    array([10.6])
    """
    if mass_kg is None or leg_m is None:
        return np.full_like(peak_force_bw, np.nan)
    force_n = peak_force_bw * mass_kg * GRAVITY_MPS2
    dip_m = force_n * contact_time_s**2 / (mass_kg * np.pi**2) - GRAVITY_MPS2 * contact_time_s**2 / 8
    reach_m = speed_mps * contact_time_s / 2
    # a leg cannot reach farther than it is long: such rows have no stiffness
    level = np.where(reach_m < leg_m, leg_m**2 - reach_m**2, np.nan)
    shortening_m = leg_m - np.sqrt(level) + dip_m
    stiffness: FloatArray = force_n / np.where(shortening_m > 0, shortening_m, np.nan) / 1000
    return stiffness
