"""A pool of processes on this machine, one a core, that outlives whatever a recording does to one of them.

Each worker is a fresh interpreter at the end of two pipes. If one dies, its task is done once more when nothing else
runs: perhaps it was the others that took the memory. If it dies again, the task is given up and the rest goes on.
"""

from __future__ import annotations

import os
import queue
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from typing import BinaryIO, Final, cast

import msgspec

from soleus.batch.errors import BatchError
from soleus.batch.frames import receive, send
from soleus.batch.item import Outcome, Settings, Task
from soleus.batch.work import SINGLE_THREADED, Crash, Result
from soleus.batch.worker import Refusal, Reply

RECYCLE_BYTES: Final = 350 * 2**20
"""Memory from which on a worker is replaced after its task: what one long recording took is not kept for the rest."""
RECYCLE_TASKS: Final = 500
"""Tasks after which a worker is replaced, whatever it took: fragments add up."""
END_S: Final = 20.0
"""How long a worker may take to finish its task when the pool is closed [s]."""


def cores() -> int:
    """Count the cores that this process may use."""
    if sys.platform != "win32" and hasattr(os, "sched_getaffinity"):
        return max(1, len(os.sched_getaffinity(0)))
    return os.cpu_count() or 1


class Pool:
    """Processes that do tasks.

    Parameters
    ----------
    settings
        Of the run.
    jobs
        How many processes; one a core unless told.
    """

    def __init__(self, settings: Settings, jobs: int | None = None) -> None:
        self._settings = settings
        self._jobs = cores() if jobs is None else jobs
        self._results: queue.SimpleQueue[tuple[int, Result | Refusal | Exception]] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._waiting: list[tuple[int, Task]] = []
        self._closed = False
        self._processes: set[subprocess.Popen[bytes]] = set()
        self._idle: list[_Worker] = []

    def run(self, tasks: list[Task]) -> Iterator[tuple[int, Result]]:
        """Do tasks; give each one's position with what came of it, as they come.

        Raises
        ------
        BatchError
            If a worker cannot go on at all, as with a full disk.
        """
        again: list[int] = []
        for position, result in self._all(list(enumerate(tasks)), self._jobs):
            if isinstance(result, Crash):
                again.append(position)
            else:
                yield position, result
        for position in sorted(again):
            yield from self._all([(position, tasks[position])], 1)

    def close(self) -> None:
        """Let the workers finish what they are doing, and end them."""
        with self._lock:
            self._closed = True
            self._waiting.clear()
            processes = list(self._processes)
            idle, self._idle = self._idle, []
        for worker in idle:
            worker.end()
        for process in processes:
            try:
                process.wait(END_S)
            except subprocess.TimeoutExpired:
                process.kill()

    def _all(self, tasks: list[tuple[int, Task]], jobs: int) -> Iterator[tuple[int, Result]]:
        with self._lock:
            self._waiting = tasks[::-1]
        for number in range(min(jobs, len(tasks))):
            threading.Thread(target=self._feed, name=f"batch-{number}", daemon=True).start()
        for _ in tasks:
            position, result = self._results.get()
            if isinstance(result, Refusal):
                raise BatchError(result.reason)
            if isinstance(result, Exception):
                raise BatchError(f"a worker cannot be run: {type(result).__name__}: {result}") from result
            yield position, result

    def _feed(self) -> None:
        """Keep one worker at work, and replace it when it dies or has grown."""
        worker: _Worker | None = None
        while (task := self._take()) is not None:
            try:
                worker = self._started() if worker is None else worker
                reply = worker.do(task[1])
            except Exception as error:  # noqa: BLE001  (raised again where the results are waited for)
                self._results.put((task[0], error))
                break
            reason = ""
            if reply is None or worker.is_worn:
                reason = self._ended(worker)
                worker = None
            self._results.put((task[0], Crash(reason=reason) if reply is None else reply))
        if worker is not None:
            self._keep(worker)

    def _take(self) -> tuple[int, Task] | None:
        with self._lock:
            return self._waiting.pop() if self._waiting and not self._closed else None

    def _started(self) -> _Worker:
        """Take a worker that has nothing to do, or a new one."""
        with self._lock:
            if self._idle:
                return self._idle.pop()
        worker = _Worker(self._settings)
        with self._lock:
            self._processes.add(worker.process)
        return worker

    def _keep(self, worker: _Worker) -> None:
        """Keep a worker for the next tasks; starting one costs a second."""
        with self._lock:
            if not self._closed:
                self._idle.append(worker)
                return
        self._ended(worker)

    def _ended(self, worker: _Worker) -> str:
        reason = worker.end()
        with self._lock:
            self._processes.discard(worker.process)
        return reason


class _Worker:
    """A process and the pipes to it."""

    def __init__(self, settings: Settings) -> None:
        self.process = subprocess.Popen(
            # -P: the folder in which this happens to run is no place to import from.
            [sys.executable, "-P", "-m", "soleus.batch.worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=os.environ | SINGLE_THREADED,
        )
        self._tasks = cast("BinaryIO", self.process.stdin)
        self._replies = cast("BinaryIO", self.process.stdout)
        self._done = 0
        self._peak_bytes = 0
        self._send(msgspec.msgpack.encode(settings))

    @property
    def is_worn(self) -> bool:
        """Whether a fresh process should take its place."""
        return self._done >= RECYCLE_TASKS or self._peak_bytes > RECYCLE_BYTES

    def do(self, task: Task) -> Reply | None:
        """Do a task; ``None`` if the process died over it."""
        if not self._send(msgspec.msgpack.encode(task)):
            return None
        message = receive(self._replies)
        if message is None:
            return None
        reply = msgspec.msgpack.decode(message, type=Reply)
        self._done += 1
        if isinstance(reply, Outcome):
            self._peak_bytes = max(self._peak_bytes, reply.peak_bytes)
        return cast("Reply", reply)

    def end(self) -> str:
        """Close the pipes, wait for the process and tell how it ended."""
        for pipe in (self._tasks, self._replies):
            try:
                pipe.close()
            except OSError:
                continue
        try:
            code = self.process.wait(END_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            code = self.process.wait()
        return _how_it_ended(code)

    def _send(self, message: bytes) -> bool:
        try:
            send(self._tasks, message)
        except OSError:
            return False
        return True


def _how_it_ended(code: int) -> str:
    if code >= 0:
        return f"its process ended with status {code}, twice"
    try:
        name = signal.Signals(-code).name
    except ValueError:
        name = str(-code)
    hint = "; perhaps the memory was too small" if name == "SIGKILL" else ""
    return f"its process was ended by {name}, twice{hint}"
