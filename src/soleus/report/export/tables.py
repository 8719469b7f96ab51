"""Steps and warnings as CSV, JSON and Parquet: names, units and meanings are those of the tables' own schema."""

from __future__ import annotations

import io
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

import msgspec
import numpy as np
import pyarrow as pa

from soleus.model.tables import SCHEMA_VERSION as TABLES_VERSION
from soleus.report.export.errors import ExportError
from soleus.report.export.session_tables import SessionTables, read_tables
from soleus.report.export.written import write_whole

STEPS_CSV: Final = "steps.csv"
WARNINGS_CSV: Final = "warnings.csv"
JSON_FILE: Final = "export.json"
PARQUET_FILE: Final = "export.parquet"
EXPORT_SCHEMA: Final = "soleus.export"
EXPORT_VERSION: Final = "1.0"
"""Of the JSON document and the Parquet file: a new first number breaks readers, a new second adds."""
UNIT_IN_NAME: Final = {
    "s": "_s",
    "m": "_m",
    "m/s": "_mps",
    "deg": "_deg",
    "steps/min": "_spm",
    "bw": "_bw",
    "bw·s": "_bws",
    "kN/m": "_kn_per_m",
}
"""Ends of names that spell their unit out."""
NO_UNIT: Final = ("", "1")
MICROSECONDS: Final = 1e6


def header(field: pa.Field[Any]) -> str:
    """Give a column's header: its name, and its unit in brackets where the name does not spell it out.

    Examples
    --------
    >>> header(pa.field("calf_dose", pa.float64(), metadata={"unit": "bw^6·s"}))
    'calf_dose [bw^6·s]'
    >>> header(pa.field("contact_time_s", pa.float64(), metadata={"unit": "s"}))
    'contact_time_s'
    """
    unit = (field.metadata or {}).get(b"unit", b"").decode()
    told = unit in NO_UNIT or field.name.endswith(UNIT_IN_NAME.get(unit, " "))
    return field.name if told else f"{field.name} [{unit}]"


def write_csv(session: str | Path | SessionTables, folder: str | Path | None = None) -> tuple[Path, Path]:
    """Write ``steps.csv`` and ``warnings.csv``: UTF-8, commas, decimal points, a missing value empty.

    Parameters
    ----------
    session
        An analysed session folder, or its tables.
    folder
        Where the files go; the session's folder unless given.

    Returns
    -------
    steps, warnings
        The files written.

    Raises
    ------
    ExportError
        If the session has no steps.
    soleus.recording.RecordingError
        If a file cannot be read or written.
    """
    tables = _tables(session)
    place = tables.folder if folder is None else Path(folder)
    steps, warnings = place / STEPS_CSV, place / WARNINGS_CSV
    write_whole(_csv(tables.steps.to_arrow()), steps)
    write_whole(_csv(tables.warnings.to_arrow()), warnings)
    return steps, warnings


def write_json(session: str | Path | SessionTables, out: str | Path | None = None) -> Path:
    """Write steps, warnings and the session's facts as one JSON document.

    Parameters
    ----------
    session
        An analysed session folder, or its tables.
    out
        The file; ``export.json`` in the folder unless given.

    Returns
    -------
    Path
        The file written.

    Raises
    ------
    ExportError
        If the session has no steps.
    soleus.recording.RecordingError
        If a file cannot be read or written.
    """
    tables = _tables(session)
    path = tables.folder / JSON_FILE if out is None else Path(out)
    steps, warnings = tables.steps.to_arrow(), tables.warnings.to_arrow()
    said = {name: warnings.column(name).to_pylist() for name in warnings.column_names}
    said["evidence"] = [_evidence(text, tables) for text in said["evidence"]]
    document = {
        "schema": EXPORT_SCHEMA,
        "schema_version": EXPORT_VERSION,
        "tables_version": TABLES_VERSION,
        "session": {
            "name": tables.name,
            "start_utc": tables.start_utc,
            "soleus_version": tables.record.soleus_version,
            "runner": tables.record.runner,
            "pods": tables.record.pods,
            "configuration": tables.record.configuration,
            "quality": tables.record.quality,
            "notes": tables.record.notes,
        },
        "columns": {"steps": _columns(steps.schema), "warnings": _columns(warnings.schema)},
        "steps": {name: steps.column(name).to_pylist() for name in steps.column_names},
        "warnings": said,
    }
    write_whole(msgspec.json.encode(document) + b"\n", path)
    return path


def write_parquet(session: str | Path | SessionTables, out: str | Path | None = None) -> Path:
    """Write the steps as one tidy Parquet file that says by itself whose and when they are.

    Parameters
    ----------
    session
        An analysed session folder, or its tables.
    out
        The file; ``export.parquet`` in the folder unless given.

    Returns
    -------
    Path
        The file written.

    Raises
    ------
    ExportError
        If the session has no steps, or its start and times lead beyond the calendar.
    soleus.recording.RecordingError
        If a file cannot be read or written.
    """
    import pyarrow.parquet as pq

    tables = _tables(session)
    path = tables.folder / PARQUET_FILE if out is None else Path(out)
    table = tidy(tables)
    buffer = io.BytesIO()
    pq.write_table(table, buffer, compression="zstd")
    write_whole(buffer.getvalue(), path)
    return path


def tidy(tables: SessionTables) -> pa.Table:
    """Give the steps with session, runner and calendar time in columns of their own, words as plain text.

    Raises
    ------
    ExportError
        If the session's start and times lead beyond the calendar.
    """
    steps = tables.steps.to_arrow()
    n = steps.num_rows
    facts = [
        (_described("session", pa.string(), "Name of the session's folder"), pa.array([tables.name] * n, pa.string())),
        (_described("runner", pa.string(), "Name of the runner; null if unnamed"),
         pa.array([tables.record.runner.name or None] * n, pa.string())),
        (_described("time_utc", pa.timestamp("us", "UTC"), "Calendar time of the initial contact; null if unknown"),
         _calendar(tables)),
    ]  # fmt: skip
    for field in steps.schema:
        kind = field.type.value_type if pa.types.is_dictionary(field.type) else field.type
        facts.append((field.with_type(kind), steps.column(field.name).cast(kind).combine_chunks()))
    metadata: dict[bytes | str, bytes | str] = {"schema": "soleus.export.steps", "schema_version": EXPORT_VERSION}
    metadata["tables_version"] = TABLES_VERSION
    schema = pa.schema([field for field, _ in facts], metadata=metadata)
    return pa.Table.from_arrays([values for _, values in facts], schema=schema)


def _described(name: str, kind: pa.DataType, meaning: str) -> pa.Field[Any]:
    return pa.field(name, kind, metadata={"unit": "", "description": meaning})


def _calendar(tables: SessionTables) -> pa.Array[Any]:
    kind = pa.timestamp("us", "UTC")
    start, contact_s = tables.start_utc, tables.steps["initial_contact_s"]
    if start is None or not contact_s.size:
        return pa.nulls(contact_s.size, kind)
    try:
        _ = start + timedelta(seconds=float(contact_s[0])), start + timedelta(seconds=float(contact_s[-1]))
    except OverflowError as error:
        raise ExportError(f"{tables.folder}: start and step times lead beyond the calendar; import it again") from error
    since = (start - datetime.fromtimestamp(0, start.tzinfo)) // timedelta(microseconds=1)
    return pa.array(np.rint(contact_s * MICROSECONDS).astype(np.int64) + since, pa.int64()).cast(kind)


def _csv(table: pa.Table) -> bytes:
    import pyarrow.csv as pc

    plain = [
        table.column(field.name).cast(field.type.value_type)
        if pa.types.is_dictionary(field.type)
        else table.column(field.name)
        for field in table.schema
    ]
    named = pa.Table.from_arrays(plain, names=[header(field) for field in table.schema])
    buffer = io.BytesIO()
    pc.write_csv(named, buffer, pc.WriteOptions(quoting_style="needed"))
    return buffer.getvalue()


def _columns(schema: pa.Schema) -> list[dict[str, str]]:
    return [
        {"name": f.name} | {key: (f.metadata or {}).get(key.encode(), b"").decode() for key in ("unit", "description")}
        for f in schema
    ]


def _evidence(text: str | None, tables: SessionTables) -> Any:  # noqa: ANN401 - an object of numbers
    try:
        return msgspec.json.decode(text or "{}")
    except msgspec.DecodeError as error:
        raise ExportError(
            f"{tables.folder}: a warning's evidence is no JSON ({error}); analyse the session again"
        ) from error


def _tables(session: str | Path | SessionTables) -> SessionTables:
    return session if isinstance(session, SessionTables) else read_tables(session)
