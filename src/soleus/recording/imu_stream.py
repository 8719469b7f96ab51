"""``imu.parquet`` of samples that come piece by piece: written, and compared, without holding a recording in memory."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np

from soleus.model import COUNT_CHANNELS, CountArray, FloatArray, PodInfo, PodSamples
from soleus.recording.files import RecordingError
from soleus.recording.imu_file import ImuFile, as_ns, imu_writer, write_group
from soleus.recording.limits import Limits


@dataclass(frozen=True, slots=True)
class SampleStream:
    """The samples of a pod, to be gone through as often as needed.

    Attributes
    ----------
    info
        The pod.
    samples
        How many samples there are.
    group_rows
        Samples of a row group.
    starts_s
        Session time at which each row group begins, roughly, and never falling [s]; orders the groups of two pods.
    whole_ns
        Whether every stamp is a whole number of nanoseconds.
    pieces
        Goes through the samples from the first to the last.
    """

    info: PodInfo
    samples: int
    group_rows: int
    starts_s: FloatArray
    whole_ns: bool
    pieces: Callable[[], Iterator[PodSamples]]


def write_imu_stream(file: BinaryIO, streams: Sequence[SampleStream]) -> None:
    """Write the samples of all pods to an open file, a row group at a time.

    Raises
    ------
    OSError
        If the disk is full or fails.
    RecordingError
        If the samples end before their time.
    """
    whole_ns = all(stream.whole_ns for stream in streams)
    order = sorted((start_s, k, i) for i, s in enumerate(streams) for k, start_s in enumerate(s.starts_s.tolist()))
    cutters = [_Cutter(stream.pieces()) for stream in streams]
    with imu_writer(file, [stream.info for stream in streams], whole_ns=whole_ns) as writer:
        for _, k, i in order:
            stream = streams[i]
            time_s, counts = cutters[i].take(min(stream.group_rows, stream.samples - k * stream.group_rows))
            time = as_ns(time_s) if whole_ns else time_s
            if time is None:
                raise RecordingError(f"{stream.info.foot.label} foot: the samples changed while they were read")
            write_group(writer, stream.info.foot, time, counts)


def verify_imu_stream(path: Path, streams: Sequence[SampleStream]) -> None:
    """Read a file back and compare it, bit for bit, with the samples it was made of, which are gone through again.

    Raises
    ------
    RecordingError
        If it cannot be read, or is not the same.
    """
    cutters = {stream.info.foot: _Cutter(stream.pieces()) for stream in streams}
    left = {stream.info.foot: stream.samples for stream in streams}
    with ImuFile(path, Limits(rows=2**62, file_bytes=2**62)) as imu:
        for group in imu.groups:
            for got in imu.read(group):
                left[got.foot] -= len(got)
                time_s, counts = cutters[got.foot].take(len(got))
                if got.time_s.tobytes() != time_s.tobytes() or not np.array_equal(got.counts, counts):
                    raise RecordingError(f"{path}: what was written could not be read back; try another disk")
    if any(left.values()):
        raise RecordingError(f"{path}: not all samples were written; try another disk")


class _Cutter:
    """Cuts pieces of any length into pieces of the length asked for."""

    def __init__(self, pieces: Iterator[PodSamples]) -> None:
        self._pieces = pieces
        self._rest: PodSamples | None = None

    def take(self, n: int) -> tuple[FloatArray, CountArray]:
        """Give the next samples: (n,) times [s] and (6, n) counts."""
        time_s = np.empty(n)
        counts = np.empty((len(COUNT_CHANNELS), n), np.int16)
        filled = 0
        while filled < n:
            piece = self._rest if self._rest is not None else next(self._pieces, None)
            if piece is None:
                raise RecordingError("the samples of a journal end before their time; copy it again")
            part = piece[: n - filled]
            time_s[filled : filled + len(part)] = part.time_s
            counts[:, filled : filled + len(part)] = part.counts
            filled += len(part)
            self._rest = piece[len(part) :] if len(part) < len(piece) else None
        return time_s, counts
