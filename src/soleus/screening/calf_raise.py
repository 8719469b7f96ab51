"""The single-leg calf-raise test from a pod on the foot: repetitions, heights, speeds, and when to stop counting.

Protocol: one leg, 30 repetitions a minute; the test ends when the heel cannot be lifted as high, the pace is lost or
the body compensates (Hébert-Losier 2017, doi:10.1016/j.physio.2017.03.002; Sleeswijk Visser 2025). Only the fall of
height and pace can be seen by a pod: knee, trunk and support of the hand need an eye. In the variant with the knee bent
(more soleus, less gastrocnemius) a second pod on the shank tells whether the knee stays bent.
"""

from __future__ import annotations

import itertools
from typing import Final, Literal

import msgspec
import numpy as np
from scipy.stats import theilslopes

from soleus.gait.grid import GRID_HZ
from soleus.model import FloatArray, Foot, Runner
from soleus.screening.errors import ScreeningError
from soleus.screening.pod_motion import GRAVITY_MPS2, PodMotion, angle_deg, low_pass, runs_of

UP_DEG: Final = 15.0
"""Pitch of the foot that begins a repetition [°] (design choice: 4 cm of heel rise)."""
DOWN_DEG: Final = 5.0
"""Pitch below which the heel is down again [°] (design choice)."""
SHORTEST_S, LONGEST_S = 0.8, 4.0
"""Duration of a repetition [s] (design choice around the 2 s of the metronome)."""
PAUSE_S: Final = 3.0
"""Time with the heel down that ends a set [s] (design choice)."""
REFERENCE: Final = slice(1, 4)
"""Repetitions 2-4 set the full height; the first is often tried out."""
FULL_SHARE: Final = 0.70
"""Share of the full height that a repetition must reach (design choice)."""
FAILS_TO_STOP: Final = 2
"""Low repetitions in a row that end the test."""
MIN_HEIGHT_M: Final = 0.05
"""Height that counts while there are fewer than four repetitions to set the full height [m] (design choice)."""
HEEL_TO_BALL: Final = 0.12
"""Heel to metatarsal heads over body height; 0.79 of the foot length of Winter 2009 (doi:10.1002/9780470549148)."""
CROSSOVER_HZ: Final = 0.08
"""Below it the tilt comes from gravity, above it from the gyroscope [Hz] (design choice: a sixth of the pace)."""
SMOOTH_HZ: Final = 6.0
"""Smoothing of the pitch [Hz]: a raise has nothing faster."""
STANDING_S: Final = 0.7
"""How long the foot must stand flat and still for its reference [s] (design choice)."""
MIN_ROTATION: Final = 0.6
"""Share of the rotation about one axis below which this was no calf raise (design choice)."""
MIN_TREND: Final = 5
"""Repetitions that a decline needs."""
BENT_DEG: Final = 10.0
"""Lean of the shank against upright standing below which the knee was straightened [°] (design choice)."""

Knee = Literal["straight", "bent"]


class Repetition(msgspec.Struct, frozen=True, kw_only=True):
    """One repetition.

    Attributes
    ----------
    start_s, duration_s
        When the heel left the ground, and until it was back [s].
    pitch_deg
        Highest pitch of the foot [°].
    height_m
        Rise of the heel [m]; ``None`` without the runner's height.
    speed
        Highest upward speed: [m/s] with the runner's height, else [°/s].
    full
        Whether it counts: high enough, and the knee bent where that was asked and seen.
    shank_lean_deg
        Lean of the shank against upright standing [°]; ``None`` without a pod on it.
    """

    start_s: float
    duration_s: float
    pitch_deg: float
    height_m: float | None
    speed: float
    full: bool
    shank_lean_deg: float | None = None


class CalfRaiseResult(msgspec.Struct, frozen=True, kw_only=True):
    """Result of one leg.

    Attributes
    ----------
    foot, knee
        The leg, and which variant.
    repetitions
        Repetitions that count.
    ended_by
        Why counting stopped: ``height`` (two low ones in a row), ``pause``, or ``end`` of the recording.
    pace_per_min
        Median pace.
    peak_height_m, total_height_m, work_j
        Highest, and sum over the counted repetitions [m]; work against gravity [J].
    height_change, speed_change
        Change from the first to the last counted repetition by a robust line, as a share of the first.
    low, odd
        Repetitions within the set that were too low, and movements too short or too long to be one.
    straightened
        Repetitions with the knee straight though it should be bent; ``None`` without a pod on the shank.
    each
        All repetitions of the set.
    """

    foot: Literal["left", "right"]
    repetitions: int
    ended_by: Literal["height", "pause", "end"]
    pace_per_min: float | None
    peak_height_m: float | None
    total_height_m: float | None
    work_j: float | None
    height_change: float | None
    speed_change: float | None
    low: int
    odd: int
    each: tuple[Repetition, ...]
    knee: Knee = "straight"
    straightened: int | None = None


def count_calf_raises(
    motion: PodMotion, runner: Runner | None = None, knee: Knee = "straight", shank: PodMotion | None = None
) -> CalfRaiseResult:
    """Count the calf raises of one leg: the longest set in the recording.

    Parameters
    ----------
    motion
        The pod on the foot of the standing leg, in any mounting; the foot stands flat before the first repetition.
    runner
        Height gives heel heights, mass gives work.
    knee
        Which variant was done.
    shank
        A second pod on the shank of the same leg, in any mounting, for the variant with the knee bent: the recording
        begins with upright standing.

    Raises
    ------
    ScreeningError
        If the foot never stood still, or there is no repetition.
    """
    who = runner or Runner()
    pitch_deg = heel_pitch_deg(motion)
    raises, odd = _raises(pitch_deg)
    if not raises:
        raise ScreeningError(
            f"no calf raise of the {motion.foot.label} foot was found; stand flat and still for two seconds first, and "
            "lift the heel by more than 4 cm"
        )
    arm_m = None if who.height_m is None else HEEL_TO_BALL * who.height_m
    speed_dps = np.gradient(pitch_deg) * GRID_HZ
    tops = [start + int(np.argmax(pitch_deg[start:stop])) for start, stop in raises]
    sines = np.sin(np.radians([pitch_deg[top] for top in tops]))
    speeds = []
    for (start, _), top in zip(raises, tops, strict=True):
        rising = slice(start, top + 1)
        if arm_m is None:
            speeds.append(float(speed_dps[rising].max()))
        else:
            upward = arm_m * np.cos(np.radians(pitch_deg[rising])) * np.radians(speed_dps[rising])
            speeds.append(float(upward.max()))
    first, last, ended_by = _longest_set(raises, sines, arm_m, pitch_deg.size)
    high = _full(sines[first:last], arm_m)
    leans = None if shank is None else _leans_deg(shank, motion.time_s, raises[first:last])
    bent = np.ones(high.size, bool) if leans is None else leans >= BENT_DEG
    full = high & bent
    each = tuple(
        Repetition(
            start_s=float(motion.time_s[raises[i][0]]),
            duration_s=(raises[i][1] - raises[i][0]) / GRID_HZ,
            pitch_deg=float(pitch_deg[tops[i]]),
            height_m=None if arm_m is None else float(arm_m * sines[i]),
            speed=speeds[i],
            full=bool(full[i - first]),
            shank_lean_deg=None if leans is None else float(leans[i - first]),
        )
        for i in range(first, last)
    )
    counted = [rep for rep in each if rep.full]
    heights = [rep.height_m for rep in counted if rep.height_m is not None]
    total_m = float(sum(heights)) if heights else None
    starts = np.array([rep.start_s for rep in each])
    return CalfRaiseResult(
        foot="left" if motion.foot is Foot.LEFT else "right",
        repetitions=len(counted),
        ended_by=ended_by,
        pace_per_min=60.0 / float(np.median(np.diff(starts))) if starts.size > 1 else None,
        peak_height_m=max(heights, default=None),
        total_height_m=total_m,
        work_j=None if total_m is None or who.mass_kg is None else who.mass_kg * GRAVITY_MPS2 * total_m,
        height_change=_change(np.sin(np.radians([rep.pitch_deg for rep in counted]))),
        speed_change=_change(np.array([rep.speed for rep in counted])),
        low=int(np.count_nonzero(~high)),
        odd=odd,
        each=each,
        knee=knee,
        straightened=None if leans is None else int(np.count_nonzero(~bent)),
    )


def heel_pitch_deg(motion: PodMotion) -> FloatArray:
    """Give how far the heel is tilted up from standing [°], shape ``(n,)``, whatever the pod's mounting.

    The gyroscope is integrated about the one axis that the foot turns about; what is slower than the test's pace comes
    from gravity, so that no drift is left.

    Raises
    ------
    ScreeningError
        If the foot never stood still, or turned about no one axis.
    """
    gyro = motion.gyro_rads - motion.bias
    standing = _standing(motion)
    up = motion.accel_mps2[:, standing].mean(axis=1)
    up /= np.linalg.norm(up)
    moments = gyro @ gyro.T
    # The foot turns about a level axis: what turns about the vertical is the body turning.
    level = np.eye(3) - np.outer(up, up)
    values, vectors = np.linalg.eigh(level @ moments @ level)
    if values[-1] < MIN_ROTATION * np.trace(moments):
        raise ScreeningError(
            f"the {motion.foot.label} foot does not tip about one axis; this is no calf raise of that foot"
        )
    axis = vectors[:, -1]
    ahead = np.cross(axis, up)
    turned = np.cumsum(axis @ gyro) / GRID_HZ
    force = low_pass(motion.accel_mps2, SMOOTH_HZ)
    # A pod that turns by +θ about the axis sees gravity turn by -θ.
    tilt = np.unwrap(np.arctan2(-(ahead @ force), up @ force))
    turned -= turned[standing].mean()
    pitch = low_pass(turned, SMOOTH_HZ) + low_pass(tilt - turned, CROSSOVER_HZ)
    pitch -= np.median(pitch[standing])
    lowest, highest = np.percentile(pitch, [2.0, 98.0])
    return np.degrees(pitch if highest >= -lowest else -pitch)


def _leans_deg(shank: PodMotion, time_s: FloatArray, raises: list[tuple[int, int]]) -> FloatArray:
    """Give the mean lean of the shank against upright standing in each repetition [°], shape ``(repetitions,)``."""
    upright = shank.direction(shank.upright())
    found = []
    for start, stop in raises:
        part = shank.between(time_s[start], time_s[stop - 1])
        if part.stop - part.start < SHORTEST_S * GRID_HZ / 2:
            raise ScreeningError("the pod on the shank did not record all repetitions; record both pods together")
        found.append(angle_deg(upright, shank.direction(part)))
    return np.array(found)


def _standing(motion: PodMotion) -> slice:
    """Find where the foot stands flat: the first still stretch that is long enough."""
    for start, stop in runs_of(motion.still):
        if stop - start >= STANDING_S * GRID_HZ:
            return slice(start, stop)
    raise ScreeningError(
        f"the {motion.foot.label} foot never stood still for {STANDING_S:g} s; stand flat for two seconds before the "
        "first repetition"
    )


def _raises(pitch_deg: FloatArray) -> tuple[list[tuple[int, int]], int]:
    """Find repetitions, from leaving the ground to being back on it, and count what is too short or too long."""
    found: list[tuple[int, int]] = []
    odd = 0
    for start, stop in runs_of(pitch_deg > DOWN_DEG):
        if pitch_deg[start:stop].max() <= UP_DEG or start == 0:
            continue
        if stop == pitch_deg.size or not SHORTEST_S <= (stop - start) / GRID_HZ <= LONGEST_S:
            odd += 1
            continue
        found.append((start, stop))
    return found, odd


def _longest_set(
    raises: list[tuple[int, int]], sines: FloatArray, arm_m: float | None, samples: int
) -> tuple[int, int, Literal["height", "pause", "end"]]:
    """Give the first and last (exclusive) repetition of the set with the most counted ones, and what ended it."""
    gaps = [b[0] - a[1] > PAUSE_S * GRID_HZ for a, b in itertools.pairwise(raises)]
    edges = [0, *(i + 1 for i, gap in enumerate(gaps) if gap), len(raises)]
    best: tuple[int, int, int, Literal["height", "pause", "end"]] = (-1, 0, 0, "end")
    for first, last in itertools.pairwise(edges):
        full = _full(sines[first:last], arm_m)
        cut = _stop(full)
        ended: Literal["height", "pause", "end"] = "height"
        if cut is None:
            rest_s = (samples - raises[last - 1][1]) / GRID_HZ
            ended = "pause" if last < len(raises) or rest_s > PAUSE_S else "end"
        stop = last if cut is None else first + cut
        count = int(full[: stop - first].sum())
        if count > best[0]:
            best = (count, first, stop, ended)
    return best[1:]


def _full(sines: FloatArray, arm_m: float | None) -> np.ndarray[tuple[int, ...], np.dtype[np.bool_]]:
    """Tell which repetitions reach their height: 70 % of that of the second to fourth."""
    if sines.size >= REFERENCE.stop:
        return np.asarray(sines >= FULL_SHARE * sines[REFERENCE].mean())
    return np.ones(sines.size, bool) if arm_m is None else np.asarray(arm_m * sines >= MIN_HEIGHT_M)


def _stop(full: np.ndarray[tuple[int, ...], np.dtype[np.bool_]]) -> int | None:
    """Give the repetition at which counting stops: the first of two low ones in a row."""
    low = ~full
    pairs = np.flatnonzero(low[:-1] & low[1:])
    return int(pairs[0]) if pairs.size else None


def _change(values: FloatArray) -> float | None:
    """Give the change from first to last along a Theil-Sen line, as a share of its start."""
    if values.size < MIN_TREND:
        return None
    slope, intercept, _, _ = theilslopes(values, np.arange(values.size))
    return float(slope * (values.size - 1) / intercept) if intercept > 0.0 else None
