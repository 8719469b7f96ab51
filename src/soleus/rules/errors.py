"""The error of this room, and the hint that goes with an unknown name."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class RuleError(ValueError):
    """A rule, an expression or a rule file that cannot be used; the message names where and the mend."""


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Give the hint for an unknown name: the nearest known one, or nothing.

    Examples
    --------
    >>> did_you_mean("contact_tiem", ["contact_time", "cadence"])
    "; did you mean 'contact_time'?"
    """
    near = difflib.get_close_matches(name, list(known), n=1, cutoff=0.5)
    return f"; did you mean '{near[0]}'?" if near else ""
