"""From what was found, and what is told of it, to items: keys, fingerprints, runners."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec
import pyarrow as pa
import pyarrow.fs as pafs

from soleus.batch.discover import Found
from soleus.batch.errors import BatchError
from soleus.batch.item import Item, digest
from soleus.batch.manifest import Told
from soleus.model import Runner
from soleus.recording import DEFAULT_LIMITS, RecordingError, find_profile
from soleus.recording.events_file import EVENTS_FILE
from soleus.recording.imported import runner_in_metadata
from soleus.recording.journal_segment import header_of
from soleus.recording.session import IMU_FILE
from soleus.recording.session_file import SESSION_FILE
from soleus.recording.side_tables import BELT_FILE, HEART_RATE_FILE

SESSION_PARTS: Final = (IMU_FILE, BELT_FILE, HEART_RATE_FILE)
"""Files of a session folder whose change makes it another recording."""
FOOTER_ENDINGS: Final = (".parquet", ".pq")
SEGMENT_MOST_BYTES: Final = 64 * 2**20


class _Session(msgspec.Struct, frozen=True):
    """The part of ``session.json`` that an analysis takes in; what it writes there itself is left aside."""

    runner: Runner = Runner()
    pods: msgspec.Raw = msgspec.Raw(b"null")
    start_utc: str | None = None
    source: str = ""
    notes: tuple[str, ...] = ()
    extra: msgspec.Raw = msgspec.Raw(b"null")


def make_item(found: Found, told: Told, runner: Runner | None, runners: Mapping[str, Runner]) -> Item:
    """Make an item of a recording.

    The name of the runner is settled here, before the recording is read, because it decides which shard takes it: that
    of the manifest, else of the runner's file for all, else the recording's own.

    Parameters
    ----------
    found
        The recording.
    told
        What the manifest says of it.
    runner
        The runner of all recordings, if one is given.
    runners
        Measures by runner's name.

    Raises
    ------
    BatchError
        If the profile of the manifest does not exist.
    """
    addresses = tuple(place.address for place in found.places)
    shown = ", ".join(place.shown for place in found.places)
    recorded, facts = _recorded(found)
    name = told.runner or (runner.name if runner is not None and runner.name else recorded)
    measures: dict[str, Any] = {}
    if runner is not None:
        measures |= _known(runner)
    if name in runners:
        measures |= _known(runners[name])
    measures |= told.measures
    return Item(
        key=digest("recording", [place.shown for place in found.places]),
        source=shown,
        addresses=addresses,
        files=_names(found),
        fingerprint=digest(facts, _profile_facts(told.profile, shown)),
        runner=name,
        measures=measures,
        only_measures=runner is not None,
        start_s=told.start_s,
        only_day=told.only_day,
        belt_speed_mps=told.belt_speed_mps,
        grade=told.grade,
        profile=told.profile,
        foot=told.foot,
    )


def _known(runner: Runner) -> dict[str, Any]:
    """Fields that say something."""
    nothing = Runner()
    return {
        field: value
        for field, value in msgspec.structs.asdict(runner).items()
        if field != "name" and value != getattr(nothing, field)
    }


def _names(found: Found) -> tuple[str, ...]:
    """Files to copy of a folder that lies elsewhere."""
    if not found.is_folder or found.places[0].is_local:
        return ()
    below = len(found.places[0].path) + 1
    names = [str(file.path)[below:] for file in found.files]
    return tuple(name for name in names if "/" not in name)


def _recorded(found: Found) -> tuple[str, Any]:
    """Tell the runner's name that a recording holds, and the facts by which a change of it is noticed.

    A file is known by its name, size and time of change: reading all of it again would cost more than the second run
    of a batch should. Of ``session.json`` the content counts, because an analysis adds its own figures there.
    """
    files = {str(file.path).rpartition("/")[2]: file for file in found.files}
    if found.is_folder and SESSION_FILE in files:
        session = _read(found, SESSION_FILE, DEFAULT_LIMITS.json_bytes)
        parts = [_fact(files[name]) for name in (*SESSION_PARTS, EVENTS_FILE) if name in files]
        try:
            known = msgspec.json.decode(session, type=_Session)
        except (msgspec.MsgspecError, ValueError, RecursionError):
            return "", [parts, _fact(files[SESSION_FILE])]
        content = digest(msgspec.structs.astuple(known)[2:], bytes(known.pods).decode(errors="replace"),
                         bytes(known.extra).decode(errors="replace"), known.runner)  # fmt: skip
        return known.runner.name, [parts, content]
    facts = [_fact(file) for file in sorted(found.files, key=lambda file: str(file.path))]
    if found.is_folder:
        return _runner_in_journal(found, sorted(files)), facts
    return _runner_in_footer(found), facts


def _fact(file: pafs.FileInfo) -> list[Any]:
    return [str(file.path).rpartition("/")[2], file.size, file.mtime_ns, file.type == pafs.FileType.File]


def _read(found: Found, name: str, most_bytes: int) -> bytes:
    try:
        return (found.places[0] / name).read(most_bytes)
    except BatchError:
        return b""


def _runner_in_journal(found: Found, names: Sequence[str]) -> str:
    """Take the name from the newest segment whose header can be read."""
    for name in reversed([name for name in names if name.endswith(".arrows")]):
        header = header_of(_read(found, name, SEGMENT_MOST_BYTES))
        if header is not None:
            return header.facts.runner.name
    return ""


def _runner_in_footer(found: Found) -> str:
    """Take the name from the metadata of a Parquet file: its last bytes, whatever its size."""
    import pyarrow.parquet as pq

    place = found.places[0]
    if not place.path.lower().endswith(FOOTER_ENDINGS) or found.files[0].type != pafs.FileType.File:
        return ""
    try:
        with place.fs.open_input_file(place.path) as file:
            return runner_in_metadata(pq.read_schema(file).metadata or {})
    except (OSError, pa.ArrowException, UnicodeError, io.UnsupportedOperation):
        return ""  # the analysis says what is wrong with it


def _profile_facts(profile: str | None, shown: str) -> Any:  # noqa: ANN401
    if profile is None:
        return None
    try:
        return msgspec.to_builtins(find_profile(profile))
    except RecordingError as error:
        raise BatchError(f"{shown}: {error}") from error
