"""Running dynamics out of other makers' FIT files, each in the unit its maker writes, and none guessed.

The FIT profile has fields of its own for them (Garmin's straps, pods and watches fill those; cadence counts strides).
Stryd and RunScribe write developer fields beside them. What is read, by maker:

============================  ===============================  ======================================================
field                         unit told by the file            trap
============================  ===============================  ======================================================
``cadence`` (profile)         rpm                              strides a minute: two steps each; some write steps
``stance_time`` (profile)     ms                               0 where the strap did not see it
``Cadence`` (Stryd)           RPM                              strides a minute
``Ground Time`` (Stryd)       Milliseconds
``Vertical Oscillation``      Centimeters                      the profile's own field is in millimetres
``... Balance`` (Stryd)       %                                0 throughout with a single pod
``RS_ContactTime_L, _R``      ms                               RunScribe; each foot apart
============================  ===============================  ======================================================

A median that no runner can have in the unit the file tells is left out with a sentence; it is never scaled to fit.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, Final

import msgspec
import numpy as np
import numpy.typing as npt

from soleus.history.fit_messages import FitMessages, Series, SeriesName

MIN_RECORDS: Final = 30
"""Records with a value that a median needs: half a minute (design choice)."""

Known = Annotated[float, msgspec.Meta(ge=0)]


class Dynamics(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Running dynamics of a session as another maker's device measured them: medians over its records.

    They are shown and kept, and no rule looks at them: a device on the chest or of another maker has a bias of its
    own, and would be taken for a change of the runner.

    Attributes
    ----------
    cadence_spm
        Steps a minute.
    contact_time_s, contact_time_left_s, contact_time_right_s
        Ground contact [s], of both feet and of each.
    duty_factor
        Contact over stride time.
    contact_left_share
        The left foot's share of both feet's contact times; 0.5 is even.
    vertical_oscillation_m, vertical_ratio, step_length_m
        As named.
    leg_stiffness_kn_per_m
        Leg spring stiffness.
    sources
        Field of the file by value.
    left_out
        What was in the file and could not be used, one sentence each.
    """

    cadence_spm: Known | None = None
    contact_time_s: Known | None = None
    contact_time_left_s: Known | None = None
    contact_time_right_s: Known | None = None
    duty_factor: Known | None = None
    contact_left_share: Known | None = None
    vertical_oscillation_m: Known | None = None
    vertical_ratio: Known | None = None
    step_length_m: Known | None = None
    leg_stiffness_kn_per_m: Known | None = None
    sources: dict[str, str] = {}
    left_out: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Layout:
    """A field that is known: whose, what it is, and the factor to our unit by the unit that the file tells."""

    field: str
    maker: str
    quantity: str
    factors: Mapping[str, float]
    developer: bool = True


_MS: Final = {"ms": 1e-3, "milliseconds": 1e-3, "millisecond": 1e-3}
_LENGTH: Final = {"mm": 1e-3, "millimeters": 1e-3, "cm": 1e-2, "centimeters": 1e-2, "centimetres": 1e-2}
_SHARE: Final = {"%": 1e-2, "percent": 1e-2}
_STRIDES: Final = {"rpm": 2.0, "strides/min": 2.0, "strides/minute": 2.0, "spm": 1.0, "steps/min": 1.0}
_STIFFNESS: Final = {"kn/m": 1.0}

LAYOUTS: Final = (
    _Layout("cadence", "the profile", "cadence_spm", {"rpm": 2.0, "strides/min": 2.0}, developer=False),
    _Layout("stance_time", "the profile", "contact_time_s", _MS, developer=False),
    _Layout("stance_time_percent", "the profile", "duty_factor", _SHARE, developer=False),
    _Layout("stance_time_balance", "the profile", "contact_left_share", _SHARE, developer=False),
    _Layout("vertical_oscillation", "the profile", "vertical_oscillation_m", {"mm": 1e-3}, developer=False),
    _Layout("vertical_ratio", "the profile", "vertical_ratio", _SHARE, developer=False),
    _Layout("step_length", "the profile", "step_length_m", {"mm": 1e-3}, developer=False),
    _Layout("Cadence", "Stryd", "cadence_spm", _STRIDES),
    _Layout("Ground Time", "Stryd", "contact_time_s", _MS),
    _Layout("Ground Time Balance", "Stryd", "contact_left_share", _SHARE),
    _Layout("Vertical Oscillation", "Stryd", "vertical_oscillation_m", _LENGTH),
    _Layout("Leg Spring Stiffness", "Stryd", "leg_stiffness_kn_per_m", _STIFFNESS),
    _Layout("RS_ContactTime_L", "RunScribe", "contact_time_left_s", _MS),
    _Layout("RS_ContactTime_R", "RunScribe", "contact_time_right_s", _MS),
    _Layout("contact_time_left", "Soleus", "contact_time_left_s", _MS),
    _Layout("contact_time_right", "Soleus", "contact_time_right_s", _MS),
)
"""Fields in order of preference: the profile's own come first, as other programs have it."""
FRACTION: Final = SeriesName("fractional_cadence", developer=False, unit="rpm")
WANTED: Final = frozenset({*(layout.field for layout in LAYOUTS), FRACTION.field})
"""Names of the fields of records that are read."""

PLAUSIBLE: Final[Mapping[str, tuple[float, float]]] = {
    "cadence_spm": (90.0, 260.0),
    "contact_time_s": (0.08, 0.60),
    "contact_time_left_s": (0.08, 0.60),
    "contact_time_right_s": (0.08, 0.60),
    "duty_factor": (0.10, 0.70),
    "contact_left_share": (0.35, 0.65),
    "vertical_oscillation_m": (0.015, 0.20),
    "vertical_ratio": (0.015, 0.25),
    "step_length_m": (0.20, 2.60),
    "leg_stiffness_kn_per_m": (2.0, 60.0),
}
"""Medians of a run between which a unit is believed: from a sprinter to a slow jogger, with room (design choice)."""
WORDS: Final[Mapping[str, tuple[str, str]]] = {
    "cadence_spm": ("cadence", "steps/min"),
    "contact_time_s": ("contact time", "s"),
    "contact_time_left_s": ("contact time left", "s"),
    "contact_time_right_s": ("contact time right", "s"),
    "duty_factor": ("contact", "of the stride"),
    "contact_left_share": ("contact balance", "on the left"),
    "vertical_oscillation_m": ("vertical oscillation", "m"),
    "vertical_ratio": ("vertical oscillation", "of the step length"),
    "step_length_m": ("step length", "m"),
    "leg_stiffness_kn_per_m": ("leg stiffness", "kN/m"),
}
"""Name and unit of each value, for people."""
MAX_STEPS_PER_S: Final = PLAUSIBLE["cadence_spm"][1] / 60.0
"""Fastest stepping believed of a whole run [1/s]."""


def read_dynamics(messages: FitMessages, start_s: float, end_s: float) -> Dynamics | None:
    """Read the running dynamics of a session.

    Parameters
    ----------
    messages
        Of the file.
    start_s, end_s
        The session [s since 1970].

    Returns
    -------
    Dynamics or None
        ``None`` if the file has no field of that kind.
    """
    found: dict[str, float] = {}
    sources: dict[str, str] = {}
    left_out: list[str] = []
    seen = False
    for layout in LAYOUTS:
        for name, series in _of(layout, messages):
            values = _within(series, start_s, end_s)
            if layout.quantity == "cadence_spm" and not layout.developer:
                values = values + _fractions(messages, series, start_s, end_s)
            # Devices write 0 for what they did not see.
            values = values[np.isfinite(values) & (values != 0.0)]
            if values.size == 0 or layout.quantity in found:
                continue
            seen = True
            told = f"'{name.field}' of {layout.maker}"
            value, reason = _judge(layout, name.unit, values)
            if value is None:
                left_out.append(f"{told} {reason}")
            else:
                found[layout.quantity], sources[layout.quantity] = value, told
    return Dynamics(**found, sources=sources, left_out=tuple(left_out)) if seen else None


def _of(layout: _Layout, messages: FitMessages) -> Iterator[tuple[SeriesName, Series]]:
    for name, series in messages.series.items():
        if name.field == layout.field and name.developer == layout.developer:
            yield name, series


def _within(series: Series, start_s: float, end_s: float) -> npt.NDArray[np.float64]:
    time_s, values = np.array(series.time_s), np.array(series.value)
    return values[(time_s >= start_s) & (time_s <= end_s)]


def _fractions(messages: FitMessages, whole: Series, start_s: float, end_s: float) -> npt.NDArray[np.float64]:
    """Give the fractions that belong to whole cadences, 0 where a record has none."""
    time_s = np.array(whole.time_s)
    time_s = time_s[(time_s >= start_s) & (time_s <= end_s)]
    series = messages.series.get(FRACTION)
    if series is None:
        return np.zeros(time_s.size)
    at_s, parts = np.unique(np.array(series.time_s), return_index=True)
    i = np.clip(np.searchsorted(at_s, time_s), 0, at_s.size - 1)
    return np.where(at_s[i] == time_s, np.array(series.value)[parts[i]], 0.0)


def _judge(layout: _Layout, unit: str, values: npt.NDArray[np.float64]) -> tuple[float | None, str]:
    """Give the median in our unit, or ``None`` and why not."""
    factor = layout.factors.get(unit.strip().lower())
    if factor is None:
        told = f"the unit '{unit[:40]}'" if unit.strip() else "no unit"
        return None, f"was left out: it has {told}, known is {', '.join(layout.factors)}"
    if values.size < MIN_RECORDS:
        return None, f"was left out: only {values.size} records have it, a median needs {MIN_RECORDS}"
    median = float(np.median(values))
    low, high = PLAUSIBLE[layout.quantity]
    ours = WORDS[layout.quantity][1]
    value = median * factor
    if low <= value <= high:
        return value, ""
    hint = ""
    if layout.quantity == "cadence_spm" and low <= median <= high and value > high:
        hint = "; the file seems to count steps where strides are meant"
    return None, (
        f"was left out: its median of {median:.4g} {unit} would be {value:.4g} {ours}, which no runner "
        f"has ({low:g} to {high:g}); its unit must be wrong{hint}"
    )
