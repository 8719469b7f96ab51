"""``soleus batch``: many recordings in, one dataset out."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal

from cyclopts import Parameter, validators

from soleus.cli.errors import UsageError

if TYPE_CHECKING:
    from rich.console import Console

    from soleus.batch.run import Progress, Report

FAILURES_SHOWN: Final = 20
"""Failures told one by one; failures.parquet has them all."""
STAGES: Final = {
    "looking": "Looking for recordings",
    "steps": "Finding steps",
    "rules": "Applying the rules",
    "tables": "Writing the tables",
}
HOUR_S: Final = 3600.0
MIB: Final = 2**20

Flag = Annotated[bool, Parameter(negative=(), show_default=False)]


def batch(
    path: list[str] | None = None,
    /,
    *,
    out: str,
    manifest: str | None = None,
    runner: Path | None = None,
    runners: str | None = None,
    rules: Path | None = None,
    jobs: Annotated[int | None, Parameter(validator=validators.Number(gte=1, lte=1024))] = None,
    force: Flag = False,
    shard: str | None = None,
    merge: Flag = False,
    engine: Literal["pool", "ray"] = "pool",
    address: str | None = None,
    reports: Flag = False,
    json: Flag = False,
) -> int:
    """Analyse many recordings at once, on all cores or many machines.

    A second run does only what is missing; a file that cannot be read is listed with its reason and stops nothing.
    Exit status 1 if something failed.

    Parameters
    ----------
    path
        Session folders, recordings, folders to look through, and patterns such as 'season/**/run*.csv'; of this
        machine, or URIs such as s3://bucket/season.
    out
        Folder or URI of the dataset: steps, warnings, summary.parquet, failures.parquet and overview.html.
    manifest
        CSV or Parquet table with a column path, and if you like runner, date, belt_speed, grade, profile, foot,
        right_path and the runner's measures.
    runner
        TOML file with the measures of the runner of all recordings.
    runners
        CSV or Parquet table of runners: name, height_m, mass_kg, leg_length_m, ...
    rules
        TOML file of rules of your own; by default those in the folder rules among your own files.
    jobs
        Processes; by default one a core.
    force
        Do everything anew.
    shard
        Do only part i of N, counted from 0: 0/8 to 7/8. Then --merge.
    merge
        After the last shard: put summary, failures and overview together.
    engine
        pool: processes on this machine. ray: a Ray cluster.
    address
        A running Ray cluster, such as auto or ray://head:10001; without it one is started on this machine.
    reports
        Write a report of each session, too.
    json
        Print the figures as JSON.
    """
    from soleus.batch.plan import Request
    from soleus.batch.run import merge as merge_shards
    from soleus.batch.run import run_batch
    from soleus.cli import EXIT_DONE, EXIT_SHORT
    from soleus.cli.terminal import screen, write_json
    from soleus.history import own_rule_files

    if merge:
        if path or manifest or shard:
            raise UsageError("--merge needs --out only; run it after the last shard, without paths")
        report = merge_shards(out)
    else:
        request = Request(
            paths=tuple(path or ()),
            out=out,
            manifest=manifest,
            runner=runner,
            runners=runners,
            rules=tuple(own_rule_files()) if rules is None else (rules,),
            jobs=jobs,
            force=force,
            shard=None if shard is None else _shard(shard),
            engine=engine,
            address=address,
            reports=reports,
        )
        with _showing() as on_progress:
            report = run_batch(request, on_progress)
    if json:
        write_json(_as_json(report))
    else:
        _show(screen(), report, sharded=shard is not None)
    return EXIT_SHORT if report.failed else EXIT_DONE


def _shard(text: str) -> tuple[int, int]:
    i, mark, n = text.partition("/")
    if not (mark and i.isdecimal() and n.isdecimal()):
        raise UsageError(f"--shard {text}: not understood; write it as i/N, such as 0/8 for the first of eight")
    return int(i), int(n)


@contextmanager
def _showing() -> Iterator[Callable[[Progress], None]]:
    """Show rate, time left and failures, on a terminal only."""
    if not sys.stderr.isatty():
        yield lambda _progress: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bar

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[rate]}"),
        TimeRemainingColumn(),
        TextColumn("{task.fields[failed]}", style="red"),
    )
    with Bar(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(STAGES["looking"], total=None, rate="", failed="")
        stage = "looking"

        def show(progress: Progress) -> None:
            nonlocal stage
            if progress.stage != stage:
                stage = progress.stage
                bar.reset(task, description=STAGES[stage], total=progress.total, rate="", failed="")
            speed = bar.tasks[0].speed
            bar.update(
                task,
                completed=progress.done,
                rate="" if speed is None else f"{speed:.1f}/s",
                failed=f"{progress.failed} failed" if progress.failed else "",
            )

        yield show


def _as_json(report: Report) -> dict[str, Any]:
    return {
        "out": report.out,
        "found": report.found,
        "analysed": report.analysed,
        "up_to_date": report.up_to_date,
        "concluded": report.concluded,
        "failed": [{"path": path, "kind": failure.kind, "reason": failure.reason} for path, failure in report.failed],
        "sessions": report.sessions,
        "removed_leftovers": report.removed,
        "recorded_s": report.recorded_s,
        "work_s": report.spent_s,
        "cpu_s": report.cpu_s,
        "peak_mib": report.peak_bytes / MIB,
    }


def _show(console: Console, report: Report, *, sharded: bool) -> None:
    from rich.markup import escape

    def say(text: str) -> None:
        console.print(escape(text), soft_wrap=True)

    if report.sessions is None or report.found:
        recordings = "1 recording" if report.found == 1 else f"{report.found} recordings"
        say(
            f"{recordings}: {report.analysed} analysed ({report.recorded_s / HOUR_S:.1f} h), "
            f"{report.up_to_date} up to date, {len(report.failed)} failed."
        )
    for path, failure in report.failed[:FAILURES_SHOWN]:
        reason = failure.reason if path in failure.reason else f"{path}: {failure.reason}"
        say(f"  {failure.kind}: {reason}")
    if len(report.failed) > FAILURES_SHOWN:
        say(f"  and {len(report.failed) - FAILURES_SHOWN} more: see failures.parquet")
    if report.removed:
        say(f"{report.removed} leftovers of runs that were killed were removed.")
    if report.sessions is not None:
        sessions = "1 session" if report.sessions == 1 else f"{report.sessions} sessions"
        say(f"{report.out}: {sessions}; see overview.html and summary.parquet there.")
    elif sharded:
        say(f"{report.out}: when all shards are done, run soleus batch --merge --out with the same place.")
