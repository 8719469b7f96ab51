"""Left against right over the run: where one calf tires first, it shows here before anywhere else."""

from __future__ import annotations

import math
from typing import Final

import numpy as np

from soleus.model import FloatArray
from soleus.report.change import ASYMMETRY_LIMIT, Drift
from soleus.report.course import Course, median
from soleus.report.figures_run import BIN_MIDDLE_S, mark
from soleus.report.markup import Markup, Part, table
from soleus.report.normal import BAND_SPREADS, NORMAL_MAD, Reference
from soleus.report.plots import SHAPES, Figure, Trace, drawn_range, layout, minutes, packed, time_axis
from soleus.report.quantities import clock, number, signed
from soleus.report.run import Run
from soleus.report.splits import Split
from soleus.rules import HistorySummary

SMOOTH_BINS: Final = 6
"""Ten-second medians of one point of the line: a minute."""
MIN_BINS: Final = 12
"""Ten-second medians of both feet that the figure needs: two minutes (design choice)."""


def left_against_right(
    run: Run,
    course: Course,
    parts: tuple[Split, ...],
    history: HistorySummary | None,
    reference: Reference | None,
    drift: Drift | None,
) -> Figure | None:
    """Draw the contact-time asymmetry (left - right) / mean over the run; ``None`` without both feet."""
    bins = course.bins
    if bins is None:
        return None
    contact_s = bins.rows["contact_time"]
    apart = 100.0 * (contact_s[:, 0] - contact_s[:, 1]) / ((contact_s[:, 0] + contact_s[:, 1]) / 2.0)
    if int(np.isfinite(apart).sum()) < MIN_BINS:
        return None
    at_s = bins.end_s - BIN_MIDDLE_S
    band, source = _band(apart, history, reference)
    smooth_s, smooth = _by_minute(at_s, apart)
    data: list[Trace] = [
        {
            "type": "scatter", "mode": "markers", "name": "ten seconds", "x": packed(minutes(at_s)), "y": packed(apart),
            "marker": {"symbol": "circle", "size": 3.5, "color": "@quiet", "opacity": 0.6}, "hoverinfo": "skip",
        },
        {
            "type": "scatter", "mode": "lines", "name": "a minute", "x": packed(minutes(smooth_s)), "y": packed(smooth),
            "line": {"color": "@ink", "width": 2.5}, "hovertemplate": "%{y:+.1f} %",
        },
    ]  # fmt: skip
    made = layout("%", xaxis=time_axis(course.start_s, course.end_s))
    shown = [apart, np.array([0.0])]
    if band is not None:
        made[SHAPES].append(
            {
                "type": "rect", "xref": "paper", "yref": "y", "x0": 0, "x1": 1, "y0": band[0], "y1": band[1],
                "layer": "below", "line": {"width": 0}, "fillcolor": "@shade",
            }
        )  # fmt: skip
        shown.append(np.array(band))
    made["yaxis"] |= {"range": list(drawn_range(*shown)), "zeroline": True, "zerolinecolor": "@rule"}
    mark(made, run, course)
    for x, text in ((0.01, "left longer ↑"), (0.01, "right longer ↓")):
        made["annotations"].append(
            {
                "x": x, "xref": "paper", "y": 1.0 if "left" in text else 0.0, "yref": "paper", "xanchor": "left",
                "yanchor": "top" if "left" in text else "bottom", "text": text, "showarrow": False,
                "font": {"size": 12, "color": "@quiet"}, "bgcolor": "@paper/0.7",
            }
        )  # fmt: skip
    caption = f"Contact time of the left foot against the right: median {signed(median(apart), 1)} % of their mean."
    if drift is not None:
        caption += (
            f" From minutes 3-8 to the last five minutes it went from {signed(100 * drift.before, 1)} % to "
            f"{signed(100 * drift.after, 1)} %; growth of {number(100 * ASYMMETRY_LIMIT)} % is worth a word."
        )
    if band is not None:
        caption += f" Grey: {source}, {signed(band[0], 1)} % to {signed(band[1], 1)} %."
    return Figure(
        "apart", "Contact time, left against right", caption, data, made, _table(parts), over_time=True
    )  # fmt: skip


def _band(
    apart: FloatArray, history: HistorySummary | None, reference: Reference | None
) -> tuple[tuple[float, float] | None, str]:
    """Give what is normal [%], and where that comes from."""
    own = np.empty(0) if reference is None else apart[reference.rows & np.isfinite(apart)]
    level = float(np.median(own)) if own.size >= MIN_BINS else float("nan")
    within = NORMAL_MAD * float(np.median(np.abs(own - level))) if own.size >= MIN_BINS else 0.0
    if history is not None and history.contact_asymmetry is not None and history.contact_asymmetry_spread is not None:
        level = 100.0 * history.contact_asymmetry
        spread = math.hypot(100.0 * history.contact_asymmetry_spread, within)
        source = "the runner's usual one over the last 28 days"
    else:
        spread, source = within, "minutes 3-8 of this run"
    if math.isnan(level):
        return None, ""
    words = f"{source} ± {number(BAND_SPREADS)} standard deviations"
    return (level - BAND_SPREADS * spread, level + BAND_SPREADS * spread), words


def _by_minute(at_s: FloatArray, values: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Take medians of whole minutes; NaN where fewer than three bins are known."""
    n = at_s.size // SMOOTH_BINS
    if not n:
        return at_s, values
    rows = values[: n * SMOOTH_BINS].reshape(n, SMOOTH_BINS)
    middle = np.array([median(row) for row in rows])
    return at_s[: n * SMOOTH_BINS].reshape(n, SMOOTH_BINS).mean(axis=1), middle


def _table(parts: tuple[Split, ...]) -> Markup:
    rows: list[tuple[Part, ...]] = []
    for part in parts:
        left, right = part.medians["contact_time"]
        share = 100.0 * (left - right) / ((left + right) / 2.0) if left + right else float("nan")
        rows.append((f"{clock(part.start_s)}-{clock(part.end_s)}", signed(share, 1)))
    return table(("time", "(left - right) / mean [%]"), rows, caption="Contact-time asymmetry")
