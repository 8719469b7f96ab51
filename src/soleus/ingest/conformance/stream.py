"""Checks of the live packets: layout, index, sequence, rate, stamps, saturation."""

from __future__ import annotations

from typing import Final

import numpy as np

from soleus.ingest.conformance.observed import Observed, Packets
from soleus.ingest.conformance.verdict import FaultError, NotTriedError
from soleus.ingest.protocols import soleus_pod as codec
from soleus.ingest.protocols import soleus_pod_defs as defs
from soleus.ingest.protocols.block import ProtocolError
from soleus.model import INT16_MAX

PACKETS_MIN: Final = 10
"""Fewer tell nothing of rate and stamps."""
RATE_TOLERANCE: Final = 0.05
"""Oscillators in sensors are off by percents: LSM6DS3TR-C data sheet, table 3, ±5 % typical."""
STAMP_SCATTER_S: Final = 0.5e-3
"""Scatter of the stamps about an even rate [s], 95th percentile: an interrupt's latency; what a packet stamped when it
is built would scatter by is several milliseconds."""
LOSS_TOLERANCE: Final = 0.001
"""Share of the samples that may be missing although the link was up [1]."""
PHASE_TOLERANCE: Final = 0.02
"""A packet period this near a multiple of the connection interval [1 interval] locks to it for seconds."""
INTERVAL_UNIT_S: Final = 1.25e-3
SEQUENCE_MODULUS: Final = 2**16


def check_silence_before_start(seen: Observed) -> str:
    """Whether no samples come before START."""
    if seen.early_packets is None:
        raise NotTriedError("not reached")
    if seen.early_packets:
        told = f"{seen.early_packets} live packets before START"
        raise FaultError(told, "notify no samples before START: some hosts lose them", "1")
    return "no packets"


def check_packets(seen: Observed) -> str:
    """Whether live packets can be read, the first flagged, none larger than told."""
    if not seen.streamed_s:
        raise NotTriedError("not reached")
    packets = Packets.of(seen.live)
    if packets.errors:
        told = f"{len(packets.errors)} of {len(seen.live)} packets cannot be read: {packets.errors[0]}"
        raise FaultError(told, "write live packets with the layout of the table", "5")
    if not len(packets):
        raise FaultError(f"no packets in {seen.streamed_s:.0f} s after START", "notify samples after START", "4")
    if not packets.flags[0] & defs.FLAG_CONFIG_CHANGED:
        mend = "flag the first packet after START from IDLE with CONFIG_CHANGED"
        raise FaultError(f"flags of the first packet 0x{packets.flags[0]:02X}", mend, "4")
    if (packets.flags & defs.FLAG_BACKFILL).any():
        raise FaultError("live packets with flag BACKFILL", "set BACKFILL on the Backfill characteristic only", "5")
    most = int(packets.n.max())
    if seen.started is not None and most > seen.started.samples_max:
        told = f"packets of {most} samples, {seen.started.samples_max} were promised"
        raise FaultError(told, "send at most samples_max samples a packet", "6 START")
    return f"{len(packets)} packets of {int(packets.n.min())}-{most} samples"


def check_continuity(seen: Observed) -> str:
    """Whether index and sequence go on, and what is missing."""
    packets = Packets.of(seen.live)
    if len(packets) < PACKETS_MIN:
        raise NotTriedError("too few packets")
    steps = packets.first[1:] - (packets.first[:-1] + packets.n[:-1])
    if (steps < 0).any():
        at = int(np.flatnonzero(steps < 0)[0])
        told = f"index {packets.first[at + 1]} after {packets.first[at]} and {packets.n[at]} samples"
        raise FaultError(told, "count every sample once, in order; never reset the index but by a boot", "4")
    counted = packets.sequence >= 0
    jumps = np.diff(packets.sequence) % SEQUENCE_MODULUS if counted.all() else np.ones(steps.size, np.int64)
    if (jumps == 0).any():
        raise FaultError("two packets with the same sequence", "count every packet handed to the radio", "5")
    inside = int(steps[jumps == 1].sum())
    on_the_way = int(steps[jumps > 1].sum())
    backwards = int(np.count_nonzero((jumps > 1) & (steps == 0)))
    if backwards:
        told = f"{backwards} gaps in the sequence without any in the index"
        raise FaultError(told, "count packets by one; sequence is separate for live and backfill packets", "5")
    flagged = int(np.count_nonzero(packets.flags & defs.FLAG_OVERRUN))
    told = f"{inside} samples lost in the pod, {on_the_way} on the way, of {packets.span}"
    if inside and not flagged:
        raise FaultError(f"{told}; no packet is flagged", "flag OVERRUN after samples were lost in the pod", "4")
    if inside + on_the_way > LOSS_TOLERANCE * packets.span:
        mend = "queue at least four notifications; keep a packet when the queue is full and try again"
        raise FaultError(told, mend, "9")
    return told


def check_rate(seen: Observed) -> str:
    """Whether the pod samples at the rate it told."""
    packets = Packets.of(seen.live)
    if len(packets) < PACKETS_MIN or seen.started is None:
        raise NotTriedError("too few packets")
    nominal_hz = seen.started.rate_hz
    by_pod_hz = 1 / packets.period_s if packets.period_s > 0 else float("nan")
    span_s = float(packets.arrival_s[-1] - packets.arrival_s[0])
    by_host_hz = float(packets.first[-1] - packets.first[0]) / span_s if span_s > 0 else float("nan")
    told = f"{nominal_hz} Hz told, {by_pod_hz:.2f} Hz by the pod's clock, {by_host_hz:.2f} Hz by the host's"
    if not abs(by_pod_hz / nominal_hz - 1) <= RATE_TOLERANCE:
        mend = "tell in the reply to START the nominal rate that the sensor runs at"
        raise FaultError(told, mend, "6 START")
    return told


def check_stamps(seen: Observed) -> str:
    """Whether packets are stamped when their samples are taken."""
    packets = Packets.of(seen.live)
    if len(packets) < PACKETS_MIN:
        raise NotTriedError("too few packets")
    x = (packets.first - packets.first[0]).astype(np.float64)
    y = packets.device_s - packets.device_s[0]
    if (np.diff(y) <= 0).any():
        raise FaultError("first_time_us does not rise", "stamp with a free-running clock of microseconds", "5")
    slope, offset = np.polyfit(x, y, 1)
    scatter_s = float(np.quantile(np.abs(y - offset - slope * x), 0.95))
    told = f"scatter {scatter_s * 1e6:.0f} µs about an even rate (95th percentile)"
    if scatter_s > STAMP_SCATTER_S:
        mend = (
            "stamp in the interrupt of the FIFO watermark minus the age of the sample, never when the packet is built"
        )
        raise FaultError(told, mend, "5")
    return told


def check_saturation(seen: Observed) -> str:
    """Whether packets with readings at full scale are flagged."""
    packets = Packets.of(seen.live)
    if not len(packets):
        raise NotTriedError("no packets")
    full, silent = 0, []
    for name, rows, flag in (
        ("accelerometer", slice(0, 3), defs.FLAG_ACCEL_SATURATED),
        ("gyroscope", slice(3, 6), defs.FLAG_GYRO_SATURATED),
    ):
        at_limit = [np.abs(block.counts[rows].astype(np.int32)).max() >= INT16_MAX for block in packets.blocks]
        full += sum(at_limit)
        if any(reached and not flags & flag for reached, flags in zip(at_limit, packets.flags, strict=True)):
            silent.append(name)
    if silent:
        mend = "flag packets in which a channel stands at full scale"
        raise FaultError(f"full-scale readings without flag: {', '.join(silent)}", mend, "3")
    if not full:
        raise NotTriedError("no reading reached full scale: knock the pod on a table during the check")
    return f"{full} packets at full scale, all flagged"


def check_phase(seen: Observed) -> str:
    """Whether the packets' period is no multiple of the connection interval."""
    packets = Packets.of(seen.live)
    if len(packets) < PACKETS_MIN:
        raise NotTriedError("too few packets")
    intervals = []
    for _, data in seen.statuses:
        try:
            intervals.append(codec.decode_status(data).conn_interval)
        except ProtocolError:
            continue
    interval_s = intervals[-1] * INTERVAL_UNIT_S if intervals else 0.0
    if not interval_s:
        raise NotTriedError("the connection interval is not known")
    sizes = np.unique(packets.n[1:])
    period_s = float(np.mean(packets.n[1:])) * packets.period_s
    told = f"n = {', '.join(str(n) for n in sizes)}: {period_s * 1e3:.2f} ms, interval {interval_s * 1e3:g} ms"
    multiple = period_s / interval_s
    if sizes.size == 1 and abs(multiple - round(multiple)) < PHASE_TOLERANCE and round(multiple) >= 1:
        mend = "take n so that n / rate and the interval have no small common multiple, or vary n by one"
        raise FaultError(told, mend, "7")
    return told
