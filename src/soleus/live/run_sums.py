"""What adds up over a run and over each lap: distance, loads, strike angles, means."""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass, field
from typing import Final

import numpy as np
import numpy.typing as npt

from soleus.live.shown import STEP_QUANTITIES
from soleus.live.snapshot import Lap, Total
from soleus.live.step_window import value_of
from soleus.model import FEET, FloatArray, Steps
from soleus.rules.bins import MAX_STEP_GAP_S

LAPS_KEPT: Final = 500
"""Laps remembered: beyond what anybody runs in a day."""
STRIKE_EDGES_DEG: Final = tuple(float(edge) for edge in range(-30, 42, 2))
"""Edges of the histogram of foot strike angles [°]: angles of runners lie well within."""
SUMMED: Final = ("calf_dose", "achilles_impulse_bws")
_NAMES: Final = tuple(shown.name for shown in STEP_QUANTITIES)

FootCodes = npt.NDArray[np.int64]


@dataclass(slots=True)
class _LapSums:
    """Sums of one lap by quantity and foot."""

    number: int
    start_s: float
    end_s: float | None = None
    steps: int = 0
    distance_m: float = 0.0
    sums: FloatArray = field(default_factory=lambda: np.zeros((len(_NAMES), len(FEET))))
    counts: FloatArray = field(default_factory=lambda: np.zeros((len(_NAMES), len(FEET))))

    def add(self, steps: Steps, foot: FootCodes, distance_m: float) -> None:
        self.steps += len(steps)
        self.distance_m += distance_m
        for i, name in enumerate(_NAMES):
            self.sums[i] += _by_foot(steps[name], foot)
            self.counts[i] += np.bincount(foot[~np.isnan(steps[name])], minlength=len(FEET))

    def view(self) -> Lap:
        with np.errstate(invalid="ignore"):
            feet = self.sums / self.counts
            both = self.sums.sum(axis=1) / self.counts.sum(axis=1)
        means = {
            shown.name: value_of(shown, float(feet[i, 0]), float(feet[i, 1]), float(both[i]))
            for i, shown in enumerate(STEP_QUANTITIES)
        }
        return Lap(self.number, self.start_s, self.end_s, self.steps, self.distance_m, means)


class RunSums:
    """Sums over the run; an unknown amount counts as nothing, so each says 'at least'.

    Attributes
    ----------
    steps
        Contacts so far.
    distance_m
        Way so far [m]; ``None`` until a step knows its speed.
    strike_counts
        Contacts so far by foot and bin of :data:`STRIKE_EDGES_DEG`; shape ``(2, bins)``.

    Examples
    --------
    >>> sums = RunSums()
    >>> sums.begin_lap(0.0)
    >>> sums.take(Steps.empty())
    >>> sums.steps, sums.distance_m, len(sums.laps)
    (0, None, 1)
    """

    def __init__(self) -> None:
        self.steps = 0
        self.distance_m: float | None = None
        self.strike_counts: FloatArray = np.zeros((len(FEET), len(STRIKE_EDGES_DEG) - 1))
        self._last_contact_s = math.inf
        self._totals: dict[str, Total] = {}
        self._closed: deque[Lap] = deque(maxlen=LAPS_KEPT)
        self._open: _LapSums | None = None

    def take(self, steps: Steps) -> None:
        """Take the next steps."""
        if not len(steps):
            return
        foot = steps["foot"].astype(np.int64)
        self.steps += len(steps)
        moved_m = self._moved(steps)
        distance_m = float(np.nansum(moved_m))
        if not np.isnan(moved_m).all():
            self.distance_m = (self.distance_m or 0.0) + distance_m
        for name in SUMMED:
            if not np.isnan(steps[name]).all():
                left, right = _by_foot(steps[name], foot).tolist()
                before = self._totals.get(name, Total(0.0, 0.0))
                self._totals[name] = Total(before.left + left, before.right + right)
        angle = steps["foot_strike_angle_deg"]
        edges = [np.arange(len(FEET) + 1), np.array(STRIKE_EDGES_DEG)]
        self.strike_counts += np.histogram2d(foot[~np.isnan(angle)], angle[~np.isnan(angle)], edges)[0]
        if self._open is not None:
            self._open.add(steps, foot, distance_m)

    def total(self, name: str) -> Total | None:
        """Give a modelled load so far; ``None`` until a step knows it."""
        return self._totals.get(name)

    def begin_lap(self, time_s: float) -> None:
        """Close the lap that is open, if one is, and open the next."""
        number = 1
        if self._open is not None:
            self._open.end_s = time_s
            self._closed.append(self._open.view())
            number = self._open.number + 1
        self._open = _LapSums(number, time_s)

    @property
    def laps(self) -> tuple[Lap, ...]:
        """All laps, the open one last."""
        return (*self._closed, *(() if self._open is None else (self._open.view(),)))

    def _moved(self, steps: Steps) -> FloatArray:
        """Give the way of each step [m]: its speed times the time since the contact before, as the rules count it."""
        taken_s = np.diff(steps["initial_contact_s"], prepend=self._last_contact_s)
        self._last_contact_s = float(steps["initial_contact_s"][-1])
        moved: FloatArray = steps["speed_mps"] * np.where((taken_s >= 0.0) & (taken_s <= MAX_STEP_GAP_S), taken_s, 0.0)
        return moved


def _by_foot(values: FloatArray, foot: FootCodes) -> FloatArray:
    """Add known values up by foot; shape ``(2,)``."""
    known = ~np.isnan(values)
    return np.bincount(foot[known], values[known], len(FEET)).astype(np.float64)
