"""Against the exact truth of simulated runs: this proves that the code is right, not how accurate it is on people.

The simulator's runner has laws and constants of its own (force shape, centre of pressure, rigid shoe), so where an
estimator was fitted on people its level may be off here; then precision and change are what must be right.
"""

from __future__ import annotations

import numpy as np
import pytest

SPEEDS = (2.5, 3.3, 4.2)
STRIKES = (16.0, 6.0, -5.0)
DURATION_S = 24.0


@pytest.fixture(scope="module")
def run_of(recordings, matched, truth_of):
    def measured(speed_mps, strike_deg, *, seed=1, rates=(200, 200), ringing=1.0, swapped=False, **pods):
        made = recordings.run(
            speed_mps, duration_s=DURATION_S, seed=seed, gait=recordings.Gait(strike_angle_deg=strike_deg),
            sensor=recordings.Sensor(rate_hz=rates[0], ringing_level=ringing), swapped_feet=swapped, **pods,
        )  # fmt: skip
        rows, _ = recordings.rows(made.recording)
        return made, rows, matched(made, rows), truth_of(made)

    return measured


def errors(rows, truth, pairs, name) -> np.ndarray:
    t, s, *_ = pairs
    off = rows[name][s] - truth[name][t]
    return off[np.isfinite(off)]


@pytest.mark.parametrize("strike_deg", STRIKES)
@pytest.mark.parametrize("speed_mps", SPEEDS)
def test_every_contact_and_its_times(run_of, speed_mps, strike_deg):
    _made, rows, pairs, truth = run_of(speed_mps, strike_deg)
    t, _, _, invented = pairs
    missed = np.delete(truth["initial_contact_s"], t)
    assert ((missed < 0.5) | (missed > DURATION_S - 0.5)).all(), missed
    assert invented <= 1, "one contact may be cut by the end of the recording"
    contact, toe_off = (1000 * errors(rows, truth, pairs, n) for n in ("initial_contact_s", "toe_off_s"))
    assert abs(np.median(contact)) < 5
    assert contact.std() < 2.5
    assert abs(np.median(toe_off)) < 5
    assert toe_off.std() < 2.5
    assert np.sqrt((1000 * errors(rows, truth, pairs, "contact_time_s") ** 2).mean()) < 8
    assert np.abs(errors(rows, truth, pairs, "contact_time_s")).max() < 0.012
    for name in ("step_time_s", "stride_time_s"):
        assert np.sqrt((errors(rows, truth, pairs, name) ** 2).mean()) < 0.002, name
    assert abs(np.median(errors(rows, truth, pairs, "cadence_spm"))) < 0.2


@pytest.mark.parametrize("strike_deg", STRIKES)
@pytest.mark.parametrize("speed_mps", SPEEDS)
def test_length_oscillation_force(run_of, speed_mps, strike_deg):
    _made, rows, pairs, truth = run_of(speed_mps, strike_deg)
    t, s, *_ = pairs
    share = np.nanmedian(rows["stride_length_m"][s] / truth["stride_length_m"][t])
    assert share == pytest.approx(1.0, abs=0.012)
    assert np.nanstd(rows["stride_length_m"][s] / truth["stride_length_m"][t]) < 0.015
    assert abs(np.median(errors(rows, truth, pairs, "vertical_oscillation_m"))) < 0.004
    assert abs(np.median(errors(rows, truth, pairs, "peak_force_bw"))) < 0.15


def test_strike_angle_follows_the_truth(run_of):
    """Level aside (the simulator's shoe does not bend), change and precision are right."""
    true, found = [], []
    for strike_deg in (18.0, 14.0, 10.0, 6.0, 2.0, -2.0, -6.0):
        _, rows, pairs, truth = run_of(3.3, strike_deg)
        true.append(np.median(truth["foot_strike_angle_deg"]))
        found.append(np.nanmedian(rows["foot_strike_angle_deg"]))
        assert errors(rows, truth, pairs, "foot_strike_angle_deg").std() < 1.5
    slope, _ = np.polyfit(true, found, 1)
    assert 0.85 < slope < 1.15
    assert np.corrcoef(true, found)[0, 1] > 0.995


def test_change_of_contact_time_and_strike_within_a_run(recordings, matched, truth_of):
    """One-sided fatigue: the left foot stays longer by 8 %; that must show on the left foot alone, by as much."""
    from soleus.simulate import Fatigue

    made = recordings.run(3.2, duration_s=150.0, fatigue=Fatigue(start_s=60.0, time_constant_s=20.0, contact_left=0.08))
    rows, _ = recordings.rows(made.recording)

    def change(table, foot):
        at, own = table["initial_contact_s"], table["foot"] == foot
        late, early = (np.nanmedian(table["contact_time_s"][own & part]) for part in (at > 120, at < 55))
        return late / early

    true = [change(truth_of(made), foot) for foot in (0, 1)]
    assert true[0] > 1.05
    assert true[0] > true[1] + 0.05
    assert [change(rows, foot) for foot in (0, 1)] == pytest.approx(true, abs=0.015)


def test_overstride_and_load_rise_with_speed(run_of):
    found = {
        name: [np.nanmedian(run_of(v, 12.0)[1][name]) for v in SPEEDS]
        for name in ("overstride_m", "achilles_peak_bw", "achilles_impulse_bws", "speed_mps")
    }
    assert (np.diff(found["overstride_m"]) > 0.01).all()
    assert (np.diff(found["speed_mps"]) > 0.5).all()
    assert found["achilles_peak_bw"][-1] > found["achilles_peak_bw"][0]
    assert 3.0 < min(found["achilles_peak_bw"]) < max(found["achilles_peak_bw"]) < 10.0


def test_a_forefoot_strike_loads_the_calf_more(run_of):
    fore, rear = (np.nanmedian(run_of(3.3, s)[1]["achilles_impulse_bws"]) for s in (-6.0, 16.0))
    assert fore > rear


@pytest.mark.parametrize("seed", range(6))
def test_any_mounting(run_of, recordings, seed):
    rng = np.random.default_rng(seed)
    lace, tilt, lean = rng.uniform(-180, 180, 2), rng.uniform(-25, 25, 2), rng.uniform(-25, 25, 2)
    pods = {
        side: recordings.Pod(lace_deg=float(lace[k]), tilt_deg=float(tilt[k]), lean_deg=float(lean[k]))
        for k, side in enumerate(("left", "right"))
    }
    _made, rows, pairs, truth = run_of(3.3, 10.0, **pods)
    _, plain, plain_pairs, plain_truth = run_of(3.3, 10.0)
    assert pairs[2] == 0
    assert pairs[3] <= 1
    for name, tolerance in (("initial_contact_s", 0.002), ("toe_off_s", 0.002), ("foot_strike_angle_deg", 1.5)):
        ours = np.median(errors(rows, truth, pairs, name))
        theirs = np.median(errors(plain, plain_truth, plain_pairs, name))
        assert ours == pytest.approx(theirs, abs=tolerance), name


@pytest.mark.parametrize("rate_hz", [100.0, 400.0, 1000.0])
@pytest.mark.parametrize("strike_deg", [14.0, -4.0])
def test_other_rates(run_of, rate_hz, strike_deg):
    _made, rows, pairs, truth = run_of(3.3, strike_deg, rates=(rate_hz, rate_hz))
    factor = 1.3 if rate_hz < 200 else 1.0
    assert pairs[2] == 0
    assert abs(np.median(errors(rows, truth, pairs, "initial_contact_s"))) < 0.005 * factor
    assert errors(rows, truth, pairs, "initial_contact_s").std() < 0.0025 * factor
    assert abs(np.median(errors(rows, truth, pairs, "toe_off_s"))) < 0.005 * factor
    assert errors(rows, truth, pairs, "toe_off_s").std() < 0.0025 * factor


@pytest.mark.parametrize("ringing", [0.0, 2.0, 3.0])
def test_impact_ringing(run_of, ringing):
    _made, rows, pairs, truth = run_of(4.2, 14.0, ringing=ringing)
    assert pairs[2] == 0
    assert pairs[3] <= 1
    assert abs(np.median(errors(rows, truth, pairs, "initial_contact_s"))) < 0.0075
    assert errors(rows, truth, pairs, "initial_contact_s").std() < 0.004


def test_feet_swapped_by_name(run_of, recordings):
    """Contacts are as well timed as those of pods on the right feet."""
    _made, rows, _pairs, truth = run_of(3.3, 10.0, swapped=True)
    relabelled = dict(truth, foot=1 - truth["foot"])
    for foot in (0, 1):
        own = rows["initial_contact_s"][rows["foot"] == foot]
        true = relabelled["initial_contact_s"][relabelled["foot"] == foot]
        nearest = np.abs(own[:, None] - true).argmin(axis=0)
        assert np.abs(own[nearest] - true).max() < 0.01


def test_a_slipped_pod_is_followed(recordings, matched, truth_of):
    made = recordings.run(3.2, duration_s=50.0, left=recordings.Pod(slip_s=22.0, slip_deg=35.0))
    rows, _ = recordings.rows(made.recording)
    pairs, truth = matched(made, rows), truth_of(made)
    assert pairs[2] <= 2
    off = rows["foot_strike_angle_deg"][pairs[1]] - truth["foot_strike_angle_deg"][pairs[0]]
    at, left = truth["initial_contact_s"][pairs[0]], truth["foot"][pairs[0]] == 0
    before = np.nanmedian(off[left & (at < 20)])
    assert np.nanmedian(off[left & (at > 36)]) == pytest.approx(before, abs=2.5)
    late = left & (at > 36)
    contact = rows["initial_contact_s"][pairs[1]] - at
    assert np.abs(contact[late]).max() < 0.01


@pytest.mark.parametrize("speed_mps", [1.1, 1.4, 1.7])
def test_walks_are_walks(recordings, matched, speed_mps):
    made = recordings.bouts(("walk", speed_mps, 25))
    rows, _ = recordings.rows(made.recording)
    _, _, missed, invented = matched(made, rows, within_s=0.08)
    assert missed <= 1
    assert invented <= 1
    words = rows.to_arrow()["flags"].to_pylist()
    inner = words[3:-3]
    assert sum("walking" in word for word in inner) >= 0.97 * len(inner)


def test_standing_gives_no_steps(recordings):
    rows, _ = recordings.rows(recordings.bouts(("stand", 0, 30)).recording)
    assert len(rows) == 0


def test_intervals_of_all_kinds(recordings, matched):
    made = recordings.bouts(
        ("stand", 0, 5), ("walk", 1.4, 10), ("run", 3.0, 15), ("walk", 1.3, 8), ("stand", 0, 6), ("run", 3.5, 12)
    )
    rows, _ = recordings.rows(made.recording)
    t, _, missed, invented = matched(made, rows, within_s=0.08)
    assert missed <= 0.05 * (t.size + missed)
    assert invented <= 3
