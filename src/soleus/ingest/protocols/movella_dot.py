"""Movella (Xsens) DOT: recognised only. Its live stream ends at 60 Hz (user manual, table 6)."""

from __future__ import annotations

from typing import Final

from soleus.ingest.protocols.family import Family

FAMILIES: Final = (
    Family(
        key="movella-dot",
        title="Movella DOT",
        usable=False,
        remark="Movella DOT streams at most 60 Hz, too slow for contact times; 120 Hz exist only in its own memory.",
        service_uuids=("15172000-4947-11e9-8646-d663bd873d93", "15171000-4947-11e9-8646-d663bd873d93"),
        name_prefixes=("Movella DOT", "Xsens DOT"),
    ),
)
