"""What a virtual pod has sampled since it booted: its ring buffer, told by indices into the source.

No sample is copied: an hour costs no more memory than a second.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from soleus.ingest.protocols import soleus_pod as codec
from soleus.ingest.protocols import soleus_pod_defs as defs
from soleus.ingest.virtual.pod_clock import PodClock, SampleSource
from soleus.model import Foot

FIRST_BOOT_ID: Final = 0x1000


@dataclass(frozen=True, slots=True)
class PodSetting:
    """How a virtual pod is.

    Attributes
    ----------
    side
        Foot it says it sits on; ``None``: never set.
    clock_offset_us, clock_drift_ppm
        What its clock shows at boot [µs] and how much too fast it runs [1e-6].
    ring_s
        Length of its ring buffer [s].
    battery_pct, battery_life_s
        Battery level at first [%] and time until it is empty [s]; ``None``: it stays.
    pod_id
        Identity, beyond any restart.
    """

    side: Foot | None
    clock_offset_us: float = 0.0
    clock_drift_ppm: float = 0.0
    ring_s: float = 30.0
    battery_pct: int = 80
    battery_life_s: float | None = None
    pod_id: int = 0x0000A001


@dataclass(slots=True)
class Boot:
    """What a pod did between two restarts: the truth to hold a host against.

    Attributes
    ----------
    boot_id
        As told in Info.
    clock
        Its clock.
    first_index, first_column
        Index of the first sample of the present run, and its column in the source.
    end_index
        Index after the last sample taken, once stopped.
    never_held
        Ranges of indices lost in the sensor's FIFO.
    """

    boot_id: int
    clock: PodClock
    first_index: int = 0
    first_column: int = 0
    end_index: int | None = 0
    never_held: list[range] = field(default_factory=list)


class PodMemory:
    """The samples of a pod, and its clock.

    Parameters
    ----------
    source
        What it measures.
    setting
        How it is.
    now_s
        World time [s].

    Attributes
    ----------
    boots
        One entry a boot, the present one last.
    """

    def __init__(self, source: SampleSource, setting: PodSetting, now_s: Callable[[], float]) -> None:
        self.source = source
        self.setting = setting
        clock = PodClock(now_s(), setting.clock_offset_us, setting.clock_drift_ppm)
        self.boots = [Boot(FIRST_BOOT_ID, clock)]
        self._now_s = now_s
        self._sequence = [0, 0]

    @property
    def boot(self) -> Boot:
        """The present boot."""
        return self.boots[-1]

    @property
    def capacity(self) -> int:
        """Samples the ring holds."""
        return round(self.setting.ring_s * self.source.rate_hz)

    @property
    def live_packets(self) -> int:
        """Live packets sent since the boot."""
        return self._sequence[0]

    def end_index(self) -> int:
        """Index of the next sample to be taken."""
        boot = self.boot
        if boot.end_index is not None:
            return boot.end_index
        return boot.first_index + max(0, self.source.taken_by(self._now_s()) - boot.first_column)

    def oldest(self) -> int:
        """Index of the oldest sample in the ring."""
        return max(self.boot.first_index, self.end_index() - self.capacity)

    def column(self, index: int) -> int:
        """Column of the source that an index stands for."""
        return self.boot.first_column + index - self.boot.first_index

    def held_from(self, first: int, end: int) -> tuple[int, int]:
        """First index held at or after ``first``, and where that unbroken run ends, at most ``end``."""
        for gone in self.boot.never_held:
            if first in gone:
                first = gone.stop
            elif first < gone.start:
                end = min(end, gone.start)
        return first, max(first, end)

    def begin(self) -> int:
        """Start sampling with an empty ring; give the index of the first sample."""
        boot = self.boot
        first = self.end_index()
        boot.first_index, boot.first_column = first, self.source.taken_by(self._now_s())
        boot.end_index, boot.never_held = None, []
        return first

    def end(self) -> None:
        """Stop sampling; the ring stays."""
        self.boot.end_index = self.end_index()

    def lose(self, first: int, n: int) -> None:
        """Never hold ``n`` samples from an index on."""
        self.boot.never_held.append(range(first, first + n))

    def reboot(self, offset_us: float) -> None:
        """Begin anew, with another boot number."""
        clock = PodClock(self._now_s(), offset_us, self.setting.clock_drift_ppm)
        self.boots.append(Boot(self.boot.boot_id + 1, clock))
        self._sequence = [0, 0]

    def packet(self, first: int, n: int, flags: int, *, mtu: int, backfill: bool) -> bytes:
        """Write the packet of ``n`` samples from an index on."""
        column = self.column(first)
        counts = self.source.counts[:, column : column + n]
        time_us = self.boot.clock.device_us(float(self.source.time_s[column]))
        if (np.abs(counts[:3].astype(np.int32)) >= self.source.accel_clip_counts).any():
            flags |= defs.FLAG_ACCEL_SATURATED
        if (np.abs(counts[3:].astype(np.int32)) >= self.source.gyro_clip_counts).any():
            flags |= defs.FLAG_GYRO_SATURATED
        if backfill:
            flags |= defs.FLAG_BACKFILL
        self._sequence[backfill] += 1
        if codec.is_compact_mtu(mtu):
            return codec.encode_compact(counts[:, 0], index=first, time_us=time_us, flags=flags)
        sequence = self._sequence[backfill]
        return codec.encode_imu(counts, first_index=first, first_time_us=time_us, sequence=sequence, flags=flags)
