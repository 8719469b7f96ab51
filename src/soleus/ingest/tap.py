"""Which pod was tapped: a few short impacts in a row over quiet tell the foot that was asked to tap.

Pure: samples in, a verdict out. A tap is a peak of the acceleration's magnitude over its running median that is over
in a fraction of a second; walking and running have impacts as well, but no quiet between them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from soleus.model import CountArray, FloatArray

TAPS_ASKED: Final = 4
"""What the runner is asked for: one more than is needed, since a soft one may be missed."""
TAPS_MIN: Final = 3
"""Fewer in a row may be chance: putting the foot down, a knock against the treadmill."""
TAP_MPS2: Final = 15.0
"""Deviation of a tap at least [m/s²], 1.5 g: a toe that taps the floor makes 2-8 g at the laces, a fingertip on the pod
1.5-5 g; a foot set down with care stays below 1 g. Set on synthetic impacts; not yet tried on people."""
MERGE_S: Final = 0.15
"""Peaks closer than this are one tap and its ringing [s]."""
TAP_LENGTH_MAX_S: Final = 0.25
"""What lasts longer is a movement [s]."""
GAP_MAX_S: Final = 1.5
"""Taps further apart do not belong together [s]."""
MEDIAN_S: Final = 0.4
"""Width of the running median that the impacts stand out of [s]: longer than an impact, shorter than a step."""
QUIET_MPS2: Final = 4.0
"""Three quarters of the time between taps the deviation is below this [m/s²]; in walking it is not."""
QUIET_DPS: Final = 200.0
"""Three quarters of that time the foot turns more slowly than this [°/s]: a tapping foot swings by some 12° twice a
second, about 140 °/s; one that walks at 1.0 m/s or more makes 280 °/s (simulated)."""
QUIET_SHARE: Final = 0.75
AROUND_S: Final = 0.5
"""Quiet is looked for from this long before the first to this long after the last tap [s], ..."""
BESIDE_S: Final = 0.1
"""... this far from each [s]."""
FAR_STRONGER: Final = 3.0
"""A pod that was tapped feels this many times more than one that only feels the floor shake."""


@dataclass(frozen=True, slots=True)
class TapEvidence:
    """What one pod felt.

    Attributes
    ----------
    taps
        Taps of its longest quiet row.
    strength_mps2
        Median peak of these [m/s²].
    restless
        There were impacts, but no quiet between them.
    """

    taps: int
    strength_mps2: float = 0.0
    restless: bool = False

    @property
    def clear(self) -> bool:
        """Whether it was tapped."""
        return self.taps >= TAPS_MIN


@dataclass(frozen=True, slots=True)
class TapVerdict:
    """Which pod was tapped, ``None`` if that is not clear, and the sentence to tell."""

    pod: int | None
    sentence: str


def find_taps(counts: CountArray, accel_lsb_mps2: float, gyro_lsb_rads: float, rate_hz: float) -> TapEvidence:
    """Look for taps in the samples of one pod.

    Parameters
    ----------
    counts
        (6, n) int16, accelerometer first.
    accel_lsb_mps2, gyro_lsb_rads
        Value of a count [m/s²], [rad/s].
    rate_hz
        Sampling rate [Hz].

    Examples
    --------
    >>> still = np.zeros((6, 1600), np.int16)
    >>> still[2] = 2048
    >>> tapped = still.copy()
    >>> for at in (400, 520, 640, 760):
    ...     tapped[2, at : at + 4] += 9000
    >>> find_taps(still, 0.00479, 0.00107, 200.0).clear, find_taps(tapped, 0.00479, 0.00107, 200.0).taps
    (False, 4)
    """
    from scipy.ndimage import median_filter

    n = counts.shape[1]
    width = max(3, round(MEDIAN_S * rate_hz))
    if n <= width:
        return TapEvidence(0)
    magnitude = np.linalg.norm(counts[:3].astype(np.float64) * accel_lsb_mps2, axis=0)
    deviation = np.abs(magnitude - median_filter(magnitude, width, mode="nearest"))
    above = np.flatnonzero(deviation > TAP_MPS2)
    if not above.size:
        return TapEvidence(0)
    groups = np.split(above, np.flatnonzero(np.diff(above) > MERGE_S * rate_hz) + 1)
    short = [group for group in groups if group[-1] - group[0] <= TAP_LENGTH_MAX_S * rate_hz]
    peaks = np.array([group[int(deviation[group].argmax())] for group in short], np.int64)
    rows = np.split(peaks, np.flatnonzero(np.diff(peaks) > GAP_MAX_S * rate_hz) + 1) if peaks.size else []
    turning = np.linalg.norm(counts[3:].astype(np.float64) * np.degrees(gyro_lsb_rads), axis=0)
    quiet = [row for row in rows if _is_quiet(deviation, turning, row, rate_hz)]
    if not quiet:
        return TapEvidence(0, restless=len(groups) >= TAPS_MIN)
    best = max(quiet, key=len)
    restless = len(best) < TAPS_MIN <= len(groups)
    return TapEvidence(len(best), float(np.median(deviation[best])), restless)


def _is_quiet(
    deviation: FloatArray, turning_dps: FloatArray, peaks: np.ndarray[tuple[int], np.dtype[np.int64]], rate_hz: float
) -> bool:
    around, beside = round(AROUND_S * rate_hz), round(BESIDE_S * rate_hz)
    start, stop = max(0, int(peaks[0]) - around), min(deviation.size, int(peaks[-1]) + around)
    index = np.arange(start, stop)
    nearest = np.abs(index[:, None] - peaks[None, :]).min(axis=1)
    rest = index[nearest > beside]
    return bool(rest.size) and bool(
        np.quantile(deviation[rest], QUIET_SHARE) <= QUIET_MPS2
        and np.quantile(turning_dps[rest], QUIET_SHARE) <= QUIET_DPS
    )


def judge_taps(evidence: Sequence[TapEvidence]) -> TapVerdict:
    """Decide which of several pods was tapped.

    Examples
    --------
    >>> judge_taps([TapEvidence(0), TapEvidence(4, 40.0)])
    TapVerdict(pod=1, sentence='felt 4 taps')
    >>> judge_taps([TapEvidence(4, 30.0), TapEvidence(4, 40.0)]).pod is None
    True
    """
    tapped = sorted((i for i, one in enumerate(evidence) if one.clear), key=lambda i: -evidence[i].strength_mps2)
    if not tapped:
        if any(one.restless for one in evidence):
            return TapVerdict(None, "the feet moved too much to tell taps; stand still, then tap one foot only")
        most = max((one.taps for one in evidence), default=0)
        felt = "no taps were felt" if not most else f"only {most} of {TAPS_ASKED} taps were felt"
        return TapVerdict(None, f"{felt}; tap the toe on the floor, firmly, {TAPS_ASKED} times in a row")
    first = tapped[0]
    if len(tapped) > 1 and evidence[first].strength_mps2 < FAR_STRONGER * evidence[tapped[1]].strength_mps2:
        return TapVerdict(None, "several pods felt taps; hold the other foot still")
    return TapVerdict(first, f"felt {evidence[first].taps} taps")
