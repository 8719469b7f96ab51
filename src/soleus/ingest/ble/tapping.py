"""Pairing by tapping: all pods listen, the runner taps the left foot, the pod that felt it is the left one."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

import numpy as np

from soleus.ingest.ble.backend import Backend, BluetoothError
from soleus.ingest.ble.events import Event, LinkGivenUp, PodReady, SamplesIn
from soleus.ingest.ble.ingest import Ingest
from soleus.ingest.ble.pairing import ROLE_OF, Paired, RememberedDevices, Role, pair
from soleus.ingest.ble.racing import end, within
from soleus.ingest.ble.scan import ScanRow
from soleus.ingest.protocols.family import Kind
from soleus.ingest.tap import TAPS_ASKED, TapEvidence, find_taps, judge_taps
from soleus.model import Foot, PodSamples

TAP_S: Final = 8.0
"""Time to tap one foot [s]."""
TAP_MIN_S: Final = 7.0
"""No less: before the clock of a pod is known, after some 5 s, its samples have no time [s]."""
UP_S: Final = 60.0
"""All pods must stream within this [s]."""
ALONE: Final = 2
"""With so many pods one foot tells the other."""


@dataclass(slots=True)
class _Heard:
    """What one pod sent."""

    ready: PodReady | None = None
    parts: list[PodSamples] = field(default_factory=list)

    def evidence(self, start_s: float, stop_s: float) -> TapEvidence:
        if self.ready is None or not self.parts:
            return TapEvidence(0)
        time_s = np.concatenate([part.time_s for part in self.parts])
        counts = np.concatenate([part.counts for part in self.parts], axis=1)
        inside = (time_s >= start_s) & (time_s < stop_s)
        if not inside.any():
            return TapEvidence(0)
        span_s = float(time_s[inside][-1] - time_s[inside][0])
        rate_hz = (int(inside.sum()) - 1) / span_s if span_s > 0 else 0.0
        info = self.ready.info
        return find_taps(counts[:, inside], info.accel_lsb_mps2, info.gyro_lsb_rads, rate_hz)


async def pair_by_tap(
    backend: Backend,
    rows: Sequence[ScanRow],
    seconds: float = TAP_S,
    *,
    remembered: RememberedDevices | None = None,
    tell: Callable[[str], None] | None = None,
) -> Paired:
    """Find out which pod sits on which foot; treadmill and strap get their roles as in :func:`pairing.pair`.

    Parameters
    ----------
    backend
        Which Bluetooth.
    rows
        Of a scan.
    seconds
        Time to tap a foot [s]; at least :data:`TAP_MIN_S` is taken.
    remembered
        Roles of earlier runs, for treadmill and strap.
    tell
        Called with what the runner shall do, when it is time.

    Returns
    -------
    Paired
        Where it is not clear, ``undecided`` holds the pods and the last note says why.

    Raises
    ------
    BluetoothError
        If there is no pod, or one does not stream.
    """
    pods = [row for row in rows if row.kind is Kind.POD and row.usable]
    if not pods:
        raise BluetoothError("no pod was seen that can be used: wake the pods up and scan again")
    others = pair([row for row in rows if row.kind is not Kind.POD], remembered)
    feet = (Foot.LEFT,) if len(pods) <= ALONE else (Foot.LEFT, Foot.RIGHT)
    heard, windows = await _listen(backend, pods, max(seconds, TAP_MIN_S), feet, tell or _say_nothing)
    roles: dict[Role, ScanRow] = {}
    notes: list[str] = []
    left_over = list(range(len(pods)))
    for foot, window in zip(feet, windows, strict=True):
        verdict = judge_taps([heard[i].evidence(*window) for i in left_over])
        if verdict.pod is None:
            notes.append(f"The {foot.label} foot was not found: {verdict.sentence}.")
            return Paired(others.roles, (*others.notes, *notes), tuple(pods))
        found = left_over.pop(verdict.pod)
        roles[ROLE_OF[foot]] = pods[found]
        notes.append(f"{_name(pods[found])} {verdict.sentence}: it is the {foot.label} pod.")
    if len(pods) == ALONE:
        (last,) = left_over
        roles[Role.RIGHT] = pods[last]
        notes.append(f"{_name(pods[last])} felt none: it is the right pod.")
    for foot, role in ROLE_OF.items():
        if role in roles and roles[role].foot not in {None, foot}:
            notes.append(f"{_name(roles[role])} calls itself the {foot.other.label} pod; the tapping is followed.")
    return Paired({**roles, **others.roles}, (*others.notes, *notes))


async def _listen(
    backend: Backend, pods: Sequence[ScanRow], seconds: float, feet: Sequence[Foot], tell: Callable[[str], None]
) -> tuple[list[_Heard], list[tuple[float, float]]]:
    """Let all pods stream while one foot after the other is tapped; give what came and when each was to be tapped."""
    clock = asyncio.get_running_loop().time
    start_s = clock()
    # The roles only name the streams: which foot it is will show.
    named = [(ROLE_OF[Foot.LEFT], replace(row, name=f"{_name(row)} ({i + 1})")) for i, row in enumerate(pods)]
    heard = {f"{role.value} {row.name}": _Heard() for role, row in named}
    given_up: list[str] = []

    def take(event: Event) -> None:
        match event:
            case PodReady():
                heard[event.device].ready = event
            case SamplesIn():
                heard[event.device].parts.append(event.samples)
            case LinkGivenUp():
                given_up.append(event.sentence)

    ingest = Ingest(backend, named, take, lambda: clock() - start_s)
    streaming = asyncio.ensure_future(ingest.run())
    windows = []
    try:
        try:
            await within(UP_S, ingest.wait_until_up())
        except TimeoutError as error:
            raise BluetoothError("not all pods could be connected: bring them nearer and try again") from error
        if given_up:
            raise BluetoothError(given_up[0])
        for foot in feet:
            tell(f"Stand still, then tap the {foot.label} toe firmly on the floor, {TAPS_ASKED} times in a row.")
            begin_s = clock() - start_s
            await asyncio.sleep(seconds)
            windows.append((begin_s, clock() - start_s))
        tell("Thank you.")
        ingest.stop()
        await streaming
    finally:
        await end(streaming)
    return list(heard.values()), windows


def _name(row: ScanRow) -> str:
    return row.name or row.address


def _say_nothing(_sentence: str) -> None:
    return
