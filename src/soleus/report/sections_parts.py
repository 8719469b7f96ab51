"""The run in parts and against other runs: splits, laps, pain, the last four weeks, the load."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np

from soleus.model import FEET
from soleus.report.four_weeks import Compared, Load
from soleus.report.markup import Markup, Part, join, table, tag
from soleus.report.quantities import MISSING, clock, number, pace, percent, quantity, signed
from soleus.report.run import Run
from soleus.report.splits import Split, pain_marks

SPLIT_COLUMNS: Final = ("cadence", "contact_time", "achilles_impulse", "overstride", "foot_strike_angle")


def split_table(parts: Sequence[Split], caption: str, first: str) -> Markup:
    """Write parts of the run as a table, left and right beside each other."""
    graded = any(np.isfinite(part.grade) and abs(part.grade) > 0.0 for part in parts)
    pulsed = any(np.isfinite(part.heart_rate_bpm) for part in parts)
    head: list[Part] = [first, "running", "km", "m/s", "min/km"]
    head += ["grade [%]"] if graded else []
    head += ["heart rate"] if pulsed else []
    for name in SPLIT_COLUMNS:
        each = quantity(name)
        head.append(join(each.label, tag("br"), f"left | right [{each.unit}]"))
    head += [join("impulse a km", tag("br"), "[bw·s]"), "good steps"]
    rows = [_split_row(part, graded=graded, pulsed=pulsed) for part in parts]
    return table(tuple(head), rows, caption=caption)


def _split_row(part: Split, *, graded: bool, pulsed: bool) -> tuple[Part, ...]:
    row: list[Part] = [
        f"{clock(part.start_s)}-{clock(part.end_s)}",
        clock(part.running_s),
        number(part.distance_m / 1000.0, 2),
        number(part.speed_mps, 2),
        pace(part.speed_mps),
    ]
    row += [number(100.0 * part.grade, 1)] if graded else []
    row += [number(part.heart_rate_bpm)] if pulsed else []
    for name in SPLIT_COLUMNS:
        left, right = (quantity(name).show(value, unit=False) for value in part.medians[name])
        row.append(f"{left} | {right}")
    row.append(number(1000.0 * part.impulse_bws / part.distance_m) if part.distance_m > 0.0 else MISSING)
    row.append(percent(part.trusted / part.running) if part.running else MISSING)
    return tuple(row)


def splits_section(parts: Sequence[Split], laps: Sequence[Split]) -> Markup:
    """Write the five-minute splits, and the laps if there are any."""
    minutes = round((parts[0].end_s - parts[0].start_s) / 60.0) if len(parts) > 1 else 5
    note = (
        "Medians of the steady running steps that rest on good data; walking, starting and stopping are left out. "
        "Distance, running time and impulse count everything, impulse at least."
    )
    return tag(
        "section",
        tag("h2", f"Splits of {minutes} minutes"),
        split_table(parts, "Splits by session time", "time"),
        tag("p", note, class_="quiet small"),
        tag("h3", "Laps"),
        split_table(laps, "Laps as marked", "lap") if laps else tag("p", "No laps were marked."),
        id="splits",
    )


def pain_section(run: Run) -> Markup:
    """Write what the runner told of the calf."""
    marks = pain_marks(run)
    if not marks:
        told: Markup = tag("p", "No pain was told during the run; that does not mean there was none.")
    else:
        rows: list[tuple[Part, ...]] = [(clock(time_s), number(rating)) for time_s, rating in marks]
        told = table(("time", "pain 0-10"), rows, caption="Calf pain as told")
    return tag("section", tag("h2", "Pain"), told, id="pain")


def weeks_table(compared: Sequence[Compared]) -> Markup:
    """Write the speed-matched comparison."""
    rows: list[tuple[Part, ...]] = [
        (
            f"{each.quantity.title}, {FEET[each.foot]}",
            each.quantity.show(each.now, unit=False),
            each.quantity.show(each.usual, unit=False),
            each.quantity.show_change(each.difference),
            signed(each.spreads, 1),
            number(each.runs),
            percent(each.share),
        )
        for each in compared
    ]
    head = ("quantity", "this run", "usual", "difference", "standard deviations", "runs", "of this run compared")
    return table(head, rows, caption="This run against what is usual at the same speed and grade")


def load_table(loads: Sequence[Load]) -> Markup:
    """Write what added up against the largest of 30 days."""
    rows: list[tuple[Part, ...]] = [
        (
            f"{load.name} [{load.unit}]",
            number(load.now * load.factor, load.decimals),
            MISSING if load.longest is None else number(load.longest * load.factor, load.decimals),
            load.percent,
        )
        for load in loads
    ]
    return table(("load", "this run", "largest in 30 days", "share"), rows, caption="Load of the whole run")
