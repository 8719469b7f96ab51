"""The tables over all sessions: ``summary.parquet`` and ``failures.parquet``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import pyarrow as pa

from soleus.batch.item import ItemRecord, Verdict
from soleus.batch.summary import METRICS
from soleus.model import SEVERITIES, STEP_COLUMNS

SCHEMA_VERSION: Final = "1.0"
MICROSECONDS: Final = 1_000_000
_UNITS: Final = {column.name: column.unit for column in STEP_COLUMNS}


def _field(name: str, kind: pa.DataType, unit: str, meaning: str) -> pa.Field[Any]:
    return pa.field(name, kind, metadata={"unit": unit, "description": meaning})


_METRIC_FIELDS: Final = [
    _field(name + side, pa.float64(), _UNITS[name], f"Median{words}")
    for name in METRICS
    for side, words in (("", " of both feet"), ("_left", " of the left foot"), ("_right", " of the right foot"))
]
SUMMARY_SCHEMA: Final = pa.schema(
    [
        _field("session", pa.string(), "", "Key: names its files in steps and warnings"),
        _field("source", pa.string(), "", "The recording"),
        _field("runner", pa.string(), "", "Name of the runner; null if unknown"),
        _field("start", pa.timestamp("us", tz="UTC"), "", "Start; null if unknown"),
        _field("only_day", pa.bool_(), "", "Only the day is known; it is put at noon UTC"),
        _field("duration_s", pa.float64(), "s", "First sample to last"),
        _field("steps", pa.int64(), "", "Ground contacts"),
        _field("running_steps", pa.int64(), "", "Ground contacts in running"),
        _field("walking_steps", pa.int64(), "", "Ground contacts in walking"),
        _field("running_s", pa.float64(), "s", "Time running"),
        _field("walking_s", pa.float64(), "s", "Time walking"),
        _field("feet", pa.string(), "", "Feet with a pod, joined by commas"),
        _field("samples", pa.int64(), "", "Samples of all pods"),
        _field("lost_samples", pa.int64(), "", "Samples missing by the time stamps"),
        _field("repaired_samples", pa.int64(), "", "Samples bridged or repaired"),
        _field("dropped_samples", pa.int64(), "", "Samples dropped for their time stamp or rate"),
        _field("clipped_samples", pa.int64(), "", "Samples at full scale"),
        _field("rejected_swings", pa.int64(), "", "Swings that looked like no stride"),
        _field("mean_quality", pa.float64(), "1", "Mean quality of the steps"),
        _field("medians_of", pa.string(), "", "The gait that the medians describe"),
        *_METRIC_FIELDS,
        _field("history", pa.string(), "", "used, first, or why not compared: no runner, no date, no steps"),
        _field("history_sessions", pa.int64(), "", "Earlier sessions of the runner that it was compared with"),
        *(_field(f"warnings_{name}", pa.int64(), "", f"Warnings of severity {name}") for name in SEVERITIES),
        _field("report", pa.string(), "", "Report within the dataset; null if there is none"),
        _field("notes", pa.string(), "", "What the reader had to decide, joined by ' | '"),
    ],
    metadata={"schema": "soleus.batch.summary", "schema_version": SCHEMA_VERSION},
)
FAILURES_SCHEMA: Final = pa.schema(
    [
        _field("session", pa.string(), "", "Key"),
        _field("path", pa.string(), "", "The recording"),
        _field("kind", pa.string(), "", "unreadable, system, crashed, error or rules"),
        _field("reason", pa.string(), "", "What is wrong, and the mend"),
    ],
    metadata={"schema": "soleus.batch.failures", "schema_version": SCHEMA_VERSION},
)


def summary_table(records: Sequence[ItemRecord], verdicts: Mapping[str, Verdict]) -> pa.Table:
    """Put one row a session together, by runner, start and key; what failed is in the other table.

    Examples
    --------
    >>> from soleus.model import Runner
    >>> record = ItemRecord(key="k", source="a.csv", runner=Runner(), input_key="", row={"steps": 2})
    >>> summary_table([record], {}).select(["session", "runner", "steps"]).to_pylist()
    [{'session': 'k', 'runner': None, 'steps': 2}]
    """
    done = sorted((record for record in records if record.failure is None), key=_order)
    rows = [_row(record, verdicts.get(record.key)) for record in done]
    columns: list[pa.Array[Any]] = [
        pa.array([row.get(field.name) for row in rows], field.type) for field in SUMMARY_SCHEMA
    ]
    return pa.Table.from_arrays(columns, schema=SUMMARY_SCHEMA)


def failures_table(records: Sequence[ItemRecord], verdicts: Mapping[str, Verdict]) -> pa.Table:
    """List what failed, by path."""
    failed = [(record, record.failure) for record in records if record.failure is not None]
    for record in records:
        verdict = verdicts.get(record.key)
        if record.failure is None and verdict is not None and verdict.failure is not None:
            failed.append((record, verdict.failure))
    failed.sort(key=lambda each: (each[0].source, each[0].key))
    rows = [(record.key, record.source, failure.kind, failure.reason) for record, failure in failed]
    columns = [pa.array([row[i] for row in rows], pa.string()) for i in range(len(FAILURES_SCHEMA))]
    return pa.Table.from_arrays(columns, schema=FAILURES_SCHEMA)


def _order(record: ItemRecord) -> tuple[str, float, str]:
    return record.runner.name, float("inf") if record.start_s is None else record.start_s, record.key


def _row(record: ItemRecord, verdict: Verdict | None) -> dict[str, Any]:
    row = dict(record.row)
    row |= {
        "session": record.key,
        "source": record.source,
        "runner": record.runner.name or None,
        "start": None if record.start_s is None else round(record.start_s * MICROSECONDS),
        "only_day": record.only_day,
    }
    if verdict is not None and verdict.failure is None:
        row |= {"history": verdict.history, "history_sessions": verdict.history_sessions, "report": verdict.report}
        row |= {f"warnings_{name}": count for name, count in verdict.warnings.items()}
    return row
