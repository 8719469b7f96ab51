"""Recordings read piece by piece, in flat memory."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from soleus.model import Belt, Foot, Happening, HeartRate, PodInfo, PodSamples, Recording, Runner
from soleus.recording.files import RecordingError
from soleus.recording.happened import happened_in
from soleus.recording.imu_file import ImuFile, iterate_chunks
from soleus.recording.limits import Limits
from soleus.recording.session import IMU_FILE, check_counts, pod_infos
from soleus.recording.session_file import read_session_record
from soleus.recording.side_tables import read_belt, read_heart_rate


@dataclass(frozen=True)
class RecordingReader:
    """A recording to be read piece by piece.

    Attributes
    ----------
    pods
        The pods.
    runner, belt, heart_rate, start_utc, source, notes, extra, happened
        As in :class:`soleus.model.Recording`.
    samples
        Number of samples of each pod; empty if only reading tells.
    """

    pods: tuple[PodInfo, ...]
    runner: Runner
    belt: Belt | None = None
    heart_rate: HeartRate | None = None
    start_utc: datetime | None = None
    source: str = ""
    notes: tuple[str, ...] = ()
    extra: dict[str, Any] = field(default_factory=dict)
    happened: tuple[Happening, ...] = ()
    samples: dict[Foot, int] = field(default_factory=dict)
    _chunks: Callable[[], Iterator[Sequence[PodSamples]]] = field(default=lambda: iter(()), repr=False)
    _close: Callable[[], None] = field(default=lambda: None, repr=False)

    def chunks(self) -> Iterator[Sequence[PodSamples]]:
        """Read from start to end, about a minute of all pods at a time; may be called again.

        Raises
        ------
        RecordingError
            If a part of the file is damaged.
        """
        return self._chunks()

    def close(self) -> None:
        """Close the file."""
        self._close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def from_recording(recording: Recording) -> RecordingReader:
    """Make a reader of a recording in memory."""
    return RecordingReader(
        pods=tuple(track.info for track in recording.pods),
        runner=recording.runner,
        belt=recording.belt,
        heart_rate=recording.heart_rate,
        start_utc=recording.start_utc,
        source=recording.source,
        notes=recording.notes,
        extra=recording.extra,
        happened=recording.happened,
        samples={track.info.foot: len(track.samples) for track in recording.pods},
        _chunks=recording.chunks,
    )


def open_session(
    folder: Path, foot: Foot | None, runner: Runner | None, belt: Belt | None, limits: Limits
) -> RecordingReader:
    """Open a session folder.

    Parameters
    ----------
    folder
        The folder.
    foot
        The one foot to read, or ``None`` for all.
    runner, belt
        Take these instead of what the session says.
    limits
        Bounds on bytes and rows.

    Raises
    ------
    RecordingError
        If a file is missing, damaged, of another version, or the files contradict each other.
    """
    record = read_session_record(folder, limits)
    imu = ImuFile(folder / IMU_FILE, limits)
    try:
        pods = pod_infos(record, imu.scales, folder)
        if imu.rows is not None:
            check_counts(record, imu.rows, folder)
        kept = _kept(pods, foot, folder)
        return RecordingReader(
            pods=kept,
            runner=runner if runner is not None else record.runner,
            belt=belt if belt is not None else read_belt(folder, limits),
            heart_rate=read_heart_rate(folder, limits),
            start_utc=record.start_utc,
            source=record.source or str(folder),
            notes=record.notes,
            extra=record.extra,
            happened=happened_in(folder, limits),
            samples={
                pod.foot: record_pod.samples for pod, record_pod in zip(pods, record.pods, strict=True) if pod in kept
            },
            _chunks=lambda: _session_chunks(imu, foot),
            _close=imu.close,
        )
    except BaseException:
        imu.close()
        raise


def _kept(pods: Sequence[PodInfo], foot: Foot | None, folder: Path) -> tuple[PodInfo, ...]:
    kept = tuple(pod for pod in pods if foot in (None, pod.foot))
    if foot is not None and not kept:
        raise RecordingError(f"{folder}: no pod of the {foot.label} foot; leave the foot out")
    return kept


def _session_chunks(imu: ImuFile, foot: Foot | None) -> Iterator[Sequence[PodSamples]]:
    for chunk in iterate_chunks(imu):
        kept = [samples for samples in chunk if foot in (None, samples.foot)]
        if kept:
            yield kept
