"""What happened during a run beside samples and readings, as far as it changes what comes of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from soleus.model.samples import Foot


@dataclass(frozen=True, slots=True)
class Silence:
    """A pod was declared silent: the other foot's steps waited for it no longer.

    Attributes
    ----------
    foot
        Its foot.
    until_s
        Session time [s] before which no sample of it counts any more.
    after_samples
        Samples of this foot that had been taken before.
    """

    foot: Foot
    until_s: float
    after_samples: int


@dataclass(frozen=True, slots=True)
class PainTold:
    """The runner told how much the calf hurts.

    Attributes
    ----------
    time_s
        Session time [s].
    rating
        0 to 10.
    after_steps
        Steps that had been found before.
    """

    time_s: float
    rating: float
    after_steps: int


Happening: TypeAlias = Silence | PainTold
