"""Sample sessions, analysed once; sessions made of their steps; a browser that must be there."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from soleus.batch import analyze
from soleus.batch.output import write_result, write_warnings
from soleus.batch.summary import summarize
from soleus.model import Foot, PodInfo, Runner, Steps, Warnings
from soleus.recording import (
    open_recording,
    read_steps,
    session_record,
    write_session_record,
    write_steps,
)
from soleus.report import Run, read_run

ROOT = Path(__file__).resolve().parents[2]
SAMPLES = ("one_sided_fatigue", "steady_rearfoot", "ladder_forefoot", "walk_run_intervals")
START = datetime(2025, 3, 1, 7, 0, tzinfo=UTC)


@pytest.fixture(scope="session")
def analysed(tmp_path_factory) -> dict[str, Path]:
    """Folders as `soleus analyze --out` leaves them: no raw data, no belt."""
    folders = {}
    for name in SAMPLES:
        folders[name] = tmp_path_factory.mktemp(name) / name
        with open_recording(ROOT / "sample_data" / name) as reader:
            result = analyze(reader)
            summary = summarize(result, name)
            write_result(result, summary, folders[name], start_utc=reader.start_utc, extra=reader.extra)
    return folders


@pytest.fixture(scope="session")
def fatigue(analysed) -> Run:
    return read_run(analysed["one_sided_fatigue"])


@pytest.fixture(scope="session")
def steady(analysed) -> Run:
    return read_run(analysed["steady_rearfoot"])


@pytest.fixture(scope="session")
def intervals(analysed) -> Run:
    return read_run(analysed["walk_run_intervals"])


class Made:
    """Runs made of the steps of others."""

    @staticmethod
    def run(steps: Steps, warnings: Warnings | None = None, **record) -> Run:
        """A run in memory."""
        feet = [PodInfo(foot, 0.005, 0.001) for foot in Foot]
        record = session_record(feet, dict.fromkeys(Foot, 1000), **({"runner": Runner()} | record))
        return Run("made", steps, Warnings.empty() if warnings is None else warnings, record)

    @staticmethod
    def changed(steps: Steps, **columns: np.ndarray) -> Steps:
        """The same steps with other columns."""
        return Steps(dict(steps.columns) | columns)

    @staticmethod
    def tiled(steps: Steps, times: int) -> Steps:
        """The same steps several times, one after the other."""
        span_s = float(steps["initial_contact_s"][-1] - steps["initial_contact_s"][0]) + 0.36
        return Steps.concat(
            Made.changed(steps, **{c: steps[c] + k * span_s for c in ("initial_contact_s", "toe_off_s")})
            for k in range(times)
        )

    @staticmethod
    def folder(path: Path, run: Run) -> Path:
        """The same on disk."""
        write_steps(run.steps, path)
        write_warnings(run.warnings, path)
        write_session_record(run.record, path)
        return path

    @staticmethod
    def copy(folder: Path, to: Path, **facts) -> Path:
        """A copy of a session folder with other facts in session.json."""
        shutil.copytree(folder, to)
        record = json.loads((to / "session.json").read_text())
        (to / "session.json").write_text(json.dumps(record | facts))
        return to


@pytest.fixture(scope="session")
def made() -> type[Made]:
    return Made


@pytest.fixture(scope="session")
def with_events():
    """A run with events of its own."""

    def put(run: Run, *events) -> Run:
        return replace(run, events=tuple(events))

    return put


@pytest.fixture(scope="module")
def browser():
    """Chromium: Debian's, or Playwright's own; without any, these tests fail rather than pass unseen."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        started = playwright.chromium.launch(
            executable_path=shutil.which("chromium") or shutil.which("chromium-browser"),
            args=["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"],
        )
        yield started
        started.close()


@pytest.fixture(scope="session")
def steps_of():
    return read_steps
