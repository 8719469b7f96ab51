"""What the plain terminal shows: sentences as they come, a line now and then, a table where somebody watches."""

import io

import pytest
from rich.console import Console

from soleus.live import terminal as room
from soleus.live.news import Phase, PhaseChanged, PodJoined, PodStatus, RunEnded, RunStatus, StepsFound, Told
from soleus.live.numbers import RunNumbers
from soleus.live.terminal import Terminal, line_of, table_of
from soleus.model import Foot, Warnings


@pytest.fixture(scope="module")
def news(short_run, played):
    """News of half a minute, without the last words."""
    return [each for each in played(short_run, None).ear.news if not isinstance(each, RunEnded)]


def text_of(renderable, width=110):
    console = Console(file=io.StringIO(), width=width)
    console.print(renderable)
    return console.file.getvalue()


def gathered(news):
    numbers = RunNumbers()
    for each in news:
        numbers.take(each)
    return numbers


def test_the_table(news):
    numbers = gathered(news)
    left = PodStatus(Foot.LEFT, True, 71, -50, 6000, 12, 29.9, 1.3)
    right = PodStatus(Foot.RIGHT, False, None, None, 5000, 0, 20.0, None)
    status = RunStatus(
        numbers.newest_s,
        Phase.RUNNING,
        (left, right),
        belt_speed_mps=3.0,
        heart_rate_bpm=151.0,
        latency_s=0.52,
        trouble=("The right pod does not answer.",),
    )
    numbers.take(status)
    drawn = text_of(table_of(numbers.snapshot()))
    assert "running  0:2" in drawn
    assert "Cadence" in drawn
    assert "Overstride (modelled)" in drawn
    assert "left: streams, 12 of 6000 samples lost, battery 71 %, clock ± 1.3 ms" in drawn
    assert "right: does not answer, 0 of 5000 samples lost" in drawn
    assert "belt 10.8 km/h, heart 151 bpm, steps shown 0.5 s after toe-off" in drawn
    assert "The right pod does not answer." in drawn


def test_the_table_in_a_narrow_terminal(news):
    numbers = gathered(news)
    numbers.take(
        RunStatus(numbers.newest_s, Phase.RUNNING, (PodStatus(Foot.LEFT, True, 71, -50, 6000, 12, 29.9, 1.3),))
    )
    drawn = text_of(table_of(numbers.snapshot()), width=60)
    assert "unit" in drawn
    assert "bw·s" in drawn
    assert "1.3 ms" in drawn
    assert "…" not in drawn


def test_the_table_of_nothing():
    assert "Cadence" in text_of(table_of(RunNumbers().snapshot()))
    assert line_of(RunNumbers().snapshot()).endswith("0 steps, 0 samples lost")


def test_without_a_terminal_a_line_now_and_then(news, monkeypatch):
    clock = [0.0]
    monkeypatch.setattr(room.time, "monotonic", lambda: clock[0])
    console = Console(file=io.StringIO(), width=120)
    view = Terminal(console)
    for each in news:
        if isinstance(each, StepsFound):
            clock[0] += 1.0
        view.take(each)
    view.take(Told(12.0, "Something [odd] happened."))
    view.take(RunEnded(30.0, None, "Over."))
    view.close()
    lines = console.file.getvalue().splitlines()
    assert lines[0] == "0:00 Looking for the pods."
    assert "0:12 Something [odd] happened." in lines, "no markup"
    assert lines[-1] == "0:30 Over."
    steps = sum(isinstance(each, StepsFound) for each in news)
    assert sum("cadence" in line for line in lines) == pytest.approx(steps / 10, abs=2)


def test_warnings_are_written_at_once():
    from soleus.live.news import WarningsSaid

    console = Console(file=io.StringIO(), width=120)
    view = Terminal(console)
    view.take(WarningsSaid(Warnings.from_rows([(62.0, "pain-stop", 3, "Stop, or walk home.", "{}", -1, "")])))
    view.close()
    assert console.file.getvalue() == "1:02 stop: Stop, or walk home.\n"


def test_with_a_terminal_the_table_is_drawn(news):
    console = Console(file=io.StringIO(), width=120, force_terminal=True)
    view = Terminal(console)
    for each in news:
        view.take(each)
    view.close()
    view.close()
    assert "Cadence" in console.file.getvalue()
    assert {type(each) for each in news} >= {PhaseChanged, PodJoined}
