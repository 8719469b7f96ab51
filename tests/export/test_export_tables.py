import csv
import io
import json
from datetime import UTC, datetime

import numpy as np
import pyarrow.csv as pc
import pyarrow.parquet as pq
import pytest

from soleus.model import STEP_COLUMNS, WARNING_COLUMNS, Runner, Steps, Warnings
from soleus.report.export import ExportError, write_csv, write_json, write_parquet
from soleus.report.export.tables import header

WARNING = Warnings.from_rows([(60.0, "cadence-low", 1, 'Quicker, says "Ada"', '{"value": 150.5}', -1, "Ä et al.")])


@pytest.fixture
def folder(tmp_path, sessions):
    return sessions.write(tmp_path / "tuesday", sessions.run(60.0), warnings=WARNING)


def rows_of(folder):
    return pq.read_table(folder / "steps.parquet").to_pylist()


def test_csv_says_every_number_and_leaves_missing_empty(folder):
    steps, warnings = write_csv(folder)
    text = steps.read_bytes().decode("utf-8")
    read = list(csv.DictReader(io.StringIO(text)))
    expected = rows_of(folder)
    assert len(read) == len(expected) > 100
    names = {column.name: header(column.field) for column in STEP_COLUMNS}
    assert list(read[0]) == list(names.values())
    missing = 0
    for row, truth in zip(read, expected, strict=True):
        for name, told in names.items():
            value = truth[name]
            missing += value is None
            if value is None:
                assert row[told] == ""
            elif isinstance(value, float):
                assert float(row[told]) == value, "every bit comes back"
            else:
                assert row[told] == value
    assert missing > 0
    (warning,) = csv.DictReader(io.StringIO(warnings.read_text("utf-8")))
    assert warning["message"] == 'Quicker, says "Ada"'
    assert warning["reference"] == "Ä et al."
    assert warning["foot"] == ""


def test_every_unit_stands_in_the_header():
    heads = [header(column.field) for column in (*STEP_COLUMNS, *WARNING_COLUMNS)]
    assert "calf_dose [bw^6·s]" in heads
    assert {"contact_time_s", "cadence_spm", "overstride_m", "achilles_impulse_bws"} <= set(heads)
    bare = [column for column in STEP_COLUMNS if column.unit not in {"", "1"} and header(column.field) == column.name]
    spelled = {"s": "_s", "m": "_m", "m/s": "_mps", "deg": "_deg", "steps/min": "_spm", "bw": "_bw", "bw·s": "_bws",
               "kN/m": "_kn_per_m"}  # fmt: skip
    assert all(column.name.endswith(spelled[column.unit]) for column in bare)


def test_csv_is_read_as_numbers_by_a_plain_reader(folder):
    steps, _ = write_csv(folder)
    table = pc.read_csv(steps)
    assert str(table.schema.field("contact_time_s").type) == "double"
    assert (
        table.column("contact_time_s").null_count
        == pq.read_table(folder / "steps.parquet")["contact_time_s"].null_count
    )


def test_json_is_stable_and_whole(folder):
    path = write_json(folder)
    assert path.name == "export.json"
    found = json.loads(path.read_bytes())
    assert list(found) == ["schema", "schema_version", "tables_version", "session", "columns", "steps", "warnings"]
    assert (found["schema"], found["schema_version"]) == ("soleus.export", "1.0")
    assert found["session"]["start_utc"] == "2025-05-03T16:30:00.250000Z"
    assert found["session"]["runner"]["name"] == "Ada"
    assert found["columns"]["steps"][3] == {
        "name": "contact_time_s", "unit": "s", "description": "Toe-off minus initial contact",
    }  # fmt: skip
    expected = rows_of(folder)
    for name, values in found["steps"].items():
        assert values == [row[name] for row in expected]
    assert found["warnings"]["evidence"] == [{"value": 150.5}]
    assert path.read_bytes() == write_json(folder).read_bytes()


def test_parquet_is_one_tidy_file(folder):
    path = write_parquet(folder)
    table = pq.read_table(path)
    assert table.column_names == ["session", "runner", "time_utc", *(column.name for column in STEP_COLUMNS)]
    kinds = {str(field.type) for field in table.schema}
    assert kinds == {"string", "double", "timestamp[us, tz=UTC]"}, "nothing nested, nothing encoded"
    assert set(table["session"].to_pylist()) == {"tuesday"}
    expected = rows_of(folder)
    for column in STEP_COLUMNS:
        assert table[column.name].to_pylist() == [row[column.name] for row in expected]
        assert table.schema.field(column.name).metadata[b"unit"].decode() == column.unit
    start = datetime(2025, 5, 3, 16, 30, 0, 250_000, tzinfo=UTC).timestamp()
    times = [t.timestamp() for t in table["time_utc"].to_pylist()]
    assert times == pytest.approx([start + row["initial_contact_s"] for row in expected], abs=2e-6)
    assert table.schema.metadata[b"schema"] == b"soleus.export.steps"


def test_what_is_not_known_is_null(tmp_path, sessions):
    folder = sessions.write(tmp_path / "a", sessions.run(30.0), start=None, runner=Runner())
    table = pq.read_table(write_parquet(folder))
    assert table["time_utc"].null_count == table["runner"].null_count == table.num_rows
    assert json.loads(write_json(folder).read_bytes())["session"]["start_utc"] is None


def test_a_session_without_steps_gives_empty_tables(tmp_path, sessions):
    folder = sessions.write(tmp_path / "a", Steps.empty())
    assert pq.read_table(write_parquet(folder)).num_rows == 0
    steps, warnings = write_csv(folder)
    assert steps.read_text("utf-8").count("\n") == warnings.read_text("utf-8").count("\n") == 1
    assert json.loads(write_json(folder).read_bytes())["steps"]["foot"] == []


def test_evidence_that_is_no_json_is_named(tmp_path, sessions):
    bad = Warnings.from_rows([(60.0, "r", 1, "m", "{", -1, "x")])
    folder = sessions.write(tmp_path / "a", sessions.run(30.0), warnings=bad)
    with pytest.raises(ExportError, match="a warning's evidence is no JSON"):
        write_json(folder)


def test_a_calendar_that_ends_is_named(tmp_path, sessions):
    steps = sessions.run(30.0)
    late = Steps({**steps.columns, "initial_contact_s": np.sort(steps["initial_contact_s"] + 1e11)})
    folder = sessions.write(tmp_path / "a", late, start=datetime(9999, 1, 1, tzinfo=UTC))
    with pytest.raises(ExportError, match="beyond the calendar"):
        write_parquet(folder)
