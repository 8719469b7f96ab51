"""``soleus bench``: speed, accuracy and rules in one go."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

from cyclopts import Parameter

if TYPE_CHECKING:
    from rich.console import Console

    from soleus.bench.profile import Spot
    from soleus.bench.suite import Change, SuiteResult

SPOTS: Final = 15
"""Functions of the profile that are shown."""
PERCENT: Final = 100.0


def bench(
    *,
    data: Path | None = None,
    out: Path | None = None,
    compare: Path | None = None,
    profile: Path | None = None,
    quick: Annotated[bool, Parameter(negative=(), show_default=False)] = False,
    json: Annotated[bool, Parameter(negative=(), show_default=False)] = False,
) -> int:
    """Measure speed, accuracy and rules in one go; takes some minutes.

    Leaves with 1 if a bar is missed.

    Parameters
    ----------
    data
        Folder with recordings and their truth, as for 'soleus bench accuracy'; by default ./sample_data.
    out
        File for the result as JSON, to be compared with later.
    compare
        Result of an earlier run: show ratios, and which changes exceed the noise.
    profile
        Text file for a profile of the analysis; the functions that take longest are shown.
    quick
        Measure little, without bars: shows that everything works.
    json
        Print the result (and the changes) as JSON.
    """
    from soleus.bench import suite
    from soleus.bench.profile import profile as make_profile
    from soleus.bench.truth import find_trials
    from soleus.cli import EXIT_DONE, EXIT_SHORT
    from soleus.cli.bench_accuracy import SAMPLE_DATA
    from soleus.cli.errors import UsageError
    from soleus.cli.terminal import screen, telling, write_json

    if data is None and not SAMPLE_DATA.is_dir():
        raise UsageError("no ./sample_data here; say with --data where recordings and their truth lie")
    data = data if data is not None else SAMPLE_DATA
    old = suite.read_result(compare) if compare is not None else None
    with telling() as tell:
        result = suite.run_suite(data, quick=quick, tell=tell)
        spots = []
        if profile is not None:
            tell("profile")
            spots = make_profile([trial.recording for trial in find_trials(data)[0]], profile)
    changes = suite.compare(old, result) if old is not None else []
    if out is not None:
        suite.write_result(result, out)
    if json:
        write_json({"result": result, "changes": changes, "profile": spots[:SPOTS]})
    else:
        _show(screen(), result, changes, spots)
    return EXIT_SHORT if any(entry.holds is False for entry in result.entries) else EXIT_DONE


def _show(console: Console, result: SuiteResult, changes: list[Change], spots: list[Spot]) -> None:
    from soleus.cli.bench_speed import verdict
    from soleus.cli.terminal import table

    machine = result.machine
    versions = ", ".join(f"{name} {number}" for name, number in machine.libraries.items())
    load = "" if machine.load is None else f", load {machine.load:g}"
    console.print(f"{machine.cpu}, {machine.cores} cores{load}; {machine.system}", soft_wrap=True)
    console.print(f"Python {machine.python}, {versions}", soft_wrap=True)
    shown = table("", "figure", "unit", "spread", "bar", "")
    shown.columns[2].justify = shown.columns[5].justify = "left"
    for entry in result.entries:
        bar = "" if entry.bar is None else f"{entry.better} {entry.bar:g}"
        spread = f"{PERCENT * entry.noise:.0f} %" if entry.runs else ""
        shown.add_row(
            f"{entry.suite}: {entry.what}", f"{entry.value:.4g}", entry.unit, spread, bar, verdict(entry.holds)
        )
    console.print(shown)
    if changes:
        _show_changes(console, changes)
    if spots:
        shown = table("where the time goes", "calls", "own, ms", "with calls, ms")
        for spot in spots[:SPOTS]:
            shown.add_row(spot.where, f"{spot.calls:,}", f"{1e3 * spot.own_s:.1f}", f"{1e3 * spot.total_s:.1f}")
        console.print(shown)


def _show_changes(console: Console, changes: list[Change]) -> None:
    from soleus.cli.terminal import table

    shown = table("beyond noise", "before", "now", "unit", "ratio", "")
    shown.columns[3].justify = shown.columns[5].justify = "left"
    far = [change for change in changes if change.beyond_noise]
    for change in far:
        word = "[green]better[/green]" if change.improved else "[bold red]WORSE[/bold red]"
        ratio = "-" if change.ratio is None else f"{change.ratio:.3f}"
        shown.add_row(
            f"{change.suite}: {change.what}", f"{change.old:.4g}", f"{change.new:.4g}", change.unit, ratio, word
        )
    if far:
        console.print(shown)
    console.print(f"{len(changes) - len(far)} of {len(changes)} figures did not change beyond noise.")
