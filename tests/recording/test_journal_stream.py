"""A journal is read, opened and finished segment by segment: what comes out is what reading it as a whole gives."""

from __future__ import annotations

import subprocess
import sys
import time

import numpy as np
import pytest

from soleus.model import Belt, Foot, PodInfo, PodSamples
from soleus.recording import Journal, JournalFacts, RecordingError, open_recording, read, recover, write_session
from soleus.recording.imu_file import ImuFile
from soleus.recording.limits import DEFAULT_LIMITS

RATE_HZ = 200
PODS = (PodInfo(Foot.LEFT, 0.0048, 0.00107), PodInfo(Foot.RIGHT, 0.0048, 0.00107))


def journal(folder, minutes=4.0, late=False):
    """A journal of many segments; perhaps the right pod delivers only after the left has ended."""
    rng = np.random.default_rng(3)
    n = round(minutes * 60 * RATE_HZ)
    with Journal(folder, JournalFacts(pods=PODS), write_s=0.01, segment_s=0.05) as made:
        made.belt(Belt(np.array([0.0]), np.array([3.0]), np.array([0.0])))
        pieces = [(foot, start) for start in range(0, n, 500) for foot in Foot]
        if late:
            pieces.sort(key=lambda piece: piece[0])
        for k, (foot, start) in enumerate(pieces):
            if k % (len(pieces) // 5 + 1) == 0:
                time.sleep(0.1)  # a new segment
            time_s = np.arange(start, start + 500) / RATE_HZ
            made.samples(PodSamples(foot, time_s, rng.integers(-9000, 9000, (6, 500)).astype(np.int16)))
    assert len(list(folder.glob("journal-*.arrows"))) > 1
    return folder


@pytest.mark.parametrize("late", [False, True])
def test_opened_piece_by_piece_it_is_the_same(tmp_path, late):
    folder = journal(tmp_path / "run", late=late)
    whole = read(folder)
    with open_recording(folder) as reader:
        assert (reader.notes, reader.belt, reader.samples) == (
            whole.notes, reader.belt, {t.info.foot: len(t.samples) for t in whole.pods},
        )  # fmt: skip
        for track in whole.pods:
            parts = [piece for chunk in reader.chunks() for piece in chunk if piece.foot is track.info.foot]
            assert np.concatenate([p.time_s for p in parts]).tobytes() == track.samples.time_s.tobytes()
            assert np.array_equal(np.concatenate([p.counts for p in parts], axis=1), track.samples.counts)


def test_one_foot_and_another_belt(tmp_path):
    folder = journal(tmp_path / "run", minutes=1.0)
    with open_recording(folder, foot="right", belt=Belt.constant(2.5, 0.0)) as reader:
        assert [pod.foot for pod in reader.pods] == [Foot.RIGHT]
        assert {piece.foot for chunk in reader.chunks() for piece in chunk} == {Foot.RIGHT}
        assert reader.belt.speed_mps[0] == 2.5


@pytest.mark.parametrize("late", [False, True])
def test_finished_it_is_the_file_that_writing_the_whole_gives(tmp_path, late):
    folder = journal(tmp_path / "run", late=late)
    other = write_session(read(folder), tmp_path / "other")
    report = recover(folder)
    assert report.complete
    files = [ImuFile(place / "imu.parquet", DEFAULT_LIMITS) for place in (folder, other)]
    assert files[0].groups == files[1].groups
    assert [g.foot for g in files[0].groups[:2]] == [Foot.LEFT, Foot.RIGHT]
    for mine, theirs in zip(files[0].groups, files[1].groups, strict=True):
        (a,), (b,) = files[0].read(mine), files[1].read(theirs)
        assert a.time_s.tobytes() == b.time_s.tobytes()
        assert np.array_equal(a.counts, b.counts)
    for file in files:
        file.close()


def test_a_segment_that_changes_meanwhile_is_refused(tmp_path):
    folder = journal(tmp_path / "run")
    segments = sorted(folder.glob("journal-*.arrows"))
    with open_recording(folder) as reader:
        segments[-1].write_bytes(segments[0].read_bytes())
        with pytest.raises(RecordingError, match="changed while it was read"):
            list(reader.chunks())


PEAK = """
import resource, sys
from pathlib import Path
from soleus.recording import open_recording, recover
with open_recording(Path(sys.argv[1])) as reader:
    for chunk in reader.chunks():
        pass
recover(sys.argv[1])
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024)
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="the unit of ru_maxrss is that of Linux")
def test_memory_does_not_grow_with_the_recording(tmp_path):
    """Two hours take hardly more than ten minutes: less than half of what the samples themselves would."""
    peaks = []
    for minutes in (10.0, 120.0):
        folder = journal(tmp_path / f"run{minutes:.0f}", minutes=minutes)
        done = subprocess.run([sys.executable, "-c", PEAK, str(folder)], capture_output=True, text=True, check=True)
        peaks.append(int(done.stdout))
    grown = 110 * 60 * RATE_HZ * 2 * (8 + 6 * 2)
    assert peaks[1] - peaks[0] < grown / 2
