"""The soreness questionnaire: pain, since when, and the red flags that end all training advice."""

from __future__ import annotations

from typing import Final

from soleus.rules.history import RedFlag

RED_FLAG_QUESTIONS: Final[dict[RedFlag, str]] = {
    "breathless": "Are you short of breath, or does your chest hurt?",
    "swelling": "Is one calf swollen, warm, red or dark, or does a vein on it feel hard and sore?",
    "pop": "Did you feel or hear a sudden pop, or as if you were kicked in the calf?",
    "cannot-tiptoe": "Are you unable to stand on tiptoe on the sore leg?",
    "numbness": "Is the foot or calf numb or weak, or does it have pins and needles?",
    "rest-pain": "Is the pain severe, or there at rest or at night?",
    "fever": "Do you have a fever?",
    "bursting": "Does the calf feel tight as if bursting on each run, and ease when you rest?",
}
"""One question a red flag, in the order of asking: what cannot wait comes first."""
PAIN_QUESTION: Final = "How sore is your calf now, from 0 (not at all) to 10 (worst)?"
DAYS_QUESTION: Final = "For how many days has it been sore?"
FOOT_QUESTION: Final = "Which side: left, right or both?"
