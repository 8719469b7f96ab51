"""A small season: sessions of a minute and less, in every kind that a batch takes."""

from __future__ import annotations

import dataclasses
import os
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from soleus.model import COUNT_CHANNELS, Foot, Recording, Runner
from soleus.recording import Journal, JournalFacts, write_session
from soleus.simulate import Bout, Scenario, simulate

START = datetime(2025, 5, 1, 6, tzinfo=UTC)
RUNNERS = ("Ada", "Bo/../x", "Çelik <b>")


@pytest.fixture(autouse=True)
def own_files(tmp_path, monkeypatch):
    """Nobody's own log and rules."""
    monkeypatch.setenv("SOLEUS_HOME", str(tmp_path / "home"))


@pytest.fixture(scope="session")
def motion() -> Recording:
    """Half a minute of running."""
    return simulate(Scenario(name="short", bouts=(Bout(kind="run", speed_mps=3.0, duration_s=30),))).recording


def session_of(motion: Recording, folder: Path, runner: str, start: datetime | None) -> Path:
    who = Runner(name=runner, height_m=1.75, mass_kg=68.0)
    return write_session(dataclasses.replace(motion, runner=who, start_utc=start), folder)


def journal_of(motion: Recording, folder: Path, runner: str, start: datetime | None) -> Path:
    """A session that was never finished."""
    facts = JournalFacts(
        pods=tuple(track.info for track in motion.pods),
        runner=Runner(name=runner, height_m=1.75, mass_kg=68.0),
        start_utc=start,
    )
    with Journal(folder, facts) as journal:
        for track in motion.pods:
            journal.samples(track.samples)
    return folder


def csv_of(motion: Recording, path: Path, foot: Foot) -> Path:
    track = next(track for track in motion.pods if track.info.foot is foot)
    accel = track.samples.counts[:3] * track.info.accel_lsb_mps2
    gyro = track.samples.counts[3:] * track.info.gyro_lsb_rads
    rows = np.column_stack([track.samples.time_s, accel.T, gyro.T])
    path.parent.mkdir(parents=True, exist_ok=True)
    np.savetxt(path, rows, delimiter=",", header="t,ax,ay,az,gx,gy,gz", comments="", fmt="%.6f")
    return path


def parquet_of(motion: Recording, path: Path) -> Path:
    """Both feet in one table, in SI units."""
    columns: dict[str, list[np.ndarray]] = {name: [] for name in ("t", *COUNT_CHANNELS)}
    feet = []
    for track in motion.pods:
        values = track.samples.counts * np.repeat([track.info.accel_lsb_mps2, track.info.gyro_lsb_rads], 3)[:, None]
        columns["t"].append(track.samples.time_s)
        for name, channel in zip(COUNT_CHANNELS, values, strict=True):
            columns[name].append(channel)
        feet += [track.info.foot.label] * len(track.samples)
    table = pa.table({name: np.concatenate(parts) for name, parts in columns.items()} | {"foot": feet})
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(table, path)
    return path


@pytest.fixture(scope="session")
def whole_season(motion, tmp_path_factory) -> Path:
    """Seven session folders of three runners, one without a date, one of nobody; a journal; CSV; Parquet."""
    folder = tmp_path_factory.mktemp("season")
    for i in range(7):
        session_of(motion, folder / f"day{i // 3}" / f"run{i}", RUNNERS[i % 3], START + timedelta(days=i // 3))
    session_of(motion, folder / "undated", RUNNERS[0], None)
    session_of(motion, folder / "nobody", "", START)
    journal_of(motion, folder / "unfinished", RUNNERS[0], START + timedelta(days=9))
    csv_of(motion, folder / "csv" / "track-left.csv", Foot.LEFT)
    csv_of(motion, folder / "csv" / "track-right.csv", Foot.RIGHT)
    csv_of(motion, folder / "csv" / "alone-left.csv", Foot.LEFT)
    parquet_of(motion, folder / "tables" / "both.parquet")
    (folder / "README.txt").write_text("not a recording")
    return folder


SESSIONS = 13
"""Recordings in the season."""


@pytest.fixture
def season(whole_season, tmp_path) -> Path:
    """A copy that may be changed: hard links, so that it costs nothing."""
    return Path(shutil.copytree(whole_season, tmp_path / "season", copy_function=os.link))


def rows_of(out: Path) -> dict[str, pa.Table]:
    """Every table of a dataset, by its place; without the digest of the program, which may be edited meanwhile."""
    tables = {}
    for path in sorted(path for path in out.rglob("*.parquet") if not path.name.startswith(".")):
        table = pq.ParquetFile(path).read()
        known = {key: value for key, value in (table.schema.metadata or {}).items() if key != b"soleus.input"}
        tables[str(path.relative_to(out))] = table.replace_schema_metadata(known)
    return tables


def assert_same_rows(one: Path, other: Path) -> None:
    a, b = rows_of(one), rows_of(other)
    assert list(a) == list(b)
    assert len(a) > 2
    different = [name for name in a if not a[name].equals(b[name], check_metadata=True)]
    assert different == []
    leftovers = [p for p in other.rglob("*") if p.name.endswith((".tmp", ".lock", ".starting"))]
    assert leftovers == []


@pytest.fixture(scope="session")
def lab():
    """What the tests of this room share."""
    return SimpleNamespace(
        runners=RUNNERS,
        sessions=SESSIONS,
        start=START,
        session_of=session_of,
        journal_of=journal_of,
        csv_of=csv_of,
        rows_of=rows_of,
        assert_same_rows=assert_same_rows,
    )
