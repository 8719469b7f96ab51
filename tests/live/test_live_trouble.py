"""Disk full, folder removed, folder that cannot be made: the run goes on, the runner is told, what could be is kept."""

import shutil
import subprocess
import tempfile
import time

import numpy as np
import pytest

from soleus.batch import analyze
from soleus.live.news import RunEnded, RunStatus, Told
from soleus.live.recorder import check_folder
from soleus.recording import RecordingError, open_recording, read_session, recover


@pytest.fixture(autouse=True)
def temporary(tmp_path, monkeypatch):
    """The system's folder for temporary files."""
    place = tmp_path / "temporary"
    place.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(place))
    return place


def until(condition, within_s=20.0):
    end = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.01)


def told(followed):
    return [news.sentence for news in followed.ear.of(Told)]


def whole(folder, recording):
    for track, truth in zip(read_session(folder).pods, recording.pods, strict=True):
        if not np.array_equal(track.samples.counts, truth.samples.counts):
            return False
    return True


def test_the_folder_is_removed(short_run, played, tmp_path):
    folder = tmp_path / "run"

    def during(run):
        until(lambda: list(folder.glob("journal*")) and run.begun)
        time.sleep(0.5)
        shutil.rmtree(folder)

    followed = played(short_run, folder, during=during, speed=12.0)
    assert any("were removed or moved away; they were restored" in sentence for sentence in told(followed))
    assert len(followed.outcome.steps) > 60
    assert followed.outcome.folder == folder
    assert whole(folder, short_run), "what was removed is there again"
    assert followed.same_again()


@pytest.fixture
def small_disk(tmp_path):
    """A disk of 256 KiB."""
    place = tmp_path / "disk"
    place.mkdir()
    try:
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", place], check=True, capture_output=True)
    except (subprocess.CalledProcessError, OSError):
        pytest.skip("a small disk can be made by root only")
    yield place
    subprocess.run(["umount", "-l", place], check=True)


def test_the_disk_is_full(small_disk, short_run, played):
    """The journal goes on elsewhere; a session that cannot be made is told with its mend, and nothing is lost."""
    folder = small_disk / "run"
    (small_disk / "ballast").write_bytes(bytes(100_000))
    followed = played(short_run, folder, speed=12.0)
    assert any("the disk is full; free some space" in sentence for sentence in told(followed))
    assert followed.outcome.folder is None
    ended = followed.ear.of(RunEnded)[-1].sentence
    assert f"soleus recover {folder}" in ended
    assert ended == followed.outcome.notes[-1]
    assert ended not in told(followed), "told once"
    assert len(followed.outcome.steps) > 60
    subprocess.run(["mount", "-o", "remount,size=64m", small_disk], check=True)
    assert recover(folder).complete
    assert whole(folder, short_run)
    with open_recording(folder) as reader:
        assert analyze(reader).step_rows == followed.outcome.steps


def test_a_folder_that_cannot_be_made(short_run, played, tmp_path):
    """The run goes on without a recording, and that is told as long as it lasts."""
    (tmp_path / "file").write_text("in the way")
    followed = played(short_run, tmp_path / "file" / "run")
    assert told(followed)[0].startswith("Nothing is recorded: ")
    assert all(news.trouble for news in followed.ear.of(RunStatus)[1:])
    assert len(followed.outcome.steps) > 60
    assert followed.outcome.folder is None


def test_a_folder_is_tried_before_the_run(short_run, played, tmp_path):
    check_folder(tmp_path / "new" / "run")
    assert not (tmp_path / "new" / "run").exists(), "nothing is left behind"
    played(short_run, tmp_path / "run")
    with pytest.raises(RecordingError, match="holds a session already; choose another folder with --out"):
        check_folder(tmp_path / "run")
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(RecordingError, match="file"):
        check_folder(tmp_path / "file" / "run")


def test_tables_that_cannot_be_written_do_not_cost_the_session(short_run, played, tmp_path):
    def finish(_outcome):
        raise OSError(28, "No space left on device")

    followed = played(short_run, tmp_path / "run", finish=finish)
    assert any("the session is whole, but not all of its tables" in sentence for sentence in told(followed))
    assert followed.outcome.folder == tmp_path / "run"
    assert whole(tmp_path / "run", short_run)


def test_what_is_on_disk_is_told(short_run, played, tmp_path):
    followed = played(short_run, tmp_path / "run", speed=8.0)
    told_s = [(news.session_now_s, news.on_disk_s) for news in followed.ear.of(RunStatus)]
    known = [(now_s, safe_s) for now_s, safe_s in told_s if safe_s is not None]
    assert known
    assert all(now_s - 8.0 * 2.5 < safe_s < now_s for now_s, safe_s in known[:-1]), "two real seconds behind"
