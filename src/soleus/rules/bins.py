"""Steps gathered into bins of ten seconds: medians of each foot, pace, and what has added up so far.

A bin is closed by the first step after it, so what comes out depends on the rows alone and never on how they were
cut into pushes. Medians are taken from sorted values and sums are added in order of time, so the bits are the same too.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from soleus.model import FOOT_STRIKES, MISSING_CODE, Flag, Steps
from soleus.rules.errors import RuleError
from soleus.rules.evaluate import sorted_median
from soleus.rules.expression import BIN_S, MAX_WINDOW_S
from soleus.rules.signals import SIGNALS

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.intp]

NOT_RUNNING: Final = int(Flag.WALKING | Flag.FIRST_OF_BOUT | Flag.ACCELERATING | Flag.TURNING | Flag.CUT)
"""Steps that say nothing about steady running; they count for distance only."""
UNSURE: Final = int(Flag.GAP | Flag.SATURATED | Flag.MOUNTING_UNSURE | Flag.SWAPPED)
"""Running steps whose measurement is not to be trusted; they count against the confidence gate."""
MIN_STEP_QUALITY: Final = 0.5
"""Quality below which a step counts as unsure (design choice)."""
MIN_BIN_STEPS: Final = 3
"""Valid steps of a foot that a bin's median needs (design choice: a third of those of a slow runner)."""
MAX_BIN_STEPS: Final = 128
"""Contacts that one bin can hold; twice the fastest cadence of man."""
MAX_STEP_GAP_S: Final = 1.5
"""Longest time between contacts that still counts as moving [s]; slower is a pause (design choice)."""
MAX_GAP_BINS: Final = round(MAX_WINDOW_S / BIN_S)
"""Empty bins kept of a pause: enough to empty every window, bounded so that a jump of the clock costs nothing."""


@dataclass(frozen=True, slots=True)
class Bins:
    """Closed bins.

    Attributes
    ----------
    end_s
        End of each bin in session time [s], shape ``(n,)``.
    rows
        Signal to values: ``(n, 2)`` per foot, ``(n, 1)`` else; NaN where unknown.
    running, valid
        Running steps and trustworthy ones among them, shape ``(n,)``.
    """

    end_s: FloatArray
    rows: dict[str, FloatArray]
    running: FloatArray
    valid: FloatArray

    def __len__(self) -> int:
        return int(self.end_s.size)


class BinGatherer:
    """Gathers steps into bins; keeps the steps of the open bin and what has added up so far.

    Parameters
    ----------
    foot_signals
        Names of the signals of the foot that are wanted.
    """

    def __init__(self, foot_signals: frozenset[str]) -> None:
        self._medians = tuple(sorted(name for name in foot_signals if SIGNALS[name].column))
        self._strikes = tuple(sorted(name for name in foot_signals if name in FOOT_STRIKES))
        self._last_bin: int | None = None
        self._last_contact_s = np.nan
        self._totals = dict.fromkeys(_TOTALS, 0.0)

    def gather(self, steps: Steps) -> Bins:
        """Gather steps that fill whole bins.

        Parameters
        ----------
        steps
            All steps of some consecutive bins, sorted by initial contact.

        Raises
        ------
        RuleError
            If a bin holds more contacts than a person can make.
        """
        contact_s = steps["initial_contact_s"]
        absolute = np.floor_divide(contact_s, BIN_S).astype(np.int64)
        present, first, step_bin = _runs(absolute)
        before = present[0] if self._last_bin is None else self._last_bin + 1
        gaps = np.diff(present, prepend=before - 1)
        rank = np.cumsum(np.minimum(gaps, MAX_GAP_BINS + 1)) - 1
        n = int(rank[-1]) + 1
        if np.max(np.diff(first, append=absolute.size)) > MAX_BIN_STEPS:
            worst = float(present[int(np.argmax(np.diff(first, append=absolute.size)))]) * BIN_S
            raise RuleError(
                f"more than {MAX_BIN_STEPS} contacts between {worst:g} s and {worst + BIN_S:g} s; no runner's"
            )
        step_bin = rank[step_bin]
        end_s = np.full(n, np.nan)
        end_s[rank] = (present + 1) * BIN_S
        holes = np.flatnonzero(np.isnan(end_s))
        following = rank[np.searchsorted(rank, holes)]
        end_s[holes] = end_s[following] - (following - holes) * BIN_S
        self._last_bin = int(present[-1])

        flags = steps["flags"]
        running = ((flags & NOT_RUNNING) == 0) & (steps["foot"] != MISSING_CODE)
        valid = running & ((flags & UNSURE) == 0) & (steps["quality"] >= MIN_STEP_QUALITY)
        rows = self._foot_rows(steps, step_bin, valid, n)
        rows |= self._run_rows(steps, step_bin, running, valid, n)
        return Bins(
            end_s,
            rows,
            np.bincount(step_bin, running, n).astype(np.float64),
            np.bincount(step_bin, valid, n).astype(np.float64),
        )

    def _foot_rows(
        self, steps: Steps, step_bin: IntArray, valid: npt.NDArray[np.bool_], n: int
    ) -> dict[str, FloatArray]:
        """Take the bins' medians of each foot, the median pace of both, and strike shares."""
        kept = np.flatnonzero(valid)
        group = step_bin[kept] * 2 + steps["foot"][kept]
        rows: dict[str, FloatArray] = {}
        if self._medians:
            values = np.stack([steps[SIGNALS[name].column][kept] for name in self._medians])
            medians = _grouped_median(values, group, n * 2).reshape(-1, n, 2)
            rows.update(zip(self._medians, medians, strict=True))
        pace = _grouped_median(np.stack([steps["speed_mps"][kept], steps["grade"][kept]]), step_bin[kept], n)
        rows["speed"], rows["grade"] = pace[0][:, None], pace[1][:, None]
        if self._strikes:
            strike = steps["foot_strike"][kept]
            counts = np.bincount(group, strike != MISSING_CODE, n * 2)
            for name in self._strikes:
                hits = np.bincount(group, strike == FOOT_STRIKES.index(name), n * 2)
                share = np.where(counts >= MIN_BIN_STEPS, hits / np.maximum(counts, 1.0), np.nan)
                rows[name] = share.reshape(n, 2)
        return rows

    def _run_rows(
        self, steps: Steps, step_bin: IntArray, running: npt.NDArray[np.bool_], valid: npt.NDArray[np.bool_], n: int
    ) -> dict[str, FloatArray]:
        """Add up time, distance, climb, load and strikes of each bin onto what was before."""
        contact_s = steps["initial_contact_s"]
        taken_s = np.diff(contact_s, prepend=self._last_contact_s)
        taken_s = np.where(taken_s <= MAX_STEP_GAP_S, taken_s, 0.0)
        self._last_contact_s = float(contact_s[-1])
        moved_m = _known_or_zero(steps["speed_mps"]) * taken_s
        strike = steps["foot_strike"]
        amounts = {
            "running_time": taken_s * running,
            "distance": moved_m,
            "uphill": moved_m * np.maximum(_known_or_zero(steps["grade"]), 0.0),
            "impulse": _known_or_zero(steps["achilles_impulse_bws"]),
            "dose": _known_or_zero(steps["calf_dose"]),
            "strikes": (valid & (strike != MISSING_CODE)).astype(np.float64),
            "front_strikes": (valid & (strike > FOOT_STRIKES.index("rearfoot"))).astype(np.float64),
        }
        totals: dict[str, FloatArray] = {}
        for name, amount in amounts.items():
            sums = np.bincount(step_bin, amount, n)
            totals[name] = np.cumsum(np.concatenate(([self._totals[name]], sums)))[1:, None]
            self._totals[name] = float(totals[name][-1, 0])
        strikes, front = totals.pop("strikes"), totals.pop("front_strikes")
        totals["run_non_rearfoot_share"] = np.where(strikes > 0, front / np.maximum(strikes, 1.0), np.nan)
        return totals


_TOTALS: Final = ("running_time", "distance", "uphill", "impulse", "dose", "strikes", "front_strikes")


def _runs(values: npt.NDArray[np.int64]) -> tuple[npt.NDArray[np.int64], IntArray, IntArray]:
    """Split sorted values into runs: each run's value, where it starts, and the run of each element."""
    starts = np.flatnonzero(np.diff(values, prepend=values[0] - 1))
    lengths = np.diff(starts, append=values.size)
    return values[starts], starts, np.repeat(np.arange(starts.size), lengths)


def _known_or_zero(values: FloatArray) -> FloatArray:
    """Count an unknown amount as nothing: sums say 'at least'."""
    return np.where(np.isnan(values), 0.0, values)


def _grouped_median(values: FloatArray, group: npt.NDArray[Any], n: int) -> FloatArray:
    """Take the median of each group of columns.

    Parameters
    ----------
    values
        Shape ``(signals, steps)``.
    group
        Group of each step, shape ``(steps,)``.
    n
        Number of groups.

    Returns
    -------
    medians
        Shape ``(signals, n)``; NaN where a group has fewer than ``MIN_BIN_STEPS`` known values.
    """
    counts = np.bincount(group, minlength=n)
    width = int(counts.max(initial=0))
    if width == 0:
        return np.full((values.shape[0], n), np.nan)
    order = np.argsort(group, kind="stable")
    starts = np.cumsum(counts) - counts
    ordered = group[order]
    padded = np.full((values.shape[0], n, width), np.nan)
    padded[:, ordered, np.arange(order.size) - starts[ordered]] = values[:, order]
    known = np.count_nonzero(~np.isnan(padded), axis=-1)
    return np.where(known >= MIN_BIN_STEPS, sorted_median(padded), np.nan)


def join(context: Mapping[str, FloatArray], rows: Mapping[str, FloatArray]) -> dict[str, FloatArray]:
    """Put the rows of new bins behind those of earlier ones."""
    return {name: np.concatenate([context[name], values]) for name, values in rows.items()}
