"""The verdict's numbers are those of the steps, and it is honest where there is nothing to judge."""

from __future__ import annotations

import json

import numpy as np
import pytest

from soleus.model import Flag, Foot, Steps, Warnings
from soleus.recording import Event
from soleus.report.change import drift
from soleus.report.course import course_of
from soleus.report.normal import own_reference
from soleus.report.sections_top import guidance_list
from soleus.report.verdict import verdict_of

NOT_STEADY = Flag.WALKING | Flag.FIRST_OF_BOUT | Flag.ACCELERATING | Flag.TURNING | Flag.CUT


def judged(run, history=None):
    return verdict_of(run, course_of(run.steps), history)


def tens(run, foot, column, start_s, end_s):
    """Ten-second medians of one foot, one after the other, the plain way."""
    steps = run.steps
    found = []
    for at in np.arange(start_s, end_s, 10.0):
        within = (steps["initial_contact_s"] >= at) & (steps["initial_contact_s"] < at + 10)
        kept = within & (steps["foot"] == foot) & ((steps["flags"] & NOT_STEADY) == 0)
        found.append(np.median(steps[column][kept]))
    return np.array(found)


def test_the_fatigue_sample_tells_its_story(fatigue):
    """Left contact time rises from minute 8, right does not: the truth of that simulation."""
    verdict = judged(fatigue)
    assert verdict.level == "caution"
    left_before, left_after = (
        np.median(tens(fatigue, 0, "contact_time_s", *span)) for span in ((180, 480), (900, 1200))
    )
    right_before, right_after = (
        np.median(tens(fatigue, 1, "contact_time_s", *span)) for span in ((180, 480), (900, 1200))
    )
    grown = 100 * (left_after / left_before - 1)
    assert grown > 4 > 100 * (right_after / right_before - 1)
    assert f"left contact time grew by {grown:.1f} % ({1000 * left_before:.0f} to {1000 * left_after:.0f} ms)" in (
        verdict.headline
    )
    assert "from about minute 8 on" in verdict.headline
    assert "right contact time did not" in verdict.headline
    change = {(c.quantity.signal, c.foot): c for c in verdict.changes}
    assert change["contact_time", Foot.LEFT].since_s == pytest.approx(480, abs=60)
    assert not change["contact_time", Foot.RIGHT].notable
    assert any(sentence.startswith("Overstride: left") for sentence in verdict.sentences)


def test_drift_of_the_feet_equals_the_plain_sum(fatigue):
    course = course_of(fatigue.steps)
    apart = drift(course, own_reference(course))
    left, right = (tens(fatigue, foot, "contact_time_s", 900, 1200) for foot in (0, 1))
    assert apart.after == pytest.approx(np.median((left - right) / ((left + right) / 2)), abs=1e-9)
    assert apart.foot is Foot.LEFT


def test_mirrored_feet_give_the_mirrored_verdict(fatigue, made):
    mirrored = made.changed(fatigue.steps, foot=(1 - fatigue.steps["foot"]).astype(np.int8))
    verdict = judged(made.run(mirrored))
    assert verdict.drift.foot is Foot.RIGHT
    assert "right contact time grew" in verdict.headline


def test_whole_load_equals_the_sum_over_the_steps(fatigue):
    impulse = np.nansum(fatigue.steps["achilles_impulse_bws"])
    loads = judged(fatigue).loads
    assert loads[0].now == pytest.approx(impulse, rel=1e-9)
    assert any(f"at least {impulse:,.0f} bw·s".replace(",", "\u202f") in s for s in judged(fatigue).sentences)


def test_a_run_without_change_is_well(fatigue, made):
    """The first five minutes over and over: nothing changes."""
    first = fatigue.steps.select(fatigue.steps["initial_contact_s"] < 460)
    verdict = judged(made.run(made.tiled(first.select(slice(0, first["foot"].size // 2 * 2)), 3)))
    assert verdict.level == "well"
    assert verdict.changes
    assert not any(change.notable for change in verdict.changes)


def test_no_steps(made):
    verdict = judged(made.run(Steps.empty()))
    assert verdict.level == "unknown"
    assert "No steps were found" in verdict.headline


def test_walking_only(intervals, made):
    walked = intervals.steps.select((intervals.steps["flags"] & Flag.WALKING) != 0)
    verdict = judged(made.run(walked))
    assert verdict.level == "unknown"
    assert "Nothing was run" in verdict.headline


def test_poor_data(fatigue, made):
    flags = fatigue.steps["flags"].copy()
    flags[::3] |= int(Flag.GAP)
    verdict = judged(made.run(made.changed(fatigue.steps, flags=flags)))
    assert verdict.level == "unknown"
    assert "only 67 % of the running steps can be trusted" in verdict.headline
    assert not any(sentence.startswith("Contact time") for sentence in verdict.sentences)


def test_too_little(fatigue, made):
    verdict = judged(made.run(fatigue.steps.select(fatigue.steps["initial_contact_s"] < 90)))
    assert verdict.level == "unknown"
    assert "Too little running" in verdict.headline


def test_one_pod_only(fatigue, made):
    left = fatigue.steps.select(fatigue.steps["foot"] == Foot.LEFT)
    verdict = judged(made.run(left))
    assert verdict.drift is None
    assert any("only the left foot was seen" in sentence for sentence in verdict.sentences)


def test_pain_goes_before_everything(fatigue, with_events):
    verdict = judged(with_events(fatigue, Event(0, 600.0, "pain", json.dumps({"rating": 5, "after_steps": 3}))))
    assert verdict.level == "stop"
    assert "Calf pain of 5 out of 10" in verdict.headline
    mild = judged(with_events(fatigue, Event(0, 600.0, "pain", '{"rating": 2}')))
    assert mild.level == "caution"
    assert any("2 at 10:00" in sentence for sentence in mild.sentences)


def test_stop_silences_guidance(fatigue, made):
    rows = [
        (10.0, "red-flag-clot", 3, "See a doctor now. Do not run.", "{}", -1, "NHS"),
        (60.0, "overstride", 1, "Shorter steps.", "{}", -1, ""),
    ]
    run = made.run(fatigue.steps, Warnings.from_rows(rows))
    assert judged(run).level == "stop"
    assert "See a doctor now" in judged(run).headline
    assert "no training advice" in guidance_list(run)
    assert "Quicker steps" not in guidance_list(run)
    alone = made.run(fatigue.steps, Warnings.from_rows(rows[1:]))
    assert "Quicker steps" in guidance_list(alone)


def test_a_warning_is_the_headline_where_nothing_else_is(intervals):
    verdict = judged(intervals)
    assert verdict.headline.startswith("One warning: Your heel lands")
    assert verdict.level == "notice"
