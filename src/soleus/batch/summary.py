"""What a person or a program wants to know of an analysed recording at a glance."""

from __future__ import annotations

import dataclasses
from typing import Any, Final, Literal

import msgspec
import numpy as np
import numpy.typing as npt

from soleus.batch.session import Result
from soleus.model import SEVERITIES, SPEED_SOURCES, STEP_COLUMNS, Flag, FloatArray, Foot, Steps

PAUSE_S: Final = 2.0
"""Contacts further apart [s] do not belong together: twice the stride time of a slow walk."""
MIN_VALUES: Final = 3
"""A median of fewer values says nothing of a foot."""
PERCENT: Final = 100.0
DISCLAIMER: Final = (
    "Forces, oscillation, overstride and calf loads are modelled, not measured. "
    "This is no medical device and no diagnosis."
)

METRICS: Final = (
    "cadence_spm",
    "contact_time_s",
    "flight_time_s",
    "stride_time_s",
    "duty_factor",
    "speed_mps",
    "stride_length_m",
    "foot_strike_angle_deg",
    "pronation_excursion_deg",
    "vertical_oscillation_m",
    "vertical_ratio",
    "overstride_m",
    "peak_force_bw",
    "leg_stiffness_kn_per_m",
    "achilles_peak_bw",
    "achilles_impulse_bws",
    "calf_dose",
)
"""Columns of which medians are given."""
SIGNED_METRICS: Final = ("foot_strike_angle_deg", "pronation_excursion_deg", "overstride_m")
"""Quantities that pass through zero: their asymmetry is a difference, as a ratio would have no bound."""


class FootSummary(msgspec.Struct, frozen=True, kw_only=True):
    """What became of one pod's samples.

    Attributes
    ----------
    samples, steps
        Samples in the recording, and steps found.
    lost
        Samples missing by the time stamps; ``bridged`` of them lay in holes short enough to be interpolated.
    bad_time, unusable_rate
        Samples dropped for a duplicate, reversed or missing stamp, and for a rate that cannot be used.
    clipped
        Accelerometer samples at full scale.
    saturated
        Gyroscope samples at full scale; ``repaired`` of them were bridged by a cubic.
    breaks
        Holes that ended a stretch.
    rejected_swings
        Swings of the foot that looked like no stride.
    """

    samples: int
    steps: int
    lost: int
    bridged: int
    bad_time: int
    unusable_rate: int
    clipped: int
    saturated: int
    repaired: int
    breaks: int
    rejected_swings: int


class MetricSummary(msgspec.Struct, frozen=True, kw_only=True):
    """Medians of one quantity.

    Attributes
    ----------
    name, unit
        Column of the Steps table and its unit.
    left, right, both
        Medians; ``None`` for fewer than three values.
    asymmetry
        Left minus right: in percent of their mean (Robinson 1987, doi:10.1016/S0161-4754(87)80002-9), or as a
        difference in the column's unit for quantities that pass through zero.
    asymmetry_unit
        ``%`` or the column's unit.
    """

    name: str
    unit: str
    left: float | None
    right: float | None
    both: float | None
    asymmetry: float | None
    asymmetry_unit: str


class WarningSummary(msgspec.Struct, frozen=True, kw_only=True):
    """One warning, as in the Warnings table."""

    time_s: float
    rule: str
    severity: str
    message: str
    foot: str | None
    evidence: dict[str, Any]
    reference: str


class Summary(msgspec.Struct, frozen=True, kw_only=True):
    """A recording at a glance.

    Attributes
    ----------
    duration_s
        From the first sample to the last.
    steps, running_steps, walking_steps
        Ground contacts found.
    running_s, walking_s
        Time between contacts of each kind; pauses of more than 2 s belong to neither.
    medians_of
        The gait that the medians describe: running unless all was walking.
    speed_sources
        Steps by where their speed comes from; ``none`` where there is none.
    foot_strikes
        Running steps by foot strike, of each foot.
    """

    source: str
    notes: tuple[str, ...]
    duration_s: float
    steps: int
    running_steps: int
    walking_steps: int
    running_s: float
    walking_s: float
    feet: dict[str, FootSummary]
    flags: dict[str, int]
    mean_quality: float | None
    speed_sources: dict[str, int]
    medians_of: Literal["running", "walking"]
    metrics: tuple[MetricSummary, ...]
    foot_strikes: dict[str, dict[str, int]]
    warnings: tuple[WarningSummary, ...]
    disclaimer: str = DISCLAIMER

    def quality_counts(self) -> dict[str, int | float]:
        """Give the counts of dropped, repaired and flagged samples and steps by name, as ``session.json`` has them."""
        counts: dict[str, int | float] = {
            f"{foot}.{name}": value
            for foot, summary in self.feet.items()
            for name, value in msgspec.structs.asdict(summary).items()
        }
        return counts | {f"flag.{name}": count for name, count in self.flags.items()}


def summarize(result: Result, source: str = "") -> Summary:
    """Put a result together at a glance.

    Parameters
    ----------
    result
        What :func:`soleus.batch.analyze` gave.
    source
        Where the recording came from.

    Examples
    --------
    >>> from soleus.batch import analyze
    >>> from soleus.simulate import Bout, Scenario, simulate
    >>> run = Scenario(name="short", bouts=(Bout(kind="run", speed_mps=3.0, duration_s=20),))
    >>> summary = summarize(analyze(simulate(run).recording))
    >>> summary.medians_of, summary.walking_steps
    ('running', 0)
    """
    steps = result.step_rows
    walking = (steps["flags"] & Flag.WALKING) != 0
    running_s, walking_s = _time_in_gait(steps, walking)
    all_walk = bool(len(steps)) and bool(walking.all())
    measured = steps if all_walk else steps.select(~walking)
    strikes = steps.select(~walking)
    quality = steps["quality"][np.isfinite(steps["quality"])]
    return Summary(
        source=source,
        notes=result.notes,
        duration_s=result.span_s[1] - result.span_s[0],
        steps=len(steps),
        running_steps=int((~walking).sum()),
        walking_steps=int(walking.sum()),
        running_s=running_s,
        walking_s=walking_s,
        feet={foot.label: _foot(result, foot) for foot in sorted(result.counts)},
        flags=_flags(steps),
        mean_quality=float(quality.mean()) if quality.size else None,
        speed_sources=_words(steps["speed_source"], SPEED_SOURCES),
        medians_of="walking" if all_walk else "running",
        metrics=tuple(_metric(measured, name) for name in METRICS),
        foot_strikes={
            foot.label: _words(
                strikes["foot_strike"][strikes["foot"] == foot], ("rearfoot", "midfoot", "forefoot"), missing="unknown"
            )
            for foot in sorted(result.counts)
        },
        warnings=_warnings(result),
    )


def _time_in_gait(steps: Steps, walking: npt.NDArray[np.bool_]) -> tuple[float, float]:
    """Add up running and walking time [s]: each contact counts until the next, if that follows soon."""
    if not len(steps):
        return 0.0, 0.0
    until_next = np.append(np.diff(steps["initial_contact_s"]), np.nan)
    last = ~(until_next <= PAUSE_S)
    own = np.where(np.isfinite(steps["contact_time_s"]), steps["contact_time_s"], 0.0)
    spent = np.where(last, own, until_next)
    return float(spent[~walking].sum()), float(spent[walking].sum())


def _foot(result: Result, foot: Foot) -> FootSummary:
    counts = result.counts[foot]
    facts = dataclasses.asdict(counts.samples)
    facts.pop("received")
    return FootSummary(
        samples=result.samples[foot],
        steps=int((result.step_rows["foot"] == foot).sum()),
        lost=facts.pop("missing"),
        rejected_swings=counts.rejected_swings,
        **facts,
    )


def _flags(steps: Steps) -> dict[str, int]:
    counts = {flag.names: int(((steps["flags"] & flag) != 0).sum()) for flag in Flag}
    return {name: count for name, count in counts.items() if count}


def _words(codes: npt.NDArray[np.int8], words: tuple[str, ...], missing: str = "none") -> dict[str, int]:
    counts = {word: int((codes == code).sum()) for code, word in enumerate(words)}
    counts[missing] = int((codes < 0).sum())
    return {word: count for word, count in counts.items() if count}


def _metric(steps: Steps, name: str) -> MetricSummary:
    unit = next(column.unit for column in STEP_COLUMNS if column.name == name)
    values = steps[name]
    left, right = (_median(values[steps["foot"] == foot]) for foot in Foot)
    signed = name in SIGNED_METRICS
    asymmetry = None
    if left is not None and right is not None:
        if signed:
            asymmetry = left - right
        elif left + right > 0:
            asymmetry = PERCENT * (left - right) / ((left + right) / 2)
    return MetricSummary(
        name=name,
        unit=unit,
        left=left,
        right=right,
        both=_median(values),
        asymmetry=asymmetry,
        asymmetry_unit=unit if signed else "%",
    )


def _median(values: FloatArray) -> float | None:
    finite = values[np.isfinite(values)]
    return float(np.median(finite)) if finite.size >= MIN_VALUES else None


def _warnings(result: Result) -> tuple[WarningSummary, ...]:
    rows = result.warning_rows
    return tuple(
        WarningSummary(
            time_s=float(rows["time_s"][i]),
            rule=rows["rule"][i],
            severity=SEVERITIES[rows["severity"][i]],
            message=rows["message"][i],
            foot=None if rows["foot"][i] < 0 else Foot(rows["foot"][i]).label,
            evidence=msgspec.json.decode(rows["evidence"][i] or "{}"),
            reference=rows["reference"][i],
        )
        for i in range(len(rows))
    )
