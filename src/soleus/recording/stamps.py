"""Time stamps of an import: counters unwrapped, packets spread, units checked, clocks of two pods related."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from soleus.model import FloatArray, Foot
from soleus.recording.files import RecordingError

TICKS_PER_S: Final = {"s": 1.0, "ms": 1e3, "us": 1e6, "ns": 1e9}
"""Ticks in a second by unit."""
MIN_RATE_HZ: Final = 20.0
"""Slowest rate accepted [Hz]: below it a contact of 0.2 s is not sampled four times."""
MAX_RATE_HZ: Final = 3400.0
"""Fastest rate accepted [Hz]: the fastest of the pods supported (3328 Hz) and a margin."""
LOW_RATE_HZ: Final = 50.0
"""Rate below which a note is made [Hz]: the slowest rate the analysis was made for."""
MAX_SHARED_SHARE: Final = 0.5
"""Share of samples bearing their predecessor's stamp above which they must be packet stamps."""
EPOCH_RANGE_S: Final = (946_684_800.0, 4_102_444_800.0)
"""Stamps in this range [s since 1970] are calendar time: years 2000 to 2100."""
MIN_OVERLAP: Final = 0.5
"""Share of the shorter recording that two clocks must have in common to be taken for one clock."""

Ticks = npt.NDArray[Any]


@dataclass(slots=True)
class Clocked:
    """Stamps of one pod, not yet session time: ticks of the pod's own clock."""

    path: Path
    foot: Foot
    ticks: Ticks
    unit: str
    keep_origin: bool
    calendar: bool
    zone_known: bool

    @property
    def start_s(self) -> float:
        """Earliest stamp [s on the pod's clock]."""
        return float(self.ticks.min()) / TICKS_PER_S[self.unit]

    @property
    def end_s(self) -> float:
        """Latest stamp [s on the pod's clock]."""
        return float(self.ticks.max()) / TICKS_PER_S[self.unit]


def unwrap(ticks: Ticks, bits: int) -> Ticks:
    """Continue a counter of some bits past its overflow.

    Parameters
    ----------
    ticks
        (n,) counter values.
    bits
        Width of the counter.

    Examples
    --------
    >>> unwrap(np.array([250.0, 255.0, 4.0, 9.0]), 8)
    array([250., 255., 260., 265.])
    """
    step = np.diff(ticks)
    half = 2.0 ** (bits - 1)
    # A late packet from before the overflow jumps forward by almost a whole turn: count that turn back.
    turns = np.cumsum((step < -half).astype(np.int64) - (step > half).astype(np.int64))
    unwrapped = ticks.copy()
    unwrapped[1:] += turns * 2.0**bits
    return unwrapped


def spread_packets(ticks: Ticks) -> Ticks:
    """Spread samples that share their packet's stamp evenly from it on.

    Parameters
    ----------
    ticks
        (n,) stamps, equal within a packet.

    Returns
    -------
    ndarray
        (n,) stamps one sample apart; a lost packet leaves its gap.

    Examples
    --------
    >>> spread_packets(np.array([0.0, 0.0, 10.0, 10.0, 20.0, 20.0, 60.0, 60.0]))
    array([ 0.,  5., 10., 15., 20., 25., 60., 65.])
    """
    first = np.flatnonzero(np.concatenate([[True], np.diff(ticks) != 0]))
    size = np.diff(np.concatenate([first, [ticks.size]]))
    if first.size < MIN_PACKETS:
        return ticks
    own = np.diff(ticks[first]) / size[:-1]
    usual = float(np.median(own))
    # After the last packet, before a lost one and at a reversal the next stamp tells nothing: take the usual step.
    step = np.full(first.size, usual)
    good = (own > 0) & (own < USUAL_STEPS * usual)
    step[:-1][good] = own[good]
    rank = np.arange(ticks.size) - np.repeat(first, size)
    return np.asarray(ticks + rank * np.repeat(step, size))


MIN_PACKETS: Final = 2
"""Packets needed to know a sample's length."""
USUAL_STEPS: Final = 1.5
"""A packet that takes longer than this many usual ones was followed by a lost one."""


def check_stamps(clocked: Clocked, *, keep_unit_quiet: bool = False) -> list[str]:
    """Check that the stamps can be a pod's; return what the user should know.

    Parameters
    ----------
    clocked
        The pod's stamps.
    keep_unit_quiet
        Do not note a low rate.

    Raises
    ------
    RecordingError
        If there is one sample only, all stamps are the same, most run backwards or are shared, or the rate is
        beyond all pods, as with a wrong unit.
    """
    path, foot, ticks = clocked.path, clocked.foot.label, clocked.ticks
    if ticks.size < MIN_PACKETS:
        raise RecordingError(f"{path}: only one sample of the {foot} foot; export it again")
    step = np.diff(ticks)
    n_shared, n_back = int(np.count_nonzero(step == 0)), int(np.count_nonzero(step < 0))
    if n_shared == step.size:
        raise RecordingError(f"{path}: all stamps of the {foot} foot are the same; is this the time column?")
    if n_back > step.size / 2:
        raise RecordingError(f"{path}: time runs backwards ({foot} foot); sort the file by time")
    if n_shared > MAX_SHARED_SHARE * step.size:
        raise RecordingError(
            f"{path}: {n_shared} of {step.size} samples share their predecessor's stamp ({foot} foot); if these are "
            "stamps of radio packets, set time.packet_stamps = true in the profile"
        )
    notes = _check_rate(clocked, float(np.median(step[step > 0])), quiet=keep_unit_quiet)
    if n_shared or n_back:
        notes.append(
            f"{foot}: {n_shared} samples with the stamp of the one before, {n_back} stamps running backwards; "
            "kept as recorded"
        )
    return notes


def _check_rate(clocked: Clocked, step: float, *, quiet: bool) -> list[str]:
    path, foot = clocked.path, clocked.foot.label
    rate_hz = TICKS_PER_S[clocked.unit] / step
    if MIN_RATE_HZ <= rate_hz <= MAX_RATE_HZ:
        low = rate_hz < LOW_RATE_HZ and not quiet
        return [f"{foot}: {rate_hz:.3g} Hz is too slow to time contacts well"] if low else []
    fitting = [(u, n / step) for u, n in TICKS_PER_S.items() if MIN_RATE_HZ <= n / step <= MAX_RATE_HZ]
    if fitting and not clocked.calendar:
        unit, true_hz = fitting[0]
        raise RecordingError(
            f"{path}: time steps of {step:g} {clocked.unit} would be {rate_hz:.3g} Hz; they look like {unit} "
            f"({true_hz:.4g} Hz): set time.unit = '{unit}' in the profile"
        )
    raise RecordingError(
        f"{path}: {rate_hz:.3g} Hz ({foot} foot) is no rate of a foot pod ({MIN_RATE_HZ:g}-{MAX_RATE_HZ:g} Hz); "
        "check the time column and its unit"
    )


def session_times(pods: Sequence[Clocked]) -> tuple[list[FloatArray], datetime | None, list[str]]:
    """Put all pods on one session clock.

    Parameters
    ----------
    pods
        Stamps of each pod.

    Returns
    -------
    times_s
        (n,) float64 session time of each pod's samples [s].
    start_utc
        Calendar time of session time zero, if the stamps tell it.
    notes
        What was decided.
    """
    same_kind = len({(p.unit, p.calendar) for p in pods}) == 1
    shared = len(pods) == 1 or (same_kind and _overlap(pods) >= MIN_OVERLAP)
    notes = []
    if not shared:
        notes.append("the two pods' clocks have nothing in common; both were made to start at zero")
    starts_s = [p.start_s for p in pods]
    epoch = all(EPOCH_RANGE_S[0] <= start < EPOCH_RANGE_S[1] for start in starts_s)
    if shared and not epoch and all(p.keep_origin for p in pods):
        return [np.asarray(p.ticks / TICKS_PER_S[p.unit], np.float64) for p in pods], None, notes
    origin = min(p.ticks.min() for p in pods)
    times_s: list[FloatArray] = [
        np.asarray((p.ticks - (origin if shared else p.ticks.min())) / TICKS_PER_S[p.unit], np.float64) for p in pods
    ]
    start_utc = None
    if epoch and shared:
        if all(p.zone_known or not p.calendar for p in pods):
            start_utc = datetime.fromtimestamp(min(starts_s), UTC)
        else:
            wall = datetime.fromtimestamp(min(starts_s), UTC).replace(tzinfo=None).isoformat(" ", "milliseconds")
            notes.append(f"the recording starts at {wall} on a clock whose time zone the file does not tell")
    return times_s, start_utc, notes


def _overlap(pods: Sequence[Clocked]) -> float:
    """Share of the shortest recording that all have in common."""
    common = min(p.end_s for p in pods) - max(p.start_s for p in pods)
    shortest = min(p.end_s - p.start_s for p in pods)
    return common / shortest if shortest > 0 else 0.0
