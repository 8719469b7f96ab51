"""The log on disk: SQLite in write-ahead mode, for several writers at once and safe when one of them dies.

Each change is one immediate transaction, synced to the disk before it counts as done. Feeding the same session again
replaces it, so nothing is counted twice.
"""

from __future__ import annotations

import contextlib
import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Literal, Self

import msgspec

from soleus.history.entry import Note, SessionEntry
from soleus.history.errors import HistoryError
from soleus.history.schema import APPLICATION_ID, MIGRATIONS, SCHEMA_VERSION

WAIT_S: Final = 30.0
"""How long a writer waits for another [s]."""
HEADER: Final = b"SQLite format 3\0"
"""First bytes of every SQLite file."""
RETRY_S: Final = 0.02
"""Pause between attempts to switch a new file to write-ahead mode, for which SQLite does not wait by itself [s]."""
SAME_SHARE: Final = 0.5
"""Sessions of one runner that share more than this of the shorter one are the same run, seen by two devices."""
OTHER_TABLES: Final = ("no such table", "no such column", "has no column", "columns but", "no such function")
"""What SQLite says of tables that are not ours."""
MAX_ENTRIES: Final = 200_000
"""Rows read at once: more than a life of running."""

Outcome = Literal["added", "updated", "unchanged"]
_SESSION_COLUMNS: Final = SessionEntry.__struct_fields__
_JSON_COLUMNS: Final = ("minutes", "dynamics")
"""Columns that hold a structure as JSON."""


class HistoryStore:
    """The runner's log.

    Parameters
    ----------
    path
        The file.
    create
        Make it if it is not there.

    Raises
    ------
    HistoryError
        If the file is missing, no log, damaged, or written by a newer program.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder, HistoryStore(Path(folder) / "h.sqlite", create=True) as store:
    ...     store.put(SessionEntry(id="0" * 32, kind="hand", start_s=1.7e9, time_s=3000.0, distance_m=10_000.0))
    ...     [entry.distance_m for entry in store.sessions()]
    'added'
    [10000.0]
    """

    def __init__(self, path: str | Path, *, create: bool = False) -> None:
        self.path = Path(path)
        if not create and not self.path.exists():
            raise HistoryError(
                f"{self.path}: there is no history yet; start one with soleus history rebuild FOLDERS or history add"
            )
        with self._told():
            self._check_header()
            if create:
                self.path.parent.mkdir(parents=True, exist_ok=True)
            # Not in autocommit's own way: transactions are begun where they are written.
            self._connection = sqlite3.connect(self.path, timeout=WAIT_S, isolation_level=None)
        try:
            with self._told():
                self._prepare()
        except BaseException:
            self._connection.close()
            raise

    def close(self) -> None:
        """Close the file."""
        self._connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def put(self, entry: SessionEntry) -> Outcome:
        """Add a session, or replace what is known of it.

        A session from pods takes the place of the same run told by a watch or by hand.

        Raises
        ------
        HistoryError
            If the run is in the log already from another device that knows more.
        """
        values = _row(entry)
        with self._told(), self._writing():
            before = self._connection.execute("SELECT * FROM session WHERE id = ?", (entry.id,)).fetchone()
            if before is not None and tuple(before) == values:
                return "unchanged"
            for other in self._same_run(entry):
                if entry.kind != "pods" or other["kind"] == "pods":
                    raise HistoryError(
                        f"{entry.source or 'this run'}: the log has a run at that time already "
                        f"({other['source'] or other['kind']}); nothing was added"
                    )
                self._connection.execute("DELETE FROM session WHERE id = ?", (other["id"],))
            marks = ", ".join("?" * len(_SESSION_COLUMNS))
            names = ", ".join(_SESSION_COLUMNS)
            self._connection.execute(f"INSERT OR REPLACE INTO session ({names}) VALUES ({marks})", values)  # noqa: S608 - names of our own struct
        return "added" if before is None else "updated"

    def note(self, note: Note) -> Outcome:
        """Add what the runner told or a test gave; the same note again changes nothing."""
        values = (note.id, note.runner, note.at_s, msgspec.json.encode(note.body).decode())
        with self._told(), self._writing():
            before = self._connection.execute("SELECT * FROM note WHERE id = ?", (note.id,)).fetchone()
            self._connection.execute("INSERT OR REPLACE INTO note VALUES (?, ?, ?, ?)", values)
        return "added" if before is None else "unchanged" if tuple(before) == values else "updated"

    def sessions(self, runner: str = "", *, since_s: float = 0.0, before_s: float = 1e12) -> list[SessionEntry]:
        """Give a runner's sessions that started within a span, by time.

        Raises
        ------
        HistoryError
            If a row holds what no session can.
        """
        query = "SELECT * FROM session WHERE runner = ? AND start_s >= ? AND start_s < ? ORDER BY start_s, id LIMIT ?"
        with self._told():
            rows = self._connection.execute(query, (runner, since_s, before_s, MAX_ENTRIES)).fetchall()
        return [self._entry(row) for row in rows]

    def notes(self, runner: str = "", *, since_s: float = 0.0, before_s: float = 1e12) -> list[Note]:
        """Give a runner's notes of a span, by time.

        Raises
        ------
        HistoryError
            If a row holds what no note can.
        """
        query = "SELECT * FROM note WHERE runner = ? AND at_s >= ? AND at_s < ? ORDER BY at_s, id LIMIT ?"
        with self._told():
            rows = self._connection.execute(query, (runner, since_s, before_s, MAX_ENTRIES)).fetchall()
        return [self._note(row) for row in rows]

    def runners(self) -> list[str]:
        """Name the runners that the log knows; the owner is the empty name."""
        query = "SELECT runner FROM session UNION SELECT runner FROM note ORDER BY 1"
        with self._told():
            return [str(row[0]) for row in self._connection.execute(query)]

    def forget(self, session_id: str) -> bool:
        """Remove a session; tell whether it was there."""
        with self._told(), self._writing():
            return self._connection.execute("DELETE FROM session WHERE id = ?", (session_id,)).rowcount > 0

    def _prepare(self) -> None:
        """Check whose file it is; make or renew the tables."""
        connection = self._connection
        connection.row_factory = sqlite3.Row
        connection.execute(f"PRAGMA busy_timeout = {int(WAIT_S * 1000)}")
        self._check_ours()
        self._write_ahead()
        connection.execute("PRAGMA synchronous = FULL")
        if self._pragma("user_version") < SCHEMA_VERSION:
            with self._writing():
                version = self._pragma("user_version")  # another process may have been faster
                for statements in MIGRATIONS[version:]:
                    for statement in statements:
                        connection.execute(statement)
                connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
                connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")

    def _check_header(self) -> None:
        """Refuse what is no database before SQLite takes a short file for an empty one and writes over it."""
        if not self.path.exists():
            return
        with self.path.open("rb") as file:
            head = file.read(len(HEADER))
        if head and head != HEADER:
            raise HistoryError(f"{self.path}: not a history; give another file, or move it away")

    def _check_ours(self) -> None:
        owner, version = self._pragma("application_id"), self._pragma("user_version")
        fresh = owner == 0 and version == 0 and not self._connection.execute("SELECT 1 FROM sqlite_master").fetchone()
        if not fresh and owner != APPLICATION_ID and self._pragma("application_id") != APPLICATION_ID:
            raise HistoryError(f"{self.path}: a database of another program; give another file")
        if version > SCHEMA_VERSION:
            raise HistoryError(
                f"{self.path}: written by a newer Soleus (log version {version}, this program knows "
                f"{SCHEMA_VERSION}); update the program"
            )

    def _write_ahead(self) -> None:
        """Switch to write-ahead mode; several processes may be making the same new file at once."""
        until = time.monotonic() + WAIT_S
        while not self._is_write_ahead(last=time.monotonic() > until):
            time.sleep(RETRY_S)

    def _is_write_ahead(self, *, last: bool) -> bool:
        try:
            self._connection.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError as error:
            if "locked" not in str(error) or last:
                raise
            return False
        return True

    def _pragma(self, name: str) -> int:
        return int(self._connection.execute(f"PRAGMA {name}").fetchone()[0])

    @contextlib.contextmanager
    def _writing(self) -> Iterator[None]:
        """Hold the only writer's place; all or nothing of what is done in it stays."""
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._connection.execute("ROLLBACK")
            raise
        self._connection.execute("COMMIT")

    @contextlib.contextmanager
    def _told(self) -> Iterator[None]:
        """Turn whatever the database raises into one sentence."""
        try:
            yield
        except sqlite3.OperationalError as error:
            told = str(error)
            if "locked" in told:
                raise HistoryError(f"{self.path}: another program keeps the history busy; try again") from error
            if any(words in told for words in OTHER_TABLES):
                raise HistoryError(
                    f"{self.path}: its tables are not those of a history ({error}); move it away and make it anew with "
                    "soleus history rebuild FOLDERS"
                ) from error
            raise HistoryError(
                f"{self.path}: the history cannot be used: {error}; see whether the disk is full or may not be written"
            ) from error
        except (sqlite3.Error, OverflowError, UnicodeError) as error:
            raise HistoryError(
                f"{self.path}: not a readable history ({error}); move it away and make it anew with "
                "soleus history rebuild FOLDERS"
            ) from error
        except OSError as error:
            raise HistoryError(f"{self.path}: the history cannot be used: {error.strerror or error}") from error

    def _same_run(self, entry: SessionEntry) -> list[sqlite3.Row]:
        """Find other rows of the same runner that cover the same time."""
        if entry.precision == "day":
            return []
        query = (
            "SELECT id, kind, source, start_s, time_s FROM session "
            "WHERE runner = ? AND id <> ? AND precision = 'second' AND start_s < ? AND start_s + time_s > ?"
        )
        found = self._connection.execute(query, (entry.runner, entry.id, entry.end_s, entry.start_s)).fetchall()
        return [
            row
            for row in found
            if min(row["start_s"] + row["time_s"], entry.end_s) - max(row["start_s"], entry.start_s)
            > SAME_SHARE * min(row["time_s"], entry.time_s)
        ]

    def _entry(self, row: sqlite3.Row) -> SessionEntry:
        try:
            values: dict[str, Any] = dict(row)
            for name in _JSON_COLUMNS:
                if values.get(name) is not None:
                    values[name] = msgspec.json.decode(values[name])
            return msgspec.convert(values, SessionEntry)
        except (msgspec.MsgspecError, ValueError, TypeError) as error:
            raise self._bad_row("session", row, error) from error

    def _note(self, row: sqlite3.Row) -> Note:
        try:
            values: dict[str, Any] = dict(row)
            return msgspec.convert({**values, "body": msgspec.json.decode(values["body"])}, Note)
        except (msgspec.MsgspecError, ValueError, TypeError) as error:
            raise self._bad_row("note", row, error) from error

    def _bad_row(self, table: str, row: sqlite3.Row, error: Exception) -> HistoryError:
        return HistoryError(
            f"{self.path}: {table} {str(row['id'])[:40]!r} cannot be read ({error}); move the file away and make it "
            "anew with soleus history rebuild FOLDERS"
        )


def _row(entry: SessionEntry) -> tuple[Any, ...]:
    values = msgspec.structs.asdict(entry)
    for name in _JSON_COLUMNS:
        if values[name] is not None:
            values[name] = msgspec.json.encode(values[name], order="deterministic").decode()
    return tuple(values[name] for name in _SESSION_COLUMNS)
