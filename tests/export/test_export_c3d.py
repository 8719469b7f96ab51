import dataclasses
import itertools
import sys

import numpy as np
import pytest

from soleus.model import Foot, Steps
from soleus.recording import read_session, read_steps, write_session, write_steps
from soleus.report.export import ExportError, write_c3d

ezc3d = pytest.importorskip("ezc3d")


def test_a_part_fits_one_file_with_its_events(sample_sessions, tmp_path):
    folder = sample_sessions["steady_rearfoot"]
    (path,) = write_c3d(folder, tmp_path / "part.c3d", from_s=60.0, duration_s=20.0)
    read = ezc3d.c3d(str(path))
    parameters = read["parameters"]
    labels = parameters["ANALOG"]["LABELS"]["value"]
    assert labels[:7] == ["L_ACC_X", "L_ACC_Y", "L_ACC_Z", "L_GYR_X", "L_GYR_Y", "L_GYR_Z", "L_VALID"]
    assert [label.replace("L_", "R_", 1) for label in labels[:7]] == labels[7:]
    assert parameters["ANALOG"]["UNITS"]["value"][:7] == ["m/s2"] * 3 + ["rad/s"] * 3 + ["1"]
    assert parameters["ANALOG"]["RATE"]["value"][0] == 200.0
    assert read["data"]["analogs"].shape == (1, 14, 4000)
    assert parameters["SOLEUS"]["FIRST_FRAME_S"]["value"][0] == 60.0

    steps = read_steps(folder)
    expected = sorted(
        (time_s, label, Foot(foot).label.capitalize())
        for times, label in ((steps["initial_contact_s"], "Foot Strike"), (steps["toe_off_s"], "Foot Off"))
        for time_s, foot in zip(times, steps["foot"], strict=True)
        if 60.0 <= time_s < 80.0
    )
    events = parameters["EVENT"]
    times = events["TIMES"]["value"][0] * 60.0 + events["TIMES"]["value"][1]
    assert int(events["USED"]["value"][0]) == len(expected) > 100
    assert times == pytest.approx([t - 60.0 for t, _, _ in expected], abs=1e-5)
    assert events["LABELS"]["value"] == [label for _, label, _ in expected]
    assert events["CONTEXTS"]["value"] == [side for _, _, side in expected]
    assert parameters["EVENT_CONTEXT"]["LABELS"]["value"] == ["Left", "Right"]


def test_channels_are_the_samples_at_uniform_times(sample_sessions, tmp_path):
    folder = sample_sessions["steady_rearfoot"]
    (path,) = write_c3d(folder, tmp_path / "part.c3d", from_s=100.0, duration_s=10.0)
    read = ezc3d.c3d(str(path))["data"]["analogs"][0]
    at_s = 100.0 + np.arange(read.shape[1]) / 200.0
    for row, track in enumerate(read_session(folder).pods):
        values = np.vstack([track.samples.accel_mps2(track.info), track.samples.gyro_rads(track.info)])
        channels = read[7 * row : 7 * row + 7]
        valid = channels[6] == 1.0
        assert valid.mean() > 0.97
        assert np.isnan(channels[:6, ~valid]).all()
        for channel, value in zip(channels[:6], values, strict=True):
            expected = np.interp(at_s, track.samples.time_s, value)
            assert channel[valid] == pytest.approx(expected[valid], rel=1e-5, abs=1e-5)


def test_a_long_session_becomes_files_that_fit_together(sample_sessions, tmp_path):
    folder = sample_sessions["walk_run_intervals"]
    paths = write_c3d(folder, tmp_path / "run.c3d")
    assert [path.name for path in paths][:3] == ["run-00000.c3d", "run-00030.c3d", "run-00060.c3d"]
    files = [ezc3d.c3d(str(path)) for path in paths]
    steps = read_steps(folder)
    starts = [float(read["parameters"]["SOLEUS"]["FIRST_FRAME_S"]["value"][0]) for read in files]
    counts = [read["data"]["analogs"].shape[2] for read in files]
    assert all(b - a == pytest.approx(n / 200.0, abs=1e-3) for a, b, n in zip(starts, starts[1:], counts, strict=False))
    events = [read["parameters"]["EVENT"] for read in files]
    assert sum(int(each["USED"]["value"][0]) for each in events) == 2 * len(steps) - np.isnan(steps["toe_off_s"]).sum()
    assert all(int(each["USED"]["value"][0]) <= 255 for each in events)
    # Lost packets leave holes of both pods, and the holes are told, not filled.
    valid = np.concatenate([read["data"]["analogs"][0, 6] for read in files])
    assert 0.5 < valid.mean() < 1.0


def test_pieces_are_cut_the_same_from_any_part(sample_sessions, tmp_path):
    folder = sample_sessions["walk_run_intervals"]
    whole = write_c3d(folder, tmp_path / "run.c3d")
    (part,) = write_c3d(folder, tmp_path / "part.c3d", from_s=30.0, duration_s=30.0)
    one, other = (ezc3d.c3d(str(path))["data"]["analogs"] for path in (whole[1], part))
    np.testing.assert_array_equal(one, other)


def test_pods_of_different_rates_share_the_faster_one(recordings, tmp_path):
    recording = recordings.mixed_rates(100.0, 200.0)
    write_session(recording, tmp_path / "run")
    write_steps(Steps.empty(), tmp_path / "run")
    (path,) = write_c3d(tmp_path / "run")
    read = ezc3d.c3d(str(path))
    assert read["parameters"]["ANALOG"]["RATE"]["value"][0] == 200.0
    assert int(read["parameters"]["EVENT"]["USED"]["value"][0]) == 0
    analogs = read["data"]["analogs"][0]
    assert analogs[6].mean() > 0.98
    assert analogs[13].mean() > 0.98
    left = recording.pods[0]
    kept = (left.samples.time_s >= 1.0) & (left.samples.time_s < 2.0)
    at_s = float(read["parameters"]["SOLEUS"]["FIRST_FRAME_S"]["value"][0]) + np.arange(analogs.shape[1]) / 200.0
    told = np.interp(left.samples.time_s[kept], at_s, analogs[0])
    assert told == pytest.approx(left.samples.accel_mps2(left.info)[0][kept], abs=0.5)


def test_one_pod_is_enough(recordings, tmp_path):
    recording = recordings.run().recording
    one = dataclasses.replace(recording, pods=recording.pods[1:])
    write_session(one, tmp_path / "run")
    write_steps(Steps.empty(), tmp_path / "run")
    (path,) = write_c3d(tmp_path / "run")
    read = ezc3d.c3d(str(path))
    assert [label[0] for label in read["parameters"]["ANALOG"]["LABELS"]["value"]] == ["R"] * 7


def test_what_cannot_be_made_is_said(tmp_path, sessions, sample_sessions, monkeypatch):
    folder = sessions.write(tmp_path / "a", sessions.run(30.0))
    with pytest.raises(ExportError, match=r"has no imu.parquet, and C3D is made of samples"):
        write_c3d(folder)
    with pytest.raises(ExportError, match="nothing of it lies in the part asked for"):
        write_c3d(sample_sessions["steady_rearfoot"], tmp_path / "x.c3d", from_s=5000.0)
    monkeypatch.setitem(sys.modules, "ezc3d", None)
    with pytest.raises(ExportError, match=r"C3D needs the library ezc3d: pip install 'soleus\[c3d\]'"):
        write_c3d(sample_sessions["steady_rearfoot"], tmp_path / "x.c3d")
    assert not list(itertools.chain(tmp_path.glob("*.c3d"), tmp_path.glob(".*")))
