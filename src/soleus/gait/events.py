"""Initial contact and toe-off of each step, as a force plate would time them (vertical force through 50 N).

Each event is found in two steps. A robust *anchor* comes from low-passed signals, which impact ringing of the shoe
and the strap (25-60 Hz) hardly moves. Then the waveforms around the anchor, low-passed and taken every 10 ms, are
weighted by a ridge regression that was fitted against an instrumented treadmill with random ringing added, so that
the weights are blind to it. Estimates from different anchors are averaged. The features build on Falbriard 2018
(doi:10.3389/fphys.2018.00610), whose pitch-rate dip comes late by 0.6 ms a degree of foot strike angle; the weights
take that up by themselves.

Definitions and edge cases: contact begins and ends where the vertical ground reaction force rises / falls through 50 N.
In walking the same features are used; timing there is not validated against a force plate.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from soleus.gait import banks, filters
from soleus.gait.grid import GRID_HZ
from soleus.gait.pod_stream import CHANNELS
from soleus.gait.sample_buffer import cut_rows
from soleus.model import FloatArray

IntArray = npt.NDArray[np.int64]

PRE: Final = 40
"""Samples of a window before the swing anchor."""
CONTACT_AHEAD: Final = 60
"""Samples after the swing anchor that initial contact needs: the latest dip, the waveform and the filter."""

# Samples of 5 ms, relative to the swing anchor. Chosen on 13 runners (RBDS) with and without added ringing.
DIP_LAST: Final = 20
REBOUND: Final = 10
REBOUND_SHARE: Final = 0.5
"""The first dip that rebounds at least half as much as the largest: later ones belong to stance."""
IMPACT_FIRST, IMPACT_LAST = -4, 26
IMPACT_START_LAST: Final = 21
IMPACT_TAPER: Final = 5.0
IMPACT_PASSES: Final = 3
FEATURES_LEAD: Final = 14
"""Samples before the swing anchor that the features look at: the earliest dip less the centroid's reach."""
CENTROID_BACK, CENTROID_AHEAD, CENTROID_HALF = 6, 4, 3
FLAT_FIRST, FLAT_LAST = 20, 32
"""Where the foot of a runner lies flat, whatever the strike: 100-160 ms after the swing anchor."""
PUSH_FIRST: Final = 28
TILT_RAD: Final = float(np.radians(25))
"""Tilt reached in every push-off and never in stance; at toe-off pitch is 25-50° below flat."""
WALKING_PUSH: Final = 50
"""From the tilt to toe-off a walk takes up to 0.25 s."""
SHALLOWEST_RAD: Final = float(np.radians(17))
"""A foot that never tilts this far stays down: the runner stands."""
UNLOAD_LAST: Final = 20
UNLOAD_FROM: Final = 14
INVERSION_FIRST, INVERSION_LAST = 5, 25
"""Just after the swing anchor the foot everts out of its inverted pose, in all strides of all 13 runners."""

NEGLIGIBLE: Final = 1e-12
"""Keeps a centroid of nothing defined: the middle of its window."""

IC_GRID: Final = np.arange(-20, 25, 2)
TO_GRID: Final = np.arange(-20, 17, 2)
SAGITTAL: Final = (0, 3, 5)


@dataclass(frozen=True, slots=True, eq=False)
class Waveform:
    """Ridge weights on low-passed waveforms, folded into weights on raw samples.

    Attributes
    ----------
    constant_ms
        Intercept [ms].
    taps
        (6, m) weights on the samples ``reach_back`` before the anchor onwards [ms per unit].
    reach_back
        Samples before the anchor.
    """

    constant_ms: float
    taps: FloatArray
    reach_back: int

    @classmethod
    def fold(
        cls,
        weights: Sequence[float],
        grid: npt.NDArray[np.int_],
        smoother: FloatArray,
        channels: tuple[int, ...] = (0, 1, 2, 3, 4, 5),
    ) -> Waveform:
        """Turn weights on smoothed samples into taps on raw samples: both are linear.

        Parameters
        ----------
        weights
            Intercept [ms], then (channels × grid) weights [ms per unit].
        grid
            (m,) places of the samples about the anchor.
        smoother
            Taps of the symmetric smoother.
        channels
            Rows of the signals that are used.
        """
        half = smoother.size // 2
        taps = np.zeros((len(CHANNELS), int(grid[-1] - grid[0]) + 2 * half + 1))
        for row, channel in zip(np.reshape(weights[1:], (len(channels), grid.size)), channels, strict=True):
            for weight, at in zip(row, grid - grid[0], strict=True):
                taps[channel, at : at + smoother.size] += weight * smoother
        return cls(float(weights[0]), taps, half - int(grid[0]))


def offsets_ms(signals: FloatArray, anchor: FloatArray, *waveforms: Waveform) -> list[FloatArray]:
    """Offsets (n,) of an event from its anchors by some waveforms [ms], linear between samples.

    Parameters
    ----------
    signals
        (n, 6, w) windows.
    anchor
        (n,) in window samples.
    waveforms
        The weights.
    """
    back = max(w.reach_back for w in waveforms)
    width = back + max(w.taps.shape[1] - w.reach_back for w in waveforms)
    start = np.clip(anchor - back, 0, signals.shape[2] - width - 1)
    whole = start.astype(np.int64)
    block = cut_rows(signals, whole, width + 1).reshape(anchor.size, -1)
    weighted = banks.times(_joined(waveforms, back, width), block)
    near, far = weighted[:, ::2], weighted[:, 1::2]
    offset = near + (start - whole)[:, None] * (far - near)
    return [w.constant_ms + offset[:, k] for k, w in enumerate(waveforms)]


@functools.cache
def _joined(waveforms: tuple[Waveform, ...], back: int, width: int) -> banks.Float32Array:
    """Weights of some waveforms on a common block, and the same one sample later: (2 per waveform, 6 (width + 1))."""
    rows = np.zeros((2 * len(waveforms), len(CHANNELS), width + 1), np.float32)
    for k, waveform in enumerate(waveforms):
        first = back - waveform.reach_back
        for late in (0, 1):
            rows[2 * k + late, :, first + late : first + late + waveform.taps.shape[1]] = waveform.taps
    return rows.reshape(rows.shape[0], -1)


@dataclass(frozen=True, slots=True)
class ContactAnchors:
    """Robust landmarks of initial contact, in samples of the window; (n,) each.

    ``impact``: centroid of the change of the low-passed force. ``dip``: first dip of the low-passed pitch rate.
    ``features``: (n, 3) [ms] heel-fall centroid after the sharp dip, sharp dip after dip, dip after impact.
    ``found``: whether a dip exists.
    """

    impact: FloatArray
    dip: FloatArray
    features: FloatArray
    found: npt.NDArray[np.bool_]


def inversion(signals: FloatArray) -> FloatArray:
    """Roll [rad] of unmirrored signals (n, 6, w) just after the swing anchor: positive on a left foot."""
    roll: FloatArray = signals[:, 1, PRE + INVERSION_FIRST : PRE + INVERSION_LAST].copy().sum(axis=1) / GRID_HZ
    return roll


DIP_FIRST: Final = PRE - FEATURES_LEAD
DIP_WIDTH: Final = FEATURES_LEAD + DIP_LAST + REBOUND + 1
"""First sample and number of those among which dips are looked for."""
REACH: Final = filters.LOADING.size // 2 + 1
"""Samples that a smoother or its change looks at on either side."""
_DIPS: Final = tuple((taps, REACH, REACH + DIP_WIDTH) for taps in (filters.LOADING, filters.SHARP))
_CHANGE: Final = (banks.change_of(filters.SHARP), REACH, REACH + DIP_WIDTH)
PITCH_BANK: Final = banks.bank(DIP_WIDTH + 2 * REACH, *_DIPS, _CHANGE)
ROLL_BANK: Final = banks.bank(DIP_WIDTH + 2 * REACH, _CHANGE)
IMPACT_WIDTH: Final = IMPACT_LAST - IMPACT_FIRST
FORCE_BANK: Final = banks.bank(
    IMPACT_WIDTH + 2 * REACH, (banks.change_of(filters.LOADING), REACH, REACH + IMPACT_WIDTH)
)


def contact_anchors(signals: FloatArray) -> ContactAnchors:
    """Find the landmarks of initial contact in (n, 6, w) mirrored windows from ``PRE`` before the swing anchor."""
    about_dip = slice(DIP_FIRST - REACH, DIP_FIRST + DIP_WIDTH + REACH)
    about_impact = slice(PRE + IMPACT_FIRST - REACH, PRE + IMPACT_LAST + REACH)
    impact = _impact(banks.times(FORCE_BANK, signals[:, 3:, about_impact].transpose(1, 0, 2)))
    smoothed = banks.times(PITCH_BANK, signals[:, 0, about_dip])
    change = smoothed[:, 2 * DIP_WIDTH :]
    dips, clear = _dip(smoothed[:, : 2 * DIP_WIDTH].reshape(-1, DIP_WIDTH), DIP_FIRST)
    (dip, sharp), found = dips.reshape(-1, 2).T, clear[::2]
    fall = np.abs(banks.times(ROLL_BANK, signals[:, 1, about_dip])) - change
    centroid = DIP_FIRST + _centroid(fall, sharp - DIP_FIRST)
    features = np.stack(
        (_clip_ms(centroid - sharp, -35, 20), _clip_ms(sharp - dip, -25, 25), _clip_ms(dip - impact, -40, 40)), axis=1
    )
    return ContactAnchors(impact, dip, features, found)


def _clip_ms(samples: FloatArray, low_ms: float, high_ms: float) -> FloatArray:
    clipped: FloatArray = np.clip(samples * (1000 / GRID_HZ), low_ms, high_ms)
    return clipped


def _impact(change: FloatArray) -> FloatArray:
    """Find the centroid of the squared change of force (3, n, w), drawn in by a taper about itself."""
    energy = change[0] * change[0] + change[1] * change[1] + change[2] * change[2] + NEGLIGIBLE
    k = np.arange(IMPACT_FIRST, IMPACT_LAST, dtype=np.float32)
    weight = np.where((k >= 0) & (k < IMPACT_START_LAST), energy, np.float32(0))
    for _ in range(IMPACT_PASSES):
        centre = (weight * k).sum(axis=1) / weight.sum(axis=1)
        weight = energy * np.exp(-0.5 * ((k - centre[:, None]) / IMPACT_TAPER) ** 2)
    impact: FloatArray = PRE + (weight * k).sum(axis=1) / weight.sum(axis=1)
    return impact


def _dip(rate: FloatArray, first: int) -> tuple[FloatArray, npt.NDArray[np.bool_]]:
    """Find the first clear dip of (n, w) pitch rate from window sample ``first`` on, refined by a parabola."""
    start, stop = PRE - first, PRE - first + DIP_LAST + 1
    inner = rate[:, start:stop]
    lowest = (inner < rate[:, start - 1 : stop - 1]) & (inner <= rate[:, start + 1 : stop + 1])
    ahead = inner.copy()
    for k in range(1, REBOUND + 1):
        ahead = np.maximum(ahead, rate[:, start + k : stop + k])
    rebound = np.where(lowest, ahead - inner, -1.0)
    clear = lowest & (rebound >= REBOUND_SHARE * rebound.max(axis=1, keepdims=True))
    at = start + np.argmax(clear, axis=1)
    return first + at + _parabola(rate, at), clear.any(axis=1)


def _parabola(x: FloatArray, at: IntArray | npt.NDArray[np.intp]) -> FloatArray:
    """Offset [samples] of the extremum of a parabola through each ``at`` and its neighbours."""
    row = np.arange(at.size)
    before, here, after = x[row, at - 1], x[row, at], x[row, at + 1]
    bend = before - 2 * here + after
    curved = np.abs(bend) > np.finfo(np.float64).eps
    offset: FloatArray = np.clip(np.where(curved, 0.5 * (before - after) / np.where(curved, bend, 1.0), 0.0), -0.5, 0.5)
    return offset


def _centroid(fall: FloatArray, dip: FloatArray) -> FloatArray:
    """Centroid of the fastest fall near the dip."""
    k = np.arange(fall.shape[1], dtype=np.float32)
    near = (k >= dip[:, None] - CENTROID_BACK) & (k <= dip[:, None] + CENTROID_AHEAD)
    peak = np.argmax(np.where(near, fall, -np.inf), axis=1)
    first = np.clip(peak - CENTROID_HALF, 0, fall.shape[1] - 2 * CENTROID_HALF - 1)
    at = first[:, None] + np.arange(2 * CENTROID_HALF + 1)
    weight = np.maximum(np.take_along_axis(fall, at, axis=1), 0.0) ** 2 + NEGLIGIBLE
    centroid: FloatArray = (weight * at).sum(axis=1) / weight.sum(axis=1)
    return centroid


@dataclass(frozen=True, slots=True)
class ToeOffAnchors:
    """Landmarks of toe-off, in samples of the window; (n,) each, NaN where not found.

    ``tilt``: pitch falls 25° below flat foot. ``unload``: the foot-vertical force has fallen half-way from its push-off
    peak.
    """

    tilt: FloatArray
    unload: FloatArray


def toe_off_anchors(signals: FloatArray, last: int) -> ToeOffAnchors:
    """Find the landmarks of a run's toe-off up to window sample ``last`` (exclusive) in (n, 6, w) windows."""
    tilt = _tilt(signals, last, shallow=False)
    tilted = np.isfinite(tilt)
    return ToeOffAnchors(tilt, _unload(signals[:, 5:], np.where(tilted, tilt, float(PRE + PUSH_FIRST)), tilted, last))


def walking_toe_off(signals: FloatArray, last: int) -> FloatArray:
    """Estimate a walk's toe-off (n,) in (n, 6, w) windows: the foot tilts fastest; NaN where it never tilts.

    Mariani 2013 (doi:10.1016/j.gaitpost.2012.07.012) finds this minimum of pitch rate at the end of stance. A walker
    tilts the foot long before it leaves the ground, so the unloading that times a run's toe-off comes too early.
    """
    tilt = _tilt(signals, last, shallow=True)
    tilted = np.isfinite(tilt)
    rate = filters.smooth(np.ascontiguousarray(signals[:, 0, :last]), filters.CALM)
    k = np.arange(last)
    near = (k >= tilt[:, None]) & (k <= tilt[:, None] + WALKING_PUSH) & (k > 0) & (k < last - 1)
    fastest = np.clip(np.argmin(np.where(near, rate, np.inf), axis=1), 1, last - 2)
    return np.where(tilted, fastest + _parabola(rate, fastest), np.nan)


def _tilt(signals: FloatArray, last: int, *, shallow: bool) -> FloatArray:
    """Find where pitch falls 25° below flat foot; NaN where it does not.

    With ``shallow``, a foot that tilts less than 50° in the whole window counts as tilted at half of its deepest pose:
    slow walking does not push off far.
    """
    pitch = np.cumsum(signals[:, 0, PRE + FLAT_FIRST : last], axis=1) / GRID_HZ
    flat = np.ascontiguousarray(pitch[:, : FLAT_LAST - FLAT_FIRST]).sum(axis=1) / (FLAT_LAST - FLAT_FIRST)
    push = PUSH_FIRST - FLAT_FIRST
    deepest = (flat - pitch[:, push:].min(axis=1)) if shallow else np.full_like(flat, 2 * TILT_RAD)
    below = pitch - flat[:, None] + np.minimum(TILT_RAD, deepest / 2)[:, None]
    crossed = below[:, push + 1 :] < 0
    first = np.argmax(crossed, axis=1) + push
    row = np.arange(first.size)
    before, after = below[row, first], below[row, first + 1]
    share = np.clip(before / np.where(before == after, 1.0, before - after), 0.0, 1.0)
    return np.where(crossed.any(axis=1) & (deepest > SHALLOWEST_RAD), PRE + FLAT_FIRST + first + share, np.nan)


UNLOAD_WIDTH: Final = UNLOAD_FROM + UNLOAD_LAST + 4
UNLOAD_BANK: Final = banks.bank(UNLOAD_WIDTH + 2 * (REACH - 1), (filters.LOADING, REACH - 1, REACH - 1 + UNLOAD_WIDTH))


def _unload(vertical: FloatArray, tilt: FloatArray, tilted: npt.NDArray[np.bool_], last: int) -> FloatArray:
    """Last half-way crossing of the largest fall of force (n, 1, w) that ends within 100 ms after the tilt."""
    first = np.ceil(tilt).astype(np.int64) - UNLOAD_FROM
    start = np.clip(first, REACH, vertical.shape[2] - UNLOAD_BANK.shape[1] + REACH)
    z = banks.times(UNLOAD_BANK, cut_rows(vertical, start - REACH, UNLOAD_BANK.shape[1])[:, 0])
    inner = z[:, 1:-1]
    lowest = (inner < z[:, :-2]) & (inner <= z[:, 2:])
    k = np.arange(inner.shape[1])
    place = start[:, None] + k
    lowest &= (place >= tilt[:, None]) & (place <= tilt[:, None] + UNLOAD_LAST) & (place < last)
    before = np.where(place >= PRE + PUSH_FIRST, inner, -np.inf)
    highest = before.copy()
    for back in range(1, UNLOAD_FROM + 1):
        highest[:, back:] = np.maximum(highest[:, back:], before[:, :-back])
    end = np.argmax(np.where(lowest, highest - inner, -np.inf), axis=1)
    row = np.arange(end.size)
    peak = highest[row, end]
    half = 0.5 * (peak + inner[row, end])
    falls = (inner[:, :-1] >= half[:, None]) & (inner[:, 1:] < half[:, None]) & (k[1:] <= end[:, None])
    cross = falls.shape[1] - 1 - np.argmax(falls[:, ::-1], axis=1)
    upper, lower = inner[row, cross], inner[row, cross + 1]
    share = (upper - half) / np.where(upper == lower, 1.0, upper - lower)
    found = tilted & lowest.any(axis=1) & falls.any(axis=1) & np.isfinite(peak)
    return np.where(found, start + cross + share, np.nan)
