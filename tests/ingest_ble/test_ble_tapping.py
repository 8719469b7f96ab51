"""Pairing by tapping, over the whole Bluetooth path."""

import numpy as np
import pytest

from soleus.ingest.ble import BluetoothError, RememberedDevices, Role, pair
from soleus.ingest.virtual import WorldSetting, virtual_radio
from soleus.model import Foot

GRAVITY_COUNTS = 2048
TAP_COUNTS = 12_000


@pytest.fixture
def standing(recorded):
    """Both feet still; the given ones tap four times from 4 s on, again and again."""

    def make(*feet):
        recording = recorded(60.0)
        for track in recording.pods:
            track.samples.counts[:] //= 4096
            track.samples.counts[2] += GRAVITY_COUNTS
            if track.info.foot in feet:
                for start_s in np.arange(4.0, 58.0, 6.0):
                    for tap_s in start_s + np.array([0.0, 0.5, 1.0, 1.5]):
                        at = int(tap_s * 200)
                        track.samples.counts[2, at : at + 4] += TAP_COUNTS
        return recording

    return make


@pytest.mark.parametrize(("foot", "sides"), [(Foot.LEFT, "unset"), (Foot.RIGHT, "swapped")])
def test_the_tapped_pod_is_the_left_one(standing, foot, sides, tmp_path):
    told = []
    with virtual_radio(standing(foot), WorldSetting(sides=sides, packet_error_rate=0.05), speed=None) as radio:
        rows = radio.scan(1.0)
        found = radio.pair_by_tap(rows, 8.0, tell=told.append)
        again = radio.scan(1.0)
    left = {Foot.LEFT: "F0:00:00:00:00:11", Foot.RIGHT: "F0:00:00:00:00:22"}
    assert found.roles[Role.LEFT].address == left[foot]
    assert found.roles[Role.RIGHT].address == left[foot.other]
    assert found.undecided == ()
    assert told[0].startswith("Stand still, then tap the left toe")
    assert any("felt" in note for note in found.notes)
    path = tmp_path / "devices.toml"
    RememberedDevices.read(path).with_roles((row, role) for role, row in found.roles.items()).write(path)
    kept = pair(again, RememberedDevices.read(path)).roles
    assert {role: row.address for role, row in kept.items()} == {role: row.address for role, row in found.roles.items()}


@pytest.mark.parametrize(("feet", "told"), [((), "no taps were felt"), (tuple(Foot), "several pods felt taps")])
def test_what_is_not_clear_is_said(standing, feet, told):
    with virtual_radio(standing(*feet), WorldSetting(sides="unset"), speed=None) as radio:
        found = radio.pair_by_tap(radio.scan(1.0))
    assert (found.roles, len(found.undecided)) == ({}, 2)
    assert told in found.notes[-1]


def test_no_pods(standing):
    with virtual_radio(standing(), speed=None) as radio, pytest.raises(BluetoothError, match="no pod was seen"):
        radio.pair_by_tap([])
