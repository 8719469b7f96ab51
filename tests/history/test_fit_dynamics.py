"""Running dynamics of other makers' files.

No maker's own file is in the repository. These are made after the field layouts that the makers' programs write: native
fields by number as in the FIT profile, developer fields with the names and unit texts of Stryd's and RunScribe's data
fields; one is written by Garmin's own encoder.
"""

import json
import re
from datetime import UTC, datetime

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from soleus.cli import main
from soleus.history import HistoryError, HistoryStore, read_fit
from soleus.history.fit_messages import MAX_FILE_BYTES
from soleus.report.export.fit_format import (
    BYTES,
    ENUM,
    FLOAT32,
    STRING,
    UINT8,
    UINT16,
    UINT32,
    Field,
    Message,
    fit_file,
    pack,
)

pytest.importorskip("fitdecode")
START = datetime(2025, 5, 1, 7, 0, tzinfo=UTC)
FIT_START = int(START.timestamp()) - 631_065_600
SECONDS = 600
CADENCE = (Field(4, "cadence", UINT8), Field(53, "fractional_cadence", UINT8, 128.0))
GARMIN = (
    *CADENCE,
    Field(39, "vertical_oscillation", UINT16, 10.0),
    Field(41, "stance_time", UINT16, 10.0),
    Field(40, "stance_time_percent", UINT16, 100.0),
    Field(84, "stance_time_balance", UINT16, 100.0),
    Field(83, "vertical_ratio", UINT16, 100.0),
    Field(85, "step_length", UINT16, 10.0),
)
STRAP = {
    "cadence": 83.0, "fractional_cadence": 0.5, "vertical_oscillation": 87.7, "stance_time": 246.0,
    "stance_time_percent": 34.2, "stance_time_balance": 48.87, "vertical_ratio": 7.5, "step_length": 1141.0,
}  # fmt: skip


def own(*fields: tuple[str, str]) -> tuple[Field, ...]:
    return tuple(Field(number, name, FLOAT32, unit=unit) for number, (name, unit) in enumerate(fields))


def watch_file(values: dict, fields=CADENCE, developer=(), *, cycles: int = 835, sport: int = 1) -> bytes:
    """An activity of ten minutes with one record a second."""
    record = Message(20, (Field(253, "timestamp", UINT32), *fields), developer)
    session = Message(
        18,
        (Field(253, "timestamp", UINT32), Field(2, "start_time", UINT32), Field(5, "sport", ENUM),
         Field(7, "total_elapsed_time", UINT32, 1000.0), Field(8, "total_timer_time", UINT32, 1000.0),
         Field(9, "total_distance", UINT32, 100.0), Field(10, "total_cycles", UINT32)),
    )  # fmt: skip
    parts = []
    if developer:
        data_id = Message(207, (Field(1, "application_id", BYTES, count=16), Field(3, "developer_data_index", UINT8)))
        described = Message(
            206,
            (Field(0, "developer_data_index", UINT8), Field(1, "field_definition_number", UINT8),
             Field(2, "fit_base_type_id", UINT8), Field(3, "field_name", STRING), Field(8, "units", STRING)),
        )  # fmt: skip
        parts += [
            pack(data_id, 0, {"application_id": bytes(16), "developer_data_index": 0}),
            pack(
                described,
                1,
                {
                    "developer_data_index": np.zeros(len(developer)),
                    "field_definition_number": [each.number for each in developer],
                    "fit_base_type_id": [each.base.code for each in developer],
                    "field_name": [each.name for each in developer],
                    "units": [each.unit for each in developer],
                },
            ),
        ]
    columns = {name: np.broadcast_to(np.asarray(value, float), (SECONDS,)) for name, value in values.items()}
    parts.append(pack(record, 2, {"timestamp": FIT_START + np.arange(1.0, SECONDS + 1), **columns}))
    parts.append(
        pack(
            session,
            3,
            {
                "timestamp": FIT_START + SECONDS,
                "start_time": FIT_START,
                "sport": sport,
                "total_elapsed_time": SECONDS,
                "total_timer_time": SECONDS,
                "total_distance": 1900.0,
                "total_cycles": cycles,
            },
        )
    )
    return fit_file(b"".join(bytes(part) for part in parts))


STRYD = watch_file(
    {"Ground Time": 232.0, "cadence": 85.0},
    CADENCE,
    own(("Ground Time", "Milliseconds"), ("Vertical Oscillation", "cm")),
)


@pytest.fixture
def read(tmp_path):
    def entry(data: bytes):
        path = tmp_path / "run.fit"
        path.write_bytes(data)
        (found,) = read_fit(path)
        assert (found.distance_m, found.time_s) == (1900.0, 600.0), "distance and time as ever"
        return found

    return entry


def test_a_chest_strap_writes_the_profiles_own_fields(read):
    found = read(watch_file(STRAP, GARMIN))
    told = found.dynamics
    assert told.left_out == ()
    assert told.cadence_spm == pytest.approx(167.0), "strides a minute, two steps each"
    assert told.contact_time_s == pytest.approx(0.246)
    assert told.duty_factor == pytest.approx(0.342)
    assert told.contact_left_share == pytest.approx(0.4887)
    assert told.vertical_oscillation_m == pytest.approx(0.0877)
    assert told.vertical_ratio == pytest.approx(0.075)
    assert told.step_length_m == pytest.approx(1.141)
    assert told.sources["contact_time_s"] == "'stance_time' of the profile"
    assert (found.steps, found.contact_asymmetry, found.minutes) == (1670, None, None), "no rule hears of it"


def test_stryds_developer_fields_have_units_of_their_own(read):
    fields = own(
        ("Power", "Watts"), ("Cadence", "RPM"), ("Ground Time", "Milliseconds"),
        ("Vertical Oscillation", "Centimeters"), ("Form Power", "Watts"), ("Leg Spring Stiffness", "KN/m"),
        ("Ground Time Balance", "%"),
    )  # fmt: skip
    values = {"Power": 240.0, "Cadence": 86.0, "Ground Time": 232.0, "Vertical Oscillation": 6.25, "Form Power": 70.0,
              "Leg Spring Stiffness": 9.8, "Ground Time Balance": 0.0}  # fmt: skip
    told = read(watch_file(values, (), fields)).dynamics
    assert told.left_out == ()
    assert told.cadence_spm == pytest.approx(172.0)
    assert told.contact_time_s == pytest.approx(0.232)
    assert told.vertical_oscillation_m == pytest.approx(0.0625), "centimetres"
    assert told.leg_stiffness_kn_per_m == pytest.approx(9.8)
    assert told.contact_left_share is None, "a single pod writes 0 for the balance"
    assert set(told.sources) == {"cadence_spm", "contact_time_s", "vertical_oscillation_m", "leg_stiffness_kn_per_m"}


def test_the_profiles_own_fields_come_first(read):
    fields = own(("Ground Time", "Milliseconds"), ("Vertical Oscillation", "Centimeters"))
    told = read(watch_file(STRAP | {"Ground Time": 300.0, "Vertical Oscillation": 9.0}, GARMIN, fields)).dynamics
    assert (told.contact_time_s, told.vertical_oscillation_m) == (pytest.approx(0.246), pytest.approx(0.0877))
    nothing = dict.fromkeys(STRAP, np.nan)
    told = read(watch_file(nothing | {"Ground Time": 300.0, "Vertical Oscillation": 9.0}, GARMIN, fields)).dynamics
    assert (told.contact_time_s, told.vertical_oscillation_m) == (pytest.approx(0.3), pytest.approx(0.09))


def test_runscribe_tells_each_foot(read):
    fields = own(
        ("RS_ContactTime_L", "ms"), ("RS_ContactTime_R", "ms"), ("RS_FootStrike_L", ""), ("RS_Impact_GS_L", "G")
    )
    values = {"RS_ContactTime_L": 251.0, "RS_ContactTime_R": 244.0, "RS_FootStrike_L": 5.0, "RS_Impact_GS_L": 11.0}
    told = read(watch_file(values, (), fields)).dynamics
    assert (told.contact_time_left_s, told.contact_time_right_s) == (pytest.approx(0.251), pytest.approx(0.244))
    assert told.sources["contact_time_left_s"] == "'RS_ContactTime_L' of RunScribe"
    assert told.left_out == ()


@pytest.mark.parametrize(
    ("values", "fields", "developer", "sentence"),
    [
        ({"cadence": 172.0}, CADENCE, (), "would be 344 steps/min, which no runner has.*count steps where strides"),
        ({"stance_time": 24.6}, GARMIN, (), "'stance_time' of the profile was left out.*24.6 ms would be"),
        ({"vertical_oscillation": 8.8}, GARMIN, (), "8.8 mm would be 0.0088 m"),
        ({"step_length": 11.4}, GARMIN, (), "11.4 mm would be 0.0114 m"),
        ({"Vertical Oscillation": 87.0}, (), own(("Vertical Oscillation", "Centimeters")), "87 Cent.* would be 0.87 m"),
        ({"Ground Time": 0.24}, (), own(("Ground Time", "Milliseconds")), "0.24 Milliseconds would be 0.00024 s"),
        ({"Ground Time": 240.0}, (), own(("Ground Time", "")), "it has no unit, known is ms, milliseconds"),
        ({"Ground Time": 240.0}, (), own(("Ground Time", "furlongs")), "the unit 'furlongs'"),
        ({"RS_ContactTime_L": 2500.0}, (), own(("RS_ContactTime_L", "ms")), "2500 ms would be 2.5 s"),
        ({"Cadence": 170.0}, (), own(("Cadence", "RPM")), "170 RPM would be 340 steps/min"),
    ],
)  # fmt: skip
def test_an_implausible_unit_is_refused_and_never_scaled(read, values, fields, developer, sentence):
    told = read(watch_file(values, fields, developer)).dynamics
    assert told.sources == {}
    assert all(getattr(told, name) is None for name in told.__struct_fields__[:-2])
    (left_out,) = told.left_out
    assert re.search(sentence, left_out), left_out


def test_a_cadence_that_says_its_steps_is_taken_as_steps(read):
    told = read(watch_file({"Cadence": 172.0}, (), own(("Cadence", "spm")))).dynamics
    assert told.cadence_spm == pytest.approx(172.0)


def test_zeros_are_what_the_device_did_not_see(read):
    seen = np.where(np.arange(SECONDS) % 2 == 0, 250.0, 0.0)
    told = read(watch_file({"stance_time": seen}, GARMIN)).dynamics
    assert told.contact_time_s == pytest.approx(0.25)
    few = np.where(np.arange(SECONDS) < 20, 250.0, 0.0)
    told = read(watch_file({"stance_time": few}, GARMIN)).dynamics
    assert told.contact_time_s is None
    assert "only 20 records have it" in told.left_out[0]
    assert read(watch_file({"stance_time": 0.0}, GARMIN)).dynamics is None


def test_strides_that_are_steps_are_not_believed(read):
    found = read(watch_file({}, (), cycles=1700))
    assert found.steps is None
    assert "1700 strides in 600 s would be 3400 steps" in found.dynamics.left_out[0]


def test_garmins_own_encoder_gives_the_same(read):
    sdk = pytest.importorskip("garmin_fit_sdk")
    encoder = sdk.Encoder()
    encoder.write_mesg({"mesg_num": 0, "type": "activity", "manufacturer": "development", "product": 1,
                        "time_created": START, "serial_number": 1})  # fmt: skip
    for second in range(SECONDS):
        at = datetime.fromtimestamp(START.timestamp() + second + 1, UTC)
        encoder.write_mesg({"mesg_num": 20, "timestamp": at, **STRAP, "cadence": 83})
    end = datetime.fromtimestamp(START.timestamp() + SECONDS, UTC)
    encoder.write_mesg({"mesg_num": 18, "timestamp": end, "start_time": START, "sport": "running",
                        "total_elapsed_time": 600.0, "total_timer_time": 600.0, "total_distance": 1900.0,
                        "total_cycles": 835})  # fmt: skip
    theirs, ours = read(bytes(encoder.close())), read(watch_file(STRAP, GARMIN))
    assert theirs == ours


def test_the_command_tells_what_it_found_and_what_not(tmp_path, capsys):
    path, log = tmp_path / "run.fit", tmp_path / "h.sqlite"
    path.write_bytes(watch_file(STRAP | {"step_length": 11.4}, GARMIN))
    assert main(["history", "add", str(path), "--history", str(log)]) == 0
    told = capsys.readouterr().out
    assert "Added: 1.9 km in 10:00 on 2025-05-01." in told
    assert "contact time 0.246 s" in told
    assert (
        "vertical oscillation 0.0877 m, vertical oscillation 0.075 of the step length (fields of the profile)." in told
    )
    assert "no rule looks at them" in told
    assert "'step_length' of the profile was left out" in told
    assert main(["history", "add", str(path), "--history", str(log), "--json"]) == 0
    (added,) = json.loads(capsys.readouterr().out)["added"]
    assert (added["outcome"], added["dynamics"]["contact_time_s"]) == ("unchanged", pytest.approx(0.246))
    with HistoryStore(log) as store:
        (kept,) = store.sessions()
    assert kept.dynamics.cadence_spm == pytest.approx(167.0)


@pytest.mark.parametrize("content", [b"", b"GPX", STRYD[:200], STRYD[:-1] + b"x"])
def test_the_command_refuses_a_damaged_file_in_one_sentence(tmp_path, capsys, content):
    path = tmp_path / "run.fit"
    path.write_bytes(content)
    assert main(["history", "add", str(path), "--history", str(tmp_path / "h.sqlite")]) == 2
    said = capsys.readouterr().err
    assert said.startswith(f"soleus: {path}: ")
    assert said.count("\n") == 1
    assert not (tmp_path / "h.sqlite").exists()


def test_what_soleus_exports_comes_back(tmp_path, read):
    from soleus.bench.population import Course, Habit, simulate
    from soleus.model import Foot, PodInfo, Runner
    from soleus.recording import session_record, write_session_record, write_steps
    from soleus.report.export import write_fit

    steps = simulate(Habit.draw(np.random.default_rng(3)), Course(), 600.0, np.random.default_rng(4))
    write_steps(steps, tmp_path)
    pods = [PodInfo(foot, 0.005, 0.001) for foot in Foot]
    write_session_record(session_record(pods, dict.fromkeys(Foot, 9), runner=Runner(), start_utc=START), tmp_path)
    (found,) = read_fit(write_fit(tmp_path))
    told = found.dynamics
    assert told.left_out == ()
    assert found.steps == len(steps)
    assert told.cadence_spm == pytest.approx(np.nanmedian(steps["cadence_spm"]), rel=0.005)
    assert told.contact_time_s == pytest.approx(np.nanmedian(steps["contact_time_s"]), rel=0.01)
    left = steps["contact_time_s"][steps["foot"] == Foot.LEFT]
    assert told.contact_time_left_s == pytest.approx(np.nanmedian(left), rel=0.01)
    assert told.sources["contact_time_left_s"] == "'contact_time_left' of Soleus"
    assert told.step_length_m == pytest.approx(np.nanmedian(steps["step_length_m"]), rel=0.01)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_a_damaged_file_with_records_never_crashes(tmp_path_factory, data):
    content = bytearray(STRYD)
    for _ in range(data.draw(st.integers(0, 8))):
        content[data.draw(st.integers(0, min(len(content), 600) - 1))] = data.draw(st.integers(0, 255))
    if data.draw(st.booleans()):
        content = content[: data.draw(st.integers(0, len(content)))]
    else:  # with checksums that hold, so that the damage reaches the messages
        content = bytearray(fit_file(bytes(content[14:-2])))
    path = tmp_path_factory.getbasetemp() / "fuzz.fit"
    path.write_bytes(bytes(content))
    try:
        read_fit(path)
        told = "fuzz.fit"
    except HistoryError as error:
        told = str(error)
    assert "fuzz.fit" in told
    assert "\n" not in told


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(content=st.binary(max_size=3000))
def test_any_bytes_with_a_good_frame_are_refused_or_read(tmp_path_factory, content):
    path = tmp_path_factory.getbasetemp() / "any.fit"
    path.write_bytes(fit_file(content))
    with pytest.raises(HistoryError, match=r"any\.fit"):
        read_fit(path)


def test_what_is_too_large_is_refused_unread(tmp_path):
    path = tmp_path / "huge.fit"
    with path.open("wb") as file:
        file.truncate(MAX_FILE_BYTES + 1)
    with pytest.raises(HistoryError, match="larger than 64 MiB; no watch writes such a file"):
        read_fit(path)


def test_a_header_that_promises_more_than_there_is_takes_no_memory(tmp_path):
    import resource

    data = bytearray(STRYD)
    data[4:8] = (2**32 - 1).to_bytes(4, "little")
    path = tmp_path / "promise.fit"
    path.write_bytes(bytes(data))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(HistoryError, match="not a readable FIT file"):
        read_fit(path)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 50 * 1024


@pytest.mark.parametrize(("bound", "what"), [("MAX_MESSAGES", "messages"), ("MAX_VALUES", "values")])
def test_endless_files_end(tmp_path, monkeypatch, bound, what):
    monkeypatch.setattr(f"soleus.history.fit_messages.{bound}", 500)
    path = tmp_path / "many.fit"
    path.write_bytes(STRYD)
    with pytest.raises(HistoryError, match=f"more than 500 {what}; no watch writes such a file"):
        read_fit(path)


@pytest.mark.parametrize("name", ["none.fit", "."])
def test_what_is_no_file_is_said(tmp_path, name):
    with pytest.raises(HistoryError, match=r"cannot be read: it (does not exist|is a folder)"):
        read_fit(tmp_path / name)
