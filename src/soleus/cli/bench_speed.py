"""``soleus bench speed``: how fast, how much memory, how late."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter, validators

if TYPE_CHECKING:
    from rich.console import Console

    from soleus.bench.speed import Figure


def speed(
    *,
    hours: Annotated[float, Parameter(validator=validators.Number(gt=0, lte=24))] = 1.0,
    day: Annotated[bool, Parameter(negative=(), show_default=False)] = False,
    json: Annotated[bool, Parameter(negative=(), show_default=False)] = False,
) -> int:
    """Measure speed, memory and latency on one core against their bars.

    Leaves with 1 if a bar is missed.

    Parameters
    ----------
    hours
        Length of the simulated session for the batch figures.
    day
        Measure a session of 24 hours too; takes some minutes and 3 GB.
    json
        Print the figures as JSON.
    """
    from soleus.bench.speed import measure_speed
    from soleus.cli import EXIT_DONE, EXIT_SHORT
    from soleus.cli.terminal import screen, telling, write_json

    with telling() as tell:
        figures = measure_speed(hours=hours, day=day, tell=tell)
    if json:
        write_json([{**_fields(figure), "holds": figure.holds} for figure in figures])
    else:
        show_figures(screen(), figures)
    return EXIT_SHORT if any(figure.holds is False for figure in figures) else EXIT_DONE


def _fields(figure: Figure) -> dict[str, object]:
    import msgspec

    return msgspec.structs.asdict(figure)


def show_figures(console: Console, figures: list[Figure]) -> None:
    """Print figures beside their bars."""
    from soleus.cli.terminal import table

    shown = table("", "figure", "unit", "bar", "")
    shown.columns[2].justify = "left"
    shown.columns[4].justify = "left"
    for figure in figures:
        bar = "" if figure.bar is None else f"{figure.better} {figure.bar:g}"
        shown.add_row(figure.what, f"{figure.value:.4g}", figure.unit, bar, verdict(figure.holds))
    console.print(shown)


def verdict(holds: bool | None) -> str:  # noqa: FBT001  (three states of one thing)
    """Say whether a bar is held.

    Examples
    --------
    >>> verdict(None)
    ''
    """
    return {True: "[green]holds[/green]", False: "[bold red]SHORT[/bold red]", None: ""}[holds]
