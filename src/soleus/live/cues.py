"""Warnings as cues: what was said, and which of them stands now."""

from __future__ import annotations

import json
import math
from collections import deque
from typing import Final

from soleus.live.snapshot import Cue
from soleus.model import SEVERITIES, Foot, Warnings

CUE_SHOWN_S: Final = {"info": 20.0, "notice": 30.0, "caution": 45.0, "stop": math.inf}
"""How long a cue stands [s] (design choice); a stop stands until the end."""
CUES_KEPT: Final = 500
"""Cues remembered: beyond what the rules say in a day's run."""
CADENCE_NAMES: Final = ("target", "low")
"""Names under which the evidence of the rules that come along holds a cadence to try."""
CADENCES_SPM: Final = (100.0, 260.0)
"""What can be a cadence of running [spm]; a number of that name beyond it is something else, of somebody's own rule."""


class Cues:
    """The cues of one run.

    Examples
    --------
    >>> cues = Cues()
    >>> cues.take(Warnings.from_rows([(62.0, "pain", 3, "Stop or walk.", "{}", -1, "")]), 62.4)
    >>> cues.standing(3600.0).message
    'Stop or walk.'
    """

    def __init__(self) -> None:
        self._said: deque[Cue] = deque(maxlen=CUES_KEPT)
        self._count = 0
        self._standing: Cue | None = None
        self.suggested_cadence_spm: float | None = None
        """The cadence that a rule last suggested."""

    @property
    def said(self) -> tuple[Cue, ...]:
        """All cues, the oldest first."""
        return tuple(self._said)

    def take(self, warnings: Warnings, now_s: float) -> None:
        """Take warnings given at a session time [s]."""
        for i in range(len(warnings)):
            self._count += 1
            cue = _cue(warnings, i, self._count, now_s)
            self._said.append(cue)
            standing = self.standing(cue.since_s)
            if standing is None or cue.rank >= standing.rank:
                self._standing = cue
            self.suggested_cadence_spm = _suggested_spm(cue) or self.suggested_cadence_spm

    def standing(self, now_s: float) -> Cue | None:
        """Give the cue that stands: the newest, unless a graver one has not had its time."""
        cue = self._standing
        return None if cue is None or now_s - cue.since_s > CUE_SHOWN_S[cue.severity] else cue


def _suggested_spm(cue: Cue) -> float | None:
    low, high = CADENCES_SPM
    for name in CADENCE_NAMES:
        value = cue.evidence.get(name)
        if isinstance(value, int | float) and low <= value <= high:
            return float(value)
    return None


def _cue(warnings: Warnings, i: int, number: int, now_s: float) -> Cue:
    evidence = json.loads(warnings["evidence"][i] or "{}")
    time_s, code = float(warnings["time_s"][i]), int(warnings["foot"][i])
    return Cue(
        number=number,
        time_s=time_s,
        since_s=max(time_s, now_s),
        rule=str(warnings["rule"][i]),
        severity=SEVERITIES[int(warnings["severity"][i])],
        message=str(warnings["message"][i]),
        explanation=str(evidence.pop("explanation", "")),
        evidence=evidence,
        foot=None if code < 0 else Foot(code),
        reference=str(warnings["reference"][i]),
    )
