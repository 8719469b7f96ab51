"""Speed of the parts, for comparing two states of the program: ``pytest benchmarks/bench_speed.py``.

The bars are judged by ``soleus bench speed``; here pytest-benchmark keeps the statistics (``--benchmark-autosave``,
``--benchmark-compare``).
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from soleus.batch import analyze
from soleus.gait import GaitAnalyzer
from soleus.model import PodSamples, Recording, Steps
from soleus.pipeline import Pipeline
from soleus.recording import open_recording, read, write_session
from soleus.rules import RuleEngine
from soleus.simulate import read_scenario, simulate

SCENARIO = "steady_rearfoot"
PUSH_SAMPLES = 10
"""50 ms at 200 Hz."""


@pytest.fixture(scope="module")
def recording() -> Recording:
    """Simulate five minutes of two feet at 200 Hz."""
    return simulate(read_scenario(SCENARIO), seed=0).recording


@pytest.fixture(scope="module")
def session(recording: Recording, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write the same to disk."""
    return write_session(recording, tmp_path_factory.mktemp("session"))


@pytest.fixture(scope="module")
def steps(recording: Recording) -> Steps:
    """Find its steps."""
    return analyze(recording, rules=()).step_rows


def test_file_to_steps_and_warnings(benchmark: BenchmarkFixture, session: Path) -> None:
    """The whole way."""

    def run() -> int:
        with open_recording(session) as reader:
            return len(analyze(reader).step_rows)

    assert benchmark(run) > 0


def test_reading(benchmark: BenchmarkFixture, session: Path) -> None:
    """Disk to samples."""
    assert benchmark(read, session).pods


def test_gait(benchmark: BenchmarkFixture, recording: Recording) -> None:
    """Samples to steps, a minute at a time."""

    def run() -> int:
        analyzer = GaitAnalyzer([track.info for track in recording.pods], recording.runner)
        return sum(len(analyzer.push(chunk)) for chunk in recording.chunks()) + len(analyzer.finish())

    assert benchmark(run) > 0


def test_rules(benchmark: BenchmarkFixture, recording: Recording, steps: Steps) -> None:
    """Steps to warnings."""

    def run() -> int:
        engine = RuleEngine(recording.runner)
        return len(engine.push(steps)) + len(engine.finish())

    assert benchmark(run) >= 0


def test_live_push(benchmark: BenchmarkFixture, recording: Recording) -> None:
    """One push of 50 ms of both feet into a pipeline that has run for a minute."""
    pipeline = Pipeline([track.info for track in recording.pods], recording.runner)
    chunks = recording.chunks()
    pipeline.push(next(chunks))
    pushes = _pushes(chunks)
    benchmark.pedantic(lambda: pipeline.push(next(pushes)), rounds=2000)  # type: ignore[no-untyped-call]


def _pushes(chunks: Iterator[object]) -> Iterator[list[PodSamples]]:
    for chunk in chunks:
        assert isinstance(chunk, list)
        for start in range(0, min(len(s) for s in chunk), PUSH_SAMPLES):
            yield [s[start : start + PUSH_SAMPLES] for s in chunk]
