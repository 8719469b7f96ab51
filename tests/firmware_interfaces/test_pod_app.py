"""The reference application, without its hardware, driven as a host drives a pod."""

import struct

import numpy as np
import pytest

from soleus.ingest.protocols import soleus_pod, soleus_pod_control
from soleus.ingest.protocols import soleus_pod_defs as defs
from soleus.ingest.protocols.block import BlockFlag

PERIOD_US = 1e6 / 416
START = soleus_pod.pack(defs.CommandStart(defs.Opcode.START, 400, 0, 16, 2000))
ACTION_START, ACTION_STOP, ACTION_STORE, ACTION_STATUS = 0x01, 0x02, 0x10, 0x20


class Host:
    """Feeds a pod with FIFO reads of eight samples and collects what it sends."""

    def __init__(self, pod, mtu=247):
        self.pod, self.taken = pod, 0
        assert pod.numbers("A", "init") == [1]
        pod("A", "connect", mtu)

    def command(self, data):
        actions, reply = self.pod("A", "command", data.hex()).split()
        return int(actions), soleus_pod_control.decode_reply(bytes.fromhex(reply))

    def sample(self, blocks=1, *, overrun=False, clip=False):
        for _ in range(blocks):
            index = np.arange(self.taken, self.taken + 8)
            accel = np.stack([index, -index, np.full(8, 2048)], axis=1)
            gyro = np.stack([index * 2, np.zeros(8, int), np.full(8, 32767 if clip else 5)], axis=1)
            data = np.concatenate([gyro, accel], axis=1).astype("<i2").tobytes()
            irq_us = round((self.taken + 7) * PERIOD_US) + 5_000
            self.pod("A", "fifo", data.hex(), irq_us % 2**32, int(overrun))
            self.taken += 8

    def receive(self):
        blocks = []
        while (answer := self.pod("A", "next").split())[1] != "-":
            blocks.append((int(answer[0]), soleus_pod.decode_imu(bytes.fromhex(answer[1]))))
            self.pod("A", "sent")
        return blocks


@pytest.fixture
def host(pod):
    return Host(pod)


def indices(blocks):
    return [block.first_index + i for _, block in blocks for i in range(len(block))]


def test_start_stream_stop(pod, host):
    actions, reply = host.command(START)
    assert (actions, reply.rate_hz, reply.accel_range_g, reply.boot_id) == (ACTION_START | ACTION_STATUS, 416, 16, 77)
    host.sample(6)
    blocks = host.receive()
    assert indices(blocks) == list(range(48))
    assert blocks[0][1].flags == BlockFlag.CONFIG_CHANGED
    assert [block.sequence for _, block in blocks] == list(range(6))
    counts = np.concatenate([block.counts for _, block in blocks], axis=1)
    assert counts[0].tolist() == list(range(48))
    assert counts[3].tolist() == list(range(0, 96, 2))
    for _, block in blocks:
        assert abs(block.device_time - 5_000 - block.first_index * PERIOD_US) < 20
    assert host.command(bytes([defs.Opcode.STOP]))[0] == ACTION_STOP | ACTION_STATUS
    host.sample()
    assert host.receive() == []
    assert soleus_pod.decode_info(bytes.fromhex(pod("A", "info"))).state == defs.State.IDLE


def test_saturation_is_flagged(host):
    host.command(START)
    host.sample(1)
    host.sample(1, clip=True)
    host.sample(1)
    assert [bool(block.flags & BlockFlag.GYRO_SATURATED) for _, block in host.receive()] == [False, True, False]


def test_a_packet_not_sent_is_offered_again(pod, host):
    host.command(START)
    host.sample(2)
    first = pod("A", "next")
    assert pod("A", "next") == first
    assert indices(host.receive()) == list(range(16))


def test_link_loss_and_backfill(pod, host):
    host.command(START)
    host.sample(2)
    assert indices(host.receive()) == list(range(16))
    pod("A", "disconnect", 0)
    host.sample(4)
    assert host.receive() == []
    pod("A", "connect", 247)
    assert host.receive() == [], "nothing before START is repeated"
    actions, reply = host.command(START)
    assert (actions, reply.next_index) == (ACTION_STATUS, 48)
    host.sample(1)
    assert indices(host.receive()) == list(range(48, 56))
    _, reply = host.command(soleus_pod.pack(defs.CommandBackfill(defs.Opcode.BACKFILL, 16, 32)))
    assert (reply.first_index, reply.span, reply.lost) == (16, 32, 0)
    assert host.command(soleus_pod.pack(defs.CommandBackfill(3, 0, 1)))[1].status == defs.StatusCode.BUSY
    host.sample(1)
    blocks = host.receive()
    assert not blocks[0][0], "live packets go first"
    assert indices(blocks[1:]) == list(range(16, 48))
    assert all(block.flags & BlockFlag.BACKFILL for _, block in blocks[1:])
    assert blocks[-1][1].flags & BlockFlag.ENDS_BACKFILL
    assert blocks[-1][1].first_index == 48
    assert host.receive() == []


def test_fifo_overrun_makes_the_index_jump(pod, host):
    host.command(START)
    host.sample(2)
    host.receive()
    host.taken += 40
    host.sample(1, overrun=True)
    [(_, block)] = host.receive()
    assert (block.first_index, block.flags & BlockFlag.OVERRUN) == (56, BlockFlag.OVERRUN)
    status = soleus_pod.decode_status(bytes.fromhex(pod("A", "status")))
    assert (status.lost_samples, status.last_error) == (40, defs.Error.FIFO_OVERRUN)
    host.sample(1)
    assert not host.receive()[0][1].flags & BlockFlag.OVERRUN
    reply = host.command(soleus_pod.pack(defs.CommandBackfill(defs.Opcode.BACKFILL, 20, 30)))[1]
    assert reply.status == defs.StatusCode.NOT_HELD


def test_ring_overrun_is_counted(pod, host):
    host.command(START)
    host.sample(40)
    blocks = host.receive()
    assert indices(blocks) == list(range(64, 320))
    assert blocks[0][1].flags & BlockFlag.OVERRUN
    status = soleus_pod.decode_status(bytes.fromhex(pod("A", "status")))
    assert (status.lost_samples, status.last_error) == (64, defs.Error.RING_OVERRUN)


@pytest.mark.parametrize(("mtu", "largest"), [(23, 1), (65, 4), (100, 7), (247, 8)])
def test_packets_fit_the_mtu(pod, mtu, largest):
    host = Host(pod, mtu)
    host.command(START)
    host.sample(3)
    blocks = host.receive()
    assert max(len(block) for _, block in blocks) == largest
    assert indices(blocks) == list(range(24))


def test_change_of_rate_keeps_the_index(host):
    host.command(START)
    host.sample(2)
    host.receive()
    actions, reply = host.command(soleus_pod.pack(defs.CommandStart(defs.Opcode.START, 200, 5, 8, 1000)))
    assert (actions & ACTION_START, reply.rate_hz, reply.samples_max, reply.next_index) == (ACTION_START, 208, 5, 16)
    host.sample(1)
    blocks = host.receive()
    assert [len(block) for _, block in blocks] == [5, 3]
    assert blocks[0][1].flags & BlockFlag.CONFIG_CHANGED
    assert indices(blocks) == list(range(16, 24))


def test_side_and_advertisement(pod, host):
    assert host.command(bytes([defs.Opcode.SET_SIDE, 2]))[0] == ACTION_STORE | ACTION_STATUS
    told = soleus_pod.decode_advertisement({defs.ADV_COMPANY_ID: bytes.fromhex(pod("A", "adv", 80))})
    assert (told.side, told.battery_pct) == (defs.Side.RIGHT, 80)


def test_ranges_beyond_the_sensor_are_refused(host):
    _, reply = host.command(soleus_pod.pack(defs.CommandStart(defs.Opcode.START, 400, 0, 32, 2000)))
    assert reply.status == defs.StatusCode.OUT_OF_RANGE
    assert host.command(bytes([0x55]))[1].status == defs.StatusCode.UNKNOWN_OPCODE


def test_buffering_ends_after_its_limit(pod, host):
    host.command(START)
    pod("A", "disconnect", 1_000_000)
    limit = 1_000_000 + defs.BUFFERING_LIMIT_S * 1_000_000
    assert pod.numbers("A", "tick", limit - 1) == [0]
    assert pod.numbers("A", "tick", limit) == [ACTION_STOP | ACTION_STATUS]


def test_a_silent_sensor_is_a_fault(pod, host):
    host.command(START)
    assert pod.numbers("A", "fail") == [ACTION_STATUS]
    assert soleus_pod.decode_status(bytes.fromhex(pod("A", "status"))).state == defs.State.FAULT
    assert host.command(START)[0] & ACTION_START


def test_sync_reply(pod, host):
    reply = soleus_pod_control.decode_sync_reply(bytes.fromhex(pod("A", "sync", 9, 2**40, 2**40 + 3)))
    assert reply == (9, 2**40, 2**40 + 3)


def test_sensor_settings_and_fifo_status(pod):
    good, *chosen = pod("S", "choose", 400, 16, 2000).split()
    assert (good, chosen[:5]) == ("1", ["416", "16", "2000", "488000", "70000000"])
    # Data sheet: ODR 416 Hz = 0110, 16 g = 01, 2000 °/s = 11, FIFO continuous = 110; watermark of 48 words.
    assert chosen[5:] == ["0a00", "1244", "0630", "0700", "0809", "0900", "0d08", "1064", "116c", "0a36"]
    assert pod("S", "choose", 1, 1, 1).split()[1:4] == ["52", "2", "250"]
    assert pod("S", "choose", 9999, 16, 2000).split()[1] == "1660"
    assert pod.numbers("S", "status", struct.pack("<HH", 0x4030, 4).hex()) == [48, 4, 1, 2]
    assert pod.numbers("S", "status", struct.pack("<HH", 0x07FF, 0x0306).hex()) == [2047, 774, 0, 0]
