"""Units of the rule language: what a number is a number of, and how a person reads it."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import Final

from soleus.rules.errors import RuleError, did_you_mean

Dimension = tuple[tuple[str, float], ...]
"""Powers of base units, sorted by name: ``(("m", 1.0), ("s", -1.0))`` is a speed, ``()`` a plain ratio."""

RATIO: Final[Dimension] = ()
TIME: Final[Dimension] = (("s", 1.0),)
LENGTH: Final[Dimension] = (("m", 1.0),)
SPEED: Final[Dimension] = (("m", 1.0), ("s", -1.0))
ANGLE: Final[Dimension] = (("deg", 1.0),)
CADENCE: Final[Dimension] = (("spm", 1.0),)
FORCE: Final[Dimension] = (("bw", 1.0),)
IMPULSE: Final[Dimension] = (("bw", 1.0), ("s", 1.0))
DOSE: Final[Dimension] = (("bw", 6.0), ("s", 1.0))
STIFFNESS: Final[Dimension] = (("kN", 1.0), ("m", -1.0))

COLUMN_DIMENSIONS: Final[dict[str, Dimension]] = {
    "1": RATIO,
    "s": TIME,
    "m": LENGTH,
    "m/s": SPEED,
    "deg": ANGLE,
    "steps/min": CADENCE,
    "bw": FORCE,
    "bw·s": IMPULSE,
    "bw^6·s": DOSE,
    "kN/m": STIFFNESS,
}
"""Dimension of each unit that the steps table uses."""


@dataclass(frozen=True, slots=True)
class Unit:
    """A unit that a rule may write: its size in SI (or the field's own unit) and its dimension."""

    size: float
    dimension: Dimension


UNITS: Final[dict[str, Unit]] = {
    "ms": Unit(0.001, TIME),
    "s": Unit(1.0, TIME),
    "minute": Unit(60.0, TIME),
    "hour": Unit(3600.0, TIME),
    "day": Unit(86400.0, TIME),
    "mm": Unit(0.001, LENGTH),
    "cm": Unit(0.01, LENGTH),
    "m": Unit(1.0, LENGTH),
    "km": Unit(1000.0, LENGTH),
    "mps": Unit(1.0, SPEED),
    "deg": Unit(1.0, ANGLE),
    "spm": Unit(1.0, CADENCE),
    "bw": Unit(1.0, FORCE),
    "bws": Unit(1.0, IMPULSE),
    "kn_per_m": Unit(1.0, STIFFNESS),
    "percent": Unit(0.01, RATIO),
}
"""Units by the name they have in an expression."""

_SPELLINGS: Final = {
    "%": "percent",
    "pp": "percent",
    "°": "deg",
    "m/s": "mps",
    "min": "minute",
    "h": "hour",
    "d": "day",
    "days": "day",
    "hours": "hour",
    "bw·s": "bws",
    "kN/m": "kn_per_m",
}
"""How people write some of the units in a quantity such as ``'240 ms'`` or ``'8 %'``."""

_QUANTITY: Final = re.compile(r"\s*([-+]?\d+(?:\.\d+)?)\s*([A-Za-z%°][A-Za-z/·_%]*)\s*")


def multiply(a: Dimension, b: Dimension, power: float = 1.0) -> Dimension:
    """Multiply dimension ``a`` by ``b`` to a power.

    Examples
    --------
    >>> multiply(LENGTH, TIME, -1.0) == SPEED
    True
    """
    powers = dict(a)
    for name, exponent in b:
        powers[name] = powers.get(name, 0.0) + exponent * power
    return tuple(sorted((name, exponent) for name, exponent in powers.items() if exponent != 0.0))


def describe(dimension: Dimension) -> str:
    """Write a dimension for a message.

    Examples
    --------
    >>> describe(SPEED), describe(RATIO)
    ('m/s', 'a plain ratio')
    """
    for text, known in COLUMN_DIMENSIONS.items():
        if known == dimension and known != RATIO:
            return text
    if dimension == RATIO:
        return "a plain ratio"
    return "·".join(name if power == 1.0 else f"{name}^{power:g}" for name, power in dimension)


def quantity_expression(text: str) -> str:
    """Turn a quantity such as ``'240 ms'`` into the expression ``'240*ms'``; leave anything else as it is.

    Raises
    ------
    RuleError
        If the text is a number and a unit that is not known.

    Examples
    --------
    >>> quantity_expression("8 %"), quantity_expression("1.04 * baseline(contact_time)")
    ('8*percent', '1.04 * baseline(contact_time)')
    """
    match = _QUANTITY.fullmatch(text)
    if match is None:
        return text
    number, unit = match.groups()
    name = _SPELLINGS.get(unit, unit)
    if name not in UNITS:
        raise RuleError(f"'{text}' has an unknown unit '{unit}'{did_you_mean(unit, [*UNITS, *_SPELLINGS])}")
    return f"{number}*{name}"


_LADDERS: Final[dict[Dimension, tuple[tuple[float, float, str, int], ...]]] = {
    TIME: (
        (1.0, 0.001, "ms", 0),
        (120.0, 1.0, "s", 0),
        (7200.0, 60.0, "min", 0),
        (172800.0, 3600.0, "h", 0),
        (math.inf, 86400.0, "days", 0),
    ),
    LENGTH: ((0.02, 0.001, "mm", 0), (1.0, 0.01, "cm", 1), (1000.0, 1.0, "m", 0), (math.inf, 1000.0, "km", 2)),
    SPEED: ((math.inf, 1.0, "m/s", 1),),
    ANGLE: ((math.inf, 1.0, "°", 1),),
    CADENCE: ((math.inf, 1.0, "steps/min", 0),),
    FORCE: ((math.inf, 1.0, "bw", 2),),
    IMPULSE: ((10.0, 1.0, "bw·s", 3), (math.inf, 1.0, "bw·s", 0)),
    DOSE: ((math.inf, 1.0, "bw⁶·s", 0),),
    STIFFNESS: ((math.inf, 1.0, "kN/m", 1),),
}
"""Per dimension: below which size, in which unit (its size, sign) and with how many decimals a value is shown."""


_WHOLE_PERCENT: Final = 0.0995
"""Ratio from which per cent are shown without decimals."""


def show(value: float, dimension: Dimension, *, percent: bool = False) -> str:
    """Write a value the way a runner reads it.

    Examples
    --------
    >>> show(0.2641, TIME), show(0.161, LENGTH), show(12345.0, LENGTH), show(0.004, LENGTH)
    ('264 ms', '16.1 cm', '12.35 km', '4 mm')
    >>> show(0.052, RATIO, percent=True), show(0.52, RATIO, percent=True), show(0.52, RATIO)
    ('5.2 %', '52 %', '0.52')
    """
    if not math.isfinite(value):
        return "unknown"
    if dimension == RATIO:
        if not percent:
            return f"{value:.3g}"
        return f"{value * 100:.{0 if abs(value) >= _WHOLE_PERCENT else 1}f} %"
    for below, size, sign, decimals in _LADDERS.get(dimension, ()):
        if abs(value) < below:
            gap = "" if sign == "°" else " "
            return f"{value / size:.{decimals}f}{gap}{sign}"
    return f"{value:.3g} {describe(dimension)}"


def show_duration(seconds: float) -> str:
    """Write a span of time in full.

    Examples
    --------
    >>> show_duration(190.0), show_duration(50.0), show_duration(7260.0)
    ('3 min 10 s', '50 s', '2 h 1 min')
    """
    whole = round(seconds)
    hours, minutes, rest = whole // 3600, whole // 60 % 60, whole % 60
    parts = [f"{hours} h" if hours else "", f"{minutes} min" if minutes else "", f"{rest} s" if rest else ""]
    written = [part for part in parts if part][:2]
    return " ".join(written) or "0 s"
