"""Unmodified bleak on a real bluetoothd, in an emulated machine with a stock kernel; the pods are virtual."""

import importlib.util
import json
from pathlib import Path

import pytest

HERE = Path(__file__).parent
spec = importlib.util.spec_from_file_location("bluez_vm", HERE / "bluez_vm.py")
bluez_vm = importlib.util.module_from_spec(spec)
spec.loader.exec_module(bluez_vm)

LIMIT_S = 900.0
"""The processor is emulated; on a busy machine three minutes."""


@pytest.mark.slow
@pytest.mark.timeout(LIMIT_S + 60)
@pytest.mark.skipif(bool(bluez_vm.missing()), reason=bluez_vm.missing() or "nothing is missing")
def test_the_systems_own_bluetooth(tmp_path):
    printed = bluez_vm.run(HERE / "bluez_guest.py", tmp_path, LIMIT_S)
    results = [line for line in printed.splitlines() if line.startswith("RESULT ")]
    assert results, printed[-3000:]
    told = json.loads(results[0].removeprefix("RESULT "))
    assert told["scanned"] == [["Soleus A0E1", "Soleus pod", "left", 80], ["Soleus A0E2", "Soleus pod", "right", 80]]
    assert told["as_sent"] == {"left": True, "right": True}, "bit for bit what left the pods"
    assert set(told["unaccounted"].values()) == {0}
    assert set(told["lost"].values()) == {0}
    assert min(told["samples"].values()) > 1000
    assert told["mtu"] == [247]
    assert (told["holes"], told["troubles"], told["ended"]) == (0, [], True)
