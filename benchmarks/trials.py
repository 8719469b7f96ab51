"""Trials with force-plate truth, as ``import_rbds.py`` lays them out: NAME.parquet beside NAME.truth.parquet."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq

from soleus.gait.grid import GRID_HZ
from soleus.model import FloatArray, Foot

CHANNELS = ("ax", "ay", "az", "gx", "gy", "gz")


@dataclass(frozen=True, slots=True)
class FootTrial:
    """One foot in one trial, on the 200 Hz grid.

    ``values`` (6, n) [m/s², rad/s]; ``first`` grid number of the first sample; truth (m,) by name; times in s.
    """

    name: str
    runner: int
    foot: Foot
    speed_mps: float
    mass_kg: float
    height_m: float
    first: int
    values: FloatArray
    truth: dict[str, FloatArray]

    @property
    def side(self) -> float:
        """+1 left, -1 right."""
        return 1.0 if self.foot is Foot.LEFT else -1.0


def read_trials(folder: Path) -> Iterator[FootTrial]:
    """Read all trials of a folder, both feet of each."""
    for truth_path in sorted(folder.glob("*.truth.parquet")):
        name = truth_path.name.removesuffix(".truth.parquet")
        table = pq.read_table(folder / f"{name}.parquet")
        facts = json.loads(table.schema.metadata[b"rbds"])
        truth = pq.read_table(truth_path)
        feet = np.array(table["foot"].to_pylist())
        time_s = table["t"].to_numpy()
        scale = [facts["accel_lsb_mps2"]] * 3 + [facts["gyro_lsb_rads"]] * 3
        values = np.stack([table[c].to_numpy() * s for c, s in zip(CHANNELS, scale, strict=True)])
        sides = np.array(truth["side"].to_pylist())
        for foot in Foot:
            mine, true = feet == foot.label, sides == foot.label
            columns = {c: truth[c].to_numpy().astype(float)[true] for c in truth.column_names if c != "side"}
            yield FootTrial(
                name, facts["subject"], foot, facts["belt_speed_mps"], facts["mass_kg"], facts["height_m"],
                round(time_s[mine][0] * GRID_HZ), np.ascontiguousarray(values[:, mine]), columns,
            )  # fmt: skip
