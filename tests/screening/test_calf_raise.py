import numpy as np
import pytest

from soleus.model import Foot, Runner
from soleus.screening import ScreeningError, count_calf_raises, heel_pitch_deg
from soleus.screening.calf_raise import HEEL_TO_BALL


@pytest.mark.parametrize("rate_hz", [60.0, 100.0, 208.0, 400.0])
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_pitch_is_found_in_any_mounting_at_any_rate(tests, rate_hz, seed):
    made = tests.pod(tests.raises([30.0] * 12), rate_hz, seed=seed)
    motion = made.motion
    found = heel_pitch_deg(motion)
    true = np.interp(motion.time_s, made.time_s, made.angle_deg)
    inside = (motion.time_s > 2.0) & (motion.time_s < motion.time_s[-1] - 2.0)
    assert np.sqrt(np.mean((found - true)[inside] ** 2)) < 1.5


def test_each_repetition_is_counted_with_its_height(tests):
    result = count_calf_raises(tests.pod(tests.raises([32.0] * 25)).motion, tests.RUNNER)
    assert (result.foot, result.repetitions, result.ended_by) == ("left", 25, "end")
    assert result.pace_per_min == pytest.approx(30.0, abs=0.3)
    height_m = HEEL_TO_BALL * 1.75 * np.sin(np.radians(32.0))
    assert result.peak_height_m == pytest.approx(height_m, rel=0.06)
    assert result.total_height_m == pytest.approx(25 * height_m, rel=0.05)
    assert result.work_j == pytest.approx(70.0 * 9.80665 * result.total_height_m)
    assert abs(result.height_change) < 0.05
    assert abs(result.speed_change) < 0.05
    speed = HEEL_TO_BALL * 1.75 * np.radians(32.0) * np.pi / (0.84 * 2.0)
    assert result.each[5].speed == pytest.approx(speed, rel=0.12)


def test_decline_is_told(tests):
    peaks = np.linspace(36.0, 29.0, 20)
    periods = np.linspace(1.8, 2.6, 20)
    result = count_calf_raises(tests.pod(tests.raises(peaks, periods)).motion, tests.RUNNER)
    assert result.repetitions == 20
    assert result.height_change == pytest.approx(np.sin(np.radians(29)) / np.sin(np.radians(36)) - 1, abs=0.04)
    assert result.speed_change < -0.3


def test_two_low_ones_end_the_test_and_one_does_not(tests):
    peaks = [32.0] * 10 + [19.0] + [32.0] * 5 + [19.0, 19.0] + [32.0] * 4
    result = count_calf_raises(tests.pod(tests.raises(peaks)).motion, tests.RUNNER)
    assert (result.repetitions, result.low, result.ended_by) == (15, 1, "height")


def test_a_pause_ends_the_test_and_the_longest_set_counts(tests):
    first, second = tests.raises([30.0] * 6, end_s=4.0), tests.raises([31.0] * 14, stand_s=0.5)
    result = count_calf_raises(tests.pod(np.concatenate([first, second])).motion)
    assert result.repetitions == 14
    result = count_calf_raises(tests.pod(np.concatenate([first, tests.raises([31.0] * 3, stand_s=0.5)])).motion)
    assert (result.repetitions, result.ended_by) == (6, "pause")


def test_what_is_too_quick_or_slow_or_small_is_none(tests):
    peaks = [30.0] * 5 + [30.0, 30.0] + [10.0] + [30.0] * 3
    periods = [2.0] * 5 + [0.7, 8.0] + [2.0] * 4
    result = count_calf_raises(tests.pod(tests.raises(peaks, periods)).motion)
    assert result.odd == 2
    assert all(1.0 < each.duration_s < 2.5 for each in result.each)


def test_without_a_height_nothing_is_invented(tests):
    result = count_calf_raises(tests.pod(tests.raises([30.0] * 8), foot=Foot.RIGHT).motion, Runner(mass_kg=70.0))
    assert (result.foot, result.repetitions) == ("right", 8)
    assert (result.peak_height_m, result.total_height_m, result.work_j) == (None, None, None)
    assert result.each[0].height_m is None


def test_what_is_no_calf_raise_is_refused(tests):
    with pytest.raises(ScreeningError, match="no calf raise of"):
        count_calf_raises(tests.pod(np.zeros(8000)).motion)
    shaken = 20.0 * np.sin(np.arange(9000) / 80.0)
    with pytest.raises(ScreeningError, match="never stood still"):
        count_calf_raises(tests.pod(shaken).motion)
    with pytest.raises(ScreeningError, match="record the test again"):
        _ = tests.pod(np.zeros(1500)).motion


def test_a_test_within_a_longer_recording_is_cut_by_size(tests, monkeypatch):
    monkeypatch.setattr("soleus.screening.pod_motion.MAX_TEST_S", 10.0)
    with pytest.raises(ScreeningError, match="longer than"):
        _ = tests.pod(np.zeros(12_000)).motion
