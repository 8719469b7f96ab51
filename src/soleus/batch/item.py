"""What goes through a batch: an item to analyse, how, and what came of it. All of it travels as msgpack."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from typing import Any, Final, Literal
from urllib.parse import quote

import msgspec

from soleus.history import SessionEntry
from soleus.model import PainTold, Runner
from soleus.recording import SessionRecord

NO_VALUE: Final = "__HIVE_DEFAULT_PARTITION__"
"""Partition of what is not known, as Hive, Spark and pyarrow have it: it reads back as null."""
DIGEST_HEX: Final = 32
"""Length of keys: 128 bits, so that no two of 10^13 sessions share one."""
BUCKET_HEX: Final = 3
"""Length of a bucket's name: 4096 buckets of runners, of which each shard takes its own."""

FailureKind = Literal["unreadable", "system", "crashed", "error", "rules"]
"""``unreadable``: the recording cannot be used. ``system``: disk or network. ``crashed``: its process died, twice.
``error``: the program failed. ``rules``: steps were found, but the rules could not be applied."""


class Item(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One recording to analyse.

    Attributes
    ----------
    key
        What its outputs are named by: the same for the same place, whatever lies there.
    source
        The place in words, without access keys.
    addresses
        A session folder or file; or two files, one of each foot.
    files
        Files below a folder, by name, for places that must be copied to this machine first.
    fingerprint
        Changes when the recording changes.
    runner
        Name of the runner, as known before the recording is read; empty if unknown.
    measures
        Fields of :class:`soleus.model.Runner` that go before those of the recording.
    only_measures
        Whether the recording's own measures are left aside.
    start_s
        Start [s since 1970 UTC], in place of the recording's own.
    only_day
        Whether of the start the day only is known.
    belt_speed_mps, grade
        A treadmill of constant speed and grade, in place of the recording's own.
    profile, foot
        As in :func:`soleus.recording.open_recording`.
    """

    key: str
    source: str
    addresses: tuple[str, ...]
    files: tuple[str, ...] = ()
    fingerprint: str
    runner: str = ""
    measures: dict[str, Any] = {}
    only_measures: bool = False
    start_s: float | None = None
    only_day: bool = False
    belt_speed_mps: float | None = None
    grade: float = 0.0
    profile: str | None = None
    foot: Literal["left", "right"] | None = None

    @property
    def bucket(self) -> str:
        """The bucket of its runner."""
        return bucket_of(self.runner, self.key)


class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What holds for a whole run.

    Attributes
    ----------
    out
        Address of the dataset.
    run
        Name of the run, in the names of its temporary files.
    gait_key, rules_key
        Change when the way from samples to steps, or from steps to warnings, changes.
    own_rules
        Texts of rule files beside the rules that come with Soleus.
    reports
        Whether to write a report of each session.
    """

    out: str
    run: str
    gait_key: str
    rules_key: str
    own_rules: tuple[str, ...] = ()
    reports: bool = False


class Failure(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Why an item has no steps, or no warnings."""

    kind: FailureKind
    reason: str


class ItemRecord(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What the dataset keeps of an item beside its tables; once it is there the item is done.

    Attributes
    ----------
    key, source
        As in :class:`Item`.
    runner
        Who ran; of an item that failed the name only.
    input_key
        Changes when the item must be analysed again.
    start_s, only_day
        When the session started [s since 1970 UTC], if known.
    row
        Its row of the summary, but for what the rules say.
    entry
        What the history keeps of it; ``None`` without a runner's name, a start, or steps.
    session
        What a report tells of the recording.
    pains
        Pain that the runner told during the run.
    failure
        Why there is nothing else.
    """

    key: str
    source: str
    runner: Runner
    input_key: str
    start_s: float | None = None
    only_day: bool = False
    row: dict[str, Any] = {}
    entry: SessionEntry | None = None
    session: SessionRecord | None = None
    pains: tuple[PainTold, ...] = ()
    failure: Failure | None = None

    @property
    def bucket(self) -> str:
        """The bucket of its runner."""
        return bucket_of(self.runner.name, self.key)

    @property
    def partition(self) -> str:
        """Its folder within a table of the dataset."""
        return partition_of(self.runner.name, self.start_s)


HistoryState = Literal["used", "first", "no runner", "no date", "no steps"]
"""Whether a session was compared with those before it, and if not, why."""


class Verdict(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What came of the rules for a session.

    Attributes
    ----------
    key
        As in :class:`Item`.
    chain
        Changes when the session, one before it, or the rules change.
    history, history_sessions
        What was compared with, and how many sessions it were.
    warnings
        Warnings by severity.
    report
        The report's place within the dataset, if there is one.
    failure
        Why there are no warnings.
    """

    key: str
    chain: str
    history: HistoryState
    history_sessions: int = 0
    warnings: dict[str, int] = {}
    report: str | None = None
    failure: Failure | None = None


class Analyse(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, tag="analyse"):
    """Find the steps of an item."""

    item: Item


class Conclude(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, tag="conclude"):
    """Apply the rules to some sessions of one runner.

    Attributes
    ----------
    bucket
        Of the runner.
    ordered
        Keys of all the runner's sessions in the history, by start; or of one session without a history.
    todo
        Those of them to be done, with the chain of each.
    """

    bucket: str
    ordered: tuple[str, ...]
    todo: dict[str, str]


Task = Analyse | Conclude


class Outcome(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, tag="outcome"):
    """What came of a task.

    Attributes
    ----------
    record
        Of an item.
    verdicts
        Of the sessions of a runner.
    spent_s, cpu_s
        How long it took, and how long of this a core was at it [s].
    pid, peak_bytes
        Which process did it, and the most memory this process had so far [bytes].
    """

    record: ItemRecord | None = None
    verdicts: tuple[Verdict, ...] = ()
    spent_s: float = 0.0
    cpu_s: float = 0.0
    pid: int = 0
    peak_bytes: int = 0


def digest(*parts: object) -> str:
    """Give a name to plain facts: the same for the same, another for any other.

    Examples
    --------
    >>> digest("a", 1) == digest("a", 1), digest("a", 1) == digest("a1"), len(digest())
    (True, False, 32)
    """
    data = msgspec.json.encode(parts, order="deterministic")
    return hashlib.blake2b(data, digest_size=DIGEST_HEX // 2).hexdigest()


def bucket_of(runner: str, key: str) -> str:
    """Tell in which bucket a session is kept: all of one runner in the same, those of nobody by themselves.

    Examples
    --------
    >>> bucket_of("Ada", "1") == bucket_of("Ada", "2"), len(bucket_of("", "1"))
    (True, 3)
    """
    return digest("runner", runner)[:BUCKET_HEX] if runner else digest("session", key)[:BUCKET_HEX]


def partition_of(runner: str, start_s: float | None) -> str:
    """Give the hive partition of a session.

    Examples
    --------
    >>> partition_of("Ada/B.", 1.7e9), partition_of("", None)
    ('runner=Ada%2FB./date=2023-11-14', 'runner=__HIVE_DEFAULT_PARTITION__/date=__HIVE_DEFAULT_PARTITION__')
    """
    date = NO_VALUE if start_s is None else datetime.fromtimestamp(start_s, UTC).date().isoformat()
    return f"runner={quote(runner, safe='') or NO_VALUE}/date={date}"
