"""Raw tables of any format to a recording."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Final

import msgspec
import numpy as np

from soleus.model import Belt, CountArray, Foot, PodInfo, PodSamples, PodTrack, Recording, Runner
from soleus.recording.files import RecordingError, first_line
from soleus.recording.profile import AXES
from soleus.recording.raw_table import NO_FOOT, RawTable
from soleus.recording.sensors import (
    ACCEL,
    GYRO,
    RADIANS_PER_DEGREE,
    STANDARD_GRAVITY_MPS2,
    Counted,
    UnitError,
    as_counts,
    check_impossible,
    check_motion,
    impossible,
    quantise,
    thin,
)
from soleus.recording.stamps import Clocked, check_stamps, session_times, spread_packets, unwrap

_FOOT_WORDS: Final = {
    **dict.fromkeys(("left", "l", "lf", "links", "lfoot", "leftfoot", "lshoe"), Foot.LEFT),
    **dict.fromkeys(("right", "r", "rf", "rechts", "rfoot", "rightfoot", "rshoe"), Foot.RIGHT),
}
_WORD: Final = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])")

_SI_GUESS: Final = "generic-si"
_G_DPS_PROFILE: Final = "generic-g-dps"

Positive = Annotated[float, msgspec.Meta(gt=0)]


class Facts(msgspec.Struct, frozen=True, kw_only=True):
    """What a Parquet file's JSON metadata may say; further keys are kept as extra facts."""

    accel_lsb_mps2: Positive | None = None
    gyro_lsb_rads: Positive | None = None
    accel_range_mps2: Positive | None = None
    gyro_range_rads: Positive | None = None
    rate_hz: Positive | None = None
    belt_speed_mps: Annotated[float, msgspec.Meta(ge=0, le=15)] | None = None
    grade_pct: Annotated[float, msgspec.Meta(ge=-50, le=50)] = 0.0
    mass_kg: float | None = None
    height_m: float | None = None
    subject: int | str | None = None


@dataclass(slots=True)
class _Draft:
    """A pod with everything but its session time."""

    clocked: Clocked
    info: PodInfo
    counts: CountArray


def foot_in_name(name: str) -> Foot | None:
    """Find a foot in a file's or pod's name; ``None`` if it names none or both.

    Examples
    --------
    >>> foot_in_name("run_2026_Left"), foot_in_name("LeftFoot-03"), foot_in_name("run")
    (<Foot.LEFT: 0>, <Foot.LEFT: 0>, None)
    """
    words = {word.lower() for word in _WORD.findall(name)}
    feet = {_FOOT_WORDS[word] for word in words if word in _FOOT_WORDS}
    return feet.pop() if len(feet) == 1 else None


def assemble(tables: Sequence[RawTable], feet: Sequence[Foot | None], source: str) -> Recording:
    """Make a recording of one or two raw tables.

    Parameters
    ----------
    tables
        What was read; one a file.
    feet
        The foot of each table where the caller knows it.
    source
        Where it came from, for messages.

    Raises
    ------
    RecordingError
        If a foot is unknown or given twice, or time, units or values cannot be right.
    """
    notes = [note for table in tables for note in _about(table, several=len(tables) > 1)]
    facts = [_facts(table) for table in tables]
    drafts: list[_Draft] = []
    for table, foot, fact in zip(tables, feet, facts, strict=True):
        drafts += _drafts(table, foot, fact, notes)
    drafts.sort(key=lambda draft: draft.clocked.foot)
    if len({draft.clocked.foot for draft in drafts}) < len(drafts):
        label = drafts[0].clocked.foot.label
        raise RecordingError(f"{source}: two files of the {label} foot; give one of each foot")
    for draft in drafts:
        notes += check_stamps(draft.clocked)
    times_s, start_utc, clock_notes = session_times([draft.clocked for draft in drafts])
    notes += clock_notes
    if len(drafts) == 1:
        notes.append(f"only the {drafts[0].clocked.foot.label} foot: values that need both feet stay empty")
    tracks = tuple(
        PodTrack(draft.info, PodSamples(draft.clocked.foot, time_s, draft.counts))
        for draft, time_s in zip(drafts, times_s, strict=True)
    )
    return Recording(
        pods=tracks,
        runner=_runner(tables[0], facts[0]),
        belt=_belt(facts[0]),
        start_utc=start_utc,
        source=source,
        notes=tuple(notes),
        extra=_extra(tables),
    )


def _about(table: RawTable, *, several: bool) -> list[str]:
    name = f"{table.path.name}: " if several else ""
    text = f"{name}read as '{table.profile.name}'"
    if table.profile.description:
        text += f" ({table.profile.description})"
    return [text, *(name + note for note in table.notes)]


def _facts(table: RawTable) -> Facts:
    try:
        return msgspec.convert(table.facts, Facts)
    except msgspec.ValidationError as error:
        raise RecordingError(f"{table.path}: metadata: {first_line(str(error))}; mend the file's metadata") from error


def _drafts(table: RawTable, foot: Foot | None, facts: Facts, notes: list[str]) -> list[_Draft]:
    try:
        return _checked_drafts(table, foot, facts, notes)
    except UnitError as error:
        if table.profile.name != _SI_GUESS:
            raise
        raise UnitError(f"{error}; for g and °/s there is the profile '{_G_DPS_PROFILE}'") from error


def _checked_drafts(table: RawTable, foot: Foot | None, facts: Facts, notes: list[str]) -> list[_Draft]:
    _drop_bad_rows(table, facts, notes)
    if table.foot is None:
        return [_draft(table, _single_foot(table, foot), slice(None), facts, notes)]
    drafts = [_draft(table, f, table.foot == f, facts, notes) for f in Foot if (table.foot == f).any()]
    if foot is None:
        return drafts
    kept = [draft for draft in drafts if draft.clocked.foot == foot]
    if not kept:
        raise RecordingError(f"{table.path}: no samples of the {foot.label} foot; leave the foot out")
    return kept


def _single_foot(table: RawTable, foot: Foot | None) -> Foot:
    names = (table.path.stem, table.preamble.get(table.profile.preamble.pod_id, ""))
    for known in (foot, *(foot_in_name(name) for name in names)):
        if known is not None:
            return known
    raise RecordingError(
        f"{table.path}: which foot is it? Say left or right, put it into the file's name, or add a foot column"
    )


def _drop_bad_rows(table: RawTable, facts: Facts, notes: list[str]) -> None:
    profile = table.profile
    lsb = _lsb(table, facts)
    finite = np.isfinite(table.axes).all(axis=0) & np.isfinite(table.stamps)
    reasons = {"a missing or infinite value": ~finite}
    placeholder = np.zeros_like(finite)
    if profile.csv.drop_zero_rows:
        placeholder = finite & ~table.axes.any(axis=0)
        reasons["six zeros (the logger's placeholder)"] = placeholder
    if table.foot is not None:
        reasons["no foot"] = finite & (table.foot == NO_FOOT)
    for kind, part, unit in ((ACCEL, slice(0, 3), profile.accel.unit), (GYRO, slice(3, 6), profile.gyro.unit)):
        bad = finite & impossible(table.axes[part], unit, lsb[kind.name], kind)
        check_impossible(table.path, int(bad.sum()), int(finite.sum()), unit, kind)
        reasons[f"an impossible {kind.name} reading"] = bad
    drop = np.logical_or.reduce(list(reasons.values()))
    if drop.all():
        reason = max(reasons, key=lambda r: int(reasons[r].sum()))
        column = _worst_column(table) if reasons[reason] is reasons["a missing or infinite value"] else ""
        raise RecordingError(f"{table.path}: no usable sample: all have {reason}{column}; check the file's columns")
    for reason, rows in reasons.items():
        if count := int(rows.sum()):
            first = int(np.flatnonzero(rows)[0]) + table.first_row
            notes.append(f"{table.path.name}: {count} samples with {reason} were left out (first: row {first})")
    if drop.any():
        keep = ~drop
        table.stamps, table.axes = table.stamps[keep], table.axes[:, keep]
        table.foot = None if table.foot is None else table.foot[keep]


def _worst_column(table: RawTable) -> str:
    empty = ~np.isfinite(table.axes)
    return f" (column {AXES[int(empty.sum(axis=1).argmax())]})" if empty.any() else " (time column)"


def _lsb(table: RawTable, facts: Facts) -> dict[str, float | None]:
    profile = table.profile
    accel = facts.accel_lsb_mps2 or profile.accel.lsb_mps2
    gyro = facts.gyro_lsb_rads or profile.gyro.lsb_rads
    scales = {
        ACCEL.name: (profile.accel.unit, accel, "accel_lsb_mps2"),
        GYRO.name: (profile.gyro.unit, gyro, "gyro_lsb_rads"),
    }
    for unit, lsb, key in scales.values():
        if unit == "counts" and lsb is None:
            raise RecordingError(f"{table.path}: metadata '{key}' is missing: what is one count worth? Add it")
    return {name: lsb if unit == "counts" else None for name, (unit, lsb, _) in scales.items()}


def _draft(table: RawTable, foot: Foot, rows: Any, facts: Facts, notes: list[str]) -> _Draft:  # noqa: ANN401
    profile, time = table.profile, table.profile.time
    ticks = table.stamps[rows]
    if time.wrap_bits is not None and not table.calendar:
        ticks = unwrap(ticks, time.wrap_bits)
    if time.packet_stamps and not table.calendar:
        ticks = spread_packets(ticks)
    clocked = Clocked(table.path, foot, ticks, table.time_unit, time.keep_origin, table.calendar, table.zone_known)
    axes = table.axes[:, rows]
    lsb = _lsb(table, facts)
    range_g, range_dps = profile.accel.range_g, profile.gyro.range_dps
    accel_range = facts.accel_range_mps2 or (range_g and range_g * STANDARD_GRAVITY_MPS2)
    gyro_range = facts.gyro_range_rads or (range_dps and range_dps * RADIANS_PER_DEGREE)
    read: list[Counted] = []
    for kind, part, unit, range_si in (
        (ACCEL, axes[:3], profile.accel.unit, accel_range),
        (GYRO, axes[3:], profile.gyro.unit, gyro_range),
    ):
        scale = lsb[kind.name]
        if scale is None:
            read.append(quantise(part, unit, kind, range_si))
        else:
            read.append(as_counts(table.path, part, scale, kind, range_si))
        notes.extend(f"{foot.label} {note}" for note in read[-1].notes)
    units = (profile.accel.unit, profile.gyro.unit)
    accel, gyro = read
    check_motion(table.path, foot.label, thin(accel.counts) * accel.lsb, thin(gyro.counts) * gyro.lsb, units)
    info = PodInfo(
        foot=foot,
        accel_lsb_mps2=accel.lsb,
        gyro_lsb_rads=gyro.lsb,
        accel_range_mps2=accel.full_scale,
        gyro_range_rads=gyro.full_scale,
        rate_hz=facts.rate_hz,
        pod_id=table.preamble.get(profile.preamble.pod_id, ""),
        maker=profile.maker,
        firmware=table.preamble.get(profile.preamble.firmware, ""),
    )
    return _Draft(clocked, info, np.concatenate([accel.counts, gyro.counts]))


def _runner(table: RawTable, facts: Facts) -> Runner:
    name = "" if facts.subject is None else f"subject {facts.subject}"
    known = {"name": name, "mass_kg": facts.mass_kg, "height_m": facts.height_m}
    try:
        return msgspec.convert(known, Runner)
    except msgspec.ValidationError as error:
        raise RecordingError(f"{table.path}: metadata: {first_line(str(error))}; mend the file's metadata") from error


def _belt(facts: Facts) -> Belt | None:
    return None if facts.belt_speed_mps is None else Belt.constant(facts.belt_speed_mps, facts.grade_pct / 100)


def _extra(tables: Sequence[RawTable]) -> dict[str, Any]:
    extra: dict[str, Any] = dict(tables[0].facts)
    preambles = {table.path.name: table.preamble for table in tables if table.preamble}
    return extra | ({"preamble": preambles} if preambles else {})
