"""CSV and other text tables to raw columns, streamed block by block."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal

import pyarrow as pa

from soleus.recording.csv_layout import CsvLayout, TextHead, best_header, find_layout, read_head
from soleus.recording.files import RecordingError, check_file, reading
from soleus.recording.limits import Limits
from soleus.recording.profile import AXES, HOW_TO_WRITE, Profile, choose
from soleus.recording.raw_table import Block, Converter, RawTable

if TYPE_CHECKING:
    import pyarrow.csv as pc

MAX_BROKEN_SHARE: Final = 0.01
"""Share of lines with a wrong number of columns above which the file is refused instead of mended."""

_BAD_VALUE: Final = re.compile(r"column #(\d+):(?: Row #(\d+):)?.*?invalid value '(.*)'", re.DOTALL)
_PACKED: Final = {b"\x1f\x8b": "gzip", b"PK\x03\x04": "zip", b"\x28\xb5\x2f\xfd": "zstd", b"BZh": "bzip2"}


def open_csv_table(path: Path, profiles: Sequence[Profile], limits: Limits) -> RawTable:
    """Open a text table, to be read by the one of some profiles that fits.

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
        If it cannot be read, no or several profiles fit, or a cell is no number.
    """
    check_file(path, limits.file_bytes)
    with reading(path, "text table"), path.open("rb") as file:
        start = file.read(4)
    for magic, kind in _PACKED.items():
        if start.startswith(magic):
            raise RecordingError(f"{path}: packed with {kind}; unpack it first")
    head = read_head(path)
    layouts = {p.name: layout for p in profiles if (layout := find_layout(head, p)) is not None}
    if len(profiles) == 1 and not layouts:
        _refuse(path, profiles[0], best_header(head))
    chosen = choose([p for p in profiles if p.name in layouts], best_header(head), path)
    layout = layouts[chosen.name]
    if head.whole and not any(line.strip() for line in head.lines[layout.skip_lines :]):
        raise RecordingError(f"{path}: a header, but no samples; export it again")
    return RawTable(
        path=path,
        profile=layout.profile,
        time_unit="ns" if layout.dates else layout.profile.time.unit,
        first_pass=lambda table: _first_pass(table, layout, head, limits),
        again=lambda _: _blocks(path, layout, head, Converter(path, limits), _Broken()),
        held_rows=limits.held_rows,
        preamble=layout.preamble,
        first_row=layout.skip_lines + 1,
    )


def _refuse(path: Path, profile: Profile, header: list[str]) -> None:
    found = ", ".join(name.strip() for name in header[:24])
    raise RecordingError(
        f"{path}: does not have the columns of profile '{profile.name}' (it has: {found}); give another profile, or "
        + HOW_TO_WRITE
    )


@dataclass(slots=True)
class _Broken:
    """Lines with a wrong number of columns: the first one, and how many."""

    first: Any = None
    n: int = 0

    def count(self, row: pc.InvalidRow) -> Literal["skip"]:
        self.n += 1
        if self.first is None:
            self.first = row
        return "skip"


def _first_pass(table: RawTable, layout: CsvLayout, head: TextHead, limits: Limits) -> Iterator[Block]:
    path, converter, broken = table.path, Converter(table.path, limits), _Broken()
    try:
        yield from _blocks(path, layout, head, converter, broken)
    except RecordingError as error:
        raise _cell_error(path, layout, error) from error
    _check_broken(path, layout, broken, converter.rows)
    converter.finish(table)
    if layout.profile.time.unit == "datetime" and not layout.dates:
        raise RecordingError(
            f"{path}: column '{_name(layout, 'time')}': no dates there; give the profile another time.unit"
        )
    table.notes = [*layout.notes]
    if broken.n:
        table.notes.append(
            f"{broken.n} lines with a wrong number of columns were left out (first: line {_line(broken)})"
        )
    if layout.decimal_point == ",":
        table.notes.append("numbers are written with a decimal comma")


def _blocks(path: Path, layout: CsvLayout, head: TextHead, converter: Converter, broken: _Broken) -> Iterator[Block]:
    import pyarrow.csv as pc

    roles = ["time", *AXES, *(["foot"] if "foot" in layout.columns else [])]
    names = [f"c{i}" for i in range(len(layout.names))]
    column = {role: names[layout.columns[role]] for role in roles}
    types: dict[str, pa.DataType] = {column[axis]: pa.float32() for axis in AXES}
    types[column["time"]] = pa.string() if layout.dates else pa.float64()
    if "foot" in column:
        types[column["foot"]] = pa.string()
    with reading(path, "text table"), path.open("rb") as source:
        source.seek(head.mark_bytes)
        reader = pc.open_csv(
            source,
            read_options=pc.ReadOptions(
                use_threads=False, skip_rows=layout.skip_lines, column_names=names, encoding=head.encoding
            ),
            parse_options=pc.ParseOptions(delimiter=layout.delimiter, invalid_row_handler=broken.count),
            convert_options=pc.ConvertOptions(
                include_columns=list(column.values()),
                column_types=types,
                decimal_point=layout.decimal_point,
                check_utf8=False,
            ),
        )
        for batch in reader:
            by_role = {role: batch.column(i) for i, role in enumerate(roles)}
            yield converter.block(by_role["time"], [by_role[axis] for axis in AXES], by_role.get("foot"))


def _name(layout: CsvLayout, role: str) -> str:
    return layout.names[layout.columns[role]].strip()


def _line(broken: _Broken) -> int:
    return int(broken.first.number or 0)


def _check_broken(path: Path, layout: CsvLayout, broken: _Broken, rows: int) -> None:
    if broken.n > max(1, MAX_BROKEN_SHARE * rows) or (broken.n and not rows):
        first = broken.first
        hint = "; with a comma between columns, numbers must have a decimal point" if layout.delimiter == "," else ""
        raise RecordingError(
            f"{path}: line {_line(broken)} has {first.actual_columns} columns, the header "
            f"{first.expected_columns}, and {broken.n} lines are like that{hint}; export it again"
        )


def _cell_error(path: Path, layout: CsvLayout, error: RecordingError) -> RecordingError:
    match = _BAD_VALUE.search(str(error))
    if match is None:
        return error
    index = int(match[1])
    name = layout.names[index].strip() if index < len(layout.names) else f"#{index + 1}"
    where = f" (line {match[2]})" if match[2] else ""
    return RecordingError(
        f"{path}: column '{name}': '{match[3][:40]}' is not a number{where}; mend or remove that row, "
        "or check the profile's columns"
    )
