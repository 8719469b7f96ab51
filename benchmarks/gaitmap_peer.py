"""The peers' half of ``compare_gaitmap.py``: runs in a virtual environment of its own that holds gaitmap and vqf.

``python gaitmap_peer.py RECORDING STRIDES REPEATS`` prints one JSON object. RECORDING is a Parquet file of samples,
STRIDES one of stride borders: gaitmap is given them (its own stride segmentation is another package under another
licence), the rest is timed.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from importlib import metadata
from typing import Any

import gaitmap
import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import vqf
from gaitmap.event_detection import HerzerEventDetection
from gaitmap.parameters import SpatialParameterCalculation, TemporalParameterCalculation
from gaitmap.trajectory_reconstruction import (
    ForwardBackwardIntegration,
    MadgwickAHRS,
    MadgwickRtsKalman,
    RegionLevelTrajectory,
    StrideLevelTrajectory,
)
from gaitmap.utils.coordinate_conversion import convert_to_fbf

IMPORT_CPU_S = time.process_time()
"""From the start of the interpreter to here."""
EVENTS = ("start", "end", "pre_ic", "min_vel", "tc", "ic")

Feet = dict[str, pd.DataFrame]


def read(path: str) -> tuple[Feet, float]:
    """Read samples in the units gaitmap wants [m/s², °/s], and their rate [Hz]."""
    table = pq.read_table(path)
    facts = json.loads(table.schema.metadata[b"recording"])
    foot: Any = table["foot"].combine_chunks()
    scales = {"acc": facts["accel_lsb_mps2"], "gyr": np.degrees(facts["gyro_lsb_rads"])}
    columns = {
        f"{kind}_{axis}": table[f"{kind[0]}{axis}"].to_numpy() * scale
        for kind, scale in scales.items()
        for axis in "xyz"
    }
    frame = pd.DataFrame(columns)
    rows = foot.indices.to_numpy()
    feet = {label: frame[rows == code].reset_index(drop=True) for code, label in enumerate(foot.dictionary.to_pylist())}
    return feet, facts["rate_hz"]


def read_strides(path: str) -> Feet:
    """Read stride borders: one row a stride, events as sample numbers."""
    frame = pq.read_table(path).to_pandas()
    strides = {}
    for foot, own in frame.groupby("foot"):
        own = own.reset_index(drop=True)[list(EVENTS)]  # noqa: PLW2901
        own.index.name = "s_id"
        strides[str(foot)] = own.reset_index()
    return strides


def stride_level(data: Feet, strides: Feet, rate_hz: float) -> Any:  # noqa: ANN401
    """Take gaitmap's usual route: each stride by itself, Madgwick filter, forward-backward integration."""
    method = StrideLevelTrajectory(ori_method=MadgwickAHRS(), pos_method=ForwardBackwardIntegration())
    return method.estimate(data, strides, sampling_rate_hz=rate_hz)


def kalman(data: Feet, strides: Feet, rate_hz: float) -> Any:  # noqa: ANN401
    """Take its zero-velocity route: an error-state Kalman filter with smoother over the whole recording, then cut."""
    regions = {
        foot: pd.DataFrame({"gs_id": [0], "start": [int(s["start"].iloc[0])], "end": [int(s["end"].iloc[-1])]})
        for foot, s in strides.items()
    }
    method = RegionLevelTrajectory(ori_method=None, pos_method=None, trajectory_method=MadgwickRtsKalman())
    return method.estimate_intersect(data, regions, stride_event_list=strides, sampling_rate_hz=rate_hz)


def parameters(route: Any, strides: Feet, rate_hz: float) -> Feet:  # noqa: ANN401
    """Compute the parameters of each stride from its trajectory."""
    TemporalParameterCalculation().calculate(strides, sampling_rate_hz=rate_hz)
    spatial = SpatialParameterCalculation()
    spatial.calculate(strides, route.position_, route.orientation_, sampling_rate_hz=rate_hz)
    found: Feet = spatial.parameters_
    return found


def with_own_events(data: Feet, strides: Feet, rate_hz: float) -> Feet:
    """Let gaitmap find contacts and toe-offs itself (Herzer), then take its usual route."""
    borders = {foot: own[["s_id", "start", "end"]] for foot, own in strides.items()}
    aligned = convert_to_fbf(data, left=["left"], right=["right"])
    found = HerzerEventDetection().detect(aligned, borders, sampling_rate_hz=rate_hz).min_vel_event_list_
    return parameters(stride_level(data, found, rate_hz), found, rate_hz)


def timed(recording: str, strides: Feet, route: Callable[[Feet, Feet, float], Feet], repeats: int) -> dict[str, Any]:
    """Measure CPU seconds from the file to the parameters; the first run, which compiles, does not count."""
    best, found = float("inf"), {}
    for run in range(repeats + 1):
        start = time.process_time()
        data, rate_hz = read(recording)
        found = route(data, strides, rate_hz)
        if run:
            best = min(best, time.process_time() - start)
    lengths = np.concatenate([values["stride_length"].to_numpy(float) for values in found.values()])
    length_m = float(np.nanmedian(lengths)) if np.isfinite(lengths).any() else None
    return {"cpu_s": best, "strides": int(lengths.size), "stride_length_m": length_m}


def timed_vqf(recording: str, repeats: int) -> dict[str, Any]:
    """Measure CPU seconds from the file to the orientations by the offline filter in C++."""
    best = float("inf")
    for run in range(repeats + 1):
        start = time.process_time()
        data, rate_hz = read(recording)
        for frame in data.values():
            gyro = np.radians(frame[["gyr_x", "gyr_y", "gyr_z"]].to_numpy())
            accel = frame[["acc_x", "acc_y", "acc_z"]].to_numpy()
            vqf.offlineVQF(np.ascontiguousarray(gyro), np.ascontiguousarray(accel), None, 1 / rate_hz)
        if run:
            best = min(best, time.process_time() - start)
    return {"cpu_s": best, "strides": None, "stride_length_m": None}


def main() -> None:
    """Measure all routes."""
    recording, borders, repeats = sys.argv[1], sys.argv[2], int(sys.argv[3])
    strides = read_strides(borders)
    routes: dict[str, Callable[[Feet, Feet, float], Feet]] = {
        "stride": lambda d, s, hz: parameters(stride_level(d, s, hz), s, hz),
        "kalman": lambda d, s, hz: parameters(kalman(d, s, hz), s, hz),
        "events": with_own_events,
    }
    figures = {name: timed(recording, strides, route, repeats) for name, route in routes.items()}
    figures["vqf"] = timed_vqf(recording, repeats)
    versions = {"gaitmap": gaitmap.__version__, "vqf": metadata.version("vqf")}
    json.dump({"versions": versions, "import_cpu_s": IMPORT_CPU_S, "routes": figures}, sys.stdout)


if __name__ == "__main__":
    main()
