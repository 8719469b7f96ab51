"""Long runs: nothing unaccounted, memory flat, pushes fast; and what the radio costs."""

import gc
import os
import resource
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("bumble")

from soleus.cli.finish_run import Finish
from soleus.cli.follow import streamed
from soleus.cli.with_history import HistoryUse
from soleus.ingest.ble import Radio, SamplesIn, Wish, pair
from soleus.ingest.virtual import Fault, WorldSetting
from soleus.live import air
from soleus.live.news import RunStatus, StepsFound
from soleus.live.setting import RunSetting
from soleus.model import Foot, PodSamples, PodTrack, Recording
from soleus.pipeline import Pipeline
from soleus.simulate import Bout, Scenario, Sensor, simulate

pytestmark = pytest.mark.slow

RATE_HZ = 400.0


def resident_mb():
    with Path("/proc/self/statm").open(encoding="ascii") as statm:
        return int(statm.read().split()[1]) * resource.getpagesize() / 1e6


def long_run(duration_s):
    """A minute of running, over and over."""
    bouts = (Bout(kind="run", speed_mps=3.0, duration_s=60.0),)
    minute = simulate(Scenario(name="minute", bouts=bouts, sensor=Sensor(rate_hz=RATE_HZ)), seed=1).recording
    n = round(duration_s * RATE_HZ)
    tracks = []
    for track in minute.pods:
        times = -(-n // len(track.samples))
        counts = np.tile(track.samples.counts, (1, times))[:, :n]
        tracks.append(PodTrack(track.info, PodSamples(track.info.foot, np.arange(n) / RATE_HZ, counts)))
    return Recording(tuple(tracks), runner=minute.runner)


def faults_until(end_s):
    rng = np.random.default_rng(1)
    kinds = (("drop", 0.0, 300), ("silence", 6.0, 400), ("packets", 4.0, 120), ("overrun", 9, 500))
    return tuple(
        Fault(float(at_s), Foot(int(rng.integers(2))), kind, amount)
        for kind, amount, each_s in kinds
        for at_s in np.arange(60.0, end_s - 60.0, each_s) + rng.uniform(0, 50)
    )


class Watch:
    """A sink that looks at the memory each minute of the run."""

    def __init__(self):
        self.memory_mb = []
        self.steps = 0
        self.next_s = 60.0

    def take(self, news):
        if isinstance(news, StepsFound):
            self.steps += len(news.steps)
        if isinstance(news, RunStatus) and news.session_now_s >= self.next_s:
            self.next_s += 60.0
            gc.collect()
            self.memory_mb.append(resident_mb())

    def close(self):
        pass


@pytest.mark.timeout(3000)
def test_one_hour(tmp_path, monkeypatch):
    """Two pods at 400 Hz with faults over the whole path: radio, journal, core, rules."""
    duration_s = float(os.environ.get("SOLEUS_SOAK_S", "3600"))
    # As live: what comes is handed on at once, in pieces of some 50 ms.
    monkeypatch.setattr(air, "EVENTS_AHEAD", 2)
    recording = long_run(duration_s)
    setting = WorldSetting(packet_error_rate=0.05, faults=faults_until(duration_s), start_after_s=3 * air.START_AFTER_S)
    watch = Watch()
    began_s = time.perf_counter()
    with air.air_around(recording, setting) as radio:
        paired = air.begin_streaming(radio, recording)
        run = streamed(
            radio,
            paired.roles,
            tmp_path / "run",
            Finish(HistoryUse(None, None, None, ""), report=False),
            sinks=[watch],
            runner=recording.runner,
            setting=RunSetting(stand_still=False, until_s=air.ends_s(recording, setting)),
        )
        run.begin()
        outcome = run.join()
    real_s = time.perf_counter() - began_s
    quality = outcome.quality
    warm = watch.memory_mb[5:]
    print(
        f"{duration_s:.0f} s in {real_s:.0f} s; {watch.steps} steps; memory {warm[0]:.0f} to {max(warm):.0f} MB; "
        f"push {quality['push.median_s'] * 1e3:.1f} ms, p95 {quality['push.p95_s'] * 1e3:.1f}, "
        f"p99 {quality['push.p99_s'] * 1e3:.1f} ms; "
        f"lost {[quality[f'{foot}.loss.pod'] for foot in ('left', 'right')]}, "
        f"links {[quality[f'{foot}.links_lost'] for foot in ('left', 'right')]}"
    )
    for foot in Foot:
        name = foot.label
        lost = sum(value for key, value in quality.items() if key.startswith(f"{name}.loss."))
        assert quality[f"{name}.unaccounted"] == 0
        assert outcome.samples[foot] + lost == round(duration_s * RATE_HZ), "every sample is there or has a cause"
        assert quality[f"{name}.links_lost"] > 0
    assert watch.steps > 2.0 * duration_s
    assert max(warm) - warm[0] < 10.0


def test_a_push_of_fifty_milliseconds():
    """Two pods at 400 Hz through core and rules: processor time of a push, so that other work does not count."""
    recording = long_run(100.0)
    rounds = []
    for _ in range(3):
        pipeline = Pipeline([track.info for track in recording.pods], recording.runner)
        taken_s = []
        for chunk in recording.chunks(0.05):
            began_s = time.thread_time()
            pipeline.push(chunk)
            taken_s.append(time.thread_time() - began_s)
        rounds.append(taken_s)
    # The same pushes each time: what differs is other work's effect on caches and clock rates.
    taken_s = np.min(rounds, axis=0)
    median_ms, p99_ms = np.percentile(taken_s, [50, 99]) * 1e3
    print(f"a push of 50 ms: median {median_ms:.2f} ms, p99 {p99_ms:.2f} ms")
    assert p99_ms < 5.0


WORLD = """
import asyncio, sys
import numpy as np
from soleus.ingest.virtual import VirtualWorld, WorldSetting
from soleus.model import Foot, PodInfo, PodSamples, PodTrack, Recording

def track(foot):
    n = 400 * 120
    counts = np.random.default_rng(foot).integers(-30000, 30000, (6, n), dtype=np.int16)
    return PodTrack(PodInfo(foot, 0.0048, 0.001, rate_hz=400.0), PodSamples(foot, np.arange(n) / 400, counts))

async def main():
    world = await VirtualWorld.open(Recording(tuple(track(foot) for foot in Foot)), WorldSetting())
    await world.serve(int(sys.argv[1]))
    print("ready", flush=True)
    await asyncio.sleep(100)

asyncio.run(main())
"""


def test_what_the_radio_costs():
    """CPU time of the host's side alone: the pods are in another process."""
    port = 9472
    pods = subprocess.Popen([sys.executable, "-c", WORLD, str(port)], stdout=subprocess.PIPE, text=True)
    try:
        assert pods.stdout.readline() == "ready\n"
        with Radio(f"tcp-client:127.0.0.1:{port}") as radio:
            radio.stream(pair(radio.scan(1.5)).roles, Wish(400, samples_per_packet=8))
            end_s = time.monotonic() + 12.0
            while time.monotonic() < end_s:
                radio.take(0.05)
            samples, cpu_s, begin_s = 0, time.process_time(), time.monotonic()
            while time.monotonic() < begin_s + 20.0:
                samples += sum(len(e.samples) for e in radio.take(0.05) if isinstance(e, SamplesIn))
            share = (time.process_time() - cpu_s) / (time.monotonic() - begin_s)
            rate = samples / (time.monotonic() - begin_s) / 8
            radio.stop()
            while not any(type(event).__name__ == "Ended" for event in radio.take(0.1)):
                pass
    finally:
        pods.kill()
        pods.wait()
        pods.stdout.close()
    print(
        f"{rate:.0f} notifications a second: {100 * share:.1f} % of a core, {100 * share * 100 / rate:.1f} % a hundred"
    )
    assert rate > 80.0
    assert share * 100.0 / rate < 0.10
