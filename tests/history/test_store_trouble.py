"""A log that another program holds, changed or left half: said in one sentence with the mend, never a crash."""

import contextlib
import os
import sqlite3
import stat

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from soleus.history import HistoryError, HistoryStore, SessionEntry
from soleus.history.schema import APPLICATION_ID, MIGRATIONS, SCHEMA_VERSION


def _entry(number: int) -> SessionEntry:
    return SessionEntry(id=f"{number:032x}", kind="pods", start_s=1.7e9 + 1e5 * number, time_s=1800.0, distance_m=5e3)


def _database(path, statements, application=APPLICATION_ID, version=SCHEMA_VERSION):
    with sqlite3.connect(path) as connection:
        for statement in statements:
            connection.execute(statement)
        connection.execute(f"PRAGMA application_id = {application}")
        connection.execute(f"PRAGMA user_version = {version}")
    connection.close()


def test_a_log_that_stays_locked_is_said_and_stays_whole(tmp_path, monkeypatch):
    path = tmp_path / "h.sqlite"
    with HistoryStore(path, create=True) as store:
        store.put(_entry(1))
    monkeypatch.setattr("soleus.history.store.WAIT_S", 0.2)
    holder = sqlite3.connect(path, isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    try:
        with HistoryStore(path) as store:
            assert len(store.sessions()) == 1, "readers go on"
            with pytest.raises(HistoryError, match=r"h\.sqlite: another program keeps the history busy; try again"):
                store.put(_entry(2))
    finally:
        holder.execute("ROLLBACK")
        holder.close()
    with HistoryStore(path) as store:
        assert store.put(_entry(2)) == "added"


@pytest.mark.parametrize(
    "statements",
    [
        [],
        ["CREATE TABLE session (id TEXT, other REAL)"],
        ["CREATE TABLE session (x)", "CREATE TABLE note (y)"],
        ["CREATE VIEW session AS SELECT 1 AS id", "CREATE TABLE note (id, runner, at_s, body)"],
        [MIGRATIONS[0][0].replace("time_s REAL", "time_h REAL"), MIGRATIONS[0][2]],
        [MIGRATIONS[0][0], "CREATE TABLE note (id, runner, at_s)"],
    ],
)
def test_tables_that_are_not_ours_are_refused_with_the_mend(tmp_path, statements):
    path = tmp_path / "foreign.sqlite"
    _database(path, statements)
    for use in (lambda s: s.put(_entry(1)), lambda s: s.sessions(), lambda s: s.notes("x"), lambda s: s.runners()):
        told = f"{path} rebuild"
        try:
            with HistoryStore(path) as store:
                use(store)
        except HistoryError as error:
            told = str(error)
        assert told.startswith(str(path))
        assert "rebuild" in told


def test_a_trigger_in_a_foreign_log_cannot_reach_beyond_it(tmp_path):
    path, other = tmp_path / "t.sqlite", tmp_path / "made.sqlite"
    HistoryStore(path, create=True).close()
    with sqlite3.connect(path) as connection:
        connection.execute(f"CREATE TRIGGER t AFTER INSERT ON session BEGIN SELECT load_extension('{other}'); END")
    connection.close()
    with HistoryStore(path) as store, pytest.raises(HistoryError, match=r"t\.sqlite"):
        store.put(_entry(1))
    assert not other.exists()


def test_a_folder_in_place_of_the_log_is_said(tmp_path):
    (tmp_path / "h.sqlite").mkdir()
    with pytest.raises(HistoryError, match=r"h\.sqlite"):
        HistoryStore(tmp_path / "h.sqlite", create=True)


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="needs a user whom permissions bind")
def test_a_log_that_may_not_be_written_is_said(tmp_path):
    path = tmp_path / "h.sqlite"
    HistoryStore(path, create=True).close()
    path.chmod(stat.S_IRUSR)
    tmp_path.chmod(stat.S_IRUSR | stat.S_IXUSR)
    try:
        with pytest.raises(HistoryError, match=r"h\.sqlite"), HistoryStore(path) as store:
            store.put(_entry(1))
    finally:
        tmp_path.chmod(stat.S_IRWXU)


VALUES = st.one_of(
    st.none(), st.integers(-(2**63), 2**63 - 1), st.floats(), st.text(max_size=30), st.binary(max_size=30),
    st.sampled_from(["pods", "hand", "second", "{}", "[]", '{"speed_mps": [1], "grade": [], "values": {}}', "0" * 32]),
)  # fmt: skip


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(column=st.sampled_from([*SessionEntry.__struct_fields__, "note.body", "note.at_s", "note.id"]), value=VALUES)
def test_any_value_in_any_column_is_read_or_named(tmp_path, column, value):
    path = tmp_path / "v.sqlite"
    for left in tmp_path.glob("v.sqlite*"):
        left.unlink()
    with HistoryStore(path, create=True) as store:
        store.put(_entry(1))
    table, _, name = column.rpartition(".")
    connection = sqlite3.connect(path)
    connection.execute("INSERT INTO note VALUES ('n', '', 1.7e9, '{\"type\": \"gym\"}')")
    with contextlib.suppress(sqlite3.IntegrityError):
        connection.execute(f"UPDATE {table or 'session'} SET {name} = ?", (value,))  # noqa: S608
    connection.commit()
    connection.close()
    told = f"{path} rebuild"
    try:
        with HistoryStore(path) as store:
            for runner in store.runners():
                store.sessions(runner)
                store.notes(runner)
    except HistoryError as error:
        told = str(error)
    assert told.startswith(str(path))
    assert "rebuild" in told
