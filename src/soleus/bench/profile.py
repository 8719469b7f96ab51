"""Where the time of an analysis goes."""

from __future__ import annotations

import cProfile
import io
import pstats
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import msgspec

from soleus.batch import analyze
from soleus.recording import open_recording

LINES: Final = 60
"""Functions in the written profile, by their own time and by time with all they call."""
SOURCE: Final = "soleus"


class Spot(msgspec.Struct, frozen=True):
    """A function: calls, time of its own and with all it calls [s]."""

    where: str
    calls: int
    own_s: float
    total_s: float


def profile(recordings: Sequence[Path], out: Path) -> list[Spot]:
    """Profile the analysis of some recordings, write it as text and give the functions that took longest themselves.

    Parameters
    ----------
    recordings
        Session folders or files.
    out
        Text file for the profile.

    Raises
    ------
    soleus.recording.RecordingError
        If a recording cannot be read.
    OSError
        If the text cannot be written.
    """
    _analyze(recordings[:1])  # what is loaded and compiled at first is no part of it
    watch = cProfile.Profile()
    watch.enable()
    _analyze(recordings)
    watch.disable()
    text = io.StringIO()
    statistics = pstats.Stats(watch, stream=text)
    for order in ("tottime", "cumtime"):
        statistics.sort_stats(order).print_stats(LINES)
    out.write_text(text.getvalue(), encoding="utf-8")
    spots = [
        Spot(_place(key), row.ncalls_int, row.own_s, row.total_s)
        for key, row in ((k, _Row(*v[:4])) for k, v in statistics.stats.items())  # type: ignore[attr-defined]
    ]
    return sorted(spots, key=lambda spot: -spot.own_s)


class _Row(msgspec.Struct, frozen=True):
    primitive: int
    ncalls_int: int
    own_s: float
    total_s: float


def _place(key: tuple[str, int, str]) -> str:
    file, line, name = key
    if line == 0:
        return name
    parts = Path(file).parts
    begin = len(parts) - 1 - parts[::-1].index(SOURCE) if SOURCE in parts else len(parts) - 1
    return f"{'/'.join(parts[begin:])}:{line} {name}"


def _analyze(recordings: Sequence[Path]) -> None:
    for path in recordings:
        with open_recording(path) as reader:
            analyze(reader)
