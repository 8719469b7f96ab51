"""``overview.html``: all sessions at a glance - how each quantity is distributed, and which sessions stand out.

One file without scripts; its charts are drawn as SVG with a table of the same numbers beneath.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import numpy as np
import pyarrow as pa

from soleus.batch.summary import DISCLAIMER, METRICS
from soleus.model import SEVERITIES, STEP_COLUMNS, FloatArray
from soleus.report.markup import Markup, Part, join, table, tag

OUTLIER_SCORE: Final = 3.5
"""Modified z-score beyond which a value stands out; Iglewicz & Hoaglin 1993, How to Detect and Handle Outliers."""
MAD_TO_SD: Final = 1.4826
"""Standard deviation over median absolute deviation of normally distributed values."""
OUTLIERS_MOST: Final = 12
"""Sessions named for each quantity, the farthest first."""
BINS: Final = 40
SAME_SHARE: Final = 1e-3
"""Values that differ by less than this share of themselves are drawn as one."""
SAME_LEAST: Final = 1e-9
DRAWN_DEVIATIONS: Final = 8.0
"""How far a distribution is drawn; what lies beyond would leave no room for it, and is named below."""
ROWS_MOST: Final = 500
"""Sessions and failures listed; the tables beside this page have all."""
PLOT_WIDTH: Final = 480
PLOT_HEIGHT: Final = 90
FEWEST: Final = 3
"""Sessions of which a distribution can be drawn."""
JUDGED_FEWEST: Final = 10
"""Sessions from which on it is said which stand out: of fewer, the median absolute deviation is itself unsure by more
than a third (of normal values its standard error is 1.17 / sqrt(n) of itself; Rousseeuw & Croux 1993, efficiency 37 %,
doi:10.1080/01621459.1993.10476408)."""
_UNIT_ENDING: Final = re.compile(r"_(spm|mps|kn_per_m|deg|bws?|s|m)$")
COLUMNS: Final = {column.name: column for column in STEP_COLUMNS}

STYLE: Final = """
:root{color-scheme:light dark;--ink:#1b2733;--soft:#5a6b7b;--line:#c9d3dc;--bar:#2f6f9f;--far:#b3261e;--back:#fff}
@media(prefers-color-scheme:dark){:root{--ink:#e6edf3;--soft:#9fb0c0;--line:#3a4753;--bar:#6cb0e0;--far:#ff8a80;
--back:#11181f}}
body{font:16px/1.5 system-ui,sans-serif;color:var(--ink);background:var(--back);max-width:70rem;margin:0 auto;
padding:1rem}
h1,h2,h3{line-height:1.2}table{border-collapse:collapse;width:100%;font-size:.875rem}
caption{text-align:left;color:var(--soft)}th,td{padding:.25rem .5rem;border-bottom:1px solid var(--line)}
th,td{text-align:left;vertical-align:top;font-weight:400;overflow-wrap:break-word}thead th{font-weight:600}
th.n,td.n{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}.scroll{overflow-x:auto}
section{margin:2rem 0}
svg{width:100%;max-width:30rem;height:auto;display:block}.bar{fill:var(--bar)}.far{fill:var(--far)}
.axis{stroke:var(--line)}svg text{fill:var(--soft);font-size:11px}a{color:inherit}
.grid tbody a,.grid tbody th{overflow-wrap:anywhere}
.grid{display:grid;grid-template-columns:repeat(auto-fit,minmax(20rem,1fr));gap:1.5rem}
"""


@dataclass(frozen=True, slots=True)
class Spread:
    """How a quantity is distributed over the sessions.

    Attributes
    ----------
    median, deviation
        Median, and median absolute deviation scaled to a standard deviation.
    far
        Rows that stand out, the farthest first; none of fewer than :data:`JUDGED_FEWEST`.
    """

    median: float
    deviation: float
    far: list[int]


def spread(values: FloatArray) -> Spread | None:
    """Tell how values are distributed and which stand out; ``None`` for fewer than three.

    Examples
    --------
    >>> found = spread(np.array([1.0, 1.1, 0.9, 1.05, 0.95, 9.0, np.nan, 1.02, 0.98, 1.07, 0.93]))
    >>> found.far
    [5]
    >>> spread(np.array([1.0, 1.1, 0.9, 9.0])).far
    []
    """
    known = values[np.isfinite(values)]
    if known.size < FEWEST:
        return None
    median = float(np.median(known))
    deviation = MAD_TO_SD * float(np.median(np.abs(known - median)))
    if deviation <= 0.0 or known.size < JUDGED_FEWEST:
        return Spread(median, deviation, [])
    score = np.abs(np.where(np.isfinite(values), values - median, 0.0)) / deviation
    order = np.argsort(-score, kind="stable")
    return Spread(median, deviation, [int(i) for i in order if score[i] > OUTLIER_SCORE])


def overview_page(summary: pa.Table, failures: pa.Table) -> str:
    """Make the page.

    Parameters
    ----------
    summary, failures
        As in ``summary.parquet`` and ``failures.parquet``.
    """
    rows: list[dict[str, Any]] = summary.to_pylist()
    head = join(
        tag("meta", charset="utf-8"),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("meta", http_equiv="Content-Security-Policy", content="default-src 'none'; style-src 'unsafe-inline'"),
        tag("title", f"Soleus: {counted(len(rows), 'session')}"),
        tag("style", Markup(STYLE)),
    )
    body = join(
        tag("h1", counted(len(rows), "session")),
        tag("p", _totals(rows, len(failures))),
        tag("p", DISCLAIMER),
        _failures(failures),
        tag("section", tag("h2", "Quantities"), tag("div", *_quantities(summary, rows), class_="grid")),
        _sessions(rows),
    )
    return f"<!doctype html>\n{tag('html', tag('head', head), tag('body', tag('main', body)), lang='en')}\n"


def _totals(rows: Sequence[dict[str, Any]], failed: int) -> str:
    hours = sum(row["duration_s"] or 0.0 for row in rows) / 3600.0
    runners = len({row["runner"] for row in rows if row["runner"]})
    apart = sum(row["history"] in {"no runner", "no date"} for row in rows)
    steps = sum(row["steps"] or 0 for row in rows)
    text = f"{counted(runners, 'runner')}, {hours:,.1f} hours, {counted(steps, 'step')}."
    if apart:
        text += f" Without a runner's name or a date, compared with no earlier ones: {counted(apart, 'session')}."
    return text + (f" {counted(failed, 'recording')} failed." if failed else "")


def counted(number: int, thing: str) -> str:
    """Write how many there are.

    Examples
    --------
    >>> counted(1, "session"), counted(1200, "session")
    ('1 session', '1,200 sessions')
    """
    return f"{number:,} {thing}{'' if number == 1 else 's'}"


def _failures(failures: pa.Table) -> Markup:
    if not len(failures):
        return Markup("")
    listed: list[tuple[Part, ...]] = [
        (row["path"], row["kind"], row["reason"]) for row in failures.slice(0, ROWS_MOST).to_pylist()
    ]
    caption = f"What failed, and why{_of_all(len(listed), len(failures), 'failures.parquet')}"
    return tag(
        "section", tag("h2", "Failures"), table(("path", "kind", "reason"), listed, caption=caption, words=(0, 1, 2))
    )


def _of_all(shown: int, total: int, file: str) -> str:
    return f" (the first {shown} of {total}; {file} has all)" if shown < total else ""


def _quantities(summary: pa.Table, rows: Sequence[dict[str, Any]]) -> list[Markup]:
    made = []
    for name in METRICS:
        values: FloatArray = summary.column(name).to_numpy().astype(np.float64)
        found = spread(values)
        if found is not None:
            made.append(_quantity(name, values, found, rows))
    return made or [tag("p", "Fewer than three sessions: there is no distribution to show.")]


def _quantity(name: str, values: FloatArray, found: Spread, rows: Sequence[dict[str, Any]]) -> Markup:
    column = COLUMNS[name]
    unit = "" if column.unit == "1" else f" [{column.unit}]"
    label = _UNIT_ENDING.sub("", name).replace("_", " ")
    known = values[np.isfinite(values)]
    low, high = (float(np.percentile(known, p)) for p in (5, 95))
    facts = (
        f"{known.size} sessions: median {found.median:.4g}, 5th to 95th percentile {low:.4g} to {high:.4g}; "
        f"{f'{len(found.far)} stand out' if known.size >= JUDGED_FEWEST else 'too few to say which stand out'}"
    )
    parts: list[Part] = [
        tag("h3", label + unit),
        tag("p", column.meaning),
        _histogram(known, found, facts),
        tag("p", facts),
    ]
    if found.far:
        listed: list[tuple[Part, ...]] = [
            (_link(rows[i]), f"{values[i]:.4g}", f"{(values[i] - found.median) / found.deviation:+.1f}")
            for i in found.far[:OUTLIERS_MOST]
        ]
        caption = f"Sessions that stand out{_of_all(len(listed), len(found.far), 'summary.parquet')}"
        parts.append(table(("session", "median", "deviations"), listed, caption=caption))
    return tag("section", *parts)


def _histogram(known: FloatArray, found: Spread, title: str) -> Markup:
    """Draw how many sessions have which value; what stands out is in another colour."""
    reach = DRAWN_DEVIATIONS * found.deviation or np.inf
    ends_at = (max(float(known.min()), found.median - reach), min(float(known.max()), found.median + reach))
    narrowest = SAME_SHARE * abs(found.median) + SAME_LEAST
    if ends_at[1] - ends_at[0] < narrowest:
        ends_at = (found.median - narrowest, found.median + narrowest)
    counts, edges = np.histogram(known, BINS, range=ends_at)
    span = float(edges[-1] - edges[0]) or 1.0
    width = PLOT_WIDTH / BINS
    bars = []
    for i, count in enumerate(counts.tolist()):
        if not count:
            continue
        height = max(2.0, count / float(counts.max()) * PLOT_HEIGHT)
        middle = float(edges[i] + edges[i + 1]) / 2.0
        is_far = bool(found.far) and abs(middle - found.median) > OUTLIER_SCORE * found.deviation
        bars.append(
            tag(
                "rect", tag("title", f"{edges[i]:.4g} to {edges[i + 1]:.4g}: {counted(count, 'session')}"),
                x=f"{i * width:.1f}", y=f"{PLOT_HEIGHT - height:.1f}", width=f"{width - 1:.1f}", height=f"{height:.1f}",
                class_="far" if is_far else "bar",
            )
        )  # fmt: skip
    at = (found.median - float(edges[0])) / span * PLOT_WIDTH
    axis = tag(
        "line", x1="0", x2=str(PLOT_WIDTH), y1=str(PLOT_HEIGHT), y2=str(PLOT_HEIGHT), class_="axis"
    )  # fmt: skip
    middle_line = tag("line", x1=f"{at:.1f}", x2=f"{at:.1f}", y1="0", y2=str(PLOT_HEIGHT), class_="axis")
    below = str(PLOT_HEIGHT + 14)
    ends = join(
        tag("text", f"{edges[0]:.4g}", x="0", y=below),
        tag("text", f"{edges[-1]:.4g}", x=str(PLOT_WIDTH), y=below, text_anchor="end"),
    )
    return tag(
        "svg", axis, *bars, middle_line, ends,
        viewBox=f"0 0 {PLOT_WIDTH} {PLOT_HEIGHT + 20}", role="img", aria_label=title,
    )  # fmt: skip


def _sessions(rows: Sequence[dict[str, Any]]) -> Markup:
    listed: list[tuple[Part, ...]] = [
        (
            _link(row),
            row["runner"] or "unknown",
            _day(row["start"]),
            f"{(row['duration_s'] or 0.0) / 60.0:.1f}",
            f"{row['steps']:,}",
            ", ".join(f"{row[f'warnings_{name}']} {name}" for name in SEVERITIES[::-1] if row[f"warnings_{name}"])
            or "none",
            row["history"] or "",
        )
        for row in rows[:ROWS_MOST]
    ]
    head: tuple[Part, ...] = ("session", "runner", "day", "minutes", "steps", "warnings", "compared")
    caption = f"Sessions by runner and start{_of_all(len(listed), len(rows), 'summary.parquet')}"
    return tag("section", tag("h2", "Sessions"), table(head, listed, caption=caption, words=(0, 1, 2, 5, 6)))


def _link(row: dict[str, Any]) -> Part:
    """Name a session by the end of its path, and link its report."""
    name = "/".join(str(row["source"]).rstrip("/").split("/")[-2:])
    return tag("a", name, href=str(row["report"]), title=str(row["source"])) if row["report"] else name


def _day(start: datetime | None) -> str:
    return "unknown" if start is None else start.date().isoformat()
