"""The importer on a capture whose truth is known: the simulated runner's feet carry markers, and press on a plate."""

from __future__ import annotations

import json
import sys

import numpy as np
import pyarrow.parquet as pq
import pytest

from soleus.bench.accuracy import measure, report
from soleus.bench.truth import find_trials

ezc3d = pytest.importorskip("ezc3d")

MARKER_HZ, FORCE_HZ = 150.0, 300.0
MASS_KG, G = 68.0, 9.80665
RUNNER_X = 9.6
"""Where the simulated runner keeps on the belt [m]."""
PELVIS_X = RUNNER_X + 0.05
FOOT = {
    "Heel.Top": (-0.20, 0.0, 0.075),
    "Heel.Bottom": (-0.205, 0.0, 0.03),
    "Heel.Lateral": (-0.18, -0.035, 0.035),
    "MT1": (0.01, 0.045, 0.035),
    "MT5": (-0.01, -0.045, 0.035),
}
ANKLES = {"Ankle": (-0.13, -0.04, 0.09), "Ankle.Medial": (-0.12, 0.035, 0.10)}
PELVIS = {"R.ASIS": (0.1, -0.12), "L.ASIS": (0.1, 0.12), "R.PSIS": (-0.1, -0.05), "L.PSIS": (-0.1, 0.05)}


def turn(angles):
    """Rz(heading) Ry(-pitch) Rz(yaw) Rx(roll), as the simulator has it."""

    def about(axis, angle):
        c, s = np.cos(angle), np.sin(angle)
        i, j = [(1, 2), (2, 0), (0, 1)][axis]
        m = np.zeros((angle.size, 3, 3))
        m[:, axis, axis] = 1
        m[:, i, i] = m[:, j, j] = c
        m[:, i, j], m[:, j, i] = -s, s
        return m

    pitch, roll, yaw, heading = angles
    return about(2, heading) @ about(1, -pitch) @ about(2, yaw) @ about(0, roll)


def marker_paths(rotation, ball, side, names):
    mirror = np.array([1.0, 1.0 if side == "R" else -1.0, 1.0])
    return {f"{side}.{n}": ball + rotation @ (np.array(p) * mirror) for n, p in names.items()}


def to_lab(xyz):
    """From x forward, y left, z up [m] to the laboratory's x forward, y up, z right [mm]."""
    return 1000 * np.stack([xyz[..., 0], xyz[..., 2], -xyz[..., 1]])


def write_c3d(path, markers, force=None, pressure=None):
    file = ezc3d.c3d()
    n = len(next(iter(markers.values())))
    points = np.ones((4, len(markers), n))
    for k, xyz in enumerate(markers.values()):
        points[:3, k] = to_lab(xyz)
    file["parameters"]["POINT"]["RATE"]["value"] = [MARKER_HZ]
    file["parameters"]["POINT"]["LABELS"]["value"] = list(markers)
    file["parameters"]["POINT"]["UNITS"]["value"] = ["mm"]
    file["data"]["points"] = points
    if force is not None:
        # Plate axes: x along the belt, y to the right, z down; the plate feels the foot, not the other way round.
        f = -np.stack([force[:, 0], -force[:, 1], -force[:, 2]])
        p = 1000 * np.stack([pressure[:, 0], -pressure[:, 1]])
        moment = np.stack([p[1] * f[2], -p[0] * f[2], p[0] * f[1] - p[1] * f[0]])
        file["parameters"]["ANALOG"]["RATE"]["value"] = [FORCE_HZ]
        file["parameters"]["ANALOG"]["LABELS"]["value"] = ["Fx", "Fy", "Fz", "Mx", "My", "Mz"]
        file["data"]["analogs"] = np.concatenate([f, moment])[None]
        corners = 1000 * np.array([[1, 0, 1], [-1, 0, 1], [-1, 0, -1], [1, 0, -1]], float).T[..., None]
        plate = file["parameters"]["FORCE_PLATFORM"]
        # Whole numbers must be written as such: add_parameter would make them floating.
        plate["USED"]["value"] = [1]
        plate["TYPE"] = plate["USED"] | {"value": [2]}
        plate["ZERO"] = plate["USED"] | {"value": [1, 0]}
        plate["CHANNEL"] = plate["USED"] | {"value": np.arange(1, 7)[:, None]}
        file.add_parameter("FORCE_PLATFORM", "CORNERS", corners)
        file.add_parameter("FORCE_PLATFORM", "ORIGIN", np.zeros((3, 1)))
    file.write(str(path))


@pytest.fixture(scope="module")
def folder(made, tmp_path_factory):
    """A capture folder as it is downloaded, of one runner and one trial."""
    folder = tmp_path_factory.mktemp("rbds")
    (folder / "RBDSinfo.txt").write_text(
        "Subject\tFileName\tHeight\tMass\tRFSI25\tRFSI35\tRFSI45\tLFSI25\tLFSI35\tLFSI45\n"
        "1\tRBDS001static.c3d\t175\t68\tRearfoot\tRearfoot\tMidfoot\tRearfoot\tRearfoot\tMidfoot\n"
        "1\tRBDS001runT35.c3d\t\t\t\t\t\t\t\t\n"
    )
    still = np.repeat(np.eye(3)[None], 30, axis=0)
    pelvis = {n: np.tile([PELVIS_X + x, y, 1.0], (30, 1)) for n, (x, y) in PELVIS.items()}
    standing = dict(pelvis)
    for side, y in (("L", 0.1), ("R", -0.1)):
        standing |= marker_paths(still, np.tile([PELVIS_X, y, 0.0], (30, 1)), side, FOOT | ANKLES)
    write_c3d(folder / "RBDS001static.c3d", standing)

    duration = made.truth["toe_off_s"].to_numpy().max()
    t = np.arange(0, duration, 1 / MARKER_HZ)
    running = {n: np.tile([PELVIS_X + x, y, 1.0], (t.size, 1)) for n, (x, y) in PELVIS.items()}
    for side, motion in zip("LR", made.feet, strict=True):
        pose = motion.at(t)
        running |= marker_paths(turn(pose[:4]), pose[4:].T, side, FOOT)
    running["R.MT1"][400:405] = 0.0  # a marker that is not seen is written as zeros
    running["L.Heel.Top"][900:960] = np.nan
    force_t = np.arange(0, 2 * t.size) / FORCE_HZ
    force, pressure = np.zeros((force_t.size, 3)), np.zeros((force_t.size, 3))
    rows = made.truth.to_pylist()
    for row in rows:
        if row["t_next_ic"] is None:
            continue
        width = row["contact_time_s"]
        peak = MASS_KG * G * row["step_time_s"] * np.pi / 2 / width
        begin = row["initial_contact_s"] - width * np.arcsin(50 / peak) / np.pi
        width += 2 * (row["initial_contact_s"] - begin)
        inside = (force_t > begin) & (force_t < begin + width)
        phase = (force_t[inside] - begin) / width
        force[inside, 2] = peak * np.sin(np.pi * phase)
        force[inside, 0] = -0.2 * peak * np.sin(2 * np.pi * phase)
        motion = made.feet[0 if row["foot"] == "left" else 1]
        pressure[inside] = motion.at(force_t[inside])[4:].T
        pressure[inside, 2] = 0.0
    write_c3d(folder / "RBDS001runT35.c3d", running, force, pressure)
    return folder


@pytest.fixture(scope="module")
def imported(folder, tmp_path_factory):
    import import_rbds

    out = tmp_path_factory.mktemp("out")
    words, sys.argv = sys.argv, ["import_rbds.py", str(folder), str(out)]
    try:
        assert import_rbds.main() == 0
    finally:
        sys.argv = words
    return out


def test_contacts_are_those_that_press_on_the_plate(made, imported):
    table = pq.read_table(imported / "RBDS001runT35.truth.parquet")
    known = made.truth.to_pylist()
    assert table.num_rows > 0.9 * made.truth.num_rows
    for row in table.to_pylist():
        twin = min(known, key=lambda r: abs(r["initial_contact_s"] - row["t_ic"]))
        assert row["side"] == twin["foot"]
        assert row["t_ic"] == pytest.approx(twin["initial_contact_s"], abs=0.004)
        assert row["t_tc"] == pytest.approx(twin["toe_off_s"], abs=0.004)
        assert row["t_next_ic"] == pytest.approx(twin["t_next_ic"], abs=0.004)


def test_angles_and_places_are_those_of_the_feet(made, imported):
    truth = made.truth.to_pylist()
    heel = np.array(FOOT["Heel.Bottom"])
    angle, place = [], []
    for row in pq.read_table(imported / "RBDS001runT35.truth.parquet").to_pylist():
        twin = min(truth, key=lambda r: abs(r["initial_contact_s"] - row["t_ic"]))
        pose = made.feet[0 if row["side"] == "left" else 1].at(np.array([row["t_ic"]]))
        exact = pose[4, 0] + (turn(pose[:4])[0] @ heel)[0] - PELVIS_X
        angle.append(row["fsa_deg"] - twin["foot_strike_angle_deg"])
        place.append(row["overstride_m"] - exact)
    assert np.abs(np.median(angle)) < 1.0
    assert np.abs(place).max() < 0.01


def test_force_and_moment_are_those_of_the_plate(imported):
    table = pq.read_table(imported / "RBDS001runT35.truth.parquet")
    step = table["t_next_ic"].to_numpy() - table["t_ic"].to_numpy()
    contact = table["t_tc"].to_numpy() - table["t_ic"].to_numpy()
    expected = np.pi / 2 * step / contact
    assert table["peak_vgrf_bw"].to_numpy() == pytest.approx(expected, rel=0.03)
    # The centre of pressure was put under the ball, 12.5 cm before the ankle when the foot is flat.
    peak = table["ankle_moment_peak_nmkg"].to_numpy() / (table["peak_vgrf_bw"].to_numpy() * G)
    assert np.median(peak) == pytest.approx(0.125, abs=0.03)
    assert (table["braking_impulse_bws"].to_numpy() > 0.005).all()
    assert table["vimpulse_bws"].to_numpy() == pytest.approx(step, rel=0.03)


def test_the_virtual_pods_feel_the_movement(made, imported):
    """Size of the angular rate: no mounting changes it."""
    table = pq.read_table(imported / "RBDS001runT35.parquet")
    facts = json.loads(table.schema.metadata[b"rbds"])
    assert facts["belt_speed_mps"] == 3.5
    assert facts["foot_strike_left"] == "Rearfoot"
    assert facts["marker_fit"]["L"]["rms_mm"] < 0.1
    left = np.array(table["foot"].to_pylist()) == "left"
    t = table["t"].to_numpy()[left]
    gyro = np.stack([table[c].to_numpy()[left] for c in ("gx", "gy", "gz")]) * facts["gyro_lsb_rads"]
    inner = (t > 1) & (t < t.max() - 1)
    step = 1e-4
    at = turn(made.feet[0].at(t - step)[:4]), turn(made.feet[0].at(t + step)[:4])
    relative = np.swapaxes(at[0], 1, 2) @ at[1]
    exact = np.stack([relative[:, 2, 1], relative[:, 0, 2], relative[:, 1, 0]]) / (2 * step)
    error = np.linalg.norm(gyro, axis=0) - np.linalg.norm(exact, axis=0)
    assert np.sqrt((error[inner] ** 2).mean()) < 0.5
    assert np.corrcoef(np.linalg.norm(gyro, axis=0)[inner], np.linalg.norm(exact, axis=0)[inner])[0, 1] > 0.995


def test_soleus_finds_the_steps_of_the_import(imported):
    (trial,), skipped = find_trials(imported)
    found = report(measure(trial)[1])
    assert not skipped
    assert found.found / found.contacts > 0.97
    assert found.metrics["initial_contact_s"].mae < 12.0


def test_captures_that_cannot_be_used_are_left_out_with_a_reason(folder, tmp_path, capsys):
    import import_rbds

    (tmp_path / "RBDSinfo.txt").write_bytes((folder / "RBDSinfo.txt").read_bytes())
    (tmp_path / "RBDS001static.c3d").write_bytes((folder / "RBDS001static.c3d").read_bytes())
    (tmp_path / "RBDS001runT25.c3d").write_bytes(b"no c3d")
    (tmp_path / "RBDS001runT35.c3d").write_bytes((folder / "RBDS001static.c3d").read_bytes())
    (tmp_path / "RBDS009runT35.c3d").write_bytes(b"")
    words, sys.argv = sys.argv, ["import_rbds.py", str(tmp_path), str(tmp_path / "out")]
    try:
        assert import_rbds.main() == 2
    finally:
        sys.argv = words
    told = capsys.readouterr().err
    assert "RBDS001runT25.c3d: not a readable C3D file" in told
    assert "RBDS001runT35.c3d: no force plate" in told
    assert "runner 9 has no standing trial" in told


def test_force_integrated_twice_gives_the_rise_back():
    from import_rbds import oscillation_m

    t = np.arange(0, 0.36, 1 / 300)
    omega = 2 * np.pi / 0.36
    assert oscillation_m(-0.04 * omega**2 * np.sin(omega * t), 300.0) == pytest.approx(0.08, rel=0.01)
