"""Events of the source, one by one: into the recording, into what waits for the analysis, into news."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any, Final, TypeAlias

import numpy as np

from soleus.ingest.ble.events import (
    BatteryTold,
    BeltIn,
    ClockRecords,
    ClockTold,
    Ended,
    Event,
    HeartRateIn,
    HoleDeclared,
    LateSamples,
    LinkGivenUp,
    LinkLost,
    LinkUp,
    PodReady,
    PodRestarted,
    SamplesHeld,
    SamplesIn,
    Trouble,
)
from soleus.live.devices import Pod, Pods
from soleus.live.news import News, PodJoined, SamplesTaken
from soleus.live.recorder import Recorder
from soleus.model import Belt, Foot, PodSamples

LinkNews: TypeAlias = LinkLost | LinkUp | LinkGivenUp | PodRestarted | Trouble
DeviceNews: TypeAlias = PodReady | ClockTold | ClockRecords | BatteryTold | LinkNews

LINK_EVENTS: Final = {
    LinkLost: "link_lost",
    LinkUp: "link_up",
    LinkGivenUp: "link_given_up",
    PodRestarted: "pod_restarted",
    Trouble: "trouble",
}
"""What they are called in the recording."""
LOW_BATTERY_PCT: Final = 10
"""A level [%] to be told of: an hour of most pods."""
HOLES_S: Final = 10.0
"""Holes are told together, this often at most [s]."""


class Intake:
    """Take the events of a run.

    Session time zero is that of the source until :meth:`open`, then the moment of that: what was sampled before does
    not belong to the run.

    Parameters
    ----------
    pods
        What is known of each pod; brought up to date.
    recorder
        Gets everything.
    tell
        Takes a sentence for the runner.
    give
        Takes news.

    Attributes
    ----------
    samples, belts
        What waits for the analysis, in order.
    ended
        Whether the source has nothing more.
    zero_s
        Session time zero in the source's time [s].
    belt_speed_mps, belt_grade, heart_rate_bpm
        As last read.
    newest_s
        Session time of the newest sample [s].
    """

    def __init__(
        self, pods: Pods, recorder: Recorder, tell: Callable[[str], None], give: Callable[[News], None]
    ) -> None:
        self.samples: list[PodSamples] = []
        self.belts: list[Belt] = []
        self.all_belts: list[Belt] = []
        self.ended = False
        self.zero_s = 0.0
        self.belt_speed_mps: float | None = None
        self.belt_grade: float | None = None
        self.heart_rate_bpm: float | None = None
        self.newest_s = -np.inf
        self._oldest_s = np.inf
        self._pods = pods
        self._recorder = recorder
        self._tell = tell
        self._give = give
        self._is_open = False
        self._look: Callable[[PodSamples], None] | None = None
        self._holes: dict[tuple[Foot, str], int] = {}
        self._holes_told_s = -np.inf

    @property
    def is_open(self) -> bool:
        """Whether what comes belongs to the run."""
        return self._is_open

    @property
    def span_s(self) -> tuple[float, float]:
        """First and last session time of any sample [s]."""
        return (self._oldest_s, self.newest_s) if self.newest_s >= self._oldest_s else (0.0, 0.0)

    def open(self, zero_s: float) -> None:
        """Let what comes from now on belong to the run, whose time zero this is in the source's time [s]."""
        self.zero_s = zero_s
        self._is_open = True
        for pod in self._pods.all():
            pod.last_sample_s = None if pod.last_sample_s is None else pod.last_sample_s - zero_s
        if self.belt_speed_mps is not None:
            grade = np.nan if self.belt_grade is None else self.belt_grade
            self._take_belt(Belt(np.array([0.0]), np.array([self.belt_speed_mps]), np.array([grade])))

    def look(self, look: Callable[[PodSamples], None] | None) -> None:
        """Show all samples to somebody, too."""
        self._look = look

    def time_s(self, source_s: float) -> float:
        """Turn a time of the source into session time [s]."""
        return source_s - self.zero_s

    def take(self, event: Event) -> None:
        """Take one event."""
        match event:
            case SamplesIn():
                self._take_samples(event.samples)
                self._held_done(event.samples.foot, event.first_index + len(event.samples), event.samples)
            case SamplesHeld():
                if self._is_open:
                    self._recorder.take_held(dataclasses.replace(event, samples=self._shifted(event.samples)))
            case LateSamples():
                if self._is_open:
                    self._recorder.take_late(dataclasses.replace(event, samples=self._shifted(event.samples)))
            case HoleDeclared():
                self._take_hole(event)
            case BeltIn():
                self._take_belt(self._shifted_belt(event.belt))
            case HeartRateIn():
                self._take_heart_rate(event)
            case Ended():
                self.ended = True
            case _:
                self._take_news(event)

    def _take_news(self, event: DeviceNews) -> None:
        """Take what a device tells of itself."""
        match event:
            case PodReady():
                self._take_pod(event)
            case ClockTold() | ClockRecords():
                self._take_clock(event)
            case BatteryTold():
                self._take_battery(event)
            case _:
                self._take_link(event)

    def _held_done(self, foot: Foot, index: int | None, samples: PodSamples) -> None:
        self._recorder.held_done(foot, index, self.time_s(float(samples.time_s[-1])) if len(samples) else 0.0)

    def look_after(self, now_s: float) -> None:
        """Tell what was gathered to be told together."""
        if self._holes and now_s - self._holes_told_s >= HOLES_S:
            self._holes_told_s = now_s
            for (foot, cause), samples in self._holes.items():
                self._tell(f"{samples} samples of the {foot.label} pod are missing: {cause}.")
            self._holes.clear()

    def _shifted(self, samples: PodSamples) -> PodSamples:
        """Give samples their session time; leave out those from before the run."""
        if not self.zero_s:
            return samples
        time_s = samples.time_s - self.zero_s
        first = int(np.searchsorted(time_s, 0.0))
        return PodSamples(samples.foot, time_s[first:], samples.counts[:, first:])

    def _shifted_belt(self, belt: Belt) -> Belt:
        return dataclasses.replace(belt, time_s=belt.time_s - self.zero_s) if self.zero_s else belt

    def _take_samples(self, samples: PodSamples) -> None:
        samples = self._shifted(samples)
        if not len(samples):
            return
        pod = self._pods[samples.foot]
        pod.connected = True
        pod.last_sample_s = float(samples.time_s[-1])
        if self._look is not None:
            self._look(samples)
        if not self._is_open:
            return
        pod.received += len(samples)
        self.newest_s = max(self.newest_s, pod.last_sample_s)
        self._oldest_s = min(self._oldest_s, float(samples.time_s[0]))
        self._recorder.take_samples(samples)
        self.samples.append(samples)
        self._give(SamplesTaken(samples))

    def _take_belt(self, belt: Belt) -> None:
        speed, grade = float(belt.speed_mps[-1]), float(belt.grade[-1])
        self.belt_speed_mps = speed if np.isfinite(speed) else None
        self.belt_grade = grade if np.isfinite(grade) else None
        if self._is_open:
            self._recorder.take_belt(belt)
            self.belts.append(belt)
            self.all_belts.append(belt)

    def _take_heart_rate(self, event: HeartRateIn) -> None:
        rate = event.reading.rate_bpm
        self.heart_rate_bpm = None if rate is None else float(rate)
        if rate is not None and self._is_open:
            self._recorder.take_heart_rate(self.time_s(event.time_s), float(rate))

    def _take_hole(self, event: HoleDeclared) -> None:
        if not self._is_open:
            return
        self._pods[event.foot].lost[event.cause] += event.samples
        told = {"foot": event.foot.label, "samples": event.samples, "cause": event.cause.name.lower()}
        self._recorder.event("hole", self.time_s(event.time_s), {**told, "first_index": event.first_index})
        key = (event.foot, event.cause.value)
        self._holes[key] = self._holes.get(key, 0) + event.samples

    def _take_pod(self, event: PodReady) -> None:
        pod = self._pods[event.info.foot]
        pod.info, pod.device, pod.connected = event.info, event.device, True
        pod.battery_pct = event.battery_pct if event.battery_pct is not None else pod.battery_pct
        if self._is_open:
            self._recorder.begin(self._pods.infos)
        self._give(PodJoined(self.time_s(event.time_s), event.info))

    def _take_clock(self, event: ClockTold | ClockRecords) -> None:
        pod = self._pods.of_device(event.device)
        if pod is None:
            return
        if isinstance(event, ClockRecords):
            self._recorder.take_clock_records(pod.foot, event, self.time_s(event.time_s))
            return
        pod.clock = event.report
        told = {"foot": pod.foot.label, **dataclasses.asdict(event.report)}
        self._recorder.event("clock", self.time_s(event.time_s), told)

    def _take_battery(self, event: BatteryTold) -> None:
        self._recorder.event(
            "battery", self.time_s(event.time_s), {"device": event.device, "battery_pct": event.battery_pct}
        )
        pod = self._pods.of_device(event.device)
        if pod is None:
            return
        before = pod.battery_pct
        pod.battery_pct = event.battery_pct
        if event.battery_pct <= LOW_BATTERY_PCT < (before if before is not None else LOW_BATTERY_PCT + 1):
            self._tell(f"The {pod.foot.label} pod's battery is at {event.battery_pct} %.")

    def _take_link(self, event: LinkNews) -> None:
        pod = self._pods.of_device(event.device)
        time_s = self.time_s(event.time_s)
        value: dict[str, Any]
        match event:
            case LinkLost(sentence=sentence) | LinkGivenUp(sentence=sentence) | Trouble(sentence=sentence):
                value, told = {"sentence": sentence}, _sentence(sentence)
            case LinkUp(outage_s=outage_s, mtu=mtu):
                value = {"outage_s": outage_s, "mtu": mtu}
                told = "" if outage_s is None else f"{event.device} is back after {outage_s:.0f} s."
            case PodRestarted():
                value, told = {}, f"{event.device} restarted."
        if pod is not None:
            self._note_link(pod, event, time_s)
        self._recorder.event(LINK_EVENTS[type(event)], time_s, {"device": event.device, **value})
        if told:
            self._tell(told)

    def _note_link(self, pod: Pod, event: LinkNews, time_s: float) -> None:
        if isinstance(event, PodRestarted):
            self._recorder.held_done(pod.foot, None, time_s)
        if isinstance(event, LinkLost | LinkGivenUp | LinkUp):
            pod.connected = isinstance(event, LinkUp)
        pod.links_lost += isinstance(event, LinkLost)


def _sentence(text: str) -> str:
    return text if text.endswith(".") else f"{text}."
