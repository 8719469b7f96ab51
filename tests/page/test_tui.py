"""The terminal's screen, driven by its keys, while a sample session plays."""

from __future__ import annotations

import asyncio
import re
import threading
import time

import pytest

from soleus.live.news import Phase, PhaseChanged, RunEnded
from soleus.live.tui import Tui
from soleus.rules import HistorySummary

STEPS_MOST = 200


def drive(tui: Tui, script, size=(110, 32)) -> None:
    """Run a script of keys in a thread of its own: the browser's tests keep a loop in this one."""
    failed: list[BaseException] = []

    async def play() -> None:
        async with tui.screen.run_test(size=size) as pilot:
            await script(pilot, tui.screen)

    def run() -> None:
        try:
            asyncio.run(play())
        except BaseException as error:  # noqa: BLE001 - raised again in the test's own thread
            failed.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join(60)
    assert not thread.is_alive()
    if failed:
        raise failed[0]


async def until(pilot, ready) -> None:
    for _ in range(STEPS_MOST):
        await pilot.pause(0.05)
        if ready():
            return
    raise AssertionError(str(pilot.app.screen.query("Static")))


def text(app, place: str) -> str:
    return str(app.query_one(place).render())


@pytest.fixture
def played(player_class):
    made = []

    def play(start_s: float):
        player = player_class(start_s=start_s)
        tui = Tui(player, title="Sample run", history=HistorySummary(highest_dose=3.1e6))
        player.sinks.append(tui)
        player.begin()
        made.append(player)
        return player, tui

    yield play
    for player in made:
        player.end()


def test_numbers_cue_and_keys(played, cue_s):
    player, tui = played(cue_s + 5.0)

    async def script(pilot, app):
        await until(pilot, lambda: "CAUTION" in text(app, "#cue"))
        cadence, load, third = app.query("Card")
        assert 140 < float(cadence.query_one("Digits").value) < 200
        assert 0.2 < float(load.query_one("Digits").value) < 1.5
        assert "dose" in str(load.query(".label").first().render())
        assert third.quantity == "contact_time_s"
        assert re.search(r"running  \d+:\d\d  \d\.\d\d km", text(app, "#top"))
        assert "82 %" in text(app, "#state")
        assert "no diagnosis" in text(app, "#disclaimer")
        before = text(app, "#top")
        await until(pilot, lambda: text(app, "#top") != before)
        await pilot.press("c")
        assert third.quantity == "vertical_oscillation_m"
        await pilot.press("l")
        await pilot.press("p", "3")
        await until(pilot, lambda: "Pain 3 noted" in text(app, "#asked"))
        await pilot.press("p", "t")
        await pilot.press("p", "escape")
        await pilot.press("m")
        assert "Bell off" in text(app, "#asked")
        await pilot.press("s")
        assert "again" in text(app, "#asked")
        assert ("stop",) not in player.pressed
        await pilot.press("s")
        await until(pilot, lambda: ("stop",) in player.pressed)

    drive(tui, script)
    assert player.pressed == [("lap",), ("pain", 3.0), ("pain", 10.0), ("stop",)]


def test_lost_and_back(played):
    player, tui = played(60.0)

    async def script(pilot, app):
        await until(pilot, lambda: app.query_one("#cue").has_class("calm"))
        player.paused.set()
        since = time.monotonic()
        await until(pilot, lambda: "SIGNAL LOST" in text(app, "#cue"))
        assert time.monotonic() - since < 2.5
        player.paused.clear()
        await until(pilot, lambda: app.query_one("#cue").has_class("calm"))

    drive(tui, script)


def test_it_waits_for_the_start_and_leaves_at_the_end():
    class Buttons:
        pressed: list = []  # noqa: RUF012

        def start(self):
            self.pressed.append("start")

        def stop(self):
            self.pressed.append("stop")

        def lap(self):
            raise ValueError("no lap before the start")

    tui = Tui(Buttons())
    tui.take(PhaseChanged(0.0, Phase.READY, "Ready."))

    async def script(pilot, app):
        await until(pilot, lambda: "Ready." in text(app, "#cue"))
        assert all(card.query_one("Digits").value == "-" for card in app.query("Card"))
        await pilot.press("l")
        assert "no lap before" in text(app, "#asked")
        await pilot.press("s")
        await until(pilot, lambda: Buttons.pressed == ["start"])
        tui.take(RunEnded(1.0, None, "Done."))
        await until(pilot, lambda: "Done." in text(app, "#cue"))
        tui.close()
        await until(pilot, lambda: not app.is_running)

    drive(tui, script, size=(80, 24))
