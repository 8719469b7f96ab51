"""What the readings of a sensor are like, gathered block by block in flat memory."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from soleus.recording.tally import Tally

PLATEAU_TOLERANCE: Final = 1e-5
"""Relative difference within which readings are equal: less than one count."""
BAND: Final = 2 * PLATEAU_TOLERANCE
"""Relative distance from the extreme so far within which readings are kept: what is outside equals no later one."""
CHECKED_SAMPLES: Final = 200_000
"""Samples looked at for percentiles, at least, of a longer recording."""

Values = npt.NDArray[Any]


@dataclass(slots=True)
class ChannelSurvey:
    """Largest and least reading of a channel, and how often they are reached."""

    high: float = -np.inf
    low: float = np.inf
    _near_high: Tally = field(default_factory=Tally)
    _near_low: Tally = field(default_factory=Tally)

    def add(self, values: Values) -> None:
        """Take the next (n,) readings, at least one, all finite."""
        high, low = float(values.max()), float(values.min())
        if high > self.high:
            self.high = high
            self._near_high.keep(high - BAND * abs(high), np.inf)
        if low < self.low:
            self.low = low
            self._near_low.keep(-np.inf, low + BAND * abs(low))
        least, most = self.high - BAND * abs(self.high), self.low + BAND * abs(self.low)
        if high >= least:
            self._near_high.add(values[values >= least].astype(np.float64))
        if low <= most:
            self._near_low.add(values[values <= most].astype(np.float64))

    def extremes(self) -> Iterator[tuple[float, int]]:
        """Tell largest and least reading, each with how many readings equal it."""
        for extreme, near in ((self.high, self._near_high), (self.low, self._near_low)):
            values, counts = near.items()
            yield extreme, int(counts[np.abs(values - extreme) <= PLATEAU_TOLERANCE * abs(extreme)].sum())


@dataclass(slots=True)
class SensorSurvey:
    """The three channels of a sensor together.

    Attributes
    ----------
    are_counts
        Whether the readings are said to be counts.
    channels
        Each channel.
    largest
        Largest absolute reading.
    fractions
        Whether readings that are said to be counts are no integers.
    """

    are_counts: bool = False
    channels: tuple[ChannelSurvey, ...] = field(default_factory=lambda: tuple(ChannelSurvey() for _ in range(3)))
    fractions: bool = False

    def add(self, values: Values) -> None:
        """Take the next (3, n) readings, all finite."""
        if not values.shape[1]:
            return
        for channel, row in zip(self.channels, values, strict=True):
            channel.add(row)
        if self.are_counts and not self.fractions and values.dtype != np.int16:
            self.fractions = bool((values != np.rint(values)).any())

    @property
    def high(self) -> float:
        """Largest reading."""
        return max(channel.high for channel in self.channels)

    @property
    def low(self) -> float:
        """Least reading."""
        return min(channel.low for channel in self.channels)

    @property
    def largest(self) -> float:
        """Largest absolute reading."""
        return max(self.high, -self.low)


class Thinned:
    """Every so manieth sample, for percentiles: all until there are twice :data:`CHECKED_SAMPLES`, then every second.

    Examples
    --------
    >>> thinned = Thinned()
    >>> for _ in range(5):
    ...     thinned.add(np.zeros((6, 100_000), np.int16))
    >>> thinned.values().shape
    (6, 250000)
    """

    def __init__(self) -> None:
        self._parts: list[Values] = []
        self._kept = 0
        self._seen = 0
        self._stride = 1

    def add(self, axes: Values) -> None:
        """Take the next (6, n) readings."""
        part = axes[:, -self._seen % self._stride :: self._stride].copy()
        self._seen += axes.shape[1]
        self._parts.append(part)
        self._kept += part.shape[1]
        while self._kept >= 2 * CHECKED_SAMPLES:
            self._parts = [self.values()[:, ::2].copy()]
            self._kept = self._parts[0].shape[1]
            self._stride *= 2

    def values(self) -> Values:
        """(6, m) readings."""
        return np.concatenate(self._parts, axis=1)
