"""Stryd: recognised only. Its raw data are not public."""

from __future__ import annotations

from typing import Final

from soleus.ingest.protocols.family import Family

FAMILIES: Final = (
    Family(
        key="stryd",
        title="Stryd",
        usable=False,
        remark="Stryd gives speed, cadence and power only: its raw motion, from which steps are found, is not public.",
        name_prefixes=("Stryd",),
    ),
)
