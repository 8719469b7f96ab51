"""Parquet tables other than the session's own to raw columns."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import pyarrow as pa

from soleus.recording.files import RecordingError, check_file, reading
from soleus.recording.limits import Limits
from soleus.recording.profile import AXES, Profile, choose
from soleus.recording.raw_table import Block, Converter, RawTable
from soleus.recording.typed import load_json

BATCH_ROWS: Final = 65_536
"""Rows read at a time."""
BUFFER_BYTES: Final = 65_536
"""Bytes of a column read at a time."""


def open_parquet(path: Path, profiles: Sequence[Profile], limits: Limits) -> RawTable:
    """Open a Parquet table, to be read by the one of some profiles that fits.

    Parameters
    ----------
    path
        The file.
    profiles
        Candidates; one if the user named it.
    limits
        Bounds on bytes and rows.

    Raises
    ------
    RecordingError
        If it cannot be read, no or several profiles fit, or a column is no number.
    """
    import pyarrow.parquet as pq

    check_file(path, limits.file_bytes)
    with reading(path, "Parquet file"), pq.ParquetFile(path) as file:
        if file.metadata.num_rows > limits.rows:
            raise RecordingError(
                f"{path}: {file.metadata.num_rows} samples are more than the limit of {limits.rows}; "
                "cut it into shorter recordings or raise the limit"
            )
        schema = file.schema_arrow
        fitting = [p for p in profiles if _fits(p, schema, path)]
        profile = choose(fitting, schema.names, path)
        names = _columns(schema, path, profile)
    metadata = schema.metadata or {}
    texts = {key: metadata[key.encode()] for key in profile.metadata_keys if key.encode() in metadata}
    table = RawTable(
        path=path,
        profile=profile,
        time_unit=profile.time.unit,
        first_pass=lambda table: _first_pass(table, names, texts, limits),
        again=lambda _: _blocks(path, names, Converter(path, limits)),
        held_rows=limits.held_rows,
    )
    with contextlib.suppress(RecordingError):  # told after the samples were read
        table.facts = _facts(path, texts)
    return table


def _fits(profile: Profile, schema: pa.Schema, path: Path) -> bool:
    keys = schema.metadata or {}
    if profile.metadata_keys and not any(key.encode() in keys for key in profile.metadata_keys):
        return False
    try:
        return profile.resolve(schema.names) is not None
    except RecordingError as error:
        raise RecordingError(f"{path}: {error}") from error


def _columns(schema: pa.Schema, path: Path, profile: Profile) -> dict[str, str]:
    """Name of the column of each role, checked for its type."""
    columns = profile.resolve(schema.names) or {}
    for role, index in columns.items():
        kind = schema.field(index).type
        if role != "foot" and not (_is_number(kind) or (role == "time" and pa.types.is_timestamp(kind))):
            raise RecordingError(
                f"{path}: column '{schema.names[index]}': holds {kind}, not numbers; store it as numbers"
            )
    return {role: schema.names[index] for role, index in columns.items()}


def _first_pass(table: RawTable, names: dict[str, str], texts: dict[str, bytes], limits: Limits) -> Iterator[Block]:
    converter = Converter(table.path, limits)
    yield from _blocks(table.path, names, converter)
    with reading(table.path, "Parquet file"):
        converter.finish(table)
        table.facts = _facts(table.path, texts)


def _facts(path: Path, texts: dict[str, bytes]) -> dict[str, Any]:
    facts: dict[str, Any] = {}
    for key, text in texts.items():
        facts = load_json(text, dict[str, Any], f"{path} (metadata '{key}')")
    return facts


def _blocks(path: Path, names: dict[str, str], converter: Converter) -> Iterator[Block]:
    import pyarrow.parquet as pq

    # A row group may be as long as the file: take its pages one after the other, and nothing ahead.
    with reading(path, "Parquet file"), pq.ParquetFile(path, buffer_size=BUFFER_BYTES, pre_buffer=False) as file:
        for batch in file.iter_batches(BATCH_ROWS, columns=list(names.values()), use_threads=False):
            foot = batch.column(names["foot"]) if "foot" in names else None
            yield converter.block(batch.column(names["time"]), [batch.column(names[axis]) for axis in AXES], foot)


def _is_number(kind: pa.DataType) -> bool:
    return pa.types.is_integer(kind) or pa.types.is_floating(kind)
