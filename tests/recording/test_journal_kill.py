"""kill -9 at any moment: the session comes back, and at most the last second of samples is missing."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from soleus.recording import read, read_session, recover

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="needs fork and SIGKILL")

SIZE = 20
SECOND = 400
"""Samples of a pod in a second."""

SCRIPT = """
import os, random, signal, sys, time
import numpy as np
from soleus.model import *
from soleus.recording import *
import soleus.recording.recover
import pyarrow.parquet

def live(folder):
    # Two pods at 400 Hz in pieces of 50 ms for a second or so, then the end of the run.
    handed = os.open(folder + ".handed", os.O_WRONLY | os.O_CREAT)
    facts = JournalFacts(pods=tuple(PodInfo(foot, 0.005, 0.001) for foot in Foot))
    journal = Journal(folder, facts, segment_s=0.4)
    begin = time.perf_counter()
    for number in range(20):
        for foot in Foot:
            counts = np.random.default_rng(number * 2 + foot).integers(-32768, 32767, (6, 20), np.int16)
            journal.samples(PodSamples(foot, (number * 20 + np.arange(20)) / 400, counts))
        journal.event("clock", number / 20, number)
        os.write(handed, b".")
        time.sleep(max(0.0, begin + 0.05 * (number + 1) - time.perf_counter()))
    journal.close()
    os.write(handed, b"!")
    os._exit(0)

def main(top, count, seed, at_once):
    draw = random.Random(seed)
    started = 0
    running = {}
    while started < count or running:
        while started < count and len(running) < at_once:
            pid = os.fork()
            if pid == 0:
                live(f"{top}/run-{started:03d}")
            running[pid] = time.monotonic() + draw.uniform(0.0, 1.3)
            started += 1
        time.sleep(0.001)
        for pid, when in list(running.items()):
            if time.monotonic() >= when:
                os.kill(pid, signal.SIGKILL)
                os.waitpid(pid, 0)
                del running[pid]

main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4]))
"""


def kill_and_recover(top: Path, count: int, seed: int) -> list[int]:
    """Kill so many recordings; give the samples that each lost."""
    command = [sys.executable, "-c", SCRIPT, top, str(count), str(seed), "8"]
    subprocess.run(command, check=True, timeout=60 + count)
    losses = []
    for handed_file in sorted(top.glob("run-*.handed")):
        handed = handed_file.read_bytes()
        folder = handed_file.with_suffix("")
        pieces = handed.count(b".")
        if not folder.exists() or not any(path.stat().st_size for path in folder.iterdir()):
            # Killed before the first write: there is no file, or one that is empty.
            losses.append(pieces * SIZE)
            continue
        unfinished = read(folder)
        report = recover(folder)
        assert not any(damage.reason != "cut" for damage in report.damages), report
        session = read_session(folder)
        for track, pod, before in zip(session.pods, report.pods, unfinished.pods, strict=True):
            n = len(track.samples)
            assert pod.lost_samples == 0, "a hole in the middle"
            assert n == len(before.samples)
            assert n % SIZE == 0
            losses.append(pieces * SIZE - n)
            wanted = [
                np.random.default_rng(i * 2 + track.info.foot).integers(-32768, 32767, (6, SIZE), np.int16)
                for i in range(n // SIZE)
            ]
            assert track.samples.time_s.tobytes() == (np.arange(n) / 400).tobytes()
            if n:
                assert np.array_equal(track.samples.counts, np.concatenate(wanted, axis=1))
        if handed.endswith(b"!"):
            assert report.outcome == "whole"
            assert losses[-1] == 0
        assert {p.name for p in folder.iterdir()} <= {"imu.parquet", "events.parquet", "session.json"}
        assert recover(folder).outcome == "whole"
    assert len(list(top.glob("run-*.handed"))) >= count - 2
    return losses


def test_forty_kills(tmp_path):
    losses = kill_and_recover(tmp_path, 44, seed=1)
    assert max(losses) <= SECOND, losses


@pytest.mark.slow
def test_two_hundred_kills(tmp_path):
    losses = kill_and_recover(tmp_path, 200, seed=2)
    assert max(losses) <= SECOND, losses
    print(f"worst loss {max(losses) / SECOND:.2f} s, median {np.median(losses) / SECOND:.2f} s")
