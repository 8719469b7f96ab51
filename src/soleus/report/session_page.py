"""The report of one session: its sections in order."""

from __future__ import annotations

from soleus.report.course import Course
from soleus.report.figures_apart import left_against_right
from soleus.report.figures_run import load_over_run, over_run, surroundings, time_line
from soleus.report.figures_spread import against_weeks, distribution, strikes
from soleus.report.four_weeks import history_words
from soleus.report.markup import Markup, join, tag
from soleus.report.page import CONTENTS, document, figure_place
from soleus.report.plots import Figure
from soleus.report.quantities import SHOWN, quantity
from soleus.report.run import Run
from soleus.report.sections_ground import (
    disclaimer_section,
    method_section,
    provenance_section,
)
from soleus.report.sections_parts import load_table, pain_section, splits_section, weeks_table
from soleus.report.sections_quality import quality_section
from soleus.report.sections_top import guidance_list, heading, title_of, verdict_section, warning_list
from soleus.report.splits import five_minutes, laps
from soleus.report.verdict import Verdict, verdict_of
from soleus.rules import HistorySummary

SPREADS = ("overstride", "achilles_impulse", "achilles_peak", "contact_time")
"""Quantities whose distributions are drawn."""
TITLE = "Run report"


def session_page(run: Run, course: Course, history: HistorySummary | None) -> bytes:
    """Make the report of a session.

    Parameters
    ----------
    run, course
        The session, and its steps looked through.
    history
        The weeks before it, if there is a log.
    """
    verdict = verdict_of(run, course, history)
    figures: list[Figure] = []

    def place(figure: Figure | None) -> Markup | None:
        if figure is None:
            return None
        figures.append(figure)
        return figure_place(figure)

    ran = bool(len(run.steps))
    parts = five_minutes(run, course)
    sections: list[tuple[str, str, Markup]] = [
        ("verdict", "Verdict", verdict_section(run, course, verdict)),
        ("warnings", "Warnings", _warnings(run, place(time_line(run, course)) if ran else None)),
    ]
    if course.trusted.any():
        drawn = [
            place(over_run(run, course, quantity(name), parts, history, verdict)) for name in SHOWN
        ]  # fmt: skip
        drawn.insert(1, place(left_against_right(run, course, parts, history, verdict.reference, verdict.drift)))
        over_time = tag(
            "section", tag("h2", "Over the run"), tag("p", _how_to_read(history), class_="quiet small"), *drawn,
            place(surroundings(run, course)), id="course", class_="new-page",
        )  # fmt: skip
        sections.append(("course", "Over the run", over_time))
        sections.append(
            ("calf-load", "Calf load", _load(verdict, history, place(load_over_run(course, verdict.loads[0]))))
        )
    elif ran:
        only = tag("section", tag("h2", "Over the run"), place(surroundings(run, course)), id="course")
        sections.append(("course", "Over the run", only))
    if parts:
        sections.append(("splits", "Splits", splits_section(parts, laps(run, course))))
    if course.trusted.any():
        sections.append(("weeks", "Last 28 days", _weeks(verdict, history, place(against_weeks(verdict.compared)))))
        spread = tag(
            "section", tag("h2", "Distributions"),
            tag("div", *(place(distribution(run, course, quantity(name))) for name in SPREADS), class_="pair"),
            place(strikes(run, course)), id="distributions",
        )  # fmt: skip
        sections.append(("distributions", "Distributions", spread))
    sections += [
        ("pain", "Pain", pain_section(run)),
        ("quality", "Data quality", quality_section(run, course)),
        ("method", "Method", method_section()),
        ("provenance", "Provenance", provenance_section([("", run)])),
        ("disclaimer", "No diagnosis", disclaimer_section()),
    ]
    body = join(
        heading(run, course, TITLE), tag("main", CONTENTS, *(section for _, _, section in sections))
    )  # fmt: skip
    return document(f"{TITLE}: {title_of(run)}", body, figures, [(name, words) for name, words, _ in sections])


def _warnings(run: Run, figure: Markup | None) -> Markup:
    return tag("section", tag("h2", "Warnings"), figure, warning_list(run), guidance_list(run), id="warnings")


def _how_to_read(history: HistorySummary | None) -> str:
    return (
        "Full line and discs: left. Dashed line and squares: right. Tinted: what is normal for each foot "
        f"{'at this speed' if history is not None and history.baselines else 'by minutes 3-8 of this run'}. Dotted "
        "uprights: warnings by their number. Grey: walking or no steps, left out. Drag to zoom all figures over time "
        "together, double-click to go back."
    )


def _load(verdict: Verdict, history: HistorySummary | None, figure: Markup | None) -> Markup:
    return tag(
        "section", tag("h2", "Calf load"), figure, load_table(verdict.loads),
        tag("p", history_words(history), class_="quiet small"), id="calf-load",
    )  # fmt: skip


def _weeks(verdict: Verdict, history: HistorySummary | None, figure: Markup | None) -> Markup:
    if verdict.compared:
        shown = join(figure, weeks_table(verdict.compared))
    elif history is not None and history.baselines:
        shown = tag("p", "This run was at speeds or grades that the last 28 days do not know; nothing can be compared.")
    else:
        shown = tag(
            "p",
            "There is nothing to compare with yet: it takes 3 runs with pods and 15 minutes of running within 28 days. "
            "Normal bands come from minutes 3-8 of this run.",
        )
    return tag(
        "section", tag("h2", "Against the last 28 days"), shown, tag("p", history_words(history), class_="quiet small"),
        id="weeks",
    )  # fmt: skip
