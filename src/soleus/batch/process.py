"""The unit of a batch: one recording in, its steps and its row of the summary out.

The same function runs in every process of a pool, every task of Ray, every shard and every Spark executor.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, Final

import msgspec

from soleus.batch.dataset import Dataset
from soleus.batch.errors import BatchError
from soleus.batch.item import Failure, Item, ItemRecord, Settings, digest
from soleus.batch.session import Result, analyze
from soleus.batch.staging import on_this_machine
from soleus.batch.summary import Summary, summarize
from soleus.history import HistoryError, SessionEntry, session_entry
from soleus.model import Belt, Foot, PainTold, Runner, Steps
from soleus.recording import RecordingError, RecordingReader, SessionRecord, open_recording, session_record

NAME_MOST: Final = 200
"""Longest name of a runner: it becomes the name of a folder."""


def input_key(item: Item, settings: Settings) -> str:
    """Tell what the steps of an item rest on: the recording, what is told of it, and the program.

    Examples
    --------
    >>> item = Item(key="k", source="a", addresses=("/a",), fingerprint="1")
    >>> new, old = (Settings(out="o", run="r", gait_key=version, rules_key="") for version in ("2", "1"))
    >>> input_key(item, new) == input_key(item, old)
    False
    """
    return digest(settings.gait_key, msgspec.to_builtins(msgspec.structs.replace(item, addresses=(), files=())))


def find_steps(item: Item, settings: Settings) -> tuple[ItemRecord, Steps]:
    """Find the steps of one recording; nothing is written.

    Raises
    ------
    soleus.recording.RecordingError
        If the recording cannot be read.
    BatchError
        If it cannot be copied to this machine, or the runner's name is too long.
    """
    with on_this_machine(item) as paths:
        belt = None if item.belt_speed_mps is None else Belt.constant(item.belt_speed_mps, item.grade)
        whole = paths if len(paths) > 1 else paths[0]
        with open_recording(whole, profile=item.profile, foot=item.foot, belt=belt) as reader:
            runner = _runner(item, reader)
            start_s = _start_s(item, reader)
            result = analyze(reader, runner=runner, rules=())
            pains = tuple(each for each in reader.happened if isinstance(each, PainTold))
    summary = summarize(result, item.source)
    entry = _entry(item, runner, start_s, result.step_rows)
    record = ItemRecord(
        key=item.key,
        source=item.source,
        runner=runner,
        input_key=input_key(item, settings),
        start_s=start_s,
        only_day=item.only_day,
        row=_row(summary),
        entry=entry,
        session=_session(result, summary, item, start_s),
        pains=pains,
    )
    return record, result.step_rows


def process(item: Item, settings: Settings, dataset: Dataset) -> ItemRecord:
    """Find the steps of one recording and put them into the dataset; whatever goes wrong is told in the record.

    Steps first, then the record that makes them count: a run that is killed in between leaves nothing half done.

    Raises
    ------
    BatchError
        If the dataset cannot be written: then no other item can succeed either.
    """
    failed = ItemRecord(
        key=item.key, source=item.source, runner=Runner(name=item.runner[:NAME_MOST]),
        input_key=input_key(item, settings), start_s=item.start_s, only_day=item.only_day,
    )  # fmt: skip
    with telling_failures() as failures:
        record, steps = find_steps(item, settings)
    if failures:
        record = msgspec.structs.replace(failed, failure=failures[0])
    else:
        dataset.write_table("steps", record, steps.to_arrow(), record.input_key)
    dataset.write_record(record)
    return record


@contextlib.contextmanager
def telling_failures() -> Iterator[list[Failure]]:
    """Turn whatever goes wrong into a failure, so that one bad file never stops the rest."""
    failures: list[Failure] = []
    try:
        yield failures
    except (RecordingError, BatchError) as error:
        failures.append(Failure(kind="unreadable", reason=_sentence(error)))
    except MemoryError:
        failures.append(Failure(kind="system", reason="too large for this machine's memory; cut it into parts"))
    except OSError as error:
        failures.append(Failure(kind="system", reason=f"{error.filename or 'system'}: {error.strerror or error}"))
    except Exception as error:  # noqa: BLE001  (the rest must go on; the kind of error is named)
        failures.append(Failure(kind="error", reason=f"{type(error).__name__}: {_sentence(error)}"))


def _sentence(error: Exception) -> str:
    return " ".join(str(error).split())


def _runner(item: Item, reader: RecordingReader) -> Runner:
    known: dict[str, Any] = {} if item.only_measures else msgspec.structs.asdict(reader.runner)
    if len(item.runner) > NAME_MOST:
        raise BatchError(f"{item.source}: the runner's name is longer than {NAME_MOST} letters; shorten it")
    return Runner(**{**known, **item.measures, "name": item.runner})


def _start_s(item: Item, reader: RecordingReader) -> float | None:
    if item.start_s is not None:
        return item.start_s
    return None if reader.start_utc is None else reader.start_utc.timestamp()


def _entry(item: Item, runner: Runner, start_s: float | None, steps: Steps) -> SessionEntry | None:
    """Sum the session up for the history of its runner, if it can have a place there."""
    if not runner.name or start_s is None or not len(steps):
        return None
    start = datetime.fromtimestamp(start_s, UTC)
    try:
        entry = session_entry(steps, runner, start, identity=item.key, name=runner.name, source=item.source)
        entry = msgspec.structs.replace(entry, precision="day" if item.only_day else "second")
        return msgspec.convert(msgspec.to_builtins(entry), SessionEntry)
    except (HistoryError, msgspec.ValidationError):
        return None  # longer than a week, or before 1970: the summary says that it was not compared


def _session(result: Result, summary: Summary, item: Item, start_s: float | None) -> SessionRecord:
    said = {"belt_speed_mps": item.belt_speed_mps, "grade": item.grade, "profile": item.profile, "foot": item.foot}
    return session_record(
        result.pods,
        {Foot(foot): count for foot, count in result.samples.items()},
        runner=result.runner,
        start_utc=None if start_s is None else datetime.fromtimestamp(start_s, UTC),
        source=item.source,
        notes=result.notes,
        configuration={"batch": {name: value for name, value in said.items() if value}},
        quality=summary.quality_counts(),
    )


def _row(summary: Summary) -> dict[str, Any]:
    """Give the columns of the summary that rest on the steps."""
    feet = summary.feet.values()
    row: dict[str, Any] = {
        "duration_s": summary.duration_s,
        "steps": summary.steps,
        "running_steps": summary.running_steps,
        "walking_steps": summary.walking_steps,
        "running_s": summary.running_s,
        "walking_s": summary.walking_s,
        "feet": ",".join(summary.feet),
        "samples": sum(foot.samples for foot in feet),
        "lost_samples": sum(foot.lost for foot in feet),
        "repaired_samples": sum(foot.bridged + foot.repaired for foot in feet),
        "dropped_samples": sum(foot.bad_time + foot.unusable_rate for foot in feet),
        "clipped_samples": sum(foot.clipped + foot.saturated for foot in feet),
        "rejected_swings": sum(foot.rejected_swings for foot in feet),
        "mean_quality": summary.mean_quality,
        "medians_of": summary.medians_of,
        "notes": " | ".join(summary.notes),
    }
    for metric in summary.metrics:
        row[metric.name] = metric.both
        row[f"{metric.name}_left"] = metric.left
        row[f"{metric.name}_right"] = metric.right
    return row
