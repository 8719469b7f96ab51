"""A recorded screening test: its pods' motion, when it was and who was tested, and what came of it."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from soleus.cli.errors import UsageError

if TYPE_CHECKING:
    from soleus.history import Body
    from soleus.model import Foot, Runner
    from soleus.screening import CalfRaiseResult, Knee, PodMotion

Side = Literal["left", "right"]


def read_motions(paths: list[Path], profile: str | None) -> tuple[dict[Foot, PodMotion], datetime | None, Runner]:
    """Read a test's recording: each pod's motion, when it was, and who was tested."""
    from soleus.recording import open_recording
    from soleus.screening import put_on_grid

    with open_recording(paths if len(paths) > 1 else paths[0], profile=profile) as reader:
        motions = {}
        for info in reader.pods:
            pieces = (piece for chunk in reader.chunks() for piece in chunk if piece.foot == info.foot)
            motions[info.foot] = put_on_grid(info, pieces)
        return motions, reader.start_utc, reader.runner


def count(
    paths: list[Path],
    given: Runner | None,
    profile: str | None,
    *,
    foot: Side | None,
    knee: Knee,
    shank_pod: Side | None,
) -> tuple[list[CalfRaiseResult], datetime | None, Runner]:
    """Count each pod's repetitions: the one asked for, or every leg that was tested; tell when, and who it was."""
    from soleus.cli.with_history import or_own_runner
    from soleus.screening import ScreeningError, count_calf_raises

    motions, when, recorded = read_motions(paths, profile)
    who = or_own_runner(recorded)[0] if given is None else given
    shank = None if shank_pod is None else take_pod(motions, shank_pod)
    if shank is not None:
        del motions[shank.foot]
        if not motions:
            raise UsageError("the recording has the shank's pod only; the raises are counted from one on the foot")
    if foot is not None or len(motions) == 1:
        taken = take_pod(motions, foot if shank is None else None)
        return [count_calf_raises(taken, who, knee, shank)], when, who
    results, refused = [], []
    for motion in motions.values():
        try:
            results.append(count_calf_raises(motion, who, knee))
        except ScreeningError as error:
            refused.append(error)
    if not results:
        raise refused[0]
    spans = [(each.each[0].start_s, each.each[-1].start_s) for each in results]
    if len(spans) > 1 and max(a for a, _ in spans) < min(b for _, b in spans):
        raise UsageError("both feet moved at once; test one leg at a time, or say with --foot which one stood")
    return results, when, who


def take_pod(motions: dict[Foot, PodMotion], name: Side | None) -> PodMotion:
    """Take the pod of a name, or the only one."""
    from soleus.model import Foot

    if name is None:
        if len(motions) == 1:
            return next(iter(motions.values()))
        raise UsageError("the recording has two pods; say which one to take")
    foot = Foot.parse(name)
    if foot not in motions:
        raise UsageError(f"the recording has no {name} pod; leave the option out")
    return motions[foot]


def calf_raise_body(result: CalfRaiseResult, foot: Side | None = None) -> Body:
    """Make what the log keeps of a calf-raise test; ``foot`` is the leg, if the pod is named otherwise."""
    from soleus.history import CalfRaise

    return CalfRaise(
        foot=foot or result.foot,
        knee=result.knee,
        repetitions=result.repetitions,
        peak_height_m=result.peak_height_m,
        total_height_m=result.total_height_m,
        work_j=result.work_j,
        pace_per_min=result.pace_per_min,
        height_change=result.height_change,
        speed_change=result.speed_change,
        ended_by=result.ended_by,
    )
