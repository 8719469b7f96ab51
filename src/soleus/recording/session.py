"""The session folder: ``session.json``, ``imu.parquet`` and the small tables beside them."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, BinaryIO, Final

import numpy as np
import pyarrow as pa

from soleus.model import (
    Belt,
    CountArray,
    FloatArray,
    Foot,
    HeartRate,
    PodInfo,
    PodSamples,
    PodTrack,
    Recording,
)
from soleus.recording.events_file import EVENTS_FILE, write_events
from soleus.recording.files import RecordingError, make_folder, write_atomically
from soleus.recording.happened import happened_in
from soleus.recording.imu_file import ImuFile, Scale, write_imu
from soleus.recording.limits import DEFAULT_LIMITS, Limits
from soleus.recording.session_file import (
    SESSION_FILE,
    SessionRecord,
    read_session_record,
    session_record,
    write_session_record,
)
from soleus.recording.side_tables import (
    BELT_FILE,
    HEART_RATE_FILE,
    read_belt,
    read_heart_rate,
    write_belt,
    write_heart_rate,
)

IMU_FILE: Final = "imu.parquet"


def write_session(
    recording: Recording,
    folder: str | Path,
    *,
    configuration: Mapping[str, Any] | None = None,
    quality: Mapping[str, int | float] | None = None,
    events: pa.Table | None = None,
) -> Path:
    """Write a recording as a session folder.

    Each file is written to a temporary one, flushed to the disk, read back and compared, then renamed into place;
    ``session.json`` comes last and makes the folder a session. What is read back is the same bit for bit.

    Parameters
    ----------
    recording
        The recording.
    folder
        Made if need be; the same files of an earlier session are replaced, others are left alone.
    configuration, quality
        As in :class:`SessionRecord`.
    events
        What else happened, as in ``events.parquet``.

    Returns
    -------
    Path
        The folder.

    Raises
    ------
    RecordingError
        If the disk is full, the folder cannot be written, or a file could not be read back.

    Examples
    --------
    >>> import tempfile
    >>> pod = PodInfo(Foot.LEFT, accel_lsb_mps2=0.0048, gyro_lsb_rads=0.00107)
    >>> samples = PodSamples(Foot.LEFT, np.arange(400) / 200, np.ones((6, 400), np.int16))
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     _ = write_session(Recording((PodTrack(pod, samples),)), folder)
    ...     read_session(folder).duration_s
    1.995
    """
    folder = Path(folder)
    record = session_record(
        [track.info for track in recording.pods],
        {track.info.foot: len(track.samples) for track in recording.pods},
        runner=recording.runner,
        start_utc=recording.start_utc,
        source=recording.source,
        notes=recording.notes,
        extra=recording.extra,
        configuration=configuration,
        quality=quality,
    )
    return write_parts(
        folder,
        record,
        lambda file: write_imu(file, recording.pods),
        lambda path: _verify_imu(path, recording),
        belt=recording.belt,
        heart_rate=recording.heart_rate,
        events=events,
    )


def write_parts(
    folder: Path,
    record: SessionRecord,
    write: Callable[[BinaryIO], None],
    verify: Callable[[Path], None],
    *,
    belt: Belt | None,
    heart_rate: HeartRate | None,
    events: pa.Table | None,
) -> Path:
    """Write the files of a session folder, ``session.json`` last; see :func:`write_session`.

    Parameters
    ----------
    folder
        Made if need be.
    record
        What ``session.json`` tells.
    write, verify
        Write ``imu.parquet``; read it back and compare.
    belt, heart_rate, events
        The small tables.

    Raises
    ------
    RecordingError
        If a file cannot be written or could not be read back, or there is no pod.
    """
    if not record.pods:
        raise RecordingError(f"{folder}: cannot be written: the recording has no pod")
    make_folder(folder)
    write_atomically(folder / IMU_FILE, write, verify)
    if belt is not None:
        write_belt(belt, folder)
    else:
        _remove(folder / BELT_FILE)
    if heart_rate is not None:
        write_heart_rate(heart_rate, folder)
    else:
        _remove(folder / HEART_RATE_FILE)
    if events is not None and events.num_rows:
        write_events(events, folder)
    else:
        _remove(folder / EVENTS_FILE)
    write_session_record(record, folder)
    return folder


def read_session(folder: str | Path, limits: Limits = DEFAULT_LIMITS) -> Recording:
    """Read a session folder as a whole.

    Parameters
    ----------
    folder
        A folder with ``session.json`` and ``imu.parquet``.
    limits
        Bounds on bytes and rows.

    Raises
    ------
    RecordingError
        If a file is missing, damaged, of another version, or the files contradict each other.
    """
    folder = Path(folder)
    record = read_session_record(folder, limits)
    with ImuFile(folder / IMU_FILE, limits) as imu:
        pods = pod_infos(record, imu.scales, folder)
        runs = _read_runs(imu)
    tracks = tuple(PodTrack(pod, runs[pod.foot]) for pod in pods)
    check_counts(record, {foot: len(samples) for foot, samples in runs.items()}, folder)
    return Recording(
        pods=tracks,
        runner=record.runner,
        belt=read_belt(folder, limits),
        heart_rate=read_heart_rate(folder, limits),
        start_utc=record.start_utc,
        source=record.source or str(folder),
        notes=record.notes,
        extra=record.extra,
        happened=happened_in(folder, limits),
    )


def pod_infos(record: SessionRecord, scales: Mapping[Foot, Scale], folder: Path) -> tuple[PodInfo, ...]:
    """Join what ``session.json`` and ``imu.parquet`` say of the pods.

    Raises
    ------
    RecordingError
        If they do not name the same feet.
    """
    named = {Foot.parse(pod.foot) for pod in record.pods}
    if named != set(scales):
        words = [" and ".join(sorted(foot.label for foot in feet)) or "none" for feet in (named, set(scales))]
        raise RecordingError(
            f"{folder}: {SESSION_FILE} names the pods {words[0]}, {IMU_FILE} has {words[1]}; "
            "the files are of two sessions"
        )
    return tuple(
        PodInfo(
            foot=(foot := Foot.parse(pod.foot)),
            accel_lsb_mps2=scales[foot].accel_lsb_mps2,
            gyro_lsb_rads=scales[foot].gyro_lsb_rads,
            accel_range_mps2=pod.accel_range_mps2,
            gyro_range_rads=pod.gyro_range_rads,
            rate_hz=pod.rate_hz,
            pod_id=pod.pod_id,
            maker=pod.maker,
            firmware=pod.firmware,
        )
        for pod in record.pods
    )


def check_counts(record: SessionRecord, found: Mapping[Foot, int], folder: Path) -> None:
    """Compare the numbers of samples in both files.

    Raises
    ------
    RecordingError
        If they differ.
    """
    for pod in record.pods:
        n = found.get(Foot.parse(pod.foot), 0)
        if n != pod.samples:
            raise RecordingError(
                f"{folder}: {SESSION_FILE} tells of {pod.samples} samples of the {pod.foot} foot, {IMU_FILE} has {n}; "
                "the files are of two sessions or one was cut short"
            )


def _read_runs(imu: ImuFile) -> dict[Foot, PodSamples]:
    """Read all samples; straight into their place where the numbers of rows are known beforehand."""
    if imu.rows is None:
        parts: dict[Foot, list[PodSamples]] = {foot: [] for foot in imu.scales}
        for group in imu.groups:
            for samples in imu.read(group):
                parts[samples.foot].append(samples)
        return {foot: _join(foot, runs) for foot, runs in parts.items()}
    times: dict[Foot, FloatArray] = {foot: np.empty(n) for foot, n in imu.rows.items()}
    counts: dict[Foot, CountArray] = {foot: np.empty((6, n), np.int16) for foot, n in imu.rows.items()}
    filled = dict.fromkeys(imu.rows, 0)
    for group in imu.groups:
        for samples in imu.read(group):
            start = filled[samples.foot]
            end = filled[samples.foot] = start + len(samples)
            times[samples.foot][start:end] = samples.time_s
            counts[samples.foot][:, start:end] = samples.counts
    return {foot: PodSamples(foot, times[foot], counts[foot]) for foot in times}


def _join(foot: Foot, runs: Sequence[PodSamples]) -> PodSamples:
    if not runs:
        return PodSamples(foot, np.empty(0), np.empty((6, 0), np.int16))
    return PodSamples(foot, np.concatenate([r.time_s for r in runs]), np.concatenate([r.counts for r in runs], axis=1))


def _verify_imu(path: Path, recording: Recording) -> None:
    wanted = {track.info.foot: track.samples for track in recording.pods}
    done = dict.fromkeys(wanted, 0)
    with ImuFile(path, Limits(rows=2**62, file_bytes=2**62)) as imu:
        for group in imu.groups:
            for got in imu.read(group):
                start = done[got.foot]
                done[got.foot] = start + len(got)
                part = wanted[got.foot][start : start + len(got)]
                if got.time_s.tobytes() != part.time_s.tobytes() or not np.array_equal(got.counts, part.counts):
                    raise RecordingError(f"{path}: what was written could not be read back; try another disk")
    if any(done[foot] != len(samples) for foot, samples in wanted.items()):
        raise RecordingError(f"{path}: not all samples were written; try another disk")


def _remove(path: Path) -> None:
    # A table of an earlier session in this folder must not be taken for one of this.
    with contextlib.suppress(FileNotFoundError):
        path.unlink()
