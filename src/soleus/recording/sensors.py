"""Physical values to int16 counts, with a check that the unit can be right."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from soleus.model import INT16_MAX, CountArray
from soleus.recording.files import RecordingError
from soleus.recording.sensor_survey import SensorSurvey

STANDARD_GRAVITY_MPS2: Final = 9.80665
"""[m/s²], CGPM 1901."""
RADIANS_PER_DEGREE: Final = float(np.pi / 180)

MAX_ACCEL_MPS2: Final = 4000.0
"""No accelerometer worn on a foot reads more [m/s²]: ±400 g parts are the largest."""
MAX_GYRO_RADS: Final = 100.0
"""No gyroscope worn on a foot reads more [rad/s]: ±4000 °/s (70 rad/s) parts are the largest."""
MAX_IMPOSSIBLE_SHARE: Final = 0.001
"""Share of impossible samples above which the unit must be wrong; fewer are glitches and dropped."""
QUIET_PERCENTILE: Final = 10.0
"""Percentile of the specific force that is near gravity, whatever the foot does [%]."""
QUIET_ACCEL_MPS2: Final = (4.0, 40.0)
"""Range of that percentile [m/s²]: real feet standing, walking and running to 4.5 m/s gave 7.6-22.9; a unit mistaken
between g and m/s² moves it by 9.8."""
MOVING_ACCEL_MPS2: Final = 2.5 * STANDARD_GRAVITY_MPS2
"""Where one sample in a hundred exceeds this, the foot walks or runs [m/s²]."""
MIN_MOVING_GYRO_RADS: Final = 1.5
"""A moving foot turns at least this fast in one sample of a hundred [rad/s]; real ones gave 5.1-17.4."""
RANGE_MARGIN: Final = 1.02
"""Readings up to this multiple of the stated full scale are offset calibration, beyond it the statement is wrong."""
HEADROOM: Final = 0.95
"""Share of int16 given to the largest reading where the full scale is unknown, so that it does not count as clipped."""
PLATEAU_SAMPLES: Final = 20
"""Equal largest readings that make a full scale."""

Values = npt.NDArray[Any]


class UnitError(RecordingError):
    """A sensor whose values cannot be in the unit that they are said to be in."""


@dataclass(frozen=True, slots=True)
class SensorKind:
    """What a sensor's units are, which other unit a wrong one could be, and the least full scale that is made."""

    name: str
    field: str
    si_unit: str
    to_si: dict[str, float]
    shown_unit: str
    shown_per_si: float
    limit_si: float
    least_range_si: float


ACCEL: Final = SensorKind(
    name="accelerometer",
    field="accel",
    si_unit="m/s2",
    to_si={"m/s2": 1.0, "g": STANDARD_GRAVITY_MPS2},
    shown_unit="g",
    shown_per_si=1 / STANDARD_GRAVITY_MPS2,
    limit_si=MAX_ACCEL_MPS2,
    least_range_si=1.9 * STANDARD_GRAVITY_MPS2,
)
GYRO: Final = SensorKind(
    name="gyroscope",
    field="gyro",
    si_unit="rad/s",
    to_si={"rad/s": 1.0, "deg/s": RADIANS_PER_DEGREE},
    shown_unit="°/s",
    shown_per_si=1 / RADIANS_PER_DEGREE,
    limit_si=MAX_GYRO_RADS,
    least_range_si=240 * RADIANS_PER_DEGREE,
)


@dataclass(frozen=True, slots=True)
class Scaling:
    """How a sensor's values become counts: value of a count and full scale in SI units, and what to tell.

    ``per_unit`` is how many counts make the file's unit; ``None`` where the file holds counts.
    """

    lsb: float
    full_scale: float | None
    notes: tuple[str, ...]
    per_unit: np.float64 | None

    def counts(self, values: Values) -> CountArray:
        """(3, n) int16 counts of (3, n) values."""
        return (values if self.per_unit is None else np.rint(values * self.per_unit)).astype(np.int16)


def impossible(values: Values, unit: str, lsb: float | None, kind: SensorKind) -> npt.NDArray[np.bool_]:
    """Mark samples that no such sensor can have read.

    Parameters
    ----------
    values
        (3, n) in ``unit``.
    unit, lsb
        Unit; for 'counts' what one is worth [SI].
    kind
        The sensor.

    Returns
    -------
    ndarray
        (n,) bool.
    """
    limit = kind.limit_si / (lsb if lsb is not None else kind.to_si.get(unit, 1.0))
    return np.asarray((np.abs(values.astype(np.float32, copy=False)) > limit).any(axis=0))


def check_impossible(path: Path, n_bad: int, n: int, unit: str, kind: SensorKind) -> None:
    """Refuse a sensor whose values are beyond all sensors too often for a glitch.

    Raises
    ------
    UnitError
        If the share exceeds 0.1 %; names the unit that would fit.
    """
    if n_bad <= MAX_IMPOSSIBLE_SHARE * n:
        return
    other = {"rad/s": "deg/s", "m/s2": "counts", "g": "m/s2' or 'counts"}.get(unit, "")
    mend = f"is the unit '{other}'? Set {kind.field}.unit in the profile" if other else "check its unit and scale"
    raise UnitError(
        f"{path}: {n_bad} of {n} {kind.name} readings exceed {kind.limit_si * kind.shown_per_si:.0f} "
        f"{kind.shown_unit}, more than any sensor reads, if they are in {unit}; {mend}"
    )


def check_motion(path: Path, foot: str, accel_si: Values, gyro_si: Values, units: tuple[str, str]) -> None:
    """Check that both sensors read what a foot does.

    Parameters
    ----------
    path, foot
        For the message.
    accel_si, gyro_si
        (3, n) [m/s²], [rad/s]; a thinned-out part will do.
    units
        The units they were said to be in.

    Raises
    ------
    RecordingError
        If a sensor reads nothing.
    UnitError
        If a unit must be wrong; the message names the one that fits.
    """
    accel, gyro = _magnitude(accel_si), _magnitude(gyro_si)
    if not accel.any():
        raise RecordingError(f"{path}: the {foot} accelerometer reads nothing but zero; was it switched on?")
    if not gyro.any():
        raise RecordingError(f"{path}: the {foot} gyroscope reads nothing but zero; record accelerometer and gyroscope")
    quiet = float(np.percentile(accel, QUIET_PERCENTILE))
    low, high = QUIET_ACCEL_MPS2
    if not low <= quiet <= high:
        said = ACCEL.to_si.get(units[0], 0.0)
        fitting = [u for u, to_si in ACCEL.to_si.items() if said and low <= quiet / said * to_si <= high]
        mend = (
            f"they look like {fitting[0]}: set accel.unit = '{fitting[0]}' in the profile"
            if fitting
            else "check the accelerometer's columns, unit and scale"
        )
        raise UnitError(
            f"{path}: the {foot} accelerometer would read {quiet:.3g} m/s² at quiet moments (in {units[0]}), where "
            f"gravity alone makes 9.8; {mend}"
        )
    moving = float(np.percentile(accel, 99)) > MOVING_ACCEL_MPS2
    fastest = float(np.percentile(gyro, 99))
    if moving and fastest < MIN_MOVING_GYRO_RADS:
        mend = (
            "they look like rad/s: set gyro.unit = 'rad/s' in the profile" if units[1] == "deg/s" else "check its scale"
        )
        raise UnitError(
            f"{path}: the {foot} foot hits the ground but turns at no more than {fastest:.2g} rad/s "
            f"(gyroscope in {units[1]}); {mend}"
        )


def scaling_of(seen: SensorSurvey, unit: str, kind: SensorKind, range_si: float | None) -> Scaling:
    """Find how physical values become int16 counts.

    Parameters
    ----------
    seen
        The readings, finite, in ``unit``.
    unit
        A key of ``kind.to_si``.
    kind
        The sensor.
    range_si
        Full scale stated by the profile [SI], if any.

    Returns
    -------
    Scaling
        With the scale from the full scale, or from the largest reading where that is unknown.

    Examples
    --------
    >>> seen, values = SensorSurvey(), np.array([[1.0], [0.0], [-2.0]], np.float32)
    >>> seen.add(values)
    >>> scaling = scaling_of(seen, "g", ACCEL, 16 * 9.80665)
    >>> scaling.counts(values)[:, 0] * scaling.lsb
    array([  9.8,   0. , -19.6])
    """
    to_si = kind.to_si[unit]
    largest = seen.largest * to_si
    notes: list[str] = []
    full_scale = range_si
    if full_scale is not None and largest > RANGE_MARGIN * full_scale:
        notes.append(
            f"{kind.name}: readings up to {largest * kind.shown_per_si:.4g} {kind.shown_unit} exceed the profile's "
            "range; it was ignored"
        )
        full_scale = None
    if full_scale is None:
        full_scale = _flat_top(seen, to_si, kind)
        notes.extend(_flat_top_note(full_scale, kind))
    lsb = largest / (HEADROOM * INT16_MAX) if full_scale is None else max(largest, full_scale) / INT16_MAX
    lsb = lsb or kind.limit_si / INT16_MAX
    return Scaling(lsb, full_scale, tuple(notes), np.float64(to_si / lsb))


def scaling_of_counts(path: Path, seen: SensorSurvey, lsb: float, kind: SensorKind, range_si: float | None) -> Scaling:
    """Take counts as they are.

    Raises
    ------
    RecordingError
        If they are no integers or beyond 16 bit.
    """
    if seen.fractions:
        raise RecordingError(f"{path}: the {kind.name} has fractions, counts have none; check {kind.field}.unit")
    if seen.high > INT16_MAX or seen.low < -INT16_MAX - 1:
        raise RecordingError(f"{path}: the {kind.name} exceeds 16 bit; give its physical values instead of counts")
    if range_si is not None:
        return Scaling(lsb, range_si, (), None)
    full_scale = _flat_top(seen, lsb, kind)
    return Scaling(lsb, full_scale, tuple(_flat_top_note(full_scale, kind)), None)


def _flat_top(seen: SensorSurvey, to_si: float, kind: SensorKind) -> float | None:
    """Find the full scale [SI] by an extreme that one channel reads again and again; None if there is none."""
    tops = [
        abs(extreme) * to_si
        for channel in seen.channels
        for extreme, reached in channel.extremes()
        if abs(extreme) * to_si >= kind.least_range_si and reached >= PLATEAU_SAMPLES
    ]
    return min(tops, default=None)


def _flat_top_note(full_scale: float | None, kind: SensorKind) -> list[str]:
    if full_scale is None:
        return []
    shown = f"{full_scale * kind.shown_per_si:.4g} {kind.shown_unit}"
    return [f"{kind.name}: readings stay at {shown} again and again, which is taken for its full scale"]


def _magnitude(values: Values) -> Values:
    return np.asarray(np.sqrt(np.square(values.astype(np.float64)).sum(axis=0)))
