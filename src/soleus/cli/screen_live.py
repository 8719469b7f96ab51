"""A screening test recorded while it is done: count shown as it grows, the end seen, the recording kept."""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Annotated, Final

from cyclopts import Parameter, validators

from soleus.cli.errors import UsageError
from soleus.cli.screen_recording import Side

if TYPE_CHECKING:
    from soleus.ingest.ble import Radio
    from soleus.live.recorder import Recorder
    from soleus.model import Foot, PodInfo, PodSamples, Runner
    from soleus.screening import CalfRaiseWatch

LOOK_S: Final = 1.0
"""Time between looks at a knee-to-wall test [s]."""
QUIET_S: Final = 30.0
"""The test is given up if no pod has sent anything for this long [s real time]."""
SCAN_S: Final = 5.0
"""Time of looking for pods [s]."""
Take = Callable[["PodInfo", "PodSamples"], bool]
"""Takes samples of a pod; tells whether the test is over."""


@Parameter(name="*")
@dataclass(frozen=True, slots=True)
class Live:
    """A test done now, from pods nearby.

    Parameters
    ----------
    live
        Record the test now, from the pods; Ctrl-C ends it.
    seconds
        Longest time it takes.
    out
        Folder for the recording; by default a new one here, named after the test and the time.
    transport
        auto: the system's Bluetooth. Or a dongle of Soleus' own, such as usb:0 or serial:/dev/ttyACM0.
    """

    live: Annotated[bool, Parameter(negative=(), show_default=False)] = False
    seconds: Annotated[float, Parameter(validator=validators.Number(gt=0, lte=1800))] = 300.0
    out: Path | None = None
    transport: str = "auto"


FROM_RECORDING: Final = Live()
"""No test now."""


def record_test(
    live: Live, stem: str, runner: Runner, tell: Callable[[str], None], begin: Callable[[list[Foot]], Take]
) -> Path:
    """Record the pods nearby until the test is over, the time is up or Ctrl-C; give the session folder.

    Parameters
    ----------
    live
        How.
    stem
        Name of the test.
    runner
        Who is tested.
    tell
        Says a sentence.
    begin
        Gets the pods' feet and gives what takes their samples.

    Raises
    ------
    UsageError
        If there is no pod, or none of them sent anything.
    soleus.ingest.ble.BluetoothError
        If the radio fails.
    """
    from soleus.cli.follow import folder_for
    from soleus.cli.nearby import devices_file, radio_of
    from soleus.cli.terminal import working
    from soleus.ingest.ble import RememberedDevices, pair
    from soleus.live.recorder import Recorder
    from soleus.model import Foot
    from soleus.recording import JournalFacts

    with radio_of(live.transport, virtual=False, seconds=live.seconds) as radio:
        with working(f"Looking for pods for {SCAN_S:.0f} s ..."):
            paired = pair(radio.scan(SCAN_S), RememberedDevices.read(devices_file()))
        roles = {role: row for role, row in paired.roles.items() if role.foot is not None}
        if not roles:
            raise UsageError("no pod was found; wake them up, bring them nearer, and see soleus scan")
        radio.stream(roles)
        folder = folder_for(live.out, stem, radio.start_utc)
        recorder = Recorder(folder, tell)
        recorder.prepare(
            JournalFacts(pods=(), start_utc=radio.start_utc, runner=runner, source=f"soleus screen {stem}")
        )
        feet = [foot for foot in Foot if foot in {role.foot for role in roles}]
        tell(f"Recording the {' and the '.join(foot.label for foot in feet)} pod in {folder}; Ctrl-C ends the test.")
        take = begin(feet)
        try:
            with _interrupt_ends(radio):
                _follow(radio, recorder, live.seconds, tell, take)
        finally:
            made = recorder.close()
    if made is None:
        raise UsageError("the pods sent nothing; wake them up and bring them nearer")
    return made


def count_aloud(watch: CalfRaiseWatch, tell: Callable[[str], None]) -> Take:
    """Count calf raises as they come, and say when to stop."""
    counted: dict[Foot, int] = {}

    def take(info: PodInfo, samples: PodSamples) -> bool:
        watch.push(info, samples)
        for foot, result in watch.look().items():
            if result.repetitions > counted.get(foot, 0):
                counted[foot] = result.repetitions
                tell(f"{foot.label} {result.repetitions}")
        if watch.over:
            why = {"height": "two in a row were too low", "pause": "a pause of more than 3 s"}
            ends = {why[result.ended_by] for result in watch.look().values() if result.ended_by in why}
            tell(f"The set is over: {' and '.join(sorted(ends))}.")
        return watch.over

    return take


def measure_aloud(foot: Side, shank: Foot, heel: Foot | None, tell: Callable[[str], None]) -> Take:
    """Tell each hold of a knee-to-wall test as it is done."""
    from soleus.screening import MotionGatherer, ScreeningError, measure_knee_to_wall
    from soleus.screening.knee_to_wall import HEEL_LIFT_DEG

    pods: dict[Foot, MotionGatherer] = {}
    told, looked_s = 0, 0.0

    def take(info: PodInfo, samples: PodSamples) -> bool:
        nonlocal told, looked_s
        if not len(samples):
            return False
        pods.setdefault(info.foot, MotionGatherer(info)).push(samples)
        if samples.time_s[-1] - looked_s < LOOK_S or shank not in pods or (heel is not None and heel not in pods):
            return False
        looked_s = float(samples.time_s[-1])
        try:
            result = measure_knee_to_wall(foot, pods[shank].motion(), None if heel is None else pods[heel].motion())
        except ScreeningError:
            return False  # nothing held yet
        for number in range(told, len(result.holds_deg)):
            lifted = result.heel_lift_deg is not None and result.heel_lift_deg[number] >= HEEL_LIFT_DEG
            tell(f"hold {number + 1}: {result.holds_deg[number]:.0f}°{', but the heel lifted' if lifted else ''}")
        told = max(told, len(result.holds_deg))
        return False

    return take


def _follow(radio: Radio, recorder: Recorder, seconds: float, tell: Callable[[str], None], take: Take) -> None:
    """Hand what the pods send to the recording and the test, until the end."""
    from soleus.ingest.ble import HoleDeclared, LateSamples, LinkLost, LinkUp, PodReady, SamplesIn, Trouble

    infos: dict[Foot, PodInfo] = {}
    over = False
    for event in radio.events(quiet_s=QUIET_S):
        match event:
            case PodReady(info=info):
                infos[info.foot] = info
                recorder.begin(infos)
            case SamplesIn(samples=samples):
                recorder.take_samples(samples)
                if not over and take(infos[samples.foot], samples):
                    over = True
                    radio.stop()
            case LateSamples():
                recorder.take_late(event)
            case LinkLost(sentence=sentence) | Trouble(sentence=sentence):
                tell(sentence)
            case LinkUp(outage_s=float(outage_s)):
                tell(f"The pod is back after {outage_s:.0f} s.")
            case HoleDeclared(foot=foot, samples=lost):
                recorder.event("lost", event.time_s, {"foot": foot.label, "samples": lost})
            case _:
                pass
        if not over and radio.now_s() > seconds:
            over = True
            radio.stop()


@contextlib.contextmanager
def _interrupt_ends(radio: Radio) -> Iterator[None]:
    """Let Ctrl-C ask for the end in order, instead of breaking off."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def stop(_number: int, _frame: FrameType | None) -> None:
        radio.stop()

    before = signal.signal(signal.SIGINT, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
