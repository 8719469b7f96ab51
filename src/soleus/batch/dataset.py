"""The dataset of a batch on its file system: which file is where.

::

    steps/runner=NAME/date=DAY/KEY.parquet      every ground contact
    warnings/runner=NAME/date=DAY/KEY.parquet   what the rules said
    reports/KEY.html                            if asked for
    summary.parquet  failures.parquet  overview.html
    _items/BUCKET/KEY.json                      what is done, and what is needed to go on
    _items/BUCKET/KEY.rules.json                which rules were applied, after which sessions
    _runs/RUN.lock                              who is writing now

Dataset readers pass over what begins with an underscore.
"""

from __future__ import annotations

import io
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, TypeVar

import msgspec
import pyarrow as pa

from soleus.batch.errors import BatchError
from soleus.batch.item import ItemRecord, Verdict
from soleus.batch.places import UNKNOWN_RUN, Place

if TYPE_CHECKING:
    import pyarrow.dataset as pads

TABLES: Final = ("steps", "warnings")
SUMMARY_FILE: Final = "summary.parquet"
FAILURES_FILE: Final = "failures.parquet"
OVERVIEW_FILE: Final = "overview.html"
ITEMS: Final = "_items"
RUNS: Final = "_runs"
REPORTS: Final = "reports"
RECORD_ENDING: Final = ".json"
VERDICT_ENDING: Final = ".rules.json"
KEY_COLUMN: Final = "session"
"""Column of the tables that tells the session, as its key."""
RECORD_MOST_BYTES: Final = 16 * 2**20
"""Largest record: the minutes of a week take less."""
TABLE_MOST_BYTES: Final = 2**30
"""Largest table of one session that is read."""
READERS: Final = 8
"""Small files read at once: they cost waiting, not work."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Dataset:
    """The dataset at a place, written by a run."""

    place: Place
    run: str = UNKNOWN_RUN

    def table_place(self, table: str, record: ItemRecord) -> Place:
        """Tell where a session's rows of a table are."""
        return self.place / table / record.partition / f"{record.key}.parquet"

    def report_place(self, key: str) -> Place:
        """Tell where a session's report is."""
        return self.place / REPORTS / f"{key}.html"

    def record_place(self, bucket: str, key: str) -> Place:
        """Tell where an item's record is."""
        return self.place / ITEMS / bucket / f"{key}{RECORD_ENDING}"

    def verdict_place(self, bucket: str, key: str) -> Place:
        """Tell where it is said which rules were applied to a session."""
        return self.place / ITEMS / bucket / f"{key}{VERDICT_ENDING}"

    def write_table(self, name: str, record: ItemRecord, table: pa.Table, stamp: str) -> None:
        """Write a session's rows of a table; the stamp, what they rest on, goes into its metadata.

        Raises
        ------
        BatchError
            If they cannot be written.
        """
        keys = pa.DictionaryArray.from_arrays(pa.array([0] * len(table), pa.int8()), pa.array([record.key]))
        marked = table.add_column(0, pa.field(KEY_COLUMN, keys.type), keys)
        metadata = {**(table.schema.metadata or {}), b"soleus.input": stamp.encode()}
        self.table_place(name, record).write(parquet_bytes(marked.replace_schema_metadata(metadata)), self.run)

    def read_table(self, name: str, record: ItemRecord, stamp: str) -> pa.Table:
        """Read a session's rows of a table.

        Raises
        ------
        BatchError
            If they cannot be read, or rest on something else.
        """
        import pyarrow.parquet as pq

        place = self.table_place(name, record)
        data = place.read(TABLE_MOST_BYTES)
        with place.told("read"):
            table = pq.read_table(io.BytesIO(data), use_threads=False, page_checksum_verification=True)
        if (table.schema.metadata or {}).get(b"soleus.input") != stamp.encode():
            raise BatchError(f"{place.shown}: rests on another recording or program; run the batch again")
        return table.drop_columns([KEY_COLUMN])

    def write_record(self, record: ItemRecord) -> None:
        """Write an item's record: from then on it is done.

        Raises
        ------
        BatchError
            If it cannot be written.
        """
        self.record_place(record.bucket, record.key).write(msgspec.json.encode(record), self.run)

    def write_verdict(self, bucket: str, verdict: Verdict) -> None:
        """Write which rules were applied to a session.

        Raises
        ------
        BatchError
            If it cannot be written.
        """
        self.verdict_place(bucket, verdict.key).write(msgspec.json.encode(verdict), self.run)

    def records(self, buckets: Iterable[str] | None = None) -> tuple[list[ItemRecord], dict[str, Verdict]]:
        """Read what is done: the items by key, and what the rules gave; of all buckets or some.

        A record that cannot be read counts as not there: its item is done again.

        Raises
        ------
        BatchError
            If the dataset cannot be listed.
        """
        roots = [self.place / ITEMS] if buckets is None else [self.place / ITEMS / bucket for bucket in buckets]
        paths = [str(info.path) for root in roots for info in root.below()]
        verdicts = self._read_all([path for path in paths if path.endswith(VERDICT_ENDING)], Verdict)
        records = self._read_all(
            [p for p in paths if p.endswith(RECORD_ENDING) and not p.endswith(VERDICT_ENDING)], ItemRecord
        )
        return sorted(records, key=lambda record: record.key), {verdict.key: verdict for verdict in verdicts}

    def read_records(self, bucket: str, keys: Iterable[str]) -> dict[str, ItemRecord]:
        """Read the records of some items of a bucket; one that cannot be read is left out."""
        found = self._read_all([self.record_place(bucket, key).path for key in keys], ItemRecord)
        return {record.key: record for record in found}

    def files(self) -> set[str]:
        """List the paths of all tables and reports that are there.

        Raises
        ------
        BatchError
            If the dataset cannot be listed.
        """
        return {str(info.path) for name in (*TABLES, REPORTS) for info in (self.place / name).below()}

    def discard(self, record: ItemRecord, verdict: Verdict | None = None) -> None:
        """Remove all that belongs to an item, its record last.

        Raises
        ------
        BatchError
            If a file cannot be removed.
        """
        self.discard_tables(record)
        if verdict is None or verdict.report:
            self.report_place(record.key).remove()
        self.verdict_place(record.bucket, record.key).remove()
        self.record_place(record.bucket, record.key).remove()

    def discard_tables(self, record: ItemRecord) -> None:
        """Remove the rows of a session.

        Raises
        ------
        BatchError
            If a file cannot be removed.
        """
        for name in TABLES:
            self.table_place(name, record).remove()

    def _read_all(self, paths: list[str], kind: type[T]) -> list[T]:
        def read(path: str) -> T | None:
            try:
                return msgspec.json.decode(self.place.at(path).read(RECORD_MOST_BYTES), type=kind)
            except (BatchError, msgspec.MsgspecError, ValueError, RecursionError):
                return None

        with ThreadPoolExecutor(READERS) as pool:
            return [found for found in pool.map(read, paths) if found is not None]


def parquet_bytes(table: pa.Table) -> pa.Buffer:
    """Encode a table; it goes to its place in one step then."""
    import pyarrow.parquet as pq

    sink = pa.BufferOutputStream()
    pq.write_table(table, sink, compression="zstd", write_page_checksum=True)
    return sink.getvalue()


def open_dataset(out: str, table: str = "steps") -> pads.Dataset:
    """Open a table of a batch's output with all its partitions.

    Parameters
    ----------
    out
        Folder or URI that the batch wrote.
    table
        ``steps`` or ``warnings``.

    Raises
    ------
    BatchError
        If there is no such table.
    """
    import pyarrow.dataset as pads

    if table not in TABLES:
        raise BatchError(f"table '{table}': unknown; take one of {', '.join(TABLES)}")
    place = Place.parse(out) / table
    with place.told("read"):
        return pads.dataset(place.path, filesystem=place.fs, format="parquet", partitioning=_partitioning())


def _partitioning() -> Any:  # noqa: ANN401  (the stubs have no name for it)
    import pyarrow.dataset as pads

    fields: list[pa.Field[Any]] = [pa.field("runner", pa.string()), pa.field("date", pa.date32())]
    schema = pa.schema(fields)
    return pads.partitioning(schema, flavor="hive")
