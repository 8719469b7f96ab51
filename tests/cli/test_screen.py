import importlib.util
import io
import json
import sys
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from soleus.cli import main
from soleus.history import CalfRaise, HistoryStore, KneeToWall, Soreness
from soleus.model import Foot
from soleus.recording import write_session

NOW = datetime(2025, 6, 1, 9, 0, tzinfo=UTC)


@pytest.fixture(scope="session")
def tests():
    """The simulated tests of the screening room."""
    path = Path(__file__).parents[1] / "screening" / "conftest.py"
    spec = importlib.util.spec_from_file_location("screening_signals", path)
    module = importlib.util.module_from_spec(spec)
    sys.modules["screening_signals"] = module
    spec.loader.exec_module(module)
    return module.Tests()


@pytest.fixture
def recorded(tests, tmp_path):
    def write(*made, name="test", **facts):
        return str(write_session(tests.recording(*made, **facts), tmp_path / name))

    return write


def as_json(capsys, *words):
    assert main(["screen", *words, "--json"]) == 0, capsys.readouterr().err
    return json.loads(capsys.readouterr().out)


def test_calf_raises_of_both_legs_go_to_the_history(tests, recorded, capsys, own_files):
    left = tests.pod(np.concatenate([tests.raises([32.0] * 24), np.zeros(40_000)]))
    right = tests.pod(np.concatenate([np.zeros(56_000), tests.raises([32.0] * 14)]), foot=Foot.RIGHT, seed=4)
    folder = recorded(left, right, runner=tests.RUNNER, start_utc=NOW)
    found = as_json(capsys, "calf-raise", folder)
    assert [(each["foot"], each["repetitions"]) for each in found["results"]] == [("left", 24), ("right", 14)]
    assert {each["rule"] for each in found["findings"]} == {"calf-raise-difference", "calf-raise-endurance"}
    with HistoryStore(own_files / "history.sqlite") as store:
        notes = store.notes()
    assert {note.body.foot: note.body.repetitions for note in notes if isinstance(note.body, CalfRaise)} == {
        "left": 24,
        "right": 14,
    }
    assert {note.at_s for note in notes} == {NOW.timestamp()}
    assert main(["screen", "calf-raise", folder, "--no-history"]) == 0
    told = capsys.readouterr().out
    for words in ("Calf raises, left: 24 (32 are common for men of 30-39", "pace 30 a minute", "J against gravity",
                  "The right leg has 10 fewer", "May help", "Not when", "no diagnosis"):  # fmt: skip
        assert words in told
    assert "weak" not in told.replace("weaker side", "")


def test_both_feet_at_once_are_no_single_leg_test(tests, recorded, capsys):
    pods = [tests.pod(tests.raises([30.0] * 6), foot=foot, seed=foot) for foot in Foot]
    folder = recorded(*pods)
    assert main(["screen", "calf-raise", folder, "--no-history"]) == 2
    assert "both feet moved at once" in capsys.readouterr().err
    assert as_json(capsys, "calf-raise", folder, "--foot", "right", "--no-history")["results"][0]["repetitions"] == 6


def test_counts_by_hand(capsys):
    found = as_json(capsys, "calf-raise", "--left", "41", "--right", "38", "--date", "2025-06-01")
    assert found["findings"] == []
    assert main(["screen", "calf-raise"]) == 2
    assert "give a recording of the test, --live" in capsys.readouterr().err


def test_knee_to_wall(tests, recorded, capsys, own_files):
    lean = np.interp(np.arange(9.0, step=0.001), [0, 2, 3, 6.5, 7.5], [0, 0, 33.0, 33.0, 0])
    shank = tests.pod(lean, lever=np.array([0.02, 0.0, 0.25]))
    heel = tests.pod(0.02 * lean, foot=Foot.RIGHT, seed=3)
    folder = recorded(shank, heel, start_utc=NOW)
    found = as_json(capsys, "knee-to-wall", folder, "--foot", "left", "--heel-pod", "right")
    assert found["results"][0]["angle_deg"] == pytest.approx(33.0, abs=2.0)
    assert found["results"][0]["heel_down"] is True
    assert main(["screen", "knee-to-wall", "--foot", "right", "--distance", "9.5cm"]) == 0
    assert "at least a fist's width" in capsys.readouterr().out
    with HistoryStore(own_files / "history.sqlite") as store:
        assert all(isinstance(note.body, KneeToWall) for note in store.notes())
    assert main(["screen", "knee-to-wall", "--foot", "left"]) == 2
    assert "give a recording of the test, --live" in capsys.readouterr().err


def test_soreness_by_options(capsys, own_files):
    found = as_json(capsys, "soreness", "--pain", "2", "--days", "20", "--foot", "left", "--no-red-flags")
    assert [each["rule"] for each in found["findings"]] == ["soreness-long"]
    assert found["guidance"][0]["name"] == "see-a-professional"
    found = as_json(capsys, "soreness", "--pain", "2", "--red-flag", "swelling", "--red-flag", "breathless")
    assert found["stop"] is True
    assert [each["rule"] for each in found["findings"]] == ["red-flag-emergency", "red-flag-clot"]
    assert found["guidance"] == []
    with HistoryStore(own_files / "history.sqlite") as store:
        assert [note.body.pain for note in store.notes()] == [2, 2]


def test_nobody_there_to_be_asked(capsys, monkeypatch):
    monkeypatch.setattr("sys.stdin", io.StringIO(""))
    assert main(["screen", "soreness"]) == 2
    assert "nobody is here to be asked: --pain is missing" in capsys.readouterr().err
    assert main(["screen", "soreness", "--pain", "3"]) == 2
    assert "--red-flag or --no-red-flags is missing" in capsys.readouterr().err
    assert main(["screen", "soreness", "--pain", "11"]) == 2
    assert main(["screen", "soreness", "--pain", "3", "--red-flag", "itch"]) == 2
    capsys.readouterr()


@pytest.fixture
def nearby(monkeypatch):
    """Virtual pods instead of the system's Bluetooth, which play a recording."""

    def play(recording, **setting):
        from soleus.ingest.virtual import WorldSetting, virtual_radio

        def radio_of(transport, *, virtual, seconds):
            return virtual_radio(recording, WorldSetting(start_after_s=START_S, **setting), speed=None)

        monkeypatch.setattr("soleus.cli.nearby.radio_of", radio_of)

    return play


START_S = 6.0  # scanned and connected by then


def test_calf_raises_are_counted_live(tests, nearby, capsys, tmp_path, own_files):
    raises = tests.raises([32.0] * 7 + [18.0] * 4, stand_s=6.0)
    nearby(tests.recording(tests.pod(raises)))
    out = tmp_path / "now"
    assert main(["screen", "calf-raise", "--live", "--out", str(out)]) == 0
    told = capsys.readouterr().out
    assert [line for line in told.splitlines() if line.startswith("left ")] == [f"left {n}" for n in range(1, 8)]
    assert "The set is over: two in a row were too low." in told
    assert "Calf raises, left: 7 (" in told
    with HistoryStore(own_files / "history.sqlite") as store:
        assert [note.body.repetitions for note in store.notes()] == [7]
    found = as_json(capsys, "calf-raise", str(out), "--no-history")
    assert found["results"][0]["repetitions"] == 7
    assert main(["screen", "calf-raise", "--live", "--out", str(out)]) == 2
    assert "holds a session already" in capsys.readouterr().err


def test_bent_knee_raises_are_counted_live(tests, nearby, capsys, tmp_path):
    raises = tests.raises([30.0] * 6, stand_s=9.0, end_s=6.0)
    lean = np.interp(np.arange(len(raises)) / 1000.0, [0.0, 6.0, 7.0], [0.0, 0.0, 25.0])
    shank = tests.pod(lean, foot=Foot.RIGHT, seed=3, lever=np.array([0.02, 0.0, 0.25]))
    nearby(tests.recording(tests.pod(raises), shank))
    words = ["--live", "--knee", "bent", "--foot", "left", "--shank-pod", "right", "--out", str(tmp_path / "now")]
    found = as_json(capsys, "calf-raise", *words)
    assert [(r["foot"], r["knee"], r["repetitions"]) for r in found["results"]] == [("left", "bent", 6)]


def test_knee_to_wall_is_measured_live(tests, nearby, capsys, tmp_path):
    lean = np.interp(np.arange(24.0, step=0.001), [0, 8, 9, 12.5, 13.5, 16, 17, 20.5, 21.5],
                     [0, 0, 36.0, 36.0, 0, 0, 40.0, 40.0, 0])  # fmt: skip
    nearby(tests.recording(tests.pod(lean, lever=np.array([0.02, 0.0, 0.25]))))
    words = ["screen", "knee-to-wall", "--live", "--foot", "left", "--seconds", "26", "--out", str(tmp_path / "now")]
    assert main(words) == 0
    told = capsys.readouterr().out
    assert "hold 1: 3" in told
    assert "hold 2: " in told
    assert "Counted: 40°" in told or "Counted: 39°" in told


def test_no_pod_nearby_is_said(tests, nearby, capsys, tmp_path):
    nearby(tests.recording(tests.pod(np.zeros(20_000)), tests.pod(np.zeros(20_000), foot=Foot.RIGHT)), sides="unset")
    assert main(["screen", "calf-raise", "--live", "--out", str(tmp_path / "now")]) == 2
    assert "soleus scan" in capsys.readouterr().err


class Terminal(io.StringIO):
    """Somebody who types."""

    def isatty(self):
        return True


def test_the_questions_are_asked(capsys, monkeypatch, own_files):
    monkeypatch.setattr("sys.stdin", Terminal("n\nn\nmaybe\nn\nn\nn\nn\nn\nn\n12\n3\n4\nboth\n"))
    assert main(["screen", "soreness"]) == 0
    told = capsys.readouterr().out
    assert "Please answer with y or n." in told
    assert "Please answer with a number from 0 to 10." in told
    with HistoryStore(own_files / "history.sqlite") as store:
        assert [note.body for note in store.notes()] == [Soreness(pain=3, foot="both", days=4)]
    monkeypatch.setattr("sys.stdin", Terminal("y\n"))
    assert main(["screen", "soreness"]) == 2
    assert "nobody answered" in capsys.readouterr().err
