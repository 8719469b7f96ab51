"""A scan recognises what it sees and says why a device is of no use."""

import pytest

from soleus.ingest.protocols import registry, soleus_pod
from soleus.ingest.protocols import soleus_pod_defs as defs
from soleus.ingest.protocols.family import Advertisement, Kind, sig_uuid
from soleus.model import Foot

OURS = soleus_pod.pack(defs.Advertisement(defs.ADV_MAGIC, 1, defs.Side.LEFT, 0, 85))


@pytest.mark.parametrize(
    ("seen", "key"),
    [
        (Advertisement("anything", (defs.SERVICE_UUID,)), "soleus"),
        (Advertisement("Soleus", (defs.SERVICE_UUID.upper(),)), "soleus"),
        (Advertisement("Polar Sense A1B2C3D4", (sig_uuid(0x180D),), {0x006B: b"\x33"}), "polar-verity-sense"),
        (Advertisement("Polar H10 12345678", (sig_uuid(0x180D),)), "polar-h10"),
        (Advertisement("Movesense 174630000123"), "movesense"),
        (Advertisement("", (sig_uuid(0xFDF3),)), "movesense"),
        (Advertisement("IMU_12ab34"), "capture2go"),
        (Advertisement("MetaWear"), "metamotion"),
        (Advertisement("Thingy"), "thingy52"),
        (Advertisement("Xsens DOT"), "movella-dot"),
        (Advertisement("WT901BLE68"), "witmotion"),
        (Advertisement("", ("0000ffe5-0000-1000-8000-00805f9a34fb",)), "witmotion"),
        (Advertisement("Stryd"), "stryd"),
        (Advertisement("Run 500", (sig_uuid(0x1826),)), "treadmill"),
        (Advertisement("HRM-Dual", (sig_uuid(0x180D),)), "heart-rate"),
    ],
)
def test_recognised(seen, key):
    assert registry.recognise(seen).family.key == key


@pytest.mark.parametrize(
    "seen",
    [
        Advertisement(),
        Advertisement("TV", (sig_uuid(0x180F),)),
        Advertisement("Movesense", (), {0x004C: b"\x02"}),
        Advertisement("", (sig_uuid(0xFFE5),)),
    ],
)
def test_not_ours(seen):
    assert registry.recognise(seen) is None


def test_a_soleus_pod_tells_side_and_battery():
    found = registry.recognise(Advertisement("Soleus 1234", (defs.SERVICE_UUID,), {defs.ADV_COMPANY_ID: OURS}))
    assert (found.foot, found.battery_pct) == (Foot.LEFT, 85)
    bent = OURS[:3] + b"\x09" + OURS[4:]
    found = registry.recognise(Advertisement("", (defs.SERVICE_UUID,), {defs.ADV_COMPANY_ID: bent}))
    assert (found.foot, found.battery_pct) == (None, None)


def test_every_family_has_a_sentence_and_an_own_key():
    families = registry.families()
    assert len({family.key for family in families}) == len(families)
    for family in families:
        assert family.usable or family.remark, family.key
        assert "\n" not in family.remark
        assert family.service_uuids or family.name_prefixes
        if family.kind is Kind.POD and family.usable:
            assert (family.time_base is None) == family.loss_blind
