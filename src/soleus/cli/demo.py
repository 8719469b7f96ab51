"""``soleus demo``: the whole of it without hardware."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

from cyclopts import Parameter, validators

if TYPE_CHECKING:
    from soleus.live.news import Controls, News

SPEED: Final = 8.0
"""Times real time: eight minutes in one."""


def demo(
    *,
    real_time: Annotated[bool, Parameter(negative=(), show_default=False)] = False,
    speed: Annotated[float | None, Parameter(validator=validators.Number(gt=0))] = None,
    seconds: Annotated[float | None, Parameter(validator=validators.Number(gt=0))] = None,
    out: Path | None = None,
    headless: Annotated[bool, Parameter(negative=(), show_default=False)] = False,
    lan: Annotated[bool, Parameter(negative=(), show_default=False)] = False,
    port: Annotated[int, Parameter(validator=validators.Number(gte=0, lte=65535))] = 8765,
    tui: Annotated[bool, Parameter(negative=(), show_default=False)] = False,
    json: Annotated[bool, Parameter(negative=(), show_default=False)] = False,
) -> int:
    """Show it all without hardware: a virtual runner on virtual pods, over the full Bluetooth path.

    Eight minutes on a treadmill, the left calf tires on the way; ends with a session on disk, its summary and report.

    Parameters
    ----------
    real_time
        Take the eight minutes.
    speed
        Times real time, as far as the machine keeps up; 8 unless given.
    seconds
        End after so many seconds of the run.
    out
        The session folder; by default soleus-demo, here.
    headless
        No page, only the terminal.
    lan
        Let tablets and phones on the same network see the page.
    port
        Port of the page.
    tui
        Fill the terminal with a view of its own.
    json
        Print the outcome as JSON, and nothing else.
    """
    from soleus.cli import demo_run
    from soleus.cli.finish_run import Finish
    from soleus.cli.follow import Displays, folder_for, follow, need_virtual_pods, streamed
    from soleus.cli.terminal import working
    from soleus.cli.with_history import use_history
    from soleus.live.setting import RunSetting
    from soleus.recording import JournalFacts

    need_virtual_pods()
    from soleus.ingest.virtual.world import WorldSetting
    from soleus.live.air import START_AFTER_S, air_around, begin_streaming, ends_s

    folder = folder_for(out, "soleus-demo")
    pace = 1.0 if real_time else speed or SPEED
    with working("Simulating a runner ..."):
        recording = demo_run.simulated().recording
    world = WorldSetting(start_after_s=START_AFTER_S)
    configuration = {"demo": {"speed": pace, "seed": demo_run.SEED}}
    finish = Finish(use_history(None, recording.runner, None, without=True), configuration)
    with air_around(recording, world, heart_rate=demo_run.heart_rate(), speed=pace) as radio:
        paired = begin_streaming(radio, recording)
        run = streamed(
            radio,
            paired.roles,
            folder,
            finish,
            runner=recording.runner,
            setting=RunSetting(seconds=seconds, until_s=ends_s(recording, world)),
            facts=JournalFacts(
                pods=(), configuration=configuration, source="soleus demo: a virtual runner", extra=recording.extra
            ),
        )
        run.add_sink(_Script(run))
        return follow(run, finish, Displays(not headless, lan, port, tui=tui, json=json, title="Demo"))


class _Script:
    """What the virtual runner does himself: he tells that his calf hurts."""

    def __init__(self, controls: Controls) -> None:
        self._controls = controls
        self._told = False

    def take(self, news: News) -> None:
        """Watch the time."""
        from soleus.cli.demo_run import PAIN, PAIN_S
        from soleus.live.news import RunStatus

        if isinstance(news, RunStatus) and not self._told and news.session_now_s >= PAIN_S:
            self._told = True
            self._controls.pain(PAIN)

    def close(self) -> None:
        """Do nothing more."""
