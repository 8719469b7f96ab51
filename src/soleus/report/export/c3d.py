"""Samples of both pods and gait events as C3D, for motion laboratories (optional library ``ezc3d``).

Groups and parameters follow the C3D user guide (https://www.c3d.org/HTML/default.htm), sections 'The ANALOG group' and
'The EVENT group'. A dimension of a parameter is one byte there, so that a file takes 255 events; a longer session
becomes several files.
"""

from __future__ import annotations

import importlib
import itertools
import math
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from soleus.model import FloatArray, Foot, PodInfo, PodSamples, Steps
from soleus.recording import RecordingReader, open_recording
from soleus.recording.files import present
from soleus.recording.session import IMU_FILE
from soleus.report.export.errors import ExportError
from soleus.report.export.session_tables import SessionTables, read_tables
from soleus.report.export.written import write_whole

C3D_FILE: Final = "export.c3d"
MAX_EVENTS: Final = 255
"""Events of one file: a parameter's dimension is one byte."""
MAX_FRAMES: Final = 65_535
"""Frames of one file: POINT:FRAMES and the header hold 16 bits."""
PIECE_S: Final = 30.0
"""Length of the files of a longer session [s]: at 250 steps a minute their events still fit."""
BRIDGED_STEPS: Final = 1.5
"""Samples further apart than this many sampling intervals have a hole between them; in it the channel is NaN."""
MAX_PIECES: Final = 20_000
"""Files of one session: seven days of half-minutes."""
LABELS: Final = ("Foot Strike", "Foot Off")
ICON_IDS: Final = (1, 2)
"""Of foot strike and foot off, as Vicon's own files have them."""
CONTEXTS: Final = {Foot.LEFT: "Left", Foot.RIGHT: "Right"}
COLOURS: Final = ((255.0, 0.0, 0.0), (0.0, 255.0, 0.0))
"""Red for left, green for right, as is the custom in gait laboratories."""
AXES: Final = ("X", "Y", "Z")
MINUTE_S: Final = 60.0
ROUNDING: Final = 1e-6
"""Part of a frame that comes from rounding alone."""


@dataclass(frozen=True, slots=True)
class _Events:
    """Gait events in order of time: times [s], label and icon by kind, context by foot; each of shape ``(n,)``."""

    time_s: FloatArray
    kind: np.ndarray[Any, np.dtype[np.int8]]
    foot: np.ndarray[Any, np.dtype[np.int8]]

    def between(self, first_s: float, last_s: float) -> _Events:
        inside = (self.time_s >= first_s) & (self.time_s < last_s)
        return _Events(self.time_s[inside], self.kind[inside], self.foot[inside])


def write_c3d(
    session: str | Path | SessionTables,
    out: str | Path | None = None,
    *,
    from_s: float | None = None,
    duration_s: float | None = None,
) -> tuple[Path, ...]:
    """Write samples and gait events as C3D.

    Parameters
    ----------
    session
        An analysed session folder with its samples, or its tables.
    out
        The file; ``export.c3d`` in the folder unless given. What does not fit into one file goes into several of
        half a minute, with the session second at which each begins in its name: ``export-00030.c3d``.
    from_s, duration_s
        The part of the session wanted [s]; all of it unless given.

    Returns
    -------
    tuple of Path
        The files written.

    Raises
    ------
    ExportError
        If ``ezc3d`` is missing, the folder has no steps or no samples, or nothing lies in the part asked for.
    soleus.recording.RecordingError
        If a file cannot be read or written.
    """
    ezc3d = _library()
    tables = session if isinstance(session, SessionTables) else read_tables(session)
    if not present(tables.folder / IMU_FILE):
        raise ExportError(f"{tables.folder}: has no {IMU_FILE}, and C3D is made of samples; give the recorded session")
    path = tables.folder / C3D_FILE if out is None else Path(out)
    first_s, last_s = _part(tables, from_s, duration_s)
    events = _events(tables.steps)
    with open_recording(tables.folder) as reader:
        rate_hz = _rate_hz(reader, tables)
        n_events = events.between(first_s, math.inf if last_s == tables.span_s[1] else last_s).time_s.size
        fits = n_events <= MAX_EVENTS and (last_s - first_s) * rate_hz < MAX_FRAMES
        piece_s = min(PIECE_S, math.floor(MAX_FRAMES / rate_hz))
        edges = [first_s, last_s] if fits else [*np.arange(first_s, last_s, piece_s).tolist(), last_s]
        if len(edges) > MAX_PIECES:
            raise ExportError(f"{tables.folder}: would be {len(edges)} files; choose a part with --from and --for")
        written = []
        for begins, ends, samples in _pieces(reader, edges):
            file = path if fits else path.with_name(f"{path.stem}-{math.floor(begins):05d}{path.suffix}")
            inside = events.between(begins, math.inf if ends == tables.span_s[1] else ends)
            made = _document(ezc3d, tables, reader.pods, samples, inside, (begins, ends), rate_hz)
            _save(made, file)
            written.append(file)
    return tuple(written)


def _library() -> Any:  # noqa: ANN401 - an optional module without types
    try:
        return importlib.import_module("ezc3d")
    except ImportError as error:
        raise ExportError("C3D needs the library ezc3d: pip install 'soleus[c3d]'") from error


def _part(tables: SessionTables, from_s: float | None, duration_s: float | None) -> tuple[float, float]:
    first_s, last_s = tables.span_s
    begins = first_s if from_s is None else max(first_s, from_s)
    ends = last_s if duration_s is None else min(last_s, begins + duration_s)
    if not begins < ends:
        raise ExportError(
            f"{tables.folder}: runs from {first_s:.0f} to {last_s:.0f} s, and nothing of it lies in the part asked for"
        )
    return begins, ends


def _rate_hz(reader: RecordingReader, tables: SessionTables) -> float:
    """Take the fastest pod's rate, nominal or, where it tells none, as counted."""
    first_s, last_s = tables.span_s
    counted = [reader.samples.get(pod.foot, 0) / (last_s - first_s) for pod in reader.pods]
    rates = [pod.rate_hz or float(round(count)) for pod, count in zip(reader.pods, counted, strict=True)]
    return max(1.0, *rates)


def _events(steps: Steps) -> _Events:
    time_s = np.concatenate([steps["initial_contact_s"], steps["toe_off_s"]])
    kind = np.repeat(np.array([0, 1], np.int8), len(steps))
    foot = np.concatenate([steps["foot"], steps["foot"]])
    kept = np.isfinite(time_s) & (foot >= 0)
    order = np.argsort(time_s[kept], kind="stable")
    return _Events(time_s[kept][order], kind[kept][order], foot[kept][order])


def _pieces(reader: RecordingReader, edges: Sequence[float]) -> Iterator[tuple[float, float, dict[Foot, PodSamples]]]:
    """Give the samples between each two edges, with their neighbours on both sides; memory holds a few minutes."""
    chunks = reader.chunks()
    held: dict[Foot, PodSamples] = {}
    more = True
    for begins, ends in itertools.pairwise(edges):
        while more and any(_newest(held.get(pod.foot)) <= ends for pod in reader.pods):
            chunk = next(chunks, None)
            more = chunk is not None
            for samples in chunk or ():
                held[samples.foot] = _joined(held.get(samples.foot), _rising(samples))
        held = {foot: _from(samples, begins) for foot, samples in held.items()}
        yield begins, ends, held


def _newest(samples: PodSamples | None) -> float:
    return -math.inf if samples is None or not len(samples) else float(samples.time_s[-1])


def _rising(samples: PodSamples) -> PodSamples:
    """Leave out samples whose stamp is missing or not later than all before it."""
    time_s = np.where(np.isfinite(samples.time_s), samples.time_s, -np.inf)
    latest = np.maximum.accumulate(np.concatenate([[-np.inf], time_s[:-1]])) if time_s.size else time_s
    kept = time_s > latest
    return PodSamples(samples.foot, samples.time_s[kept], samples.counts[:, kept])


def _joined(before: PodSamples | None, after: PodSamples) -> PodSamples:
    if before is None or not len(before):
        return after
    after = after[int(np.searchsorted(after.time_s, before.time_s[-1], side="right")) :]
    return PodSamples(
        after.foot,
        np.concatenate([before.time_s, after.time_s]),
        np.concatenate([before.counts, after.counts], axis=1),
    )


def _from(samples: PodSamples, begins: float) -> PodSamples:
    return samples[max(0, int(np.searchsorted(samples.time_s, begins, side="right")) - 1) :]


def _document(
    ezc3d: Any,  # noqa: ANN401 - an optional module without types
    tables: SessionTables,
    pods: Sequence[PodInfo],
    samples: dict[Foot, PodSamples],
    events: _Events,
    span_s: tuple[float, float],
    rate_hz: float,
) -> Any:  # noqa: ANN401 - the library's document
    begins, ends = span_s
    n = max(1, math.ceil((ends - begins) * rate_hz - ROUNDING) + (ends == tables.span_s[1]))
    grid_s = begins + np.arange(n) / rate_hz
    names, units, rows = [], [], []
    for pod in pods:
        side = CONTEXTS[pod.foot][0]
        names += [f"{side}_{kind}_{axis}" for kind in ("ACC", "GYR") for axis in AXES] + [f"{side}_VALID"]
        units += ["m/s2"] * 3 + ["rad/s"] * 3 + ["1"]
        rows += _channels(pod, samples.get(pod.foot), grid_s, rate_hz)
    made = ezc3d.c3d()
    parameters = made["parameters"]
    parameters["POINT"]["RATE"]["value"] = [rate_hz]
    parameters["ANALOG"]["RATE"]["value"] = [rate_hz]
    parameters["ANALOG"]["LABELS"]["value"] = names
    parameters["ANALOG"]["UNITS"]["value"] = units
    made["data"]["points"] = np.zeros((4, 0, n))
    made["data"]["analogs"] = np.array(rows)[None, :, :]
    _add_events(made, events, begins)
    start = tables.start_utc
    made.add_parameter("MANUFACTURER", "SOFTWARE", ["Soleus"])
    made.add_parameter("MANUFACTURER", "VERSION_LABEL", [tables.record.soleus_version or "unknown"])
    made.add_parameter("SOLEUS", "SESSION", [tables.name])
    made.add_parameter("SOLEUS", "FIRST_FRAME_S", [float(begins)])
    made.add_parameter("SOLEUS", "START_UTC", ["unknown" if start is None else start.isoformat()])
    return made


def _channels(pod: PodInfo, samples: PodSamples | None, grid_s: FloatArray, rate_hz: float) -> list[FloatArray]:
    """Bring one pod to the common times: six channels and one that is 1 where they rest on samples, else 0."""
    if samples is None or not len(samples):
        return [np.full(grid_s.size, np.nan)] * 6 + [np.zeros(grid_s.size)]
    time_s = samples.time_s
    after = np.clip(np.searchsorted(time_s, grid_s, side="right"), 1, max(1, time_s.size - 1))
    before = after - 1
    after = np.minimum(after, time_s.size - 1)
    interval_s = BRIDGED_STEPS / (pod.rate_hz or rate_hz)
    edge_s = interval_s / 2
    inside = (grid_s >= time_s[0] - edge_s) & (grid_s <= time_s[-1] + edge_s)
    near = np.minimum(np.abs(grid_s - time_s[before]), np.abs(grid_s - time_s[after])) <= edge_s
    valid = inside & ((time_s[after] - time_s[before] <= interval_s) | near)
    values = np.concatenate([samples.accel_mps2(pod), samples.gyro_rads(pod)])
    rows = [np.where(valid, np.interp(grid_s, time_s, row), np.nan) for row in values]
    return [*rows, valid.astype(np.float64)]


def _add_events(made: Any, events: _Events, begins: float) -> None:  # noqa: ANN401 - the library's document
    n = events.time_s.size
    made.add_parameter("EVENT", "USED", n)
    if n:
        minutes, rest = np.divmod(np.maximum(events.time_s - begins, 0.0), MINUTE_S)
        kinds, feet = events.kind.tolist(), [Foot(foot) for foot in events.foot.tolist()]
        made.add_parameter("EVENT", "TIMES", np.vstack([minutes, rest]))
        made.add_parameter("EVENT", "CONTEXTS", [CONTEXTS[foot] for foot in feet])
        made.add_parameter("EVENT", "LABELS", [LABELS[kind] for kind in kinds])
        made.add_parameter("EVENT", "DESCRIPTIONS", ["vertical force through 50 N"] * n)
        made.add_parameter("EVENT", "SUBJECTS", [""] * n)
        made.add_parameter("EVENT", "ICON_IDS", [ICON_IDS[kind] for kind in kinds])
        made.add_parameter("EVENT", "GENERIC_FLAGS", [0] * n)
    made.add_parameter("EVENT_CONTEXT", "USED", len(CONTEXTS))
    made.add_parameter("EVENT_CONTEXT", "LABELS", list(CONTEXTS.values()))
    made.add_parameter("EVENT_CONTEXT", "DESCRIPTIONS", ["left foot", "right foot"])
    made.add_parameter("EVENT_CONTEXT", "ICON_IDS", [0] * len(CONTEXTS))
    made.add_parameter("EVENT_CONTEXT", "COLOURS", np.array(COLOURS).T)


def _save(made: Any, path: Path) -> None:  # noqa: ANN401 - the library's document
    """Write the document whole or not at all; the library itself can only write to a name."""
    with tempfile.TemporaryDirectory() as folder:
        draft = Path(folder) / "draft.c3d"
        try:
            made.write(str(draft))
        except (RuntimeError, ValueError) as error:
            raise ExportError(f"{path}: the library ezc3d cannot write it ({error})") from error
        data = draft.read_bytes()
    write_whole(data, path)
