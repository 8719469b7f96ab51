"""``soleus replay``: a recorded session as if it were happening now."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter, validators

if TYPE_CHECKING:
    from soleus.cli.finish_run import Finish
    from soleus.cli.follow import Displays
    from soleus.recording import RecordingReader


def replay(
    session: Path,
    /,
    *,
    speed: Annotated[float, Parameter(validator=validators.Number(gt=0))] = 1.0,
    fastest: Annotated[bool, Parameter(negative=(), show_default=False)] = False,
    ble: Annotated[bool, Parameter(negative=(), show_default=False)] = False,
    out: Path | None = None,
    seconds: Annotated[float | None, Parameter(validator=validators.Number(gt=0))] = None,
    rules: Path | None = None,
    page: Annotated[bool, Parameter(negative="--no-page")] = True,
    headless: Annotated[bool, Parameter(negative=(), show_default=False)] = False,
    lan: Annotated[bool, Parameter(negative=(), show_default=False)] = False,
    port: Annotated[int, Parameter(validator=validators.Number(gte=0, lte=65535))] = 8765,
    tui: Annotated[bool, Parameter(negative=(), show_default=False)] = False,
    lsl: Annotated[bool, Parameter(negative=(), show_default=False)] = False,
    json: Annotated[bool, Parameter(negative=(), show_default=False)] = False,
) -> int:
    """Play a recorded session as if it were happening now, and record it again.

    Parameters
    ----------
    session
        A session folder or any recording that soleus analyze reads.
    speed
        Times real time.
    fastest
        As fast as the machine can.
    ble
        Through virtual pods on a software Bluetooth controller (needs the package bumble).
    out
        The session folder to be made; by default NAME-replay, here.
    seconds
        End after so much of the recording.
    rules
        TOML file of rules of your own.
    page
        Serve the live page.
    headless
        No page; the same as --no-page.
    lan
        Let tablets and phones on the same network see the page.
    port
        Port of the page.
    tui
        Fill the terminal with a view of its own.
    lsl
        Open a lab-streaming-layer outlet.
    json
        Print the outcome as JSON, and nothing else.
    """
    from soleus.cli.finish_run import Finish
    from soleus.cli.follow import Displays, folder_for, follow
    from soleus.cli.rules import rules_in_force
    from soleus.cli.with_history import use_history
    from soleus.live.replay import Replay
    from soleus.live.run import LiveRun
    from soleus.live.setting import RunSetting
    from soleus.recording import JournalFacts, open_recording

    pace = None if fastest else speed
    shown = Displays(page and not headless, lan, port, tui=tui, lsl=lsl, json=json, title=session.name)
    with open_recording(session) as reader:
        folder = folder_for(out, f"{session.resolve().name.removesuffix(session.suffix)}-replay")
        configuration = {"replay": {"session": str(session), "speed": pace, "ble": ble}}
        finish = Finish(use_history(None, reader.runner, reader.start_utc, without=True), configuration)
        facts = JournalFacts(
            pods=(), configuration=configuration, source=f"replay of {reader.source or session}", notes=reader.notes
        )
        how: dict[str, Any] = {"runner": reader.runner, "rules": rules_in_force(rules), "facts": facts}
        if ble:
            return _over_the_air(reader, pace, seconds, folder, finish, shown, how)
        run = LiveRun(
            Replay(reader, pace),
            [pod.foot for pod in reader.pods],
            folder,
            finish=finish,
            setting=RunSetting(stand_still=False, seconds=seconds),
            **how,
        )
        return follow(run, finish, shown)


def _over_the_air(
    reader: RecordingReader,
    speed: float | None,
    seconds: float | None,
    folder: Path,
    finish: Finish,
    shown: Displays,
    how: dict[str, Any],
) -> int:
    """Play a recording through virtual pods."""
    from soleus.cli.follow import follow, need_virtual_pods, streamed

    need_virtual_pods()
    from soleus.ingest.virtual.world import WorldSetting
    from soleus.live.air import START_AFTER_S, air_around, begin_streaming, ends_s, from_start
    from soleus.live.setting import RunSetting

    recording = from_start(reader)
    world = WorldSetting(start_after_s=START_AFTER_S)
    with air_around(recording, world, speed=speed) as radio:
        paired = begin_streaming(radio, recording)
        setting = RunSetting(stand_still=False, seconds=seconds, until_s=ends_s(recording, world))
        return follow(streamed(radio, paired.roles, folder, finish, setting=setting, **how), finish, shown)
