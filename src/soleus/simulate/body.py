"""What happens above the foot in each contact: forces, oscillation, overstride, Achilles load. The exact truth.

Every law has a closed form, so the truth is exact for *this* runner. The constants are the simulator's own: on
purpose they are not those of the estimators, and they say nothing about real people.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from scipy.special import beta as beta_function
from scipy.special import betainc

from soleus.model import FloatArray, Runner
from soleus.simulate.foot import FootMotion
from soleus.simulate.imu import GRAVITY_MPS2
from soleus.simulate.scenario import Gait

HEEL_BEHIND_BALL_M: Final = 0.121
"""Heel marker behind the ball of the foot, over height: about 0.21 m for 1.75 m."""
COP_OVER_HEIGHT: Final = 0.098
"""Force-weighted centre of pressure ahead of the heel, over height, unless the scenario names it."""
FORCE_CENTRE: Final = 0.472
"""Force-weighted mean time over contact time: real forces lean to the front."""
FLAT_SHARE: Final = 0.42
"""The foot is flat at this share of the contact."""
OVERSTRIDE_SD_M: Final = 0.004
"""Variation of the overstride that nothing else explains [m]."""
TENDON_ARM_OVER_HEIGHT: Final = 0.0294
"""Moment arm of the Achilles tendon over height."""
ANKLE_HEIGHT_OVER_HEIGHT: Final = 0.050
"""Ankle over ground, over height."""
FOOT_OVER_HEIGHT: Final = 0.150
"""Foot length over height."""
ARM_STRIKE_DEG: Final = (-9.0, 1.0, 13.0)
"""Strike angles at which the arms below hold [°]."""
ARM_EARLY: Final = (0.36, 0.17, -0.10)
"""Centre of pressure ahead of the ankle at contact, over foot length."""
ARM_LATE: Final = (0.42, 0.41, 0.385)
"""Same from a third of contact on."""
ARM_SETTLES_AT: Final = 0.33
"""Share of the contact after which the arm no longer changes."""
DOSE_EXPONENT: Final = 6.0
"""Tendon damage grows with force to this power: the unit of the calf dose fixes it."""
GRID: Final = 241
"""Points on which a contact is integrated."""
ROLL_GRID: Final = 61
"""Points at which the roll in a contact is looked at."""


@dataclass(frozen=True, slots=True)
class ForceShape:
    """Vertical force over the contact, proportional to sin^p.

    Attributes
    ----------
    exponent
        p.
    """

    exponent: float

    @property
    def mean(self) -> float:
        """Mean of sin^p over the contact."""
        return float(beta_function(0.5 * (self.exponent + 1.0), 0.5) / np.pi)

    def peak_force_bw(self, step_s: FloatArray, contact_s: FloatArray) -> FloatArray:
        """Peak force [body weights] that carries the body over the step."""
        return step_s / contact_s / self.mean

    def oscillation_m(self, step_s: FloatArray, contact_s: FloatArray) -> FloatArray:
        """Rise and fall of the centre of mass over a step [m]: from mid-contact to the top of the flight.

        Examples
        --------
        >>> sine = ForceShape(1.0).oscillation_m(np.array([0.36]), np.array([0.24]))
        >>> bool(np.isclose(sine[0], 9.80665 * 0.36**2 * (0.125 - (0.25 - 1 / (2 * np.pi)) * 0.24 / 0.36)))
        True
        """
        tau = np.linspace(0.5, 1.0, GRID)
        # Integral of sin^p from mid-contact on, by the incomplete beta function; then once more by Simpson.
        half = 0.5 * self.mean
        share = betainc(0.5, 0.5 * (self.exponent + 1.0), np.clip(np.cos(np.pi * tau) ** 2, 0.0, 1.0))
        weights = np.ones(GRID)
        weights[1:-1:2], weights[2:-1:2] = 4.0, 2.0
        twice = float(np.sum(weights * half * share) * (tau[1] - tau[0]) / 3.0) / self.mean
        flight = step_s - contact_s
        return np.asarray(GRAVITY_MPS2 * (step_s * contact_s * twice - contact_s**2 / 8.0 + flight**2 / 8.0))


def overstride_m(
    motion: FootMotion, gait: Gait, runner: Runner, contact_s: FloatArray, generator: np.random.Generator
) -> FloatArray:
    """Heel ahead of the pelvis at contact: v·κ·tc − c − Δ, Δ the way of the heel over the ground until it is flat [m].

    This is the angular-momentum identity of steady running: the pelvis is over the force-weighted centre of pressure.
    It is kept as it is on slopes and while speeding up, where real bodies lean.
    """
    contacts = motion.contacts
    height = runner.height_m if runner.height_m is not None else 1.75
    flat_s = contacts.ic_s + FLAT_SHARE * contacts.stance_s
    moved = _heel_along(motion, flat_s, height) - _heel_along(motion, contacts.ic_s, height)
    moved = moved + motion.belt * contacts.speed_mps * (flat_s - contacts.ic_s)
    ahead = gait.centre_of_pressure_m if gait.centre_of_pressure_m is not None else COP_OVER_HEIGHT * height
    chance = OVERSTRIDE_SD_M * generator.standard_normal(len(contacts))
    return np.asarray(contacts.speed_mps * FORCE_CENTRE * contact_s - ahead - moved + chance)


def _heel_along(motion: FootMotion, time_s: FloatArray, height_m: float) -> FloatArray:
    """Place of the heel along the way up the slope, at one time in each contact [m]."""
    value = motion.at(time_s)
    slope, heading = np.arctan(motion.contacts.grade), motion.contacts.heading_rad
    level = value[4] * np.cos(heading) + value[5] * np.sin(heading)
    ball = level * np.cos(slope) + value[6] * np.sin(slope)
    return np.asarray(ball - HEEL_BEHIND_BALL_M * height_m * np.cos(value[0] - slope) * np.cos(value[2]))


@dataclass(frozen=True, slots=True)
class CalfLoad:
    """Achilles load of each contact: (n,) peak [bw], impulse [bw·s], dose [bw^6·s]."""

    peak_bw: FloatArray
    impulse_bws: FloatArray
    dose: FloatArray


def calf_load(
    shape: ForceShape,
    runner: Runner,
    strike_deg: FloatArray,
    grade: FloatArray,
    step_s: FloatArray,
    contact_s: FloatArray,
) -> CalfLoad:
    """Achilles force as vertical force times the arm of the centre of pressure over that of the tendon."""
    height = runner.height_m if runner.height_m is not None else 1.75
    tau = np.linspace(0.0, 1.0, GRID)
    slope = np.arctan(grade)[:, None]
    force = shape.peak_force_bw(step_s, contact_s)[:, None] * np.cos(slope) * np.sin(np.pi * tau) ** shape.exponent
    foot = FOOT_OVER_HEIGHT * height
    early = foot * np.interp(strike_deg, ARM_STRIKE_DEG, ARM_EARLY)[:, None]
    late = foot * np.interp(strike_deg, ARM_STRIKE_DEG, ARM_LATE)[:, None]
    arm = late - (late - early) * np.clip(1.0 - tau / ARM_SETTLES_AT, 0.0, None)
    moment = np.maximum(force * (arm + ANKLE_HEIGHT_OVER_HEIGHT * height * np.tan(slope)), 0.0)
    tendon = moment / (TENDON_ARM_OVER_HEIGHT * height)
    peak = tendon.max(axis=1)
    return CalfLoad(
        peak,
        np.asarray(np.trapezoid(tendon, tau, axis=1) * contact_s),
        np.asarray(np.trapezoid(tendon**DOSE_EXPONENT, tau, axis=1) * contact_s),
    )


def eversion_deg(motion: FootMotion) -> FloatArray:
    """Roll from initial contact to its everted extreme in contact, eversion positive [°]."""
    contacts = motion.contacts
    share = np.linspace(0.0, 1.0, ROLL_GRID)
    roll = motion.side * motion.at((contacts.ic_s[:, None] + share * contacts.stance_s[:, None]).ravel())[1]
    roll = roll.reshape(-1, ROLL_GRID)
    return np.asarray(np.degrees(roll.max(axis=1) - roll[:, 0]))
