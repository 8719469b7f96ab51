"""The tables that others read: names, units, meanings and versions travel with the file."""

from __future__ import annotations

import inspect

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from soleus.gait import GaitAnalyzer
from soleus.model import (
    SCHEMA_VERSION,
    STEP_COLUMNS,
    STEPS_SCHEMA,
    WARNING_COLUMNS,
    WARNINGS_SCHEMA,
    Flag,
    PodInfo,
    Steps,
)

PROMISED = [
    "foot",
    "initial_contact_s",
    "toe_off_s",
    "contact_time_s",
    "flight_time_s",
    "step_time_s",
    "stride_time_s",
    "cadence_spm",
    "duty_factor",
    "speed_mps",
    "speed_source",
    "grade",
    "stride_length_m",
    "step_length_m",
    "foot_strike_angle_deg",
    "foot_strike",
    "pronation_excursion_deg",
    "vertical_oscillation_m",
    "vertical_ratio",
    "overstride_m",
    "peak_force_bw",
    "leg_stiffness_kn_per_m",
    "achilles_peak_bw",
    "achilles_impulse_bws",
    "calf_dose",
    "quality",
    "flags",
]
UNIT_OF_SUFFIX = {
    "_s": "s", "_m": "m", "_mps": "m/s", "_deg": "deg", "_spm": "steps/min", "_bw": "bw", "_bws": "bw·s",
    "_kn_per_m": "kN/m",
}  # fmt: skip


def test_the_columns_are_those_promised_in_this_order():
    assert STEPS_SCHEMA.names == PROMISED
    assert WARNINGS_SCHEMA.names == ["time_s", "rule", "severity", "message", "evidence", "foot", "reference"]


@pytest.mark.parametrize("field", [*STEPS_SCHEMA, *WARNINGS_SCHEMA], ids=lambda f: f.name)
def test_every_column_carries_unit_and_meaning(field):
    assert set(field.metadata) >= {b"unit", b"description"}
    assert len(field.metadata[b"description"]) > 3
    suffix = max((s for s in UNIT_OF_SUFFIX if field.name.endswith(s)), key=len, default=None)
    if suffix:
        assert field.metadata[b"unit"].decode() == UNIT_OF_SUFFIX[suffix]
    if pa.types.is_float64(field.type):
        assert field.metadata[b"unit"], "a number has a unit; 1 where it has no dimension"


@pytest.mark.parametrize("schema", [STEPS_SCHEMA, WARNINGS_SCHEMA])
def test_name_and_version_travel_with_the_table(schema, tmp_path):
    assert schema.metadata[b"schema_version"].decode() == SCHEMA_VERSION
    assert schema.metadata[b"schema"].decode().startswith("soleus.")
    pq.write_table(schema.empty_table(), tmp_path / "t.parquet")
    read = pq.read_schema(tmp_path / "t.parquet")
    assert read.metadata[b"schema_version"].decode() == SCHEMA_VERSION
    assert read.field(0).metadata[b"description"] == schema.field(0).metadata[b"description"]


def test_columns_are_named_once():
    for columns in (STEP_COLUMNS, WARNING_COLUMNS):
        names = [c.name for c in columns]
        assert len(set(names)) == len(names)


def test_flags_fit_into_a_row_and_explain_themselves():
    assert max(Flag) < 2**31
    text = inspect.getsource(Flag)
    for flag in Flag:
        after = text.split(f"{flag.name} = auto()")[1].strip()
        assert after.startswith('"""'), f"{flag.name} is not explained"


def test_the_analyzer_takes_all_it_needs_in_its_constructor():
    """Pods, runner and fitted constants, each with a type; nothing is set afterwards."""
    signature = inspect.signature(GaitAnalyzer.__init__)
    assert list(signature.parameters) == ["self", "pods", "runner", "fitted"]
    assert all(p.annotation is not inspect.Parameter.empty for n, p in signature.parameters.items() if n != "self")
    public = {n for n in dir(GaitAnalyzer) if not n.startswith("_")}
    assert {"push", "finish", "counts"} <= public
    assert not {n for n in public if n.startswith("set_")}


def test_two_analyzers_share_nothing(recordings):
    recording = recordings.run().recording
    one, two = (GaitAnalyzer([t.info for t in recording.pods]) for _ in range(2))
    samples = [t.samples for t in recording.pods]
    first = one.push(samples)
    again = two.push(samples)
    assert first == again
    assert one.finish() == two.finish()


def test_pods_and_analyzers_refuse_two_of_a_foot():
    from soleus.model import Foot, PodSamples

    with pytest.raises(ValueError, match="same foot"):
        GaitAnalyzer([PodInfo(Foot.LEFT, 1, 1), PodInfo(Foot.LEFT, 1, 1)])
    analyzer = GaitAnalyzer([PodInfo(Foot.LEFT, 1, 1)])
    with pytest.raises(ValueError, match="right foot"):
        analyzer.push([PodSamples(Foot.RIGHT, np.zeros(1), np.zeros((6, 1), np.int16))])
    with pytest.raises(ValueError, match=r"\(6, 2\)"):
        PodSamples(Foot.LEFT, np.zeros(2), np.zeros((6, 1), np.int16))


def test_a_table_of_steps_survives_arrow_and_disk(recordings, tmp_path):
    rows, _ = recordings.rows(recordings.bouts(("walk", 1.4, 8), ("run", 3.0, 8)).recording)
    assert len(rows) > 20
    pq.write_table(rows.to_arrow(), tmp_path / "steps.parquet")
    assert Steps.from_arrow(pq.read_table(tmp_path / "steps.parquet")) == rows
