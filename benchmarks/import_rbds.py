"""Turn the public running set of Fukuchi, Fukuchi & Duarte 2017 into recordings with truth.

Data: figshare 4543435, CC-BY 4.0 (*A public dataset of running biomechanics and the effects of running speed on lower
extremity kinematics and kinetics*, PeerJ 5:e3298, doi:10.7717/peerj.3298). Download ``RBDSinfo.txt``, the standing
trials ``RBDS…static.c3d`` and the running trials ``RBDS…runT25.c3d`` (2.5 m/s; T35, T45) into one folder, then::

    python benchmarks/import_rbds.py FOLDER OUT
    soleus bench accuracy --data OUT

For every trial it writes NAME.parquet (what pods on both feet would have measured, from the markers) and
NAME.truth.parquet (what treadmill and markers say of every contact). Needs the extra ``c3d``.
"""

from __future__ import annotations

import argparse
import csv
import itertools
import json
import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from scipy.integrate import cumulative_trapezoid
from scipy.signal import butter, sosfiltfilt

from rbds_capture import (
    PELVIS_MARKERS,
    Array,
    Capture,
    CaptureError,
    FootShape,
    fit_pose,
    foot_shape,
    read_capture,
)
from virtual_pod import ACCEL_LSB_MPS2, GRAVITY_MPS2, GYRO_LSB_RADS, pod_counts, smooth_path
from virtual_pod import Path as FootPath

POD_RATE_HZ = 200.0
CONTACT_N = 50.0
"""Vertical force that a contact begins and ends with."""
FORCE_CUTOFF_HZ = 50.0
FORCE_ORDER = 4
"""The belt's rattle lies above; zero phase, so that crossings stay in place."""
MIN_CONTACT_S, MAX_STEP_S = 0.08, 0.6
"""Shorter loads are no contacts of a runner; a longer step lost one in between."""
MAX_FIT_MM = 10.0
"""Markers that fit a rigid foot worse than this are mislabelled."""
MIN_CONTACTS = 20
SIDES = {"L": "left", "R": "right"}
TRIAL = re.compile(r"RBDS0*(\d+)runT(\d)(\d)\.c3d", re.IGNORECASE)
STATIC = re.compile(r"RBDS0*(\d+)static\.c3d", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Subject:
    """One runner of the table: number, mass, height, and the visually judged strikes by speed code and side."""

    number: int
    mass_kg: float
    height_m: float
    strikes: Mapping[str, str]


def read_subjects(path: Path) -> dict[int, Subject]:
    """Read ``RBDSinfo.txt``: tab-separated, one row a file; the runner's own values may stand in the first row only.

    Raises
    ------
    CaptureError
        If a column is missing.
    """
    with path.open(newline="", encoding="utf-8-sig", errors="replace") as file:
        rows = list(csv.DictReader(file, delimiter="\t"))
    if not rows or not {"Subject", "Height", "Mass"} <= set(rows[0]):
        raise CaptureError(f"{path}: no columns Subject, Height, Mass; take RBDSinfo.txt of the data set")
    found: dict[int, Subject] = {}
    for row in rows:
        try:
            number, mass, height = int(float(row["Subject"])), float(row["Mass"]), float(row["Height"])
        except (TypeError, ValueError):
            continue
        strikes = {key: row.get(key) or "" for key in (f"{s}FSI{v}" for s in "LR" for v in ("25", "35", "45"))}
        found.setdefault(number, Subject(number, mass, height / 100, strikes))
    return found


@dataclass(frozen=True, slots=True)
class Contact:
    """A contact: its side, its beginning and end, and the next beginning on any side [s]."""

    side: str
    ic_s: float
    to_s: float
    next_s: float


def find_contacts(vertical_n: Array, rate_hz: float, feet: Mapping[str, FootPath]) -> list[Contact]:
    """Find contacts by the force through 50 N, interpolated; the lower foot at mid-contact is the one that stands.

    Only contacts that lie whole in the recording, on a foot that was seen, and are followed by one of the other foot.
    """
    above = vertical_n > CONTACT_N
    edge = np.flatnonzero(above[1:] != above[:-1])
    cross = (edge + (CONTACT_N - vertical_n[edge]) / (vertical_n[edge + 1] - vertical_n[edge])) / rate_hz
    begins = cross[~above[edge]]
    ends = cross[above[edge]]
    ends = ends[ends > begins[0]] if begins.size else ends
    pairs = [(b, e) for b, e in zip(begins, ends, strict=False) if e - b >= MIN_CONTACT_S]
    found: list[Contact] = []
    for (begin, end), (after, _) in itertools.pairwise(pairs):
        middle = np.array([(begin + end) / 2])
        if all(foot.whole(np.array([begin, end])).all() for foot in feet.values()):
            side = min(feet, key=lambda s: float(feet[s].origin_m(middle)[0, 2]))
            found.append(Contact(side, float(begin), float(end), float(after)))
    return [
        a
        for a, b in itertools.pairwise(found)
        if b.ic_s == a.next_s and b.side != a.side and a.next_s - a.ic_s <= MAX_STEP_S
    ]


def truth_row(
    contact: Contact, capture: Capture, force_n: Array, foot: FootPath, shape: FootShape, mass_kg: float
) -> dict[str, Any]:
    """Measure one contact; definitions as in the validation layout."""
    rate = capture.force_rate_hz
    rows = np.arange(int(np.ceil(contact.ic_s * rate)), int(contact.to_s * rate) + 1)
    step = np.arange(int(np.ceil(contact.ic_s * rate)), int(contact.next_s * rate) + 1)
    weight_n = mass_kg * GRAVITY_MPS2
    begin = np.array([contact.ic_s])
    rotation, ball = foot.rotation(begin)[0], foot.origin_m(begin)[0]
    pelvis = _pelvis_x(capture, contact.ic_s)
    heel = ball + rotation @ shape.markers[f"{contact.side}.Heel.Bottom"]
    ankle = ball + rotation @ shape.ankle_m
    moment = _ankle_moment(capture, force_n, rows, foot, shape) / mass_kg
    return {
        "side": SIDES[contact.side],
        "t_ic": contact.ic_s,
        "t_tc": contact.to_s,
        "t_next_ic": contact.next_s,
        "fsa_deg": float(np.degrees(np.arcsin(np.clip(rotation[2, 0], -1, 1)))),
        "overstride_m": float(heel[0] - pelvis),
        "ankle_overstride_m": float(ankle[0] - pelvis),
        "vo_m": oscillation_m(force_n[2, step] / mass_kg - GRAVITY_MPS2, rate),
        "peak_vgrf_bw": float(force_n[2, rows].max() / weight_n),
        "ankle_moment_peak_nmkg": float(moment.max()),
        "ankle_moment_impulse_nmskg": float(np.clip(moment, 0, None).sum() / rate),
        "braking_impulse_bws": float(-np.clip(force_n[0, rows], None, 0).sum() / rate / weight_n),
        "vimpulse_bws": float(force_n[2, rows].sum() / rate / weight_n),
    }


def oscillation_m(acceleration_mps2: Array, rate_hz: float) -> float:
    """Rise and fall of the centre of mass over a step: force integrated twice, a step being periodic (Cavagna 1975)."""
    acceleration = acceleration_mps2 - acceleration_mps2.mean()
    velocity = cumulative_trapezoid(acceleration, dx=1 / rate_hz, initial=0)
    height = cumulative_trapezoid(velocity - velocity.mean(), dx=1 / rate_hz, initial=0)
    return float(np.ptp(height))


def _pelvis_x(capture: Capture, time_s: float) -> float:
    """Place of the pelvis centre along the belt [m]; NaN where a marker of it is unseen around that time."""
    frame = time_s * capture.rate_hz
    before = int(frame)
    x = np.mean([capture.markers[name][0, before : before + 2] for name in PELVIS_MARKERS], axis=0)
    return float(np.interp(frame - before, [0.0, 1.0], x)) if x.size > 1 else float("nan")


def _ankle_moment(
    capture: Capture, force_n: Array, rows: np.ndarray[Any, Any], foot: FootPath, shape: FootShape
) -> Array:
    """(n,) moment that the calf must balance [N·m]: ground force about the ankle; the foot's own inertia neglected."""
    assert capture.pressure_m is not None
    time_s = rows / capture.force_rate_hz
    ankle = foot.origin_m(time_s) + foot.rotation(time_s) @ shape.ankle_m
    arm = capture.pressure_m[:, rows].T - ankle
    force = force_n[:, rows].T
    moment: Array = np.nan_to_num(arm[:, 0] * force[:, 2] - arm[:, 2] * force[:, 0])
    return moment


def import_trial(path: Path, standing: Capture, subject: Subject, belt_mps: float, out: Path, seed: int) -> int:
    """Write one trial; give the number of contacts.

    Raises
    ------
    CaptureError
        If the trial cannot be used; the sentence says why.
    """
    capture = read_capture(path)
    if capture.force_n is None or capture.pressure_m is None:
        raise CaptureError(f"{path}: no force plate")
    feet, shapes, fits = {}, {}, {}
    for side, word in SIDES.items():
        shapes[side] = foot_shape(standing, side)
        pose = fit_pose(capture.markers, shapes[side].markers)
        fits[side] = {"markers": list(shapes[side].markers), "rms_mm": 1000 * pose.rms_m}
        if not 1000 * pose.rms_m <= MAX_FIT_MM:
            raise CaptureError(f"{path}: markers of the {word} foot fit no rigid body ({1000 * pose.rms_m:.0f} mm)")
        feet[side] = smooth_path(pose, capture.rate_hz)
    low_pass = butter(FORCE_ORDER, FORCE_CUTOFF_HZ, fs=capture.force_rate_hz, output="sos")
    force = sosfiltfilt(low_pass, np.nan_to_num(capture.force_n), axis=1)
    contacts = find_contacts(force[2], capture.force_rate_hz, feet)
    if len(contacts) < MIN_CONTACTS:
        raise CaptureError(f"{path}: only {len(contacts)} contacts that can be used")
    truth = [truth_row(c, capture, force, feet[c.side], shapes[c.side], subject.mass_kg) for c in contacts]
    code = f"{10 * belt_mps:.0f}"
    facts = {
        "subject": subject.number,
        "belt_speed_mps": belt_mps,
        "grade_pct": 0.0,
        "mass_kg": subject.mass_kg,
        "height_m": subject.height_m,
        "rate_hz": POD_RATE_HZ,
        "accel_lsb_mps2": ACCEL_LSB_MPS2,
        "gyro_lsb_rads": GYRO_LSB_RADS,
        "foot_strike_left": subject.strikes.get(f"LFSI{code}", ""),
        "foot_strike_right": subject.strikes.get(f"RFSI{code}", ""),
        "marker_fit": fits,
    }
    metadata = {"rbds": json.dumps(facts)}
    name = f"RBDS{subject.number:03d}runT{code}"
    out.mkdir(parents=True, exist_ok=True)
    pq.write_table(
        _pods(feet, [seed, subject.number, int(code)], metadata), out / f"{name}.parquet", compression="zstd"
    )
    pq.write_table(pa.Table.from_pylist(truth).replace_schema_metadata(metadata), out / f"{name}.truth.parquet")
    return len(contacts)


def _pods(feet: Mapping[str, FootPath], seed: list[int], metadata: Mapping[str, str]) -> pa.Table:
    """Sample the virtual pods of both feet."""
    parts = []
    for code, (side, foot) in enumerate(feet.items()):
        first, last = (int(np.ceil(foot.seen_from_s * POD_RATE_HZ)) + 1, int(foot.seen_until_s * POD_RATE_HZ))
        time_s = np.arange(first, last) / POD_RATE_HZ
        time_s = time_s[foot.whole(time_s)]
        counts = pod_counts(foot, time_s, np.random.default_rng([*seed, code]))
        columns: dict[str, Any] = {"foot": [SIDES[side]] * time_s.size, "t": time_s}
        parts.append(pa.table(columns | dict(zip(("ax", "ay", "az", "gx", "gy", "gz"), counts, strict=True))))
    return pa.concat_tables(parts).replace_schema_metadata(dict(metadata))


def main() -> int:
    """Import a folder; a trial that cannot be used is named and left out."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="folder with RBDSinfo.txt and the .c3d files")
    parser.add_argument("out", type=Path, help="folder for the recordings and their truth")
    parser.add_argument("--seed", type=int, default=0, help="draws other mountings, biases and noise")
    words = parser.parse_args()
    try:
        subjects = read_subjects(words.folder / "RBDSinfo.txt")
    except (OSError, CaptureError) as error:
        print(f"import_rbds: {error}", file=sys.stderr)
        return 2
    files = sorted(words.folder.glob("**/*.c3d"))
    static = {int(m[1]): path for path in files if (m := STATIC.fullmatch(path.name))}
    done = 0
    for path in files:
        match = TRIAL.fullmatch(path.name)
        if match is None:
            continue
        number, belt_mps = int(match[1]), int(match[2]) + int(match[3]) / 10
        if number not in subjects or number not in static:
            print(f"left out: {path}: runner {number} has no standing trial or no row in RBDSinfo.txt", file=sys.stderr)
            continue
        try:
            contacts = import_trial(
                path, read_capture(static[number]), subjects[number], belt_mps, words.out, words.seed
            )
            print(f"{path.name}: {contacts} contacts")
            done += 1
        except CaptureError as error:
            print(f"left out: {error}", file=sys.stderr)
    print(f"{done} trials in {words.out}")
    return 0 if done else 2


if __name__ == "__main__":
    sys.exit(main())
