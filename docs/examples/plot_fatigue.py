"""
One foot tires
==============

Twenty minutes at a steady pace; from minute eight the left foot stays longer on the ground.
"""

# %%
# A recording is read, and analysed with what is known of the runner; the session folder has that itself.
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

import soleus

root = next(folder for folder in [Path.cwd(), *Path.cwd().parents] if (folder / "sample_data").is_dir())
result = soleus.analyze(soleus.read(root / "sample_data" / "one_sided_fatigue"))
result.steps.num_rows

# %%
# The rules say what changed.
for row in result.warnings.to_pylist():
    print(f"{row['time_s'] / 60:4.1f} min  {row['severity']:8} {row['message']}")

# %%
# And this is what they saw: the median of each half minute.
figure, axis = plt.subplots(figsize=(8, 3.5))
table = result.steps
for foot, colour in (("left", "#0072b2"), ("right", "#d55e00")):
    mine = np.array([name == foot for name in table["foot"].to_pylist()])
    minutes = table["initial_contact_s"].to_numpy()[mine] / 60
    contact_ms = table["contact_time_s"].to_numpy()[mine] * 1000
    half_minute = (minutes * 2).astype(int)
    middle = [np.nanmedian(contact_ms[half_minute == k]) for k in np.unique(half_minute)]
    axis.plot(np.unique(half_minute) / 2, middle, color=colour, label=foot)
axis.set(xlabel="minutes", ylabel="contact time [ms]")
axis.legend(frameon=False)
figure.tight_layout()
