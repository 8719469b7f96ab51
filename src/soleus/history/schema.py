"""The tables of the log, and how an older log becomes a newer one."""

from __future__ import annotations

from typing import Final

APPLICATION_ID: Final = 0x534F4C45
"""'SOLE' in the header of the file tells that it is ours."""

MIGRATIONS: Final[tuple[tuple[str, ...], ...]] = (
    (
        """
        CREATE TABLE session (
            id TEXT PRIMARY KEY NOT NULL,
            runner TEXT NOT NULL,
            kind TEXT NOT NULL,
            start_s REAL NOT NULL,
            precision TEXT NOT NULL,
            time_s REAL NOT NULL,
            running_s REAL,
            distance_m REAL,
            uphill_m REAL,
            steps INTEGER,
            impulse_bws REAL,
            dose REAL,
            rearfoot INTEGER,
            midfoot INTEGER,
            forefoot INTEGER,
            contact_asymmetry REAL,
            shoe TEXT NOT NULL,
            shoe_drop_m REAL,
            surface TEXT,
            source TEXT NOT NULL,
            minutes TEXT
        ) WITHOUT ROWID
        """,
        "CREATE INDEX session_of_runner ON session (runner, start_s)",
        """
        CREATE TABLE note (
            id TEXT PRIMARY KEY NOT NULL,
            runner TEXT NOT NULL,
            at_s REAL NOT NULL,
            body TEXT NOT NULL
        ) WITHOUT ROWID
        """,
        "CREATE INDEX note_of_runner ON note (runner, at_s)",
    ),
    ("ALTER TABLE session ADD COLUMN dynamics TEXT",),
    ("ALTER TABLE session ADD COLUMN pain REAL",),
)
"""Statements that lead from each version to the next; the first make version 1 of an empty file."""

SCHEMA_VERSION: Final = len(MIGRATIONS)
"""Version of the log that this program reads and writes."""
