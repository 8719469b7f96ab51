"""A run over the whole Bluetooth path with errors, lost links and drifting clocks: live equals batch, bit for bit."""

import asyncio
import base64
import shutil
import time

import numpy as np
import pyarrow.parquet as pq
import pytest

pytest.importorskip("bumble")

from soleus.cli import main
from soleus.cli.finish_run import Finish
from soleus.cli.follow import streamed
from soleus.cli.with_history import HistoryUse
from soleus.ingest.clock import Arrival, DeviceClock, Exchange
from soleus.ingest.virtual import Fault, WorldSetting
from soleus.live.air import START_AFTER_S, air_around, begin_streaming, ends_s
from soleus.live.news import RunStatus, StepsFound, Told
from soleus.live.setting import RunSetting
from soleus.model import Foot, HeartRate
from soleus.recording import read_events, read_session, read_session_record, recover
from soleus.simulate import Bout, Scenario, Sensor, simulate
from soleus.simulate.scenario import BeltReadings

RATES = HeartRate(np.arange(0.0, 90.0), 120.0 + np.arange(90.0) // 10)
BOUTS = (
    Bout(kind="stand", duration_s=8.0),
    Bout(kind="run", speed_mps=2.8, duration_s=32.0, ramp_s=2.0),
    Bout(kind="run", speed_mps=3.3, duration_s=40.0, ramp_s=2.0),
)


@pytest.fixture(scope="module")
def recording():
    plan = Scenario(name="rough air", bouts=BOUTS, sensor=Sensor(rate_hz=200.0), belt=BeltReadings())
    return simulate(plan, seed=11).recording


def over_the_air(recording, setting, folder, ear, run_setting=None, during=None):
    finish = Finish(HistoryUse(None, None, None, ""), report=False)
    with air_around(recording, setting, heart_rate=RATES) as radio:
        paired = begin_streaming(radio, recording)
        how = run_setting or RunSetting(until_s=ends_s(recording, setting))
        run = streamed(radio, paired.roles, folder, finish, sinks=[ear], runner=recording.runner, setting=how)
        run.begin()
        if during is not None:
            during(run)
        return run.join(200.0)


@pytest.fixture(scope="module")
def rough(recording, tmp_path_factory, new_ear):
    """Ten per cent of packets wrong, both links lost once, clocks 60 ppm apart."""
    folder = tmp_path_factory.mktemp("air") / "run"
    setting = WorldSetting(
        packet_error_rate=0.1,
        clock_drift_ppm=(40.0, -20.0),
        faults=(Fault(28.0, Foot.LEFT, "silence", 7.0), Fault(52.0, Foot.RIGHT, "silence", 5.0)),
        start_after_s=2 * START_AFTER_S,
        seed=4,
    )
    ear = new_ear()
    outcome = over_the_air(recording, setting, folder, ear)
    return outcome, ear, folder


def test_live_equals_batch(rough, tmp_path):
    """The tables written live are those that ``soleus analyze`` makes of the recorded session."""
    outcome, _, folder = rough
    again = tmp_path / "again"
    shutil.copytree(folder, again)
    for name in ("steps.parquet", "warnings.parquet"):
        (again / name).unlink()
    assert main(["analyze", str(again), "--no-history", "--json"]) == 0
    for name in ("steps.parquet", "warnings.parquet"):
        assert pq.read_table(again / name).equals(pq.read_table(folder / name)), name
        assert (again / name).read_bytes() == (folder / name).read_bytes(), name
    assert len(outcome.steps) > 180


def test_every_sample_is_on_disk(rough, recording):
    """What the pods measured is in the session, in order, counts bit for bit; both links were truly lost."""
    outcome, ear, folder = rough
    session = read_session(folder)
    for track, truth in zip(session.pods, recording.pods, strict=True):
        assert np.array_equal(track.samples.counts, truth.samples.counts)
        shift_s = track.samples.time_s - truth.samples.time_s
        assert np.ptp(shift_s) < 0.01, "times are right within the error of the clocks"
    for foot in ("left", "right"):
        assert outcome.quality[f"{foot}.links_lost"] == 1
        assert outcome.quality[f"{foot}.unaccounted"] == 0
        assert outcome.quality[f"{foot}.backfilled"] > 400
        assert sum(outcome.quality[f"{foot}.loss.{cause}"] for cause in ("pod", "wait", "overwritten", "air")) == 0
    told = [news.sentence for news in ear.of(Told)]
    assert sum("does not answer; it is looked for" in sentence for sentence in told) == 2
    assert sum("is back after" in sentence for sentence in told) == 2


def test_the_session_tells_how_it_was_seen(rough):
    outcome, ear, folder = rough
    record = read_session_record(folder)
    assert record.quality["right.links_lost"] == 1
    assert 0.0 < record.quality["left.clock.precision_s"] < 0.002
    assert record.quality["left.clock.rate_ppm"] == pytest.approx(-40.0, abs=40.0)
    assert 0.0 < record.quality["latency.median_s"] < 10.0, "as fast as possible, so not what one sees live"
    assert record.extra["belt_agreement"]["plausible"]
    assert record.extra["belt_agreement"]["lag_s"] is not None
    assert record.pods[0].maker == "Soleus"
    assert len(read_events(folder, "link_lost")) == 2
    assert len(read_events(folder, "clock")) > 10
    rates = [news.heart_rate_bpm for news in ear.of(RunStatus) if news.heart_rate_bpm]
    assert rates == sorted(rates)
    assert outcome.warnings is not None
    assert {news.steps["foot"].size > 0 for news in ear.of(StepsFound)} == {True}


def test_a_pod_that_dies_on_the_way(recording, tmp_path, new_ear):
    """Its battery is empty: after a while the run goes on with the other foot; the analysis gives the same."""
    setting = WorldSetting(battery_life_s=(None, 34.0), start_after_s=START_AFTER_S)
    ear = new_ear()
    outcome = over_the_air(recording, setting, tmp_path / "run", ear)
    told = [news.sentence for news in ear.of(Told)]
    assert "Nothing comes from the right pod; the run goes on with the other foot." in told
    assert any(sentence.startswith("The right pod's battery is at") for sentence in told)
    contact_s = outcome.steps["initial_contact_s"]
    assert (outcome.steps["foot"][contact_s > 50.0] == Foot.LEFT).sum() > 30
    last = {news.session_now_s: news for news in ear.of(StepsFound)}
    assert max(now_s - news.steps["initial_contact_s"][-1] for now_s, news in last.items() if now_s > 60.0) < 8.0
    assert main(["analyze", str(tmp_path / "run"), "--no-history", "--out", str(tmp_path / "again"), "--json"]) == 0
    one, other = (pq.read_table(tmp_path / name / "steps.parquet") for name in ("run", "again"))
    assert one.equals(other)


def test_the_start_button_over_the_air(recording, tmp_path, new_ear):
    """What was sampled before the start is left out to the sample, and the analysis gives the same."""

    def during(run):
        # The radio stands still in its own time while nobody takes its events, so this waits for its time.
        while run.session_now_s < 20.0:
            time.sleep(0.005)
        run.start()

    setting = WorldSetting(start_after_s=START_AFTER_S)
    how = RunSetting(wait_for_start=True, seconds=25.0)
    outcome = over_the_air(recording, setting, tmp_path / "run", new_ear(), how, during)
    assert 0.0 <= outcome.span_s[0] < 0.01
    assert 24.0 < outcome.span_s[1] < 30.0
    assert main(["analyze", str(tmp_path / "run"), "--no-history", "--out", str(tmp_path / "again"), "--json"]) == 0
    one, other = (pq.read_table(tmp_path / name / "steps.parquet") for name in ("run", "again"))
    assert one.num_rows > 50
    assert one.equals(other)


def left_at_once(recording, setting, folder, ear, after_s):
    """Follow a run over the air and leave it at once; give what ``soleus recover`` makes of it."""

    def during(run):
        while run.session_now_s < after_s:
            time.sleep(0.002)
        run.abort()

    assert over_the_air(recording, setting, folder, ear, during=during) is None
    return recover(folder), read_session(folder)


def newest_true_s(track, truth):
    """Time in the recording of the newest sample kept; the counts tell which it is."""
    counts = truth.samples.counts
    (last,) = np.flatnonzero((counts == track.samples.counts[:, -1:]).all(axis=0))[-1:]
    return float(truth.samples.time_s[last])


def test_nothing_is_lost_before_the_clocks_are_known(recording, tmp_path, new_ear):
    """The first seconds of samples have no time yet; a program that dies then has them on disk all the same."""
    setting = WorldSetting(start_after_s=1.0)
    report, session = left_at_once(recording, setting, tmp_path / "run", new_ear(), 5.0)
    assert sum("provisional" in note for note in report.notes) == 2
    for track, truth in zip(session.pods, recording.pods, strict=True):
        n = len(track.samples)
        assert n > 300
        first = int(np.flatnonzero((truth.samples.counts == track.samples.counts[:, :1]).all(axis=0))[0])
        assert np.array_equal(track.samples.counts, truth.samples.counts[:, first : first + n]), "in order, each once"
        assert np.abs(np.diff(track.samples.time_s) - 0.005).max() < 1e-4
    assert len(read_events(tmp_path / "run", "clock_records")) > 1


def test_nothing_is_lost_behind_a_gap(recording, tmp_path, new_ear, monkeypatch):
    """Samples wait behind a gap that is not filled; a program that dies then has them on disk all the same."""
    from soleus.ingest.ble import soleus_link

    async def never(self):
        await asyncio.sleep(60.0)

    monkeypatch.setattr(soleus_link.SoleusLink, "fill_gaps", never)
    faults = (Fault(20.0, Foot.LEFT, "packets", 3),)
    setting = WorldSetting(start_after_s=START_AFTER_S, faults=faults)
    report, session = left_at_once(recording, setting, tmp_path / "run", new_ear(), 20.4)
    (note,) = [note for note in report.notes if "provisional" in note]
    assert note.startswith("left foot: the times of the last")
    newest = [newest_true_s(track, truth) for track, truth in zip(session.pods, recording.pods, strict=True)]
    assert abs(newest[0] - newest[1]) < 1.0
    assert (np.diff(session.pods[0].samples.time_s) > 0).all()


def test_an_ordinary_end_holds_nothing_back(rough):
    _, _, folder = rough
    from soleus.recording.events_file import read_events_table
    from soleus.recording.held import held_back

    events = read_events_table(folder / "events.parquet")
    assert held_back(events) == {}
    assert len(read_events(folder, "held_samples")) > 2, "the first seconds, and what came after the lost links"


def test_the_clock_can_be_mapped_again(rough):
    """The recorded clock records, in order, give the mapping that was used live."""
    _, _, folder = rough
    clock = DeviceClock()
    told = [event.value for event in read_events(folder, "clock") if event.value["foot"] == "left"]
    reports = []
    for event in read_events(folder, "clock_records"):
        if event.value["foot"] == "left":
            for row in np.frombuffer(base64.b64decode(event.value["rows"])).reshape(-1, 4).tolist():
                clock.add(Arrival(*row[:2]) if np.isnan(row[2]) else Exchange(*row))
            reports.append(clock.report)
    assert told[-1]["rate_ppm"] in [report.rate_ppm for report in reports], "to the bit"
