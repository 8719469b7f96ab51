"""
A runner of your own
====================

The simulator makes a run with exact truth: here cadence stays and speed rises, and the modelled calf load is compared.
"""

# %%
import matplotlib.pyplot as plt
import numpy as np

import soleus
from soleus.simulate import Bout, Scenario, simulate

speeds_mps = (2.6, 3.0, 3.4, 3.8)
scenario = Scenario(name="ladder", bouts=tuple(Bout(kind="run", speed_mps=v, duration_s=40) for v in speeds_mps))
session = simulate(scenario, seed=1)
result = soleus.analyze(session.recording)
result.steps.num_rows

# %%
# Impulse a step falls with speed while peak and dose rise: faster steps are fewer and shorter, but harder.
table = result.steps
speed = table["speed_mps"].to_numpy()
figure, axes = plt.subplots(1, 3, figsize=(9, 3))
for axis, name, label in zip(
    axes,
    ("achilles_peak_bw", "achilles_impulse_bws", "calf_dose"),
    ("peak [bw]", "impulse [bw s]", "dose [bw^6 s]"),
    strict=True,
):
    values = table[name].to_numpy()
    axis.plot(speeds_mps, [np.nanmedian(values[np.abs(speed - v) < 0.1]) for v in speeds_mps], "o-", color="#0072b2")
    axis.set(xlabel="speed [m/s]", title=label)
figure.tight_layout()
