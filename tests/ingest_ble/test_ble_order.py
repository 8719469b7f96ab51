"""Any order of live and backfilled blocks, any doubles: out comes each sample once, in order, or is accounted for."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from soleus.ingest.ble.events import LossCause
from soleus.ingest.ble.order import HELD_MAX, OUTAGE_WAIT_S, WAIT_S, Hole, Piece, SampleOrder
from soleus.ingest.ble.sample_times import SampleTimes


def piece(first, n):
    counts = np.repeat(np.arange(first, first + n, dtype=np.int16)[None], 6, axis=0)
    return Piece(first, counts, first, first / 200)


BLOCKS = st.lists(st.tuples(st.integers(0, 300), st.integers(1, 19), st.booleans(), st.floats(0, 1.5)), max_size=60)


@settings(max_examples=500, deadline=None)
@given(BLOCKS, st.lists(st.tuples(st.integers(0, 300), st.integers(1, 30)), max_size=4))
def test_every_index_is_accounted_for(blocks, losses):
    order, now_s, out = SampleOrder(0), 0.0, []
    received = set()
    for number, (first, n, backfill, later_s) in enumerate(blocks):
        now_s += later_s
        order.push(piece(first, n), now_s, backfill=backfill)
        received |= set(range(first, first + n))
        if number < len(losses):
            start, length = losses[number]
            order.lose(range(start, start + length), LossCause.POD)
        out += order.take(now_s)
        counts = order.counts
        assert order.end - order.start == counts.released + sum(counts.lost.values()) + order.waiting
    out += order.take(now_s, finish=True)
    at = 0
    for part in out:
        assert part.first == at, "in order, without a jump"
        if isinstance(part, Hole):
            at += part.samples
        else:
            assert (part.counts == np.arange(part.first, part.end)).all(), "the counts of their index"
            at = part.end
    assert order.waiting == 0
    released = {i for part in out if isinstance(part, Piece) for i in range(part.first, part.end)}
    late = [i for part in order.late for i in range(part.first, part.end)]
    assert len(late) == len(set(late))
    assert released | set(late) == received, "whatever came is handed out, in order or late"
    assert not released & set(late)


def test_missing_samples_hold_the_later_ones_back_for_three_seconds_only():
    order = SampleOrder(0)
    order.push(piece(10, 5), 1.0)
    assert order.take(1.0 + WAIT_S - 0.01) == []
    hole, later = order.take(1.0 + WAIT_S)
    assert hole == Hole(0, 10, LossCause.WAIT)
    assert later.first == 10


def test_progress_begins_the_wait_anew():
    order = SampleOrder(0)
    order.push(piece(30, 5), 0.0)
    for number in range(5):
        order.push(piece(5 * number, 5), 2.0 * number, backfill=True)
        assert [part.first for part in order.take(2.0 * number)] == [5 * number]
    assert order.take(8.0 + WAIT_S - 0.1) == []
    assert order.take(8.0 + WAIT_S)[0] == Hole(25, 5, LossCause.WAIT)


def test_gaps_stay_open_while_the_link_is_down():
    order = SampleOrder(0)
    order.push(piece(10, 5), 0.0)
    order.link_lost(1.0)
    assert order.take(20.0) == []
    order.link_back(20.0)
    assert order.take(20.0 + WAIT_S - 0.1) == []
    order.link_lost(21.0)
    assert order.take(21.0 + OUTAGE_WAIT_S)[0] == Hole(0, 10, LossCause.WAIT), "but not for ever"


def test_memory_is_bounded():
    order = SampleOrder(0)
    order.link_lost(0.0)
    n = 10_000
    for number in range(HELD_MAX // n + 1):
        big = Piece(1 + n * number, np.zeros((6, n), np.int16), 1 + n * number, 0.0)
        order.push(big, 0.0)
    assert isinstance(order.take(0.0)[0], Hole)


def test_sampling_period_is_that_of_the_pod():
    """A sensor that runs 2.3 % fast, with stamps of a millisecond."""
    true_s = 1 / 212.8
    for tick_s in (1e-6, 1e-3):
        times = SampleTimes(208.0, tick_s)
        for index in range(0, 4000, 16):
            times.add(index, round(index * true_s / tick_s) * tick_s)
        stamp_s = round(4000 * true_s / tick_s) * tick_s
        found = times.of(4000, 16, stamp_index=4000, stamp_s=stamp_s)
        assert np.abs(found - np.arange(4000, 4016) * true_s).max() < 0.2e-3
        assert times.index_of(stamp_s + 160 * true_s, 4000) == 4160
