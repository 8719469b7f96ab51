"""The same rows whatever does the work, and whatever happens to it meanwhile."""

from __future__ import annotations

import contextlib
import os
import random
import shutil
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from soleus.batch.places import Place
from soleus.batch.plan import Request
from soleus.batch.run import merge, run_batch
from soleus.batch.runs import running
from soleus.cli import main
from soleus.simulate import Bout, Scenario, simulate


@pytest.fixture(scope="module")
def expected(whole_season, tmp_path_factory):
    """The dataset as one process makes it."""
    out = tmp_path_factory.mktemp("expected") / "out"
    run_batch(Request((str(whole_season),), str(out), engine="inline"))
    return out


def test_pool_with_a_worker_killed_meanwhile(whole_season, tmp_path, expected, lab):
    told = []
    killed = []

    def kill_one(progress):
        told.append((progress.stage, progress.done, progress.total))
        if progress.pid and not killed:
            with contextlib.suppress(ProcessLookupError):  # it had nothing more to do and has gone: the next one, then
                os.kill(progress.pid, signal.SIGKILL)
                killed.append(progress.pid)

    report = run_batch(Request((str(whole_season),), str(tmp_path / "out"), jobs=2), kill_one)
    lab.assert_same_rows(expected, tmp_path / "out")
    assert killed
    assert (report.analysed, report.failed) == (lab.sessions, [])
    assert told[-1][0] == "tables"
    assert ("steps", lab.sessions, lab.sessions) in told
    assert 0 < report.peak_bytes < 400 * 2**20


def test_three_shards_merged(whole_season, tmp_path, expected, lab):
    reports = [
        run_batch(Request((str(whole_season),), str(tmp_path / "out"), shard=(i, 3), engine="inline"))
        for i in (2, 0, 1)
    ]
    assert sum(report.found for report in reports) == lab.sessions
    assert not (tmp_path / "out" / "summary.parquet").exists()
    assert merge(str(tmp_path / "out")).sessions == lab.sessions
    lab.assert_same_rows(expected, tmp_path / "out")


def test_ray_with_a_worker_killed_meanwhile(whole_season, tmp_path, expected, lab):
    ray = pytest.importorskip("ray")
    killed = []

    def kill_one(progress):
        if progress.pid and not killed:
            killed.append(progress.pid)
            os.kill(progress.pid, signal.SIGKILL)

    request = Request((str(whole_season),), str(tmp_path / "out"), engine="ray", jobs=2)
    report = run_batch(request, kill_one)
    assert killed
    assert killed[0] != os.getpid()
    assert (report.analysed, report.failed) == (lab.sessions, [])
    assert not ray.is_initialized()
    assert os.environ["RAY_USAGE_STATS_ENABLED"] == "0"
    lab.assert_same_rows(expected, tmp_path / "out")


def started(season: Path, out: Path, *words: str) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "soleus.cli", "batch", str(season), "--out", str(out), "--jobs", "2", *words]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)


def children_of(pid: int) -> list[int]:
    found = []
    for thread in Path(f"/proc/{pid}/task").iterdir():
        with contextlib.suppress(OSError):  # a thread that has just ended
            found += [int(child) for child in (thread / "children").read_text().split()]
    return found


def is_gone(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except FileNotFoundError:
        return True


def until(condition, limit_s=60.0):
    end = time.monotonic() + limit_s
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.005)


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="looks for processes as Linux tells of them")
def test_kill_at_a_random_moment_and_go_on(whole_season, tmp_path, expected, lab):
    out = tmp_path / "out"
    # Only the moment is random: whenever it is, the end must be the same.
    moments = random.Random()  # noqa: S311
    goal = moments.randint(1, lab.sessions + 5)
    run = started(whole_season, out)
    until(lambda: len(list(out.glob("_items/*/*.json"))) >= goal or run.poll() is not None)
    time.sleep(moments.uniform(0.0, 0.05))
    workers = children_of(run.pid)
    run.kill()
    run.communicate()
    until(lambda: all(is_gone(pid) for pid in workers))
    leftover = out / "steps" / ".x.parquet.00000000.11111111.tmp"
    leftover.write_bytes(b"half")
    run = started(whole_season, out)
    said, _ = run.communicate(timeout=120)
    assert run.returncode == 0, said
    assert b"up to date" in said
    lab.assert_same_rows(expected, out)


def test_two_runs_at_once(whole_season, tmp_path, lab):
    out, expected, day = tmp_path / "out", tmp_path / "expected", whole_season / "day0"
    run_batch(Request((str(day),), str(expected), engine="inline"))
    runs = [started(day, out) for _ in range(2)]
    for run in runs:
        said, _ = run.communicate(timeout=120)
        assert run.returncode == 0, said
    lab.assert_same_rows(expected, out)


def test_runs_with_other_settings_do_not_mix(whole_season, tmp_path, capsys):
    out = tmp_path / "out"
    words = ["batch", str(whole_season / "day0" / "run0"), "--out", str(out), "--jobs", "1"]
    with running(Place.parse(str(out)), "another program"):
        assert main(words) == 2
        assert "other settings" in capsys.readouterr().err
    assert main(words) == 0
    assert list((out / "_runs").iterdir()) == []


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="looks for open files as Linux tells of them")
def test_a_recording_that_kills_its_process_twice_is_listed(season, tmp_path, expected, lab):
    """Whoever opens the poisoned recording dies: once among the others, once alone."""
    long_run = simulate(Scenario(name="long", bouts=(Bout(kind="run", speed_mps=3.0, duration_s=600),))).recording
    poison = lab.session_of(long_run, season / "poison", "Ada", None) / "imu.parquet"
    stop = threading.Event()
    victims = []

    def lurk():
        while not stop.wait(0.002):
            for child in children_of(os.getpid()):
                if child not in victims and holds(child, poison):
                    victims.append(child)
                    os.kill(child, signal.SIGKILL)

    lurking = threading.Thread(target=lurk)
    lurking.start()
    try:
        report = run_batch(Request((str(season),), str(tmp_path / "out"), jobs=2))
    finally:
        stop.set()
        lurking.join()
    assert len(victims) == 2
    assert [(path, failure.kind) for path, failure in report.failed] == [(str(poison.parent), "crashed")]
    assert "SIGKILL, twice" in report.failed[0][1].reason
    assert report.analysed == lab.sessions
    shutil.rmtree(season / "poison")
    failures = pq.read_table(tmp_path / "out" / "failures.parquet").to_pylist()
    assert [row["kind"] for row in failures] == ["crashed"]


def holds(pid: int, path: Path) -> bool:
    try:
        return any(str(handle.readlink()) == str(path) for handle in Path(f"/proc/{pid}/fd").iterdir())
    except OSError:
        return False
