"""What came of a journal: what there is, what is missing, what was damaged."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Literal

import msgspec

from soleus.recording.journal_records import JournalRecords, LostSamples
from soleus.recording.journal_segment import Damage

GAPS_SHOWN: Final = 100
"""Gaps of a pod that are listed one by one; all are counted."""


class PodRecovery(msgspec.Struct, frozen=True, kw_only=True):
    """What there is and what is missing of a pod.

    Attributes
    ----------
    foot, samples
        Which, and how many samples there are.
    from_s, until_s
        Session time of the first and last of them [s].
    lost_samples, lost_s
        How many are known to be missing; how long all gaps are that have two ends [s].
    gaps
        Where, the first hundred.
    """

    foot: str
    samples: int
    from_s: float | None
    until_s: float | None
    lost_samples: int
    lost_s: float
    gaps: tuple[LostSamples, ...] = ()


class RecoveryReport(msgspec.Struct, frozen=True, kw_only=True):
    """What came of a journal.

    Attributes
    ----------
    folder, session
        The session folder, and the random name of the session.
    outcome
        ``'rebuilt'`` from its journal; ``'whole'``: the session was there already, with all that the journal has.
    stopped
        Whether the session was stopped in order. If not, what came after the last write (at most a second, normally
        a fifth) is missing, and nobody knows how much it was.
    pods
        What there is and what is missing, by pod.
    lost_pieces
        Things handed over that are missing: pieces of samples, readings, events.
    damages, missing_segments
        Where the journal was damaged.
    kept
        Damaged segments, kept under another name.
    notes
        Anything else.
    """

    folder: str
    session: str
    outcome: Literal["rebuilt", "whole"]
    stopped: bool
    pods: tuple[PodRecovery, ...]
    lost_pieces: int = 0
    damages: tuple[Damage, ...] = ()
    missing_segments: tuple[str, ...] = ()
    kept: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def complete(self) -> bool:
        """Whether nothing is known to be missing."""
        return not (self.lost_pieces or self.missing_segments or any(pod.lost_samples for pod in self.pods))

    @property
    def losses(self) -> tuple[str, ...]:
        """What was lost, one sentence each; empty if nothing was."""
        lost = [
            f"{pod.foot} foot: {pod.lost_samples} samples are missing ({pod.lost_s:.2f} s in gaps)"
            for pod in self.pods
            if pod.lost_samples
        ]
        if self.lost_pieces:
            lost.append(f"{self.lost_pieces} pieces of samples, readings or events are missing")
        lost += [f"{name} is missing" for name in self.missing_segments]
        lost += [damage.sentence for damage in self.damages]
        lost += [f"{name} is damaged and was kept" for name in self.kept]
        if not self.stopped:
            lost.append("the recording broke off: its last moments, at most a second, are missing")
        return tuple(lost)


def recovery_report(folder: str, records: JournalRecords, notes: Sequence[str]) -> RecoveryReport:
    """Say what a journal gave; the notes are those of the recording made of it."""
    pods = []
    for pod in records.facts.pods:
        from_s, until_s = records.span_s(pod.foot)
        lost = records.lost(pod.foot)
        spans = [gap.until_s - gap.after_s for gap in lost if gap.until_s is not None and gap.after_s is not None]
        pods.append(
            PodRecovery(
                foot=pod.foot.label,
                samples=records.count(pod.foot),
                from_s=from_s,
                until_s=until_s,
                lost_samples=sum(gap.samples for gap in lost),
                lost_s=sum(spans),
                gaps=lost[:GAPS_SHOWN],
            )
        )
    return RecoveryReport(
        folder=folder,
        session=records.session,
        outcome="rebuilt",
        stopped=records.end is not None,
        pods=tuple(pods),
        lost_pieces=records.lost_pieces(),
        damages=records.damages,
        missing_segments=records.missing_segments,
        notes=tuple(notes[len(records.facts.notes) :]),
    )
