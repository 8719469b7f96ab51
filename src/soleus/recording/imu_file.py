"""``imu.parquet``: the samples of a session, a row group for each minute of each pod.

A row group holds one pod only, so that nothing needs masking when it is read; groups follow each other in time, so that
a day can be streamed. Scale and unit of each pod stand in the metadata of the fields. Time is int64 nanoseconds where
every stamp is a whole number of them (delta coded: a uniform clock takes almost no space) and double otherwise, so that
stamps come back bit for bit. Counts are byte-stream split: the high bytes of neighbours are alike and compress well.
Each page has a checksum: what a disk changed later is refused.
Encodings: https://parquet.apache.org/docs/file-format/data-pages/encodings/
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, BinaryIO, Final, Self, cast

import numpy as np
import pyarrow as pa

from soleus.model import COUNT_CHANNELS, CountArray, FloatArray, Foot, PodInfo, PodSamples, PodTrack
from soleus.recording.files import RecordingError, check_file, reading
from soleus.recording.limits import Limits

if TYPE_CHECKING:
    import pyarrow.parquet as pq

SCHEMA_NAME: Final = "soleus.imu"
SCHEMA_VERSION: Final = "1.0"
NS_PER_S: Final = 1e9
MAX_NS_TIME_S: Final = 9e9
"""Beyond it [s] nanoseconds overflow int64."""
GROUP_S: Final = 60.0
"""Length of a row group [s]."""
GROUP_ROWS: Final = (1_000, 1_000_000)
"""Fewest and most rows of a group, whatever the time stamps say."""
DEFAULT_RATE_HZ: Final = 200.0
"""Rate assumed for the length of a group where the stamps give none [Hz]."""
ZSTD_LEVEL: Final = 3
"""Higher levels are slower and gain 2 %."""
_SCALE_KEYS: Final = {"a": "mps2_per_count", "g": "rads_per_count"}
_UNITS: Final = {"a": "m/s2", "g": "rad/s"}


@dataclass(frozen=True, slots=True)
class Scale:
    """Value of one count of a pod [m/s²], [rad/s]."""

    accel_lsb_mps2: float
    gyro_lsb_rads: float


@dataclass(frozen=True, slots=True)
class Group:
    """A row group: its number, its rows, and its pod (``None`` if several are mixed in it)."""

    index: int
    rows: int
    foot: Foot | None


def write_imu(file: BinaryIO, tracks: Sequence[PodTrack]) -> None:
    """Write the samples of all pods to an open file.

    Raises
    ------
    OSError
        If the disk is full or fails.
    """
    times = [as_ns(track.samples.time_s) for track in tracks]
    whole_ns = all(t is not None for t in times)
    with imu_writer(file, [track.info for track in tracks], whole_ns=whole_ns) as writer:
        for i, part in _groups_in_time(tracks):
            samples = tracks[i].samples
            ns = times[i]
            t = ns[part] if whole_ns and ns is not None else samples.time_s[part]
            write_group(writer, samples.foot, t, samples.counts[:, part])


def imu_writer(file: BinaryIO, pods: Sequence[PodInfo], *, whole_ns: bool) -> pq.ParquetWriter:
    """Begin an ``imu.parquet``; its time is in whole nanoseconds or in seconds."""
    import pyarrow.parquet as pq

    encoding = dict.fromkeys(COUNT_CHANNELS, "BYTE_STREAM_SPLIT")
    encoding["t"] = "DELTA_BINARY_PACKED" if whole_ns else "BYTE_STREAM_SPLIT"
    return pq.ParquetWriter(
        file,
        _schema(pods, whole_ns=whole_ns),
        compression="zstd",
        compression_level=ZSTD_LEVEL,
        use_dictionary=["pod"],  # type: ignore[arg-type]  # a list is allowed, the stubs are behind
        column_encoding=encoding,
        write_statistics=["pod"],
        write_page_checksum=True,
    )


def write_group(writer: pq.ParquetWriter, foot: Foot, time: Any, counts: CountArray) -> None:  # noqa: ANN401
    """Write a row group of one pod: times as the file has them, and (6, n) counts."""
    pod = pa.array(np.full(time.size, foot, np.int8))
    channels = [pa.array(channel) for channel in counts]
    writer.write_table(pa.Table.from_arrays([pod, pa.array(time), *channels], schema=cast("pa.Schema", writer.schema)))


def as_ns(time_s: FloatArray) -> Any | None:  # noqa: ANN401
    """Whole nanoseconds that give back every bit of the stamps, or ``None``."""
    if not (np.abs(time_s) < MAX_NS_TIME_S).all():
        return None
    ns = np.rint(time_s * NS_PER_S).astype(np.int64)
    back = ns / NS_PER_S
    return ns if np.array_equal(back.view(np.int64), time_s.view(np.int64)) else None


def _schema(pods: Sequence[PodInfo], *, whole_ns: bool) -> pa.Schema:
    feet = {f"pod_{pod.foot.value}": pod.foot.label for pod in pods}
    fields: list[pa.Field[Any]] = [
        pa.field("pod", pa.int8(), nullable=False, metadata={"description": "0 left, 1 right"} | feet),
        pa.field(
            "t",
            pa.int64() if whole_ns else pa.float64(),
            nullable=False,
            metadata={"unit": "ns" if whole_ns else "s", "description": "session time, from the pod's own clock"},
        ),
    ]
    for name in COUNT_CHANNELS:
        kind = name[0]
        scale = {
            f"{_SCALE_KEYS[kind]}_{pod.foot.label}": repr(
                float(pod.accel_lsb_mps2 if kind == "a" else pod.gyro_lsb_rads)
            )
            for pod in pods
        }
        about = {"unit": _UNITS[kind], "description": "counts in the pod's own axes; times the scale of its pod"}
        fields.append(pa.field(name, pa.int16(), nullable=False, metadata=about | scale))
    return pa.schema(fields, metadata={"schema": SCHEMA_NAME, "schema_version": SCHEMA_VERSION})


def _groups_in_time(tracks: Sequence[PodTrack]) -> list[tuple[int, slice]]:
    """(track, rows) of each row group; each pod in its own order, the pods interleaved by time."""
    groups: list[tuple[float, int, slice]] = []
    for i, track in enumerate(tracks):
        time_s = track.samples.time_s
        if not time_s.size:
            continue
        finite = time_s[np.isfinite(time_s)]
        size = group_rows(finite.size, *((finite.min(), finite.max()) if finite.size else (0.0, 0.0)))
        starts = np.arange(0, time_s.size, size)
        # Stamps may run backwards or be NaN; the order of a pod's groups must not change for that.
        latest = np.fmax.accumulate(np.fmax(time_s[starts], -np.inf))
        groups += [(float(t), i, slice(s, s + size)) for t, s in zip(latest, starts.tolist(), strict=True)]
    return [(i, part) for _, i, part in sorted(groups, key=lambda g: (g[0], g[2].start, g[1]))]


def group_rows(samples: int, first_s: float, last_s: float) -> int:
    """Choose how many samples of a pod make a row group: about a minute of them."""
    span = float(last_s / 2 - first_s / 2) * 2
    rate = samples / span if span > 0 else DEFAULT_RATE_HZ
    return int(np.clip(GROUP_S * rate, *GROUP_ROWS))


class ImuFile:
    """An open ``imu.parquet``.

    Attributes
    ----------
    path
        The file.
    scales
        What a count is worth, by foot.
    groups
        The row groups.
    rows
        Samples by foot; ``None`` if a row group mixes pods, so that only reading tells.

    Raises
    ------
    RecordingError
        If the file is damaged, lacks a column, has a wrong type, no scale, or more rows than the limit.
    """

    def __init__(self, path: Path, limits: Limits) -> None:
        import pyarrow.parquet as pq

        self.path = path
        self._limits = limits
        check_file(path, limits.file_bytes)
        with reading(path, "Parquet file"):
            self._file: pq.ParquetFile = pq.ParquetFile(path, page_checksum_verification=True)
        try:
            self._check_schema()
            self.scales: Mapping[Foot, Scale] = self._read_scales()
            self.groups: Sequence[Group] = self._read_groups()
        except BaseException:
            self.close()
            raise
        known = all(group.foot is not None for group in self.groups)
        self.rows: Mapping[Foot, int] | None = (
            {foot: sum(g.rows for g in self.groups if g.foot == foot) for foot in self.scales} if known else None
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def read(self, group: Group) -> list[PodSamples]:
        """Read a row group: one run of samples for each pod in it.

        Raises
        ------
        RecordingError
            If the group is damaged or holds an unknown pod.
        """
        columns = ["t", *COUNT_CHANNELS] if group.foot is not None else ["pod", "t", *COUNT_CHANNELS]
        with reading(self.path, "Parquet file"):
            table = self._file.read_row_group(group.index, columns=columns, use_threads=False)
            if table.num_rows != group.rows:
                raise RecordingError(f"{self.path}: row group {group.index} is cut short; copy the file again")
            time_s = self._time_s(table.column("t"))
            counts = np.empty((len(COUNT_CHANNELS), group.rows), np.int16)
            for row, name in zip(counts, COUNT_CHANNELS, strict=True):
                row[:] = table.column(name).to_numpy()
            if group.foot is not None:
                return [PodSamples(group.foot, time_s, counts)]
            pod = table.column("pod").to_numpy()
        return self._unmix(pod, time_s, counts)

    def _unmix(self, pod: Any, time_s: FloatArray, counts: CountArray) -> list[PodSamples]:  # noqa: ANN401
        runs = []
        for code in np.unique(pod).tolist():
            rows = pod == code
            runs.append(PodSamples(self._foot(code), time_s[rows], np.ascontiguousarray(counts[:, rows])))
        return runs

    def _time_s(self, column: Any) -> FloatArray:  # noqa: ANN401
        time = column.to_numpy()
        return np.asarray(time / NS_PER_S if time.dtype == np.int64 else time, np.float64)

    def _check_schema(self) -> None:
        schema = self._file.schema_arrow
        wanted = {"pod": (pa.int8(),), "t": (pa.int64(), pa.float64())} | {c: (pa.int16(),) for c in COUNT_CHANNELS}
        for name, kinds in wanted.items():
            if name not in schema.names:
                raise RecordingError(f"{self.path}: column '{name}' is missing; this is no session's imu.parquet")
            if schema.field(name).type not in kinds:
                right = " or ".join(str(kind) for kind in kinds)
                raise RecordingError(f"{self.path}: column '{name}': is {schema.field(name).type}, must be {right}")
        unit = (schema.field("t").metadata or {}).get(b"unit")
        right_unit = b"ns" if schema.field("t").type == pa.int64() else b"s"
        if unit != right_unit:
            raise RecordingError(f"{self.path}: column 't': its metadata 'unit' must be '{right_unit.decode()}'")
        if self._file.metadata.num_rows > self._limits.rows:
            raise RecordingError(
                f"{self.path}: {self._file.metadata.num_rows} samples are more than the limit of {self._limits.rows}; "
                "raise the limit"
            )

    def _read_scales(self) -> dict[Foot, Scale]:
        schema = self._file.schema_arrow
        accel, gyro = (schema.field(name).metadata or {} for name in ("ax", "gx"))
        scales = {}
        for foot in Foot:
            keys = [f"{_SCALE_KEYS[kind]}_{foot.label}".encode() for kind in "ag"]
            if keys[0] in accel or keys[1] in gyro:
                scales[foot] = Scale(
                    self._scale("ax", accel.get(keys[0]), keys[0]), self._scale("gx", gyro.get(keys[1]), keys[1])
                )
        if not scales:
            key = f"{_SCALE_KEYS['a']}_left"
            raise RecordingError(f"{self.path}: column 'ax': its metadata '{key}' (or _right), the scale, is missing")
        return scales

    def _scale(self, column: str, text: bytes | None, key: bytes) -> float:
        try:
            value = float(text or b"")
        except ValueError:
            value = 0.0
        if not 0 < value < np.inf:
            raise RecordingError(f"{self.path}: column '{column}': its metadata '{key.decode()}' is no positive number")
        return value

    def _read_groups(self) -> list[Group]:
        metadata = self._file.metadata
        pod_column = self._file.schema_arrow.names.index("pod")
        groups = []
        with reading(self.path, "Parquet file"):
            for i in range(metadata.num_row_groups):
                group = metadata.row_group(i)
                if group.num_rows > self._limits.row_group_rows:
                    raise RecordingError(
                        f"{self.path}: row group {i} holds {group.num_rows} rows, more than the limit of "
                        f"{self._limits.row_group_rows}; write it with smaller row groups"
                    )
                statistics = group.column(pod_column).statistics
                bounds = (
                    (statistics.min, statistics.max) if statistics is not None and statistics.has_min_max else (None, 0)
                )
                foot = self._foot(bounds[0]) if bounds[0] is not None and bounds[0] == bounds[1] else None
                if group.num_rows:
                    groups.append(Group(i, group.num_rows, foot))
        return groups

    def _foot(self, code: int) -> Foot:
        if code not in [foot.value for foot in self.scales]:
            raise RecordingError(f"{self.path}: pod {code} has no scale in the metadata; pods are 0 left and 1 right")
        return Foot(code)


def iterate_chunks(imu: ImuFile) -> Iterator[Sequence[PodSamples]]:
    """Read the file from start to end, about a minute of all pods at a time.

    Raises
    ------
    RecordingError
        If a row group is damaged.
    """
    chunk: list[PodSamples] = []
    for group in imu.groups:
        for samples in imu.read(group):
            if any(samples.foot == other.foot for other in chunk):
                yield chunk
                chunk = []
            chunk.append(samples)
    if chunk:
        yield chunk
