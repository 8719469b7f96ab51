"""``soleus screen``: the calf-raise test, the knee-to-wall test, and the soreness questions."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final, Literal, TypeVar

from cyclopts import Parameter, validators

from soleus.cli.errors import UsageError

if TYPE_CHECKING:
    from datetime import datetime

    from soleus.history import Body
    from soleus.model import Foot, Runner
    from soleus.screening import CalfRaiseResult, PodMotion

HistoryFile = Annotated[Path | None, Parameter(name="--history")]
Flag = Annotated[bool, Parameter(negative=(), show_default=False)]
Side = Literal["left", "right"]
CM: Final = 100.0
MAX_PAIN: Final = 10.0
MAX_DAYS: Final = 20000.0
MAX_TRIES: Final = 3
"""How often a question is asked again before giving up."""
STOP_ON_PAIN: Final = "Stop a test as soon as it hurts. Results are no diagnosis."


def calf_raise(
    recording: list[Path] | None = None,
    /,
    *,
    foot: Side | None = None,
    left: Annotated[int | None, Parameter(validator=validators.Number(gte=0, lte=1000))] = None,
    right: Annotated[int | None, Parameter(validator=validators.Number(gte=0, lte=1000))] = None,
    runner: Path | None = None,
    profile: str | None = None,
    date: str | None = None,
    history: HistoryFile = None,
    no_history: Flag = False,
    json: Flag = False,
) -> None:
    """Count single-leg calf raises, and say how they fade and compare.

    Parameters
    ----------
    recording
        Recording of the test with the pod on the foot of the standing leg; or give counts by --left and --right.
    foot
        Which foot's pod to count, if both were on.
    left
        Repetitions of the left leg, counted by hand.
    right
        Repetitions of the right leg, counted by hand.
    runner
        Runner's file: height gives heel heights, mass work, age and sex norms. By default that of the
        recording, else the runner's own.
    profile
        How to read the recording's columns.
    date
        When it was, if the recording does not say; by default now.
    history
        The log that keeps the result; by default the runner's own.
    no_history
        Keep nothing.
    json
        Print the result as JSON.
    """
    from soleus.cli.screen_text import calf_raise_lines
    from soleus.history import CalfRaise

    who = _runner(runner)
    results: list[CalfRaiseResult] = []
    bodies: list[Body] = []
    when = None
    if recording:
        if left is not None or right is not None:
            raise UsageError("give a recording, or counts by --left and --right, not both")
        results, when, who = _count(recording, foot, None if runner is None else who, profile)
        bodies = [_calf_raise_body(result) for result in results]
    else:
        told: list[tuple[Side, int | None]] = [("left", left), ("right", right)]
        bodies = [CalfRaise(foot=side, repetitions=n, ended_by="by hand") for side, n in told if n is not None]
        if not bodies:
            raise UsageError("give a recording of the test, or counts by --left and --right")
    place = _place(history, no_history=no_history)
    _finish(bodies, calf_raise_lines(bodies, results, who), _moment(date, when), place, who, json=json)


def knee_to_wall(
    recording: list[Path] | None = None,
    /,
    *,
    foot: Side,
    shank_pod: Side | None = None,
    heel_pod: Side | None = None,
    distance: str | None = None,
    profile: str | None = None,
    date: str | None = None,
    history: HistoryFile = None,
    no_history: Flag = False,
    json: Flag = False,
) -> None:
    """Measure how far the shank leans over the foot with the heel down.

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
    date
        When it was, if the recording does not say; by default now.
    history
        The log that keeps the result; by default the runner's own.
    no_history
        Keep nothing.
    json
        Print the result as JSON.
    """
    from soleus.cli.screen_text import knee_to_wall_lines, parse_centimetres
    from soleus.history import KneeToWall
    from soleus.model import Foot
    from soleus.screening import measure_knee_to_wall

    if not recording and distance is None:
        raise UsageError("give a recording of the test, or the distance from the wall by --distance")
    result = when = None
    if recording:
        motions, when, _ = _motions(recording, profile)
        shank = _pod(motions, shank_pod or (foot if Foot.parse(foot) in motions else None))
        heel = None if heel_pod is None else _pod(motions, heel_pod)
        if heel is not None and heel.foot == shank.foot:
            raise UsageError("--heel-pod and --shank-pod name the same pod; give two")
        result = measure_knee_to_wall(foot, shank, heel)
    body = KneeToWall(
        foot=foot,
        angle_deg=None if result is None else result.angle_deg,
        distance_m=None if distance is None else parse_centimetres(distance) / CM,
        heel_down=None if result is None or result.heel_lift_deg is None else result.angle_deg is not None,
    )
    place = _place(history, no_history=no_history)
    _finish([body], knee_to_wall_lines(body, result), _moment(date, when), place, _runner(None), json=json)


def soreness(
    *,
    pain: Annotated[float | None, Parameter(validator=validators.Number(gte=0, lte=10))] = None,
    days: Annotated[float | None, Parameter(validator=validators.Number(gte=0, lte=20000))] = None,
    foot: Literal["left", "right", "both"] | None = None,
    red_flag: Annotated[
        list[Literal["pop", "cannot-tiptoe", "swelling", "breathless", "numbness", "rest-pain", "fever", "bursting"]]
        | None,
        Parameter(negative=()),
    ] = None,
    no_red_flags: Flag = False,
    date: str | None = None,
    history: HistoryFile = None,
    no_history: Flag = False,
    json: Flag = False,
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
    date
        When this was so; by default now.
    history
        The log that keeps the answers; by default the runner's own.
    no_history
        Keep nothing.
    json
        Print the result as JSON.
    """
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
        flags = tuple(flag for flag, question in RED_FLAG_QUESTIONS.items() if _ask(question, _yes_or_no, "y or n"))
    if pain is None:
        pain = _ask(PAIN_QUESTION, _rating, "a number from 0 to 10")
        if pain > 0 and days is None and not flags:
            days = _ask(DAYS_QUESTION, _days, "a number of days")
        if pain > 0 and foot is None and not flags:
            foot = _ask(FOOT_QUESTION, _side, "left, right or both")
    body = Soreness(pain=pain, foot=foot, days=days, red_flags=flags)
    _finish([body], [], _moment(date), _place(history, no_history=no_history), _runner(None), json=json)


def _count(
    paths: list[Path], foot: Side | None, given: Runner | None, profile: str | None
) -> tuple[list[CalfRaiseResult], datetime | None, Runner]:
    """Count each pod's repetitions: the one asked for, or every leg that was tested; tell when, and who it was."""
    from soleus.cli.with_history import or_own_runner
    from soleus.screening import ScreeningError, count_calf_raises

    motions, when, recorded = _motions(paths, profile)
    who = or_own_runner(recorded)[0] if given is None else given
    if foot is not None or len(motions) == 1:
        return [count_calf_raises(_pod(motions, foot), who)], when, who
    results, refused = [], []
    for motion in motions.values():
        try:
            results.append(count_calf_raises(motion, who))
        except ScreeningError as error:
            refused.append(error)
    if not results:
        raise refused[0]
    spans = [(each.each[0].start_s, each.each[-1].start_s) for each in results]
    if len(spans) > 1 and max(a for a, _ in spans) < min(b for _, b in spans):
        raise UsageError("both feet moved at once; test one leg at a time, or say with --foot which one stood")
    return results, when, who


def _calf_raise_body(result: CalfRaiseResult) -> Body:
    from soleus.history import CalfRaise

    return CalfRaise(
        foot=result.foot,
        repetitions=result.repetitions,
        peak_height_m=result.peak_height_m,
        total_height_m=result.total_height_m,
        work_j=result.work_j,
        pace_per_min=result.pace_per_min,
        height_change=result.height_change,
        speed_change=result.speed_change,
        ended_by=result.ended_by,
    )


def _motions(paths: list[Path], profile: str | None) -> tuple[dict[Foot, PodMotion], datetime | None, Runner]:
    """Read a test's recording: each pod's motion, when it was, and who was tested."""
    from soleus.recording import open_recording
    from soleus.screening import put_on_grid

    with open_recording(paths if len(paths) > 1 else paths[0], profile=profile) as reader:
        motions = {}
        for info in reader.pods:
            pieces = (piece for chunk in reader.chunks() for piece in chunk if piece.foot == info.foot)
            motions[info.foot] = put_on_grid(info, pieces)
        return motions, reader.start_utc, reader.runner


def _pod(motions: dict[Foot, PodMotion], name: Side | None) -> PodMotion:
    from soleus.model import Foot

    if name is None:
        if len(motions) == 1:
            return next(iter(motions.values()))
        raise UsageError("the recording has two pods; say which one to take")
    foot = Foot.parse(name)
    if foot not in motions:
        raise UsageError(f"the recording has no {name} pod; leave the option out")
    return motions[foot]


def _runner(file: Path | None) -> Runner:
    """Read the runner's file given, or the runner's own."""
    from soleus.history import owner_of_log
    from soleus.model import Runner
    from soleus.recording import load_runner

    return load_runner(file) if file is not None else owner_of_log() or Runner()


def _finish(
    bodies: list[Body],
    lines: list[str],
    when: datetime,
    place: Path | None,
    runner: Runner,
    *,
    json: bool,
) -> None:
    """Keep the results, let the rules look at them, and print everything."""
    import msgspec

    from soleus.cli.screen_text import show_verdict, verdict_as_json
    from soleus.cli.terminal import screen, write_json
    from soleus.history import HistoryStore, make_note, summarize
    from soleus.screening import judge

    new = [make_note(body, when) for body in bodies]
    notes = new
    if place is not None:
        with HistoryStore(place, create=True) as store:
            for note in new:
                store.note(note)
            notes = [*store.notes(before_s=when.timestamp()), *new]
    verdict = judge(summarize([], notes, when), runner)
    if json:
        results = [msgspec.to_builtins(body) for body in bodies]
        kept = None if place is None else str(place)
        write_json({"at": when.isoformat(), "results": results, **verdict_as_json(verdict), "history": kept})
        return
    console = screen()
    for line in lines:
        console.print(line, soft_wrap=True, markup=False)
    show_verdict(console, verdict)
    where = "Nothing was kept." if place is None else f"Kept in {place}."
    console.print(f"{where} {STOP_ON_PAIN}", soft_wrap=True, markup=False, style="dim")


def _place(history: Path | None, *, no_history: bool) -> Path | None:
    from soleus.history import history_file

    return None if no_history else history or history_file()


def _moment(date: str | None, recorded: datetime | None = None) -> datetime:
    from datetime import UTC, datetime

    from soleus.cli.amounts import parse_date

    return parse_date(date)[0] if date is not None else recorded or datetime.now(UTC).replace(microsecond=0)


T = TypeVar("T")


def _ask(question: str, read: Callable[[str], T | None], wanted: str) -> T:
    """Ask until the answer can be read."""
    for _ in range(MAX_TRIES):
        try:
            answer = read(input(f"{question} ").strip().lower())
        except EOFError as error:
            raise UsageError("nobody answered; give the answers as options") from error
        if answer is not None:
            return answer
        sys.stdout.write(f"Please answer with {wanted}.\n")
    raise UsageError(f"not understood: '{question}' takes {wanted}")


def _yes_or_no(text: str) -> bool | None:
    return {"y": True, "yes": True, "n": False, "no": False}.get(text)


def _rating(text: str) -> float | None:
    value = _days(text)
    return value if value is not None and value <= MAX_PAIN else None


def _days(text: str) -> float | None:
    try:
        value = float(text.replace(",", "."))
    except ValueError:
        return None
    return value if 0.0 <= value <= MAX_DAYS else None


def _side(text: str) -> Literal["left", "right", "both"] | None:
    sides: dict[str, Literal["left", "right", "both"]] = {"left": "left", "right": "right", "both": "both"}
    return sides.get(text)
