"""A pod that falls silent must not hold back the other foot's rows."""

import numpy as np
import pytest

from soleus.gait import GaitAnalyzer
from soleus.model import Flag, Foot, Steps
from soleus.simulate import Bout, Scenario, simulate

LOST_S = 12.0


@pytest.fixture(scope="module")
def recording():
    scenario = Scenario(name="lost pod", bouts=(Bout(kind="run", speed_mps=3.2, duration_s=24),))
    return simulate(scenario, seed=3).recording


def test_rows_wait_for_a_silent_pod_until_it_is_declared_silent(recording):
    left, right = recording.pods
    heard = right.samples[: int(np.searchsorted(right.samples.time_s, LOST_S))]
    analyzer = GaitAnalyzer([left.info, right.info], recording.runner)
    before = analyzer.push([left.samples, heard])
    assert before["initial_contact_s"].max() < LOST_S
    released = analyzer.advance(Foot.RIGHT, 24.0)
    rest = Steps.concat([released, analyzer.finish()])
    lonely = rest["initial_contact_s"] > LOST_S
    assert (rest["foot"][lonely] == Foot.LEFT).all()
    assert lonely.sum() >= 10
    assert (rest["flags"][lonely] & Flag.OTHER_FOOT_MISSING).all()
    assert np.isfinite(rest["contact_time_s"][lonely][:-1]).all()


def test_what_comes_too_late_is_dropped_and_counted(recording):
    left, right = recording.pods
    analyzer = GaitAnalyzer([left.info, right.info], recording.runner)
    analyzer.push([left.samples])
    analyzer.advance(Foot.RIGHT, LOST_S)
    analyzer.push([right.samples])
    late = int(np.searchsorted(right.samples.time_s, LOST_S, side="right"))
    assert analyzer.counts[Foot.RIGHT].samples.bad_time == late


def test_a_foot_without_pod_cannot_be_silent(recording):
    with pytest.raises(ValueError, match="right foot has no pod"):
        GaitAnalyzer([recording.pods[0].info]).advance(Foot.RIGHT, 1.0)
