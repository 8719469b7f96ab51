"""The log as a picture."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Final

import numpy as np

from soleus.cli.errors import UsageError
from soleus.cli.history_text import HistoryView

MAX_LABELS: Final = 6
"""Dates written below the bars."""


def draw_history(view: HistoryView, path: Path) -> None:
    """Draw weekly distance and weekly modelled impulse as bars.

    Raises
    ------
    UsageError
        If matplotlib is missing or the file cannot be written.
    """
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise UsageError("--png needs matplotlib: pip install 'soleus[plots]'") from error
    drawn = [("distance [km/week]", view.weekly_m / 1000.0, "#1b6ca8")]
    if view.weekly_bws.any():
        drawn.append(("modelled impulse [bw·s/week]", view.weekly_bws, "#a8501b"))
    figure = Figure(figsize=(8.0, 1.0 + 2.2 * len(drawn)), layout="constrained")
    ends = [view.at - timedelta(weeks=back) for back in range(view.weekly_m.size - 1, -1, -1)]
    places = np.arange(view.weekly_m.size)
    panels = np.atleast_1d(figure.subplots(len(drawn), 1, sharex=True))
    for panel, (label, weekly, colour) in zip(panels, drawn, strict=True):
        panel.bar(places, weekly, color=colour)
        panel.set_ylabel(label)
        panel.spines[["top", "right"]].set_visible(False)
    every = max(1, places.size // MAX_LABELS)
    shown = places[::-1][::every]
    panels[-1].set_xticks(shown, [f"{ends[place]:%d %b}" for place in shown])
    panels[-1].set_xlabel(f"seven days until {view.at:%d %B %Y}, and the weeks before")
    figure.suptitle(f"Weeks of {view.runner}" if view.runner else "Your weeks")
    try:
        figure.savefig(path, dpi=120, format="png")
    except OSError as error:
        raise UsageError(f"{path}: cannot be written: {error.strerror or error}") from error
