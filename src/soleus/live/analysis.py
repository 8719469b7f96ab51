"""The analysis of a run while it happens: what waits goes into the core, what comes out becomes news."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final

from soleus.gait.analyzer import FootCounts
from soleus.live.news import News, StepsFound, WarningsSaid
from soleus.live.outcome import Figures, joined_belt, joined_samples
from soleus.live.recorder import Recorder
from soleus.model import Belt, Flag, Foot, PodInfo, PodSamples, Runner, Steps, Warnings
from soleus.pipeline import Pipeline
from soleus.rules import HistorySummary, Rule

SWAPPED_STEPS: Final = 10
"""So many steps that look like the other foot's call for a word (design choice)."""
STEPS_TOGETHER: Final = 256
"""So many batches of steps are joined to one: a batch of one step takes twenty times the memory of its numbers."""
LATENCY_OVER_S: Final = 60.0
"""Latency is the median over this [s]."""


class LiveAnalysis:
    """The pipeline of a run, and all that came out of it.

    Parameters
    ----------
    runner, rules, history
        As in :class:`soleus.pipeline.Pipeline`.
    recorder
        Gets what an analysis of the recording has to repeat.
    give
        Takes news.
    clock
        A steady clock [s], to time the core.

    Attributes
    ----------
    warnings
        All so far, in order.
    """

    def __init__(
        self,
        runner: Runner,
        rules: Iterable[Rule] | None,
        history: HistorySummary | None,
        recorder: Recorder,
        give: Callable[[News], None],
        clock: Callable[[], float],
    ) -> None:
        self._steps: list[Steps] = []
        self._new_steps: list[Steps] = []
        self.warnings: list[Warnings] = []
        self.figures = Figures()
        self.pods: dict[Foot, PodInfo] = {}
        self._runner, self._rules, self._history = runner, rules, history
        self._recorder = recorder
        self._give = give
        self._clock = clock
        self._pipeline: Pipeline | None = None
        self._swapped: Counter[Foot] = Counter()
        self._early_pains: list[tuple[float, float]] = []

    @property
    def begun(self) -> bool:
        """Whether the pods are known and samples may be pushed."""
        return self._pipeline is not None

    @property
    def steps(self) -> Steps:
        """All so far, in order."""
        return Steps.concat([*self._steps, *self._new_steps])

    @property
    def counts(self) -> dict[Foot, FootCounts]:
        """What became of each pod's samples and swings."""
        return {} if self._pipeline is None else self._pipeline.counts

    @property
    def swapped(self) -> tuple[Foot, ...]:
        """Feet whose pod seems to be on the other foot."""
        return tuple(foot for foot, steps in sorted(self._swapped.items()) if steps >= SWAPPED_STEPS)

    def begin(self, pods: Mapping[Foot, PodInfo], now_s: float) -> None:
        """Make the pipeline of the pods that are ready."""
        self.pods = dict(pods)
        self._pipeline = Pipeline(tuple(pods.values()), self._runner, rules=self._rules, history=self._history)
        self._take_out(self._pipeline.push(), now_s)
        pains, self._early_pains = self._early_pains, []
        for time_s, rating in pains:
            self.tell_pain(time_s, rating)

    def add_pod(self, pod: PodInfo, from_s: float, now_s: float) -> None:
        """Let a pod join late; it counts from a session time [s] on."""
        if self._pipeline is None:
            return
        self.pods[pod.foot] = pod
        steps, warnings, silence = self._pipeline.add_pod(pod, from_s)
        self._recorder.happening(silence, now_s)
        self._take_out((steps, warnings), now_s)

    def push(self, samples: Sequence[PodSamples], belts: Sequence[Belt], now_s: Callable[[], float]) -> None:
        """Hand samples and belt readings to the core."""
        if self._pipeline is None:
            return
        began_s = self._clock()
        out = self._pipeline.push(joined_samples(samples), joined_belt(belts))
        self.figures.push_s.append(self._clock() - began_s)
        self._take_out(out, now_s())

    def declare_silent(self, foot: Foot, until_s: float, now_s: float) -> None:
        """Let the other foot's steps wait no longer for a pod from which nothing comes."""
        if self._pipeline is None:
            return
        steps, warnings, silence = self._pipeline.advance(foot, until_s)
        self._recorder.happening(silence, now_s)
        self._take_out((steps, warnings), now_s)

    def tell_pain(self, time_s: float, rating: float) -> None:
        """Tell the rules how much the calf hurts; before the pods are ready it waits."""
        if self._pipeline is None:
            self._early_pains.append((time_s, rating))
            return
        warnings, told = self._pipeline.tell_pain(time_s, rating)
        self._recorder.happening(told, time_s)
        self._take_out((Steps.empty(), warnings), time_s)

    def finish(self, now_s: float) -> None:
        """Give what remains."""
        if self._pipeline is not None:
            self._take_out(self._pipeline.finish(), now_s)

    def _take_out(self, out: tuple[Steps, Warnings], now_s: float) -> None:
        steps, warnings = out
        if len(steps):
            self._new_steps.append(steps)
            if len(self._new_steps) >= STEPS_TOGETHER:
                self._steps.append(Steps.concat(self._new_steps))
                self._new_steps.clear()
            self.figures.add_steps(steps, now_s, LATENCY_OVER_S)
            swapped = (steps["flags"] & Flag.SWAPPED) != 0
            if swapped.any():
                self._swapped.update(Foot(code) for code in steps["foot"][swapped].tolist())
            self._give(StepsFound(now_s, steps))
        if len(warnings):
            self.warnings.append(warnings)
            self._give(WarningsSaid(warnings))
