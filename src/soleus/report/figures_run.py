"""Figures over the time of the run: warnings, each quantity with its normal band, speed, load."""

from __future__ import annotations

from typing import Final

import numpy as np

from soleus.model import FEET, SEVERITIES, FloatArray, Foot
from soleus.report.course import Course, Points, points, quantiles
from soleus.report.four_weeks import LONGEST_LINES, Load
from soleus.report.markup import Markup, table
from soleus.report.normal import BAND_SPREADS, NORMAL_MAD, Band, band
from soleus.report.plots import (
    SEVERITY_SIGNS,
    SHAPES,
    Figure,
    Layout,
    Trace,
    axis,
    band_trace,
    beginning,
    drawn_range,
    foot_dots,
    foot_line,
    layout,
    level_line,
    minutes,
    packed,
    span_shapes,
    time_axis,
    warning_shapes,
)
from soleus.report.quantities import Quantity, clock, number, percent
from soleus.report.run import Run
from soleus.report.splits import LAP, Split, pain_marks
from soleus.report.verdict import Verdict
from soleus.rules import HistorySummary

OUTLIER_SPREADS: Final = 4.0
"""Single steps further from their point's median are drawn, in robust standard deviations (design choice)."""
BIN_MIDDLE_S: Final = 5.0
"""A ten-second bin's middle lies this much before its end [s]."""
SHOWN_SPEED: Final = "@ink"
ROW_PX: Final = 28
"""Height of a row of the time line."""


def over_run(
    run: Run,
    course: Course,
    each: Quantity,
    parts: tuple[Split, ...],
    history: HistorySummary | None,
    verdict: Verdict,
) -> Figure:
    """Draw one quantity of both feet over the run, with the normal band, odd steps, warnings and walks."""
    steps = run.steps
    usual = band(course, each.signal, history, verdict.reference)
    data: list[Trace] = []
    lines: list[FloatArray] = []
    feet = [foot for foot in Foot if (steps["foot"] == foot).any()]
    odd_steps = 0
    for foot in feet:
        kept = course.trusted & (steps["foot"] == foot)
        found = points(
            steps["initial_contact_s"][kept], each.factor * steps[each.column][kept], course.start_s, course.end_s
        )
        lines.append(found.middle)
        hover = f"%{{y:.{each.decimals}f}} {each.unit}"
        data.append(foot_line(foot, minutes(found.time_s), found.middle, hover=hover))
        x, y = outliers(found)
        odd_steps += x.size
        if x.size:
            data.append(foot_dots(foot, minutes(x), y, name=f"odd step, {FEET[foot]}", hover=hover))
            low, high = quantiles(y, 0.02, 0.98)
            lines.append(np.clip(y, low, high))
    if usual is not None and course.bins is not None:
        at_s = course.bins.end_s - BIN_MIDDLE_S
        for foot in feet:
            drawn = band_trace(foot, at_s, usual, each.factor)
            if drawn is not None:
                data.insert(0, drawn)
                lines += [each.factor * usual.low[:, foot], each.factor * usual.high[:, foot]]
    made = layout(each.unit, xaxis=time_axis(course.start_s, course.end_s))
    made["yaxis"]["range"] = list(drawn_range(*lines))
    mark(made, run, course)
    for change in verdict.changes:
        if change.quantity is each and change.since_s is not None:
            shape, note = beginning(change.since_s, change.foot)
            made[SHAPES].append(shape)
            made["annotations"].append(note)
    return Figure(
        name=f"run-{each.signal.replace('_', '-')}",
        title=each.label,
        caption=caption(run, course, each, usual, odd_steps),
        data=data,
        layout=made,
        table=split_table(each, parts),
        over_time=True,
    )


def outliers(found: Points) -> tuple[FloatArray, FloatArray]:
    """Give the smallest and largest steps of each point that lie far from its median: their times [s] and values."""
    spread = NORMAL_MAD * (found.high - found.low) / 2.0
    known = np.isfinite(spread)
    if not known.any():
        return np.empty(0), np.empty(0)
    # Half the range of a point's steps is some two standard deviations: what is left of it after its median is robust.
    limit = OUTLIER_SPREADS / _RANGE_SPREADS * float(np.median(spread[known]))
    x, y = [], []
    for edge in (found.low, found.high):
        far = np.abs(edge - found.middle) > limit
        x.append(found.time_s[far])
        y.append(edge[far])
    return np.concatenate(x), np.concatenate(y)


_RANGE_SPREADS: Final = 2.0


def mark(made: Layout, run: Run, course: Course) -> None:
    """Put warnings, walks and pauses into a figure over time."""
    shapes, notes = span_shapes(course.spans, course.start_s, course.end_s)
    more_shapes, more_notes = warning_shapes(run)
    made[SHAPES] = [*made[SHAPES], *shapes, *more_shapes]
    made["annotations"] = [*made["annotations"], *notes, *more_notes]


def caption(run: Run, course: Course, each: Quantity, usual: Band | None, odd_steps: int) -> str:
    """Say what a figure over the run shows, with its numbers."""
    parts = []
    for foot in Foot:
        kept = course.trusted & (run.steps["foot"] == foot)
        low, middle, high = quantiles(run.steps[each.column][kept], 0.05, 0.5, 0.95)
        if np.isfinite(middle):
            parts.append(
                f"{FEET[foot]} median {each.show(middle)} (5-95 % of steps {each.show(low, unit=False)} to "
                f"{each.show(high)})"
            )
    if not parts:
        return f"{each.label}: not known in this run."
    text = f"{each.label}: {'; '.join(parts)}."
    if usual is None:
        text += " No normal band: there is neither a history nor a steady piece of minutes 3-8 to take it from."
    else:
        text += f" Tinted: {usual.words}, ± {number(BAND_SPREADS)} standard deviations."
        inside = share_inside(course, each, usual)
        told = [f"{FEET[foot]} {percent(inside[foot])}" for foot in Foot if np.isfinite(inside[foot])]
        if told:
            text += f" Within it: {', '.join(told)} of the ten-second medians."
    if odd_steps:
        many = "step lies" if odd_steps == 1 else "steps lie"
        text += f" Small symbols: {number(odd_steps)} {many} far from those around."
    return text


def share_inside(course: Course, each: Quantity, usual: Band) -> tuple[float, float]:
    """Give the share of ten-second medians within the band, left and right; NaN where there is none."""
    if course.bins is None:
        return float("nan"), float("nan")
    values = course.bins.rows[each.signal]
    known = np.isfinite(values) & np.isfinite(usual.middle)
    inside = known & (values >= usual.low) & (values <= usual.high)
    left, right = (float(inside[:, f].sum()) / n if (n := int(known[:, f].sum())) else float("nan") for f in Foot)
    return left, right


def split_table(each: Quantity, parts: tuple[Split, ...]) -> Markup:
    """Write one quantity part by part."""
    rows = [
        (f"{clock(part.start_s)}-{clock(part.end_s)}", *(each.show(v, unit=False) for v in part.medians[each.signal]))
        for part in parts
    ]
    return table(("time", f"left [{each.unit}]", f"right [{each.unit}]"), rows, caption=f"{each.label}: medians")


def time_line(run: Run, course: Course) -> Figure:
    """Draw what happened when: warnings by severity, pain, laps, walks and pauses."""
    data: list[Trace] = []
    codes = run.warnings["severity"]
    for code, word in enumerate(SEVERITIES):
        mine = np.flatnonzero(codes == code)
        if mine.size:
            texts = [f"{SEVERITY_SIGNS[word]} {position + 1}" for position in mine.tolist()]
            data.append(_row_marks(minutes(run.warnings["time_s"][mine]), word, texts, f"@{word}"))
    pains = pain_marks(run)
    if pains:
        x = minutes(np.array([time_s for time_s, _ in pains]))
        data.append(_row_marks(x, "pain", [number(rating) for _, rating in pains], "@stop"))
    laps = [event.time_s for event in run.events if event.kind == LAP and event.time_s is not None]
    if laps:
        data.append(_row_marks(minutes(np.array(laps)), "lap", [str(i + 1) for i in range(len(laps))], "@ink"))
    used = {trace["y"][0] for trace in data}
    rows = ["running", *(row for row in ("lap", "pain", *SEVERITIES) if row in used)]
    x, y = running_line(course)
    data.append(
        {
            "type": "scatter", "mode": "lines", "x": packed(x), "y": ["running" if np.isfinite(v) else None for v in y],
            "line": {"color": "@ink", "width": 7}, "hoverinfo": "skip", "showlegend": False,
        }
    )  # fmt: skip
    made = layout(
        "",
        height=ROW_PX * (len(rows) + 3),
        hovermode="closest",
        showlegend=False,
        xaxis=time_axis(course.start_s, course.end_s),
    )
    made["yaxis"] = axis(type="category", categoryorder="array", categoryarray=rows, range=[-0.6, len(rows) - 0.4])
    made[SHAPES], made["annotations"] = span_shapes(course.spans, course.start_s, course.end_s)
    count = len(run.warnings)
    told = "no warning" if not count else "1 warning" if count == 1 else f"{count} warnings"
    walked = sum(span.length_s for span in course.spans if span.kind == "walking")
    stood = sum(span.length_s for span in course.spans if span.kind == "no steps")
    return Figure(
        name="time-line",
        title="What happened when",
        caption=f"{clock(course.total('running_time'))} of running with {told}, {len(pains)} pain marks and "
        f"{len(laps)} laps. Grey: {clock(walked)} of walking and {clock(stood)} without steps, left out of every "
        "figure below.",
        data=data,
        layout=made,
        over_time=True,
    )


def _row_marks(x: FloatArray, row: str, texts: list[str], colour: str) -> Trace:
    return {
        "type": "scatter", "mode": "text", "x": packed(x), "y": [row] * x.size, "text": texts,
        "textfont": {"size": 15, "color": colour}, "hovertemplate": f"{row} at %{{x:.1f}} min<extra></extra>",
        "cliponaxis": False,
    }  # fmt: skip


def running_line(course: Course) -> tuple[FloatArray, FloatArray]:
    """Give the stretches of running as a line with gaps, in minutes."""
    edges = [course.start_s]
    for span in course.spans:
        edges += [span.start_s, span.end_s]
    edges.append(course.end_s)
    x, y = [], []
    for start_s, end_s in zip(edges[::2], edges[1::2], strict=True):
        if end_s > start_s:
            x += [start_s, end_s, np.nan]
            y += [1.0, 1.0, np.nan]
    return minutes(np.array(x)), np.array(y)


def surroundings(run: Run, course: Course) -> Figure | None:
    """Draw speed, grade and heart rate, as far as they are known."""
    steps = run.steps
    kept = np.isfinite(steps["speed_mps"])
    panels: list[tuple[str, Points, str]] = []
    if kept.any():
        found = points(steps["initial_contact_s"][kept], steps["speed_mps"][kept], course.start_s, course.end_s)
        panels.append(("Speed [m/s]", found, "%{y:.2f} m/s"))
    graded = np.isfinite(steps["grade"])
    if graded.any() and np.ptp(steps["grade"][graded]) + abs(float(steps["grade"][graded][0])) > 0.0:
        grade = 100.0 * steps["grade"][graded]
        found = points(steps["initial_contact_s"][graded], grade, course.start_s, course.end_s)
        panels.append(("Grade [%]", found, "%{y:.1f} %"))
    if run.heart_rate is not None and run.heart_rate.time_s.size:
        found = points(run.heart_rate.time_s, run.heart_rate.rate_bpm, course.start_s, course.end_s)
        panels.append(("Heart rate [1/min]", found, "%{y:.0f} /min"))
    if not panels:
        return None
    made = layout("", height=90 + 130 * len(panels), showlegend=False, xaxis=time_axis(course.start_s, course.end_s))
    data: list[Trace] = []
    told: list[str] = []
    height = 1.0 / len(panels)
    for position, (title, found, hover) in enumerate(panels):
        name = "y" if position == 0 else f"y{position + 1}"
        top = 1.0 - position * height
        made[f"yaxis{'' if position == 0 else position + 1}"] = axis(title=title, domain=[top - height + 0.05, top])
        data.append(
            {
                "type": "scatter", "mode": "lines", "x": packed(minutes(found.time_s)), "y": packed(found.middle),
                "yaxis": name, "line": {"color": SHOWN_SPEED, "width": 2, "shape": "hvh"}, "hovertemplate": hover,
                "name": title,
            }
        )  # fmt: skip
        low, middle, high = quantiles(found.middle, 0.0, 0.5, 1.0)
        label, _, unit = title.partition(" [")
        told.append(
            f"{label} median {number(middle, 2)}, from {number(low, 2)} to {number(high, 2)} {unit.rstrip(']')}"
        )
    made["xaxis"]["anchor"] = f"y{len(panels)}" if len(panels) > 1 else "y"
    mark(made, run, course)
    return Figure(
        "surroundings", "Speed, grade and heart rate", f"{'. '.join(told)}.", data, made, over_time=True
    )  # fmt: skip


def load_over_run(course: Course, load: Load) -> Figure | None:
    """Draw the modelled impulse as it adds up, against the largest of 30 days."""
    bins = course.bins
    if bins is None or load.now <= 0.0:
        return None
    thin = np.unique(np.linspace(0, len(bins) - 1, min(len(bins), 400)).astype(np.intp))
    total = bins.rows["impulse"][thin, 0]
    data: list[Trace] = [
        {
            "type": "scatter", "mode": "lines", "x": packed(minutes(bins.end_s[thin])), "y": packed(total),
            "line": {"color": "@ink", "width": 2.5}, "name": "this run", "hovertemplate": "%{y:.0f} bw·s",
            "fill": "tozeroy", "fillcolor": "@shade", "showlegend": False,
        }
    ]  # fmt: skip
    made = layout("bw·s", xaxis=time_axis(course.start_s, course.end_s))
    top = load.now
    text = f"Modelled Achilles impulse adds up to at least {number(load.now)} bw·s"
    if load.longest:
        for factor in LONGEST_LINES:
            colour = "@quiet" if factor == 1.0 else "@caution"
            words = f"{percent(factor)} of the 30-day largest: {number(factor * load.longest)} bw·s"
            shape, note = level_line(factor * load.longest, words, colour, above=factor > 1.0)
            made[SHAPES].append(shape)
            made["annotations"].append(note)
            top = max(top, factor * load.longest)
        text += f": {load.percent} of the largest of one run in 30 days ({number(load.longest)} bw·s)."
    else:
        text += "; there is not enough history for a 30-day largest to compare it with."
    made["yaxis"]["range"] = [0.0, 1.12 * top]
    shapes, notes = span_shapes(course.spans, course.start_s, course.end_s)
    made[SHAPES] += shapes
    made["annotations"] += notes
    return Figure("load", "Calf load as it adds up", text, data, made, over_time=True)
