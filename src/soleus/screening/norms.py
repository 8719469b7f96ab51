"""What others reach in the tests, and what a difference between the sides means."""

from __future__ import annotations

from typing import Final, Literal

from soleus.model import Runner

FIRST_AGE: Final = 20
"""Age at which the norms begin."""
DECADE: Final = 10
RAISES_BY_DECADE: Final[dict[str, tuple[int, ...]]] = {
    "male": (37, 32, 28, 23, 19, 14, 10),
    "female": (30, 27, 24, 21, 19, 16, 13),
}
"""Repetitions of men and women of 20-29, 30-39, ... 80-89 years; Hébert-Losier 2017 (doi:10.1016/j.physio.2017.03.002).

Healthy adults, n = 566, 10° incline, 60 beats a minute. The table as clinics reprint it (they differ by one repetition
from each other); the median of all men is 24, of all women 21.
"""
MEDIAN_RAISES: Final[dict[str, int]] = {"male": 24, "female": 21}
"""Median repetitions of adults of all ages; Hébert-Losier 2017. Sleeswijk Visser 2025, n = 500: 25 and 24."""
PEAK_HEIGHT_CM: Final = (9.3, 9.6)
"""Median highest heel rise [cm]; Sleeswijk Visser 2025."""
ASPIRATION: Final = 40
"""What many runners aim at: clinicians' opinion, far above the population's median, with no study behind it."""
WATCH: Final = 30
"""Below it clinicians speak of lower endurance in runners; opinion as well."""
SAME_RAISES: Final = 6
"""Limits of agreement of test and retest, repetitions; Hébert-Losier 2017."""
SAME_SHARE: Final = 0.15
"""Difference that counts as none, as a share of the better side, where that is larger (design choice)."""
SAME_DEG: Final = 5.0
"""Difference of ankle range that is beyond the error of the test (4.7°, Powden 2015) [°]."""
LOW_DEG: Final = 35.0
"""Ankle range that counts as little [°]; provisional."""


def usual_raises(runner: Runner) -> int | None:
    """Give what is common for a runner's sex and age; ``None`` if either is unknown or beyond the norms.

    Examples
    --------
    >>> usual_raises(Runner(sex="female", age_years=43)), usual_raises(Runner(sex="male"))
    (24, None)
    """
    if runner.sex not in RAISES_BY_DECADE or runner.age_years is None:
        return None
    norms = RAISES_BY_DECADE[runner.sex]
    decade = (runner.age_years - FIRST_AGE) // DECADE
    return norms[decade] if 0 <= decade < len(norms) else None


def raises_in_words(repetitions: int, runner: Runner, knee: Literal["straight", "bent"] = "straight") -> str:
    """Put a count beside what others reach and what runners aim at.

    Examples
    --------
    >>> raises_in_words(26, Runner(sex="male", age_years=35))
    '26 (32 are common for men of 30-39; runners aim at 40). Fewer than 30 may suggest lower endurance.'
    >>> raises_in_words(41, Runner())
    '41 (population median 21-24; the 40 that runners aim at are met).'
    >>> raises_in_words(26, Runner(), "bent")
    '26 with the knee bent (no norms are used; compare your two sides, and yourself over time).'
    """
    if knee == "bent":
        return f"{repetitions} with the knee bent (no norms are used; compare your two sides, and yourself over time)."
    met = repetitions >= ASPIRATION
    aim = f"the {ASPIRATION} that runners aim at are met" if met else f"runners aim at {ASPIRATION}"
    words = f"{repetitions} ({_norm_in_words(runner)}; {aim})."
    return f"{words} Fewer than {WATCH} may suggest lower endurance." if repetitions < WATCH else words


def _norm_in_words(runner: Runner) -> str:
    usual = usual_raises(runner)
    people = {"male": "men", "female": "women"}.get(runner.sex or "", "")
    if usual is not None and runner.age_years is not None:
        first = runner.age_years // DECADE * DECADE
        return f"{usual} are common for {people} of {first}-{first + DECADE - 1}"
    if people:
        return f"population median of {people} {MEDIAN_RAISES[runner.sex or '']}"
    low, high = sorted(MEDIAN_RAISES.values())
    return f"population median {low}-{high}"


def sides_in_words(left: float, right: float, kind: Literal["raises", "degrees"]) -> str:
    """Say whether two sides differ by more than the test's own error.

    Examples
    --------
    >>> sides_in_words(30, 25, "raises")
    'Left and right do not differ by more than the test can tell (6).'
    >>> sides_in_words(41.0, 33.0, "degrees")
    'The right ankle has 8° less, which is beyond the error of the test (5°).'
    """
    if kind == "raises":
        limit = max(SAME_RAISES, SAME_SHARE * max(left, right))
        amount, what, beyond = f"{abs(left - right):.0f} fewer", "leg", f"({limit:.0f})"
    else:
        limit = SAME_DEG
        amount, what, beyond = f"{abs(left - right):.0f}° less", "ankle", f"({limit:.0f}°)"
    if abs(left - right) <= limit:
        return f"Left and right do not differ by more than the test can tell {beyond}."
    side = "left" if left < right else "right"
    return f"The {side} {what} has {amount}, which is beyond the error of the test {beyond}."
