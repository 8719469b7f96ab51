"""A whole batch: find what is missing, have it done, and put the tables over all sessions together."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

import msgspec

from soleus.batch.compact import compact
from soleus.batch.conclude import conclusions
from soleus.batch.dataset import ITEMS, Dataset
from soleus.batch.errors import BatchError
from soleus.batch.inline import Inline
from soleus.batch.item import Analyse, Conclude, Failure, Item, ItemRecord, Settings, Verdict, digest
from soleus.batch.places import Place
from soleus.batch.plan import Request, buckets_of, find_items, settings_of
from soleus.batch.pool import Pool
from soleus.batch.process import input_key
from soleus.batch.ray_engine import RayEngine
from soleus.batch.runs import clean, others_running, running
from soleus.batch.work import Crash, Engine, Result
from soleus.model import Runner


@dataclass(slots=True)
class Progress:
    """How far a batch is.

    Attributes
    ----------
    stage
        ``looking``, ``steps``, ``rules`` or ``tables``.
    done, total
        Items or sessions of this stage.
    failed
        Items that failed so far.
    recorded_s
        Length of the recordings analysed so far [s].
    pid
        The process that finished last.
    """

    stage: Literal["looking", "steps", "rules", "tables"] = "looking"
    done: int = 0
    total: int = 0
    failed: int = 0
    recorded_s: float = 0.0
    pid: int = 0


@dataclass(slots=True)
class Report:
    """What a batch did.

    Attributes
    ----------
    out
        The dataset.
    found
        Recordings found, of this shard.
    analysed, up_to_date
        Those whose steps were found now, and those that were there already.
    concluded
        Sessions to which the rules were applied now.
    failed
        Path and reason of what failed, of those found.
    sessions
        Sessions in the whole dataset, if the tables over all were written.
    removed
        Files of killed runs that were removed.
    recorded_s, spent_s, cpu_s
        Length of the recordings analysed now; work of all processes, and time of cores in it [s].
    peak_bytes
        Most memory of a process that did the work [bytes].
    """

    out: str = ""
    found: int = 0
    analysed: int = 0
    up_to_date: int = 0
    concluded: int = 0
    failed: list[tuple[str, Failure]] = field(default_factory=list)
    sessions: int | None = None
    removed: int = 0
    recorded_s: float = 0.0
    spent_s: float = 0.0
    cpu_s: float = 0.0
    peak_bytes: int = 0


def run_batch(request: Request, on_progress: Callable[[Progress], None] = lambda _: None) -> Report:
    """Analyse many recordings into a dataset, doing only what is missing.

    Parameters
    ----------
    request
        What to do.
    on_progress
        Told whenever something is done.

    Raises
    ------
    BatchError
        If there is nothing to do, an option is wrong, or the dataset cannot be written.
    soleus.recording.RecordingError, soleus.rules.RuleError
        If the runner's file or a rule file is wrong.

    Examples
    --------
    >>> import tempfile
    >>> from soleus.recording import write_session
    >>> from soleus.simulate import Bout, Scenario, simulate
    >>> run = Scenario(name="short", bouts=(Bout(kind="run", speed_mps=3.0, duration_s=20),))
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     _ = write_session(simulate(run).recording, f"{folder}/season/run1")
    ...     report = run_batch(Request((f"{folder}/season",), f"{folder}/out", engine="inline"))
    ...     again = run_batch(Request((f"{folder}/season",), f"{folder}/out", engine="inline"))
    >>> report.analysed, report.failed, again.analysed, again.up_to_date
    (1, [], 0, 1)
    """
    settings = settings_of(request)
    place = Place.parse(request.out)
    with running(place, digest(settings.gait_key, settings.rules_key, settings.reports)) as dataset:
        return _Batch(request, msgspec.structs.replace(settings, run=dataset.run), dataset, on_progress).run()


def merge(out: str) -> Report:
    """Put the tables over all sessions together, after the last shard; and remove what belongs to no session.

    Parameters
    ----------
    out
        The dataset.

    Raises
    ------
    BatchError
        If there is nothing, or a run is writing there still.
    """
    place = Place.parse(out)
    with running(place, digest("merge")) as dataset:
        if not (place / ITEMS).below():
            raise BatchError(f"{place.shown}: no session there; run the shards first, with the same --out")
        removed = clean(dataset)
        counts = compact(dataset, sweep=True)
    return Report(out=place.shown, sessions=counts.sessions, failed=counts.failures, removed=removed)


class _Batch:
    """One run, step by step."""

    def __init__(
        self, request: Request, settings: Settings, dataset: Dataset, on_progress: Callable[[Progress], None]
    ) -> None:
        self.request = request
        self.settings = settings
        self.dataset = dataset
        self.told = on_progress
        self.progress = Progress()
        self.report = Report(out=dataset.place.shown)

    def run(self) -> Report:
        """Do it."""
        self.told(self.progress)
        self.report.removed = clean(self.dataset)
        items = find_items(self.request, self.dataset.place)
        self.report.found = len(items)
        engine = self._engine()
        try:
            records, verdicts = self.dataset.records(buckets_of(self.request))
            known = self._without_doubles(records)
            self._find_steps(engine, items, known, verdicts)
            self._apply_rules(engine, list(known.values()), verdicts)
        finally:
            engine.close()
        mine = {item.key for item in items}
        self.report.failed = _failures([record for key, record in known.items() if key in mine], verdicts)
        if self.request.shard is None:
            self._step("tables", 1)
            counts = compact(self.dataset, sweep=not others_running(self.dataset))
            self.report.sessions = counts.sessions
        return self.report

    def _engine(self) -> Engine:
        if self.request.engine == "ray":
            return RayEngine(self.settings, self.request.jobs, self.request.address)
        if self.request.engine == "inline":
            return Inline(self.settings, self.dataset)
        return Pool(self.settings, self.request.jobs)

    def _without_doubles(self, records: Sequence[ItemRecord]) -> dict[str, ItemRecord]:
        """Keep one record a key: an item whose runner was renamed has moved to another bucket."""
        known: dict[str, ItemRecord] = {}
        for record in records:
            other = known.get(record.key)
            if other is not None:
                # Which of them is right the item itself tells: if neither fits, it is done again.
                self.dataset.discard(other)
            known[record.key] = record
        return known

    def _find_steps(
        self, engine: Engine, items: Sequence[Item], known: dict[str, ItemRecord], verdicts: dict[str, Verdict]
    ) -> None:
        files = self.dataset.files()
        todo = [item for item in items if self._is_missing(item, known.get(item.key), files)]
        self.report.up_to_date = len(items) - len(todo)
        for record in known.values():
            # A table that somebody removed is written again.
            if record.failure is None and self.dataset.table_place("warnings", record).path not in files:
                verdicts.pop(record.key, None)
        self._step("steps", len(todo))
        for position, result in engine.run([Analyse(item=item) for item in todo]):
            item = todo[position]
            record = self._outcome_record(item, result)
            self._retire(known.get(item.key), record, verdicts)
            known[item.key] = record
            self.report.analysed += record.failure is None
            self.progress.failed += record.failure is not None
            self.progress.recorded_s += float(record.row.get("duration_s") or 0.0)
            self._count(result)

    def _is_missing(self, item: Item, record: ItemRecord | None, files: set[str]) -> bool:
        """Tell whether an item must be analysed; one that failed is always tried again."""
        return (
            self.request.force
            or record is None
            or record.failure is not None
            or record.input_key != input_key(item, self.settings)
            or self.dataset.table_place("steps", record).path not in files
        )

    def _outcome_record(self, item: Item, result: Result) -> ItemRecord:
        if not isinstance(result, Crash) and result.record is not None:
            return result.record
        reason = result.reason if isinstance(result, Crash) else "nothing came of it"
        record = ItemRecord(
            key=item.key,
            source=item.source,
            runner=Runner(name=item.runner),
            input_key=input_key(item, self.settings),
            start_s=item.start_s,
            failure=Failure(kind="crashed", reason=reason),
        )
        self.dataset.write_record(record)
        return record

    def _retire(self, old: ItemRecord | None, new: ItemRecord, verdicts: dict[str, Verdict]) -> None:
        """Remove what an earlier analysis left in another place, or what a failed one has no right to any more."""
        if old is None or old.failure is not None:
            return
        if old.bucket != new.bucket:
            self.dataset.discard(old, verdicts.pop(old.key, None))
        elif new.failure is not None or old.partition != new.partition:
            verdicts.pop(old.key, None)
            self.dataset.discard_tables(old)
            if new.failure is not None:
                self.dataset.report_place(old.key).remove()
                self.dataset.verdict_place(old.bucket, old.key).remove()

    def _apply_rules(self, engine: Engine, records: Sequence[ItemRecord], verdicts: dict[str, Verdict]) -> None:
        tasks = conclusions(records, {} if self.request.force else verdicts, self.settings)
        self._step("rules", sum(len(task.todo) for task in tasks))
        for position, result in engine.run(list[Analyse | Conclude](tasks)):
            task = tasks[position]
            found = _verdicts(task, result)
            if isinstance(result, Crash):
                for verdict in found:
                    self.dataset.write_verdict(task.bucket, verdict)
            verdicts.update({verdict.key: verdict for verdict in found})
            self.report.concluded += sum(verdict.failure is None for verdict in found)
            self.progress.failed += sum(verdict.failure is not None for verdict in found)
            self._count(result, len(task.todo))

    def _step(self, stage: Literal["steps", "rules", "tables"], total: int) -> None:
        self.progress = replace(self.progress, stage=stage, done=0, total=total)
        self.told(self.progress)

    def _count(self, result: Result, done: int = 1) -> None:
        self.progress.done += done
        if not isinstance(result, Crash):
            self.progress.pid = result.pid
            self.report.spent_s += result.spent_s
            self.report.cpu_s += result.cpu_s
            self.report.peak_bytes = max(self.report.peak_bytes, result.peak_bytes)
        self.report.recorded_s = self.progress.recorded_s
        self.told(self.progress)


def _verdicts(task: Conclude, result: Result) -> list[Verdict]:
    """Take the verdicts of a task; those of which there are none have failed."""
    found = {} if isinstance(result, Crash) else {verdict.key: verdict for verdict in result.verdicts}
    failure = (
        Failure(kind="crashed", reason=result.reason)
        if isinstance(result, Crash)
        else Failure(kind="error", reason="its record is gone; run the batch again")
    )
    return [
        found.get(key) or Verdict(key=key, chain=chain, history="no steps", failure=failure)
        for key, chain in task.todo.items()
    ]


def _failures(records: Sequence[ItemRecord], verdicts: Mapping[str, Verdict]) -> list[tuple[str, Failure]]:
    failed = [(record.source, record.failure) for record in records if record.failure is not None]
    for record in records:
        verdict = verdicts.get(record.key)
        if record.failure is None and verdict is not None and verdict.failure is not None:
            failed.append((record.source, verdict.failure))
    return sorted(failed, key=lambda each: each[0])
