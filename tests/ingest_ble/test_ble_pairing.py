"""Who is left, who is right: the pod's word, the user's, and what was remembered."""

import pytest

from soleus.ingest.ble import BluetoothError, RememberedDevices, Role, ScanRow, pair
from soleus.ingest.protocols.family import Kind
from soleus.model import Foot


def pod(address, foot=None, rssi=-50, *, usable=True, family="soleus"):
    return ScanRow(address, f"pod {address}", family, family, Kind.POD, usable, "A sentence.", foot, rssi, None)


LEFT, RIGHT = pod("A", Foot.LEFT), pod("B", Foot.RIGHT)
BELT = ScanRow("T", "Mill", "treadmill", "Treadmill", Kind.TREADMILL, True, "", None, -60, None)


def test_pods_that_know_their_foot():
    assert pair([RIGHT, LEFT, BELT]).roles == {Role.LEFT: LEFT, Role.RIGHT: RIGHT, Role.TREADMILL: BELT}


def test_two_pods_that_do_not_know_are_left_to_the_user():
    found = pair([pod("A"), pod("B")])
    assert found.roles == {}
    assert [row.address for row in found.undecided] == ["A", "B"]


def test_two_pods_that_claim_the_same_foot():
    found = pair([LEFT, pod("C", Foot.LEFT, -70)])
    assert found.roles == {Role.LEFT: LEFT}
    assert found.notes == ("pod C is left out: pod A is the left device already.",)


def test_the_users_word_comes_first():
    found = pair([LEFT, RIGHT], chosen={Role.LEFT: "b", Role.RIGHT: "pod a"})
    assert found.roles == {Role.LEFT: RIGHT, Role.RIGHT: LEFT}


@pytest.mark.parametrize(
    ("chosen", "told"),
    [({Role.LEFT: "Z"}, "'Z' for left was not seen; seen were: pod A, pod W"), ({Role.LEFT: "W"}, "A sentence.")],
)
def test_a_choice_that_cannot_be(chosen, told):
    with pytest.raises(BluetoothError, match=told):
        pair([LEFT, pod("W", usable=False)], chosen=chosen)


def test_remembered_from_run_to_run(tmp_path):
    path = tmp_path / "some" / "devices.toml"
    assert RememberedDevices.read(path) == RememberedDevices()
    first, second = pod("A"), pod("B")
    RememberedDevices().with_roles([(first, Role.RIGHT), (second, Role.LEFT), (BELT, Role.TREADMILL)]).write(path)
    kept = RememberedDevices.read(path)
    found = pair([first, second, BELT], kept)
    assert found.roles == {Role.RIGHT: first, Role.LEFT: second, Role.TREADMILL: BELT}
    swapped = pair([pod("A", Foot.LEFT), second], kept)
    assert swapped.roles[Role.RIGHT].address == "A"
    assert "says it is the left pod" in swapped.notes[0]
    again = kept.with_roles([(first, Role.LEFT)])
    assert again.role_of("A") is Role.LEFT


@pytest.mark.parametrize("text", ["[[devices]]\naddress = 1\n", "devices = 3", "\x00", "[[devices]]\nshoe = 'x'\n"])
def test_a_broken_memory_is_told(tmp_path, text):
    path = tmp_path / "devices.toml"
    path.write_text(text)
    with pytest.raises(BluetoothError, match="delete it to pair anew"):
        RememberedDevices.read(path)
