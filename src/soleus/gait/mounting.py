"""How the pod sits on the shoe: found from a few seconds of motion, with no standing still.

Over a stride the foot's velocity returns to itself, so the mean specific force over a stride *is* gravity once it is
expressed in one frame. That gives 'up'. The pitch axis is the main axis of rotation at right angles to it. Two
independent votes decide which way it points: a foot is toes-down most of a stride, and it travels towards its toes.
The accelerometer at a quiet instant of running is no gravity reading (10-23 m/s², 3-48° off), so it is not used so.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from soleus.gait import filters, strapdown
from soleus.gait.grid import GRID_HZ
from soleus.gait.strapdown import Strapdown, in_blocks
from soleus.model import FloatArray

GRAVITY_MPS2: Final = 9.80665
"""Standard gravity; CODATA."""
WINDOW_S: Final = 7.0
"""Motion gathered before the first attempt; 6 s gives the same figures on 13 runners (RBDS)."""
QUIET_SHARE: Final = 0.35
"""A quiet instant turns slower than this share of the window's rms rate."""
STRIDE_MIN_S: Final = 0.45
STRIDE_MAX_S: Final = 1.8
MOVING_RADS: Final = 0.8
"""Mean rate of turn [rad/s] over a stride of walking or running; a standing foot stays far below."""
RESIDUAL_MAX_RAD: Final = float(np.radians(12))
GRAVITY_ERROR_MAX_MPS2: Final = 1.5
STRIDES_MIN: Final = 3
FAIR_MPS2: Final = (4.5, 18.0)
"""Where the accelerometer clips, a stride's mean is of the wrong size, but its direction still is up."""
LEAST_GRAVITY_MPS2: Final = 1.0
"""An accelerometer that reads less than this of gravity is dead or in other units."""
FAIR_SHARE: Final = 0.5
"""Fewer good strides than this share of the fair ones: the good ones may be so by chance."""
QUIET_SMOOTH: Final = np.full(7, 1 / 7)


@dataclass(frozen=True, slots=True)
class Mounting:
    """The foot's axes in the pod's frame.

    Attributes
    ----------
    axes
        (3, 3) rows x (to the toes), y (left), z (up): ``axes @ v`` turns a pod vector into the foot frame.
    unsure
        True where clipped samples forced the fallback, or the two votes disagree.
    """

    axes: FloatArray
    unsure: bool


def axes_from(up: FloatArray, pitch_axis: FloatArray) -> FloatArray:
    """Orthonormal (..., 3, 3) rows x, y, z from (..., 3) up and an approximate y.

    Examples
    --------
    >>> axes_from(np.array([0.0, 0, 2]), np.array([0.0, 1, 0.3]))
    array([[1., 0., 0.],
           [0., 1., 0.],
           [0., 0., 1.]])
    """
    z = up / _length(up)
    y = pitch_axis - z * _dot(pitch_axis, z)
    y = y / _length(y)
    x = np.stack(
        (
            y[..., 1] * z[..., 2] - y[..., 2] * z[..., 1],
            y[..., 2] * z[..., 0] - y[..., 0] * z[..., 2],
            y[..., 0] * z[..., 1] - y[..., 1] * z[..., 0],
        ),
        axis=-1,
    )
    return np.stack((x, y, z), axis=-2)


def _dot(a: FloatArray, b: FloatArray) -> FloatArray:
    return (a[..., 0] * b[..., 0] + a[..., 1] * b[..., 1] + a[..., 2] * b[..., 2])[..., None]


def _length(a: FloatArray) -> FloatArray:
    return np.sqrt(_dot(a, a))


def find_mounting(values: FloatArray, *, accept_disagreement: bool = False) -> Mounting | None:
    """Find the mounting from a window of motion.

    Parameters
    ----------
    values
        (6, n) specific force [m/s²] and angular rate [rad/s] on the 200 Hz grid, pod axes.
    accept_disagreement
        Return an unsure mounting instead of nothing when the two votes on the direction disagree.

    Returns
    -------
    The mounting, or ``None`` if there are too few strides or the votes disagree.

    Examples
    --------
    >>> find_mounting(np.zeros((6, 1400))) is None
    True
    """
    force, rate = values[:3], values[3:]
    turning = np.sqrt((filters.smooth(rate, filters.CALM) ** 2).sum(axis=0))
    quiet = _quiet_instants(turning)
    begin, end = quiet[:-1], quiet[1:]
    total = np.concatenate([[0.0], np.cumsum(turning, dtype=np.float64)])
    length = end - begin
    moving = (total[end] - total[begin]) / np.maximum(length, 1) > MOVING_RADS
    stride = (length >= STRIDE_MIN_S * GRID_HZ) & (length <= STRIDE_MAX_S * GRID_HZ) & moving
    begin, end = begin[stride], end[stride]
    if begin.size < STRIDES_MIN:
        return None
    gravity, residual, travel = stride_gravity(force, rate, begin, end)
    size = np.sqrt((gravity**2).sum(axis=0))
    closed = np.sqrt((residual**2).sum(axis=0)) < RESIDUAL_MAX_RAD
    good = closed & (np.abs(size - GRAVITY_MPS2) < GRAVITY_ERROR_MAX_MPS2)
    fair = closed & (size > FAIR_MPS2[0]) & (size < FAIR_MPS2[1])
    unsure = bool(good.sum() < max(STRIDES_MIN, FAIR_SHARE * fair.sum()))
    if not unsure:
        up = np.median(gravity[:, good], axis=1)
    elif fair.sum() >= STRIDES_MIN:
        up = GRAVITY_MPS2 * np.median(gravity[:, fair] / size[fair], axis=1)
    else:
        up = _calm_gravity(force[:, quiet])
    if not (up**2).sum() > LEAST_GRAVITY_MPS2**2:
        return None
    up = up.astype(np.float64)
    axes = axes_from(up, _main_axis(rate, quiet, up))
    if _mean_pitch(rate, axes[1], quiet) > 0:
        axes = axes * np.array([-1.0, -1.0, 1.0])[:, None]
    travels_ahead = float(np.median(axes[0] @ travel)) > 0
    if not travels_ahead and not accept_disagreement:
        return None
    return Mounting(axes, unsure or not travels_ahead)


def stride_gravity(
    force: FloatArray, rate: FloatArray, begin: npt.NDArray[np.intp], end: npt.NDArray[np.intp]
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Mean specific force of each stride in the pod's axes at its begin, with the residual rotation spread out.

    Parameters
    ----------
    force, rate
        (3, n) [m/s²], [rad/s].
    begin, end
        (m,) first and last sample of each stride, both at the same phase of stance.

    Returns
    -------
    gravity (3, m) [m/s²], residual rotation (3, m) [rad], displacement (3, m) [m] in the axes at begin.
    """
    width = strapdown.BLOCK * int(-(-(end - begin + 1).max() // strapdown.BLOCK))
    at = np.minimum(begin[:, None] + np.arange(width), force.shape[1] - 1)
    places = np.zeros_like(begin), end - begin
    windows = np.concatenate([rate, force])[:, at].transpose(1, 0, 2)
    moved = Strapdown.of(in_blocks(windows, (0, 1, 2)), in_blocks(windows, (3, 4, 5)), *places, up=None)
    return moved.gravity, moved.residual, moved.paths_m((end - begin)[None])[:, 0]


def _quiet_instants(turning: FloatArray) -> npt.NDArray[np.intp]:
    """Minima of the rate of turn, far below its rms and at least a short stride apart; the quietest first."""
    calm = filters.smooth(turning, QUIET_SMOOTH)
    lowest = np.flatnonzero((calm[1:-1] < calm[:-2]) & (calm[1:-1] <= calm[2:])) + 1
    lowest = lowest[calm[lowest] < QUIET_SHARE * np.sqrt(np.mean(turning**2))]
    kept: list[int] = []
    for i in lowest[np.argsort(calm[lowest], kind="stable")]:
        if all(abs(i - j) >= STRIDE_MIN_S * GRID_HZ for j in kept):
            kept.append(int(i))
    return np.array(sorted(kept), dtype=np.intp)


def _calm_gravity(force: FloatArray) -> FloatArray:
    """Fallback for clipped samples: median of the quiet readings nearest to gravity in size."""
    error = np.abs(np.sqrt((force**2).sum(axis=0)) - GRAVITY_MPS2)
    nearest = np.argsort(error, kind="stable")[: max(STRIDES_MIN, force.shape[1] // 2)]
    return np.median(force[:, nearest], axis=1)


def _main_axis(rate: FloatArray, quiet: npt.NDArray[np.intp], up: FloatArray) -> FloatArray:
    """First principal axis of the slow rotation at right angles to ``up``, between the first and last quiet instant."""
    whole = rate.shape[1] // filters.DECIMATION
    means = rate[:, : whole * filters.DECIMATION].reshape(3, whole, filters.DECIMATION).mean(axis=2, dtype=np.float64)
    first, last = quiet[0] // filters.DECIMATION, quiet[-1] // filters.DECIMATION
    slow = filters.smooth(means, filters.SLOW)[:, first:last]
    level = slow - up[:, None] * (up @ slow) / (up @ up)
    return np.linalg.eigh(level @ level.T)[1][:, -1]


def _mean_pitch(rate: FloatArray, pitch_axis: FloatArray, quiet: npt.NDArray[np.intp]) -> float:
    """Mean pitch [rad, toes up] between the quiet instants, at which it is taken as zero."""
    pitch = np.concatenate([[0.0], np.cumsum(-(pitch_axis @ rate))]) / GRID_HZ
    pitch = pitch - np.interp(np.arange(pitch.size), quiet, pitch[quiet])
    return float(pitch[quiet[0] : quiet[-1]].mean())
