"""What several rooms' tests share: simulated recordings with exact truth, made once each, and the validation data."""

from __future__ import annotations

import functools
import os
from pathlib import Path

import numpy as np
import pytest

from soleus.gait import GaitAnalyzer
from soleus.model import Recording, Runner, Steps
from soleus.simulate import Bout, Gait, Pod, Scenario, Sensor, Simulated, simulate

ROOT = Path(__file__).resolve().parents[1]
RUNNER = Runner(mass_kg=68.0, height_m=1.75)


class Recordings:
    """Simulated recordings; the same arguments give the same object."""

    Bout, Gait, Pod, Sensor, Scenario = Bout, Gait, Pod, Sensor, Scenario
    RUNNER = RUNNER

    @staticmethod
    @functools.cache
    def of(scenario: Scenario, seed: int = 1) -> Simulated:
        """Any scenario."""
        return simulate(scenario, seed)

    def run(self, speed_mps: float = 3.2, duration_s: float = 14.0, seed: int = 1, **parts) -> Simulated:
        """A steady run."""
        bout = Bout(kind="run", speed_mps=speed_mps, duration_s=duration_s)
        return self.of(Scenario(name="run", bouts=(bout,), **parts), seed)

    def bouts(self, *bouts: tuple[str, float, float], seed: int = 1, **parts) -> Simulated:
        """Bouts of (kind, speed, duration)."""
        made = tuple(Bout(kind=k, speed_mps=v, duration_s=d, ramp_s=min(2.0, d / 2)) for k, v, d in bouts)
        return self.of(Scenario(name="bouts", bouts=made, **parts), seed)

    def mixed_rates(self, left_hz: float, right_hz: float, **how) -> Recording:
        """The same run seen at another rate by each foot."""
        left = self.run(sensor=Sensor(rate_hz=left_hz), **how).recording
        right = self.run(sensor=Sensor(rate_hz=right_hz), **how).recording
        return Recording((left.pods[0], right.pods[1]), runner=left.runner)

    @staticmethod
    def rows(recording: Recording, belt=None, runner: Runner | None = RUNNER) -> tuple[Steps, GaitAnalyzer]:
        """All steps of one push of everything."""
        analyzer = GaitAnalyzer([track.info for track in recording.pods], runner)
        steps = [analyzer.push([track.samples for track in recording.pods], belt), analyzer.finish()]
        return Steps.concat(steps), analyzer


@pytest.fixture(scope="session")
def recordings() -> Recordings:
    return Recordings()


@pytest.fixture(scope="session")
def truth_of():
    """Columns of a simulation's truth as arrays; the foot as its code, missing numbers as NaN."""

    def columns(made: Simulated) -> dict[str, np.ndarray]:
        table = made.truth
        found = {
            name: table[name].to_numpy(zero_copy_only=False).astype(float)
            for name in table.column_names
            if name not in {"foot", "foot_strike", "flags"}
        }
        found["foot"] = np.array([word == "right" for word in table["foot"].to_pylist()]).astype(int)
        found["flags"] = np.array(table["flags"].to_pylist(), dtype=object)
        return found

    return columns


@pytest.fixture(scope="session")
def matched(truth_of):
    """Rows of truth and estimate that are one contact: index arrays, and the numbers missed and invented."""

    def match(made: Simulated, steps: Steps, within_s: float = 0.05) -> tuple[np.ndarray, np.ndarray, int, int]:
        truth = truth_of(made)
        true_rows, found_rows, invented = [], [], 0
        for foot in (0, 1):
            t, s = np.flatnonzero(truth["foot"] == foot), np.flatnonzero(steps["foot"] == foot)
            if not s.size or not t.size:
                continue
            apart = np.abs(steps["initial_contact_s"][s][:, None] - truth["initial_contact_s"][t])
            nearest = apart.argmin(axis=1)
            good = apart[np.arange(s.size), nearest] <= within_s
            assert np.unique(nearest[good]).size == good.sum(), "two rows for one contact"
            true_rows.extend(t[nearest[good]])
            found_rows.extend(s[good])
            invented += int((~good).sum())
        return np.array(true_rows, int), np.array(found_rows, int), truth["foot"].size - len(true_rows), invented

    return match


@pytest.fixture(scope="session")
def validation() -> Path:
    """The folder of human validation recordings, which is no part of the repository."""
    folder = Path(os.environ.get("SOLEUS_VALIDATION", ROOT.parent / "shared" / "validation"))
    if not (folder / "rbds").is_dir():
        pytest.skip(f"no validation recordings in {folder}; name their folder in SOLEUS_VALIDATION")
    return folder
