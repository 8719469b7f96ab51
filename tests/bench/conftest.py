"""Benchmark scripts are no package: their folder goes onto the path, as when one of them is run."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from soleus.recording import write_session
from soleus.simulate import Bout, Scenario, simulate

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"
sys.path.insert(0, str(BENCHMARKS))


@pytest.fixture(scope="session")
def made():
    """Half a minute of steady running, with ideal clocks."""
    scenario = Scenario(name="short", bouts=(Bout(kind="run", speed_mps=3.2, duration_s=30.0),))
    return simulate(scenario, seed=3)


@pytest.fixture(scope="session")
def session(made, tmp_path_factory):
    """The same as a session folder with truth."""
    import pyarrow.parquet as pq

    folder = tmp_path_factory.mktemp("data") / "short"
    write_session(made.recording, folder)
    pq.write_table(made.truth, folder / "truth.parquet")
    return folder
