"""Pods from which nothing comes any more: when they are waited for no longer."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import numpy as np

from soleus.live.analysis import LiveAnalysis
from soleus.live.devices import Pods
from soleus.model import Foot

SILENT_S: Final = 15.0
"""A pod from which nothing came for this long [s] is waited for no longer: twice the time from a lost link to the
last sample fetched after it."""
SILENT_MARGIN_S: Final = 0.1
"""… up to this long before the other foot's newest sample [s]: what comes again by chance at once still counts."""
JOIN_S: Final = 1.0
"""A pod that joins late counts from this long after the newest sample [s]: the other foot's steps up to there are
out."""


class Attendance:
    """Which pods take part in the analysis, and which of them keep the other foot's steps waiting.

    Parameters
    ----------
    pods, analysis
        Of the run.
    tell
        Takes a sentence for the runner.
    """

    def __init__(self, pods: Pods, analysis: LiveAnalysis, tell: Callable[[str], None]) -> None:
        self._pods = pods
        self._analysis = analysis
        self._tell = tell
        self._since_s: dict[Foot, float] = {}
        self._silent: set[Foot] = set()

    def admit(self, now_s: float, newest_s: float) -> None:
        """Let every pod that is ready take part.

        Parameters
        ----------
        now_s
            Session time [s].
        newest_s
            Session time of the newest sample of any pod [s].
        """
        infos = self._pods.infos
        if not self._analysis.begun and infos:
            self._analysis.begin(infos, now_s)
            self._since_s = dict.fromkeys(infos, now_s)
        for foot in infos.keys() - self._analysis.pods.keys():
            self._tell(f"The {foot.label} pod joined late; its steps count from here on.")
            self._analysis.add_pod(infos[foot], max(newest_s, 0.0) + JOIN_S, now_s)
            self._since_s[foot] = now_s

    def look_after(self, now_s: float) -> None:
        """Wait no longer for a pod from which nothing has come for long, while the other one sends."""
        for foot in self._analysis.pods if len(self._analysis.pods) > 1 else ():
            newest_s = self._pods[foot].last_sample_s
            other_s = self._pods[foot.other].last_sample_s
            since_s = max(self._since_s[foot], -np.inf if newest_s is None else newest_s)
            if other_s is None or now_s - since_s < SILENT_S or (newest_s is not None and other_s <= newest_s):
                self._silent.discard(foot)
                continue
            if foot not in self._silent:
                self._silent.add(foot)
                self._tell(f"Nothing comes from the {foot.label} pod; the run goes on with the other foot.")
            self._analysis.declare_silent(foot, other_s - SILENT_MARGIN_S, now_s)
