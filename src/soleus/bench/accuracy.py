"""Steps against truth, contact by contact."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import msgspec
import numpy as np
import numpy.typing as npt

from soleus.batch import Result, analyze
from soleus.bench.agreement import Agreement, agreement, correlation
from soleus.bench.truth import Trial, TrueContacts
from soleus.model import FloatArray, Foot, Steps
from soleus.recording import open_recording

MATCH_S: Final = 0.05
"""A contact is found if an estimate lies this near [s]: a fifth of a contact, an eighth of a step."""
MARGIN_S: Final = 0.1
"""Estimates this far [s] beyond the first and last true contact are neither found nor false: truth ends there."""
SPEED_CLASS_MPS: Final = 0.5
"""Width of the classes of speed [m/s]."""

METRICS: Final = {
    "initial_contact_s": ("initial contact", "ms", 1000.0),
    "toe_off_s": ("toe-off", "ms", 1000.0),
    "contact_time_s": ("contact time", "ms", 1000.0),
    "flight_time_s": ("flight time", "ms", 1000.0),
    "step_time_s": ("step time", "ms", 1000.0),
    "stride_time_s": ("stride time", "ms", 1000.0),
    "cadence_spm": ("cadence", "steps/min", 1.0),
    "speed_mps": ("speed", "m/s", 1.0),
    "stride_length_m": ("stride length", "cm", 100.0),
    "foot_strike_angle_deg": ("foot strike angle", "°", 1.0),
    "vertical_oscillation_m": ("vertical oscillation", "mm", 1000.0),
    "overstride_m": ("overstride", "cm", 100.0),
    "peak_force_bw": ("peak force", "bw", 1.0),
    "achilles_peak_bw": ("Achilles peak", "bw", 1.0),
    "achilles_impulse_bws": ("Achilles impulse", "bw·ms", 1000.0),
}
"""Column: what it is called, the unit of its errors, and the factor from the column's unit."""
PROXIES: Final = {
    "achilles_peak_bw": "ankle_moment_peak_nmkg",
    "achilles_impulse_bws": "ankle_moment_impulse_nmskg",
}
"""Modelled quantities without a truth of their own: what they should go along with."""


@dataclass(frozen=True, slots=True)
class FootTrial:
    """One foot of one trial: estimates beside truth.

    Attributes
    ----------
    contacts, found, false
        True contacts, those found within 50 ms, and estimates without a true contact.
    speed_mps
        (m,) true speed of each found contact [m/s].
    walking
        (m,) whether it is a walking step.
    pairs
        By column (m,) estimates and (m,) true values of the found contacts, in the column's unit.
    """

    name: str
    foot: Foot
    contacts: int
    found: int
    false: int
    speed_mps: FloatArray
    walking: npt.NDArray[np.bool_]
    pairs: Mapping[str, tuple[FloatArray, FloatArray]]

    def select(self, rows: npt.NDArray[np.bool_]) -> FootTrial:
        """Take some of the found contacts; the counts stay those of the trial."""
        return dataclasses.replace(
            self,
            speed_mps=self.speed_mps[rows],
            walking=self.walking[rows],
            pairs={name: (estimate[rows], truth[rows]) for name, (estimate, truth) in self.pairs.items()},
        )


class SpeedClass(msgspec.Struct, frozen=True, kw_only=True):
    """Agreement of the contacts at one speed."""

    speed_mps: float
    contacts: int
    metrics: dict[str, Agreement]


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """Agreement over all trials; errors are in the units of ``METRICS``.

    Attributes
    ----------
    metrics, walking
        Agreement of running and of walking steps, by column.
    proxies
        Correlation of the foot-trials' medians with a measured quantity of another kind, by column.
    speeds
        Agreement of running steps by classes of speed, 0.5 m/s wide.
    """

    trials: int
    contacts: int
    found: int
    false: int
    metrics: dict[str, Agreement]
    walking: dict[str, Agreement]
    proxies: dict[str, float]
    speeds: tuple[SpeedClass, ...]


def measure(trial: Trial, *, belt: bool = False) -> tuple[Result, list[FootTrial]]:
    """Analyse a trial and lay its steps beside the truth.

    Parameters
    ----------
    trial
        A recording with truth.
    belt
        Whether the analysis may know the belt's speed. Without it speed and stride length are honestly the
        trajectory's.

    Raises
    ------
    soleus.recording.RecordingError
        If the recording cannot be read.
    """
    with open_recording(trial.recording) as reader:
        result = analyze(reader if belt else dataclasses.replace(reader, belt=None), rules=())
    return result, [_compare(trial.name, truth, result.step_rows) for truth in trial.feet]


def match(true_s: FloatArray, estimated_s: FloatArray) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]:
    """Pair true and estimated times that are each other's nearest and within 50 ms.

    Parameters
    ----------
    true_s, estimated_s
        (n,) and (m,) rising times [s].

    Returns
    -------
    tuple of arrays
        Indices (k,) of the pairs into the first and into the second.

    Examples
    --------
    >>> import numpy as np
    >>> match(np.array([1.0, 2.0, 3.0]), np.array([1.01, 1.02, 3.2]))
    (array([0]), array([0]))
    """
    if not true_s.size or not estimated_s.size:
        return np.empty(0, np.intp), np.empty(0, np.intp)
    nearest = _nearest(estimated_s, true_s)
    back = _nearest(true_s, estimated_s)
    rows = np.arange(true_s.size)
    good = (back[nearest] == rows) & (np.abs(estimated_s[nearest] - true_s) <= MATCH_S)
    return rows[good], nearest[good]


def _nearest(times_s: FloatArray, to_s: FloatArray) -> npt.NDArray[np.intp]:
    after = np.searchsorted(times_s, to_s).clip(1, max(times_s.size - 1, 1))
    before = after - 1
    after = np.minimum(after, times_s.size - 1)
    return np.where(to_s - times_s[before] <= times_s[after] - to_s, before, after)


def _compare(name: str, truth: TrueContacts, steps: Steps) -> FootTrial:
    own = steps.select(steps["foot"] == truth.foot)
    true_s, estimated_s = truth.values["initial_contact_s"], own["initial_contact_s"]
    i, j = match(true_s, estimated_s)
    inside = (
        (estimated_s > true_s[0] - MARGIN_S) & (estimated_s < true_s[-1] + MARGIN_S)
        if true_s.size
        else np.ones(estimated_s.size, np.bool_)
    )
    columns = [column for column in METRICS if column in truth.values]
    pairs = {column: (own[column][j], truth.values[column][i]) for column in columns}
    for column, proxy in PROXIES.items():
        if proxy in truth.values:
            pairs[proxy] = (own[column][j], truth.values[proxy][i])
    return FootTrial(
        name=name,
        foot=truth.foot,
        contacts=true_s.size,
        found=i.size,
        false=int(inside.sum()) - i.size,
        speed_mps=truth.values["speed_mps"][i],
        walking=truth.walking[i],
        pairs=pairs,
    )


def report(trials: Sequence[FootTrial]) -> Report:
    """Put the agreement of all foot-trials together."""
    running = [trial.select(~trial.walking) for trial in trials]
    known = np.concatenate([trial.speed_mps for trial in running] or [np.empty(0)])
    speeds = []
    for speed in np.unique(_speed_class(known[np.isfinite(known)])):
        parts = [trial.select(_speed_class(trial.speed_mps) == speed) for trial in running]
        count = sum(part.speed_mps.size for part in parts)
        speeds.append(SpeedClass(speed_mps=float(speed), contacts=count, metrics=_agreements(parts)))
    return Report(
        trials=len({trial.name for trial in trials}),
        contacts=sum(trial.contacts for trial in trials),
        found=sum(trial.found for trial in trials),
        false=sum(trial.false for trial in trials),
        metrics=_agreements(running),
        walking=_agreements([trial.select(trial.walking) for trial in trials]),
        proxies=_proxies(running),
        speeds=tuple(speeds),
    )


def _speed_class(speed_mps: FloatArray) -> FloatArray:
    return np.round(speed_mps / SPEED_CLASS_MPS) * SPEED_CLASS_MPS


def metric_pairs(trials: Sequence[FootTrial], column: str) -> list[tuple[FloatArray, FloatArray]]:
    """Estimates and truth of a column in the unit of ``METRICS``, by foot-trial."""
    factor = METRICS[column][2]
    return [(t.pairs[column][0] * factor, t.pairs[column][1] * factor) for t in trials if column in t.pairs]


def _agreements(trials: Sequence[FootTrial]) -> dict[str, Agreement]:
    found = {column: agreement(metric_pairs(trials, column)) for column in METRICS}
    return {column: made for column, made in found.items() if made is not None}


def _proxies(trials: Sequence[FootTrial]) -> dict[str, float]:
    found = {}
    for column, proxy in PROXIES.items():
        points = []
        for trial in trials:
            if proxy in trial.pairs:
                estimate, truth = trial.pairs[proxy]
                if np.isfinite(estimate).any() and np.isfinite(truth).any():
                    points.append((float(np.nanmedian(estimate)), float(np.nanmedian(truth))))
        r = correlation(points)
        if r is not None:
            found[column] = r
    return found
