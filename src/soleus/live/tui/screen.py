"""The terminal's screen: three big numbers, left and right, the last minute, the cue, the state; keys for the rest."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, ClassVar, Final

import numpy as np
from rich.text import Text
from textual.app import App, ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.events import Key
from textual.widgets import Digits, Footer, Sparkline, Static

from soleus.live.news import Controls, Phase
from soleus.live.shown import BY_NAME, MISSING, STEP_QUANTITIES, clock_text
from soleus.live.snapshot import Snapshot, Trend, Value
from soleus.model import FloatArray

if TYPE_CHECKING:
    from soleus.live.tui.sink import Tui

REFRESH_S: Final = 0.2
"""How often the screen is drawn [s]."""
LOST_S: Final = 1.5
"""Silence of all pods from which on the signal counts as lost [s]; as on the page."""
AGAIN_S: Final = 4.0
"""Within this time a key that ends the run must be pressed again [s]."""
FIRST_TWO: Final = ("cadence_spm", "achilles_impulse_bws")
CHOICES: Final = tuple(shown.name for shown in STEP_QUANTITIES if shown.name not in FIRST_TWO)
"""What the third number may be."""
MARKS: Final = {"info": "(i)", "notice": "<!>", "caution": "/!\\", "stop": "[X]"}
"""A shape for each severity, so that colour is not needed."""
DISCLAIMER: Final = "Loads are modelled, not measured. This is no diagnosis."
WITH_SAMPLES: Final = (Phase.STANDING, Phase.READY, Phase.RUNNING)
WHOLE_PAIN: Final = 10


class Card(Vertical):
    """One big number with left and right below."""

    def __init__(self, name: str) -> None:
        super().__init__(classes="card")
        self.quantity = name
        self._label = Static(classes="label")
        self._digits = Digits("", classes="digits")
        self._feet = Static(classes="feet")

    def compose(self) -> ComposeResult:
        """Put its parts together."""
        yield self._label
        yield self._digits
        yield self._feet

    def draw(self, value: Value, note: str = "") -> None:
        """Show a value."""
        shown = BY_NAME[self.quantity]
        self._label.update(Text.assemble((shown.label, "bold"), f" {shown.unit}  {note}"))
        self._digits.update(shown.text(value.both).replace(MISSING, "-"))
        feet = Text.assemble(
            ("L ", "bold cyan"),
            (shown.text(value.left), "cyan"),
            "   ",
            ("R ", "bold yellow"),
            (shown.text(value.right), "yellow"),
        )
        if value.asymmetry is not None:
            amount = shown.text(value.asymmetry) if shown.signed else f"{value.asymmetry:+.1f}"
            feet.append(f"   L-R {amount} {shown.unit if shown.signed else '%'}", "dim")
        self._feet.update(feet)


class RunScreen(App[None]):
    """The application; see :class:`~soleus.live.tui.Tui`.

    Parameters
    ----------
    tui
        Where the numbers come from.
    controls
        What the keys do.
    title
        What is written at the top.
    """

    CSS: ClassVar[str] = """
    #top { height: 1; }
    #cue { height: auto; min-height: 2; max-height: 6; padding: 0 1; }
    #cue.info { background: $primary; color: $text; }
    #cue.notice { background: yellow; color: black; }
    #cue.caution { background: darkorange; color: black; }
    #cue.stop { background: darkred; color: white; text-style: bold; }
    #cue.lost { background: white; color: black; text-style: bold; }
    #cards { height: 7; }
    .card { border: round $surface-lighten-2; padding: 0 1; }
    .digits { width: 100%; text-align: center; text-style: bold; }
    .label, .feet { height: 1; }
    .trend { height: 1fr; min-height: 2; max-height: 6; margin-bottom: 1; }
    #trend-title, #state, #disclaimer, #asked { height: 1; }
    #left-trend > .sparkline--max-color, #left-trend > .sparkline--min-color { color: cyan; }
    #right-trend > .sparkline--max-color, #right-trend > .sparkline--min-color { color: yellow; }
    """
    ENABLE_COMMAND_PALETTE = False
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("s", "start_stop", "start/stop"),
        Binding("l", "lap", "lap"),
        Binding("p", "pain", "calf hurts"),
        Binding("c", "choose", "third number"),
        Binding("m", "mute", "mute"),
        Binding("q", "leave", "end and leave"),
        Binding("ctrl+c,ctrl+q", "leave", show=False, priority=True),
    ]

    def __init__(self, tui: Tui, controls: Controls, title: str) -> None:
        super().__init__()
        self._tui = tui
        self._controls = controls
        self._heading = title
        self._rating = False
        self._muted = False
        self._asked = ""
        self._ending_until = 0.0
        self._last_cue = 0
        self._cards = [Card(name) for name in (*FIRST_TWO, CHOICES[0])]

    def compose(self) -> ComposeResult:
        """Put the screen together."""
        yield Static(id="top")
        yield Static(id="cue")
        yield Horizontal(*self._cards, id="cards")
        yield Static(id="trend-title")
        yield Sparkline(id="left-trend", classes="trend")
        yield Sparkline(id="right-trend", classes="trend")
        yield Static(id="state")
        yield Static(id="asked")
        yield Static(DISCLAIMER, id="disclaimer")
        yield Footer(show_command_palette=False)

    def on_mount(self) -> None:
        """Begin to draw."""
        self.draw()
        self.set_interval(REFRESH_S, self.draw)

    def draw(self) -> None:
        """Show what is so now; leave once the run is over."""
        if self._tui.closed.is_set():
            self.exit()
            return
        snapshot, trend = self._tui.look(FIRST_TWO[1])
        top = [self._heading or "Soleus", snapshot.phase.value if snapshot.phase else "waiting"]
        top += [clock_text(snapshot.elapsed_s), f"{BY_NAME['distance_m'].text(snapshot.distance_m)} km"]
        top += [f"lap {snapshot.laps[-1].number}"] if snapshot.laps else []
        self._write("#top", Text("  ".join(top), "bold"))
        self._draw_cue(snapshot)
        for card in self._cards:
            note = ""
            if card.quantity == FIRST_TWO[1] and snapshot.dose_share is not None:
                note = f"dose {snapshot.dose_share:.0%} of max"
            card.draw(snapshot.values[card.quantity], note)
        self._draw_trend(trend)
        self._write("#state", Text("  ".join(_state(snapshot)), "dim"))
        if self._ending_until and time.monotonic() > self._ending_until:
            self._ask("")
        self._write("#asked", Text(self._asked, "bold reverse" if self._asked else ""))

    def on_key(self, event: Key) -> None:
        """Take a pain rating that was asked for."""
        if not self._rating:
            return
        event.prevent_default()
        event.stop()
        self._rating = False
        rating = WHOLE_PAIN if event.key in {"t", "plus"} else int(event.key) if event.key.isdecimal() else None
        if rating is None:
            self._ask("")
            return
        self._press(lambda: self._controls.pain(float(rating)))
        self._ask(f"Pain {rating} noted.")

    def action_start_stop(self) -> None:
        """Begin the run, or end it when pressed twice."""
        if self._phase() is Phase.READY:
            self._press(self._controls.start)
        elif self._phase() is Phase.RUNNING:
            self._end("s")

    def action_lap(self) -> None:
        """Begin a lap."""
        self._press(self._controls.lap)

    def action_pain(self) -> None:
        """Ask how much the calf hurts."""
        self._rating = True
        self._ask("How much does your calf hurt?  0 none ... 9, t for 10;  any other key: never mind")

    def action_choose(self) -> None:
        """Take the next quantity as third number."""
        card = self._cards[2]
        card.quantity = CHOICES[(CHOICES.index(card.quantity) + 1) % len(CHOICES)]
        self.draw()

    def action_mute(self) -> None:
        """Let the bell be silent, or ring again."""
        self._muted = not self._muted
        self._ask("Bell off." if self._muted else "Bell on.")

    def action_leave(self) -> None:
        """End the run when pressed twice, then leave."""
        if self._phase() is Phase.ENDED:
            self.exit()
        else:
            self._end("q")

    def _end(self, key: str) -> None:
        if time.monotonic() < self._ending_until:
            self._ending_until = 0.0
            self._ask("The run ends ...")
            self._press(self._controls.stop)
        else:
            self._ask(f"Press {key} again to end the run.")
            self._ending_until = time.monotonic() + AGAIN_S

    def _press(self, act: Callable[[], None]) -> None:
        try:
            act()
        except ValueError as error:
            self._ask(str(error))

    def _ask(self, words: str) -> None:
        self._asked = words
        self._ending_until = 0.0
        self._write("#asked", Text(words, "bold reverse" if words else ""))

    def _phase(self) -> Phase | None:
        return self._tui.look(FIRST_TWO[0])[0].phase

    def _write(self, place: str, words: Text) -> None:
        self.query_one(place, Static).update(words)

    def _draw_cue(self, snapshot: Snapshot) -> None:
        box = self.query_one("#cue", Static)
        cue = snapshot.cue
        silent_s = self._tui.silent_s
        if silent_s is not None and silent_s > LOST_S and snapshot.phase in WITH_SAMPLES:
            kind, words = "lost", Text("~x~ SIGNAL LOST  No samples come from the pods.")
        elif cue is not None and snapshot.phase is not Phase.ENDED:
            kind = cue.severity
            words = Text.assemble((f"{MARKS[kind]} {kind.upper()}  ", "bold"), cue.message)
        else:
            kind, words = "calm", Text("  ".join([snapshot.sentence, *snapshot.trouble]))
        box.set_classes(kind)
        box.update(words)
        if cue is not None and cue.number != self._last_cue:
            self._last_cue = cue.number
            if not self._muted:
                self.bell()

    def _draw_trend(self, trend: Trend) -> None:
        shown = BY_NAME[FIRST_TWO[1]]
        left, right = _known(trend.left), _known(trend.right)
        both = [*left, *right]
        span = f"{shown.text(min(both))} to {shown.text(max(both))} {shown.unit}" if both else "no steps yet"
        title = Text.assemble(
            (f"{shown.label}, last minute: {span}   ", "bold"), ("L", "cyan"), " above, ", ("R", "yellow")
        )
        self._write("#trend-title", title.append(" below"))
        self.query_one("#left-trend", Sparkline).data = left
        self.query_one("#right-trend", Sparkline).data = right


def _known(values: FloatArray) -> list[float]:
    return [float(value) for value in values[~np.isnan(values)]]


def _state(snapshot: Snapshot) -> list[str]:
    """Write the quiet row: pods, loss, latency, belt, heart."""
    parts: list[str] = []
    for pod in snapshot.pods:
        status = pod.status
        words = [pod.foot.label]
        if status is None or not status.connected:
            words.append("not connected")
        if status is not None:
            words += [f"{status.battery_pct} %"] if status.battery_pct is not None else []
            words += [f"{status.rssi_dbm} dBm"] if status.rssi_dbm is not None else []
            words.append(f"lost {status.lost}")
        parts.append(" ".join(words))
    if snapshot.latency_s is not None:
        parts.append(f"latency {snapshot.latency_s:.2f} s")
    if snapshot.belt_speed_mps is not None:
        parts.append(f"belt {BY_NAME['speed_mps'].text(snapshot.belt_speed_mps)} km/h")
    if snapshot.heart_rate_bpm is not None:
        parts.append(f"heart {snapshot.heart_rate_bpm:.0f}")
    return parts
