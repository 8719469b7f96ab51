"""Raw tables of any format to a recording."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, Final

import msgspec

from soleus.model import Belt, Foot, PodInfo, Runner
from soleus.recording.files import RecordingError, first_line
from soleus.recording.import_survey import (
    SPREAD_SAMPLES,
    FootSurvey,
    Lsb,
    Splitter,
    TableSurvey,
    check_dropped,
    survey,
)
from soleus.recording.profile import built_in_profiles
from soleus.recording.raw_table import RawTable
from soleus.recording.sensors import (
    ACCEL,
    GYRO,
    RADIANS_PER_DEGREE,
    STANDARD_GRAVITY_MPS2,
    Scaling,
    UnitError,
    check_motion,
    scaling_of,
    scaling_of_counts,
)
from soleus.recording.stamps import Clocked, SessionClock, Ticks, check_stamps, session_clocks

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


@dataclass(frozen=True, slots=True)
class ImportedPod:
    """A pod whose samples are still in its file: what makes recorded samples of them."""

    info: PodInfo
    clock: SessionClock
    scalings: tuple[Scaling, Scaling]
    found: FootSurvey
    source: Surveyed
    key: Foot | None


@dataclass(frozen=True, slots=True)
class Surveyed:
    """A table after its first pass."""

    table: RawTable
    lsb: Lsb
    found: TableSurvey


@dataclass(frozen=True, slots=True)
class Imported:
    """A recording but for its samples; see :class:`soleus.model.Recording`."""

    pods: tuple[ImportedPod, ...]
    runner: Runner
    belt: Belt | None
    start_utc: datetime | None
    source: str
    notes: tuple[str, ...]
    extra: dict[str, Any]


@dataclass(slots=True)
class _Draft:
    """A pod with everything but its session time."""

    clocked: Clocked
    info: PodInfo
    scalings: tuple[Scaling, Scaling]
    found: FootSurvey
    source: Surveyed
    key: Foot | None


def survey_table(table: RawTable) -> Surveyed:
    """Read a table for the first time.

    Raises
    ------
    RecordingError
        If the file cannot be read.
    """
    try:
        lsb = _lsb(table, _facts(table))
    except RecordingError:  # told by `assemble`, after what the file itself has wrong
        lsb = {ACCEL.name: None, GYRO.name: None}
    return Surveyed(table, lsb, survey(table, lsb))


def assemble(sources: Sequence[Surveyed], feet: Sequence[Foot | None], named: str) -> Imported:
    """Make a recording of one or two raw tables.

    Parameters
    ----------
    sources
        What was read; one a file.
    feet
        The foot of each table where the caller knows it.
    named
        Where it came from, for messages.

    Raises
    ------
    RecordingError
        If a foot is unknown or given twice, or time, units or values cannot be right.
    """
    tables = [source.table for source in sources]
    notes = [note for table in tables for note in _about(table, several=len(tables) > 1)]
    facts = [_facts(table) for table in tables]
    drafts: list[_Draft] = []
    for source, foot, fact in zip(sources, feet, facts, strict=True):
        drafts += _drafts(source, foot, fact, notes)
    drafts.sort(key=lambda draft: draft.clocked.foot)
    if len({draft.clocked.foot for draft in drafts}) < len(drafts):
        label = drafts[0].clocked.foot.label
        raise RecordingError(f"{named}: two files of the {label} foot; give one of each foot")
    for draft in drafts:
        notes += check_stamps(draft.clocked)
    clocks, start_utc, clock_notes = session_clocks([draft.clocked for draft in drafts])
    notes += clock_notes
    if len(drafts) == 1:
        notes.append(f"only the {drafts[0].clocked.foot.label} foot: values that need both feet stay empty")
    return Imported(
        pods=tuple(
            ImportedPod(draft.info, clock, draft.scalings, draft.found, draft.source, draft.key)
            for draft, clock in zip(drafts, clocks, strict=True)
        ),
        runner=_runner(tables[0], facts[0]),
        belt=_belt(facts[0]),
        start_utc=start_utc,
        source=named,
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


def _drafts(source: Surveyed, foot: Foot | None, facts: Facts, notes: list[str]) -> list[_Draft]:
    try:
        return _checked_drafts(source, foot, facts, notes)
    except UnitError as error:
        if source.table.profile.name != _SI_GUESS:
            raise
        raise UnitError(f"{error}; for g and °/s there is the profile '{_G_DPS_PROFILE}'") from error


def _checked_drafts(source: Surveyed, foot: Foot | None, facts: Facts, notes: list[str]) -> list[_Draft]:
    table, feet = source.table, source.found.feet
    _lsb(table, facts)
    notes += check_dropped(table, source.found)
    if None in feet:
        return [_draft(source, None, _single_foot(table, foot), facts, notes)]
    drafts = [_draft(source, f, f, facts, notes) for f in Foot if f in feet]
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


def _draft(source: Surveyed, key: Foot | None, foot: Foot, facts: Facts, notes: list[str]) -> _Draft:
    table, found = source.table, source.found.feet[key]
    profile, time = table.profile, table.profile.time
    clocked = Clocked(
        table.path, foot, found.stamps, lambda: pod_ticks(source, key), table.time_unit, time.keep_origin,
        table.calendar, table.zone_known,
    )  # fmt: skip
    lsb = _lsb(table, facts)
    range_g, range_dps = profile.accel.range_g, profile.gyro.range_dps
    accel_range = facts.accel_range_mps2 or (range_g and range_g * STANDARD_GRAVITY_MPS2)
    gyro_range = facts.gyro_range_rads or (range_dps and range_dps * RADIANS_PER_DEGREE)
    scalings: list[Scaling] = []
    for kind, unit, range_si in (
        (ACCEL, profile.accel.unit, accel_range),
        (GYRO, profile.gyro.unit, gyro_range),
    ):
        scale, seen = lsb[kind.name], found.sensors[kind.name]
        if scale is None:
            scalings.append(scaling_of(seen, unit, kind, range_si))
        else:
            scalings.append(scaling_of_counts(table.path, seen, scale, kind, range_si))
        notes.extend(f"{foot.label} {note}" for note in scalings[-1].notes)
    units = (profile.accel.unit, profile.gyro.unit)
    accel, gyro = scalings
    thin = found.thinned.values()
    check_motion(table.path, foot.label, accel.counts(thin[:3]) * accel.lsb, gyro.counts(thin[3:]) * gyro.lsb, units)
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
    return _Draft(clocked, info, (accel, gyro), found, source, key)


def pod_ticks(source: Surveyed, key: Foot | None) -> Iterator[Ticks]:
    """Read the ticks of a pod once more, block by block."""
    found = source.found.feet[key]
    if found.packets is not None:
        yield from (found.packets.ticks(i, i + SPREAD_SAMPLES) for i in range(0, found.n, SPREAD_SAMPLES))
        return
    splitter = Splitter(source.table, source.lsb)
    for block in source.table.blocks():
        yield from (ticks for foot, ticks, _ in splitter.split(block) if foot == key)


def runner_in_metadata(metadata: Mapping[bytes, bytes]) -> str:
    """Tell the runner's name that the metadata of a Parquet file holds; empty if it holds none.

    Examples
    --------
    >>> runner_in_metadata({b"subject": b"no JSON"})
    ''
    """
    keys = (key for profile in built_in_profiles().values() for key in profile.metadata_keys)
    for key in keys:
        try:
            return _name(msgspec.json.decode(metadata.get(key.encode(), b""), type=Facts))
        except (msgspec.MsgspecError, ValueError, RecursionError):
            continue
    return ""


def _name(facts: Facts) -> str:
    return "" if facts.subject is None else f"subject {facts.subject}"


def _runner(table: RawTable, facts: Facts) -> Runner:
    known = {"name": _name(facts), "mass_kg": facts.mass_kg, "height_m": facts.height_m}
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
