"""The page of two sessions beside each other."""

from __future__ import annotations

from typing import Final

import numpy as np

from soleus.model import FEET, Foot
from soleus.report.comparison import Difference, Matched, differences, match, matched_steps
from soleus.report.course import Course, median
from soleus.report.figures_spread import MIN_STEPS, classes, shares, spread_layout
from soleus.report.headline import ENOUGH_TRUSTED
from soleus.report.markup import Markup, Part, items, join, table, tag
from soleus.report.page import CONTENTS, document, figure_place
from soleus.report.plots import SHAPES, SYMBOLS, Figure, Trace, axis, layout, packed
from soleus.report.quantities import MISSING, Quantity, clock, in_sentence, number, percent, quantity, signed
from soleus.report.run import Run
from soleus.report.sections_ground import disclaimer_section, provenance_section
from soleus.report.sections_top import DISCLAIMER, sign, title_of, warning_list

TITLE: Final = "Two sessions compared"
LABELS: Final = ("A", "B")
STYLES: Final = (("@unknown", "solid"), ("@link", "6px,3px"))
"""Colour and line of A and of B."""
SPREADS: Final = ("contact_time", "achilles_impulse", "overstride", "foot_strike_angle")
LEVEL_WORDS: Final = {"notice": "they differ", "well": "alike", "unknown": "no verdict"}
TOLD: Final = 4
"""Clear differences named in the headline."""

Runs = tuple[Run, Run]
Courses = tuple[Course, Course]


def comparison_page(runs: Runs, courses: Courses) -> bytes:
    """Make the page of two sessions, A and B.

    Parameters
    ----------
    runs, courses
        The sessions, and their steps looked through.
    """
    matched = match(courses)
    found = differences(courses, matched)
    figures: list[Figure] = []

    def place(figure: Figure | None) -> Markup | None:
        if figure is None:
            return None
        figures.append(figure)
        return figure_place(figure)

    spreads = [
        place(_distribution(runs, courses, matched, quantity(name), foot)) for name in SPREADS for foot in Foot
    ]  # fmt: skip
    sections = [
        ("verdict", "Verdict", _verdict_section(runs, courses, matched, found)),
        ("sessions", "The sessions", _sessions_section(runs, courses)),
        ("differences", "Differences", _differences_section(found, place(_forest(found)))),
        ("distributions", "Distributions", _spread_section(spreads)),
        ("warnings", "Warnings", _warnings_section(runs)),
        ("method", "Method", _method_section()),
        ("provenance", "Provenance", provenance_section(list(zip(LABELS, runs, strict=True)))),
        ("disclaimer", "No diagnosis", disclaimer_section()),
    ]
    button = tag("button", "Dark colours", id="theme", type="button", hidden=True)
    names = [f"{label}: {name_of(run)}" for label, run in zip(LABELS, runs, strict=True)]
    words = tag("div", tag("h1", TITLE), tag("p", " · ".join(names), class_="quiet"))
    body = join(
        tag("header", words, button), tag("main", CONTENTS, *(section for _, _, section in sections))
    )  # fmt: skip
    return document(f"{TITLE}: {' and '.join(run.name for run in runs)}", body, figures, [s[:2] for s in sections])


def name_of(run: Run) -> str:
    """Name a session by folder, runner, day and shoe."""
    shoe = f", {run.record.runner.shoe}" if run.record.runner.shoe else ""
    title = title_of(run)
    return f"{title}{shoe}" if title.startswith(run.name) else f"{run.name} ({title}{shoe})"


def _verdict_section(runs: Runs, courses: Courses, matched: Matched, found: tuple[Difference, ...]) -> Markup:
    level, headline = _headline(courses, matched, found)
    low, high = matched.speeds_mps
    facts: list[Part] = []
    names = {run.record.runner.name for run in runs}
    if len(names) > 1:
        facts.append(
            "A and B name different runners: the models compare a runner with himself, differences between people mean "
            "less than they seem."
        )
    if matched.enough:
        facts.append(
            f"Compared at {_speeds(low, high)}: {percent(matched.shares[0])} of A's steady running and "
            f"{percent(matched.shares[1])} of B's."
        )
        facts += [_sentence(each) for each in found if each.clear and each.large]
        small = [each for each in found if each.clear and not each.large]
        if small:
            listed = ", ".join(f"{in_sentence(each.quantity.label)} {FEET[each.foot]}" for each in small)
            facts.append(f"Clear but smaller than what is worth a word: {listed}.")
    for label, run, course in zip(LABELS, runs, courses, strict=True):
        if course.running.any():
            facts.append(
                f"{label}: {percent(course.trusted_share)} of {number(int(course.running.sum()))} steady running steps "
                f"rest on good data; {_warned(run)}."
            )
    facts.append(
        "Two runs are two runs: the intervals know how each of them varied, not how one day differs from the next. "
        "Before a shoe or a cue gets the credit, repeat it."
    )
    return tag(
        "section", tag("h2", "Verdict"), sign(level, LEVEL_WORDS[level]),
        tag("p", headline, class_="headline"), items(*facts),
        tag("p", DISCLAIMER, class_="quiet small"), id="verdict", class_=f"verdict {level}",
    )  # fmt: skip


def _headline(courses: Courses, matched: Matched, found: tuple[Difference, ...]) -> tuple[str, str]:
    for label, course in zip(LABELS, courses, strict=True):
        if not course.running.any():
            return "unknown", f"Nothing was run in {label}: there is nothing to compare."
        if course.trusted_share < ENOUGH_TRUSTED:
            return "unknown", (
                f"The data of {label} are too poor to compare: only {percent(course.trusted_share)} of the running "
                "steps can be trusted."
            )
    if not matched.enough or not found:
        return "unknown", "The two were not run at the same speeds and grades for a minute, so they cannot be compared."
    if all(np.isnan(each.low) for each in found):
        return "unknown", "Too short to tell: it takes four minutes of each at the same speeds."
    clear = [each for each in found if each.clear and each.large]
    if not clear:
        return "well", "At the same speeds, no difference that is both clear and worth a word."
    told: dict[str, list[Difference]] = {}
    for each in clear:
        told.setdefault(each.quantity.signal, []).append(each)
    first = "; ".join(_both_feet(feet) for feet in list(told.values())[:TOLD])
    more = f"; and {len(told) - TOLD} more" if len(told) > TOLD else ""
    return "notice", f"B against A at the same speeds: {first}{more}."


def _both_feet(feet: list[Difference]) -> str:
    q = feet[0].quantity
    sides = ", ".join(f"{FEET[each.foot]} {q.show_change(each.difference)}" for each in feet)
    return f"{in_sentence(q.label)} {sides}"


def _sentence(each: Difference) -> str:
    q = each.quantity
    return (
        f"{q.label} {FEET[each.foot]}: {q.show_change(each.difference)} (95 % interval "
        f"{signed(q.factor * each.low, q.decimals)} to {q.show_change(each.high)}), from {q.show(each.a, unit=False)} "
        f"to {q.show(each.b)}; effect size {signed(each.effect, 1)}."
    )


def _warned(run: Run) -> str:
    count = len(run.warnings)
    return "no warning" if not count else "1 warning" if count == 1 else f"{number(count)} warnings"


def _interval(each: Difference) -> str:
    q = each.quantity
    return f"{signed(q.factor * each.low, q.decimals)} to {q.show_change(each.high)}"


def _speeds(low: float, high: float) -> str:
    return f"{number(low, 2)} m/s" if high - low < _SAME_MPS else f"{number(low, 2)} to {number(high, 2)} m/s"


_SAME_MPS: Final = 0.005


def _sessions_section(runs: Runs, courses: Courses) -> Markup:
    def both(words: str, values: list[str]) -> tuple[Part, ...]:
        return (words, *values)

    speeds = [median(run.steps["speed_mps"][course.trusted]) for run, course in zip(runs, courses, strict=True)]
    rows = [
        both("session", [name_of(run) for run in runs]),
        both(
            "start", [MISSING if r.record.start_utc is None else f"{r.record.start_utc:%Y-%m-%d %H:%M}" for r in runs]
        ),
        both("shoe", [run.record.runner.shoe or MISSING for run in runs]),
        both("running", [clock(course.total("running_time")) for course in courses]),
        both("distance [km]", [number(course.total("distance") / 1000.0, 2) for course in courses]),
        both("median speed [m/s]", [number(speed, 2) for speed in speeds]),
        both("modelled Achilles impulse, all steps [bw·s]", [number(course.total("impulse")) for course in courses]),
        both("good steps", [percent(course.trusted_share) for course in courses]),
    ]
    made = table(("", *LABELS), rows, caption="A and B", words=(0, 1, 2))
    return tag("section", tag("h2", "The sessions"), made, id="sessions")


def _differences_section(found: tuple[Difference, ...], figure: Markup | None) -> Markup:
    if not found:
        shown = tag("p", "Nothing could be compared.")
    else:
        rows: list[tuple[Part, ...]] = [
            (
                f"{each.quantity.title}, {FEET[each.foot]}",
                each.quantity.show(each.a, unit=False),
                each.quantity.show(each.b, unit=False),
                each.quantity.show_change(each.difference),
                MISSING if np.isnan(each.low) else _interval(each),
                signed(each.effect, 1),
                each.words,
            )
            for each in found
        ]
        head = ("quantity", "A", "B", "B - A", "95 % interval", "effect size", "verdict")
        shown = table(head, rows, caption="B against A at the same speed and grade", words=(0, 6))
    return tag(
        "section", tag("h2", "Differences at the same speeds"), figure, shown, id="differences", class_="new-page"
    )


def _forest(found: tuple[Difference, ...]) -> Figure | None:
    """Draw every difference with its interval, in standard deviations within the sessions."""
    told = [each for each in found if each.spread > 0.0 and np.isfinite(each.low)]
    if not told:
        return None
    labels = [f"{each.quantity.label}, {FEET[each.foot]}" for each in told]
    data: list[Trace] = []
    for foot in Foot:
        mine = [(label, each) for label, each in zip(labels, told, strict=True) if each.foot == foot]
        data.append(
            {
                "type": "scatter", "mode": "markers", "name": FEET[foot],
                "x": [each.effect for _, each in mine], "y": [label for label, _ in mine],
                "error_x": {
                    "type": "data", "symmetric": False, "color": f"@{FEET[foot]}", "thickness": 2, "width": 5,
                    "array": [(each.high - each.difference) / each.spread for _, each in mine],
                    "arrayminus": [(each.difference - each.low) / each.spread for _, each in mine],
                },
                "text": [each.quantity.show_change(each.difference) for _, each in mine],
                "marker": {"symbol": SYMBOLS[foot], "size": 10, "color": f"@{FEET[foot]}"},
                "hovertemplate": "%{y}: %{text}",
            }
        )  # fmt: skip
    made = layout("", height=120 + 22 * len(labels), hovermode="closest")
    made["xaxis"] = axis(title="B lower ← effect size → B higher")
    made["yaxis"] = axis(
        type="category", categoryorder="array", categoryarray=labels[::-1], range=[-0.6, len(labels) - 0.4]
    )
    made[SHAPES].append(
        {
            "type": "line", "xref": "x", "yref": "paper", "x0": 0, "x1": 0, "y0": 0, "y1": 1,
            "line": {"color": "@ink", "width": 1.5},
        }
    )  # fmt: skip
    clear = sum(each.clear for each in told)
    text = (
        f"Differences B - A at the same speeds with 95 % intervals, over the standard deviation of ten-second medians: "
        f"{clear} of {len(told)} leave zero out."
    )
    return Figure("forest", "All differences at once", text, data, made)


def _spread_section(spreads: list[Markup | None]) -> Markup:
    shown = [each for each in spreads if each is not None]
    body = tag("div", *shown, class_="pair") if shown else tag("p", "There are not enough steps at the same speeds.")
    return tag("section", tag("h2", "Distributions at the same speeds"), body, id="distributions", class_="new-page")


def _distribution(runs: Runs, courses: Courses, matched: Matched, each: Quantity, foot: Foot) -> Figure | None:
    """Draw the steps of one foot in both sessions over one another."""
    parts = []
    for run, course, rows in zip(runs, courses, matched.rows, strict=True):
        values = each.factor * run.steps[each.column]
        kept = matched_steps(run.steps, course, rows) & (run.steps["foot"] == foot) & np.isfinite(values)
        parts.append(values[kept])
    if any(part.size < MIN_STEPS for part in parts):
        return None
    edges = classes(np.concatenate(parts))
    middles = np.concatenate(([edges[0]], (edges[:-1] + edges[1:]) / 2.0, [edges[-1]]))
    data: list[Trace] = []
    words = []
    for label, part, (colour, dash) in zip(LABELS, parts, STYLES, strict=True):
        middle = number(float(np.median(part)), each.decimals)
        words.append(f"{label} median {middle} {each.unit} ({number(part.size)} steps)")
        data.append(
            {
                "type": "scatter", "mode": "lines", "name": f"{label}, median {middle}", "x": packed(middles),
                "y": packed(np.concatenate(([0.0], shares(part, edges), [0.0]))), "fill": "tozeroy",
                "fillcolor": f"{colour}/0.15", "line": {"color": colour, "width": 2, "shape": "hvh", "dash": dash},
                "hovertemplate": "%{y:.1f} %",
            }
        )  # fmt: skip
    title = f"{each.label}, {FEET[foot]}"
    name = f"spread-{each.signal.replace('_', '-')}-{FEET[foot]}"
    return Figure(name, title, f"{title}: {'; '.join(words)}.", data, spread_layout(each, edges))


def _warnings_section(runs: Runs) -> Markup:
    parts = [
        join(tag("h3", f"{label}: {name_of(run)}"), warning_list(run, prefix=f"{label.lower()}-", links=False))
        for label, run in zip(LABELS, runs, strict=True)
    ]
    return tag("section", tag("h2", "Warnings of both"), *parts, id="warnings")


def _method_section() -> Markup:
    return tag(
        "section",
        tag("h2", "Method and limits"),
        items(
            "Compared are ten-second medians of steady, trusted running with a partner in the other session within "
            "0.1 m/s and 0.5 % of grade (an unknown grade counts as level). Where the speeds span 0.25 m/s or the "
            "grades 1.5 %, a common slope is taken out.",
            "Intervals: 95 %, from 2000 draws of whole minutes with replacement within each session (Künsch 1989, "
            "doi:10.1214/aos/1176347265); they need four minutes of each.",
            "Effect size: difference over the standard deviation of ten-second medians within the sessions. Such "
            "medians vary little, so effect sizes come out large; look at the difference itself first.",
            "Worth a word is what the rules would tell within a run: 4 % of contact time, 5 % of modelled Achilles "
            "load, 1 cm of overstride, 0.5 cm of oscillation, 3° of strike angle, 2 % of cadence. Design choices.",
            "How each quantity comes about and what it cannot tell stands in the report of each session. A pod put on "
            "anew, another shoe or another belt shifts values by itself.",
        ),
        id="method",
    )
