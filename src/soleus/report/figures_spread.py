"""Figures of how values spread: distributions by foot, foot strikes, and this run against the last weeks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from soleus.model import FEET, FOOT_STRIKES, FloatArray, Foot
from soleus.report.course import Course, median, quantiles
from soleus.report.four_weeks import Compared
from soleus.report.headline import UNUSUAL_SPREADS
from soleus.report.markup import table
from soleus.report.plots import (
    LINE_STYLES,
    SHAPES,
    SYMBOLS,
    Figure,
    Trace,
    axis,
    layout,
    packed,
    upright_line,
)
from soleus.report.quantities import Quantity, in_sentence, number, percent, signed
from soleus.report.run import Run

CLASSES: Final = 40
"""Classes of a distribution."""
TAILS: Final = (0.002, 0.998)
"""Quantiles between which the classes lie; what is beyond is counted in the outermost ones."""
CONTROL_M: Final = 0.133
"""Overstride of runners without calf trouble at 3.2 m/s [m]; Bramah 2021 (doi:10.26603/001c.22971)."""
CALF_STRAIN_M: Final = 0.158
"""The same of runners with recurrent calf strains [m]."""
AT_SPEED_MPS: Final = 3.2
"""Speed of that study [m/s]."""
PER_SPEED: Final = 0.052
"""Change of overstride with speed [m per m/s]; Fukuchi 2017 (doi:10.7717/peerj.3298)."""
SPEEDS_MPS: Final = (2.3, 5.0)
"""Range of speeds in which the two are drawn [m/s]."""
MIN_STEPS: Final = 30
"""Steps of a foot that a distribution needs (design choice)."""
STRIKE_HATCHES: Final = ("", "/", "x")
STRIKE_COLOURS: Final = ("@left", "@quiet", "@right")


def distribution(run: Run, course: Course, each: Quantity) -> Figure | None:
    """Draw how the steps of each foot spread in one quantity."""
    values = each.factor * run.steps[each.column]
    feet = {
        foot: values[course.trusted & (run.steps["foot"] == foot) & np.isfinite(values)] for foot in Foot
    }  # fmt: skip
    feet = {foot: own for foot, own in feet.items() if own.size >= MIN_STEPS}
    if not feet:
        return None
    edges = classes(np.concatenate(list(feet.values())))
    middles = {foot: number(float(np.median(own)), each.decimals) for foot, own in feet.items()}
    data = [outline(own, edges, f"{FEET[foot]}, median {middles[foot]}", foot) for foot, own in feet.items()]
    made = spread_layout(each, edges)
    made[SHAPES] += [
        upright_line(float(np.median(own)), "", f"@{FEET[foot]}", dash=LINE_STYLES[foot])[0]
        for foot, own in feet.items()
    ]
    words = [
        f"{FEET[foot]} median {middles[foot]}, middle half "
        f"{' to '.join(number(v, each.decimals) for v in quantiles(own, 0.25, 0.75))} {each.unit} ({number(own.size)} "
        "steps)"
        for foot, own in feet.items()
    ]
    text = f"{each.label}: {'; '.join(words)}."
    if each.signal == "overstride":
        text += _strain_lines(made, run, course)
    rows = [
        (f"{number(100 * level)} %", *(number(float(np.quantile(own, level)), each.decimals) for own in feet.values()))
        for level in (0.05, 0.25, 0.5, 0.75, 0.95)
    ]
    heads = ("share of steps below", *(f"{FEET[foot]} [{each.unit}]" for foot in feet))
    return Figure(
        f"spread-{each.signal.replace('_', '-')}", f"{each.label}: distribution", text, data, made,
        table(heads, rows, caption=f"{each.label}: quantiles"),
    )  # fmt: skip


def classes(values: FloatArray) -> FloatArray:
    """Choose classes for a distribution; shape ``(CLASSES + 1,)``."""
    low, high = quantiles(values, *TAILS)
    if not high > low:
        low, high = low - 0.5, high + 0.5
    return np.linspace(low, high, CLASSES + 1)


def shares(values: FloatArray, edges: FloatArray) -> FloatArray:
    """Give the share of values in each class [%]; those beyond the ends count in the outermost classes."""
    inside = np.clip(values, edges[0], edges[-1])
    counts, _ = np.histogram(inside, edges)
    return 100.0 * counts / max(1, values.size)


def outline(values: FloatArray, edges: FloatArray, name: str, foot: int) -> Trace:
    """Draw a distribution as stairs."""
    share = shares(values, edges)
    x = np.concatenate(([edges[0]], (edges[:-1] + edges[1:]) / 2.0, [edges[-1]]))
    y = np.concatenate(([0.0], share, [0.0]))
    colour = f"@{FEET[foot]}"
    return {
        "type": "scatter", "mode": "lines", "name": name, "x": packed(x), "y": packed(y), "fill": "tozeroy",
        "fillcolor": f"{colour}/0.12",
        "line": {"color": colour, "width": 2, "shape": "hvh", "dash": LINE_STYLES[foot]},
        "hovertemplate": "%{y:.1f} %",
    }  # fmt: skip


def spread_layout(each: Quantity, edges: FloatArray) -> dict[str, Any]:
    """Make the layout of a distribution."""
    made = layout("steps [%]")
    made["xaxis"] = axis(title=each.title, range=[float(edges[0]), float(edges[-1])])
    made["yaxis"]["rangemode"] = "tozero"
    return made


def _strain_lines(made: dict[str, Any], run: Run, course: Course) -> str:
    """Draw the means of the one study on calf strains and overstride, moved to this run's speed."""
    speed = median(run.steps["speed_mps"][course.trusted])
    if not SPEEDS_MPS[0] <= speed <= SPEEDS_MPS[1]:
        return ""
    means = [100.0 * (mean + PER_SPEED * (speed - AT_SPEED_MPS)) for mean in (CONTROL_M, CALF_STRAIN_M)]
    low, high = made["xaxis"]["range"]
    made["xaxis"]["range"] = [min(low, means[0] - 0.5), max(high, means[1] + 0.5)]
    for mean, words, y in ((means[0], "no calf trouble*", 1.0), (means[1], "recurrent calf strain*", 0.88)):
        shape, note = upright_line(mean, words, "@quiet", dash="dot", y=y)
        made[SHAPES].append(shape)
        made["annotations"].append(note)
    return (
        f" *Means of runners without calf trouble ({number(means[0], 1)} cm) and with recurrent calf strains "
        f"({number(means[1], 1)} cm) of Bramah et al. 2021 (doi:10.26603/001c.22971), moved to {number(speed, 1)} m/s: "
        "an association in 30 men, no limit."
    )


def strikes(run: Run, course: Course) -> Figure | None:
    """Draw the shares of rear-, mid- and forefoot strikes of each foot."""
    counts = strike_counts(run, course.trusted)
    if not counts.sum():
        return None
    feet = [foot for foot in Foot if counts[foot].sum()]
    share = 100.0 * counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    data: list[Trace] = [
        {
            "type": "bar", "orientation": "h", "name": word, "y": [FEET[foot] for foot in feet],
            "x": packed(share[feet, code]),
            "text": [_inside(word, float(share[foot, code])) for foot in feet],
            "textposition": "inside", "insidetextanchor": "middle", "textfont": {"color": "@ink"},
            "marker": {
                "color": "@paper", "line": {"color": "@ink", "width": 1},
                "pattern": {
                    "shape": STRIKE_HATCHES[code], "fgcolor": "@ink/0.35", "bgcolor": f"{STRIKE_COLOURS[code]}/0.22",
                    "size": 8, "solidity": 0.15, "fillmode": "replace",
                },
            },
            "hovertemplate": f"{word} %{{x:.1f}} %<extra></extra>",
        }
        for code, word in enumerate(FOOT_STRIKES)
    ]  # fmt: skip
    made = layout("", height=90 + 60 * len(feet), barmode="stack", hovermode="closest")
    made["xaxis"] = axis(title="steps [%]", range=[0, 100])
    made["yaxis"] = axis(autorange="reversed")
    words = [
        f"{FEET[foot]} {', '.join(f'{percent(s / 100)} {w}' for s, w in zip(share[foot], FOOT_STRIKES, strict=True))}"
        for foot in feet
    ]
    rows = [(FEET[foot], *(number(int(n)) for n in counts[foot])) for foot in feet]
    return Figure(
        "strikes", "Foot strike", f"Foot strikes: {'; '.join(words)}. No strike is ideal.", data, made,
        table(("steps", *FOOT_STRIKES), rows, caption="Foot strikes"),
    )  # fmt: skip


def _inside(word: str, share: float) -> str:
    return f"{word} {percent(share / 100)}" if share >= ROOM_FOR_WORDS else ""


ROOM_FOR_WORDS: Final = 12.0
"""Share of a bar [%] from which words fit into it."""


def strike_counts(run: Run, kept: npt.NDArray[np.bool_]) -> npt.NDArray[np.int64]:
    """Count strikes: shape ``(2, 3)``, foot by rear-, mid- and forefoot."""
    steps = run.steps
    known = kept & (steps["foot_strike"] >= 0) & (steps["foot"] >= 0)
    cells = steps["foot"][known].astype(np.int64) * len(FOOT_STRIKES) + steps["foot_strike"][known]
    return np.bincount(cells, minlength=len(FEET) * len(FOOT_STRIKES)).reshape(len(FEET), len(FOOT_STRIKES))


def against_weeks(compared: Sequence[Compared]) -> Figure | None:
    """Draw this run against what is usual at the same speeds, in standard deviations between runs."""
    told = [each for each in compared if np.isfinite(each.spreads)]
    if not told:
        return None
    labels = list(dict.fromkeys(each.quantity.label for each in told))
    data: list[Trace] = [
        {
            "type": "scatter", "mode": "markers", "name": FEET[foot],
            "x": [each.spreads for each in told if each.foot == foot],
            "y": [each.quantity.label for each in told if each.foot == foot],
            "text": [each.quantity.show_change(each.difference) for each in told if each.foot == foot],
            "marker": {"symbol": SYMBOLS[foot], "size": 11, "color": f"@{FEET[foot]}", "line": {"width": 2}},
            "hovertemplate": "%{y}: %{text}",
        }
        for foot in Foot
    ]  # fmt: skip
    widest = max(3.5, *(abs(each.spreads) + 0.5 for each in told))
    made = layout("", height=110 + 30 * len(labels), hovermode="closest")
    made["xaxis"] = axis(
        title="below usual ← standard deviations between runs → above usual", range=[-widest, widest], zeroline=True,
        zerolinecolor="@rule",
    )  # fmt: skip
    made["yaxis"] = axis(
        type="category", categoryorder="array", categoryarray=labels[::-1], range=[-0.6, len(labels) - 0.4]
    )
    made[SHAPES].append(
        {
            "type": "rect", "xref": "x", "yref": "paper", "x0": -UNUSUAL_SPREADS, "x1": UNUSUAL_SPREADS, "y0": 0,
            "y1": 1, "layer": "below", "line": {"width": 0}, "fillcolor": "@shade",
        }
    )  # fmt: skip
    far = [each for each in told if abs(each.spreads) >= UNUSUAL_SPREADS]
    listed = ", ".join(
        f"{in_sentence(each.quantity.label)} {FEET[each.foot]} ({signed(each.spreads, 1)})" for each in far
    )
    text = (
        f"{number(len(told))} comparisons at the same speeds; grey: ± {number(UNUSUAL_SPREADS)} standard deviations "
        "between runs. "
        f"{f'Beyond it: {listed}.' if far else 'All lie within it.'}"
    )
    return Figure("weeks", "Against the last 28 days at the same speeds", text, data, made)
