"""Write what came of a recording: the steps, the warnings, and the session's record with its quality counts."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import msgspec

from soleus.batch.session import Result
from soleus.batch.summary import Summary
from soleus.model import Foot, Warnings
from soleus.recording import (
    RecordingError,
    read_session_record,
    session_record,
    write_session_record,
    write_steps,
)
from soleus.recording.files import make_folder, present, reading, write_atomically

WARNINGS_FILE: Final = "warnings.parquet"
SESSION_FILE: Final = "session.json"
IMU_FILE: Final = "imu.parquet"


def write_warnings(warnings: Warnings, folder: str | Path) -> Path:
    """Write ``warnings.parquet`` into a folder, made if need be.

    Returns
    -------
    Path
        The file written.

    Raises
    ------
    soleus.recording.RecordingError
        If it cannot be written.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_warnings(Warnings.empty(), folder).name
    'warnings.parquet'
    """
    import pyarrow.parquet as pq

    path = Path(folder) / WARNINGS_FILE
    make_folder(path.parent)
    table = warnings.to_arrow()

    def verify(temporary: Path) -> None:
        with reading(temporary, "warnings table"):
            back = Warnings.from_arrow(pq.read_table(temporary, use_threads=False))
        if back != warnings:
            raise RecordingError(f"{path}: what was written could not be read back; try another disk")

    write_atomically(path, lambda file: pq.write_table(table, file, compression="zstd"), verify)
    return path


def write_result(
    result: Result,
    summary: Summary,
    folder: str | Path,
    *,
    start_utc: datetime | None = None,
    extra: Mapping[str, Any] | None = None,
    configuration: Mapping[str, Any] | None = None,
) -> tuple[Path, ...]:
    """Write ``steps.parquet``, ``warnings.parquet`` and ``session.json``.

    A session folder keeps its own record: only runner, configuration and quality counts are replaced.

    Parameters
    ----------
    result, summary
        What came of the recording.
    folder
        Made if need be.
    start_utc, extra
        Of the recording, for a new record.
    configuration
        How it was analysed.

    Returns
    -------
    tuple of Path
        The files written.

    Raises
    ------
    soleus.recording.RecordingError
        If a file cannot be written, or the folder's record is damaged.
    """
    folder = Path(folder)
    steps = write_steps(result.step_rows, folder)
    warnings = write_warnings(result.warning_rows, folder)
    if present(folder / SESSION_FILE) and present(folder / IMU_FILE):
        earlier = read_session_record(folder)
        record = msgspec.structs.replace(
            earlier,
            runner=result.runner,
            configuration=earlier.configuration | dict(configuration or {}),
            quality=earlier.quality | summary.quality_counts(),
        )
    else:
        record = session_record(
            result.pods,
            {Foot(foot): count for foot, count in result.samples.items()},
            runner=result.runner,
            start_utc=start_utc,
            source=summary.source,
            notes=result.notes,
            extra=extra,
            configuration=configuration,
            quality=summary.quality_counts(),
        )
    return steps, warnings, write_session_record(record, folder)
