"""WitMotion WT901BLE: recognised only. No time, no counter, 50 Hz (vendor's protocol sheet)."""

from __future__ import annotations

from typing import Final

from soleus.ingest.protocols.family import Family

FAMILIES: Final = (
    Family(
        key="witmotion",
        title="WitMotion",
        usable=False,
        remark="WitMotion sends neither time nor counter and at most 50 Hz over Bluetooth, too slow for contact times.",
        # Not the SIG's base UUID: it ends in 34fb but has 805f9a where theirs has 805f9b.
        service_uuids=("0000ffe5-0000-1000-8000-00805f9a34fb",),
        name_prefixes=("WT901", "WTSDCL", "BWT901"),
    ),
)
