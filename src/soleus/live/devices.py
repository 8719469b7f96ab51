"""What is known of each pod while it streams."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Final

from soleus.ingest.ble.events import LossCause
from soleus.ingest.ble.pod_stream import PodCounts
from soleus.ingest.clock import ClockReport
from soleus.live.news import PodStatus
from soleus.model import Foot, PodInfo

MILLI: Final = 1e-3


@dataclass(slots=True)
class Pod:
    """One pod.

    Attributes
    ----------
    info
        What it is; ``None`` before it is ready.
    device
        Its name among the source's events.
    lost
        Samples that will not come, by cause.
    """

    foot: Foot
    rssi_dbm: int | None = None
    info: PodInfo | None = None
    device: str = ""
    connected: bool = False
    battery_pct: int | None = None
    received: int = 0
    lost: Counter[LossCause] = field(default_factory=Counter)
    links_lost: int = 0
    last_sample_s: float | None = None
    clock: ClockReport | None = None

    @property
    def status(self) -> PodStatus:
        """How it is now."""
        return PodStatus(
            foot=self.foot,
            connected=self.connected,
            battery_pct=self.battery_pct,
            rssi_dbm=self.rssi_dbm,
            received=self.received,
            lost=sum(self.lost.values()),
            last_sample_s=self.last_sample_s,
            clock_error_ms=clock_error_ms(self.clock),
        )


class Pods:
    """The pods of a run.

    Parameters
    ----------
    feet
        Feet that should have one.
    rssi_dbm
        Signal strength as scanned, as far as known.
    """

    def __init__(self, feet: Collection[Foot], rssi_dbm: Mapping[Foot, int]) -> None:
        self._pods = {foot: Pod(foot, rssi_dbm.get(foot)) for foot in sorted(feet)}

    def __getitem__(self, foot: Foot) -> Pod:
        return self._pods.setdefault(foot, Pod(foot))

    def of_device(self, device: str) -> Pod | None:
        """Find the pod that a device of the source is."""
        return next((pod for pod in self._pods.values() if pod.device == device), None)

    @property
    def infos(self) -> dict[Foot, PodInfo]:
        """The pods that are ready."""
        return {foot: pod.info for foot, pod in sorted(self._pods.items()) if pod.info is not None}

    @property
    def missing(self) -> tuple[Foot, ...]:
        """Feet whose pod is not ready yet."""
        return tuple(foot for foot, pod in self._pods.items() if pod.info is None)

    @property
    def statuses(self) -> tuple[PodStatus, ...]:
        """How each is now."""
        return tuple(pod.status for _, pod in sorted(self._pods.items()))

    @property
    def troubles(self) -> tuple[str, ...]:
        """What is wrong now, one sentence each."""
        return tuple(
            f"The {foot.label} pod does not answer."
            for foot, pod in sorted(self._pods.items())
            if pod.info is not None and not pod.connected
        )

    def all(self) -> tuple[Pod, ...]:
        """List them by foot."""
        return tuple(pod for _, pod in sorted(self._pods.items()))

    def by_foot(self, counts: Mapping[str, PodCounts]) -> dict[Foot, PodCounts]:
        """Give counts by foot that a source gives by device."""
        return {pod.foot: counts[pod.device] for pod in self.all() if pod.device in counts}


def clock_error_ms(report: ClockReport | None) -> float | None:
    """Tell how well a pod's clock is known [ms]; ``None`` if nobody knows."""
    if report is None or report.precision_s is None:
        return None
    return (report.precision_s + (report.bias_bound_s or 0.0)) / MILLI
