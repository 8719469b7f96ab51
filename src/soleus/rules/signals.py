"""The signals that a rule may name: from the steps table, of the run so far, and from the runner's history."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final, Literal

from soleus.model import STEP_COLUMNS
from soleus.rules.units import (
    ANGLE,
    COLUMN_DIMENSIONS,
    DOSE,
    FORCE,
    IMPULSE,
    LENGTH,
    RATIO,
    SPEED,
    TIME,
    Dimension,
    multiply,
)

Kind = Literal["foot", "pace", "run", "history"]
"""``foot``: one value a foot and bin; ``pace``: one a bin; ``run``: so far in this run; ``history``: fixed."""


@dataclass(frozen=True, slots=True)
class Signal:
    """A named signal: dimension, meaning, and the range outside of which no value of it is plausible."""

    name: str
    kind: Kind
    dimension: Dimension
    low: float
    high: float
    meaning: str
    column: str = ""

    @property
    def label(self) -> str:
        """The name in plain words."""
        return self.name.replace("_", " ")


_PLAUSIBLE: Final[dict[str, tuple[float, float]]] = {
    "contact_time_s": (0.08, 0.6),
    "flight_time_s": (-0.3, 0.4),
    "step_time_s": (0.2, 1.0),
    "stride_time_s": (0.4, 2.0),
    "cadence_spm": (60.0, 300.0),
    "duty_factor": (0.1, 0.8),
    "speed_mps": (0.0, 12.0),
    "grade": (-0.5, 0.5),
    "stride_length_m": (0.2, 6.0),
    "step_length_m": (0.1, 3.0),
    "foot_strike_angle_deg": (-45.0, 60.0),
    "pronation_excursion_deg": (-45.0, 45.0),
    "vertical_oscillation_m": (0.0, 0.25),
    "vertical_ratio": (0.0, 0.5),
    "overstride_m": (-0.1, 0.6),
    "peak_force_bw": (0.5, 6.0),
    "leg_stiffness_kn_per_m": (1.0, 60.0),
    "achilles_peak_bw": (0.0, 20.0),
    "achilles_impulse_bws": (0.0, 5.0),
    "calf_dose": (0.0, 1e7),
}
"""Range of each number column beyond which a threshold is refused as impossible (design choice, wide on purpose)."""

_UNIT_SUFFIX: Final = re.compile(r"_(s|m|mps|spm|deg|bw|bws|kn_per_m)$")


def _step_signals() -> list[Signal]:
    """Make one signal of each number column of the steps table, its unit suffix taken off."""
    signals = []
    for column in STEP_COLUMNS:
        if column.name not in _PLAUSIBLE:
            continue
        low, high = _PLAUSIBLE[column.name]
        name = _UNIT_SUFFIX.sub("", column.name)
        kind: Kind = "pace" if name in {"speed", "grade"} else "foot"
        signals.append(Signal(name, kind, COLUMN_DIMENSIONS[column.unit], low, high, column.meaning, column.name))
    return signals


_DAY_S: Final = 86400.0
_YEARS_S: Final = 3650 * _DAY_S
_FAR_M: Final = 1e6
_FLAG: Final = (RATIO, 0.0, 1.0)
_COUNT: Final = (RATIO, 0.0, 1000.0)

_OTHERS: Final[tuple[tuple[str, Kind, tuple[Dimension, float, float], str], ...]] = (
    ("rearfoot", "foot", _FLAG, "Share of steps that land on the rearfoot"),
    ("midfoot", "foot", _FLAG, "Share of steps that land on the midfoot"),
    ("forefoot", "foot", _FLAG, "Share of steps that land on the forefoot"),
    ("time", "run", (TIME, 0.0, 10 * _DAY_S), "Session time"),
    ("running_time", "run", (TIME, 0.0, 10 * _DAY_S), "Time spent running in this session, walks and stops left out"),
    ("distance", "run", (LENGTH, 0.0, _FAR_M), "Distance so far: speed over the time between contacts"),
    ("uphill", "run", (LENGTH, 0.0, _FAR_M), "Metres climbed so far"),
    ("impulse", "run", (IMPULSE, 0.0, 1e7), "Modelled Achilles impulse of all steps so far; at least this much"),
    ("dose", "run", (DOSE, 0.0, 1e12), "Damage-weighted modelled calf load of all steps so far"),
    ("run_non_rearfoot_share", "run", _FLAG, "Share of this run's steps that land on mid- or forefoot"),
    ("pain", "run", (RATIO, 0.0, 10.0), "Calf pain as last told by the runner, 0-10"),
    ("pain_rise", "run", (RATIO, -10.0, 10.0), "Pain as last told minus the first told for this run"),
    ("enough_history", "history", _FLAG, "1 if the log holds 3 sessions over 14 days, 0 if not"),
    ("sessions", "history", _COUNT, "Sessions in the last 30 days"),
    ("longest_distance", "history", (LENGTH, 0.0, _FAR_M), "Longest run of the last 30 days"),
    ("longest_impulse", "history", (IMPULSE, 0.0, 1e7), "Largest modelled Achilles impulse of one run in 30 days"),
    ("highest_dose", "history", (DOSE, 0.0, 1e12), "Largest modelled calf dose of one run in 30 days"),
    ("highest_peak", "history", (FORCE, 0.0, 20.0), "Highest modelled Achilles peak of one minute in 30 days"),
    ("most_uphill", "history", (LENGTH, 0.0, _FAR_M), "Most metres climbed in one run of the last 30 days"),
    ("time_since_hill", "history", (TIME, 0.0, _YEARS_S), "Time since the last session with hills"),
    ("time_since_fast", "history", (TIME, 0.0, _YEARS_S), "Time since the last session with speed work"),
    ("time_since_hard", "history", (TIME, 0.0, _YEARS_S), "Time since the last session above the own 75th percentile"),
    ("time_since_spike", "history", (TIME, 0.0, _YEARS_S), "Time since the last single-session spike"),
    ("time_since_gym", "history", (TIME, 0.0, _YEARS_S), "Time since calf work in the gym"),
    ("usual_speed", "history", (SPEED, 0.0, 12.0), "Median running speed of the last 28 days"),
    ("treadmill_share_recent", "history", _FLAG, "Share of the last 7 days' distance run on a belt"),
    ("treadmill_share_before", "history", _FLAG, "Share of the 28 days before those run on a belt"),
    ("usual_non_rearfoot_share", "history", _FLAG, "Share of steps landing on mid- or forefoot in 28 days"),
    ("usual_contact_asymmetry", "history", (RATIO, -1.0, 1.0), "Four-week median of the contact-time asymmetry"),
    ("usual_contact_asymmetry_spread", "history", _FLAG, "Its standard deviation between runs"),
    ("shoe_drop_change", "history", (LENGTH, -0.1, 0.1), "Drop of the new shoe minus that of the old"),
    ("new_shoe_share", "history", _FLAG, "Share of this week's distance in the new shoe"),
    ("soft_surface", "history", _FLAG, "1 if this run is tagged as on sand, grass or another soft ground"),
    (
        "usual_impulse_per_distance",
        "history",
        (multiply(IMPULSE, LENGTH, -1.0), 0.0, 100.0),
        "Modelled Achilles impulse per distance over the last 28 days",
    ),
    ("pain_last_run", "history", (RATIO, 0.0, 10.0), "Highest calf pain told in the last run, 0-10"),
    ("pain_before", "history", (RATIO, 0.0, 10.0), "Calf pain before the run, 0-10"),
    ("soreness_time", "history", (TIME, 0.0, _YEARS_S), "Time since the soreness began"),
    ("soreness_change", "history", (RATIO, -10.0, 10.0), "Change of the soreness rating since a week ago"),
    ("red_flag_emergency", "history", _COUNT, "Breathlessness or chest pain with a sore leg"),
    ("red_flag_clot", "history", _COUNT, "One-sided swelling, warmth, dark skin, hard sore veins"),
    ("red_flag_tear", "history", _COUNT, "A sudden pop or kick in the calf, or no tiptoe standing"),
    ("red_flag_nerve", "history", _COUNT, "Numbness, pins and needles, weakness of the foot"),
    ("red_flag_severe", "history", _COUNT, "Severe pain, pain at rest or at night, fever"),
    ("red_flag_pressure", "history", _COUNT, "Tight bursting pain on each run that eases with rest"),
    ("calf_raises_left", "history", _COUNT, "Repetitions in the last calf-raise test, left"),
    ("calf_raises_right", "history", _COUNT, "Repetitions in the last calf-raise test, right"),
    ("bent_raises_left", "history", _COUNT, "Repetitions in the last calf-raise test with the knee bent, left"),
    ("bent_raises_right", "history", _COUNT, "Repetitions in the last calf-raise test with the knee bent, right"),
    ("ankle_range_left", "history", (ANGLE, 0.0, 90.0), "Shank angle in the last knee-to-wall test, left"),
    ("ankle_range_right", "history", (ANGLE, 0.0, 90.0), "Shank angle in the last knee-to-wall test, right"),
    ("wall_distance_left", "history", (LENGTH, 0.0, 0.5), "Toes to wall in the last knee-to-wall test, left"),
    ("wall_distance_right", "history", (LENGTH, 0.0, 0.5), "Toes to wall in the last knee-to-wall test, right"),
)

SIGNALS: Final[dict[str, Signal]] = {
    signal.name: signal
    for signal in (
        *_step_signals(),
        *(Signal(name, kind, shape[0], shape[1], shape[2], meaning) for name, kind, shape, meaning in _OTHERS),
    )
}
"""Every signal of the rule language by its name."""

FOOT_SIGNALS: Final = tuple(name for name, signal in SIGNALS.items() if signal.kind == "foot")
PACE_SIGNALS: Final = ("speed", "grade")
RUN_SIGNALS: Final = tuple(name for name, signal in SIGNALS.items() if signal.kind == "run")
