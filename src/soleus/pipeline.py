"""Samples in, steps and warnings out: the one place where gait and rules meet. Live, replay and batch all drive it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from soleus.gait.analyzer import FootCounts, GaitAnalyzer
from soleus.model import Belt, Foot, PodInfo, PodSamples, Runner, Steps, Warnings
from soleus.rules import HistorySummary, Rule, RuleEngine


class Pipeline:
    """Turn samples of one or two foot pods into steps, and steps into warnings.

    Parameters
    ----------
    pods
        The pods in use, at most one a foot.
    runner
        Body measures, as far as known.
    rules
        Rules in force; the presets unless given, none for an empty list.
    history
        What this runner did in the last weeks, if known.

    Raises
    ------
    ValueError
        If two pods claim the same foot.

    Examples
    --------
    >>> pipeline = Pipeline([PodInfo(Foot.LEFT, 0.005, 0.001)])
    >>> steps, warnings = pipeline.finish()
    >>> len(steps), len(warnings)
    (0, 0)
    """

    def __init__(
        self,
        pods: Sequence[PodInfo],
        runner: Runner | None = None,
        *,
        rules: Iterable[Rule] | None = None,
        history: HistorySummary | None = None,
    ) -> None:
        self._gait = GaitAnalyzer(pods, runner)
        self._rules = RuleEngine(runner, rules, history)

    @property
    def counts(self) -> dict[Foot, FootCounts]:
        """Samples received, dropped and repaired, and swings rejected, by foot."""
        return self._gait.counts

    def push(self, samples: Sequence[PodSamples] = (), belt: Belt | None = None) -> tuple[Steps, Warnings]:
        """Take samples (and belt readings) in; give the steps that became final and what the rules say to them."""
        steps = self._gait.push(samples, belt)
        return steps, self._rules.push(steps)

    def advance(self, foot: Foot, until_s: float) -> tuple[Steps, Warnings]:
        """Declare a pod silent up to a session time [s], as in :meth:`soleus.gait.GaitAnalyzer.advance`."""
        steps = self._gait.advance(foot, until_s)
        return steps, self._rules.push(steps)

    def finish(self) -> tuple[Steps, Warnings]:
        """Give the remaining steps and warnings; nothing may be pushed afterwards."""
        steps = self._gait.finish()
        warnings = self._rules.push(steps)
        return steps, Warnings.concat([warnings, self._rules.finish()])
