"""The nouns: what they refuse, and what they keep."""

from __future__ import annotations

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from soleus.model import (
    STEP_COLUMNS,
    STEP_DTYPES,
    Belt,
    Flag,
    Foot,
    PodInfo,
    PodSamples,
    PodTrack,
    Recording,
    Runner,
    Steps,
    Warnings,
)

number = st.floats(allow_nan=True, allow_infinity=False, width=64)


@st.composite
def steps(draw, most=6) -> Steps:
    n = draw(st.integers(0, most))
    columns = {}
    for column in STEP_COLUMNS:
        dtype = STEP_DTYPES[column.name]
        if column.name == "flags":
            values = st.integers(0, int(max(Flag)) * 2 - 1)
        elif column.words:
            values = st.integers(-1, len(column.words) - 1)
        else:
            values = number
        columns[column.name] = draw(arrays.arrays(dtype, n, elements=values))
    return Steps(columns)


@given(steps())
def test_steps_survive_arrow(rows):
    back = Steps.from_arrow(rows.to_arrow())
    for name in STEP_DTYPES:
        assert np.array_equal(back[name], rows[name], equal_nan=STEP_DTYPES[name].kind == "f"), name
        assert back[name].dtype == rows[name].dtype


@given(steps(), steps())
def test_joined_steps_come_apart_again(a, b):
    both = Steps.concat([a, b])
    assert len(both) == len(a) + len(b)
    assert both.select(slice(0, len(a))) == a
    assert both.select(slice(len(a), None)) == b
    assert Steps.concat([]) == Steps.empty()


@given(steps(most=4))
def test_equality_is_to_the_bit(rows):
    assert rows == Steps.concat([rows])
    if len(rows):
        other = dict(rows.columns)
        other["quality"] = np.where(np.isnan(other["quality"]), 0.0, -other["quality"])
        assert rows != Steps(other)
    assert rows != "steps"
    with pytest.raises(TypeError, match="unhashable"):
        hash(rows)


def test_missing_values_become_null():
    columns = {n: np.full(1, np.nan if d.kind == "f" else -1 if d == np.int8 else 0, d) for n, d in STEP_DTYPES.items()}
    table = Steps(columns).to_arrow()
    assert all(table[n].null_count == 1 for n in table.column_names if n != "flags")
    assert table["flags"].to_pylist() == [""]


@given(st.sets(st.sampled_from(list(Flag))))
def test_flags_go_to_words_and_back(some):
    flags = Flag(0)
    for flag in some:
        flags |= flag
    assert Flag.parse(flags.names) == flags
    assert flags.names == flags.names.lower()


def test_an_unknown_flag_is_refused():
    with pytest.raises(KeyError):
        Flag.parse("gap,nonsense")


@pytest.mark.parametrize("text", ["left", "Left", " L ", "lf", "links"])
def test_left_by_any_name(text):
    assert Foot.parse(text) is Foot.LEFT
    assert Foot.parse(text).other is Foot.RIGHT


@pytest.mark.parametrize("text", ["", "both", "hand", "l eft"])
def test_what_is_no_foot(text):
    with pytest.raises(ValueError, match="neither 'left' nor 'right'"):
        Foot.parse(text)


@pytest.mark.parametrize(
    ("field", "value"),
    [("mass_kg", 5), ("mass_kg", 500), ("height_m", 175), ("height_m", 0.3), ("leg_length_m", 3.0), ("age_years", -1),
     ("foot_length_m", 27), ("shoe_drop_m", 8), ("sex", "yes"), ("mass_kg", "70"), ("weight", 70)],
)  # fmt: skip
def test_measures_of_no_runner_are_refused(field, value):
    with pytest.raises(msgspec.ValidationError, match=field):
        msgspec.convert({field: value}, Runner)


def test_defaults_come_from_height_and_nothing_from_nothing():
    assert (Runner().leg_m, Runner().foot_m) == (None, None)
    assert Runner(height_m=1.8).leg_m == pytest.approx(0.954)
    assert Runner(height_m=1.8).foot_m == pytest.approx(0.2736)
    assert Runner(height_m=1.8, leg_length_m=0.9, foot_length_m=0.26).leg_m == 0.9
    assert Runner(height_m=1.8, leg_length_m=0.9, foot_length_m=0.26).foot_m == 0.26


@given(st.floats(0.1, 400), st.floats(1e-4, 0.05))
def test_full_scale_clips_and_what_is_below_does_not(range_mps2, lsb):
    pod = PodInfo(Foot.LEFT, lsb, 0.001, accel_range_mps2=range_mps2)
    assert 0 <= pod.accel_clip_counts <= 32767
    assert pod.accel_clip_counts * lsb <= range_mps2
    assert min(32767, (pod.accel_clip_counts + 2)) * lsb >= min(range_mps2, 32767 * lsb) * (1 - 1e-9)
    assert pod.gyro_clip_counts == 32767


@given(st.lists(st.floats(0, 100), min_size=1, max_size=20, unique=True), st.floats(-10, 110))
def test_a_belt_reading_holds_until_the_next(times, at):
    time = np.sort(np.array(times))
    belt = Belt(time, np.arange(time.size) + 1.0, np.arange(time.size) / 100)
    speed, grade = belt.at(np.array([at]))
    before = time[time <= at]
    if before.size:
        assert speed[0] == before.size
        assert grade[0] == pytest.approx((before.size - 1) / 100)
    else:
        assert np.isnan(speed[0])
        assert np.isnan(grade[0])


def test_a_belt_without_readings_knows_nothing():
    nothing = np.empty(0)
    speed, grade = Belt(nothing, nothing, nothing).at(np.arange(3.0))
    assert np.isnan(speed).all()
    assert np.isnan(grade).all()
    assert Belt.constant(3.0).at(np.array([-1e9, 1e9]))[0].tolist() == [3.0, 3.0]


def pod_track(foot=Foot.LEFT, n=500, rate=200.0) -> PodTrack:
    samples = PodSamples(foot, np.arange(n) / rate, np.arange(6 * n, dtype=np.int16).reshape(6, n))
    return PodTrack(PodInfo(foot, 0.01, 0.001), samples)


def test_samples_in_units():
    track = pod_track(n=3)
    assert np.allclose(track.samples.accel_mps2(track.info), track.samples.counts[:3] * 0.01)
    assert np.allclose(track.samples.gyro_rads(track.info), track.samples.counts[3:] * 0.001)
    assert track.samples[1:].time_s.tolist() == [0.005, 0.01]


def test_two_pods_of_a_foot_are_refused():
    with pytest.raises(ValueError, match="one pod a foot"):
        Recording((pod_track(), pod_track()))


@given(st.integers(0, 900), st.integers(0, 900), st.floats(0.02, 5), st.sampled_from([52.0, 200.0, 1600.0]))
def test_chunks_hold_every_sample_once_in_order(left, right, chunk_s, rate):
    recording = Recording((pod_track(Foot.LEFT, left), pod_track(Foot.RIGHT, right, rate)))
    seen = {Foot.LEFT: [], Foot.RIGHT: []}
    for chunk in recording.chunks(chunk_s):
        for piece in chunk:
            assert len(piece) > 0
            seen[piece.foot].extend(piece.time_s.tolist())
    assert [seen[t.info.foot] for t in recording.pods] == [t.samples.time_s.tolist() for t in recording.pods]


def test_duration_spans_both_pods():
    assert Recording((pod_track(Foot.LEFT, 201), pod_track(Foot.RIGHT, 401))).duration_s == pytest.approx(2.0)
    assert Recording((pod_track(n=0),)).duration_s == 0.0


def test_warnings_survive_arrow():
    rows = Warnings.from_rows([
        (1.5, "pain", 3, "Stop.", '{"a": 1}', -1, ""),
        (2.5, "drift", 1, "Ease off.", "{}", 1, "doi"),
    ])  # fmt: skip
    assert Warnings.from_arrow(rows.to_arrow()) == rows
    assert rows.to_arrow()["foot"].to_pylist() == [None, "right"]
    assert Warnings.concat([rows, Warnings.empty(), rows]).select(slice(2, None)) == rows
    assert rows != Warnings.empty()
