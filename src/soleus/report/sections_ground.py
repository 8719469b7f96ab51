"""What the report stands on: data quality, method and limits, provenance, disclaimer."""

from __future__ import annotations

import platform
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version
from typing import Any, Final

import msgspec

from soleus.model import Flag
from soleus.report.change import ASYMMETRY_LIMIT
from soleus.report.course import MAX_POINTS
from soleus.report.figures_run import OUTLIER_SPREADS
from soleus.report.headline import ENOUGH_TRUSTED
from soleus.report.markup import Markup, Part, items, join, table, tag
from soleus.report.normal import BAND_SPREADS
from soleus.report.quantities import MISSING, QUANTITIES, number
from soleus.report.run import Run, configuration_hash
from soleus.report.sections_top import DISCLAIMER, RED_FLAGS

MAX_TEXT: Final = 2000
"""Characters of one further fact that are shown."""
MAX_FACTS: Final = 100
"""Further facts that are shown."""


def method_section() -> Markup:
    """Write how the numbers come about and what they cannot tell."""
    parts: list[Markup] = []
    for each in QUANTITIES:
        parts += [tag("dt", each.title), tag("dd", each.method), tag("dd", each.limits, class_="quiet")]
    return tag(
        "section",
        tag("h2", "Method and limits"),
        items(
            "Every contact of both feet is found in the pods' samples; a quantity that cannot be estimated is left "
            "out, never filled in. Walking, starting, stopping and turning steps are counted but enter no median.",
            "Figures over time: each point is the median of one foot's steps in a fixed piece of time, chosen so that "
            f"a line has at most {MAX_POINTS} points; single steps further than about {OUTLIER_SPREADS:.0f} standard "
            "deviations from it are drawn besides, so that thinning out hides neither shape nor outliers.",
            f"Normal band: ± {BAND_SPREADS:.0f} robust standard deviations. With history: a robust regression of "
            "one-minute medians of the last 28 days on speed and grade (Huber 1964, doi:10.1214/aoms/1177703732); its "
            "width is the spread between runs and, added to it, that of ten-second medians within this run. Without: "
            "the ten-second medians of minutes 3-8 of this run, at speeds within 0.1 m/s and grades within 0.5 %; "
            "beyond those there is no band.",
            "Changes within the run: median of the last five minutes against minutes 3-8 at the same speed and grade, "
            "as speed and stride frequency mask fatigue (Zandbergen et al. 2023, doi:10.3389/fspor.2023.1085513). "
            f"Asymmetry is (left - right) / mean; growth of {100 * ASYMMETRY_LIMIT:.0f} % is told. The beginning of a "
            "change is the best fit of a rise that levels off, told if it explains half of the departures; where one "
            "foot changes alone, of left minus right. These limits are design choices.",
            "Load: a run against the longest of 30 days after Schuster Brandt Frandsen et al. 2025 "
            "(doi:10.1136/bjsports-2024-109380), who found more injuries from 110 % of the distance on; for modelled "
            "impulse and dose that is carried over, not shown. The dose weighs force by its sixth power (tendon "
            "fatigue, published exponents 4-9).",
            f"No verdict is given below {100 * ENOUGH_TRUSTED:.0f} % of trusted steps.",
        ),
        tag("dl", *parts, class_="method"),
        id="method",
        class_="new-page",
    )


def provenance_section(runs: Sequence[tuple[str, Run]]) -> Markup:
    """Write which program made this of which data."""
    made = [_provenance(label, run) for label, run in runs]
    versions = ", ".join(f"{name} {_version(name)}" for name in ("soleus", "plotly", "numpy", "pyarrow"))
    return tag(
        "section",
        tag("h2", "Provenance"),
        *made,
        tag("p", f"This page: {versions}, Python {platform.python_version()}.", class_="quiet small"),
        id="provenance",
    )


def _provenance(label: str, run: Run) -> Markup:
    record = run.record
    runner = {name: value for name, value in msgspec.structs.asdict(record.runner).items() if value not in {None, ""}}
    facts: list[tuple[str, str]] = [
        ("session", run.name),
        ("source", record.source),
        ("start", "unknown" if record.start_utc is None else record.start_utc.isoformat()),
        ("analysed or recorded by", f"soleus {record.soleus_version}" if record.soleus_version else ""),
        ("schema", f"{record.schema} {record.schema_version}"),
        ("configuration and runner", f"hash {configuration_hash(record)}"),
        ("runner", _plain(runner)),
        ("configuration", _plain(record.configuration)),
        *((f"extra: {name}", _plain(value)) for name, value in list(record.extra.items())[:MAX_FACTS]),
    ]
    rows: list[tuple[Part, ...]] = [(name, tag("span", value, class_="mono")) for name, value in facts if value]
    pods: list[tuple[Part, ...]] = [
        (
            pod.foot,
            pod.pod_id or MISSING,
            pod.maker or MISSING,
            pod.firmware or MISSING,
            MISSING if pod.rate_hz is None else number(pod.rate_hz, 1),
            MISSING if pod.accel_range_mps2 is None else number(pod.accel_range_mps2),
            MISSING if pod.gyro_range_rads is None else number(pod.gyro_range_rads, 1),
            number(pod.samples),
        )
        for pod in record.pods
    ]
    heads = ("pod", "name", "maker", "firmware", "rate [Hz]", "range [m/s²]", "range [rad/s]", "samples")
    files: list[tuple[Part, ...]] = [
        (fact.name, number(fact.size), tag("span", fact.sha256 or "too large to hash at once", class_="mono"))
        for fact in run.files
    ]
    return join(
        tag("h3", label) if label else None,
        table(("fact", "value"), rows, caption="Session", words=(0, 1)),
        table(heads, pods, caption="Pods", words=(0, 1, 2, 3)),
        tag("p", _mounting_words(run), class_="small"),
        tag("details", tag("summary", "Files and their hashes"),
            table(("file", "bytes", "SHA-256"), files, caption="Files this report rests on", words=(0, 2)))
        if files
        else None,
    )  # fmt: skip


def _mounting_words(run: Run) -> str:
    unsure = int(((run.steps["flags"] & Flag.MOUNTING_UNSURE) != 0).sum())
    swapped = int(((run.steps["flags"] & Flag.SWAPPED) != 0).sum())
    text = "Calibration: how each pod sits on its shoe is found from the run itself"
    text += f"; {number(unsure)} steps have it unsure." if unsure else ", surely for all steps."
    if swapped:
        text += f" {number(swapped)} steps look as if the pods were on the other feet."
    return text


def _plain(value: Any) -> str:  # noqa: ANN401  (whatever JSON holds)
    text = msgspec.json.encode(value).decode(errors="replace") if value not in ({}, [], "", None) else ""
    return text if len(text) <= MAX_TEXT else f"{text[:MAX_TEXT]} ..."


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "unknown"


def disclaimer_section() -> Markup:
    """Write what this is not."""
    return tag(
        "section",
        tag("h2", "No diagnosis"),
        tag("p", DISCLAIMER, " It compares a runner with himself and gives no chance of injury."),
        tag("p", tag("strong", RED_FLAGS)),
        id="disclaimer",
        class_="disclaimer",
    )
