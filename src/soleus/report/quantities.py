"""The quantities that a report shows: names, the units people read, how they come about, what they cannot tell."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

MISSING: Final = "–"
"""What stands for a number that is not known."""


@dataclass(frozen=True, slots=True)
class Quantity:
    """One quantity.

    Attributes
    ----------
    signal, column
        Its name in the rule language, and its column of the Steps table.
    label, unit
        What people call it, and the unit they read.
    factor
        From the column's unit to that one.
    decimals
        Decimals that mean something.
    limit
        Smallest change within a run that is worth a word: a share of the reference, or ``limit_absolute`` in the
        column's unit.
    worse
        Sign of the change that a tiring or overloaded calf goes with; 0 if either tells something.
    method, limits
        How it is found, and what it cannot tell.
    """

    signal: str
    column: str
    label: str
    unit: str
    factor: float
    decimals: int
    method: str
    limits: str
    limit: float | None = None
    limit_absolute: float | None = None
    worse: int = 0

    def show(self, value: float | None, *, unit: bool = True) -> str:
        """Write a value the way people read it.

        Examples
        --------
        >>> quantity("contact_time").show(0.2483), quantity("contact_time").show(float("nan"))
        ('248 ms', '–')
        """
        if value is None or not math.isfinite(value):
            return MISSING
        text = number(value * self.factor, self.decimals)
        return f"{text}{self._space}{self.unit}" if unit else text

    def show_change(self, value: float | None) -> str:
        """Write a difference with its sign.

        Examples
        --------
        >>> quantity("overstride").show_change(-0.0123)
        '-1.2 cm'
        """
        if value is None or not math.isfinite(value):
            return MISSING
        return f"{signed(value * self.factor, self.decimals)}{self._space}{self.unit}"

    @property
    def _space(self) -> str:
        return "" if self.unit == "°" else " "

    @property
    def title(self) -> str:
        """Name and unit."""
        return f"{self.label} [{self.unit}]"

    def beyond(self, reference: float, change: float) -> bool:
        """Tell whether a change is worth a word: large enough, and in a direction that tells something.

        Examples
        --------
        >>> quantity("contact_time").beyond(0.250, 0.011), quantity("contact_time").beyond(0.250, -0.011)
        (True, False)
        """
        size = self.limit_absolute if self.limit is None else self.limit * abs(reference)
        if size is None or not math.isfinite(change):
            return False
        return (abs(change) if self.worse == 0 else change * self.worse) >= size


def in_sentence(label: str) -> str:
    """Write a label as it stands inside a sentence.

    Examples
    --------
    >>> in_sentence("Contact time"), in_sentence("Achilles peak force")
    ('contact time', 'Achilles peak force')
    """
    return label if label.startswith("Achilles") else label[:1].lower() + label[1:]


def number(value: float, decimals: int = 0) -> str:
    """Write a number, thousands apart by a narrow space.

    Examples
    --------
    >>> number(-0.04, 1), number(12345.6)
    ('0.0', '12\u202f346')
    """
    if not math.isfinite(value):
        return MISSING
    text = f"{value:,.{decimals}f}".replace(",", "\u202f")
    return text.removeprefix("-") if not float(f"{value:.{decimals}f}") else text


def signed(value: float, decimals: int = 0) -> str:
    """Write a number with its sign.

    Examples
    --------
    >>> signed(0.042 * 100, 1)
    '+4.2'
    """
    if not math.isfinite(value):
        return MISSING
    text = number(value, decimals)
    return text if text.startswith("-") or not float(f"{value:.{decimals}f}") else f"+{text}"


def percent(share: float, decimals: int = 0) -> str:
    """Write a share in per cent; what is not all is never rounded up to all, nor what is something down to nothing.

    Examples
    --------
    >>> percent(0.9996), percent(1.0), percent(0.0002)
    ('> 99 %', '100 %', '< 1 %')
    """
    if not math.isfinite(share):
        return MISSING
    step = 10.0**-decimals
    if 0.0 < share < 1.0 and round(100 * share, decimals) in {0.0, 100.0}:
        bound = number(step if share < 0.5 else 100 - step, decimals)  # noqa: PLR2004
        return f"{'<' if share < 0.5 else '>'} {bound} %"  # noqa: PLR2004
    return f"{number(100 * share, decimals)} %"


def clock(seconds: float) -> str:
    """Write a session time as people read it.

    Examples
    --------
    >>> clock(75.4), clock(4210)
    ('1:15', '1:10:10')
    """
    if not math.isfinite(seconds):
        return MISSING
    whole = round(abs(seconds))
    hours, rest = divmod(whole, 3600)
    text = f"{hours}:{rest // 60:02d}:{rest % 60:02d}" if hours else f"{rest // 60}:{rest % 60:02d}"
    return f"-{text}" if seconds < 0 and whole else text


def pace(speed_mps: float) -> str:
    """Write a speed as minutes a kilometre.

    Examples
    --------
    >>> pace(3.333), pace(0.0)
    ('5:00', '–')
    """
    return clock(1000.0 / speed_mps) if speed_mps > _SLOWEST_MPS else MISSING


_SLOWEST_MPS: Final = 0.2
"""Below this a pace says nothing [m/s]."""

_FITTED: Final = "fitted on the instrumented-treadmill runs of Fukuchi et al. 2017 (doi:10.7717/peerj.3298)"
_SPRING: Final = "spring-mass model of Morin et al. 2005 (doi:10.1123/jab.21.2.167)"

QUANTITIES: Final = (
    Quantity(
        "contact_time", "contact_time_s", "Contact time", "ms", 1000.0, 0,
        "Toe-off minus initial contact, both found in the pods' angular rate and acceleration (features after "
        f"Falbriard et al. 2018, doi:10.3389/fphys.2018.00610; timing {_FITTED}); a contact is what a force plate "
        "shows above 50 N.",
        "Single steps are good to a few milliseconds. Long contact is a marker of fatigue, not its cause: at equal "
        "cadence it even lowers the modelled peak force.",
        limit=0.04, worse=1,
    ),
    Quantity(
        "cadence", "cadence_spm", "Cadence", "steps/min", 1.0, 1,
        "60 s over the time from one foot's contact to the other's.",
        "Steps of both feet; watches that count strides show half of it. No cadence fits all.",
        limit=0.02, worse=-1,
    ),
    Quantity(
        "achilles_impulse", "achilles_impulse_bws", "Achilles impulse a step", "bw·s", 1.0, 3,
        "Modelled: body weight times a lever (how far the centre of pressure runs ahead of the ankle, a linear model "
        f"of the foot's pose at contact and of speed, {_FITTED}), over the tendon's moment arm (5 cm at 1.75 m "
        "height), summed over the contact.",
        "A model: absolute values are ±12 % at best and differ between methods by a factor of two. Compare a runner "
        "with himself; under 5 % nothing can be told. Runners differ for reasons that foot pods do not see.",
        limit=0.05, worse=1,
    ),
    Quantity(
        "achilles_peak", "achilles_peak_bw", "Achilles peak force", "bw", 1.0, 2,
        "Peak of the same modelled tendon force, in body weights.",
        "As the impulse. It rises with speed; impulse a kilometre falls with it.",
        limit=0.05, worse=1,
    ),
    Quantity(
        "vertical_oscillation", "vertical_oscillation_m", "Vertical oscillation", "cm", 100.0, 1,
        f"Rise and fall of the centre of mass from contact and step time ({_SPRING}, {_FITTED}).",
        "±1 cm absolute, changes to about 3 mm. Runners with calf strains did not bounce more than others.",
        limit_absolute=0.005, worse=1,
    ),
    Quantity(
        "overstride", "overstride_m", "Overstride", "cm", 100.0, 1,
        "Modelled distance of the heel ahead of the pelvis at contact: a linear model of speed, contact time, foot "
        f"pose and height, {_FITTED}.",
        "±1 to 2.5 cm absolute; level ground only. That calf-strain runners reach further (15.8 against 13.3 cm at "
        "3.2 m/s, Bramah et al. 2021, doi:10.26603/001c.22971) is an association.",
        limit_absolute=0.01, worse=1,
    ),
    Quantity(
        "foot_strike_angle", "foot_strike_angle_deg", "Foot strike angle", "°", 1.0, 1,
        "Pitch of the foot at contact against the same stride's flat foot; rearfoot above 8°, forefoot below -1.6° "
        "(Altman & Davis 2012, doi:10.1016/j.gaitpost.2011.09.104).",
        "±2°. No strike is ideal; a change within the run tells more than the value.",
        limit_absolute=3.0, worse=0,
    ),
    Quantity(
        "leg_stiffness", "leg_stiffness_kn_per_m", "Leg stiffness", "kN/m", 1.0, 1,
        f"Peak force over the shortening of the leg ({_SPRING}).",
        "Level ground only, needs mass and height.",
        limit=0.06, worse=-1,
    ),
    Quantity(
        "duty_factor", "duty_factor", "Duty factor", "%", 100.0, 1,
        "Contact time over stride time.",
        "As contact time.",
        limit_absolute=0.015, worse=1,
    ),
    Quantity(
        "flight_time", "flight_time_s", "Flight time", "ms", 1000.0, 0,
        "From toe-off to the other foot's contact.",
        "Needs both pods.",
    ),
)  # fmt: skip
"""What is shown, the most telling first.

The limits are those of the rules for changes within a run (``soleus rules list``): design choices on what a pod can
tell; no calf-specific smallest worthwhile change has been published.
"""

SHOWN: Final = tuple(each.signal for each in QUANTITIES[:7])
"""Quantities that get a figure of their own."""
_BY_SIGNAL: Final = {each.signal: each for each in QUANTITIES}


def quantity(signal: str) -> Quantity:
    """Look a quantity up by its name in the rule language."""
    return _BY_SIGNAL[signal]
