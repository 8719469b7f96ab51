"""A session as a FIT activity: seconds, laps, warnings, the whole."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from soleus.model import Flag
from soleus.report.export import fit_profile as fit
from soleus.report.export.fit_clock import FitClock, Floats, fit_clock
from soleus.report.export.fit_format import Packed, fit_file, pack
from soleus.report.export.fit_markers import markers
from soleus.report.export.fit_opening import opening
from soleus.report.export.fit_values import largest_by_part, part_values, seconds
from soleus.report.export.session_tables import SessionTables, read_tables
from soleus.report.export.written import write_whole

FIT_FILE: Final = "activity.fit"
HALF_SECOND_S: Final = 0.5
"""From the end of a second to its middle [s]."""
_OPENING, _TIMER, _MARK, _RECORD, _LAP, _SESSION, _ACTIVITY = range(7)
"""Local message types."""


@dataclass(frozen=True, slots=True)
class Activity:
    """A FIT file in memory.

    Attributes
    ----------
    data
        The file.
    records, laps, markers
        Messages of each kind.
    beyond
        Values by field that FIT cannot hold, which were written as missing.
    """

    data: bytes
    records: int
    laps: int
    markers: int
    beyond: dict[str, int]


def write_fit(session: str | Path, out: str | Path | None = None, *, start: datetime | None = None) -> Path:
    """Write a session as a FIT activity.

    Parameters
    ----------
    session
        An analysed session folder.
    out
        The file; ``activity.fit`` in the folder unless given. Written whole or not at all.
    start
        Calendar time of session time zero, for a session that does not know it.

    Returns
    -------
    Path
        The file written.

    Raises
    ------
    ExportError
        If the session has no steps or start, or its times are impossible.
    soleus.recording.RecordingError
        If a file of the session is missing or damaged, or the FIT file cannot be written.

    Examples
    --------
    >>> import tempfile
    >>> from datetime import UTC
    >>> from soleus.model import STEP_DTYPES, Foot, PodInfo, Runner, Steps
    >>> from soleus.recording import session_record, write_session_record, write_steps
    >>> steps = Steps({name: np.zeros(3, kind) for name, kind in STEP_DTYPES.items()})
    >>> pod, start = PodInfo(Foot.LEFT, 0.005, 0.001), datetime(2025, 5, 3, 16, 30, tzinfo=UTC)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     _ = write_steps(steps, folder)
    ...     record = session_record([pod], {Foot.LEFT: 9}, runner=Runner(), start_utc=start)
    ...     _ = write_session_record(record, folder)
    ...     write_fit(folder).name
    'activity.fit'
    """
    tables = read_tables(session)
    path = Path(out) if out is not None else tables.folder / FIT_FILE
    write_activity(encode_activity(tables, start), path)
    return path


def write_activity(activity: Activity, path: Path) -> None:
    """Write a FIT file whole or not at all.

    Raises
    ------
    ExportError
        If what was written could not be read back.
    soleus.recording.RecordingError
        If it cannot be written.
    """
    write_whole(activity.data, path)


def encode_activity(tables: SessionTables, start: datetime | None = None) -> Activity:
    """Encode a session as a FIT activity.

    Parameters
    ----------
    tables
        The session.
    start
        Calendar time of session time zero; that of the session unless given.

    Raises
    ------
    ExportError
        If the start is unknown or beyond what FIT can tell, or there are too many laps or warnings.
    """
    clock = fit_clock(tables, start)
    ends_s = clock.ends_s
    by_second = seconds(tables.steps, tables.heart_rate, ends_s)
    records = pack(fit.RECORD, _RECORD, {"timestamp": clock.first + np.arange(1.0, ends_s.size + 1.0), **by_second})
    edges_s = _lap_edges(tables)
    whole_s = edges_s[[0, -1]]
    fastest_mps = (by_second["enhanced_speed"], ends_s - HALF_SECOND_S)
    laps = _laps(tables, clock, edges_s, largest_by_part(*fastest_mps, edges_s))
    session = _session(tables, clock, whole_s, largest_by_part(*fastest_mps, whole_s), laps.rows.size)
    marks = markers(tables, clock, _MARK)
    parts = [
        *opening(tables.record, clock.first, _OPENING),
        bytes(_timer(clock.first, fit.TYPE_START)),
        *_in_time(records, laps, marks),
        bytes(_timer(clock.last, fit.TYPE_STOP_ALL)),
        laps.definition + laps.rows[-1:].tobytes(),
        bytes(session),
        bytes(_activity(clock, float(whole_s[1] - whole_s[0]))),
    ]
    beyond = {name: count for packed in (records, laps) for name, count in packed.beyond.items()}
    beyond |= {f"session {name}": count for name, count in session.beyond.items()}
    n_marks = 0 if marks is None else marks.rows.size
    return Activity(fit_file(b"".join(parts)), records.rows.size, laps.rows.size, n_marks, beyond)


def _lap_edges(tables: SessionTables) -> Floats:
    """Give the session times between laps: the ends, and the button presses between them."""
    first_s, last_s = tables.span_s
    pressed = [t for t, _ in tables.marks("lap") if first_s < t < last_s]
    return np.array([first_s, *dict.fromkeys(pressed), last_s])


def _laps(tables: SessionTables, clock: FitClock, edges_s: Floats, fastest_mps: Floats) -> Packed:
    """Make a message of each lap; that of the session's end comes last."""
    n = edges_s.size - 1
    values = part_values(tables.steps, tables.heart_rate, edges_s, fastest_mps)
    sport, sub_sport = _sports(tables)
    at = clock.fit(edges_s)
    at[0], at[-1] = clock.first, clock.last
    return pack(
        fit.LAP,
        _LAP,
        {
            **values,
            "timestamp": at[1:],
            "start_time": at[:-1],
            "message_index": np.arange(n),
            "event": np.full(n, fit.EVENT_LAP),
            "event_type": np.full(n, fit.TYPE_STOP),
            "lap_trigger": np.where(np.arange(n) == n - 1, fit.LAP_SESSION_END, fit.LAP_MANUAL),
            "sport": np.full(n, sport),
            "sub_sport": np.full(n, sub_sport),
        },
    )


def _session(tables: SessionTables, clock: FitClock, whole_s: Floats, fastest_mps: Floats, laps: int) -> Packed:
    values = part_values(tables.steps, tables.heart_rate, whole_s, fastest_mps)
    sport, sub_sport = _sports(tables)
    return pack(
        fit.SESSION,
        _SESSION,
        {
            **values,
            "achilles_impulse_total": _known_sum(tables.steps["achilles_impulse_bws"]),
            "calf_dose_total": _known_sum(tables.steps["calf_dose"]),
            "timestamp": clock.last,
            "start_time": clock.first,
            "message_index": 0,
            "event": fit.EVENT_SESSION,
            "event_type": fit.TYPE_STOP,
            "sport": sport,
            "sub_sport": sub_sport,
            "first_lap_index": 0,
            "num_laps": laps,
            "trigger": fit.SESSION_ACTIVITY_END,
        },
    )


def _sports(tables: SessionTables) -> tuple[int, int]:
    steps = tables.steps
    walked = bool(len(steps)) and bool((steps["flags"] & int(Flag.WALKING)).all())
    sub_sport = fit.SUB_SPORT_TREADMILL if tables.on_belt else fit.SUB_SPORTS.get(tables.record.runner.surface or "", 0)
    return (fit.SPORT_WALKING if walked else fit.SPORT_RUNNING), sub_sport


def _activity(clock: FitClock, time_s: float) -> Packed:
    return pack(
        fit.ACTIVITY,
        _ACTIVITY,
        {
            "timestamp": clock.last,
            "total_timer_time": time_s,
            "num_sessions": 1,
            "type": fit.ACTIVITY_MANUAL,
            "event": fit.EVENT_ACTIVITY,
            "event_type": fit.TYPE_STOP,
        },
    )


def _timer(at: int, kind: int) -> Packed:
    return pack(
        fit.TIMER_EVENT, _TIMER, {"timestamp": at, "event": fit.EVENT_TIMER, "event_type": kind, "event_group": 0}
    )


def _in_time(records: Packed, laps: Packed, markers: Packed | None) -> Iterator[bytes]:
    """Give the records with markers and finished laps between them, in order of time; the last lap comes later."""
    inserted = [(int(row["timestamp"]), laps, i) for i, row in enumerate(laps.rows[:-1])]
    if markers is not None:
        inserted += [(int(row["timestamp"]), markers, i) for i, row in enumerate(markers.rows)]
    inserted.sort(key=lambda each: each[0])
    times = records.rows["timestamp"]
    yield records.definition
    done = 0
    for at, packed, i in inserted:
        upto = int(np.searchsorted(times, at, side="right"))
        yield records.rows[done:upto].tobytes()
        yield packed.definition + packed.rows[i : i + 1].tobytes()
        done = upto
    yield records.rows[done:].tobytes()


def _known_sum(values: npt.NDArray[Any]) -> float:
    return float(np.nansum(values)) if np.isfinite(values).any() else math.nan
