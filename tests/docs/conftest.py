"""The files that README and documentation speak of, laid out in one folder."""

import shutil
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pytest

from soleus.cli import main
from soleus.model import Foot, PodInfo, PodSamples, PodTrack, Recording
from soleus.recording import read, write_session

ROOT = Path(__file__).resolve().parents[2]
G = 9.80665
ACCEL_LSB, GYRO_LSB = G / 2048, np.radians(1 / 16.4)
RULE = ROOT / "docs" / "extend" / "rule.md"


def pod(foot: Foot, angle_deg: np.ndarray, rate_hz: float = 200.0) -> PodTrack:
    """A pod that only turns about its lateral axis: the foot in a calf raise, or the shank in knee to wall."""
    angle = np.radians(angle_deg)
    force = np.stack([-G * np.sin(angle), 0 * angle, G * np.cos(angle)])
    rate = np.stack([0 * angle, np.gradient(angle, 1 / rate_hz), 0 * angle])
    noise = np.random.default_rng(0).standard_normal((6, angle.size)) * 3
    counts = np.concatenate([force / ACCEL_LSB, rate / GYRO_LSB]) + noise
    time_s = np.arange(angle.size) / rate_hz
    samples = PodSamples(foot, time_s, np.clip(np.rint(counts), -32767, 32767).astype(np.int16))
    return PodTrack(PodInfo(foot, ACCEL_LSB, GYRO_LSB, rate_hz=rate_hz), samples)


def raises(count: int) -> np.ndarray:
    """Standing, that many calf raises of two seconds to 35°, standing."""
    phase = np.arange(400) / 400
    one = 35 * np.sin(np.pi * np.clip((phase - 0.08) / 0.84, 0, 1)) ** 2
    return np.concatenate([np.zeros(600), np.tile(one, count), np.zeros(600)])


def holds(lean_deg: float) -> np.ndarray:
    """Standing, two holds of three seconds with the shank leaning, standing between."""
    ramp = lean_deg * np.sin(np.linspace(0, np.pi / 2, 200)) ** 2
    one = np.concatenate([ramp, np.full(600, lean_deg), ramp[::-1], np.zeros(500)])
    return np.concatenate([np.zeros(600), one, one])


def write_csv(session: Path, out: Path) -> None:
    """Half a minute of a session as a plain file in g and degrees a second."""
    tables = []
    for track in read(session).pods:
        kept = track.samples[: 30 * 200]
        columns = {"foot": pa.array([track.info.foot.label] * len(kept)), "t": pa.array(kept.time_s)}
        accel, gyro = kept.accel_mps2(track.info) / G, np.degrees(kept.gyro_rads(track.info))
        for names, values in ((("ax_g", "ay_g", "az_g"), accel), (("gx_dps", "gy_dps", "gz_dps"), gyro)):
            columns |= {name: pa.array(row) for name, row in zip(names, values, strict=True)}
        tables.append(pa.table(columns))
    pyarrow.csv.write_csv(pa.concat_tables(tables), out)


@pytest.fixture(scope="session")
def bench(tmp_path_factory) -> Path:
    """All those files, made once."""
    place = tmp_path_factory.mktemp("bench")
    shutil.copytree(ROOT / "sample_data", place / "sample_data")
    steady = str(place / "sample_data" / "steady_rearfoot")
    for name in ("runs/tuesday", "runs/old", "recordings/tuesday"):
        assert main(["analyze", steady, "--no-history", "--out", str(place / name), "--json"]) == 0
        for part in ("imu.parquet", "belt.parquet"):
            shutil.copy(Path(steady) / part, place / name / part)
    assert main(["export", str(place / "runs" / "tuesday"), "--fit", "--out", str(place)]) == 0
    next(place.glob("*.fit")).rename(place / "sunday.fit")
    write_csv(Path(steady), place / "run.csv")
    (place / "runner.toml").write_text("height_m = 1.75\nmass_kg = 68.0\n", encoding="utf-8")
    rule = RULE.read_text(encoding="utf-8").split("```toml\n")[1].split("```")[0]
    (place / "my.toml").write_text(rule, encoding="utf-8")
    left, first = raises(12), 12 * 400 + 1200
    both = [pod(Foot.LEFT, np.concatenate([left, np.zeros(first)])), pod(Foot.RIGHT, np.concatenate([0 * left, left]))]
    made = {
        "test-left": [pod(Foot.LEFT, left)],
        "test-both": both,
        "test-bent": [pod(Foot.LEFT, left), pod(Foot.RIGHT, 20 + 0 * left)],
        "knee-left": [pod(Foot.LEFT, holds(38)), pod(Foot.RIGHT, 0 * holds(38))],
    }
    for name, tracks in made.items():
        write_session(Recording(tuple(tracks)), place / name)
    return place


@pytest.fixture
def workbench(bench, tmp_path, monkeypatch) -> Path:
    """A copy of those files to work in, with an empty log and no runner's file."""
    place = tmp_path / "work"
    shutil.copytree(bench, place)
    monkeypatch.setenv("SOLEUS_HOME", str(tmp_path / "home"))
    monkeypatch.chdir(place)
    return place
