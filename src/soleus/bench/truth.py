"""Recordings with known truth: where they lie, and the truth in the names of the Steps table.

Two layouts are known. In the validation layout ``NAME.truth.parquet`` lies beside ``NAME.parquet``: one row a contact,
from force plates and markers. In a simulated session folder lies ``truth.parquet``.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from soleus.bench.errors import BenchError
from soleus.model import Flag, FloatArray, Foot
from soleus.recording.files import check_file, reading
from soleus.recording.limits import MIB

TRUTH_SUFFIX: Final = ".truth.parquet"
SESSION_TRUTH: Final = "truth.parquet"
TRIAL_KEY: Final = b"rbds"
SIMULATION_KEY: Final = b"simulation"
MAX_TRUTH_BYTES: Final = 512 * MIB
PPM: Final = 1e-6
LONG_STRIDE: Final = 1.5
"""A stride longer than this many median strides lost a contact: it has no length."""

PLATE_COLUMNS: Final = {
    "t_ic": "initial_contact_s",
    "t_tc": "toe_off_s",
    "fsa_deg": "foot_strike_angle_deg",
    "overstride_m": "overstride_m",
    "vo_m": "vertical_oscillation_m",
    "peak_vgrf_bw": "peak_force_bw",
    "ankle_moment_peak_nmkg": "ankle_moment_peak_nmkg",
    "ankle_moment_impulse_nmskg": "ankle_moment_impulse_nmskg",
}
"""Columns of the validation layout and what they are called in Steps; the ankle moments have no twin there."""
PLATE_NEEDED: Final = ("side", "t_ic", "t_tc", "t_next_ic")


@dataclass(frozen=True, slots=True)
class TrueContacts:
    """The true contacts of one foot, in the clock of its pod, sorted by time.

    Attributes
    ----------
    foot
        The foot under whose name the recording holds it.
    values
        (n,) each, by the names and units of the Steps table, NaN where unknown; always ``initial_contact_s``,
        ``toe_off_s`` and ``speed_mps``.
    walking
        (n,) whether the contact is a walking step.
    """

    foot: Foot
    values: Mapping[str, FloatArray]
    walking: npt.NDArray[np.bool_]

    def __len__(self) -> int:
        return self.values["initial_contact_s"].size


@dataclass(frozen=True, slots=True)
class Trial:
    """A recording with its truth.

    Attributes
    ----------
    name, recording
        What it is called and where it lies.
    feet
        True contacts of each foot.
    """

    name: str
    recording: Path
    feet: tuple[TrueContacts, ...]


def find_trials(folder: Path) -> tuple[list[Trial], list[str]]:
    """Find all recordings with truth in a folder: both layouts, and a session folder itself.

    Returns
    -------
    trials
        Sorted by name.
    skipped
        One sentence for each truth that holds no contacts.

    Raises
    ------
    BenchError
        If there is nothing to compare with.
    soleus.recording.RecordingError
        If a truth file is damaged.
    """
    if not folder.is_dir():
        raise BenchError(f"{folder}: no such folder; give one with NAME.parquet and NAME{TRUTH_SUFFIX}")
    trials: list[Trial] = []
    skipped: list[str] = []
    for path in sorted(folder.glob(f"*{TRUTH_SUFFIX}")):
        name = path.name.removesuffix(TRUTH_SUFFIX)
        recording = path.with_name(f"{name}.parquet")
        if not recording.is_file():
            skipped.append(f"{path.name}: {recording.name} is missing beside it")
            continue
        table = _table(path)
        if missing := [c for c in PLATE_NEEDED if c not in table.column_names]:
            skipped.append(f"{path.name}: no column {', '.join(missing)}: holds no contacts")
            continue
        trials.append(Trial(name, recording, _plate_truth(path, table)))
    sessions = sorted({*folder.glob(SESSION_TRUTH), *folder.glob(f"*/{SESSION_TRUTH}")})
    trials += [Trial(p.parent.resolve().name, p.parent, _simulated_truth(p, _table(p))) for p in sessions]
    if not trials:
        told = f" ({'; '.join(skipped)})" if skipped else ""
        raise BenchError(
            f"{folder}: no truth to compare with{told}; give a folder with NAME.parquet and NAME{TRUTH_SUFFIX}, "
            "or with simulated session folders"
        )
    return sorted(trials, key=lambda trial: trial.name), skipped


def _table(path: Path) -> pa.Table:
    check_file(path, MAX_TRUTH_BYTES)
    with reading(path, "truth table"):
        return pq.read_table(path, use_threads=False)


def _metadata(path: Path, table: pa.Table, key: bytes) -> dict[str, Any]:
    try:
        found = json.loads((table.schema.metadata or {})[key])
    except (KeyError, ValueError) as error:
        raise BenchError(f"{path}: no JSON under '{key.decode()}' in its metadata; make the truth again") from error
    if not isinstance(found, dict):
        raise BenchError(f"{path}: '{key.decode()}' in its metadata is no JSON object; make the truth again")
    return found


def _numbers(table: pa.Table, name: str) -> FloatArray:
    return table[name].cast(pa.float64()).to_numpy().astype(np.float64)


def _plate_truth(path: Path, table: pa.Table) -> tuple[TrueContacts, ...]:
    belt_mps = _metadata(path, table, TRIAL_KEY).get("belt_speed_mps")
    if not isinstance(belt_mps, int | float):
        raise BenchError(f"{path}: 'belt_speed_mps' is missing in its metadata; make the truth again")
    sides = np.array(table["side"].to_pylist())
    columns = {steps: _numbers(table, plate) for plate, steps in PLATE_COLUMNS.items() if plate in table.column_names}
    next_s = _numbers(table, "t_next_ic")
    columns |= {
        "contact_time_s": columns["toe_off_s"] - columns["initial_contact_s"],
        "flight_time_s": next_s - columns["toe_off_s"],
        "step_time_s": next_s - columns["initial_contact_s"],
        "cadence_spm": 60.0 / (next_s - columns["initial_contact_s"]),
    }
    feet = []
    for foot in Foot:
        mine = np.flatnonzero(sides == foot.label)
        mine = mine[np.argsort(columns["initial_contact_s"][mine], kind="stable")]
        own = {name: values[mine] for name, values in columns.items()}
        stride_s = np.diff(own["initial_contact_s"], prepend=np.nan)
        known = stride_s[np.isfinite(stride_s)]
        if known.size:
            stride_s[stride_s > LONG_STRIDE * np.median(known)] = np.nan
        own |= {
            "stride_time_s": stride_s,
            "stride_length_m": stride_s * belt_mps,
            "speed_mps": np.full(mine.size, float(belt_mps)),
        }
        feet.append(TrueContacts(foot, own, np.zeros(mine.size, np.bool_)))
    return tuple(feet)


def _simulated_truth(path: Path, table: pa.Table) -> tuple[TrueContacts, ...]:
    facts = _metadata(path, table, SIMULATION_KEY)
    feet = []
    try:
        true_feet = np.array(table["foot"].to_pylist())
        walking = np.array([Flag.WALKING in Flag.parse(text or "") for text in table["flags"].to_pylist()], np.bool_)
        names = [f.name for f in table.schema if pa.types.is_floating(f.type)]
        for foot in Foot:
            defects = facts["defects"].get(foot.label)
            if defects is None:
                continue
            mine = true_feet == foot.label
            own = {name: _numbers(table, name)[mine] for name in names}
            pod = facts["scenario"].get(foot.label, {})
            start_s, stop_s = float(pod.get("start_s", 0.0)), pod.get("stop_s")
            recorded = own["initial_contact_s"] >= start_s
            if stop_s is not None:
                recorded &= own["toe_off_s"] <= float(stop_s)
            # A recording knows no time but its pods': truth is told in the clock of the foot's own pod.
            offset_s, rate = float(defects["clock_offset_s"]), 1.0 + PPM * float(defects["clock_drift_ppm"])
            for name in ("initial_contact_s", "toe_off_s"):
                own[name] = start_s + offset_s + (own[name] - start_s) * rate
            label = Foot.parse(defects["labelled"])
            feet.append(TrueContacts(label, {n: v[recorded] for n, v in own.items()}, walking[mine][recorded]))
    except (KeyError, TypeError, AttributeError) as error:
        raise BenchError(f"{path}: not a truth table of this version ({error}); simulate it again") from error
    return tuple(feet)
