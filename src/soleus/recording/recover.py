"""A session out of a journal: after a run, and after whatever ended a run before its time."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import re
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

import msgspec
import numpy as np

from soleus.model import FloatArray, Foot, Recording
from soleus.recording.events_file import EVENTS_FILE, Event, events_of, read_events_table
from soleus.recording.files import RecordingError, os_error, present
from soleus.recording.held import restore_held
from soleus.recording.imu_stream import verify_imu_stream, write_imu_stream
from soleus.recording.journal_disk import is_being_written, rescue_folders
from soleus.recording.journal_format import NO_TIME
from soleus.recording.journal_reader import read_journal, segments_in
from soleus.recording.journal_records import JournalRecords
from soleus.recording.limits import DEFAULT_LIMITS, Limits
from soleus.recording.reader import RecordingReader, open_session
from soleus.recording.recovery_report import PodRecovery, RecoveryReport, recovery_report
from soleus.recording.session import IMU_FILE, write_parts
from soleus.recording.session_file import SESSION_FILE, SessionRecord, read_session_record, session_record
from soleus.recording.side_tables import BELT_FILE, HEART_RATE_FILE

EXTRA_KEY: Final = "journal"
"""Where ``extra`` of ``session.json`` tells which journal the session was made of, and what it lacked."""
DAMAGED_PREFIX: Final = "damaged-"
"""Put before the name of a segment that could not be read whole; it is kept."""
_LEFT_BEHIND: Final = re.compile(
    rf"\.({'|'.join(map(re.escape, (IMU_FILE, BELT_FILE, HEART_RATE_FILE, EVENTS_FILE, SESSION_FILE)))})"
    r"\.[0-9a-f]{8}\.tmp"
)


def recover(folder: str | Path, limits: Limits = DEFAULT_LIMITS) -> RecoveryReport:
    """Make a session of the journal in a folder, and remove the journal; a finished session stays as it is.

    The journal may be cut anywhere, have damaged batches or missing segments, or stand beside a session that was half
    or wholly written. Segments that went to the folder for temporary files are found there. May be called again.

    Parameters
    ----------
    folder
        The session folder.
    limits
        Bounds on bytes and rows.

    Raises
    ------
    RecordingError
        If there is nothing to recover, it is being recorded right now, or the session cannot be written; the journal
        is then as it was.

    Examples
    --------
    >>> import tempfile, numpy as np
    >>> from soleus.model import Foot, PodInfo, PodSamples
    >>> from soleus.recording import Journal, JournalFacts
    >>> facts = JournalFacts(pods=(PodInfo(Foot.LEFT, 0.0048, 0.00107),))
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     with Journal(folder, facts) as journal:
    ...         journal.samples(PodSamples(Foot.LEFT, np.arange(80) / 400, np.ones((6, 80), np.int16)))
    ...     report = recover(folder)
    >>> report.pods[0].samples, report.complete
    (80, True)
    """
    return rebuild(Path(folder), None, limits=limits)


def rebuild(
    folder: Path, elsewhere: Sequence[Path] | None, *, session: str | None = None, limits: Limits = DEFAULT_LIMITS
) -> RecoveryReport:
    """Do what :func:`recover` does, knowing where segments may be.

    Parameters
    ----------
    folder
        The session folder.
    elsewhere
        Other folders with segments; ``None`` for where they are by themselves.
    session
        The session whose journal it must be.
    limits
        As in :func:`recover`.

    Raises
    ------
    RecordingError
        As :func:`recover`.
    """
    if not folder.is_dir() and elsewhere is None:
        raise RecordingError(f"{folder}: no such folder; check the path")
    places = _places(folder, elsewhere, limits)
    finished = _finished(folder, limits)
    if not any(segments_in(place) for place in places):
        return _nothing_to_do(folder, finished)
    _refuse_while_written(places)
    records = read_journal(places, limits)
    if session is not None and records.session != session:
        raise RecordingError(f"{folder}: holds the journal of another session; choose another folder")
    recording = records.reader(str(folder))
    report = recovery_report(str(folder), records, recording.notes)
    damaged = frozenset(damage.segment for damage in records.damages if damage.reason != "cut")
    if finished is not None:
        found = _of_journal(finished)
        if found is None or found.session != records.session:
            raise RecordingError(
                f"{folder}: holds a finished session and the journal of another one; "
                "put the journal files into a folder of their own"
            )
        if _holds(folder, records, limits):
            _clear(places, damaged)
            return msgspec.structs.replace(found, outcome="whole")
    report = msgspec.structs.replace(report, kept=tuple(sorted(DAMAGED_PREFIX + name for name in damaged)))
    streams = [records.stream(pod) for pod in recording.pods]
    record = session_record(
        recording.pods,
        recording.samples,
        runner=recording.runner,
        start_utc=recording.start_utc,
        source=recording.source,
        notes=(*recording.notes, *report.losses),
        extra={**recording.extra, EXTRA_KEY: msgspec.to_builtins(report)},
        configuration=records.facts.configuration,
        quality=_quality(report),
    )
    # The journal is read segment by segment, once to write and once more to compare: a day needs no more than a minute.
    write_parts(
        folder,
        record,
        lambda file: write_imu_stream(file, streams),
        lambda path: verify_imu_stream(path, streams),
        belt=recording.belt,
        heart_rate=recording.heart_rate,
        events=records.events_table(),
    )
    restored = restore_held(folder)
    _clear(places, damaged)
    return msgspec.structs.replace(report, notes=(*report.notes, *restored)) if restored else report


def read_unfinished(folder: Path, limits: Limits = DEFAULT_LIMITS) -> Recording:
    """Read a folder that holds a journal only, without changing anything; the notes say what is missing.

    Raises
    ------
    RecordingError
        If nothing can be read.
    """
    records = read_journal(_places(folder, None, limits), limits)
    recording = records.recording(str(folder))
    return dataclasses.replace(recording, notes=_notes_of_unfinished(folder, records, recording.notes))


def open_unfinished(folder: Path, limits: Limits = DEFAULT_LIMITS) -> RecordingReader:
    """Open a folder that holds a journal only, to read it segment by segment; else as :func:`read_unfinished`.

    Raises
    ------
    RecordingError
        If nothing can be read.
    """
    records = read_journal(_places(folder, None, limits), limits)
    reader = records.reader(str(folder))
    return dataclasses.replace(reader, notes=_notes_of_unfinished(folder, records, reader.notes))


def _notes_of_unfinished(folder: Path, records: JournalRecords, notes: tuple[str, ...]) -> tuple[str, ...]:
    first = f"read from its journal: the session was not finished; soleus recover {folder} finishes it"
    return (first, *notes, *recovery_report(str(folder), records, notes).losses)


def read_events(folder: str | Path, kind: str | None = None, limits: Limits = DEFAULT_LIMITS) -> tuple[Event, ...]:
    """Read what happened in a session, all or one kind, from ``events.parquet`` or from a journal.

    Raises
    ------
    RecordingError
        If it cannot be read.
    """
    place = Path(folder)
    if is_unfinished(place):
        return read_journal(_places(place, None, limits), limits).events(kind)
    return events_of(read_events_table(place / EVENTS_FILE, limits), kind)


def is_unfinished(folder: Path) -> bool:
    """Tell whether a folder holds a journal and no whole session.

    Raises
    ------
    RecordingError
        If the folder cannot be read.
    """
    return not (present(folder / SESSION_FILE) and present(folder / IMU_FILE)) and bool(segments_in(folder))


def _places(folder: Path, elsewhere: Sequence[Path] | None, limits: Limits) -> list[Path]:
    """Folders that hold segments of the session, its own first."""
    if elsewhere is None:
        elsewhere = []
        if segments_in(folder):
            with contextlib.suppress(RecordingError):
                elsewhere = rescue_folders(read_journal([folder], limits).session)
    mine = [folder, *(place for place in elsewhere if _is_ours(place) and not _same(place, folder))]
    return [place for place in mine if place.is_dir()]


def _is_ours(place: Path) -> bool:
    """Tell whether a folder that anybody could have made is this user's."""
    try:
        owner = place.lstat().st_uid
    except OSError:
        return False
    return not place.is_symlink() and (os.name != "posix" or owner == os.geteuid())


def _same(a: Path, b: Path) -> bool:
    try:
        return a.samefile(b)
    except OSError:
        return False


def _refuse_while_written(places: Sequence[Path]) -> None:
    for place in places:
        for path in segments_in(place):
            if is_being_written(path):
                raise RecordingError(f"{path}: is being recorded right now; stop the recording first")


def _finished(folder: Path, limits: Limits) -> SessionRecord | None:
    """Read the record of a session that looks whole."""
    try:
        record = read_session_record(folder, limits)
        open_session(folder, None, None, None, limits).close()
    except RecordingError:
        return None
    return record


def _of_journal(record: SessionRecord) -> RecoveryReport | None:
    try:
        return msgspec.convert(record.extra.get(EXTRA_KEY), RecoveryReport)
    except msgspec.ValidationError:
        return None


def _holds(folder: Path, records: JournalRecords, limits: Limits) -> bool:
    """Tell whether the session can be read and has every sample of the journal; if it cannot, the journal decides."""
    try:
        with open_session(folder, None, None, None, limits) as session:
            if all(_is_same(records, session, pod.foot) for pod in records.facts.pods):
                return True
            pairs = [_missing(records, session, pod.foot) for pod in records.facts.pods]
    except RecordingError:
        return False
    if not any(only_journal for only_journal, _ in pairs):
        return True
    if not any(only_session for _, only_session in pairs):
        return False
    raise RecordingError(
        f"{folder}: session and journal each hold samples that the other lacks; "
        "put the journal files into a folder of their own"
    )


def _is_same(records: JournalRecords, session: RecordingReader, foot: Foot) -> bool:
    """Tell whether a pod has the same times in both, in the same order."""
    if session.samples.get(foot) != records.count(foot):
        return False
    theirs = _times(session, foot)
    held = NO_TIME
    for piece in records.sample_pieces(foot):
        while held.size < len(piece):
            held = np.concatenate([held, next(theirs)])
        if held[: len(piece)].tobytes() != piece.time_s.tobytes():
            return False
        held = held[len(piece) :]
    return True


def _missing(records: JournalRecords, session: RecordingReader, foot: Foot) -> tuple[bool, bool]:
    """Tell whether a pod has times in the journal only, and in the session only."""
    # As bits: a time that is no number is equal to nothing.
    session_s = np.concatenate([NO_TIME, *_times(session, foot)]).view(np.int64)
    session_s.sort()
    found = np.zeros(session_s.size, np.bool_)
    only_journal = False
    for piece in records.sample_pieces(foot):
        wanted = np.ascontiguousarray(piece.time_s).view(np.int64)
        first, last = (np.searchsorted(session_s, wanted, side) for side in ("left", "right"))
        only_journal |= bool((first == last).any())
        found[first[first < last]] = True
    if session_s.size:
        # Of equal times the first stands for all.
        found |= found[np.searchsorted(session_s, session_s, "left")]
    return only_journal, not bool(found.all())


def _times(session: RecordingReader, foot: Foot) -> Iterator[FloatArray]:
    for chunk in session.chunks():
        yield from (piece.time_s for piece in chunk if piece.foot == foot)


def _nothing_to_do(folder: Path, finished: SessionRecord | None) -> RecoveryReport:
    if finished is None:
        read_session_record(folder)  # says what is wrong with a session that is there
        raise RecordingError(f"{folder}: the session is damaged and its journal is gone; nothing can be recovered")
    _clear([folder], frozenset())
    known = _of_journal(finished)
    if known is not None:
        return msgspec.structs.replace(known, outcome="whole")
    pods = tuple(
        PodRecovery(foot=pod.foot, samples=pod.samples, from_s=None, until_s=None, lost_samples=0, lost_s=0.0)
        for pod in finished.pods
    )
    return RecoveryReport(folder=str(folder), session="", outcome="whole", stopped=True, pods=pods)


def _quality(report: RecoveryReport) -> dict[str, int | float]:
    lost = {f"lost_samples_{pod.foot}": pod.lost_samples for pod in report.pods}
    return {**lost, "lost_pieces": report.lost_pieces, "damaged_batches": len(report.damages)}


def _clear(places: Sequence[Path], damaged: frozenset[str]) -> None:
    """Remove the journal, whose content is in the session now; keep damaged segments under another name."""
    folder = places[0]
    try:
        for place in places:
            for path in segments_in(place):
                if path.name in damaged:
                    shutil.move(path, _free_name(folder, DAMAGED_PREFIX + path.name))
                else:
                    path.unlink()
        for path in folder.iterdir():
            if _LEFT_BEHIND.fullmatch(path.name):
                path.unlink()
    except OSError as error:
        raise os_error("remove", Path(error.filename or folder), error) from error
    for place in places[1:]:
        with contextlib.suppress(OSError):
            place.rmdir()


def _free_name(folder: Path, name: str) -> Path:
    path = folder / name
    number = 2
    while path.exists():
        path = folder / f"{name}.{number}"
        number += 1
    return path
