"""What the radio hands out, in the order in which it happened. Times are session times [s]."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias

from soleus.ingest.clock import Arrival, ClockReport, Exchange
from soleus.ingest.heart_rate import HeartRateReading
from soleus.ingest.treadmill import TreadmillReading
from soleus.model import Belt, Foot, PodInfo, PodSamples


class LossCause(StrEnum):
    """Why samples are missing."""

    POD = "lost inside the pod"
    OVERWRITTEN = "no longer in the pod's memory when asked for"
    WAIT = "not brought within the time they were waited for"
    AIR = "lost on the way; this pod cannot send them again"
    RESTART = "lost with a restart of the pod (estimated from the time without samples)"
    UNPAIRED = "came from one sensor of the pod only"
    NO_TIME = "came before the pod's clock was known and the recording ended"


@dataclass(frozen=True, slots=True)
class PodReady:
    """A pod is about to stream; comes before its samples, and again if its information changed."""

    time_s: float
    device: str
    info: PodInfo
    battery_pct: int | None = None


@dataclass(frozen=True, slots=True)
class SamplesIn:
    """Samples of one pod, in the pod's order: each event begins where the last of the same pod ended."""

    device: str
    first_index: int
    samples: PodSamples


@dataclass(frozen=True, slots=True)
class LateSamples:
    """Samples that came after the hole they belong to was declared; for the record, not for the live analysis."""

    device: str
    first_index: int
    samples: PodSamples


@dataclass(frozen=True, slots=True)
class SamplesHeld:
    """Samples that came and are held back until their time or what comes before them is known, for safekeeping.

    They come again in :class:`SamplesIn`. Their times are provisional: good to the time on the way, some 20 ms.
    """

    device: str
    first_index: int
    samples: PodSamples


@dataclass(frozen=True, slots=True)
class ClockRecords:
    """What ties a pod's clock to the session's, in order, what came since the last: all that its mapping rests on."""

    time_s: float
    device: str
    records: tuple[Arrival | Exchange, ...]


@dataclass(frozen=True, slots=True)
class HoleDeclared:
    """Samples ``first_index`` to ``first_index + samples`` will not come in order; their cause."""

    time_s: float
    device: str
    foot: Foot
    first_index: int
    samples: int
    cause: LossCause


@dataclass(frozen=True, slots=True)
class BeltIn:
    """One reading of the treadmill; ``belt`` has one row. Speed or grade are NaN where it tells none."""

    device: str
    belt: Belt
    reading: TreadmillReading


@dataclass(frozen=True, slots=True)
class HeartRateIn:
    """One reading of the heart-rate strap."""

    time_s: float
    device: str
    reading: HeartRateReading


@dataclass(frozen=True, slots=True)
class BatteryTold:
    """Battery level of a device [%]."""

    time_s: float
    device: str
    battery_pct: int


@dataclass(frozen=True, slots=True)
class LinkLost:
    """A device does not answer any more; it is looked for."""

    time_s: float
    device: str
    sentence: str


@dataclass(frozen=True, slots=True)
class LinkUp:
    """A device streams; ``outage_s`` since the link was lost, ``None`` the first time."""

    time_s: float
    device: str
    outage_s: float | None
    mtu: int


@dataclass(frozen=True, slots=True)
class LinkGivenUp:
    """A device was looked for long enough."""

    time_s: float
    device: str
    sentence: str


@dataclass(frozen=True, slots=True)
class PodRestarted:
    """A pod began anew: its clock and its sample index start again."""

    time_s: float
    device: str


@dataclass(frozen=True, slots=True)
class ClockTold:
    """How well a pod's clock is known."""

    time_s: float
    device: str
    report: ClockReport


@dataclass(frozen=True, slots=True)
class Trouble:
    """Something the user should know, in one sentence."""

    time_s: float
    device: str
    sentence: str


@dataclass(frozen=True, slots=True)
class Ended:
    """The radio has stopped; nothing follows."""

    time_s: float


Event: TypeAlias = (
    PodReady
    | SamplesIn
    | LateSamples
    | SamplesHeld
    | ClockRecords
    | HoleDeclared
    | BeltIn
    | HeartRateIn
    | BatteryTold
    | LinkLost
    | LinkUp
    | LinkGivenUp
    | PodRestarted
    | ClockTold
    | Trouble
    | Ended
)
