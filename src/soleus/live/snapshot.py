"""What a live display shows at one moment, as plain values; what is not known is ``None``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from soleus.live.news import Marked, Phase, PodStatus, RunEnded, Told
from soleus.model import SEVERITIES, FloatArray, Foot, PodInfo


@dataclass(frozen=True, slots=True)
class Value:
    """A quantity by foot and of both feet; ``None`` where not known.

    Attributes
    ----------
    left, right, both
        Medians of the last :data:`~soleus.live.step_window.ROLLING_S` seconds, in SI.
    asymmetry
        Left minus right: in per cent of their mean (Robinson 1987, doi:10.1016/S0161-4754(87)80002-9), or as a
        difference in SI for quantities that pass through zero.
    """

    left: float | None = None
    right: float | None = None
    both: float | None = None
    asymmetry: float | None = None


@dataclass(frozen=True, slots=True)
class Total:
    """A sum over the run by foot and of both feet: at least this much, as unknown steps are not in it."""

    left: float
    right: float

    @property
    def both(self) -> float:
        """The sum of both feet."""
        return self.left + self.right


@dataclass(frozen=True, slots=True)
class Cue:
    """One warning as it is shown.

    Attributes
    ----------
    number
        Counts the cues of the run from 1.
    time_s, since_s
        Session time of the warning, and since when it is shown [s]: what the history alone says is told at 0.
    rule, severity, message, reference
        As in the Warnings contract.
    explanation
        What was compared with what, in one line of numbers; empty if the rule gave none.
    evidence
        The numbers behind it.
    foot
        The foot concerned; ``None`` for both.
    """

    number: int
    time_s: float
    since_s: float
    rule: str
    severity: str
    message: str
    explanation: str
    evidence: Mapping[str, Any]
    foot: Foot | None
    reference: str

    @property
    def rank(self) -> int:
        """Place among the severities, the gravest highest."""
        return SEVERITIES.index(self.severity)


@dataclass(frozen=True, slots=True)
class Lap:
    """One lap: means over its steps, ``None`` where no step knows the quantity; the last lap is still open."""

    number: int
    start_s: float
    end_s: float | None
    steps: int
    distance_m: float
    means: Mapping[str, Value]


@dataclass(frozen=True, slots=True)
class PodView:
    """A pod: what it is, how it is, and for how long nothing came from it [s]."""

    foot: Foot
    info: PodInfo | None
    status: PodStatus | None
    silent_s: float | None


@dataclass(frozen=True, slots=True)
class Trend:
    """The last minute of one quantity: medians by :data:`~soleus.live.step_window.TREND_BIN_S`, NaN where unknown.

    Attributes
    ----------
    time_s
        (n,) middle of each bin before now [s], rising to about 0.
    left, right, both
        (n,) medians in SI.
    """

    time_s: FloatArray
    left: FloatArray
    right: FloatArray
    both: FloatArray


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Everything a display shows at one moment; what is not known is ``None``.

    Attributes
    ----------
    now_s
        Session time [s].
    phase, sentence
        Where the run is, and what the runner was last told of that.
    elapsed_s
        Since the run began, held once it ended.
    values
        Name of a step quantity (:data:`~soleus.live.shown.STEP_QUANTITIES`) to its rolling medians.
    strikes
        Commonest foot strike of each foot in the rolling span.
    contact_asymmetry_pct
        Contact time, left minus right, in per cent of their mean.
    steps, distance_m
        Contacts and distance so far; ``distance_m`` is ``None`` as long as no step knew its speed.
    calf_dose, achilles_impulse_bws
        Modelled loads so far.
    dose_share
        ``calf_dose`` over the highest of one run in the last 30 days, if the history knows it.
    cue
        The cue that stands now.
    cues, told, laps, pains
        What was said, told, lapped and rated so far, the oldest first; the last lap is open.
    pods, belt_speed_mps, belt_grade, heart_rate_bpm, latency_s, on_disk_s, trouble
        As in :class:`~soleus.live.news.RunStatus`.
    suggested_cadence_spm
        The cadence that a rule last suggested.
    silent_s
        For how long no sample came from any pod [s].
    ended
        How the run ended, once it did.
    """

    now_s: float
    phase: Phase | None
    sentence: str
    elapsed_s: float | None
    values: Mapping[str, Value]
    strikes: tuple[str | None, str | None]
    contact_asymmetry_pct: float | None
    steps: int
    distance_m: float | None
    calf_dose: Total | None
    achilles_impulse_bws: Total | None
    dose_share: float | None
    cue: Cue | None
    cues: tuple[Cue, ...]
    told: tuple[Told, ...]
    laps: tuple[Lap, ...]
    pains: tuple[Marked, ...]
    pods: tuple[PodView, ...]
    belt_speed_mps: float | None
    belt_grade: float | None
    heart_rate_bpm: float | None
    latency_s: float | None
    on_disk_s: float | None
    trouble: tuple[str, ...]
    suggested_cadence_spm: float | None
    silent_s: float | None
    ended: RunEnded | None
