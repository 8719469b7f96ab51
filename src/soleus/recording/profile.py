"""Import profiles: what the columns of a maker's export file are called and mean."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from fnmatch import fnmatchcase
from importlib import resources
from pathlib import Path
from typing import Annotated, Final, Literal

import msgspec

from soleus.recording.files import RecordingError
from soleus.recording.limits import DEFAULT_LIMITS, Limits
from soleus.recording.typed import load_toml

AXES: Final = ("ax", "ay", "az", "gx", "gy", "gz")
"""The six columns that every recording must have."""

Names = str | tuple[str, ...]
Positive = Annotated[float, msgspec.Meta(gt=0)]


class ColumnMap(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Which column is which; a name, or several in order of preference.

    Names are compared without regard to case and surrounding blanks; ``*`` stands for any text; ``#1`` is the
    first column of a file without header.

    Attributes
    ----------
    time
        Time stamp.
    ax, ay, az, gx, gy, gz
        Accelerometer and gyroscope axes.
    foot
        'left' or 'right' in each row; empty if a file holds one foot.
    """

    time: Names
    ax: Names
    ay: Names
    az: Names
    gx: Names
    gy: Names
    gz: Names
    foot: Names = ""


class TimeSpec(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """How to read the time column.

    Attributes
    ----------
    unit
        Unit of a number, or ``datetime`` for ``2026-05-01 10:00:00.125``.
    wrap_bits
        Width of a counter that starts over; it is unwrapped.
    packet_stamps
        All samples of a radio packet bear the stamp of its first one; they are spread evenly.
    keep_origin
        Take the stamps as session time; otherwise the first stamp becomes zero.
    """

    unit: Literal["s", "ms", "us", "ns", "datetime"] = "s"
    wrap_bits: Annotated[int, msgspec.Meta(ge=8, le=48)] | None = None
    packet_stamps: bool = False
    keep_origin: bool = False


class AccelSpec(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Unit of the accelerometer; for ``counts`` what one is worth; full scale [g] if known."""

    unit: Literal["m/s2", "g", "counts"]
    lsb_mps2: Positive | None = None
    range_g: Positive | None = None


class GyroSpec(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Unit of the gyroscope; for ``counts`` what one is worth; full scale [°/s] if known."""

    unit: Literal["rad/s", "deg/s", "counts"]
    lsb_rads: Positive | None = None
    range_dps: Positive | None = None


class CsvSpec(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Layout of a text file.

    Attributes
    ----------
    delimiter
        Column separator; found by itself if empty.
    header
        Whether a line with column names precedes the data.
    drop_zero_rows
        Rows in which all six axes are exactly zero are placeholders of the logger: drop and count them.
    """

    delimiter: Literal["", ",", ";", "\t", "|"] = ""
    header: bool = True
    drop_zero_rows: bool = False


class PreambleSpec(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Keys of the lines before the header that name the pod and its firmware."""

    pod_id: str = ""
    firmware: str = ""


class Profile(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """How to read one kind of export file.

    Attributes
    ----------
    name, maker, description
        For messages.
    format
        Kind of file: ``csv`` (any text table), ``parquet``, or ``movesense-json``.
    rank
        Profiles of a higher rank are considered only when none of a lower one fits: their column names say little.
    metadata_keys
        Parquet: schema metadata key (one of these) whose JSON gives scale, rate, belt and runner.
    columns, time, accel, gyro, csv, preamble
        See their types.

    Examples
    --------
    >>> built_in_profiles()["movella-dot"].gyro.unit
    'deg/s'
    """

    name: str
    columns: ColumnMap
    accel: AccelSpec
    gyro: GyroSpec
    maker: str = ""
    description: str = ""
    format: Literal["csv", "parquet", "movesense-json"] = "csv"
    rank: Annotated[int, msgspec.Meta(ge=0)] = 0
    metadata_keys: tuple[str, ...] = ()
    time: TimeSpec = TimeSpec()
    csv: CsvSpec = CsvSpec()
    preamble: PreambleSpec = PreambleSpec()

    def resolve(self, header: Sequence[str]) -> dict[str, int] | None:
        """Find the profile's columns in a header.

        Parameters
        ----------
        header
            The file's column names.

        Returns
        -------
        dict or None
            Column index by role (``time``, ``ax`` … ``gz``, and ``foot`` if there), or ``None`` if one is missing.

        Raises
        ------
        RecordingError
            If a pattern with ``*`` fits several columns, as in a file of several pods side by side.
        """
        plain = [name.strip().strip('"').lower() for name in header]
        found: dict[str, int] = {}
        for roles in (("time",), AXES[:3], AXES[3:]):
            indices = self._resolve_together(roles, plain)
            if indices is None:
                return None
            found |= dict(zip(roles, indices, strict=True))
        if self.columns.foot and (foot := self._resolve_together(("foot",), plain)) is not None:
            found["foot"] = foot[0]
        return found

    def _resolve_together(self, roles: Sequence[str], header: list[str]) -> list[int] | None:
        # The axes of one sensor must come from the same alternative: x from one accelerometer and y from
        # another would be nonsense.
        alternatives = [_as_tuple(getattr(self.columns, role)) for role in roles]
        for names in zip(*alternatives, strict=False):
            indices = [self._find(name, header) for name in names]
            if all(index is not None for index in indices):
                return [index for index in indices if index is not None]
        return None

    def _find(self, name: str, header: list[str]) -> int | None:
        if name.startswith("#") and name[1:].isdigit():
            return int(name[1:]) - 1 if 0 < int(name[1:]) <= len(header) else None
        pattern = name.strip().lower()
        hits = [i for i, column in enumerate(header) if fnmatchcase(column, pattern)]
        if len(hits) > 1:
            columns = ", ".join(header[i] for i in hits[:4])
            raise RecordingError(
                f"column '{name}' of profile '{self.name}' fits {len(hits)} columns ({columns}); "
                "export one pod a file, or write a profile with exact names"
            )
        return hits[0] if hits else None


def _as_tuple(names: Names) -> tuple[str, ...]:
    return (names,) if isinstance(names, str) else names


def load_profile(path: str | Path, limits: Limits = DEFAULT_LIMITS) -> Profile:
    """Read a profile from a TOML file.

    Raises
    ------
    RecordingError
        If it cannot be read, has an unknown key or a wrong value (named by its path), or counts without scale.
    """
    path = Path(path)
    profile = load_toml(path, Profile, limits)
    needs_scale = profile.format == "csv" or not profile.metadata_keys
    if profile.accel.unit == "counts" and profile.accel.lsb_mps2 is None and needs_scale:
        raise RecordingError(f"{path}: 'accel.lsb_mps2': needed with unit 'counts'; give the value of one count [m/s²]")
    if profile.gyro.unit == "counts" and profile.gyro.lsb_rads is None and needs_scale:
        raise RecordingError(f"{path}: 'gyro.lsb_rads': needed with unit 'counts'; give the value of one count [rad/s]")
    return profile


@functools.cache
def _built_in() -> tuple[Profile, ...]:
    with resources.as_file(resources.files("soleus.recording") / "profiles") as folder:
        return tuple(load_profile(path) for path in sorted(folder.glob("*.toml")))


def built_in_profiles() -> dict[str, Profile]:
    """Return the ready profiles by name."""
    return {profile.name: profile for profile in _built_in()}


def find_profile(name: str | Path | Profile) -> Profile:
    """Return a profile by its name or from its file.

    Raises
    ------
    RecordingError
        If no ready profile has that name and no such file exists, or the file is wrong.

    Examples
    --------
    >>> find_profile("axivity").accel.unit
    'g'
    """
    if isinstance(name, Profile):
        return name
    ready = built_in_profiles()
    if str(name) in ready:
        return ready[str(name)]
    if Path(name).suffix.lower() == ".toml":
        return load_profile(name)
    raise RecordingError(f"profile '{name}': unknown; take one of {', '.join(ready)}, or give the path of a .toml file")


HOW_TO_WRITE: Final = (
    "write a profile (a .toml file naming the columns and units; copy one of soleus/recording/profiles) and give it"
)
"""The mend where no profile fits."""


def choose(candidates: Sequence[Profile], header: Sequence[str], path: Path) -> Profile:
    """Choose the one profile that fits a file, those of the lowest rank first.

    Raises
    ------
    RecordingError
        If none or several fit; the message lists the file's columns.
    """
    lowest = min((p.rank for p in candidates), default=0)
    first = [p for p in candidates if p.rank == lowest]
    if len(first) == 1:
        return first[0]
    columns = ", ".join(_shown(name) for name in header[:MAX_COLUMNS_SHOWN]) or "none found"
    more = f" and {len(header) - MAX_COLUMNS_SHOWN} more" if len(header) > MAX_COLUMNS_SHOWN else ""
    if first:
        names = ", ".join(p.name for p in first)
        raise RecordingError(f"{path}: several profiles fit ({names}); give one by name; columns: {columns}{more}")
    raise RecordingError(f"{path}: no profile fits its columns ({columns}{more}); {HOW_TO_WRITE}")


def _shown(name: str) -> str:
    text = "".join(c if c.isprintable() else "?" for c in name.strip()[:MAX_NAME_SHOWN])
    return text or "(no name)"


MAX_NAME_SHOWN: Final = 40
"""Letters of a column name shown in a message."""
MAX_COLUMNS_SHOWN: Final = 24
"""Column names listed in a message."""
