"""``events.parquet``: whatever happened in a session beside samples and readings."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final, NamedTuple

import msgspec
import pyarrow as pa

from soleus.recording.files import RecordingError, check_file, present, reading, write_atomically
from soleus.recording.limits import DEFAULT_LIMITS, Limits

EVENTS_FILE: Final = "events.parquet"
SCHEMA_NAME: Final = "soleus.events"
SCHEMA_VERSION: Final = "1.0"


def _field(name: str, kind: pa.DataType, about: dict[str, str], *, nullable: bool = False) -> pa.Field[Any]:
    return pa.field(name, kind, nullable=nullable, metadata=about)


EVENTS_SCHEMA: Final = pa.schema(
    [
        _field("piece", pa.int64(), {"description": "running number among all that was recorded, in order"}),
        _field("t", pa.float64(), {"unit": "s", "description": "session time"}, nullable=True),
        _field("kind", pa.string(), {"description": "what happened"}),
        _field("json", pa.string(), {"description": "its particulars"}),
    ],
    metadata={"schema": SCHEMA_NAME, "schema_version": SCHEMA_VERSION},
)


class Event(NamedTuple):
    """Something that happened: ``time_s`` is session time [s], ``json`` its particulars as text."""

    piece: int
    time_s: float | None
    kind: str
    json: str

    @property
    def value(self) -> Any:  # noqa: ANN401
        """Particulars, decoded."""
        return msgspec.json.decode(self.json)


def events_of(table: pa.Table, kind: str | None = None) -> tuple[Event, ...]:
    """List the events of a table, all or those of a kind."""
    rows = zip(*(table.column(name).to_pylist() for name in EVENTS_SCHEMA.names), strict=True)
    return tuple(event for row in rows if kind in (None, (event := Event(*row)).kind))


def write_events(events: pa.Table, folder: Path) -> None:
    """Write ``events.parquet``.

    Raises
    ------
    RecordingError
        If it cannot be written.
    """
    import pyarrow.parquet as pq

    path = folder / EVENTS_FILE
    table = events.cast(EVENTS_SCHEMA)

    def verify(temporary: Path) -> None:
        if not read_events_table(temporary).equals(table):
            raise RecordingError(f"{path}: what was written could not be read back; try another disk")

    write_atomically(path, lambda file: pq.write_table(table, file, compression="zstd"), verify)


def read_events_table(path: Path, limits: Limits = DEFAULT_LIMITS) -> pa.Table:
    """Read an ``events.parquet``; an empty table without one.

    Raises
    ------
    RecordingError
        If it is damaged or of another kind.
    """
    import pyarrow.parquet as pq

    if not present(path):
        return EVENTS_SCHEMA.empty_table()
    check_file(path, limits.file_bytes)
    with reading(path, "Parquet file"), pq.ParquetFile(path) as file:
        found = file.schema_arrow
        if found.names != EVENTS_SCHEMA.names or found.types != EVENTS_SCHEMA.types:
            raise RecordingError(f"{path}: columns are not {', '.join(EVENTS_SCHEMA.names)}; this is no events.parquet")
        if file.metadata.num_rows > limits.rows:
            raise RecordingError(f"{path}: more than {limits.rows} rows; raise the limit")
        return file.read(use_threads=False)
