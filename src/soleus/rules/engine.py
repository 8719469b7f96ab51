"""RuleEngine: steps in, warnings out. Pure, deterministic, the same live and in batch."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

from soleus.model import Runner, Steps, Warnings
from soleus.rules.baseline import Usual
from soleus.rules.bins import BinGatherer, Bins
from soleus.rules.cue import Candidate, Row, excess, warning_row
from soleus.rules.errors import RuleError
from soleus.rules.evaluate import SIDES, Frame
from soleus.rules.evaluate_one import evaluate_at
from soleus.rules.expression import BIN_S
from soleus.rules.history import HistorySummary
from soleus.rules.layout import COUNTS
from soleus.rules.pacing import STOP, Lane, Pacing
from soleus.rules.rulefile import Rule, Scope, load_presets
from soleus.rules.ruleset import make_ready
from soleus.rules.step_buffer import StepBuffer
from soleus.rules.within_run import RunReference

FloatArray = npt.NDArray[np.float64]

QUALITY_BINS: Final = 6
"""Bins that the share of trustworthy steps is taken over: the last minute (design choice)."""
STEADY_STEPS: Final = 8
"""Trustworthy steps of both feet that a bin of steady running holds (design choice: a third of a slow runner's)."""
MAX_BLOCK_BINS: Final = 2048
"""Bins worked on at once, so that memory stays bounded."""
MINUTE_S: Final = 60.0
MAX_PAIN: Final = 10.0
"""Top of the pain rating."""


class RuleEngine:
    """Turns steps into warnings; what comes out does not depend on how the steps were cut into pushes.

    Parameters
    ----------
    runner
        Who runs.
    rules
        The rules; those that come with Soleus if not given.
    history
        What is known of the last weeks; rules that need more stay silent.

    Examples
    --------
    >>> engine = RuleEngine(history=HistorySummary(red_flags=("swelling",)))
    >>> [str(rule) for rule in engine.push(Steps.empty())["rule"]]
    ['red-flag-clot']
    >>> len(engine.finish())
    0
    """

    def __init__(
        self,
        runner: Runner | None = None,
        rules: Iterable[Rule] | None = None,
        history: HistorySummary | None = None,
    ) -> None:
        self.runner = runner or Runner()
        self.rules = tuple(load_presets() if rules is None else rules)
        self.history = history or HistorySummary()
        self._ready = ready = make_ready(self.rules)
        self._layout = layout = ready.layout
        self._lanes = [
            [Lane(each.rule.text.sustain_s) for _ in range(SIDES if each.rule.per_foot else 1)] for each in ready.live
        ]
        self._gatherer = BinGatherer(frozenset(layout.signals))
        self._pending = StepBuffer(self._gatherer.columns)
        self._reference = RunReference(layout.compared, self.history.baselines)
        self._usual = Usual(self.history.baselines, layout.usual)
        self._usual_spread = Usual(self.history.baselines, layout.spread)
        self._constants = self.history.signals()
        self._depth = max(QUALITY_BINS, layout.depth)
        self._state = np.full((len(layout.index), self._depth, SIDES), np.nan)
        self._state[[layout.index[name] for name in COUNTS]] = 0.0
        self._max_block = min(MAX_BLOCK_BINS, ready.plan.max_bins)
        self._open_bin: int | None = None
        self._last_contact_s = -math.inf
        self._pain: list[tuple[float, float]] = []
        self._pacing = Pacing()
        self._unjudged: tuple[Bins, FloatArray] | None = None
        self._started = False
        self._finished = False

    def push(self, steps: Steps) -> Warnings:
        """Take the next steps and give the warnings that they complete.

        A warning is given with the first step after the ten seconds that made it, or with the push after that one, so
        that no push of a live run has all the work; an empty one will do. The first push also gives what the history
        alone has to say.

        Raises
        ------
        RuleError
            If a step comes before one already taken, or after :meth:`finish`.
        """
        contact_s = steps["initial_contact_s"]
        unordered = len(steps) > 0 and (
            not contact_s[0] >= self._last_contact_s or bool(np.any(contact_s[1:] < contact_s[:-1]))
        )
        if unordered and not self._finished:
            raise RuleError(
                f"steps must come in order of time: one at {float(np.min(contact_s)):.3f} s came after "
                f"{max(self._last_contact_s, float(np.max(contact_s))):.3f} s"
            )
        rows = self._begin()
        if len(steps):
            self._last_contact_s = float(contact_s[-1])
            self._pending.add(steps)
            newest = int(self._last_contact_s // BIN_S)
            if self._open_bin is None:
                self._open_bin = int(float(contact_s[0]) // BIN_S)
            if newest > self._open_bin:
                rows += self._close(newest)
                self._open_bin = newest
        return Warnings.from_rows(rows) if rows else Warnings.empty()

    def tell_pain(self, time_s: float, rating: float) -> Warnings:
        """Take the runner's calf pain, 0-10, told at a session time, and give what follows from it at once.

        Raises
        ------
        RuleError
            If the rating is not between 0 and 10.
        """
        if not 0.0 <= rating <= MAX_PAIN:
            raise RuleError(f"pain is rated from 0 to 10, not {rating:g}")
        rows = self._begin()
        self._pain.append((time_s, rating))
        return Warnings.from_rows(rows + self._judge_once("report", time_s))

    def finish(self) -> Warnings:
        """Close the run: the last bin, then the rules that look at the run as a whole."""
        rows = self._begin()
        if len(self._pending):
            rows += self._close(None)
            rows += self._judge_once("finish", self._last_contact_s)
        self._finished = True
        return Warnings.from_rows(rows)

    def _begin(self) -> list[Row]:
        """Give what the history has to say, once, and what the last push left to be judged."""
        if self._finished:
            raise RuleError("the run is finished; start a new RuleEngine for the next")
        if not self._started:
            self._started = True
            return self._judge_once("history", 0.0)
        unjudged, self._unjudged = self._unjudged, None
        return [] if unjudged is None else self._judge(*unjudged)

    def _close(self, before_bin: int | None) -> list[Row]:
        """Work on all bins before one, in blocks of bounded size."""
        absolute = np.floor_divide(self._pending["initial_contact_s"], BIN_S)
        cut = absolute.size if before_bin is None else int(np.searchsorted(absolute, before_bin))
        steps = self._pending.take(cut)
        rows: list[Row] = []
        edges = self._edges(absolute[:cut])
        for first, last in itertools.pairwise(edges):
            bins = self._gatherer.gather({name: each[first:last] for name, each in steps.items()})
            table = self._lengthened(bins)
            if len(bins) == 1 and edges == [0, cut] and before_bin is not None:
                self._unjudged = (bins, table)
            else:
                rows += self._judge(bins, table)
        return rows

    def _edges(self, absolute: FloatArray) -> list[int]:
        """Cut steps into blocks of whole bins, given the bin of each; pauses count as bins, up to a bound."""
        if absolute[0] == absolute[-1]:
            return [0, absolute.size]
        starts = np.flatnonzero(np.diff(absolute, prepend=-np.inf))
        gap_bins = np.minimum(np.diff(absolute[starts], prepend=absolute[0] - 1), self._depth + self._max_block)
        block = np.cumsum(gap_bins) // self._max_block
        return [*starts[np.flatnonzero(np.diff(block, prepend=-1.0))].tolist(), absolute.size]

    def _judge(self, bins: Bins, table: FloatArray) -> list[Row]:
        """Run all rules over closed bins and say what may be said."""
        frame = Frame(table, self._layout.index, self._depth, self._constants)
        at = self._verdicts(frame, bins)
        said: list[Row] = []
        for i in sorted(at):
            said += self._say(at[i], frame, i, float(bins.end_s[i]))
        return said

    def _lengthened(self, bins: Bins) -> FloatArray:
        """Put new bins behind the earlier ones that windows look back into; keep as many for the next time."""
        n, layout = len(bins), self._layout
        table = np.empty((len(layout.index), self._depth + n, 2))
        table[:, : self._depth] = self._state
        new = table[:, self._depth :]
        for row, name in layout.gathered:
            new[row] = bins.rows[name]
        pain, pain_rise = self._pain_at(bins.end_s)
        told = {"time": bins.end_s, "pain": pain, "pain_rise": pain_rise, "running": bins.running, "valid": bins.valid}
        for name, values in told.items():
            new[layout.index[name]] = values[:, None]
        speed, grade = bins.rows["speed"][:, 0], bins.rows["grade"][:, 0]
        steady, running_s = bins.valid >= STEADY_STEPS, bins.rows["running_time"][:, 0]
        compared = new[layout.compared_rows]
        baseline = self._reference.follow(compared, speed, grade, steady, running_s)
        new[layout.baseline_rows] = baseline
        new[layout.matched_rows] = np.where(np.isnan(baseline), np.nan, compared)
        if layout.usual:
            new[layout.usual_rows] = self._usual.at(speed, grade)
        if layout.spread:
            new[layout.spread_rows] = self._usual_spread.spread(speed, grade)
        self._state = table[:, n:].copy()
        return table

    def _verdicts(self, frame: Frame, bins: Bins) -> dict[int, list[Candidate]]:
        """Collect the verdicts of all rules by bin."""
        ready = self._ready
        found = ready.plan.run(frame)
        fires, holds = found[: len(ready.live)], found[len(ready.live) :]
        quality = np.where(bins.running == 0.0, np.nan, self._quality(frame.table))
        silent = ~(quality >= ready.min_quality)
        fires = np.where(silent[..., None], np.nan, fires)
        hit = np.any(fires == 1.0, axis=(1, 2)).tolist()
        full_minutes = np.flatnonzero(bins.end_s % MINUTE_S == 0.0)
        at: dict[int, list[Candidate]] = {}
        for number, (compiled, lanes) in enumerate(zip(ready.live, self._lanes, strict=True)):
            if not hit[number] and all(lane.idle for lane in lanes):
                continue
            looked = full_minutes if compiled.rule.text.scope == "minute" else np.arange(len(bins))
            end_s = bins.end_s[looked].tolist()
            for foot, lane in enumerate(lanes):
                fired, held = fires[number, looked, foot].tolist(), holds[number, looked, foot].tolist()
                for i, held_s in lane.advance(end_s, fired, held):
                    side = foot if compiled.rule.per_foot else -1
                    at.setdefault(int(looked[i]), []).append(Candidate(compiled, foot, side, held_s))
        return at

    def _say(self, candidates: Sequence[Candidate], frame: Frame, i: int, time_s: float) -> list[Row]:
        """Say the most pressing of the verdicts at one moment, if the pacing lets it."""
        allowed = [
            each
            for each in candidates
            if self._pacing.may_speak(
                time_s, each.compiled.rule.name, each.compiled.severity, each.compiled.rule.text.max_per_run
            )
        ]
        if not allowed:
            return []
        first = max(allowed, key=lambda each: each.rank)
        feet = [each for each in allowed if each.compiled is first.compiled]
        worst = max(feet, key=lambda each: excess(each, frame, i))
        text = first.compiled.rule.text
        self._pacing.said(time_s, text.name, first.compiled.severity, text.cooldown_s)
        return [warning_row(worst, frame, i, time_s, both=len(feet) > 1)]

    def _judge_once(self, scope: Scope, time_s: float) -> list[Row]:
        """Run the rules of a scope that is looked at once; nothing but a stop is said after a stop."""
        table = self._state.copy()
        last, pain, pain_rise = self._depth - 1, *self._pain_at(np.array([time_s]))
        table[self._layout.index["pain"], last], table[self._layout.index["pain_rise"], last] = pain[0], pain_rise[0]
        frame = Frame(table, self._layout.index, last, self._constants)
        fired: list[Candidate] = []
        for compiled in self._ready.compiled:
            if compiled.rule.text.scope == scope:
                sides = range(SIDES if compiled.rule.per_foot else 1)
                feet = [foot for foot in sides if evaluate_at(compiled.fires, frame, last, foot) == 1.0]
                fired += [Candidate(compiled, f, f if compiled.rule.per_foot else -1, 0.0) for f in feet]
        fired.sort(key=lambda each: each.rank, reverse=True)
        said: list[Row] = []
        for each in fired:
            text = each.compiled.rule.text
            if self._pacing.stopped and each.compiled.severity < STOP:
                continue
            if scope == "report" and not self._pacing.may_speak(
                time_s, text.name, each.compiled.severity, text.max_per_run
            ):
                continue
            if scope == "report":
                self._pacing.said(time_s, text.name, each.compiled.severity, text.cooldown_s)
            self._pacing.stopped = self._pacing.stopped or each.compiled.severity == STOP
            said.append(warning_row(each, frame, 0, time_s, both=False))
        return said

    def _pain_at(self, time_s: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Give the pain last told at each time and its rise since the first told, each of shape ``(n,)``."""
        if not self._pain:
            nothing = np.full(time_s.size, np.nan)
            return nothing, nothing
        ratings = np.array([np.nan, *(rating for _, rating in self._pain)])
        last = ratings[np.searchsorted([told for told, _ in self._pain], time_s, side="right")]
        before = self.history.pain_before
        return last, last - (self._pain[0][1] if before is None else before)

    def _quality(self, table: FloatArray) -> FloatArray:
        """Give the share of trustworthy steps among those of the last minute, shape ``(n,)``; NaN without steps."""
        rows = [self._layout.index[name] for name in COUNTS]
        so_far = np.cumsum(table[rows, self._depth - QUALITY_BINS :, 0], axis=1)
        running, valid = so_far[:, QUALITY_BINS:] - so_far[:, :-QUALITY_BINS]
        return np.where(running > 0.0, valid / np.maximum(running, 1.0), np.nan)
