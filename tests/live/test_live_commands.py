"""``soleus demo``, ``replay`` and ``live`` as a person calls them."""

import asyncio
import json
import subprocess
import sys
import threading
import urllib.request

import numpy as np
import pytest

from soleus.cli import main
from soleus.cli.follow import Displays, folder_for, follow
from soleus.recording import RecordingError, read_session_record, write_session


@pytest.fixture
def own_folder(tmp_path, monkeypatch):
    """A runner without files of his own."""
    monkeypatch.setenv("SOLEUS_HOME", str(tmp_path / "own"))
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def session(short_run, tmp_path):
    return write_session(short_run, tmp_path / "session")


def test_replay(session, own_folder, capsys):
    assert main(["replay", str(session), "--fastest", "--headless"]) == 0
    out = capsys.readouterr().out
    assert "Run." in out
    assert "The session is in session-replay." in out
    assert "median, running" in out
    names = {path.name for path in (own_folder / "session-replay").iterdir()}
    assert {"imu.parquet", "steps.parquet", "warnings.parquet", "session.json", "events.parquet"} <= names
    record = read_session_record(own_folder / "session-replay")
    assert record.configuration["replay"]["session"] == str(session)
    assert record.source.startswith("replay of ")
    assert not (own_folder / "own" / "history.sqlite").exists(), "the same run is not counted twice"
    assert main(["replay", str(session), "--fastest", "--headless", "--seconds", "10"]) == 0
    assert (own_folder / "session-replay-2").is_dir(), "a free name"


def test_replay_as_json(session, own_folder, capsys):
    assert main(["replay", str(session), "--fastest", "--headless", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["folder"] == "session-replay"
    assert found["summary"]["steps"] > 60
    assert found["radio"]["left.loss.wait"] == 0


def test_replay_in_a_narrow_terminal(session, own_folder, capsys, monkeypatch):
    monkeypatch.setattr("soleus.cli.terminal.PIPE_WIDTH", 60)
    assert main(["replay", str(session), "--fastest", "--headless"]) == 0
    table = capsys.readouterr().out.partition("median,")[2].partition("Foot strike")[0]
    assert "contact" in table
    assert "…" not in table, "words are wrapped, numbers are whole"


def test_a_session_that_cannot_be_made_is_told_to_programs_too(session, own_folder, capsys, monkeypatch):
    def full(_journal):
        raise RecordingError("x/imu.parquet: cannot write it: the disk is full (then run: soleus recover x)")

    monkeypatch.setattr("soleus.recording.Journal.close", full)
    assert main(["replay", str(session), "--fastest", "--headless", "--json", "--out", "x"]) == 1
    said = capsys.readouterr()
    found = json.loads(said.out)
    assert found["folder"] is None
    assert "soleus recover x" in found["notes"][-1]
    assert said.err.count("soleus recover x") == 1


def test_the_output_is_closed(session, own_folder):
    words = f"{sys.executable} -m soleus.cli replay {session} --fastest --headless --seconds 5 --out made >&-"
    done = subprocess.run(["sh", "-c", words], stderr=subprocess.PIPE, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert (own_folder / "made" / "session.json").is_file()


def test_replay_of_nothing(own_folder, capsys):
    assert main(["replay", "nowhere", "--headless"]) == 2
    assert "nowhere" in capsys.readouterr().err
    assert list(own_folder.glob("*-replay")) == []


def test_a_folder_in_use_is_refused(session, own_folder, capsys):
    assert main(["replay", str(session), "--fastest", "--headless", "--out", str(session)]) == 2
    assert "holds a session already; choose another folder with --out" in capsys.readouterr().err


def test_the_page_is_served(session, own_folder):
    """While the run lasts the page is there."""
    shown = []

    def look():
        for _ in range(200):
            try:
                with urllib.request.urlopen("http://127.0.0.1:48765/", timeout=5) as answer:
                    shown.append(answer.read())
                    return
            except OSError:
                threading.Event().wait(0.05)

    looker = threading.Thread(target=look)
    looker.start()
    assert main(["replay", str(session), "--speed", "12", "--port", "48765", "--json"]) == 0
    looker.join()
    assert b"<html" in shown[0]


def test_demo(own_folder, capsys):
    """A session over the whole Bluetooth path, without hardware."""
    pytest.importorskip("bumble")
    assert main(["demo", "--headless", "--speed", "40", "--seconds", "30", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["folder"] == "soleus-demo"
    assert found["summary"]["steps"] > 20
    assert found["radio"]["left.unaccounted"] == found["radio"]["right.unaccounted"] == 0
    assert found["radio"]["left.clock.bias_bound_s"] < 0.02
    record = read_session_record(own_folder / "soleus-demo")
    assert record.pods[0].maker == "Soleus"
    assert record.source == "soleus demo: a virtual runner"


def test_the_demo_has_something_to_say():
    """With the rules that come along, at least a notice before the runner himself tells of pain; then a stop."""
    from soleus.batch import analyze
    from soleus.cli import demo_run
    from soleus.model import SEVERITIES

    recording = demo_run.simulated().recording
    assert recording.duration_s == pytest.approx(480.0, abs=0.1)
    rows = analyze(recording).warning_rows
    said = rows["severity"][rows["time_s"] < demo_run.PAIN_S]
    assert (said >= SEVERITIES.index("notice")).any()
    rates = demo_run.heart_rate()
    assert np.all((rates.rate_bpm > 60) & (rates.rate_bpm < 190))


def test_live_without_bluetooth(own_folder, capsys):
    """One sentence that names the mend, exit status 2, and nothing left behind."""
    assert main(["live", "--transport", "tcp-client:127.0.0.1:9", "--no-page"]) == 2
    err = capsys.readouterr().err
    assert err.startswith("soleus: ")
    assert err.count("\n") == 1
    assert not list(own_folder.glob("soleus-*"))


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--grade", "1%"], "--grade needs --belt-speed"),
        (["--belt-speed", "fast"], "fast"),
        (["--belt-speed", "10km/h", "--belt-profile", "p.csv"], "the same thing twice"),
        (["--belt-profile", "nowhere.csv"], "nowhere.csv"),
        (["--runner", "nobody.toml"], "nobody.toml"),
        (["--rate", "5000"], "rate"),
    ],
)
def test_live_refuses_what_cannot_be(own_folder, capsys, words, sentence):
    assert main(["live", *words]) == 2
    assert sentence in capsys.readouterr().err


def test_a_terminal_view_needs_a_terminal(session, own_folder, capsys):
    assert main(["replay", str(session), "--tui", "--headless"]) == 2
    assert "--tui fills a terminal, but this is none" in capsys.readouterr().err


def test_names_of_folders(own_folder):
    from datetime import UTC, datetime

    when = datetime(2026, 5, 3, 18, 30, tzinfo=UTC)
    assert folder_for(None, "soleus", when).name.startswith("soleus-2026-05-0")
    assert folder_for(None, "soleus-demo").name == "soleus-demo"


def test_nothing_recorded_is_exit_status_1(short_run):
    from soleus.cli.finish_run import Finish
    from soleus.cli.with_history import HistoryUse
    from soleus.live.replay import Replay
    from soleus.live.run import LiveRun
    from soleus.live.setting import RunSetting
    from soleus.model import Foot
    from soleus.recording import from_recording

    run = LiveRun(Replay(from_recording(short_run), None), list(Foot), None, setting=RunSetting(stand_still=False))
    assert follow(run, Finish(HistoryUse(None, None, None, "")), Displays(page=False, json=True)) == 1


@pytest.mark.slow
def test_live_over_a_socket(short_run, own_folder, capsys):
    """The real command on virtual pods in another thread, HCI over TCP between them, in real time."""
    pytest.importorskip("bumble")
    from soleus.ingest.virtual import VirtualWorld, WorldSetting

    ready, over = threading.Event(), threading.Event()

    async def world():
        made = await VirtualWorld.open(short_run, WorldSetting(start_after_s=8.0))
        await made.serve(9471)
        await asyncio.sleep(0.2)
        ready.set()
        await asyncio.to_thread(over.wait)
        await made.close()

    thread = threading.Thread(target=lambda: asyncio.run(world()))
    thread.start()
    assert ready.wait(20.0)
    try:
        words = ["--transport", "tcp-client:127.0.0.1:9471", "--no-page", "--scan-seconds", "2", "--seconds", "20"]
        assert main(["live", *words, "--out", "run", "--json"]) == 0
    finally:
        over.set()
        thread.join(20.0)
    found = json.loads(capsys.readouterr().out)
    assert found["summary"]["steps"] > 20
    assert found["radio"]["left.unaccounted"] == 0
    print(found["radio"])
    record = read_session_record(own_folder / "run")
    assert record.configuration["live"]["rate_hz"] == 200
    assert (own_folder / "own" / "devices.toml").is_file(), "the pods' roles are remembered"
