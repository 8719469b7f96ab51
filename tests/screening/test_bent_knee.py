import numpy as np
import pytest

from soleus.model import Foot
from soleus.screening import ScreeningError, count_calf_raises


def _lean(raises, bent_deg, straight_from_s=None):
    """Lean of the shank [°] a millisecond: upright for two seconds, then bent."""
    time_s = np.arange(len(raises)) / 1000.0
    lean = np.interp(time_s, [0.0, 2.0, 3.0], [0.0, 0.0, bent_deg])
    if straight_from_s is not None:
        lean = np.where(time_s > straight_from_s, 3.0, lean)
    return np.convolve(lean, np.ones(300) / 300, mode="same")


@pytest.mark.parametrize("seed", [2, 6])
def test_a_knee_that_stays_bent_counts(tests, seed):
    raises = tests.raises([30.0] * 12, stand_s=5.0)
    foot = tests.pod(raises, seed=seed).motion
    shank = tests.pod(_lean(raises, 25.0), foot=Foot.RIGHT, seed=seed + 1, lever=np.array([0.02, 0.0, 0.25])).motion
    result = count_calf_raises(foot, tests.RUNNER, "bent", shank)
    assert (result.repetitions, result.straightened, result.knee) == (12, 0, "bent")
    assert result.each[4].shank_lean_deg == pytest.approx(25.0, abs=2.0)


def test_a_knee_that_is_straightened_does_not(tests):
    raises = tests.raises([30.0] * 12, stand_s=5.0)
    foot = tests.pod(raises).motion
    shank = tests.pod(
        _lean(raises, 25.0, straight_from_s=21.0), foot=Foot.RIGHT, lever=np.array([0.02, 0.0, 0.25])
    ).motion
    result = count_calf_raises(foot, tests.RUNNER, "bent", shank)
    assert (result.repetitions, result.straightened, result.low) == (8, 4, 0)
    assert count_calf_raises(foot, tests.RUNNER, "bent").straightened is None


def test_a_shank_that_was_not_recorded_is_refused(tests):
    raises = tests.raises([30.0] * 12, stand_s=5.0)
    foot = tests.pod(raises).motion
    short = tests.pod(_lean(raises, 25.0)[:9000], foot=Foot.RIGHT).motion
    with pytest.raises(ScreeningError, match="record both pods together"):
        count_calf_raises(foot, tests.RUNNER, "bent", short)
