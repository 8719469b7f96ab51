"""Where the header of a text table is, what separates its columns, and what its unit row says."""

from __future__ import annotations

import codecs
import csv
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import msgspec

from soleus.recording.files import RecordingError, os_error
from soleus.recording.profile import AXES, Profile

HEAD_BYTES: Final = 256 * 1024
"""How much of a file is looked at to find its header [bytes]."""
MAX_PREAMBLE_LINES: Final = 64
"""Lines that may precede a header."""
MIN_COLUMNS: Final = 7
"""Time and six axes."""
DELIMITERS: Final = (",", "\t", ";", "|")
"""Column separators tried, in this order."""

_LINE_END: Final = re.compile(r"\r\n|\n|\r")
_NUMBER: Final = re.compile(r"\s*[+-]?(\d+([.,]\d*)?|[.,]\d+)([eE][+-]?\d+)?\s*|\s*[+-]?(nan|inf)\s*", re.IGNORECASE)
_DATE: Final = re.compile(r"\s*\d{4}[-/]\d{1,2}[-/]\d{1,2}[ T]\d{1,2}:\d{2}.*")
_DECIMAL_COMMA: Final = re.compile(r"\s*[+-]?\d+,\d+\s*")

_ACCEL_WORDS: Final = {"m/(s^2)": "m/s2", "m/s^2": "m/s2", "m/s2": "m/s2", "m/s²": "m/s2", "g": "g"}
_GYRO_WORDS: Final = {"deg/s": "deg/s", "dps": "deg/s", "°/s": "deg/s", "rad/s": "rad/s"}
_TIME_WORDS: Final = {"s": "s", "sec": "s", "ms": "ms", "us": "us", "µs": "us", "ns": "ns"}
_DATE_WORD: Final = "yyyy"
"""Start of the unit word of a formatted stamp (`yyyy/mm/dd hh:mm:ss.000`)."""


@dataclass(frozen=True, slots=True)
class TextHead:
    """The first lines of a text file, whether that is all, its encoding, and the length of its byte-order mark.

    The encoding is that to read the numbers with: ``latin-1`` takes any byte, and numbers are ASCII.
    """

    path: Path
    lines: tuple[str, ...]
    encoding: str
    whole: bool
    mark_bytes: int


@dataclass(frozen=True, slots=True)
class CsvLayout:
    """How to cut a text table.

    ``names`` are the column names, ``columns`` their index by role, ``skip_lines`` the lines before the first sample.
    """

    profile: Profile
    delimiter: str
    names: tuple[str, ...]
    columns: dict[str, int]
    skip_lines: int
    decimal_point: str
    dates: bool
    preamble: dict[str, str]
    notes: tuple[str, ...]


def read_head(path: Path) -> TextHead:
    """Read and decode the first lines of a text file.

    Raises
    ------
    RecordingError
        If the file cannot be read or is binary.
    """
    try:
        with path.open("rb") as file:
            head = file.read(HEAD_BYTES)
            whole = not file.read(1)
    except OSError as error:
        raise os_error("read", path, error) from error
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        encoding, mark, text = "utf-16", b"", head[: len(head) // 2 * 2].decode("utf-16", errors="replace")
    elif b"\0" in head:
        raise RecordingError(f"{path}: binary data, not a text table; export it as CSV, or give it its true ending")
    else:
        encoding, mark = "latin-1", codecs.BOM_UTF8 if head.startswith(codecs.BOM_UTF8) else b""
        try:
            text = head.removeprefix(mark).decode("utf-8")
        except UnicodeDecodeError:
            text = head.removeprefix(mark).decode("latin-1")
    lines = _LINE_END.split(text)
    return TextHead(path, tuple(lines if whole else lines[:-1]), encoding, whole, len(mark))


def find_layout(head: TextHead, profile: Profile) -> CsvLayout | None:
    """Look for a profile's columns in the first lines; ``None`` if they are not there.

    Raises
    ------
    RecordingError
        If a pattern of the profile fits several columns.
    """
    if not profile.csv.header:
        return _headerless_layout(head, profile)
    stated = _stated_delimiter(head.lines)
    tried = (profile.csv.delimiter,) if profile.csv.delimiter else (stated,) if stated else DELIMITERS
    for number, line in enumerate(head.lines[:MAX_PREAMBLE_LINES]):
        for delimiter in tried:
            names = split(line, delimiter)
            if len(names) < MIN_COLUMNS or all(_NUMBER.fullmatch(name) for name in names):
                continue
            try:
                columns = profile.resolve(names)
            except RecordingError as error:
                raise RecordingError(f"{head.path}: {error}") from error
            if columns is not None:
                return _layout(head, profile, number, delimiter, names, columns)
    return None


def best_header(head: TextHead) -> list[str]:
    """Guess which line is the header, for the message that no profile fits."""
    rows = [split(line, d) for line in head.lines[:MAX_PREAMBLE_LINES] for d in DELIMITERS]
    texts = [row for row in rows if row and not any(_NUMBER.fullmatch(cell) for cell in row)]
    return max(texts or rows, key=len, default=[])


def split(line: str, delimiter: str) -> list[str]:
    """Cut one line into cells, with quotes respected.

    Examples
    --------
    >>> split('a;"b;c"', ";")
    ['a', 'b;c']
    """
    try:
        return next(csv.reader([line], delimiter=delimiter), [])
    except csv.Error:
        return []


def _stated_delimiter(lines: tuple[str, ...]) -> str:
    # Spreadsheets read a first line such as `sep=;`; pods write it for them.
    first = lines[0].strip('"') if lines else ""
    return first[4:5] if first.lower().startswith("sep=") and first[4:5] in DELIMITERS else ""


def _headerless_layout(head: TextHead, profile: Profile) -> CsvLayout | None:
    first = head.lines[0] if head.lines else ""
    delimiter = profile.csv.delimiter or ","
    cells = split(first, delimiter)
    columns = profile.resolve(cells)
    if columns is None:
        return None
    is_time = _DATE if profile.time.unit == "datetime" else _NUMBER
    fits = is_time.fullmatch(cells[columns["time"]]) and all(_NUMBER.fullmatch(cells[columns[axis]]) for axis in AXES)
    if not fits:
        return None
    return _layout(head, profile, -1, delimiter, [f"#{i + 1}" for i in range(len(cells))], columns)


def _layout(
    head: TextHead, profile: Profile, header: int, delimiter: str, names: list[str], columns: dict[str, int]
) -> CsvLayout:
    notes: list[str] = []
    start = header + 1
    while start < len(head.lines) and start <= header + 2:
        cells = split(head.lines[start], delimiter)
        stated = _stated_units(cells, columns)
        if not stated:
            break
        profile = _with_units(profile, stated, notes)
        start += 1
    rows = [split(line, delimiter) for line in head.lines[start : start + 5] if line.strip()]
    rows = [row for row in rows if len(row) > max(columns.values())]
    dates = any(_DATE.fullmatch(row[columns["time"]]) for row in rows)
    comma = delimiter != "," and any(_DECIMAL_COMMA.fullmatch(row[columns[a]]) for row in rows for a in AXES)
    if rows and all(len(row) == len(names) + 1 and not row[-1].strip() for row in rows):
        names = [*names, ""]
    preamble = {}
    for line in head.lines[: max(header, 0)]:
        key, _, value = (part.strip(' "') for part in line.partition(delimiter))
        if key and value:
            preamble[key.rstrip(":")] = value.strip(delimiter)
    return CsvLayout(
        profile=profile,
        delimiter=delimiter,
        names=tuple(names),
        columns=columns,
        skip_lines=start,
        decimal_point="," if comma else ".",
        dates=dates,
        preamble=preamble,
        notes=tuple(notes),
    )


def _stated_units(cells: list[str], columns: dict[str, int]) -> dict[str, str]:
    """Read a row of units below the header; empty if it is none."""

    def word(role: str) -> str:
        return cells[columns[role]].strip().lower() if columns[role] < len(cells) else ""

    found = {}
    if word("ax") in _ACCEL_WORDS:
        found["accel"] = _ACCEL_WORDS[word("ax")]
    if word("gx") in _GYRO_WORDS:
        found["gyro"] = _GYRO_WORDS[word("gx")]
    if found and word("time") in _TIME_WORDS:
        found["time"] = _TIME_WORDS[word("time")]
    if found and word("time").startswith(_DATE_WORD):
        found["time"] = "datetime"
    return found


def _with_units(profile: Profile, stated: dict[str, str], notes: list[str]) -> Profile:
    for part, unit in stated.items():
        spec = getattr(profile, part)
        if spec.unit != unit:
            if unit != "datetime":
                notes.append(f"the file's unit row says {part} in {unit}; taken instead of the profile's {spec.unit}")
            profile = msgspec.structs.replace(profile, **{part: msgspec.structs.replace(spec, unit=unit)})
    return profile
