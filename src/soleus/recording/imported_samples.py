"""The second pass over imported files: their samples, piece by piece or as a whole."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from typing import Final

import numpy as np

from soleus.model import COUNT_CHANNELS, CountArray, FloatArray, PodSamples, PodTrack, Recording
from soleus.recording.files import RecordingError
from soleus.recording.import_survey import SENSOR_ROWS, Splitter
from soleus.recording.imported import Imported, ImportedPod, Surveyed

CHUNK_S: Final = 60.0
"""Length of a piece [s]."""
DEFAULT_RATE_HZ: Final = 200.0
"""Rate assumed for the length of a piece where the stamps give none [Hz]."""
MAX_AHEAD_SAMPLES: Final = 1_000_000
"""Samples of one foot that may wait for those of the other; beyond it, the file is read for each foot by itself."""

Piece = tuple[FloatArray, CountArray]


def whole(imported: Imported) -> Recording:
    """Read all samples into memory.

    Raises
    ------
    RecordingError
        If a file was changed meanwhile.
    """
    times = [np.empty(pod.found.n) for pod in imported.pods]
    counts = [np.empty((len(COUNT_CHANNELS), pod.found.n), np.int16) for pod in imported.pods]
    for source, indices in _by_source(imported.pods):
        filled = dict.fromkeys(indices, 0)
        for i, (time_s, values) in _pieces(source, imported.pods, indices):
            part = slice(filled[i], filled[i] + time_s.size)
            if part.stop > times[i].size:
                raise _changed(imported.pods[i])
            times[i][part], counts[i][:, part] = time_s, values
            filled[i] = part.stop
        for i in indices:
            if filled[i] < times[i].size:
                raise _changed(imported.pods[i])
    return Recording(
        pods=tuple(
            PodTrack(pod.info, PodSamples(pod.info.foot, time_s, values))
            for pod, time_s, values in zip(imported.pods, times, counts, strict=True)
        ),
        runner=imported.runner,
        belt=imported.belt,
        start_utc=imported.start_utc,
        source=imported.source,
        notes=imported.notes,
        extra=imported.extra,
    )


def chunks(imported: Imported) -> Iterator[Sequence[PodSamples]]:
    """Read the samples from start to end, a minute of all pods at a time, as :meth:`Recording.chunks` cuts them.

    Raises
    ------
    RecordingError
        If a file was changed meanwhile.
    """
    pods = imported.pods
    queues: dict[int, _Queue] = {}
    for source, indices in _by_source(pods):
        alone = len(indices) > 1 and _most_ahead(source) > MAX_AHEAD_SAMPLES
        for group in ([i] for i in indices) if alone else (indices,):
            reel = _Reel(source, pods, group)
            queues |= {i: _Queue(reel, i) for i in group}
    sizes = [max(1, round(CHUNK_S * _mean_rate_hz(pod))) for pod in pods]
    for number in itertools.count():
        due = [
            (i, min(size, pod.found.n - number * size))
            for i, (pod, size) in enumerate(zip(pods, sizes, strict=True))
            if number * size < pod.found.n
        ]
        if not due:
            return
        yield [PodSamples(pods[i].info.foot, *queues[i].take(n)) for i, n in due]


def _by_source(pods: Sequence[ImportedPod]) -> list[tuple[Surveyed, list[int]]]:
    """Each table with the places of its pods."""
    sources = {id(pod.source): pod.source for pod in pods}
    return [(source, [i for i, pod in enumerate(pods) if pod.source is source]) for source in sources.values()]


def _mean_rate_hz(pod: ImportedPod) -> float:
    stamps = pod.found.stamps
    first, last = pod.clock.time_s(np.stack([stamps.first, stamps.last]))
    span = float(last - first)
    return (stamps.n - 1) / span if span > 0 else DEFAULT_RATE_HZ


def _most_ahead(source: Surveyed) -> float:
    """Tell by how many samples one foot's part of a table is ahead of the other's, at most."""
    progress = np.array(source.found.progress, np.float64)
    share = progress / progress[-1]
    return float(np.ptp(share, axis=1).max() * progress[-1].max())


def _pieces(source: Surveyed, pods: Sequence[ImportedPod], indices: Sequence[int]) -> Iterator[tuple[int, Piece]]:
    """Read the samples of some pods of a table, in the order of the file."""
    by_key = {pods[i].key: i for i in indices}
    given = dict.fromkeys(indices, 0)
    splitter = Splitter(source.table, source.lsb)
    for block in source.table.blocks():
        for key, ticks, axes in splitter.split(block):
            if key not in by_key:
                continue
            i = by_key[key]
            pod, start = pods[i], given[i]
            given[i] += ticks.size
            true = ticks if pod.found.packets is None else pod.found.packets.ticks(start, given[i])
            counts = np.empty(axes.shape, np.int16)
            for scaling, (_, rows) in zip(pod.scalings, SENSOR_ROWS, strict=True):
                counts[rows] = scaling.counts(axes[rows])
            yield i, (pod.clock.time_s(true), counts)


def _changed(pod: ImportedPod) -> RecordingError:
    return RecordingError(f"{pod.source.table.path}: it was changed while it was read; read it again when it is whole")


class _Reel:
    """Reads a table on, and lays the samples of its pods aside until they are taken."""

    def __init__(self, source: Surveyed, pods: Sequence[ImportedPod], indices: Sequence[int]) -> None:
        self._pieces = _pieces(source, pods, indices)
        self._pods = pods
        self.waiting: dict[int, list[Piece]] = {i: [] for i in indices}

    def wind(self, wanted: int) -> None:
        """Read until there is a piece more of a pod."""
        for i, piece in self._pieces:
            self.waiting[i].append(piece)
            if i == wanted:
                return
        raise _changed(self._pods[wanted])


class _Queue:
    """Takes the samples of one pod from its reel."""

    def __init__(self, reel: _Reel, index: int) -> None:
        self._reel = reel
        self._index = index

    def take(self, n: int) -> Piece:
        """Give the next n samples."""
        waiting = self._reel.waiting[self._index]
        while sum(time_s.size for time_s, _ in waiting) < n:
            self._reel.wind(self._index)
        time_s = np.concatenate([each for each, _ in waiting])
        counts = np.concatenate([each for _, each in waiting], axis=1)
        waiting[:] = [(time_s[n:], counts[:, n:])] if time_s.size > n else []
        return time_s[:n], np.ascontiguousarray(counts[:, :n])
