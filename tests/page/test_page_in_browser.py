"""The runner's page and the coach's screen in a real browser, while a sample session plays."""

from __future__ import annotations

import importlib.util
import time
from pathlib import Path

import httpx
import pytest
from axe_playwright_python.sync_playwright import Axe

from soleus.live.news import Phase, PhaseChanged, RunStatus
from soleus.live.page import Page

spec = importlib.util.spec_from_file_location("looking", Path(__file__).parent / "looking.py")
looking = importlib.util.module_from_spec(spec)
spec.loader.exec_module(looking)

SIZES = {
    "tablet": (1180, 820),
    "phone": (390, 844),
    "phone on its side": (844, 390),
    "laptop": (1440, 900),
    "television": (1920, 1080),
}
DIGITS_LEAST_PX = 120.0
"""23 mm on an 11-inch tablet of 264 dots an inch, two to a CSS pixel."""
LOST_MOST_S = 2.0

size = pytest.mark.parametrize("size", SIZES.values(), ids=SIZES)


wait_for_numbers, until, look = looking.wait_for_numbers, looking.until, looking.look


@size
def test_numbers_change_and_nothing_overflows(running, displays, size):
    display = displays.open(running.address, size)
    wait_for_numbers(display)
    first = look(display, "texts")
    line = display.locator("#trend-chart .line").first
    path = line.get_attribute("d") if size[1] > 480 else None
    until(lambda: sum(now != before for now, before in zip(look(display, "texts"), first, strict=True)) >= 3)
    until(lambda: path is None or line.get_attribute("d") != path)
    assert look(display, "clipped") == []
    assert look(display, "overlaps") == []
    digits = look(display, "digits")
    assert len(digits) == 3
    assert min(digits) >= (DIGITS_LEAST_PX if size[0] >= 1180 else 70.0)
    for name in ("calf_dose", "foot_strike_angle_deg", "elapsed_s"):
        choose(display, name)
        assert look(display, "clipped") == [], name
    for button in ("#pain", "#beat", "#belt-button"):
        display.click(button)
        assert look(display, "clipped") == [], button
        display.keyboard.press("Escape")


def choose(display, name: str) -> None:
    display.locator(".card[data-slot='2'] h2 button").click()
    display.locator(f"[data-metric='{name}']").click()


def test_the_third_number_is_chosen_and_stays(running, displays):
    display = displays.open(running.address)
    wait_for_numbers(display)
    choose(display, "overstride_m")
    label = display.locator(".card[data-slot='2'] h2 button")
    label.get_by_text("Overstride").wait_for()
    assert 5.0 < float(display.locator(".card[data-slot='2'] .value").inner_text()) < 40.0
    display.reload()
    wait_for_numbers(display)
    assert "Overstride" in label.inner_text()


def test_a_cue_is_shown_sounded_and_logged(serving, displays, cue_s):
    served = serving(start_s=cue_s - 5.0, speed=0.2)
    display = displays.open(served.address)
    coach = displays.open(f"{served.address}coach", (1440, 900))
    wait_for_numbers(display)
    display.click("#sound")
    display.locator("#sound", has_text="Sound on").wait_for()
    served.player.speed = 4.0
    display.locator("#cue[data-severity='caution']").wait_for()
    assert display.locator("#cue-word").inner_text() == "CAUTION"
    assert "eft" in display.locator("#cue-message").inner_text()
    assert display.locator("#cue .shape path").count() == 2
    assert display.locator("#cue").get_attribute("aria-live") == "polite"
    until(lambda: served.page.board.given(1))
    assert served.page.board.given(1)[0] in {"tone", "voice"}
    entry = coach.locator("#cues li[data-severity='caution']")
    entry.get_by_text("to the runner").wait_for()
    words = entry.inner_text()
    assert "sounded to the runner" in words or "spoken to the runner" in words
    assert "threshold" in words
    assert "doi" in words
    display.click("#sound")
    display.locator("#sound", has_text="Muted").wait_for()
    assert served.page.board.muted


def test_the_buttons_reach_the_run(running, displays):
    display = displays.open(running.address)
    wait_for_numbers(display)
    before = len(running.player.pressed)
    display.click("#pain")
    display.get_by_role("button", name="Pain 2 of 10").click()
    display.locator("#pain-dialog").wait_for(state="hidden")
    display.click("#lap")
    display.click("#belt-button")
    display.fill("#belt-kmh", "10.8")
    display.get_by_role("button", name="Take").click()
    until(lambda: len(running.player.pressed) >= before + 3)
    assert running.player.pressed[before:] == [("pain", 2.0), ("lap",), ("belt", pytest.approx(3.0), 0.0)]


def test_great_pain_is_answered_with_what_to_do(serving, displays):
    served = serving(start_s=60.0)
    display = displays.open(served.address)
    wait_for_numbers(display)
    display.click("#pain")
    display.get_by_role("button", name="Pain 8 of 10").click()
    hint = display.locator("#pain-hint")
    hint.get_by_text("Stop now").wait_for()
    assert "doctor" in hint.inner_text()
    display.locator("#cue[data-severity='stop']").wait_for(state="attached")
    display.keyboard.press("Escape")
    assert display.locator("#cue-word").inner_text() == "STOP"
    assert served.player.pressed == [("pain", 8.0)]


def test_everything_can_be_done_by_keyboard(running, displays):
    display = displays.open(running.address)
    wait_for_numbers(display)
    before = len(running.player.pressed)
    display.locator("#pain").focus()
    display.keyboard.press("Enter")
    display.get_by_role("button", name="Pain 1 of 10").focus()
    display.keyboard.press("Space")
    until(lambda: len(running.player.pressed) > before)
    assert running.player.pressed[before] == ("pain", 1.0)
    display.locator("#pain-dialog").wait_for(state="hidden")
    display.locator("#go").focus()
    display.keyboard.press("Enter")
    display.locator("#stop-dialog").wait_for()
    display.keyboard.press("Escape")
    display.locator("#stop-dialog").wait_for(state="hidden")
    assert ("stop",) not in running.player.pressed


def test_the_metronome_beats_at_the_cadence_suggested(running, displays):
    display = displays.open(running.address)
    wait_for_numbers(display)
    display.click("#beat")
    display.click("#beat-suggested")
    rate = int(display.locator("#beat-rate").inner_text())
    assert 165 <= rate <= 190
    display.click("#beat-go")
    display.locator("#beat", has_text=f"Beat {rate}").wait_for()
    assert display.locator("#beat").get_attribute("aria-pressed") == "true"


def test_a_run_that_waits_is_begun_from_the_page(player_class, displays):
    player = player_class()
    with Page(player, port=0) as page:
        player.sinks.append(page)
        display = displays.open(page.address)
        page.take(PhaseChanged(0.0, Phase.LOOKING, "Looking for the pods."))
        display.locator("#cue-message", has_text="Looking for the pods.").wait_for()
        assert display.locator("#go").is_disabled()
        assert display.locator("#pain").is_enabled()
        page.take(PhaseChanged(5.0, Phase.READY, "Ready when you are."))
        display.locator("#cue-message", has_text="Ready when you are.").wait_for()
        shape, words = (display.locator(f"#cue {part}").bounding_box() for part in (".shape", ".words"))
        assert shape["x"] + shape["width"] <= words["x"], "the sign stands beside the words"
        assert display.locator(".card .value").all_inner_texts() == ["–"] * 3
        display.click("#go")
        display.locator("#phase", has_text="running").wait_for()
        display.locator("#go", has_text="Stop").wait_for()
        assert player.pressed == [("start",)]
        page.take(RunStatus(6.0, Phase.RUNNING, (), trouble=("The disk is full.",)))
        display.locator("#cue-message", has_text="The disk is full.").wait_for()
        display.close()


def test_the_run_ends_from_the_page(serving, displays):
    served = serving(start_s=60.0)
    display = displays.open(served.address)
    wait_for_numbers(display)
    display.click("#go")
    display.click("#stop-now")
    display.locator("#phase", has_text="ended").wait_for()
    assert served.player.pressed == [("stop",)]
    served.page.close()
    time.sleep(LOST_MOST_S)
    assert display.locator("#cue").get_attribute("data-severity") == "calm", "an ended run is not a lost one"
    displays.complaints.clear()


def lost_after(display, since: float) -> float:
    display.locator("#cue[data-severity='lost']").wait_for()
    passed = time.monotonic() - since
    assert "SIGNAL LOST" in display.locator("#cue-word").inner_text()
    assert display.locator(".card .value").all_inner_texts() == ["–"] * 3
    return passed


def test_lost_samples_are_told_within_two_seconds_and_come_back(serving, displays):
    served = serving(start_s=60.0)
    display = displays.open(served.address)
    wait_for_numbers(display)
    served.player.paused.set()
    assert lost_after(display, time.monotonic()) <= LOST_MOST_S + 0.3
    served.player.paused.clear()
    display.locator("#cue[data-severity='calm']").wait_for()
    wait_for_numbers(display)


def test_a_lost_server_is_told_and_found_again(serving, player_class, displays):
    player = player_class(start_s=60.0)
    first = Page(player, port=0)
    player.sinks.append(first)
    player.begin()
    display = displays.open(first.address)
    wait_for_numbers(display)
    since = time.monotonic()
    first.close()
    assert lost_after(display, since) <= LOST_MOST_S + 0.5
    player.end()
    player = player_class(start_s=90.0)
    with Page(player, port=first.port) as second:
        player.sinks.append(second)
        player.begin()
        display.locator("#cue[data-severity='calm']").wait_for()
        wait_for_numbers(display)
        until(lambda: display.locator("#elapsed").inner_text().startswith("1:"))
        player.end()
    # While the server is away, the browser itself notes that it could not connect.
    refused = [each for each in displays.complaints if "ERR_CONNECTION_REFUSED" in each or "ERR_INCOMPLETE" in each]
    displays.complaints[:] = [each for each in displays.complaints if each not in refused]


def test_one_silent_pod_is_named(serving, displays):
    served = serving(start_s=60.0)
    display = displays.open(served.address)
    wait_for_numbers(display)
    from soleus.model import Foot

    served.player.silent.add(Foot.RIGHT)
    display.locator("#cue-message", has_text="right pod").wait_for()
    display.locator(".pod.right.lost").wait_for()
    assert display.locator("#cue").get_attribute("data-severity") == "notice"


def test_two_viewers_see_the_same(running, displays):
    tablet = displays.open(running.address)
    phone = displays.open(running.address, (390, 844), "light")
    for display in (tablet, phone):
        wait_for_numbers(display)
    assert running.page.viewers >= 2
    until(lambda: tablet.locator("#elapsed").inner_text() == phone.locator("#elapsed").inner_text())
    values = [look(display, "texts") for display in (tablet, phone)]
    assert sum(one == other for one, other in zip(*values, strict=True)) >= len(values[0]) - 4


@pytest.mark.parametrize("place", ["", "coach"], ids=["runner", "coach"])
def test_nobody_is_shut_out(running, displays, place):
    """No serious fault of accessibility, by axe, in both themes; the cue is on, which is when it counts."""
    display = displays.open(running.address + place, (1440, 900))
    display.locator("body[data-newest-step]").wait_for()
    assert grave_faults(display) == []
    if place == "":
        for dialog in ("#pain", "#beat"):
            display.click(dialog)
            assert grave_faults(display) == []
            display.keyboard.press("Escape")
    display.click("#theme")
    display.locator("html[data-theme='light']").wait_for()
    assert grave_faults(display) == []


def grave_faults(display) -> list:
    faults = Axe().run(display).response["violations"]
    return [
        (fault["id"], [node["html"][:120] for node in fault["nodes"]])
        for fault in faults
        if fault["impact"] in {"serious", "critical"}
    ]


def test_the_theme_follows_the_system_until_one_is_chosen(running, displays):
    display = displays.open(running.address, theme="light")
    root = display.locator("html")
    assert root.get_attribute("data-theme") == "light"
    display.click("#theme")
    assert root.get_attribute("data-theme") == "dark"
    display.reload()
    assert root.get_attribute("data-theme") == "dark"


def test_the_coach_sees_every_step(running, displays):
    display = displays.open(f"{running.address}coach", SIZES["laptop"])
    display.locator("body[data-newest-step] #laps tbody tr").first.wait_for()
    until(lambda: display.locator("#strike-chart rect").count() > 4)
    for strip in display.locator(".strip .chart").all():
        dots = strip.locator(".dots")
        assert dots.count() == 2
        assert dots.first.get_attribute("d").count("M") > 150
    assert display.locator("#balance tbody tr").count() >= 10
    assert display.locator("#laps tbody tr").count() >= 2
    for name in ("laptop", "television", "tablet", "phone"):
        display.set_viewport_size(dict(zip(("width", "height"), SIZES[name], strict=True)))
        until(lambda: look(display, "settled"))
        assert look(display, "clipped", True) == [], name
    display.click("[data-span='60']")
    until(lambda: display.locator(".strip .dots").first.get_attribute("d").count("M") < 100)
    body = display.locator("body")
    before = body.get_attribute("data-newest-step")
    until(lambda: body.get_attribute("data-newest-step") != before)
    assert "runs in 30 days" in display.locator("#past").inner_text()


def test_the_token_leaves_the_address(serving, displays):
    served = serving(start_s=60.0, lan=True)
    display = displays.open(served.page.local_address)
    wait_for_numbers(display)
    assert "token" not in display.url
    display.reload()
    wait_for_numbers(display)
    stranger = httpx.get(display.url, timeout=10)
    assert stranger.status_code == 401
