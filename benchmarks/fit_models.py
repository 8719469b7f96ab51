"""Fit every constant of ``soleus/gait/fitted.json`` on trials with force-plate truth.

usage: python benchmarks/fit_models.py DATA_DIR [--leave-one-out OUT_DIR] [--workers N]

Events first: ridge regressions of the true contact times on waveforms around robust anchors, on the clean trials and
on disturbed copies of them. Then the metrics: small ridge regressions on foot-trial medians, with the events that the
fitted event models give. With --leave-one-out nothing is written to the package; each runner's trials are analysed
with constants fitted on all others and the step tables go to OUT_DIR, to be scored.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import msgspec
import numpy as np
import numpy.typing as npt
import pyarrow.parquet as pq

sys.path.insert(0, str(Path(__file__).parent))

from disturb import disturb
from soleus.gait import GaitAnalyzer, contacts, events, filters, mechanics, step_values
from soleus.gait.contacts import Contacts, FootTracker
from soleus.gait.fitted import (
    MS_PER_SAMPLE,
    EventModels,
    EventRegression,
    EventWeights,
    Fitted,
    LinearModel,
    MetricModels,
)
from soleus.gait.grid import GRID_HZ, Stretch
from soleus.gait.pod_stream import CHANNELS, PodStream
from soleus.model import FloatArray, PodInfo, PodSamples, Runner
from trials import FootTrial, read_trials

COPIES = 8
SLOWED_COPIES = 4
TEMPO = 0.15
CLEAN_WEIGHT = 3.0
FARTHEST_MS = 70.0
MATCH_S = 0.05
RANGE_QUANTILES = (0.005, 0.995)
RANGE_MARGIN_MS = 3.0
SWING_BEFORE_CONTACT_S = 0.10
IC, TO = "t_ic", "t_tc"


@dataclass(frozen=True, slots=True)
class EventModelSpec:
    """How one event regression is fitted: its target, ridge penalty."""

    target: str
    penalty: float


EVENT_MODELS = {
    "contact_at_impact": EventModelSpec(IC, 0.003),
    "contact_at_dip": EventModelSpec(IC, 0.003),
    "contact_by_features": EventModelSpec(IC, 0.005),
    "toe_off_sagittal": EventModelSpec(TO, 0.01),
    "toe_off_push": EventModelSpec(TO, 0.01),
}


@dataclass(frozen=True, slots=True)
class MetricSpec:
    """Terms, scale and ridge penalty of one metric, and which truth it is fitted to."""

    terms: tuple[str, ...]
    scale: str | None
    penalty: float
    truth: str


PROFILE = tuple(f"{kind}_profile_{part}" for kind in ("speed", "rate") for part in "abcd")
LEVER = ("pitch_contact_deg", "toe_out_deg", "strapdown_speed_mps", "roll_mid_deg")
METRICS = {
    "foot_strike_angle_deg": MetricSpec(
        ("pitch_contact_deg", "roll_contact_deg", "roll_mid_deg"), None, 0.005, "fsa_deg"
    ),
    "speed_excess": MetricSpec(PROFILE, None, 0.1, "speed_excess"),
    "overstride_m": MetricSpec(
        ("contact_length_m", "pitch_contact_deg", "toe_off_travel_m", "roll_mid_deg"), None, 0.005, "overstride_m"
    ),
    "vertical_oscillation_m": MetricSpec(("spring_mass_oscillation_m", "contact_share"), None, 0.002, "vo_m"),
    "peak_force_bw": MetricSpec(("half_sine_force_bw", "step_time_s", "pitch_contact_deg"), None, 0.02, "peak_vgrf_bw"),
    "ankle_impulse_nms_per_kg": MetricSpec(LEVER, "impulse_scale", 0.03, "ankle_moment_impulse_nmskg"),
    "ankle_peak_nm_per_kg": MetricSpec((*LEVER, "heel_late_deg"), "peak_scale", 0.03, "ankle_moment_peak_nmkg"),
    "ankle_impulse_without_height_nms_per_kg": MetricSpec(
        LEVER, "impulse_scale_without_height", 0.03, "ankle_moment_impulse_nmskg"
    ),
    "ankle_peak_without_height_nm_per_kg": MetricSpec(
        (*LEVER, "heel_late_deg"), "peak_scale_without_height", 0.03, "ankle_moment_peak_nmkg"
    ),
}


@dataclass(slots=True)
class Moments:
    """Weighted second moments of [1 x y] by runner, so that leaving one out costs one solve."""

    by_runner: dict[int, FloatArray] = field(default_factory=dict)

    def add(self, runner: int, x: FloatArray, y: FloatArray, weight: float) -> None:
        """Add the rows of one foot-trial; every foot-trial weighs the same."""
        rows = np.hstack([np.ones((y.size, 1)), x, y[:, None]])
        self.by_runner[runner] = self.by_runner.get(runner, 0) + weight * rows.T @ rows / y.size

    def solve(self, runners: Iterable[int], penalty: float) -> FloatArray:
        """Ridge weights on standardised columns, intercept first."""
        total: FloatArray = np.sum([self.by_runner[r] for r in runners], axis=0)
        mean = total[0, 1:] / total[0, 0]
        spread = total[1:, 1:] / total[0, 0] - np.outer(mean, mean)
        scale = np.sqrt(np.maximum(np.diag(spread)[:-1], 1e-12))
        shape = spread[:-1, :-1] / np.outer(scale, scale)
        weights = np.linalg.solve(shape + penalty * np.eye(scale.size), spread[:-1, -1] / scale) / scale
        return np.concatenate([[mean[-1] - mean[:-1] @ weights], weights])


def stretch(trial: FootTrial) -> Stretch:
    """Make one unbroken stretch of the trial."""
    return Stretch(trial.first, trial.values, np.zeros(trial.values.shape[1], np.uint8), starts=True, ends=True)


def waveforms(
    signals: FloatArray, anchor: FloatArray, grid: npt.NDArray[np.int_], taps: FloatArray, rows: Sequence[int]
) -> FloatArray:
    """Smoothed signals about each anchor, (n, channels x grid)."""
    smooth = filters.smooth(np.ascontiguousarray(signals[:, list(rows)].transpose(1, 0, 2)), taps)
    place = np.clip(anchor[:, None] + grid, 0, smooth.shape[2] - 2)
    whole = place.astype(int)
    part = place - whole
    near = np.take_along_axis(smooth, whole[None], axis=2)
    far = np.take_along_axis(smooth, whole[None] + 1, axis=2)
    waves: FloatArray = (near + part * (far - near)).transpose(1, 0, 2).reshape(anchor.size, -1)
    return waves


def event_rows(trial: FootTrial) -> dict[str, tuple[FloatArray, FloatArray]]:
    """Regressors and offsets [ms] from the anchors of every event model, one row a true contact."""
    stream = PodStream(trial.first)
    swings = stream.push(stretch(trial))
    swing_s = swings / GRID_HZ
    nearest = np.abs(swing_s[:, None] - trial.truth[IC]).argmin(axis=0)
    matched = np.abs(swing_s[nearest] - trial.truth[IC]) < SWING_BEFORE_CONTACT_S
    anchor = swings[nearest[matched]]
    signals = contacts.window_signals(stream, anchor, contacts.RUN_AHEAD)
    contacts.mirror(signals, np.full(anchor.size, np.sign(np.median(events.inversion(signals)))))
    at = events.contact_anchors(signals)
    off = events.toe_off_anchors(signals, events.PRE + contacts.RUN_AHEAD - contacts.TOE_OFF_TAIL)
    unload = np.where(np.isfinite(off.unload), off.unload, events.PRE)
    every = range(len(CHANNELS))
    regressors = {
        "contact_at_impact": (at.impact, waveforms(signals, at.impact, events.IC_GRID, filters.SHARP, every)),
        "contact_at_dip": (at.dip, waveforms(signals, at.dip, events.IC_GRID, filters.LOADING, every)),
        "contact_by_features": (at.dip, at.features),
        "toe_off_sagittal": (off.unload, waveforms(signals, unload, events.TO_GRID, filters.CALM, events.SAGITTAL)),
        "toe_off_push": (off.unload, waveforms(signals, unload, events.TO_GRID, filters.PUSH, every)),
        "tilt": (off.tilt, np.empty((anchor.size, 0))),
    }
    rows = {}
    for name, (landmark, x) in regressors.items():
        target = EVENT_MODELS[name].target if name in EVENT_MODELS else TO
        true = trial.truth[target][matched] * GRID_HZ - (anchor - events.PRE)
        offset = (true - landmark) * MS_PER_SAMPLE
        good = np.isfinite(offset) & (np.abs(offset) < FARTHEST_MS)
        rows[name] = (x[good], offset[good])
    return rows


class EventFit:
    """Moments of all event models over all trials and their disturbed copies."""

    def __init__(self, trials: Sequence[FootTrial]) -> None:
        self.moments = {name: Moments() for name in EVENT_MODELS}
        self.offsets: dict[str, dict[int, list[FloatArray]]] = {name: {} for name in EVENT_MODELS}
        self.tilts: dict[int, list[FloatArray]] = {}
        for trial in trials:
            self._add(trial, CLEAN_WEIGHT)
            for copy in range(COPIES + SLOWED_COPIES):
                self._add(disturb(trial, copy, tempo=TEMPO if copy >= COPIES else 0.0), 1.0)

    def _add(self, trial: FootTrial, weight: float) -> None:
        rows = event_rows(trial)
        for name, moments in self.moments.items():
            if rows[name][1].size:
                moments.add(trial.runner, *rows[name], weight)
                self.offsets[name].setdefault(trial.runner, []).append(rows[name][1])
        self.tilts.setdefault(trial.runner, []).append(rows["tilt"][1])

    def weights(self, runners: Sequence[int]) -> EventWeights:
        """Solve for the given runners."""
        solved = {name: self._regression(name, runners) for name in self.moments}
        tilt = float(np.median(np.concatenate([t for r in runners for t in self.tilts[r]])))
        return EventWeights(**solved, toe_off_after_tilt_ms=tilt)

    def _regression(self, name: str, runners: Sequence[int]) -> EventRegression:
        weights = self.moments[name].solve(runners, EVENT_MODELS[name].penalty)
        low, high = np.quantile(np.concatenate([o for r in runners for o in self.offsets[name][r]]), RANGE_QUANTILES)
        return EventRegression(tuple(weights.tolist()), float(low) - RANGE_MARGIN_MS, float(high) + RANGE_MARGIN_MS)


def foot_contacts(trial: FootTrial, weights: EventWeights) -> Contacts:
    """All contacts of a trial with their features."""
    tracker = FootTracker(PodInfo(trial.foot, 1.0, 1.0), EventModels(weights))
    return tracker.follow([stretch(trial)])[1]


def medians(own: Contacts, other: Contacts, trial: FootTrial) -> dict[str, tuple[dict[str, float], float]] | None:
    """Median terms and true value of every metric in one foot-trial."""
    true = trial.truth
    nearest = np.abs(own.initial_contact_s[:, None] - true[IC]).argmin(axis=0)
    error = own.initial_contact_s[nearest] - true[IC]
    matched = (np.abs(error) < MATCH_S) & np.isfinite(own.features["strapdown_speed_mps"][nearest])
    if not matched.any():
        return None
    mine = own.select(nearest[matched])
    following = np.append(other.initial_contact_s, np.nan)
    step = (
        following[np.searchsorted(other.initial_contact_s, mine.initial_contact_s, side="right")]
        - mine.initial_contact_s
    )
    stride = step_values.stride_time_s(mine)
    step = np.where(step < step_values.STEP_OF_STRIDE_MAX * stride, step, np.nan)
    terms = mechanics.step_terms(mine.toe_off_s - mine.initial_contact_s, step, stride, trial.height_m, mine.features)
    middle = {name: float(np.nanmedian(values)) for name, values in terms.items()}
    result = {}
    for name, spec in METRICS.items():
        if spec.truth == "speed_excess":
            truth = trial.speed_mps / middle["strapdown_speed_mps"] - 1
        else:
            truth = float(np.nanmedian(true[spec.truth][matched]))
        result[name] = (middle, truth)
    return result


COPY_WEIGHTS = {"clean": 4.0, "ring": 0.5}


def metric_models(
    trials: Sequence[FootTrial], copies: Sequence[Sequence[FootTrial]], fit: EventFit, runners: Sequence[int]
) -> MetricModels:
    """Fit all metric models on the runners given, their events being estimated without the runner himself."""
    rows: dict[str, list[tuple[dict[str, float], float, float]]] = {name: [] for name in METRICS}
    for runner in runners:
        weights = fit.weights([r for r in runners if r != runner])
        for k, group in enumerate((trials, *copies)):
            mine = [t for t in group if t.runner == runner]
            done = [foot_contacts(t, weights) for t in mine]
            for i, trial in enumerate(mine):
                found = medians(done[i], done[i ^ 1], trial)
                if found is None:
                    continue
                weight = COPY_WEIGHTS["ring" if k else "clean"] / len(mine)
                for name, (middle, truth) in found.items():
                    rows[name].append((middle, truth, weight))
    return MetricModels(**{name: _linear(METRICS[name], rows[name]) for name in METRICS})


def _linear(spec: MetricSpec, rows: Sequence[tuple[dict[str, float], float, float]]) -> LinearModel:
    rows = [r for r in rows if np.isfinite([r[0][t] for t in spec.terms]).all() and np.isfinite(r[1])]
    x = np.array([[middle[t] for t in spec.terms] for middle, _, _ in rows])
    scale = np.array([middle[spec.scale] if spec.scale else 1.0 for middle, _, _ in rows])
    y = np.array([truth for _, truth, _ in rows]) / scale
    w = np.array([weight for _, _, weight in rows])
    w = w / w.sum()
    mean, spread = w @ x, np.sqrt(w @ (x - w @ x) ** 2)
    a = (x - mean) / spread
    b = np.linalg.solve(a.T @ (a * w[:, None]) + spec.penalty * np.eye(spread.size), a.T @ (w * (y - w @ y))) / spread
    low, high = x.min(axis=0), x.max(axis=0)
    margin = (high - low) / 4
    return LinearModel(
        spec.terms, spec.scale, float(w @ y - mean @ b), _short(b), _short(low - margin), _short(high + margin)
    )


def _short(values: FloatArray) -> tuple[float, ...]:
    return tuple(float(f"{value:.6g}") for value in values)


def analyse(name: str, pair: Sequence[FootTrial], fitted: Fitted, folder: Path) -> None:
    """Write the step table of one trial, as the analyzer gives it without a belt."""
    first = pair[0]
    pods = [PodInfo(t.foot, ACCEL_LSB, GYRO_LSB) for t in pair]
    analyzer = GaitAnalyzer(pods, Runner(mass_kg=first.mass_kg, height_m=first.height_m), fitted)
    scale = np.repeat([ACCEL_LSB, GYRO_LSB], 3)[:, None]
    samples = [
        PodSamples(
            t.foot, (t.first + np.arange(t.values.shape[1])) / GRID_HZ, np.rint(t.values / scale).astype(np.int16)
        )
        for t in pair
    ]
    steps = [analyzer.push(samples), analyzer.finish()]
    folder.mkdir(parents=True, exist_ok=True)
    pq.write_table(type(steps[0]).concat(steps).to_arrow(), folder / f"{name}.steps.parquet")


ACCEL_LSB, GYRO_LSB = 0.0047885494552446055, 0.0010652969463144809


def main() -> int:
    """Fit, and write the constants or the leave-one-out step tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--leave-one-out", type=Path)
    parser.add_argument(
        "--also", type=Path, nargs="*", default=[], help="further data to analyse leave-one-out (ringing)"
    )
    arguments = parser.parse_args()
    trials = list(read_trials(arguments.data))
    runners = sorted({t.runner for t in trials})
    fit = EventFit(trials)
    copies = [[disturb(t, 100 + k, ringing=2.5) for t in trials] for k in range(4)]
    print(f"{len(trials)} foot-trials of {len(runners)} runners", flush=True)
    if arguments.leave_one_out is None:
        source = f"{len(runners)} runners, {len(trials)} foot-trials of Fukuchi 2017 (doi:10.7717/peerj.3298)"
        fitted = Fitted(source, fit.weights(runners), metric_models(trials, copies, fit, runners))
        target = Path(contacts.__file__).parent / "fitted.json"
        text = json.dumps(json.loads(msgspec.json.encode(fitted), parse_float=lambda s: float(f"{float(s):.7g}")))
        target.write_bytes(msgspec.json.format(text.encode(), indent=1))
        print(f"wrote {target}")
        return 0
    also = [(folder, list(read_trials(folder))) for folder in arguments.also]
    for runner in runners:
        others = [r for r in runners if r != runner]
        fitted = Fitted(f"all but {runner}", fit.weights(others), metric_models(trials, copies, fit, others))
        for folder, group in (
            (arguments.leave_one_out, trials),
            *((arguments.leave_one_out / f.name, g) for f, g in also),
        ):
            mine = [t for t in group if t.runner == runner]
            for name in sorted({t.name for t in mine}):
                analyse(name, [t for t in mine if t.name == name], fitted, folder)
        print(f"left out runner {runner}", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
