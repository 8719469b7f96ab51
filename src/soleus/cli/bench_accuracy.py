"""``soleus bench accuracy``: steps against truth."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

from cyclopts import Parameter

from soleus.cli.errors import UsageError

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

    from soleus.bench.accuracy import Report, SpeedClass
    from soleus.bench.agreement import Agreement

SAMPLE_DATA: Final = Path("sample_data")
MIN_CLASS: Final = 50
"""Classes of speed with fewer contacts are not shown (JSON has them)."""
INSTANTS: Final = ("initial_contact_s", "toe_off_s")
DECIMALS: Final = ((100.0, 0), (10.0, 1), (1.0, 2), (0.0, 3))
"""From which size on a number is shown with how many decimals."""


def accuracy(
    *,
    data: Path | None = None,
    out: Path | None = None,
    belt: Annotated[bool, Parameter(negative=(), show_default=False)] = False,
    plots: Annotated[bool, Parameter(negative=(), show_default=False)] = False,
    json: Annotated[bool, Parameter(negative=(), show_default=False)] = False,
) -> None:
    """Compare steps with true contacts.

    Parameters
    ----------
    data
        Folder with NAME.parquet and NAME.truth.parquet, or with simulated session folders; by default ./sample_data.
    out
        Folder for NAME.steps.parquet (and the plots).
    belt
        Let the analysis know the belt's speed. Without it speed and stride length are honestly the trajectory's.
    plots
        Draw a Bland-Altman plot of each metric into --out.
    json
        Print all figures as JSON.
    """
    from soleus.bench.accuracy import FootTrial, measure, report
    from soleus.bench.truth import find_trials
    from soleus.cli.terminal import progress, screen, write_json
    from soleus.recording import write_steps

    if plots and out is None:
        raise UsageError("--plots needs --out: the folder for the pictures")
    if data is None and not SAMPLE_DATA.is_dir():
        raise UsageError("no ./sample_data here; say with --data where recordings and their truth lie")
    trials, skipped = find_trials(data if data is not None else SAMPLE_DATA)
    feet: list[FootTrial] = []
    for trial in progress(trials, "Comparing with truth"):
        result, compared = measure(trial, belt=belt)
        feet.extend(compared)
        if out is not None:
            write_steps(result.step_rows, out / f"{trial.name}.steps.parquet")
    made = report(feet)
    files: list[Path] = []
    if plots and out is not None:
        from soleus.bench.plots import bland_altman

        files = bland_altman(feet, made.metrics, out)
    if json:
        write_json({"report": made, "skipped": skipped, "plots": [str(file) for file in files]})
        return
    console = screen()
    _show(console, made)
    for sentence in skipped:
        console.print(f"Skipped {sentence}", soft_wrap=True)
    if out is not None:
        console.print(f"Wrote {len(trials)} step tables and {len(files)} plots in {out}", soft_wrap=True)


def _show(console: Console, made: Report) -> None:
    from soleus.bench.accuracy import METRICS

    share_found = 100 * made.found / max(made.contacts, 1)
    share_false = 100 * made.false / max(made.contacts, 1)
    console.print(
        f"{made.trials} trials, {made.contacts:,} true contacts: {share_found:.2f} % found, "
        f"{made.contacts - made.found} missed, {made.false} false ({share_false:.2f} %)",
        soft_wrap=True,
    )
    if made.metrics:
        console.print(_error_table("running: estimate - truth", made.metrics))
    for column, r in made.proxies.items():
        console.print(f"{METRICS[column][0]} with the measured ankle moment, over foot-trials: r = {r:.2f}")
    if made.walking:
        console.print(_error_table("walking: estimate - truth", made.walking))
    speeds = [s for s in made.speeds if s.contacts >= MIN_CLASS]
    if len(speeds) > 1:
        console.print(_speed_table(speeds, list(made.metrics)))


def _error_table(title: str, metrics: dict[str, Agreement]) -> Table:
    from soleus.bench.accuracy import METRICS
    from soleus.cli.terminal import table

    shown = table(title, "unit", "n", "null", "bias", "SD", "MAE", "RMSE", "limits of agreement", "trial r")
    shown.columns[1].justify = "left"
    for column, a in metrics.items():
        name, unit, _ = METRICS[column]
        # Instants grow with the recording: that they go together says nothing.
        r = "-" if a.trial_r is None or column in INSTANTS else f"{a.trial_r:.3f}"
        spreads = (short(value) for value in (a.sd, a.mae, a.rmse))
        limits = f"{short(a.lower, sign=True)} … {short(a.upper, sign=True)}"
        shown.add_row(name, unit, f"{a.n:,}", f"{a.missing:,}", short(a.bias, sign=True), *spreads, limits, r)
    return shown


def _speed_table(speeds: list[SpeedClass], columns: list[str]) -> Table:
    from soleus.bench.accuracy import METRICS
    from soleus.cli.terminal import table

    shown = table("bias ± SD", "unit", *(f"{s.speed_mps:.1f} m/s" for s in speeds))
    shown.columns[1].justify = "left"
    shown.add_row("contacts", "", *(f"{s.contacts:,}" for s in speeds))
    for column in columns:
        cells = [s.metrics.get(column) for s in speeds]
        name, unit, _ = METRICS[column]
        shown.add_row(name, unit, *(f"{short(a.bias, sign=True)} ± {short(a.sd)}" if a else "-" for a in cells))
    return shown


def short(value: float, *, sign: bool = False) -> str:
    """Write a number with two or three figures and no exponent.

    Examples
    --------
    >>> short(0.0123), short(12.34, sign=True), short(-1234.5)
    ('0.012', '+12.3', '-1234')
    """
    size = abs(value)
    decimals = next((d for limit, d in DECIMALS if size >= limit), DECIMALS[-1][1])
    return f"{value:{'+' if sign else ''}.{decimals}f}"
