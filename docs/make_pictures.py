"""Draw the picture of the README from the sample sessions: python docs/make_pictures.py."""

from __future__ import annotations

from pathlib import Path

import matplotlib as mpl

mpl.use("Agg")

import matplotlib.pyplot as plt
import numpy as np

import soleus

HERE = Path(__file__).parent
SESSION = HERE.parent / "sample_data" / "one_sided_fatigue"
COLOURS = {0: "#0072b2", 1: "#d55e00"}  # Okabe & Ito: told apart by everybody
PANELS = (
    ("contact_time_s", 1000, "contact time [ms]"),
    ("achilles_impulse_bws", 1, "Achilles impulse,\nmodelled [bw·s]"),
)


def running_median(time_s: np.ndarray, values: np.ndarray, window_s: float = 60.0) -> tuple[np.ndarray, np.ndarray]:
    """Median of each window."""
    edges = np.arange(0, time_s[-1] + window_s, window_s)
    which = np.digitize(time_s, edges) - 1
    full = [k for k in range(edges.size - 1) if (which == k).sum() > 10]
    return edges[full] + window_s / 2, np.array([np.nanmedian(values[which == k]) for k in full])


def main() -> None:
    """Draw docs/one_sided_fatigue.png."""
    result = soleus.analyze(soleus.read(SESSION))
    steps = result.step_rows
    figure, axes = plt.subplots(len(PANELS), 1, figsize=(9, 4.6), sharex=True, constrained_layout=True)
    for axis, (name, scale, label) in zip(axes, PANELS, strict=True):
        for foot, colour in COLOURS.items():
            mine = steps["foot"] == foot
            time_s, values = steps["initial_contact_s"][mine], scale * steps[name][mine]
            axis.plot(time_s / 60, values, ".", ms=2, alpha=0.15, color=colour)
            middle_s, median = running_median(time_s, values)
            axis.plot(middle_s / 60, median, color=colour, lw=2, label=("left", "right")[foot])
        axis.set_ylabel(label)
        low, high = np.nanpercentile(scale * steps[name], [0.5, 99.5])
        axis.set_ylim(low, high)
        axis.spines[["top", "right"]].set_visible(False)
    for time_s, message in zip(result.warning_rows["time_s"], result.warning_rows["message"], strict=True):
        axes[0].axvline(time_s / 60, color="k", lw=1, ls="--")
        axes[1].axvline(time_s / 60, color="k", lw=1, ls="--")
        axes[0].set_title(f"{time_s / 60:.0f} min: {message.split('. ')[0]}.", fontsize=8, loc="left")
    axes[0].legend(frameon=False, ncols=2, loc="upper left")
    axes[1].set_xlabel("minutes of running")
    figure.savefig(HERE / "one_sided_fatigue.png", dpi=110)


if __name__ == "__main__":
    main()
