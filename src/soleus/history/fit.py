"""Runs done without pods, from a watch's FIT file (optional library ``fitdecode``)."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from msgspec.structs import replace

from soleus.history.entry import MAX_DISTANCE_M, MAX_TIME_S, SessionEntry
from soleus.history.errors import HistoryError
from soleus.history.feed import digest
from soleus.history.fit_dynamics import MAX_STEPS_PER_S, WANTED, Dynamics, read_dynamics
from soleus.history.fit_messages import FitMessages, read_messages
from soleus.model.runner import Surface

RUNNING: Final = ("running", 1)
"""Names and number of the sport in the FIT profile."""
STEPS_PER_CYCLE: Final = 2
"""FIT counts strides: two steps each."""
_SURFACES: Final[dict[Any, Surface]] = {
    "treadmill": "treadmill",
    1: "treadmill",
    "indoor_running": "treadmill",
    45: "treadmill",
    "street": "road",
    2: "road",
    "trail": "trail",
    3: "trail",
    "track": "track",
    4: "track",
}


def read_fit(path: str | Path, *, runner: str = "") -> list[SessionEntry]:
    """Read the runs of a FIT activity file, with the running dynamics of whatever device wrote them.

    Parameters
    ----------
    path
        The file. One of several sports gives its runs only.
    runner
        Name under which they are kept.

    Raises
    ------
    HistoryError
        If the library is missing, the file is damaged, or there is no run in it.
    """
    path = Path(path)
    messages = read_messages(path, WANTED)
    runs = [found for found in messages.sessions if found.get("sport") in RUNNING]
    if not runs:
        sports = sorted({str(found.get("sport", "unknown")) for found in messages.sessions})
        what = f"only {', '.join(sports)}" if sports else "no session message"
        raise HistoryError(f"{path}: no run in it ({what}); give the file of a run, or add it by --distance and --time")
    return [_entry(path, found, messages, runner) for found in runs]


def _entry(path: Path, found: dict[str, Any], messages: FitMessages, runner: str) -> SessionEntry:
    """Make the entry of one session message."""
    start = found.get("start_time")
    if not isinstance(start, datetime):
        raise HistoryError(f"{path}: 'start_time' is missing; add the run by --date, --distance and --time")
    start = start if start.tzinfo is not None else start.replace(tzinfo=UTC)
    moving_s = _number(path, found, "total_timer_time", MAX_TIME_S)
    whole_s = _number(path, found, "total_elapsed_time", MAX_TIME_S)
    time_s = whole_s if whole_s is not None else moving_s
    if time_s is None:
        raise HistoryError(f"{path}: 'total_elapsed_time' is missing; add the run by --date, --distance and --time")
    dynamics = read_dynamics(messages, start.timestamp(), start.timestamp() + time_s)
    steps, doubt = _steps(found, time_s)
    if doubt:
        known = dynamics or Dynamics()
        dynamics = replace(known, left_out=(*known.left_out, doubt))
    return SessionEntry(
        id=digest({"fit": start.astimezone(UTC).isoformat(), "runner": runner}),
        runner=runner,
        kind="file",
        start_s=start.timestamp(),
        time_s=time_s,
        running_s=moving_s,
        distance_m=_number(path, found, "total_distance", MAX_DISTANCE_M),
        uphill_m=_number(path, found, "total_ascent", MAX_DISTANCE_M),
        steps=steps,
        surface=_SURFACES.get(found.get("sub_sport")),
        source=str(path),
        dynamics=dynamics,
    )


def _steps(found: dict[str, Any], time_s: float) -> tuple[int | None, str]:
    """Give the steps of a session, or ``None`` and why they are not believed."""
    cycles = found.get("total_strides", found.get("total_cycles"))
    if not isinstance(cycles, int) or cycles < 0:
        return None, ""
    part = found.get("total_fractional_cycles")
    steps = round(STEPS_PER_CYCLE * (cycles + (part if isinstance(part, int | float) else 0.0)))
    if steps > MAX_STEPS_PER_S * max(time_s, 1.0):
        return None, (
            f"'total_strides' of the profile was left out: {cycles} strides in {time_s:.0f} s would be {steps} steps, "
            "which no runner makes; the file seems to count steps where strides are meant"
        )
    return steps, ""


def _number(path: Path, found: dict[str, Any], name: str, most: float) -> float | None:
    value = found.get(name)
    if not isinstance(value, int | float):
        return None
    if not 0.0 <= value <= most:
        raise HistoryError(f"{path}: '{name}' is {value:g}; no run has that")
    return float(value)
