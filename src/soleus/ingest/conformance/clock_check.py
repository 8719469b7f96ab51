"""Checks of the pod's clock: exchanges of four time stamps, drift, and samples stamped by the same clock."""

from __future__ import annotations

from typing import Final

import numpy as np

from soleus.ingest.clock import Arrival, ClockError, DeviceClock, Exchange, Unwrapper
from soleus.ingest.conformance.observed import Observed, Packets
from soleus.ingest.conformance.verdict import FaultError, NotTriedError
from soleus.ingest.protocols import soleus_pod as codec
from soleus.ingest.protocols import soleus_pod_control
from soleus.ingest.protocols import soleus_pod_defs as defs
from soleus.ingest.protocols.block import ProtocolError

ANSWERED_MIN: Final = 0.95
"""Share of the requests that must be answered [1]: writes without response may be dropped by a full queue."""
SPAN_MIN_S: Final = 8.0
"""A drift is told from exchanges over this time [s]."""
DRIFT_MARGIN_PPM: Final = 60.0
"""The host's crystal is off by 20 ppm or so, and 20 s of exchanges tell a rate to some 40 ppm."""
ROUND_TRIP_INTERVALS: Final = 2.0
ROUND_TRIP_SLACK_S: Final = 15e-3
"""The fastest exchange waits for one connection event and the next; twice the interval and the delays of two stacks [s]
are plenty. More means that requests or answers wait in the firmware."""
INTERVAL_UNKNOWN_S: Final = 30e-3
INTERVAL_UNIT_S: Final = 1.25e-3
AHEAD_MAX_S: Final = 3e-3
"""A sample cannot be stamped later than it arrives; the map of the clocks is unsure by this at first [s]."""
LATE_MAX_S: Final = 0.3
"""Least lateness of a packet [s]: more means that it is stamped by another clock."""
MICRO: Final = 1e-6


def check_clock(seen: Observed) -> str:
    """Whether clock requests are answered, the clocks agree, and the drift is as told."""
    seen.require(defs.FEATURE_SYNC, "FEATURE_SYNC is not set: the host falls back on arrivals, 3 ms left to right")
    if not seen.syncs:
        raise NotTriedError("not reached")
    sent = {request.sequence: request.sent_s for request in seen.syncs}
    exchanges, problems = _exchanges(seen, sent)
    if problems:
        raise FaultError(problems[0], "answer with the request's sequence, received_us and sent_us in this order", "7")
    answered = len(exchanges) / len(seen.syncs)
    told = f"{len(exchanges)} of {len(seen.syncs)} requests answered"
    if answered < ANSWERED_MIN:
        raise FaultError(told, "answer every request at once, in every state", "7")
    if seen.idle_syncs and seen.idle_replies < ANSWERED_MIN * seen.idle_syncs:
        found = f"before START {seen.idle_replies} of {seen.idle_syncs} requests answered"
        raise FaultError(found, "answer clock requests in every state, IDLE too", "7")
    if seen.long_sync_answered:
        raise FaultError("a request of two bytes was answered", "ignore values longer than one byte", "7")
    return _judge_map(seen, exchanges, told)


def _exchanges(seen: Observed, sent: dict[int, float]) -> tuple[list[Exchange], list[str]]:
    exchanges: list[Exchange] = []
    problems: list[str] = []
    waiting = dict(sent)
    for heard_s, data in seen.sync_replies:
        try:
            reply = soleus_pod_control.decode_sync_reply(data)
        except ProtocolError as error:
            problems.append(str(error))
            continue
        number = max((n for n, at in waiting.items() if n % 2**8 == reply.sequence and at <= heard_s), default=None)
        if number is None:
            problems.append(f"a reply to request {reply.sequence}, which was answered already or never sent")
            continue
        exchanges.append(Exchange(waiting.pop(number), reply.received_us * MICRO, reply.sent_us * MICRO, heard_s))
    return exchanges, problems


def _judge_map(seen: Observed, exchanges: list[Exchange], told: str) -> str:
    packets = Packets.of(seen.live)
    if not exchanges or exchanges[-1].sent_s - exchanges[0].sent_s < SPAN_MIN_S or not len(packets):
        return f"{told}; too short to tell drift and error"
    # Packets carry the low 32 bits of the clock whose 64 the replies tell.
    ticks = Unwrapper(2**32, round(exchanges[0].device_received_s / MICRO))
    offset_s = ticks(round(packets.device_s[0] / MICRO) % 2**32) * MICRO - packets.device_s[0]
    last_s = packets.last_device_s + offset_s
    clock = DeviceClock()
    records: list[tuple[float, Arrival | Exchange]] = [(one.received_s, one) for one in exchanges]
    records += [(at, Arrival(float(device), float(at))) for device, at in zip(last_s, packets.arrival_s, strict=True)]
    refused = 0
    for _, record in sorted(records, key=lambda entry: entry[0]):
        try:
            clock.add(record)
        except ClockError:
            refused += 1
    if refused or not clock.ready:
        found = f"{told}; {refused} stamps contradict each other"
        raise FaultError(found, "stamp samples and clock replies with the same free-running clock", "5")
    # The exchanges alone: what the samples' stamps say is what is to be checked.
    rate = np.polyfit([one.device_s for one in exchanges], [one.sent_s for one in exchanges], 1)
    waited = packets.arrival_s - np.polyval(rate, last_s)
    report = clock.report
    drift_ppm = -(report.rate_ppm or 0.0)
    bound_ms = 1e3 * (report.bias_bound_s or 0.0)
    fastest_s = min(one.round_trip_s for one in exchanges)
    error_ms = bound_ms + 1e3 * (report.precision_s or 0.0)
    told = f"{told}, the fastest in {fastest_s * 1e3:.0f} ms; drift {drift_ppm:+.0f} ppm, error ≤ {error_ms:.1f} ms"
    least_s = float(waited.min())
    if least_s < -AHEAD_MAX_S - float(np.median([one.round_trip_s for one in exchanges])) or least_s > LATE_MAX_S:
        found = f"{told}; samples arrive {least_s * 1e3:+.0f} ms after their stamps at the earliest"
        raise FaultError(found, "stamp samples when they are taken, with the clock of the Sync replies", "5")
    if fastest_s > ROUND_TRIP_INTERVALS * _interval_s(seen) + ROUND_TRIP_SLACK_S:
        mend = "note received_us as early as the stack lets you, and answer at once"
        raise FaultError(told, mend, "7")
    info = seen.read_info(seen.info)
    tolerance = DRIFT_MARGIN_PPM + (info.clock_tolerance_ppm if info else 0)
    if abs(drift_ppm) > tolerance:
        found = f"{told}; told were {info.clock_tolerance_ppm if info else 0} ppm"
        raise FaultError(found, "run the clock from a crystal, and tell its tolerance in Info", "3")
    return told


def _interval_s(seen: Observed) -> float:
    """Find the connection interval as Status tells it [s]."""
    for _, data in reversed(seen.statuses):
        try:
            units = codec.decode_status(data).conn_interval
        except ProtocolError:
            continue
        return units * INTERVAL_UNIT_S or INTERVAL_UNKNOWN_S
    return INTERVAL_UNKNOWN_S
