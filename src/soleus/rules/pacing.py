"""When a verdict may be said: held long enough, one cue at a time, seldom, and less and less often.

Learners keep what they were taught better when feedback fades (Crowell & Davis 2011, Clin Biomech, PMC3014399); many
cues at once help nobody.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from soleus.rules.expression import BIN_S

CUE_INTERVAL_S: Final = 600.0
"""Least time between two cues unless the severity rises [s] (design choice)."""
STOP: Final = 3
"""Code of the severity that overrides all."""
FADE: Final = 2.0
"""Factor by which a rule's cooldown grows each time it has spoken (design choice)."""
UNKNOWN_BINS: Final = 6
"""Bins without an answer after which a verdict starts anew: one minute (design choice)."""


@dataclass(slots=True)
class Lane:
    """One rule and foot: since when its condition holds, with hysteresis."""

    sustain_s: float
    since_s: float = math.nan
    active: bool = False
    unknown: int = 0

    @property
    def idle(self) -> bool:
        """Whether nothing is under way, so that bins in which it does not fire can be skipped."""
        return math.isnan(self.since_s)

    def advance(
        self, end_s: Sequence[float], fires: Sequence[float], holds: Sequence[float]
    ) -> list[tuple[int, float]]:
        """Go through bins; 1 fires, 0 does not, NaN is unknown and leaves things as they are for a while.

        Returns
        -------
        verdicts
            Bin and time held [s] wherever the rule fires and has done so for long enough.
        """
        verdicts: list[tuple[int, float]] = []
        for i, (end, fire, hold) in enumerate(zip(end_s, fires, holds, strict=True)):
            if math.isnan(fire):
                self.unknown += 1
                if self.unknown > UNKNOWN_BINS:
                    self._let_go()
                continue
            self.unknown = 0
            if fire == 1.0:
                if math.isnan(self.since_s):
                    self.since_s = end - BIN_S
                held = end - self.since_s
                self.active = self.active or held >= self.sustain_s
                if self.active:
                    verdicts.append((i, held))
            elif not (self.active and hold == 1.0):
                self._let_go()
        return verdicts

    def _let_go(self) -> None:
        self.since_s, self.active, self.unknown = math.nan, False, 0


@dataclass(slots=True)
class Pacing:
    """Decides which of the verdicts at one moment is said, if any."""

    last_s: float = -math.inf
    last_severity: int = -1
    stopped: bool = False
    spoken: dict[str, int] = field(default_factory=dict)
    quiet_until_s: dict[str, float] = field(default_factory=dict)

    def may_speak(self, time_s: float, rule: str, severity: int, max_per_run: int) -> bool:
        """Tell whether a rule may be said now."""
        if self.spoken.get(rule, 0) >= max_per_run or time_s < self.quiet_until_s.get(rule, -math.inf):
            return False
        if severity == STOP:
            return True
        return not self.stopped and (time_s - self.last_s >= CUE_INTERVAL_S or severity > self.last_severity)

    def said(self, time_s: float, rule: str, severity: int, cooldown_s: float) -> None:
        """Note that a rule was said as a cue in the run."""
        count = self.spoken.get(rule, 0)
        self.spoken[rule] = count + 1
        self.quiet_until_s[rule] = time_s + cooldown_s * FADE**count
        recent = time_s - self.last_s < CUE_INTERVAL_S
        self.last_severity = max(severity, self.last_severity) if recent else severity
        self.last_s = time_s
        self.stopped = self.stopped or severity == STOP
