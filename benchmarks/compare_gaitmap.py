"""Compare the CPU time and the stride lengths of Soleus and gaitmap on the same file, in one run.

gaitmap (https://github.com/mad-lab-fau/gaitmap, MIT) lives in a virtual environment of its own::

    python -m venv /somewhere/gaitmap && /somewhere/gaitmap/bin/pip install gaitmap pyarrow
    python benchmarks/compare_gaitmap.py /somewhere/gaitmap/bin/python

gaitmap is given the borders of the strides and does trajectories and parameters; Soleus gets the file alone and does
everything. Both use one thread, and are timed from opening the file on.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import os
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from soleus.batch import Result, analyze
from soleus.bench.speed import ONE_THREAD, REPEATS
from soleus.model import COUNT_CHANNELS, Foot, Recording
from soleus.recording import open_recording
from soleus.simulate import read_scenario, simulate

SCENARIO = "steady_rearfoot"
MID_STANCE = 0.45
"""Where in a contact the foot stands still, as a share of it: the border of gaitmap's strides."""
PEER = Path(__file__).with_name("gaitmap_peer.py")


def make_recording() -> tuple[Recording, float]:
    """Simulate five minutes without lost packets or clock errors: gaitmap wants uniform samples."""
    scenario = read_scenario(SCENARIO)
    left, right = (
        msgspec.structs.replace(pod, loss_share=0.0, clock_drift_ppm=0.0) for pod in (scenario.left, scenario.right)
    )
    made = simulate(msgspec.structs.replace(scenario, left=left, right=right), seed=0)
    recording = dataclasses.replace(made.recording, belt=None)
    return recording, float(np.nanmedian(made.truth["stride_length_m"].to_numpy()))


def write_recording(recording: Recording, path: Path) -> float:
    """Write the samples as one Parquet file that both read; give the rate [Hz]."""
    pods = recording.pods
    info = pods[0].info
    rate_hz = float(info.rate_hz or 0.0)
    if rate_hz <= 0:
        raise SystemExit("the simulated pods have no nominal rate")
    feet = np.repeat([p.info.foot for p in pods], [len(p.samples) for p in pods]).astype(np.int32)
    words = pa.array([foot.label for foot in Foot], pa.string())
    columns: dict[str, Any] = {
        "foot": pa.DictionaryArray.from_arrays(feet, words),
        "t": np.concatenate([p.samples.time_s for p in pods]),
    }
    counts = np.concatenate([p.samples.counts for p in pods], axis=1)
    columns |= dict(zip(COUNT_CHANNELS, counts, strict=True))
    facts = {
        "rate_hz": rate_hz,
        "accel_lsb_mps2": info.accel_lsb_mps2,
        "gyro_lsb_rads": info.gyro_lsb_rads,
        "height_m": recording.runner.height_m,
        "mass_kg": recording.runner.mass_kg,
    }
    table = pa.table(columns).replace_schema_metadata({"recording": json.dumps(facts)})
    pq.write_table(table, path, compression="zstd")
    return rate_hz


def write_strides(result: Result, rate_hz: float, path: Path) -> int:
    """Write the borders of the strides, mid-stance to mid-stance, as sample numbers; give how many there are."""
    parts = []
    for foot in Foot:
        own = result.step_rows.select(result.step_rows["foot"] == foot)
        own = own.select(np.isfinite(own["toe_off_s"]))
        contact = np.round(own["initial_contact_s"] * rate_hz).astype(np.int64)
        toe_off = np.round(own["toe_off_s"] * rate_hz).astype(np.int64)
        middle = np.round(contact + MID_STANCE * (toe_off - contact)).astype(np.int64)
        parts.append(
            pa.table(
                {
                    "foot": [foot.label] * (middle.size - 1),
                    "start": middle[:-1],
                    "end": middle[1:],
                    "pre_ic": contact[:-1],
                    "min_vel": middle[:-1],
                    "tc": toe_off[:-1],
                    "ic": contact[1:],
                }
            )
        )
    table = pa.concat_tables(parts)
    pq.write_table(table, path)
    return table.num_rows


def time_soleus(path: Path) -> tuple[float, Result]:
    """CPU seconds from the file to steps and warnings; the best of some runs after one that does not count."""
    best, result = float("inf"), None
    for run in range(REPEATS + 1):
        start = time.process_time()
        with open_recording(path) as reader:
            result = analyze(reader)
        if run:
            best = min(best, time.process_time() - start)
    assert result is not None
    return best, result


def main() -> None:
    """Print the comparison as a Markdown table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("peer_python", help="the Python of the virtual environment that holds gaitmap")
    python = parser.parse_args().peer_python
    pa.set_cpu_count(1)
    recording, true_m = make_recording()
    with tempfile.TemporaryDirectory() as folder:
        path, borders = Path(folder) / "run.parquet", Path(folder) / "strides.parquet"
        rate_hz = write_recording(recording, path)
        cpu_s, result = time_soleus(path)
        strides = write_strides(result, rate_hz, borders)
        done = subprocess.run(
            [python, str(PEER), str(path), str(borders)],
            env=os.environ | ONE_THREAD | {"NUMBA_NUM_THREADS": "1"}, capture_output=True, text=True, check=False,
        )  # fmt: skip
    if done.returncode:
        raise SystemExit(f"gaitmap failed: {done.stderr.strip().splitlines()[-1]}")
    peer = json.loads(done.stdout)
    print(f"{recording.duration_s:.0f} s, two feet at {rate_hz:.0f} Hz, {strides} strides, gaitmap {peer['version']}\n")
    print("| | CPU s | real time / CPU | CPU over Soleus | stride length, median error |")
    print("|---|---|---|---|---|")
    own = float(np.nanmedian(result.step_rows["stride_length_m"]))
    rows = [("Soleus: file to all values and warnings", cpu_s, own)]
    for name, title in (
        ("stride", "gaitmap: stride by stride (Madgwick, forward-backward), strides given"),
        ("kalman", "gaitmap: whole recording (Madgwick RTS Kalman, zero velocity), strides given"),
    ):
        lengths = np.concatenate([np.array(v, float) for v in peer[name]["stride_length_m"].values()])
        rows.append((title, peer[name]["cpu_s"], float(np.nanmedian(lengths))))
    for title, seconds, length in rows:
        error = 100 * (length / true_m - 1)
        share = recording.duration_s / seconds
        print(f"| {title} | {seconds:.3f} | {share:.0f} | {seconds / cpu_s:.1f} | {error:+.1f} % |")


if __name__ == "__main__":
    main()
