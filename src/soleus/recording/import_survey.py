"""The first pass over an imported file: what must be known of all its samples before the first one can be given."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from soleus.model import Foot
from soleus.recording.files import RecordingError
from soleus.recording.packets import Packets
from soleus.recording.profile import AXES
from soleus.recording.raw_table import NO_FOOT, Block, RawTable
from soleus.recording.sensor_survey import SensorSurvey, Thinned
from soleus.recording.sensors import ACCEL, GYRO, SensorKind, check_impossible, impossible
from soleus.recording.stamps import StampSurvey, Ticks, Unwrapper

MISSING: Final = "a missing or infinite value"
PLACEHOLDER: Final = "six zeros (the logger's placeholder)"
FOOTLESS: Final = "no foot"
SENSOR_ROWS: Final = ((ACCEL, slice(0, 3)), (GYRO, slice(3, 6)))
"""Rows of the axes by sensor."""

SPREAD_SAMPLES: Final = 65_536
"""Samples whose stamps are spread at a time."""

Mask = npt.NDArray[np.bool_]
Axes = npt.NDArray[Any]
Lsb = Mapping[str, float | None]
"""What a count of each sensor is worth [SI], where the file holds counts."""


@dataclass(slots=True)
class Dropped:
    """Rows with one fault: how many, and which is the first, from zero."""

    n: int = 0
    first: int = 0

    def add(self, rows: Mask, before: int) -> None:
        """Take the next rows, of which so many came before."""
        n = int(np.count_nonzero(rows))
        if n and not self.n:
            self.first = before + int(np.flatnonzero(rows)[0])
        self.n += n


@dataclass(slots=True)
class FootSurvey:
    """The usable samples of one foot; ``packets`` spreads its ticks where packets share them."""

    sensors: Mapping[str, SensorSurvey]
    stamps: StampSurvey = field(default_factory=StampSurvey)
    thinned: Thinned = field(default_factory=Thinned)
    n: int = 0
    packets: Packets | None = None

    def add(self, ticks: Ticks, axes: Axes) -> None:
        """Take the next (n,) ticks with their (6, n) readings."""
        self.n += ticks.size
        if self.packets is None:
            self.stamps.add(ticks)
        else:
            self.packets.add(ticks)
        for kind, rows in SENSOR_ROWS:
            self.sensors[kind.name].add(axes[rows])
        self.thinned.add(axes)

    def finish(self) -> None:
        """Spread the stamps of packets: that takes all of them."""
        if self.packets is None:
            return
        self.packets.finish()
        for start in range(0, self.n, SPREAD_SAMPLES):
            self.stamps.add(self.packets.ticks(start, start + SPREAD_SAMPLES))


@dataclass(slots=True)
class TableSurvey:
    """What the first pass found.

    Attributes
    ----------
    rows, finite, dropped
        Rows, those of them with finite numbers, and those that are not used.
    reasons
        Dropped rows by fault.
    empty_cells
        Cells of each axis that are no finite number.
    feet
        Each foot's samples; the key is ``None`` in a file of one foot.
    progress
        After each block, samples so far of each foot, in the order of :class:`~soleus.model.Foot`.
    """

    rows: int = 0
    finite: int = 0
    dropped: int = 0
    reasons: dict[str, Dropped] = field(default_factory=dict)
    empty_cells: npt.NDArray[np.int64] = field(default_factory=lambda: np.zeros(len(AXES), np.int64))
    feet: dict[Foot | None, FootSurvey] = field(default_factory=dict)
    progress: list[tuple[int, ...]] = field(default_factory=list)


def survey(table: RawTable, lsb: Lsb) -> TableSurvey:
    """Read a table for the first time.

    Raises
    ------
    RecordingError
        If the file cannot be read; whether its values can be right is not judged here.
    """
    found = TableSurvey()
    splitter = Splitter(table, lsb)
    for block in table.scan():
        for foot, ticks, axes in splitter.split(block, found):
            if foot not in found.feet:
                sensors = {kind.name: SensorSurvey(lsb[kind.name] is not None) for kind, _ in SENSOR_ROWS}
                shared = table.profile.time.packet_stamps and not splitter.calendar
                found.feet[foot] = FootSurvey(sensors, packets=Packets() if shared else None)
            found.feet[foot].add(ticks, axes)
        found.progress.append(tuple(found.feet[foot].n if foot in found.feet else 0 for foot in Foot))
    for seen in found.feet.values():
        seen.finish()
    return found


class Splitter:
    """Takes the usable samples of each foot out of the blocks of a table, in their order."""

    def __init__(self, table: RawTable, lsb: Lsb) -> None:
        self._table = table
        self._lsb = lsb
        self._unwrap: dict[Foot | None, Unwrapper] = {}
        self.calendar = False

    def split(self, block: Block, found: TableSurvey | None = None) -> Iterator[tuple[Foot | None, Ticks, Axes]]:
        """Give each foot's (n,) ticks and (6, n) readings, and count what is dropped."""
        self.calendar = block.stamps.dtype == np.int64
        finite, reasons = self._judge(block)
        drop = np.logical_or.reduce(list(reasons.values()))
        if found is not None:
            _count(found, block, finite, reasons, drop)
        keep = ~drop
        for foot in (None,) if block.foot is None else tuple(Foot):
            rows = keep if foot is None else keep & (block.foot == foot)
            if rows.all():
                yield foot, self._ticks(foot, block.stamps), block.axes
            elif rows.any():
                yield foot, self._ticks(foot, block.stamps[rows]), block.axes[:, rows]

    def _ticks(self, foot: Foot | None, stamps: Ticks) -> Ticks:
        bits = self._table.profile.time.wrap_bits
        if bits is None or self.calendar:
            return stamps
        return self._unwrap.setdefault(foot, Unwrapper(bits))(stamps)

    def _judge(self, block: Block) -> tuple[Mask, dict[str, Mask]]:
        profile = self._table.profile
        finite = np.isfinite(block.axes).all(axis=0) & np.isfinite(block.stamps)
        reasons = {MISSING: ~finite}
        if profile.csv.drop_zero_rows:
            reasons[PLACEHOLDER] = finite & ~block.axes.any(axis=0)
        if block.foot is not None:
            reasons[FOOTLESS] = finite & (block.foot == NO_FOOT)
        for kind, rows in SENSOR_ROWS:
            bad = impossible(block.axes[rows], _unit(self._table, kind), self._lsb[kind.name], kind)
            reasons[_impossible(kind)] = finite & bad
        return finite, reasons


def _unit(table: RawTable, kind: SensorKind) -> str:
    return table.profile.accel.unit if kind is ACCEL else table.profile.gyro.unit


def _impossible(kind: SensorKind) -> str:
    return f"an impossible {kind.name} reading"


def _count(found: TableSurvey, block: Block, finite: Mask, reasons: Mapping[str, Mask], drop: Mask) -> None:
    for reason, rows in reasons.items():
        found.reasons.setdefault(reason, Dropped()).add(rows, found.rows)
    found.rows += finite.size
    n_finite = int(np.count_nonzero(finite))
    found.finite += n_finite
    found.dropped += int(np.count_nonzero(drop))
    if n_finite < finite.size:
        found.empty_cells += (~np.isfinite(block.axes)).sum(axis=1)


def check_dropped(table: RawTable, found: TableSurvey) -> list[str]:
    """Check that enough samples can be used; return what was left out.

    Raises
    ------
    UnitError
        If more readings than glitches are beyond every sensor.
    RecordingError
        If no sample is usable.
    """
    for kind, _ in SENSOR_ROWS:
        check_impossible(table.path, found.reasons[_impossible(kind)].n, found.finite, _unit(table, kind), kind)
    if found.dropped == found.rows:
        reason = max(found.reasons, key=lambda r: found.reasons[r].n)
        column = _worst_column(found) if reason == MISSING else ""
        raise RecordingError(f"{table.path}: no usable sample: all have {reason}{column}; check the file's columns")
    return [
        f"{table.path.name}: {dropped.n} samples with {reason} were left out "
        f"(first: row {dropped.first + table.first_row})"
        for reason, dropped in found.reasons.items()
        if dropped.n
    ]


def _worst_column(found: TableSurvey) -> str:
    empty = found.empty_cells
    return f" (column {AXES[int(empty.argmax())]})" if empty.any() else " (time column)"
