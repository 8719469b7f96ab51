"""A synthetic runner with exact truth: a scenario and a seed in, a recording and the truth of every contact out.

Its laws and constants differ on purpose from those of the estimators: to pass it proves that the code is right, and
no more. How accurate an estimator is on people, only people can tell.
"""

from soleus.simulate.foot import FootMotion
from soleus.simulate.scenario import (
    BeltReadings,
    Bout,
    Fatigue,
    Gait,
    Pod,
    Scenario,
    ScenarioError,
    Sensor,
    read_scenario,
    ready_scenarios,
)
from soleus.simulate.session import Simulated, simulate, without_noise

__all__ = [
    "BeltReadings",
    "Bout",
    "Fatigue",
    "FootMotion",
    "Gait",
    "Pod",
    "Scenario",
    "ScenarioError",
    "Sensor",
    "Simulated",
    "read_scenario",
    "ready_scenarios",
    "simulate",
    "without_noise",
]
