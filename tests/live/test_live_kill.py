"""kill -9 of a live run at any moment: the session comes back, at most the last second and no step before it lost."""

import os
import signal
import struct
import subprocess
import sys
import threading
import time

import numpy as np
import pytest

from soleus.batch import analyze
from soleus.cli import main
from soleus.recording import RecordingError, open_recording, recover, write_session

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="needs fork and SIGKILL")

SETTLED_S = 0.7
"""A step this long before the end of what was kept is final [s]."""

SCRIPT = """
import os, random, signal, struct, sys, time
from pathlib import Path
from soleus.cli.finish_run import Finish
from soleus.cli.with_history import HistoryUse
from soleus.live.news import StepsFound
from soleus.live.replay import Replay
from soleus.live.run import LiveRun
from soleus.live.setting import RunSetting
from soleus.model import Foot
from soleus.recording import open_recording, from_recording, read
import soleus.batch.output, soleus.batch.summary, soleus.cli.with_history, soleus.recording.recover, pyarrow.parquet
import scipy.signal

class Counted(Replay):
    "Writes down how many samples of each foot were handed over, and when."
    def take(self, timeout_s=0.1):
        events = super().take(timeout_s)
        for event in events:
            if type(event).__name__ == "SamplesIn":
                row = struct.pack("<bid", event.samples.foot, len(event.samples), time.monotonic())
                os.write(self.handed, row)
        return events

class Steps:
    def __init__(self, handle):
        self.handle = handle
    def take(self, news):
        if isinstance(news, StepsFound):
            rows = zip(news.steps["foot"].tolist(), news.steps["initial_contact_s"].tolist())
            os.write(self.handle, b"".join(struct.pack("<bd", foot, when) for foot, when in rows))
    def close(self):
        pass

def live(recording, folder):
    flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND
    source = Counted(from_recording(recording), float(sys.argv[6]))
    source.handed = os.open(folder + ".handed", flags)
    finish = Finish(HistoryUse(None, None, None, ""), report=False)
    run = LiveRun(source, list(Foot), Path(folder), runner=recording.runner, finish=finish,
                  sinks=[Steps(os.open(folder + ".steps", flags))], setting=RunSetting(stand_still=False))
    run.begin()
    run.join()
    os._exit(0)

def main(session, top, count, seed, at_once):
    recording = read(session)
    length = recording.duration_s / float(sys.argv[6]) + 0.6
    draw = random.Random(seed)
    started = 0
    running = {}
    while started < count or running:
        while started < count and len(running) < at_once:
            pid = os.fork()
            if pid == 0:
                live(recording, f"{top}/run-{started:03d}")
            running[pid] = started, time.monotonic() + draw.uniform(0.0, length)
            started += 1
        time.sleep(0.002)
        for pid, (number, when) in list(running.items()):
            if time.monotonic() >= when:
                os.kill(pid, signal.SIGKILL)
                with open(f"{top}/run-{number:03d}.killed", "wb") as file:
                    file.write(struct.pack("<d", time.monotonic()))
                os.waitpid(pid, 0)
                del running[pid]

main(sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4]), int(sys.argv[5]))
"""


def records(path, layout):
    data = path.read_bytes() if path.exists() else b""
    size = struct.calcsize(layout)
    return list(struct.iter_unpack(layout, data[: len(data) // size * size]))


def near(row, steps):
    """Whether a step told is found again.

    To the bit but for the very first ones: what was lost after them may have settled how the pod sits on the shoe.
    """
    foot, contact_s = row
    mine = steps["initial_contact_s"][steps["foot"] == foot]
    return mine.size > 0 and np.abs(mine - contact_s).min() < 0.02


def loss_s(handed, kept, killed_s):
    """Time from when the first sample that is lost was handed over to the end [s]."""
    count = {"left": 0, "right": 0}
    for foot, samples, when_s in handed:
        word = ("left", "right")[foot]
        count[word] += samples
        if count[word] > kept.get(word, 0):
            return killed_s - when_s
    return 0.0


def kill_and_recover(recording, top, count, seed, at_once, speed):
    """Kill so many live runs; give the real time that each lost [s], and how many steps were compared."""
    session = write_session(recording, top / "session")
    command = [sys.executable, "-c", SCRIPT, session, top, str(count), str(seed), str(at_once), str(speed)]
    subprocess.run(command, check=True, timeout=120 + 2 * count)
    losses, compared, finished = [], 0, 0
    for number in range(count):
        folder = top / f"run-{number:03d}"
        ((killed_s,),) = records(folder.with_suffix(".killed"), "<d")
        handed = records(folder.with_suffix(".handed"), "<bid")
        try:
            report = recover(folder)
        except RecordingError:
            losses.append(loss_s(handed, {}, killed_s))
            continue
        finished += report.outcome == "whole"
        assert all(pod.lost_samples == 0 for pod in report.pods), "no hole in the middle"
        losses.append(loss_s(handed, {pod.foot: pod.samples for pod in report.pods}, killed_s))
        with open_recording(folder) as reader:
            result = analyze(reader)
        until_s = min(pod.until_s if pod.until_s is not None else -1.0 for pod in report.pods) - SETTLED_S
        told = {row for row in records(folder.with_suffix(".steps"), "<bd") if row[1] < until_s}
        lost_steps = [row for row in told if not near(row, result.step_rows)]
        assert not lost_steps, "every step told before the end of what was kept is there again"
        compared += len(told)
    return losses, compared, finished


def test_eight_kills(short_run, tmp_path):
    losses, compared, _ = kill_and_recover(short_run, tmp_path, 8, seed=5, at_once=4, speed=10.0)
    assert max(losses) <= 1.0, losses
    assert compared > 100


@pytest.mark.slow
def test_two_hundred_kills(short_run, tmp_path):
    losses, compared, finished = kill_and_recover(short_run, tmp_path, 200, seed=6, at_once=6, speed=4.0)
    print(
        f"worst loss {max(losses):.2f} s, median {np.median(losses):.2f} s; {compared} steps compared; "
        f"{finished} of 200 were finished"
    )
    assert max(losses) <= 1.0, losses
    assert compared > 3000


def soleus(*words):
    return subprocess.Popen(
        [sys.executable, "-m", "soleus.cli", *map(str, words)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        stdin=subprocess.DEVNULL,
        text=True,
    )


def running(process, word="Run."):
    """Wait until the run has begun."""
    for line in process.stdout:
        if word in line:
            return
    raise AssertionError(process.stderr.read())


@pytest.fixture
def session(short_run, tmp_path):
    return write_session(short_run, tmp_path / "session")


def test_interrupt_ends_in_order(session, tmp_path):
    process = soleus("replay", session, "--speed", 3, "--headless", "--out", tmp_path / "run")
    running(process)
    time.sleep(1.0)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 0, err
    assert "Stopping; Ctrl-C again leaves at once." in err
    assert "Wrote steps.parquet, warnings.parquet, session.json" in out
    check_whole(tmp_path / "run")


def check_whole(folder):
    names = {path.name for path in folder.iterdir()}
    assert {"imu.parquet", "session.json", "steps.parquet", "warnings.parquet"} <= names
    assert not list(folder.glob("journal*"))


@pytest.mark.skipif(threading.current_thread() is not threading.main_thread(), reason="signals need the main thread")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_other_signals_end_in_order(session, tmp_path, number, capsys):
    """The end of a service, a terminal that is closed."""
    folder = tmp_path / "run"

    def send():
        while not list(folder.glob("journal*")):
            time.sleep(0.01)
        time.sleep(0.4)
        os.kill(os.getpid(), number)

    before = signal.getsignal(number)
    sender = threading.Thread(target=send)
    sender.start()
    assert main(["replay", str(session), "--speed", "3", "--headless", "--out", str(folder)]) == 0
    sender.join()
    assert signal.getsignal(number) == before, "as it was"
    check_whole(folder)
    assert "The session is in" in capsys.readouterr().out


def test_leaving_at_once_keeps_the_journal(short_run, played, tmp_path):
    def during(run):
        while not run.begun:
            time.sleep(0.005)
        time.sleep(0.5)
        run.abort()

    followed = played(short_run, tmp_path / "run", speed=5.0, during=during)
    assert followed.outcome is None
    assert list((tmp_path / "run").glob("journal*"))
    report = recover(tmp_path / "run")
    assert report.stopped
    assert all(pod.samples > 100 for pod in report.pods)


@pytest.mark.slow
def test_a_second_interrupt_leaves_at_once(session, tmp_path):
    process = soleus("replay", session, "--speed", 4, "--ble", "--headless", "--out", tmp_path / "run")
    running(process)
    # The clocks of the pods are known after five seconds of the run.
    time.sleep(3.0)
    process.send_signal(signal.SIGINT)
    time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    began = time.monotonic()
    _, err = process.communicate(timeout=60)
    if process.returncode == 0:
        pytest.skip("the run had ended before the second interrupt came")
    assert process.returncode == 130, err
    assert f"soleus recover {tmp_path / 'run'} finishes the session" in err
    assert time.monotonic() - began < 15.0
    report = recover(tmp_path / "run")
    assert report.stopped
    assert all(pod.samples > 100 for pod in report.pods)


@pytest.mark.slow
def test_a_halted_command_goes_on(session, tmp_path):
    process = soleus("replay", session, "--speed", 2, "--headless", "--out", tmp_path / "run")
    running(process)
    process.send_signal(signal.SIGSTOP)
    time.sleep(5.5)
    process.send_signal(signal.SIGCONT)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 0, err
    assert "The computer slept or the program was halted for" in out
    with open_recording(tmp_path / "run") as reader:
        assert reader.samples == {0: 6000, 1: 6000}
