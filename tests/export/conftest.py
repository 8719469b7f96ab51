"""Sessions to export, and three independent readers of FIT."""

from __future__ import annotations

import math
import shutil
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from soleus.batch import analyze
from soleus.batch.output import write_result, write_warnings
from soleus.batch.summary import summarize
from soleus.bench.population import Course, Habit, simulate
from soleus.model import Foot, HeartRate, PodInfo, Runner, Steps, Warnings
from soleus.recording import open_recording, session_record, write_session_record, write_steps
from soleus.recording.events_file import EVENTS_SCHEMA, write_events
from soleus.recording.side_tables import write_heart_rate

ROOT = Path(__file__).resolve().parents[2]
SAMPLES = ("steady_rearfoot", "ladder_forefoot", "walk_run_intervals", "one_sided_fatigue")
START = datetime(2025, 5, 3, 16, 30, 0, 250_000, tzinfo=UTC)
PODS = (PodInfo(Foot.LEFT, 0.005, 0.001, pod_id="a1", maker="Maker"), PodInfo(Foot.RIGHT, 0.005, 0.001, pod_id="a2"))


@pytest.fixture(scope="session")
def sample_sessions(tmp_path_factory) -> dict[str, Path]:
    """The sample sessions, analysed, in folders of their own."""
    place = tmp_path_factory.mktemp("samples")
    for name in SAMPLES:
        shutil.copytree(ROOT / "sample_data" / name, place / name)
        with open_recording(place / name) as reader:
            result = analyze(reader)
        write_result(result, summarize(result), place / name)
    return {name: place / name for name in SAMPLES}


class Sessions:
    """Makes analysed session folders of given steps."""

    START = START

    @staticmethod
    def run(duration_s: float = 300.0) -> Steps:
        return simulate(Habit.draw(np.random.default_rng(3)), Course(), duration_s, np.random.default_rng(4))

    @staticmethod
    def write(
        folder: Path,
        steps: Steps,
        *,
        start: datetime | None = START,
        warnings: Warnings | None = None,
        heart_rate: HeartRate | None = None,
        events: list[tuple[float | None, str, str]] = (),
        runner: Runner = Runner(name="Ada"),  # noqa: B008 - immutable
    ) -> Path:
        write_steps(steps, folder)
        if warnings is not None:
            write_warnings(warnings, folder)
        if heart_rate is not None:
            write_heart_rate(heart_rate, folder)
        if events:
            rows = [{"piece": i, "t": t, "kind": kind, "json": text} for i, (t, kind, text) in enumerate(events)]
            write_events(pa.Table.from_pylist(rows, EVENTS_SCHEMA), folder)
        write_session_record(session_record(PODS, dict.fromkeys(Foot, 9), runner=runner, start_utc=start), folder)
        return folder


@pytest.fixture(scope="session")
def sessions() -> type[Sessions]:
    return Sessions


def _plain(value):
    """One shape for what three libraries give: times as seconds since 1970, NaN and None both as None."""
    if isinstance(value, datetime):
        return (value if value.tzinfo else value.replace(tzinfo=UTC)).timestamp()
    if isinstance(value, float) and math.isnan(value):
        return None
    return value


def _by_fitdecode(path: Path) -> list[tuple[str, dict]]:
    import fitdecode

    with fitdecode.FitReader(
        str(path), check_crc=fitdecode.CrcCheck.RAISE, error_handling=fitdecode.ErrorHandling.RAISE
    ) as reader:
        frames = [frame for frame in reader if frame.frame_type == fitdecode.FIT_FRAME_DATA]
    return [(f.name, {each.name: _plain(each.value) for each in f.fields}) for f in frames]


def _by_fitparse(path: Path) -> list[tuple[str, dict]]:
    import fitparse

    file = fitparse.FitFile(str(path), check_crc=True)
    file.parse()
    return [(m.name, {k: _plain(v) for k, v in m.get_values().items()}) for m in file.messages]


def _by_garmin(path: Path) -> list[tuple[str, dict]]:
    from garmin_fit_sdk import Decoder, Stream

    assert Decoder(Stream.from_file(str(path))).check_integrity()
    found: list[tuple[str, dict]] = []
    names: dict[int, str] = {}
    numbers = {20: "record", 19: "lap", 18: "session", 21: "event", 34: "activity", 0: "file_id", 23: "device_info",
               206: "field_description", 207: "developer_data_id"}  # fmt: skip

    def take(number, message):
        fields = {k: _plain(v) for k, v in message.items() if isinstance(k, str) and k != "developer_fields"}
        if number == 206:
            names[len(names)] = message["field_name"]
        fields |= {names[k]: _plain(v) for k, v in message.get("developer_fields", {}).items()}
        found.append((numbers[number], fields))

    _, errors = Decoder(Stream.from_file(str(path))).read(mesg_listener=take)
    assert errors == []
    return found


@pytest.fixture(scope="session")
def read_by_three():
    """Read a FIT file with fitdecode, fitparse and Garmin's own library; none may complain."""
    for name in ("fitdecode", "fitparse", "garmin_fit_sdk"):
        pytest.importorskip(name)

    def read(path: Path) -> list[list[tuple[str, dict]]]:
        return [_by_fitdecode(path), _by_fitparse(path), _by_garmin(path)]

    return read
