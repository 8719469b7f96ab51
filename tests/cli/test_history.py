import json
from datetime import UTC, datetime, timedelta

import msgspec
import numpy as np
import pytest

from soleus.bench.population import Course, Habit, simulate
from soleus.cli import main
from soleus.history import HistoryStore, Soreness, make_note
from soleus.model import Foot, PodInfo, Runner
from soleus.recording import read_session_record, session_record, write_session_record, write_steps

START = datetime(2025, 4, 1, 7, 0, tzinfo=UTC)


@pytest.fixture(scope="module")
def steps():
    return simulate(Habit.draw(np.random.default_rng(3)), Course(), 1200.0, np.random.default_rng(4))


@pytest.fixture
def month(tmp_path, steps):
    """Ten analysed sessions, three days apart."""
    pods = [PodInfo(foot, 0.005, 0.001) for foot in Foot]
    for number in range(10):
        folder = tmp_path / "month" / f"run{number}"
        write_steps(steps, folder)
        start = START + timedelta(days=3 * number)
        record = session_record(pods, dict.fromkeys(Foot, 9), runner=Runner(), start_utc=start)
        write_session_record(record, folder)
    return tmp_path / "month"


def told(capsys, *words):
    assert main(["history", *words]) == 0, capsys.readouterr().err
    return capsys.readouterr().out


def test_there_is_none_at_first(capsys, own_files):
    assert main(["history"]) == 2
    assert "there is no history yet" in capsys.readouterr().err
    assert list(own_files.iterdir()) == []


def test_sessions_are_read_shown_and_drawn(month, tmp_path, capsys, own_files):
    assert "10 sessions: 10 added" in told(capsys, "rebuild", str(month))
    assert "10 sessions: 10 unchanged" in told(capsys, "rebuild", str(month))
    shown = told(capsys, "--date", "2025-05-01")
    assert "Longest run of the last 30 days: 3.6 km. A run within 4.0 km" in shown
    assert "Context only, no rule looks at it" in shown
    assert "▁" in shown
    assert "█" in shown
    found = json.loads(told(capsys, "--date", "2025-05-01", "--json"))
    assert found["enough_history"] is True
    assert len(found["sessions"]) == 10
    assert found["summary"]["baselines"] > 10
    pytest.importorskip("matplotlib")
    told(capsys, "--date", "2025-05-01", "--png", str(tmp_path / "h.png"))
    assert (tmp_path / "h.png").read_bytes().startswith(b"\x89PNG")
    assert (own_files / "history.sqlite").exists()


def test_too_short_a_log_is_said_plainly(month, capsys):
    told(capsys, "rebuild", str(month / "run0"))
    shown = told(capsys, "--date", "2025-04-03")
    assert "Not enough history: 1 sessions" in shown
    assert "not enough history (less than four weeks)" in shown


def test_a_run_is_added_by_hand(capsys):
    words = ("add", "--distance", "10km", "--time", "50min", "--date", "2025-05-03", "--surface", "trail")
    assert "Added: 10.0 km in 50:00 on 2025-05-03" in told(capsys, *words)
    assert "Unchanged" in told(capsys, *words)
    assert "calf work in the gym" in told(capsys, "add", "--gym", "--date", "2025-05-04")
    found = json.loads(told(capsys, "--date", "2025-05-05", "--json"))
    assert [session["surface"] for session in found["sessions"]] == ["trail"]
    assert found["summary"]["hours_since_gym"] > 0


@pytest.mark.parametrize(
    ("words", "hint"),
    [
        (("add",), "give a FIT file, or --distance and --time"),
        (("add", "--distance", "10", "--time", "50min"), "distance '10': not understood; write it with its unit"),
        (("add", "--distance", "10km", "--time", "fifty"), "time 'fifty': not understood"),
        (("add", "--distance", "10km", "--time", "50min", "--date", "May"), "date 'May': not understood"),
        (("add", "--gym", "--distance", "10km"), "--gym stands alone"),
        (("rebuild", "nowhere"), "nowhere: no such folder"),
    ],
)
def test_what_cannot_be_added_names_the_mend(words, hint, capsys):
    assert main(["history", *words]) == 2
    assert hint in capsys.readouterr().err


def test_sessions_that_cannot_be_used_are_named_and_the_rest_counts(month, capsys):
    (month / "run3" / "steps.parquet").unlink()
    record = read_session_record(month / "run4")
    write_session_record(msgspec.structs.replace(record, start_utc=None), month / "run4")
    assert main(["history", "rebuild", str(month)]) == 1
    out = capsys.readouterr().out
    assert "8 added" in out
    assert "run3: has no steps.parquet" in out
    assert "run4: the session does not say when it was; give the start with --date" in out
    assert "1 added" in told(capsys, "rebuild", str(month / "run4"), "--date", "2025-04-13T09:00")


def test_red_flags_end_everything_else(month, capsys, own_files):
    told(capsys, "rebuild", str(month))
    with HistoryStore(own_files / "history.sqlite") as store:
        store.note(make_note(Soreness(pain=7, red_flags=("breathless",)), START + timedelta(days=28)))
    shown = told(capsys, "--date", "2025-05-01")
    assert "call the emergency number now" in shown
    assert "Longest run" not in shown


RUN = """
name = "two minutes"
[[bouts]]
kind = "run"
speed_mps = 3.0
duration_s = 120.0
[belt]
"""


@pytest.fixture
def session(tmp_path, capsys):
    (tmp_path / "run.toml").write_text(RUN)
    assert main(["simulate", str(tmp_path / "run.toml"), "--out", str(tmp_path / "session")]) == 0
    capsys.readouterr()
    return tmp_path / "session"


def analyzed(capsys, *words):
    assert main(["analyze", *map(str, words)]) == 0, capsys.readouterr().err
    return capsys.readouterr().out


def test_an_analysis_leaves_no_log_where_there_was_none(session, capsys, own_files):
    assert "No history yet: soleus history rebuild FOLDERS starts one." in analyzed(capsys, session)
    assert list(own_files.iterdir()) == []


def test_an_analysis_compares_with_the_log_and_adds_to_it_once(session, tmp_path, capsys):
    log = tmp_path / "log.sqlite"
    for day in (1, 10, 20, 29):
        told(
            capsys, "add", "--distance", "200m", "--time", "1min", "--date", f"2024-12-{day:02d}", "--history", str(log)
        )
    first = analyzed(capsys, session, "--history", log)
    assert "so far: your longest run in 30 days" in first
    assert "session added" in first
    assert "session unchanged" in analyzed(capsys, session, "--history", log)
    with HistoryStore(log) as store:
        assert [entry.kind for entry in store.sessions()] == ["hand"] * 4 + ["pods"]
    assert "longest run" not in analyzed(capsys, session, "--no-history")


def test_an_analysis_says_why_a_session_without_a_date_is_not_added(session, tmp_path, capsys):
    record = read_session_record(session)
    write_session_record(msgspec.structs.replace(record, start_utc=None), session)
    out = analyzed(capsys, session, "--history", tmp_path / "log.sqlite")
    assert "does not say when it was" in out
    assert "--date DATE" in out
    assert not (tmp_path / "log.sqlite").exists()


def test_a_damaged_log_is_named(session, tmp_path, capsys):
    (tmp_path / "log.sqlite").write_bytes(b"SQLite format 3\0" + b"\7" * 5000)
    assert main(["analyze", str(session), "--history", str(tmp_path / "log.sqlite")]) == 2
    assert "log.sqlite: not a readable history" in capsys.readouterr().err


@pytest.mark.parametrize(("day", "reason"), [("2095-05-03", "in the future"), ("1955-05-03", "before 1970")])
@pytest.mark.parametrize("what", [["--distance", "5km", "--time", "25min"], ["--gym"]])
def test_a_slip_of_the_year_is_not_kept(day, reason, what, capsys, own_files):
    assert main(["history", "add", *what, "--date", day]) == 2
    assert f"'{day}': lies {reason}" in capsys.readouterr().err
    assert main(["history"]) == 2
