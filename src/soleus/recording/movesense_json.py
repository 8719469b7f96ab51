"""Movesense data logger JSON to raw columns."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from soleus.recording.files import RecordingError, check_file, reading
from soleus.recording.limits import Limits
from soleus.recording.profile import Profile
from soleus.recording.raw_table import Converter, RawTable

_VECTORS: Final = pa.list_(pa.struct([("x", pa.float64()), ("y", pa.float64()), ("z", pa.float64())]))
_PACKET: Final = pa.struct([("Timestamp", pa.float64()), ("ArrayAcc", _VECTORS), ("ArrayGyro", _VECTORS)])
_SCHEMA: Final = pa.schema(
    [
        ("Meas", pa.struct([("IMU6", pa.list_(_PACKET)), ("IMU9", pa.list_(_PACKET))])),
        ("Samples", pa.list_(pa.struct([("MeasIMU6", _PACKET), ("MeasIMU9", _PACKET)]))),
    ]
)
"""Both layouts in one; whatever else a log holds is passed over."""


def read_movesense_json(path: Path, profile: Profile, limits: Limits) -> RawTable:
    """Read the IMU6 or IMU9 stream of a log; the stamp of a packet is given to each of its samples.

    Raises
    ------
    RecordingError
        If it is no such log, or a packet has not as many angular rates as accelerations.
    """
    import pyarrow.compute as pc
    import pyarrow.json as pj

    size = check_file(path, limits.json_bytes)
    with reading(path, "Movesense JSON log"), path.open("rb") as source:
        table = pj.read_json(
            source,
            read_options=pj.ReadOptions(use_threads=False, block_size=size + 1),
            parse_options=pj.ParseOptions(
                explicit_schema=_SCHEMA, newlines_in_values=True, unexpected_field_behavior="ignore"
            ),
        )
        packets = _packets(table, path)
        stamps, acc, gyro = (packets.field(name) for name in ("Timestamp", "ArrayAcc", "ArrayGyro"))
        n_acc, n_gyro = _lengths(acc), _lengths(gyro)
        if not np.array_equal(n_acc, n_gyro):
            packet = int(np.flatnonzero(n_acc != n_gyro)[0]) + 1
            raise RecordingError(
                f"{path}: packet {packet} holds {n_acc[packet - 1]} accelerations but {n_gyro[packet - 1]} angular "
                "rates; record IMU6 instead of single sensors"
            )
        values = stamps.to_numpy(zero_copy_only=False)
        axes = [pc.list_flatten(vectors).field(axis) for vectors in (acc, gyro) for axis in ("x", "y", "z")]
        converter = Converter(path, limits)
        block = converter.block(pa.array(np.repeat(values, n_acc)), axes, None)
    raw = RawTable(
        path=path,
        profile=profile,
        time_unit=profile.time.unit,
        first_pass=lambda _: iter([block]),
        again=lambda _: iter([block]),
        held_rows=limits.rows,
    )
    converter.finish(raw)
    return raw


def _packets(table: pa.Table, path: Path) -> Any:  # noqa: ANN401 - a pa.StructArray, which the stubs cannot express
    import pyarrow.compute as pc

    meas = table.column("Meas").combine_chunks()
    samples = pc.list_flatten(table.column("Samples").combine_chunks())
    streams: list[Any] = [pc.list_flatten(pc.struct_field(meas, name)) for name in ("IMU6", "IMU9")]
    streams += [pc.struct_field(samples, name).drop_null() for name in ("MeasIMU6", "MeasIMU9")]
    full = [stream for stream in streams if len(stream)]
    if len(full) != 1:
        found = "no IMU6 or IMU9 stream" if not full else "both IMU6 and IMU9 streams"
        raise RecordingError(f"{path}: {found} in it; log one of /Meas/IMU6 and /Meas/IMU9")
    return full[0]


def _lengths(lists: Any) -> npt.NDArray[np.int64]:  # noqa: ANN401 - a pa.ListArray, which the stubs cannot express
    import pyarrow.compute as pc

    return np.asarray(pc.fill_null(pc.list_value_length(lists), 0).to_numpy(zero_copy_only=False), np.int64)
