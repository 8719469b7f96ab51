import numpy as np
import pytest

from soleus.model import Foot
from soleus.screening import ScreeningError, measure_knee_to_wall


def _holds(*angles_deg: float, hold_s: float = 3.5, stand_s: float = 2.0) -> np.ndarray:
    """Lean [°] a millisecond: upright, then to each angle and back, held."""
    knots, values, at = [0.0, stand_s], [0.0, 0.0], stand_s
    for angle in angles_deg:
        for time_s, value in ((1.0, angle), (hold_s, angle), (1.0, 0.0), (2.0, 0.0)):
            at += time_s
            knots.append(at)
            values.append(value)
    return np.interp(np.arange(0.0, at, 0.001), knots, values)


@pytest.mark.parametrize("rate_hz", [100.0, 200.0, 416.0])
@pytest.mark.parametrize("seed", [1, 5])
def test_the_lean_is_measured_in_any_mounting(tests, rate_hz, seed):
    shank = tests.pod(_holds(38.0, 41.0), rate_hz, seed=seed, lever=np.array([0.02, 0.0, 0.25])).motion
    result = measure_knee_to_wall("left", shank)
    assert result.holds_deg == pytest.approx((38.0, 41.0), abs=2.0)
    assert result.angle_deg == max(result.holds_deg)
    assert result.heel_lift_deg is None


def test_a_lifted_heel_does_not_count(tests):
    shank = tests.pod(_holds(38.0, 44.0), lever=np.array([0.02, 0.0, 0.25])).motion
    heel = tests.pod(_holds(0.5, 6.0), foot=Foot.RIGHT, seed=7).motion
    result = measure_knee_to_wall("left", shank, heel)
    assert result.heel_lift_deg == pytest.approx((0.5, 6.0), abs=0.8)
    assert result.angle_deg == result.holds_deg[0]
    lifted = tests.pod(_holds(5.0, 6.0), foot=Foot.RIGHT, seed=7).motion
    assert measure_knee_to_wall("left", shank, lifted).angle_deg is None


def test_what_is_no_hold_is_refused(tests):
    with pytest.raises(ScreeningError, match="no hold of 2"):
        measure_knee_to_wall("left", tests.pod(_holds(38.0, hold_s=1.5)).motion)
    with pytest.raises(ScreeningError, match="never still"):
        measure_knee_to_wall("left", tests.pod(30.0 * np.sin(np.arange(9000) / 90.0)).motion)
    short = tests.pod(_holds(38.0)[:3200], foot=Foot.RIGHT).motion
    with pytest.raises(ScreeningError, match="record both together"):
        measure_knee_to_wall("left", tests.pod(_holds(38.0)).motion, short)
