"""What is normal: the history's prediction at each speed, or minutes 3-8, and nothing where neither is known."""

from __future__ import annotations

import numpy as np
import pytest

from soleus.report.course import course_of
from soleus.report.four_weeks import compare, load_of
from soleus.report.normal import band, own_reference
from soleus.rules import HistorySummary, SignalBaseline, fit_baselines, run_minutes
from soleus.rules.baseline import RunMinutes


def usual(signal="contact_time", foot="left", **more):
    facts = {
        "signal": signal, "foot": foot, "level": 0.240, "speed_mps": 3.0, "speed_slope": -0.05, "speed_low_mps": 2.5,
        "speed_high_mps": 3.5, "spread": 0.003, "n_runs": 5, "n_minutes": 100,
    }  # fmt: skip
    return SignalBaseline(**(facts | more))


def test_band_of_the_history_is_its_prediction_at_this_speed(fatigue):
    course = course_of(fatigue.steps)
    found = band(course, "contact_time", HistorySummary(baselines=(usual(),)), own_reference(course))
    speed = np.median(fatigue.steps["speed_mps"])
    assert found.source == "history"
    assert found.middle[:, 0] == pytest.approx(0.240 - 0.05 * (speed - 3.0))
    within = band(course, "contact_time", None, own_reference(course)).spread[0, 0]
    assert (found.high - found.low)[:, 0] == pytest.approx(4 * np.hypot(0.003, within))
    assert np.isnan(found.middle[:, 1]).all(), "nothing is known of the right foot"
    assert "5 runs" in found.words


def test_a_history_of_other_speeds_leaves_the_runs_own_band(fatigue):
    course = course_of(fatigue.steps)
    far = HistorySummary(baselines=(usual(speed_low_mps=4.0, speed_high_mps=5.0, speed_mps=4.5),))
    found = band(course, "contact_time", far, own_reference(course))
    assert found.source == "run"


def test_the_runs_own_band_is_minutes_three_to_eight(fatigue):
    course = course_of(fatigue.steps)
    found = band(course, "contact_time", None, own_reference(course))
    steps = fatigue.steps
    medians = []
    for at in np.arange(180.0, 480.0, 10.0):
        within = (steps["initial_contact_s"] >= at) & (steps["initial_contact_s"] < at + 10) & (steps["foot"] == 0)
        medians.append(np.median(steps["contact_time_s"][within]))
    middle = np.median(medians)
    assert found.middle[:, 0] == pytest.approx(middle, abs=1e-9)
    assert found.spread[0, 0] == pytest.approx(1.4826 * np.median(np.abs(medians - middle)), rel=1e-6)
    left = course.bins.rows["contact_time"][:, 0]
    late = course.bins.end_s > 960
    assert (left > found.high[:, 0])[late].mean() > 0.5, "the tiring foot leaves its band"
    assert (left > found.high[:, 0])[course.bins.end_s < 480].mean() < 0.1


def test_no_band_where_nothing_is_known(intervals):
    course = course_of(intervals.steps)
    assert own_reference(course) is None
    assert band(course, "contact_time", None, None) is None
    assert band(course, "contact_time", HistorySummary(), None) is None


def test_other_speeds_have_no_band(fatigue, made):
    speed = np.where(fatigue.steps["initial_contact_s"] > 900, 3.6, fatigue.steps["speed_mps"])
    course = course_of(made.changed(fatigue.steps, speed_mps=speed))
    found = band(course, "contact_time", None, own_reference(course))
    fast = course.bins.end_s > 920
    assert np.isnan(found.middle[fast]).all()
    assert np.isfinite(found.middle[~fast][:80]).all()


def test_comparison_with_the_weeks(fatigue):
    """Three runs like the fatigue run, shifted by -2, 0 and +2 ms: this run lies in the middle of them."""
    minutes = run_minutes(fatigue.steps, 1.0)
    runs = []
    for days, shift in ((3.0, -0.002), (6.0, 0.0), (9.0, 0.002)):
        values = {name: rows + shift * (name == "contact_time") for name, rows in minutes.values.items()}
        runs.append(RunMinutes(days, minutes.speed_mps, minutes.grade, values))
    history = HistorySummary(baselines=fit_baselines(runs))
    course = course_of(fatigue.steps)
    found = {(each.quantity.signal, each.foot): each for each in compare(course, history)}
    contact = found["contact_time", 0]
    assert abs(contact.difference) < 0.002
    assert contact.spread == pytest.approx(1.4826 * 0.002, rel=0.1)
    assert contact.runs == 3
    assert contact.share == 1.0


def test_load_needs_enough_history(fatigue):
    course = course_of(fatigue.steps)
    short = HistorySummary(sessions_30d=2, span_days=20.0, longest_impulse_bws=1000.0)
    assert load_of(course, short)[0].longest is None
    long = HistorySummary(sessions_30d=5, span_days=20.0, longest_impulse_bws=course.total("impulse") / 1.2)
    assert load_of(course, long)[0].ratio == pytest.approx(1.2)
