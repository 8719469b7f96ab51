"""The summary of a recording as a person reads it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from soleus.batch.summary import FootSummary, MetricSummary, Summary
from soleus.cli.terminal import clock, table

# name of the column: what people call it, their unit, factor from SI, decimals
SHOWN: Final = {
    "cadence_spm": ("cadence", "steps/min", 1.0, 1),
    "contact_time_s": ("contact time", "ms", 1000.0, 0),
    "flight_time_s": ("flight time", "ms", 1000.0, 0),
    "duty_factor": ("duty factor", "%", 100.0, 1),
    "speed_mps": ("speed", "m/s", 1.0, 2),
    "stride_length_m": ("stride length", "m", 1.0, 2),
    "foot_strike_angle_deg": ("foot strike angle", "°", 1.0, 1),
    "pronation_excursion_deg": ("pronation excursion", "°", 1.0, 1),
    "vertical_oscillation_m": ("vertical oscillation", "cm", 100.0, 1),
    "overstride_m": ("overstride", "cm", 100.0, 1),
    "peak_force_bw": ("peak force (modelled)", "bw", 1.0, 2),
    "leg_stiffness_kn_per_m": ("leg stiffness (modelled)", "kN/m", 1.0, 1),
    "achilles_peak_bw": ("Achilles peak (modelled)", "bw", 1.0, 2),
    "achilles_impulse_bws": ("Achilles impulse (modelled)", "bw·s", 1.0, 3),
}
QUALITY: Final = {
    "steps": "steps",
    "samples": "samples",
    "lost": "lost samples",
    "bridged": "of them bridged",
    "bad_time": "dropped for their time stamp",
    "unusable_rate": "dropped for their rate",
    "clipped": "accelerometer clipped",
    "saturated": "gyroscope saturated",
    "repaired": "of them repaired",
    "breaks": "breaks",
    "rejected_swings": "rejected swings",
}
ALWAYS_SHOWN: Final = ("steps", "samples", "lost")
SEVERITY_STYLES: Final = {"info": "cyan", "notice": "yellow", "caution": "bold yellow", "stop": "bold red"}


def show_summary(console: Console, summary: Summary, files: Sequence[Path]) -> None:
    """Print a recording at a glance."""
    console.print(f"[bold]{escape(summary.source)}[/bold]", soft_wrap=True)
    for note in summary.notes:
        console.print(f"  {escape(note)}", soft_wrap=True)
    console.print(f"  {_what_happened(summary)}", soft_wrap=True)
    console.print()
    if not summary.steps:
        console.print("No steps were found: nobody walked or ran, or the pods were not on the feet.", soft_wrap=True)
        console.print()
    console.print(_quality_table(summary.feet))
    if summary.flags:
        listed = ", ".join(f"{count} {name.replace('_', ' ')}" for name, count in summary.flags.items())
        console.print(f"Flagged steps: {listed}\n", soft_wrap=True)
    if any(metric.both is not None for metric in summary.metrics):
        console.print(_metric_table(summary))
        console.print(_strike_line(summary), soft_wrap=True)
        console.print()
    for warning in summary.warnings:
        foot = f", {warning.foot}" if warning.foot else ""
        style = SEVERITY_STYLES[warning.severity]
        console.print(
            f"[{style}]{warning.severity}[/{style}] {clock(warning.time_s)}{foot}: {escape(warning.message)}",
            soft_wrap=True,
        )
        if explanation := warning.evidence.get("explanation"):
            console.print(f"  {explanation}", soft_wrap=True, markup=False, style="dim")
    if not summary.warnings and summary.running_steps:
        console.print("No warnings.")
    console.print(f"\n[dim]{escape(summary.disclaimer)}[/dim]", soft_wrap=True)
    names = ", ".join(file.name for file in files)
    console.print(f"Wrote {escape(names)} in {escape(str(files[0].parent))}", soft_wrap=True)


def _what_happened(summary: Summary) -> str:
    parts = [f"{summary.steps} steps in {clock(summary.duration_s)}"]
    if summary.running_steps:
        parts.append(f"running {clock(summary.running_s)} ({summary.running_steps} steps)")
    if summary.walking_steps:
        parts.append(f"walking {clock(summary.walking_s)} ({summary.walking_steps} steps)")
    sources = {"belt": "the belt", "trajectory": "the movement of the feet"}
    known = [sources[name] for name in summary.speed_sources if name in sources]
    if known:
        parts.append(f"speed from {' and '.join(known)}")
    return "; ".join(parts)


def _quality_table(feet: dict[str, FootSummary]) -> Table:
    made = table("data quality", *feet)
    for field, words in QUALITY.items():
        counts = [int(getattr(foot, field)) for foot in feet.values()]
        if field in ALWAYS_SHOWN or any(counts):
            made.add_row(words, *(f"{count:,}" for count in counts))
    return made


def _metric_table(summary: Summary) -> Table:
    made = table(f"median, {summary.medians_of}", "left", "right", "both", "unit", "left - right")
    made.columns[4].justify = "left"
    # On a narrow terminal the words are wrapped, never the numbers.
    for column in made.columns:
        column.no_wrap = column is not made.columns[0]
        column.overflow = "fold"
    for metric in summary.metrics:
        if metric.name in SHOWN and metric.both is not None:
            made.add_row(*_metric_row(metric))
    return made


def _metric_row(metric: MetricSummary) -> tuple[str, ...]:
    words, unit, factor, decimals = SHOWN[metric.name]

    def number(value: float | None) -> str:
        return "-" if value is None else f"{value * factor:.{decimals}f}"

    if metric.asymmetry is None:
        difference = "-"
    elif metric.asymmetry_unit == "%":
        difference = f"{metric.asymmetry:+.1f} %"
    else:
        difference = f"{metric.asymmetry * factor:+.{decimals}f} {unit}"
    return words, number(metric.left), number(metric.right), number(metric.both), unit, difference


def _strike_line(summary: Summary) -> str:
    feet = []
    for foot, counts in summary.foot_strikes.items():
        known = {name: count for name, count in counts.items() if name != "unknown"}
        total = sum(known.values())
        if total:
            shares = ", ".join(f"{100 * count / total:.0f} % {name}" for name, count in known.items())
            feet.append(f"{foot} {shares}")
    return f"Foot strike: {'; '.join(feet)}" if feet else "Foot strike: unknown"
