"""The one door to recordings: whatever the path is, a recording comes out."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from soleus.model import Belt, Foot, PodSamples, Recording, Runner
from soleus.recording.csv_table import open_csv_table
from soleus.recording.events_file import EVENTS_FILE
from soleus.recording.files import RecordingError, check_file, os_error, present
from soleus.recording.imported import Imported, assemble, foot_in_name, survey_table
from soleus.recording.imported_samples import chunks, whole
from soleus.recording.limits import DEFAULT_LIMITS, Limits
from soleus.recording.movesense_json import read_movesense_json
from soleus.recording.parquet_table import open_parquet
from soleus.recording.profile import Profile, built_in_profiles, find_profile
from soleus.recording.raw_table import RawTable
from soleus.recording.reader import RecordingReader, open_session
from soleus.recording.recover import is_unfinished, open_unfinished, read_unfinished
from soleus.recording.session import IMU_FILE, read_session
from soleus.recording.session_file import SESSION_FILE
from soleus.recording.side_tables import BELT_FILE, HEART_RATE_FILE, STEPS_FILE

PathLike = str | os.PathLike[str]
Source = PathLike | Sequence[PathLike]

_FORMATS: Final = {
    ".csv": "csv",
    ".tsv": "csv",
    ".txt": "csv",
    ".parquet": "parquet",
    ".pq": "parquet",
    ".json": "movesense-json",
}
NOT_RECORDINGS: Final = (
    BELT_FILE,
    HEART_RATE_FILE,
    STEPS_FILE,
    EVENTS_FILE,
    "warnings.parquet",
    ".truth.parquet",
    ".steps.parquet",
)
"""Ends of the names of tables that are no recordings, though they lie beside some."""
MAX_FILES: Final = 2
"""A recording is one file or one of each foot."""


def read(
    path: Source,
    *,
    profile: str | Path | Profile | None = None,
    foot: Foot | str | None = None,
    runner: Runner | None = None,
    belt: Belt | None = None,
    limits: Limits = DEFAULT_LIMITS,
) -> Recording:
    """Read a recording, whatever its kind.

    Parameters
    ----------
    path
        A session folder, finished or a journal still; a CSV, TSV, Parquet or Movesense JSON file; a folder with one
        file of each foot; or two such paths, left first unless their names say otherwise.
    profile
        How to read the columns: the name of a ready profile, a profile's ``.toml`` file, or a
        :class:`~soleus.recording.Profile`. Without it, it is guessed from the header, and the recording's notes say so.
    foot
        The foot, for a file of one foot; for a file of both, the one to take.
    runner, belt
        Take these instead of what the recording says.
    limits
        Bounds on bytes and rows, checked before memory is taken.

    Returns
    -------
    Recording
        Samples in the order in which they were recorded; ``notes`` tell what was decided, dropped and mended.

    Raises
    ------
    RecordingError
        If it cannot be read, or units, time or columns cannot be right; one sentence names the file, the field or
        row, and the mend.

    Examples
    --------
    >>> import tempfile, numpy as np
    >>> t = np.arange(400) / 200
    >>> rows = np.column_stack([t, 9.8 + 0 * t, 0 * t, 0 * t, np.sin(t), np.cos(t), 0 * t])
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     file = Path(folder) / "run-left.csv"
    ...     np.savetxt(file, rows, delimiter=",", header="t,ax,ay,az,gx,gy,gz", comments="")
    ...     recording = read(file)
    >>> recording.pods[0].info.foot.label, len(recording.pods[0].samples)
    ('left', 400)
    """
    one = _foot(foot)
    recording = _read(path, find_profile(profile) if profile is not None else None, one, limits)
    if runner is not None:
        recording = dataclasses.replace(recording, runner=runner)
    return dataclasses.replace(recording, belt=belt) if belt is not None else recording


def _foot(foot: Foot | str | None) -> Foot | None:
    try:
        return Foot.parse(foot) if isinstance(foot, str) else foot
    except ValueError as error:
        raise RecordingError(f"foot: {error}") from error


def _read(path: Source, profile: Profile | None, foot: Foot | None, limits: Limits) -> Recording:
    if isinstance(path, str | os.PathLike) and _is_folder(place := Path(path)):
        if is_unfinished(place):
            return _with_one_foot(read_unfinished(place, limits), foot)
        if present(place / SESSION_FILE):
            return _with_one_foot(read_session(place, limits), foot)
    # All samples will be in memory anyway: none is read twice.
    return whole(_import(path, profile, foot, dataclasses.replace(limits, held_rows=limits.rows)))


def _import(path: Source, profile: Profile | None, foot: Foot | None, limits: Limits) -> Imported:
    if not isinstance(path, str | os.PathLike):
        return _import_files([Path(p) for p in path], profile, foot, limits, named=", ".join(str(p) for p in path))
    place = Path(path)
    files = _files_of(place) if _is_folder(place) else [place]
    return _import_files(files, profile, foot, limits, named=str(place))


def _is_folder(place: Path) -> bool:
    try:
        return place.stat() is not None and place.is_dir()
    except OSError as error:
        raise os_error("read", place, error) from error
    except ValueError as error:
        raise RecordingError(f"{place!r}: not a file name: {error}") from error


def _is_session(place: Path) -> bool:
    return _is_folder(place) and not is_unfinished(place) and present(place / SESSION_FILE)


def _with_one_foot(recording: Recording, foot: Foot | None) -> Recording:
    if foot is None:
        return recording
    kept = tuple(track for track in recording.pods if track.info.foot == foot)
    if not kept:
        raise RecordingError(f"{recording.source}: no pod of the {foot.label} foot; leave the foot out")
    return dataclasses.replace(recording, pods=kept)


def _files_of(folder: Path) -> list[Path]:
    try:
        names = sorted(folder.iterdir())
    except OSError as error:
        raise os_error("read", folder, error) from error
    if folder / IMU_FILE in names:
        raise RecordingError(f"{folder}: {SESSION_FILE} is missing beside {IMU_FILE}; the session was not finished")
    files = [
        p
        for p in names
        if p.suffix.lower() in _FORMATS and not p.name.endswith(NOT_RECORDINGS) and not p.name.startswith(".")
    ]
    if not files:
        raise RecordingError(
            f"{folder}: neither {SESSION_FILE} nor a CSV, Parquet or JSON file in it; check the folder"
        )
    if len(files) > MAX_FILES:
        raise RecordingError(
            f"{folder}: {len(files)} recordings in it; give one, or a folder with one file of each foot"
        )
    return files


def _import_files(
    files: Sequence[Path], profile: Profile | None, foot: Foot | None, limits: Limits, *, named: str
) -> Imported:
    if not 0 < len(files) <= MAX_FILES:
        raise RecordingError(f"{len(files)} paths given; give one recording, or one file of each foot")
    feet: list[Foot | None] = [foot]
    if len(files) == MAX_FILES:
        feet = _feet_of(files)
    sources = [survey_table(_open_table(file, profile, limits)) for file in files]
    imported = assemble(sources, feet, named)
    if foot is None:
        return imported
    kept = tuple(pod for pod in imported.pods if pod.info.foot == foot)
    if not kept:
        raise RecordingError(f"{named}: no pod of the {foot.label} foot; leave the foot out")
    return dataclasses.replace(imported, pods=kept)


def _feet_of(files: Sequence[Path]) -> list[Foot | None]:
    named = [foot_in_name(file.stem) for file in files]
    known = [foot for foot in named if foot is not None]
    if not known:
        # Perhaps the pods' own names say it; the importer looks there.
        return [None, None]
    if len(known) == 1:
        return [foot if foot is not None else known[0].other for foot in named]
    return list(named)


def _open_table(path: Path, profile: Profile | None, limits: Limits) -> RawTable:
    kind = _FORMATS.get(path.suffix.lower())
    check_file(path, limits.file_bytes)
    if profile is not None:
        kind = profile.format
    if kind is None:
        endings = ", ".join(_FORMATS)
        raise RecordingError(f"{path}: '{path.suffix}' is no ending of a recording ({endings}); rename or convert it")
    candidates = [profile] if profile is not None else [p for p in built_in_profiles().values() if p.format == kind]
    if kind == "csv":
        return open_csv_table(path, candidates, limits)
    if kind == "parquet":
        return open_parquet(path, candidates, limits)
    return read_movesense_json(path, candidates[0], limits)


def open_recording(
    path: Source,
    *,
    profile: str | Path | Profile | None = None,
    foot: Foot | str | None = None,
    runner: Runner | None = None,
    belt: Belt | None = None,
    limits: Limits = DEFAULT_LIMITS,
) -> RecordingReader:
    """Open a recording to read it piece by piece.

    A session folder, finished or a journal still, is streamed in flat memory. The units and clocks of other files can
    only be judged as a whole: they are read once for that, and a second time for their samples. Short ones are kept in
    memory in between (:attr:`Limits.held_rows`), a Movesense JSON file always.

    Parameters
    ----------
    path, profile, foot, runner, belt, limits
        As in :func:`read`.

    Raises
    ------
    RecordingError
        As :func:`read`.

    Examples
    --------
    >>> import tempfile, numpy as np
    >>> from soleus.model import PodInfo, PodSamples, PodTrack
    >>> from soleus.recording import write_session
    >>> pod = PodInfo(Foot.LEFT, accel_lsb_mps2=0.0048, gyro_lsb_rads=0.00107)
    >>> samples = PodSamples(Foot.LEFT, np.arange(40_000) / 200, np.ones((6, 40_000), np.int16))
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     _ = write_session(Recording((PodTrack(pod, samples),)), folder)
    ...     with open_recording(folder) as reader:
    ...         [len(left) for left, in reader.chunks()]
    [12000, 12000, 12000, 4000]
    """
    one = _foot(foot)
    if isinstance(path, str | os.PathLike) and _is_session(Path(path)):
        return open_session(Path(path), one, runner, belt, limits)
    if isinstance(path, str | os.PathLike) and _is_folder(Path(path)) and is_unfinished(Path(path)):
        return _reader_with(open_unfinished(Path(path), limits), one, runner, belt)
    imported = _import(path, find_profile(profile) if profile is not None else None, one, limits)
    return RecordingReader(
        pods=tuple(pod.info for pod in imported.pods),
        runner=imported.runner if runner is None else runner,
        belt=imported.belt if belt is None else belt,
        start_utc=imported.start_utc,
        source=imported.source,
        notes=imported.notes,
        extra=imported.extra,
        samples={pod.info.foot: pod.found.n for pod in imported.pods},
        _chunks=lambda: chunks(imported),
    )


def _reader_with(
    reader: RecordingReader, foot: Foot | None, runner: Runner | None, belt: Belt | None
) -> RecordingReader:
    """Keep one foot if asked, and take what the caller knows better."""
    kept = tuple(pod for pod in reader.pods if foot in {None, pod.foot})
    if not kept and reader.pods:
        label = foot.label if foot is not None else ""
        raise RecordingError(f"{reader.source}: no pod of the {label} foot; leave the foot out")
    feet = {pod.foot for pod in kept}

    def chunks() -> Iterator[Sequence[PodSamples]]:
        return ([piece for piece in chunk if piece.foot in feet] for chunk in reader.chunks())

    return dataclasses.replace(
        reader,
        pods=kept,
        samples={each: count for each, count in reader.samples.items() if each in feet},
        runner=reader.runner if runner is None else runner,
        belt=reader.belt if belt is None else belt,
        _chunks=chunks,
    )
