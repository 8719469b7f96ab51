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
from soleus.rules.expression import BIN_S, MAX_WINDOW_S
from soleus.rules.signals import SIGNALS
from soleus.rules.windows import sorted_median

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

    Attributes
    ----------
    columns
        Columns of the steps table that are looked at.
    """

    def __init__(self, foot_signals: frozenset[str]) -> None:
        self._medians = tuple(sorted(name for name in foot_signals if SIGNALS[name].column))
        self.columns = tuple(dict.fromkeys((*_COLUMNS, *(SIGNALS[name].column for name in self._medians))))
        self._strikes = tuple(sorted(name for name in foot_signals if name in FOOT_STRIKES))
        self._last_bin: int | None = None
        self._last_contact_s = np.nan
        self._totals = np.zeros(len(_TOTALS) + 2)

    def gather(self, steps: Steps | Mapping[str, npt.NDArray[Any]]) -> Bins:
        """Gather steps that fill whole bins.

        Parameters
        ----------
        steps
            All steps of some consecutive bins, sorted by initial contact; the columns of :attr:`columns` will do.

        Raises
        ------
        RuleError
            If a bin holds more contacts than a person can make.
        """
        absolute = np.floor_divide(steps["initial_contact_s"], BIN_S).astype(np.int64)
        present, step_bin = _runs(absolute)
        counts = np.bincount(step_bin)
        if counts.max() > MAX_BIN_STEPS:
            worst = float(present[int(np.argmax(counts))]) * BIN_S
            raise RuleError(
                f"more than {MAX_BIN_STEPS} contacts between {worst:g} s and {worst + BIN_S:g} s; no runner's"
            )
        before = present[0] if self._last_bin is None else self._last_bin + 1
        gaps = _since(before - 1, present)
        rank = np.cumsum(np.minimum(gaps, MAX_GAP_BINS + 1)) - 1
        n = int(rank[-1]) + 1
        step_bin = rank[step_bin]
        end_s = np.full(n, np.nan)
        end_s[rank] = (present + 1) * BIN_S
        if n > rank.size:
            holes = np.flatnonzero(np.isnan(end_s))
            following = rank[np.searchsorted(rank, holes)]
            end_s[holes] = end_s[following] - (following - holes) * BIN_S
        self._last_bin = int(present[-1])

        flags = steps["flags"].astype(np.int64)
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
        self,
        steps: Steps | Mapping[str, npt.NDArray[Any]],
        step_bin: IntArray,
        valid: npt.NDArray[np.bool_],
        n: int,
    ) -> dict[str, FloatArray]:
        """Take the bins' medians of each foot, the median pace of both, and strike shares."""
        kept = np.flatnonzero(valid)
        group = step_bin[kept] * 2 + steps["foot"][kept].astype(np.intp)
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
        self,
        steps: Steps | Mapping[str, npt.NDArray[Any]],
        step_bin: IntArray,
        running: npt.NDArray[np.bool_],
        valid: npt.NDArray[np.bool_],
        n: int,
    ) -> dict[str, FloatArray]:
        """Add up time, distance, climb, load and strikes of each bin onto what was before."""
        contact_s = steps["initial_contact_s"]
        taken_s = _since(self._last_contact_s, contact_s)
        taken_s = np.where(taken_s <= MAX_STEP_GAP_S, taken_s, 0.0)
        self._last_contact_s = float(contact_s[-1])
        moved_m = _known_or_zero(steps["speed_mps"]) * taken_s
        strike = steps["foot_strike"]
        amounts = (
            taken_s * running,
            moved_m,
            moved_m * np.maximum(_known_or_zero(steps["grade"]), 0.0),
            _known_or_zero(steps["achilles_impulse_bws"]),
            _known_or_zero(steps["calf_dose"]),
            valid & (strike != MISSING_CODE),
            valid & (strike > FOOT_STRIKES.index("rearfoot")),
        )
        sums = np.empty((len(amounts), n + 1))
        sums[:, 0] = self._totals
        for row, amount in zip(sums, amounts, strict=True):
            row[1:] = np.bincount(step_bin, amount, n)
        totals = np.cumsum(sums, axis=1)[:, 1:, None]
        self._totals = totals[:, -1, 0]
        *named, strikes, front = totals
        share = np.where(strikes > 0, front / np.maximum(strikes, 1.0), np.nan)
        return dict(zip(_TOTALS, named, strict=True)) | {"run_non_rearfoot_share": share}


_TOTALS: Final = ("running_time", "distance", "uphill", "impulse", "dose")
_COLUMNS: Final = (
    "initial_contact_s",
    "foot",
    "flags",
    "quality",
    "speed_mps",
    "grade",
    "foot_strike",
    "achilles_impulse_bws",
    "calf_dose",
)
"""Columns looked at whatever the rules are."""


def _runs(values: npt.NDArray[np.int64]) -> tuple[npt.NDArray[np.int64], IntArray]:
    """Split sorted values into runs: each run's value, and the run of each element."""
    begins = _since(values[0] - 1, values) != 0
    return values[begins], np.cumsum(begins) - 1


def _since(before: float, values: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Take each value minus the one before it."""
    found = np.empty_like(values)
    found[0] = values[0] - before
    np.subtract(values[1:], values[:-1], out=found[1:])
    return found


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
    if n == 1:
        padded = values[:, None, :]
    else:
        counts = np.bincount(group, minlength=n)
        order = np.argsort(group, kind="stable")
        ordered = group[order]
        place = np.arange(order.size) - (np.cumsum(counts) - counts)[ordered]
        padded = np.full((values.shape[0], n, int(counts.max())), np.nan)
        padded[:, ordered, place] = values[:, order]
    if padded.shape[-1] == 0:
        return np.full((values.shape[0], n), np.nan)
    median, known = sorted_median(padded)
    return np.where(known >= MIN_BIN_STEPS, median, np.nan)
