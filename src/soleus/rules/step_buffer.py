"""Steps kept until their bin is over: only the columns that the rules look at, each push copied in as it comes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

import numpy as np
import numpy.typing as npt

from soleus.model import Steps

FloatArray = npt.NDArray[np.float64]

FIRST_CAPACITY: Final = 64
"""Steps that fit before the buffer grows: twice those of a bin (design choice)."""


class StepBuffer:
    """Some columns of the steps that wait, as float64; codes and flags are exact in it.

    Parameters
    ----------
    columns
        Columns of the steps table to keep.

    Examples
    --------
    >>> buffer = StepBuffer(["initial_contact_s", "flags"])
    >>> buffer.add(Steps.empty())
    >>> len(buffer), buffer.take(0)["flags"].size
    (0, 0)
    """

    def __init__(self, columns: Iterable[str]) -> None:
        self._columns = tuple(columns)
        self._values = np.empty((len(self._columns), FIRST_CAPACITY))
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def __getitem__(self, name: str) -> FloatArray:
        return self._values[self._columns.index(name), : self._count]

    def add(self, steps: Steps) -> None:
        """Take steps in, behind those that wait."""
        count = self._count + len(steps)
        if count > self._values.shape[1]:
            larger = np.empty((len(self._columns), max(count, 2 * self._values.shape[1])))
            larger[:, : self._count] = self._values[:, : self._count]
            self._values = larger
        for row, name in zip(self._values, self._columns, strict=True):
            row[self._count : count] = steps[name]
        self._count = count

    def take(self, count: int) -> Mapping[str, FloatArray]:
        """Give the first steps and keep the rest."""
        taken, rest = self._values[:, :count], self._values[:, count : self._count].copy()
        self._values = np.empty((len(self._columns), max(FIRST_CAPACITY, rest.shape[1])))
        self._values[:, : rest.shape[1]] = rest
        self._count = rest.shape[1]
        return dict(zip(self._columns, taken, strict=True))
