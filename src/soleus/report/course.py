"""The course of a run: ten-second medians, what was run, walked and stood, and few points that keep every outlier."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from soleus.model import Flag, FloatArray, Steps
from soleus.report.errors import ReportError
from soleus.report.quantities import QUANTITIES
from soleus.rules import RuleError
from soleus.rules.bins import MIN_STEP_QUALITY, NOT_RUNNING, UNSURE, BinGatherer, Bins

PAUSE_S: Final = 2.0
"""Contacts further apart [s] do not belong together: twice the stride time of a slow walk."""
SHORT_SPAN_S: Final = 5.0
"""Walks and pauses shorter than this are not marked [s] (design choice: they would be a hair's breadth)."""
MAX_SPANS: Final = 60
"""Walks and pauses marked in a figure; of more, the longest (design choice)."""
POINT_WIDTHS_S: Final = (5.0, 10.0, 15.0, 20.0, 30.0, 60.0, 120.0, 300.0, 600.0)
"""Widths of a figure's points to choose from [s]."""
MAX_POINTS: Final = 400
"""Points of one line: about two pixels each on a laptop."""
MIN_POINT_STEPS: Final = 3
"""Steps of a foot that a point's median needs."""
LATEST_S: Final = 1e9
"""Largest session time [s]: thirty years, beyond which a stamp is damaged."""

BoolArray = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Span:
    """A part of the session that was not run: ``walking`` or ``no steps``, from and to [s]."""

    kind: str
    start_s: float
    end_s: float

    @property
    def length_s(self) -> float:
        """How long it lasted [s]."""
        return self.end_s - self.start_s


@dataclass(frozen=True, slots=True)
class Course:
    """What a report draws from; times are session times [s].

    Attributes
    ----------
    bins
        Ten-second medians of trusted running steps, and sums of all steps; ``None`` without steps.
    running, trusted
        Steps of steady running, and those among them whose measurement can be trusted; shape ``(n,)``.
    spans
        What was walked or stood.
    start_s, end_s
        First and last contact [s].
    """

    bins: Bins | None
    running: BoolArray
    trusted: BoolArray
    spans: tuple[Span, ...]
    start_s: float
    end_s: float

    @property
    def trusted_share(self) -> float:
        """Share of the running steps that can be trusted; NaN without any."""
        total = int(self.running.sum())
        return float(self.trusted.sum()) / total if total else float("nan")

    def total(self, name: str, at_s: float = np.inf) -> float:
        """Give what had added up by a time: ``running_time``, ``distance``, ``uphill``, ``impulse``, ``dose``.

        Sums are known at full ten seconds; the last one before ``at_s`` counts.
        """
        if self.bins is None:
            return 0.0
        row = int(np.searchsorted(self.bins.end_s, at_s, side="right")) - 1
        return float(self.bins.rows[name][row, 0]) if row >= 0 else 0.0


def course_of(steps: Steps, source: str = "") -> Course:
    """Look through the steps of a session.

    Raises
    ------
    ReportError
        If there are more contacts than a person can make.

    Examples
    --------
    >>> course_of(Steps.empty()).trusted_share
    nan
    """
    flags = steps["flags"]
    running = ((flags & NOT_RUNNING) == 0) & (steps["foot"] >= 0)
    trusted = running & ((flags & UNSURE) == 0) & (steps["quality"] >= MIN_STEP_QUALITY)
    if not len(steps):
        return Course(None, running, trusted, (), 0.0, 0.0)
    contact_s = steps["initial_contact_s"]
    if not (np.isfinite(contact_s).all() and np.abs(contact_s).max() <= LATEST_S and (np.diff(contact_s) >= 0.0).all()):
        raise ReportError(f"{source or 'steps'}: 'initial_contact_s' does not rise from step to step; analyse it again")
    try:
        bins = BinGatherer(frozenset(each.signal for each in QUANTITIES)).gather(steps)
    except RuleError as error:
        raise ReportError(f"{source or 'steps'}: {error}; analyse the session again") from error
    return Course(bins, running, trusted, spans(steps), float(contact_s[0]), float(contact_s[-1]))


def spans(steps: Steps) -> tuple[Span, ...]:
    """Find what was walked and where there were no steps, by time.

    Examples
    --------
    >>> spans(Steps.empty())
    ()
    """
    if not len(steps):
        return ()
    contact_s = steps["initial_contact_s"]
    walking = (steps["flags"] & Flag.WALKING) != 0
    pause = np.diff(contact_s) > PAUSE_S
    found = [Span("no steps", float(contact_s[i]), float(contact_s[i + 1])) for i in np.flatnonzero(pause)]
    cut = np.append(pause | (np.diff(walking.astype(np.int8)) != 0), True)
    ends = np.flatnonzero(cut)
    starts = np.concatenate(([0], ends[:-1] + 1))
    # A walk lasts until the next step, unless a pause follows.
    until = np.where(np.append(pause, True), np.arange(contact_s.size), np.arange(1, contact_s.size + 1))
    found += [
        Span("walking", float(contact_s[a]), float(contact_s[until[b]]))
        for a, b in zip(starts, ends, strict=True)
        if walking[a]
    ]
    long = [span for span in found if span.length_s >= SHORT_SPAN_S]
    longest = sorted(long, key=lambda span: -span.length_s)[:MAX_SPANS]
    return tuple(sorted(longest, key=lambda span: span.start_s))


@dataclass(frozen=True, slots=True)
class Points:
    """Few points that stand for many steps of one foot.

    Attributes
    ----------
    time_s
        Middle of each point's time [s], shape ``(n,)``.
    middle, low, high
        Median, smallest and largest value of the steps; NaN where there are none.
    width_s
        Time that one point stands for [s].
    """

    time_s: FloatArray
    middle: FloatArray
    low: FloatArray
    high: FloatArray
    width_s: float


def point_width_s(length_s: float) -> float:
    """Choose how much time one point of a figure stands for [s].

    Examples
    --------
    >>> point_width_s(1200.0), point_width_s(3600.0), point_width_s(86400.0)
    (5.0, 10.0, 300.0)
    """
    fitting = [width for width in POINT_WIDTHS_S if length_s <= width * MAX_POINTS]
    return fitting[0] if fitting else length_s / MAX_POINTS


def points(time_s: FloatArray, values: FloatArray, start_s: float, end_s: float) -> Points:
    """Thin values out: median, smallest and largest of each piece of time, so that shape and outliers stay.

    Parameters
    ----------
    time_s, values
        Times [s] and values, shape ``(n,)``; NaN values are left out.
    start_s, end_s
        Span to cover [s].

    Examples
    --------
    >>> found = points(np.arange(20.0), np.r_[np.zeros(19), 9.0], 0.0, 19.0)
    >>> found.middle.tolist(), found.high.tolist()
    ([0.0, 0.0, 0.0, 0.0], [0.0, 0.0, 0.0, 9.0])
    """
    width_s = point_width_s(end_s - start_s)
    first = np.floor(start_s / width_s)
    n = max(1, int(np.floor(end_s / width_s) - first) + 1)
    known = np.isfinite(values) & np.isfinite(time_s)
    piece = np.clip(np.floor(time_s[known] / width_s) - first, 0, n - 1).astype(np.intp)
    order = np.lexsort((values[known], piece))
    ordered = values[known][order]
    counts = np.bincount(piece, minlength=n)
    starts = np.cumsum(counts) - counts
    middle, low, high = (np.full(n, np.nan) for _ in range(3))
    some = counts > 0
    low[some] = ordered[starts[some]]
    high[some] = ordered[starts[some] + counts[some] - 1]
    full = counts >= MIN_POINT_STEPS
    left, right = (starts + (counts - 1) // 2)[full], (starts + counts // 2)[full]
    middle[full] = (ordered[left] + ordered[right]) / 2.0
    return Points((first + np.arange(n) + 0.5) * width_s, middle, low, high, width_s)


def median(values: FloatArray) -> float:
    """Take the median of what is known; NaN of fewer than three."""
    known = values[np.isfinite(values)]
    return float(np.median(known)) if known.size >= MIN_POINT_STEPS else float("nan")


def quantiles(values: FloatArray, *levels: float) -> tuple[float, ...]:
    """Take quantiles of what is known; NaN if nothing is."""
    known = values[np.isfinite(values)]
    if not known.size:
        return tuple(float("nan") for _ in levels)
    return tuple(float(each) for each in np.quantile(known, levels))


def mean(values: Sequence[float] | FloatArray) -> float:
    """Take the mean of what is known; NaN if nothing is."""
    known = np.asarray(values, np.float64)
    known = known[np.isfinite(known)]
    return float(known.mean()) if known.size else float("nan")
