"""RuleEngine: steps in, warnings out. Pure, deterministic, the same live and in batch."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

from soleus.model import Runner, Steps, Warnings
from soleus.rules.bins import BinGatherer, Bins, join
from soleus.rules.cue import LIVE_SCOPES, Candidate, Compiled, Row, compile_rule, excess, warning_row
from soleus.rules.errors import RuleError
from soleus.rules.evaluate import Frame, Value, argument_name, evaluate
from soleus.rules.expression import BIN_S, Call, Name, Node
from soleus.rules.history import HistorySummary
from soleus.rules.pacing import STOP, Pacing
from soleus.rules.rulefile import Rule, Scope, load_presets
from soleus.rules.shapes import MATCHED
from soleus.rules.signals import FOOT_SIGNALS, PACE_SIGNALS, RUN_SIGNALS
from soleus.rules.within_run import RunReference, usual_rows

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
        table: dict[Node, Node] = {}
        self._compiled = tuple(compile_rule(rule, table) for rule in self.rules)
        nodes = list(table)
        names = {node.name for node in nodes if isinstance(node, Name)}
        compared = {
            argument_name(node) for node in nodes if isinstance(node, Call) and node.function in {"baseline", MATCHED}
        }
        self._gatherer = BinGatherer(frozenset(names & set(FOOT_SIGNALS)))
        self._reference = RunReference(frozenset(compared), self.history.baselines)
        self._constants = self.history.signals()
        context = max([QUALITY_BINS, *(node.bins for node in nodes if isinstance(node, Call))])
        self._context = {
            **{name: np.full((context, 2), np.nan) for name in names & set(FOOT_SIGNALS)},
            **{name: np.full((context, 1), np.nan) for name in (*PACE_SIGNALS, *RUN_SIGNALS, "running", "valid")},
            **{_baseline_row(name): np.full((context, 2), np.nan) for name in compared},
        }
        self._depth = context
        self._pending: list[Steps] = []
        self._open_bin: int | None = None
        self._last_contact_s = -math.inf
        self._pain: list[tuple[float, float]] = []
        self._pacing = Pacing()
        self._started = False
        self._finished = False

    def push(self, steps: Steps) -> Warnings:
        """Take the next steps and give the warnings that they complete.

        A warning is given at the first step after the ten seconds that made it; the first push also gives what the
        history alone has to say, an empty one will do.

        Raises
        ------
        RuleError
            If a step comes before one already taken, or after :meth:`finish`.
        """
        rows = self._begin()
        if len(steps):
            contact_s = steps["initial_contact_s"]
            if not contact_s[0] >= self._last_contact_s or np.any(np.diff(contact_s) < 0.0):
                raise RuleError(
                    f"steps must come in order of time: one at {float(np.min(contact_s)):.3f} s came after "
                    f"{max(self._last_contact_s, float(np.max(contact_s))):.3f} s"
                )
            self._last_contact_s = float(contact_s[-1])
            self._pending.append(steps)
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
        if self._pending:
            rows += self._close(None)
            rows += self._judge_once("finish", self._last_contact_s)
        self._finished = True
        return Warnings.from_rows(rows)

    def _begin(self) -> list[Row]:
        """Give what the history has to say, once."""
        if self._finished:
            raise RuleError("the run is finished; start a new RuleEngine for the next")
        if self._started:
            return []
        self._started = True
        return self._judge_once("history", 0.0)

    def _close(self, before_bin: int | None) -> list[Row]:
        """Work on all bins before one, in blocks of bounded size."""
        steps = Steps.concat(self._pending)
        absolute = np.floor_divide(steps["initial_contact_s"], BIN_S)
        cut = len(steps) if before_bin is None else int(np.searchsorted(absolute, before_bin))
        self._pending = [steps.select(slice(cut, None))] if cut < len(steps) else []
        rows: list[Row] = []
        starts = np.flatnonzero(np.diff(absolute[:cut], prepend=-np.inf))
        gap_bins = np.minimum(np.diff(absolute[starts], prepend=absolute[0] - 1), self._depth + MAX_BLOCK_BINS)
        block = np.cumsum(gap_bins) // MAX_BLOCK_BINS
        edges = [*starts[np.flatnonzero(np.diff(block, prepend=-1.0))].tolist(), cut]
        for first, last in itertools.pairwise(edges):
            rows += self._judge(self._gatherer.gather(steps.select(slice(first, last))))
        return rows

    def _judge(self, bins: Bins) -> list[Row]:
        """Run all rules over closed bins and say what may be said."""
        n = len(bins)
        new = dict(bins.rows)
        new["time"], new["running"], new["valid"] = bins.end_s[:, None], bins.running[:, None], bins.valid[:, None]
        new["pain"], new["pain_rise"] = self._pain_at(bins.end_s)
        steady = bins.valid >= STEADY_STEPS
        for name, values in self._reference.follow(new, steady, new["running_time"][:, 0]).items():
            new[_baseline_row(name)] = values
        rows = join(self._context, {name: new[name] for name in self._context})
        self._context = {name: values[-self._depth :] for name, values in rows.items()}
        frame = self._frame(rows, self._depth, n)
        quality = self._quality(rows, n)
        at: dict[int, list[Candidate]] = {}
        for compiled in self._compiled:
            if compiled.rule.text.scope in LIVE_SCOPES:
                self._verdicts(compiled, frame, bins, quality, at)
        said: list[Row] = []
        for i in sorted(at):
            said += self._say(at[i], frame, i, float(bins.end_s[i]))
        return said

    def _verdicts(
        self, compiled: Compiled, frame: Frame, bins: Bins, quality: FloatArray, at: dict[int, list[Candidate]]
    ) -> None:
        """Collect the verdicts of one rule by bin."""
        text = compiled.rule.text
        fires = _new_rows(evaluate(compiled.fires, frame), frame, len(compiled.lanes))
        if not np.any(fires == 1.0) and all(lane.idle for lane in compiled.lanes):
            return
        silent = bins.running == 0.0
        if text.scope != "run":
            silent |= ~(quality >= text.min_quality)
        looked = np.arange(len(bins))
        if text.scope == "minute":
            looked = np.flatnonzero(bins.end_s % MINUTE_S == 0.0)
        fires = np.where(silent[:, None], np.nan, fires)[looked]
        holds = _new_rows(evaluate(compiled.holds, frame), frame, len(compiled.lanes))[looked]
        end_s = bins.end_s[looked].tolist()
        for foot, lane in enumerate(compiled.lanes):
            for i, held_s in lane.advance(end_s, fires[:, foot].tolist(), holds[:, foot].tolist()):
                side = foot if compiled.rule.per_foot else -1
                at.setdefault(int(looked[i]), []).append(Candidate(compiled, foot, side, held_s))

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
        rows = {name: values.copy() for name, values in self._context.items()}
        rows["pain"][-1:], rows["pain_rise"][-1:] = self._pain_at(np.array([time_s]))
        frame = self._frame(rows, self._depth - 1, 1)
        fired: list[Candidate] = []
        for compiled in self._compiled:
            if compiled.rule.text.scope == scope:
                fires = _new_rows(evaluate(compiled.fires, frame), frame, len(compiled.lanes))[0]
                feet = [foot for foot, value in enumerate(fires.tolist()) if value == 1.0]
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

    def _frame(self, rows: dict[str, FloatArray], context: int, n: int) -> Frame:
        """Make the frame that rules are evaluated over."""
        speed, grade = rows["speed"][:, 0], rows["grade"][:, 0]

        def usual(name: str) -> FloatArray:
            return usual_rows(self.history.baselines, name, speed, grade, spread=False)

        def spread(name: str) -> FloatArray:
            return usual_rows(self.history.baselines, name, speed, grade, spread=True)

        def baseline(name: str) -> FloatArray:
            return rows[_baseline_row(name)]

        def matched(name: str) -> FloatArray:
            return np.where(np.isnan(baseline(name)), np.nan, rows[name])

        references = {"baseline": baseline, "matched": matched, "usual": usual, "usual_spread": spread}
        return Frame(rows, context, n, self._constants, references)

    def _pain_at(self, time_s: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Give the pain last told at each time and its rise since the first told, each of shape ``(n, 1)``."""
        if not self._pain:
            nothing = np.full((time_s.size, 1), np.nan)
            return nothing, nothing
        ratings = np.array([np.nan, *(rating for _, rating in self._pain)])
        last = ratings[np.searchsorted([told for told, _ in self._pain], time_s, side="right")][:, None]
        before = self.history.pain_before
        return last, last - (self._pain[0][1] if before is None else before)

    def _quality(self, rows: dict[str, FloatArray], n: int) -> FloatArray:
        """Give the share of trustworthy steps among those of the last minute, shape ``(n,)``; NaN without steps."""
        running, valid = np.zeros(n), np.zeros(n)
        for back in range(QUALITY_BINS):
            last = slice(self._depth - back, self._depth - back + n)
            running += np.nan_to_num(rows["running"][last, 0])
            valid += np.nan_to_num(rows["valid"][last, 0])
        return np.where(running > 0.0, valid / np.maximum(running, 1.0), np.nan)


def _baseline_row(name: str) -> str:
    """Name the row that holds a signal's reference; the space keeps it out of the rule language."""
    return f"baseline {name}"


def _new_rows(value: Value, frame: Frame, columns: int) -> FloatArray:
    """Take the new bins of a value, shape ``(n, columns)``."""
    if np.ndim(value) == 0:
        return np.full((frame.n, columns), float(value))
    rows = np.asarray(value)[frame.context :]
    return rows if rows.shape[1] == columns else np.repeat(rows, columns, axis=1)
