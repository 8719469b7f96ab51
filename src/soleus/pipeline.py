"""Samples in, steps and warnings out: the one place where gait and rules meet. Live, replay and batch all drive it."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Sequence

from soleus.gait.analyzer import FootCounts, GaitAnalyzer
from soleus.model import Belt, Foot, Happening, PainTold, PodInfo, PodSamples, Runner, Silence, Steps, Warnings
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
    happened
        What happened during a run that is analysed again: each takes effect where it did then.

    Raises
    ------
    ValueError
        If two pods claim the same foot.

    Examples
    --------
    >>> pipeline = Pipeline([PodInfo(Foot.LEFT, 0.005, 0.001)], happened=[PainTold(60.0, 5.0, after_steps=0)])
    >>> steps, warnings = pipeline.finish()
    >>> len(steps), str(warnings["rule"][0])
    (0, 'pain-stop')
    """

    def __init__(
        self,
        pods: Sequence[PodInfo],
        runner: Runner | None = None,
        *,
        rules: Iterable[Rule] | None = None,
        history: HistorySummary | None = None,
        happened: Iterable[Happening] = (),
    ) -> None:
        self._gait = GaitAnalyzer(pods, runner)
        self._rules = RuleEngine(runner, rules, history)
        self._samples = dict.fromkeys(Foot, 0)
        self._steps = 0
        self._silences: dict[Foot, deque[Silence]] = {foot: deque() for foot in Foot}
        self._pains: deque[PainTold] = deque()
        feet = {pod.foot for pod in pods}
        for each in happened:
            if isinstance(each, PainTold):
                self._pains.append(each)
            elif each.foot in feet:
                self._silences[each.foot].append(each)

    @property
    def counts(self) -> dict[Foot, FootCounts]:
        """Samples received, dropped and repaired, and swings rejected, by foot."""
        return self._gait.counts

    def push(self, samples: Sequence[PodSamples] = (), belt: Belt | None = None) -> tuple[Steps, Warnings]:
        """Take samples (and belt readings) in; give the steps that became final and what the rules say to them."""
        if not any(self._silences.values()):
            for piece in samples:
                self._samples[piece.foot] += len(piece)
            return self._judged(self._gait.push(samples, belt))
        found = [self._gait.push(belt=belt)]
        for piece in samples:
            found += self._push_cut(piece)
        return self._judged(Steps.concat(found))

    def advance(self, foot: Foot, until_s: float) -> tuple[Steps, Warnings, Silence]:
        """Declare a pod silent up to a session time [s], as in :meth:`soleus.gait.GaitAnalyzer.advance`.

        Returns
        -------
        steps, warnings
            What became final.
        silence
            What to keep, so that an analysis of the recording gives the same.
        """
        silence = Silence(foot, until_s, self._samples[foot])
        return *self._judged(self._gait.advance(foot, until_s)), silence

    def add_pod(self, pod: PodInfo, from_s: float) -> tuple[Steps, Warnings, Silence]:
        """Declare a second pod that joins late and counts from a session time [s] on; gives what :meth:`advance` does.

        That time must lie a second after the newest sample of the other foot, whose steps up to there are out.

        Raises
        ------
        ValueError
            If that foot has a pod already.
        """
        self._gait.add_pod(pod)
        return self.advance(pod.foot, from_s)

    def tell_pain(self, time_s: float, rating: float) -> tuple[Warnings, PainTold]:
        """Tell how much the calf hurts at a time [s], as in :meth:`soleus.rules.RuleEngine.tell_pain`.

        Returns
        -------
        warnings
            What follows from it.
        told
            What to keep, so that an analysis of the recording gives the same.
        """
        return self._rules.tell_pain(time_s, rating), PainTold(time_s, rating, self._steps)

    def finish(self) -> tuple[Steps, Warnings]:
        """Give the remaining steps and warnings; nothing may be pushed afterwards."""
        silences = [each for waiting in self._silences.values() for each in waiting]
        found = [self._gait.advance(each.foot, each.until_s) for each in silences]
        steps, warnings = self._judged(Steps.concat([*found, self._gait.finish()]))
        late = [self._rules.tell_pain(each.time_s, each.rating) for each in self._pains]
        return steps, Warnings.concat([warnings, *late, self._rules.finish()])

    def _push_cut(self, piece: PodSamples) -> Iterator[Steps]:
        """Push samples of one foot, its silences in between."""
        silences = self._silences[piece.foot]
        while silences and silences[0].after_samples < self._samples[piece.foot] + len(piece):
            silence = silences.popleft()
            before = max(0, silence.after_samples - self._samples[piece.foot])
            yield self._push_one(piece[:before])
            yield self._gait.advance(silence.foot, silence.until_s)
            piece = piece[before:]
        yield self._push_one(piece)

    def _push_one(self, piece: PodSamples) -> Steps:
        self._samples[piece.foot] += len(piece)
        return self._gait.push([piece]) if len(piece) else Steps.empty()

    def _judged(self, steps: Steps) -> tuple[Steps, Warnings]:
        """Hand steps to the rules, pain that was told in between."""
        said: list[Warnings] = []
        done = 0
        while self._pains and self._pains[0].after_steps < self._steps + len(steps):
            pain = self._pains.popleft()
            cut = max(0, pain.after_steps - self._steps)
            said.append(self._rules.push(steps.select(slice(done, cut))))
            said.append(self._rules.tell_pain(pain.time_s, pain.rating))
            done = cut
        said.append(self._rules.push(steps.select(slice(done, None)) if done else steps))
        self._steps += len(steps)
        return steps, Warnings.concat(said) if len(said) > 1 else said[0]
