"""A growing run of grid samples that forgets its oldest without copying the rest each time."""

from __future__ import annotations

from typing import Any, Final, Generic, TypeVar

import numpy as np
import numpy.typing as npt

INITIAL_CAPACITY: Final = 4096

Scalar = TypeVar("Scalar", bound=np.generic)


class SampleBuffer(Generic[Scalar]):
    """Rows of samples numbered on the grid; the oldest can be dropped.

    Parameters
    ----------
    rows
        Number of channels.
    dtype
        Kind of the samples.
    first
        Grid number of the first sample to come.

    Examples
    --------
    >>> buffer = SampleBuffer(1, np.float32, first=100)
    >>> buffer.append(np.arange(6, dtype=np.float32)[None])
    >>> buffer.forget_before(104)
    >>> buffer.first, buffer.end, buffer.view(104, 106)
    (104, 106, array([[4., 5.]], dtype=float32))
    """

    def __init__(self, rows: int, dtype: type[Scalar], first: int) -> None:
        self._data: npt.NDArray[Scalar] = np.empty((rows, INITIAL_CAPACITY), dtype)
        self._begin = 0
        self._size = 0
        self.first = first

    @property
    def end(self) -> int:
        """Grid number after the newest sample."""
        return self.first + self._size

    def append(self, samples: npt.NDArray[Any]) -> None:
        """Add (rows, n) samples."""
        self.extend(samples.shape[1])[:] = samples

    def extend(self, n: int) -> npt.NDArray[Scalar]:
        """Make room for n more samples; give it (rows, n), to be filled."""
        stop = self._begin + self._size
        if stop + n > self._data.shape[1]:
            kept = self._data[:, self._begin : stop]
            grown = np.empty((kept.shape[0], max(INITIAL_CAPACITY, 2 * (self._size + n))), self._data.dtype)
            grown[:, : self._size] = kept
            self._data, self._begin, stop = grown, 0, self._size
        self._size += n
        return self._data[:, stop : stop + n]

    def forget_before(self, sample: int) -> None:
        """Drop all samples before this grid number."""
        old = min(max(0, sample - self.first), self._size)
        self._begin += old
        self._size -= old
        self.first += old

    def view(self, begin: int, end: int) -> npt.NDArray[Scalar]:
        """Look at samples ``begin`` to ``end``; those outside the buffer are left out."""
        low = self._begin + min(max(0, begin - self.first), self._size)
        high = self._begin + min(max(0, end - self.first), self._size)
        return self._data[:, low:high]

    def windows(self, begin: npt.NDArray[np.int64], width: int) -> npt.NDArray[Scalar]:
        """Copy a window (n, rows, width) from each of (n,) grid numbers; beyond the ends the end sample is held.

        Examples
        --------
        >>> buffer = SampleBuffer(1, np.float32, first=100)
        >>> buffer.append(np.arange(6, dtype=np.float32)[None])
        >>> buffer.windows(np.array([99, 102]), 2).tolist()
        [[[0.0, 0.0]], [[2.0, 3.0]]]
        """
        data = self.view(self.first, self.end)
        start = begin - self.first
        if start.size and start.min() >= 0 and start.max() + width <= self._size:
            slides = np.lib.stride_tricks.sliding_window_view(data, width, axis=1)
            return np.ascontiguousarray(slides.transpose(1, 0, 2)[start])
        at = np.clip(start[:, None] + np.arange(width), 0, self._size - 1)
        return np.ascontiguousarray(data[:, at].transpose(1, 0, 2))


def cut_rows(windows: npt.NDArray[Scalar], start: npt.NDArray[np.int64], width: int) -> npt.NDArray[Scalar]:
    """Copy from each of (n, rows, samples) windows the part (n, rows, width) that begins at its own start.

    Examples
    --------
    >>> cut_rows(np.arange(8).reshape(2, 1, 4), np.array([0, 2]), 2).tolist()
    [[[0, 1]], [[6, 7]]]
    """
    slides = np.lib.stride_tricks.sliding_window_view(windows, width, axis=2)
    return np.ascontiguousarray(slides[np.arange(start.size), :, start])
