"""A row is final soon after its toe-off, and what the analyser keeps does not grow with the run."""

from __future__ import annotations

import gc
import types

import numpy as np
import pytest

from soleus.gait import GaitAnalyzer
from soleus.model import Belt, Flag, PodSamples, Recording, Steps

FINAL_S = 0.5
"""The promise of GaitAnalyzer: a row is final at most so long after its toe-off."""
FIRST_MOUNTING_S = 8.0
"""Rows before this wait for the first mounting; that is told apart below."""


def live(recording: Recording, push_s: float, coarse_until_s: float = 0.0) -> tuple[Steps, np.ndarray]:
    """Rows of a live stream, and the data time at which each came out."""
    analyzer = GaitAnalyzer([track.info for track in recording.pods], recording.runner)
    edges = np.arange(max(coarse_until_s, push_s), recording.duration_s, push_s)
    rows, when, before = [], [], 0.0
    for now in edges:
        pieces = [t.samples[slice(*np.searchsorted(t.samples.time_s, [before, now]))] for t in recording.pods]
        rows.append(analyzer.push(pieces))
        when.append(np.full(len(rows[-1]), now))
        before = now
    return Steps.concat(rows), np.concatenate(when)


def lateness(recording: Recording, push_s: float) -> np.ndarray:
    """Data time from toe-off to its row [s] of every running row after the first mounting."""
    rows, when = live(recording, push_s, coarse_until_s=FIRST_MOUNTING_S - 0.3)
    kept = (rows["initial_contact_s"] > FIRST_MOUNTING_S) & ((rows["flags"] & Flag.WALKING) == 0)
    late = (when - rows["toe_off_s"])[kept]
    assert late.size > 10
    assert np.isfinite(late).all()
    return late


@pytest.mark.parametrize("speed_mps", [2.3, 3.3, 4.5, 5.5])
def test_rows_of_a_run_are_out_half_a_second_after_toe_off(recordings, speed_mps):
    late = lateness(recordings.run(speed_mps, duration_s=13.0).recording, 0.005)
    assert (late > FINAL_S).sum() == 0, f"{(late > FINAL_S).sum()} of {late.size} rows late, up to {late.max():.3f} s"


@pytest.mark.parametrize("rate_hz", [50.0, 100.0, 400.0, 1600.0])
def test_the_promise_holds_at_any_rate(recordings, rate_hz):
    late = lateness(recordings.mixed_rates(rate_hz, rate_hz, speed_mps=3.3, duration_s=13.0), 0.01)
    slow_pod_s = 0.1 if rate_hz < 100 else 0.0  # a pod's own sampling delays its neighbourhood
    assert (late > FINAL_S + slow_pod_s + 0.01).sum() == 0, (
        f"{(late > FINAL_S).sum()} of {late.size} late, up to {late.max():.3f} s"
    )


def test_pushes_of_50_ms(recordings):
    """A row cannot come before the push that closes it: half a second, and that push."""
    made = recordings.run(3.3, duration_s=40.0, left=recordings.Pod(lace_deg=90), right=recordings.Pod(lace_deg=-90))
    late = lateness(made.recording, 0.05)
    assert np.percentile(late, 95) <= FINAL_S + 0.05
    assert (late > FINAL_S + 0.05).sum() == 0, f"up to {late.max():.3f} s"


def test_a_walking_row_waits_for_the_longer_window_only(recordings):
    rows, when = live(recordings.bouts(("walk", 1.4, 25)).recording, 0.05)
    kept = rows["initial_contact_s"] > FIRST_MOUNTING_S
    assert kept.sum() > 20
    assert (when - rows["initial_contact_s"])[kept].max() < 1.7


def test_contacts_before_the_first_mounting_are_given_once_it_is_known(recordings, matched):
    made = recordings.run(3.3, duration_s=14.0)
    rows, when = live(made.recording, 0.05)
    early = when < FIRST_MOUNTING_S
    assert early.sum() >= 2 * 7, "steps of the first seven seconds"
    assert rows["initial_contact_s"][early].min() < 0.8
    assert np.unique(when[early]).min() < 7.5


def test_rows_come_out_in_order_of_time_over_all_pushes(recordings):
    rows, _ = live(recordings.bouts(("walk", 1.4, 9), ("run", 3.0, 12), ("walk", 1.4, 6)).recording, 0.05)
    assert (np.diff(rows["initial_contact_s"]) >= 0).all()


def test_a_silent_pod_holds_rows_back_but_loses_none(recordings):
    """One pod dies in the run: its last word decides what is final, and finish releases the rest."""
    made = recordings.run(3.2, duration_s=25.0)
    left, right = made.recording.pods
    analyzer = GaitAnalyzer([left.info, right.info])
    cut = int(np.searchsorted(right.samples.time_s, 12.0))
    before = [analyzer.push([left.samples]), analyzer.push([right.samples[:cut]])]
    after = analyzer.finish()
    assert Steps.concat(before)["initial_contact_s"].max() < 12.0
    own = after["initial_contact_s"][after["foot"] == 0]
    assert own.max() > 24.0
    lone = (after["initial_contact_s"] > 12.5) & (after["foot"] == 0)
    assert np.isnan(after["step_time_s"][lone]).all()
    assert ((after["flags"][lone] & Flag.OTHER_FOOT_MISSING) != 0).all()
    assert np.isfinite(after["stride_time_s"][lone]).all()


def held_bytes(analyzer: GaitAnalyzer) -> int:
    """Bytes of all arrays that the analyser holds, views counted with what they keep alive."""
    seen: dict[int, int] = {}
    queue: list[object] = [analyzer]
    visited = set()
    while queue:
        thing = queue.pop()
        if id(thing) in visited or isinstance(thing, type | types.ModuleType | types.FunctionType):
            continue
        visited.add(id(thing))
        if isinstance(thing, np.ndarray):
            while isinstance(thing.base, np.ndarray):
                thing = thing.base
            seen[id(thing)] = thing.nbytes
        queue.extend(gc.get_referents(thing))
    return sum(seen.values())


def memory_after(recording: Recording, marks_s: tuple[float, ...]) -> list[int]:
    """Bytes held by the analyser at each time, the recording repeated end to end."""
    analyzer = GaitAnalyzer([track.info for track in recording.pods])
    span, push_s = recording.duration_s, 0.5
    held = []
    for k in range(round(marks_s[-1] / push_s)):
        lap, place = divmod(k * push_s, span)
        analyzer.push(
            PodSamples(part.foot, part.time_s + lap * span, part.counts)
            for track in recording.pods
            for part in [track.samples[slice(*np.searchsorted(track.samples.time_s, [place, place + push_s]))]]
        )
        if (k + 1) * push_s in marks_s:
            held.append(held_bytes(analyzer))
    return held


@pytest.mark.parametrize("minutes", [(1, 3), pytest.param((2, 10), marks=pytest.mark.slow)])
def test_state_is_bounded(recordings, minutes):
    made = recordings.run(3.2, duration_s=30.0)
    early, late = memory_after(made.recording, tuple(60.0 * m for m in minutes))
    assert late < 1.2 * early, (early, late)
    assert 100_000 < late < 4_000_000


def test_standing_still_is_bounded_too(recordings):
    """No mounting is ever found: what is kept for one must not grow."""
    made = recordings.bouts(("stand", 0.0, 30.0))
    after_1, after_4 = memory_after(made.recording, (60.0, 240.0))
    assert after_4 < 1.2 * after_1, (after_1, after_4)


def test_belt_readings_are_forgotten_as_rows_go_out(recordings):
    made = recordings.run(3.2, duration_s=60.0)
    analyzer = GaitAnalyzer([t.info for t in made.recording.pods])
    for k in range(60):
        at = np.arange(k, k + 1, 0.01)
        belt = Belt(at, np.full(at.size, 3.2), np.zeros(at.size))
        parts = [t.samples[slice(*np.searchsorted(t.samples.time_s, [k, k + 1.0]))] for t in made.recording.pods]
        analyzer.push(parts, belt)
    assert len(analyzer._belt) < 2000
