"""Each flag where it belongs and nowhere else; nothing missing without a reason; nothing there that cannot be known."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from soleus.model import Belt, Flag, Foot, PodSamples, PodTrack, Recording, Runner, Steps

MODELS = (
    "vertical_oscillation_m", "vertical_ratio", "overstride_m", "peak_force_bw", "leg_stiffness_kn_per_m",
    "achilles_peak_bw", "achilles_impulse_bws", "calf_dose",
)  # fmt: skip
PATH = Flag.GAP | Flag.SATURATED | Flag.NOT_CLOSED | Flag.FIRST_OF_BOUT | Flag.CUT
STEP = Flag.OTHER_FOOT_MISSING
LOST = PATH | Flag.WALKING
NO_SPEED = Flag.NO_SPEED

# Column -> flags of which at least one must be set where the column is null.
REASONS = {
    "toe_off_s": Flag.CUT | Flag.GAP,
    "contact_time_s": Flag.CUT | Flag.GAP,
    "flight_time_s": STEP | Flag.CUT | Flag.GAP,
    "step_time_s": STEP,
    "stride_time_s": Flag.FIRST_OF_BOUT,
    "cadence_spm": STEP | Flag.FIRST_OF_BOUT,
    "duty_factor": Flag.FIRST_OF_BOUT | Flag.CUT | Flag.GAP,
    "speed_mps": NO_SPEED,
    "stride_length_m": NO_SPEED | Flag.FIRST_OF_BOUT,
    "step_length_m": NO_SPEED | STEP,
    "foot_strike_angle_deg": LOST,
    "pronation_excursion_deg": PATH,
    "vertical_oscillation_m": LOST | STEP,
    "vertical_ratio": LOST | STEP | NO_SPEED,
    "overstride_m": LOST | STEP | Flag.GRADED,
    "peak_force_bw": LOST | STEP,
    "leg_stiffness_kn_per_m": LOST | STEP | NO_SPEED | Flag.GRADED | Flag.NO_MASS | Flag.NO_HEIGHT | Flag.EXTRAPOLATED,
    "achilles_peak_bw": LOST | STEP,
    "achilles_impulse_bws": LOST | STEP,
    "calf_dose": LOST | STEP,
}


def flagged(rows: Steps, flag: Flag) -> np.ndarray:
    return (rows["flags"] & int(flag)) != 0


def track(recording: Recording, foot: int, time_s=None, counts=None, **info) -> PodTrack:
    old = recording.pods[foot]
    samples = PodSamples(
        old.samples.foot,
        old.samples.time_s if time_s is None else time_s,
        old.samples.counts if counts is None else counts.astype(np.int16),
    )
    return PodTrack(dataclasses.replace(old.info, **info), samples)


def with_left(recording: Recording, **change) -> Recording:
    return dataclasses.replace(recording, pods=(track(recording, 0, **change), recording.pods[1]))


@pytest.fixture(scope="module")
def level(recordings) -> Recording:
    return recordings.run(3.2, duration_s=16.0).recording


@pytest.fixture(scope="module")
def plain(recordings, level) -> Steps:
    return recordings.rows(level)[0]


@pytest.fixture(scope="module")
def mixed(recordings):
    """Rows of every kind of recording."""
    pod, sensor, bouts = recordings.Pod, recordings.Sensor, recordings.bouts
    hilly = recordings.run(3.0, duration_s=14.0).recording
    return {
        "plain": recordings.rows(recordings.run(3.2, duration_s=16.0).recording)[0],
        "intervals": recordings.rows(
            bouts(("stand", 0, 3), ("walk", 1.4, 9), ("run", 3, 12), ("stand", 0, 3), ("run", 3, 6)).recording
        )[0],
        "loss": recordings.rows(recordings.run(left=pod(loss_share=0.08, burst_s=0.08)).recording)[0],
        "clipped": recordings.rows(
            recordings.run(4.5, sensor=sensor(accel_range_g=6, gyro_range_dps=400, ringing_level=2)).recording
        )[0],
        "nobody": recordings.rows(hilly, runner=None)[0],
        "uphill": recordings.rows(hilly, belt=Belt.constant(3.0, 0.06))[0],
        "one pod": recordings.rows(dataclasses.replace(hilly, pods=hilly.pods[:1]))[0],
        "fast": recordings.rows(recordings.run(5.6).recording)[0],
    }


@pytest.mark.parametrize("kind", ["plain", "intervals", "loss", "clipped", "nobody", "uphill", "one pod", "fast"])
def test_every_missing_value_has_its_reason(mixed, kind):
    rows = mixed[kind]
    assert len(rows) > 12
    for name, reasons in REASONS.items():
        silent = np.isnan(rows[name]) & ~flagged(rows, reasons)
        assert not silent.any(), (
            f"{name} is null in {silent.sum()} rows with flags "
            f"{sorted({Flag(int(f)).names for f in rows['flags'][silent]})}"
        )


def test_a_plain_run_has_every_value(recordings, plain):
    inner = slice(4, -4)
    assert not flagged(plain, ~Flag(0))[inner].any()
    for name in REASONS:
        assert np.isfinite(plain[name][inner]).all(), name
    assert (plain["speed_source"][inner] == 1).all()
    assert (plain["foot_strike"][inner] >= 0).all()
    assert plain["quality"][inner].min() > 0.95


def test_values_of_a_row_fit_together(mixed):
    for rows in mixed.values():
        same = lambda a, b: np.nanmax(np.abs(a - b), initial=0) < 1e-9  # noqa: E731
        assert same(rows["contact_time_s"], rows["toe_off_s"] - rows["initial_contact_s"])
        assert same(rows["duty_factor"], rows["contact_time_s"] / rows["stride_time_s"])
        assert same(rows["flight_time_s"], rows["step_time_s"] - rows["contact_time_s"])
        paired = np.isfinite(rows["step_time_s"])
        assert same(rows["cadence_spm"][paired], 60 / rows["step_time_s"][paired])
        assert same(rows["stride_length_m"], rows["speed_mps"] * rows["stride_time_s"])
        assert same(rows["step_length_m"], rows["speed_mps"] * rows["step_time_s"])


def test_walking_rows_have_no_running_models(recordings, matched, truth_of):
    made = recordings.bouts(("walk", 1.4, 12), ("run", 3.0, 12), ("walk", 1.3, 8))
    rows, _ = recordings.rows(made.recording)
    t, s, *_ = matched(made, rows)
    truth = truth_of(made)
    sure = np.array(["accelerating" not in flag for flag in truth["flags"][t]])
    walked = np.array(["walking" in flag for flag in truth["flags"][t]])
    said = flagged(rows, Flag.WALKING)[s]
    assert (said == walked)[sure].mean() > 0.97
    for name in MODELS:
        assert np.isnan(rows[name][flagged(rows, Flag.WALKING)]).all(), name
    assert np.isfinite(rows["contact_time_s"][s][walked & sure]).mean() > 0.9


def test_gap(recordings, level):
    time = level.pods[0].samples.time_s
    keep = (time < 10.0) | (time > 10.12)
    rows, _ = recordings.rows(with_left(level, time_s=time[keep], counts=level.pods[0].samples.counts[:, keep]))
    hit = flagged(rows, Flag.GAP)
    assert 1 <= hit.sum() <= 2
    assert (rows["foot"][hit] == Foot.LEFT).all()
    for name in ("contact_time_s", "foot_strike_angle_deg", *MODELS):
        assert np.isnan(rows[name][hit]).all(), name
    assert (rows["quality"][hit] < 1).all()
    assert not flagged(rows, Flag.GAP)[np.abs(rows["initial_contact_s"] - 10) > 1.2].any()


def test_repaired_hole(recordings, level):
    time = level.pods[0].samples.time_s
    keep = np.ones(time.size, bool)
    keep[2000:2003] = False
    rows, analyzer = recordings.rows(with_left(level, time_s=time[keep], counts=level.pods[0].samples.counts[:, keep]))
    hit = flagged(rows, Flag.REPAIRED)
    assert 1 <= hit.sum() <= 2
    assert not flagged(rows, Flag.GAP).any()
    assert np.isfinite(rows["contact_time_s"][hit]).all()
    assert analyzer.counts[Foot.LEFT].samples.bridged == 3


@pytest.mark.parametrize(("rows_hit", "flag"), [(slice(0, 3), Flag.CLIPPED), (slice(3, 6), Flag.SATURATED)])
def test_samples_at_full_scale(recordings, level, rows_hit, flag):
    counts = level.pods[0].samples.counts.copy()
    counts[rows_hit, 2000:2008] = 32767
    rows, analyzer = recordings.rows(with_left(level, counts=counts))
    hit = flagged(rows, flag)
    assert 1 <= hit.sum() <= 2
    assert (rows["foot"][hit] == Foot.LEFT).all()
    assert np.abs(rows["initial_contact_s"][hit] - 10).max() < 1.2
    seen = analyzer.counts[Foot.LEFT].samples
    assert (seen.clipped, seen.saturated)[flag is Flag.SATURATED] == 8
    if flag is Flag.SATURATED:
        assert np.isnan(rows["foot_strike_angle_deg"][hit]).all()


def test_turning(recordings):
    bout = recordings.Bout
    made = recordings.of(
        recordings.Scenario(
            name="turns", surface="overground",
            bouts=(
                bout(kind="run", speed_mps=3.0, duration_s=10.0),
                bout(kind="run", speed_mps=3.0, duration_s=5.0, turn_deg=300.0),
                bout(kind="run", speed_mps=3.0, duration_s=8.0),
            ),
        )
    )  # fmt: skip
    rows, _ = recordings.rows(made.recording)
    hit, contact = flagged(rows, Flag.TURNING), rows["initial_contact_s"]
    assert hit[(contact > 11) & (contact < 14.5)].mean() > 0.8
    assert not hit[(contact < 9) | (contact > 17)].any()


def test_accelerating(recordings):
    made = recordings.bouts(("run", 2.3, 10), ("run", 4.8, 10))
    rows, _ = recordings.rows(made.recording)
    started, _ = recordings.rows(recordings.bouts(("stand", 0, 4), ("run", 3.2, 10)).recording)
    contact = started["initial_contact_s"]
    assert flagged(started, Flag.ACCELERATING)[contact < 7].any()
    assert not flagged(started, Flag.ACCELERATING)[contact > 8].any()
    steady = (rows["initial_contact_s"] < 9.5) & (rows["initial_contact_s"] > 1) | (rows["initial_contact_s"] > 13)
    assert not flagged(rows, Flag.ACCELERATING)[steady].any()


def test_speed_and_its_source(recordings, level, plain):
    belted, _ = recordings.rows(level, belt=Belt(np.array([8.0]), np.array([3.4]), np.array([0.01])))
    late = belted["initial_contact_s"] > 8.0
    assert (belted["speed_mps"][late] == 3.4).all()
    assert (belted["speed_source"][late] == 0).all()
    assert (belted["grade"][late] == 0.01).all()
    assert np.isnan(belted["grade"][~late]).all()
    assert np.array_equal(belted["speed_mps"][~late], plain["speed_mps"][~late], equal_nan=True)
    none = flagged(plain, Flag.NO_SPEED)
    assert none.any()
    assert np.isnan(plain["speed_mps"][none]).all()
    assert (plain["speed_source"][none] == -1).all()
    assert not flagged(belted, Flag.NO_SPEED)[late].any()


@pytest.mark.parametrize("belt_mps", [0.0, -3.0, np.nan])
def test_a_belt_that_stands_is_no_speed(recordings, level, plain, belt_mps):
    rows, _ = recordings.rows(level, belt=Belt.constant(belt_mps))
    assert np.array_equal(rows["speed_mps"], plain["speed_mps"], equal_nan=True)
    assert not (rows["speed_source"] == 0).any()


@pytest.mark.parametrize(("belt_mps", "differs"), [(3.2, False), (3.4, False), (12.0, True), (1.2, True)])
def test_a_belt_that_contradicts_the_path_is_flagged(recordings, level, belt_mps, differs):
    rows, _ = recordings.rows(level, belt=Belt.constant(belt_mps))
    closed = np.isfinite(rows["stride_time_s"])
    assert flagged(rows, Flag.BELT_DIFFERS)[closed].all() == differs


@pytest.mark.parametrize("grade", [0.03, -0.05, 0.0, 0.015])
def test_grade(recordings, level, grade):
    rows, _ = recordings.rows(level, belt=Belt.constant(3.2, grade))
    steep = abs(grade) > 0.02
    assert flagged(rows, Flag.GRADED).all() == steep
    assert flagged(rows, Flag.GRADED).any() == steep
    for name in ("leg_stiffness_kn_per_m", "overstride_m"):
        assert np.isnan(rows[name][4:-4]).all() == steep
    assert np.isfinite(rows["achilles_peak_bw"][4:-4]).all()


def test_uphill_loads_more(recordings, level):
    loads = [
        np.nanmedian(recordings.rows(level, belt=Belt.constant(3.2, grade))[0]["achilles_impulse_bws"])
        for grade in (-0.06, 0.0, 0.06)
    ]
    assert loads[0] < loads[1] < loads[2]


def test_unknown_runner(recordings, level, plain):
    rows, _ = recordings.rows(level, runner=Runner())
    assert flagged(rows, Flag.NO_HEIGHT).all()
    assert flagged(rows, Flag.NO_MASS).all()
    assert np.isnan(rows["leg_stiffness_kn_per_m"]).all()
    assert not flagged(plain, Flag.NO_HEIGHT | Flag.NO_MASS).any()
    for name in ("contact_time_s", "foot_strike_angle_deg", "vertical_oscillation_m"):
        assert np.array_equal(rows[name], plain[name], equal_nan=True), name
    only_leg, _ = recordings.rows(level, runner=Runner(mass_kg=68.0, leg_length_m=0.92))
    assert np.isfinite(only_leg["leg_stiffness_kn_per_m"][4:-4]).all()


def test_first_of_bout_and_last(plain):
    first = flagged(plain, Flag.FIRST_OF_BOUT)
    assert first.sum() == 2
    assert first[:3].sum() == 2
    assert np.isnan(plain["stride_time_s"][first]).all()
    assert np.isfinite(plain["stride_time_s"][~first]).all()


def test_a_recording_that_ends_in_a_stance(recordings, level, plain):
    """Cut while the left foot stands: its contact is there, its toe-off is not."""
    contact = plain["initial_contact_s"][plain["foot"] == 0][-3]
    short = tuple(dataclasses.replace(t, samples=t.samples[: int((contact + 0.12) * 200)]) for t in level.pods)
    rows, _ = recordings.rows(dataclasses.replace(level, pods=short))
    last = rows.select(rows["foot"] == 0).select(slice(-1, None))
    if abs(last["initial_contact_s"][0] - contact) < 0.02:
        assert flagged(last, Flag.CUT).all()
        assert np.isnan(last["toe_off_s"]).all()
        assert np.isnan(last["peak_force_bw"]).all()
    assert not flagged(rows, Flag.CUT)[:-2].any()


def test_the_other_foot(recordings, level, plain):
    alone, _ = recordings.rows(dataclasses.replace(level, pods=level.pods[:1]))
    assert flagged(alone, Flag.OTHER_FOOT_MISSING).all()
    assert np.isnan(alone["step_time_s"]).all()
    assert np.isnan(alone["flight_time_s"]).all()
    left = plain.select(plain["foot"] == 0)
    for name in ("initial_contact_s", "toe_off_s", "stride_time_s"):
        assert np.array_equal(alone[name], left[name], equal_nan=True), name
    assert np.nanmedian(alone["cadence_spm"]) == pytest.approx(np.nanmedian(left["cadence_spm"]), rel=0.01)
    assert not flagged(plain, Flag.OTHER_FOOT_MISSING)[:-1].any()


def test_swapped_feet_are_noticed_and_rows_keep_the_label(recordings):
    made = recordings.run(3.2, duration_s=20.0, swapped_feet=True)
    rows, _ = recordings.rows(made.recording)
    right, _ = recordings.rows(recordings.run(3.2, duration_s=20.0).recording)
    late = rows["initial_contact_s"] > 12
    assert flagged(rows, Flag.SWAPPED)[late].all()
    assert not flagged(right, Flag.SWAPPED).any()
    assert np.abs(rows["initial_contact_s"][late] - right["initial_contact_s"][late]).max() < 0.003


def test_extrapolated(recordings, plain):
    for speed_mps, beyond in ((1.9, True), (2.6, False), (4.6, False), (5.6, True)):
        rows, _ = recordings.rows(recordings.run(speed_mps).recording)
        running = ~flagged(rows, Flag.WALKING | Flag.NO_SPEED)
        assert flagged(rows, Flag.EXTRAPOLATED)[running].mean() == pytest.approx(float(beyond), abs=0.05), speed_mps


def test_mounting_unsure(recordings, level, plain):
    """Votes that contradict each other: axes of the accelerometer reversed fore and aft."""
    counts = level.pods[0].samples.counts.astype(int)
    counts[0] = -counts[0]
    rows, _ = recordings.rows(with_left(level, counts=np.clip(counts, -32768, 32767)))
    assert flagged(rows, Flag.MOUNTING_UNSURE | Flag.NOT_CLOSED)[rows["foot"] == 0].mean() > 0.9
    assert not flagged(rows, Flag.MOUNTING_UNSURE)[rows["foot"] == 1].any()
    assert not flagged(plain, Flag.MOUNTING_UNSURE).any()
    assert rows["quality"][rows["foot"] == 0].max() < 0.8


def test_not_closed(recordings, level, plain):
    """Wrong unit of the accelerometer: the mean specific force of a stride is nothing like gravity."""
    wrong = dataclasses.replace(
        level,
        pods=tuple(
            track(level, f, accel_lsb_mps2=level.pods[f].info.accel_lsb_mps2 / 9.80665, accel_range_mps2=16.0)
            for f in (0, 1)
        ),
    )
    rows, _ = recordings.rows(wrong)
    strides = np.isfinite(rows["stride_time_s"]) & ~flagged(rows, Flag.CUT)
    assert flagged(rows, Flag.NOT_CLOSED)[strides].all()
    assert np.isnan(rows["speed_mps"]).all()
    assert not flagged(plain, Flag.NOT_CLOSED).any()


def test_strike_words_follow_the_angle(mixed):
    for rows in mixed.values():
        angle, word = rows["foot_strike_angle_deg"], rows["foot_strike"]
        expected = np.select([np.isnan(angle), angle > 8.0, angle < -1.6], [-1, 0, 2], 1)
        assert np.array_equal(word, expected)


def test_rejected_swings_are_counted(recordings):
    made = recordings.bouts(("stand", 0, 4), ("run", 3, 10), ("stand", 0, 4))
    _, analyzer = recordings.rows(made.recording)
    for counts in analyzer.counts.values():
        assert counts.rejected_swings >= 0
        assert counts.samples.received == 3600
