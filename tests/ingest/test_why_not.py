"""Why Bluetooth cannot be used, in one sentence with its mend."""

import pytest
from bleak.exc import BleakBluetoothNotAvailableError, BleakBluetoothNotAvailableReason, BleakError

from soleus.ingest.ble.backend import why_not

REASONS = BleakBluetoothNotAvailableReason


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (BleakBluetoothNotAvailableError("x", REASONS.NO_BLUETOOTH), "no Bluetooth radio; plug one in"),
        (BleakBluetoothNotAvailableError("x", REASONS.NO_BLE_CENTRAL_ROLE), "no Low Energy"),
        (BleakBluetoothNotAvailableError("x", REASONS.POWERED_OFF), "switched off; switch it on"),
        (BleakBluetoothNotAvailableError("x", REASONS.DENIED_BY_USER), "allow it in the system's privacy settings"),
        (BleakBluetoothNotAvailableError("x", REASONS.UNKNOWN), "x; is Bluetooth switched on"),
        (FileNotFoundError(2, "No such file"), "runs no Bluetooth service; install and start one"),
        (ConnectionRefusedError(), "runs no Bluetooth service"),
        (TimeoutError(), "Bluetooth does not answer; is Bluetooth switched on"),
        (BleakError("org.bluez.Error.NotReady"), "org.bluez.Error.NotReady; is Bluetooth switched on"),
    ],
)
def test_each_reason_has_its_mend(error, told):
    assert told in why_not(error)
