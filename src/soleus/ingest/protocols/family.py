"""Pod families: what a scan shows of them and whether they can measure running."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from soleus.ingest.protocols.block import TimeBase

SIG_BASE_UUID: Final = "0000{:04x}-0000-1000-8000-00805f9b34fb"
"""Bluetooth Core 5.4 Vol 3 Part B 2.5.1: 16-bit UUIDs stand for these."""


def sig_uuid(short: int) -> str:
    """128-bit form of a 16-bit UUID.

    Examples
    --------
    >>> sig_uuid(0x180D)
    '0000180d-0000-1000-8000-00805f9b34fb'
    """
    return SIG_BASE_UUID.format(short)


class Kind(StrEnum):
    """What a device is to us."""

    POD = "pod"
    TREADMILL = "treadmill"
    HEART_RATE = "heart rate"


@dataclass(frozen=True, slots=True)
class Advertisement:
    """What a device says of itself before a connection.

    Attributes
    ----------
    name
        Local name, empty if none.
    service_uuids
        128-bit UUIDs in lower case.
    manufacturer_data
        By company identifier.
    """

    name: str = ""
    service_uuids: tuple[str, ...] = ()
    manufacturer_data: Mapping[int, bytes] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Family:
    """A family of devices that speak one protocol.

    Attributes
    ----------
    key
        Short name, used in messages and configuration.
    title
        Name for people.
    kind
        Foot pod, treadmill or heart-rate strap.
    usable
        Whether Soleus can record a run with it.
    remark
        One sentence for the scan table: why it is not usable, or what to know.
    service_uuids, name_prefixes
        It is of this family if it advertises one of these services, or a name that begins so.
    company_ids
        If given, a match by name alone also needs manufacturer data of one of these, when any is sent.
    loss_blind
        The protocol cannot tell a lost packet.
    time_base
        Clock of its time stamps, ``None`` if packets carry none.
    """

    key: str
    title: str
    kind: Kind = Kind.POD
    usable: bool = True
    remark: str = ""
    service_uuids: tuple[str, ...] = ()
    name_prefixes: tuple[str, ...] = ()
    company_ids: tuple[int, ...] = ()
    loss_blind: bool = False
    time_base: TimeBase | None = None

    def advertises_service(self, seen: Advertisement) -> bool:
        """Whether one of the family's services is advertised."""
        return bool(set(self.service_uuids) & {uuid.lower() for uuid in seen.service_uuids})

    def has_name(self, seen: Advertisement) -> bool:
        """Whether name and manufacturer are the family's."""
        if not seen.name.lower().startswith(tuple(prefix.lower() for prefix in self.name_prefixes)):
            return False
        return not (self.company_ids and seen.manufacturer_data) or bool(
            set(self.company_ids) & set(seen.manufacturer_data)
        )
