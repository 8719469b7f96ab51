"""The quantities that a live display shows: their names, units, and how many digits mean something."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

MISSING: Final = "–"
"""What stands for a value that is not known."""


@dataclass(frozen=True, slots=True)
class Shown:
    """One quantity as people read it.

    Attributes
    ----------
    name
        Column of the steps table, or the name of a sum in :class:`~soleus.live.numbers.Snapshot`.
    label, unit
        What a runner calls it, and the unit in which it is shown.
    factor
        Shown value over SI value.
    decimals
        Decimals that mean something.
    signed
        Whether it passes through zero: its asymmetry is then a difference, as a ratio would have no bound.
    modelled
        Whether it rests on a model of the body rather than on the sensors alone.
    """

    name: str
    label: str
    unit: str
    factor: float = 1.0
    decimals: int = 0
    signed: bool = False
    modelled: bool = False

    def text(self, value: float | None) -> str:
        """Write an SI value without its unit.

        Examples
        --------
        >>> BY_NAME["contact_time_s"].text(0.2514), BY_NAME["contact_time_s"].text(None)
        ('251', '–')
        """
        return MISSING if value is None or not math.isfinite(value) else f"{value * self.factor:.{self.decimals}f}"


STEP_QUANTITIES: Final = (
    Shown("cadence_spm", "Cadence", "spm"),
    Shown("achilles_impulse_bws", "Calf load", "bw·s", decimals=2, modelled=True),
    Shown("contact_time_s", "Contact time", "ms", 1000.0),
    Shown("vertical_oscillation_m", "Vertical oscillation", "cm", 100.0, 1, modelled=True),
    Shown("overstride_m", "Overstride", "cm", 100.0, 1, signed=True, modelled=True),
    Shown("foot_strike_angle_deg", "Foot strike angle", "°", decimals=1, signed=True),
    Shown("duty_factor", "Duty factor", "%", 100.0, 1),
    Shown("step_length_m", "Step length", "m", decimals=2),
    Shown("speed_mps", "Speed", "km/h", 3.6, 1),
    Shown("achilles_peak_bw", "Achilles peak force", "bw", decimals=1, modelled=True),
    Shown("peak_force_bw", "Peak ground force", "bw", decimals=2, modelled=True),
    Shown("flight_time_s", "Flight time", "ms", 1000.0),
)
"""Quantities of each step, of which rolling medians are shown; columns of the steps table."""
SUMS: Final = (
    Shown("elapsed_s", "Time", ""),
    Shown("distance_m", "Distance", "km", 0.001, 2),
    Shown("calf_dose", "Calf dose so far", "k bw⁶·s", 0.001, 0, modelled=True),
    Shown("contact_asymmetry_pct", "Contact time left - right", "%", decimals=1, signed=True),
    Shown("heart_rate_bpm", "Heart rate", "bpm"),
)
"""Quantities of the run as a whole."""
BY_NAME: Final = {shown.name: shown for shown in (*STEP_QUANTITIES, *SUMS)}


def clock_text(seconds: float | None) -> str:
    """Write a span of time as a watch shows it.

    Examples
    --------
    >>> clock_text(75.4), clock_text(4210), clock_text(None)
    ('1:15', '1:10:10', '–')
    """
    if seconds is None:
        return MISSING
    hours, rest = divmod(int(seconds), 3600)
    return f"{hours}:{rest // 60:02d}:{rest % 60:02d}" if hours else f"{rest // 60}:{rest % 60:02d}"
