"""The whole way: a recording played as a live run, shown in a browser, its buttons pressed, the session on disk."""

from __future__ import annotations

import time
from pathlib import Path

from soleus.live.page import Page
from soleus.live.replay import Replay
from soleus.live.run import LiveRun, RunSetting
from soleus.model import Foot, PainTold
from soleus.recording import open_recording

SAMPLES = Path(__file__).resolve().parents[2] / "sample_data"
SPEED = 4.0


def test_what_is_pressed_on_the_page_is_in_the_session(displays, tmp_path):
    with open_recording(SAMPLES / "steady_rearfoot") as reader:
        run = LiveRun(
            Replay(reader, speed=SPEED),
            [Foot.LEFT, Foot.RIGHT],
            tmp_path / "session",
            runner=reader.runner,
            setting=RunSetting(stand_still=False),
        )
        with Page(run, port=0, title="Replay") as page:
            run.add_sink(page)
            run.begin()
            display = displays.open(page.address)
            display.locator("#pain:not([disabled])").wait_for()
            display.locator(".card .value", has_text="0.").first.wait_for()
            assert 130 < float(display.locator(".card .value").first.inner_text()) < 220
            display.click("#lap")
            display.click("#pain")
            display.get_by_role("button", name="Pain 3 of 10").click()
            display.locator("#pain-dialog").wait_for(state="hidden")
            display.locator("#lap-now", has_text="2 ·").wait_for()
            time.sleep(0.5)
            display.click("#go")
            display.click("#stop-now")
            outcome = run.join(60)
            display.locator("#phase", has_text="ended").wait_for()
    assert outcome is not None
    with open_recording(tmp_path / "session") as recorded:
        told = [each for each in recorded.happened if isinstance(each, PainTold)]
        assert [each.rating for each in told] == [3.0]
        assert told[0].time_s > 1.0
    # The page is gone while the display still looks: the browser notes that it cannot connect.
    displays.complaints[:] = [each for each in displays.complaints if "ERR_" not in each]
