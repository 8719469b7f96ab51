"""Parquet tables other than the session's own to raw columns."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pyarrow as pa

from soleus.recording.files import RecordingError, check_file, reading
from soleus.recording.limits import Limits
from soleus.recording.profile import AXES, Profile, choose
from soleus.recording.raw_table import Gatherer, RawTable
from soleus.recording.typed import load_json

if TYPE_CHECKING:
    import pyarrow.parquet as pq

BATCH_ROWS: Final = 262_144
"""Rows read at a time."""


def read_parquet(path: Path, profiles: Sequence[Profile], limits: Limits) -> RawTable:
    """Read a Parquet table by the one of some profiles that fits.

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
        return _read(file, path, profile, limits)


def _fits(profile: Profile, schema: pa.Schema, path: Path) -> bool:
    keys = schema.metadata or {}
    if profile.metadata_keys and not any(key.encode() in keys for key in profile.metadata_keys):
        return False
    try:
        return profile.resolve(schema.names) is not None
    except RecordingError as error:
        raise RecordingError(f"{path}: {error}") from error


def _read(file: pq.ParquetFile, path: Path, profile: Profile, limits: Limits) -> RawTable:
    schema = file.schema_arrow
    columns = profile.resolve(schema.names) or {}
    for role, index in columns.items():
        kind = schema.field(index).type
        if role != "foot" and not (_is_number(kind) or (role == "time" and pa.types.is_timestamp(kind))):
            raise RecordingError(
                f"{path}: column '{schema.names[index]}': holds {kind}, not numbers; store it as numbers"
            )
    names = {role: schema.names[index] for role, index in columns.items()}
    gatherer = Gatherer(path, limits)
    for batch in file.iter_batches(BATCH_ROWS, columns=list(names.values()), use_threads=False):
        foot = batch.column(names["foot"]) if "foot" in names else None
        gatherer.add(batch.column(names["time"]), [batch.column(names[axis]) for axis in AXES], foot)
    table = gatherer.table(profile, profile.time.unit)
    metadata = schema.metadata or {}
    for key in profile.metadata_keys:
        if key.encode() in metadata:
            table.facts = load_json(metadata[key.encode()], dict[str, Any], f"{path} (metadata '{key}')")
    return table


def _is_number(kind: pa.DataType) -> bool:
    return pa.types.is_integer(kind) or pa.types.is_floating(kind)
