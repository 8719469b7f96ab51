"""``soleus export``: a session for other programs."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

from cyclopts import Parameter

from soleus.cli.errors import UsageError

if TYPE_CHECKING:
    from datetime import datetime

    from soleus.report.export import SessionTables

Flag = Annotated[bool, Parameter(negative=(), show_default=False)]
USUAL: Final = ("fit", "csv", "json", "parquet")
"""Kinds written when none is asked for; C3D, many files of a long session, only when asked for."""


def export(
    session: list[Path],
    /,
    *,
    fit: Flag = False,
    csv: Flag = False,
    json: Flag = False,
    parquet: Flag = False,
    c3d: Flag = False,
    out: Path | None = None,
    start: str | None = None,
    from_time: Annotated[str | None, Parameter(name="--from")] = None,
    for_time: Annotated[str | None, Parameter(name="--for")] = None,
) -> int:
    """Write analysed sessions as FIT, CSV, JSON, Parquet or C3D.

    Without a kind: FIT, CSV, JSON and Parquet. Leaves with 1 if a session of several could not be exported.

    Parameters
    ----------
    session
        Analysed session folders.
    fit
        activity.fit: for sports platforms and watches' programs, with running dynamics and our own fields.
    csv
        steps.csv and warnings.csv: for Excel, R, pandas.
    json
        export.json: steps, warnings and what is known of the session.
    parquet
        export.parquet: one row a step, session and calendar time beside it.
    c3d
        export.c3d: samples and gait events for motion laboratories; several files if it is long. Needs ezc3d.
    out
        Where the files go; by default each session's own folder. Several sessions get a folder each in it.
    start
        When the session began, if it does not say: 2025-05-03T18:30, local time unless it ends with Z.
    from_time
        For C3D, begin so long after the start of the session: 5min, 1:20.
    for_time
        For C3D, take so much: 30s, 1min.
    """
    from soleus.cli import EXIT_DONE, EXIT_SHORT
    from soleus.cli.amounts import parse_date, parse_duration
    from soleus.cli.terminal import progress, screen
    from soleus.recording import RecordingError
    from soleus.report.export import ExportError

    asked = dict(zip((*USUAL, "c3d"), (fit, csv, json, parquet, c3d), strict=True))
    kinds = [kind for kind, wanted in asked.items() if wanted] or list(USUAL)
    if (from_time or for_time) and "c3d" not in kinds:
        raise UsageError("--from and --for choose a part for --c3d; give it too, or leave them out")
    if start is not None and len(session) > 1:
        raise UsageError(f"--start is for one session, {len(session)} are given; name it alone")
    begin = None if start is None else parse_date(start)[0]
    from_s = None if from_time is None else parse_duration(from_time)
    for_s = None if for_time is None else parse_duration(for_time)
    places = _places(session, out)
    failed = []
    for folder, place in progress(list(zip(session, places, strict=True)), "Exporting"):
        try:
            for sentence in _export(folder, place, kinds, any(asked.values()), begin, (from_s, for_s)):
                screen().print(sentence, soft_wrap=True, markup=False)
        except (ExportError, RecordingError) as error:
            if len(session) == 1:
                raise
            failed.append(str(error))
    for sentence in failed:
        screen().print(f"Left out {sentence}", soft_wrap=True, markup=False)
    return EXIT_SHORT if failed else EXIT_DONE


def _places(sessions: list[Path], out: Path | None) -> list[Path]:
    if out is None:
        return sessions
    if len(sessions) == 1:
        return [out]
    names = [folder.resolve().name for folder in sessions]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise UsageError(f"two sessions are named '{twice[0]}', and --out has one folder a name; export them apart")
    return [out / name for name in names]


def _export(
    folder: Path,
    place: Path,
    kinds: list[str],
    asked: bool,  # noqa: FBT001 - private
    start: datetime | None,
    part: tuple[float | None, float | None],
) -> list[str]:
    """Write the kinds; tell of each what was written, or why not if it was not asked for by name."""
    from soleus.report import export as to

    tables = to.read_tables(folder)
    writers: dict[str, Callable[[], list[str]]] = {
        "fit": lambda: _fit(tables, place, start),
        "csv": lambda: _wrote(*to.write_csv(tables, place)),
        "json": lambda: _wrote(to.write_json(tables, place / to.JSON_FILE)),
        "parquet": lambda: _wrote(to.write_parquet(tables, place / to.PARQUET_FILE)),
        "c3d": lambda: _wrote(*to.write_c3d(tables, place / to.C3D_FILE, from_s=part[0], duration_s=part[1])),
    }
    told = []
    for kind in kinds:
        try:
            told += writers[kind]()
        except to.ExportError as error:
            if asked:
                raise
            told.append(f"No {kind.upper()}: {error}")
    return told


def _fit(tables: SessionTables, place: Path, start: datetime | None) -> list[str]:
    from soleus.report.export import FIT_FILE, encode_activity, write_activity

    activity = encode_activity(tables, start)
    write_activity(activity, place / FIT_FILE)
    beyond = ", ".join(f"{count} of {name}" for name, count in sorted(activity.beyond.items()))
    return [*_wrote(place / FIT_FILE), *([f"Values FIT cannot hold, left out: {beyond}"] if beyond else [])]


def _wrote(*paths: Path) -> list[str]:
    if len(paths) > MANY:
        return [f"Wrote {paths[0]} ... {paths[-1].name} ({len(paths)} files)"]
    return [f"Wrote {path}" for path in paths]


MANY: Final = 3
"""More files than this are told by the first and the last."""
