"""What changed within the run: the last minutes against minutes 3-8 at the same speed, and since when."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from soleus.model import FloatArray, Foot
from soleus.report.course import Course
from soleus.report.normal import MIN_REFERENCE_BINS, Reference, at_reference_speed, matched, steady
from soleus.report.quantities import Quantity

END_BINS: Final = 30
"""Ten-second medians that stand for the end of the run: five minutes, as many as the reference has."""
ASYMMETRY_LIMIT: Final = 0.03
"""Growth of the contact-time asymmetry within a run that is worth a word (design choice, as in the rules)."""
ONSET_TIME_CONSTANTS_S: Final = (10.0, 60.0, 180.0, 400.0, 900.0)
"""Times within which a change may set in [s]: from a step to a slow drift."""
ONSET_EXPLAINED: Final = 0.5
"""Share of the variance that a change must explain before its beginning is told (design choice)."""
MIN_ONSET_BINS: Final = 24
"""Ten-second medians that are needed to look for a beginning: four minutes."""


@dataclass(frozen=True, slots=True)
class Change:
    """What became of one quantity of one foot.

    Attributes
    ----------
    quantity, foot
        What, and of which foot.
    before, after
        Median of minutes 3-8, and of the last five minutes at the same speed, in the column's unit.
    notable
        Whether the difference is worth a word.
    since_s
        Session time at which it begins [s]; ``None`` if that cannot be told.
    """

    quantity: Quantity
    foot: Foot
    before: float
    after: float
    notable: bool
    since_s: float | None

    @property
    def difference(self) -> float:
        """After minus before, in the column's unit."""
        return self.after - self.before

    @property
    def share(self) -> float:
        """Difference as a share of before."""
        return self.difference / self.before if self.before else float("nan")


@dataclass(frozen=True, slots=True)
class Drift:
    """How contact time of the feet moved apart.

    Attributes
    ----------
    before, after
        Asymmetry (left - right) / mean in minutes 3-8 and in the last five minutes.
    foot
        The foot that stays longer on the ground than it did, against the other.
    difference_s
        Growth of left minus right [s], without sign.
    since_s
        Session time at which it begins [s]; ``None`` if that cannot be told.
    """

    before: float
    after: float
    foot: Foot
    difference_s: float
    since_s: float | None

    @property
    def growth(self) -> float:
        """Change of the asymmetry, without sign."""
        return abs(self.after - self.before)

    @property
    def notable(self) -> bool:
        """Whether it is worth a word."""
        return self.growth >= ASYMMETRY_LIMIT


def end_rows(course: Course, reference: Reference) -> npt.NDArray[np.intp] | None:
    """Give the positions of the bins that stand for the end of the run; ``None`` if there are not enough of them."""
    bins = course.bins
    if bins is None:
        return None
    speed, grade = bins.rows["speed"][:, 0], bins.rows["grade"][:, 0]
    near = steady(course) & matched(speed, grade, reference.speed_mps, reference.grade)
    last = int(np.flatnonzero(reference.rows)[-1])
    later = np.flatnonzero(near)
    later = later[later > last][-END_BINS:]
    return later if later.size >= MIN_REFERENCE_BINS else None


def changes(course: Course, quantity: Quantity, reference: Reference | None) -> tuple[Change, ...]:
    """Compare the end of the run with its reference, for each foot that has both."""
    bins = course.bins
    end = None if reference is None else end_rows(course, reference)
    if bins is None or reference is None or end is None:
        return ()
    speed = bins.rows["speed"][:, 0]
    moved = at_reference_speed(quantity.signal, bins.rows[quantity.signal], speed, reference)
    known: dict[Foot, tuple[float, float]] = {}
    for foot in Foot:
        before, after = _enough_median(moved[reference.rows, foot]), _enough_median(moved[end, foot])
        if not np.isnan(before + after):
            known[foot] = (before, after)
    notable = {foot for foot, (before, after) in known.items() if quantity.beyond(before, after - before)}
    apart = moved[:, Foot.LEFT] - moved[:, Foot.RIGHT]
    # What both feet do together is taken out where one foot changes alone: its beginning is seen better.
    values = {foot: apart if len(notable) == 1 and len(known) == len(Foot) else moved[:, foot] for foot in notable}
    return tuple(
        Change(
            quantity, foot, *pair, foot in notable, onset(course, values[foot], reference) if foot in notable else None
        )
        for foot, pair in known.items()
    )


def drift(course: Course, reference: Reference | None) -> Drift | None:
    """Compare the contact-time asymmetry at the end of the run with that of its reference."""
    bins = course.bins
    end = None if reference is None else end_rows(course, reference)
    if bins is None or reference is None or end is None:
        return None
    contact_s = bins.rows["contact_time"]
    apart_s, mean_s = contact_s[:, 0] - contact_s[:, 1], (contact_s[:, 0] + contact_s[:, 1]) / 2.0
    before, after = (_enough_median((apart_s / mean_s)[rows]) for rows in (reference.rows, end))
    grown_s = _enough_median(apart_s[end]) - _enough_median(apart_s[reference.rows])
    if np.isnan(before + after):
        return None
    foot = Foot.LEFT if after > before else Foot.RIGHT
    since = onset(course, apart_s, reference) if abs(after - before) >= ASYMMETRY_LIMIT else None
    return Drift(before, after, foot, abs(grown_s), since)


def onset(course: Course, values: FloatArray, reference: Reference) -> float | None:
    """Find when a change set in [s]: least squares over beginnings and speeds of a rise that levels off.

    ``reference + size·(1 - exp(-(t - beginning) / constant))`` from the beginning on; told only if it explains half
    of the squared departures of the ten-second medians from the reference. What was run for the reference counts as
    normal, so a beginning is looked for after it only.
    """
    bins = course.bins
    if bins is None:
        return None
    speed, grade = bins.rows["speed"][:, 0], bins.rows["grade"][:, 0]
    kept = steady(course) & matched(speed, grade, reference.speed_mps, reference.grade) & np.isfinite(values)
    within = np.flatnonzero(reference.rows)
    kept &= np.arange(kept.size) >= int(within[0])
    if int(kept.sum()) < MIN_ONSET_BINS:
        return None
    time_s, value = bins.end_s[kept], values[kept]
    if time_s.size > MAX_ONSET_BINS:
        thin = np.linspace(0, time_s.size - 1, MAX_ONSET_BINS).astype(np.intp)
        time_s, value = time_s[thin], value[thin]
    normal_until_s = float(bins.end_s[within[-1]])
    begin_s = time_s[:-1][time_s[:-1] >= normal_until_s]
    if not begin_s.size:
        return None
    passed_s = np.maximum(time_s[None, :] - begin_s[:, None], 0.0)
    constants = np.array(ONSET_TIME_CONSTANTS_S)
    shape = -np.expm1(-passed_s[None, :, :] / constants[:, None, None])
    risen = value - float(np.median(values[reference.rows & np.isfinite(values)]))
    power = (shape**2).sum(axis=-1)
    explained = (shape @ risen) ** 2 / np.maximum(power, _TINY)
    best = np.unravel_index(int(np.argmax(explained)), explained.shape)
    if float(explained[best]) < ONSET_EXPLAINED * float((risen**2).sum()):
        return None
    return float(begin_s[best[1]])


MAX_ONSET_BINS: Final = 240
"""Ten-second medians looked at for a beginning; longer runs are thinned out."""
_TINY: Final = 1e-12


def _enough_median(values: FloatArray) -> float:
    known = values[np.isfinite(values)]
    return float(np.median(known)) if known.size >= MIN_REFERENCE_BINS // 2 else float("nan")
