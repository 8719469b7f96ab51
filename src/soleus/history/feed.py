"""Sessions into the log: from session folders, from a watch's file, or told by hand."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import msgspec
import numpy as np
from msgspec.structs import replace

from soleus.history.entry import Body, Minutes, Note, SessionEntry
from soleus.history.errors import HistoryError
from soleus.model import FOOT_STRIKES, SPEED_SOURCES, Flag, PainTold, Runner, Steps
from soleus.model.runner import Surface
from soleus.recording import SessionRecord, read_session_record, read_steps
from soleus.recording.happened import happened_in
from soleus.rules import BASELINE_SIGNALS, RuleError, run_minutes
from soleus.rules.bins import BinGatherer

SESSION_FILE: Final = "session.json"
STEPS_FILE: Final = "steps.parquet"
MAX_FOLDERS: Final = 100_000
"""Folders looked through for sessions."""
BELT_SHARE: Final = 0.5
"""Share of the steps with belt speed from which a session counts as run on a treadmill (design choice)."""
MIN_MINUTES: Final = 3
"""Minutes with both feet that an asymmetry needs (design choice)."""


def read_session_entry(folder: str | Path, *, when: datetime | None = None, runner: str | None = None) -> SessionEntry:
    """Sum up an analysed session folder for the log.

    Parameters
    ----------
    folder
        A folder with ``session.json`` and ``steps.parquet``.
    when
        Start of the session, for one that does not know it.
    runner
        Name under which it is kept; that of the session if not given.

    Raises
    ------
    HistoryError
        If the session has no steps, or does not know when it was.
    soleus.recording.RecordingError
        If a file cannot be read.
    """
    folder = Path(folder)
    record = read_session_record(folder)
    if not (folder / STEPS_FILE).is_file():
        raise HistoryError(f"{folder}: has no {STEPS_FILE}; run soleus analyze on it first")
    start = when or record.start_utc
    if start is None:
        raise HistoryError(
            f"{folder}: the session does not say when it was; give the start with --date, such as 2025-05-03T18:30"
        )
    entry = session_entry(
        read_steps(folder),
        record.runner,
        start,
        identity=_identity(record),
        name=record.runner.name if runner is None else runner,
        source=str(folder),
    )
    told = [happening.rating for happening in happened_in(folder) if isinstance(happening, PainTold)]
    return replace(entry, pain=max(told, default=None))


def session_entry(
    steps: Steps, runner: Runner, start: datetime, *, identity: str, name: str = "", source: str = ""
) -> SessionEntry:
    """Sum up the steps of a session; the sums are those that the rules see during the run.

    Raises
    ------
    HistoryError
        If there are no steps, or more than a person can make.
    """
    if not len(steps):
        raise HistoryError(f"{source or 'this session'}: no steps in it; there is nothing to add to the history")
    try:
        bins = BinGatherer(frozenset(BASELINE_SIGNALS)).gather(steps)
        minutes = run_minutes(steps, 0.0)
    except RuleError as error:
        raise HistoryError(f"{source or 'this session'}: {error}") from error
    total = {name: float(bins.rows[name][-1, 0]) for name in ("running_time", "distance", "uphill", "impulse", "dose")}
    known = {
        column: bool(np.isfinite(steps[column]).any())
        for column in ("speed_mps", "grade", "achilles_impulse_bws", "calf_dose")
    }
    contact_s = steps["initial_contact_s"]
    running = (steps["flags"] & int(Flag.WALKING)) == 0
    strikes = np.bincount(steps["foot_strike"][running & (steps["foot_strike"] >= 0)], minlength=len(FOOT_STRIKES))
    belt = steps["speed_source"] == SPEED_SOURCES.index("belt")
    on_belt = float(np.mean(belt)) >= BELT_SHARE
    surface: Surface | None = "treadmill" if on_belt else runner.surface
    return SessionEntry(
        id=identity,
        runner=name,
        kind="pods",
        start_s=start.timestamp(),
        time_s=float(contact_s[-1] - contact_s[0]),
        running_s=total["running_time"],
        distance_m=total["distance"] if known["speed_mps"] else None,
        uphill_m=total["uphill"] if known["grade"] else None,
        steps=len(steps),
        impulse_bws=total["impulse"] if known["achilles_impulse_bws"] else None,
        dose=total["dose"] if known["calf_dose"] else None,
        rearfoot=int(strikes[0]),
        midfoot=int(strikes[1]),
        forefoot=int(strikes[2]),
        contact_asymmetry=_asymmetry(minutes.values["contact_time"]),
        shoe=runner.shoe,
        shoe_drop_m=runner.shoe_drop_m,
        surface=surface,
        source=source,
        minutes=Minutes.of(minutes),
    )


def hand_entry(
    start: datetime,
    time_s: float,
    distance_m: float,
    *,
    precision_day: bool = False,
    runner: str = "",
    surface: Surface | None = None,
    shoe: str = "",
    uphill_m: float | None = None,
) -> SessionEntry:
    """Make an entry of a run that the runner tells of.

    Examples
    --------
    >>> entry = hand_entry(datetime(2025, 5, 3, 18, 30, tzinfo=UTC), 3000.0, 10_000.0)
    >>> entry.kind, entry.mean_speed_mps
    ('hand', 3.3333)
    """
    what = {"start": start.astimezone(UTC).isoformat(), "time_s": time_s, "distance_m": distance_m, "runner": runner}
    return _checked(
        SessionEntry(
            id=digest({"hand": what}),
            runner=runner,
            kind="hand",
            start_s=start.timestamp(),
            precision="day" if precision_day else "second",
            time_s=time_s,
            distance_m=distance_m,
            uphill_m=uphill_m,
            surface=surface,
            shoe=shoe,
            source="told by hand",
        )
    )


def make_note(body: Body, at: datetime, runner: str = "") -> Note:
    """Make a note of a test or of answers; the same at the same time is the same note."""
    what = {"at": at.astimezone(UTC).isoformat(), "runner": runner, "body": msgspec.to_builtins(body)}
    return Note(id=digest(what), runner=runner, at_s=at.timestamp(), body=body)


def find_sessions(folders: list[Path]) -> list[Path]:
    """Find the session folders in folders, themselves or below, each once, in order.

    Raises
    ------
    HistoryError
        If a folder does not exist or holds no session.
    """
    found: dict[Path, None] = {}
    for folder in folders:
        if not folder.is_dir():
            raise HistoryError(f"{folder}: no such folder; give folders with recorded or analysed sessions")
        here = list(_sessions_below(folder))
        if not here:
            raise HistoryError(f"{folder}: no session in it or below; a session folder has a {SESSION_FILE}")
        found.update(dict.fromkeys(here))
    return list(found)


def _sessions_below(folder: Path) -> Iterator[Path]:
    for seen, (place, below, files) in enumerate(os.walk(folder)):
        below.sort()
        if seen >= MAX_FOLDERS:
            raise HistoryError(f"{folder}: more than {MAX_FOLDERS} folders below it; name a smaller one")
        if SESSION_FILE in files:
            below.clear()
            yield Path(place).resolve()


def digest(what: object) -> str:
    """Give a name of 32 hex digits to plain facts: the same for the same, another for any other."""
    data = msgspec.json.encode(what, order="deterministic")
    return hashlib.sha256(data).hexdigest()[:32]


def _identity(record: SessionRecord) -> str:
    """Name a session by what does not change when it is moved or analysed anew."""
    pods = sorted((pod.foot, pod.samples, pod.pod_id, pod.maker) for pod in record.pods)
    start = None if record.start_utc is None else record.start_utc.astimezone(UTC).isoformat()
    named = Path(record.source).name if record.start_utc is None else ""
    return digest({"start": start, "pods": pods, "extra": record.extra, "name": named})


def _asymmetry(contact: np.ndarray[tuple[int, ...], np.dtype[np.float64]]) -> float | None:
    """Give the median of (left - right) / mean over the minutes."""
    left, right = contact[:, 0], contact[:, 1]
    each = (left - right) / ((left + right) / 2.0)
    each = each[np.isfinite(each)]
    return float(np.median(each)) if each.size >= MIN_MINUTES else None


def _checked(entry: SessionEntry) -> SessionEntry:
    """Check an entry whose numbers a person typed."""
    try:
        return msgspec.convert(msgspec.to_builtins(entry), SessionEntry)
    except msgspec.ValidationError as error:
        reason, _, field = str(error).partition(" - at `$.")
        raise HistoryError(f"'{field.rstrip('`')}': {reason}") from error
