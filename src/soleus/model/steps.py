"""Steps: one row a ground contact, as plain arrays inside and an Arrow table outside."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Self

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from soleus.model.flags import Flag
from soleus.model.tables import STEP_COLUMNS, STEPS_SCHEMA

MISSING_CODE: Final = -1
"""Code of a missing word in a word column."""

Array = npt.NDArray[Any]

STEP_DTYPES: Final[Mapping[str, np.dtype[Any]]] = {
    column.name: np.dtype(np.int32 if column.name == "flags" else np.int8 if column.words else np.float64)
    for column in STEP_COLUMNS
}


@dataclass(frozen=True, slots=True)
class Steps:
    """A batch of steps: columns by name, all of one length, sorted by initial contact.

    Number columns are float64 with NaN for a missing value; word columns (``foot``, ``speed_source``,
    ``foot_strike``) are int8 codes into their words with -1 for missing; ``flags`` is an int32 bit set of
    :class:`~soleus.model.Flag`.

    Examples
    --------
    >>> steps = Steps.empty()
    >>> len(steps), steps["contact_time_s"].dtype
    (0, dtype('float64'))
    >>> Steps.from_arrow(steps.to_arrow()) == steps
    True
    """

    columns: Mapping[str, Array]

    @classmethod
    def empty(cls) -> Self:
        """Make a batch without rows."""
        return cls({name: np.empty(0, dtype) for name, dtype in STEP_DTYPES.items()})

    @classmethod
    def concat(cls, batches: Iterable[Steps]) -> Self:
        """Join batches in the order given."""
        parts = [b for b in batches if len(b)]
        if not parts:
            return cls.empty()
        return cls({name: np.concatenate([p[name] for p in parts]) for name in STEP_DTYPES})

    def __len__(self) -> int:
        return int(self.columns["foot"].size)

    def __getitem__(self, name: str) -> Array:
        return self.columns[name]

    def __eq__(self, other: object) -> bool:
        """Compare bit for bit (a NaN equals a NaN)."""
        if not isinstance(other, Steps):
            return NotImplemented
        return all(self[n].shape == other[n].shape and self[n].tobytes() == other[n].tobytes() for n in STEP_DTYPES)

    __hash__ = None  # type: ignore[assignment]

    def select(self, rows: npt.NDArray[np.bool_] | npt.NDArray[np.intp] | slice) -> Self:
        """Take some rows."""
        return type(self)({name: values[rows] for name, values in self.columns.items()})

    def to_arrow(self) -> pa.Table:
        """Make the Arrow table of the Steps contract: NaN becomes null, codes become words."""
        arrays: list[pa.Array[Any]] = []
        for column in STEP_COLUMNS:
            values = self[column.name]
            if column.name == "flags":
                sets, codes = np.unique(values, return_inverse=True)
                words = pa.array([Flag(int(s)).names for s in sets], pa.string())
                arrays.append(pa.DictionaryArray.from_arrays(pa.array(codes, pa.int32()), words))
            elif column.words is not None:
                codes8 = pa.array(values, pa.int8(), mask=values == MISSING_CODE)
                arrays.append(pa.DictionaryArray.from_arrays(codes8, pa.array(column.words, pa.string())))
            else:
                arrays.append(pa.array(values, pa.float64(), from_pandas=True))
        return pa.Table.from_arrays(arrays, schema=STEPS_SCHEMA)

    @classmethod
    def from_arrow(cls, table: pa.Table) -> Self:
        """Read a table of the Steps contract.

        Raises
        ------
        KeyError
            If a column is missing.
        ValueError
            If a word or a flag is unknown.
        """
        columns: dict[str, Array] = {}
        for column in STEP_COLUMNS:
            values = table.column(column.name)
            if column.name == "flags":
                texts = [text or "" for text in values.to_pylist()]
                found = {text: int(Flag.parse(text)) for text in set(texts)}
                columns[column.name] = np.array([found[text] for text in texts], np.int32)
            elif column.words is not None:
                code = {word: i for i, word in enumerate(column.words)} | {None: MISSING_CODE}
                columns[column.name] = np.array([code[w] for w in values.to_pylist()], np.int8)
            else:
                columns[column.name] = values.to_numpy().astype(np.float64)
        return cls(columns)
