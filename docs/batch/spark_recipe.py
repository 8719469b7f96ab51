"""A season on Spark: the same function as everywhere, handed out by ``mapInArrow``.

    spark-submit docs/batch/spark_recipe.py s3://clinic/season s3://clinic/season-out

Spark finds the steps; ``soleus batch`` with the same paths then finds them up to date, applies the rules in the order
of each runner's sessions and writes the tables over all.
"""

import sys
from collections.abc import Iterator

import pyarrow as pa

from soleus.batch.arrow_items import items_table, process_batches
from soleus.batch.plan import Request

OUTCOMES = "session string, path string, steps long, kind string, reason string"


def main(season: str, dataset: str) -> None:
    """Find the steps of a season."""
    from pyspark.sql import SparkSession

    spark = SparkSession.builder.appName("soleus").getOrCreate()
    items, settings = items_table(Request((season,), dataset))

    def steps(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        yield from process_batches(batches, settings)

    rows = spark.createDataFrame([(text,) for text in items.column("item").to_pylist()], "item string")
    tasks = max(1, min(len(items), 4 * spark.sparkContext.defaultParallelism))
    rows.repartition(tasks).mapInArrow(steps, OUTCOMES).filter("reason is not null").show(truncate=False)


if __name__ == "__main__":
    main(*sys.argv[1:])
