"""What an importer reads from a file, block by block, before units, time and feet are sorted out."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from soleus.model import Foot
from soleus.recording.files import RecordingError, os_error
from soleus.recording.limits import Limits
from soleus.recording.profile import Profile

NO_FOOT: Final = -1
"""Code of a row whose foot is not given."""


@dataclass(frozen=True, slots=True)
class Block:
    """Rows that follow each other, as they stand in the file.

    Attributes
    ----------
    stamps
        (n,) time stamps in the table's ``time_unit``; float64, or int64 nanoseconds where they are dates.
    axes
        (6, n) float32 or int16 in the profile's units.
    foot
        (n,) int8 codes of :class:`~soleus.model.Foot`, -1 where not given; ``None`` without such a column.
    """

    stamps: npt.NDArray[Any]
    axes: npt.NDArray[Any]
    foot: npt.NDArray[np.int8] | None = None


Blocks = Callable[["RawTable"], Iterator[Block]]


@dataclass(slots=True)
class RawTable:
    """A file whose rows can be read again and again.

    Attributes
    ----------
    path
        The file.
    profile
        How to read it, with units replaced by those the file itself states.
    time_unit
        's', 'ms', 'us' or 'ns'.
    first_pass, again
        Bring the blocks: ``first_pass`` checks the file and fills in the attributes below, ``again`` only reads.
    held_rows
        Rows up to which the blocks are kept in memory for later passes.
    notes
        What was decided or repaired.
    preamble
        Facts in the lines before the header.
    facts
        JSON metadata of a Parquet file.
    first_row
        Line (text) or row number of the first sample, counted from one.
    zone_known
        Whether calendar stamps are in a known zone (then UTC).
    calendar
        Whether the stamps are dates.
    """

    path: Path
    profile: Profile
    time_unit: str
    first_pass: Blocks
    again: Blocks
    held_rows: int
    notes: list[str] = field(default_factory=list)
    preamble: dict[str, str] = field(default_factory=dict)
    facts: dict[str, Any] = field(default_factory=dict)
    first_row: int = 1
    zone_known: bool = False
    calendar: bool = False
    _held: list[Block] | None = None
    _state: tuple[int, int] = (0, 0)

    def scan(self) -> Iterator[Block]:
        """Read all blocks for the first time.

        Raises
        ------
        RecordingError
            If the file cannot be read, a cell is no number, or there is no row.
        """
        self._state = self._file_state()
        rows = 0
        self._held = []
        for block in self.first_pass(self):
            rows += block.stamps.size
            if self._held is not None:
                self._held.append(block)
            if rows > self.held_rows:
                self._held = None
            yield block

    def blocks(self) -> Iterator[Block]:
        """Read all blocks once more.

        Raises
        ------
        RecordingError
            If the file was changed meanwhile.
        """
        if self._held is not None:
            return iter(self._held)
        if self._file_state() != self._state:
            raise RecordingError(f"{self.path}: it was changed while it was read; read it again when it is complete")
        return self.again(self)

    def _file_state(self) -> tuple[int, int]:
        try:
            info = self.path.stat()
        except OSError as error:
            raise os_error("read", self.path, error) from error
        return info.st_size, info.st_mtime_ns


@dataclass(slots=True)
class Converter:
    """Makes blocks of the batches of a file, within the limit of rows.

    ``block`` takes the stamps, the six axes and, if there is one, the foot column of a batch.
    """

    path: Path
    limits: Limits
    rows: int = 0
    zone_known: bool = False
    calendar: bool = False

    def block(self, stamps: pa.Array[Any], axes: Sequence[pa.Array[Any]], foot: pa.Array[Any] | None) -> Block:
        """Convert one batch.

        Raises
        ------
        RecordingError
            If there are too many rows, a stamp is no time or a foot neither left nor right.
        """
        self.rows += len(stamps)
        if self.rows > self.limits.rows:
            raise RecordingError(
                f"{self.path}: more than {self.limits.rows} samples; cut it into shorter recordings or raise the limit"
            )
        ticks = self._numbers_or_dates(stamps)
        self.calendar = ticks.dtype == np.int64
        counts = all(axis.type == pa.int16() and not axis.null_count for axis in axes)
        dtype = np.int16 if counts else np.float32
        values = np.empty((len(axes), len(stamps)), dtype)
        for row, axis in zip(values, axes, strict=True):
            column = axis if counts else axis.cast(pa.float32(), safe=False)
            row[:] = column.to_numpy(zero_copy_only=False)
        return Block(ticks, values, None if foot is None else self._foot_codes(foot))

    def _numbers_or_dates(self, stamps: pa.Array[Any]) -> npt.NDArray[Any]:
        if pa.types.is_timestamp(stamps.type) or pa.types.is_string(stamps.type):
            return self._dates(stamps)
        return np.asarray(stamps.cast(pa.float64()).to_numpy(zero_copy_only=False), np.float64)

    def _dates(self, stamps: pa.Array[Any]) -> npt.NDArray[np.int64]:
        import pyarrow.compute as pc

        if pa.types.is_string(stamps.type):
            plain: Any = pc.replace_substring(pc.utf8_trim_whitespace(stamps), "/", "-")
            try:
                dates = plain.cast(pa.timestamp("ns"))
            except pa.ArrowInvalid:
                dates = self._dates_with_zone(plain)
        else:
            dates = stamps.cast(pa.timestamp("ns", tz=stamps.type.tz))
            self.zone_known = stamps.type.tz is not None
        if dates.null_count:
            row = self.rows - len(stamps) + int(np.flatnonzero(dates.is_null().to_numpy(zero_copy_only=False))[0]) + 1
            raise RecordingError(f"{self.path}: sample {row} has no date; remove such rows")
        return np.asarray(dates.cast(pa.int64()).to_numpy(zero_copy_only=False), np.int64)

    def _dates_with_zone(self, texts: Any) -> Any:  # noqa: ANN401
        try:
            dates = texts.cast(pa.timestamp("ns", tz="UTC"))
        except pa.ArrowInvalid as error:
            found = re.search(r"'(.*)'", str(error))
            text = f"'{found[1][:40]}' is" if found else "some are"
            raise RecordingError(
                f"{self.path}: time column: {text} no date such as 2026-05-01 10:00:00.125; mend it, or give another "
                "profile"
            ) from error
        self.zone_known = True
        return dates

    def _foot_codes(self, foot: pa.Array[Any]) -> npt.NDArray[np.int8]:
        if isinstance(foot, pa.DictionaryArray):
            foot = foot.dictionary_decode()
        if not (pa.types.is_string(foot.type) or pa.types.is_large_string(foot.type)):
            raise RecordingError(f"{self.path}: the foot column holds {foot.type}; write 'left' or 'right' in each row")
        words = foot.dictionary_encode()
        codes = np.full(len(words.dictionary) + 1, NO_FOOT, np.int8)
        for i, word in enumerate(words.dictionary.to_pylist()):
            if str(word).strip():
                try:
                    codes[i] = Foot.parse(str(word))
                except ValueError as error:
                    raise RecordingError(f"{self.path}: foot column: {error}; write 'left' or 'right'") from error
        indices = words.indices.fill_null(len(codes) - 1).to_numpy(zero_copy_only=False)
        return np.asarray(codes[indices], np.int8)

    def finish(self, table: RawTable) -> None:
        """Tell a table what its stamps are, after the last batch.

        Raises
        ------
        RecordingError
            If there was no row.
        """
        if not self.rows:
            raise RecordingError(f"{self.path}: a header, but no samples; export it again")
        table.zone_known, table.calendar = self.zone_known, self.calendar
        if self.calendar:
            table.time_unit = "ns"
