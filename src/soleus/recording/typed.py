"""TOML and JSON straight into typed structures, with messages that name file and field."""

from __future__ import annotations

import difflib
import re
from pathlib import Path
from typing import TypeVar

import msgspec

from soleus.model import Runner
from soleus.recording.files import RecordingError, first_line, read_bytes
from soleus.recording.limits import DEFAULT_LIMITS, Limits

T = TypeVar("T")


def load_toml(path: Path, kind: type[T], limits: Limits = DEFAULT_LIMITS) -> T:
    """Read a TOML file into a struct.

    Raises
    ------
    RecordingError
        If the file cannot be read, is no TOML, or has an unknown key or a wrong value (named by its path).
    """
    data = read_bytes(path, limits.text_bytes)
    try:
        return msgspec.toml.decode(data, type=kind)
    except msgspec.ValidationError as error:
        raise RecordingError(f"{path}: {_field_message(error)}{_did_you_mean(error, kind)}") from error
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise RecordingError(f"{path}: not valid TOML: {first_line(str(error))}") from error


def load_json(data: bytes, kind: type[T], path: Path | str) -> T:
    """Read JSON into a struct.

    Raises
    ------
    RecordingError
        If it is no JSON, or has an unknown key or a wrong value (named by its path).
    """
    try:
        return msgspec.json.decode(data, type=kind)
    except msgspec.ValidationError as error:
        raise RecordingError(f"{path}: {_field_message(error)}") from error
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise RecordingError(f"{path}: not valid JSON: {first_line(str(error))}") from error


def load_runner(path: str | Path) -> Runner:
    r"""Read a runner's file.

    Parameters
    ----------
    path
        TOML with the keys of :class:`soleus.model.Runner`, such as ``height_m = 1.81`` (metres, kilograms).

    Raises
    ------
    RecordingError
        If the file cannot be read; an unknown key or a value out of range is named.

    Examples
    --------
    >>> import tempfile, pathlib
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = pathlib.Path(folder) / "runner.toml"
    ...     _ = path.write_text('name = "Ada"\nheight_m = 1.7')
    ...     load_runner(path).height_m
    1.7
    """
    return load_toml(Path(path), Runner)


def _field_message(error: msgspec.ValidationError) -> str:
    message, _, field = first_line(str(error)).partition(" - at ")
    name = field.strip("`").removeprefix("$").lstrip(".")
    return f"'{name}': {message}" if name else message


def _did_you_mean(error: msgspec.ValidationError, kind: type[object]) -> str:
    """Name the nearest known key beside an unknown one, or all of them."""
    unknown = re.search(r"unknown field `(.{1,100}?)`", str(error))
    known: tuple[str, ...] = getattr(kind, "__struct_fields__", ())
    if unknown is None or not known or " - at " in str(error):
        return ""
    near = difflib.get_close_matches(unknown[1], known, n=1)
    return f"; did you mean '{near[0]}'?" if near else f"; known are {', '.join(known)}"
