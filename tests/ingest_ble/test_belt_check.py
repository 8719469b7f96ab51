"""How late and how wrong a belt is, and speed profiles from files."""

import numpy as np
import pytest

from soleus.ingest.belt_check import compare_belt
from soleus.ingest.belt_profile import ProfileError, read_profile
from soleus.model import Belt

STEPS_S = np.arange(5.0, 400.0, 0.36)


def course(time_s):
    return np.interp(time_s, [0, 60, 66, 150, 158, 230, 240, 400], [2.6, 2.6, 3.2, 3.2, 4.1, 4.1, 3.0, 3.0])


def belt(lag_s, scale=1.0):
    time_s = np.arange(0.0, 410.0)
    return Belt(time_s, np.round(course(time_s - lag_s) / scale, 2), np.zeros(time_s.size))


@pytest.mark.parametrize("lag_s", [-1.5, 0.4, 3.0])
@pytest.mark.parametrize("scale", [1.0, 0.93, 1.06])
def test_lag_and_scale_are_found(lag_s, scale):
    rng = np.random.default_rng(3)
    speed = course(STEPS_S) * (1 + 0.03 * rng.standard_normal(STEPS_S.size))
    speed[::17] = np.nan
    found = compare_belt(belt(lag_s, scale), STEPS_S, speed)
    assert found.lag_s == pytest.approx(lag_s + 0.5, abs=0.5), "a reading a second: half of it is lag too"
    assert found.lag_range_s[0] <= found.lag_s <= found.lag_range_s[1]
    assert found.scale == pytest.approx(scale, abs=0.01)
    assert found.plausible == (scale == 1.0)


def test_a_steady_belt_tells_no_lag():
    found = compare_belt(Belt.constant(3.0), STEPS_S, np.full(STEPS_S.size, 3.02))
    assert (found.lag_s, found.plausible) == (None, True)
    assert found.sentence == "Belt and steps agree within 0.7 %."


def test_another_runners_belt():
    speed = 3.0 + np.sin(STEPS_S / 20)
    found = compare_belt(belt(0.0), STEPS_S, speed)
    assert not found.plausible
    assert "is it the treadmill being run on?" in found.sentence


def test_too_few_steps():
    assert compare_belt(belt(0.0), STEPS_S[:10], course(STEPS_S[:10])).scale is None


def test_profile(tmp_path):
    path = tmp_path / "profile.csv"
    path.write_text("time_s,speed_kmh,grade_pct\n0,10.8,0\n60,12.6,1.5\n")
    profile = read_profile(path)
    assert profile.speed_mps.round(6).tolist() == [3.0, 3.5]
    assert profile.grade.tolist() == [0.0, 0.015]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("time_s,speed_kmh\n0,10\n0,12\n", "row 3: times must rise"),
        ("time_s,speed_kmh\n0,x\n", "row 2: could not convert"),
        ("time_s,speed_kmh\n0\n", "row 2: "),
        ("time_s,speed_kmh\n0,nan\n", "row 2: "),
        ("time_s,speed_kmh\n0,300\n", "row 2: "),
        ("time_s,pace\n0,300\n", "exactly one of the columns speed_mps, speed_kmh"),
        ("t,speed_kmh\n0,10\n", "columns must be"),
        ("time_s,speed_kmh\n", "at least one row"),
    ],
)
def test_bad_profiles_are_told(tmp_path, text, told):
    path = tmp_path / "profile.csv"
    path.write_text(text)
    with pytest.raises(ProfileError, match=told):
        read_profile(path)
