"""Speed, memory and latency of the core on one processor core, beside the bars they must hold."""

from __future__ import annotations

import dataclasses
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final, Literal

import msgspec
import numpy as np

from soleus.bench.errors import BenchError
from soleus.model import Belt, FloatArray, PodSamples, PodTrack, Recording
from soleus.recording import write_session
from soleus.simulate import read_scenario, simulate

PIECE: Final = "steady_rearfoot"
"""Scenario that is repeated to make a long session: 5 minutes, two feet, 200 Hz, some lost packets."""
LIVE_RATE_HZ: Final = 400.0
PUSH_S: Final = 0.05
"""Rate of the pods and length of a push in the live measurement: what a fast pod delivers every second packet."""
LIVE_S: Final = 60.0
RUNNERS: Final = 20
REPEATS: Final = 3
"""The best of this many runs counts: what disturbs a run only ever makes it longer."""
SEAM_S: Final = 1e-4
"""Stamps beyond the piece's length (the pods' clocks drift) are brought back to this before its end [s]."""
SECONDS_PER_DAY: Final = 86400.0
MEBI: Final = 1024.0**2
ONE_THREAD: Final = dict.fromkeys(
    ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "ARROW_IO_THREADS"), "1"
)

BATCH_BAR: Final = 5000.0
HOUR_MEMORY_BAR_MB: Final = 400.0
DAY_MEMORY_BAR_MB: Final = 1000.0
PUSH_BAR_MS: Final = 5.0
LATENCY_BAR_S: Final = 0.5
IMPORT_BAR_S: Final = 0.3
HELP_BAR_S: Final = 0.5
"""The bars: × real time; peak memory; 99th percentile of a push; after toe-off; start-up."""


class Figure(msgspec.Struct, frozen=True, kw_only=True):
    """One measured figure and its bar, if it has one."""

    what: str
    value: float
    unit: str
    bar: float | None = None
    better: Literal[">=", "<="] = "<="

    @property
    def holds(self) -> bool | None:
        """Whether the bar is held; ``None`` without a bar."""
        if self.bar is None:
            return None
        return self.value >= self.bar if self.better == ">=" else self.value <= self.bar


def measure_speed(
    *,
    hours: float = 1.0,
    day: bool = False,
    live_s: float = LIVE_S,
    crowd: bool = True,
    tell: Callable[[str], None] = print,
) -> list[Figure]:
    """Measure everything, each part in a process of its own with one thread and one core.

    Parameters
    ----------
    hours
        Length of the session of the batch measurement [h].
    day
        Whether to measure a 24 h session too.
    live_s
        Length of the live measurement [s].
    crowd
        Whether to measure many runners at once too.
    tell
        Is told what is being measured.

    Raises
    ------
    BenchError
        If a measuring process fails.
    """
    figures = []
    with tempfile.TemporaryDirectory(prefix="soleus-bench-") as folder:
        tell("making the session")
        session = long_session(Path(folder) / "long", 3600.0 * hours)
        tell(f"batch, {hours:g} h")
        figures += _batch_figures(_worker("batch", session, REPEATS), f"{hours:g} h", HOUR_MEMORY_BAR_MB)
        if day:
            tell("making a session of 24 h")
            session = long_session(Path(folder) / "day", SECONDS_PER_DAY)
            tell("batch, 24 h")
            figures += _batch_figures(_worker("batch", session, 1), "24 h", DAY_MEMORY_BAR_MB)
    tell("live, one runner")
    figures += _live_figures(_worker("live", 1, live_s))
    if crowd:
        tell(f"live, {RUNNERS} runners")
        figures += _crowd_figures(_worker("live", RUNNERS, live_s))
    tell("start-up")
    return figures + _start_figures()


def long_session(folder: Path, duration_s: float) -> Path:
    """Write a session folder of any length: a simulated piece, repeated."""
    piece = simulate(read_scenario(PIECE), seed=0).recording
    length_s = read_scenario(PIECE).duration_s
    times = max(1, round(duration_s / length_s))
    write_session(repeated(piece, times, length_s), folder)
    return folder


def repeated(piece: Recording, times: int, length_s: float) -> Recording:
    """Repeat a recording; the stride at each seam is a broken one."""
    shifts = length_s * np.arange(times)

    def shifted(time_s: FloatArray) -> FloatArray:
        return np.ravel(shifts[:, None] + np.minimum(time_s, length_s - SEAM_S))

    tracks = tuple(
        PodTrack(
            track.info,
            PodSamples(track.info.foot, shifted(track.samples.time_s), np.tile(track.samples.counts, times)),
        )
        for track in piece.pods
    )
    belt = piece.belt
    if belt is not None:
        belt = Belt(shifted(belt.time_s), np.tile(belt.speed_mps, times), np.tile(belt.grade, times))
    return dataclasses.replace(piece, pods=tracks, belt=belt)


def _worker(task: str, *words: object) -> dict[str, float]:
    command = [sys.executable, "-m", "soleus.bench.worker", task, *(str(word) for word in words)]
    done = subprocess.run(  # noqa: S603  (our own interpreter and module)
        command, env=os.environ | ONE_THREAD, capture_output=True, text=True, check=False
    )
    if done.returncode:
        last = done.stderr.strip().splitlines()[-1:] or ["no message"]
        raise BenchError(f"measuring '{task}' failed: {last[0]}; run {' '.join(command[1:])}")
    return msgspec.json.decode(done.stdout, type=dict[str, float])


def _batch_figures(m: dict[str, float], length: str, memory_bar_mb: float) -> list[Figure]:
    title = f"batch, {length} of two feet at 200 Hz"
    real_time = m["data_s"] / m["cpu_s"]
    return [
        Figure(what=f"{title}: CPU", value=m["cpu_s"], unit="s"),
        Figure(what=f"{title}: real time over CPU time", value=real_time, unit="×", bar=BATCH_BAR, better=">="),
        Figure(what=f"{title}: real time over wall time", value=m["data_s"] / m["wall_s"], unit="×"),
        Figure(what=f"{title}: of it reading", value=100 * m["read_cpu_s"] / m["cpu_s"], unit="%"),
        Figure(what=f"{title}: peak memory", value=m["peak_mb"], unit="MB", bar=memory_bar_mb),
    ]


def _live_figures(m: dict[str, float]) -> list[Figure]:
    push, final = "live, push of 50 ms from two pods at 400 Hz", "live, step final after toe-off, data time"
    return [
        Figure(what=f"{push}: CPU, median", value=1000 * m["push_p50_s"], unit="ms"),
        Figure(what=f"{push}: CPU, 99th percentile", value=1000 * m["push_p99_s"], unit="ms", bar=PUSH_BAR_MS),
        Figure(what=f"{push}: CPU, longest", value=1000 * m["push_max_s"], unit="ms"),
        Figure(what=f"{push}: wall, 99th percentile", value=1000 * m["push_wall_p99_s"], unit="ms"),
        Figure(what=f"{final}: median", value=m["latency_p50_s"], unit="s"),
        Figure(what=f"{final}: 95th percentile", value=m["latency_p95_s"], unit="s", bar=LATENCY_BAR_S),
        Figure(what=f"{final}: latest", value=m["latency_max_s"], unit="s"),
        Figure(what="live, steps held back until the mounting is known", value=m["held_steps"], unit="steps"),
    ]


def _crowd_figures(m: dict[str, float]) -> list[Figure]:
    title = f"live, {RUNNERS} runners"
    round_ms = 1000 * m["round_p99_s"]
    return [
        Figure(what=f"{title}: share of one core", value=100 * m["load"], unit="%", bar=100.0),
        Figure(what=f"{title}, one round: CPU, 99th percentile", value=round_ms, unit="ms", bar=1000 * PUSH_S),
    ]


def _start_figures() -> list[Figure]:
    return [
        Figure(what="import soleus", value=_best_start("-c", "import soleus"), unit="s", bar=IMPORT_BAR_S),
        Figure(what="import soleus and its core", value=_best_start("-c", "import soleus; soleus.Pipeline"), unit="s"),
        Figure(what="soleus --help", value=_best_start("-m", "soleus.cli", "--help"), unit="s", bar=HELP_BAR_S),
    ]


def _best_start(*words: str) -> float:
    """Wall time of a fresh interpreter, its own start included [s]."""
    best = float("inf")
    for _ in range(REPEATS):
        start = time.perf_counter()
        done = subprocess.run([sys.executable, *words], capture_output=True, check=False)  # noqa: S603
        best = min(best, time.perf_counter() - start)
        if done.returncode:
            raise BenchError(f"python {' '.join(words)} failed; run it to see why")
    return best
