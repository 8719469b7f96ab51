from __future__ import annotations

import numpy as np
import pytest

from soleus.batch import Result
from soleus.batch.summary import summarize
from soleus.gait.analyzer import FootCounts
from soleus.gait.grid import SampleCounts
from soleus.model import STEP_DTYPES, Flag, Foot, PodInfo, Runner, Steps, Warnings


def steps(**columns) -> Steps:
    n = len(columns["foot"])
    values = {name: np.full(n, -1 if d != np.float64 else np.nan).astype(d) for name, d in STEP_DTYPES.items()}
    values["flags"] = np.zeros(n, np.int32)
    return Steps(values | {name: np.asarray(v, STEP_DTYPES[name]) for name, v in columns.items()})


def result(rows: Steps, warnings: Warnings | None = None) -> Result:
    pods = tuple(PodInfo(foot, 0.005, 0.001) for foot in Foot)
    counts = {f: FootCounts(SampleCounts(received=900, missing=5, bridged=2, clipped=3), 4) for f in Foot}
    return Result(
        rows, warnings or Warnings.empty(), pods, Runner(), None, counts, dict.fromkeys(Foot, 900), (1.0, 11.0), ()
    )


def test_time_counts_until_the_next_contact_but_not_over_a_pause():
    walking = int(Flag.WALKING)
    rows = steps(
        foot=[0, 1, 0, 1, 0],
        initial_contact_s=[0.0, 0.5, 1.0, 9.0, 9.4],
        contact_time_s=[0.6, 0.6, 0.6, 0.25, 0.25],
        flags=[walking, walking, walking, 0, 0],
    )
    found = summarize(result(rows))
    assert found.walking_s == pytest.approx(0.5 + 0.5 + 0.6)
    assert found.running_s == pytest.approx(0.4 + 0.25)
    assert (found.running_steps, found.walking_steps) == (2, 3)
    assert found.flags == {"walking": 3}


def test_medians_are_those_of_running_and_need_three_values():
    rows = steps(
        foot=[0, 0, 0, 1, 1, 0],
        initial_contact_s=np.arange(6) * 0.4,
        contact_time_s=[0.22, 0.24, 0.23, 0.2, 0.2, 0.7],
        foot_strike_angle_deg=[5.0, 6.0, 7.0, np.nan, 1.0, 2.0],
        flags=[0, 0, 0, 0, 0, int(Flag.WALKING)],
    )
    metrics = {m.name: m for m in summarize(result(rows)).metrics}
    assert metrics["contact_time_s"].left == pytest.approx(0.23)
    assert metrics["contact_time_s"].right is None
    assert metrics["contact_time_s"].asymmetry is None
    assert metrics["foot_strike_angle_deg"].both == pytest.approx(5.5)
    assert metrics["speed_mps"].both is None


def test_asymmetry_is_a_share_of_the_mean_but_a_difference_for_angles():
    rows = steps(
        foot=[0, 1] * 3,
        initial_contact_s=np.arange(6) * 0.4,
        contact_time_s=[0.22, 0.20] * 3,
        foot_strike_angle_deg=[1.0, -1.0] * 3,
    )
    metrics = {m.name: m for m in summarize(result(rows)).metrics}
    assert metrics["contact_time_s"].asymmetry == pytest.approx(100 * 0.02 / 0.21)
    assert metrics["contact_time_s"].asymmetry_unit == "%"
    assert metrics["foot_strike_angle_deg"].asymmetry == pytest.approx(2.0)
    assert metrics["foot_strike_angle_deg"].asymmetry_unit == "deg"


def test_nothing_but_walking_gives_medians_of_walking():
    rows = steps(
        foot=[0, 1, 0], initial_contact_s=[0, 0.5, 1.0], contact_time_s=[0.7] * 3, flags=[int(Flag.WALKING)] * 3
    )
    found = summarize(result(rows))
    assert found.medians_of == "walking"
    assert {m.name: m.both for m in found.metrics}["contact_time_s"] == pytest.approx(0.7)


def test_no_steps_at_all_is_a_summary_too():
    found = summarize(result(Steps.empty()))
    assert (found.steps, found.running_s, found.mean_quality) == (0, 0.0, None)
    assert found.duration_s == 10.0


def test_every_defect_is_counted_and_named():
    counts = summarize(result(Steps.empty())).quality_counts()
    assert counts["left.lost"] == 5
    assert counts["right.bridged"] == 2
    assert counts["left.clipped"] == 3
    assert counts["right.rejected_swings"] == 4


def test_warnings_come_with_their_evidence():
    rows = Warnings.from_rows(
        [(62.0, "contact_asymmetry", 2, "Left stays longer.", '{"asymmetry": 0.05}', 0, "X 2020")]
    )
    (found,) = summarize(result(Steps.empty(), rows)).warnings
    assert (found.severity, found.foot, found.evidence) == ("caution", "left", {"asymmetry": 0.05})
