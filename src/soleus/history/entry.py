"""What the log keeps of one session, and what of a test or a questionnaire."""

from __future__ import annotations

from typing import Annotated, Final, Literal

import msgspec
import numpy as np

from soleus.history.fit_dynamics import Dynamics
from soleus.model import FloatArray, Foot
from soleus.model.runner import Surface
from soleus.rules import BASELINE_SIGNALS, RunMinutes
from soleus.rules.history import RedFlag

MAX_TIME_S: Final = 7 * 86400.0
"""Longest session [s]: beyond any race on foot that is run in one go."""
MAX_DISTANCE_M: Final = 1e6
"""Longest session [m]."""

Known = Annotated[float, msgspec.Meta(ge=0)]
Count = Annotated[int, msgspec.Meta(ge=0)]
Name = Annotated[str, msgspec.Meta(max_length=200)]
Identity = Annotated[str, msgspec.Meta(pattern=r"^[0-9a-f]{32}$")]


class Minutes(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One-minute medians of a session, as the baselines need them; ``None`` where unknown.

    Attributes
    ----------
    speed_mps, grade
        Of each minute.
    values
        Signal of the rule language to its medians, left and right, of each minute.
    """

    speed_mps: list[float | None]
    grade: list[float | None]
    values: dict[str, list[tuple[float | None, float | None]]]

    def __post_init__(self) -> None:
        n = len(self.speed_mps)
        if len(self.grade) != n or any(len(rows) != n for rows in self.values.values()):
            raise ValueError("minutes of unequal length")

    @classmethod
    def of(cls, run: RunMinutes) -> Minutes:
        """Take the medians of a run."""
        return cls(
            speed_mps=_listed(run.speed_mps),
            grade=_listed(run.grade),
            values={
                name: list(zip(_listed(rows[:, Foot.LEFT]), _listed(rows[:, Foot.RIGHT]), strict=True))
                for name, rows in run.values.items()
            },
        )

    def run(self, days_ago: float) -> RunMinutes:
        """Give the medians back as arrays, the run being this old [d].

        Examples
        --------
        >>> Minutes(speed_mps=[3.0], grade=[None], values={"contact_time": [(0.24, None)]}).run(2.0).grade
        array([nan])
        """
        unknown = np.full((len(self.speed_mps), 2), np.nan)
        arrays = dict.fromkeys(BASELINE_SIGNALS, unknown)
        arrays |= {name: np.array(rows, np.float64).reshape(-1, 2) for name, rows in self.values.items()}
        return RunMinutes(days_ago, np.array(self.speed_mps, np.float64), np.array(self.grade, np.float64), arrays)


def _listed(values: FloatArray) -> list[float | None]:
    return [None if np.isnan(value) else float(value) for value in values]


class SessionEntry(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One session of the log; what is not known is ``None``.

    Attributes
    ----------
    id
        What makes it the same session when it is fed again.
    runner
        Name of the runner; empty for the owner of the log.
    kind
        ``pods``: from steps; ``file``: from a watch's file; ``hand``: told by the runner.
    start_s
        Calendar time of the start, seconds since 1970 UTC.
    precision
        Whether the start is known to the second or the day only.
    time_s, running_s
        Length of the session, and time spent running in it [s].
    distance_m, uphill_m
        Distance and metres climbed [m].
    steps
        Ground contacts of both feet.
    impulse_bws, dose
        Modelled Achilles impulse [bw·s] and damage-weighted modelled calf load [bw^6·s] of all steps; at least
        this much, as steps that could not be measured are not in it.
    rearfoot, midfoot, forefoot
        Running steps by foot strike.
    contact_asymmetry
        Median of (left - right) / mean contact time over the minutes.
    shoe, shoe_drop_m, surface
        What was worn and run on.
    source
        Folder or file it came from.
    minutes
        Medians for the baselines.
    dynamics
        Running dynamics as another maker's device measured them.
    pain
        Highest calf pain told during the session, 0-10.
    """

    id: Identity
    runner: Name = ""
    kind: Literal["pods", "file", "hand"]
    start_s: Annotated[float, msgspec.Meta(ge=0, le=4e9)]
    precision: Literal["second", "day"] = "second"
    time_s: Annotated[float, msgspec.Meta(ge=0, le=MAX_TIME_S)]
    running_s: Known | None = None
    distance_m: Annotated[float, msgspec.Meta(ge=0, le=MAX_DISTANCE_M)] | None = None
    uphill_m: Known | None = None
    steps: Count | None = None
    impulse_bws: Known | None = None
    dose: Known | None = None
    rearfoot: Count | None = None
    midfoot: Count | None = None
    forefoot: Count | None = None
    contact_asymmetry: Annotated[float, msgspec.Meta(ge=-2, le=2)] | None = None
    shoe: Name = ""
    shoe_drop_m: Annotated[float, msgspec.Meta(ge=-0.1, le=0.1)] | None = None
    surface: Surface | None = None
    source: Annotated[str, msgspec.Meta(max_length=5000)] = ""
    minutes: Minutes | None = None
    dynamics: Dynamics | None = None
    pain: Annotated[float, msgspec.Meta(ge=0, le=10)] | None = None

    @property
    def end_s(self) -> float:
        """Calendar time of the end [s since 1970 UTC]."""
        return self.start_s + self.time_s

    @property
    def mean_speed_mps(self) -> float | None:
        """Distance over the time spent running, or over the whole time where that is not known [m/s]."""
        spent_s = self.running_s or self.time_s
        return self.distance_m / spent_s if self.distance_m and spent_s else None


class Soreness(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, tag="soreness"):
    """Answers of the soreness questionnaire.

    Attributes
    ----------
    pain
        Calf pain or soreness now, 0-10.
    foot
        The side, or ``both``.
    days
        Days since it began.
    red_flags
        Red-flag answers; empty if none.
    """

    pain: Annotated[float, msgspec.Meta(ge=0, le=10)]
    foot: Literal["left", "right", "both"] | None = None
    days: Annotated[float, msgspec.Meta(ge=0, le=20000)] | None = None
    red_flags: tuple[RedFlag, ...] = ()


class CalfRaise(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, tag="calf-raise"):
    """Result of a calf-raise test of one leg; heights [m], work [J] where height and mass are known."""

    foot: Literal["left", "right"]
    repetitions: Annotated[int, msgspec.Meta(ge=0, le=1000)]
    knee: Literal["straight", "bent"] = "straight"
    peak_height_m: Known | None = None
    total_height_m: Known | None = None
    work_j: Known | None = None
    pace_per_min: Known | None = None
    height_change: float | None = None
    speed_change: float | None = None
    ended_by: Annotated[str, msgspec.Meta(max_length=100)] = ""


class KneeToWall(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, tag="knee-to-wall"):
    """Result of a knee-to-wall test of one ankle: shank angle [°], or distance of the toes from the wall [m]."""

    foot: Literal["left", "right"]
    angle_deg: Annotated[float, msgspec.Meta(ge=0, le=90)] | None = None
    distance_m: Annotated[float, msgspec.Meta(ge=0, le=0.5)] | None = None
    heel_down: bool | None = None


class Gym(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, tag="gym"):
    """Calf work in the gym."""


Body = Soreness | CalfRaise | KneeToWall | Gym


class Note(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Something the runner told or a test gave, at a calendar time [s since 1970 UTC]."""

    id: Identity
    runner: Name = ""
    at_s: Annotated[float, msgspec.Meta(ge=0, le=4e9)]
    body: Body
