"""Values counted as they come: what a median or a band needs, in the memory of the distinct values only."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import numpy.typing as npt

MERGE_VALUES: Final = 65_536
"""Distinct values gathered before they are merged with those known."""

Values = npt.NDArray[Any]


class Tally:
    """Counts of distinct values.

    Examples
    --------
    >>> tally = Tally()
    >>> tally.add(np.array([3.0, 1.0, 3.0]))
    >>> tally.add(np.array([2.0, 3.0]))
    >>> tally.items()
    (array([1., 2., 3.]), array([1, 1, 3]))
    >>> tally.at_rank(0), tally.at_rank(4)
    (1.0, 3.0)
    """

    def __init__(self) -> None:
        self._parts: list[tuple[Values, npt.NDArray[np.int64]]] = []
        self._pending = 0
        self._merged = 0

    def add(self, values: Values) -> None:
        """Count (n,) values."""
        if not values.size:
            return
        found, counts = np.unique(values, return_counts=True)
        self._parts.append((found, counts.astype(np.int64)))
        self._pending += found.size
        if self._pending > max(MERGE_VALUES, self._merged):
            self._merge()

    def keep(self, low: float, high: float) -> None:
        """Forget what is outside of a range."""
        self._parts = [
            (values[inside], counts[inside])
            for values, counts in self._parts
            if (inside := (values >= low) & (values <= high)).any()
        ]

    def items(self) -> tuple[Values, npt.NDArray[np.int64]]:
        """Tell the distinct values, rising, and how often each came."""
        if not self._parts:
            return np.empty(0), np.empty(0, np.int64)
        self._merge()
        return self._parts[0]

    def at_rank(self, rank: int) -> Any:  # noqa: ANN401 - a float or an integer, as was added
        """Tell the value at a place, from zero, among all values in order."""
        values, counts = self.items()
        return values[int(np.searchsorted(np.cumsum(counts), rank, side="right"))].item()

    def __len__(self) -> int:
        return sum(int(counts.sum()) for _, counts in self._parts)

    def _merge(self) -> None:
        if len(self._parts) > 1:
            values, place = np.unique(np.concatenate([v for v, _ in self._parts]), return_inverse=True)
            counts = np.zeros(values.size, np.int64)
            np.add.at(counts, place, np.concatenate([c for _, c in self._parts]))
            self._parts = [(values, counts)]
        self._merged, self._pending = self._parts[0][0].size, 0
