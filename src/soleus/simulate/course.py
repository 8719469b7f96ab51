"""The course of a session: speed, grade, heading and distance as functions of time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Self

import numpy as np
import numpy.typing as npt

from soleus.model import FloatArray
from soleus.simulate.scenario import Bout, Scenario

MARGIN_S: Final = 4.0
"""The session goes on so long before time zero and after its end, so that it is cut in mid-stride [s]."""
STANDING_MPS: Final = 0.35
"""Below this speed nobody steps [m/s]."""


@dataclass(frozen=True, slots=True)
class Course:
    """Piecewise linear speed, grade and heading over ``time_s`` (m,) breakpoints.

    Attributes
    ----------
    time_s, speed_mps, grade, heading_rad
        (m,) breakpoints [s] and values there.
    distance_m
        (m,) integral of the speed from time zero on [m].
    bouts
        The bouts of the scenario.
    bout_start_s
        (number of bouts,) when each begins [s].
    """

    time_s: FloatArray
    speed_mps: FloatArray
    grade: FloatArray
    heading_rad: FloatArray
    distance_m: FloatArray
    bouts: tuple[Bout, ...]
    bout_start_s: FloatArray

    @classmethod
    def of(cls, scenario: Scenario) -> Self:
        """Lay out the course of a scenario.

        Examples
        --------
        >>> from soleus.simulate.scenario import Bout, Scenario
        >>> run = Bout(kind="run", speed_mps=3.0, duration_s=10)
        >>> Course.of(Scenario(name="x", bouts=(run,))).distance_at(np.array([10.0]))
        array([30.])
        """
        first = scenario.bouts[0]
        rows = [(-MARGIN_S, first.speed_mps, first.grade, 0.0)]
        starts, start, heading = [], 0.0, 0.0
        for i, bout in enumerate(scenario.bouts):
            starts.append(start)
            turn = np.radians(bout.turn_deg)
            if i and bout.ramp_s:
                rows.append((start, rows[-1][1], rows[-1][2], heading))
            ramp = bout.ramp_s if i else 0.0
            rows.append((start + ramp, bout.speed_mps, bout.grade, heading + turn * ramp / bout.duration_s))
            start += bout.duration_s
            heading += turn
            rows.append((start, bout.speed_mps, bout.grade, heading))
        rows.append((start + MARGIN_S, rows[-1][1], rows[-1][2], heading))
        time, speed, grade, headings = np.array(rows).T
        distance = np.concatenate([[0.0], np.cumsum(0.5 * (speed[1:] + speed[:-1]) * np.diff(time))])
        distance -= MARGIN_S * first.speed_mps
        return cls(time, speed, grade, headings, distance, scenario.bouts, np.array(starts))

    def speed_at(self, time_s: FloatArray | float) -> FloatArray:
        """Speed [m/s]; that of the ends beyond them."""
        return np.asarray(np.interp(time_s, self.time_s, self.speed_mps))

    def grade_at(self, time_s: FloatArray | float) -> FloatArray:
        """Rise over run."""
        return np.asarray(np.interp(time_s, self.time_s, self.grade))

    def heading_at(self, time_s: FloatArray | float) -> FloatArray:
        """Heading, left positive [rad]."""
        return np.asarray(np.interp(time_s, self.time_s, self.heading_rad))

    def distance_at(self, time_s: FloatArray) -> FloatArray:
        """Distance covered since time zero [m]; exact for the linear ramps."""
        i = np.clip(np.searchsorted(self.time_s, time_s, side="right") - 1, 0, self.time_s.size - 2)
        since = time_s - self.time_s[i]
        return np.asarray(self.distance_m[i] + 0.5 * since * (self.speed_mps[i] + self.speed_at(time_s)))

    def bout_at(self, time_s: FloatArray | float) -> npt.NDArray[np.intp]:
        """Index of the bout under way."""
        return np.clip(np.searchsorted(self.bout_start_s, time_s, side="right") - 1, 0, len(self.bouts) - 1)

    def next_moving(self, time_s: float) -> float:
        """First time from ``time_s`` on at which the speed is above standing; infinity if there is none."""
        for i in range(int(np.searchsorted(self.time_s, time_s, side="right")), self.time_s.size):
            v0, v1 = self.speed_mps[i - 1], self.speed_mps[i]
            if v1 > STANDING_MPS:
                share = max(0.0, (STANDING_MPS - v0) / (v1 - v0)) if v1 != v0 else 0.0
                found = float(self.time_s[i - 1] + share * (self.time_s[i] - self.time_s[i - 1]))
                return max(found, time_s)
        return float("inf")
