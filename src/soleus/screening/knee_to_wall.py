"""The knee-to-wall test from a pod on the shank: how far the shank leans over the standing foot.

The angle's smallest detectable change is 4.7°, or 1.9 cm of distance (Powden 2015, doi:10.1016/j.math.2015.01.004).
"""

from __future__ import annotations

from typing import Final, Literal

import msgspec

from soleus.gait.grid import GRID_HZ
from soleus.screening.errors import ScreeningError
from soleus.screening.pod_motion import UPRIGHT_S, PodMotion, angle_deg, runs_of

HOLD_S: Final = 2.5
"""Length of a hold that counts [s]: the three seconds of the protocol, without reaching and leaving."""
MIN_LEAN_DEG: Final = 10.0
"""Lean below which a still stretch is standing, not a hold [°] (design choice)."""
HEEL_LIFT_DEG: Final = 2.0
"""Change of the foot's pitch from which the heel was lifted [°] (design choice)."""


class KneeToWallResult(msgspec.Struct, frozen=True, kw_only=True):
    """Result of one ankle.

    Attributes
    ----------
    foot
        The ankle tested.
    angle_deg
        Largest lean of the shank held with the heel down [°]; ``None`` if the heel was lifted in every hold.
    holds_deg
        Lean of each hold [°].
    heel_lift_deg
        Change of the foot's pitch in each hold [°]; ``None`` without a pod on the foot.
    """

    foot: Literal["left", "right"]
    angle_deg: float | None
    holds_deg: tuple[float, ...]
    heel_lift_deg: tuple[float, ...] | None


def measure_knee_to_wall(
    foot: Literal["left", "right"], shank: PodMotion, heel: PodMotion | None = None
) -> KneeToWallResult:
    """Measure the lean of the shank in the holds of a knee-to-wall test.

    Parameters
    ----------
    foot
        The ankle tested.
    shank
        The pod on the shank, in any mounting; the recording begins with upright standing.
    heel
        A second pod on the foot of the same leg, which tells whether the heel was lifted.

    Raises
    ------
    ScreeningError
        If there is no upright standing first, or no hold.
    """
    upright = shank.upright()
    up = shank.direction(upright)
    later = [(a, b) for a, b in runs_of(shank.still) if a >= upright.stop and b - a >= UPRIGHT_S * GRID_HZ]
    leans = [(a, b, angle_deg(up, shank.direction(slice(a, b)))) for a, b in later]
    holds = [(a, b, lean) for a, b, lean in leans if lean >= MIN_LEAN_DEG and b - a >= HOLD_S * GRID_HZ]
    if not holds:
        raise ScreeningError(
            f"no hold of {HOLD_S:g} s with a lean of {MIN_LEAN_DEG:g}° or more after standing upright; hold the knee "
            "at the wall for three seconds"
        )
    lifts = None if heel is None else tuple(_lift_deg(shank, heel, upright, slice(a, b)) for a, b, _ in holds)
    good = [lean for i, (_, _, lean) in enumerate(holds) if lifts is None or lifts[i] < HEEL_LIFT_DEG]
    return KneeToWallResult(
        foot=foot,
        angle_deg=max(good, default=None),
        holds_deg=tuple(lean for _, _, lean in holds),
        heel_lift_deg=lifts,
    )


def _lift_deg(shank: PodMotion, heel: PodMotion, upright: slice, hold: slice) -> float:
    """Give how far the foot tilted between standing and a hold, by the second pod at the same times [°]."""
    parts = [heel.between(shank.time_s[part.start], shank.time_s[part.stop - 1]) for part in (upright, hold)]
    if any(part.stop - part.start < UPRIGHT_S * GRID_HZ / 2 for part in parts):
        raise ScreeningError("the pod on the foot did not record while the knee was held; record both together")
    return angle_deg(heel.direction(parts[0]), heel.direction(parts[1]))
