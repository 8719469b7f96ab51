"""The bytes of a journal: one Arrow IPC stream a segment, one row for each thing handed over, in hand-out order.

A row is a piece of samples as one pod delivered it, a belt or heart-rate reading, or an event; ``piece`` numbers all
of them, ``first_sample`` counts the samples of a pod, so that whatever is lost later can be told to the sample. Each
record batch carries the CRC-32 of its buffers, because Arrow itself would not notice a flipped bit. What the session
is (runner, pods, scales) stands twice in each segment: in the metadata of the schema, and in a first row of kind
``header``. Framing: https://arrow.apache.org/docs/format/Columnar.html#ipc-streaming-format
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any, Final, NamedTuple

import msgspec
import numpy as np
import numpy.typing as npt
import pyarrow as pa

from soleus.model import COUNT_CHANNELS, CountArray, FloatArray, PodInfo, Runner

SCHEMA_NAME: Final = "soleus.journal"
SCHEMA_VERSION: Final = "1.0"
END_OF_STREAM: Final = b"\xff\xff\xff\xff\x00\x00\x00\x00"
"""Marks the end of a segment that was closed in order."""

SAMPLES: Final = "samples"
BELT: Final = "belt"
HEART_RATE: Final = "heart_rate"
HEADER: Final = "header"
FACTS: Final = "facts"
END: Final = "end"
OWN_KINDS: Final = frozenset({SAMPLES, BELT, HEART_RATE, HEADER, FACTS, END})
"""Kinds of rows that the journal itself writes; every other kind is an event."""
NO_POD: Final = -1
"""``pod`` of a row that is not of one pod."""
NO_PIECE: Final = -1
"""``piece`` of a header row, which is repeated in each segment."""

Utc = Annotated[datetime, msgspec.Meta(tz=True)]


class JournalFacts(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What must be known of a session beside its samples.

    Attributes
    ----------
    pods
        The pods, with the value of a count; at most one a foot.
    runner
        Who runs.
    start_utc
        Calendar time of session time zero, with its time zone.
    configuration, source, notes, extra
        As in :class:`soleus.recording.SessionRecord`.

    Examples
    --------
    >>> from soleus.model import Foot
    >>> JournalFacts(pods=(PodInfo(Foot.LEFT, 0.005, 0.001),)).pods[0].foot.label
    'left'
    """

    pods: tuple[PodInfo, ...]
    runner: Runner = Runner()
    start_utc: Utc | None = None
    configuration: dict[str, Any] = {}
    source: str = ""
    notes: tuple[str, ...] = ()
    extra: dict[str, Any] = {}


class SegmentHeader(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Which segment of which session this is."""

    session: str
    segment: int
    facts: JournalFacts


class EndRecord(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Last row of a session that was stopped in order: how much was handed over in all."""

    pieces: int
    samples: dict[str, int]


class Row(NamedTuple):
    """One thing handed over.

    Attributes
    ----------
    piece, kind, pod, first_sample
        Running number, kind, foot code, samples of this pod before this row.
    time_s
        (n,) session times [s].
    counts
        (6, n) int16, of samples; else (6, 0).
    values
        (k, n) what was read at these times: belt speed [m/s] and grade, or heart rate [beats/min].
    json
        Anything else.
    """

    piece: int
    kind: str
    pod: int
    first_sample: int
    time_s: FloatArray
    counts: CountArray
    values: FloatArray
    json: str

    @property
    def size_bytes(self) -> int:
        """Memory it takes, roughly [bytes]."""
        return ROW_BYTES + self.time_s.nbytes + self.counts.nbytes + self.values.nbytes + len(self.json)


ROW_BYTES: Final = 600
"""Objects of a row in memory: the tuple, three arrays with their headers, text [bytes], measured."""
NO_TIME: Final[FloatArray] = np.empty(0)
NO_COUNTS: Final[CountArray] = np.empty((len(COUNT_CHANNELS), 0), np.int16)
NO_VALUES: Final[FloatArray] = np.empty((0, 0))


def _list_of(kind: pa.DataType) -> Any:  # noqa: ANN401  (the stubs tie list types to their item types)
    return pa.list_(pa.field("item", kind, nullable=False))


def _fields() -> list[pa.Field[Any]]:
    def field(name: str, kind: Any, unit: str, about: str) -> pa.Field[Any]:  # noqa: ANN401
        return pa.field(name, kind, nullable=False, metadata={"unit": unit, "description": about})

    doubles, counts = _list_of(pa.float64()), _list_of(pa.int16())
    return [
        field("piece", pa.int64(), "", "running number in hand-out order; -1 for the header of a segment"),
        field("kind", pa.string(), "", "samples, belt, heart_rate, header, facts, end; every other is an event"),
        field("pod", pa.int8(), "", "0 left, 1 right, -1 none"),
        field("first_sample", pa.int64(), "1", "number of samples of this pod before this row"),
        field("t", doubles, "s", "session time of each sample or reading"),
        *(field(name, counts, "count", "the pod's own axes; the header has the scale") for name in COUNT_CHANNELS),
        field("speed_mps", doubles, "m/s", "belt speed"),
        field("grade", doubles, "1", "belt grade, rise over run"),
        field("rate_bpm", doubles, "beats/min", "heart rate"),
        field("json", pa.string(), "", "content of an event, header, facts or end row"),
    ]


SCHEMA: Final = pa.schema(_fields(), metadata={"schema": SCHEMA_NAME, "schema_version": SCHEMA_VERSION})
SCHEMA_BYTES: Final = SCHEMA.serialize().to_pybytes()
_VALUE_COLUMNS: Final = {"speed_mps": (BELT, 0), "grade": (BELT, 1), "rate_bpm": (HEART_RATE, 0)}


def header_row(header: SegmentHeader) -> Row:
    """Make the first row of a segment."""
    return text_row(NO_PIECE, HEADER, msgspec.json.encode(header).decode())


def text_row(piece: int, kind: str, json: str, time_s: float | None = None) -> Row:
    """Make a row that holds nothing but JSON, and the time if there is one."""
    when = NO_TIME if time_s is None else np.array([time_s], np.float64)
    return Row(piece, kind, NO_POD, 0, when, NO_COUNTS, NO_VALUES, json)


def segment_start(header: SegmentHeader) -> bytes:
    """First bytes of a segment: the schema with the header in its metadata, and the header again as a batch."""
    text = msgspec.json.encode(header)
    metadata = {**(SCHEMA.metadata or {}), b"header": text, b"header_crc32": str(zlib.crc32(text)).encode()}
    return SCHEMA.with_metadata(metadata).serialize().to_pybytes() + encode_rows([header_row(header)])


def encode_rows(rows: Sequence[Row]) -> bytes:
    """Write rows as one record batch message of the stream, its CRC-32 in the metadata.

    Examples
    --------
    >>> message = encode_rows([text_row(7, "lap", "{}", 61.5)])
    >>> batch, metadata = decode_message(message)
    >>> batch["piece"].to_pylist(), metadata[b"crc32"] == str(checksum(batch)).encode()
    ([7], True)
    """
    batch = _record_batch(rows)
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, SCHEMA) as writer:
        writer.write_batch(batch, custom_metadata={b"crc32": str(checksum(batch)).encode()})
    return sink.getvalue().to_pybytes()[len(SCHEMA_BYTES) : -len(END_OF_STREAM)]


def decode_message(message: bytes) -> tuple[pa.RecordBatch, Mapping[bytes, bytes]]:
    """Read one record batch message; inverse of :func:`encode_rows`.

    Raises
    ------
    pyarrow.ArrowException, OSError
        If it is damaged so that it cannot be read; damage that leaves it readable shows in its checksum only.
    """
    with pa.ipc.open_stream(SCHEMA_BYTES + message) as reader:
        batch, metadata = reader.read_next_batch_with_custom_metadata()
    batch.validate(full=True)
    return batch, dict(metadata or {})


def checksum(batch: pa.RecordBatch) -> int:
    """CRC-32 of the number of rows, as decimal text, and of every buffer in order of the columns."""
    crc = zlib.crc32(str(batch.num_rows).encode())
    for column in batch.columns:
        for buffer in column.buffers():
            if buffer is not None:
                crc = zlib.crc32(buffer, crc)
    return crc


def _record_batch(rows: Sequence[Row]) -> pa.RecordBatch:
    samples = [row.counts for row in rows]
    columns: list[pa.Array[Any]] = [
        pa.array([row.piece for row in rows], pa.int64()),
        pa.array([row.kind for row in rows], pa.string()),
        pa.array([row.pod for row in rows], pa.int8()),
        pa.array([row.first_sample for row in rows], pa.int64()),
        _lists([row.time_s for row in rows], pa.float64()),
    ]
    offsets = _offsets([part.shape[1] for part in samples])
    joined = np.concatenate(samples, axis=1)
    columns += [_list_array(offsets, channel, pa.int16()) for channel in joined]
    for kind, position in _VALUE_COLUMNS.values():
        columns.append(_lists([row.values[position] if row.kind == kind else NO_TIME for row in rows], pa.float64()))
    columns.append(pa.array([row.json for row in rows], pa.string()))
    return pa.RecordBatch.from_arrays(columns, schema=SCHEMA)


def _offsets(lengths: Sequence[int]) -> npt.NDArray[np.int32]:
    return np.concatenate([[0], np.cumsum(lengths)]).astype(np.int32)


def _lists(parts: Sequence[FloatArray], kind: pa.DataType) -> pa.Array[Any]:
    return _list_array(_offsets([part.size for part in parts]), np.concatenate(parts), kind)


def _list_array(offsets: npt.NDArray[np.int32], values: npt.NDArray[Any], kind: pa.DataType) -> pa.Array[Any]:
    return pa.ListArray.from_arrays(pa.array(offsets, pa.int32()), pa.array(values, kind), type=_list_of(kind))
