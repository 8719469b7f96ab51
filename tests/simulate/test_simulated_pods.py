"""The pods: the same bits for the same seed, defects counted exactly, scenarios read strictly."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from soleus.model import INT16_MAX, Foot
from soleus.simulate import (
    BeltReadings,
    Bout,
    Pod,
    Scenario,
    ScenarioError,
    Sensor,
    Simulated,
    read_scenario,
    ready_scenarios,
    sensor,
    simulate,
    without_noise,
)

RUN = (Bout(kind="run", speed_mps=3.3, duration_s=10.0),)


def made(seed: int = 0, **changes: Any) -> Simulated:
    return simulate(Scenario(name="pods", bouts=changes.pop("bouts", RUN), **changes), seed)


def same(a: Simulated, b: Simulated) -> bool:
    pods = zip(a.recording.pods, b.recording.pods, strict=True)
    return a.truth.equals(b.truth) and all(
        np.array_equal(p.samples.counts, q.samples.counts) and np.array_equal(p.samples.time_s, q.samples.time_s)
        for p, q in pods
    )


def test_same_seed_same_bits_other_seed_other_bits() -> None:
    scenario = msgspec.structs.replace(
        read_scenario("walk_run_intervals"), bouts=read_scenario("walk_run_intervals").bouts[:2]
    )
    first = simulate(scenario, 11)
    np.random.default_rng(0).standard_normal(7)
    assert same(first, simulate(scenario, 11))
    assert first.truth.schema.metadata == simulate(scenario, 11).truth.schema.metadata
    assert not same(first, simulate(scenario, 12))


def test_one_pods_defects_leave_the_other_and_the_truth_as_they_are() -> None:
    plain = made(3)
    worse = made(3, right=Pod(loss_share=0.1, slip_s=4.0, clock_drift_ppm=50.0))
    assert np.array_equal(plain.recording.pods[0].samples.counts, worse.recording.pods[0].samples.counts)
    assert plain.truth.equals(worse.truth)


def test_blocks_leave_no_seam(monkeypatch: pytest.MonkeyPatch) -> None:
    scenario = without_noise(Scenario(name="seam", bouts=RUN))
    whole = simulate(scenario, 1)
    monkeypatch.setattr(sensor, "BLOCK_S", 0.73)
    pieces = simulate(scenario, 1)
    for a, b in zip(whole.recording.pods, pieces.recording.pods, strict=True):
        assert np.abs(a.samples.counts.astype(int) - b.samples.counts).max() <= 1


@settings(max_examples=15, deadline=None)
@given(
    loss=st.floats(0.0, 0.3),
    burst=st.floats(0.01, 0.5),
    packet=st.integers(1, 20),
    rate=st.sampled_from([50.0, 100.0, 208.0, 400.0]),
    seed=st.integers(0, 1000),
)
def test_every_lost_sample_is_counted(loss: float, burst: float, packet: int, rate: float, seed: int) -> None:
    result = made(
        seed, sensor=Sensor(rate_hz=rate, samples_per_packet=packet), left=Pod(loss_share=loss, burst_s=burst)
    )
    left, right = (track.samples for track in result.recording.pods)
    counted = result.facts["defects"]["left"]
    assert counted["samples_made"] == int(10 * rate)
    assert len(left) == counted["samples_made"] - counted["samples_lost"]
    gaps = int(np.sum(np.diff(left.time_s) > 1.5 / rate)) if len(left) else 0
    edges = 2  # a burst at the very start or end leaves no gap
    assert gaps <= counted["loss_bursts"] <= gaps + edges
    assert len(right) == int(10 * rate)


def test_loss_share_and_burst_length_are_those_asked_for() -> None:
    long = (Bout(kind="run", speed_mps=3.0, duration_s=600.0),)
    counted = made(1, bouts=long, sensor=Sensor(rate_hz=50.0, samples_per_packet=1), left=Pod(loss_share=0.05)).facts
    left = counted["defects"]["left"]
    assert left["samples_lost"] / left["samples_made"] == pytest.approx(0.05, abs=0.012)
    assert left["samples_lost"] / left["loss_bursts"] / 50.0 == pytest.approx(0.06, abs=0.012)


def test_every_clipped_sample_is_counted() -> None:
    result = made(2, sensor=Sensor(accel_range_g=4.0, gyro_range_dps=500.0, ringing_level=2.0))
    for track in result.recording.pods:
        counted = result.facts["defects"][track.info.foot.label]
        at_limit = np.abs(track.samples.counts) == INT16_MAX
        assert counted["accel_clipped"] == at_limit[:3].any(axis=0).sum() > 10
        assert counted["gyro_saturated"] == at_limit[3:].any(axis=0).sum() > 10
        assert track.info.accel_clip_counts <= INT16_MAX


def test_clock_drift_offset_and_jitter() -> None:
    drifting = made(4, left=Pod(clock_offset_s=0.25, clock_drift_ppm=10_000.0)).recording.pods[0].samples
    plain = made(4).recording.pods[0].samples
    # A fast crystal takes more samples in the same time and stamps them as if at the nominal rate.
    assert len(drifting) == 2020
    assert drifting.time_s[0] == pytest.approx(0.25)
    assert drifting.time_s[-1] - drifting.time_s[0] == pytest.approx(1.01 * plain.time_s[-1], abs=0.01)
    shaky = made(4, sensor=Sensor(stamp_jitter_s=0.002)).recording.pods[0].samples.time_s
    assert np.all(np.diff(shaky) > 0)
    assert np.std(shaky - plain.time_s) == pytest.approx(0.0018, abs=0.0004)


def test_missing_late_and_swapped_pods() -> None:
    one = made(5, left=Pod(present=False))
    assert [track.info.foot for track in one.recording.pods] == [Foot.RIGHT]
    late = made(5, right=Pod(start_s=3.0, stop_s=8.0)).recording.pods[1].samples
    assert late.time_s[0] == 3.0
    assert len(late) == 1000
    straight, swapped = made(5), made(5, swapped_feet=True)
    assert np.array_equal(straight.recording.pods[0].samples.counts, swapped.recording.pods[1].samples.counts)
    assert swapped.facts["defects"]["left"]["labelled"] == "right"


def test_mounting_turns_the_signals_and_a_slip_turns_them_again() -> None:
    still = (Bout(kind="stand", duration_s=10.0),)
    ideal = without_noise(Scenario(name="s", bouts=still, left=Pod(tilt_deg=0.0), right=Pod(tilt_deg=30.0)))
    flat, tilted = simulate(ideal, 1).recording.pods
    # Standing foot axes: gravity is felt along z, but for the foot's own half degree.
    assert flat.samples.accel_mps2(flat.info).mean(axis=1) == pytest.approx([0.0, 0.0, 9.80665], abs=0.1)
    felt = tilted.samples.accel_mps2(tilted.info).mean(axis=1)
    assert np.degrees(np.arctan2(np.hypot(felt[0], felt[1]), felt[2])) == pytest.approx(30.0, abs=0.6)
    slipping = msgspec.structs.replace(ideal, left=Pod(tilt_deg=0.0, slip_s=5.0, slip_deg=20.0))
    track = simulate(slipping, 1).recording.pods[0]
    rates, force = track.samples.gyro_rads(track.info), track.samples.accel_mps2(track.info)
    turned = np.degrees(np.linalg.norm(rates.sum(axis=1) / 200.0))
    assert turned == pytest.approx(20.0, abs=0.3)
    assert np.linalg.norm(force, axis=0) == pytest.approx(9.80665, abs=0.02)
    assert np.array_equal(track.samples.counts[:, :900], flat.samples.counts[:, :900])


def test_belt_lags_and_rounds() -> None:
    bouts = (Bout(kind="run", speed_mps=3.0, duration_s=10.0), Bout(kind="run", speed_mps=4.0, duration_s=10.0))
    belt = made(6, bouts=bouts, belt=BeltReadings(lag_s=2.0, speed_step_mps=0.5)).recording.belt
    assert belt is not None
    assert belt.time_s.tolist() == list(range(20))
    assert np.isin(belt.speed_mps, [3.0, 3.5, 4.0]).all()
    assert belt.speed_mps[12] == 3.0
    assert belt.speed_mps[15] == 4.0


@pytest.mark.parametrize("rate", [50.0, 104.0, 833.0, 1600.0])
def test_any_rate_tells_the_same_mean(rate: float) -> None:
    scenario = without_noise(Scenario(name="rate", bouts=RUN, sensor=Sensor(rate_hz=rate)))
    track = simulate(scenario, 1).recording.pods[0]
    reference = simulate(without_noise(Scenario(name="rate", bouts=RUN)), 1).recording.pods[0]
    for get in ("accel_mps2", "gyro_rads"):
        mean = getattr(track.samples, get)(track.info).mean(axis=1)
        assert mean == pytest.approx(getattr(reference.samples, get)(reference.info).mean(axis=1), abs=0.06)


@pytest.mark.parametrize("name", ready_scenarios())
def test_ready_scenarios_read_and_round_trip(name: str) -> None:
    scenario = read_scenario(name)
    assert scenario.name == name
    assert scenario.description
    assert msgspec.json.decode(msgspec.json.encode(scenario), type=Scenario) == scenario


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("name = 'x'", "bouts"),
        ("name = 'x'\nbouts = []", "bouts"),
        ("name = 'x'\n[[bouts]]\nkind = 'fly'\nduration_s = 1", r"\$\.bouts\[0\]\.kind|\$\.bouts\[\.\.\.\]\.kind"),
        ("name = 'x'\n[[bouts]]\nkind = 'run'\nduration_s = 5\nspeed_mps = 3\npace = 4", "pace"),
        ("name = 'x'\n[[bouts]]\nkind = 'run'\nduration_s = -5\nspeed_mps = 3", "duration_s"),
        ("name = 'x'\n[[bouts]]\nkind = 'stand'\nduration_s = 5\nspeed_mps = 3", "stand"),
        ("name = 'x'\n[[bouts]]\nkind = 'run'\nduration_s = 5", "speed_mps"),
        ("name = 'x'\n[[bouts]]\nkind = 'run'\nduration_s = 5\nspeed_mps = 3\nturn_deg = 90", "turn_deg"),
        ("name = 'x'\nsurface = 'moon'\n[[bouts]]\nkind = 'stand'\nduration_s = 5", "surface"),
        ("name = 'x'\n[sensor]\nrate_hz = 5\n[[bouts]]\nkind = 'stand'\nduration_s = 5", "rate_hz"),
        ("name = ", "scenario"),
        ("name = '\xff", "scenario"),
    ],
)
def test_bad_scenarios_are_refused_in_words(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "bad.toml"
    path.write_bytes(text.encode("latin-1"))
    with pytest.raises(ScenarioError, match=said) as caught:
        read_scenario(path)
    assert "bad.toml" in str(caught.value)


def test_unknown_scenario_names_the_ready_ones() -> None:
    with pytest.raises(ScenarioError, match="steady_rearfoot"):
        read_scenario("no_such_scenario")


def test_contradictions_made_in_python_are_refused() -> None:
    with pytest.raises(ScenarioError, match="ramp_s"):
        Scenario(name="x", bouts=(*RUN, Bout(kind="run", speed_mps=3.0, duration_s=1.0, ramp_s=2.0)))
    with pytest.raises(ScenarioError, match="neither pod"):
        Scenario(name="x", bouts=RUN, left=Pod(present=False), right=Pod(present=False))
    with pytest.raises(ScenarioError, match="belt"):
        Scenario(name="x", surface="overground", bouts=RUN, belt=BeltReadings())
    with pytest.raises(ScenarioError, match="at most"):
        Scenario(name="x", bouts=(Bout(kind="run", speed_mps=3.0, duration_s=21_000.0),) * 2)
    with pytest.raises(ScenarioError, match="rate_hz"):
        made(sensor=Sensor(rate_hz=1e9))
