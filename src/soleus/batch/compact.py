"""The last step of a batch: one table of all sessions, one of all failures, one page over both."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from soleus.batch.dataset import FAILURES_FILE, ITEMS, OVERVIEW_FILE, SUMMARY_FILE, Dataset, parquet_bytes
from soleus.batch.item import Failure, ItemRecord, Verdict
from soleus.batch.tables import failures_table, summary_table

ATTEMPTS: Final = 5
"""How often the tables are written again because another run finished something meanwhile."""


@dataclass(frozen=True, slots=True)
class Counts:
    """What the dataset holds: sessions with steps, and what failed."""

    sessions: int
    failures: list[tuple[str, Failure]]


def compact(dataset: Dataset, *, sweep: bool) -> Counts:
    """Write the tables over all sessions of a dataset.

    Several runs may do so at the same time: whoever writes looks again afterwards, and writes again if another run
    has finished something in between, so that the last to write has seen everything.

    Parameters
    ----------
    dataset
        The dataset.
    sweep
        Remove tables that belong to no session; only when no other run may be about to give them one.

    Raises
    ------
    BatchError
        If it cannot be read or written.
    """
    from soleus.batch.overview import overview_page  # the page's own rooms are not needed by workers

    for _ in range(ATTEMPTS):
        state = _state(dataset)
        records, verdicts = dataset.records()
        records = list({record.key: record for record in records}.values())
        summary, failures = summary_table(records, verdicts), failures_table(records, verdicts)
        place = dataset.place
        (place / SUMMARY_FILE).write(parquet_bytes(summary), dataset.run)
        (place / FAILURES_FILE).write(parquet_bytes(failures), dataset.run)
        page = overview_page(summary, failures)
        (place / OVERVIEW_FILE).write(page.encode(), dataset.run)
        if _state(dataset) == state:
            break
    if sweep:
        _sweep(dataset, records, verdicts)
    listed = [(row["path"], Failure(kind=row["kind"], reason=row["reason"])) for row in failures.to_pylist()]
    return Counts(len(summary), listed)


def _state(dataset: Dataset) -> list[tuple[str, int | None, int | None]]:
    return [(str(info.path), info.size, info.mtime_ns) for info in (dataset.place / ITEMS).below()]


def _sweep(dataset: Dataset, records: list[ItemRecord], verdicts: dict[str, Verdict]) -> None:
    kept = set()
    for record in records:
        if record.failure is None:
            kept |= {dataset.table_place(name, record).path for name in ("steps", "warnings")}
            verdict = verdicts.get(record.key)
            if verdict is not None and verdict.report:
                kept.add(dataset.report_place(record.key).path)
    for path in sorted(dataset.files() - kept):
        dataset.place.at(path).remove()
