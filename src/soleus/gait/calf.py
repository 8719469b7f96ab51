"""Modelled load on the Achilles tendon and the calf.

The ankle's plantar-flexion moment is body weight times a lever: how far the centre of pressure runs ahead of the
ankle. The lever is a linear model of the foot's pose at contact, toe-out, speed and mid-stance roll, fitted against
inverse dynamics on an instrumented treadmill (Fukuchi 2017, doi:10.7717/peerj.3298). Tendon force is moment over the
tendon's moment arm. Runners differ for reasons that a foot does not show: rank a runner against himself.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from soleus.gait.mounting import GRAVITY_MPS2
from soleus.model import FloatArray

ARM_M: Final = 0.050
"""Achilles moment arm [m] of an adult of 1.75 m; Maganaris 2004 (doi:10.1002/ca.20044) gives 4-6 cm. Modelled."""
ARM_HEIGHT_M: Final = 1.75
ANKLE_HEIGHT_M: Final = 0.09
"""Ankle joint above the ground [m] at 1.75 m height; Winter 2009, fig. 4.1."""
DOSE_EXPONENT: Final = 6
"""Tendon damage grows with about the sixth power of force (4-9 published); Edwards 2018
(doi:10.1249/JES.0000000000000163)."""
HALF_SINE_SIXTH: Final = 5 / 16
"""Mean of the sixth power of a half sine."""


def moment_arm_m(height_m: float | None) -> float:
    """Achilles moment arm [m], in proportion to height where that is known.

    Examples
    --------
    >>> round(moment_arm_m(1.80), 4)
    0.0514
    """
    return ARM_M if height_m is None else ARM_M * height_m / ARM_HEIGHT_M


def graded_moment(level: FloatArray, scale: FloatArray, grade: FloatArray) -> FloatArray:
    """Add what a slope does to a moment (or its impulse): uphill the centre of pressure moves ahead of the ankle.

    ``scale`` (n,) is the force [N/kg] (or impulse [N·s/kg]) that acts on the lever. Only the sign is checked against
    published data (Rice 2024, doi:10.1016/j.jshs.2023.10.003).
    """
    return level + scale * ANKLE_HEIGHT_M * np.where(np.isfinite(grade), grade, 0.0)


def tendon_force_bw(moment_nm_per_kg: FloatArray, height_m: float | None) -> FloatArray:
    """Achilles force [bw] (or impulse [bw·s]) of an ankle moment [N·m/kg] (or impulse [N·m·s/kg]).

    Examples
    --------
    >>> tendon_force_bw(np.array([2.4]), 1.75).round(2)
    array([4.89])
    """
    force: FloatArray = moment_nm_per_kg / (GRAVITY_MPS2 * moment_arm_m(height_m))
    return force


def dose_bw6s(peak_bw: FloatArray, impulse_bws: FloatArray) -> FloatArray:
    """Force to the sixth power over the contact [bw⁶·s], the force being a half sine of this peak and impulse.

    Examples
    --------
    >>> dose_bw6s(np.array([5.0]), np.array([0.6])).round(0)
    array([920.])
    """
    duration_s = impulse_bws * np.pi / (2 * peak_bw)
    dose: FloatArray = HALF_SINE_SIXTH * peak_bw**DOSE_EXPONENT * duration_s
    return dose
