"""How late and how wrong a treadmill's speed is, against the speed that the steps themselves tell.

A treadmill reports the speed it was told to run at: before the belt has reached it, and whatever the belt then does.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from soleus.model import Belt, FloatArray

LAG_MIN_S: Final = -5.0
LAG_MAX_S: Final = 10.0
"""Lags looked at [s]: a display can lead the belt by its time to speed up, and follow by some records."""
LAG_STEP_S: Final = 0.05
STEPS_MIN: Final = 20
"""Fewer steps tell nothing."""
SPEED_CHANGE_MIN_MPS: Final = 0.15
"""Belt speed must vary by this standard deviation for a lag to show [m/s]: twice the scatter of a step's speed."""
DOUBT: Final = 1.2
"""Lags whose mean squared error is up to this many times the least are not told apart [1]: the errors of steps that
follow each other are alike, so that some 40 steps count as ten."""
SCALE_TOLERANCE: Final = 0.04
"""A belt further off than this [1] is told: three times the error of stride length without belt (1.2 %)."""
SCATTER_TOLERANCE_MPS: Final = 0.35
"""Steps that scatter more than this about the belt's speed [m/s] are not steps on that belt."""


@dataclass(frozen=True, slots=True)
class BeltAgreement:
    """What belt and steps say of each other.

    Attributes
    ----------
    steps
        Steps compared.
    lag_s, lag_range_s
        By how much the readings come late [s], and between which lags one cannot tell; ``None`` if the speed did not
        change enough.
    scale
        Speed of the steps over that of the belt.
    scatter_mps
        Root mean square of what remains [m/s].
    plausible
        Whether belt and steps belong together.
    sentence
        The same for people.
    """

    steps: int
    lag_s: float | None = None
    lag_range_s: tuple[float, float] | None = None
    scale: float | None = None
    scatter_mps: float | None = None
    plausible: bool = True
    sentence: str = "Too few steps to compare the belt with."


def compare_belt(belt: Belt, step_time_s: FloatArray, step_speed_mps: FloatArray) -> BeltAgreement:
    """Estimate lag and scale of a belt's readings from the speed of steps that was found without it.

    Parameters
    ----------
    belt
        Readings by their time of arrival.
    step_time_s
        (n,) time of each step [s].
    step_speed_mps
        (n,) speed from the step's trajectory [m/s]; NaN where there is none.

    Examples
    --------
    >>> belt = Belt(np.array([0.0, 31.5]), np.array([3.0, 4.0]), np.zeros(2))
    >>> time = np.arange(1.0, 60.0, 0.7)
    >>> found = compare_belt(belt, time, np.where(time < 30, 2.85, 3.8))
    >>> round(found.scale, 3), abs(found.lag_s - 1.5) < 0.4, found.plausible
    (0.95, True, False)
    >>> found.sentence
    'The belt runs 5.0 % slower than the treadmill says. Its readings come 1.5 s late.'
    """
    known = np.isfinite(step_speed_mps) & np.isfinite(step_time_s)
    time_s, speed = step_time_s[known], step_speed_mps[known]
    lags = np.arange(LAG_MIN_S, LAG_MAX_S + LAG_STEP_S / 2, LAG_STEP_S)
    told = belt.at((time_s[None, :] + lags[:, None]).ravel())[0].reshape(lags.size, -1)
    # The same steps for every lag: those for which all lags find a reading of a running belt.
    used = (np.isfinite(told) & (told > 0)).all(axis=0)
    told, speed = told[:, used], speed[used]
    if speed.size < STEPS_MIN:
        return BeltAgreement(int(speed.size))
    scale = (told * speed).sum(axis=1) / (told**2).sum(axis=1)
    error = ((speed - scale[:, None] * told) ** 2).mean(axis=1)
    best, at_zero = int(error.argmin()), int(np.abs(lags).argmin())
    alike = lags[error <= DOUBT * error[best] + np.finfo(np.float64).eps]
    shows = float(told[at_zero].std()) >= SPEED_CHANGE_MIN_MPS
    lag_s = float((alike[0] + alike[-1]) / 2) if shows else None
    row = int(np.abs(lags - lag_s).argmin()) if lag_s is not None else at_zero
    scatter = float(np.sqrt(error[row]))
    plausible = abs(float(scale[row]) - 1) <= SCALE_TOLERANCE and scatter <= SCATTER_TOLERANCE_MPS
    return BeltAgreement(
        int(speed.size),
        lag_s,
        (float(alike[0]), float(alike[-1])) if shows else None,
        float(scale[row]),
        scatter,
        plausible,
        _sentence(float(scale[row]), scatter, lag_s),
    )


def _sentence(scale: float, scatter: float, lag_s: float | None) -> str:
    late = "" if lag_s is None else f" Its readings come {abs(lag_s):.1f} s {'late' if lag_s >= 0 else 'early'}."
    if scatter > SCATTER_TOLERANCE_MPS:
        return f"The steps scatter by {scatter:.2f} m/s about the belt's speed: is it the treadmill being run on?{late}"
    if abs(scale - 1) > SCALE_TOLERANCE:
        how = "slower" if scale < 1 else "faster"
        return f"The belt runs {abs(scale - 1) * 100:.1f} % {how} than the treadmill says.{late}"
    return f"Belt and steps agree within {abs(scale - 1) * 100:.1f} %.{late}"
