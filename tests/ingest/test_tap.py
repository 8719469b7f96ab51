"""Taps are found over quiet, and only there."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from soleus.ingest.tap import TapEvidence, find_taps, judge_taps

ACCEL_LSB = 16 * 9.80665 / 32768
GYRO_LSB = 2000 / 32768 * np.pi / 180
RATES = (104.0, 200.0, 416.0, 833.0)


def standing(duration_s, rate_hz, seed=1):
    """A pod at rest, tilted, with noise."""
    rng = np.random.default_rng(seed)
    counts = rng.normal(0, 15, (6, int(duration_s * rate_hz)))
    counts[0] += 0.5 * 9.80665 / ACCEL_LSB
    counts[2] += 0.866 * 9.80665 / ACCEL_LSB
    return counts


def with_taps(at_s, rate_hz, peak_g=4.0, length_s=0.02, duration_s=8.0, seed=1):
    """Half a sine each, with ringing behind."""
    counts = standing(duration_s, rate_hz, seed)
    time_s = np.arange(counts.shape[1]) / rate_hz
    for tap_s in at_s:
        since = time_s - tap_s
        pulse = np.where((since >= 0) & (since < length_s), np.sin(np.pi * np.clip(since / length_s, 0, 1)), 0.0)
        ringing = np.where(since >= length_s, 0.3 * np.exp(-since / 0.03) * np.sin(2 * np.pi * 40 * since), 0.0)
        counts[2] += peak_g * 9.80665 / ACCEL_LSB * (pulse + ringing)
    return np.clip(np.rint(counts), -32768, 32767).astype(np.int16)


@pytest.mark.parametrize("rate_hz", RATES)
@settings(max_examples=20, deadline=None)
@given(
    start=st.floats(0.8, 3.0),
    gap=st.floats(0.25, 0.9),
    n=st.integers(3, 5),
    peak=st.floats(3.0, 14.0),
    seed=st.integers(0, 9),
)
def test_taps_are_counted(rate_hz, start, gap, n, peak, seed):
    found = find_taps(with_taps(start + gap * np.arange(n), rate_hz, peak, seed=seed), ACCEL_LSB, GYRO_LSB, rate_hz)
    assert found.taps == n
    assert found.clear


@pytest.mark.parametrize("rate_hz", RATES)
def test_standing_still_and_single_knocks_are_no_taps(rate_hz):
    assert find_taps(with_taps((), rate_hz), ACCEL_LSB, GYRO_LSB, rate_hz) == TapEvidence(0)
    assert not find_taps(with_taps((1.0, 1.4), rate_hz), ACCEL_LSB, GYRO_LSB, rate_hz).clear
    assert not find_taps(with_taps((1.0, 3.0, 5.0, 7.0), rate_hz), ACCEL_LSB, GYRO_LSB, rate_hz).clear, "too far apart"
    assert not find_taps(with_taps((1, 2, 3), rate_hz, 0.8), ACCEL_LSB, GYRO_LSB, rate_hz).clear, "too soft"
    assert find_taps(with_taps((), rate_hz)[:, :10], ACCEL_LSB, GYRO_LSB, rate_hz).taps == 0


@pytest.mark.parametrize(
    ("kind", "speed_mps"), [("walk", 1.0), ("walk", 1.4), ("walk", 1.8), ("run", 2.4), ("run", 3.5)]
)
def test_steps_are_no_taps(recordings, kind, speed_mps):
    made = recordings.bouts((kind, speed_mps, 10.0)).recording
    found = [
        find_taps(track.samples.counts, track.info.accel_lsb_mps2, track.info.gyro_lsb_rads, 200.0)
        for track in made.pods
    ]
    assert not any(one.clear for one in found)
    assert judge_taps(found).pod is None


@pytest.mark.parametrize(
    ("evidence", "pod", "told"),
    [
        ([TapEvidence(4, 40.0), TapEvidence(0)], 0, "felt 4 taps"),
        ([TapEvidence(0), TapEvidence(3, 20.0), TapEvidence(1, 90.0)], 1, "felt 3 taps"),
        ([TapEvidence(4, 90.0), TapEvidence(3, 20.0)], 0, "felt 4 taps"),
        ([TapEvidence(4, 50.0), TapEvidence(3, 20.0)], None, "several pods felt taps"),
        ([TapEvidence(2, 50.0), TapEvidence(0)], None, "only 2 of 4 taps were felt"),
        ([TapEvidence(0), TapEvidence(0)], None, "no taps were felt"),
        ([TapEvidence(0, restless=True), TapEvidence(0)], None, "stand still"),
        ([], None, "no taps were felt"),
    ],
)
def test_the_verdict(evidence, pod, told):
    verdict = judge_taps(evidence)
    assert verdict.pod == pod
    assert told in verdict.sentence
