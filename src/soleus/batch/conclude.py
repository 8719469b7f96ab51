"""Second pass of a batch: the rules over the steps of a session, with the runner's earlier sessions as its history.

What comes out depends on the sessions of that runner in the dataset only, not on the order in which they were
analysed, nor by which engine or shard: sessions are put in order by their start, then by their key.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Final

import msgspec
import numpy as np

from soleus.batch.dataset import Dataset
from soleus.batch.item import Conclude, HistoryState, ItemRecord, Settings, Verdict, digest
from soleus.batch.own_rules import rules_of
from soleus.batch.process import telling_failures
from soleus.history import SessionEntry, summarize
from soleus.model import SEVERITIES, PainTold, Runner, Steps, Warnings
from soleus.rules import HistorySummary, Rule, RuleEngine

SAME_SHARE: Final = 0.5
"""Sessions of one runner that share more than this of the shorter one are the same run, as in the runner's log."""
AT_ONCE: Final = 25
"""Sessions of a task: enough to make reading the runner's records cheap, few enough to share a runner among cores."""


def conclusions(records: Sequence[ItemRecord], done: Mapping[str, Verdict], settings: Settings) -> list[Conclude]:
    """Tell for which sessions the rules have to be applied.

    Each session has a chain: a digest of the rules, of itself, and of all sessions of its runner before it. Where the
    chain is the one that was worked with, nothing has changed.

    Parameters
    ----------
    records
        All items of the dataset that are complete with their runners.
    done
        What the rules gave so far, by key.
    settings
        Of this run.

    Examples
    --------
    >>> settings = Settings(out="", run="", gait_key="", rules_key="1")
    >>> alone = ItemRecord(key="k", source="a.csv", runner=Runner(), input_key="i")
    >>> task, = conclusions([alone], {}, settings)
    >>> verdict = Verdict(key="k", chain=task.todo["k"], history="no runner")
    >>> conclusions([alone], {"k": verdict}, settings)
    []
    """
    tasks: list[Conclude] = []
    runners: dict[str, list[ItemRecord]] = {}
    first = digest("rules", settings.rules_key, settings.reports)
    for record in records:
        if record.failure is not None:
            continue
        if record.entry is not None:
            runners.setdefault(record.runner.name, []).append(record)
        elif not _is_done(done.get(record.key), chain := digest(first, record.key, record.input_key)):
            tasks.append(Conclude(bucket=record.bucket, ordered=(record.key,), todo={record.key: chain}))
    for name in sorted(runners):
        chain = first
        mine = sorted(runners[name], key=lambda record: (record.start_s, record.key))
        todo: dict[str, str] = {}
        for record in mine:
            chain = digest(chain, record.key, record.input_key)
            if not _is_done(done.get(record.key), chain):
                todo[record.key] = chain
        keys = list(todo)
        ordered = tuple(record.key for record in mine)
        tasks += [
            Conclude(bucket=mine[0].bucket, ordered=ordered, todo={key: todo[key] for key in keys[i : i + AT_ONCE]})
            for i in range(0, len(keys), AT_ONCE)
        ]
    return tasks


def _is_done(verdict: Verdict | None, chain: str) -> bool:
    return verdict is not None and verdict.failure is None and verdict.chain == chain


def conclude(task: Conclude, settings: Settings, dataset: Dataset) -> tuple[Verdict, ...]:
    """Apply the rules to some sessions of a runner and write the warnings; whatever goes wrong is told in the verdict.

    Raises
    ------
    BatchError
        If the dataset cannot be written.
    """
    records = dataset.read_records(task.bucket, task.ordered)
    ordered = [records[key] for key in task.ordered if key in records]
    entries = [record.entry for record in ordered if record.entry is not None]
    rules = rules_of(settings.own_rules)
    verdicts = []
    for record in ordered:
        if record.key in task.todo:
            verdict = _verdict(record, task.todo[record.key], entries, rules, settings, dataset)
            dataset.write_verdict(record.bucket, verdict)
            verdicts.append(verdict)
    return tuple(verdicts)


def _verdict(
    record: ItemRecord,
    chain: str,
    entries: Sequence[SessionEntry],
    rules: Sequence[Rule],
    settings: Settings,
    dataset: Dataset,
) -> Verdict:
    state, earlier, history = _history(record, entries)
    verdict = Verdict(key=record.key, chain=chain, history=state, history_sessions=len(earlier))
    report = None
    with telling_failures() as failures:
        steps = Steps.from_arrow(dataset.read_table("steps", record, record.input_key))
        warnings = judge(steps, record.runner, rules, history, record.pains)
        if settings.reports:
            report = _report(record, steps, warnings, history)
    if failures:
        failure = failures[0]
        kind = "rules" if failure.kind == "unreadable" else failure.kind
        return msgspec.structs.replace(verdict, failure=msgspec.structs.replace(failure, kind=kind))
    dataset.write_table("warnings", record, warnings.to_arrow(), record.input_key)
    if report is not None:
        dataset.report_place(record.key).write(report, dataset.run)
    counts = np.bincount(warnings["severity"], minlength=len(SEVERITIES)).tolist()
    return msgspec.structs.replace(
        verdict,
        warnings=dict(zip(SEVERITIES, counts, strict=True)),
        report=None if report is None else f"reports/{record.key}.html",
    )


def _report(record: ItemRecord, steps: Steps, warnings: Warnings, history: HistorySummary | None) -> bytes | None:
    if record.session is None:
        return None
    from soleus.report.course import course_of
    from soleus.report.run import Run
    from soleus.report.session_page import session_page

    run = Run(record.source.rstrip("/").rpartition("/")[2], steps, warnings, record.session)
    return session_page(run, course_of(run.steps, run.name), history)


def _history(
    record: ItemRecord, entries: Sequence[SessionEntry]
) -> tuple[HistoryState, list[SessionEntry], HistorySummary | None]:
    if record.entry is None or record.start_s is None:
        state: HistoryState = (
            "no runner" if not record.runner.name else "no date" if record.start_s is None else "no steps"
        )
        return state, [], None
    earlier = earlier_sessions(entries, record.entry)
    at = datetime.fromtimestamp(record.start_s, UTC)
    return "used" if earlier else "first", earlier, summarize(earlier, (), at, record.runner)


def earlier_sessions(entries: Sequence[SessionEntry], mine: SessionEntry) -> list[SessionEntry]:
    """Take the sessions that started before one, each run once.

    Of two recordings of the same run - two devices, a copy under another name - the first in order counts; another
    recording of the run in question itself is no earlier session.

    Parameters
    ----------
    entries
        All sessions of the runner, by start and key.
    mine
        The one in question.

    Examples
    --------
    >>> run = SessionEntry(id="1" * 32, kind="pods", start_s=0.0, time_s=600.0)
    >>> copy, later = (msgspec.structs.replace(run, id=n * 32, start_s=s) for n, s in (("2", 1.0), ("3", 9e4)))
    >>> [entry.id[0] for entry in earlier_sessions([run, copy, later], later)]
    ['1']
    >>> earlier_sessions([run, copy, later], copy)
    []
    """
    kept: list[SessionEntry] = []
    for entry in entries:
        if entry.start_s >= mine.start_s:
            break
        # They are in order: an overlap is with one of the last, at most a session's length back.
        if not _same_run(entry, mine) and not any(_same_run(entry, other) for other in kept[-OVERLAP_LOOK_BACK:]):
            kept.append(entry)
    return kept


OVERLAP_LOOK_BACK: Final = 8
"""Sessions looked back for the same run: a run is hardly recorded by more devices at once."""


def _same_run(one: SessionEntry, other: SessionEntry) -> bool:
    if "day" in {one.precision, other.precision}:
        return False
    shared_s = min(one.end_s, other.end_s) - max(one.start_s, other.start_s)
    return shared_s > SAME_SHARE * min(one.time_s, other.time_s)


def judge(
    steps: Steps,
    runner: Runner,
    rules: Sequence[Rule],
    history: HistorySummary | None,
    pains: Sequence[PainTold] = (),
) -> Warnings:
    """Apply rules to the steps of a whole session, as :class:`soleus.pipeline.Pipeline` does while they come.

    Parameters
    ----------
    steps, runner, rules, history
        As there.
    pains
        Pain that was told during the run, in order.
    """
    engine = RuleEngine(runner, rules, history)
    # Before the first step the rules speak of the runner's history.
    said = [engine.push(Steps.empty())]
    done = 0
    waiting = list(pains)
    while waiting and waiting[0].after_steps < len(steps):
        pain = waiting.pop(0)
        cut = max(done, pain.after_steps)
        said += [engine.push(steps.select(slice(done, cut))), engine.tell_pain(pain.time_s, pain.rating)]
        done = cut
    said.append(engine.push(steps.select(slice(done, None))))
    said += [engine.tell_pain(pain.time_s, pain.rating) for pain in waiting]
    return Warnings.concat([*said, engine.finish()])
