"""
Live equals batch
=================

The same recording, cut into pieces of 50 ms as a live run would deliver it, gives the very same rows.
"""

# %%
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

import soleus

root = next(folder for folder in [Path.cwd(), *Path.cwd().parents] if (folder / "sample_data").is_dir())
recording = soleus.read(root / "sample_data" / "steady_rearfoot")
pipeline = soleus.Pipeline([track.info for track in recording.pods], recording.runner)
pipeline.push(belt=recording.belt)

# %%
# Piece by piece, and when each step became final after its toe-off.
rows, delay_s = [], []
end_s = max(track.samples.time_s[-1] for track in recording.pods)
edges_s = np.arange(0, end_s + 0.1, 0.05)
cuts = [np.searchsorted(track.samples.time_s, edges_s) for track in recording.pods]
for i, now_s in enumerate(edges_s[1:]):
    pieces = [track.samples[cut[i] : cut[i + 1]] for track, cut in zip(recording.pods, cuts, strict=True)]
    steps, warnings = pipeline.push(pieces)
    rows.append(steps)
    delay_s.extend(now_s - steps["toe_off_s"])
rows.append(pipeline.finish()[0])

live = soleus.Steps.concat(rows)
batch = soleus.analyze(recording).step_rows
print(len(live), "steps; bit for bit the same:", live == batch)

# %%
# The first steps of a run wait until it is known how the pod sits; all others are final within half a second.
settled = np.array(delay_s)[np.array(delay_s) < 1]
figure, axis = plt.subplots(figsize=(8, 3))
axis.hist(settled * 1000, bins=30, color="#0072b2")
axis.set(xlabel="final after toe-off [ms]", ylabel="steps")
figure.tight_layout()
