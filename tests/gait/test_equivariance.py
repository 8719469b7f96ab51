"""What must not matter does not: when it was, how the pod sits, at what rate it samples, in which unit it counts."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from soleus.gait.events import CONTACT_AHEAD, PRE, contact_anchors, toe_off_anchors
from soleus.gait.fitted import EventModels, load_fitted
from soleus.gait.mounting import find_mounting
from soleus.model import Flag, PodSamples, PodTrack, Recording, Steps

TIMES = ("initial_contact_s", "toe_off_s")


def shifted(recording: Recording, by_s: float) -> Recording:
    return dataclasses.replace(
        recording,
        pods=tuple(
            PodTrack(t.info, dataclasses.replace(t.samples, time_s=t.samples.time_s + by_s)) for t in recording.pods
        ),
    )


def turned(recording: Recording, rotations) -> Recording:
    """The same motion felt by pods that sit turned; counts are rounded anew, so a little noise is added."""
    tracks = []
    for track, turn in zip(recording.pods, rotations, strict=True):
        counts = track.samples.counts.astype(float)
        made = np.concatenate([turn.apply(counts[:3].T).T, turn.apply(counts[3:].T).T])
        made = np.clip(np.rint(made), -32767, 32767).astype(np.int16)
        tracks.append(PodTrack(track.info, PodSamples(track.info.foot, track.samples.time_s, made)))
    return dataclasses.replace(recording, pods=tuple(tracks))


def compared(a: Steps, b: Steps, name: str) -> np.ndarray:
    assert len(a) == len(b)
    assert np.array_equal(np.isnan(a[name]), np.isnan(b[name])), name
    return np.abs(a[name] - b[name])[np.isfinite(a[name])]


@pytest.fixture(scope="module")
def run(recordings) -> Recording:
    return recordings.run(3.3, duration_s=16.0, left=recordings.Pod(lace_deg=30)).recording


@pytest.mark.parametrize("by_s", [-1e6, -20.0, -7.5, 0.005, 100.0, 86400.0, 1.7e9])
def test_shift_of_time(recordings, run, by_s):
    """Whole grid steps: the same samples come to lie on the grid, so only rounding of the clock may show."""
    rows, _ = recordings.rows(run)
    later, _ = recordings.rows(shifted(run, by_s))
    tolerance = 1e-6 + 4e-7 * abs(by_s) / 1e9 * 1e3
    assert len(later) == len(rows)
    assert np.array_equal(rows["flags"], later["flags"])
    for name in TIMES:
        assert np.abs(later[name] - by_s - rows[name]).max() < tolerance
    for name in ("contact_time_s", "step_time_s", "stride_time_s", "foot_strike_angle_deg", "speed_mps"):
        assert compared(rows, later, name).max() < max(100 * tolerance, 1e-4), name


@given(st.floats(0, 0.005), st.integers(0, 5))
@settings(max_examples=15, deadline=None)
def test_shift_by_part_of_a_grid_step(recordings, run, by_s, seed):
    rows, _ = recordings.rows(run)
    later, _ = recordings.rows(shifted(run, by_s))
    assert len(later) == len(rows)
    for name in TIMES:
        assert np.nanmax(np.abs(later[name] - by_s - rows[name])) < 0.0015


@given(st.integers(0, 10_000))
@settings(max_examples=25, deadline=None)
def test_any_rotation_of_the_pods(recordings, run, seed):
    """The mounting is found from the motion, so any rotation at all gives the same rows."""
    rows, _ = recordings.rows(run)
    turns = Rotation.random(2, rng=np.random.default_rng(seed))
    again, _ = recordings.rows(turned(run, turns))
    assert len(again) == len(rows)
    assert np.array_equal(again["foot"], rows["foot"])
    steady = ((rows["flags"] | again["flags"]) & (Flag.FIRST_OF_BOUT | Flag.CUT)) == 0
    for name, tolerance in (
        ("initial_contact_s", 0.001),
        ("toe_off_s", 0.0015),
        ("foot_strike_angle_deg", 0.6),
        ("speed_mps", 0.02),
        ("overstride_m", 0.004),
        ("pronation_excursion_deg", 1.2),
    ):
        assert np.abs(rows[name] - again[name])[steady].max() < tolerance, name


@given(st.integers(0, 10_000))
@settings(max_examples=25, deadline=None)
def test_the_mounting_turns_with_the_pod(run, seed):
    """find_mounting(turned) = turned find_mounting, but for the medians, which are taken axis by axis."""
    samples, info = run.pods[0].samples, run.pods[0].info
    values = np.concatenate([samples.accel_mps2(info), samples.gyro_rads(info)])[:, 200:1600]
    turn = Rotation.random(rng=np.random.default_rng(seed))
    ours = find_mounting(values)
    theirs = find_mounting(np.concatenate([turn.apply(values[:3].T).T, turn.apply(values[3:].T).T]))
    assert ours is not None
    assert theirs is not None
    assert theirs.unsure == ours.unsure
    off = Rotation.from_matrix(theirs.axes @ turn.as_matrix() @ ours.axes.T).magnitude()
    assert np.degrees(off) < 2.5


@pytest.mark.parametrize("strike_deg", [18.0, 8.0, 0.0, -6.0])
@pytest.mark.parametrize("speed_mps", [2.5, 3.5, 4.5])
def test_the_mounting_is_that_of_the_simulated_pod(recordings, speed_mps, strike_deg):
    """Pods that sit as foot axes do: what is found is the identity within a few degrees."""
    made = recordings.run(
        speed_mps, gait=recordings.Gait(strike_angle_deg=strike_deg),
        left=recordings.Pod(tilt_deg=0.0), right=recordings.Pod(tilt_deg=0.0),
    )  # fmt: skip
    for track in made.recording.pods:
        values = np.concatenate([track.samples.accel_mps2(track.info), track.samples.gyro_rads(track.info)])
        found = find_mounting(values[:, 200:1600])
        assert found is not None
        assert not found.unsure
        off = Rotation.from_matrix(found.axes).magnitude()
        assert np.degrees(off) < 9.0
        assert np.allclose(found.axes @ found.axes.T, np.eye(3), atol=1e-9)
        assert np.linalg.det(found.axes) == pytest.approx(1.0)


def test_counts_of_another_size_are_the_same_motion(recordings, run):
    """Half the size of a count, twice the counts."""
    rows, _ = recordings.rows(run)
    tracks = []
    for t in run.pods:
        info = dataclasses.replace(
            t.info, accel_lsb_mps2=2 * t.info.accel_lsb_mps2, gyro_lsb_rads=2 * t.info.gyro_lsb_rads
        )
        counts = np.rint(t.samples.counts / 2).astype(np.int16)
        tracks.append(PodTrack(info, dataclasses.replace(t.samples, counts=counts)))
    again, _ = recordings.rows(dataclasses.replace(run, pods=tuple(tracks)))
    assert len(again) == len(rows)
    assert np.nanmax(np.abs(again["initial_contact_s"] - rows["initial_contact_s"])) < 0.0005


@pytest.mark.parametrize("rates", [(100, 100), (104, 208), (400, 400), (1600, 200), (833, 119)])
def test_rates(recordings, rates):
    """The same run at another rate gives the same steps."""
    rows, _ = recordings.rows(recordings.mixed_rates(200, 200))
    again, _ = recordings.rows(recordings.mixed_rates(*rates))
    assert len(again) == len(rows)
    slow = 2.0 if min(rates) < 120 else 1.0
    assert np.nanmax(np.abs(again["initial_contact_s"] - rows["initial_contact_s"])) < 0.0015 * slow
    assert np.nanmax(np.abs(again["toe_off_s"] - rows["toe_off_s"])) < 0.002 * slow
    assert abs(np.nanmedian(again["foot_strike_angle_deg"]) - np.nanmedian(rows["foot_strike_angle_deg"])) < 0.3 * slow


def windows(recording: Recording, anchors: np.ndarray) -> np.ndarray:
    """Windows in the foot frame of a left pod that sits as foot axes do."""
    track = recording.pods[0]
    accel, gyro = track.samples.accel_mps2(track.info), track.samples.gyro_rads(track.info)
    foot = np.stack([-gyro[1], gyro[0], gyro[2], *accel])
    return np.stack([foot[:, a - PRE : a + 140] for a in anchors])


@pytest.fixture(scope="module")
def upright(recordings):
    still = recordings.Pod(tilt_deg=0.0)
    return recordings.run(3.3, left=still, right=still)


def test_events_move_with_the_window(upright, truth_of):
    """An anchor that lies some samples earlier or later finds the same contact."""
    truth = truth_of(upright)
    contact = truth["initial_contact_s"][truth["foot"] == 0][2:-3]
    models = EventModels(load_fitted().events)
    found = []
    for shift in (0, 2, 4):
        anchors = np.rint(contact * 200).astype(int) - 10 + shift
        signals = windows(upright.recording, anchors)
        start = contact_anchors(signals)
        assert start.found.all()
        off = toe_off_anchors(signals, PRE + 100)
        found.append((
            (anchors - PRE + models.initial_contact(signals, start)) / 200,
            (anchors - PRE + models.toe_off(signals, off)) / 200,
        ))  # fmt: skip
    for contact_s, toe_off_s in found[1:]:
        assert np.abs(contact_s - found[0][0]).max() < 0.004
        assert np.abs(toe_off_s - found[0][1]).max() < 0.004
    assert np.abs(found[0][0] - contact).max() < 0.02


def test_events_of_a_row_do_not_depend_on_the_rows_beside_it(upright, truth_of):
    truth = truth_of(upright)
    anchors = np.rint(truth["initial_contact_s"][truth["foot"] == 0][2:-3] * 200).astype(int) - 10
    signals = windows(upright.recording, anchors).astype(np.float32)
    models = EventModels(load_fitted().events)
    together = models.initial_contact(signals, contact_anchors(signals))
    apart = [
        models.initial_contact(one, contact_anchors(one))[0]
        for one in (signals[k : k + 1] for k in range(anchors.size))
    ]
    assert np.array_equal(together, apart)
    assert signals.shape[2] > PRE + CONTACT_AHEAD
