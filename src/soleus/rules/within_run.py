"""The run's own reference: minutes 3-8 at each speed and grade, so that a change of pace never looks like fatigue."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np
import numpy.typing as npt

from soleus.rules.baseline import MATCHED_GRADE, MATCHED_SPEED_MPS, SignalBaseline, Usual
from soleus.rules.windows import sorted_median

FloatArray = npt.NDArray[np.float64]

WARM_UP_S: Final = 180.0
"""Running time before the reference begins [s]: the third minute is over (design choice)."""
FULL_BINS: Final = 30
"""Bins of a reference: five minutes, those after the warm-up for the first (design choice)."""
MAX_LEVELS: Final = 64
"""Pairs of speed and grade kept of one run; later ones get no reference."""

SPEED_SLOPES: Final = {
    "cadence": (0.0, 13.0),
    "overstride": (0.0, 0.052),
    "contact_time": (-0.5, 0.0),
    "duty_factor": (-0.35, 0.0),
    "achilles_impulse": (-0.3, 0.0),
    "achilles_peak": (0.38, 0.0),
}
"""How a signal changes with speed inside one level: as a power of speed, and per m/s in its own unit.

Used for differences of speed within ±0.1 m/s only. Contact time and duty factor: v^-0.45 to -0.5 (Alcantara 2022,
doi:10.7717/peerj.12752, and Fukuchi 2017, doi:10.7717/peerj.3298, own fits); cadence 13 spm and overstride 5.2 cm
per m/s (Fukuchi 2017);
Achilles peak +23 % and impulse -17 % over 2.7-4.5 m/s (shear-wave tensiometry, PMC11096059; Fukuchi 2017).
"""


@dataclass(slots=True)
class _Level:
    """One speed and grade met in this run, the bins gathered for its reference, and the reference once taken."""

    speed: float
    grade: float
    gathered: list[FloatArray] = field(default_factory=list)
    taken: int = -1


class RunReference:
    """Assigns each bin to a speed and grade, and takes each level's reference once enough of it was seen.

    Parameters
    ----------
    signals
        Signals of the foot that rules compare with their baseline.
    baselines
        What is usual for this runner, for the slopes between levels; may be empty.
    """

    def __init__(self, signals: Sequence[str], baselines: Sequence[SignalBaseline]) -> None:
        self.signals = tuple(signals)
        self._usual = Usual(baselines, self.signals)
        laws = [SPEED_SLOPES.get(name, (0.0, 0.0)) for name in self.signals]
        self._powers, self._slopes = np.array(laws, np.float64).reshape(-1, 2).T[..., None]
        self._levels: list[_Level] = []
        self._references: list[FloatArray] = []
        self._last = (math.nan, math.nan)

    def follow(
        self,
        values: FloatArray,
        speed: FloatArray,
        grade: FloatArray,
        steady: npt.NDArray[np.bool_],
        running_time_s: FloatArray,
    ) -> FloatArray:
        """Give the reference of each signal at each new bin.

        Parameters
        ----------
        values
            The signals' values in the new bins, shape ``(signals, n, 2)``.
        speed, grade
            Of the new bins, shape ``(n,)``.
        steady
            Bins with enough trustworthy steps, shape ``(n,)``.
        running_time_s
            Running time at each bin's end [s], shape ``(n,)``.

        Returns
        -------
        references
            Shape ``(signals, n, 2)``; NaN before it is known or at a new speed and grade.
        """
        n = running_time_s.size
        if not self.signals:
            return values
        taken = np.full(n, -1)
        elsewhere = np.full(n, -1)
        for i, (v, g, ok, seconds) in enumerate(
            zip(speed.tolist(), grade.tolist(), steady.tolist(), running_time_s.tolist(), strict=True)
        ):
            settled = ok and _matches(v, g, *self._last)
            self._last = (v, g) if ok else (math.nan, math.nan)
            level = self._level(v, g) if settled else None
            if level is None:
                continue
            if level.taken < 0 and seconds > WARM_UP_S:
                self._gather(level, np.concatenate(([[v, g]], values[:, i])))
            taken[i] = level.taken
            elsewhere[i] = 0 if self._references else -1
        return self._at(taken, elsewhere, speed, grade)

    def _level(self, speed: float, grade: float) -> _Level | None:
        """Find the level nearest in speed, or start one."""
        matching = [level for level in self._levels if _matches(speed, grade, level.speed, level.grade)]
        if matching:
            return min(matching, key=lambda level: abs(level.speed - speed))
        if len(self._levels) >= MAX_LEVELS:
            return None
        level = _Level(speed, grade)
        self._levels.append(level)
        return level

    def _gather(self, level: _Level, row: FloatArray) -> None:
        """Add a bin to a level's reference and take the reference once there is enough."""
        level.gathered.append(row)
        if len(level.gathered) >= FULL_BINS:
            level.taken = len(self._references)
            self._references.append(sorted_median(np.stack(level.gathered, axis=-1))[0])
            level.gathered.clear()

    def _at(
        self, taken: npt.NDArray[np.intp], elsewhere: npt.NDArray[np.intp], speed: FloatArray, grade: FloatArray
    ) -> FloatArray:
        """Look the references up, moved by the small difference of speed within a level.

        Where a level has none yet, the run's first reference moves by what the runner's own history says of the two
        speeds and grades; without such a history it stays unknown.
        """
        missing = np.full((1, len(self.signals) + 1, 2), np.nan)
        table = np.concatenate([np.array(self._references), missing]) if self._references else missing
        found, at_speed = table[taken, 1:].transpose(1, 0, 2), table[taken, 0, 0]
        factor = 1.0 + self._powers * (speed / at_speed - 1.0)
        moved: FloatArray = found * factor[..., None] + (self._slopes * (speed - at_speed))[..., None]
        if not np.any((taken < 0) & (elsewhere >= 0)):
            return moved
        first = table[elsewhere]
        change = self._usual.at(speed, grade) - self._usual.at(first[:, 0, 0], first[:, 0, 1])
        return np.where(np.isnan(moved), first[:, 1:].transpose(1, 0, 2) + change, moved)


def _matches(speed: float, grade: float, other_speed: float, other_grade: float) -> bool:
    """Tell whether two speeds and grades are compared as equal; an unknown grade equals only an unknown one."""
    if not abs(speed - other_speed) <= MATCHED_SPEED_MPS:
        return False
    if math.isnan(grade) or math.isnan(other_grade):
        return math.isnan(grade) and math.isnan(other_grade)
    return abs(grade - other_grade) <= MATCHED_GRADE
