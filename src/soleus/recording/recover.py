"""A session out of a journal: after a run, and after whatever ended a run before its time."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import re
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import msgspec
import numpy as np

from soleus.model import Recording
from soleus.recording.events_file import EVENTS_FILE, Event, events_of, read_events_table
from soleus.recording.files import RecordingError, make_folder, os_error, present
from soleus.recording.journal_disk import is_being_written, rescue_folders
from soleus.recording.journal_format import NO_TIME
from soleus.recording.journal_reader import read_journal, segments_in
from soleus.recording.limits import DEFAULT_LIMITS, Limits
from soleus.recording.reader import open_session
from soleus.recording.recovery_report import PodRecovery, RecoveryReport, recovery_report
from soleus.recording.session import IMU_FILE, read_session, write_session
from soleus.recording.session_file import SESSION_FILE, SessionRecord, read_session_record
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
    recording = records.recording(str(folder))
    report = recovery_report(str(folder), records, recording)
    damaged = frozenset(damage.segment for damage in records.damages if damage.reason != "cut")
    if finished is not None:
        found = _of_journal(finished)
        if found is None or found.session != records.session:
            raise RecordingError(
                f"{folder}: holds a finished session and the journal of another one; "
                "put the journal files into a folder of their own"
            )
        if _holds(folder, recording, limits):
            _clear(places, damaged)
            return msgspec.structs.replace(found, outcome="whole")
    report = msgspec.structs.replace(report, kept=tuple(sorted(DAMAGED_PREFIX + name for name in damaged)))
    extra = {**recording.extra, EXTRA_KEY: msgspec.to_builtins(report)}
    events, configuration = records.events_table(), records.facts.configuration
    del records  # as large as the recording
    make_folder(folder)
    write_session(
        dataclasses.replace(recording, extra=extra, notes=(*recording.notes, *report.losses)),
        folder,
        configuration=configuration,
        quality=_quality(report),
        events=events,
    )
    _clear(places, damaged)
    return report


def read_unfinished(folder: Path, limits: Limits = DEFAULT_LIMITS) -> Recording:
    """Read a folder that holds a journal only, without changing anything; the notes say what is missing.

    Raises
    ------
    RecordingError
        If nothing can be read.
    """
    records = read_journal(_places(folder, None, limits), limits)
    recording = records.recording(str(folder))
    losses = recovery_report(str(folder), records, recording).losses
    first = f"read from its journal: the session was not finished; soleus recover {folder} finishes it"
    return dataclasses.replace(recording, notes=(first, *recording.notes, *losses))


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


def _holds(folder: Path, recording: Recording, limits: Limits) -> bool:
    """Tell whether the session can be read and has every sample of the journal; if it cannot, the journal decides."""
    try:
        session = read_session(folder, limits)
    except RecordingError:
        return False
    times = {track.info.foot: track.samples.time_s for track in session.pods}
    # As bits: a time that is no number is equal to nothing.
    pairs = [
        (track.samples.time_s.view(np.int64), times.get(track.info.foot, NO_TIME).view(np.int64))
        for track in recording.pods
    ]
    if all(np.isin(journal_s, session_s).all() for journal_s, session_s in pairs):
        return True
    if all(np.isin(session_s, journal_s).all() for journal_s, session_s in pairs):
        return False
    raise RecordingError(
        f"{folder}: session and journal each hold samples that the other lacks; "
        "put the journal files into a folder of their own"
    )


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
