"""A run as it happens: what is told, what is recorded, and that analysing the recording gives the same."""

import dataclasses
import time

import numpy as np
import pytest

from soleus.ingest.ble import Ended, HoleDeclared, LateSamples, LinkLost, LossCause, PodReady, SamplesIn, Trouble
from soleus.live.news import (
    Marked,
    Phase,
    PhaseChanged,
    PodJoined,
    RunEnded,
    RunStatus,
    SamplesTaken,
    StepsFound,
    Told,
    WarningsSaid,
)
from soleus.live.replay import Replay
from soleus.live.run import LiveRun
from soleus.live.setting import RunSetting
from soleus.model import Belt, Foot, PodSamples, PodTrack, Steps, Warnings
from soleus.recording import from_recording, read_events, read_session_record
from soleus.simulate import Bout, Scenario, simulate
from soleus.simulate.scenario import BeltReadings


def told(followed):
    return [news.sentence for news in followed.ear.of(Told)]


def test_live_is_batch(short_run, played, tmp_path):
    followed = played(short_run, tmp_path / "run")
    assert len(followed.outcome.steps) > 60
    assert followed.same_again()
    heard = followed.ear
    assert Steps.concat(news.steps for news in heard.of(StepsFound)) == followed.outcome.steps
    assert Warnings.concat(news.warnings for news in heard.of(WarningsSaid)) == followed.outcome.warnings
    taken = sum(len(news.samples) for news in heard.of(SamplesTaken))
    assert taken == sum(followed.outcome.samples.values()) == sum(len(track.samples) for track in short_run.pods)
    assert heard.closed


def test_the_news_come_in_order(short_run, played, tmp_path):
    followed = played(short_run, tmp_path / "run")
    kinds = [type(news) for news in followed.ear.news]
    assert [news.phase for news in followed.ear.of(PhaseChanged)] == [
        Phase.LOOKING,
        Phase.READY,
        Phase.RUNNING,
        Phase.STOPPING,
    ]
    assert kinds.index(PodJoined) < kinds.index(SamplesTaken) < kinds.index(StepsFound)
    assert kinds[-1] is RunEnded
    assert followed.ear.news[-1].folder == tmp_path / "run"
    last = followed.ear.of(RunStatus)[-1]
    assert last.phase is Phase.ENDED
    assert [pod.foot for pod in last.pods] == list(Foot)
    assert all(pod.received == 6000 and pod.lost == 0 for pod in last.pods)
    assert followed.ear.thread.name == "outlet-Ear", "sinks never run in the run's own thread"


def test_pain_laps_and_belt(short_run, played, tmp_path):
    """What the runner tells on the way has its place in the recording, and reaches the rules again."""
    bare = dataclasses.replace(short_run, belt=None)

    def during(run):
        while not run.begun:
            time.sleep(0.005)
        time.sleep(0.3)
        run.set_belt(3.0, 0.01)
        run.lap()
        run.pain(2.0)
        time.sleep(0.3)
        run.pain(5.0)

    followed = played(bare, tmp_path / "run", during=during, speed=25.0)
    assert [(news.kind, news.value) for news in followed.ear.of(Marked)] == [
        ("lap", None),
        ("pain", 2.0),
        ("pain", 5.0),
    ]
    assert "pain-stop" in followed.outcome.warnings["rule"].tolist()
    assert followed.same_again()
    assert [event.value["rating"] for event in read_events(tmp_path / "run", "pain")] == [2.0, 5.0]
    assert len(read_events(tmp_path / "run", "lap")) == 1
    belt = followed.again().belt
    assert (belt.speed_mps.tolist(), belt.grade.tolist()) == ([3.0], [0.01])
    on_belt = followed.outcome.steps["speed_source"] == 0
    assert 0 < on_belt.sum() < len(on_belt), "the belt counts from when it was typed"


def test_pain_out_of_range_is_refused(short_run):
    run = LiveRun(Replay(from_recording(short_run)), list(Foot), None)
    with pytest.raises(ValueError, match="0 to 10, not 11"):
        run.pain(11)


def test_pain_before_the_pods_are_ready_is_not_lost(short_run, played, tmp_path):
    followed = played(short_run, tmp_path / "run", during=lambda run: run.pain(6.0))
    assert "pain-stop" in followed.outcome.warnings["rule"].tolist()
    assert followed.same_again()


@pytest.mark.parametrize("foot", list(Foot))
def test_one_pod_alone(short_run, played, tmp_path, foot):
    alone = dataclasses.replace(short_run, pods=(short_run.pods[foot],))
    followed = played(alone, tmp_path / "run")
    assert set(followed.outcome.steps["foot"].tolist()) == {int(foot)}
    assert len(followed.outcome.steps) > 30
    assert followed.same_again()


def test_swapped_pods_are_told_once(played, tmp_path):
    bouts = (Bout(kind="run", speed_mps=3.0, duration_s=40.0),)
    swapped = simulate(Scenario(name="swapped", bouts=bouts, swapped_feet=True), seed=2).recording
    followed = played(swapped, tmp_path / "run")
    assert [sentence for sentence in told(followed) if "swapped" in sentence] == [
        "The pods seem to be swapped: left moves like a right foot, or right like a left one."
    ]


def test_stand_still(short_run, played, tmp_path):
    followed = played(short_run, tmp_path / "run", setting=RunSetting(seconds=6.0), speed=4.0)
    phases = {news.phase: news.sentence for news in followed.ear.of(PhaseChanged)}
    assert phases[Phase.STANDING] == "Stand still for 3 seconds."
    assert phases[Phase.READY] == "The pods are at rest and measure gravity: all is well."
    assert len(followed.outcome.steps) > 5


def test_stand_still_says_what_is_wrong(short_run, played, tmp_path):
    left, right = short_run.pods
    # A pod whose scale is told wrongly measures 1.25 g at rest; the other one turns.
    wrong = dataclasses.replace(left.info, accel_lsb_mps2=left.info.accel_lsb_mps2 * 1.25)
    turning = right.samples.counts.copy()
    turning[3:] = np.clip(turning[3:].astype(int) + round(np.deg2rad(15) / right.info.gyro_lsb_rads), -32768, 32767)
    bad = dataclasses.replace(
        short_run,
        pods=(
            PodTrack(wrong, left.samples),
            PodTrack(right.info, PodSamples(Foot.RIGHT, right.samples.time_s, turning)),
        ),
    )
    followed = played(bad, tmp_path / "run", setting=RunSetting(seconds=2.0), speed=4.0)
    scale, bias = told(followed)[:2]
    assert scale.startswith("The left pod measures 12.")
    assert "scale is wrong" in scale
    assert bias.startswith("The right pod turns by 26 °/s at rest")


def test_a_run_that_waits_for_start(short_run, played, tmp_path):
    """What comes before the start does not belong to the run; its time zero is the start."""

    def during(run):
        time.sleep(0.5)
        assert not run.begun
        run.start()

    followed = played(
        short_run,
        tmp_path / "run",
        setting=RunSetting(stand_still=False, wait_for_start=True),
        during=during,
        speed=20.0,
    )
    assert followed.same_again()
    first_s, last_s = followed.outcome.span_s
    assert 0.0 <= first_s < 1.0
    assert 5.0 < last_s < 25.0, "ten seconds or so were before the start"
    running = next(news for news in followed.ear.of(PhaseChanged) if news.phase is Phase.RUNNING)
    assert running.time_s == pytest.approx(0.0, abs=3.0)
    assert followed.again().belt.time_s[0] == 0.0, "the belt as last read before the start holds from the start"
    ready = next(news for news in followed.ear.of(PhaseChanged) if news.phase is Phase.READY)
    assert ready.sentence.endswith("Press start to begin.")
    assert all(event.time_s >= -0.1 for event in read_events(tmp_path / "run")), "nothing of before"
    began = read_session_record(tmp_path / "run").start_utc - short_run.start_utc
    assert began.total_seconds() == pytest.approx(30.0 - last_s, abs=3.0)


def test_a_run_that_never_starts_leaves_nothing(short_run, played, tmp_path):
    followed = played(short_run, tmp_path / "run", setting=RunSetting(stand_still=False, wait_for_start=True))
    assert followed.outcome.folder is None
    assert followed.ear.news[-1].sentence == "Nothing was recorded."
    assert not (tmp_path / "run").exists()


def test_the_end_by_time(short_run, played, tmp_path):
    followed = played(short_run, tmp_path / "run", setting=RunSetting(stand_still=False, seconds=12.0), speed=30.0)
    first_s, last_s = followed.outcome.span_s
    assert 10.0 <= last_s - first_s < 25.0
    assert followed.same_again()


class Scripted:
    """A source that gives given events, then ends."""

    start_utc = None

    def __init__(self, batches):
        self.batches = list(batches)
        self.now = 0.0
        self.stopped = False

    def take(self, timeout_s=0.1):
        if self.stopped or not self.batches:
            return [Ended(self.now)]
        self.now, events = self.batches.pop(0)
        # Slower than the real time between states, so that each step of the script is looked after.
        time.sleep(0.11)
        return events

    def now_s(self):
        return self.now

    def set_belt(self, speed_mps, grade=0.0):
        pass

    def stop(self):
        self.stopped = True

    def counts(self):
        return {}


def pieces(track, start_s, end_s):
    time_s = track.samples.time_s
    first, last = np.searchsorted(time_s, [start_s, end_s])
    return SamplesIn(track.info.foot.label, int(first), track.samples[int(first) : int(last)])


def scripted(recording, script, folder, new_ear, **how):
    """Run a script: rows of (now, feet that send up to now)."""
    ear = new_ear()
    sent = dict.fromkeys(Foot, 0.0)
    batches = [(0.0, [PodReady(0.0, track.info.foot.label, track.info) for track in recording.pods])]
    for now_s, feet, *more in script:
        events = list(more)
        for foot in feet:
            events.append(pieces(recording.pods[foot], sent[foot], now_s))
            sent[foot] = now_s
        batches.append((now_s, events))
    run = LiveRun(Scripted(batches), list(Foot), folder, sinks=[ear], setting=RunSetting(stand_still=False), **how)
    run.begin()
    return run.join(60.0), ear


BOTH, LEFT = (Foot.LEFT, Foot.RIGHT), (Foot.LEFT,)


@pytest.fixture(scope="module")
def minute():
    bouts = (Bout(kind="run", speed_mps=3.0, duration_s=60.0),)
    return simulate(Scenario(name="minute", bouts=bouts), seed=5).recording


def test_a_silent_pod_keeps_nobody_waiting(minute, tmp_path, new_ear):
    """After fifteen seconds the other foot's steps come without it; when it is back, both count. Again the same."""
    script = [(t, BOTH) for t in (5.0, 10.0, 15.0)]
    script += [(t, LEFT) for t in (20.0, 25.0, 29.0, 31.0, 33.0, 35.0)]
    script += [(t, BOTH) for t in (40.0, 50.0, 60.0)]
    outcome, ear = scripted(minute, script, tmp_path / "run", new_ear)
    assert [news.sentence for news in ear.of(Told)] == [
        "Nothing comes from the right pod; the run goes on with the other foot."
    ]
    found = {news.session_now_s: float(news.steps["initial_contact_s"][-1]) for news in ear.of(StepsFound)}
    assert not [now_s for now_s in found if 16.0 < now_s < 30.0], "until then the missing samples may still come"
    assert found[31.0] > 30.0
    feet = outcome.steps["foot"]
    contact_s = outcome.steps["initial_contact_s"]
    assert set(feet[(contact_s > 16) & (contact_s < 34)].tolist()) == {Foot.LEFT}
    assert (feet[contact_s > 42] == Foot.RIGHT).sum() > 15
    assert outcome.counts[Foot.RIGHT].samples.bad_time > 3000, "what came too late is counted"
    from soleus.batch import analyze
    from soleus.recording import open_recording, read

    with open_recording(tmp_path / "run") as reader:
        again = analyze(reader)
    assert again.step_rows == outcome.steps
    assert again.warning_rows == outcome.warnings
    assert analyze(read(tmp_path / "run")).step_rows == outcome.steps, "read as a whole, too"


def test_a_pod_that_joins_late(minute, tmp_path, new_ear):
    """The run goes on with one pod after twenty seconds; the other takes part as soon as it is there."""
    left, right = minute.pods
    batches = [(0.0, [PodReady(0.0, "left", left.info)])]
    batches += [(t, [pieces(left, t - 5.0, t)]) for t in (5.0, 10.0, 15.0, 20.0, 25.0, 30.0)]
    batches += [(32.0, [PodReady(32.0, "right", right.info), pieces(left, 30.0, 32.0)])]
    batches += [(t, [pieces(track, t - 4.0, t) for track in minute.pods]) for t in np.arange(36.0, 61.0, 4.0).tolist()]
    ear = new_ear()
    run = LiveRun(Scripted(batches), list(Foot), tmp_path / "run", sinks=[ear], setting=RunSetting(stand_still=False))
    run.begin()
    outcome = run.join(60.0)
    assert [news.sentence for news in ear.of(Told)] == [
        "The right pod does not come; the run goes on without it until it does.",
        "The right pod joined late; its steps count from here on.",
    ]
    feet, contact_s = outcome.steps["foot"], outcome.steps["initial_contact_s"]
    assert (feet[contact_s < 30] == Foot.LEFT).all()
    assert (feet[contact_s > 40] == Foot.RIGHT).sum() > 20
    assert np.isfinite(outcome.steps["flight_time_s"][contact_s > 45]).sum() > 30, "both feet make a step"
    from soleus.batch import analyze
    from soleus.recording import open_recording

    with open_recording(tmp_path / "run") as reader:
        again = analyze(reader)
    assert again.step_rows == outcome.steps
    assert again.samples == outcome.samples


def test_holes_and_late_samples(minute, tmp_path, new_ear):
    """A hole is told and counted; what comes after it was declared is kept aside and changes nothing."""
    right = minute.pods[Foot.RIGHT]
    gone = right.samples[2000:2100]
    with_hole = dataclasses.replace(
        minute,
        pods=(
            minute.pods[0],
            PodTrack(
                right.info,
                PodSamples(
                    Foot.RIGHT,
                    np.delete(right.samples.time_s, slice(2000, 2100)),
                    np.delete(right.samples.counts, slice(2000, 2100), axis=1),
                ),
            ),
        ),
    )
    hole = HoleDeclared(15.0, "right", Foot.RIGHT, 2000, 100, LossCause.WAIT)
    script = [(10.0, BOTH), (15.0, BOTH, hole), (18.0, BOTH, LateSamples("right", 2000, gone)), (30.0, BOTH)]
    outcome, ear = scripted(with_hole, script, tmp_path / "run", new_ear)
    assert [news.sentence for news in ear.of(Told)] == [
        "100 samples of the right pod are missing: not brought within the time they were waited for."
    ]
    assert outcome.quality["right.loss.wait"] == outcome.quality["right.late"] == 100
    assert ear.of(RunStatus)[-1].pods[Foot.RIGHT].lost == 100
    from soleus.batch import analyze
    from soleus.recording import open_recording

    with open_recording(tmp_path / "run") as reader:
        again = analyze(reader)
    assert again.step_rows == outcome.steps
    (late,) = read_events(tmp_path / "run", "late_samples")
    import base64

    assert np.array_equal(np.frombuffer(base64.b64decode(late.value["time_s"]), "<f8"), gone.time_s)
    counts = np.frombuffer(base64.b64decode(late.value["counts"]), "<i2").reshape(6, -1)
    assert np.array_equal(counts, gone.counts)


def test_a_link_that_is_lost_is_trouble(minute, tmp_path, new_ear):
    lost = LinkLost(12.0, "right", "right Soleus does not answer; it is looked for")
    outcome, ear = scripted(minute, [(10.0, BOTH), (12.0, LEFT, lost), (14.0, LEFT)], tmp_path / "run", new_ear)
    status = next(news for news in ear.of(RunStatus) if news.session_now_s == 14.0)
    assert not status.pods[Foot.RIGHT].connected
    assert status.trouble == ("The right pod does not answer.",)
    assert outcome.quality["right.links_lost"] == 1


def test_a_halted_program_goes_on(minute, tmp_path, new_ear, monkeypatch):
    """A computer that slept shows as a jump of the clock: told, recorded, and the run goes on."""
    from soleus.live import run as room

    jump = [0.0]
    monkeypatch.setattr(room, "steady_clock", lambda: lambda: time.monotonic() + jump[0])

    class Sleeper(Scripted):
        def take(self, timeout_s=0.1):
            events = super().take(timeout_s)
            if self.now == 20.0:
                jump[0] = 300.0
            return events

    ear = new_ear()
    batches = [(0.0, [PodReady(0.0, track.info.foot.label, track.info) for track in minute.pods])]
    batches += [(t, [pieces(track, t - 10.0, t) for track in minute.pods]) for t in (10.0, 20.0, 30.0, 40.0)]
    run = LiveRun(Sleeper(batches), list(Foot), tmp_path / "run", sinks=[ear], setting=RunSetting(stand_still=False))
    run.begin()
    outcome = run.join(60.0)
    slept = [news.sentence for news in ear.of(Told) if news.sentence.startswith("The computer slept")]
    assert len(slept) == len(read_events(tmp_path / "run", "asleep")) == 1
    assert "for 300 s;" in slept[0] or "for 301 s;" in slept[0]
    assert outcome.span_s[1] > 39.9


class Slow:
    """A sink that takes its time."""

    def __init__(self):
        self.taken = 0

    def take(self, news):
        self.taken += 1
        time.sleep(0.05)

    def close(self):
        pass


class Broken:
    """A sink that raises."""

    def take(self, news):
        raise RuntimeError("no paper")

    def close(self):
        raise RuntimeError("no paper either")


def test_slow_and_broken_sinks_hurt_nobody(short_run, played, tmp_path, monkeypatch):
    from soleus.live import outlet

    monkeypatch.setattr(outlet, "CLOSE_S", 0.2)
    slow = Slow()
    began = time.monotonic()
    followed = played(short_run, tmp_path / "run", sinks=[slow, Broken()])
    assert time.monotonic() - began < 20.0
    assert slow.taken < len(followed.ear.news), "it was not waited for"
    assert [s for s in told(followed) if "Broken" in s] == [
        "Broken failed and is left out from now on: RuntimeError: no paper"
    ]
    assert followed.same_again()


def test_a_sink_that_hangs_has_bounded_memory(short_run, played, tmp_path, monkeypatch):
    from soleus.live import outlet

    monkeypatch.setattr(outlet, "CLOSE_S", 0.1)
    monkeypatch.setattr(outlet, "NEWS_WAITING", 50)

    class Hung:
        def take(self, news):
            time.sleep(60.0)

        def close(self):
            pass

    followed = played(short_run, tmp_path / "run", sinks=[Hung()])
    assert sum("Hung does not keep up" in sentence for sentence in told(followed)) == 1
    assert followed.same_again()


def test_belt_agreement_is_told(played, tmp_path):
    bouts = (
        Bout(kind="run", speed_mps=2.6, duration_s=25.0),
        Bout(kind="run", speed_mps=3.4, duration_s=25.0),
    )
    good = simulate(Scenario(name="belt", bouts=bouts, belt=BeltReadings()), seed=1).recording
    off = dataclasses.replace(good, belt=Belt(good.belt.time_s, good.belt.speed_mps * 1.12, good.belt.grade))
    followed = played(off, tmp_path / "off")
    assert not followed.outcome.belt_agreement.plausible
    assert any("slower than the treadmill says" in sentence for sentence in told(followed))
    fine = played(good, tmp_path / "good").outcome.belt_agreement
    assert fine.plausible
    assert fine.lag_s is not None


def test_nothing_recorded_without_a_folder(short_run, played):
    followed = played(short_run, None)
    assert followed.outcome.folder is None
    assert len(followed.outcome.steps) > 60


def test_an_error_of_ours_ends_the_run_and_keeps_the_recording(short_run, played, tmp_path, monkeypatch):
    from soleus.pipeline import Pipeline
    from soleus.recording import recover

    def broken(self, *_):
        raise ZeroDivisionError("by chance")

    monkeypatch.setattr(Pipeline, "push", broken)
    run = LiveRun(
        Replay(from_recording(short_run), None), list(Foot), tmp_path / "run", setting=RunSetting(stand_still=False)
    )
    run.begin()
    with pytest.raises(ZeroDivisionError):
        run.join(30.0)
    report = recover(tmp_path / "run")
    assert sum(pod.samples for pod in report.pods) > 0


def test_a_radio_that_dies_ends_the_run_in_order(minute, tmp_path, new_ear):
    """Its last word is the end; what came is a session, whatever can still be counted."""

    class Dead(Scripted):
        def counts(self):
            raise RuntimeError("Event loop is closed")

    ear = new_ear()
    batches = [(0.0, [PodReady(0.0, track.info.foot.label, track.info) for track in minute.pods])]
    batches += [(t, [pieces(track, t - 10.0, t) for track in minute.pods]) for t in (10.0, 20.0)]
    batches += [(20.0, [Trouble(20.0, "", "the radio stopped: unplugged"), Ended(20.0)])]
    run = LiveRun(Dead(batches), list(Foot), tmp_path / "run", sinks=[ear], setting=RunSetting(stand_still=False))
    run.begin()
    outcome = run.join(60.0)
    told = [news.sentence for news in ear.of(Told)]
    assert "the radio stopped: unplugged." in told
    assert told[-1].startswith("What was lost on the way was not counted to the end")
    assert outcome.folder == tmp_path / "run"
    assert outcome.samples == {Foot.LEFT: 4000, Foot.RIGHT: 4000}


def test_a_source_that_does_not_end_is_not_waited_for(minute, tmp_path, new_ear, monkeypatch):
    from soleus.live import run as room

    monkeypatch.setattr(room, "STOP_S", 0.3)

    class Deaf(Scripted):
        def take(self, timeout_s=0.1):
            return super().take(timeout_s) if self.batches else time.sleep(0.02) or []

        def stop(self):
            pass

    ear = new_ear()
    batches = [(0.0, [PodReady(0.0, track.info.foot.label, track.info) for track in minute.pods])]
    batches += [(10.0, [pieces(track, 0.0, 10.0) for track in minute.pods])]
    run = LiveRun(Deaf(batches), list(Foot), tmp_path / "run", sinks=[ear], setting=RunSetting(stand_still=False))
    run.begin()
    time.sleep(0.5)
    run.stop()
    outcome = run.join(30.0)
    assert "The pods did not end in order; their last samples may be missing." in [n.sentence for n in ear.of(Told)]
    assert outcome.samples == {Foot.LEFT: 2000, Foot.RIGHT: 2000}
