"""The plain view of a run in a terminal: a table that is drawn anew, or a line now and then where nobody watches."""

from __future__ import annotations

import contextlib
import threading
import time
from typing import TYPE_CHECKING, Final

from soleus.live.news import News, Phase, PhaseChanged, RunEnded, RunStatus, StepsFound, Told, WarningsSaid
from soleus.live.numbers import RunNumbers
from soleus.live.shown import BY_NAME, STEP_QUANTITIES, clock_text
from soleus.model import SEVERITIES

if TYPE_CHECKING:
    from rich.console import Console, RenderableType
    from rich.table import Table

    from soleus.live.snapshot import PodView, Snapshot

LINE_S: Final = 10.0
"""Without a terminal a line is written this often [s real time]."""
DRAWN_HZ: Final = 2.0
"""The table is drawn this often [1/s]: steps come three times a second."""
STYLES: Final = {"info": "cyan", "notice": "yellow", "caution": "bold yellow", "stop": "bold red"}
IN_A_LINE: Final = ("cadence_spm", "contact_time_s", "speed_mps", "foot_strike_angle_deg", "overstride_m")


class Terminal:
    """Show a run to whoever sits at the terminal.

    Parameters
    ----------
    console
        Where to write.
    numbers
        Gathers what is shown; a fresh one unless given.

    Examples
    --------
    >>> from rich.console import Console
    >>> view = Terminal(Console(width=60))
    >>> view.take(Told(62.0, "The left pod is back after 6 s."))
    1:02 The left pod is back after 6 s.
    >>> view.close()
    """

    def __init__(self, console: Console, numbers: RunNumbers | None = None) -> None:
        from rich.live import Live

        self._console = console
        self._numbers = numbers or RunNumbers()
        self._lock = threading.Lock()
        self._line_real_s = time.monotonic()
        self._live: Live | None = None
        if console.is_terminal:
            self._live = Live(console=console, refresh_per_second=DRAWN_HZ, get_renderable=self._drawn, transient=True)
            self._live.start()

    def take(self, news: News) -> None:
        """Take one piece of news; what was told is written at once."""
        with self._lock:
            self._numbers.take(news)
        match news:
            case PhaseChanged(time_s, phase, sentence):
                self._write(time_s, sentence, "bold" if phase is Phase.RUNNING else "")
            case Told(time_s, sentence):
                self._write(time_s, sentence)
            case WarningsSaid(warnings):
                for i in range(len(warnings)):
                    severity = SEVERITIES[int(warnings["severity"][i])]
                    self._write(float(warnings["time_s"][i]), f"{severity}: {warnings['message'][i]}", STYLES[severity])
            case StepsFound() | RunStatus():
                self._write_line()
            case RunEnded(time_s, _, sentence):
                self._write(time_s, sentence, "bold")

    def close(self) -> None:
        """Draw no more."""
        if self._live is not None:
            with contextlib.suppress(OSError):
                self._live.stop()
            self._live = None

    def _write(self, time_s: float, sentence: str, style: str = "") -> None:
        self._console.print(f"{clock_text(max(time_s, 0.0))} {sentence}", style=style, markup=False, soft_wrap=True)

    def _write_line(self) -> None:
        if self._console.is_terminal or time.monotonic() - self._line_real_s < LINE_S:
            return
        self._line_real_s = time.monotonic()
        with self._lock:
            shown = self._numbers.snapshot()
        self._console.print(line_of(shown), markup=False, soft_wrap=True)

    def _drawn(self) -> RenderableType:
        with self._lock:
            shown = self._numbers.snapshot()
        return table_of(shown)


def line_of(shown: Snapshot) -> str:
    """Say in one line how the run is."""
    parts = [clock_text(shown.elapsed_s), f"{shown.steps} steps"]
    for name in IN_A_LINE:
        quantity, value = BY_NAME[name], shown.values[name]
        if value.both is not None:
            parts.append(f"{quantity.label.lower()} {quantity.text(value.both)} {quantity.unit}")
    if shown.heart_rate_bpm is not None:
        parts.append(f"{shown.heart_rate_bpm:.0f} bpm")
    lost = sum(pod.status.lost for pod in shown.pods if pod.status is not None)
    parts += [f"{lost} samples lost", *shown.trouble]
    return ", ".join(parts)


def table_of(shown: Snapshot) -> Table:
    """Draw how the run is."""
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    title = f"{shown.phase.value if shown.phase else ''}  {clock_text(shown.elapsed_s)}"
    if shown.distance_m is not None:
        title += f"  {shown.distance_m / 1000:.2f} km"
    drawn = Table(title=title, title_justify="left", title_style="bold", box=SIMPLE_HEAD, pad_edge=False)
    drawn.caption, drawn.caption_justify = _caption(shown), "left"
    drawn.add_column("")
    for name in ("left", "right", "both", "unit"):
        drawn.add_column(name, justify="left" if name == "unit" else "right", no_wrap=True, min_width=6)
    for quantity in STEP_QUANTITIES:
        value = shown.values[quantity.name]
        texts = (quantity.text(each) for each in (value.left, value.right, value.both))
        drawn.add_row(quantity.label + (" (modelled)" if quantity.modelled else ""), *texts, quantity.unit)
    return drawn


def _caption(shown: Snapshot) -> str:
    lines = [_pod_line(pod) for pod in shown.pods]
    facts = []
    if shown.belt_speed_mps is not None:
        facts.append(f"belt {shown.belt_speed_mps * 3.6:.1f} km/h")
    if shown.heart_rate_bpm is not None:
        facts.append(f"heart {shown.heart_rate_bpm:.0f} bpm")
    if shown.latency_s is not None:
        facts.append(f"steps shown {shown.latency_s:.1f} s after toe-off")
    if shown.cue is not None:
        lines.append(f"{shown.cue.severity}: {shown.cue.message}")
    return "\n".join([*lines, ", ".join(facts), *shown.trouble])


def _pod_line(pod: PodView) -> str:
    status = pod.status
    if status is None:
        return f"{pod.foot.label}: not yet known"
    parts = ["streams" if status.connected else "does not answer", f"{status.lost} of {status.received} samples lost"]
    if status.battery_pct is not None:
        parts.append(f"battery {status.battery_pct} %")
    if status.clock_error_ms is not None:
        parts.append(f"clock ± {status.clock_error_ms:.1f} ms")
    return f"{pod.foot.label}: {', '.join(parts)}"
