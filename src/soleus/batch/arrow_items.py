"""Items as Arrow tables, for engines that hand out Arrow batches, such as ``mapInArrow`` of Spark."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import msgspec
import pyarrow as pa

from soleus.batch.dataset import Dataset
from soleus.batch.item import Item, Settings
from soleus.batch.places import Place
from soleus.batch.plan import Request, find_items, settings_of
from soleus.batch.process import process
from soleus.batch.work import use_one_core

ITEMS_SCHEMA: Final = pa.schema({"item": pa.string()})
_OUTCOME_FIELDS: Final[list[pa.Field[Any]]] = [
    pa.field("session", pa.string()),
    pa.field("path", pa.string()),
    pa.field("steps", pa.int64()),
    pa.field("kind", pa.string()),
    pa.field("reason", pa.string()),
]
OUTCOMES_SCHEMA: Final = pa.schema(_OUTCOME_FIELDS)
"""What comes back of each item: its steps, or why there are none."""


def items_table(request: Request) -> tuple[pa.Table, str]:
    """List the items of a request, one JSON object a row, and give the settings as JSON.

    Raises
    ------
    BatchError
        If there is nothing, or an option is wrong.
    """
    settings = settings_of(request)
    items = find_items(request, Place.parse(request.out))
    texts = [msgspec.json.encode(item).decode() for item in items]
    return pa.table({"item": pa.array(texts, pa.string())}, schema=ITEMS_SCHEMA), msgspec.json.encode(settings).decode()


def process_batches(batches: Iterator[pa.RecordBatch], settings: str) -> Iterator[pa.RecordBatch]:
    """Find the steps of the items of Arrow batches and put them into the dataset; a row an item comes back.

    Items that are done may be done again, as after the loss of an executor: the files are the same.

    Raises
    ------
    BatchError
        If the dataset cannot be written.
    """
    use_one_core()
    known = msgspec.json.decode(settings, type=Settings)
    dataset = Dataset(Place.parse(known.out))
    for batch in batches:
        records = [
            process(msgspec.json.decode(str(text), type=Item), known, dataset)
            for text in batch.column("item").to_pylist()
        ]
        failures = [record.failure for record in records]
        yield pa.RecordBatch.from_arrays(
            [
                pa.array([record.key for record in records], pa.string()),
                pa.array([record.source for record in records], pa.string()),
                pa.array([record.row.get("steps") for record in records], pa.int64()),
                pa.array([None if failure is None else failure.kind for failure in failures], pa.string()),
                pa.array([None if failure is None else failure.reason for failure in failures], pa.string()),
            ],
            schema=OUTCOMES_SCHEMA,
        )
