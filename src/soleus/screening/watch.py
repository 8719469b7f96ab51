"""A calf-raise test while it is done: the count so far, and when to stop.

Each look counts all that was recorded up to then; the last one is what the recording gives.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from soleus.model import Foot, PodInfo, PodSamples, Runner
from soleus.screening.calf_raise import CalfRaiseResult, Knee, count_calf_raises
from soleus.screening.errors import ScreeningError
from soleus.screening.pod_motion import MotionGatherer, PodMotion

LOOK_S: Final = 0.5
"""Time between looks [s] (design choice: a quarter of a repetition)."""
SET_RAISES: Final = 4
"""Repetitions from which a set can be over; fewer are a try (design choice: those that set the full height)."""


class CalfRaiseWatch:
    """Counts while samples come in.

    Parameters
    ----------
    feet
        Legs that are tested.
    runner, knee
        As in :func:`~soleus.screening.calf_raise.count_calf_raises`.
    shank
        Foot whose pod sits on the shank instead, if one does.

    Examples
    --------
    >>> watch = CalfRaiseWatch([Foot.LEFT])
    >>> watch.look(), watch.over
    ({}, False)
    """

    def __init__(
        self, feet: list[Foot], runner: Runner | None = None, knee: Knee = "straight", shank: Foot | None = None
    ) -> None:
        self.feet = tuple(foot for foot in feet if foot != shank)
        self._runner = runner
        self._knee: Knee = knee
        self._shank = shank
        self._pods: dict[Foot, MotionGatherer] = {}
        self._newest_s = self._looked_s = -np.inf
        self._results: dict[Foot, CalfRaiseResult] = {}

    def push(self, info: PodInfo, samples: PodSamples) -> None:
        """Take the next samples of a pod.

        Raises
        ------
        ScreeningError
            If the test takes longer than half an hour.
        """
        if len(samples):
            self._pods.setdefault(info.foot, MotionGatherer(info)).push(samples)
            self._newest_s = max(self._newest_s, float(samples.time_s[-1]))

    def look(self) -> dict[Foot, CalfRaiseResult]:
        """Give what is counted so far, by leg; a leg without a repetition is not in it."""
        if self._newest_s - self._looked_s >= LOOK_S:
            self._looked_s = self._newest_s
            self._count()
        return self._results

    def finish(self) -> dict[Foot, CalfRaiseResult]:
        """Count for the last time: what the whole recording gives. Nothing may be pushed afterwards."""
        for pod in self._pods.values():
            pod.finish()
        self._count()
        return self._results

    def _count(self) -> None:
        shank = None if self._shank is None else self._motion(self._shank)
        for foot in self.feet:
            motion = self._motion(foot)
            if motion is None:
                continue
            try:
                self._results[foot] = count_calf_raises(motion, self._runner, self._knee, shank)
            except ScreeningError:
                continue  # nothing to count yet

    @property
    def over(self) -> bool:
        """Whether every leg has done a set that has ended: two low ones in a row, or a pause."""
        return all(foot in self._results and _ended(self._results[foot]) for foot in self.feet)

    def _motion(self, foot: Foot) -> PodMotion | None:
        try:
            return self._pods[foot].motion() if foot in self._pods else None
        except ScreeningError:
            return None


def _ended(result: CalfRaiseResult) -> bool:
    return result.ended_by != "end" and len(result.each) >= SET_RAISES
