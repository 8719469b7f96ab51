"""What a batch is asked to do, and which items that makes."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from soleus.batch.discover import discover, look_at
from soleus.batch.errors import BatchError
from soleus.batch.item import BUCKET_HEX, Item, Settings, digest
from soleus.batch.items import make_item
from soleus.batch.manifest import Told, read_manifest, read_runners
from soleus.batch.own_rules import rule_texts
from soleus.batch.places import Place
from soleus.batch.program import GAIT_ROOMS, RULES_ROOMS, program_key
from soleus.recording import load_runner

BUCKETS: Final = 16**BUCKET_HEX
"""Buckets of runners; a shard takes every N-th."""
EngineName = Literal["pool", "ray", "inline"]


@dataclass(frozen=True, slots=True)
class Request:
    """What a batch is asked to do.

    Attributes
    ----------
    paths
        Where to look, as in :func:`soleus.batch.discover.discover`.
    out
        Folder or URI of the dataset.
    manifest
        A table that names recordings, beside or instead of paths.
    runner
        A runner's file for all recordings.
    runners
        A table of runners, by name.
    rules
        Rule files beside the rules that come with Soleus.
    jobs
        Processes; one a core unless told.
    force
        Do everything anew.
    shard
        Which of how many parts to do, counted from 0.
    engine, address
        What does the work; for Ray, a running cluster.
    reports
        Write a report of each session.
    """

    paths: tuple[str, ...] = ()
    out: str = "."
    manifest: str | None = None
    runner: Path | None = None
    runners: str | None = None
    rules: tuple[Path, ...] = ()
    jobs: int | None = None
    force: bool = False
    shard: tuple[int, int] | None = None
    engine: EngineName = "pool"
    address: str | None = None
    reports: bool = False


def settings_of(request: Request) -> Settings:
    """Check a request, and tell what holds for the whole run.

    Raises
    ------
    BatchError
        If an option is wrong.
    soleus.rules.RuleError
        If a rule file is wrong.
    """
    if request.shard is not None and not (0 <= request.shard[0] < request.shard[1] <= BUCKETS):
        i, n = request.shard
        raise BatchError(f"--shard {i}/{n}: i counts from 0 to N-1, and N is at most {BUCKETS}")
    if not request.paths and request.manifest is None:
        raise BatchError("nothing to do: give folders, files or patterns, or a --manifest")
    if request.address is not None and request.engine != "ray":
        raise BatchError("--address: only Ray has one; give --engine ray, too")
    texts = rule_texts(request.rules)
    return Settings(
        out=Place.parse(request.out).address,
        run="",
        gait_key=program_key(GAIT_ROOMS),
        rules_key=digest(program_key(RULES_ROOMS), texts),
        own_rules=texts,
        reports=request.reports,
    )


def find_items(request: Request, out: Place) -> list[Item]:
    """Find all recordings that are asked for, and keep those of the shard, by place.

    Parameters
    ----------
    request
        What to do.
    out
        The dataset, in which nothing is looked for.

    Raises
    ------
    BatchError
        If there is nothing at a path, or the manifest or the table of runners is wrong.
    soleus.recording.RecordingError
        If the runner's file is wrong.
    """
    runner = load_runner(request.runner) if request.runner is not None else None
    runners = read_runners(Place.parse(request.runners)) if request.runners is not None else {}
    tables = [Place.parse(path) for path in (request.manifest, request.runners) if path is not None]
    items: dict[str, Item] = {}
    for found in discover(request.paths, [out, *tables]):
        item = make_item(found, Told(), runner, runners)
        items[item.key] = item
    if request.manifest is not None:
        for places, told in read_manifest(tables[0]):
            # Of a recording that was found, too, the manifest knows more.
            item = make_item(look_at(places), told, runner, runners)
            items[item.key] = item
    return [item for item in sorted(items.values(), key=lambda each: each.source) if _is_mine(request, item.bucket)]


def buckets_of(request: Request) -> list[str] | None:
    """Name the buckets of a shard; ``None`` for all."""
    if request.shard is None:
        return None
    names = (f"{number:0{BUCKET_HEX}x}" for number in range(BUCKETS))
    return [name for name in names if _is_mine(request, name)]


def _is_mine(request: Request, bucket: str) -> bool:
    return request.shard is None or int(bucket, 16) % request.shard[1] == request.shard[0]
