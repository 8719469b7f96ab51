"""``session.json``: who ran, with what, when, and what was decided."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Annotated, Any, Final, Literal

import msgspec

from soleus.model import Foot, PodInfo, Runner
from soleus.recording.files import RecordingError, make_folder, read_bytes, write_atomically
from soleus.recording.limits import DEFAULT_LIMITS, Limits
from soleus.recording.typed import load_json

SESSION_FILE: Final = "session.json"
SCHEMA_NAME: Final = "soleus.session"
SCHEMA_VERSION: Final = "1.0"

Utc = Annotated[datetime, msgspec.Meta(tz=True)]
Positive = Annotated[float, msgspec.Meta(gt=0)]


class PodRecord(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A pod in ``session.json``; the value of a count stands in the field metadata of ``imu.parquet`` only."""

    foot: Literal["left", "right"]
    samples: Annotated[int, msgspec.Meta(ge=0)]
    accel_range_mps2: Positive | None = None
    gyro_range_rads: Positive | None = None
    rate_hz: Positive | None = None
    pod_id: str = ""
    maker: str = ""
    firmware: str = ""


class SessionRecord(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """``session.json``.

    Attributes
    ----------
    schema, schema_version
        What this is; another major version cannot be read.
    soleus_version
        The program that wrote it.
    start_utc
        Calendar time of session time zero.
    runner, pods
        Who ran, with what.
    configuration
        How the session was analysed or recorded.
    quality
        Counts of dropped, repaired and flagged samples and steps, by name.
    source, notes, extra
        Where it came from, and what its reader decided.
    """

    pods: tuple[PodRecord, ...]
    schema: Literal["soleus.session"] = SCHEMA_NAME
    schema_version: str = SCHEMA_VERSION
    soleus_version: str = ""
    start_utc: Utc | None = None
    runner: Runner = Runner()
    configuration: dict[str, Any] = {}
    quality: dict[str, int | float] = {}
    source: str = ""
    notes: tuple[str, ...] = ()
    extra: dict[str, Any] = {}


class _Kind(msgspec.Struct, frozen=True):
    """The part of ``session.json`` that tells whether the rest can be read."""

    schema: str = ""
    schema_version: str = ""


def session_record(
    pods: Sequence[PodInfo],
    samples: Mapping[Foot, int],
    *,
    runner: Runner,
    start_utc: datetime | None = None,
    source: str = "",
    notes: Sequence[str] = (),
    extra: Mapping[str, Any] | None = None,
    configuration: Mapping[str, Any] | None = None,
    quality: Mapping[str, int | float] | None = None,
) -> SessionRecord:
    """Describe a session.

    Parameters
    ----------
    pods, samples
        The pods and how many samples each has.
    runner, start_utc, source, notes, extra, configuration, quality
        As in :class:`SessionRecord`.

    Raises
    ------
    RecordingError
        If ``start_utc`` has no time zone.
    """
    if start_utc is not None and start_utc.tzinfo is None:
        raise RecordingError(f"start_utc {start_utc.isoformat()}: has no time zone; give it in UTC")
    return SessionRecord(
        pods=tuple(
            PodRecord(
                foot="left" if pod.foot is Foot.LEFT else "right",
                samples=samples[pod.foot],
                accel_range_mps2=pod.accel_range_mps2,
                gyro_range_rads=pod.gyro_range_rads,
                rate_hz=pod.rate_hz,
                pod_id=pod.pod_id,
                maker=pod.maker,
                firmware=pod.firmware,
            )
            for pod in pods
        ),
        soleus_version=_program_version(),
        start_utc=start_utc,
        runner=runner,
        configuration=dict(configuration or {}),
        quality=dict(quality or {}),
        source=source,
        notes=tuple(notes),
        extra=dict(extra or {}),
    )


def write_session_record(record: SessionRecord, folder: str | Path) -> Path:
    """Write ``session.json`` into a folder, made if need be.

    Returns
    -------
    Path
        The file written.

    Raises
    ------
    RecordingError
        If it cannot be written, or holds something that JSON cannot.
    """
    path = Path(folder) / SESSION_FILE
    try:
        data = msgspec.json.format(msgspec.json.encode(record), indent=2) + b"\n"
    except (TypeError, ValueError, OverflowError, RecursionError) as error:
        raise RecordingError(f"{path}: cannot be written: {error}; keep to text, numbers, lists and tables") from error
    make_folder(path.parent)

    def verify(temporary: Path) -> None:
        if temporary.read_bytes() != data:
            raise RecordingError(f"{path}: what was written could not be read back; try another disk")

    write_atomically(path, lambda file: _write_all(file.write(data), len(data)), verify)
    return path


def _write_all(written: int, wanted: int) -> None:
    if written != wanted:
        raise OSError(28, "no space left")


def read_session_record(folder: str | Path, limits: Limits = DEFAULT_LIMITS) -> SessionRecord:
    """Read ``session.json`` of a folder.

    Raises
    ------
    RecordingError
        If it is missing, damaged, of another version, or has an unknown key or wrong value (named by its path).
    """
    path = Path(folder) / SESSION_FILE
    data = read_bytes(path, limits.json_bytes)
    kind = load_json(data, _Kind, path)
    if kind.schema != SCHEMA_NAME:
        raise RecordingError(f"{path}: 'schema': is '{kind.schema}', not '{SCHEMA_NAME}'; this is no session folder")
    if kind.schema_version.partition(".")[0] != SCHEMA_VERSION.partition(".")[0]:
        raise RecordingError(
            f"{path}: 'schema_version': is '{kind.schema_version}', this program reads {SCHEMA_VERSION}; "
            "update the program"
        )
    record = load_json(data, SessionRecord, path)
    feet = [pod.foot for pod in record.pods]
    if len(set(feet)) != len(feet):
        raise RecordingError(f"{path}: 'pods': two pods of the {feet[0]} foot; a session holds one a foot")
    return record


def _program_version() -> str:
    try:
        return version("soleus")
    except PackageNotFoundError:
        return ""
