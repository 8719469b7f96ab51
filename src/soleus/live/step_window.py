"""The last minute of steps: rolling medians, the commonest strike, the trend."""

from __future__ import annotations

import math
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from soleus.live.shown import STEP_QUANTITIES, Shown
from soleus.live.snapshot import Trend, Value
from soleus.model import FOOT_STRIKES, FloatArray, Foot, Steps

ROLLING_S: Final = 12.0
"""Span that the values shown are medians of [s]: some 16 steps a foot (design choice: calm digits, quick answer)."""
TREND_S: Final = 60.0
"""Span of the trend [s]."""
TREND_BIN_S: Final = 2.0
"""One point of the trend [s]: two or three steps a foot (design choice)."""
MIN_VALUES: Final = 3
"""A median of fewer values says nothing of a foot."""
PERCENT: Final = 100.0

BoolArray = npt.NDArray[np.bool_]


class StepWindow:
    """The steps of the last minute, of bounded size.

    Examples
    --------
    >>> StepWindow().rolling(10.0)["cadence_spm"].both is None
    True
    """

    def __init__(self) -> None:
        self._steps = Steps.empty()
        self._taken = 0
        self._known: tuple[tuple[int, int], dict[str, Value]] = ((-1, -1), {})

    def take(self, steps: Steps) -> None:
        """Take the next steps; what is too old to be shown goes."""
        joined = Steps.concat([self._steps, steps])
        newest_s = float(joined["initial_contact_s"][-1]) if len(joined) else 0.0
        self._steps = joined.select(joined["initial_contact_s"] > newest_s - TREND_S - ROLLING_S)
        self._taken += len(steps)

    def rolling(self, now_s: float) -> dict[str, Value]:
        """Give the medians of the last :data:`ROLLING_S` seconds by quantity."""
        rows = self._steps["initial_contact_s"] > now_s - ROLLING_S
        # Displays ask more often than steps come: the same rows have the same medians.
        key = (self._taken, int(np.count_nonzero(rows)))
        if self._known[0] != key:
            self._known = (key, self._medians(rows))
        return self._known[1]

    def _medians(self, rows: BoolArray) -> dict[str, Value]:
        values = np.stack([self._steps[shown.name][rows] for shown in STEP_QUANTITIES])
        foot = self._steps["foot"][rows]
        left, right = (_median(values[:, foot == each]) for each in Foot)
        listed = zip(STEP_QUANTITIES, left.tolist(), right.tolist(), _median(values).tolist(), strict=True)
        return {shown.name: value_of(shown, *medians) for shown, *medians in listed}

    def strikes(self, now_s: float) -> tuple[str | None, str | None]:
        """Give the commonest foot strike of the left and of the right foot."""
        rows = (self._steps["initial_contact_s"] > now_s - ROLLING_S) & (self._steps["foot_strike"] >= 0)
        foot, strike = self._steps["foot"][rows], self._steps["foot_strike"][rows]
        left, right = (_commonest(strike[foot == each]) for each in Foot)
        return left, right

    def trend(self, name: str, now_s: float) -> Trend:
        """Give the last minute of one column.

        Raises
        ------
        KeyError
            If it is no column of the steps table.
        """
        bins = round(TREND_S / TREND_BIN_S)
        edges = np.linspace(-TREND_S, 0.0, bins + 1)
        place = np.searchsorted(edges, self._steps["initial_contact_s"] - now_s, side="right") - 1
        values, foot = self._steps[name], self._steps["foot"]
        known = (place >= 0) & (place < bins) & ~np.isnan(values)

        def medians(chosen: BoolArray) -> FloatArray:
            made = np.full(bins, np.nan)
            for each in np.unique(place[chosen]):
                made[each] = np.median(values[chosen & (place == each)])
            return made

        left, right = (medians(known & (foot == each)) for each in Foot)
        return Trend((edges[:-1] + edges[1:]) / 2.0, left, right, medians(known))


def value_of(shown: Shown, left: float, right: float, both: float) -> Value:
    """Put a quantity by foot together with its asymmetry; NaN becomes ``None``.

    Examples
    --------
    >>> from soleus.live.shown import BY_NAME
    >>> value_of(BY_NAME["contact_time_s"], 0.252, 0.248, 0.25).asymmetry
    1.6
    """
    difference = left - right
    if not shown.signed:
        mean = (left + right) / 2.0
        difference = PERCENT * difference / mean if mean > 0.0 else math.nan
    return Value(*(None if math.isnan(each) else each for each in (left, right, both, difference)))


def _median(values: FloatArray) -> FloatArray:
    """Take the median of the known values of each row; NaN where fewer than :data:`MIN_VALUES` are."""
    known = np.count_nonzero(~np.isnan(values), axis=1)
    if values.shape[1] == 0:
        return np.full(len(values), np.nan)
    # NaN sorts last, so that the known values come first.
    ordered = np.sort(values, axis=1)
    middle = np.stack([np.maximum(known - 1, 0) // 2, np.minimum(known // 2, values.shape[1] - 1)], axis=1)
    medians: FloatArray = np.take_along_axis(ordered, middle, axis=1).mean(axis=1)
    return np.where(known >= MIN_VALUES, medians, np.nan)


def _commonest(codes: npt.NDArray[Any]) -> str | None:
    return FOOT_STRIKES[int(np.bincount(codes).argmax())] if codes.size >= MIN_VALUES else None
