"""Orientation and path of a stride against motions that are known exactly."""

from __future__ import annotations

import numpy as np
import pytest

from soleus.gait import kinematics
from soleus.gait.mounting import GRAVITY_MPS2 as G

HZ = 200
STRIDE_S = 0.72
LENGTH = round(STRIDE_S * HZ)


def made_up(n=3, *, speed_mps=3.0, nod_rad=0.6, tilt_rad=0.0, bias_rads=0.0, turn_rad=0.0, side=1.0):
    """Strides of a foot that nods and travels as smooth functions of time say; windows in the foot frame.

    Pitch p(t) = nod (1 - cos) / 2 returns to zero with zero rate; place x(t) moves from rest to rest over one stride.
    The specific force is turned into the foot frame exactly.
    """
    contact, duration = 0.65 * LENGTH, LENGTH / 3
    strides = kinematics.Strides(
        np.zeros(n, np.int64), np.full(n, LENGTH), np.full(n, contact), np.full(n, duration), np.full(n, side)
    )
    start, width = kinematics.window_of(strides)
    t = (np.arange(width) + start[0]) / HZ
    w = 2 * np.pi / STRIDE_S
    pitch = nod_rad * (1 - np.cos(w * t)) / 2 + tilt_rad
    rate = nod_rad * w * np.sin(w * t) / 2
    length_m = speed_mps * STRIDE_S
    ax = length_m * w / STRIDE_S * np.sin(w * t)  # x = L (t/T - sin(wt)/(2 pi)): rest to rest
    az = 0.1 * w**2 * np.cos(w * t)  # z = 0.1 (1 - cos wt)
    cos, sin = np.cos(pitch), np.sin(pitch)
    force = np.stack([cos * ax + sin * (az + G), np.zeros_like(t), -sin * ax + cos * (az + G)])
    signals = np.zeros((n, 6, width), np.float32)
    signals[:, 0] = rate + bias_rads
    signals[:, 2] = turn_rad / STRIDE_S
    signals[:, 3:] = force
    return signals, strides, t, pitch


@pytest.mark.parametrize("speed_mps", [1.2, 2.5, 3.5, 5.0])
@pytest.mark.parametrize("nod_rad", [0.0, 0.4, 0.9])
def test_speed_of_a_known_path(speed_mps, nod_rad):
    signals, strides, *_ = made_up(speed_mps=speed_mps, nod_rad=nod_rad)
    found = kinematics.measure(signals, strides)
    assert found["strapdown_speed_mps"] == pytest.approx(speed_mps, rel=2e-3)
    assert found["gravity_mps2"] == pytest.approx(G, rel=1e-3)
    assert found["residual_deg"] == pytest.approx(0.0, abs=0.05)
    assert found["heading_change_deg"] == pytest.approx(0.0, abs=0.05)


def test_pitch_at_contact_is_that_of_the_motion():
    signals, strides, t, pitch = made_up(nod_rad=0.5)
    found = kinematics.measure(signals, strides)
    degrees = np.degrees(np.interp(np.linspace(0, 2 * LENGTH / HZ, 4000), t, pitch))
    at = np.linspace(0, 2 * LENGTH / HZ, 4000)
    contact_s, duration_s = strides.contact[0] / HZ, strides.duration[0] / HZ
    before = (at >= contact_s - 0.015) & (at <= contact_s - 0.005)
    flat = (at >= contact_s + 0.30 * duration_s) & (at <= contact_s + 0.45 * duration_s)
    assert found["pitch_contact_deg"] == pytest.approx(degrees[before].mean() - degrees[flat].mean(), abs=0.15)


@pytest.mark.parametrize("bias_dps", [-3.0, -0.5, 0.5, 3.0])
def test_a_bias_of_the_gyroscope_is_spread_out(bias_dps):
    """Drift comes back as the residual and hardly moves speed or pitch."""
    clean = kinematics.measure(*made_up()[:2])
    found = kinematics.measure(*made_up(bias_rads=np.radians(bias_dps))[:2])
    assert found["residual_deg"] == pytest.approx(abs(bias_dps) * STRIDE_S, abs=0.05)
    assert found["strapdown_speed_mps"] == pytest.approx(clean["strapdown_speed_mps"], rel=0.01)
    assert found["pitch_contact_deg"] == pytest.approx(clean["pitch_contact_deg"], abs=0.3)


@pytest.mark.parametrize("turn_deg", [-30.0, 8.0, 45.0])
def test_a_turn_shows_as_change_of_heading(turn_deg):
    found = kinematics.measure(*made_up(nod_rad=0.0, turn_rad=np.radians(turn_deg))[:2])
    assert found["heading_change_deg"] == pytest.approx(turn_deg, abs=0.5)


def test_sides_mirror_roll_and_toe_out():
    signals, strides, t, _ = made_up()
    signals[:, 1] += 0.3 * np.sin(2 * np.pi / STRIDE_S * t).astype(np.float32)
    left = kinematics.measure(signals, strides)
    mirrored = signals.copy()
    mirrored[:, [1, 2, 4]] *= -1
    right_strides = kinematics.Strides(strides.begin, strides.end, strides.contact, strides.duration, -strides.side)
    right = kinematics.measure(mirrored, right_strides)
    for name in ("roll_contact_deg", "roll_mid_deg", "toe_out_deg", "eversion_deg", "pitch_contact_deg"):
        assert right[name] == pytest.approx(left[name], abs=1e-3), name


def test_a_stride_does_not_depend_on_the_strides_beside_it():
    rng = np.random.default_rng(4)
    signals, strides, *_ = made_up(n=6)
    signals = signals + rng.normal(0, 0.2, signals.shape).astype(np.float32)
    together = kinematics.measure(signals, strides)
    for k in range(6):
        part = kinematics.Strides(*(getattr(strides, f)[k : k + 1] for f in strides.__slots__))
        alone = kinematics.measure(signals[k : k + 1], part)
        for name, values in together.items():
            assert values[k] == alone[name][0], name


def test_all_that_is_promised_is_measured():
    from soleus.gait.contacts import FEATURES

    found = kinematics.measure(*made_up()[:2])
    assert set(FEATURES) <= set(found)
    assert all(v.shape == (3,) and v.dtype == np.float64 for v in found.values())
