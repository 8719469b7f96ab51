"""Malformed recordings, profiles and sessions: one clear sentence, or a recording with a note. Never anything else.

Each case makes its files in an empty folder and returns what to read. ``refused`` cases give the words that the error
must have; ``mended`` cases the words of a note. Warnings are errors here, so none may escape either.
"""

from __future__ import annotations

import json
import os
import re
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from soleus import recording
from soleus.recording import RecordingError, load_profile

G = 9.80665
HEADER = "t,ax,ay,az,gx,gy,gz"
PROFILE = (
    'name = "p"\naccel = {unit = "m/s2"}\ngyro = {unit = "rad/s"}\n'
    'columns = {time = "t", ax = "ax", ay = "ay", az = "az", gx = "gx", gy = "gy", gz = "gz"}\n'
)


def text(name, content, **encoding):
    def make(folder, motion):
        (folder / name).write_text(content, **encoding)
        return folder / name

    return make


def raw(name, content):
    def make(folder, motion):
        (folder / name).write_bytes(content)
        return folder / name

    return make


def edited(edit, name="left.csv", **options):
    """A good CSV file whose text was changed."""

    def make(folder, motion):
        path = motion.csv(folder / name)
        path.write_text(edit(path.read_text()), **options)
        return path

    return make


def columns(change, name="left.csv", **options):
    """A good CSV table whose numbers were changed."""

    def make(folder, motion):
        table = motion.columns()
        changed = change(table)
        return motion.csv(folder / name, table=table if changed is None else changed, **options)

    return make


def put(rows, cols, value):
    def change(table):
        table[rows, cols] = value

    return change


def parquet(change, facts=None, name="left.parquet"):
    """A Parquet table of physical values, or of counts where facts are given."""

    def make(folder, motion):
        values = np.concatenate([motion.accel, motion.gyro])
        if facts is not None:
            values = np.rint(values / np.repeat([0.0048, 0.00106], 3)[:, None]).astype(np.int16)
        table = dict(zip(("ax", "ay", "az", "gx", "gy", "gz"), values, strict=True)) | {"t": motion.t}
        table = pa.table(change(table) or table)
        if facts is not None:
            table = table.replace_schema_metadata({"recording": facts if isinstance(facts, str) else json.dumps(facts)})
        pq.write_table(table, folder / name)
        return folder / name

    return make


def profiled(toml, name="p.toml"):
    def make(folder, motion):
        (folder / name).write_text(toml)
        motion.csv(folder / "left.csv")
        return lambda: recording.read(folder / "left.csv", profile=folder / name)

    return make


def loop(folder, motion):
    (folder / "a.csv").symlink_to(folder / "b.csv")
    (folder / "b.csv").symlink_to(folder / "a.csv")
    return folder / "a.csv"


def pipe(folder, motion):
    os.mkfifo(folder / "left.csv")
    return folder / "left.csv"


def zeros_of_a_tebibyte(folder, motion):
    with (folder / "left.csv").open("wb") as file:
        file.truncate(2**40)
    return folder / "left.csv"


def two_left(folder, motion):
    return [motion.csv(folder / "left1.csv"), motion.csv(folder / "left2.csv")]


def two_unnamed(folder, motion):
    motion.csv(folder / "a.csv")
    motion.csv(folder / "b.csv")
    return folder


def three(folder, motion):
    for name in "abc":
        motion.csv(folder / f"{name}.csv")
    return folder


def one_broken_of_two(folder, motion):
    motion.csv(folder / "left.csv")
    (folder / "right.csv").write_text(HEADER + "\n")
    return folder


def mixed_rates(folder, motion):
    table = motion.columns()
    motion.csv(folder / "left.csv")
    motion.csv(folder / "right.csv", table=table[::2])
    return folder


def decimal_commas(content):
    head, *rows = content.split("\n")
    return "\n".join([head, *(row.replace(".", ",") for row in rows)])


REFUSED = {
    # No file, no text, no table
    "missing file": (lambda folder, _: folder / "none.csv", "does not exist"),
    "missing folder": (lambda folder, _: folder / "a" / "b", "does not exist"),
    "a name with a NUL": (lambda folder, _: str(folder / "a\0.csv"), "not a file name"),
    "a very long name": (lambda folder, _: folder / ("x" * 5000), "too long"),
    "no path at all": (lambda *_: [], "0 paths"),
    "three paths": (lambda folder, _: [folder / "a", folder / "b", folder / "c"], "3 paths"),
    "circle of links": (loop, "go round in a circle"),
    "named pipe": (pipe, "not a plain file"),
    "device": (lambda *_: Path("/dev/zero"), "not a plain file"),
    "empty csv": (text("left.csv", ""), "empty"),
    "blank lines": (text("left.csv", "\n\n\n"), "no profile fits"),
    "header only": (text("left.csv", HEADER + "\n"), "no samples"),
    "header without line end": (text("left.csv", HEADER), "no samples"),
    "one sample": (text("left.csv", HEADER + "\n0,1,2,9,1,1,1\n"), "only one sample"),
    "unknown ending": (text("left.xyz", HEADER), "no ending of a recording"),
    "binary named csv": (raw("left.csv", bytes(range(256)) * 50), "binary data"),
    "random bytes named csv": (
        raw("left.csv", np.random.default_rng(1).bytes(9999).replace(b"\0", b"x")),
        "no profile",
    ),
    "parquet named csv": (raw("left.csv", b"PAR1" + b"\x15\x00\x15" * 99), "binary data"),
    "gzip named csv": (raw("left.csv", b"\x1f\x8b\x08\x00abcdef"), "packed with gzip"),
    "zip named csv": (raw("left.csv", b"PK\x03\x04abcdef"), "packed with zip"),
    "one endless line": (raw("left.csv", b"1," * 3_000_000), "no profile fits"),
    "endless line below a header": (raw("left.csv", HEADER.encode() + b"\n" + b"1" * 5_000_000), "not a readable text"),
    "a tebibyte of nothing": (zeros_of_a_tebibyte, "more than the limit"),
    "UTF-16 without mark": (text("left.csv", HEADER + "\n0,1,2,9,1,1,1\n", encoding="utf-16-le"), "binary data"),
    "folder without recordings": (lambda folder, _: folder, "neither session.json nor"),
    "folder with three recordings": (three, "3 recordings"),
    # Columns
    "columns missing": (
        edited(lambda s: s.replace("gz", "temperature", 1)),
        "no profile fits its columns .*temperature",
    ),
    "accelerometer only": (edited(lambda s: s.replace("gx,gy,gz", "mx,my,mz", 1)), "write a profile"),
    "no header": (edited(lambda s: s.partition("\n")[2]), "no profile fits"),
    "wrong separator": (edited(lambda s: s.replace(",", " ")), "no profile fits"),
    "columns twice": (edited(lambda s: s.replace("t,ax,ay", "t,ax,ax", 1)), "no profile fits|fits 2 columns"),
    "two pods side by side": (
        text(
            "left.csv",
            "A_Timestamp_Unix_CAL,"
            + ",".join(f"{p}_Accel_WR_{a}_CAL" for a in "XYZ" for p in "AB")
            + ","
            + ",".join(f"A_Gyro_{a}_CAL" for a in "XYZ")
            + "\n",
        ),
        "fits 2 columns.*one pod a file",
    ),
    "decimal commas between commas": (edited(decimal_commas), "13 columns, the header 7|14 columns, the header 7"),
    "more cells than names": (
        edited(lambda s: s.replace("\n", ",1\n").replace(",1\n", "\n", 1)),
        "columns, the header 7",
    ),
    "fewer cells than names": (edited(lambda s: s.replace("\n", "\nx\n")), "line 2 has 1 columns, the header 7"),
    "words for numbers": (
        edited(lambda s: s.replace("\n0.005", "\nfive", 1)),
        "column 't': 'five000' is not a number .line 3.",
    ),
    "word in an axis": (edited(lambda s: s.replace("\n0.010000,", "\n0.010000,x", 1)), "column 'ax'.*line 4"),
    "all of a column empty": (columns(put(slice(None), 4, np.nan)), "no usable sample.*column gx"),
    "all stamps empty": (columns(put(slice(None), 0, np.nan)), "no usable sample.*time column"),
    # Values
    "accelerometer all zero": (columns(put(slice(None), slice(1, 4), 0)), "accelerometer reads nothing but zero"),
    "gyroscope all zero": (columns(put(slice(None), slice(4, 7), 0)), "gyroscope reads nothing but zero"),
    "g said to be m/s²": (lambda f, m: m.csv(f / "left.csv", table=m.columns(accel=1 / G)), "look like g"),
    "°/s said to be rad/s": (lambda f, m: m.csv(f / "left.csv", table=m.columns(gyro=57.3)), "is the unit 'deg/s'"),
    "m/s² said to be g": (
        lambda f, m: m.csv(f / "left.csv", header="t,ax_g,ay_g,az_g,gx_dps,gy_dps,gz_dps", table=m.columns(gyro=57.3)),
        "look like m/s2",
    ),
    "rad/s said to be °/s": (
        lambda f, m: m.csv(
            f / "left.csv", header="t,ax_g,ay_g,az_g,gx_dps,gy_dps,gz_dps", table=m.columns(accel=1 / G)
        ),
        "look like rad/s",
    ),
    "counts said to be m/s²": (
        lambda f, m: m.csv(f / "left.csv", table=m.columns(accel=2048 / G)),
        "'counts'|accelerom",
    ),
    "gyroscope and accelerometer swapped": (
        lambda f, m: m.csv(f / "left.csv", table=m.columns()[:, [0, 4, 5, 6, 1, 2, 3]]),
        "gyroscope|accelerometer",
    ),
    "huge numbers": (columns(put(slice(0, 100), 1, 1e30)), "more than any sensor reads"),
    "infinite everywhere": (columns(put(slice(None), 3, np.inf)), "no usable sample"),
    # Time
    "all stamps the same": (columns(put(slice(None), 0, 5.0)), "all stamps of the left foot are the same"),
    "time backwards": (columns(lambda table: table[::-1]), "runs backwards"),
    "ms said to be s": (lambda f, m: m.csv(f / "left.csv", table=m.columns(t=1000)), "look like ms .200 Hz"),
    "µs said to be s": (lambda f, m: m.csv(f / "left.csv", table=m.columns(t=1e6)), "look like us .200 Hz"),
    "s said to be ms": (
        lambda f, m: m.csv(f / "left.csv", header="time,accX,accY,accZ,gyroX,gyroY,gyroZ", table=m.columns(gyro=57.3)),
        "look like s .200 Hz",
    ),
    "a sample a minute": (lambda f, m: m.csv(f / "left.csv", table=m.columns(t=12_000_000.7)), "look like us|no rate"),
    "stamps a packet": (columns(lambda t: put(slice(None), 0, np.floor(t[:, 0] * 25) / 25)(t)), "packet_stamps"),
    "astronomic stamps": (columns(lambda t: put(slice(None), 0, t[:, 0] * 1e300)(t), fmt="%g"), "no rate|same"),
    "dates that are none": (
        edited(
            lambda s: s.replace("\n0.", "\n2026-13-45 10:00:00.").replace(
                HEADER, "Time,Accel-X (g),Accel-Y (g),Accel-Z (g),Gyro-X (d/s),Gyro-Y (d/s),Gyro-Z (d/s)"
            )
        ),
        "is no date such as",
    ),
    "numbers where dates should be": (
        edited(
            lambda s: s.replace(
                HEADER, "Time,Accel-X (g),Accel-Y (g),Accel-Z (g),Gyro-X (d/s),Gyro-Y (d/s),Gyro-Z (d/s)"
            )
        ),
        "no dates there",
    ),
    # Feet
    "which foot": (lambda f, m: m.csv(f / "run.csv"), "which foot"),
    "two left feet": (two_left, "two files of the left foot"),
    "two files that name no foot": (two_unnamed, "which foot"),
    "one of two files broken": (one_broken_of_two, "right.csv: a header, but no samples"),
    "a third foot": (
        edited(lambda s: s.replace("\n", ",tail\n").replace("gz,tail", "gz,foot")),
        "'tail' is neither 'left' nor 'right'",
    ),
    "foot not there": (
        lambda f, m: (
            lambda: recording.read(
                edited(lambda s: s.replace("\n", ",left\n").replace("gz,left", "gz,foot"))(f, m), foot="right"
            )
        ),
        "no samples of the right foot",
    ),
}

MENDED = {
    "byte-order mark": (edited(lambda s: s, encoding="utf-8-sig"), "generic-si"),
    "UTF-16": (edited(lambda s: s, encoding="utf-16"), "generic-si"),
    "Windows line ends": (edited(lambda s: s.replace("\n", "\r\n")), "generic-si"),
    "blank lines between": (edited(lambda s: s.replace("\n", "\n\n")), "generic-si"),
    "quotes": (edited(lambda s: s.replace("ax", '"ax"').replace("gz", '"gz"')), "generic-si"),
    "last line cut": (edited(lambda s: s[:-20]), "1 lines with a wrong number of columns|generic-si"),
    "decimal commas": (edited(lambda s: s.replace(",", ";").replace(".", ",")), "decimal comma"),
    "comments before the header": (edited(lambda s: "# a,b\n# made by me\n\n" + s), "generic-si"),
    "some values missing": (columns(put(slice(5, 8), 2, np.nan)), "3 samples with a missing or infinite value.*row 7"),
    "some values infinite": (columns(put([5, 99], 6, -np.inf)), "2 samples with a missing or infinite value"),
    "numbers beyond single precision": (columns(put([5, 99], 1, 1e300), fmt="%.9g"), "2 samples with a missing or inf"),
    "some stamps missing": (columns(put([5, 99], 0, np.nan)), "2 samples with a missing or infinite value"),
    "a glitch": (
        lambda f, m: columns(put(5, 1, 1e12))(f, type(m)(20)),
        "1 samples with an impossible accelerometer reading",
    ),
    "rows twice": (columns(lambda t: np.insert(t, 50, t[40:50], axis=0)), "stamps running backwards"),
    "a row twice": (columns(lambda t: np.insert(t, 50, t[49], axis=0)), "1 samples with the stamp of the one before"),
    "rows out of order": (columns(lambda t: t[np.r_[0:100, 110:120, 100:110, 120:800]]), "1 stamps running backwards"),
    "one foot": (lambda f, m: m.csv(f / "left.csv"), "only the left foot"),
    "rows without foot": (
        edited(lambda s: s.replace("\n", ",left\n").replace("gz,left", "gz,foot").replace(",left\n", ",\n", 4)),
        "samples with no foot",
    ),
    "negative time": (columns(lambda t: put(slice(None), 0, t[:, 0] - 1000)(t)), "generic-si"),
    "a gap of an hour": (columns(lambda t: put(slice(400, None), 0, t[400:, 0] + 3600)(t)), "generic-si"),
    "slow rate": (lambda f, m: m.csv(f / "left.csv", table=m.columns()[::8]), "25 Hz is too slow"),
    "different rates": (mixed_rates, "generic-si"),
    "stated range too small": (
        profiled(PROFILE.replace('"m/s2"', '"m/s2", range_g = 2').replace('"rad/s"', '"rad/s", range_dps = 2000')),
        "exceed the profile's range",
    ),
    "a negative scale sign": (lambda f, m: m.csv(f / "left.csv", table=m.columns(accel=-1)), "generic-si"),
    "parquet with nulls": (
        parquet(lambda t: t | {"ax": pa.array(t["ax"], mask=np.arange(t["t"].size) < 3)}),
        "3 samples with a missing",
    ),
    "counts with nulls": (
        parquet(
            lambda t: t | {"ax": pa.array(t["ax"], mask=np.arange(t["t"].size) < 3)},
            {"accel_lsb_mps2": 0.0048, "gyro_lsb_rads": 0.00106},
        ),
        "3 samples with a missing",
    ),
}


def read(made):
    return made() if callable(made) else recording.read(made)


@pytest.mark.parametrize("case", REFUSED)
def test_refused_in_one_sentence(case, tmp_path, motion):
    make, words = REFUSED[case]
    made = make(tmp_path, motion)
    with pytest.raises(RecordingError, match=words) as error:
        read(made)
    message = str(error.value)
    assert "\n" not in message
    assert len(message) < 700 or case == "a very long name"
    if not callable(made):
        # What cannot be read at once cannot be streamed either.
        with pytest.raises(RecordingError), recording.open_recording(made) as reader:
            list(reader.chunks())


@pytest.mark.parametrize("case", MENDED)
def test_mended_with_a_note(case, tmp_path, motion):
    make, words = MENDED[case]
    got = read(make(tmp_path, motion))
    assert any(re.search(words, note) for note in got.notes), got.notes
    for track in got.pods:
        assert np.isfinite(track.samples.time_s).all()
        assert track.samples.counts.any(axis=1).all()
    # Whatever was mended can be kept as a session.
    again = recording.read(recording.write_session(got, tmp_path / "kept"))
    assert all(
        np.array_equal(a.samples.counts, b.samples.counts) and np.array_equal(a.samples.time_s, b.samples.time_s)
        for a, b in zip(got.pods, again.pods, strict=True)
    )


def test_there_are_enough_cases():
    assert len(REFUSED) + len(MENDED) >= 40


def test_ready_profiles_load_as_files():
    folder = Path(recording.__file__).parent / "profiles"
    assert all(load_profile(path).name == path.stem for path in folder.glob("*.toml"))
