"""All fitted constants of the core, typed, in one place.

``fitted.json`` is written by ``benchmarks/fit_models.py`` from the treadmill trials of Fukuchi 2017
(doi:10.7717/peerj.3298); nothing in it is tuned by hand or to a single runner.
"""

from __future__ import annotations

import functools
import importlib.resources
from collections.abc import Mapping
from typing import Final

import msgspec
import numpy as np

from soleus.gait import events, filters
from soleus.gait.grid import GRID_HZ
from soleus.model import FloatArray

MS_PER_SAMPLE: Final = 1000 / GRID_HZ
AGREE_MS: Final = 12.0
"""Two estimates of one contact differ by less in 99 % of contacts (RBDS)."""


class EventRegression(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Intercept [ms] and weights on smoothed waveforms, and the range [ms] of offsets seen in the fit."""

    weights: tuple[float, ...]
    low_ms: float
    high_ms: float


class EventWeights(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The event regressions; a strange stride may not push an event beyond the range of the fit."""

    contact_at_impact: EventRegression
    contact_at_dip: EventRegression
    contact_by_features: EventRegression
    toe_off_sagittal: EventRegression
    toe_off_push: EventRegression
    toe_off_after_tilt_ms: float


class LinearModel(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A metric as a weighted sum of named terms, times a scale term if there is one.

    Terms enter no further than a quarter beyond the range they had in the fit (``low``, ``high``), so that a strange
    stride cannot extrapolate without bound.
    """

    terms: tuple[str, ...]
    scale: str | None
    constant: float
    weights: tuple[float, ...]
    low: tuple[float, ...]
    high: tuple[float, ...]

    def __call__(self, terms: Mapping[str, FloatArray]) -> FloatArray:
        """Evaluate on (n,) arrays of the terms."""
        total: FloatArray = np.full_like(terms[self.terms[0]], self.constant)
        for name, weight, low, high in zip(self.terms, self.weights, self.low, self.high, strict=True):
            total = total + weight * np.clip(terms[name], low, high)
        return total if self.scale is None else total * terms[self.scale]


class MetricModels(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The linear models of all metrics; those ``_without_height`` serve a runner of unknown height."""

    foot_strike_angle_deg: LinearModel
    speed_excess: LinearModel
    overstride_m: LinearModel
    vertical_oscillation_m: LinearModel
    peak_force_bw: LinearModel
    ankle_impulse_nms_per_kg: LinearModel
    ankle_peak_nm_per_kg: LinearModel
    ankle_impulse_without_height_nms_per_kg: LinearModel
    ankle_peak_without_height_nm_per_kg: LinearModel


class Fitted(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Everything that was fitted, with a note on which data."""

    source: str
    events: EventWeights
    metrics: MetricModels


class EventModels:
    """The event regressions, ready to use: weights folded into taps on raw samples.

    Examples
    --------
    >>> models = EventModels(load_fitted().events)
    """

    def __init__(self, weights: EventWeights) -> None:
        fold = events.Waveform.fold
        self._at_impact = fold(weights.contact_at_impact.weights, events.IC_GRID, filters.SHARP)
        self._at_dip = fold(weights.contact_at_dip.weights, events.IC_GRID, filters.LOADING)
        self._sagittal = fold(weights.toe_off_sagittal.weights, events.TO_GRID, filters.CALM, events.SAGITTAL)
        self._push = fold(weights.toe_off_push.weights, events.TO_GRID, filters.PUSH)
        self._weights = weights

    def initial_contact(self, signals: FloatArray, anchors: events.ContactAnchors) -> FloatArray:
        """Estimate initial contact (n,) in samples of the (n, 6, w) window: the mean of up to three estimates."""
        w = self._weights
        constant, *slopes = w.contact_by_features.weights
        by_features = np.full_like(anchors.dip, constant)
        for i, slope in enumerate(slopes):
            by_features = by_features + slope * anchors.features[:, i]
        (at_impact,) = events.offsets_ms(signals, anchors.impact, self._at_impact)
        (at_dip,) = events.offsets_ms(signals, anchors.dip, self._at_dip)
        impact = anchors.impact + _samples(at_impact, w.contact_at_impact)
        dip = anchors.dip + _samples(at_dip, w.contact_at_dip)
        features = anchors.dip + _samples(by_features, w.contact_by_features)
        # one estimate gone astray must not drag the mean along
        others = np.where(anchors.found, _near(dip - impact) + _near(features - impact), 0.0)
        contact: FloatArray = impact + others / 3
        return contact

    def toe_off(self, signals: FloatArray, anchors: events.ToeOffAnchors) -> FloatArray:
        """Estimate toe-off (n,) in samples of the (n, 6, w) window; NaN where the foot never tilted."""
        w = self._weights
        unload = np.where(np.isfinite(anchors.unload), anchors.unload, events.PRE)
        by_sagittal, by_push = events.offsets_ms(signals, unload, self._sagittal, self._push)
        sagittal, push = _samples(by_sagittal, w.toe_off_sagittal), _samples(by_push, w.toe_off_push)
        tilted = anchors.tilt + w.toe_off_after_tilt_ms / MS_PER_SAMPLE
        return np.where(np.isfinite(anchors.unload), unload + 0.5 * (sagittal + push), tilted)


def _samples(offset_ms: FloatArray, regression: EventRegression) -> FloatArray:
    limited: FloatArray = np.clip(offset_ms, regression.low_ms, regression.high_ms) / MS_PER_SAMPLE
    return limited


def _near(difference: FloatArray) -> FloatArray:
    limited: FloatArray = np.clip(difference, -AGREE_MS / MS_PER_SAMPLE, AGREE_MS / MS_PER_SAMPLE)
    return limited


@functools.cache
def load_fitted() -> Fitted:
    """Read the packaged constants.

    Examples
    --------
    >>> load_fitted().metrics.vertical_oscillation_m.terms[0]
    'spring_mass_oscillation_m'
    """
    text = importlib.resources.files("soleus.gait").joinpath("fitted.json").read_bytes()
    return msgspec.json.decode(text, type=Fitted)
