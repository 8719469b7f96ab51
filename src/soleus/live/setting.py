"""How a run goes."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class RunSetting:
    """How a run goes.

    Attributes
    ----------
    stand_still
        Check the pods while the runner stands still.
    wait_for_start
        Begin when :meth:`LiveRun.start` is called, not at once.
    seconds
        End after so much session time since it began [s].
    until_s
        End at this session time [s].
    """

    stand_still: bool = True
    wait_for_start: bool = False
    seconds: float | None = None
    until_s: float | None = None
