"""No other process: tasks one after the other, in this one."""

from __future__ import annotations

from collections.abc import Iterator

from soleus.batch.dataset import Dataset
from soleus.batch.item import Settings, Task
from soleus.batch.work import Result, work


class Inline:
    """Do tasks here; for notebooks, and file systems that only this process has.

    Parameters
    ----------
    settings
        Of the run.
    dataset
        Where the results go.
    """

    def __init__(self, settings: Settings, dataset: Dataset) -> None:
        self._settings = settings
        self._dataset = dataset

    def run(self, tasks: list[Task]) -> Iterator[tuple[int, Result]]:
        """Do tasks in their order."""
        for position, task in enumerate(tasks):
            yield position, work(task, self._settings, self._dataset)

    def close(self) -> None:
        """Do nothing: there is no process to end."""
