"""Times of pods that send neither time nor counter."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from soleus.ingest.ble.blind_stream import ArrivalLine, BlindStream
from soleus.ingest.ble.events import HoleDeclared, SamplesIn
from soleus.ingest.protocols.block import BlockFlag, SampleBlock, Stream
from soleus.model import Foot

BLOCK = 3


def arrivals(rate_hz, duration_s, interval_s, seed, repeat=0.1):
    """Index of the last sample and arrival of each packet: the next connection event, or one after it."""
    rng = np.random.default_rng(seed)
    last = np.arange(BLOCK - 1, int(duration_s * rate_hz), BLOCK)
    events = np.ceil(last / rate_hz / interval_s + rng.random()) + rng.geometric(1 - repeat, last.size) - 1
    return last, np.maximum.accumulate(events * interval_s)


@settings(max_examples=25, deadline=None)
@given(
    nominal=st.sampled_from([100.0, 200.0]),
    off=st.floats(-0.03, 0.03),
    interval_ms=st.sampled_from([7.5, 15.0, 30.0]),
    seed=st.integers(0, 10_000),
)
def test_the_line_follows_rate_and_offset(nominal, off, interval_ms, seed):
    rate_hz = nominal * (1 + off)
    line = ArrivalLine(nominal)
    errors = []
    for last, arrival_s in zip(*arrivals(rate_hz, 30.0, interval_ms / 1e3, seed), strict=True):
        line.add(int(last), float(arrival_s))
        if arrival_s > 6.0:
            errors.append(line.at(int(last)) - last / rate_hz)
    errors = np.array(errors)
    assert errors.min() > -4e-3
    assert errors.max() < 2 * interval_ms / 1e3 + 4e-3, "two intervals: what a packet waits, and the unknown phase"
    assert errors.max() - errors.min() < 2 * interval_ms / 1e3


def block(first):
    return SampleBlock(
        Stream.IMU,
        (np.arange(first, first + BLOCK) + np.zeros((6, 1))).astype(np.int16),
        None,
        flags=BlockFlag.LOSS_BLIND,
    )


def test_a_burst_after_a_silence_is_not_taken_for_a_gap():
    """What waits while the program stands still comes at once; nothing is missing."""
    stream = BlindStream("pod", Foot.LEFT, 100.0)
    events = []
    for k in range(600):
        true_s = BLOCK * k / 100.0
        arrival_s = 12.0 if 9.0 < true_s < 12.0 else true_s + 0.01
        stream.add_untimed(block(BLOCK * k), arrival_s)
        events += stream.take(arrival_s)
    events += stream.take(18.1, finish=True)
    assert not [event for event in events if isinstance(event, HoleDeclared)]
    time_s = np.concatenate([event.samples.time_s for event in events if isinstance(event, SamplesIn)])
    assert time_s.size == 600 * BLOCK
    assert (np.diff(time_s) > 0).all()
    assert np.abs(time_s - np.arange(time_s.size) / 100.0).max() < 0.1
    assert np.abs(time_s - np.arange(time_s.size) / 100.0)[-300:].max() < 0.03
    assert (stream.counts.unaccounted, stream.counts.released) == (0, 600 * BLOCK)


@pytest.mark.parametrize("seconds", [0.5, 2.0, 8.0])
def test_short_sessions_lose_nothing_unseen(seconds):
    stream = BlindStream("pod", Foot.RIGHT, 100.0)
    events = []
    for last, arrival_s in zip(*arrivals(100.0, seconds, 0.015, 4), strict=True):
        stream.add_untimed(block(int(last) - BLOCK + 1), float(arrival_s))
        events += stream.take(float(arrival_s))
    events += stream.take(seconds + 1.0, finish=True)
    got = sum(len(event.samples) for event in events if isinstance(event, SamplesIn))
    counts = stream.counts
    assert counts.released == got
    assert counts.released + sum(counts.lost.values()) == int(seconds * 100) // BLOCK * BLOCK
