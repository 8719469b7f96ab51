"""Data quality: what was lost and why, clipped, repaired and left out; how well the clocks are known; latency."""

from __future__ import annotations

from typing import Final

import msgspec
import numpy as np

from soleus.model import Flag, Foot
from soleus.report.course import Course
from soleus.report.markup import Markup, Part, items, join, table, tag
from soleus.report.quantities import MISSING, clock, number, percent
from soleus.report.run import Run
from soleus.rules.bins import MIN_STEP_QUALITY

COUNTS: Final = {
    "samples": "samples",
    "lost": "lost by their time stamps",
    "bridged": "of them bridged",
    "bad_time": "dropped for their time stamp",
    "unusable_rate": "dropped for their rate",
    "clipped": "accelerometer clipped",
    "saturated": "gyroscope saturated",
    "repaired": "of them repaired",
    "breaks": "holes that ended a stretch",
    "steps": "steps found",
    "rejected_swings": "swings that were no stride",
}
OF_SAMPLES: Final = ("lost", "bridged", "bad_time", "unusable_rate", "clipped", "saturated", "repaired")
CAUSES: Final = {
    "pod": "lost inside the pod",
    "overwritten": "no longer in the pod's memory when asked for",
    "wait": "not brought within the time they were waited for",
    "air": "lost on the way; this pod cannot send them again",
    "restart": "lost with a restart of the pod, estimated",
    "unpaired": "came from one sensor of the pod only",
    "no_time": "came before the pod's clock was known",
}
"""Why samples of a live session are missing, by the word in ``session.json``."""
RADIO: Final = {
    "backfilled": "samples sent again by the pod after a gap",
    "late": "samples that came too late for the analysis, kept",
    "unaccounted": "samples without any account",
    "links_lost": "links lost",
}
CLOCK: Final = {
    "rate_ppm": ("pod's clock against the session's [ppm]", 1.0, 1),
    "precision_s": ("precision of the mapping [ms]", 1000.0, 2),
    "bias_bound_s": ("bound of its bias [ms]", 1000.0, 2),
    "residual_s": ("median distance of a record [ms]", 1000.0, 2),
}
"""How well a pod's clock is known: words, factor from SI, decimals."""
LATENCY: Final = {"latency": "from toe-off to the step's row", "push": "one push of samples through the analysis"}
TOLD: Final = "told"
"""Kind of the events that hold what was told to the runner."""
MAX_FACTS: Final = 100
"""Further facts that are shown."""
MAX_NOTES: Final = 100
"""Notes that are shown."""


def quality_section(run: Run, course: Course) -> Markup:
    """Write what was lost, clipped, repaired and left out, and why."""
    return tag(
        "section",
        tag("h2", "Data quality"),
        tag("p", _trust_words(run, course)),
        _counts_table(run),
        _flag_table(run),
        _loss_table(run),
        _radio_table(run),
        _timing(run),
        _further(run),
        _told(run),
        id="quality",
    )


def _trust_words(run: Run, course: Course) -> str:
    if not course.running.any():
        return "There is no steady running to judge."
    quality = run.steps["quality"][course.running]
    known = quality[np.isfinite(quality)]
    text = (
        f"{percent(course.trusted_share)} of {number(int(course.running.sum()))} steady running steps can be trusted: "
        f"no gap, no saturated gyroscope, mounting sure, quality of at least {number(100 * MIN_STEP_QUALITY)} %."
    )
    if known.size:
        text += f" Their mean quality is {percent(float(known.mean()))}."
    other = len(run.steps) - int(course.running.sum())
    if other:
        text += f" {number(other)} further steps were walking, starting, stopping or turning."
    return text


def _counts_table(run: Run) -> Markup:
    feet = [foot.label for foot in Foot if f"{foot.label}.samples" in run.record.quality]
    if not feet:
        return tag("p", "The session keeps no counts of samples: it was not written by soleus analyze or soleus live.")
    rows: list[tuple[Part, ...]] = []
    for name, words in COUNTS.items():
        counts = [run.record.quality.get(f"{foot}.{name}") for foot in feet]
        rows.append((words, *(_count(run, foot, name, count) for foot, count in zip(feet, counts, strict=True))))
    return table(("what became of the samples", *feet), rows, caption="Counts of each pod")


def _count(run: Run, foot: str, name: str, count: float | None) -> str:
    if count is None:
        return MISSING
    total = run.record.quality.get(f"{foot}.samples", 0)
    share = f" ({percent(count / total, 1)})" if count and total and name in OF_SAMPLES else ""
    return f"{number(count)}{share}"


def _flag_table(run: Run) -> Markup | None:
    flags, feet = run.steps["flags"], run.steps["foot"]
    rows: list[tuple[Part, ...]] = []
    for flag in Flag:
        mine = (flags & flag) != 0
        if mine.any():
            sides = [number(int((mine & (feet == foot)).sum())) for foot in Foot]
            rows.append((flag.names.replace("_", " "), *sides))
    if not rows:
        return tag("p", "No step carries a flag.")
    return table(("flag", "left", "right"), rows, caption="Steps by flag: why values are missing or unsure")


def _loss_table(run: Run) -> Markup | None:
    """Write lost samples by foot and cause, as a live session counts them."""
    known = run.record.quality
    causes = {name.split(".", 2)[2]: None for foot in Foot for name in known if name.startswith(f"{foot.label}.loss.")}
    if not causes:
        return None
    rows = [
        (
            CAUSES.get(cause, cause.replace("_", " ")),
            *(_number(known.get(f"{foot.label}.loss.{cause}")) for foot in Foot),
        )
        for cause in causes
    ]
    return table(("cause", "left", "right"), rows, caption="Lost samples by cause, during the run")


def _radio_table(run: Run) -> Markup | None:
    known = run.record.quality
    rows = [
        (words, *(_number(known.get(f"{foot.label}.{name}")) for foot in Foot))
        for name, words in RADIO.items()
        if any(f"{foot.label}.{name}" in known for foot in Foot)
    ]
    return table(("radio", "left", "right"), rows, caption="What the radio counted") if rows else None


def _timing(run: Run) -> Markup:
    """Write clock error and latency; of sessions that were not recorded live neither is known."""
    known = run.record.quality
    clocks = [
        (words, *(_number(known.get(f"{foot.label}.clock.{name}"), factor, decimals) for foot in Foot))
        for name, (words, factor, decimals) in CLOCK.items()
        if any(f"{foot.label}.clock.{name}" in known for foot in Foot)
    ]
    late = [
        (words, *(_number(known.get(f"{name}.{part}_s"), 1000.0) for part in ("median", "p95", "p99")))
        for name, words in LATENCY.items()
        if f"{name}.median_s" in known
    ]
    parts: list[Markup] = []
    if clocks:
        parts.append(table(("clock", "left", "right"), clocks, caption="Clock error"))
    if late:
        parts.append(table(("latency [ms]", "median", "95 %", "99 %"), late, caption="Latency"))
    if not parts:
        parts.append(
            tag("p", "Clock error and latency: not told; they are known of live sessions only.", class_="quiet small")
        )
    return join(*parts)


def _number(value: float | None, factor: float = 1.0, decimals: int = 0) -> str:
    return MISSING if value is None else number(factor * value, decimals)


def _further(run: Run) -> Markup | None:
    """Write what else was counted, by its own name."""
    rows: list[tuple[Part, ...]] = [
        (name.replace("_", " ").replace(".", ", "), number(value, 0 if float(value).is_integer() else 3))
        for name, value in run.record.quality.items()
        if not _shown_above(name)
    ]
    return table(("further", "value"), rows[:MAX_FACTS], caption="Further counts") if rows else None


def _shown_above(name: str) -> bool:
    first, _, rest = name.partition(".")
    if first in {foot.label for foot in Foot}:
        return rest in COUNTS or rest in RADIO or rest.startswith("loss.") or rest.removeprefix("clock.") in CLOCK
    return first == "flag" or first in LATENCY


def _told(run: Run) -> Markup | None:
    """Write what the reader had to decide, and what was told during the run."""
    said: list[Part] = list(run.record.notes[:MAX_NOTES])
    for event in run.events:
        if event.kind != TOLD or len(said) >= MAX_NOTES:
            continue
        try:
            value = event.value
        except msgspec.DecodeError:
            continue
        sentence = value.get("sentence") if isinstance(value, dict) else None
        if isinstance(sentence, str):
            when = MISSING if event.time_s is None else clock(event.time_s)
            said.append(f"{when}: {sentence}")
    return join(tag("h3", "Notes"), items(*said)) if said else None
