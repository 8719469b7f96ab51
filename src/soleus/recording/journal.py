"""The crash-safe journal: everything that is handed over during a run is on the disk a moment later.

Handing over copies, numbers and enqueues; it never waits for the disk and never raises for its sake. One thread writes
what has come five times a second, another has it brought to the disk once a second. What no folder takes stays in
memory, the newest of it, until one does. ``kill -9`` costs what came since the last write; a power cut the last second.
"""

from __future__ import annotations

import atexit
import contextlib
import math
import secrets
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal, Self

import msgspec
import numpy as np
import pyarrow as pa

from soleus.model import Belt, Foot, HeartRate, PodSamples
from soleus.recording.files import RecordingError, make_folder, os_error
from soleus.recording.journal_disk import SEGMENT_PATTERN, SEGMENT_S, SegmentStore, rescue_folders
from soleus.recording.journal_format import (
    BELT,
    END_OF_STREAM,
    FACTS,
    HEART_RATE,
    OWN_KINDS,
    JournalFacts,
    SegmentHeader,
    encode_rows,
    segment_start,
)
from soleus.recording.journal_queue import JournalQueue
from soleus.recording.session import IMU_FILE
from soleus.recording.session_file import SESSION_FILE

if TYPE_CHECKING:
    from soleus.recording.recovery_report import RecoveryReport

WRITE_S: Final = 0.2
"""Time between writes [s]: a fifth of the second that a crash may cost, and batches large enough to be cheap."""
SYNC_S: Final = 1.0
"""Time between synchronisations with the disk [s]: what a power cut may cost."""
RETRY_S: Final = 2.0
"""Time between attempts while no folder can be written [s]."""
STOP_S: Final = 60.0
"""How long stopping waits for a disk that hangs [s]."""
MEMORY_BYTES: Final = 64 * 2**20
"""What may wait in memory [bytes]: about 40 minutes of two pods at 400 Hz."""
PIECE_SAMPLES: Final = 2**15
"""Greatest piece [samples]; a longer one becomes several, so that no batch grows without bound."""
EVENT_BYTES: Final = 2**16
"""Greatest event [bytes of JSON]."""

State = Literal["recording", "elsewhere", "memory", "stopped"]


@dataclass(frozen=True, slots=True)
class JournalStatus:
    """How a journal fares.

    Attributes
    ----------
    state
        ``'recording'`` in its folder, ``'elsewhere'`` in another, in ``'memory'`` only, or ``'stopped'``.
    message
        What went wrong last and what was done, in one sentence; empty if nothing did.
    folder
        Where it is written now.
    samples
        Samples handed over, by foot.
    waiting_bytes
        What waits in memory [bytes].
    dropped_samples, dropped_readings
        Samples, and other things handed over, that found no place and are lost.
    """

    state: State
    message: str
    folder: Path
    samples: Mapping[Foot, int]
    waiting_bytes: int
    dropped_samples: Mapping[Foot, int]
    dropped_readings: int


class Journal:
    """Record a session as it happens.

    May be called from any thread. The order in which things are handed over is kept.

    Parameters
    ----------
    folder
        The session folder, made if need be; must not hold a session or journal yet.
    facts
        Runner, pods and their scales, configuration, start.
    on_status
        Called from the journal's own threads when something goes wrong or comes right.
    rescue
        Folders to go on in when the session's own fails; by default one in the system's folder for temporary files,
        where :func:`~soleus.recording.recover` looks, too.
    write_s, segment_s, memory_bytes
        Time between writes [s], length of a segment [s], bound of what waits in memory [bytes].

    Raises
    ------
    RecordingError
        If the facts cannot be written, or the folder cannot be used. Nothing is raised later but by :meth:`close`.

    Examples
    --------
    >>> import tempfile
    >>> from soleus.model import PodInfo
    >>> from soleus.recording import read
    >>> facts = JournalFacts(pods=(PodInfo(Foot.LEFT, accel_lsb_mps2=0.0048, gyro_lsb_rads=0.00107),))
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     journal = Journal(Path(folder) / "run", facts)
    ...     journal.samples(PodSamples(Foot.LEFT, np.arange(80) / 400, np.ones((6, 80), np.int16)))
    ...     journal.event("pain", 0.1, {"side": "left"})
    ...     session = journal.close()
    ...     read(session).duration_s
    0.1975
    """

    def __init__(
        self,
        folder: str | Path,
        facts: JournalFacts,
        *,
        on_status: Callable[[JournalStatus], None] | None = None,
        rescue: tuple[Path, ...] | None = None,
        write_s: float = WRITE_S,
        segment_s: float = SEGMENT_S,
        memory_bytes: int = MEMORY_BYTES,
    ) -> None:
        self.folder = Path(folder)
        self.session = secrets.token_hex(8)
        self.recovery: RecoveryReport | None = None
        self._facts = _checked(facts, self.folder)
        _check_unused(self.folder)
        self._on_status = on_status
        self._write_s = write_s
        self._memory_bytes = memory_bytes
        self._rescue = rescue_folders(self.session) if rescue is None else rescue
        self._wake = threading.Event()
        self._end_sync = threading.Event()
        self._queue = JournalQueue(memory_bytes, self._wake.set)
        self._message = ""
        self._in_memory = False
        self._stopping = False
        self._stopped = False
        self._retry_s = -math.inf
        self._store = SegmentStore((self.folder, *self._rescue), self._segment_start, self._tell, segment_s)
        self._writer = threading.Thread(target=self._write_on, name="journal-write", daemon=True)
        self._syncer = threading.Thread(target=self._sync_on, name="journal-sync", daemon=True)
        self._writer.start()
        self._syncer.start()
        atexit.register(self.stop)

    @property
    def status(self) -> JournalStatus:
        """How it fares now."""
        counts = self._queue.counts
        state: State = "elsewhere" if self._store.folder != self.folder else "recording"
        if self._stopped:
            state = "stopped"
        elif self._in_memory:
            state = "memory"
        return JournalStatus(
            state,
            self._message,
            self._store.folder,
            counts.samples,
            counts.waiting_bytes,
            counts.dropped_samples,
            counts.dropped_readings,
        )

    def samples(self, samples: PodSamples) -> None:
        """Take samples of one pod, as handed to the analysis; they are copied."""
        for start in range(0, len(samples), PIECE_SAMPLES):
            part = samples[start : start + PIECE_SAMPLES]
            time_s = np.array(part.time_s, np.float64)
            self._queue.put_samples(Foot(part.foot), time_s, np.array(part.counts, np.int16, order="C"))

    def belt(self, belt: Belt) -> None:
        """Take readings of the treadmill."""
        values = np.array([belt.speed_mps, belt.grade], np.float64)
        self._queue.put_readings(BELT, np.array(belt.time_s, np.float64), values)

    def heart_rate(self, heart_rate: HeartRate) -> None:
        """Take heart-rate readings."""
        values = np.array([heart_rate.rate_bpm], np.float64)
        self._queue.put_readings(HEART_RATE, np.array(heart_rate.time_s, np.float64), values)

    def event(self, kind: str, time_s: float, value: Any = None) -> None:  # noqa: ANN401
        """Take anything else that happened: a battery reading, a lost link, a lap, pain, a record of a pod's clock.

        Parameters
        ----------
        kind
            Any word but those the journal itself uses (samples, belt, heart_rate, header, facts, end).
        time_s
            Session time [s].
        value
            Whatever JSON can hold, up to 64 KiB. What it cannot hold, or a word in use, is dropped, counted and told.
        """
        try:
            text = msgspec.json.encode(value)
        except (TypeError, ValueError, OverflowError, RecursionError) as error:
            self._refuse(f"event '{kind}' at {time_s:.1f} s was not recorded: {error}; keep to what JSON can hold")
            return
        if kind in OWN_KINDS or len(text) > EVENT_BYTES:
            reason = "the journal uses this word itself" if kind in OWN_KINDS else f"{len(text)} bytes are too many"
            self._refuse(f"event '{kind}' at {time_s:.1f} s was not recorded: {reason}")
            return
        self._queue.put_text(kind, text.decode(), time_s)

    def facts(self, facts: JournalFacts) -> None:
        """Replace the facts, as when a second pod joins or the runner's measures come late.

        Raises
        ------
        RecordingError
            If they cannot be written, or change the value of a count of a pod that has recorded already.
        """
        checked = _checked(facts, self.folder)
        scales = {pod.foot: (pod.accel_lsb_mps2, pod.gyro_lsb_rads) for pod in checked.pods}
        recorded = self._queue.counts.samples
        for pod in self._facts.pods:
            if recorded[pod.foot] and scales.get(pod.foot) != (pod.accel_lsb_mps2, pod.gyro_lsb_rads):
                raise RecordingError(
                    f"{self.folder}: the {pod.foot.label} pod has recorded already, its scale cannot change; "
                    "begin another session"
                )
        self._facts = checked
        self._queue.put_text(FACTS, msgspec.json.encode(checked).decode())

    def stop(self) -> None:
        """Write what is left and close the files; they stay a journal. Raises nothing; may be called again."""
        if not self._queue.end():
            return
        self._stopping = True
        self._wake.set()
        self._end_sync.set()
        self._writer.join(STOP_S)
        self._syncer.join(STOP_S)
        if self._writer.is_alive() or self._syncer.is_alive():
            self._tell(f"{self._store.folder}: the disk does not answer; the end of the recording may not be on it")
        else:
            self._store.close(END_OF_STREAM)
        self._stopped = True
        atexit.unregister(self.stop)

    def close(self) -> Path:
        """Stop, and make the journal a session: written, read back and compared, then the journal is removed.

        Returns
        -------
        Path
            The session folder; :attr:`recovery` says what it holds and what is missing.

        Raises
        ------
        RecordingError
            If the session cannot be written. The journal stays, and the sentence says where.
        """
        from soleus.recording.recover import rebuild

        self.stop()
        if self.recovery is None:
            try:
                self.recovery = rebuild(self.folder, self._rescue, session=self.session)
            except RecordingError as error:
                folders = [f for f in (self.folder, *self._rescue) if _has_segments(f)]
                if not folders:
                    raise
                kept = " and ".join(str(f) for f in folders)
                raise RecordingError(
                    f"{error} (the recording is kept in {kept}; then run: soleus recover {folders[0]})"
                ) from error
        return self.folder

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _segment_start(self, number: int) -> bytes:
        return segment_start(SegmentHeader(session=self.session, segment=number, facts=self._facts))

    def _write_on(self) -> None:
        while True:
            self._wake.wait(self._write_s)
            self._wake.clear()
            last = self._stopping
            if last or time.monotonic() >= self._retry_s:
                self._write_pending()
            if last:
                return

    def _write_pending(self) -> None:
        while rows := self._queue.take():
            try:
                self._store.write(encode_rows(rows), END_OF_STREAM)
            except (OSError, MemoryError, pa.ArrowException) as error:
                self._queue.put_back(rows)
                self._retry_s = time.monotonic() + RETRY_S
                if not self._in_memory:
                    self._in_memory = True
                    self._tell(self._memory_sentence(error))
                return
            self._queue.written(rows)
            if self._in_memory:
                self._in_memory = False
                self._tell(f"{self._store.folder}: the recording is written again")

    def _memory_sentence(self, error: Exception) -> str:
        why = str(error)
        if isinstance(error, OSError):
            why = str(os_error("write", Path(error.filename or self.folder), error))
        megabytes = self._memory_bytes / 2**20
        return f"{why} (the run goes on; its last {megabytes:.0f} MiB are kept in memory until a folder takes them)"

    def _sync_on(self) -> None:
        while not self._end_sync.wait(SYNC_S):
            self._store.sync()

    def _refuse(self, sentence: str) -> None:
        self._queue.refuse()
        self._tell(sentence)

    def _tell(self, sentence: str) -> None:
        self._message = sentence
        if self._on_status is not None:
            # Foreign code: whatever is wrong with it must not end the recording.
            with contextlib.suppress(Exception):
                self._on_status(self.status)


def _checked(facts: JournalFacts, folder: Path) -> JournalFacts:
    """Give the facts back as a reader will see them."""
    try:
        checked = msgspec.json.decode(msgspec.json.encode(facts), type=JournalFacts)
    except (TypeError, ValueError, OverflowError, RecursionError) as error:
        raise RecordingError(f"{folder}: what is to be recorded of the session cannot be written: {error}") from error
    feet = [pod.foot for pod in checked.pods]
    if not feet:
        raise RecordingError(f"{folder}: no pod; a session needs at least one")
    if len(set(feet)) != len(feet):
        raise RecordingError(f"{folder}: two pods of the {feet[0].label} foot; a session holds one a foot")
    return checked


def _check_unused(folder: Path) -> None:
    make_folder(folder)
    if _has_segments(folder):
        raise RecordingError(f"{folder}: holds a recording that was not finished; run: soleus recover {folder}")
    for name in (SESSION_FILE, IMU_FILE):
        if (folder / name).exists():
            raise RecordingError(f"{folder}: holds a session already ({name}); choose another folder")


def _has_segments(folder: Path) -> bool:
    try:
        return any(folder.glob(SEGMENT_PATTERN))
    except OSError:
        return False
