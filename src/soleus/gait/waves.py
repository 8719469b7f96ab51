"""Means of the waves of many stances over parts of each stance."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from soleus.gait.strapdown import BLOCK, BLOCK_BITS, running_sum
from soleus.model import FloatArray

IntArray = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Part:
    """A part of stance: two shares of contact, each moved by some samples."""

    begin_phase: float
    end_phase: float
    begin_shift: float = 0.0
    end_shift: float = 0.0


class Means:
    """Means to be taken of waves, by name: which wave, over which part of stance.

    Examples
    --------
    >>> means = Means({"middle": (0, Part(0.25, 0.75))})
    >>> from soleus.gait.strapdown import in_blocks
    >>> wave = in_blocks(np.arange(16.0).reshape(1, 1, 16), (0,))
    >>> means.of(wave, contact=np.array([1.0]), duration=np.array([4.0]))
    {'middle': array([3.])}
    """

    def __init__(self, wanted: Mapping[str, tuple[int, Part]]) -> None:
        self._names = tuple(wanted)
        rows, parts = zip(*wanted.values(), strict=True)
        self._rows = np.array([*rows, *rows])[:, None]
        self._phase = np.array([*(p.begin_phase for p in parts), *(p.end_phase for p in parts)])[:, None]
        self._shift = np.array([*(p.begin_shift for p in parts), *(p.end_shift for p in parts)])[:, None]

    def of(self, waves: FloatArray, contact: FloatArray, duration: FloatArray) -> dict[str, FloatArray]:
        """Take the means (n,) of each stance, linear between samples.

        Parameters
        ----------
        waves
            (c, 16, b, n) samples, as :func:`soleus.gait.strapdown.in_blocks` lays them out.
        contact, duration
            (n,) initial contact, and contact time, in samples of the waves.
        """
        place = contact + self._phase * duration + self._shift
        whole = place.astype(np.int64)
        part = place - whole
        at, following = _flat(waves, self._rows, whole), _flat(waves, self._rows, whole + 1)
        samples, summed = waves.ravel(), running_sum(waves).ravel()
        here = samples[at]
        integral = summed[at] + (part - 0.5) * here + 0.5 * part * part * (samples[following] - here)
        begin, end = np.split(place, 2)
        until_begin, until_end = np.split(integral, 2)
        return dict(zip(self._names, (until_end - until_begin) / (end - begin), strict=True))


def _flat(waves: FloatArray, rows: IntArray, place: IntArray) -> IntArray:
    """Index of samples within the flat array."""
    _, _, blocks, n = waves.shape
    block = place >> BLOCK_BITS  # a division of whole numbers takes ten times as long
    flat: IntArray = ((rows * BLOCK + (place - (block << BLOCK_BITS))) * blocks + block) * n + np.arange(n)
    return flat


def smooth_in_time(x: FloatArray, taps: FloatArray) -> FloatArray:
    """Smooth (w, n) along the first axis with symmetric taps; beyond the ends the end value is held.

    Examples
    --------
    >>> smooth_in_time(np.array([[0.0], [0], [3], [0], [0]]), np.ones(3) / 3).ravel()
    array([0., 1., 1., 1., 0.])
    """
    half = taps.size // 2
    held = np.concatenate([np.repeat(x[:1], half, axis=0), x, np.repeat(x[-1:], half, axis=0)])
    width = x.shape[0]
    weights = taps.astype(x.dtype)
    total: FloatArray = held[half : half + width] * weights[half]
    for k in range(1, half + 1):
        pair = held[half - k : half - k + width] + held[half + k : half + k + width]
        pair *= weights[half + k]
        total += pair
    return total


def highest(wave: FloatArray, begin: FloatArray, end: FloatArray) -> FloatArray:
    """Maximum (n,) of (16, b, n) between two places (n,) of each stance."""
    place = np.arange(wave.shape[0] * wave.shape[1], dtype=wave.dtype).reshape(wave.shape[1], BLOCK).T[:, :, None]
    inside: npt.NDArray[np.bool_] = place >= begin.astype(wave.dtype)
    inside &= place <= end.astype(wave.dtype)
    top: FloatArray = np.where(inside, wave, wave.dtype.type(-np.inf)).max(axis=(0, 1))
    return top
