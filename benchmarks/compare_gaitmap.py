"""Compare the CPU time and the stride lengths of Soleus, gaitmap and vqf on the same files, in one run.

gaitmap (https://github.com/mad-lab-fau/gaitmap) and vqf (https://github.com/dlaidig/vqf), both MIT, live in a virtual
environment of their own::

    python -m venv /somewhere/peers && /somewhere/peers/bin/pip install gaitmap vqf pyarrow
    python benchmarks/compare_gaitmap.py /somewhere/peers/bin/python --minutes 5 30

gaitmap is given the borders of the strides; vqf finds orientations alone; Soleus gets the file alone and does
everything. All use one thread and are timed from opening the file on, without what they import.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from soleus.batch import Result, analyze
from soleus.bench.speed import ONE_THREAD, REPEATS, repeated
from soleus.model import COUNT_CHANNELS, Foot, Recording
from soleus.recording import open_recording, write_session
from soleus.simulate import read_scenario, simulate

SCENARIO = "steady_rearfoot"
MID_STANCE = 0.45
"""Where in a contact the foot stands still, as a share of it: the border of gaitmap's strides."""
PEER = Path(__file__).with_name("gaitmap_peer.py")


def make_recording(minutes: float) -> tuple[Recording, float]:
    """Simulate a run without lost packets, clock errors or turned pods: gaitmap wants uniform samples in foot axes."""
    scenario = read_scenario(SCENARIO)
    left, right = (
        msgspec.structs.replace(pod, loss_share=0.0, clock_drift_ppm=0.0, lace_deg=0.0, tilt_deg=0.0)
        for pod in (scenario.left, scenario.right)
    )
    made = simulate(msgspec.structs.replace(scenario, left=left, right=right), seed=0)
    times = max(1, round(60.0 * minutes / scenario.duration_s))
    recording = dataclasses.replace(repeated(made.recording, times, scenario.duration_s), belt=None)
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


def time_soleus(path: Path, repeats: int) -> tuple[float, Result]:
    """CPU seconds from the file to steps and warnings; the best of some runs after one that does not count."""
    best, result = float("inf"), None
    for run in range(repeats + 1):
        start = time.process_time()
        with open_recording(path) as reader:
            result = analyze(reader)
        if run:
            best = min(best, time.process_time() - start)
    assert result is not None
    return best, result


def import_cpu_s() -> float:
    """CPU seconds from the start of an interpreter until all of Soleus that an analysis needs is imported."""
    code = "import soleus.batch, soleus.recording, pyarrow.parquet, time; print(time.process_time())"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return float(done.stdout)


TITLES = {
    "stride": "gaitmap: trajectory of each stride (Madgwick, forward-backward), parameters; strides and events given",
    "events": "gaitmap: the same with its own events (Herzer); strides given",
    "kalman": "gaitmap: trajectory of the whole (Madgwick RTS Kalman), parameters; strides and events given",
    "vqf": "vqf: orientation alone (offline filter in C++)",
}


def compare(python: str, minutes: float, repeats: int) -> str:
    """Give the comparison on a recording of this length as a Markdown table."""
    recording, true_m = make_recording(minutes)
    with tempfile.TemporaryDirectory() as folder:
        path, borders = Path(folder) / "run.parquet", Path(folder) / "strides.parquet"
        rate_hz = write_recording(recording, path)
        cpu_s, result = time_soleus(path, repeats)
        strides = write_strides(result, rate_hz, borders)
        done = subprocess.run(
            [python, str(PEER), str(path), str(borders), str(repeats)],
            env=os.environ | ONE_THREAD | {"NUMBA_NUM_THREADS": "1"}, capture_output=True, text=True, check=False,
        )  # fmt: skip
        # once more: what disturbs one of them must not decide
        cpu_s = min(cpu_s, time_soleus(path, repeats)[0])
        session_cpu_s, _ = time_soleus(write_session(recording, Path(folder) / "session"), repeats)
    if done.returncode:
        raise SystemExit(f"the peers failed: {done.stderr.strip().splitlines()[-1]}")
    peer = json.loads(done.stdout)
    names = ", ".join(f"{name} {number}" for name, number in peer["versions"].items())
    own = float(np.nanmedian(result.step_rows["stride_length_m"]))
    rows: list[tuple[str, float, int | None, float | None]] = [
        ("Soleus: file to all values and warnings", cpu_s, strides, own),
        ("Soleus: the same from its own session folder", session_cpu_s, strides, own),
    ]
    rows += [(t, r["cpu_s"], r["strides"], r["stride_length_m"]) for k, t in TITLES.items() if (r := peer["routes"][k])]
    imports = f"imports: Soleus {import_cpu_s():.2f} s, peers {peer['import_cpu_s']:.2f} s"
    lines = [
        f"{recording.duration_s / 60:.0f} min, two feet at {rate_hz:.0f} Hz, {strides} strides, {names}; {imports}\n",
        "| | CPU s | real time / CPU | CPU over Soleus | strides | stride length, median error |",
        "|---|---|---|---|---|---|",
    ]
    for title, seconds, count, length in rows:
        error = "" if length is None else f"{100 * (length / true_m - 1):+.1f} %"
        ratios = f"{recording.duration_s / seconds:.0f} | {seconds / cpu_s:.1f}"
        lines.append(f"| {title} | {seconds:.3f} | {ratios} | {'' if count is None else count} | {error} |")
    return "\n".join(lines)


def main() -> None:
    """Print the comparisons as Markdown tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("peer_python", help="the Python of the virtual environment that holds gaitmap and vqf")
    parser.add_argument("--minutes", type=float, nargs="+", default=[5.0, 30.0], help="lengths of the recordings")
    parser.add_argument("--repeats", type=int, default=REPEATS, help="the best of so many runs counts")
    arguments = parser.parse_args()
    pa.set_cpu_count(1)
    for minutes in arguments.minutes:
        print(compare(arguments.peer_python, minutes, arguments.repeats), end="\n\n", flush=True)


if __name__ == "__main__":
    main()
