"""What FIT files say, read by three libraries that are not ours and compared with sums done the slow way."""

import itertools
import math
import statistics

import pyarrow.parquet as pq
import pytest

from soleus.history import read_session_entry
from soleus.report.export import write_fit

SAMPLES = ("steady_rearfoot", "ladder_forefoot", "walk_run_intervals", "one_sided_fatigue")
KINDS = {"record", "lap", "session", "event", "activity", "file_id", "device_info"}
NUMBERS = ("cadence", "fractional_cadence", "distance", "enhanced_speed", "grade", "vertical_oscillation",
           "stance_time", "stance_time_percent", "stance_time_balance", "vertical_ratio", "step_length", "overstride",
           "achilles_impulse", "achilles_peak", "foot_strike_angle", "calf_dose", "contact_time_left",
           "contact_time_right")  # fmt: skip
RECORD_MEANS = {
    "stance_time": ("contact_time_s", 1000.0, 0.05),
    "stance_time_percent": ("duty_factor", 100.0, 0.005),
    "vertical_oscillation": ("vertical_oscillation_m", 1000.0, 0.05),
    "vertical_ratio": ("vertical_ratio", 100.0, 0.005),
    "step_length": ("step_length_m", 1000.0, 0.05),
    "enhanced_speed": ("speed_mps", 1.0, 0.0005),
    "grade": ("grade", 100.0, 0.005),
    "overstride": ("overstride_m", 100.0, 1e-4),
    "achilles_impulse": ("achilles_impulse_bws", 1.0, 1e-6),
    "achilles_peak": ("achilles_peak_bw", 1.0, 1e-5),
    "foot_strike_angle": ("foot_strike_angle_deg", 1.0, 1e-4),
    "calf_dose": ("calf_dose", 1.0, 0.05),
}
"""Field: column, factor, half of the field's last digit."""


def rows_of(folder):
    return pq.read_table(folder / "steps.parquet").to_pylist()


def mean(rows, column):
    known = [row[column] for row in rows if row[column] is not None]
    return statistics.fmean(known) if known else None


@pytest.mark.parametrize("name", SAMPLES)
def test_three_readers_read_the_same_numbers(sample_sessions, read_by_three, name):
    path = write_fit(sample_sessions[name])
    assert path.name == "activity.fit"
    ours, parsed, garmin = ([(kind, fields) for kind, fields in read if kind in KINDS] for read in read_by_three(path))
    assert [kind for kind, _ in ours] == [kind for kind, _ in parsed] == [kind for kind, _ in garmin]
    for (_, one), (_, two), (_, three) in zip(ours, parsed, garmin, strict=True):
        for field in {*NUMBERS, "timestamp", "total_distance", "avg_stance_time", "total_timer_time"} & {*one, *three}:
            # Garmin's reader leaves missing values out.
            assert one.get(field) == two.get(field) == three.get(field), field
    assert sum(kind == "record" for kind, _ in ours) >= 200


@pytest.mark.parametrize("name", SAMPLES)
def test_a_record_holds_the_means_of_its_second(sample_sessions, read_by_three, name):
    """All seconds and all fields, added up step by step from steps.parquet."""
    path = write_fit(sample_sessions[name])
    steps = rows_of(sample_sessions[name])
    records = [fields for kind, fields in read_by_three(path)[0] if kind == "record"]
    start = 1735718400.0  # 2025-01-01T08:00Z, when the sample sessions begin
    by_second = {}
    for row in steps:
        by_second.setdefault(math.floor(start + row["initial_contact_s"]) + 1, []).append(row)
    assert set(by_second) <= {record["timestamp"] for record in records}
    assert [b["timestamp"] - a["timestamp"] for a, b in itertools.pairwise(records)] == [1.0] * (len(records) - 1)
    distance, last = 0.0, None
    for record in records:
        mine = by_second.get(record["timestamp"], [])
        for field, (column, factor, half) in RECORD_MEANS.items():
            expected = mean(mine, column)
            assert (record[field] is None) == (expected is None), field
            if expected is not None:
                assert record[field] == pytest.approx(factor * expected, abs=half * 1.02, rel=1e-6), field
        sides = {
            side: mean([row for row in mine if row["foot"] == side], "contact_time_s") for side in ("left", "right")
        }
        for side, value in sides.items():
            expected = None if value is None else pytest.approx(1000 * value, rel=1e-6)
            assert record[f"contact_time_{side}"] == expected
        if None in sides.values():
            assert record["stance_time_balance"] is None
        else:
            assert record["stance_time_balance"] == pytest.approx(100 * sides["left"] / sum(sides.values()), abs=0.0051)
        cadence = mean(mine, "cadence_spm")
        if cadence is None:
            assert (record["cadence"], record["fractional_cadence"]) == (None, None)
        else:
            assert record["cadence"] + record["fractional_cadence"] == pytest.approx(cadence / 2, abs=0.5 / 128 + 1e-9)
        for row in mine:
            if last is not None and row["initial_contact_s"] - last <= 1.5:
                distance += (row["speed_mps"] or 0.0) * (row["initial_contact_s"] - last)
            last = row["initial_contact_s"]
        assert record["distance"] == pytest.approx(distance, abs=0.0051)


@pytest.mark.parametrize("name", SAMPLES)
def test_the_session_holds_the_means_of_the_running_steps(sample_sessions, read_by_three, name):
    folder = sample_sessions[name]
    path = write_fit(folder)
    found = [fields for kind, fields in read_by_three(path)[0] if kind == "session"]
    laps = [fields for kind, fields in read_by_three(path)[0] if kind == "lap"]
    assert (len(found), len(laps)) == (1, 1)
    steps = rows_of(folder)
    running = [row for row in steps if "walking" not in (row["flags"] or "").split(",")]
    entry = read_session_entry(folder)
    for message in (*found, *laps):
        for field, (column, factor, half) in RECORD_MEANS.items():
            if field in {"enhanced_speed", "grade"}:
                continue
            native = half >= 0.004 and field != "calf_dose"
            assert message[f"avg_{field}" if native else field] == pytest.approx(
                factor * mean(running, column), abs=half * 1.02, rel=1e-6
            )
        spm = mean(running, "cadence_spm")
        assert message["avg_running_cadence"] + message["avg_fractional_cadence"] == pytest.approx(spm / 2, abs=0.004)
        assert 2 * (message["total_strides"] + message["total_fractional_cycles"]) == len(steps)
        assert message["total_distance"] == pytest.approx(entry.distance_m, abs=0.0051)
        assert message["enhanced_avg_speed"] == pytest.approx(
            message["total_distance"] / message["total_elapsed_time"], abs=0.001
        )
    assert found[0]["sport"] == "running"
    assert found[0]["sub_sport"] == ("generic" if name == "walk_run_intervals" else "treadmill")
    assert found[0]["achilles_impulse_total"] == pytest.approx(entry.impulse_bws, rel=1e-6)
    assert found[0]["calf_dose_total"] == pytest.approx(entry.dose, rel=1e-6)


def test_the_fatigue_sample_tells_its_asymmetry(sample_sessions, read_by_three):
    """From minute 8 the left foot stays on the ground longer: the native balance shows it to every program."""
    path = write_fit(sample_sessions["one_sided_fatigue"])
    records = [fields for kind, fields in read_by_three(path)[2] if kind == "record"]
    balance = [record["stance_time_balance"] for record in records if "stance_time_balance" in record]
    early, late = statistics.median(balance[60:400]), statistics.median(balance[-200:])
    assert early == pytest.approx(50.0, abs=0.4)
    assert late > early + 0.5
    warned = [fields for kind, fields in read_by_three(path)[2] if kind == "event" and "warning" in fields]
    assert warned
    assert {fields["event"] for fields in warned} == {"user_marker"}
