"""What a check says."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Outcome(StrEnum):
    """How a check ended."""

    PASSED = "passed"
    FAILED = "failed"
    SKIPPED = "skipped"
    """The pod does not claim the feature, or it could not be tried."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """The outcome of one check.

    Attributes
    ----------
    check
        Short name.
    outcome
        How it ended.
    found
        What was seen, with numbers.
    mend
        If it failed: what the author of the firmware must mend.
    section
        Section of POD_SERVICE.md that says so.
    """

    check: str
    outcome: Outcome
    found: str
    mend: str = ""
    section: str = ""


class FaultError(Exception):
    """A check found a fault: what was seen, how to mend it, and the section of POD_SERVICE.md that says so."""

    def __init__(self, found: str, mend: str, section: str) -> None:
        super().__init__(found)
        self.found, self.mend, self.section = found, mend, section


class NotTriedError(Exception):
    """Nothing can be said, and why."""
