from __future__ import annotations

import dataclasses
import json
import shutil

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from soleus.bench.accuracy import METRICS, measure, report
from soleus.bench.errors import BenchError
from soleus.bench.truth import find_trials
from soleus.model import SPEED_SOURCES, Belt, Flag, Foot
from soleus.recording import write_session
from soleus.simulate import Bout, Pod, Scenario, simulate

BELT = SPEED_SOURCES.index("belt")


@pytest.fixture(scope="module")
def measured(session):
    trials, _ = find_trials(session.parent)
    return measure(trials[0])


def test_a_simulated_session_is_found_and_compared(session, measured):
    result, feet = measured
    found = report(feet)
    assert {t.name for t in feet} == {"short"}
    assert found.found / found.contacts > 0.98
    assert found.false == 0
    assert found.metrics["initial_contact_s"].mae < 10.0
    assert found.metrics["stride_length_m"].mae < 10.0
    assert not found.walking
    assert sum(s.contacts for s in found.speeds) <= found.found
    assert max(found.speeds, key=lambda s: s.contacts).speed_mps == 3.0
    assert set(result.step_rows["speed_source"]) <= {-1, 1}


def test_the_belt_is_hidden_unless_asked_for(made, session, tmp_path):
    shutil.copytree(session, tmp_path / "short")
    write_session(dataclasses.replace(made.recording, belt=Belt.constant(3.2)), tmp_path / "short")
    (trial,), _ = find_trials(tmp_path)
    plain, told = (measure(trial, belt=belt)[0].step_rows["speed_source"] for belt in (False, True))
    assert BELT not in plain
    assert (told == BELT).all()


def test_an_error_put_into_the_truth_comes_out(session, measured, tmp_path):
    """Shift the truth by 7 ms and one degree: the biases must move by just that."""
    shutil.copytree(session, tmp_path / "short")
    table = pq.read_table(tmp_path / "short" / "truth.parquet")
    for name, shift in (("initial_contact_s", 0.007), ("toe_off_s", 0.007), ("foot_strike_angle_deg", 1.0)):
        place = table.column_names.index(name)
        values = pa.array(table[name].to_numpy() + shift, from_pandas=True)
        table = table.set_column(place, table.schema.field(name), values)
    pq.write_table(table, tmp_path / "short" / "truth.parquet")
    before = report(measured[1]).metrics
    after = report(measure(find_trials(tmp_path)[0][0])[1]).metrics
    assert after["initial_contact_s"].bias - before["initial_contact_s"].bias == pytest.approx(-7.0, abs=0.01)
    assert after["foot_strike_angle_deg"].bias - before["foot_strike_angle_deg"].bias == pytest.approx(-1.0, abs=0.01)
    assert after["contact_time_s"].bias == pytest.approx(before["contact_time_s"].bias, abs=0.01)


def test_missed_and_false_contacts_are_counted(session, measured, tmp_path):
    shutil.copytree(session, tmp_path / "short")
    table = pq.read_table(tmp_path / "short" / "truth.parquet")
    pq.write_table(table.filter(np.arange(table.num_rows) != 20), tmp_path / "short" / "truth.parquet")
    found = report(measure(find_trials(tmp_path)[0][0])[1])
    assert found.false == report(measured[1]).false + 1


def test_truth_follows_the_pod_s_clock_and_label(tmp_path):
    """A pod two seconds off and 1000 ppm fast, and pods on the wrong feet: the truth is told as the pods told it."""
    scenario = Scenario(
        name="late",
        bouts=(Bout(kind="run", speed_mps=3.0, duration_s=30.0),),
        left=Pod(clock_offset_s=2.0, clock_drift_ppm=1000.0),
        right=Pod(present=False),
        swapped_feet=True,
    )
    made = simulate(scenario, seed=1)
    write_session(made.recording, tmp_path / "late")
    pq.write_table(made.truth, tmp_path / "late" / "truth.parquet")
    (trial,), _ = find_trials(tmp_path)
    assert [t.foot for t in trial.feet] == [Foot.RIGHT]
    (foot,) = measure(trial)[1]
    assert foot.found / foot.contacts > 0.9
    assert report([foot]).metrics["initial_contact_s"].mae < 10.0


def plate_layout(made, folder, name="T"):
    """The same run in the validation layout."""
    pods = made.recording.pods
    info = pods[0].info
    facts = {
        "subject": 1,
        "belt_speed_mps": 3.2,
        "rate_hz": info.rate_hz,
        "accel_lsb_mps2": info.accel_lsb_mps2,
        "gyro_lsb_rads": info.gyro_lsb_rads,
        "height_m": 1.75,
        "mass_kg": 68.0,
    }
    columns = {
        "foot": np.repeat([p.info.foot.label for p in pods], [len(p.samples) for p in pods]),
        "t": np.concatenate([p.samples.time_s for p in pods]),
    }
    counts = np.concatenate([p.samples.counts for p in pods], axis=1)
    columns |= dict(zip(("ax", "ay", "az", "gx", "gy", "gz"), counts, strict=True))
    metadata = {"rbds": json.dumps(facts)}
    pq.write_table(pa.table(columns).replace_schema_metadata(metadata), folder / f"{name}.parquet")
    t = made.truth
    truth = pa.table(
        {
            "side": t["foot"].cast(pa.string()),
            "t_ic": t["initial_contact_s"],
            "t_tc": t["toe_off_s"],
            "t_next_ic": t["t_next_ic"],
            "fsa_deg": t["foot_strike_angle_deg"],
            "vo_m": t["vertical_oscillation_m"],
            "ankle_moment_peak_nmkg": t["achilles_peak_bw"],
            "ankle_moment_impulse_nmskg": t["achilles_impulse_bws"],
        }
    )
    pq.write_table(truth.replace_schema_metadata(metadata), folder / f"{name}.truth.parquet")
    return metadata


def test_both_layouts_agree(made, session, measured, tmp_path):
    plate_layout(made, tmp_path)
    plate = report(measure(find_trials(tmp_path)[0][0])[1])
    simulated = report(measured[1])
    for column in ("initial_contact_s", "contact_time_s", "step_time_s", "foot_strike_angle_deg"):
        assert plate.metrics[column].bias == pytest.approx(simulated.metrics[column].bias, abs=0.05), column
    assert set(plate.metrics) <= set(METRICS)
    assert plate.proxies == {}  # two foot-trials have no correlation


def test_what_holds_no_contacts_is_named_and_skipped(made, session, tmp_path):
    metadata = plate_layout(made, tmp_path)
    pq.write_table(pa.table({"t_midstance": [1.0]}).replace_schema_metadata(metadata), tmp_path / "W.truth.parquet")
    shutil.copy(tmp_path / "T.parquet", tmp_path / "W.parquet")
    trials, skipped = find_trials(tmp_path)
    assert [t.name for t in trials] == ["T"]
    assert len(skipped) == 1
    assert "W.truth.parquet: no column side, t_ic" in skipped[0]


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (lambda _folder: None, "no truth to compare with"),
        (lambda folder: pq.write_table(pa.table({"a": [1]}), folder / "truth.parquet"), "no JSON under 'simulation'"),
        (
            lambda folder: pq.write_table(
                pa.table({"a": [1]}).replace_schema_metadata({"simulation": "[]"}), folder / "truth.parquet"
            ),
            "no JSON object",
        ),
        (
            lambda folder: pq.write_table(
                pa.table({"a": [1]}).replace_schema_metadata({"simulation": "{}"}), folder / "truth.parquet"
            ),
            "not a truth table of this version",
        ),
    ],
)
def test_unusable_truth_is_refused_in_one_sentence(tmp_path, damage, words):
    damage(tmp_path)
    with pytest.raises(BenchError, match=words):
        find_trials(tmp_path)
    with pytest.raises(BenchError, match="no such folder"):
        find_trials(tmp_path / "nowhere")


def test_walking_is_told_apart(tmp_path):
    walk = Scenario(
        name="walk",
        surface="overground",
        bouts=(Bout(kind="walk", speed_mps=1.4, duration_s=15.0), Bout(kind="run", speed_mps=3.0, duration_s=15.0)),
    )
    made = simulate(walk, seed=0)
    write_session(made.recording, tmp_path / "walk")
    pq.write_table(made.truth, tmp_path / "walk" / "truth.parquet")
    (trial,), _ = find_trials(tmp_path)
    flags = [Flag.parse(text or "") for text in made.truth["flags"].to_pylist()]
    assert sum(int(t.walking.sum()) for t in trial.feet) == sum(Flag.WALKING in f for f in flags) > 10


def test_plots_are_drawn(measured, tmp_path):
    pytest.importorskip("matplotlib")
    from soleus.bench.plots import bland_altman

    found = report(measured[1])
    few = {name: found.metrics[name] for name in ("initial_contact_s", "foot_strike_angle_deg")}
    files = bland_altman(measured[1], few, tmp_path / "plots")
    assert [f.name for f in files] == [f"bland_altman_{name}.png" for name in few]
    assert all(f.read_bytes()[:8] == b"\x89PNG\r\n\x1a\n" for f in files)


def test_a_report_is_plain_json(measured):
    found = report(measured[1])
    assert msgspec.json.decode(msgspec.json.encode(found))["contacts"] == found.contacts
    assert dataclasses.is_dataclass(measured[1][0])
