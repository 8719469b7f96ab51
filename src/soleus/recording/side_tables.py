"""The small tables of a session folder: belt, heart rate, steps."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final

import numpy as np
import pyarrow as pa

from soleus.model import Belt, FloatArray, HeartRate, Steps
from soleus.model.tables import STEPS_SCHEMA_NAME
from soleus.recording.files import RecordingError, check_file, make_folder, present, reading, write_atomically
from soleus.recording.limits import DEFAULT_LIMITS, Limits

BELT_FILE: Final = "belt.parquet"
HEART_RATE_FILE: Final = "heart_rate.parquet"
STEPS_FILE: Final = "steps.parquet"
SCHEMA_VERSION: Final = "1.0"

_BELT_UNITS: Final = {"t": "s", "speed_mps": "m/s", "grade": "1"}
_HEART_RATE_UNITS: Final = {"t": "s", "rate_bpm": "beats/min"}


def write_belt(belt: Belt, folder: Path) -> None:
    """Write ``belt.parquet``.

    Raises
    ------
    RecordingError
        If it cannot be written.
    """
    columns = {"t": belt.time_s, "speed_mps": belt.speed_mps, "grade": belt.grade}
    _write(folder / BELT_FILE, "soleus.belt", columns, _BELT_UNITS)


def read_belt(folder: Path, limits: Limits = DEFAULT_LIMITS) -> Belt | None:
    """Read ``belt.parquet``; ``None`` without one.

    Raises
    ------
    RecordingError
        If it is damaged, lacks a column, or its time falls.
    """
    columns = _read(folder / BELT_FILE, _BELT_UNITS, limits)
    return None if columns is None else Belt(columns["t"], columns["speed_mps"], columns["grade"])


def write_heart_rate(heart_rate: HeartRate, folder: Path) -> None:
    """Write ``heart_rate.parquet``.

    Raises
    ------
    RecordingError
        If it cannot be written.
    """
    columns = {"t": heart_rate.time_s, "rate_bpm": heart_rate.rate_bpm}
    _write(folder / HEART_RATE_FILE, "soleus.heart_rate", columns, _HEART_RATE_UNITS)


def read_heart_rate(folder: Path, limits: Limits = DEFAULT_LIMITS) -> HeartRate | None:
    """Read ``heart_rate.parquet``; ``None`` without one.

    Raises
    ------
    RecordingError
        If it is damaged, lacks a column, or its time falls.
    """
    columns = _read(folder / HEART_RATE_FILE, _HEART_RATE_UNITS, limits)
    return None if columns is None else HeartRate(columns["t"], columns["rate_bpm"])


def write_steps(steps: Steps, folder: str | Path) -> Path:
    """Write ``steps.parquet`` into a folder (made if need be), or to a path that ends in ``.parquet``.

    Returns
    -------
    Path
        The file written.

    Raises
    ------
    RecordingError
        If it cannot be written.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = write_steps(Steps.empty(), folder)
    ...     len(read_steps(folder))
    0
    """
    import pyarrow.parquet as pq

    path = _steps_path(Path(folder))
    make_folder(path.parent)
    table = steps.to_arrow()

    def verify(temporary: Path) -> None:
        if read_steps(temporary) != steps:
            raise RecordingError(f"{path}: what was written could not be read back; try another disk")

    write_atomically(path, lambda file: pq.write_table(table, file, compression="zstd"), verify)
    return path


def read_steps(path: str | Path, limits: Limits = DEFAULT_LIMITS) -> Steps:
    """Read ``steps.parquet`` from a session folder, or a file of that kind.

    Raises
    ------
    RecordingError
        If it cannot be read or is no table of steps of this version.
    """
    import pyarrow.parquet as pq

    file = Path(path)
    file = _steps_path(file) if file.is_dir() else file
    check_file(file, limits.file_bytes)
    with reading(file, "steps table"):
        with pq.ParquetFile(file) as parquet:
            if parquet.metadata.num_rows > limits.rows:
                raise RecordingError(f"{file}: more than {limits.rows} steps; raise the limit")
            table = parquet.read(use_threads=False)
        metadata = table.schema.metadata or {}
        if metadata.get(b"schema") != STEPS_SCHEMA_NAME.encode():
            raise RecordingError(f"{file}: not a table of steps; give steps.parquet as this program writes it")
        _check_version(file, metadata.get(b"schema_version", b"").decode(errors="replace"))
        try:
            return Steps.from_arrow(table)
        except KeyError as error:
            raise RecordingError(
                f"{file}: column or word {error} is missing or unknown; write the steps again"
            ) from error


def _steps_path(path: Path) -> Path:
    return path if path.suffix == ".parquet" else path / STEPS_FILE


def _check_version(path: Path, version: str) -> None:
    if version.partition(".")[0] != SCHEMA_VERSION.partition(".")[0]:
        raise RecordingError(
            f"{path}: its format version is '{version}', this program reads {SCHEMA_VERSION}; update the program"
        )


def _write(path: Path, name: str, columns: Mapping[str, FloatArray], units: Mapping[str, str]) -> None:
    import pyarrow.parquet as pq

    fields = [pa.field(c, pa.float64(), nullable=False, metadata={"unit": units[c]}) for c in columns]
    schema = pa.schema(fields, metadata={"schema": name, "schema_version": SCHEMA_VERSION})
    table = pa.Table.from_arrays([pa.array(np.asarray(v, np.float64)) for v in columns.values()], schema=schema)

    def verify(temporary: Path) -> None:
        back = _read(temporary, units, DEFAULT_LIMITS) or {}
        if any(back[c].tobytes() != np.asarray(v, np.float64).tobytes() for c, v in columns.items()):
            raise RecordingError(f"{path}: what was written could not be read back; try another disk")

    write_atomically(path, lambda file: pq.write_table(table, file, compression="zstd", use_dictionary=False), verify)


def _read(path: Path, units: Mapping[str, str], limits: Limits) -> dict[str, FloatArray] | None:
    import pyarrow.parquet as pq

    if not present(path):
        return None
    check_file(path, limits.file_bytes)
    with reading(path, "Parquet file"), pq.ParquetFile(path) as parquet:
        schema = parquet.schema_arrow
        for name in units:
            if name not in schema.names:
                raise RecordingError(f"{path}: column '{name}' is missing; write the session again")
            if schema.field(name).type != pa.float64():
                raise RecordingError(f"{path}: column '{name}': is {schema.field(name).type}, must be double")
        if parquet.metadata.num_rows > limits.rows:
            raise RecordingError(f"{path}: more than {limits.rows} rows; raise the limit")
        table = parquet.read(columns=list(units), use_threads=False)
        columns: dict[str, FloatArray] = {name: np.asarray(table.column(name).to_numpy(), np.float64) for name in units}
    if (columns["t"][1:] < columns["t"][:-1]).any():
        raise RecordingError(f"{path}: column 't' falls; sort the readings by time")
    return columns
