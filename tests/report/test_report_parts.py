"""Splits, laps, walks, pain and thinned-out points equal what the steps say."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from soleus.model import Flag, Foot, HeartRate
from soleus.recording import Event
from soleus.report.course import course_of, points, spans
from soleus.report.quantities import QUANTITIES, quantity
from soleus.report.splits import five_minutes, laps, pain_marks

NOT_STEADY = Flag.WALKING | Flag.FIRST_OF_BOUT | Flag.ACCELERATING | Flag.TURNING | Flag.CUT
UNSURE = Flag.GAP | Flag.SATURATED | Flag.MOUNTING_UNSURE | Flag.SWAPPED


def plain_median(steps, column, foot, start_s, end_s):
    good = (steps["flags"] & (NOT_STEADY | UNSURE)) == 0
    good &= (steps["quality"] >= 0.5) & (steps["foot"] == foot)
    good &= (steps["initial_contact_s"] >= start_s) & (steps["initial_contact_s"] < end_s)
    return np.nanmedian(steps[column][good])


@pytest.mark.parametrize("name", ["one_sided_fatigue", "walk_run_intervals"])
def test_split_medians(analysed, name):
    from soleus.report import read_run

    run = read_run(analysed[name])
    parts = five_minutes(run, course_of(run.steps))
    assert [part.start_s for part in parts] == [300.0 * i for i in range(len(parts))]
    for part in parts:
        for each in QUANTITIES:
            for foot in Foot:
                wanted = plain_median(run.steps, each.column, foot, part.start_s, part.end_s + (part is parts[-1]))
                assert part.medians[each.signal][foot] == pytest.approx(wanted, nan_ok=True)


def test_splits_add_up(fatigue):
    course = course_of(fatigue.steps)
    parts = five_minutes(fatigue, course)
    assert sum(part.impulse_bws for part in parts) == pytest.approx(course.total("impulse"))
    assert sum(part.distance_m for part in parts) == pytest.approx(course.total("distance"))
    assert sum(part.steps for part in parts) == len(fatigue.steps)
    assert parts[1].distance_m == pytest.approx(300 * 3.111, rel=0.005)


def test_a_long_run_gets_longer_splits(fatigue, made):
    run = made.run(made.tiled(fatigue.steps, 30))
    parts = five_minutes(run, course_of(run.steps))
    assert len(parts) <= 48
    assert (parts[0].end_s - parts[0].start_s) % 300 == 0


def test_laps_and_pain(fatigue, with_events):
    run = with_events(
        fatigue,
        Event(0, 400.0, "lap", "null"),
        Event(1, 700.0, "lap", "null"),
        Event(2, 700.4, "lap", "null"),
        Event(3, 650.0, "pain", json.dumps({"rating": 3})),
        Event(4, 100.0, "pain", "1"),
        Event(5, 200.0, "pain", "not json"),
        Event(6, None, "pain", "4"),
        Event(7, 300.0, "pain", '"<script>"'),
    )
    found = laps(run, course_of(run.steps))
    assert [part.start_s for part in found][1:] == [400.0, 700.0]
    assert sum(part.distance_m for part in found) == pytest.approx(course_of(run.steps).total("distance"))
    assert pain_marks(run) == ((100.0, 1.0), (650.0, 3.0))
    assert laps(fatigue, course_of(fatigue.steps)) == ()


def test_heart_rate_of_a_split(fatigue):
    from dataclasses import replace

    run = replace(fatigue, heart_rate=HeartRate(np.array([10.0, 20.0, 400.0]), np.array([120.0, 130.0, 150.0])))
    parts = five_minutes(run, course_of(run.steps))
    assert [part.heart_rate_bpm for part in parts[:3]] == pytest.approx([125.0, 150.0, np.nan], nan_ok=True)


def test_walks_and_pauses_are_found(intervals):
    found = spans(intervals.steps)
    contact_s, walking = intervals.steps["initial_contact_s"], (intervals.steps["flags"] & Flag.WALKING) != 0
    longest = np.diff(contact_s).max()
    pauses = [span for span in found if span.kind == "no steps"]
    assert max(span.length_s for span in pauses) == pytest.approx(longest)
    inside = np.zeros(contact_s.size, bool)
    for span in found:
        if span.kind == "walking":
            inside |= (contact_s >= span.start_s) & (contact_s < span.end_s)
    # Every walking step lies in a marked walk, but for those too short to mark; no running step does.
    assert not (inside & ~walking).any()
    assert (inside & walking).sum() > 0.75 * walking.sum()


@given(
    st.lists(st.tuples(st.floats(0, 4000), st.floats(-1e3, 1e3)), min_size=1, max_size=300),
    st.floats(1.0, 5000.0),
)
def test_points_keep_extremes_and_medians(rows, length_s):
    time_s = np.sort(np.array([min(t, length_s) for t, _ in rows]))
    values = np.array([v for _, v in rows])
    found = points(time_s, values, 0.0, length_s)
    assert found.time_s.size <= 402
    assert np.nanmin(found.low) == values.min()
    assert np.nanmax(found.high) == values.max()
    piece = np.floor(time_s / found.width_s)
    for number in np.unique(piece):
        own = values[piece == number]
        if own.size >= 3:
            assert found.middle[int(number)] == pytest.approx(np.median(own))


def test_units():
    assert quantity("achilles_impulse").show(0.6049) == "0.605 bw·s"
    assert quantity("foot_strike_angle").show(-3.46) == "-3.5°"
    assert quantity("overstride").show(None) == "–"
