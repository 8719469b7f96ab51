"""Two pods on one host: how far their clocks end up apart, and that redoing gives the same."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from soleus.ingest.clock import JUMP_MAX_S, SPAN_MIN_S, Arrival, ClockError, DeviceClock, Exchange, Unwrapper

BEFORE_START_S = 1.0
PACKET_ERROR_RATE = 0.1


def simulate(seed, *, interval_s, drift_ppm, duration_s=90.0, sync=True, rate_hz=416 * 1.013, n=8, stall_s=()):
    """Records of a pod behind a radio with connection events, lost packets and a host that jitters.

    Session time is true time; returns the records in order and the pod's clock.
    """
    rng = np.random.default_rng(seed)
    phase_s = rng.uniform(0, interval_s)

    def device(time_s):
        return time_s * (1 + drift_ppm * 1e-6) + 1234.5

    def carried(ready_s):
        event_s = np.ceil((ready_s - phase_s) / interval_s) * interval_s + phase_s
        while rng.random() < PACKET_ERROR_RATE:
            event_s += interval_s
        return event_s

    def heard(event_s):
        arrival_s = event_s + 0.6e-3 + rng.exponential(0.3e-3)
        for start_s, end_s in stall_s:
            arrival_s = end_s if start_s <= arrival_s < end_s else arrival_s
        return arrival_s

    records, event_s = [], 0.0
    for time_s in np.arange(BEFORE_START_S + rng.uniform(0, 0.02), duration_s, n / rate_hz):
        event_s = max(event_s, carried(time_s + 0.8e-3))
        arrival_s = heard(event_s)
        records.append((arrival_s, Arrival(device(time_s), arrival_s)))
    if sync:
        burst_s = 0.02 + np.cumsum(rng.uniform(0.01, 0.04, 40))
        later_s = BEFORE_START_S + np.cumsum(rng.uniform(0.1, 0.2, int(duration_s / 0.15)))
        for sent_s in np.concatenate([burst_s, later_s[later_s < duration_s]]):
            received_s = carried(sent_s + rng.exponential(0.3e-3)) + 0.4e-3 + rng.exponential(0.05e-3)
            answered_s = received_s + 0.2e-3
            heard_s = heard(carried(answered_s))
            records.append((heard_s, Exchange(sent_s, device(received_s), device(answered_s), heard_s)))
    return [record for _, record in sorted(records, key=lambda entry: entry[0])], device


def clock_of(records):
    clock = DeviceClock()
    for record in records:
        clock.add(record)
    return clock


TIMES_S = np.arange(BEFORE_START_S, 88, 0.05)


def errors_s(seed, **how):
    records, device = simulate(seed, **how)
    clock = clock_of(records)
    return clock.map(device(TIMES_S)) - TIMES_S, clock


@pytest.mark.parametrize("interval_s", [7.5e-3, 15e-3, 30e-3])
@pytest.mark.parametrize(("sync", "bar_s"), [(True, 1e-3), (False, 3e-3)])
def test_left_and_right_agree(interval_s, sync, bar_s):
    for seed, (left_ppm, right_ppm) in enumerate([(100, -100), (-100, 100), (40, -25), (0, 100), (-60, -100)]):
        left_s, _ = errors_s(2 * seed, interval_s=interval_s, drift_ppm=left_ppm, sync=sync)
        right_s, _ = errors_s(2 * seed + 1, interval_s=interval_s, drift_ppm=right_ppm, sync=sync)
        assert np.abs(left_s - right_s).max() <= bar_s


@pytest.mark.parametrize("interval_s", [7.5e-3, 30e-3])
def test_the_error_told_covers_the_error_made(interval_s):
    error_s, clock = errors_s(5, interval_s=interval_s, drift_ppm=80)
    told = clock.report
    assert told.source == "exchanges"
    assert told.rate_ppm == pytest.approx(-80, abs=5)
    assert np.abs(error_s[-200:]).max() <= told.bias_bound_s + 3 * told.precision_s
    assert told.bias_bound_s < 2e-3, "far below half an interval"
    assert not told.slewing


def test_without_exchanges_the_report_says_so():
    _, clock = errors_s(5, interval_s=15e-3, drift_ppm=80, sync=False)
    assert (clock.report.source, clock.report.bias_bound_s) == ("arrivals", None)


def test_packets_locked_to_the_connection_interval():
    """Alone, the earliest arrival never comes; requests bound it from the other side and halve the error."""
    how = {"interval_s": 30e-3, "drift_ppm": 20, "rate_hz": 400.0, "n": 12}
    alone_s, _ = errors_s(8, sync=False, **how)
    synced_s, clock = errors_s(8, sync=True, **how)
    late = TIMES_S > 45
    assert 5e-3 < np.abs(alone_s[late]).max() < 30e-3
    assert np.abs(synced_s[late]).max() < 0.6 * np.abs(alone_s[late]).max()
    assert np.abs(synced_s[late]).max() < clock.report.bias_bound_s, "and the report says how bad it is"


def test_a_stalled_host_changes_nothing():
    """Four seconds in which nothing is taken from the radio, then all at once."""
    error_s, _ = errors_s(3, interval_s=15e-3, drift_ppm=50, stall_s=[(30.0, 34.0)])
    calm_s, _ = errors_s(3, interval_s=15e-3, drift_ppm=50)
    assert np.abs(error_s - calm_s).max() < 0.7e-3


@settings(max_examples=20, deadline=None)
@given(st.data())
def test_live_and_after_the_fact_are_one(data):
    """Whenever samples are mapped, and however often, they get the same times as at the end, bit for bit."""
    records, device = simulate(7, interval_s=15e-3, drift_ppm=60, duration_s=25.0)
    final = clock_of(records)
    live, mapped = DeviceClock(), []
    stops = sorted(data.draw(st.lists(st.integers(0, len(records)), max_size=12)))
    for number, record in enumerate(records):
        live.add(record)
        while stops and stops[0] == number:
            stops.pop(0)
            if live.ready:
                upto = min(live.mapped_until_s, record.device_s)
                times = np.arange(device(BEFORE_START_S), upto, 0.37)
                mapped.append((times, live.map(times)))
    for times, session_s in mapped:
        assert session_s.tobytes() == final.map(times).tobytes()
    assert live.report == final.report


def test_mapping_rises_and_never_bends_much():
    records, device = simulate(11, interval_s=30e-3, drift_ppm=-100)
    times = device(np.arange(BEFORE_START_S, 88, 0.001))
    steps = np.diff(clock_of(records).map(times)) / np.diff(times)
    assert steps.min() > 1 - 2.1e-3
    assert steps.max() < 1 + 2.1e-3


def test_every_packet_can_be_mapped_when_it_has_come():
    records, _ = simulate(2, interval_s=15e-3, drift_ppm=10, duration_s=30)
    clock = DeviceClock()
    for record in records:
        clock.add(record)
        if clock.ready:
            assert clock.mapped_until_s >= record.device_s
    assert clock.ready


def test_a_gap_of_minutes():
    records, device = simulate(4, interval_s=15e-3, drift_ppm=30, duration_s=400.0)
    kept = [r for r in records if not device(60) < r.device_s < device(330)]
    clock = clock_of(kept)
    times_s = np.array([20.0, 55.0, 340.0, 399.0])
    assert np.abs(clock.map(device(times_s)) - times_s).max() < 8e-3
    assert abs(clock.map(device(np.array([399.0])))[0] - 399.0) < 2e-3


def test_not_ready_and_beyond():
    clock = DeviceClock()
    with pytest.raises(ClockError, match="not yet known"):
        clock.map(np.array([1.0]))
    records, device = simulate(1, interval_s=15e-3, drift_ppm=0, duration_s=SPAN_MIN_S)
    for record in records:
        clock.add(record)
    assert not clock.ready
    clock = clock_of(simulate(1, interval_s=15e-3, drift_ppm=0, duration_s=20)[0])
    with pytest.raises(ClockError, match="beyond"):
        clock.map(device(np.array([30.0])))


@pytest.mark.parametrize(
    ("record", "message"),
    [
        (Arrival(np.nan, 1.0), "finite"),
        (Arrival(1234.0 + 2 * JUMP_MAX_S, 2.0), "jumps"),
        (Exchange(2.0, 1235.0, 1234.0, 3.0), "before its request"),
        (Exchange(3.0, 1235.0, 1235.0, 2.0), "before its request"),
    ],
)
def test_impossible_records_are_refused_and_change_nothing(record, message):
    records, device = simulate(6, interval_s=15e-3, drift_ppm=5, duration_s=20)
    clock = DeviceClock()
    for number, good in enumerate(records):
        clock.add(good)
        if number % 50 == 10:
            with pytest.raises(ClockError, match=message):
                clock.add(record)
    times = device(np.array([2.0, 19.0]))
    assert clock.map(times).tobytes() == clock_of(records).map(times).tobytes()


@given(st.lists(st.integers(-1000, 200_000), min_size=1, max_size=50), st.sampled_from([2**16, 2**24]))
def test_unwrapper(steps, modulus):
    true = np.cumsum(np.array([5, *steps]) % (modulus // 2 - 2000))
    unwrap = Unwrapper(modulus)
    assert [unwrap(int(value) % modulus) for value in true] == true.tolist()
    assert unwrap(int(true[-1] - 900) % modulus) == true[-1] - 900, "an older value, as of a backfill"


def test_memory_is_flat_over_hours():
    clock = DeviceClock()
    for i in range(8 * 3600):
        clock.add(Arrival(i * 0.5, i * 0.5 + 0.003))
    assert len(clock._arrivals.bins) < 400
