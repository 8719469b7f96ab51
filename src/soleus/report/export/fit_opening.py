"""What precedes the records of a FIT activity: who wrote it, the fields of our own, the devices."""

from __future__ import annotations

import math
import zlib
from collections.abc import Iterator
from typing import Final

import numpy as np

from soleus.recording import SessionRecord
from soleus.report.export import fit_profile as fit
from soleus.report.export.fit_format import DEVELOPER_INDEX, pack

NAME: Final = "Soleus"


def opening(record: SessionRecord, first: int, local: int) -> Iterator[bytes]:
    """Give who wrote the file, the fields of our own, and the devices.

    Parameters
    ----------
    record
        Of the session.
    first
        FIT time at which it begins [s].
    local
        Local message type to use.
    """
    yield bytes(
        pack(
            fit.FILE_ID,
            local,
            {
                "type": fit.FILE_ACTIVITY,
                "manufacturer": fit.MANUFACTURER_DEVELOPMENT,
                "product": fit.PRODUCT,
                "serial_number": _serial(record),
                "time_created": first,
                "product_name": NAME,
            },
        )
    )
    yield bytes(
        pack(
            fit.DEVELOPER_DATA_ID,
            local,
            {
                "application_id": fit.APPLICATION_ID,
                "manufacturer_id": fit.MANUFACTURER_DEVELOPMENT,
                "developer_data_index": DEVELOPER_INDEX,
                "application_version": fit.APPLICATION_VERSION,
            },
        )
    )
    own = [field for _, field in fit.OWN_FIELDS]
    yield bytes(
        pack(
            fit.FIELD_DESCRIPTION,
            local,
            {
                "developer_data_index": np.full(len(own), DEVELOPER_INDEX),
                "field_definition_number": [field.number for field in own],
                "fit_base_type_id": [field.base.code for field in own],
                "field_name": [field.name for field in own],
                "units": [field.unit for field in own],
                "native_mesg_num": [number for number, _ in fit.OWN_FIELDS],
            },
        )
    )
    pods = sorted(record.pods, key=lambda pod: pod.foot)
    some = 1 + len(pods)
    # Of a pod only what it said itself: its maker is a name, not a number of the profile.
    yield bytes(
        pack(
            fit.DEVICE_INFO,
            local,
            {
                "timestamp": np.full(some, first),
                "device_index": np.arange(some),
                "manufacturer": [fit.MANUFACTURER_DEVELOPMENT] + [math.nan] * len(pods),
                "product": [fit.PRODUCT] + [math.nan] * len(pods),
                "software_version": [_version(record.soleus_version)] + [math.nan] * len(pods),
                "descriptor": ["foot-pod analysis", *(f"{pod.foot} foot" for pod in pods)],
                "source_type": [fit.SOURCE_LOCAL] + [math.nan] * len(pods),
                "product_name": [NAME, *(" ".join(filter(None, (pod.maker, pod.pod_id))) for pod in pods)],
            },
        )
    )


def _serial(record: SessionRecord) -> int:
    """Give the same pods the same number, by which FIT readers tell devices apart."""
    named = " ".join(sorted(f"{pod.foot}:{pod.maker}:{pod.pod_id}" for pod in record.pods))
    return zlib.crc32(named.encode()) or 1


def _version(text: str) -> float:
    """Give a version as FIT's major.minor (two digits); missing if it is none."""
    parts = text.split(".")
    whole = parts[0].isdigit() and len(parts) > 1 and parts[1].isdigit()
    return int(parts[0]) + int(parts[1]) / 100 if whole else math.nan
