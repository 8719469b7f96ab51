"""The run that ``soleus demo`` shows: who runs, what happens when, and the air between."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from soleus.model import HeartRate
    from soleus.simulate import Scenario, Simulated

SEED: Final = 20
DURATION_S: Final = 480.0
"""Eight minutes [s]."""
FATIGUE_S: Final = 130.0
"""When the left calf begins to tire [s]."""
PAIN_S: Final = 442.0
PAIN: Final = 4.0
"""What the virtual runner says of the calf then, and when [s]."""
RESTING_BPM: Final = 85.0
RUNNING_BPM: Final = 152.0
HEART_TIME_CONSTANT_S: Final = 45.0
"""Course of the virtual heart rate; plausible values, of no importance."""


def scenario() -> Scenario:
    """Describe eight minutes on a treadmill; the left calf tires early: longer contact, heel further ahead.

    Examples
    --------
    >>> scenario().duration_s == DURATION_S
    True
    """
    from soleus.model import Runner
    from soleus.simulate import Bout, Scenario
    from soleus.simulate.scenario import BeltReadings, Fatigue, Gait, Pod, Sensor

    bouts = (
        Bout(kind="stand", duration_s=12.0),
        Bout(kind="walk", speed_mps=1.5, duration_s=18.0, ramp_s=3.0),
        Bout(kind="run", speed_mps=2.8, duration_s=40.0, ramp_s=6.0),
        Bout(kind="run", speed_mps=3.2, duration_s=380.0, ramp_s=4.0),
        Bout(kind="walk", speed_mps=1.4, duration_s=30.0, ramp_s=6.0),
    )
    return Scenario(
        name="demo",
        description="Eight minutes on a treadmill; from minute 2 the left calf tires.",
        bouts=bouts,
        runner=Runner(name="virtual runner", mass_kg=66.0, height_m=1.74),
        gait=Gait(cadence_spm=170.0, contact_time_s=0.240, strike_angle_deg=9.0),
        fatigue=Fatigue(start_s=FATIGUE_S, time_constant_s=40.0, contact_left=0.16, cadence=-0.05, strike_left_deg=6.0),
        sensor=Sensor(rate_hz=200.0),
        belt=BeltReadings(),
        left=Pod(lace_deg=90.0, tilt_deg=17.0),
        right=Pod(lace_deg=90.0, tilt_deg=13.0),
    )


def simulated() -> Simulated:
    """Simulate it."""
    from soleus.simulate import simulate

    return simulate(scenario(), SEED)


def heart_rate() -> HeartRate:
    """Make up a heart rate that follows the effort."""
    import numpy as np

    from soleus.model import HeartRate

    time_s = np.arange(0.0, DURATION_S)
    effort = 1.0 - np.exp(-np.maximum(time_s - 30.0, 0.0) / HEART_TIME_CONSTANT_S)
    return HeartRate(time_s, np.round(RESTING_BPM + (RUNNING_BPM - RESTING_BPM) * effort + 0.01 * time_s))
