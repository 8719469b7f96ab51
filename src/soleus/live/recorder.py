"""The recording of a run: a journal that may fail without the run failing."""

from __future__ import annotations

import base64
import secrets
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

import msgspec
import numpy as np

from soleus.ingest.ble.events import ClockRecords, LateSamples, SamplesHeld
from soleus.ingest.clock import Exchange
from soleus.model import Belt, Foot, Happening, HeartRate, PodInfo, PodSamples
from soleus.recording import Journal, JournalFacts, JournalStatus, RecordingError
from soleus.recording.files import make_folder, os_error, present
from soleus.recording.happened import record_happening
from soleus.recording.held import HELD, record_done, record_samples
from soleus.recording.journal import SYNC_S, WRITE_S
from soleus.recording.journal_reader import segments_in
from soleus.recording.session import IMU_FILE
from soleus.recording.session_file import SESSION_FILE

LATE: Final = "late_samples"
"""Kind of the events that hold samples which came too late for the analysis."""
EARLY_MOST: Final = 10_000
"""Readings and events kept before the first pod is ready: two hours of treadmill and strap."""
SAFE_S: Final = WRITE_S + SYNC_S
"""What was handed over this long ago is on the disk [s], unless something is wrong."""


class Recorder:
    """Keep everything of a run in a session folder.

    Parameters
    ----------
    folder
        The session folder; ``None``: nothing is recorded.
    tell
        Called with a sentence when something goes wrong or comes right, from any thread.

    Attributes
    ----------
    samples
        Samples handed over, by foot.
    late
        Samples that came too late for the analysis, by foot.
    """

    def __init__(self, folder: Path | None, tell: Callable[[str], None]) -> None:
        self.samples = dict.fromkeys(Foot, 0)
        self.late = dict.fromkeys(Foot, 0)
        self._folder = folder
        self._facts = JournalFacts(pods=())
        self._tell = tell
        self._journal: Journal | None = None
        self._broken = ""
        self._held_until: dict[Foot, int] = {}
        self._early: list[Callable[[Journal], None]] = []
        self._handed: list[tuple[float, float]] = []
        self._safe_s: float | None = None

    @property
    def notes(self) -> tuple[str, ...]:
        """What is to be known of the recording."""
        return tuple(
            f"{n} samples of the {foot.label} pod came too late for the analysis; they are in events.parquet ({LATE})"
            for foot, n in self.late.items()
            if n
        )

    @property
    def trouble(self) -> str:
        """What is wrong now, in one sentence; empty if nothing is."""
        status = self._status
        return status.message if status is not None and status.state in {"memory", "elsewhere"} else self._broken

    @property
    def _status(self) -> JournalStatus | None:
        return None if self._journal is None else self._journal.status

    def prepare(self, facts: JournalFacts) -> None:
        """Take note of what is known beside the pods; what came before belongs to no recording."""
        self._facts = facts
        self._early.clear()

    def begin(self, infos: Mapping[Foot, PodInfo]) -> None:
        """Begin to record, or take note of further pods; a folder that cannot be used is told, the run goes on."""
        if self._folder is None or self._broken:
            return
        facts = msgspec.structs.replace(self._facts, pods=tuple(infos[foot] for foot in sorted(infos)))
        self._facts = facts
        try:
            if self._journal is None:
                self._journal = Journal(self._folder, facts, on_status=self._on_status)
                for put in self._early:
                    put(self._journal)
                self._early.clear()
            else:
                self._journal.facts(facts)
        except RecordingError as error:
            if self._journal is None:
                self._broken = f"Nothing is recorded: {error}"
            self._tell(self._broken or f"Not recorded: {error}")

    def _on_status(self, status: JournalStatus) -> None:
        self._tell(status.message)

    def take_samples(self, samples: PodSamples) -> None:
        """Keep samples of one pod, as handed to the analysis."""
        self.samples[samples.foot] += len(samples)
        if self._journal is not None:
            self._journal.samples(samples)

    def take_late(self, late: LateSamples) -> None:
        """Keep samples that came after their hole was declared, apart from those that are analysed."""
        samples = late.samples
        self.late[samples.foot] += len(samples)
        record_samples(self, LATE, samples, late.first_index)

    def take_held(self, held: SamplesHeld) -> None:
        """Keep samples that the radio holds back, for the case that the program dies."""
        if len(held.samples):
            record_samples(self, HELD, held.samples, held.first_index)
            end = held.first_index + len(held.samples)
            self._held_until[held.samples.foot] = max(end, self._held_until.get(held.samples.foot, 0))

    def held_done(self, foot: Foot, index: int | None, time_s: float) -> None:
        """Take note that held samples before an index are in their place, or all of them."""
        held_until = self._held_until.get(foot)
        if held_until is None:
            return
        record_done(self, foot, index, time_s)
        if index is None or index >= held_until:
            del self._held_until[foot]

    def take_clock_records(self, foot: Foot, records: ClockRecords, time_s: float) -> None:
        """Keep what the mapping of a pod's clock rests on, in order.

        Rows of four little-endian doubles in base64: the fields of an :class:`~soleus.ingest.clock.Exchange`, or of
        an :class:`~soleus.ingest.clock.Arrival` and two that are no numbers.
        """
        rows = np.full((len(records.records), len(Exchange._fields)), np.nan, "<f8")
        for row, record in zip(rows, records.records, strict=True):
            row[: len(record)] = record
        self.event("clock_records", time_s, {"foot": foot.label, "rows": base64.b64encode(rows.tobytes()).decode()})

    def take_belt(self, belt: Belt) -> None:
        """Keep a reading of the treadmill."""
        self._put(lambda journal: journal.belt(belt))

    def take_heart_rate(self, time_s: float, rate_bpm: float) -> None:
        """Keep a reading of the strap."""
        reading = HeartRate(np.array([time_s]), np.array([rate_bpm]))
        self._put(lambda journal: journal.heart_rate(reading))

    def event(self, kind: str, time_s: float, value: Any = None) -> None:  # noqa: ANN401
        """Keep whatever else happened."""
        self._put(lambda journal: journal.event(kind, time_s, value))

    def happening(self, happening: Happening, time_s: float) -> None:
        """Keep what an analysis has to repeat."""
        record_happening(self, happening, time_s)

    def _put(self, put: Callable[[Journal], None]) -> None:
        """Hand over to the journal; what comes before the first pod waits for it."""
        if self._journal is not None:
            put(self._journal)
        elif self._folder is not None and not self._broken and len(self._early) < EARLY_MOST:
            self._early.append(put)

    def safe_until_s(self, real_s: float, newest_s: float) -> float | None:
        """Tell the session time up to which all is on the disk [s].

        Parameters
        ----------
        real_s
            A steady clock [s].
        newest_s
            Session time of the newest sample handed over by now.
        """
        status = self._status
        if status is None:
            return None
        self._handed.append((real_s, newest_s))
        if status.state in {"memory", "stopped"}:
            self._handed.clear()
            return self._safe_s
        while self._handed and self._handed[0][0] <= real_s - SAFE_S:
            self._safe_s = self._handed.pop(0)[1]
        return self._safe_s

    def let_go(self) -> None:
        """Write what is left and leave it a journal, for ``soleus recover``."""
        if self._journal is not None:
            self._journal.stop()

    def close(self) -> Path | None:
        """Make the session of the journal; ``None`` if nothing was recorded.

        What the radio still held is given up: it has told so, and the analysis has not seen it.

        Raises
        ------
        RecordingError
            If the session cannot be written; the sentence says where the journal is.
        """
        for foot in tuple(self._held_until):
            self.held_done(foot, None, 0.0)
        return None if self._journal is None else self._journal.close()


def check_folder(folder: Path) -> None:
    """See before a run whether a session can be made in a folder; nothing is left behind.

    Raises
    ------
    RecordingError
        If it cannot be written, or holds a session or journal already.
    """
    held = [name for name in (SESSION_FILE, IMU_FILE) if present(folder / name)] or segments_in(folder)
    if held:
        raise RecordingError(f"{folder}: holds a session already; choose another folder with --out")
    there = folder.exists()
    make_folder(folder)
    probe = folder / f".{secrets.token_hex(4)}.probe"
    try:
        probe.write_bytes(b"")
        probe.unlink()
        if not there:
            folder.rmdir()
    except OSError as error:
        raise os_error("write", folder, error) from error
