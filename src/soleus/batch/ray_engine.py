"""Many machines by Ray: core tasks, each a batch of items, whose results go straight to the dataset.

https://docs.ray.io/en/latest/ray-core/tasks/fault-tolerance.html
"""

from __future__ import annotations

import contextlib
import logging
import os
import warnings
from collections.abc import Iterator, Sequence
from typing import Any, Final

import msgspec

from soleus.batch.errors import BatchError
from soleus.batch.item import Outcome, Settings, Task
from soleus.batch.work import SINGLE_THREADED, Crash, Result, use_one_core, work

AT_ONCE_MOST: Final = 25
"""Items of a task: some seconds of work, so that Ray's own millisecond a task does not count."""
SHARE: Final = 4
"""Tasks a core at least, so that none waits long for the last."""
RETRIES: Final = 3
"""How often Ray does a task again whose worker was lost; the outputs are the same, so nothing is counted twice."""
STORE_BYTES: Final = 80 * 2**20
"""Object store of a local cluster: only records travel."""


class RayEngine:
    """Tasks on a Ray cluster.

    Parameters
    ----------
    settings
        Of the run; the dataset must be a place that all machines reach.
    jobs
        Cores of a local cluster; all unless told.
    address
        Of a running cluster, such as ``auto`` or ``ray://head:10001``; a local one is started without.

    Raises
    ------
    BatchError
        If Ray is not installed or the cluster cannot be reached.
    """

    def __init__(self, settings: Settings, jobs: int | None = None, address: str | None = None) -> None:
        # Before Ray is imported: nothing is told to anybody.
        os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
        os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
        try:
            import ray
        except ImportError as error:
            raise BatchError("--engine ray: Ray is not installed; pip install 'soleus[ray]'") from error
        self._ray: Any = ray
        self._settings = settings
        self._started = not ray.is_initialized()
        if self._started:
            self._start(jobs, address)
        self._do = ray.remote(max_retries=RETRIES, num_cpus=1, scheduling_strategy="SPREAD")(do_batch)
        self._cores = max(1, int(self._ray.cluster_resources().get("CPU", 1)))

    def run(self, tasks: list[Task]) -> Iterator[tuple[int, Result]]:
        """Do tasks; give each one's position with what came of it, as they come.

        Raises
        ------
        BatchError
            If the cluster is lost, or the dataset cannot be written.
        """
        size = max(1, min(AT_ONCE_MOST, -(-len(tasks) // (self._cores * SHARE))))
        parts = [list(range(start, min(start + size, len(tasks)))) for start in range(0, len(tasks), size)]
        alone: list[int] = []
        for part, result in self._batches(tasks, parts):
            if isinstance(result, Crash):
                alone += part
            else:
                yield from zip(part, result, strict=True)
        # Whatever kills a worker again and again must not take the others of its batch with it.
        for part, result in self._batches(tasks, [[position] for position in sorted(alone)]):
            yield part[0], result if isinstance(result, Crash) else result[0]

    def close(self) -> None:
        """Leave the cluster; end it if it was started for this."""
        if self._started:
            with contextlib.suppress(Exception):
                self._ray.shutdown()

    def _batches(
        self, tasks: list[Task], parts: list[list[int]]
    ) -> Iterator[tuple[list[int], Sequence[Outcome] | Crash]]:
        settings = self._ray.put(msgspec.msgpack.encode(self._settings))
        waiting = {
            self._do.remote([msgspec.msgpack.encode(tasks[position]) for position in part], settings): part
            for part in parts
        }
        while waiting:
            ready, _ = self._ray.wait(list(waiting), num_returns=1)
            for reference in ready:
                yield waiting.pop(reference), self._result(reference)

    def _result(self, reference: Any) -> Sequence[Outcome] | Crash:  # noqa: ANN401
        errors = self._ray.exceptions
        try:
            replies = self._ray.get(reference)
        except (errors.WorkerCrashedError, errors.OutOfMemoryError, errors.NodeDiedError) as error:
            first = " ".join(str(error).split())[:200]
            return Crash(reason=f"its process died, {RETRIES + 1} times ({type(error).__name__}: {first})")
        except errors.RayTaskError as error:
            cause = getattr(error, "cause", None)
            raise BatchError(str(cause) if isinstance(cause, BatchError) else f"Ray: {error}") from error
        except errors.RayError as error:
            raise BatchError(f"Ray: {' '.join(str(error).split())[:300]}") from error
        return [msgspec.msgpack.decode(reply, type=Outcome) for reply in replies]

    def _start(self, jobs: int | None, address: str | None) -> None:
        local: dict[str, Any] = {"num_cpus": jobs, "object_store_memory": STORE_BYTES, "include_dashboard": False}
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # Ray's own, of settings to come
                self._ray.init(
                    address=address or "local",
                    log_to_driver=False,
                    logging_level=logging.ERROR,
                    runtime_env={"env_vars": SINGLE_THREADED} if address else None,
                    **({} if address else local),
                )
        except (ConnectionError, RuntimeError, ValueError, OSError, TimeoutError) as error:
            raise BatchError(
                f"--address {address or 'local'}: no Ray cluster: {' '.join(str(error).split())}"
            ) from error


def do_batch(messages: list[bytes], settings: bytes) -> list[bytes]:
    """Do some tasks in a worker of Ray."""
    use_one_core()
    known = msgspec.msgpack.decode(settings, type=Settings)
    return [msgspec.msgpack.encode(work(msgspec.msgpack.decode(message, type=Task), known)) for message in messages]
