"""A live run with its page in a process of its own, for measuring: tells its address, its clock, its steps, its work.

``python tests/page/live_server.py SESSION``; ends when its standard input does.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from pathlib import Path

from soleus.live.news import StepsFound
from soleus.live.page import Page
from soleus.live.replay import Replay
from soleus.live.run import LiveRun, RunSetting
from soleus.model import Foot
from soleus.recording import open_recording


class StepTimes:
    """Notes each step's toe-off [session s] and when the core gave it [wall s]."""

    def __init__(self) -> None:
        self.rows: list[tuple[float, float]] = []

    def take(self, news) -> None:
        if isinstance(news, StepsFound):
            now = time.time()
            self.rows += [(toe_off_s, now) for toe_off_s in news.steps["toe_off_s"].tolist()]

    def close(self) -> None:
        pass


def tell(**facts) -> None:
    print(json.dumps(facts), flush=True)


def main() -> None:
    times = StepTimes()
    with open_recording(Path(sys.argv[1])) as reader, tempfile.TemporaryDirectory() as folder:
        replay = Replay(reader, speed=1.0)
        setting = RunSetting(stand_still=False)
        feet = [Foot.LEFT, Foot.RIGHT]
        run = LiveRun(replay, feet, Path(folder) / "session", runner=reader.runner, setting=setting)
        with Page(run, port=0) as page:
            run.add_sink(page)
            run.add_sink(times)
            run.begin()
            tell(address=page.address)
            sys.stdin.readline()
            cpu_s, began = time.process_time(), time.monotonic()
            sys.stdin.readline()
            spent = (time.process_time() - cpu_s) / (time.monotonic() - began)
            tell(zero=time.time() - replay.now_s(), cpu_share=spent, steps=times.rows)
            run.stop()
            run.join(30)


if __name__ == "__main__":
    main()
