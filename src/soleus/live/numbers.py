"""What a live display shows, worked out from the news of a run: pure, without a clock, one for all displays."""

from __future__ import annotations

import math
from collections import deque
from dataclasses import replace
from typing import Final

from soleus.live.cues import Cues
from soleus.live.news import (
    Marked,
    News,
    Phase,
    PhaseChanged,
    PodJoined,
    RunEnded,
    RunStatus,
    SamplesTaken,
    StepsFound,
    Told,
    WarningsSaid,
)
from soleus.live.run_sums import RunSums
from soleus.live.snapshot import Cue, Lap, PodView, Snapshot, Total, Trend, Value
from soleus.live.step_window import StepWindow
from soleus.model import FloatArray, Foot, PodSamples
from soleus.rules import HistorySummary

__all__ = ["Cue", "Lap", "PodView", "RunNumbers", "Snapshot", "Total", "Trend", "Value"]

TOLD_KEPT: Final = 50
"""Sentences remembered."""
PAINS_KEPT: Final = 500
"""Pain ratings remembered: more than a runner gives in a day."""


class RunNumbers:
    """Gather the news of a run into what a display shows.

    Parameters
    ----------
    history
        The runner's last weeks, if known: the dose so far is then compared with the highest of them.

    Examples
    --------
    >>> numbers = RunNumbers()
    >>> numbers.take(PhaseChanged(3.0, Phase.RUNNING, "Run."))
    >>> numbers.snapshot(63.0).elapsed_s, numbers.snapshot(63.0).values["cadence_spm"].both is None
    (60.0, True)
    """

    def __init__(self, history: HistorySummary | None = None) -> None:
        self._highest_dose = None if history is None else history.highest_dose
        self._now_s = 0.0
        self._phase: Phase | None = None
        self._sentence = ""
        self._started_s: float | None = None
        self._ended: RunEnded | None = None
        self._window = StepWindow()
        self._sums = RunSums()
        self._cues = Cues()
        self._told: deque[Told] = deque(maxlen=TOLD_KEPT)
        self._pains: deque[Marked] = deque(maxlen=PAINS_KEPT)
        self._pods: dict[Foot, PodView] = {}
        self._newest_sample_s: dict[Foot, float] = {}
        self._status: RunStatus | None = None

    @property
    def newest_s(self) -> float:
        """The latest session time heard of [s]."""
        return self._now_s

    @property
    def phase(self) -> Phase | None:
        """Where the run is; ``None`` as long as nothing was told."""
        return self._phase

    @property
    def strike_counts(self) -> FloatArray:
        """Contacts so far by foot and bin of :data:`~soleus.live.run_sums.STRIKE_EDGES_DEG`; shape ``(2, bins)``."""
        return self._sums.strike_counts

    def take(self, news: News) -> None:
        """Take one piece of news."""
        match news:
            case SamplesTaken(samples):
                self._take_samples(samples)
            case StepsFound(session_now_s, steps):
                self._hear(session_now_s)
                self._window.take(steps)
                self._sums.take(steps)
            case WarningsSaid(warnings):
                self._cues.take(warnings, self._now_s)
            case RunStatus():
                self._take_status(news)
            case _:
                self._take_event(news)

    def _take_event(self, news: PhaseChanged | PodJoined | Told | Marked | RunEnded) -> None:
        """Take what happens seldom."""
        self._hear(news.time_s)
        match news:
            case PhaseChanged(time_s, phase, sentence):
                self._sentence = sentence
                self._enter(phase, time_s)
            case PodJoined(_, pod):
                known = self._pods.get(pod.foot)
                self._pods[pod.foot] = PodView(pod.foot, pod, known.status if known else None, None)
            case Told():
                self._told.append(news)
            case Marked(time_s, kind):
                if kind == "pain":
                    self._pains.append(news)
                elif kind == "lap":
                    self._sums.begin_lap(time_s)
            case RunEnded(time_s, sentence=sentence):
                self._ended, self._sentence = news, sentence
                self._enter(Phase.ENDED, time_s)

    def snapshot(self, now_s: float | None = None) -> Snapshot:
        """Give everything a display shows.

        Parameters
        ----------
        now_s
            Session time now [s]; the latest heard of unless given. With a clock of its own, a display lets old
            values fade and silence grow while no news come.
        """
        now = self._now_s if now_s is None else now_s
        values = self._window.rolling(now)
        status = self._status
        dose = self._sums.total("calf_dose")
        silences = [now - newest for newest in self._newest_sample_s.values()]
        return Snapshot(
            now_s=now,
            phase=self._phase,
            sentence=self._sentence,
            elapsed_s=self._elapsed(now),
            values=values,
            strikes=self._window.strikes(now),
            contact_asymmetry_pct=values["contact_time_s"].asymmetry,
            steps=self._sums.steps,
            distance_m=self._sums.distance_m,
            calf_dose=dose,
            achilles_impulse_bws=self._sums.total("achilles_impulse_bws"),
            dose_share=dose.both / self._highest_dose if dose is not None and self._highest_dose else None,
            cue=self._cues.standing(now),
            cues=self._cues.said,
            told=tuple(self._told),
            laps=self._sums.laps,
            pains=tuple(self._pains),
            pods=tuple(self._pod_view(foot, now) for foot in Foot if foot in {*self._pods, *self._newest_sample_s}),
            belt_speed_mps=status.belt_speed_mps if status else None,
            belt_grade=status.belt_grade if status else None,
            heart_rate_bpm=status.heart_rate_bpm if status else None,
            latency_s=status.latency_s if status else None,
            on_disk_s=status.on_disk_s if status else None,
            trouble=status.trouble if status else (),
            suggested_cadence_spm=self._cues.suggested_cadence_spm,
            silent_s=max(0.0, min(silences)) if silences else None,
            ended=self._ended,
        )

    def trend(self, name: str, now_s: float | None = None) -> Trend:
        """Give the last minute of one step quantity.

        Raises
        ------
        KeyError
            If it is no column of the steps table.
        """
        return self._window.trend(name, self._now_s if now_s is None else now_s)

    def _hear(self, time_s: float) -> None:
        if math.isfinite(time_s):
            self._now_s = max(self._now_s, time_s)

    def _take_samples(self, samples: PodSamples) -> None:
        if len(samples):
            self._newest_sample(samples.foot, float(samples.time_s[-1]))
            self._hear(float(samples.time_s[-1]))

    def _newest_sample(self, foot: Foot, time_s: float) -> None:
        self._newest_sample_s[foot] = max(time_s, self._newest_sample_s.get(foot, time_s))

    def _take_status(self, status: RunStatus) -> None:
        self._hear(status.session_now_s)
        self._status = status
        if status.phase is not self._phase:
            self._enter(status.phase, status.session_now_s)
        for pod in status.pods:
            known = self._pods.get(pod.foot)
            self._pods[pod.foot] = PodView(pod.foot, known.info if known else None, pod, None)
            if pod.last_sample_s is not None:
                self._newest_sample(pod.foot, pod.last_sample_s)

    def _enter(self, phase: Phase, time_s: float) -> None:
        if phase is Phase.RUNNING and self._started_s is None:
            self._started_s = time_s
            self._sums.begin_lap(time_s)
        self._phase = phase

    def _elapsed(self, now_s: float) -> float | None:
        if self._started_s is None:
            return None
        return max(0.0, (now_s if self._ended is None else self._ended.time_s) - self._started_s)

    def _pod_view(self, foot: Foot, now_s: float) -> PodView:
        known = self._pods.get(foot) or PodView(foot, None, None, None)
        newest = self._newest_sample_s.get(foot)
        return replace(known, silent_s=None if newest is None else max(0.0, now_s - newest))
