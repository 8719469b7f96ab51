"""Disk full, permission lost, folder removed: the run goes on, the caller is told, what could be kept is kept."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from soleus.model import Foot, PodInfo, PodSamples
from soleus.recording import Journal, JournalFacts, JournalStatus, RecordingError, read_journal, read_session, recover

FACTS = JournalFacts(pods=tuple(PodInfo(foot, 0.005, 0.001) for foot in Foot))
SIZE = 200
NOBODY = 65_534
linux = pytest.mark.skipif(sys.platform != "linux", reason="needs Linux")


def piece(foot: Foot, number: int) -> PodSamples:
    rng = np.random.default_rng(number * 2 + foot)
    return PodSamples(foot, (number * SIZE + np.arange(SIZE)) / 400, rng.integers(-32768, 32767, (6, SIZE), np.int16))


def hand_over(journal: Journal, first: int, count: int) -> None:
    for number in range(first, first + count):
        for foot in Foot:
            journal.samples(piece(foot, number))


def wait_for(condition: Callable[[], bool], within_s: float = 20.0) -> None:
    end = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.01)


def drained(journal: Journal) -> None:
    wait_for(lambda: journal.status.waiting_bytes == 0)


def check_session(folder: Path, pieces: int) -> None:
    for track in read_session(folder).pods:
        wanted = [piece(track.info.foot, number) for number in range(pieces)]
        assert track.samples.time_s.tobytes() == np.concatenate([p.time_s for p in wanted]).tobytes()
        assert np.array_equal(track.samples.counts, np.concatenate([p.counts for p in wanted], axis=1))


@pytest.fixture
def told() -> list[JournalStatus]:
    return []


@pytest.fixture(autouse=True)
def temporary(tmp_path, monkeypatch) -> Path:
    """The system's folder for temporary files."""
    place = tmp_path / "temporary"
    place.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(place))
    return place


def mount(place: Path, options: str) -> None:
    subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", place], check=True, capture_output=True)


@pytest.fixture
def small_disk(tmp_path) -> Iterator[Path]:
    """A disk of 128 KiB."""
    place = tmp_path / "disk"
    place.mkdir()
    try:
        mount(place, "size=128k")
    except (subprocess.CalledProcessError, OSError):
        pytest.skip("a small disk can be made by root only")
    yield place
    subprocess.run(["umount", "-l", place], check=True)


def make_room(place: Path) -> None:
    mount(place, "remount,size=64m")


def test_disk_full_goes_on_elsewhere(small_disk, temporary, told):
    journal = Journal(small_disk / "run", FACTS, on_status=told.append, write_s=0.02)
    hand_over(journal, 0, 10)
    drained(journal)
    assert journal.status.state == "recording"
    hand_over(journal, 10, 60)
    wait_for(lambda: journal.status.state == "elsewhere")
    drained(journal)
    assert [status.state for status in told] == ["elsewhere"]
    assert "the disk is full; free some space" in told[0].message
    assert f"the run goes on, recorded in {temporary}" in told[0].message
    with pytest.raises(RecordingError, match=r"the disk is full.*the recording is kept in .*soleus recover"):
        journal.close()
    make_room(small_disk)
    report = recover(small_disk / "run")
    assert report.complete
    check_session(small_disk / "run", 70)
    assert list(temporary.iterdir()) == []
    assert list((small_disk / "run").glob("journal*")) == []


def test_closing_again_after_room_was_made(small_disk, temporary):
    journal = Journal(small_disk / "run", FACTS, write_s=0.02)
    hand_over(journal, 0, 60)
    with pytest.raises(RecordingError, match="the disk is full"):
        journal.close()
    make_room(small_disk)
    check_session(journal.close(), 60)


def test_disk_full_and_no_other_place_waits_in_memory(small_disk, told):
    journal = Journal(small_disk / "run", FACTS, on_status=told.append, write_s=0.02, rescue=())
    hand_over(journal, 0, 70)
    wait_for(lambda: journal.status.state == "memory")
    assert "its last 64 MiB are kept in memory until a folder takes them" in told[0].message
    assert journal.status.waiting_bytes > 100_000
    make_room(small_disk)
    wait_for(lambda: journal.status.state == "recording")
    drained(journal)
    assert told[-1].message.endswith("is written again")
    hand_over(journal, 70, 5)
    check_session(journal.close(), 75)
    assert journal.recovery is not None
    assert journal.recovery.complete


def test_what_memory_cannot_hold_is_counted_to_the_sample(small_disk):
    journal = Journal(small_disk / "run", FACTS, write_s=0.02, rescue=(), memory_bytes=100_000)
    hand_over(journal, 0, 5)
    drained(journal)
    (small_disk / "filler").write_bytes(bytes(60_000))
    with contextlib.suppress(OSError), (small_disk / "rest").open("wb", buffering=0) as file:
        while file.write(bytes(4096)):
            pass
    hand_over(journal, 5, 100)
    wait_for(lambda: journal.status.state == "memory")
    status = journal.status
    assert status.waiting_bytes <= 100_000
    make_room(small_disk)
    folder = journal.close()
    report = journal.recovery
    assert report is not None
    for pod, foot in zip(report.pods, Foot, strict=True):
        assert pod.lost_samples == journal.status.dropped_samples[foot] > 10_000
        assert pod.samples + pod.lost_samples == 105 * SIZE
    assert not report.complete
    assert "samples are missing" in " ".join(report.losses)
    kept = read_session(folder).pods[0].samples
    assert kept.time_s[-1] == piece(Foot.LEFT, 104).time_s[-1], "the newest is kept"


FILE_LIMIT_SCRIPT = """
import sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
import resource
from test_journal_trouble import FACTS, check_session, drained, hand_over
from soleus.recording import Journal, RecordingError

journal = Journal(sys.argv[2], FACTS, write_s=0.02)
resource.setrlimit(resource.RLIMIT_FSIZE, (60_000, resource.RLIM_INFINITY))
for first in range(0, 40, 4):
    hand_over(journal, first, 4)
    drained(journal)
journal.stop()
print(len(list(Path(sys.argv[2]).iterdir())), journal.status.message)
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
check_session(journal.close(), 40)
"""


@linux
def test_a_file_that_may_not_grow_is_followed_by_another(tmp_path):
    command = [sys.executable, "-c", FILE_LIMIT_SCRIPT, Path(__file__).parent, tmp_path / "run"]
    done = subprocess.run(command, check=True, timeout=60, capture_output=True, text=True)
    assert int(done.stdout.split()[0]) > 3


@contextlib.contextmanager
def as_nobody(*folders: Path) -> Iterator[None]:
    """Root may write everywhere; the test must not."""
    if os.geteuid() != 0:
        yield
        return
    for folder in folders:
        os.chown(folder, NOBODY, NOBODY)
    os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(0)


@pytest.mark.skipif(os.name != "posix", reason="needs POSIX permissions")
def test_permission_lost_goes_on_elsewhere_and_comes_back(told, monkeypatch):
    top = Path(tempfile.mkdtemp(dir="/tmp"))
    (top / "elsewhere").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(top / "elsewhere"))
    try:
        with as_nobody(top, top / "elsewhere"):
            run = top / "run"
            journal = Journal(run, FACTS, on_status=told.append, write_s=0.02, segment_s=0.05)
            hand_over(journal, 0, 10)
            drained(journal)
            run.chmod(0)
            for first in range(10, 40, 10):
                hand_over(journal, first, 10)
                drained(journal)
                time.sleep(0.06)
            assert journal.status.state == "elsewhere"
            assert "permission denied" in told[0].message
            assert len(told) == 1, "told once, not once a segment"
            run.chmod(0o700)
            hand_over(journal, 40, 10)
            drained(journal)
            assert journal.status.state == "recording"
            assert told[-1].message.endswith("the recording is written there again")
            check_session(journal.close(), 50)
            assert list((top / "elsewhere").iterdir()) == []
    finally:
        shutil.rmtree(top)


@linux
@pytest.mark.parametrize("way", ["removed", "removed with its parents", "moved away", "one file removed"])
def test_folder_removed_in_the_middle_of_a_run(tmp_path, told, way):
    run = tmp_path / "runs" / "today"
    journal = Journal(run, FACTS, on_status=told.append, write_s=0.02, segment_s=0.1)
    for first in range(0, 20, 5):
        hand_over(journal, first, 5)
        drained(journal)
        time.sleep(0.12)
    if way == "removed":
        shutil.rmtree(run)
    elif way == "removed with its parents":
        shutil.rmtree(run.parent)
    elif way == "moved away":
        run.rename(tmp_path / "moved")
    else:
        (run / "journal-0001.arrows").unlink()
    hand_over(journal, 20, 20)
    drained(journal)
    time.sleep(1.2)
    hand_over(journal, 40, 20)
    drained(journal)
    assert any("were removed or moved away; they were restored in" in status.message for status in told)
    check_session(journal.close(), 60)
    assert journal.recovery is not None
    assert journal.recovery.complete


@linux
def test_folder_removed_just_before_the_end(tmp_path):
    journal = Journal(tmp_path / "run", FACTS, write_s=0.02)
    hand_over(journal, 0, 20)
    drained(journal)
    shutil.rmtree(tmp_path / "run")
    check_session(journal.close(), 20)


@linux
def test_a_file_in_the_place_of_the_folder(tmp_path, temporary, told):
    """It cannot be made again: the rest, and all that was, goes elsewhere and can be recovered from there."""
    run = tmp_path / "run"
    journal = Journal(run, FACTS, on_status=told.append, write_s=0.02, segment_s=0.1)
    hand_over(journal, 0, 20)
    drained(journal)
    shutil.rmtree(run)
    run.write_text("in the way")
    time.sleep(1.2)
    hand_over(journal, 20, 20)
    drained(journal)
    with pytest.raises(RecordingError, match="soleus recover"):
        journal.close()
    (place,) = temporary.iterdir()
    assert recover(place).complete
    check_session(place, 40)
    assert run.read_text() == "in the way"


def test_handing_over_never_waits_for_a_disk_that_hangs(tmp_path, monkeypatch):
    """Writing and synchronising take seconds; the caller does not notice."""
    hang = threading.Event()
    real = os.write, os.fsync

    def slow_write(handle: int, data: bytes) -> int:
        if threading.current_thread().name == "journal-write":
            hang.wait(30)
        return real[0](handle, data)

    def slow_fsync(handle: int) -> None:
        if threading.current_thread().name == "journal-sync":
            hang.wait(30)
        real[1](handle)

    monkeypatch.setattr(os, "write", slow_write)
    monkeypatch.setattr(os, "fsync", slow_fsync)
    journal = Journal(tmp_path / "run", FACTS, write_s=0.01)
    longest_s = 0.0
    for number in range(200):
        made = piece(Foot.LEFT, number)
        begin = time.perf_counter()
        journal.samples(made)
        longest_s = max(longest_s, time.perf_counter() - begin)
    assert journal.status.waiting_bytes > 0
    hang.set()
    folder = journal.close()
    assert longest_s < 0.25, "the hang lasted for as long as the test wanted"
    assert len(read_session(folder).pods[0].samples) == 200 * SIZE


def test_a_listener_that_fails_does_not_end_the_recording(small_disk, temporary):
    def listener(status: JournalStatus) -> None:
        raise RuntimeError(status.message)

    journal = Journal(small_disk / "run", FACTS, on_status=listener, write_s=0.02)
    hand_over(journal, 0, 70)
    drained(journal)
    journal.stop()
    (place,) = temporary.iterdir()
    assert len(read_journal([small_disk / "run", place]).samples(Foot.LEFT)) == 70 * SIZE


@pytest.mark.skipif(os.name != "posix" or os.geteuid() != 0, reason="only root can make another user's folder")
def test_another_users_folder_for_temporary_files_is_not_looked_into(tmp_path, temporary):
    run = tmp_path / "run"
    with Journal(run, FACTS) as journal:
        hand_over(journal, 0, 4)
    place = temporary / f"soleus-{journal.session}"
    place.mkdir()
    shutil.copy(run / "journal-0000.arrows", place / "journal-0009.arrows")
    os.chown(place, NOBODY, NOBODY)
    report = recover(run)
    assert report.missing_segments == ()
    assert (place / "journal-0009.arrows").exists()
