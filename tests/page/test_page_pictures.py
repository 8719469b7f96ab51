"""Pictures of the screens for the documentation, taken while the sample session plays.

Made anew by ``SOLEUS_PICTURES=docs/pictures pytest tests/page -k pictures``; without the variable they go to a
temporary folder, and two are enough, so that the way to make them stays sound.
"""

from __future__ import annotations

import importlib.util
import os
from contextlib import ExitStack
from datetime import date, timedelta
from pathlib import Path

import pytest
from PIL import Image

from soleus.live.page import Page, PastDay, PastWeeks
from soleus.rules import HistorySummary

spec = importlib.util.spec_from_file_location("looking", Path(__file__).parent / "looking.py")
looking = importlib.util.module_from_spec(spec)
spec.loader.exec_module(looking)

PICTURES = {
    "live-tablet-dark": ("", (1180, 820), "dark"),
    "live-tablet-light": ("", (1180, 820), "light"),
    "live-phone": ("", (390, 844), "dark"),
    "live-phone-side": ("", (844, 390), "light"),
    "live-laptop": ("", (1440, 900), "light"),
    "live-television": ("", (1920, 1080), "dark"),
    "live-coach": ("coach", (1440, 900), "light"),
    "live-coach-television": ("coach", (1920, 1080), "dark"),
}
TRIED = ("live-phone", "live-coach")
"""Those that are made when none are wanted."""
WANTED = os.environ.get("SOLEUS_PICTURES")
LARGEST_BYTES = 200_000
COLOURS = 96
WEEK_KM = (6.0, 0.0, 8.0, 0.0, 5.0, 11.2, 0.0)
IMPULSE_PER_KM = 540.0


def four_weeks() -> PastWeeks:
    """A made-up history for the pictures."""
    first = date(2024, 12, 4)
    days = [
        PastDay(date=(first + timedelta(days=i)).isoformat(), distance_m=1000 * km, impulse_bws=IMPULSE_PER_KM * km)
        for i, km in enumerate(WEEK_KM * 4)
    ]
    summary = HistorySummary(
        sessions_30d=16,
        span_days=28,
        longest_distance_m=11_200,
        highest_dose=3.1e6,
        usual_speed_mps=3.1,
        hours_since_hard=42,
    )
    return PastWeeks(summary=summary, days=tuple(days))


@pytest.fixture(scope="module")
def shown(player_class, cue_s):
    with ExitStack() as stack:
        player = player_class(start_s=cue_s - 2.0, speed=3.0)
        page = stack.enter_context(Page(player, port=0, title="Sample run", history=four_weeks()))
        player.sinks.append(page)
        stack.callback(player.end)
        player.begin()
        looking.until(lambda: page.board.now()["cue"])
        player.lap()
        player.speed = 1.0
        yield page


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    made = Path(WANTED) if WANTED else tmp_path_factory.mktemp("pictures")
    made.mkdir(parents=True, exist_ok=True)
    return made


@pytest.mark.parametrize("name", PICTURES if WANTED else TRIED)
def test_pictures(name, shown, displays, folder):
    place, size, theme = PICTURES[name]
    display = displays.open(shown.address + place, size, theme)
    display.locator("body[data-newest-step]").wait_for()
    if place:
        looking.until(lambda: display.locator("#strike-chart rect").count() > 4)
    else:
        looking.wait_for_numbers(display)
    file = folder / f"{name}.png"
    display.screenshot(path=file, full_page=bool(place))
    with Image.open(file) as picture:
        small = picture.convert("RGB").quantize(COLOURS, dither=Image.Dither.NONE)
    small.save(file, optimize=True)
    assert 5_000 < file.stat().st_size < LARGEST_BYTES
