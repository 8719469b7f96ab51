import struct
import subprocess
import sys
from datetime import UTC, datetime, timedelta

import msgspec
import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from soleus.bench.population import Course, Habit, simulate
from soleus.history import (
    HistoryError,
    HistoryStore,
    Soreness,
    add_session,
    find_sessions,
    hand_entry,
    history_summary,
    make_note,
    name_in_log,
    read_fit,
    read_session_entry,
)
from soleus.model import Foot, PodInfo, Runner, Steps
from soleus.recording import RecordingError, session_record, write_session_record, write_steps
from soleus.recording.events_file import EVENTS_SCHEMA, write_events
from soleus.recording.happened import PAIN
from soleus.rules import RuleEngine

START = datetime(2025, 5, 1, 7, 0, tzinfo=UTC)
RUNNER = Runner(name="Ada", mass_kg=60.0, height_m=1.7, shoe="Light one", shoe_drop_m=0.006, surface="road")
PODS = (PodInfo(Foot.LEFT, 0.005, 0.001), PodInfo(Foot.RIGHT, 0.005, 0.001))


@pytest.fixture(scope="module")
def steps() -> Steps:
    return simulate(Habit.draw(np.random.default_rng(3)), Course(), 1500.0, np.random.default_rng(4))


def _session(folder, steps: Steps, start: datetime | None = START, runner: Runner = RUNNER, samples: int = 1000):
    write_steps(steps, folder)
    record = session_record(PODS, dict.fromkeys(Foot, samples), runner=runner, start_utc=start, source=str(folder))
    write_session_record(record, folder)
    return folder


def test_a_session_is_summed_up_as_the_rules_see_it(tmp_path, steps):
    entry = read_session_entry(_session(tmp_path / "a", steps))
    contact_s = steps["initial_contact_s"]
    assert entry.time_s == pytest.approx(contact_s[-1] - contact_s[0])
    assert entry.distance_m == pytest.approx(3.0 * entry.time_s, rel=0.01)
    assert entry.impulse_bws == pytest.approx(float(np.nansum(steps["achilles_impulse_bws"])))
    assert entry.dose == pytest.approx(float(np.nansum(steps["calf_dose"])))
    assert (entry.steps, entry.shoe, entry.shoe_drop_m, entry.surface) == (len(steps), "Light one", 0.006, "treadmill")
    assert entry.rearfoot + entry.midfoot + entry.forefoot == len(steps)
    assert entry.minutes is not None
    assert len(entry.minutes.speed_mps) == pytest.approx(22, abs=1)
    assert msgspec.convert(msgspec.to_builtins(entry), type(entry)) == entry


def test_pain_told_during_a_run_is_kept_and_speaks_before_the_next(tmp_path, steps):
    folder = _session(tmp_path / "a", steps)
    told = [(300.0, {"rating": 2.0, "after_steps": 50}), (900.0, {"rating": 5.0, "after_steps": 90})]
    rows = [
        {"piece": piece, "t": time_s, "kind": PAIN, "json": msgspec.json.encode(value).decode()}
        for piece, (time_s, value) in enumerate(told)
    ]
    write_events(pa.Table.from_pylist(rows, schema=EVENTS_SCHEMA), folder)
    log = tmp_path / "h.sqlite"
    add_session(log, folder)
    with HistoryStore(log) as store:
        (entry,) = store.sessions("Ada")
        assert entry.pain == 5.0
        soon, late = START + timedelta(hours=20), START + timedelta(hours=60)
        assert history_summary(store, soon, name="Ada").pain_last_run == 5.0
        assert history_summary(store, late, name="Ada").pain_last_run is None
        store.note(make_note(Soreness(pain=1), START + timedelta(hours=10), "Ada"))
        assert history_summary(store, soon, name="Ada").pain_last_run is None


def test_the_same_session_is_counted_once_wherever_it_lies(tmp_path, steps):
    log = tmp_path / "h.sqlite"
    assert add_session(log, _session(tmp_path / "a", steps)) == "added"
    assert add_session(log, _session(tmp_path / "moved", steps)) == "updated"
    assert add_session(log, tmp_path / "moved") == "unchanged"
    assert add_session(log, _session(tmp_path / "b", steps, START + timedelta(days=1))) == "added"
    with HistoryStore(log) as store:
        assert len(store.sessions("Ada")) == 2


def test_a_log_is_rebuilt_from_its_sessions(tmp_path, steps):
    for day in range(5):
        _session(tmp_path / "all" / f"run{day}", steps, START + timedelta(days=4 * day))
    for name in ("first", "again"):
        for folder in find_sessions([tmp_path / "all"]):
            add_session(tmp_path / f"{name}.sqlite", folder)
    with HistoryStore(tmp_path / "first.sqlite") as a, HistoryStore(tmp_path / "again.sqlite") as b:
        assert a.sessions("Ada") == b.sessions("Ada")
        summary = history_summary(a, START + timedelta(days=21), name="Ada", runner=RUNNER)
    assert summary.enough
    assert {each.signal for each in summary.baselines} >= {"contact_time", "cadence", "achilles_impulse"}
    usual = next(each for each in summary.baselines if each.signal == "contact_time" and each.foot == "left")
    assert usual.n_runs == 5
    # A run of the same habit, half as long again, is told while it is on.
    longer = simulate(Habit.draw(np.random.default_rng(3)), Course(), 2300.0, np.random.default_rng(4))
    said = RuleEngine(RUNNER, None, summary).push(longer)["rule"].tolist()
    assert {"distance-100", "distance-110", "distance-130"} & set(said)


FEED = """
import pathlib, sys
from soleus.history import add_session
for folder in sys.argv[2:]:
    add_session(pathlib.Path(sys.argv[1]), folder)
"""
SCREEN = """
import datetime, pathlib, sys
from soleus.history import CalfRaise, HistoryStore, make_note
for day in range(8):
    with HistoryStore(pathlib.Path(sys.argv[1]), create=True) as store:
        when = datetime.datetime(2025, 5, 1 + day, tzinfo=datetime.UTC)
        store.note(make_note(CalfRaise(foot="left", repetitions=20 + day), when, "Ada"))
"""


def test_a_live_run_a_batch_and_a_test_at_once_lose_nothing(tmp_path, steps):
    """The batch feeds all sessions while live runs add theirs one by one, and tests their notes."""
    part = steps.select(slice(0, 300))
    folders = [_session(tmp_path / "all" / f"run{i}", part, START + timedelta(days=i)) for i in range(8)]
    log = tmp_path / "h.sqlite"
    names = [str(folder) for folder in folders]
    works = [(FEED, *names), (FEED, *names[::-1]), (FEED, *names[4:], *names[:4]), (SCREEN,)]
    processes = [subprocess.Popen([sys.executable, "-c", code, str(log), *words]) for code, *words in works]
    assert [process.wait(120) for process in processes] == [0] * len(works)
    for folder in find_sessions([tmp_path / "all"]):
        add_session(tmp_path / "anew.sqlite", folder)
    with HistoryStore(log) as store, HistoryStore(tmp_path / "anew.sqlite") as anew:
        assert store.sessions("Ada") == anew.sessions("Ada")
        assert len(store.sessions("Ada")) == 8
        assert [note.body.repetitions for note in store.notes("Ada")] == list(range(20, 28))


def test_runners_are_kept_apart_by_name():
    owner = Runner(name="Ada")
    assert [name_in_log(Runner(name=n), owner) for n in ("", "Ada", "Bo")] == ["", "", "Bo"]
    assert name_in_log(Runner(name="Bo")) == "Bo"


def test_a_session_without_a_date_asks_for_it(tmp_path, steps):
    folder = _session(tmp_path / "a", steps, None)
    with pytest.raises(HistoryError, match=r"does not say when it was; give the start with --date"):
        read_session_entry(folder)
    first = read_session_entry(folder, when=START)
    assert first.start_s == START.timestamp()
    assert read_session_entry(folder, when=START + timedelta(days=1)).id == first.id


def test_what_cannot_be_added_is_said(tmp_path, steps):
    folder = _session(tmp_path / "a", steps)
    (folder / "steps.parquet").unlink()
    with pytest.raises(HistoryError, match=r"has no steps.parquet; run soleus analyze"):
        read_session_entry(folder)
    with pytest.raises(HistoryError, match="no steps in it"):
        read_session_entry(_session(tmp_path / "b", Steps.empty()))
    with pytest.raises(HistoryError, match="no such folder"):
        find_sessions([tmp_path / "none"])
    (tmp_path / "empty").mkdir()
    with pytest.raises(HistoryError, match="no session in it or below"):
        find_sessions([tmp_path / "empty"])
    (tmp_path / "a" / "session.json").write_bytes(b"{")
    with pytest.raises(RecordingError, match=r"session.json"):
        read_session_entry(tmp_path / "a")


def test_a_run_told_by_hand():
    entry = hand_entry(START, 3000.0, 10_000.0, surface="trail", uphill_m=120.0)
    assert (entry.kind, entry.uphill_m, entry.impulse_bws) == ("hand", 120.0, None)
    assert entry.id == hand_entry(START, 3000.0, 10_000.0).id
    with pytest.raises(HistoryError, match="'distance_m'"):
        hand_entry(START, 3000.0, 2e6)


FIT_EPOCH = datetime(1989, 12, 31, tzinfo=UTC).timestamp()


def _crc(data: bytes) -> int:
    table = (0, 0xCC01, 0xD801, 0x1400, 0xF001, 0x3C00, 0x2800, 0xE401, 0xA001, 0x6C00, 0x7800, 0xB401, 0x5000, 0x9C01,
             0x8801, 0x4400)  # fmt: skip
    crc = 0
    for byte in data:
        for nibble in (byte & 15, byte >> 4):
            crc = ((crc >> 4) & 0xFFF) ^ table[crc & 15] ^ table[nibble]
    return crc


def fit_file(sport: int = 1, sub_sport: int = 3, distance_m: float = 12_345.0) -> bytes:
    """A FIT file with one session message."""
    fields = [(253, 4, 0x86), (2, 4, 0x86), (7, 4, 0x86), (8, 4, 0x86), (9, 4, 0x86), (10, 4, 0x86), (22, 2, 0x84),
              (5, 1, 0), (6, 1, 0)]  # fmt: skip
    definition = bytes([0x40, 0, 0]) + struct.pack("<HB", 18, len(fields)) + b"".join(bytes(f) for f in fields)
    start = int(START.timestamp() - FIT_EPOCH)
    data = bytes([0]) + struct.pack(
        "<IIIIIIHBB", start + 4000, start, 3_700_000, 3_600_000, round(distance_m * 100), 5000, 240, sport, sub_sport
    )
    body = definition + data
    head = struct.pack("<BBHI4s", 14, 0x20, 2132, len(body), b".FIT")
    whole = head + struct.pack("<H", _crc(head)) + body
    return whole + struct.pack("<H", _crc(whole))


def test_a_watchs_file_is_read(tmp_path):
    pytest.importorskip("fitdecode")
    path = tmp_path / "run.fit"
    path.write_bytes(fit_file())
    (entry,) = read_fit(path)
    assert entry.start_s == START.timestamp()
    assert (entry.kind, entry.distance_m, entry.time_s, entry.running_s) == ("file", 12_345.0, 3700.0, 3600.0)
    assert (entry.uphill_m, entry.steps, entry.surface) == (240.0, 10_000, "trail")
    path.write_bytes(fit_file(sub_sport=1))
    assert read_fit(path)[0].surface == "treadmill"


def test_a_file_without_a_run_is_refused(tmp_path):
    pytest.importorskip("fitdecode")
    path = tmp_path / "ride.fit"
    path.write_bytes(fit_file(sport=2))
    with pytest.raises(HistoryError, match=r"no run in it \(only cycling\)"):
        read_fit(path)
    path.write_bytes(fit_file(distance_m=30_000_000.0))
    with pytest.raises(HistoryError, match=r"'total_distance' is 3e.07; no run has that"):
        read_fit(path)
    with pytest.raises(HistoryError, match="cannot be read"):
        read_fit(tmp_path / "none.fit")


@settings(max_examples=80, deadline=None)
@given(data=st.data())
def test_a_damaged_fit_file_never_crashes(tmp_path_factory, data):
    pytest.importorskip("fitdecode")
    content = bytearray(fit_file())
    for _ in range(data.draw(st.integers(0, 6))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    path = tmp_path_factory.getbasetemp() / "fuzz.fit"
    path.write_bytes(bytes(content[: data.draw(st.integers(0, len(content)))]))
    try:
        read_fit(path)
        told = "fuzz.fit"
    except HistoryError as error:
        told = str(error)
    assert "fuzz.fit" in told
