"""The run in parts: five minutes each, or lap by lap."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from soleus.model import FloatArray, Foot
from soleus.report.course import BoolArray, Course, mean, median
from soleus.report.quantities import QUANTITIES
from soleus.report.run import Run

SPLIT_S: Final = 300.0
"""Length of a split [s]."""
MAX_SPLITS: Final = 48
"""Splits of one table: of runs over four hours they become longer, in steps of five minutes."""
SHORTEST_LAP_S: Final = 1.0
"""A second press within this time is a slip of the finger [s]."""
LAP: Final = "lap"
PAIN: Final = "pain"
MAX_MARKS: Final = 500
"""Laps and pain marks that are shown."""


@dataclass(frozen=True, slots=True)
class Split:
    """One part of the run.

    Attributes
    ----------
    start_s, end_s
        Its session time [s].
    medians
        Quantity to medians of left and right, over the trusted running steps, in the column's unit.
    speed_mps, grade, heart_rate_bpm
        Median speed and grade of the trusted running steps, mean heart rate; NaN where not known.
    distance_m, running_s, impulse_bws
        What was added in this part; impulse is at least this much.
    steps, running, trusted
        Steps of all kinds, running steps, trusted ones among them.
    """

    start_s: float
    end_s: float
    medians: dict[str, tuple[float, float]]
    speed_mps: float
    grade: float
    heart_rate_bpm: float
    distance_m: float
    running_s: float
    impulse_bws: float
    steps: int
    running: int
    trusted: int


def five_minutes(run: Run, course: Course) -> tuple[Split, ...]:
    """Cut a run into parts of five minutes, by session time."""
    if course.bins is None:
        return ()
    length_s = SPLIT_S * max(1, math.ceil((course.end_s - course.start_s) / SPLIT_S / MAX_SPLITS))
    first = math.floor(course.start_s / length_s)
    last = math.floor(course.end_s / length_s)
    edges = [number * length_s for number in range(first, last + 2)]
    ends = [*edges[1:-1], course.end_s]
    return splits(run, course, list(zip(edges[:-1], ends, strict=True)))


def laps(run: Run, course: Course) -> tuple[Split, ...]:
    """Cut a run at the laps that were marked; nothing if none were."""
    marks = [event.time_s for event in run.events if event.kind == LAP and event.time_s is not None]
    within = sorted(time_s for time_s in marks if course.start_s < time_s < course.end_s)[:MAX_MARKS]
    if course.bins is None or not within:
        return ()
    edges = [course.start_s]
    for time_s in (*within, course.end_s):
        if time_s - edges[-1] >= SHORTEST_LAP_S:
            edges.append(time_s)
    return splits(run, course, list(itertools.pairwise(edges)))


def pain_marks(run: Run) -> tuple[tuple[float, float], ...]:
    """List what the runner told of the calf's pain: session time [s] and rating 0-10."""
    found = []
    for event in run.events:
        if event.kind != PAIN or event.time_s is None:
            continue
        value = _decoded(event.json)
        rating = value.get("rating") if isinstance(value, dict) else value
        if isinstance(rating, int | float) and not isinstance(rating, bool) and math.isfinite(rating):
            found.append((event.time_s, float(rating)))
    return tuple(sorted(found)[:MAX_MARKS])


def splits(run: Run, course: Course, edges: Sequence[tuple[float, float]]) -> tuple[Split, ...]:
    """Sum up parts of a run, each from one session time to another [s]."""
    steps = run.steps
    contact_s = steps["initial_contact_s"]
    found = []
    for start_s, end_s in edges:
        a, b = np.searchsorted(contact_s, [start_s, end_s], side="left")
        b = b + 1 if end_s >= course.end_s else b
        part = slice(int(a), int(b))
        trusted = course.trusted[part]
        foot = steps["foot"][part]

        found.append(
            Split(
                start_s,
                end_s,
                {each.signal: _of_feet(steps[each.column][part], trusted, foot) for each in QUANTITIES},
                median(steps["speed_mps"][part][trusted]),
                median(steps["grade"][part][trusted]),
                heart_rate_between(run, start_s, end_s),
                _added(course, "distance", start_s, end_s),
                _added(course, "running_time", start_s, end_s),
                _added(course, "impulse", start_s, end_s),
                int(b - a),
                int(course.running[part].sum()),
                int(trusted.sum()),
            )
        )
    return tuple(found)


def _of_feet(values: FloatArray, kept: BoolArray, foot: npt.NDArray[np.int8]) -> tuple[float, float]:
    left, right = (median(values[kept & (foot == each)]) for each in Foot)
    return left, right


def heart_rate_between(run: Run, start_s: float, end_s: float) -> float:
    """Take the mean heart rate of a span [beats/min]; NaN without readings."""
    if run.heart_rate is None:
        return float("nan")
    a, b = np.searchsorted(run.heart_rate.time_s, [start_s, end_s])
    return mean(run.heart_rate.rate_bpm[a:b])


def _added(course: Course, name: str, start_s: float, end_s: float) -> float:
    """Take what was added between two times; sums are known each ten seconds, between them they rise evenly."""
    bins = course.bins
    if bins is None:
        return 0.0
    known_s = np.concatenate(([course.start_s], bins.end_s))
    totals = np.concatenate(([0.0], bins.rows[name][:, 0]))
    before, after = np.interp([start_s, end_s if end_s < course.end_s else bins.end_s[-1]], known_s, totals)
    return float(after - before)


def _decoded(text: str) -> object:
    import msgspec

    try:
        return msgspec.json.decode(text)
    except msgspec.DecodeError:
        return None
