"""Plots as plain values in plotly's own form; colours are names that the page fills in for light and dark."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np

from soleus.model import FEET, SEVERITIES, FloatArray
from soleus.report.markup import Markup
from soleus.report.normal import Band
from soleus.report.run import Run

MINUTE_S: Final = 60.0
LINE_STYLES: Final = ("solid", "6px,3px")
"""Left is a full line, right a dashed one: never told apart by colour alone."""
SYMBOLS: Final = ("circle", "square-open")
"""Left are discs, right are open squares."""
SEVERITY_SIGNS: Final = dict(zip(SEVERITIES, ("●", "▲", "◆", "⬣"), strict=True))
"""Shape of each severity, as in the page's lists."""
MAX_MARKED: Final = 40
"""Warnings drawn into each figure."""
HEIGHT_PX: Final = 250
SHAPES: Final = "shapes"

Trace = dict[str, Any]
Layout = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Figure:
    """A plot with its words.

    Attributes
    ----------
    name, title
        Its anchor and heading.
    caption
        What it shows, in a sentence with the numbers: also its text alternative.
    data, layout
        In plotly's form.
    table
        The numbers behind it.
    over_time
        Whether its axis is the session's time: such figures zoom together.
    """

    name: str
    title: str
    caption: str
    data: list[Trace]
    layout: Layout
    table: Markup | None = None
    over_time: bool = False
    notes: tuple[str, ...] = field(default=())


def packed(values: FloatArray | Sequence[float]) -> dict[str, str]:
    """Pack numbers as little-endian single floats in base64: a third of their size as text.

    Examples
    --------
    >>> packed([1.0])
    {'dtype': 'f4', 'bdata': 'AACAPw=='}
    """
    return {"dtype": "f4", "bdata": base64.b64encode(np.asarray(values, "<f4").tobytes()).decode()}


def minutes(time_s: FloatArray) -> FloatArray:
    """Turn session time into minutes."""
    return np.asarray(time_s, np.float64) / MINUTE_S


def layout(title_y: str, *, height: int = HEIGHT_PX, **more: Any) -> Layout:  # noqa: ANN401  (plotly's own values)
    """Make the layout that all plots share."""
    made: Layout = {
        "height": height,
        "margin": {"l": 58, "r": 14, "t": 26, "b": 40},
        "paper_bgcolor": "@paper",
        "plot_bgcolor": "@paper",
        "font": {"family": "system-ui, sans-serif", "size": 13, "color": "@ink"},
        "hovermode": "x unified",
        "hoverlabel": {"bgcolor": "@paper", "bordercolor": "@rule", "font": {"color": "@ink"}},
        "legend": {
            "orientation": "h",
            "x": 1,
            "xanchor": "right",
            "y": 1.02,
            "yanchor": "bottom",
            "font": {"size": 12},
        },
        "xaxis": axis(),
        "yaxis": axis(title=title_y),
        SHAPES: [],
        "annotations": [],
    }
    return made | more


def axis(*, title: str = "", **more: Any) -> dict[str, Any]:  # noqa: ANN401
    """Make an axis."""
    made: dict[str, Any] = {
        "gridcolor": "@grid",
        "linecolor": "@rule",
        "zeroline": False,
        "automargin": True,
        "ticks": "outside",
        "tickcolor": "@rule",
        "ticklen": 4,
    }
    if title:
        made["title"] = {"text": title, "standoff": 8}
    return made | more


def time_axis(start_s: float, end_s: float) -> dict[str, Any]:
    """Make the axis of session time in minutes."""
    low, high = start_s / MINUTE_S, end_s / MINUTE_S
    pad = 0.01 * max(high - low, 0.1)
    return axis(title="minutes", range=[low - pad, high + pad])


def fix_margins(made: Layout) -> Layout:
    """Keep the axes of figures over time below one another, whatever their labels."""
    made = made | {"margin": made["margin"] | {"l": LABEL_PX}}
    for name in [name for name in made if name.startswith("yaxis")]:
        made[name] = made[name] | {"automargin": False}
    return made


LABEL_PX: Final = 72
"""Room for the value axis of a figure over time."""


def foot_line(foot: int, x: FloatArray, y: FloatArray, *, hover: str, label: str = "") -> Trace:
    """Make the line of one foot, a few symbols on it."""
    return {
        "type": "scatter",
        "mode": "lines+markers",
        "name": label or FEET[foot],
        "x": packed(x),
        "y": packed(y),
        "line": {"color": f"@{FEET[foot]}", "width": 2.2, "dash": LINE_STYLES[foot]},
        "marker": {"symbol": SYMBOLS[foot], "size": 7, "maxdisplayed": 12, "color": f"@{FEET[foot]}"},
        "hovertemplate": hover,
        "connectgaps": False,
    }


def foot_dots(foot: int, x: FloatArray, y: FloatArray, *, name: str, hover: str) -> Trace:
    """Make single steps of one foot."""
    return {
        "type": "scatter",
        "mode": "markers",
        "name": name,
        "x": packed(x),
        "y": packed(y),
        "marker": {
            "symbol": ("circle-open", "square-open")[foot],
            "size": 5,
            "color": f"@{FEET[foot]}",
            "opacity": 0.7,
        },
        "hovertemplate": hover,
        "showlegend": False,
    }


def band_trace(foot: int, time_s: FloatArray, band: Band, factor: float) -> Trace | None:
    """Make the normal band of one foot: a tinted area wherever it is known, its edges in the line of the foot."""
    low, high = factor * band.low[:, foot], factor * band.high[:, foot]
    known = np.isfinite(low) & np.isfinite(high)
    if not known.any():
        return None
    pieces = np.split(np.flatnonzero(known), np.flatnonzero(np.diff(np.flatnonzero(known)) > 1) + 1)
    x, y = [], []
    for piece in pieces:
        rows = piece[:: max(1, piece.size // MAX_BAND_POINTS)]
        rows = np.union1d(rows, piece[[0, -1]])
        at = minutes(time_s[rows])
        x += [at, at[::-1], np.array([np.nan])]
        y += [high[rows], low[rows][::-1], np.array([np.nan])]
    colour = f"@{FEET[foot]}"
    return {
        "type": "scatter",
        "mode": "lines",
        "name": f"normal {FEET[foot]}",
        "legendrank": LAST_RANK + foot,
        "x": packed(np.concatenate(x)),
        "y": packed(np.concatenate(y)),
        "fill": "toself",
        "fillcolor": f"{colour}/0.13",
        "line": {"color": f"{colour}/0.7", "width": 1, "dash": LINE_STYLES[foot]},
        "hoverinfo": "skip",
    }


LAST_RANK: Final = 1001
"""Place in the legend behind everything else, which plotly ranks at 1000."""
MAX_BAND_POINTS: Final = 120
"""Points along each edge of a band."""


def span_shapes(spans: Sequence[Any], start_s: float, end_s: float) -> tuple[list[Any], list[Any]]:
    """Mark what was walked or stood: grey areas with a word where there is room."""
    shapes, notes = [], []
    for span in spans:
        shapes.append(
            {
                "type": "rect", "xref": "x", "yref": "paper", "layer": "below", "line": {"width": 0}, "y0": 0, "y1": 1,
                "x0": span.start_s / MINUTE_S, "x1": span.end_s / MINUTE_S, "fillcolor": "@shade",
            }
        )  # fmt: skip
        if span.length_s >= WORD_SHARE * (end_s - start_s):
            notes.append(
                _note((span.start_s + span.end_s) / 2.0, 0.02, span.kind, "@quiet", anchor="bottom")
                | {"textangle": -90 if span.length_s < WIDE_SHARE * (end_s - start_s) else 0}
            )
    return shapes, notes


WORD_SHARE: Final = 0.012
"""Share of the run's length from which a walk or pause gets a word in the plot."""
WIDE_SHARE: Final = 0.1
"""The same from which the word is written level."""


def warning_shapes(run: Run) -> tuple[list[Any], list[Any]]:
    """Mark the warnings: a dotted line each, its sign and number above."""
    shapes, notes = [], []
    for position in range(min(len(run.warnings), MAX_MARKED)):
        word = SEVERITIES[run.warnings["severity"][position]]
        time_s = float(run.warnings["time_s"][position])
        if not np.isfinite(time_s):
            continue
        at = time_s / MINUTE_S
        shapes.append(
            {
                "type": "line", "xref": "x", "yref": "paper", "x0": at, "x1": at, "y0": 0, "y1": 1,
                "line": {"color": f"@{word}", "width": 1.5, "dash": "dot"},
            }
        )  # fmt: skip
        notes.append(_note(time_s, 1.0, f"{SEVERITY_SIGNS[word]}{position + 1}", f"@{word}", anchor="bottom"))
    return shapes, notes


def _note(time_s: float, y: float, text: str, colour: str, *, anchor: str) -> dict[str, Any]:
    return {
        "x": time_s / MINUTE_S, "y": y, "xref": "x", "yref": "paper", "yanchor": anchor, "text": text,
        "showarrow": False, "font": {"color": colour, "size": 12},
    }  # fmt: skip


def beginning(time_s: float, foot: int) -> tuple[dict[str, Any], dict[str, Any]]:
    """Mark where a foot begins to change: an upright in the line of the foot, with its words below."""
    shape = {
        "type": "line", "xref": "x", "yref": "paper", "x0": time_s / MINUTE_S, "x1": time_s / MINUTE_S,
        "y0": 0, "y1": 1, "line": {"color": f"@{FEET[foot]}", "width": 1.5, "dash": "dash"},
    }  # fmt: skip
    note = _note(time_s, 0.02, f" {FEET[foot]} changes →", f"@{FEET[foot]}", anchor="bottom")
    return shape, note | {"xanchor": "left", "bgcolor": "@paper/0.7"}


def level_line(value: float, text: str, colour: str, *, above: bool) -> tuple[dict[str, Any], dict[str, Any]]:
    """Draw a level across a plot, with its words above or below it."""
    shape = {
        "type": "line", "xref": "paper", "yref": "y", "x0": 0, "x1": 1, "y0": value, "y1": value,
        "line": {"color": colour, "width": 1.5, "dash": "dash"},
    }  # fmt: skip
    note = {
        "x": 0.01, "xref": "paper", "xanchor": "left", "y": value, "yref": "y", "text": text, "showarrow": False,
        "yanchor": "bottom" if above else "top", "font": {"color": colour, "size": 12},
    }  # fmt: skip
    return shape, note


def upright_line(value: float, text: str, colour: str, *, dash: str = "dash", y: float = 1.0) -> tuple[Any, Any]:
    """Draw a value on the axis of a distribution, with its words."""
    shape = {
        "type": "line", "xref": "x", "yref": "paper", "x0": value, "x1": value, "y0": 0, "y1": 1,
        "line": {"color": colour, "width": 1.5, "dash": dash},
    }  # fmt: skip
    note = {
        "x": value, "xref": "x", "y": y, "yref": "paper", "yanchor": "top", "xanchor": "left", "text": text,
        "showarrow": False, "font": {"color": colour, "size": 12}, "bgcolor": "@paper/0.8",
    }  # fmt: skip
    return shape, note


def drawn_range(*parts: FloatArray) -> tuple[float, float]:
    """Choose what to show of the value axis: every line and band, and a little room."""
    known = np.concatenate([part[np.isfinite(part)] for part in parts]) if parts else np.empty(0)
    if not known.size:
        return 0.0, 1.0
    low, high = float(known.min()), float(known.max())
    room = ROOM * (high - low) if high > low else ROOM * max(abs(high), 1.0)
    return low - room, high + room


ROOM: Final = 0.08
"""Share of the drawn range that is left free above and below."""
