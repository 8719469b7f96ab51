"""What the rules need to know of the runner's last weeks: a plain struct, every field of it optional."""

from __future__ import annotations

import math
from typing import Annotated, Final, Literal

import msgspec

from soleus.rules.baseline import SignalBaseline

MIN_SESSIONS: Final = 3
"""Sessions within 30 days from which a 30-day longest means something (design choice; see docs/rules.md)."""
MIN_SPAN_DAYS: Final = 14.0
"""Days that these sessions must span (design choice)."""

RedFlag = Literal[
    "pop",
    "cannot-tiptoe",
    "swelling",
    "breathless",
    "numbness",
    "rest-pain",
    "fever",
    "bursting",
]
"""Answers of the questionnaire that end all training advice."""

RED_FLAG_GROUPS: Final[dict[str, tuple[RedFlag, ...]]] = {
    "red_flag_emergency": ("breathless",),
    "red_flag_clot": ("swelling",),
    "red_flag_tear": ("pop", "cannot-tiptoe"),
    "red_flag_nerve": ("numbness",),
    "red_flag_severe": ("rest-pain", "fever"),
    "red_flag_pressure": ("bursting",),
}
"""Signal of each group of red flags: they send the runner to different places."""

Amount = Annotated[float, msgspec.Meta(ge=0)]
Share = Annotated[float, msgspec.Meta(ge=0, le=1)]
Rating = Annotated[float, msgspec.Meta(ge=0, le=10)]
Count = Annotated[int, msgspec.Meta(ge=0)]


class HistorySummary(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The last weeks of this runner, as far as known; what is not known stays ``None`` and its rules stay silent.

    Attributes
    ----------
    sessions_30d, span_days
        Sessions in the last 30 days before this one, and days between the first of them and today.
    longest_distance_m, longest_impulse_bws
        Longest single run [m] and largest modelled Achilles impulse of one run [bw·s] in 30 days.
    highest_dose, highest_peak_bw, most_uphill_m
        Largest damage-weighted modelled calf dose of one run [bw^6·s], highest modelled Achilles peak of one minute
        [bw] and most metres climbed in one run [m], 30 days.
    days_since_hill, days_since_fast
        Days since the last session with hills and with speed work; if there was none, the days looked back.
    hours_since_hard, hours_since_spike, hours_since_gym
        Hours since the last session above the runner's 75th percentile of impulse, since the last single-session
        spike (over 110 % of the longest before it) and since calf work in the gym.
    usual_speed_mps
        Median running speed of the last 28 days [m/s].
    treadmill_share_recent, treadmill_share_before
        Share of the distance run on a belt in the last 7 days and in the 28 days before those.
    non_rearfoot_share
        Share of steps landing on mid- or forefoot in the last 28 days.
    contact_asymmetry, contact_asymmetry_spread
        Four-week median of the contact-time asymmetry (left - right) / mean, and its standard deviation.
    shoe_drop_change_m, new_shoe_share
        Heel-to-toe drop of the new shoe minus that of the old [m]; share of this week's distance in it.
    soft_surface
        Whether this run is on sand, grass or another soft ground (the runner's tag).
    usual_impulse_per_m
        Modelled Achilles impulse per metre over the last 28 days [bw·s/m].
    pain_last_run
        Highest calf pain told in the last run (0-10), if it was lately and nothing was told since.
    pain_before, soreness_days, soreness_change
        Calf pain before the run (0-10), days since the soreness began, change of its rating since a week ago.
    red_flags
        Red-flag answers given in the questionnaire; empty if asked and none, ``None`` if not asked.
    calf_raises_left, calf_raises_right, bent_raises_left, bent_raises_right
        Repetitions in the last calf-raise test, and in the last one with the knee bent.
    ankle_range_left_deg, ankle_range_right_deg, wall_distance_left_m, wall_distance_right_m
        Results of the last knee-to-wall test: lean of the shank [°], toes to wall [m].
    baselines
        What is usual at which speed and grade, from :func:`~soleus.rules.baseline.fit_baselines`.

    Examples
    --------
    >>> HistorySummary().enough is None, HistorySummary(sessions_30d=2, span_days=20).enough
    (True, False)
    """

    sessions_30d: Count | None = None
    span_days: Amount | None = None
    longest_distance_m: Amount | None = None
    longest_impulse_bws: Amount | None = None
    highest_dose: Amount | None = None
    highest_peak_bw: Amount | None = None
    most_uphill_m: Amount | None = None
    days_since_hill: Amount | None = None
    days_since_fast: Amount | None = None
    hours_since_hard: Amount | None = None
    hours_since_spike: Amount | None = None
    hours_since_gym: Amount | None = None
    usual_speed_mps: Amount | None = None
    treadmill_share_recent: Share | None = None
    treadmill_share_before: Share | None = None
    non_rearfoot_share: Share | None = None
    contact_asymmetry: float | None = None
    contact_asymmetry_spread: Amount | None = None
    shoe_drop_change_m: float | None = None
    new_shoe_share: Share | None = None
    soft_surface: bool | None = None
    usual_impulse_per_m: Amount | None = None
    pain_last_run: Rating | None = None
    pain_before: Rating | None = None
    soreness_days: Amount | None = None
    soreness_change: float | None = None
    red_flags: tuple[RedFlag, ...] | None = None
    calf_raises_left: Count | None = None
    calf_raises_right: Count | None = None
    bent_raises_left: Count | None = None
    bent_raises_right: Count | None = None
    ankle_range_left_deg: float | None = None
    ankle_range_right_deg: float | None = None
    wall_distance_left_m: Amount | None = None
    wall_distance_right_m: Amount | None = None
    baselines: tuple[SignalBaseline, ...] = ()

    @property
    def enough(self) -> bool | None:
        """Whether the log is long enough to speak of a 30-day longest; ``None`` if there is no log."""
        if self.sessions_30d is None or self.span_days is None:
            return None
        return self.sessions_30d >= MIN_SESSIONS and self.span_days >= MIN_SPAN_DAYS

    def signals(self) -> dict[str, float]:
        """Give the history signals of the rule language, in SI, NaN where unknown.

        Examples
        --------
        >>> HistorySummary(hours_since_hard=20).signals()["time_since_hard"]
        72000.0
        """
        enough = self.enough
        longest = 1.0 if enough else math.nan
        values = {
            "enough_history": _number(enough),
            "sessions": _number(self.sessions_30d),
            "longest_distance": longest * _number(self.longest_distance_m),
            "longest_impulse": longest * _number(self.longest_impulse_bws),
            "highest_dose": longest * _number(self.highest_dose),
            "highest_peak": longest * _number(self.highest_peak_bw),
            "most_uphill": longest * _number(self.most_uphill_m),
            "time_since_hill": longest * _number(self.days_since_hill) * _DAY_S,
            "time_since_fast": longest * _number(self.days_since_fast) * _DAY_S,
            "time_since_hard": _number(self.hours_since_hard) * _HOUR_S,
            "time_since_spike": _number(self.hours_since_spike) * _HOUR_S,
            "time_since_gym": _number(self.hours_since_gym) * _HOUR_S,
            "usual_speed": _number(self.usual_speed_mps),
            "treadmill_share_recent": _number(self.treadmill_share_recent),
            "treadmill_share_before": _number(self.treadmill_share_before),
            "usual_non_rearfoot_share": _number(self.non_rearfoot_share),
            "usual_contact_asymmetry": _number(self.contact_asymmetry),
            "usual_contact_asymmetry_spread": _number(self.contact_asymmetry_spread),
            "shoe_drop_change": _number(self.shoe_drop_change_m),
            "new_shoe_share": _number(self.new_shoe_share),
            "soft_surface": _number(self.soft_surface),
            "usual_impulse_per_distance": _number(self.usual_impulse_per_m),
            "pain_last_run": _number(self.pain_last_run),
            "pain_before": _number(self.pain_before),
            "soreness_time": _number(self.soreness_days) * _DAY_S,
            "soreness_change": _number(self.soreness_change),
            "calf_raises_left": _number(self.calf_raises_left),
            "calf_raises_right": _number(self.calf_raises_right),
            "bent_raises_left": _number(self.bent_raises_left),
            "bent_raises_right": _number(self.bent_raises_right),
            "ankle_range_left": _number(self.ankle_range_left_deg),
            "ankle_range_right": _number(self.ankle_range_right_deg),
            "wall_distance_left": _number(self.wall_distance_left_m),
            "wall_distance_right": _number(self.wall_distance_right_m),
        }
        for signal, flags in RED_FLAG_GROUPS.items():
            asked = self.red_flags is not None
            values[signal] = float(len(set(flags) & set(self.red_flags or ()))) if asked else math.nan
        return values


_DAY_S: Final = 86400.0
_HOUR_S: Final = 3600.0


def _number(value: float | None) -> float:
    """Take a number or, if it is not known, NaN."""
    return math.nan if value is None else float(value)
