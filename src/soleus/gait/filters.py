"""The symmetric (zero-delay) FIR smoothers of the core, and their use on streams and on windows.

``scipy.ndimage.correlate1d`` adds the taps of every output sample in one fixed order, so a sample's value does not
depend on where a stream was cut.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from scipy.ndimage import correlate1d

from soleus.gait.grid import GRID_HZ
from soleus.model import FloatArray

KAISER_BETA: Final = 3.4
"""Side lobes below -40 dB: ringing of ten g becomes a tenth of one."""


def _unit(taps: FloatArray) -> FloatArray:
    unit: FloatArray = taps / taps.sum()
    return unit


def hann(width_s: float, rate_hz: float = GRID_HZ) -> FloatArray:
    """Taps of a Hann window of this full width [s] at a rate [Hz]."""
    half = round(width_s * rate_hz / 2)
    return _unit(np.hanning(2 * half + 3)[1:-1])


def low_pass(cutoff_hz: float, half_width_s: float) -> FloatArray:
    """Taps of a Kaiser-windowed low-pass (Kaiser 1974) on the 200 Hz grid."""
    half = round(half_width_s * GRID_HZ)
    k = np.arange(-half, half + 1)
    return _unit(np.kaiser(2 * half + 1, KAISER_BETA) * np.sinc(2 * cutoff_hz / GRID_HZ * k))


def gaussian(sigma_s: float) -> FloatArray:
    """Taps of a Gaussian, cut beyond three sigma, on the 200 Hz grid."""
    half = int(np.ceil(3 * sigma_s * GRID_HZ))
    return _unit(np.exp(-0.5 * (np.arange(-half, half + 1) / (sigma_s * GRID_HZ)) ** 2))


DECIMATION: Final = 4
"""What has nothing above 8 Hz is followed in means of so many samples."""
DECIMATED_HZ: Final = GRID_HZ // DECIMATION

SWING: Final = hann(0.16, DECIMATED_HZ)
"""At 50 Hz. Leaves one smooth positive lobe of pitch rate a swing: shorter keeps the slap, longer blurs walking."""
SLOW: Final = hann(0.34, DECIMATED_HZ)
"""At 50 Hz. About 6 Hz: the rotation of the whole foot without its impacts, from which the pitch axis is found."""
CALM: Final = low_pass(14.0, 0.075)
"""Removes impact ringing (25-60 Hz) and keeps the motion of the foot, nearly all below 12 Hz."""

LOADING: Final = low_pass(18.0, 0.070)
"""Keeps the fall and the slap of the foot at contact and the unloading at toe-off, damps most ringing."""
PUSH: Final = low_pass(9.0, 0.090)
"""The slow course of push-off alone."""
SHARP: Final = gaussian(0.006)
"""About 22 Hz with no overshoot, for timing features."""


def smooth(x: FloatArray, taps: FloatArray) -> FloatArray:
    """Smooth along the last axis; beyond the ends the end value is held.

    Examples
    --------
    >>> smooth(np.array([0.0, 0, 3, 0, 0]), np.ones(3) / 3)
    array([0., 1., 1., 1., 0.])
    """
    return correlate1d(x, taps, axis=-1, mode="nearest")
