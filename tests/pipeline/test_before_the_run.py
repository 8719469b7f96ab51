"""What the rules say before the first step reaches the result of a recording."""

import numpy as np

import soleus
from soleus.model import Foot, PodInfo, PodSamples, PodTrack, Recording, Steps
from soleus.rules import HistorySummary, RuleEngine


def test_warnings_before_the_first_step_are_kept():
    history = HistorySummary(red_flags=("swelling",))
    told = RuleEngine(history=history).push(Steps.empty())
    assert len(told)
    still = PodSamples(Foot.LEFT, np.arange(400) / 200, np.zeros((6, 400), np.int16))
    recording = Recording((PodTrack(PodInfo(Foot.LEFT, 0.005, 0.001), still),))
    said = soleus.analyze(recording, history=history).warning_rows
    assert said["rule"][: len(told)].tolist() == told["rule"].tolist()
