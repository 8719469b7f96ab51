"""The stand-still check: are both pods there, at rest, and do they measure gravity and no turning."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np

from soleus.model import FloatArray, Foot, PodInfo, PodSamples

STAND_S: Final = 3.0
"""How long one has to stand still [s]: enough for a mean within a hundredth of the bounds below."""
GRAVITY_MPS2: Final = 9.80665
"""Standard gravity [m/s²], ISO 80000-3."""
GRAVITY_TOLERANCE: Final = 0.06
"""Share by which the mean specific force may differ from gravity: zero-g level (40 mg) and sensitivity (2 %) of a
consumer part (LSM6DS3TR-C datasheet, table 3), together."""
QUIET_ACCEL_MPS2: Final = 0.4
"""Standard deviation of the specific force's size of somebody who stands [m/s²]: ten times the noise of a consumer
part at 400 Hz (design choice)."""
QUIET_GYRO_RADS: Final = 0.15
"""Standard deviation of the angular rate's size of somebody who stands [rad/s] (design choice)."""
BIAS_GYRO_RADS: Final = np.deg2rad(10.0)
"""Mean angular rate at rest [rad/s]: three times the typical zero-rate level of a consumer part (LSM6DS3TR-C
datasheet, table 3)."""
SAMPLES_MIN: Final = 20
"""Fewer samples tell nothing."""


class StandStill:
    """Gather samples of a runner who stands, then say whether the pods may be trusted.

    Parameters
    ----------
    feet
        Feet that should have a pod.
    from_s
        Session time from which samples count [s].

    Examples
    --------
    >>> check = StandStill([Foot.LEFT], 0.0)
    >>> flat = np.zeros((6, 800), np.int16)
    >>> flat[2] = 1961
    >>> check.take(PodSamples(Foot.LEFT, np.arange(800) / 200, flat))
    >>> check.ready
    True
    >>> check.findings({Foot.LEFT: PodInfo(Foot.LEFT, 0.005, 0.001)})
    ()
    """

    def __init__(self, feet: Sequence[Foot], from_s: float) -> None:
        self._from_s = from_s
        self._pieces: dict[Foot, list[PodSamples]] = {foot: [] for foot in feet}

    def take(self, samples: PodSamples) -> None:
        """Take samples of one pod."""
        pieces = self._pieces.get(samples.foot)
        if pieces is None:
            return
        window = (samples.time_s >= self._from_s) & (samples.time_s < self._from_s + STAND_S)
        if window.any():
            part = np.flatnonzero(window)
            pieces.append(samples[int(part[0]) : int(part[-1]) + 1])

    @property
    def ready(self) -> bool:
        """Whether every pod has shown the whole time."""
        return all(self._span_s(foot) > 0.9 * STAND_S for foot in self._pieces)

    def findings(self, infos: Mapping[Foot, PodInfo]) -> tuple[str, ...]:
        """Say what is wrong, one sentence a pod; nothing if all is well."""
        found = []
        for foot, pieces in self._pieces.items():
            info = infos.get(foot)
            if info is None or sum(len(piece) for piece in pieces) < SAMPLES_MIN:
                found.append(f"Nothing comes from the {foot.label} pod.")
                continue
            accel = np.concatenate([piece.accel_mps2(info) for piece in pieces], axis=1)
            gyro = np.concatenate([piece.gyro_rads(info) for piece in pieces], axis=1)
            sentence = _finding(accel, gyro)
            if sentence:
                found.append(f"The {foot.label} pod {sentence}")
        return tuple(found)

    def _span_s(self, foot: Foot) -> float:
        pieces = [piece for piece in self._pieces[foot] if len(piece)]
        return float(pieces[-1].time_s[-1] - pieces[0].time_s[0]) if pieces else 0.0


def _finding(accel_mps2: FloatArray, gyro_rads: FloatArray) -> str:
    force = np.linalg.norm(accel_mps2, axis=0)
    if force.std() > QUIET_ACCEL_MPS2 or np.linalg.norm(gyro_rads.std(axis=1)) > QUIET_GYRO_RADS:
        return "moved: its rest could not be checked."
    if abs(float(force.mean()) / GRAVITY_MPS2 - 1) > GRAVITY_TOLERANCE:
        return (
            f"measures {force.mean():.1f} m/s² at rest instead of {GRAVITY_MPS2:.1f}: its scale is wrong or its sensor "
            "damaged; angles and loads will be wrong."
        )
    bias = float(np.linalg.norm(gyro_rads.mean(axis=1)))
    if bias > BIAS_GYRO_RADS:
        return f"turns by {np.rad2deg(bias):.0f} °/s at rest: lay it down for a moment and switch it off and on."
    return ""
