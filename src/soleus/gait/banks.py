"""Smoothing and weighing of many windows at once, as matrix products.

A product adds up in an order that depends on its shape and on the row. So the windows are taken sixteen at a time,
always, and as columns, which linear algebra libraries work on side by side in one vector: what comes out for a window
then does not depend on how many there are, nor on its place among them.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from soleus.model import FloatArray

COLUMNS: Final = 16
"""Windows in one product: whole vectors of 4, 8 or 16 numbers."""

Float32Array = npt.NDArray[np.float32]


def bank(width: int, *filters: tuple[FloatArray, int, int]) -> Float32Array:
    """Matrix (m, width) whose rows smooth a window at one place each.

    Parameters
    ----------
    width
        Samples of a window.
    filters
        Symmetric taps, and the first and last (exclusive) sample at which they are centred; one block of rows each.

    Examples
    --------
    >>> bank(4, (np.array([0.25, 0.5, 0.25]), 1, 3))
    array([[0.25, 0.5 , 0.25, 0.  ],
           [0.  , 0.25, 0.5 , 0.25]], dtype=float32)
    """
    places = [(taps, at - taps.size // 2) for taps, first, last in filters for at in range(first, last)]
    matrix = np.zeros((len(places), width), np.float32)
    for row, (taps, begin) in zip(matrix, places, strict=True):
        row[begin : begin + taps.size] = taps
    return matrix


def change_of(taps: FloatArray) -> FloatArray:
    """Taps of the smoother's central difference (per sample), as a filter.

    Examples
    --------
    >>> change_of(np.array([1.0]))
    array([-0.5,  0. ,  0.5])
    """
    return 0.5 * (np.pad(taps, (2, 0)) - np.pad(taps, (0, 2)))


def times(matrix: Float32Array, windows: FloatArray) -> FloatArray:
    """Multiply a matrix (m, k) by each of the windows (..., n, k); gives (..., n, m).

    Examples
    --------
    >>> times(np.array([[1.0, 2.0]], np.float32), np.ones((3, 2), np.float32)).ravel()
    array([3., 3., 3.], dtype=float32)
    """
    *outer, n, k = windows.shape
    full = np.zeros((*outer, -(-n // COLUMNS), COLUMNS, k), np.float32)
    full.reshape(*outer, -1, k)[..., :n, :] = windows
    # sums along a window must find it in one piece, however many windows there are
    product = np.ascontiguousarray((matrix @ full.swapaxes(-1, -2)).swapaxes(-1, -2))
    return product.reshape(*outer, -1, matrix.shape[0])[..., :n, :]
