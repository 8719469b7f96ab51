"""Manifests and tables of runners: what is told of recordings, one row each, as CSV or Parquet."""

from __future__ import annotations

import io
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final, Literal, TypeVar

import msgspec
import pyarrow as pa

from soleus.batch.errors import BatchError
from soleus.batch.places import Place
from soleus.model import Runner
from soleus.recording import RecordingError, parse_grade, parse_speed

MOST_BYTES: Final = 2**30
MOST_ROWS: Final = 2_000_000
"""Rows of a manifest: for more, write several and give each to its own run."""
NOON_HOUR: Final = 12
"""A session of which only the day is known is put at noon UTC."""
PARQUET_ENDINGS: Final = (".parquet", ".pq")

T = TypeVar("T")


class ManifestRow(Runner, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A row of a manifest: where a recording is, and what is known of it; every column but ``path`` may be missing.

    The measures of :class:`soleus.model.Runner` may stand here, too, and go before all others.

    Attributes
    ----------
    path, right_path
        The recording; or its left and right file. A relative path starts at the manifest's own folder.
    runner
        Name of the runner.
    date
        Day, or date and time, of the start (ISO 8601); without a zone it is UTC.
    belt_speed, grade
        Speed and grade of the treadmill with their units, as for ``soleus analyze``.
    profile, foot
        How to read the file; the foot of a file of one pod.
    """

    path: str
    right_path: str | None = None
    runner: str = ""
    date: str | None = None
    belt_speed: str | None = None
    grade: str | None = None
    profile: str | None = None
    foot: Literal["left", "right"] | None = None


@dataclass(frozen=True, slots=True)
class Told:
    """What is told of a recording beside what it says itself; see :class:`soleus.batch.item.Item`."""

    runner: str = ""
    measures: dict[str, Any] = field(default_factory=dict)
    start_s: float | None = None
    only_day: bool = False
    belt_speed_mps: float | None = None
    grade: float = 0.0
    profile: str | None = None
    foot: Literal["left", "right"] | None = None


def read_manifest(place: Place) -> list[tuple[tuple[Place, ...], Told]]:
    r"""Read a manifest: the places of each recording, and what is told of it.

    Raises
    ------
    BatchError
        If it cannot be read, or a row is wrong; the row and its column are named.

    Examples
    --------
    >>> import tempfile, pathlib
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     file = pathlib.Path(folder) / "season.csv"
    ...     _ = file.write_text("path,runner,date,belt_speed\nrun1,Ada,2025-05-03,12 km/h\n")
    ...     [(places, told)] = read_manifest(Place.parse(str(file)))
    >>> places[0].name, told.runner, round(told.belt_speed_mps, 3), told.only_day
    ('run1', 'Ada', 3.333, True)
    """
    rows: list[tuple[tuple[Place, ...], Told]] = []
    seen: dict[tuple[str, ...], int] = {}
    for number, row in _rows(place, ManifestRow, "path"):
        try:
            places = tuple(_place(place, path) for path in (row.path, row.right_path) if path)
            told = _told(row)
        except (RecordingError, BatchError, ValueError, OverflowError) as error:
            raise BatchError(f"{place.shown}: row {number}: {error}") from error
        names = tuple(each.address for each in places)
        if names in seen:
            raise BatchError(f"{place.shown}: row {number}: '{row.path}' stands in row {seen[names]} already")
        seen[names] = number
        rows.append((places, told))
    return rows


def read_runners(place: Place) -> dict[str, Runner]:
    """Read a table of runners: a column ``name``, and columns named as the fields of :class:`soleus.model.Runner`.

    Raises
    ------
    BatchError
        If it cannot be read, a row is wrong, or a name stands there twice.
    """
    runners: dict[str, Runner] = {}
    for number, runner in _rows(place, Runner, "name"):
        if runner.name in runners:
            raise BatchError(f"{place.shown}: row {number}: the runner '{runner.name}' stands there twice")
        runners[runner.name] = runner
    return runners


def _rows(place: Place, kind: type[T], needed: str) -> list[tuple[int, T]]:
    """Read rows into structs; numbered as in the file, its header being row 1."""
    table = _read(place)
    if needed not in table.column_names:
        columns = ", ".join(table.column_names) or "none"
        raise BatchError(f"{place.shown}: the column '{needed}' is missing (there are: {columns})")
    unknown = [name for name in table.column_names if name not in kind.__struct_fields__]  # type: ignore[attr-defined]
    if unknown:
        known = ", ".join(kind.__struct_fields__)  # type: ignore[attr-defined]
        raise BatchError(f"{place.shown}: unknown column '{unknown[0]}'; the columns may be {known}")
    rows = []
    for number, row in enumerate(table.to_pylist(), start=2):
        told = {name: _plain(value) for name, value in row.items() if value is not None and str(value).strip()}
        try:
            rows.append((number, msgspec.convert(told, kind, strict=False)))
        except msgspec.ValidationError as error:
            reason, _, column = str(error).partition(" - at `$.")
            reason = "'path' is empty" if "missing required field" in reason else reason
            told_column = f"column '{column.rstrip('`')}': " if column else ""
            raise BatchError(f"{place.shown}: row {number}: {told_column}{reason}") from error
    return rows


def _plain(value: object) -> object:
    """Take dates as text, as CSV has them."""
    return value.isoformat() if hasattr(value, "isoformat") else value.strip() if isinstance(value, str) else value


def _read(place: Place) -> pa.Table:
    import pyarrow.csv as pacsv
    import pyarrow.parquet as pq

    data = place.read(MOST_BYTES)
    try:
        if place.name.lower().endswith(PARQUET_ENDINGS):
            table = pq.read_table(io.BytesIO(data), use_threads=False)
        else:
            names = pacsv.read_csv(io.BytesIO(data.split(b"\n", 1)[0] + b"\n")).column_names
            convert = pacsv.ConvertOptions(column_types=dict.fromkeys(names, pa.string()))
            table = pacsv.read_csv(io.BytesIO(data), convert_options=convert)
    except (pa.ArrowException, OSError, UnicodeError) as error:
        reason = str(error).strip().splitlines()[0]
        raise BatchError(
            f"{place.shown}: not a readable table ({reason}); give CSV with a header, or Parquet"
        ) from error
    if len(table) > MOST_ROWS:
        raise BatchError(f"{place.shown}: {len(table)} rows are more than {MOST_ROWS}; cut it into several manifests")
    return table


def _place(manifest: Place, path: str) -> Place:
    if "://" in path or path.startswith("/") or (manifest.is_local and path[1:3] in {":\\", ":/"}):
        return Place.parse(path)
    parts: list[str] = []
    for part in path.replace("\\", "/").split("/"):
        if part == "..":
            parts.append(part) if not parts or parts[-1] == ".." else parts.pop()
        elif part not in {"", "."}:
            parts.append(part)
    place = manifest.parent
    for part in parts:
        place = place.parent if part == ".." else place / part
    return place


def _told(row: ManifestRow) -> Told:
    measures = {
        name: getattr(row, name)
        for name in Runner.__struct_fields__
        if name != "name" and getattr(row, name) not in {None, ""}
    }
    start_s, only_day = _start(row.date) if row.date is not None else (None, False)
    if row.grade is not None and row.belt_speed is None:
        raise BatchError("column 'grade': a grade alone cannot be used; give belt_speed, too")
    return Told(
        runner=row.runner or row.name,
        measures=measures,
        start_s=start_s,
        only_day=only_day,
        belt_speed_mps=None if row.belt_speed is None else parse_speed(row.belt_speed),
        grade=0.0 if row.grade is None else parse_grade(row.grade),
        profile=row.profile,
        foot=row.foot,
    )


def _start(text: str) -> tuple[float, bool]:
    try:
        when = datetime.fromisoformat(text)
    except ValueError as error:
        raise BatchError(
            f"column 'date': '{text}' is no date; write it as 2025-05-03 or 2025-05-03T18:30+02:00"
        ) from error
    only_day = "T" not in text.upper() and ":" not in text
    if only_day:
        when = when.replace(hour=NOON_HOUR)
    return (when if when.tzinfo else when.replace(tzinfo=UTC)).timestamp(), only_day
