"""The nouns of Soleus: samples, pods, belt, runner, recording, steps, warnings. Imports nothing of ours."""

from soleus.model.flags import Flag
from soleus.model.happenings import Happening, PainTold, Silence
from soleus.model.runner import Runner
from soleus.model.samples import (
    COUNT_CHANNELS,
    INT16_MAX,
    Belt,
    CountArray,
    FloatArray,
    Foot,
    HeartRate,
    PodInfo,
    PodSamples,
    PodTrack,
    Recording,
)
from soleus.model.steps import MISSING_CODE, STEP_DTYPES, Steps
from soleus.model.tables import (
    FEET,
    FOOT_STRIKES,
    SCHEMA_VERSION,
    SEVERITIES,
    SPEED_SOURCES,
    STEP_COLUMNS,
    STEPS_SCHEMA,
    WARNING_COLUMNS,
    WARNINGS_SCHEMA,
    Column,
)
from soleus.model.warnings import WARNING_DTYPES, Warnings

__all__ = [
    "COUNT_CHANNELS",
    "FEET",
    "FOOT_STRIKES",
    "INT16_MAX",
    "MISSING_CODE",
    "SCHEMA_VERSION",
    "SEVERITIES",
    "SPEED_SOURCES",
    "STEPS_SCHEMA",
    "STEP_COLUMNS",
    "STEP_DTYPES",
    "WARNINGS_SCHEMA",
    "WARNING_COLUMNS",
    "WARNING_DTYPES",
    "Belt",
    "Column",
    "CountArray",
    "Flag",
    "FloatArray",
    "Foot",
    "Happening",
    "HeartRate",
    "PainTold",
    "PodInfo",
    "PodSamples",
    "PodTrack",
    "Recording",
    "Runner",
    "Silence",
    "Steps",
    "Warnings",
]
