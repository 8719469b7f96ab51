"""The measured part of a speed benchmark, in a process of its own: prints one JSON object.

``python -m soleus.bench.worker batch FOLDER REPEATS`` or ``live RUNNERS SECONDS``.
"""

from __future__ import annotations

import contextlib
import os
import sys
import time
from pathlib import Path
from typing import Final

import msgspec
import numpy as np
import pyarrow as pa

from soleus.batch import analyze
from soleus.batch.work import peak_bytes
from soleus.bench.speed import LIVE_RATE_HZ, MEBI, PIECE, PUSH_S
from soleus.model import FloatArray, PodSamples, Recording, Steps
from soleus.pipeline import Pipeline
from soleus.recording import open_recording
from soleus.simulate import read_scenario, simulate

STAGGER_S: Final = 1.37
"""Runners start this far apart in the recording [s], so that their strides do not fall together."""
FINE_S: Final = 1e-5
"""A clock that ticks more rarely than this [s] cannot time a push."""
SLOT_EDGE_S: Final = 1e-9
"""Keeps a sample that lies on a push's end, but for rounding, in that push."""


def batch(folder: Path, repeats: int) -> dict[str, float]:
    """Read and analyse a session from end to end; the best of some runs."""
    walls, cpus, reads = [], [], []
    data_s, peak = 0.0, 0.0
    for run in range(repeats):
        wall, cpu = time.perf_counter(), time.process_time()
        with open_recording(folder) as reader:
            result = analyze(reader)
        tables = result.steps, result.warnings
        walls.append(time.perf_counter() - wall)
        cpus.append(time.process_time() - cpu)
        data_s = result.span_s[1] - result.span_s[0]
        peak = peak if run else peak_bytes() / MEBI
        del result, tables
    for _ in range(repeats):
        cpu = time.process_time()
        with open_recording(folder) as reader:
            for _chunk in reader.chunks():
                pass
        reads.append(time.process_time() - cpu)
    return {
        "data_s": data_s,
        "wall_s": min(walls),
        "cpu_s": min(cpus),
        "read_cpu_s": min(reads),
        "peak_mb": peak,
    }


def live(runners: int, live_s: float) -> dict[str, float]:
    """Feed pushes of 50 ms to one pipeline a runner, as fast as they take them.

    Pushes wait for nothing, so processor time is their time without what else the machine does; where the system's
    clock of it is too coarse, wall time stands in.
    """
    fine = time.get_clock_info("thread_time").resolution <= FINE_S
    clock = time.thread_time if fine else time.perf_counter
    recording = _live_recording()
    streams = [_pushes(recording, STAGGER_S * i, live_s) for i in range(runners)]
    pipelines = [Pipeline([t.info for t in recording.pods], recording.runner) for _ in streams]
    for pipeline in pipelines:
        pipeline.push(belt=recording.belt)
    pushes, walls, rounds, waits = [], [], [], []
    running = [False] * runners
    held = 0
    for slot in range(min(len(stream) for stream in streams)):
        begin = clock()
        for i, (stream, pipeline) in enumerate(zip(streams, pipelines, strict=True)):
            now_s, samples = stream[slot]
            wall, before = time.perf_counter(), clock()
            steps, _ = pipeline.push(samples)
            pushes.append(clock() - before)
            walls.append(time.perf_counter() - wall)
            if len(steps):
                # The first rows wait until the mounting has been found from the first strides; they come all at once.
                if running[i]:
                    waits.append(_wait_s(steps, now_s))
                else:
                    held += len(steps)
                running[i] = True
        rounds.append(clock() - begin)
    push_s, round_s, wait_s = np.array(pushes), np.array(rounds), np.concatenate(waits)
    return {
        "push_p50_s": float(np.percentile(push_s, 50)),
        "push_p99_s": float(np.percentile(push_s, 99)),
        "push_max_s": float(push_s.max()),
        "push_wall_p99_s": float(np.percentile(walls, 99)),
        "round_p99_s": float(np.percentile(round_s, 99)),
        "load": float(round_s.mean() / PUSH_S),
        "latency_p50_s": float(np.percentile(wait_s, 50)),
        "latency_p95_s": float(np.percentile(wait_s, 95)),
        "latency_max_s": float(wait_s.max()),
        "held_steps": held / runners,
    }


def _wait_s(steps: Steps, now_s: float) -> FloatArray:
    toe_off = steps["toe_off_s"]
    return now_s - toe_off[np.isfinite(toe_off)]


def _live_recording() -> Recording:
    scenario = read_scenario(PIECE)
    sensor = msgspec.structs.replace(scenario.sensor, rate_hz=LIVE_RATE_HZ)
    return simulate(msgspec.structs.replace(scenario, sensor=sensor), seed=0).recording


def _pushes(recording: Recording, start_s: float, length_s: float) -> list[tuple[float, list[PodSamples]]]:
    """Cut a part into pushes: the time up to which each reaches, and its samples of both pods."""
    ends = start_s + PUSH_S * np.arange(round(length_s / PUSH_S) + 1)
    cuts = [np.searchsorted(t.samples.time_s, ends - SLOT_EDGE_S) for t in recording.pods]
    return [
        (float(ends[k + 1]), [t.samples[c[k] : c[k + 1]] for t, c in zip(recording.pods, cuts, strict=True)])
        for k in range(ends.size - 1)
    ]


def main(words: list[str]) -> None:
    """Measure what the words say, on one core."""
    pa.set_cpu_count(1)
    if hasattr(os, "sched_setaffinity"):
        with contextlib.suppress(OSError):
            os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    match words:
        case ["batch", folder, repeats]:
            figures = batch(Path(folder), int(repeats))
        case ["live", runners, seconds]:
            figures = live(int(runners), float(seconds))
        case _:
            raise SystemExit(__doc__)
    sys.stdout.buffer.write(msgspec.json.encode(figures))


if __name__ == "__main__":
    main(sys.argv[1:])
