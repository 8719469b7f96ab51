"""The end of a run: the recording closed, and what came of it put together."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from soleus.ingest.ble.pod_stream import PodCounts
from soleus.live.analysis import LiveAnalysis
from soleus.live.devices import Pods
from soleus.live.intake import Intake
from soleus.live.outcome import Outcome, belt_agreement, joined_belt, radio_quality
from soleus.live.recorder import Recorder
from soleus.model import Foot, Warnings
from soleus.recording import JournalFacts, RecordingError


def close_run(
    recorder: Recorder,
    intake: Intake,
    analysis: LiveAnalysis,
    pods: Pods,
    counts: Mapping[Foot, PodCounts],
    facts: JournalFacts,
    tell: Callable[[str], None],
) -> tuple[Outcome, str]:
    """Make the session of what was recorded, and the outcome of a run whose analysis is finished.

    Parameters
    ----------
    recorder, intake, analysis, pods
        Of the run.
    counts
        What the radio counted, where it did.
    facts
        Runner and start of the run.
    tell
        Takes a sentence for the runner.

    Returns
    -------
    outcome, sentence
        What came of it, and where it is.
    """
    quality = radio_quality(pods.all(), counts, recorder.late) | analysis.figures.quality
    folder, sentence = _close_recording(recorder)
    belt = joined_belt(intake.all_belts)
    agreement = belt_agreement(belt, folder)
    if agreement is not None and not agreement.plausible:
        tell(agreement.sentence)
    outcome = Outcome(
        folder=folder,
        steps=analysis.steps,
        warnings=Warnings.concat(analysis.warnings),
        pods=tuple(analysis.pods[foot] for foot in sorted(analysis.pods)),
        runner=facts.runner,
        belt=belt,
        start_utc=facts.start_utc,
        counts=analysis.counts,
        samples={foot: recorder.samples[foot] for foot in sorted(analysis.pods)},
        span_s=intake.span_s,
        quality=quality,
        belt_agreement=agreement,
        notes=recorder.notes if folder is not None else (*recorder.notes, sentence),
    )
    return outcome, sentence


def _close_recording(recorder: Recorder) -> tuple[Path | None, str]:
    try:
        folder = recorder.close()
    except RecordingError as error:
        return None, str(error)
    if folder is None:
        return None, recorder.trouble or "Nothing was recorded."
    return folder, f"The session is in {folder}."
