"""What every engine runs: a task in, its outcome out, as msgpack."""

from __future__ import annotations

import functools
import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final, Protocol

import msgspec

from soleus.batch.conclude import conclude
from soleus.batch.dataset import Dataset
from soleus.batch.item import Analyse, Outcome, Settings, Task
from soleus.batch.places import Place
from soleus.batch.process import process

SINGLE_THREADED: Final = {
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "VECLIB_MAXIMUM_THREADS": "1",
    "ARROW_IO_THREADS": "1",
}
"""Environment of a worker: one core each, or the libraries' threads fight for the cores."""
KIBIBYTE: Final = 1024
PROCESS_STATUS: Final = Path("/proc/self/status")


class Crash(msgspec.Struct, frozen=True, kw_only=True, tag="crash"):
    """The end of a process that was working on a task.

    Attributes
    ----------
    reason
        What is known of it.
    """

    reason: str


Result = Outcome | Crash


class Engine(Protocol):
    """What does tasks, in any order."""

    def run(self, tasks: list[Task]) -> Iterator[tuple[int, Result]]:
        """Do tasks; give each one's position with what came of it, as they come."""
        ...

    def close(self) -> None:
        """End all processes."""
        ...


def work(task: Task, settings: Settings, dataset: Dataset | None = None) -> Outcome:
    """Do a task.

    Raises
    ------
    BatchError
        If the dataset cannot be written.
    """
    begun_s, begun_cpu_s = time.perf_counter(), time.process_time()
    dataset = _dataset(settings.out, settings.run) if dataset is None else dataset
    if isinstance(task, Analyse):
        outcome = Outcome(record=process(task.item, settings, dataset))
    else:
        outcome = Outcome(verdicts=conclude(task, settings, dataset))
    return msgspec.structs.replace(
        outcome,
        spent_s=time.perf_counter() - begun_s,
        cpu_s=time.process_time() - begun_cpu_s,
        pid=os.getpid(),
        peak_bytes=peak_bytes(),
    )


def use_one_core() -> None:
    """Keep Arrow to one thread in this process; numpy and scipy look at the environment."""
    import pyarrow as pa

    pa.set_cpu_count(1)
    pa.set_io_thread_count(1)


def peak_bytes() -> int:
    """Give the most memory this process had so far [bytes]; 0 where the system does not tell."""
    # Linux hands the largest memory of the parent down to the child in getrusage; the status file starts anew.
    if PROCESS_STATUS.exists():
        found = next(line for line in PROCESS_STATUS.read_text().splitlines() if line.startswith("VmHWM:"))
        return int(found.split()[1]) * KIBIBYTE
    if sys.platform == "win32":
        return 0
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * KIBIBYTE


@functools.lru_cache(maxsize=4)
def _dataset(out: str, run: str) -> Dataset:
    return Dataset(Place.parse(out), run)
