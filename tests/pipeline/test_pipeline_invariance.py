"""Steps and warnings together: the same however the samples were cut, live or batch."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import soleus
from soleus.model import Belt, Steps, Warnings
from soleus.pipeline import Pipeline
from soleus.recording import write_session


@pytest.fixture(scope="module")
def tiring(recordings):
    """Minutes in which one foot's contact grows, so that rules have something to say."""
    from soleus.simulate import BeltReadings, Fatigue

    return recordings.run(
        3.1, duration_s=420.0, belt=BeltReadings(), sensor=recordings.Sensor(rate_hz=100.0),
        fatigue=Fatigue(start_s=120.0, time_constant_s=40.0, contact_left=0.15, contact_right=0.02),
    ).recording  # fmt: skip


def streamed(recording, edges_s) -> tuple[Steps, Warnings]:
    pipeline = Pipeline([t.info for t in recording.pods], recording.runner)
    steps, warnings = [], []
    for begin, end in itertools.pairwise(edges_s):
        b = slice(*np.searchsorted(recording.belt.time_s, [begin, end]))
        belt = Belt(recording.belt.time_s[b], recording.belt.speed_mps[b], recording.belt.grade[b])
        pieces = [t.samples[slice(*np.searchsorted(t.samples.time_s, [begin, end]))] for t in recording.pods]
        for got in (pipeline.push((), belt), pipeline.push(pieces)):
            steps.append(got[0])
            warnings.append(got[1])
    got = pipeline.finish()
    return Steps.concat([*steps, got[0]]), Warnings.concat([*warnings, got[1]])


@pytest.fixture(scope="module")
def whole(tiring):
    return streamed(tiring, [-1.0, 1e9])


def test_there_are_steps_and_warnings_to_compare(whole):
    steps, warnings = whole
    assert len(steps) > 1000
    assert len(warnings) > 0


@given(st.lists(st.floats(0, 420), min_size=1, max_size=60))
@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_steps_and_warnings_do_not_depend_on_the_cuts(tiring, whole, cuts):
    steps, warnings = streamed(tiring, [-1.0, *sorted(cuts), 1e9])
    assert steps == whole[0]
    assert warnings == whole[1]


def test_a_live_stream_gives_what_batch_gives(tiring, whole, tmp_path):
    write_session(tiring, tmp_path / "s")
    result = soleus.analyze(soleus.read(tmp_path / "s"))
    live = streamed(tiring, np.append(np.arange(-1.0, 425.0, 0.5), 1e9))
    assert result.step_rows == whole[0] == live[0]
    assert result.warning_rows == whole[1] == live[1]


def test_reading_piece_by_piece_gives_the_same(tiring, whole, tmp_path):
    write_session(tiring, tmp_path / "s")
    with soleus.open_recording(tmp_path / "s") as reader:
        result = soleus.analyze(reader)
    assert result.step_rows == whole[0]
    assert result.warning_rows == whole[1]
    assert result.samples == {t.info.foot: len(t.samples) for t in tiring.pods}
    assert result.span_s == pytest.approx((0.0, 420.0), abs=0.05)


def test_twice_is_the_same(tiring):
    assert streamed(tiring, [-1.0, 1e9])[0] == streamed(tiring, [-1.0, 1e9])[0]


def test_no_rules_no_warnings_and_the_same_steps(tiring, whole):
    result = soleus.analyze(tiring, rules=[])
    assert result.step_rows == whole[0]
    assert len(result.warning_rows) == 0


def test_arguments_take_the_place_of_the_recording(tiring):
    tall = soleus.Runner(mass_kg=90.0, height_m=2.0)
    result = soleus.analyze(tiring, runner=tall, belt=Belt.constant(2.9, 0.01), rules=[])
    assert result.runner is tall
    assert (result.step_rows["speed_mps"] == 2.9).all()
    assert (result.step_rows["grade"] == 0.01).all()


def test_tables_of_the_result_follow_the_contract(tiring):
    result = soleus.analyze(tiring)
    assert result.steps.schema.metadata[b"schema"] == b"soleus.steps"
    assert result.warnings.schema.metadata[b"schema"] == b"soleus.warnings"
    assert set(result.counts) == {t.info.foot for t in tiring.pods}
