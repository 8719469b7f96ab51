"""Time stamps of an import: counters unwrapped, packets spread, units checked, clocks of two pods related."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from soleus.model import FloatArray, Foot
from soleus.recording.files import RecordingError
from soleus.recording.tally import Tally

TICKS_PER_S: Final = {"s": 1.0, "ms": 1e3, "us": 1e6, "ns": 1e9}
"""Ticks in a second by unit."""
MIN_RATE_HZ: Final = 20.0
"""Slowest rate accepted [Hz]: below it a contact of 0.2 s is not sampled four times."""
MAX_RATE_HZ: Final = 3400.0
"""Fastest rate accepted [Hz]: the fastest of the pods supported (3328 Hz) and a margin."""
LOW_RATE_HZ: Final = 50.0
"""Rate below which a note is made [Hz]: the slowest rate the analysis was made for."""
MIN_SAMPLES: Final = 2
"""Samples needed to know a rate."""
MAX_SHARED_SHARE: Final = 0.5
"""Share of samples bearing their predecessor's stamp above which they must be packet stamps."""
EPOCH_RANGE_S: Final = (946_684_800.0, 4_102_444_800.0)
"""Stamps in this range [s since 1970] are calendar time: years 2000 to 2100."""
MIN_OVERLAP: Final = 0.5
"""Share of the shorter recording that two clocks must have in common to be taken for one clock."""

STEP_BIN_SHIFT: Final = 40
"""Trailing bits of a step's float64 that a bin leaves out: bins are 1/4096 of the step wide."""

Ticks = npt.NDArray[Any]


@dataclass(slots=True)
class StampSurvey:
    """What the stamps of a pod are like, gathered block by block [ticks of the pod's own clock].

    Attributes
    ----------
    n
        Stamps.
    n_shared, n_back
        Those equal to the one before, and those earlier than it.
    first, last, low, high
        First and last as recorded, least and largest.
    bins
        Rising steps, counted by the leading bits of their float64: :data:`STEP_BIN_SHIFT`.
    """

    n: int = 0
    n_shared: int = 0
    n_back: int = 0
    first: Any = None
    last: Any = None
    low: Any = None
    high: Any = None
    bins: Tally = field(default_factory=Tally)

    def add(self, ticks: Ticks) -> None:
        """Take the next (n,) stamps."""
        if not ticks.size:
            return
        step = _steps(ticks, self.last)
        self.n += ticks.size
        self.n_shared += int(np.count_nonzero(step == 0))
        self.n_back += int(np.count_nonzero(step < 0))
        self.bins.add(_bin(step[step > 0]))
        self.first = ticks[0] if self.first is None else self.first
        self.last = ticks[-1]
        self.low = ticks.min() if self.low is None else min(self.low, ticks.min())
        self.high = ticks.max() if self.high is None else max(self.high, ticks.max())

    def middle_bins(self) -> tuple[int, int]:
        """Bins of the one or two rising steps in the middle of all."""
        n = len(self.bins)
        return self.bins.at_rank((n - 1) // 2), self.bins.at_rank(n // 2)


def _steps(ticks: Ticks, before: Any) -> Ticks:  # noqa: ANN401 - a scalar of the stamps' type, or None
    return np.diff(ticks) if before is None else np.diff(ticks, prepend=before)


def _bin(step: Ticks) -> npt.NDArray[np.int64]:
    return np.asarray(step, np.float64).view(np.int64) >> STEP_BIN_SHIFT


def _bin_edge(number: int) -> float:
    return float(np.array([number << STEP_BIN_SHIFT], np.int64).view(np.float64)[0])


@dataclass(slots=True)
class Clocked:
    """Stamps of one pod, not yet session time: ticks of the pod's own clock.

    ``again`` brings the stamps once more, block by block.
    """

    path: Path
    foot: Foot
    survey: StampSurvey
    again: Callable[[], Iterator[Ticks]]
    unit: str
    keep_origin: bool
    calendar: bool
    zone_known: bool

    @property
    def start_s(self) -> float:
        """Earliest stamp [s on the pod's clock]."""
        return float(self.survey.low) / TICKS_PER_S[self.unit]

    @property
    def end_s(self) -> float:
        """Latest stamp [s on the pod's clock]."""
        return float(self.survey.high) / TICKS_PER_S[self.unit]

    def usual_step(self) -> float:
        """Median of the rising steps [ticks], NaN if there are none; reads the stamps once more."""
        if not len(self.survey.bins):
            return float("nan")
        lowest, highest = self.survey.middle_bins()
        keys, counts = self.survey.bins.items()
        below, n = int(counts[keys < lowest].sum()), len(self.survey.bins)
        middle, before = Tally(), None
        for ticks in self.again():
            step = _steps(ticks, before)
            before = ticks[-1]
            rising = np.asarray(step[step > 0], np.float64)
            key = _bin(rising)
            middle.add(rising[(key >= lowest) & (key <= highest)])
        return float(np.median([middle.at_rank((n - 1) // 2 - below), middle.at_rank(n // 2 - below)]))


class Unwrapper:
    """Continues a counter of some bits past its overflow, block by block.

    Examples
    --------
    >>> unwrap = Unwrapper(8)
    >>> unwrap(np.array([250.0, 255.0])), unwrap(np.array([4.0, 9.0]))
    (array([250., 255.]), array([260., 265.]))
    """

    def __init__(self, bits: int) -> None:
        self._bits = bits
        self._last: Any = None
        self._turns = 0

    def __call__(self, ticks: Ticks) -> Ticks:
        """Unwrap the next (n,) counter values."""
        if not ticks.size:
            return ticks
        step = np.diff(ticks, prepend=ticks[0] if self._last is None else self._last)
        half = 2.0 ** (self._bits - 1)
        # A late packet from before the overflow jumps forward by almost a whole turn: count that turn back.
        turns = self._turns + np.cumsum((step < -half).astype(np.int64) - (step > half).astype(np.int64))
        self._last, self._turns = ticks[-1], int(turns[-1])
        return np.asarray(ticks + turns * 2.0**self._bits)


def check_stamps(clocked: Clocked) -> list[str]:
    """Check that the stamps can be a pod's; return what the user should know.

    Parameters
    ----------
    clocked
        The pod's stamps.

    Raises
    ------
    RecordingError
        If there is one sample only, all stamps are the same, most run backwards or are shared, or the rate is
        beyond all pods, as with a wrong unit.
    """
    path, foot, survey = clocked.path, clocked.foot.label, clocked.survey
    if survey.n < MIN_SAMPLES:
        raise RecordingError(f"{path}: only one sample of the {foot} foot; export it again")
    n_steps, n_shared, n_back = survey.n - 1, survey.n_shared, survey.n_back
    if n_shared == n_steps:
        raise RecordingError(f"{path}: all stamps of the {foot} foot are the same; is this the time column?")
    if n_back > n_steps / 2:
        raise RecordingError(f"{path}: time runs backwards ({foot} foot); sort the file by time")
    if n_shared > MAX_SHARED_SHARE * n_steps:
        raise RecordingError(
            f"{path}: {n_shared} of {n_steps} samples share their predecessor's stamp ({foot} foot); if these are "
            "stamps of radio packets, set time.packet_stamps = true in the profile"
        )
    notes = [] if _surely_good_rate(clocked) else _check_rate(clocked, clocked.usual_step())
    if n_shared or n_back:
        notes.append(
            f"{foot}: {n_shared} samples with the stamp of the one before, {n_back} stamps running backwards; "
            "kept as recorded"
        )
    return notes


def _surely_good_rate(clocked: Clocked) -> bool:
    """Tell whether the median step, known to its bin, makes a rate that needs no word."""
    if not len(clocked.survey.bins):
        return False
    lowest, highest = clocked.survey.middle_bins()
    shortest, longest = _bin_edge(lowest), _bin_edge(highest + 1)
    ticks_per_s = TICKS_PER_S[clocked.unit]
    return longest * LOW_RATE_HZ <= ticks_per_s <= shortest * MAX_RATE_HZ


def _check_rate(clocked: Clocked, step: float) -> list[str]:
    path, foot = clocked.path, clocked.foot.label
    rate_hz = TICKS_PER_S[clocked.unit] / step
    if MIN_RATE_HZ <= rate_hz <= MAX_RATE_HZ:
        low = rate_hz < LOW_RATE_HZ
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


@dataclass(frozen=True, slots=True)
class SessionClock:
    """How a pod's ticks become session time; without origin they are session time but for the unit."""

    origin: Any
    ticks_per_s: float

    def time_s(self, ticks: Ticks) -> FloatArray:
        """(n,) float64 session time of (n,) ticks [s]."""
        since = ticks if self.origin is None else ticks - self.origin
        return np.asarray(since / self.ticks_per_s, np.float64)


def session_clocks(pods: Sequence[Clocked]) -> tuple[list[SessionClock], datetime | None, list[str]]:
    """Put all pods on one session clock.

    Parameters
    ----------
    pods
        Stamps of each pod.

    Returns
    -------
    clocks
        What makes session time of each pod's ticks.
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
        return [SessionClock(None, TICKS_PER_S[p.unit]) for p in pods], None, notes
    origin = min(p.survey.low for p in pods)
    clocks = [SessionClock(origin if shared else p.survey.low, TICKS_PER_S[p.unit]) for p in pods]
    start_utc = None
    if epoch and shared:
        if all(p.zone_known or not p.calendar for p in pods):
            start_utc = datetime.fromtimestamp(min(starts_s), UTC)
        else:
            wall = datetime.fromtimestamp(min(starts_s), UTC).replace(tzinfo=None).isoformat(" ", "milliseconds")
            notes.append(f"the recording starts at {wall} on a clock whose time zone the file does not tell")
    return clocks, start_utc, notes


def _overlap(pods: Sequence[Clocked]) -> float:
    """Share of the shortest recording that all have in common."""
    common = min(p.end_s for p in pods) - max(p.start_s for p in pods)
    shortest = min(p.end_s - p.start_s for p in pods)
    return common / shortest if shortest > 0 else 0.0
