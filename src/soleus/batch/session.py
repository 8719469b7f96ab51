"""Analyse one recording: the unit of all batch work."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import pyarrow as pa

from soleus.gait.analyzer import FootCounts
from soleus.model import Belt, Foot, PodInfo, PodSamples, Recording, Runner, Steps, Warnings
from soleus.pipeline import Pipeline
from soleus.recording import RecordingReader, from_recording
from soleus.rules import HistorySummary, Rule

CHUNKS_AT_ONCE: Final = 10
"""Minutes handed to the core together: enough strides to work on as one batch, little memory."""
KEPT_BYTES: Final = 24 * 2**20
"""Having seen a block of this size freed, glibc keeps twice as much freed memory for the next (mallopt(3),
M_MMAP_THRESHOLD): to hand it back and fault it in anew costs as much as the arithmetic in it. The block itself is never
touched, so it takes no memory."""


@dataclass(frozen=True, slots=True)
class Result:
    """What came of a recording.

    Attributes
    ----------
    step_rows, warning_rows
        Steps and warnings as plain arrays.
    pods, runner, belt
        What they rest on.
    counts
        What became of each pod's samples and swings.
    samples
        Number of samples of each foot.
    span_s
        First and last time of any sample [s].
    notes
        What the reader had to decide.
    """

    step_rows: Steps
    warning_rows: Warnings
    pods: tuple[PodInfo, ...]
    runner: Runner
    belt: Belt | None
    counts: dict[Foot, FootCounts]
    samples: dict[Foot, int]
    span_s: tuple[float, float]
    notes: tuple[str, ...]

    @property
    def steps(self) -> pa.Table:
        """The Steps table."""
        return self.step_rows.to_arrow()

    @property
    def warnings(self) -> pa.Table:
        """The Warnings table."""
        return self.warning_rows.to_arrow()

    def report(self, path: str | Path, *, history: HistorySummary | None = None) -> Path:
        """Write the report as one HTML file.

        Parameters
        ----------
        path
            File to write.
        history
            The weeks before the run.

        Returns
        -------
        Path
            The file written.

        Raises
        ------
        soleus.recording.RecordingError
            If it cannot be written.
        """
        from soleus.batch.summary import summarize
        from soleus.recording import session_record
        from soleus.report import Run, write_run_report

        record = session_record(
            self.pods,
            self.samples,
            runner=self.runner,
            notes=self.notes,
            quality=summarize(self).quality_counts(),
        )
        run = Run(Path(path).stem, self.step_rows, self.warning_rows, record, self.belt)
        return write_run_report(run, path, history=history)


def analyze(
    recording: Recording | RecordingReader,
    *,
    runner: Runner | None = None,
    belt: Belt | None = None,
    rules: Iterable[Rule] | None = None,
    history: HistorySummary | None = None,
) -> Result:
    """Find every step of a recording, in memory that does not grow with its length.

    Parameters
    ----------
    recording
        A whole recording, or a reader that brings it piece by piece.
    runner, belt
        Take the place of the recording's own.
    rules, history
        As in :class:`soleus.pipeline.Pipeline`.

    Raises
    ------
    soleus.recording.RecordingError
        If a part of the file is damaged.

    Examples
    --------
    >>> import numpy as np
    >>> from soleus.model import PodSamples, PodTrack
    >>> still = PodSamples(Foot.LEFT, np.arange(2000) / 200, np.zeros((6, 2000), np.int16))
    >>> result = analyze(Recording((PodTrack(PodInfo(Foot.LEFT, 0.005, 0.001), still),)))
    >>> result.steps.num_rows, result.samples[Foot.LEFT]
    (0, 2000)
    """
    np.empty(KEPT_BYTES, np.uint8)  # freed at once
    reader = from_recording(recording) if isinstance(recording, Recording) else recording
    runner = runner or reader.runner
    belt = belt or reader.belt
    pipeline = Pipeline(reader.pods, runner, rules=rules, history=history, happened=reader.happened)
    samples = {pod.foot: 0 for pod in reader.pods}
    first_s, last_s = float("inf"), float("-inf")
    found, said = pipeline.push(belt=belt)
    steps, warnings = [found], [said]  # before the first step the rules speak of the runner's history
    pending: list[PodSamples] = []
    for chunk in reader.chunks():
        for piece in chunk:
            if len(piece):
                samples[piece.foot] += len(piece)
                first_s, last_s = min(first_s, float(piece.time_s[0])), max(last_s, float(piece.time_s[-1]))
        pending.extend(chunk)
        if len(pending) >= CHUNKS_AT_ONCE * len(reader.pods):
            found, said = pipeline.push(_joined(pending))
            steps.append(found)
            warnings.append(said)
            pending = []
    for found, said in (pipeline.push(_joined(pending)), pipeline.finish()):
        steps.append(found)
        warnings.append(said)
    return Result(
        Steps.concat(steps), Warnings.concat(warnings), reader.pods, runner, belt, pipeline.counts, samples,
        (first_s, last_s) if last_s >= first_s else (0.0, 0.0), reader.notes,
    )  # fmt: skip


def _joined(pieces: Sequence[PodSamples]) -> list[PodSamples]:
    """Join the pieces of each foot: the core works fastest on many strides at once."""
    joined = []
    for foot in Foot:
        mine = [piece for piece in pieces if piece.foot is foot]
        if mine:
            time_s = np.concatenate([piece.time_s for piece in mine])
            joined.append(PodSamples(foot, time_s, np.concatenate([piece.counts for piece in mine], axis=1)))
    return joined
