"""Viewers come late, come back, come in numbers, and fall asleep; the run never waits for them."""

from __future__ import annotations

import json
import socket
import threading
import time

import httpx
import numpy as np
import pytest

from soleus.live.news import Phase, PhaseChanged, RunEnded, SamplesTaken, StepsFound, Told, WarningsSaid
from soleus.live.page import Page, viewers
from soleus.model import Foot, PodSamples, Steps, Warnings


class Nobody:
    """Controls that nobody presses."""


@pytest.fixture(scope="module")
def run_steps(recordings):
    return recordings.rows(recordings.run(duration_s=40.0).recording)[0]


@pytest.fixture
def page():
    with Page(Nobody(), port=0) as made:
        made.take(PhaseChanged(0.0, Phase.RUNNING, "Run."))
        yield made


class Listener(threading.Thread):
    """Reads a stream into lists of events by name."""

    def __init__(self, address: str, query: str = "", **headers: str) -> None:
        super().__init__(daemon=True)
        self.address, self.headers = f"{address}events{query}", headers
        self.events: dict[str, list] = {}
        self.ids: list[str] = []
        self.done = threading.Event()
        self._leave = threading.Event()
        self.start()

    def run(self) -> None:
        name = ""
        try:
            with httpx.stream("GET", self.address, headers=self.headers, timeout=20) as stream:
                for line in stream.iter_lines():
                    kind, _, rest = line.partition(": ")
                    if kind == "id":
                        self.ids.append(rest)
                    elif kind == "event":
                        name = rest
                    elif kind == "data":
                        self.events.setdefault(name, []).append(json.loads(rest))
                    if self._leave.is_set():
                        return
        finally:
            self.done.set()

    def leave(self) -> None:
        self._leave.set()
        assert self.done.wait(10)

    def rows(self) -> list:
        return [row for event in self.events.get("steps", []) for row in event["rows"]]

    def wait(self, ready, seconds: float = 10.0) -> None:
        end = time.monotonic() + seconds
        while not ready(self):
            assert time.monotonic() < end, {name: len(events) for name, events in self.events.items()}
            time.sleep(0.02)


def feed(page: Page, steps: Steps, first: int, last: int) -> None:
    part = steps.select(slice(first, last))
    page.take(StepsFound(float(part["toe_off_s"][-1]), part))


def test_steps_come_whole_and_in_order_to_all(page, run_steps):
    feed(page, run_steps, 0, 30)
    listeners = [Listener(page.address), Listener(page.address, "?view=coach")]
    for listener in listeners:
        listener.wait(lambda each: each.rows())
    for first in range(30, 60, 3):
        feed(page, run_steps, first, first + 3)
    for listener in listeners:
        listener.wait(lambda each: len(each.rows()) >= 60)
        assert [row[0] for row in listener.rows()] == run_steps["foot"][:60].tolist()
        assert [row[1] for row in listener.rows()] == pytest.approx(run_steps["toe_off_s"][:60], abs=1e-3)
    page.take(Told(1.0, "Something."))
    listeners[1].wait(lambda each: each.events["log"][-1]["told"])
    assert "log" not in listeners[0].events
    assert page.viewers == 2
    hello = listeners[0].events["hello"][0]
    contact = hello["columns"].index("contact_time_s")
    assert listeners[0].rows()[5][contact] == pytest.approx(run_steps["contact_time_s"][5], rel=1e-4)


def test_who_comes_back_goes_on_where_he_was(page, run_steps):
    feed(page, run_steps, 0, 30)
    first = Listener(page.address)
    first.wait(lambda each: len(each.rows()) == 30)
    first.leave()
    feed(page, run_steps, 30, 50)
    for how in ({"last-event-id": first.ids[-1]}, {}):
        query = "" if how else f"?after={first.ids[-1]}"
        again = Listener(page.address, query, **how)
        again.wait(lambda each: each.rows())
        assert again.events["hello"][0]["first"] == 30
        assert again.events["steps"][0]["first"] == 30
        assert len(again.rows()) == 20
        again.leave()


@pytest.mark.parametrize("place", ["other-12", "nonsense", "", "-", "x" * 5000, "other-99999999999999999999"])
def test_a_place_of_another_run_begins_anew(page, run_steps, place):
    feed(page, run_steps, 0, 10)
    listener = Listener(page.address, **{"last-event-id": place})
    listener.wait(lambda each: each.rows())
    assert len(listener.rows()) == 10


def test_missing_numbers_are_null(page, run_steps):
    feed(page, run_steps, 0, 1)
    listener = Listener(page.address)
    listener.wait(lambda each: each.rows())
    now = listener.events["now"][-1]
    assert now["values"]["contact_time_s"] == [None, None, None, None]
    assert now["calf_dose"] is None
    assert None in listener.rows()[0]


def test_news_are_shown_soon_and_quiet_ones_often(page):
    listener = Listener(page.address)
    listener.wait(lambda each: "now" in each.events)
    before = len(listener.events["now"])
    time.sleep(1.2)
    beats = len(listener.events["now"]) - before
    assert 3 <= beats <= 13
    sent = time.monotonic()
    page.take(Told(1.0, "Hear this."))
    listener.wait(lambda each: (each.events["now"][-1]["told"] or {}).get("sentence") == "Hear this.")
    assert time.monotonic() - sent < 0.6


def test_silence_is_told(page):
    page.take(SamplesTaken(PodSamples(Foot.LEFT, np.array([1.0]), np.zeros((6, 1), np.int16))))
    listener = Listener(page.address)
    listener.wait(lambda each: "now" in each.events and each.events["now"][-1]["silent_s"] > 0.6)
    assert listener.events["now"][-1]["pods"][0]["silent_s"] > 0.6


def test_cues_are_noted_as_given(page):
    page.take(WarningsSaid(Warnings.from_rows([(5.0, "r", 2, "Ease off.", '{"value": 1}', 0, "Ref")])))
    coach = Listener(page.address, "?view=coach")
    coach.wait(lambda each: "log" in each.events)
    own = page.address.rstrip("/")
    answer = httpx.post(f"{own}/spoken", json={"cue": 1, "how": "voice"}, headers={"origin": own}, timeout=10)
    assert answer.status_code == 204
    coach.wait(lambda each: each.events["log"][-1]["cues"][0]["given"] == ["voice"])
    cue = coach.events["log"][-1]["cues"][0]
    assert (cue["severity"], cue["foot"], cue["evidence"], cue["reference"]) == ("caution", 0, {"value": 1}, "Ref")
    assert page.board.given(1) == ("voice",)


def test_a_viewer_who_never_reads_costs_nothing(page, run_steps, monkeypatch):
    """Ten minutes of news in a second: the sleeper is let go, the others see all, and taking news stays quick."""
    monkeypatch.setattr(viewers, "SPACING_S", 0.001)
    monkeypatch.setattr(viewers, "STUCK_S", 1.0)
    sleepers = []
    for _ in range(3):
        sleeper = socket.socket()
        sleeper.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        sleeper.connect(("127.0.0.1", page.port))
        request = f"GET /events?view=coach HTTP/1.1\r\nHost: 127.0.0.1:{page.port}\r\n\r\n"
        sleeper.sendall(request.encode())
        sleepers.append(sleeper)
    awake = Listener(page.address)
    awake.wait(lambda each: "now" in each.events)
    assert page.viewers == 4
    longest, end = 0.0, time.monotonic() + 25.0
    told = 0
    while page.viewers > 1 and time.monotonic() < end:
        before = time.perf_counter()
        page.take(Told(float(told), f"News {told}. " + "x" * 200))
        longest = max(longest, time.perf_counter() - before)
        told += 1
        time.sleep(0.002)
    assert page.viewers == 1, "those who do not read are let go"
    assert longest < 0.25
    feed(page, run_steps, 0, 5)
    awake.wait(lambda each: len(each.rows()) == 5)
    for sleeper in sleepers:
        sleeper.close()


def test_no_more_viewers_than_there_is_room(page, monkeypatch):
    monkeypatch.setattr(viewers, "VIEWERS_MOST", 2)
    listeners = [Listener(page.address) for _ in range(2)]
    for listener in listeners:
        listener.wait(lambda each: "now" in each.events)
    answer = httpx.get(f"{page.address}events", timeout=10)
    assert answer.status_code == 503
    assert "close one" in answer.text
    listeners[0].leave()
    page.take(Told(1.0, "x"))
    end = time.monotonic() + 10
    while page.viewers > 1 and time.monotonic() < end:
        time.sleep(0.05)
    again = Listener(page.address)
    again.wait(lambda each: "now" in each.events)


def test_the_end_is_seen_before_the_page_closes(run_steps):
    page = Page(Nobody(), port=0)
    listener = Listener(page.address, "?view=coach")
    listener.wait(lambda each: "now" in each.events)
    page.take(RunEnded(9.0, None, "The run has ended."))
    began = time.monotonic()
    page.close()
    page.close()
    assert time.monotonic() - began < 3.0
    assert listener.done.wait(5)
    assert listener.events["now"][-1]["phase"] == "ENDED"
    page.take(Told(10.0, "Nobody hears this, and nothing breaks."))


def test_a_closed_page_gives_its_port_back():
    first = Page(Nobody(), port=0)
    listener = Listener(first.address)
    listener.wait(lambda each: "now" in each.events)
    first.close()
    with Page(Nobody(), port=first.port) as second:
        assert second.port == first.port


def test_nothing_is_computed_while_nobody_looks(page, monkeypatch):
    looked = []
    monkeypatch.setattr(page.board, "now", lambda: looked.append(1))
    for i in range(20):
        page.take(Told(float(i), "x"))
        time.sleep(0.01)
    assert looked == []
