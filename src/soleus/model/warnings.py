"""Warnings: one row a cue, as plain arrays inside and an Arrow table outside."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Self

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from soleus.model.tables import WARNING_COLUMNS, WARNINGS_SCHEMA

Array = npt.NDArray[Any]

_MISSING_CODE: Final = -1

WARNING_DTYPES: Final[Mapping[str, np.dtype[Any]]] = {
    column.name: np.dtype(np.float64 if column.unit else np.int8 if column.words else np.object_)
    for column in WARNING_COLUMNS
}


@dataclass(frozen=True, slots=True)
class Warnings:
    """A batch of warnings: columns by name, all of one length, in the order they were given.

    ``time_s`` is float64; ``severity`` and ``foot`` are int8 codes into their words with -1 for missing (a
    warning for both feet); ``rule``, ``message``, ``evidence`` (a JSON object) and ``reference`` are text.

    Examples
    --------
    >>> warnings = Warnings.from_rows([(62.0, "pain", 3, "Stop or walk.", "{}", -1, "")])
    >>> len(warnings), warnings["rule"][0]
    (1, 'pain')
    >>> Warnings.from_arrow(warnings.to_arrow()) == warnings
    True
    """

    columns: Mapping[str, Array]

    @classmethod
    def empty(cls) -> Self:
        """Make a batch without rows."""
        return cls({name: np.empty(0, dtype) for name, dtype in WARNING_DTYPES.items()})

    @classmethod
    def from_rows(cls, rows: Iterable[tuple[float, str, int, str, str, int, str]]) -> Self:
        """Make a batch of rows ``(time_s, rule, severity, message, evidence, foot, reference)``, words as codes."""
        listed = list(rows)
        columns: dict[str, Array] = {}
        for position, (name, dtype) in enumerate(WARNING_DTYPES.items()):
            values = np.empty(len(listed), dtype)
            values[:] = [row[position] for row in listed]
            columns[name] = values
        return cls(columns)

    @classmethod
    def concat(cls, batches: Iterable[Warnings]) -> Self:
        """Join batches in the order given."""
        parts = [b for b in batches if len(b)]
        if not parts:
            return cls.empty()
        return cls({name: np.concatenate([p[name] for p in parts]) for name in WARNING_DTYPES})

    def __len__(self) -> int:
        return int(self.columns["rule"].size)

    def __getitem__(self, name: str) -> Array:
        return self.columns[name]

    def __eq__(self, other: object) -> bool:
        """Compare value for value, numbers bit for bit."""
        if not isinstance(other, Warnings):
            return NotImplemented
        return all(self[n].tolist() == other[n].tolist() for n in WARNING_DTYPES if n != "time_s") and (
            self["time_s"].tobytes() == other["time_s"].tobytes()
        )

    __hash__ = None  # type: ignore[assignment]

    def select(self, rows: npt.NDArray[np.bool_] | npt.NDArray[np.intp] | slice) -> Self:
        """Take some rows."""
        return type(self)({name: values[rows] for name, values in self.columns.items()})

    def to_arrow(self) -> pa.Table:
        """Make the Arrow table of the Warnings contract: codes become words, a missing foot null."""
        arrays: list[pa.Array[Any]] = []
        for column in WARNING_COLUMNS:
            values = self[column.name]
            if column.words is not None:
                codes = pa.array(values, pa.int8(), mask=values == _MISSING_CODE)
                arrays.append(pa.DictionaryArray.from_arrays(codes, pa.array(column.words, pa.string())))
            elif column.unit:
                arrays.append(pa.array(values, pa.float64(), from_pandas=True))
            else:
                arrays.append(pa.array(values.tolist(), pa.string()))
        return pa.Table.from_arrays(arrays, schema=WARNINGS_SCHEMA)

    @classmethod
    def from_arrow(cls, table: pa.Table) -> Self:
        """Read a table of the Warnings contract.

        Raises
        ------
        KeyError
            If a column is missing or a word unknown.
        """
        columns: dict[str, Array] = {}
        for column in WARNING_COLUMNS:
            values = table.column(column.name)
            if column.words is not None:
                code: dict[str | None, int] = {word: i for i, word in enumerate(column.words)} | {None: _MISSING_CODE}
                columns[column.name] = np.array([code[w] for w in values.to_pylist()], np.int8)
            elif column.unit:
                columns[column.name] = values.to_numpy().astype(np.float64)
            else:
                texts = np.empty(len(values), np.object_)
                texts[:] = [text or "" for text in values.to_pylist()]
                columns[column.name] = texts
        return cls(columns)
