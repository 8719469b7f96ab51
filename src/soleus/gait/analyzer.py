"""The one door to the core: pushes of samples in, rows of steps out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from soleus.gait import step_values
from soleus.gait.contacts import Contacts, FootTracker, no_contacts
from soleus.gait.fitted import EventModels, Fitted, load_fitted
from soleus.gait.grid import SampleCounts
from soleus.model import Belt, FloatArray, Foot, PodInfo, PodSamples, Runner, Steps

FLIGHT_MAX_S: Final = 0.20
"""A runner's flight at 6 m/s lasts 0.15 s: if the other foot has not landed by then, its contact was not seen."""
UNSEEN_CONTACT_S: Final = 0.5
"""Stands in for the contact time [s] of a contact whose toe-off was not seen when waiting for the other foot."""
MEMORY_S: Final = 10.0
"""How long initial contacts and speeds of a foot are kept for the other foot's rows [s]."""


@dataclass(slots=True)
class _FootQueue:
    """Contacts of one foot that wait for the other foot, and what the other foot's rows will ask for."""

    tracker: FootTracker
    pending: Contacts = field(default_factory=no_contacts)
    known_s: FloatArray = field(default_factory=lambda: np.empty(0))
    done_s: FloatArray = field(default_factory=lambda: np.empty(0))
    done_mps: FloatArray = field(default_factory=lambda: np.empty(0))
    last_stride_s: float = np.nan
    last_mps: float = np.nan


@dataclass(frozen=True, slots=True)
class FootCounts:
    """What became of one pod's samples and swings."""

    samples: SampleCounts
    rejected_swings: int


class GaitAnalyzer:
    """Turn samples of one or two foot pods into steps.

    The rows do not depend on how the samples were cut into pushes: they are the same, bit for bit, for one push of
    everything and for one push a sample. Memory stays bounded however long the run. A row is final at most 0.5 s
    after its toe-off (0.6 s for pods slower than 100 Hz), once both pods' samples up to then are in; a row that waits
    for a pod that stays silent is released by :meth:`advance` or :meth:`finish`.

    Parameters
    ----------
    pods
        The pods in use, at most one a foot.
    runner
        Body measures, as far as known.
    fitted
        Fitted constants; the packaged ones unless given.

    Raises
    ------
    ValueError
        If two pods claim the same foot, or samples come from a foot without a pod.

    Examples
    --------
    >>> analyzer = GaitAnalyzer([PodInfo(Foot.LEFT, 0.005, 0.001)])
    >>> still = PodSamples(Foot.LEFT, np.arange(2000) / 200, np.zeros((6, 2000), np.int16))
    >>> len(analyzer.push([still])) + len(analyzer.finish())
    0
    """

    def __init__(self, pods: Sequence[PodInfo], runner: Runner | None = None, fitted: Fitted | None = None) -> None:
        if len({pod.foot for pod in pods}) != len(pods):
            raise ValueError("two pods claim the same foot; set the side of one of them")
        fitted = fitted or load_fitted()
        self._models = EventModels(fitted.events)
        self._metrics = fitted.metrics
        self._runner = runner or Runner()
        self._feet = {
            pod.foot: _FootQueue(FootTracker(pod, self._models)) for pod in sorted(pods, key=lambda p: p.foot)
        }
        self._belt = Belt(np.empty(0), np.empty(0), np.empty(0))

    @property
    def counts(self) -> dict[Foot, FootCounts]:
        """Samples received, dropped and repaired, and swings rejected, by foot."""
        return {
            foot: FootCounts(queue.tracker.gridder.counts, queue.tracker.rejected_swings)
            for foot, queue in self._feet.items()
        }

    def add_pod(self, pod: PodInfo) -> None:
        """Declare a second pod that joins late; :meth:`advance` tells from when on it counts.

        Raises
        ------
        ValueError
            If that foot has a pod already.
        """
        if pod.foot in self._feet:
            raise ValueError(f"the {pod.foot.label} foot has a pod already")
        feet = {**self._feet, pod.foot: _FootQueue(FootTracker(pod, self._models))}
        self._feet = {foot: feet[foot] for foot in sorted(feet)}

    def push(self, samples: Sequence[PodSamples] = (), belt: Belt | None = None) -> Steps:
        """Take samples (and belt readings) in; give the steps that became final.

        Parameters
        ----------
        samples
            Pieces of any size, in the order of each pod's clock; feet may come separately and late.
        belt
            Further belt readings. A reading counts for contacts after its time stamp, so it must come before the
            samples that follow it.

        Raises
        ------
        ValueError
            If samples come from a foot whose pod was not declared.
        """
        if belt is not None:
            self._belt = Belt(
                np.concatenate([self._belt.time_s, belt.time_s]),
                np.concatenate([self._belt.speed_mps, belt.speed_mps]),
                np.concatenate([self._belt.grade, belt.grade]),
            )
        for piece in samples:
            queue = self._feet.get(piece.foot)
            if queue is None:
                raise ValueError(f"samples of the {piece.foot.label} foot, but no such pod was declared")
            self._take(queue, *queue.tracker.push(piece))
        return self._final_rows()

    def advance(self, foot: Foot, until_s: float) -> Steps:
        """Declare a pod silent: no samples of it before ``until_s`` will come; the other foot's rows wait no longer.

        Samples of that foot which come all the same with an earlier stamp are dropped and counted.

        Parameters
        ----------
        foot
            The silent pod's foot.
        until_s
            Session time [s] up to which nothing more will come.

        Raises
        ------
        ValueError
            If no such pod was declared.
        """
        queue = self._feet.get(foot)
        if queue is None:
            raise ValueError(f"the {foot.label} foot has no pod that could be silent")
        self._take(queue, *queue.tracker.skip_to(until_s))
        return self._final_rows()

    def finish(self) -> Steps:
        """Give the remaining steps; nothing may be pushed afterwards."""
        for queue in self._feet.values():
            self._take(queue, *queue.tracker.finish())
        return self._final_rows()

    def _take(self, queue: _FootQueue, early_s: FloatArray, done: Contacts) -> None:
        queue.known_s = np.concatenate([queue.known_s, early_s])
        if len(done):
            queue.pending = Contacts.concat([queue.pending, done])
            queue.done_s = np.concatenate([queue.done_s, done.initial_contact_s])
            speed = step_values.trajectory_speed_mps(done, self._metrics)
            queue.done_mps = np.concatenate([queue.done_mps, speed])

    def _final_rows(self) -> Steps:
        """Release pending contacts that nothing yet to come can change, both feet in order of time."""
        final = {foot: self._count_final(foot, queue) for foot, queue in self._feet.items()}
        bound = min(
            (
                queue.pending.initial_contact_s[final[foot]]
                if final[foot] < len(queue.pending)
                else queue.tracker.contacts_done_until_s
                for foot, queue in self._feet.items()
            ),
            default=np.inf,
        )
        parts = []
        for foot, queue in self._feet.items():
            n = int(np.searchsorted(queue.pending.initial_contact_s[: final[foot]], bound))
            if n:
                parts.append(self._rows(foot, queue, n))
        if not parts:
            return Steps.empty()
        steps = Steps.concat(parts)
        self._forget(float(steps["initial_contact_s"].max()) - MEMORY_S)
        return steps.select(np.argsort(steps["initial_contact_s"], kind="stable"))

    def _count_final(self, foot: Foot, queue: _FootQueue) -> int:
        """Count the leading pending contacts whose other foot has landed, or will not land in time."""
        other = self._feet.get(foot.other)
        if other is None or not len(queue.pending):
            return len(queue.pending)
        contact = queue.pending.initial_contact_s
        landed = np.searchsorted(other.known_s, contact, side="right") < other.known_s.size
        closed = landed | (other.tracker.contacts_known_until_s >= _landing_due_s(queue.pending))
        closed &= other.tracker.contacts_done_until_s >= contact
        return contact.size if closed.all() else int(np.argmin(closed))

    def _rows(self, foot: Foot, queue: _FootQueue, n: int) -> Steps:
        contacts = queue.pending.select(slice(0, n))
        queue.pending = queue.pending.select(slice(n, None))
        contact_s = contacts.initial_contact_s
        other = self._feet.get(foot.other)
        missing = np.full(n, np.nan)
        next_other, other_mps = (
            (_next_contact(other, contacts), _previous_speed(other, contact_s)) if other else (missing, missing)
        )
        stride_s = step_values.stride_time_s(contacts)
        own_mps = step_values.trajectory_speed_mps(contacts, self._metrics)
        belt_mps, grade = self._belt.at(contact_s)
        around = step_values.Surroundings(
            next_other,
            other_mps,
            np.concatenate([[queue.last_stride_s], stride_s[:-1]]),
            np.concatenate([[queue.last_mps], own_mps[:-1]]),
            belt_mps,
            grade,
        )
        queue.last_stride_s, queue.last_mps = float(stride_s[-1]), float(own_mps[-1])
        return step_values.fill(foot, contacts, around, self._runner, self._metrics)

    def _forget(self, before_s: float) -> None:
        for queue in self._feet.values():
            queue.known_s = queue.known_s[np.searchsorted(queue.known_s, before_s) :]
            keep = np.searchsorted(queue.done_s, before_s)
            queue.done_s, queue.done_mps = queue.done_s[keep:], queue.done_mps[keep:]
        in_force = max(0, int(np.searchsorted(self._belt.time_s, before_s, side="right")) - 1)
        belt = self._belt
        self._belt = Belt(belt.time_s[in_force:], belt.speed_mps[in_force:], belt.grade[in_force:])


def _next_contact(other: _FootQueue, contacts: Contacts) -> FloatArray:
    """Find the other foot's initial contact [s] that closes each step; NaN where it did not land in time."""
    later = np.searchsorted(other.known_s, contacts.initial_contact_s, side="right")
    following = np.append(other.known_s, np.inf)[later]
    return np.where(following < _landing_due_s(contacts), following, np.nan)


def _landing_due_s(contacts: Contacts) -> FloatArray:
    """Tell by when [s] the other foot has landed, or its contact was not seen."""
    toe_off = contacts.toe_off_s
    return np.where(np.isfinite(toe_off), toe_off, contacts.initial_contact_s + UNSEEN_CONTACT_S) + FLIGHT_MAX_S


def _previous_speed(other: _FootQueue, contact_s: FloatArray) -> FloatArray:
    """Trajectory speed [m/s] of the other foot's stride before each contact; NaN if that is long ago."""
    before = np.searchsorted(other.done_s, contact_s) - 1
    recent = (before >= 0) & (contact_s - other.done_s[before] < step_values.STEP_MAX_S) if other.done_s.size else None
    if recent is None:
        return np.full(contact_s.size, np.nan)
    return np.where(recent, other.done_mps[before], np.nan)
