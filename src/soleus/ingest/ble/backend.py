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


DONGLE: Final = "or give Soleus a dongle of its own: --transport usb:0"


def why_not(error: BaseException) -> str:
    """Say why Bluetooth cannot be used, and the mend.

    Examples
    --------
    >>> why_not(FileNotFoundError(2, "No such file or directory"))
    'this system runs no Bluetooth service; install and start one (Linux: bluetoothd), ...'
    """
    from bleak.exc import BleakBluetoothNotAvailableError, BleakBluetoothNotAvailableReason

    if isinstance(error, BleakBluetoothNotAvailableError):
        reasons = BleakBluetoothNotAvailableReason
        told = {
            reasons.NO_BLUETOOTH: f"this computer has no Bluetooth radio; plug one in, {DONGLE}",
            reasons.NO_BLE_CENTRAL_ROLE: "this Bluetooth radio knows no Low Energy; plug in another",
            reasons.POWERED_OFF: "Bluetooth is switched off; switch it on",
        }
        if error.reason in told:
            return told[error.reason]
        if error.reason is not reasons.UNKNOWN:
            return "Bluetooth is not allowed to this program; allow it in the system's privacy settings"
        return f"{error.args[0] if error.args else error}; is Bluetooth switched on and allowed?"
    if isinstance(error, (FileNotFoundError, ConnectionError)):
        return f"this system runs no Bluetooth service; install and start one (Linux: bluetoothd), {DONGLE}"
    return f"{str(error) or 'Bluetooth does not answer'}; is Bluetooth switched on and allowed?"


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
