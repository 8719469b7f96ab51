import os
import signal
import sqlite3
import subprocess
import sys
import textwrap

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from soleus.history import (
    CalfRaise,
    Dynamics,
    HistoryError,
    HistoryStore,
    SessionEntry,
    Soreness,
    make_note,
)
from soleus.history.schema import APPLICATION_ID, MIGRATIONS, SCHEMA_VERSION


def _entry(number: int, **known) -> SessionEntry:
    facts = {"kind": "pods", "start_s": 1.7e9 + 1e5 * number, "time_s": 1800.0, "distance_m": 5000.0} | known
    return SessionEntry(id=f"{number:032x}", **facts)


def test_what_is_put_in_comes_out_once(tmp_path, log):
    entry = log.run(3.0, shoe="Old one", shoe_drop_m=0.008, surface="road", rearfoot=5, midfoot=2, forefoot=0, steps=7)
    with HistoryStore(tmp_path / "h.sqlite", create=True) as store:
        assert store.put(entry) == "added"
        assert store.put(entry) == "unchanged"
        longer = SessionEntry(**{name: getattr(entry, name) for name in entry.__struct_fields__} | {"steps": 9})
        assert store.put(longer) == "updated"
    with HistoryStore(tmp_path / "h.sqlite") as store:
        assert store.sessions() == [longer]
        assert store.sessions("somebody else") == []
        assert store.runners() == [""]
        assert store.forget(entry.id)
        assert store.sessions() == []


def test_notes_of_each_kind_come_back(tmp_path, log):
    bodies = (Soreness(pain=2, days=1, red_flags=("pop",)), CalfRaise(foot="left", repetitions=30))
    notes = [make_note(body, log.days_ago(5.0 - i), "Ada") for i, body in enumerate(bodies)]
    with HistoryStore(tmp_path / "h.sqlite", create=True) as store:
        assert [store.note(note) for note in (*notes, *notes)] == ["added", "added", "unchanged", "unchanged"]
        assert store.notes("Ada") == notes


def test_pods_take_the_place_of_a_watch_and_not_the_reverse(tmp_path):
    watch = _entry(1, kind="file", start_s=1.7e9 + 20.0, source="run.fit")
    pods = _entry(2, start_s=1.7e9, source="session")
    with HistoryStore(tmp_path / "h.sqlite", create=True) as store:
        store.put(watch)
        store.put(pods)
        assert store.sessions() == [pods]
        with pytest.raises(HistoryError, match=r"run\.fit: the log has a run at that time already \(session\)"):
            store.put(watch)
        second = _entry(3, kind="hand", start_s=1.7e9 + 4000.0)
        assert store.put(second) == "added"


def test_a_missing_log_is_not_made_by_looking(tmp_path):
    with pytest.raises(HistoryError, match="there is no history yet; start one with"):
        HistoryStore(tmp_path / "none.sqlite")
    assert not (tmp_path / "none.sqlite").exists()


def test_a_newer_log_is_refused_and_left_alone(tmp_path):
    path = tmp_path / "h.sqlite"
    HistoryStore(path, create=True).close()
    with sqlite3.connect(path) as connection:
        connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION + 1}")
    connection.close()
    with pytest.raises(HistoryError, match=f"newer Soleus .log version {SCHEMA_VERSION + 1}.*update the program"):
        HistoryStore(path, create=True)
    assert path.exists()


def test_another_programs_database_is_refused(tmp_path):
    path = tmp_path / "h.sqlite"
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE theirs (x)")
    connection.close()
    before = path.read_bytes()
    with pytest.raises(HistoryError, match="database of another program"):
        HistoryStore(path, create=True)
    assert path.read_bytes() == before


def test_an_older_log_is_brought_up_to_date(tmp_path):
    path = tmp_path / "h.sqlite"
    with sqlite3.connect(path) as connection:
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")  # version 0: nothing in it yet
    connection.close()
    with HistoryStore(path) as store:
        assert store.sessions() == []


def test_a_log_of_the_first_version_keeps_its_rows_and_takes_new_ones(tmp_path):
    path = tmp_path / "h.sqlite"
    old = _entry(1, source="before")
    names = [name for name in old.__struct_fields__ if name not in {"dynamics", "pain"}]
    with sqlite3.connect(path) as connection:
        for statement in MIGRATIONS[0]:
            connection.execute(statement)
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        connection.execute("PRAGMA user_version = 1")
        marks = ", ".join("?" * len(names))
        connection.execute(
            f"INSERT INTO session ({', '.join(names)}) VALUES ({marks})",  # noqa: S608 - names of our own struct
            [getattr(old, name) for name in names],
        )
    connection.close()
    new = _entry(
        2, kind="file", dynamics=Dynamics(contact_time_s=0.25, sources={"contact_time_s": "a"}, left_out=("b",))
    )
    with HistoryStore(path) as store:
        assert store.put(old) == "unchanged"
        assert store.put(new) == "added"
        assert store.put(new) == "unchanged"
        assert store.sessions() == [old, new]


def test_a_row_that_no_session_can_be_is_named(tmp_path):
    path = tmp_path / "h.sqlite"
    with HistoryStore(path, create=True) as store:
        store.put(_entry(1))
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE session SET time_s = 'long'")
    connection.close()
    with (
        HistoryStore(path) as store,
        pytest.raises(HistoryError, match=r"session '0+1' cannot be read.*time_s.*rebuild"),
    ):
        store.sessions()


@pytest.fixture(scope="module")
def whole_file(tmp_path_factory) -> bytes:
    path = tmp_path_factory.mktemp("whole") / "h.sqlite"
    with HistoryStore(path, create=True) as store:
        for number in range(30):
            store.put(_entry(number, source="x" * 300))
    return path.read_bytes()


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_a_damaged_file_never_crashes(tmp_path, whole_file, data):
    path = tmp_path / "fuzz.sqlite"
    for left in tmp_path.glob("fuzz*"):
        left.unlink()
    content = bytearray(whole_file)
    for _ in range(data.draw(st.integers(1, 20))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    path.write_bytes(bytes(content[: data.draw(st.integers(0, len(content)))]))
    try:
        with HistoryStore(path) as store:
            store.sessions()
            store.notes()
            store.put(_entry(99))
        told = "fuzz.sqlite"
    except HistoryError as error:
        told = str(error)
    assert "fuzz.sqlite" in told


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(content=st.binary(min_size=1, max_size=3000))
def test_any_bytes_are_refused(tmp_path, content):
    path = tmp_path / "any.sqlite"
    path.write_bytes(content)
    with pytest.raises(HistoryError, match=r"any\.sqlite"):
        HistoryStore(path)
    assert path.read_bytes() == content


WRITER = """
import pathlib, sys, time
from datetime import UTC, datetime
from soleus.history import HistoryStore, SessionEntry, Soreness, make_note
path, go, first, count = sys.argv[1], pathlib.Path(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4])
print("ready", flush=True)
while not go.exists():
    time.sleep(0.001)
for n in range(first, first + count):
    with HistoryStore(path, create=True) as store:
        start_s = 1.7e9 + 1e5 * n
        store.put(SessionEntry(id=f"{n:032x}", kind="pods", start_s=start_s, time_s=1800.0, distance_m=5000.0))
        store.note(make_note(Soreness(pain=n % 10), datetime.fromtimestamp(1.7e9 + n, UTC)))
"""


def test_writers_at_once_lose_nothing(tmp_path):
    path, go, each, writers = tmp_path / "h.sqlite", tmp_path / "go", 15, 6
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", WRITER, str(path), str(go), str(each * i), str(each)], stdout=subprocess.PIPE
        )
        for i in range(writers)
    ]
    assert [process.stdout.readline() for process in processes] == [b"ready\n"] * writers
    go.touch()
    for process in processes:
        process.communicate(timeout=60)
    assert [process.returncode for process in processes] == [0] * writers
    with HistoryStore(path) as store:
        assert len(store.sessions()) == each * writers
        assert len(store.notes()) == each * writers


ENDLESS = """
import itertools, sys
from soleus.history import HistoryStore, SessionEntry
with HistoryStore(sys.argv[1], create=True) as store:
    for n in itertools.count():
        store.put(SessionEntry(id=f"{n:032x}", kind="pods", start_s=1.7e9 + 1e4 * n, time_s=60, source="x" * 2000))
        print(n, flush=True)
"""


@pytest.mark.skipif(os.name != "posix", reason="kill -9")
def test_a_writer_killed_leaves_all_that_it_said_was_done(tmp_path):
    path = tmp_path / "h.sqlite"
    for _ in range(3):
        before = 0
        if path.exists():
            with HistoryStore(path) as store:
                before = len(store.sessions())
        with subprocess.Popen(
            [sys.executable, "-c", textwrap.dedent(ENDLESS), str(path)], stdout=subprocess.PIPE, text=True
        ) as process:
            assert process.stdout is not None
            said = -1
            while said < before + 25:
                said = int(process.stdout.readline())
            process.send_signal(signal.SIGKILL)
            said = max([said, *(int(line) for line in process.stdout.read().split())])
        with HistoryStore(path) as store:
            assert len(store.sessions()) >= said + 1
    with sqlite3.connect(path) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    connection.close()
