"""Look for devices: one row each, the unusable ones told in a sentence."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from soleus.ingest.ble.backend import Backend, BluetoothError, why_not
from soleus.ingest.ble.racing import within
from soleus.ingest.protocols.family import Advertisement, Kind
from soleus.ingest.protocols.registry import recognise
from soleus.model import Foot

if TYPE_CHECKING:
    from bleak.backends.device import BLEDevice
    from bleak.backends.scanner import AdvertisementData

SCAN_S: Final = 5.0
"""Long enough for several advertisements of a pod that advertises once a second [s]."""
SWITCH_S: Final = 10.0
"""Switching the scan on or off takes no longer than this [s]."""
KIND_ORDER: Final = (Kind.POD, Kind.TREADMILL, Kind.HEART_RATE)
ROWS_MAX: Final = 1000
"""Devices looked at in one scan: a crowded race has a few hundred."""


@dataclass(frozen=True, slots=True)
class ScanRow:
    """A device that was seen and recognised.

    Attributes
    ----------
    address
        Address, or what the system shows in its stead.
    name
        As advertised, empty if none.
    family, title
        Key and name of its family.
    kind
        Pod, treadmill or strap.
    usable
        Whether a run can be recorded with it.
    sentence
        What to know about it.
    foot
        The side it claims.
    rssi_dbm
        Strength of its last advertisement [dBm].
    battery_pct
        Battery level [%], if advertised.
    """

    address: str
    name: str
    family: str
    title: str
    kind: Kind
    usable: bool
    sentence: str
    foot: Foot | None
    rssi_dbm: int
    battery_pct: int | None
    device: BLEDevice | None = field(default=None, compare=False, repr=False)

    def cells(self) -> tuple[str, str, str, str, str, str]:
        """Texts for a table: name, family, side, signal, battery, remark.

        Examples
        --------
        >>> ScanRow("AA", "", "stryd", "Stryd", Kind.POD, False, "Closed.", None, -60, None).cells()
        ('AA', 'Stryd', '', '-60 dBm', '', 'Closed.')
        """
        return (
            self.name or self.address,
            self.title,
            "" if self.foot is None else self.foot.label,
            f"{self.rssi_dbm} dBm",
            "" if self.battery_pct is None else f"{self.battery_pct} %",
            self.sentence,
        )


async def scan(backend: Backend, seconds: float = SCAN_S) -> list[ScanRow]:
    """Scan for a while; pods first, then treadmills and straps, the strongest of each kind first.

    Raises
    ------
    BluetoothError
        If Bluetooth is off, missing or forbidden.
    """
    from bleak import BleakScanner
    from bleak.exc import BleakError

    chosen: dict[str, Any] = {} if backend.scanner is None else {"backend": backend.scanner}
    scanner = BleakScanner(**chosen)
    try:
        await within(SWITCH_S, scanner.start())
        try:
            await asyncio.sleep(seconds)
        finally:
            await within(SWITCH_S, scanner.stop())
    except (BleakError, OSError, TimeoutError, EOFError) as error:
        raise BluetoothError(f"cannot scan: {why_not(error)}") from error
    return rows_of(list(scanner.discovered_devices_and_advertisement_data.values())[:ROWS_MAX])


def rows_of(found: Iterable[tuple[BLEDevice, AdvertisementData]]) -> list[ScanRow]:
    """Make rows of what bleak found; devices of no concern are left out."""
    rows = []
    for device, told in found:
        name = told.local_name or device.name or ""
        seen = Advertisement(name, tuple(told.service_uuids), dict(told.manufacturer_data))
        recognised = recognise(seen)
        if recognised is not None:
            family = recognised.family
            rows.append(
                ScanRow(
                    device.address,
                    name,
                    family.key,
                    family.title,
                    family.kind,
                    family.usable,
                    recognised.sentence,
                    recognised.foot,
                    told.rssi,
                    recognised.battery_pct,
                    device,
                )
            )
    return sorted(rows, key=lambda row: (KIND_ORDER.index(row.kind), not row.usable, -row.rssi_dbm))
