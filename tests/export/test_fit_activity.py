import itertools
import math
import time
from datetime import UTC, datetime, timedelta

import numpy as np
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from soleus.model import Flag, HeartRate, Steps, Warnings
from soleus.recording import RecordingError
from soleus.report.export import ExportError, encode_activity, read_tables, write_fit

START_S = datetime(2025, 5, 3, 16, 30, 0, 250_000, tzinfo=UTC).timestamp()
MARATHON_S = 3.5 * 3600


def of_kind(read, kind):
    return [fields for name, fields in read if name == kind]


@pytest.fixture(scope="module")
def steps(sessions) -> Steps:
    return sessions.run(300.0)


def changed(steps: Steps, **columns) -> Steps:
    return Steps({**steps.columns, **columns})


def test_laps_are_cut_where_the_button_was_pressed(tmp_path, sessions, steps, read_by_three):
    events = [(100.4, "lap", "{}"), (220.0, "lap", "{}"), (None, "lap", "{}"), (1e9, "lap", "{}"), (5.0, "link", "{}")]
    path = write_fit(sessions.write(tmp_path / "a", steps, events=events))
    contact_s = steps["initial_contact_s"]
    edges = [contact_s[0], 100.4, 220.0, max(contact_s[-1], np.nanmax(steps["toe_off_s"]))]
    for read in read_by_three(path):
        laps = of_kind(read, "lap")
        assert [lap["lap_trigger"] for lap in laps] == ["manual", "manual", "session_end"]
        assert [lap["message_index"] for lap in laps] == [0, 1, 2]
        for lap, begins, ends in zip(laps, edges, edges[1:], strict=False):
            mine = (contact_s >= begins) & (contact_s < ends) if ends != edges[-1] else contact_s >= begins
            assert lap["total_elapsed_time"] == pytest.approx(ends - begins, abs=0.0006)
            assert lap["avg_stance_time"] == pytest.approx(1000 * np.nanmean(steps["contact_time_s"][mine]), abs=0.051)
            assert 2 * (lap["total_strides" if "total_strides" in lap else "total_cycles"]
                        + lap["total_fractional_cycles"]) == mine.sum()  # fmt: skip
        (session,) = of_kind(read, "session")
        assert session["num_laps"] == 3
        assert sum(lap["total_distance"] for lap in laps) == pytest.approx(session["total_distance"], abs=0.03)
        assert laps[0]["start_time"] == session["start_time"]
        assert [b["start_time"] - a["timestamp"] for a, b in itertools.pairwise(laps)] == [0.0, 0.0]
        assert laps[-1]["timestamp"] == session["timestamp"]


def test_messages_are_in_order_of_time(tmp_path, sessions, steps, read_by_three):
    warnings = Warnings.from_rows([(60.0, "cadence-low", 1, "Quicker.", "{}", -1, "x")])
    folder = sessions.write(tmp_path / "a", steps, warnings=warnings, events=[(100.4, "lap", "{}")])
    read = read_by_three(write_fit(folder))[1]
    kinds = [name for name, _ in read]
    assert kinds[0] == "file_id"
    assert kinds[-3:] == ["lap", "session", "activity"]
    stamped = [fields["timestamp"] for name, fields in read if "timestamp" in fields]
    assert stamped == sorted(stamped)
    timer = [fields for fields in of_kind(read, "event") if fields["event"] == "timer"]
    assert [fields["event_type"] for fields in timer] == ["start", "stop_all"]
    assert timer[0]["timestamp"] == math.floor(START_S + steps["initial_contact_s"][0])


def test_warnings_and_pain_are_marked_events(tmp_path, sessions, steps, read_by_three):
    warnings = Warnings.from_rows(
        [
            (60.0, "cadence-low", 1, "Quicker.", "{}", -1, "x"),
            (90.0, "contact-asymmetry", 2, "Even out.", "{}", 0, "x"),
        ]
    )
    events = [(75.2, "pain", '{"rating": 4}'), (80.0, "pain", '{"value": 0}'), (81.0, "pain", '"sore"')]
    path = write_fit(sessions.write(tmp_path / "a", steps, warnings=warnings, events=events))
    for read in read_by_three(path):
        marks = [fields for fields in of_kind(read, "event") if fields["event"] == "user_marker"]
        assert [fields["event_type"] for fields in marks] == ["marker"] * 4
        assert [fields["timestamp"] for fields in marks] == [round(START_S + t) for t in (60.0, 75.2, 80.0, 90.0)]
        told = [
            (fields.get("warning") or "", fields.get("warning_severity") or "", fields.get("warning_foot") or "")
            for fields in marks
        ]
        assert told == [("cadence-low", "notice", ""), ("", "", ""), ("", "", ""),
                        ("contact-asymmetry", "caution", "left")]  # fmt: skip
        assert [fields.get("calf_pain") for fields in marks] == [None, 4.0, 0.0, None]


def test_heart_rate_is_the_newest_reading(tmp_path, sessions, steps, read_by_three):
    beats = HeartRate(np.array([-3.0, 10.2, 11.2, 50.0]), np.array([90.0, 140.0, 142.0, 0.0]))
    path = write_fit(sessions.write(tmp_path / "a", steps, heart_rate=beats))
    read = read_by_three(path)[0]
    by_time = {fields["timestamp"]: fields["heart_rate"] for fields in of_kind(read, "record")}
    first = math.floor(START_S)
    told = {t - first: rate for t, rate in by_time.items() if rate is not None and t > first + 2}
    # Readings at 10.2 and 11.2 s of a session that begins a quarter second after the whole one; the last holds 5 s.
    assert told == {11.0: 140, 12.0: 142, 13.0: 142, 14.0: 142, 15.0: 142, 16.0: 142}
    (session,) = of_kind(read, "session")
    assert (session["avg_heart_rate"], session["max_heart_rate"]) == (141, 142)


def test_what_is_missing_is_missing_and_never_zero(tmp_path, sessions, steps, read_by_three):
    nothing = np.full(len(steps), np.nan)
    kept = {"foot", "initial_contact_s", "toe_off_s", "flags", "quality", "speed_source", "foot_strike"}
    bare = changed(steps, **{name: nothing for name in steps.columns if name not in kept})
    path = write_fit(sessions.write(tmp_path / "a", bare))
    for read in read_by_three(path):
        for fields in of_kind(read, "record"):
            known = {name for name, value in fields.items() if value is not None}
            assert known <= {"timestamp"}
        (session,) = of_kind(read, "session")
        for name in ("total_distance", "avg_stance_time", "avg_step_length", "enhanced_avg_speed", "total_ascent",
                     "avg_running_cadence", "avg_heart_rate", "overstride", "calf_dose_total"):  # fmt: skip
            assert session.get(name) is None, name


def test_seconds_without_a_step_are_there_and_empty(tmp_path, sessions, steps, read_by_three):
    contact_s = steps["initial_contact_s"]
    paused = steps.select((contact_s < 100.0) | (contact_s > 160.0))
    read = read_by_three(write_fit(sessions.write(tmp_path / "a", paused)))[0]
    records = {fields["timestamp"] - math.floor(START_S): fields for fields in of_kind(read, "record")}
    pause = [records[float(second)] for second in range(103, 160)]
    assert all(fields["stance_time"] is None and fields["enhanced_speed"] is None for fields in pause)
    assert len({fields["distance"] for fields in pause}) == 1, "distance stays where it was"
    assert records[170.0]["distance"] > pause[0]["distance"] > 0


def test_a_walk_is_a_walk(tmp_path, sessions, steps, read_by_three):
    walk = changed(steps, flags=np.full(len(steps), int(Flag.WALKING), np.int32))
    (session,) = of_kind(read_by_three(write_fit(sessions.write(tmp_path / "a", walk)))[0], "session")
    assert session["sport"] == "walking"
    assert session["avg_stance_time"] is not None


def test_a_session_without_a_start_asks_for_it(tmp_path, sessions, steps, read_by_three):
    folder = sessions.write(tmp_path / "a", steps, start=None)
    with pytest.raises(ExportError, match=r"does not say when it was, which FIT needs; give the start with --start"):
        write_fit(folder)
    assert not (folder / "activity.fit").exists()
    path = write_fit(folder, tmp_path / "b" / "told.fit", start=sessions.START)
    assert path == tmp_path / "b" / "told.fit"
    (session,) = of_kind(read_by_three(path)[0], "session")
    assert session["start_time"] == math.floor(START_S + steps["initial_contact_s"][0])
    with pytest.raises(ExportError, match="no time zone"):
        write_fit(folder, start=datetime(2025, 1, 1))  # noqa: DTZ001 - that is the mistake


@pytest.mark.parametrize("year", [1970, 1990, 1998, 2200, 9999])
def test_a_start_that_fit_cannot_tell_is_refused(tmp_path, sessions, steps, year):
    folder = sessions.write(tmp_path / "a", steps, start=datetime(year, 1, 1, tzinfo=UTC))
    with pytest.raises(ExportError, match=r"which FIT cannot tell \(it knows July 1998 to 2126\)"):
        write_fit(folder)


def test_times_beyond_a_week_take_no_memory(tmp_path, sessions, steps):
    far = steps["initial_contact_s"].copy()
    far[-1] = 1e12
    folder = sessions.write(tmp_path / "a", changed(steps, initial_contact_s=far))
    with pytest.raises(ExportError, match=r"times span 1e\+12|times span 1000000000000 s, more than a week"):
        write_fit(folder)
    far[-1] = np.nan
    folder = sessions.write(tmp_path / "b", changed(steps, initial_contact_s=far))
    with pytest.raises(ExportError, match=r"steps.parquet: column 'initial_contact_s' has missing or falling values"):
        write_fit(folder)


def test_what_cannot_be_read_is_named(tmp_path, sessions, steps):
    with pytest.raises(RecordingError, match=r"session\.json: cannot read it: it does not exist"):
        write_fit(tmp_path / "none")
    folder = sessions.write(tmp_path / "a", steps)
    (folder / "steps.parquet").unlink()
    with pytest.raises(ExportError, match=r"has no steps.parquet; run soleus analyze on it first"):
        write_fit(folder)
    with pytest.raises(ExportError, match="neither samples nor steps"):
        write_fit(sessions.write(tmp_path / "b", Steps.empty()))
    pq.write_table(steps.to_arrow(), folder / "warnings.parquet")
    pq.write_table(steps.to_arrow(), folder / "steps.parquet")
    with pytest.raises(RecordingError, match=r"warnings.parquet: not a table of warnings"):
        write_fit(folder)
    bad = sessions.write(tmp_path / "c", steps, events=[(5.0, "lap", "{")])
    with pytest.raises(ExportError, match=r"events.parquet: column 'json': a 'lap' is no JSON"):
        write_fit(bad)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_a_damaged_session_never_crashes(tmp_path_factory, sessions, steps, data):
    warnings = Warnings.from_rows([(60.0, "cadence-low", 1, "Quicker.", "{}", -1, "x")])
    folder = tmp_path_factory.mktemp("damaged")
    sessions.write(folder, steps.select(slice(0, 60)), warnings=warnings, events=[(5.0, "lap", "{}")])
    name = data.draw(st.sampled_from(["steps.parquet", "warnings.parquet", "events.parquet", "session.json"]))
    content = bytearray((folder / name).read_bytes())
    for _ in range(data.draw(st.integers(1, 12))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    (folder / name).write_bytes(bytes(content[: data.draw(st.integers(0, len(content)))]))
    told = None
    try:
        write_fit(folder)
    except (ExportError, RecordingError) as error:
        told = str(error)
    assert (folder / "activity.fit").exists() == (told is None)
    assert told is None or (str(folder) in told and "\n" not in told)


def test_an_earlier_file_stays_if_the_new_one_fails(tmp_path, sessions, steps):
    folder = sessions.write(tmp_path / "a", steps)
    before = write_fit(folder).read_bytes()
    assert write_fit(folder).read_bytes() == before, "the same session gives the same file"
    sessions.write(folder, steps, start=None)
    with pytest.raises(ExportError):
        write_fit(folder)
    assert (folder / "activity.fit").read_bytes() == before
    assert sorted(path.name for path in folder.iterdir()) == ["activity.fit", "session.json", "steps.parquet"]


def test_a_marathon_is_encoded_in_a_second(tmp_path, sessions, read_by_three):
    marathon = sessions.run(MARATHON_S)
    warnings = Warnings.from_rows([(60.0 * i, "cadence-low", 1, "Quicker.", "{}", -1, "x") for i in range(200)])
    laps = [(1000.0 * i, "lap", "{}") for i in range(1, 12)]
    beats = HeartRate(np.arange(0.0, MARATHON_S), 150.0 + 10 * np.sin(np.arange(0.0, MARATHON_S) / 100))
    folder = sessions.write(tmp_path / "a", marathon, warnings=warnings, events=laps, heart_rate=beats)
    best = min(_timed(lambda: write_fit(folder)) for _ in range(3))
    assert best <= 1.0, f"{best:.2f} s"
    assert len(marathon) > 30_000
    activity = encode_activity(read_tables(folder))
    ends_s = float(np.nanmax(marathon["toe_off_s"]))
    assert activity.records == math.floor(ends_s + 0.25) - math.floor(marathon["initial_contact_s"][0] + 0.25) + 1
    assert (activity.laps, activity.markers, activity.beyond) == (12, 200, {})
    records = of_kind(read_by_three(folder / "activity.fit")[2], "record")
    assert len(records) == activity.records


def _timed(call) -> float:
    before = time.perf_counter()
    call()
    return time.perf_counter() - before


def test_values_beyond_the_format_are_counted(tmp_path, sessions, steps):
    wild = steps["step_length_m"].copy()
    wild[:] = 7.0
    folder = sessions.write(tmp_path / "a", changed(steps, step_length_m=wild))
    beyond = encode_activity(read_tables(folder)).beyond
    assert beyond["step_length"] > 290
    assert (beyond["avg_step_length"], beyond["session avg_step_length"]) == (1, 1)


def test_session_time_need_not_begin_at_zero(tmp_path, sessions, steps, read_by_three):
    """Samples before the start button have negative times; another start by as much gives the same file."""
    folder = sessions.write(tmp_path / "a", steps)
    earlier = changed(steps, initial_contact_s=steps["initial_contact_s"] - 64.0, toe_off_s=steps["toe_off_s"] - 64.0)
    moved = sessions.write(tmp_path / "b", earlier, start=sessions.START + timedelta(seconds=64))
    one, two = (read_by_three(write_fit(each))[0] for each in (folder, moved))
    assert of_kind(one, "record") == of_kind(two, "record")
