"""What others reach in the tests, and what a difference between the sides means."""

from __future__ import annotations

from typing import Final, Literal

from soleus.model import Runner

MEDIAN_RAISES: Final[dict[str, int]] = {"male": 24, "female": 21}
"""Median repetitions of adults on a 10° incline at 60 beats a minute; Hébert-Losier 2017
(doi:10.1016/j.physio.2017.03.002), n = 566. Sleeswijk Visser 2025, n = 500: 25 and 24."""
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
SEX_DIFFERENCE_UNTIL: Final = 60
"""Age from which men and women no longer differ; Hébert-Losier 2017."""


def raises_in_words(repetitions: int, runner: Runner) -> str:
    """Put a count beside what others reach and what runners aim at.

    Examples
    --------
    >>> raises_in_words(26, Runner(sex="male", age_years=35))
    '26: population median of men 24; runners aim at 40. Fewer than 30 may suggest lower endurance.'
    """
    words = f"{repetitions}: {_median_in_words(runner)}; runners aim at {ASPIRATION}."
    if repetitions < WATCH:
        return f"{words} Fewer than {WATCH} may suggest lower endurance."
    return (
        words
        if repetitions < ASPIRATION
        else f"{repetitions}: {_median_in_words(runner)}; the {ASPIRATION} that runners aim at are met."
    )


def _median_in_words(runner: Runner) -> str:
    old = runner.age_years is not None and runner.age_years > SEX_DIFFERENCE_UNTIL
    if runner.sex in MEDIAN_RAISES and not old:
        people = "men" if runner.sex == "male" else "women"
        return f"population median of {people} {MEDIAN_RAISES[runner.sex]}"
    low, high = sorted(MEDIAN_RAISES.values())
    return f"population median {low}-{high}" + (", less with age" if old else "")


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
