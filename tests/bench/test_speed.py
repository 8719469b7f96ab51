from __future__ import annotations

import numpy as np
import pytest

from soleus.bench.errors import BenchError
from soleus.bench.speed import BATCH_BAR, Figure, _worker, repeated
from soleus.bench.worker import batch, live, main
from soleus.recording import write_session


def test_a_figure_knows_whether_it_holds():
    assert Figure(what="a", value=1.0, unit="s").holds is None
    assert Figure(what="a", value=2 * BATCH_BAR, unit="×", bar=BATCH_BAR, better=">=").holds
    assert Figure(what="a", value=2.0, unit="s", bar=1.0).holds is False


def test_a_repeated_recording_runs_on(made):
    long = repeated(made.recording, 3, 30.0)
    for track, piece in zip(long.pods, made.recording.pods, strict=True):
        assert len(track.samples) == 3 * len(piece.samples)
        assert (np.diff(track.samples.time_s) >= 0).all()
    assert long.duration_s == pytest.approx(90.0, abs=0.1)


def test_batch_figures_of_a_real_run(made, tmp_path):
    write_session(made.recording, tmp_path / "s")
    found = batch(tmp_path / "s", 1)
    assert found["data_s"] == pytest.approx(30.0, abs=0.1)
    assert 0 < found["read_cpu_s"] < found["cpu_s"]
    assert found["peak_mb"] > 20


def test_live_figures_of_a_real_run():
    found = live(1, 20.0)
    assert 0 < found["push_p50_s"] <= found["push_p99_s"] <= found["push_max_s"]
    # A step that is final before its toe-off would come from the future.
    assert 0 < found["latency_p50_s"] <= found["latency_max_s"]


def test_a_worker_that_fails_says_so(tmp_path):
    with pytest.raises(BenchError, match=r"measuring 'batch' failed: .*nowhere"):
        _worker("batch", tmp_path / "nowhere", 1)
    with pytest.raises(SystemExit, match="worker batch FOLDER"):
        main(["dance"])
