"""Fit the simulator's running waveforms: python benchmarks/fit_waveforms.py DATA [--out waveforms.csv].

DATA holds trials with truth as ``import_rbds.py`` makes them (Fukuchi 2017, doi:10.7717/peerj.3298). For each
foot-trial the foot's rotation and the path of the ball of the foot are averaged over strides as a periodic quintic
spline, 14 knots a contact and 26 a swing; the control points of all foot-trials are then a linear function of strike
pitch and speed. The rows ``walk_mean`` are drawn by hand and are taken from the file that comes with the package.
"""

from __future__ import annotations

import argparse
import csv
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import BSpline
from scipy.ndimage import gaussian_filter1d
from scipy.spatial.transform import Rotation

from soleus.gait.grid import GRID_HZ
from soleus.simulate.waveforms import CHANNELS, SPEED_CENTRE_MPS, STANCE_KNOTS, STRIDE_KNOTS, SWING_KNOTS, waveforms
from trials import FootTrial, read_trials

Array = NDArray[Any]
DEGREE = 5
SAMPLE_S = 1 / GRID_HZ
STRIDE_S = (0.5, 0.95)
QUIET_PHASE = (0.2, 0.5)
"""Shares of contact between which the foot's quietest instant cuts a stride."""
PIVOT_PHASE = 0.72
"""Until this share of contact the ball of the foot stands still: that tells where the pod sits from it."""
RIDGE = 1e-6
"""Weight of the second difference of the control points, times samples a knot."""
STRIKE_CENTRE_DEG, STRIKE_STEP_DEG = 15.0, 10.0
STILL_KNOTS = slice(3, 13)
STILL_HEIGHT_KNOTS = slice(3, 14)
FLAT_KNOTS = {"pitch": slice(4, 7), "roll": slice(4, 8), "yaw": slice(4, 8)}
PLACE_KNOTS = slice(6, 11)
LEFT_RIGHT = [1, 2, 4]
"""Roll, yaw and lateral change their sign from foot to foot."""


@dataclass(frozen=True)
class Stride:
    """From quiet instant to quiet instant: ``rows`` of the trial, its events and those of the next stride [s]."""

    rows: slice
    contact_s: float
    toe_off_s: float
    next_contact_s: float
    next_toe_off_s: float
    turn: Rotation
    force: Array


@dataclass(frozen=True)
class MeanStride:
    """Mean stride of a foot-trial: ``control`` (40, 6), its knots' places [s], its strike pitch [°] and speed [m/s]."""

    control: Array
    strike_deg: float
    speed_mps: float


def knots_s(contact_s: float, stride_s: float) -> Array:
    """(40,) knots of a stride."""
    stance = np.arange(STANCE_KNOTS) / STANCE_KNOTS * contact_s
    knots: Array = np.r_[stance, contact_s + np.arange(SWING_KNOTS) / SWING_KNOTS * (stride_s - contact_s)]
    return knots


def fit_periodic(contact_s: float, stride_s: float, time_s: Array, values: Array) -> Array:
    """Control points (40, c) of the periodic spline through (n, c) values at (n,) times within a stride."""
    base = knots_s(contact_s, stride_s)
    knots = np.concatenate([base + stride_s * r for r in range(-1, 3)])
    wide = BSpline.design_matrix(time_s, knots, DEGREE).toarray()
    design = np.zeros((time_s.size, STRIDE_KNOTS))
    for i in range(wide.shape[1]):
        design[:, (i + 3) % STRIDE_KNOTS] += wide[:, i]
    unit = np.eye(STRIDE_KNOTS)
    bend = unit - 2 * np.roll(unit, 1, 0) + np.roll(unit, 2, 0)
    weight = RIDGE * time_s.size / STRIDE_KNOTS
    control: Array = np.linalg.solve(design.T @ design + weight * bend.T @ bend, design.T @ values)
    return control


def strides_of(trial: FootTrial, time_s: Array) -> list[Stride]:
    """Cut a foot-trial at the foot's quietest instants and integrate each stride's turn; drift is spread over it."""
    accel, gyro = trial.values[:3].T, trial.values[3:].T
    calm = gaussian_filter1d(np.linalg.norm(gyro, axis=1), 2)
    contact, toe_off = trial.truth["t_ic"], trial.truth["t_tc"]

    def quiet(start_s: float, end_s: float) -> int:
        low, high = (start_s + share * (end_s - start_s) for share in QUIET_PHASE)
        inside = np.flatnonzero((time_s > low) & (time_s < high))
        return int(inside[np.argmin(calm[inside])])

    found = []
    for i, o, n, o2 in zip(contact[:-1], toe_off[:-1], contact[1:], toe_off[1:], strict=True):
        if not (STRIDE_S[0] < n - i < STRIDE_S[1] and n + 0.2 < time_s[-1] and i > time_s[0] + 0.1):
            continue
        a, b = quiet(i, o), quiet(n, o2)
        rate = gyro[a : b + 1]
        turns = [Rotation.identity()]
        for step in Rotation.from_rotvec(0.5 * (rate[1:] + rate[:-1]) * SAMPLE_S):
            turns.append(turns[-1] * step)
        turn = Rotation.concatenate(turns)
        turn = turn * Rotation.from_rotvec(-np.outer(np.arange(b - a + 1) / (b - a), turn[-1].as_rotvec()))
        found.append(Stride(slice(a, b + 1), i, o, n, o2, turn, turn.apply(accel[a : b + 1])))
    return found


def foot_axes(trial: FootTrial, strides: list[Stride]) -> Rotation:
    """Find the pod's mounting from the trial: up is the mean force, y the main axis, toes down on average."""
    ups = [0.5 * (s.force[1:] + s.force[:-1]).mean(0) for s in strides]
    up = np.median(ups, 0)
    up /= np.linalg.norm(up)
    gyro = trial.values[3:].T
    smooth = gaussian_filter1d(gyro, 6, axis=0)
    level = smooth - np.outer(smooth @ up, up)
    y = np.linalg.eigh(level.T @ level)[1][:, -1]
    y = y - up * (y @ up)
    y /= np.linalg.norm(y)
    if np.mean([np.mean(np.cumsum(-(gyro[s.rows] @ y)) * SAMPLE_S) for s in strides]) > 0:
        y = -y
    return Rotation.from_matrix(np.array([np.cross(y, up), y, up]))


def mean_stride(trial: FootTrial) -> MeanStride:
    """Average a foot-trial's strides as control points, in the convention of a left foot."""
    time_s = (trial.first + np.arange(trial.values.shape[1])) * SAMPLE_S
    strides = strides_of(trial, time_s)
    mounting = foot_axes(trial, strides)
    gyro = mounting.apply(trial.values[3:].T)
    turned, paths, rows, sides = [], [], [], []
    for s in strides:
        turn = mounting * s.turn * mounting.inv()
        force = mounting.apply(s.force)
        free = force - force.mean(0)
        velocity = np.vstack([np.zeros(3), np.cumsum(0.5 * (free[1:] + free[:-1]) * SAMPLE_S, 0)])
        turned.append(turn)
        paths.append(np.vstack([np.zeros(3), np.cumsum(0.5 * (velocity[1:] + velocity[:-1]) * SAMPLE_S, 0)]))
        pivot = np.flatnonzero(time_s[s.rows] < s.contact_s + PIVOT_PHASE * (s.toe_off_s - s.contact_s))[::2]
        rates = turn.apply(gyro[s.rows])
        for j in pivot:
            axes = turn[j].as_matrix()
            row = np.zeros((3, 4))
            row[:, :2] = np.array([np.cross(rates[j], axes[:, 0]), np.cross(rates[j], axes[:, 2])]).T
            row[0, 2] = row[2, 3] = 1
            rows.append(row[[0, 2]])
            sides.append(velocity[j][[0, 2]])
    lever_x, lever_z, _, _ = np.linalg.lstsq(np.vstack(rows), np.concatenate(sides), rcond=None)[0]
    lever = np.array([lever_x, 0.0, lever_z])

    contact_s = float(np.median([s.toe_off_s - s.contact_s for s in strides]))
    stride_s = float(np.median([s.next_contact_s - s.contact_s for s in strides]))
    times, values = [], []
    for s, turn, path in zip(strides, turned, paths, strict=True):
        here = time_s[s.rows]
        marks = [s.contact_s - 1, s.contact_s, s.toe_off_s, s.next_contact_s, s.next_toe_off_s]
        times.append(np.interp(here, marks, [-1, 0, contact_s, stride_s, stride_s + contact_s]))
        values.append(np.column_stack([_angles(turn), _path(here, s, path - (turn.apply(lever) - lever))]))
    joined = np.concatenate(values)
    joined[:, LEFT_RIGHT] *= trial.side
    control = fit_periodic(contact_s, stride_s, np.concatenate(times) % stride_s, joined)
    strike = BSpline(np.concatenate([knots_s(contact_s, stride_s) + r * stride_s for r in (-1, 0, 1)]),
                     np.tile(control[:, 0], 3)[3:-3], DEGREE)  # fmt: skip
    base = knots_s(contact_s, stride_s)
    wide = np.r_[base - stride_s, base, base + stride_s]
    greville = np.array([wide[STRIDE_KNOTS + j - 2 : STRIDE_KNOTS + j + 3].mean() for j in range(STRIDE_KNOTS)])
    control[:, 3] += greville / stride_s
    control[:, 3:] -= control[PLACE_KNOTS, 3:].mean(0)
    return MeanStride(control, float(np.degrees(strike(0.0))), trial.speed_mps)


def _angles(turn: Rotation) -> Array:
    """(n, 3) pitch (toes up), roll, yaw."""
    first, yaw, roll = turn.as_euler("YZX").T
    return np.column_stack([-np.unwrap(first), roll, yaw])


def _path(here_s: Array, stride: Stride, path: Array) -> Array:
    """(n, 3) forward in strides less the steady part, lateral, height [m], zero at the middle of contact."""
    heading = np.arctan2(path[-1, 1], path[-1, 0])
    length = np.hypot(path[-1, 0], path[-1, 1])
    cos, sin = np.cos(heading), np.sin(heading)
    turned = np.column_stack(
        [(path[:, 0] * cos + path[:, 1] * sin) / length, -path[:, 0] * sin + path[:, 1] * cos, path[:, 2]]
    )
    share = (here_s - stride.contact_s) / (here_s[-1] - here_s[0])
    turned = turned - np.outer(share, [1, 0, turned[-1, 2]])
    middle_s = stride.contact_s + 0.5 * (stride.toe_off_s - stride.contact_s)
    centred: Array = turned - np.array([np.interp(middle_s, here_s, turned[:, k]) for k in range(3)])
    return centred


def linear_model(means: list[MeanStride]) -> Array:
    """(3, 40, 6) mean, change per 10° of strike pitch, change per m/s; flat foot zero, the standing ball still."""
    strike = np.array([m.strike_deg for m in means])
    speed = np.array([m.speed_mps for m in means])
    terms = np.column_stack(
        [np.ones(strike.size), (strike - STRIKE_CENTRE_DEG) / STRIKE_STEP_DEG, speed - SPEED_CENTRE_MPS]
    )
    control = np.stack([m.control for m in means]).reshape(strike.size, -1)
    model: Array = np.linalg.lstsq(terms, control, rcond=None)[0].reshape(3, STRIDE_KNOTS, len(CHANNELS))
    for channel, flat in FLAT_KNOTS.items():
        c = CHANNELS.index(channel)
        model[:, :, c] -= model[:, flat, c].mean(1)[:, None]
    model[:, STILL_KNOTS, 3:5] = 0
    model[:, STILL_HEIGHT_KNOTS, 5] = 0
    return model


def write(model: Array, out: Path) -> None:
    """Write the waveforms, comments and walking rows as in the file that comes with the package."""
    text = (resources.files("soleus.simulate") / "waveforms.csv").read_text(encoding="utf-8")
    comments = [line for line in text.splitlines() if line.startswith("#")]
    walking = {row["channel"]: row for row in csv.DictReader(text.splitlines()[len(comments) :])
               if row["term"] == "walk_mean"}  # fmt: skip
    names = [f"c{j:02d}" for j in range(STRIDE_KNOTS)]
    lines = [*comments, ",".join(["channel", "term", *names])]
    for c, channel in enumerate(CHANNELS):
        for k, term in enumerate(("run_mean", "run_strike", "run_speed")):
            lines.append(",".join([channel, term, *(f"{x:.4f}" for x in model[k, :, c] + 0.0)]))
        lines.append(",".join([channel, "walk_mean", *(walking[channel][name] for name in names)]))
    out.write_text("\n".join(lines) + "\n", encoding="utf-8")


def main() -> None:
    """Fit, say how far the result is from the packaged waveforms, and write it if asked to."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("data", type=Path)
    parser.add_argument("--out", type=Path)
    asked = parser.parse_args()
    model = linear_model([mean_stride(trial) for trial in read_trials(asked.data)])
    packaged = waveforms()
    for k, term in enumerate(("run_mean", "run_strike", "run_speed")):
        apart = np.abs(model[k].T - getattr(packaged, term)).max(1)
        print(f"{term:10}", "  ".join(f"{c} {a:.4f}" for c, a in zip(CHANNELS, apart, strict=True)))
    if asked.out is not None:
        write(model, asked.out)


if __name__ == "__main__":
    main()
