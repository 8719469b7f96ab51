"""A foot that runs, roughly: gravity, swing and an impact a stride; in any unit and any text layout."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

G = 9.80665


class Motion:
    """Made-up samples and the files they can be written to."""

    def __init__(self, seconds: float = 4.0, rate_hz: float = 200.0, seed: int = 0) -> None:
        rng = np.random.default_rng(seed)
        self.t = np.arange(round(seconds * rate_hz)) / rate_hz
        phase = 2 * np.pi * 1.4 * self.t
        hit = np.exp(-(((phase % (2 * np.pi)) / 0.2) ** 2))
        self.accel = np.stack([6 * np.sin(phase), 3 * np.cos(phase), G + 4 * np.sin(phase) + 90 * hit])
        self.gyro = np.stack([np.sin(phase), 9 * np.sin(phase + 0.3), 0.5 * np.cos(phase)])
        self.accel += rng.normal(0, 0.1, self.accel.shape)
        self.gyro += rng.normal(0, 0.02, self.gyro.shape)

    def columns(self, t=1.0, accel=1.0, gyro=1.0) -> np.ndarray:
        """(n, 7) table, with each part multiplied by what makes its unit."""
        return np.column_stack([self.t * t, (self.accel * accel).T, (self.gyro * gyro).T])

    def csv(self, path: Path, *, header="t,ax,ay,az,gx,gy,gz", table=None, fmt="%.6f", sep=",", **encoding) -> Path:
        table = self.columns() if table is None else table
        lines = [header, *(sep.join(fmt % x for x in row) for row in table), ""]
        path.write_text("\n".join(lines), **encoding)
        return path


@pytest.fixture
def motion() -> Motion:
    return Motion()


@pytest.fixture
def make_motion() -> type[Motion]:
    return Motion
