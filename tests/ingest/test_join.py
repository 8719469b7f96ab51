"""Two sensors in packets of their own become samples of six axes, each with its true partner."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from soleus.ingest.protocols.block import ProtocolError, SampleBlock, Stream
from soleus.ingest.protocols.join import StreamJoin
from soleus.ingest.protocols.join_counted import AHEAD_MAX, CountedJoin

PERIOD = 4_807_692


def blocks(stream, numbers, sizes, shift, lost=()):
    """Packets of the given sizes; each sample carries its number."""
    out, at = [], 0
    for k, size in enumerate(sizes):
        run = np.arange(numbers[0] + at, min(numbers[0] + at + size, numbers[1]))
        at += size
        if run.size and k not in lost:
            counts = np.tile(run.astype(np.int16), (3, 1))
            out.append(SampleBlock(stream, counts, int(run[-1] * PERIOD * 1.002 + shift), time_index=run.size - 1))
    return out


def join_all(first, second, seed):
    join, out = StreamJoin("test", PERIOD), []
    rng = np.random.default_rng(seed)
    queues = [list(first), list(second)]
    while queues[0] or queues[1]:
        # Packets come roughly as they are complete.
        i = 0 if not queues[1] or (queues[0] and queues[0][0].device_time <= queues[1][0].device_time) else 1
        if queues[0] and queues[1] and rng.random() < 0.3:
            i = 1 - i
        out += join.push(queues[i].pop(0))
    return join, out


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.integers(5, 40), min_size=8, max_size=8),
    st.lists(st.integers(5, 40), min_size=8, max_size=8),
    st.floats(-0.4, 0.4),
    st.sets(st.integers(1, 6), max_size=2),
    st.integers(0, 9),
)
def test_partners_are_true(sizes_a, sizes_g, shift, lost, seed):
    accel = blocks(Stream.ACCEL, (0, 150), sizes_a, 10**9, lost)
    gyro = blocks(Stream.GYRO, (0, 150), sizes_g, 10**9 + shift * PERIOD)
    join, out = join_all(accel, gyro, seed)
    counts = np.concatenate([block.counts for block in out], axis=1)
    assert (np.abs(counts[0] - counts[3]) <= (1 if lost else 0)).all()
    assert (np.diff(counts[0]) > 0).all(), "no sample twice"
    for block in out:
        assert abs(block.device_time - 10**9 - int(block.counts[0, 0]) * PERIOD * 1.002) < 0.2 * PERIOD
    sent = {Stream.ACCEL: sum(map(len, accel)), Stream.GYRO: sum(map(len, gyro))}
    for stream, side in join._sides.items():
        assert counts.shape[1] + join.unpaired[stream] + len(side.time_ticks) == sent[stream], "every sample counted"


def test_loss_is_counted():
    accel = blocks(Stream.ACCEL, (0, 200), [20] * 10, 10**9, lost={3, 4})
    gyro = blocks(Stream.GYRO, (0, 200), [20] * 10, 10**9)
    join, out = join_all(accel, gyro, 0)
    assert join.missing == {Stream.ACCEL: 40, Stream.GYRO: 0}
    assert join.unpaired[Stream.GYRO] == 40
    assert sum(map(len, out)) == 160
    assert len(out) >= 2, "a block never spans a gap"


def test_what_cannot_be_joined():
    join = StreamJoin("test", PERIOD)
    ones = np.ones((3, 2), np.int16)
    with pytest.raises(ProtocolError, match="one sensor"):
        join.push(SampleBlock(Stream.ACCEL, ones, None))
    join.push(SampleBlock(Stream.ACCEL, ones, 10 * PERIOD))
    with pytest.raises(ProtocolError, match="rise"):
        join.push(SampleBlock(Stream.ACCEL, ones, 5 * PERIOD))


def test_a_silent_sensor_does_not_fill_the_memory():
    join = StreamJoin("test", PERIOD)
    for k in range(1, 300):
        join.push(SampleBlock(Stream.ACCEL, np.ones((3, 20), np.int16), k * 20 * PERIOD, time_index=19))
    assert len(join._sides[Stream.ACCEL].time_ticks) == 4096
    assert join.unpaired[Stream.ACCEL] == 299 * 20 - 4096


@settings(max_examples=60, deadline=None)
@given(order=st.lists(st.sampled_from([Stream.ACCEL, Stream.GYRO]), max_size=60))
def test_counting_pairs_in_order_and_loses_nothing_unseen(order):
    join = CountedJoin("metamotion")
    sent = dict.fromkeys(Stream, 0)
    paired = []
    for stream in order:
        n = sent[stream]
        sent[stream] += 3
        block = join.push(SampleBlock(stream, np.arange(n, n + 3, dtype=np.int16) + np.zeros((3, 1), np.int16), None))
        if block is not None:
            paired.append(block.counts)
            assert block.counts.shape[0] == 6
    counts = np.concatenate(paired, axis=1) if paired else np.empty((6, 0), np.int16)
    waiting = {stream: len(join._waiting[stream]) for stream in (Stream.ACCEL, Stream.GYRO)}
    assert min(waiting.values()) == 0
    assert max(waiting.values()) <= AHEAD_MAX
    assert sum(sent.values()) == 2 * counts.shape[1] + join.unpaired + sum(waiting.values())
    for rows in (counts[0], counts[3]):
        assert (np.diff(rows) > 0).all()


def test_counting_refuses_six_axes():
    with pytest.raises(ProtocolError, match="only blocks of one sensor"):
        CountedJoin("metamotion").push(SampleBlock(Stream.IMU, np.zeros((6, 1), np.int16), None))
