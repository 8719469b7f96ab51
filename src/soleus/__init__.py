"""Soleus: running gait and calf load from two foot pods.

Examples
--------
>>> import soleus
>>> soleus.Runner(height_m=1.75).leg_m
0.9275
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from soleus.batch import Result, analyze
    from soleus.gait import GaitAnalyzer
    from soleus.model import Belt, Foot, PodInfo, PodSamples, Recording, Runner, Steps
    from soleus.pipeline import Pipeline
    from soleus.recording import open_recording, read

_HOMES: Final = {
    "Belt": "model",
    "Foot": "model",
    "GaitAnalyzer": "gait",
    "Pipeline": "pipeline",
    "PodInfo": "model",
    "PodSamples": "model",
    "Recording": "model",
    "Result": "batch",
    "Runner": "model",
    "Steps": "model",
    "analyze": "batch",
    "open_recording": "recording",
    "read": "recording",
}

__all__ = [
    "Belt",
    "Foot",
    "GaitAnalyzer",
    "Pipeline",
    "PodInfo",
    "PodSamples",
    "Recording",
    "Result",
    "Runner",
    "Steps",
    "analyze",
    "open_recording",
    "read",
]


def __getattr__(name: str) -> Any:  # noqa: ANN401  (the module's own members, loaded on first use)
    if name not in _HOMES:
        raise AttributeError(f"module 'soleus' has no attribute '{name}'")
    return getattr(importlib.import_module(f"soleus.{_HOMES[name]}"), name)
