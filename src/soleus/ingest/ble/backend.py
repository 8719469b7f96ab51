"""Which Bluetooth is used: the system's by bleak, or Bumble's host on a controller of our own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from bleak.backends.client import BaseBleakClient
    from bleak.backends.scanner import BaseBleakScanner

    from soleus.ingest.ble.bumble_backend import BumbleAdapter

SYSTEM: Final = "auto"
"""Transport name of the system's own Bluetooth."""


class BluetoothError(ValueError):
    """Bluetooth or a device does not do what is asked; the message says what to do."""


@dataclass(frozen=True, slots=True)
class Backend:
    """The classes that bleak takes as ``backend=``; ``None`` for the system's own.

    Attributes
    ----------
    scanner, client
        Backend classes.
    adapter
        The controller behind them, if it is ours.
    """

    scanner: type[BaseBleakScanner] | None = None
    client: type[BaseBleakClient] | None = None
    adapter: BumbleAdapter | None = None

    @classmethod
    def of(cls, adapter: BumbleAdapter) -> Backend:
        """Use a controller of our own."""
        return cls(adapter.scanner, adapter.client, adapter)

    async def close(self) -> None:
        """Close the controller if it is ours."""
        if self.adapter is not None:
            await self.adapter.close()


async def open_backend(transport: str = SYSTEM) -> Backend:
    """Open Bluetooth: ``'auto'``, or a transport of Bumble such as ``'usb:0'`` or ``'tcp-client:127.0.0.1:9001'``.

    Raises
    ------
    BluetoothError
        If the controller cannot be opened or a package is missing.
    """
    if transport == SYSTEM:
        return Backend()
    try:
        from soleus.ingest.ble.bumble_backend import BumbleAdapter
    except ImportError as error:
        raise BluetoothError(f"transport '{transport}' needs the package bumble: pip install soleus[demo]") from error
    from bleak.exc import BleakError

    try:
        return Backend.of(await BumbleAdapter.open(transport))
    except BleakError as error:
        raise BluetoothError(f"{error}; use one of Bumble's transports, such as usb:0, or auto") from error
