"""Measure a batch: how two cores compare with one, what a session costs, and how much memory a worker takes.

    python benchmarks/bench_batch.py --sessions 200 --minutes 10 --jobs 1 2

Simulates one session, and makes the others of it: links to its samples, each with a runner and a day of its own. The
result is JSON on the standard output.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import os
import platform
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import msgspec

from soleus.batch.plan import Request
from soleus.batch.run import run_batch
from soleus.model import Runner
from soleus.recording import read_session_record, write_session, write_session_record
from soleus.simulate import Bout, Scenario, simulate

BAR_SPEED_UP: Final = 1.7
"""Two cores against one."""
BAR_MIB: Final = 400
"""Memory of a worker."""
RUNNERS: Final = 50
START: Final = datetime(2025, 1, 1, 6, tzinfo=UTC)


def make_sessions(folder: Path, sessions: int, minutes: float) -> None:
    """Write one session, and link its samples into the others."""
    scenario = Scenario(name="bench", bouts=(Bout(kind="run", speed_mps=3.0, duration_s=60.0 * minutes),))
    recording = dataclasses.replace(simulate(scenario).recording, start_utc=START)
    first = write_session(recording, folder / "session-00000")
    record = read_session_record(first)
    for i in range(sessions):
        place = folder / f"session-{i:05d}"
        place.mkdir(exist_ok=True)
        runner = Runner(name=f"runner {i % RUNNERS:02d}", height_m=1.75, mass_kg=68.0)
        start = START + timedelta(days=i // RUNNERS)
        write_session_record(msgspec.structs.replace(record, runner=runner, start_utc=start), place)
        for file in first.glob("*.parquet"):
            if i:
                os.link(file, place / file.name)


def measure(season: Path, out: Path, jobs: int) -> dict[str, Any]:
    """Run a batch once, and again when nothing is missing."""
    begun_s = time.perf_counter()
    report = run_batch(Request((str(season),), str(out), jobs=jobs))
    wall_s = time.perf_counter() - begun_s
    begun_s = time.perf_counter()
    run_batch(Request((str(season),), str(out), jobs=jobs))
    return {
        "jobs": jobs,
        "wall_s": wall_s,
        "work_s": report.spent_s,
        "cpu_s": report.cpu_s,
        "again_s": time.perf_counter() - begun_s,
        "sessions": report.analysed,
        "failed": len(report.failed),
        "sessions_per_s": report.analysed / wall_s,
        "cpu_s_per_session": report.cpu_s / max(1, report.analysed),
        "times_real_time": report.recorded_s / wall_s,
        "times_real_time_a_core": report.recorded_s / report.cpu_s,
        "peak_worker_mib": report.peak_bytes / 2**20,
        "bytes_per_session": {name: size_of(out / name) // max(1, report.analysed) for name in PARTS},
    }


PARTS: Final = ("steps", "warnings", "_items", "summary.parquet")


def size_of(place: Path) -> int:
    """Add up a file, or all files of a folder [bytes]."""
    return sum(p.stat().st_size for p in (place.rglob("*") if place.is_dir() else [place]) if p.is_file())


def main() -> int:
    """Measure as the command line asks."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else "")
    parser.add_argument("--sessions", type=int, default=200)
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--jobs", type=int, nargs="+", default=[1, 2])
    asked = parser.parse_args()
    load = os.getloadavg()[0]
    with tempfile.TemporaryDirectory(prefix="soleus-bench-") as folder:
        season = Path(folder) / "season"
        make_sessions(season, asked.sessions, asked.minutes)
        runs = [measure(season, Path(folder) / f"out{jobs}", jobs) for jobs in asked.jobs]
        input_bytes = size_of(season / "session-00000")
    speed_up = runs[0]["wall_s"] / runs[-1]["wall_s"] if len(runs) > 1 else None
    found = {
        "minutes": asked.minutes,
        "input_bytes_per_session": input_bytes,
        "runs": runs,
        "speed_up": speed_up,
        "bars": {"speed_up": BAR_SPEED_UP, "peak_worker_mib": BAR_MIB},
        "machine": {
            "cores": os.cpu_count(),
            "load_before": load,
            "load_after": os.getloadavg()[0],
            "python": platform.python_version(),
            "system": platform.platform(),
        },
    }
    sys.stdout.write(json.dumps(found, indent=2) + "\n")
    missed = (speed_up is not None and speed_up < BAR_SPEED_UP) or any(r["peak_worker_mib"] > BAR_MIB for r in runs)
    return int(missed)


if __name__ == "__main__":
    sys.exit(main())
