"""``soleus screen``: the calf-raise test, the knee-to-wall test, and the soreness questions."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final, Literal

from cyclopts import Parameter, validators

from soleus.cli.errors import UsageError
from soleus.cli.questions import BodySide
from soleus.cli.screen_keep import AS_USUAL, Flag, Keeping
from soleus.cli.screen_live import FROM_RECORDING, Live
from soleus.cli.screen_recording import Side

if TYPE_CHECKING:
    from soleus.model import Foot, Runner
    from soleus.screening import CalfRaiseResult

CM: Final = 100.0


def calf_raise(
    recording: list[Path] | None = None,
    /,
    *,
    foot: Side | None = None,
    knee: Literal["straight", "bent"] = "straight",
    shank_pod: Side | None = None,
    left: Annotated[int | None, Parameter(validator=validators.Number(gte=0, lte=1000))] = None,
    right: Annotated[int | None, Parameter(validator=validators.Number(gte=0, lte=1000))] = None,
    runner: Path | None = None,
    profile: str | None = None,
    live: Live = FROM_RECORDING,
    keeping: Keeping = AS_USUAL,
) -> None:
    """Count single-leg calf raises, and say how they fade and compare.

    From a recording, live from the pods (--live), or counted by eye (--left, --right). How to do the test is in the
    guide to the screening tests.

    Parameters
    ----------
    recording
        Recording of the test with the pod on the foot of the standing leg; or --live, or counts by --left and --right.
    foot
        The leg tested: whose pod to count, if both were on.
    knee
        Which variant: with the knee straight, or bent.
    shank_pod
        A second pod on the shank of the same leg, by its name, to see that the knee stays bent.
    left
        Repetitions of the left leg, counted by eye.
    right
        Repetitions of the right leg, counted by eye.
    runner
        Runner's file: height gives heel heights, mass work, age and sex norms. By default that of the
        recording, else the runner's own.
    profile
        How to read the recording's columns.
    live
        Recording it now.
    keeping
        What becomes of it.
    """
    from soleus.cli.screen_keep import finish
    from soleus.cli.screen_recording import calf_raise_body, count
    from soleus.cli.screen_text import calf_raise_lines
    from soleus.history import CalfRaise

    _one_source(recording, live, by_eye=left is not None or right is not None)
    if shank_pod is not None and knee != "bent":
        raise UsageError("--shank-pod goes with --knee bent; the straight knee is for the eye")
    if shank_pod is not None and foot is None:
        raise UsageError("with --shank-pod, say by --foot which leg is tested")
    who = _runner(runner)
    results: list[CalfRaiseResult] = []
    when = None
    if live.live:
        recording = [_count_live(live, foot, knee, shank_pod, who, quiet=keeping.json)]
    if recording:
        given = None if runner is None else who
        results, when, who = count(recording, given, profile, foot=foot, knee=knee, shank_pod=shank_pod)
        bodies = [calf_raise_body(result, foot) for result in results]
    else:
        told: list[tuple[Side, int | None]] = [("left", left), ("right", right)]
        bodies = [
            CalfRaise(foot=side, knee=knee, repetitions=n, ended_by="by eye") for side, n in told if n is not None
        ]
    finish(bodies, calf_raise_lines(bodies, results, who), who, keeping, when)


def knee_to_wall(
    recording: list[Path] | None = None,
    /,
    *,
    foot: Side,
    shank_pod: Side | None = None,
    heel_pod: Side | None = None,
    distance: str | None = None,
    profile: str | None = None,
    live: Live = FROM_RECORDING,
    keeping: Keeping = AS_USUAL,
) -> None:
    """Measure how far the shank leans over the foot with the heel down.

    From a recording, live from the pods (--live), or by tape (--distance). How to do the test is in the guide to the
    screening tests.

    Parameters
    ----------
    recording
        Recording with a pod on the shank: two seconds upright, then the knee held at the wall for three seconds.
    foot
        The ankle tested.
    shank_pod
        Which pod was on the shank, by its name; by default the only one, or that of the foot tested.
    heel_pod
        A second pod on the foot of the same leg, by its name, to see whether the heel lifts.
    distance
        Distance of the toes from the wall, measured by hand: 9cm.
    profile
        How to read the recording's columns.
    live
        Recording it now.
    keeping
        What becomes of it.
    """
    from soleus.cli.screen_keep import finish
    from soleus.cli.screen_recording import read_motions, take_pod
    from soleus.cli.screen_text import knee_to_wall_lines, parse_centimetres
    from soleus.history import KneeToWall
    from soleus.model import Foot
    from soleus.screening import measure_knee_to_wall

    _one_source(recording, live, by_eye=distance is not None)
    if heel_pod is not None and heel_pod == (shank_pod or foot):
        raise UsageError("--heel-pod and --shank-pod name the same pod; give two")
    if live.live:
        recording = [_measure_live(live, foot, shank_pod, heel_pod, quiet=keeping.json)]
    result = when = None
    if recording:
        motions, when, _ = read_motions(recording, profile)
        shank = take_pod(motions, shank_pod or (foot if Foot.parse(foot) in motions else None))
        heel = None if heel_pod is None else take_pod(motions, heel_pod)
        result = measure_knee_to_wall(foot, shank, heel)
    body = KneeToWall(
        foot=foot,
        angle_deg=None if result is None else result.angle_deg,
        distance_m=None if distance is None else parse_centimetres(distance) / CM,
        heel_down=None if result is None or result.heel_lift_deg is None else result.angle_deg is not None,
    )
    finish([body], knee_to_wall_lines(body, result), _runner(None), keeping, when)


def soreness(
    *,
    pain: Annotated[float | None, Parameter(validator=validators.Number(gte=0, lte=10))] = None,
    days: Annotated[float | None, Parameter(validator=validators.Number(gte=0, lte=20000))] = None,
    foot: BodySide | None = None,
    red_flag: Annotated[
        list[Literal["pop", "cannot-tiptoe", "swelling", "breathless", "numbness", "rest-pain", "fever", "bursting"]]
        | None,
        Parameter(negative=()),
    ] = None,
    no_red_flags: Flag = False,
    keeping: Keeping = AS_USUAL,
) -> None:
    """Ask how the calves are; red flags end all training advice and say where to go.

    Without options it asks. With options it needs --pain, and --red-flag (once for each) or --no-red-flags.

    Parameters
    ----------
    pain
        Soreness now, 0-10.
    days
        Days since it began.
    foot
        The side.
    red_flag
        A red flag that is there; may be given several times.
    no_red_flags
        None of them is there.
    keeping
        What becomes of the answers.
    """
    from soleus.cli.questions import ask, body_side, rating, yes_or_no
    from soleus.cli.questions import days as days_of
    from soleus.cli.screen_keep import finish
    from soleus.history import Soreness
    from soleus.screening import RED_FLAG_QUESTIONS
    from soleus.screening.questions import DAYS_QUESTION, FOOT_QUESTION, PAIN_QUESTION

    if red_flag and no_red_flags:
        raise UsageError("--red-flag and --no-red-flags contradict each other")
    flags = tuple(dict.fromkeys(red_flag or ()))
    asked = bool(flags) or no_red_flags
    if (pain is None or not asked) and not sys.stdin.isatty():
        missing = "--pain" if pain is None else "--red-flag or --no-red-flags"
        raise UsageError(f"nobody is here to be asked: {missing} is missing")
    if not asked:
        flags = tuple(flag for flag, question in RED_FLAG_QUESTIONS.items() if ask(question, yes_or_no, "y or n"))
    if pain is None:
        pain = ask(PAIN_QUESTION, rating, "a number from 0 to 10")
        if pain > 0 and days is None and not flags:
            days = ask(DAYS_QUESTION, days_of, "a number of days")
        if pain > 0 and foot is None and not flags:
            foot = ask(FOOT_QUESTION, body_side, "left, right or both")
    body = Soreness(pain=pain, foot=foot, days=days, red_flags=flags)
    finish([body], [], _runner(None), keeping)


def _one_source(recording: list[Path] | None, live: Live, *, by_eye: bool) -> None:
    """Check that a test comes from one source."""
    given = [bool(recording), live.live, by_eye]
    if sum(given) == 0:
        raise UsageError("give a recording of the test, --live to do it now, or what you counted or measured by hand")
    if live.live and recording:
        raise UsageError("give a recording, or --live to do the test now, not both")
    if (recording and by_eye) or (live.live and by_eye):
        raise UsageError("give a recording (or --live), or what you counted or measured by hand, not both")


def _count_live(
    live: Live,
    foot: Side | None,
    knee: Literal["straight", "bent"],
    shank_pod: Side | None,
    who: Runner,
    *,
    quiet: bool,
) -> Path:
    from soleus.cli.screen_live import count_aloud, record_test
    from soleus.screening import CalfRaiseWatch

    tell = _teller(quiet=quiet)
    shank = _foot(shank_pod)
    tell("Stand flat and still on one leg for two seconds, then raise the heel 30 times a minute, as high as you can.")
    if knee == "bent":
        tell("Stand upright first; then bend the knee and keep it bent until the end.")

    def begin(feet: list[Foot]) -> Callable[..., bool]:
        legs = [leg for leg in feet if leg != shank and (shank is not None or foot in {None, leg.label})]
        if not legs:
            raise UsageError(f"no pod on the {foot or 'tested'} foot was found; wake it up and bring it nearer")
        return count_aloud(CalfRaiseWatch(legs, who, knee, shank), tell)

    return record_test(live, "calf-raise", who, tell, begin)


def _measure_live(live: Live, foot: Side, shank_pod: Side | None, heel_pod: Side | None, *, quiet: bool) -> Path:
    from soleus.cli.screen_live import measure_aloud, record_test
    from soleus.model import Foot

    tell = _teller(quiet=quiet)
    tell("Stand upright and still for two seconds, then hold the knee at the wall for three, heel down.")

    def begin(feet: list[Foot]) -> Callable[..., bool]:
        tested = Foot.parse(foot)
        shank = _foot(shank_pod) or (tested if tested in feet else feet[0])
        return measure_aloud(foot, shank, _foot(heel_pod), tell)

    return record_test(live, f"knee-to-wall-{foot}", _runner(None), tell, begin)


def _foot(name: Side | None) -> Foot | None:
    from soleus.model import Foot

    return None if name is None else Foot.parse(name)


def _teller(*, quiet: bool) -> Callable[[str], None]:
    """Give what says a sentence; nothing where only JSON may be written."""
    from soleus.cli.terminal import screen

    console = screen()
    return (
        (lambda _sentence: None) if quiet else (lambda sentence: console.print(sentence, markup=False, soft_wrap=True))
    )


def _runner(file: Path | None) -> Runner:
    """Read the runner's file given, or the runner's own."""
    from soleus.history import owner_of_log
    from soleus.model import Runner
    from soleus.recording import load_runner

    return load_runner(file) if file is not None else owner_of_log() or Runner()
