"""The log as a picture."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from soleus.cli.errors import UsageError
from soleus.cli.history_text import HistoryView


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
    figure = Figure(figsize=(8.0, 5.0), layout="constrained")
    weeks = np.arange(-view.weekly_m.size + 1, 1)
    distance, impulse = figure.subplots(2, 1, sharex=True)
    distance.bar(weeks, view.weekly_m / 1000.0, color="#1b6ca8")
    distance.set_ylabel("distance [km/week]")
    impulse.bar(weeks, view.weekly_bws, color="#a8501b")
    impulse.set_ylabel("modelled impulse [bw·s/week]")
    impulse.set_xlabel(f"weeks before {view.at:%Y-%m-%d}")
    try:
        figure.savefig(path, dpi=120, format="png")
    except OSError as error:
        raise UsageError(f"{path}: cannot be written: {error.strerror or error}") from error
