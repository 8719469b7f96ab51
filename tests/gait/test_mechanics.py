"""Spring-mass and tendon formulas against numerical integration of the force they stand for."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from soleus.gait import calf, mechanics
from soleus.gait.mounting import GRAVITY_MPS2 as G

CONTACT = st.floats(0.16, 0.30)
FLIGHT = st.floats(0.01, 0.16)


def one(x: float) -> np.ndarray:
    return np.array([x])


def terms(contact_s, step_s, stride_s=None, height_m=1.75, speed=3.2):
    stride_s = 2 * step_s if stride_s is None else stride_s
    return mechanics.step_terms(
        one(contact_s), one(step_s), one(stride_s), height_m, {"strapdown_speed_mps": one(speed)}
    )


def half_sine(contact_s: float, step_s: float, n: int = 40_001) -> tuple[np.ndarray, np.ndarray]:
    """Force [bw] of a half sine whose impulse carries the body for a whole step."""
    t = np.linspace(0, contact_s, n)
    return t, np.pi / 2 * step_s / contact_s * np.sin(np.pi * t / contact_s)


@given(CONTACT, FLIGHT)
def test_peak_force_carries_the_body_for_a_step(contact_s, flight_s):
    step_s = contact_s + flight_s
    t, force = half_sine(contact_s, step_s)
    assert np.trapezoid(force, t) == pytest.approx(step_s, rel=1e-6)
    assert terms(contact_s, step_s)["half_sine_force_bw"][0] == pytest.approx(force.max(), rel=1e-6)


@given(CONTACT, FLIGHT)
def test_oscillation_is_the_force_integrated_twice(contact_s, flight_s):
    step_s = contact_s + flight_s
    t, force = half_sine(contact_s, step_s)
    speed = -G * flight_s / 2 + np.concatenate([[0], np.cumsum((force[1:] + force[:-1]) / 2 - 1) * G * (t[1] - t[0])])
    height = np.concatenate([[0], np.cumsum((speed[1:] + speed[:-1]) / 2) * (t[1] - t[0])])
    flight_rise = G * flight_s**2 / 8
    numeric = -height.min() + flight_rise
    assert terms(contact_s, step_s)["spring_mass_oscillation_m"][0] == pytest.approx(numeric, rel=2e-3, abs=2e-4)


@given(CONTACT, FLIGHT, st.floats(2.0, 5.5), st.floats(45, 100), st.floats(0.8, 1.05))
def test_stiffness_is_that_of_morin(contact_s, flight_s, speed_mps, mass_kg, leg_m):
    """Equations 3-7 of Morin 2005, written out."""
    assume(speed_mps * contact_s / 2 < 0.95 * leg_m)
    step_s = contact_s + flight_s
    peak_n = mass_kg * G * np.pi / 2 * (flight_s / contact_s + 1)
    dip = peak_n * contact_s**2 / (mass_kg * np.pi**2) - G * contact_s**2 / 8
    shortening = leg_m - np.sqrt(leg_m**2 - (speed_mps * contact_s / 2) ** 2) + dip
    ours = mechanics.leg_stiffness_kn_per_m(
        terms(contact_s, step_s)["half_sine_force_bw"], one(contact_s), one(speed_mps), mass_kg, leg_m
    )
    assert ours[0] == pytest.approx(peak_n / shortening / 1000, rel=1e-6)


@pytest.mark.parametrize(("mass", "leg"), [(None, 0.9), (70.0, None), (None, None)])
def test_no_stiffness_without_body_measures(mass, leg):
    assert np.isnan(mechanics.leg_stiffness_kn_per_m(one(2.4), one(0.24), one(3.2), mass, leg)).all()


def test_a_leg_cannot_reach_further_than_it_is_long():
    assert np.isnan(mechanics.leg_stiffness_kn_per_m(one(2.4), one(0.30), one(8.0), 70.0, 0.9)).all()


def test_a_limp_is_balanced_by_the_stride():
    """A step too long by a timing error, in a stride of the right length, counts in part."""
    level = terms(0.24, 0.36)["spring_mass_oscillation_m"][0]
    limp = terms(0.24, 0.38, stride_s=0.72)["spring_mass_oscillation_m"][0]
    assert level < limp < terms(0.24, 0.38)["spring_mass_oscillation_m"][0]


def test_unknown_height_stays_unknown():
    made = terms(0.24, 0.36, height_m=None)
    assert np.isnan(made["height_m"]).all()
    assert np.isnan(made["peak_scale"]).all()
    assert np.isfinite(made["peak_scale_without_height"]).all()


@given(st.floats(1, 9), st.floats(0.16, 0.32))
def test_dose_is_the_sixth_power_of_a_half_sine_integrated(peak_bw, contact_s):
    t = np.linspace(0, contact_s, 20_001)
    force = peak_bw * np.sin(np.pi * t / contact_s)
    dose = calf.dose_bw6s(one(peak_bw), one(np.trapezoid(force, t)))
    assert dose[0] == pytest.approx(np.trapezoid(force**6, t), rel=1e-4)


@given(st.floats(0.5, 5), st.floats(1.4, 2.1))
def test_tendon_force_is_moment_over_arm(moment, height_m):
    bw = calf.tendon_force_bw(one(moment), height_m)[0]
    assert bw * G * calf.moment_arm_m(height_m) == pytest.approx(moment)
    assert calf.moment_arm_m(height_m) == pytest.approx(0.05 * height_m / 1.75)
    assert calf.tendon_force_bw(one(moment), None)[0] == pytest.approx(moment / G / 0.05)


def test_uphill_loads_the_calf_more_downhill_less_and_an_unknown_grade_is_level():
    level = calf.graded_moment(one(2.0), one(24.0), one(0.0))[0]
    assert level == 2.0
    assert calf.graded_moment(one(2.0), one(24.0), one(np.nan))[0] == 2.0
    assert calf.graded_moment(one(2.0), one(24.0), one(0.05))[0] == pytest.approx(2.0 + 24 * 0.09 * 0.05)
    assert calf.graded_moment(one(2.0), one(24.0), one(-0.05))[0] < 2.0


@given(CONTACT, FLIGHT, st.floats(1.01, 1.2))
def test_longer_contact_means_less_force_and_less_oscillation(contact_s, flight_s, more):
    step_s = contact_s * more + flight_s
    short, long = terms(contact_s, step_s), terms(contact_s * more, step_s)
    assert long["half_sine_force_bw"][0] < short["half_sine_force_bw"][0]
    assert long["spring_mass_oscillation_m"][0] < short["spring_mass_oscillation_m"][0]
