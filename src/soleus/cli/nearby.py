"""The radio of commands that look for devices, the real one or a virtual runner's; and which device is meant."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from soleus.ingest.ble import Radio, ScanRow

VIRTUAL_REST_S: Final = 60.0
"""Virtual pods run for this long beside what is asked of them [s]: scans, commands, reconnections."""


def radio_of(transport: str, *, virtual: bool, seconds: float) -> Radio:
    """Make the radio of a command, for so much work [s]; it opens with its ``with`` statement."""
    from soleus.ingest.ble import Radio

    if not virtual:
        return Radio(transport)
    from soleus.ingest.ble import BluetoothError
    from soleus.simulate import Bout, Scenario, simulate

    try:
        from soleus.ingest.virtual import virtual_radio
    except ImportError as error:
        raise BluetoothError("virtual pods need the package bumble: pip install 'soleus[demo]'") from error
    bouts = (Bout(kind="run", speed_mps=2.8, duration_s=seconds + VIRTUAL_REST_S),)
    return virtual_radio(simulate(Scenario(name="virtual pods", bouts=bouts), seed=0).recording, speed=None)


def row_named(rows: Sequence[ScanRow], wanted: str) -> ScanRow:
    """Find the device that an address or a name means.

    Raises
    ------
    UsageError
        If none was seen, or several have the name.
    """
    from soleus.cli.errors import UsageError

    meant = [row for row in rows if wanted.casefold() in {row.address.casefold(), row.name.casefold()}]
    if len(meant) > 1:
        raise UsageError(f"several devices are called '{wanted}'; give the address, such as {meant[0].address}")
    if not meant:
        seen = ", ".join(f"{row.name or row.title} ({row.address})" for row in rows) or "none"
        raise UsageError(f"'{wanted}' was not seen: wake it up and bring it nearer; seen were: {seen}")
    return meant[0]


def devices_file() -> Path:
    """Give the place where the roles of devices are remembered."""
    from soleus.history.place import home
    from soleus.ingest.ble import DEVICES_NAME

    return home() / DEVICES_NAME
