"""Ground contacts of one foot, from its samples alone.

Work goes in three stages, each as soon as the samples it needs are there: initial contact (0.33 s after the swing
anchor, so that the other foot's step can be closed), toe-off, and the stride's kinematics. When a stage runs depends
on sample numbers only, never on how the samples were cut into pushes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from soleus.gait import events, kinematics
from soleus.gait.fitted import EventModels
from soleus.gait.grid import GRID_HZ, Gridder, SampleFlag, Stretch
from soleus.gait.pod_stream import Float32Array, PodStream
from soleus.model import FloatArray, Foot, PodInfo, PodSamples

IntArray = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]

EARLY_AHEAD: Final = 104
"""Samples after the swing anchor at which toe-off is first looked for: contact up to 0.25 s, so that a fast runner's
step is not kept waiting. The result is the same as with more samples, or none."""
RUN_AHEAD: Final = 134
"""… and of a slower run: contact up to 0.40 s."""
WALK_AHEAD: Final = 260
"""… and of a walk, where it was not found by then: contact up to 1.0 s."""
TOE_OFF_TAIL: Final = 34
"""Samples that the toe-off waveform and its filter need beyond the unloading."""
STRIDE_MIN: Final = round(0.40 * GRID_HZ)
STRIDE_MAX: Final = round(1.6 * GRID_HZ)
"""Strides outside these are not followed: at 6 m/s a stride lasts 0.55 s, a slow walk's 1.5 s."""
RUN_STRIDE_MAX: Final = round(0.95 * GRID_HZ)
"""Strides up to this are measured in narrow windows; only speed of computing depends on it."""
SIDE_VOTES: Final = 15
"""Contacts that vote on which foot the pod really sits on; the inversion sign is right in 100 % (RBDS)."""
VOTE_MAX_RAD: Final = 0.5
VOTE_QUANTUM_RAD: Final = 2.0**-10
"""Votes are whole numbers of this, so that their running sum is exact and does not depend on pushes."""
SWAPPED_MIN_RAD: Final = 0.12
"""Mean inversion beyond which the pod is called swapped: 85 % of foot-trials reach it (RBDS), tight circles do not."""
NO_CUT: Final = -(1 << 62)
"""Grid number that stands for a contact without toe-off, where no stride can be cut."""
BATCH: Final = 448
"""Strides measured together: enough to make the cost of each call small, few enough to stay near the processor."""

FEATURES: Final = (
    "strapdown_speed_mps", "pitch_contact_deg", "roll_contact_deg", "roll_mid_deg", "toe_out_deg", "heel_late_deg",
    "eversion_deg", "toe_off_travel_m", "residual_deg", "heading_change_deg", "gravity_mps2",
    *(f"{kind}_profile_{name}" for kind in ("speed", "rate") for name in kinematics.PROFILE),
)  # fmt: skip
"""Measured of each stride; NaN where there is no stride."""

RUN_CONTACT_MAX: Final = 0.42 * GRID_HZ
MIRRORED: Final = (1, 2, 4)
"""Channels whose sign differs between left and right foot: roll and yaw rate, sideward force."""
DEFECTS: Final = np.array(
    [SampleFlag.GAP, SampleFlag.BRIDGED, SampleFlag.CLIPPED, SampleFlag.SATURATED, SampleFlag.REPAIRED]
)


@dataclass(frozen=True, slots=True)
class Contacts:
    """Finished contacts of one foot in order; all (n,).

    ``initial_contact_s``, ``toe_off_s`` [s] (toe-off NaN where not seen), ``previous_s`` [s] the foot's previous
    contact within the stretch (NaN if none), ``clean_share`` of the stride's samples, ``defects`` bits of
    :class:`~soleus.gait.grid.SampleFlag` within the stride, ``unsure`` mounting, ``swapped`` foot, ``features`` by
    name (:data:`FEATURES`).
    """

    initial_contact_s: FloatArray
    toe_off_s: FloatArray
    previous_s: FloatArray
    clean_share: FloatArray
    defects: npt.NDArray[np.uint8]
    unsure: BoolArray
    swapped: BoolArray
    features: Mapping[str, FloatArray]

    def __len__(self) -> int:
        return self.initial_contact_s.size

    @classmethod
    def concat(cls, parts: list[Contacts]) -> Contacts:
        """Join batches in the order given."""
        if len(parts) == 1:
            return parts[0]
        names = ("initial_contact_s", "toe_off_s", "previous_s", "clean_share", "defects", "unsure", "swapped")
        joined: dict[str, Any] = {name: np.concatenate([getattr(p, name) for p in parts]) for name in names}
        features = {name: np.concatenate([p.features[name] for p in parts]) for name in FEATURES}
        return cls(**joined, features=features)

    def select(self, rows: slice | BoolArray) -> Contacts:
        """Take some rows."""
        return Contacts(
            self.initial_contact_s[rows], self.toe_off_s[rows], self.previous_s[rows], self.clean_share[rows],
            self.defects[rows], self.unsure[rows], self.swapped[rows],
            {name: values[rows] for name, values in self.features.items()},
        )  # fmt: skip


def no_contacts() -> Contacts:
    """Make a batch without rows."""
    none = np.empty(0)
    return Contacts(
        none, none, none, none, np.empty(0, np.uint8), np.empty(0, bool), np.empty(0, bool),
        dict.fromkeys(FEATURES, none),
    )  # fmt: skip


@dataclass(slots=True)
class _Open:
    """Contacts whose initial contact is known and whose toe-off is awaited; all (n,), grid samples."""

    anchor: IntArray
    contact: FloatArray
    side: FloatArray
    swapped: BoolArray
    toe_off: FloatArray
    settled: BoolArray
    looked: IntArray

    @classmethod
    def none(cls) -> _Open:
        none, number, truth = np.empty(0), np.empty(0, np.int64), np.empty(0, bool)
        return cls(number, none, none, truth, none, truth, number)

    def extend(self, other: _Open) -> None:
        for name in self.__slots__:
            setattr(self, name, np.concatenate([getattr(self, name), getattr(other, name)]))

    def split(self, n: int) -> _Open:
        """Take the first n away."""
        head = _Open(*(getattr(self, name)[:n] for name in self.__slots__))
        for name in self.__slots__:
            setattr(self, name, getattr(self, name)[n:])
        return head


class FootTracker:
    """Follow one foot: samples in, finished contacts out.

    Parameters
    ----------
    pod
        The pod.
    models
        Fitted event models.

    Attributes
    ----------
    contacts_known_until_s
        Every initial contact before this time [s] has been announced.
    contacts_done_until_s
        Every contact that began before this time [s] has been given.
    """

    def __init__(self, pod: PodInfo, models: EventModels) -> None:
        self.gridder = Gridder(pod)
        self.rejected_swings = 0
        self.contacts_known_until_s = -np.inf
        self.contacts_done_until_s = -np.inf
        self._sign = 1.0 if pod.foot is Foot.LEFT else -1.0
        self._models = models
        self._stream: PodStream | None = None
        self._swings = np.empty(0, np.int64)
        self._open = _Open.none()
        self._votes = np.empty(0)
        self._previous: tuple[int, float] | None = None

    def push(self, samples: PodSamples) -> tuple[FloatArray, Contacts]:
        """Take samples; give newly known initial contacts (m,) [s], and contacts that are finished."""
        return self.follow(self.gridder.push(samples))

    def finish(self) -> tuple[FloatArray, Contacts]:
        """Give what is left."""
        early, done = self.follow(self.gridder.finish())
        self.contacts_known_until_s = self.contacts_done_until_s = np.inf
        return early, done

    def skip_to(self, time_s: float) -> tuple[FloatArray, Contacts]:
        """Take note that no sample before this time [s] will come."""
        early, done = self.follow(self.gridder.skip_to(time_s))
        self.contacts_known_until_s = max(self.contacts_known_until_s, time_s)
        self.contacts_done_until_s = max(self.contacts_done_until_s, time_s)
        return early, done

    def follow(self, pieces: list[Stretch]) -> tuple[FloatArray, Contacts]:
        """Take samples that are on the grid already."""
        early: list[FloatArray] = []
        done: list[Contacts] = []
        for piece in pieces:
            if piece.starts or self._stream is None:
                known = self._stream.mounting if self._stream else None
                self._stream = PodStream(piece.first, known)
                self._previous = None
            stream = self._stream
            self._swings = np.concatenate([self._swings, stream.push(piece)])
            early.append(self._find_contacts(stream, last=piece.ends))
            self._find_toe_offs(stream, last=piece.ends)
            done.extend(self._measure(stream, last=piece.ends))
            self._advance(stream, ends=piece.ends)
            stream.forget()
        announced = early[0] if len(early) == 1 else np.concatenate([np.empty(0), *early])
        return announced, Contacts.concat(done) if done else no_contacts()

    def _advance(self, stream: PodStream, *, ends: bool) -> None:
        """Tell how far contacts are known and done; a contact may begin a little before its swing anchor."""
        oldest = min([stream.settled, *self._swings[:1].tolist()]) + events.IMPACT_FIRST
        known = stream.end if ends else oldest
        self.contacts_known_until_s = known / GRID_HZ
        self.contacts_done_until_s = min([known, *self._open.contact[:1].tolist()]) / GRID_HZ

    def _find_contacts(self, stream: PodStream, *, last: bool) -> FloatArray:
        """Stage one: initial contacts of the swings that have enough samples behind them."""
        n = self._swings.size if last else int(np.count_nonzero(self._swings + events.CONTACT_AHEAD <= stream.end))
        if not n:
            return np.empty(0)
        anchor, self._swings = self._swings[:n], self._swings[n:]
        # a swing at the very end is cut before its contact
        anchor = anchor[anchor + events.IMPACT_START_LAST <= stream.end]
        if not anchor.size:
            return np.empty(0)
        signals = window_signals(stream, anchor, events.CONTACT_AHEAD)
        side, swapped = self._side(events.inversion(signals))
        mirror(signals, side)
        anchors = events.contact_anchors(signals)
        contact = anchor - events.PRE + self._models.initial_contact(signals, anchors)
        good = contact < stream.end
        self.rejected_swings += int((~good).sum())
        blank = np.full(int(good.sum()), np.nan)
        self._open.extend(
            _Open(
                anchor[good],
                contact[good],
                side[good],
                swapped[good],
                blank,
                np.zeros(blank.size, bool),
                np.zeros(blank.size, np.int64),
            )
        )
        early: FloatArray = contact[good] / GRID_HZ
        return early

    def _side(self, inversion_rad: FloatArray) -> tuple[FloatArray, BoolArray]:
        """Tell by the last votes on which foot the pod is (+1 left, -1 right), and if it should not be."""
        votes = np.rint(np.clip(inversion_rad.astype(np.float64), -VOTE_MAX_RAD, VOTE_MAX_RAD) / VOTE_QUANTUM_RAD)
        history = np.concatenate([np.zeros(SIDE_VOTES - self._votes.size), self._votes, votes])
        total = np.cumsum(history)
        balance = total[SIDE_VOTES:] - total[: votes.size]
        self._votes = history[-SIDE_VOTES:]
        side = np.where(balance == 0, self._sign, np.sign(balance))
        sure = np.abs(balance) >= SWAPPED_MIN_RAD / VOTE_QUANTUM_RAD * SIDE_VOTES
        return side, (side != self._sign) & sure

    def _find_toe_offs(self, stream: PodStream, *, last: bool) -> None:
        """Stage two: toe-offs, first by the window of a run; if it is not there, by that of a walk."""
        if not self._open.anchor.size:
            return
        ready = np.full(self._open.anchor.size, WALK_AHEAD) if last else stream.end - self._open.anchor
        for ahead, final in ((RUN_AHEAD, False), (EARLY_AHEAD, False), (WALK_AHEAD, True)):
            rows = np.flatnonzero(~self._open.settled & (ready >= ahead) & (self._open.looked < ahead))
            self._open.looked[rows] = ahead
            for first in range(0, rows.size, BATCH):
                self._toe_off(stream, rows[first : first + BATCH], ahead, final=final)

    def _toe_off(self, stream: PodStream, rows: npt.NDArray[np.intp], ahead: int, *, final: bool) -> None:
        anchor = self._open.anchor[rows]
        signals = window_signals(stream, anchor, ahead)
        mirror(signals, self._open.side[rows])
        limit = events.PRE + ahead - TOE_OFF_TAIL
        if final:
            toe_off = anchor - events.PRE + events.walking_toe_off(signals, limit)
            inside = np.isfinite(toe_off)
        else:
            anchors = events.toe_off_anchors(signals, limit)
            toe_off = anchor - events.PRE + self._models.toe_off(signals, anchors)
            inside = anchors.tilt + events.UNLOAD_LAST <= limit
        seen = toe_off < stream.end
        self._open.toe_off[rows] = np.where(inside & seen & (toe_off > self._open.contact[rows]), toe_off, np.nan)
        self._open.settled[rows] = inside | final

    def _measure(self, stream: PodStream, *, last: bool) -> list[Contacts]:
        """Stage three: kinematics of the strides whose contacts are settled, in order."""
        settled = self._open.settled
        n = settled.size if last or settled.all() else int(np.argmin(settled))
        if not n:
            return []
        done = self._open.split(n)
        return [self._finish_batch(stream, done.split(BATCH)) for _ in range(-(-n // BATCH))]

    def _finish_batch(self, stream: PodStream, part: _Open) -> Contacts:
        duration = part.toe_off - part.contact
        cut = np.where(np.isfinite(duration), part.contact + kinematics.CUT_PHASE * duration, np.nan)
        end = np.where(np.isfinite(cut), np.rint(cut), NO_CUT).astype(np.int64)
        before = self._previous or (NO_CUT, np.nan)
        begin = np.concatenate([[before[0]], end[:-1]])
        previous = np.concatenate([[before[1]], part.contact[:-1]])
        self._previous = (int(end[-1]), float(part.contact[-1]))
        length = end - begin
        whole = (begin != NO_CUT) & (end != NO_CUT) & (length >= STRIDE_MIN) & (length <= STRIDE_MAX)
        unsure = stream.unsure_at(part.anchor)
        clean, defects = _defects(stream, part, np.where(whole, begin, part.anchor - events.PRE))
        features = {name: np.full(part.anchor.size, np.nan) for name in FEATURES}
        short = whole & (length <= RUN_STRIDE_MAX) & (duration <= RUN_CONTACT_MAX)
        for rows in (np.flatnonzero(short), np.flatnonzero(whole & ~short)):
            if not rows.size:
                continue
            strides = kinematics.Strides(begin[rows], end[rows], part.contact[rows], duration[rows], part.side[rows])
            signals = stream.foot.windows(*kinematics.window_of(strides))
            measured = kinematics.measure(signals, strides)
            for name in FEATURES:
                features[name][rows] = measured[name]
        return Contacts(
            part.contact / GRID_HZ, part.toe_off / GRID_HZ, previous / GRID_HZ, clean, defects, unsure, part.swapped,
            features,
        )  # fmt: skip


def window_signals(stream: PodStream, anchor: IntArray, ahead: int) -> Float32Array:
    """Windows (n, 6, w) of the foot frame, unmirrored, from ``PRE`` before to ``ahead`` after each anchor."""
    return stream.foot.windows(anchor - events.PRE, events.PRE + ahead)


def mirror(signals: Float32Array, side: FloatArray) -> None:
    """Turn windows of right feet into those of left feet, in place."""
    for channel in MIRRORED:
        signals[:, channel] *= side[:, None].astype(np.float32)


def _defects(stream: PodStream, part: _Open, begin: IntArray) -> tuple[FloatArray, npt.NDArray[np.uint8]]:
    """Share of clean samples and the defects from ``begin`` to toe-off of each contact."""
    known = np.isfinite(part.toe_off)
    toe_off = np.ceil(np.where(known, part.toe_off, 0.0)).astype(np.int64)
    end = np.where(known, toe_off, part.anchor + events.CONTACT_AHEAD)
    seen = stream.flags.view(int(begin.min()), int(end.max()))[0]
    first = max(int(begin.min()), stream.flags.first)
    begin = np.clip(begin - first, 0, seen.size)
    end = np.clip(end - first, begin, seen.size)
    if not seen.any():
        return np.ones(begin.size), np.zeros(begin.size, np.uint8)
    counts = np.cumsum((seen & DEFECTS[:, None]) != 0, axis=1)
    counts = np.concatenate([np.zeros((DEFECTS.size, 1), np.int64), counts], axis=1)
    present = counts[:, end] > counts[:, begin]
    bad = np.concatenate([[0], np.cumsum(seen != 0)])
    share = 1 - (bad[end] - bad[begin]) / np.maximum(end - begin, 1)
    return share, np.where(present, DEFECTS[:, None], 0).sum(axis=0).astype(np.uint8)
