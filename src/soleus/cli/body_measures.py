"""Body measures as people type them."""

from __future__ import annotations

import re
from typing import Final

from soleus.cli.errors import UsageError

METRES_PER_INCH: Final = 0.0254
"""International inch [m] (1959 agreement)."""
INCHES_PER_FOOT: Final = 12
KILOGRAMS_PER_POUND: Final = 0.45359237
"""International pound [kg] (1959 agreement)."""
MIN_HEIGHT_M, MAX_HEIGHT_M = 1.0, 2.5
MIN_MASS_KG, MAX_MASS_KG = 20.0, 250.0
"""The bounds of :class:`soleus.model.Runner`."""

_NUMBER: Final = r"(\d{1,4}(?:[.,]\d{1,6})?)"
_HEIGHT: Final = re.compile(rf"{_NUMBER}\s*(m|cm)")
_FEET: Final = re.compile(r"(\d)\s*(?:ft|')\s*(?:(\d{1,2}(?:[.,]\d)?)\s*(?:in|\"|'')?)?")
_MASS: Final = re.compile(rf"{_NUMBER}\s*(kg|lb|lbs)")


def parse_height(text: str) -> float:
    """Read a height with its unit [m].

    Raises
    ------
    UsageError
        If the unit is missing or unknown, or nobody is that tall.

    Examples
    --------
    >>> parse_height("1.78m"), parse_height("178 cm"), round(parse_height("5ft10"), 3)
    (1.78, 1.78, 1.778)
    """
    plain = text.strip().lower()
    if match := _HEIGHT.fullmatch(plain):
        height_m = _number(match[1]) / (100.0 if match[2] == "cm" else 1.0)
    elif match := _FEET.fullmatch(plain):
        height_m = (int(match[1]) * INCHES_PER_FOOT + _number(match[2] or "0")) * METRES_PER_INCH
    else:
        raise UsageError(f"height '{text}': not understood; write it with its unit, such as 1.78m, 178cm or 5ft10")
    if not MIN_HEIGHT_M <= height_m <= MAX_HEIGHT_M:
        raise UsageError(f"height '{text}': {height_m:g} m is not between 1 m and 2.5 m; check the unit")
    return height_m


def parse_mass(text: str) -> float:
    """Read a body mass with its unit [kg].

    Raises
    ------
    UsageError
        If the unit is missing or unknown, or nobody weighs that.

    Examples
    --------
    >>> parse_mass("70kg"), round(parse_mass("154 lb"), 1)
    (70.0, 69.9)
    """
    match = _MASS.fullmatch(text.strip().lower())
    if match is None:
        raise UsageError(f"mass '{text}': not understood; write it with its unit, such as 70kg or 154lb")
    mass_kg = _number(match[1]) * (1.0 if match[2] == "kg" else KILOGRAMS_PER_POUND)
    if not MIN_MASS_KG <= mass_kg <= MAX_MASS_KG:
        raise UsageError(f"mass '{text}': {mass_kg:g} kg is not between 20 kg and 250 kg; check the unit")
    return mass_kg


def _number(text: str) -> float:
    return float(text.replace(",", "."))
