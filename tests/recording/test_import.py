"""Export files of each maker, in the shape that their profile was verified on, come in with the right values."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from soleus import recording
from soleus.model import Foot
from soleus.recording import Limits, RecordingError, built_in_profiles
from soleus.recording.imported import foot_in_name

G = 9.80665
DEG = np.pi / 180


def check(track, motion, *, rows=slice(None), time_tolerance_s=1e-6):
    samples, info = track.samples, track.info
    time_s = motion.t[rows] - motion.t[rows][0]
    np.testing.assert_allclose(samples.time_s - samples.time_s[0], time_s, atol=time_tolerance_s)
    np.testing.assert_allclose(samples.accel_mps2(info), motion.accel[:, rows], atol=info.accel_lsb_mps2)
    np.testing.assert_allclose(samples.gyro_rads(info), motion.gyro[:, rows], atol=info.gyro_lsb_rads)


def dates(t, pattern="%Y-%m-%d %H:%M:%S"):
    moments = [datetime.fromtimestamp(1.7777e9 + x, UTC) for x in t]
    return [m.strftime(pattern) + f".{m.microsecond // 1000:03d}" for m in moments]


def test_movella_dot(tmp_path, motion):
    head = (
        "sep=,\nDeviceTag:,left shoe\nFirmwareVersion:,1.6.0\nAppVersion:,2021.0\n"
        "StartTime: ,2021-08-30_17:05:05_000 GMT+8\n© Xsens Technologies B. V. 2005-2021\n\n"
        "PacketCounter,SampleTimeFine,Euler_X,Euler_Y,Euler_Z,Acc_X,Acc_Y,Acc_Z,Gyr_X,Gyr_Y,Gyr_Z"
    )
    start = 2**32 - 2_000_000
    stamps = (start + np.rint(motion.t * 1e6).astype(np.int64)) % 2**32
    rows = [f"0,{start - 5000},1,2,3,0.0,0.00,0.0,0.0,0.0,0.0"]
    values = motion.columns(gyro=1 / DEG)[:, 1:]
    rows += [
        f"{i},{t},1,2,3," + ",".join(f"{x:.9f}" for x in v) for i, (t, v) in enumerate(zip(stamps, values, strict=True))
    ]
    path = tmp_path / "D4CA6EF17860.csv"
    for encoding in ("utf-8", "latin-1", "utf-8-sig"):
        path.write_text("\r\n".join([head.replace("\n", "\r\n"), *rows]) + "\r\n", encoding=encoding, newline="")
        got = recording.read(path)
        (track,) = got.pods
        check(track, motion)
        assert (track.info.foot, track.info.pod_id, track.info.firmware) == (Foot.LEFT, "left shoe", "1.6.0")
        assert track.info.accel_range_mps2 == 16 * G
        assert any("1 samples with six zeros" in note for note in got.notes)
        assert "read as 'movella-dot'" in got.notes[0]
        assert got.start_utc is None
    # Both feet were synchronised by their maker: the common counter is kept.
    late = tmp_path / "right.csv"
    late.write_text("\n".join([head, *rows[201:]]) + "\n")
    path.rename(tmp_path / "left.csv")
    left, right = recording.read(tmp_path).pods
    assert left.samples.time_s[0] == 0
    assert right.samples.time_s[0] == pytest.approx(1.0, abs=1e-9)


@pytest.mark.parametrize("kind", ["IMU6", "IMU9", "flash"])
def test_movesense_json(tmp_path, make_motion, kind):
    motion = make_motion(rate_hz=208)
    packets = []
    for i in range(0, 8 * 104, 8):
        vectors = [
            [dict(zip("xyz", v, strict=True)) for v in part[:, i : i + 8].T]
            for part in (motion.accel, motion.gyro / DEG)
        ]
        packet = {"ArrayAcc": vectors[0], "ArrayGyro": vectors[1], "Timestamp": 158319 + round(motion.t[i] * 1000)}
        packets.append(packet | ({"ArrayMagn": vectors[0]} if kind == "IMU9" else {}))
    data = {"Samples": [{"TimeDetailed": {"utcTime": 1}}, *({"MeasIMU6": p} for p in packets)]}
    path = tmp_path / "log_right.json"
    path.write_text(json.dumps(data if kind == "flash" else {"Meas": {kind: packets}}, indent=1))
    (track,) = recording.read(path).pods
    check(track, motion, rows=slice(0, 832), time_tolerance_s=1e-3)
    assert np.diff(track.samples.time_s).min() > 0.004


def test_movesense_csv_with_packet_stamps_and_a_lost_packet(tmp_path, make_motion):
    motion = make_motion(rate_hz=208)
    packet = np.arange(motion.t.size) // 4
    stamps = np.floor(motion.t[packet * 4] * 1000 + 5000)
    keep = packet != 50
    header = "accX,accY,accZ,accCombined,gyroX,gyroY,gyroZ,gyroCombined,hr,time,sysTimeMillis,sysTime"
    a, g = motion.accel.T, motion.gyro.T / DEG
    lines = [header] + [
        ",".join(f"{x:.9f}" for x in a[i])
        + ",1,"
        + ",".join(f"{x:.9f}" for x in g[i])
        + f",1,null,{stamps[i]:.0f},1,2026-01-01"
        for i in np.flatnonzero(keep)
    ]
    path = tmp_path / "l.csv"
    path.write_text("\n".join(lines))
    (track,) = recording.read(path).pods
    assert len(track.samples) == keep.sum()
    np.testing.assert_allclose(track.samples.time_s, motion.t[keep], atol=1.6e-3)
    assert np.diff(track.samples.time_s).max() == pytest.approx(5 / 208, abs=2e-3)


@pytest.mark.parametrize("sep", ["\t", ";", ","])
@pytest.mark.parametrize("stamps", ["ms", "date"])
def test_shimmer(tmp_path, motion, sep, stamps):
    name = "Timestamp_Unix_CAL" if stamps == "ms" else "Timestamp_FormattedUnix_CAL"
    columns = [name] + [f"Accel_{k}_{a}_CAL" for k in ("LN", "WR") for a in "XYZ"] + [f"Gyro_{a}_CAL" for a in "XYZ"]
    units = ["ms" if stamps == "ms" else "yyyy/mm/dd hh:mm:ss.000"] + ["m/(s^2)"] * 6 + ["deg/s"] * 3
    times = (
        [f"{1.7777e12 + t * 1000:.3f}" for t in motion.t] if stamps == "ms" else dates(motion.t, "%Y/%m/%d %H:%M:%S")
    )
    lines = [f"sep={sep}", sep.join("Shimmer_40AC_" + c for c in columns) + sep, sep.join(units) + sep]
    if sep == ";" and stamps == "ms":
        times = [t.replace(".", ",") for t in times]
    for t, row in zip(times, motion.columns(gyro=1 / DEG)[:, 1:], strict=True):
        numbers = [f"{x:.9f}" for x in (*np.clip(row[:3], -19, 19), *row)]
        if sep == ";":
            numbers = [n.replace(".", ",") for n in numbers]
        lines.append(sep.join([t, *numbers]) + sep)
    path = tmp_path / "Left_Session1.csv"
    path.write_text("\n".join(lines) + "\n")
    got = recording.read(path)
    check(got.pods[0], motion, time_tolerance_s=1.1e-3)
    if stamps == "ms":
        assert got.start_utc == datetime.fromtimestamp(1.7777e9, UTC)
    else:
        assert any("time zone" in note for note in got.notes)


def test_the_files_own_unit_row_wins(tmp_path, motion):
    columns = ["Timestamp_Unix_CAL", *(f"Accel_WR_{a}_CAL" for a in "XYZ"), *(f"Gyro_{a}_CAL" for a in "XYZ")]
    header = "\t".join("S_" + c for c in columns) + "\nms\tg\tg\tg\trad/s\trad/s\trad/s"
    path = motion.csv(
        tmp_path / "r.tsv", header=header, table=motion.columns(t=1000, accel=1 / G), sep="\t", fmt="%.9f"
    )
    got = recording.read(path)
    check(got.pods[0], motion)
    assert any("accel in g" in note for note in got.notes)


@pytest.mark.parametrize("header", [True, False])
def test_axivity(tmp_path, motion, header):
    head = "Time,Accel-X (g), Accel-Y (g), Accel-Z (g), Gyro-X (d/s), Gyro-Y (d/s), Gyro-Z (d/s)"
    rows = motion.columns(accel=1 / G, gyro=1 / DEG)[:, 1:]
    extra = "" if header else ",,350,4.1"
    lines = [f"{t}," + ",".join(f"{x:.9f}" for x in row) + extra for t, row in zip(dates(motion.t), rows, strict=True)]
    for foot, shift in (("left", 0), ("right", 20)):
        (tmp_path / f"{foot}.csv").write_text("\n".join([head] * header + lines[shift:]))
    got = recording.read([tmp_path / "right.csv", tmp_path / "left.csv"])
    assert [t.info.foot for t in got.pods] == [Foot.LEFT, Foot.RIGHT]
    check(got.pods[0], motion)
    assert got.pods[1].samples.time_s[0] == pytest.approx(0.1, abs=1e-9)
    assert got.start_utc is None
    assert any("time zone" in note for note in got.notes)


def test_generic_tables_with_both_feet(tmp_path, motion):
    lines = ["time_s,ax_g,ay_g,az_g,gx_dps,gy_dps,gz_dps,foot"]
    for row in motion.columns(accel=1 / G, gyro=1 / DEG):
        lines += [",".join(f"{x:.9f}" for x in row) + f",{foot}" for foot in ("Left", "R")]
    path = tmp_path / "run.csv"
    path.write_text("\n".join(lines))
    got = recording.read(path)
    for track in got.pods:
        check(track, motion)
    assert [t.info.foot for t in recording.read(path, foot="right").pods] == [Foot.RIGHT]
    # Without a unit in the names, g and °/s must be asked for.
    plain = motion.csv(tmp_path / "left.csv", table=motion.columns(accel=1 / G, gyro=1 / DEG), fmt="%.9f")
    with pytest.raises(RecordingError, match=r"is the unit 'deg/s'.*generic-g-dps"):
        recording.read(plain)
    check(recording.read(plain, profile="generic-g-dps").pods[0], motion)


def test_own_profile_with_counts_in_microseconds(tmp_path, motion):
    profile = tmp_path / "mine.toml"
    profile.write_text(
        'name = "mine"\ncolumns = {time = "us", ax = "#2", ay = "#3", az = "#4", gx = "r*", gy = "q", gz = "p"}\n'
        'time = {unit = "us"}\naccel = {unit = "counts", lsb_mps2 = 0.0048, range_g = 16.0}\n'
        'gyro = {unit = "counts", lsb_rads = 0.00106}\ncsv = {delimiter = "|"}\n'
    )
    table = np.rint(motion.columns(t=1e6, accel=1 / 0.0048, gyro=1 / 0.00106))
    path = motion.csv(tmp_path / "x.txt", header="us|a|b|c|rate|q|p", table=table, fmt="%d", sep="|")
    (track,) = recording.read(path, profile=profile, foot=Foot.LEFT).pods
    assert np.array_equal(track.samples.counts, table[:, 1:].T)
    assert track.info.accel_clip_counts == pytest.approx(16 * G / 0.0048, abs=2)


def write_counts(path, motion, facts, key="rbds", **columns):
    feet = np.repeat(["left", "right"], motion.t.size)
    table = pa.table(
        {"foot": pa.array(feet).dictionary_encode(), "t": np.tile(motion.t + 0.2, 2)}
        | {
            k: np.tile(np.rint(v / 0.0048), 2).astype(np.int16)
            for k, v in zip(("ax", "ay", "az"), motion.accel, strict=True)
        }
        | {
            k: np.tile(np.rint(v / 0.00106), 2).astype(np.int16)
            for k, v in zip(("gx", "gy", "gz"), motion.gyro, strict=True)
        }
        | columns
    )
    pq.write_table(table.replace_schema_metadata({key: json.dumps(facts)}), path)
    return path


def test_counts_parquet(tmp_path, motion):
    facts = {
        "subject": 1,
        "belt_speed_mps": 2.5,
        "grade_pct": 1.0,
        "mass_kg": 62.0,
        "height_m": 1.81,
        "rate_hz": 200.0,
        "accel_lsb_mps2": 0.0048,
        "gyro_lsb_rads": 0.00106,
        "foot_strike_left": "Forefoot",
    }
    got = recording.read(write_counts(tmp_path / "a.parquet", motion, facts))
    for track in got.pods:
        check(track, motion)
        assert np.array_equal(track.samples.time_s, motion.t + 0.2)
        assert track.info.rate_hz == 200
    assert (got.runner.height_m, got.runner.mass_kg) == (1.81, 62.0)
    assert got.belt.at(np.array([1.0])) == (2.5, 0.01)
    assert got.extra["foot_strike_left"] == "Forefoot"
    with recording.open_recording(tmp_path / "a.parquet") as reader:
        assert sum(len(s) for chunk in reader.chunks() for s in chunk) == 2 * motion.t.size


def test_generic_parquet_with_dates(tmp_path, motion):
    stamps = pa.array(1_777_700_000_000_000_000 + np.rint(motion.t * 1e9).astype(np.int64)).cast(
        pa.timestamp("ns", "UTC")
    )
    columns = dict(zip(("ax", "ay", "az", "gx", "gy", "gz"), np.concatenate([motion.accel, motion.gyro]), strict=True))
    path = tmp_path / "right.parquet"
    pq.write_table(pa.table({"timestamp": stamps} | columns), path)
    got = recording.read(path)
    check(got.pods[0], motion)
    assert got.start_utc == datetime.fromtimestamp(1.7777e9, UTC)


def test_scale_and_full_scale(tmp_path, make_motion):
    motion = make_motion(20)
    table = motion.columns()
    table[:, 1:4] = np.clip(table[:, 1:4], -78.4532, 78.4532)
    unclipped = recording.read(motion.csv(tmp_path / "left.csv", fmt="%.9f")).pods[0]
    assert unclipped.info.accel_range_mps2 is None
    assert np.abs(unclipped.samples.counts).max() < 32767
    got = recording.read(motion.csv(tmp_path / "left.csv", table=table, fmt="%.9f"))
    info = got.pods[0].info
    assert info.accel_range_mps2 == pytest.approx(78.4532, rel=1e-6)
    n_clipped = int((np.abs(got.pods[0].samples.counts[:3]) >= info.accel_clip_counts).sum())
    assert n_clipped == int((np.abs(table[:, 1:4]) >= 78.45).sum()) > 20
    assert any("full scale" in note for note in got.notes)


def test_clocks_without_overlap_start_together(tmp_path, motion):
    motion.csv(tmp_path / "left.csv")
    table = motion.columns()
    table[:, 0] += 5000
    motion.csv(tmp_path / "right.csv", table=table)
    got = recording.read(tmp_path)
    assert [t.samples.time_s[0] for t in got.pods] == [0, 0]
    assert any("clocks have nothing in common" in note for note in got.notes)


def test_utf16_and_tabs(tmp_path, motion):
    path = motion.csv(
        tmp_path / "left.txt", sep="\t", header="t\tax\tay\taz\tgx\tgy\tgz", encoding="utf-16", fmt="%.9f"
    )
    check(recording.read(path).pods[0], motion)


def test_every_ready_profile_is_named_as_its_file():
    folder = Path(recording.__file__).parent / "profiles"
    assert {p.stem for p in folder.glob("*.toml")} == set(built_in_profiles())
    for path in folder.glob("*.toml"):
        assert "erified" in path.read_text() or path.stem.startswith("generic")


@pytest.mark.parametrize(
    ("name", "foot"),
    [
        ("left", Foot.LEFT),
        ("RunLeft2", Foot.LEFT),
        ("run_R", Foot.RIGHT),
        ("2026-RIGHT-foot", Foot.RIGHT),
        ("left_right", None),
        ("leftovers", None),
        ("", None),
    ],
)
def test_feet_in_names(name, foot):
    assert foot_in_name(name) is foot


def test_limits_come_before_memory(tmp_path, motion):
    path = motion.csv(tmp_path / "left.csv")
    with pytest.raises(RecordingError, match="more than 100 samples"):
        recording.read(path, limits=Limits(rows=100))
    with pytest.raises(RecordingError, match="more than the limit"):
        recording.read(path, limits=Limits(file_bytes=1000))
    recording.write_session(recording.read(path), tmp_path / "s")
    with pytest.raises(RecordingError, match="more than the limit"):
        recording.read(tmp_path / "s", limits=Limits(rows=100))
    with pytest.raises(RecordingError, match="row group 0"):
        recording.open_recording(tmp_path / "s", limits=Limits(row_group_rows=100))
