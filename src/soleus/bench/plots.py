"""Bland-Altman plots: the difference of estimate and truth over their mean."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np

from soleus.bench.accuracy import METRICS, FootTrial, metric_pairs
from soleus.bench.agreement import Agreement
from soleus.bench.errors import BenchError

if TYPE_CHECKING:
    from matplotlib.figure import Figure

TIMES: Final = ("initial_contact_s", "toe_off_s")
"""Instants have no size: their errors are drawn over the true contact time."""
SIZE_INCHES: Final = (6.4, 4.4)
DOTS_PER_INCH: Final = 130
POINT_COLOUR: Final = "#4477aa"
TRIAL_COLOUR: Final = "#222222"
LINE_COLOUR: Final = "#aa3377"
"""Colours of Tol's qualitative palette, told apart by colour-blind readers."""
Y_QUANTILE: Final = 99.8
"""Per cent of the points that the axis holds at least; the rest is counted in the title."""


def bland_altman(trials: Sequence[FootTrial], metrics: dict[str, Agreement], folder: Path) -> list[Path]:
    """Draw one plot a metric: every contact small, every foot-trial's median large, bias and limits as lines.

    Parameters
    ----------
    trials, metrics
        What :func:`~soleus.bench.accuracy.measure` and :func:`~soleus.bench.accuracy.report` gave.
    folder
        Where the PNG files go; made if need be.

    Returns
    -------
    list of Path
        The files written.

    Raises
    ------
    BenchError
        If matplotlib is not installed.
    """
    try:
        import matplotlib as mpl
        from matplotlib.figure import Figure
    except ImportError as error:
        raise BenchError("plots need matplotlib: pip install 'soleus[plots]'") from error
    folder.mkdir(parents=True, exist_ok=True)
    files = []
    with mpl.rc_context({"font.size": 9, "axes.spines.top": False, "axes.spines.right": False}):
        for column, found in metrics.items():
            figure = Figure(figsize=SIZE_INCHES, dpi=DOTS_PER_INCH, layout="constrained")
            _draw(figure, trials, column, found)
            path = folder / f"bland_altman_{column}.png"
            figure.savefig(path)
            files.append(path)
    return files


def _draw(figure: Figure, trials: Sequence[FootTrial], column: str, found: Agreement) -> None:
    name, unit, _ = METRICS[column]
    pairs = metric_pairs(trials, column)
    across = metric_pairs(trials, "contact_time_s") if column in TIMES else pairs
    axes = figure.subplots()
    places, differences, centres = [], [], []
    for (estimate, truth), (x_estimate, x_truth) in zip(pairs, across, strict=True):
        x = x_truth if column in TIMES else (x_estimate + x_truth) / 2
        difference = estimate - truth
        known = np.isfinite(x) & np.isfinite(difference)
        if known.any():
            places.append(x[known])
            differences.append(difference[known])
            centres.append((np.median(x[known]), np.median(difference[known])))
    y = np.concatenate(differences)
    axes.plot(np.concatenate(places), y, ".", color=POINT_COLOUR, alpha=0.3, markersize=3, markeredgewidth=0)
    axes.plot(
        *np.array(centres).T, "o", color=TRIAL_COLOUR, markersize=4.5, fillstyle="none", label="median of a foot-trial"
    )
    for value, style, text in (
        (found.bias, "-", "bias"),
        (found.lower, "--", "lower limit"),
        (found.upper, "--", "upper limit"),
    ):
        axes.axhline(value, color=LINE_COLOUR, linestyle=style, linewidth=1)
        axes.annotate(
            f"{text} {value:+.3g}", (1, value), xycoords=("axes fraction", "data"), xytext=(-2, 2),
            textcoords="offset points", ha="right", va="bottom", color=LINE_COLOUR,
        )  # fmt: skip
    axes.axhline(0.0, color="#bbbbbb", linewidth=0.8, zorder=0)
    reach = 1.15 * max(np.percentile(np.abs(y), Y_QUANTILE), abs(found.lower), abs(found.upper))
    axes.set_ylim(-reach, reach)
    outside = int((np.abs(y) > reach).sum())
    beyond = f", {outside} beyond the axis" if outside else ""
    axes.set_title(f"{name}: {found.n} contacts of {found.groups} foot-trials{beyond}", loc="left")
    axes.set_xlabel(f"true contact time [{unit}]" if column in TIMES else f"mean of estimate and truth [{unit}]")
    axes.set_ylabel(f"estimate - truth [{unit}]")
    axes.legend(loc="upper left", frameon=False)
