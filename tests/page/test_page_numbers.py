"""What a display shows is what the steps say; what is missing stays missing."""

from __future__ import annotations

import numpy as np
import pytest

from soleus.live.news import (
    Marked,
    Phase,
    PhaseChanged,
    RunEnded,
    RunStatus,
    SamplesTaken,
    StepsFound,
    Told,
    WarningsSaid,
)
from soleus.live.numbers import RunNumbers
from soleus.live.run_sums import STRIKE_EDGES_DEG
from soleus.live.shown import STEP_QUANTITIES
from soleus.live.step_window import ROLLING_S
from soleus.model import Foot, PodSamples, Steps, Warnings
from soleus.rules import HistorySummary
from soleus.rules.bins import BinGatherer


@pytest.fixture(scope="module")
def run_steps(recordings):
    made = recordings.run(duration_s=40.0)
    steps, _ = recordings.rows(made.recording)
    return steps


def numbers_of(steps: Steps, piece: int = 3, **how) -> RunNumbers:
    numbers = RunNumbers(**how)
    numbers.take(PhaseChanged(0.0, Phase.RUNNING, "Run."))
    for start in range(0, len(steps), piece):
        part = steps.select(slice(start, start + piece))
        numbers.take(StepsFound(float(part["toe_off_s"][-1]) + 0.3, part))
    return numbers


def warning(time_s: float, severity: int, evidence: str = "{}", message: str = "x") -> WarningsSaid:
    return WarningsSaid(Warnings.from_rows([(time_s, "rule", severity, message, evidence, -1, "")]))


def test_values_are_medians_of_the_last_seconds(run_steps):
    shown = numbers_of(run_steps).snapshot()
    late = run_steps.select(run_steps["initial_contact_s"] > shown.now_s - ROLLING_S)
    assert len(late) > 20
    for quantity in STEP_QUANTITIES:
        for foot, value in (
            (Foot.LEFT, shown.values[quantity.name].left),
            (Foot.RIGHT, shown.values[quantity.name].right),
        ):
            expected = np.nanmedian(late[quantity.name][late["foot"] == foot])
            assert value == pytest.approx(expected)
    left, right = shown.values["contact_time_s"].left, shown.values["contact_time_s"].right
    assert shown.contact_asymmetry_pct == pytest.approx(200 * (left - right) / (left + right))
    assert shown.values["overstride_m"].asymmetry == pytest.approx(
        shown.values["overstride_m"].left - shown.values["overstride_m"].right
    )


def test_sums_are_those_that_the_rules_see(run_steps):
    shown = numbers_of(run_steps).snapshot()
    bins = BinGatherer(frozenset()).gather(run_steps)
    assert shown.steps == len(run_steps)
    assert shown.distance_m == pytest.approx(bins.rows["distance"][-1, 0])
    assert shown.calf_dose.both == pytest.approx(bins.rows["dose"][-1, 0])
    assert shown.achilles_impulse_bws.both == pytest.approx(bins.rows["impulse"][-1, 0])
    assert shown.laps[-1].distance_m == pytest.approx(shown.distance_m)


@pytest.mark.parametrize("piece", [1, 7, 1000])
def test_how_steps_were_cut_does_not_matter(run_steps, piece):
    now_s = float(run_steps["toe_off_s"][-1]) + 1.0
    one, other = (numbers_of(run_steps, size).snapshot(now_s) for size in (3, piece))
    assert one.values == other.values
    assert one.calf_dose.both == pytest.approx(other.calf_dose.both)
    assert one.distance_m == pytest.approx(other.distance_m)


def test_old_values_fade_and_nothing_is_invented(run_steps):
    numbers = numbers_of(run_steps)
    later = numbers.snapshot(numbers.newest_s + ROLLING_S + 1)
    assert all(value.both is None for value in later.values.values())
    assert later.strikes == (None, None)
    assert later.distance_m == numbers.snapshot().distance_m
    empty = RunNumbers().snapshot()
    assert empty.distance_m is None
    assert empty.calf_dose is None
    assert empty.elapsed_s is None
    assert empty.silent_s is None
    assert empty.phase is None


def test_what_the_core_does_not_know_is_not_shown(recordings):
    made = recordings.run(duration_s=15.0)
    one_foot = made.recording.pods[0]
    from soleus.gait import GaitAnalyzer

    analyzer = GaitAnalyzer([one_foot.info], recordings.RUNNER)
    steps = Steps.concat([analyzer.push([one_foot.samples]), analyzer.finish()])
    shown = numbers_of(steps).snapshot()
    assert shown.values["contact_time_s"].left is not None
    assert shown.values["contact_time_s"].right is None
    assert shown.contact_asymmetry_pct is None


def test_trend_covers_a_minute_by_foot(run_steps):
    numbers = numbers_of(run_steps)
    trend = numbers.trend("contact_time_s")
    assert trend.time_s.size == trend.left.size == 30
    assert np.isnan(trend.left[:8]).all()
    assert np.isfinite(trend.left[12:28]).all()
    assert np.nanmedian(trend.right) == pytest.approx(np.median(run_steps["contact_time_s"]), rel=0.05)
    with pytest.raises(KeyError):
        numbers.trend("nothing")


def test_laps_and_pain(run_steps):
    numbers = RunNumbers()
    numbers.take(PhaseChanged(0.0, Phase.RUNNING, "Run."))
    numbers.take(StepsFound(20.0, run_steps.select(slice(0, 40))))
    numbers.take(Marked(20.0, "lap"))
    numbers.take(StepsFound(30.0, run_steps.select(slice(40, None))))
    numbers.take(Marked(31.0, "pain", 3.0))
    shown = numbers.snapshot()
    first, second = shown.laps
    assert (first.start_s, first.end_s, first.steps) == (0.0, 20.0, 40)
    assert (second.number, second.end_s, second.steps) == (2, None, len(run_steps) - 40)
    assert first.means["contact_time_s"].both == pytest.approx(np.nanmean(run_steps["contact_time_s"][:40]))
    assert first.distance_m + second.distance_m == pytest.approx(shown.distance_m)
    assert [mark.value for mark in shown.pains] == [3.0]


def test_histogram_counts_every_known_angle(run_steps):
    numbers = numbers_of(run_steps)
    angle = run_steps["foot_strike_angle_deg"]
    known = np.isfinite(angle) & (angle > STRIKE_EDGES_DEG[0]) & (angle < STRIKE_EDGES_DEG[-1])
    assert numbers.strike_counts.sum() == known.sum() > 0


def test_a_graver_cue_has_its_time():
    numbers = RunNumbers()
    numbers.take(warning(100.0, 2, message="grave"))
    numbers.take(warning(110.0, 0, message="light"))
    assert numbers.snapshot(112.0).cue.message == "grave"
    assert numbers.snapshot(100.0 + 46.0).cue is None
    numbers.take(warning(150.0, 0, message="light again"))
    assert numbers.snapshot(151.0).cue.message == "light again"
    numbers.take(warning(152.0, 3, message="stop"))
    assert numbers.snapshot(9000.0).cue.message == "stop"
    assert [cue.number for cue in numbers.snapshot().cues] == [1, 2, 3, 4]


def test_a_cadence_to_try_is_taken_from_the_evidence():
    numbers = RunNumbers()
    numbers.take(warning(10.0, 1, '{"explanation": "why", "target": 175.4}'))
    shown = numbers.snapshot()
    assert shown.suggested_cadence_spm == pytest.approx(175.4)
    assert shown.cue.explanation == "why"
    assert "explanation" not in shown.cue.evidence
    numbers.take(warning(20.0, 1, '{"target": 0.04}'))
    assert numbers.snapshot().suggested_cadence_spm == pytest.approx(175.4)


def test_what_the_history_says_at_the_start_is_seen_though_the_run_begins_later():
    numbers = RunNumbers()
    numbers.take(PhaseChanged(300.0, Phase.READY, "Ready."))
    numbers.take(warning(0.0, 1))
    assert numbers.snapshot(310.0).cue is not None


def test_silence_and_state():
    numbers = RunNumbers()
    numbers.take(SamplesTaken(PodSamples(Foot.LEFT, np.array([4.0, 5.0]), np.zeros((6, 2), np.int16))))
    numbers.take(SamplesTaken(PodSamples(Foot.RIGHT, np.array([7.0]), np.zeros((6, 1), np.int16))))
    numbers.take(RunStatus(8.0, Phase.RUNNING, (), 3.0, 0.01, 140.0, 0.3, 7.5, ("disk full",)))
    numbers.take(Told(8.0, "Something."))
    shown = numbers.snapshot(9.0)
    assert shown.silent_s == pytest.approx(2.0)
    assert [pod.silent_s for pod in shown.pods] == pytest.approx([4.0, 2.0])
    assert (shown.belt_speed_mps, shown.heart_rate_bpm, shown.trouble) == (3.0, 140.0, ("disk full",))
    assert shown.phase is Phase.RUNNING
    assert shown.elapsed_s == pytest.approx(1.0)
    numbers.take(RunEnded(10.0, None, "Done."))
    assert numbers.snapshot(99.0).elapsed_s == pytest.approx(2.0)
    assert numbers.snapshot(99.0).sentence == "Done."


def test_dose_against_the_last_weeks(run_steps):
    dose = numbers_of(run_steps).snapshot().calf_dose.both
    shown = numbers_of(run_steps, history=HistorySummary(highest_dose=dose * 2)).snapshot()
    assert shown.dose_share == pytest.approx(0.5)
    assert numbers_of(run_steps).snapshot().dose_share is None
