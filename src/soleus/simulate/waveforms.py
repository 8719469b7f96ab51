"""The shape of a stride: mean foot kinematics as spline control points, by strike angle, speed and gait."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Final

import numpy as np

from soleus.model import FloatArray

CHANNELS: Final = ("pitch", "roll", "yaw", "forward", "lateral", "height")
PITCH, ROLL, YAW, FORWARD, LATERAL, HEIGHT = range(6)
STANCE_KNOTS: Final = 14
"""Knots in a contact, equally spaced."""
SWING_KNOTS: Final = 26
"""Knots in a swing, equally spaced."""
STRIDE_KNOTS: Final = STANCE_KNOTS + SWING_KNOTS
FLAT_KNOT: Final = 6
"""The foot rests flat around this knot; a longer stand is put in here."""
STRIKE_CENTRE_RAD: Final = float(np.radians(15.0))
"""Strike pitch of the mean running waveform [rad]."""
STRIKE_STEP_RAD: Final = float(np.radians(10.0))
"""Change of strike pitch that the strike term stands for [rad]."""
LEAST_ROLL_STRIKE: Final = -1.5
"""The roll of the flattest foot in the data (0°) also holds for forefoot contacts: not extrapolated."""
SPEED_CENTRE_MPS: Final = 3.5
"""Speed of the mean running waveform [m/s]."""
SLOWEST_WAVEFORM_MPS: Final = 1.8
"""The linear model in speed is not followed below this [m/s] ..."""
FASTEST_WAVEFORM_MPS: Final = 5.5
"""... nor above this [m/s]."""


@dataclass(frozen=True, slots=True)
class Waveforms:
    """Control points (6 channels, 40 knots) each: rotations in rad, forward in strides, lateral and height in m.

    Attributes
    ----------
    run_mean, run_strike, run_speed
        Running: the mean, its change per 10° of strike pitch, its change per m/s.
    walk_mean
        Walking.
    """

    run_mean: FloatArray
    run_strike: FloatArray
    run_speed: FloatArray
    walk_mean: FloatArray

    def of(self, strike_rad: FloatArray, speed_mps: FloatArray, running: FloatArray) -> FloatArray:
        """Control points of strides.

        Parameters
        ----------
        strike_rad, speed_mps
            (n,) strike pitch [rad] and speed [m/s].
        running
            (n,) 1 for running, 0 for walking.

        Returns
        -------
        ndarray
            (n, 6, 40).
        """
        strike = ((strike_rad - STRIKE_CENTRE_RAD) / STRIKE_STEP_RAD)[:, None, None]
        speed = (np.clip(speed_mps, SLOWEST_WAVEFORM_MPS, FASTEST_WAVEFORM_MPS) - SPEED_CENTRE_MPS)[:, None, None]
        run = self.run_mean + strike * self.run_strike + speed * self.run_speed
        beyond = np.maximum(LEAST_ROLL_STRIKE - strike[:, 0], 0.0)
        run[:, ROLL] += beyond * self.run_strike[ROLL]
        # Walking knows one strike angle: the landing part of the running model's strike term adjusts it.
        walk_strike = ((strike_rad - self.walk_mean[PITCH, 0]) / STRIKE_STEP_RAD)[:, None, None]
        walk = self.walk_mean + walk_strike * self.run_strike
        return np.asarray(np.where(running[:, None, None] > 0, run, walk))


@cache
def waveforms() -> Waveforms:
    """Read the waveforms that come with the package (``waveforms.csv`` names their source)."""
    text = (resources.files("soleus.simulate") / "waveforms.csv").read_text(encoding="utf-8")
    rows = csv.DictReader(line for line in text.splitlines() if not line.startswith("#"))
    found = {(row["channel"], row["term"]): [float(row[f"c{j:02d}"]) for j in range(STRIDE_KNOTS)] for row in rows}
    terms = [np.array([found[channel, term] for channel in CHANNELS]) for term in TERMS]
    return Waveforms(*terms)


TERMS: Final = ("run_mean", "run_strike", "run_speed", "walk_mean")
