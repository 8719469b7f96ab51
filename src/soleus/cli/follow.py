"""Follow one run from its beginning to its end: show it, obey, finish it; what live, replay and demo share."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from rich.console import Console

    from soleus.cli.finish_run import Finish
    from soleus.ingest.ble import Radio, Role, ScanRow
    from soleus.live.news import News, Sink
    from soleus.live.page import PastWeeks
    from soleus.live.run import LiveRun
    from soleus.live.tui import Tui
    from soleus.model import Runner
    from soleus.rules import HistorySummary

WAIT_S: Final = 0.2
"""The end is looked for this often [s]; signals are heard in between."""


@dataclass(frozen=True, slots=True)
class Displays:
    """Who is shown a run.

    Attributes
    ----------
    page, lan, port
        Whether the page is served, whether to the whole network, and where.
    tui, lsl
        Whether the terminal is filled with a view of its own; whether a lab-streaming outlet is opened.
    json
        Nothing is written but JSON at the end.
    title
        Written at the top of the page.
    runner, log, history
        Who runs, the log in use, and its summary, for the displays.
    """

    page: bool = True
    lan: bool = False
    port: int = 8765
    tui: bool = False
    lsl: bool = False
    json: bool = False
    title: str = ""
    runner: Runner | None = None
    log: Path | None = None
    history: HistorySummary | None = None


def streamed(
    radio: Radio,
    roles: Mapping[Role, ScanRow],
    folder: Path,
    finish: Finish,
    **how: Any,  # noqa: ANN401
) -> LiveRun:
    """Make the run of a radio that streams; ``how`` is handed on to :class:`~soleus.live.run.LiveRun`."""
    from soleus.live.run import LiveRun
    from soleus.recording import JournalFacts

    pods = {role.foot: row for role, row in roles.items() if role.foot is not None}
    how.setdefault("facts", JournalFacts(pods=(), configuration=finish.configuration))
    rssi_dbm = {foot: row.rssi_dbm for foot, row in pods.items()}
    return LiveRun(radio, tuple(pods), folder, finish=finish, rssi_dbm=rssi_dbm, **how)


def follow(run: LiveRun, finish: Finish, displays: Displays) -> int:
    """Let a run go, show it, and wait for its end.

    Returns
    -------
    int
        Exit status: 0 if a session was recorded, 1 if none, 130 if it was left at once.
    """
    from soleus.cli import EXIT_DONE, EXIT_INTERRUPTED, EXIT_SHORT
    from soleus.cli.terminal import screen, write_json

    console = screen()
    with ExitStack() as stack:
        tui = _tui(run, displays)
        for sink in (*_sinks(run, displays, console, stack), *(() if tui is None else (tui,))):
            run.add_sink(sink)
        stack.enter_context(_signals(run, quiet=displays.json))
        run.begin()
        if not displays.json and tui is None:
            _hear_keys(run)
        if tui is not None:
            tui.show()
        while run.running:
            run.join(WAIT_S)
            if run.aborted:
                sys.stderr.write(f"soleus: left at once; soleus recover {run.folder} finishes the session\n")
                return EXIT_INTERRUPTED
    outcome = run.join()
    if displays.json:
        write_json(finish.as_json(outcome))
    else:
        finish.show(console)
    if outcome is not None and outcome.folder is not None:
        return EXIT_DONE
    if outcome is not None and (displays.json or displays.tui):
        # The plain view has told it already.
        sys.stderr.write(f"soleus: {outcome.notes[-1]}\n")
    return EXIT_SHORT


def need_virtual_pods() -> None:
    """See that virtual pods can be made.

    Raises
    ------
    UsageError
        If the package bumble is missing.
    """
    import importlib.util

    from soleus.cli.errors import UsageError

    if importlib.util.find_spec("bumble") is None:
        raise UsageError("virtual pods need the package bumble: pip install 'soleus[demo]'")


def folder_for(out: Path | None, stem: str, start: datetime | None = None) -> Path:
    """Choose the session folder: the one given, or a free one here, by name and time."""
    from soleus.live.recorder import check_folder

    if out is None:
        when = "" if start is None else f"-{start.astimezone():%Y-%m-%d-%H%M}"
        out = Path(f"{stem}{when}")
        number = 2
        while out.exists():
            out = Path(f"{stem}{when}-{number}")
            number += 1
    check_folder(out)
    return out


def _tui(run: LiveRun, displays: Displays) -> Tui | None:
    from soleus.cli.errors import UsageError

    if not displays.tui:
        return None
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise UsageError("--tui fills a terminal, but this is none; leave it out")
    try:
        from soleus.live.tui import Tui as Made
    except ImportError as error:
        raise UsageError(f"--tui needs the package textual ({error}): pip install 'soleus[tui]'") from error
    return Made(run, title=displays.title, history=displays.history)


def _sinks(run: LiveRun, displays: Displays, console: Console, stack: ExitStack) -> Iterator[Sink]:
    from soleus.live.terminal import Terminal

    if not displays.json and not displays.tui:
        yield Terminal(console)
    if displays.page:
        from soleus.live.page import Page

        page = stack.enter_context(
            Page(run, port=displays.port, lan=displays.lan, title=displays.title, history=_weeks(displays))
        )
        if not displays.json:
            console.print(f"The run is shown at {page.address}", markup=False, soft_wrap=True)
            if displays.lan and sys.stdout.isatty():
                console.print(page.qr_text(), markup=False)
        _open_browser(page.local_address)
        yield page
    if displays.lsl:
        yield _LabStream(run)


def _weeks(displays: Displays) -> PastWeeks | HistorySummary | None:
    """Read the last weeks day by day; their summary will do if the log does not give them."""
    from soleus.history import HistoryError
    from soleus.live.page import past_weeks

    if displays.log is None:
        return displays.history
    name = "" if displays.runner is None else displays.runner.name
    try:
        return past_weeks(displays.log, datetime.now(UTC), name=name, runner=displays.runner) or displays.history
    except HistoryError:
        return displays.history


class _LabStream:
    """The lab-streaming outlet, opened when the session clock is final: with the first samples of the run."""

    def __init__(self, run: LiveRun) -> None:
        from soleus.live.lsl import LslOutlet

        # Opened once to learn now, not in the middle of the run, whether it can be.
        LslOutlet.starting(0.0).close()
        self._open: Callable[[], Sink] = lambda: LslOutlet.starting(run.session_now_s)
        self._outlet: Sink | None = None
        self._joined: list[News] = []

    def take(self, news: News) -> None:
        """Hand on."""
        from soleus.live.news import PodJoined, SamplesTaken

        if self._outlet is None and isinstance(news, SamplesTaken):
            self._outlet = self._open()
            for pod in self._joined:
                self._outlet.take(pod)
        if self._outlet is not None:
            self._outlet.take(news)
        elif isinstance(news, PodJoined):
            self._joined.append(news)

    def close(self) -> None:
        """Close it."""
        if self._outlet is not None:
            self._outlet.close()


def _open_browser(address: str) -> None:
    """Open the page, if there is a display and somebody at it."""
    if not sys.stdout.isatty() or not (
        os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY") or _has_desktop()
    ):
        return
    import webbrowser

    with contextlib.suppress(webbrowser.Error, OSError):
        webbrowser.open(address)


def _has_desktop() -> bool:
    return sys.platform in {"darwin", "win32"}


def _hear_keys(run: LiveRun) -> None:
    """Obey what is typed, in a thread that nobody waits for."""
    if not sys.stdin or not sys.stdin.isatty():
        return
    from soleus.live.typed import HOW, obey

    def tell(sentence: str) -> None:
        sys.stderr.write(f"{sentence}\n")

    tell(HOW)
    lines: Sequence[str] | Any = sys.stdin
    threading.Thread(target=obey, args=(lines, run, lambda: run.begun, tell), daemon=True).start()


@contextmanager
def _signals(run: LiveRun, *, quiet: bool) -> Iterator[None]:
    """End the run in order on Ctrl-C, SIGTERM and SIGHUP; at once on the second Ctrl-C."""
    asked = 0

    def heard(number: int, _frame: FrameType | None) -> None:
        nonlocal asked
        asked += 1
        if number == signal.SIGINT and asked > 1:
            run.abort()
            return
        run.stop()
        if number == signal.SIGINT and not quiet:
            sys.stderr.write("\nStopping; Ctrl-C again leaves at once.\n")

    if threading.current_thread() is not threading.main_thread():
        yield
        return
    known = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)]
    before = {number: signal.signal(number, heard) for number in known}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
