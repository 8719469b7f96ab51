"""Results of the screening tests as a person reads them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, Final

from rich.console import Console

from soleus.cli.errors import UsageError
from soleus.history import Body, CalfRaise, KneeToWall
from soleus.model import Runner
from soleus.screening import CalfRaiseResult, KneeToWallResult, Verdict
from soleus.screening.knee_to_wall import HEEL_LIFT_DEG
from soleus.screening.norms import LOW_DEG, PEAK_HEIGHT_CM, raises_in_words, sides_in_words

PERCENT: Final = 100.0
CM: Final = 100.0
MAX_CM: Final = 30.0
"""No toes are further from the wall [cm]."""
FIST_CM: Final = 9.0
"""A fist's width, at which the knee should reach the wall [cm]; provisional."""
ENDS: Final = {
    "height": "counting stopped at two low ones in a row",
    "pause": "counting stopped at a pause of more than 3 s",
    "end": "until the end of the recording",
    "by eye": "counted by eye",
    "by hand": "counted by eye",
}
_DROP: Final = re.compile(r"(-?\d{1,2}(?:[.,]\d{1,2})?)\s*(cm|mm)")
_DISTANCE: Final = re.compile(r"(\d{1,3}(?:[.,]\d{1,2})?)\s*(cm|mm)?")


def parse_centimetres(text: str) -> float:
    """Read a small distance [cm].

    Raises
    ------
    UsageError
        If it is none.

    Examples
    --------
    >>> parse_centimetres("9.5cm"), parse_centimetres("95 mm")
    (9.5, 9.5)
    """
    match = _DISTANCE.fullmatch(text.strip().lower())
    if match is not None:
        value = float(match[1].replace(",", ".")) / (10.0 if match[2] == "mm" else 1.0)
        if match[2] is not None and value <= MAX_CM:
            return value
    raise UsageError(f"distance '{text}': not understood; write it as 9cm, up to {MAX_CM:.0f}cm")


def parse_millimetres(text: str) -> float:
    """Read the drop of a shoe [mm].

    Raises
    ------
    UsageError
        If it is none.

    Examples
    --------
    >>> parse_millimetres("8mm"), parse_millimetres("-2 mm"), parse_millimetres("0.8cm")
    (8.0, -2.0, 8.0)
    """
    match = _DROP.fullmatch(text.strip().lower())
    if match is None:
        raise UsageError(f"drop '{text}': not understood; write it as 8mm")
    return float(match[1].replace(",", ".")) * (10.0 if match[2] == "cm" else 1.0)


def calf_raise_lines(bodies: Sequence[Body], results: Sequence[CalfRaiseResult], runner: Runner) -> list[str]:
    """Say what came of a calf-raise test."""
    counts = {body.foot: body for body in bodies if isinstance(body, CalfRaise)}
    lines = []
    for side, body in counts.items():
        lines.append(f"Calf raises, {side}: {raises_in_words(body.repetitions, runner, body.knee)}")
        lines += [f"  {line}" for line in _quality_lines(body)]
    lines += [
        f"  {result.foot}: {result.low} too low, {result.odd} movements too short or too long to be one"
        for result in results
        if result.low or result.odd
    ]
    lines += [
        f"  the knee was straightened in {result.straightened} of {len(result.each)}: they do not count"
        for result in results
        if result.straightened
    ]
    if any(result.knee == "bent" and result.straightened is None for result in results):
        lines.append("  The knee was not watched: without a second pod on the shank, look that it stays bent.")
    if len(counts) == len(("left", "right")):
        lines.append(sides_in_words(counts["left"].repetitions, counts["right"].repetitions, "raises"))
    return lines


def _quality_lines(body: CalfRaise) -> list[str]:
    """Say how high, how fast and how steady they were."""
    parts = [] if body.pace_per_min is None else [f"pace {body.pace_per_min:.0f} a minute (the test asks for 30)"]
    if body.peak_height_m is not None and body.total_height_m is not None:
        low, high = PEAK_HEIGHT_CM
        parts.append(f"highest {body.peak_height_m * CM:.1f} cm (median of others {low}-{high})")
        parts.append(f"{body.total_height_m:.2f} m together")
    if body.work_j is not None:
        parts.append(f"{body.work_j:.0f} J against gravity")
    lines = [", ".join(parts)] if parts else []
    changes = [
        f"{what} {change * PERCENT:+.0f} %"
        for what, change in (("height", body.height_change), ("speed", body.speed_change))
        if change is not None
    ]
    if changes:
        lines.append(f"from first to last: {', '.join(changes)}")
    if body.ended_by in ENDS:
        lines.append(ENDS[body.ended_by])
    return lines


def knee_to_wall_lines(body: KneeToWall, result: KneeToWallResult | None) -> list[str]:
    """Say what came of a knee-to-wall test."""
    lines = []
    if result is not None:
        holds = ", ".join(f"{angle:.0f}°" for angle in result.holds_deg)
        lines.append(f"Knee to wall, {body.foot}: holds of {holds}")
        if result.heel_lift_deg is None:
            lines.append("  The heel was not watched: without a second pod on the foot, look that it stays down.")
        elif result.angle_deg is None:
            lines.append(f"  The heel lifted in each (by more than {HEEL_LIFT_DEG:g}°): nothing counts.")
        if result.angle_deg is not None:
            low = f", which is below {LOW_DEG:.0f}° (provisional)" if result.angle_deg < LOW_DEG else ""
            lines.append(f"  Counted: {result.angle_deg:.0f}°{low}. Differences under 5° are within the test's error.")
    if body.distance_m is not None:
        reached = "at least" if body.distance_m * CM >= FIST_CM else "less than"
        lines.append(
            f"Knee to wall, {body.foot}: {body.distance_m * CM:.1f} cm, {reached} a fist's width (about 9 cm)."
        )
    return lines


def show_verdict(console: Console, verdict: Verdict) -> None:
    """Print what the rules say, and what may help; after a stop nothing but where to go."""
    for finding in verdict.findings:
        style = "bold red" if finding.severity == "stop" else None
        console.print(f"{finding.severity}: {finding.message}", soft_wrap=True, markup=False, style=style)
    for each in verdict.guidance:
        console.print(f"May help - {each.title}: {each.text}", soft_wrap=True, markup=False)
        console.print(f"  Not when: {each.not_when} ({each.source})", soft_wrap=True, markup=False, style="dim")
    if not verdict.findings:
        console.print("Nothing to say beyond that.")


def verdict_as_json(verdict: Verdict) -> dict[str, Any]:
    """Give a verdict as plain values."""
    return {
        "stop": verdict.stop,
        "findings": [
            {"rule": f.rule, "severity": f.severity, "message": f.message, "reference": f.reference}
            for f in verdict.findings
        ],
        "guidance": [
            {"name": g.name, "text": g.text, "not_when": g.not_when, "source": g.source} for g in verdict.guidance
        ],
    }
