"""Screening tests: calf raises, knee to wall, and the soreness questionnaire. None of them is a diagnosis."""

from soleus.screening.calf_raise import CalfRaiseResult, Knee, Repetition, count_calf_raises, heel_pitch_deg
from soleus.screening.errors import ScreeningError
from soleus.screening.knee_to_wall import KneeToWallResult, measure_knee_to_wall
from soleus.screening.pod_motion import MotionGatherer, PodMotion, put_on_grid
from soleus.screening.questions import RED_FLAG_QUESTIONS
from soleus.screening.verdict import Finding, Verdict, judge
from soleus.screening.watch import CalfRaiseWatch

__all__ = [
    "RED_FLAG_QUESTIONS",
    "CalfRaiseResult",
    "CalfRaiseWatch",
    "Finding",
    "Knee",
    "KneeToWallResult",
    "MotionGatherer",
    "PodMotion",
    "Repetition",
    "ScreeningError",
    "Verdict",
    "count_calf_raises",
    "heel_pitch_deg",
    "judge",
    "measure_knee_to_wall",
    "put_on_grid",
]
