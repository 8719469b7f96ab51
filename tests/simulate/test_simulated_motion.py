"""The movement is what physics says: no slip, gravity, consistent derivatives, exact truth."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.ndimage import gaussian_filter1d
from scipy.spatial.transform import Rotation

from soleus.model import STEP_COLUMNS, Flag
from soleus.simulate import Bout, Fatigue, FootMotion, Gait, Scenario, Simulated, read_scenario, simulate, without_noise
from soleus.simulate.body import ForceShape
from soleus.simulate.imu import GRAVITY_MPS2, _vibration, felt
from soleus.simulate.waveforms import STANCE_KNOTS

LEVER = np.array([-0.085, 0.004, 0.066])


def run(speed: float = 3.3, duration: float = 12.0, surface: str = "treadmill", **bout: float) -> Scenario:
    made = Bout(kind="run", speed_mps=speed, duration_s=duration, **bout)
    return without_noise(Scenario(name="test", surface=surface, bouts=(made,)))


@pytest.fixture(scope="module")
def steady() -> Simulated:
    return simulate(run(), seed=3)


def room_from_foot(motion: FootMotion, time_s: np.ndarray) -> Rotation:
    pitch, roll, yaw, heading = motion.at(time_s)[:4, :, None]
    outer = Rotation.from_euler("Z", heading) * Rotation.from_euler("Y", -pitch)
    return outer * Rotation.from_euler("Z", yaw) * Rotation.from_euler("X", roll)


def column(made: Simulated, name: str) -> np.ndarray:
    return made.truth[name].to_numpy().astype(float)


def resting(motion: FootMotion, share: float = 0.5) -> np.ndarray:
    """Times at which the ball of the foot rests, in contacts within the first 12 s."""
    contacts = motion.contacts
    inside = (contacts.ic_s > 0.5) & (contacts.to_s < 11.5)
    return contacts.ic_s[inside] + share * contacts.stance_s[inside]


@pytest.mark.parametrize("surface", ["treadmill", "overground"])
def test_foot_does_not_slip(surface: str) -> None:
    for motion in simulate(run(surface=surface), seed=1).feet:
        for share in (5 / STANCE_KNOTS, 0.5, 10 / STANCE_KNOTS):
            velocity = motion.at(resting(motion, share), 1)[4:]
            ground = np.array([[-3.3 if surface == "treadmill" else 0.0], [0.0], [0.0]])
            assert np.abs(velocity - ground).max() < 1e-9


def test_foot_leaves_the_ground_and_swings_forward(steady: Simulated) -> None:
    motion = steady.feet[0]
    contacts = motion.contacts
    k = np.flatnonzero((contacts.ic_s > 0.5) & (contacts.to_s < 11.0))
    swing = contacts.to_s[k] + 0.4 * (contacts.ic_s[k + 1] - contacts.to_s[k])
    height = motion.at(swing)[6] - motion.at(resting(motion))[6].mean()
    assert np.all(height > 0.15)
    assert np.all(motion.at(swing, 1)[4] > 2.0)


def test_mean_specific_force_from_rest_to_rest_is_gravity(steady: Simulated) -> None:
    for motion in steady.feet:
        rest = resting(motion)
        for start, stop in itertools.pairwise(rest):
            time = np.linspace(start, stop, 4001)
            force, _ = felt(motion, time, np.zeros(3))
            mean = np.trapezoid(room_from_foot(motion, time).apply(force.T), time, axis=0) / (stop - start)
            assert mean == pytest.approx([0.0, 0.0, GRAVITY_MPS2], abs=2e-4)


def test_gyroscope_integrates_to_the_orientation() -> None:
    scenario = run(3.0, 12.0, "overground", turn_deg=360.0, grade=0.06)
    motion = simulate(scenario, seed=2).feet[1]
    time = np.linspace(2.0, 5.0, 30_001)
    _, rate = felt(motion, time, LEVER)
    middle = 0.5 * (rate[:, 1:] + rate[:, :-1]).T * (time[1] - time[0])
    turned = room_from_foot(motion, time[:1])[0]
    for small in Rotation.from_rotvec(middle):
        turned = turned * small
    error = (turned.inv() * room_from_foot(motion, time[-1:])[0]).magnitude()
    assert error < 1e-5


def test_accelerometer_is_the_second_derivative_of_the_sensor_path() -> None:
    motion = simulate(run(3.6, 12.0, "overground", turn_deg=-200.0), seed=2).feet[0]
    step = 1e-4
    time = np.arange(3.0, 4.0, step)
    rotation = room_from_foot(motion, time)
    path = motion.at(time)[4:].T + rotation.apply(LEVER)
    acceleration = (path[2:] - 2 * path[1:-1] + path[:-2]) / step**2
    force, _ = felt(motion, time, LEVER)
    in_room = rotation.apply(force.T)[1:-1]
    assert np.abs(in_room - acceleration - [0.0, 0.0, GRAVITY_MPS2]).max() < 0.01


def test_steady_running_repeats_itself_without_variation() -> None:
    gait = Gait(step_time_cv=0.0, contact_time_cv=0.0, strike_sd_deg=0.0)
    base = run()
    made = simulate(Scenario(name="same", bouts=base.bouts, gait=gait, sensor=base.sensor), seed=0)
    assert np.ptp(column(made, "contact_time_s")) < 1e-12
    assert np.ptp(column(made, "step_time_s")[:-1]) < 1e-12
    assert np.nanstd(column(made, "stride_time_s")) < 1e-12
    assert np.ptp(column(made, "foot_strike_angle_deg")) < 0.02


def test_truth_keeps_its_own_definitions(steady: Simulated) -> None:
    truth = {name: column(steady, name) for name in ("initial_contact_s", "toe_off_s", "t_next_ic", "step_time_s")}
    contact = column(steady, "contact_time_s")
    foot = np.array(steady.truth["foot"].to_pylist())
    assert np.all(foot[1:] != foot[:-1])
    assert np.array_equal(truth["t_next_ic"][:-1], truth["initial_contact_s"][1:])
    assert contact == pytest.approx(truth["toe_off_s"] - truth["initial_contact_s"])
    assert column(steady, "flight_time_s") == pytest.approx(truth["t_next_ic"] - truth["toe_off_s"])
    assert np.isnan(column(steady, "stride_time_s")).sum() == 2
    assert column(steady, "speed_mps")[2:] == pytest.approx(
        (column(steady, "stride_length_m") / column(steady, "stride_time_s"))[2:]
    )
    assert np.nanmean(column(steady, "speed_mps")) == pytest.approx(3.3, abs=0.02)
    own = {c.name for c in STEP_COLUMNS}
    assert set(steady.truth.column_names) - own == {"t_next_ic", "bout"}
    for field in steady.truth.schema:
        assert field.metadata[b"description"]


def test_strike_angle_is_the_pitch_at_contact(steady: Simulated) -> None:
    motion = steady.feet[0]
    left = np.array(steady.truth["foot"].to_pylist()) == "left"
    pitch = np.degrees(motion.at(column(steady, "initial_contact_s")[left])[0])
    assert column(steady, "foot_strike_angle_deg")[left] == pytest.approx(pitch, abs=1e-6)
    flat = np.degrees(motion.at(resting(motion, 0.43))[0])
    assert np.all((flat > -6.0) & (flat < 0.0)), "nearly flat; a little toes-down of standing"


def test_foot_comes_down_inverted_on_both_sides(steady: Simulated) -> None:
    for motion in steady.feet:
        before = motion.contacts.ic_s[(motion.contacts.ic_s > 0) & (motion.contacts.ic_s < 11)] - 0.01
        assert np.all(motion.side * motion.at(before)[1] < 0)


@pytest.mark.parametrize("strike", [-5.0, 5.0, 18.0])
def test_signal_looks_like_that_of_a_running_foot(strike: float) -> None:
    motion = simulate(run(3.3, 12.0, strike_angle_deg=strike), seed=4).feet[0]
    time = np.arange(0.5, 11.5, 1e-3)
    force, rate = felt(motion, time, LEVER)
    size = gaussian_filter1d(np.linalg.norm(rate, axis=0), 8)
    contacts = motion.contacts
    inside = (contacts.ic_s > 1.0) & (contacts.to_s < 11.0)
    for ic, to in zip(contacts.ic_s[inside], contacts.to_s[inside], strict=True):
        stance = (time > ic + 0.05) & (time < to - 0.03)
        assert size[stance].min() < 0.35 * np.sqrt(np.mean(size**2)), "a quiet instant"
        near = (time > to - 0.03) & (time < to + 0.06)
        assert np.ptp(force[2][near]) > 8.0, "the vertical force collapses at toe-off"
    start, stop = resting(motion)[[0, -1]]
    assert -51.0 < np.degrees(motion.at(np.linspace(start, stop, 20_000))[0].mean()) < -24.0


def test_contact_dip_follows_the_strike_angle_as_in_real_runners() -> None:
    strikes, errors = [], []
    for speed in (2.5, 3.5, 4.5):
        for strike in (0.0, 8.0, 16.0, 24.0):
            motion = simulate(run(speed, 12.0, strike_angle_deg=strike), seed=5).feet[0]
            time = np.arange(0.0, 12.0, 1e-3)
            pitch_rate = gaussian_filter1d(-felt(motion, time, LEVER)[1][1], 4.5)
            dip = np.flatnonzero((pitch_rate[1:-1] < pitch_rate[:-2]) & (pitch_rate[1:-1] <= pitch_rate[2:])) + 1
            contacts = motion.contacts.ic_s[(motion.contacts.ic_s > 1.0) & (motion.contacts.ic_s < 11.0)]
            nearest = [time[dip][np.argmin(np.abs(time[dip] - ic))] - ic for ic in contacts]
            strikes.append(strike)
            errors.append(1e3 * np.median(nearest))
    slope, offset = np.polyfit(strikes, errors, 1)
    # Real runners (76 foot-trials): 1.6 + 0.61 ms/°, with 2.7 ms between feet.
    assert 0.4 < slope < 0.75
    assert abs(offset + slope * 12.0 - (1.6 + 0.61 * 12.0)) < 2.7


def test_vertical_oscillation_equals_the_twice_integrated_force() -> None:
    step, contact = 0.36, 0.23
    for exponent in (0.9, 1.1, 1.4):
        shape = ForceShape(exponent)
        time = np.linspace(0.0, step, 200_001)
        force = np.where(time < contact, np.sin(np.pi * np.clip(time / contact, 0, 1)) ** exponent, 0.0)
        force *= float(shape.peak_force_bw(np.array([step]), np.array([contact]))[0])
        assert np.trapezoid(force, time) == pytest.approx(step, rel=1e-5)
        velocity = np.concatenate([[0.0], np.cumsum(0.5 * (force[1:] + force[:-1]) - 1.0)]) * GRAVITY_MPS2 * time[1]
        velocity -= velocity.mean()
        height = np.cumsum(velocity) * time[1]
        told = float(shape.oscillation_m(np.array([step]), np.array([contact]))[0])
        assert told == pytest.approx(np.ptp(height), abs=2e-5)


def test_ringing_leaves_nothing_behind() -> None:
    phase = np.linspace(0.0, 120.0, 120_001)
    shaken = _vibration(phase, 0.2, 2)
    assert np.abs(shaken).max() == pytest.approx(1.0, abs=1e-3)
    velocity = np.cumsum(shaken) * phase[1]
    assert abs(velocity[-1]) < 1e-4
    assert abs(np.sum(velocity) * phase[1]) < 1e-2


def test_standing_still_is_still() -> None:
    bouts = (
        Bout(kind="stand", duration_s=4.0),
        Bout(kind="run", speed_mps=3.0, duration_s=10.0),
        Bout(kind="stand", duration_s=12.0, ramp_s=2.0),
        Bout(kind="walk", speed_mps=1.3, duration_s=12.0, ramp_s=2.0),
    )
    made = simulate(without_noise(Scenario(name="stop and go", surface="overground", bouts=bouts)), seed=6)
    for motion in made.feet:
        for start, stop in ((0.5, 3.5), (18.0, 25.5)):
            time = np.linspace(start, stop, 500)
            force, rate = felt(motion, time, LEVER)
            assert np.abs(rate).max() < 1e-6
            assert np.linalg.norm(force, axis=0) == pytest.approx(GRAVITY_MPS2, abs=1e-6)
    flags = [Flag.parse(text) for text in made.truth["flags"].to_pylist()]
    walking = np.array([Flag.WALKING in flag for flag in flags])
    assert not walking[column(made, "bout") == 1][4:].any()
    assert walking[column(made, "bout") == 3].all()
    late = column(made, "initial_contact_s") > 30.0
    assert np.all(column(made, "flight_time_s")[late][:-1] < 0), "walking has double support"
    assert np.isnan(column(made, "vertical_oscillation_m")[walking]).all()


def test_turn_and_slope_are_walked_in_full() -> None:
    made = simulate(run(3.0, 20.0, "overground", turn_deg=180.0, grade=0.05), seed=7)
    motion = made.feet[0]
    contacts = motion.contacts
    k = np.flatnonzero((contacts.ic_s > 0.0) & (contacts.ic_s < 20.0))
    place = motion.place_m[k]
    climbed = place[-1, 2] - place[0, 2]
    level = np.hypot(*np.diff(place[:, :2], axis=0).T).sum()
    assert climbed / level == pytest.approx(0.05, abs=0.001)
    turned = np.degrees(contacts.heading_rad[k[-1]] - contacts.heading_rad[k[0]])
    assert turned == pytest.approx(9.0 * (contacts.ic_s[k[-1]] - contacts.ic_s[k[0]]), abs=0.5)
    assert np.degrees(motion.at(resting(motion, 0.43))[0]).mean() == pytest.approx(2.86 - 3.2, abs=1.2)
    assert all(Flag.GRADED in Flag.parse(text) for text in made.truth["flags"].to_pylist())


def test_fatigue_and_asymmetry_arrive_on_the_right_side() -> None:
    scenario = Scenario(
        name="tired",
        bouts=(Bout(kind="run", speed_mps=3.0, duration_s=120.0),),
        gait=Gait(contact_asymmetry=0.02, strike_asymmetry_deg=4.0),
        fatigue=Fatigue(start_s=40.0, time_constant_s=5.0, contact_left=0.08, strike_right_deg=5.0),
    )
    made = simulate(scenario, seed=8)
    left = np.array(made.truth["foot"].to_pylist()) == "left"
    early, late = column(made, "initial_contact_s") < 40.0, column(made, "initial_contact_s") > 70.0
    contact, strike = column(made, "contact_time_s"), column(made, "foot_strike_angle_deg")
    assert contact[early & left].mean() / contact[early & ~left].mean() == pytest.approx(1.02, abs=0.008)
    assert contact[late & left].mean() / contact[late & ~left].mean() == pytest.approx(1.02 * 1.08, abs=0.01)
    assert strike[early & left].mean() - strike[early & ~left].mean() == pytest.approx(4.0, abs=0.8)
    assert strike[late & ~left].mean() - strike[early & ~left].mean() == pytest.approx(5.0, abs=0.8)


def test_variation_is_of_the_size_asked_for() -> None:
    made = simulate(without_noise(read_scenario("steady_rearfoot")), seed=9)
    assert np.nanstd(column(made, "step_time_s")) / np.nanmean(column(made, "step_time_s")) == pytest.approx(
        0.010, abs=0.004
    )
    assert 0.6 < np.std(column(made, "foot_strike_angle_deg")) < 2.2
    assert 0.05 < np.nanmean(column(made, "overstride_m")) < 0.25
    assert 0.003 < np.nanstd(column(made, "overstride_m")) < 0.02


@settings(max_examples=20, deadline=None)
@given(
    speed=st.floats(2.2, 5.0),
    grade=st.floats(-0.08, 0.08),
    strike=st.floats(-10.0, 25.0),
    cadence=st.floats(155.0, 185.0),
    contact=st.floats(0.19, 0.27),
    surface=st.sampled_from(["treadmill", "overground"]),
    seed=st.integers(0, 2**32),
)
def test_any_steady_run_is_consistent(
    speed: float, grade: float, strike: float, cadence: float, contact: float, surface: str, seed: int
) -> None:
    bout = Bout(kind="run", speed_mps=speed, duration_s=8.0, grade=grade, strike_angle_deg=strike)
    gait = Gait(cadence_spm=cadence, contact_time_s=contact)
    made = simulate(without_noise(Scenario(name="any", surface=surface, bouts=(bout,), gait=gait)), seed)
    assert made.truth.num_rows > 12
    assert np.all(column(made, "flight_time_s") > 0.02)
    assert np.nanmean(column(made, "speed_mps")) == pytest.approx(speed, abs=0.03)
    assert np.mean(column(made, "foot_strike_angle_deg")) == pytest.approx(strike, abs=4.5)
    for name in ("vertical_oscillation_m", "peak_force_bw", "achilles_peak_bw", "achilles_impulse_bws", "calf_dose"):
        assert np.all(column(made, name) > 0)
    ground = -speed if surface == "treadmill" else 0.0
    along = np.array([[ground * np.cos(np.arctan(grade))], [0.0], [ground * np.sin(np.arctan(grade))]])
    for motion in made.feet:
        rest = motion.contacts.ic_s + 0.5 * motion.contacts.stance_s
        rest = rest[(rest > 0.2) & (rest < 7.8)]
        assert np.abs(motion.at(rest, 1)[4:] - along).max() < 1e-9
    for track in made.recording.pods:
        assert np.all(np.isfinite(track.samples.time_s))
        assert len(track.samples) == 1600
