"""What was seen of a pod during a check, as it came over the air; read lazily, since it may be wrong."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from soleus.ingest.clock import Unwrapper
from soleus.ingest.conformance.verdict import NotTriedError
from soleus.ingest.protocols import soleus_pod as codec
from soleus.ingest.protocols import soleus_pod_control
from soleus.ingest.protocols import soleus_pod_defs as defs
from soleus.ingest.protocols.block import ProtocolError, SampleBlock
from soleus.model import CountArray, FloatArray, Foot

IntArray = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Asked:
    """A command and what came of it: its reply, ``None`` if none came, and the time that took [s]."""

    command: bytes
    reply: bytes | None
    seconds: float

    @property
    def read(self) -> soleus_pod_control.AnyReply | None:
        """The reply; ``None`` if there was none, or one that cannot be read."""
        try:
            return None if self.reply is None else soleus_pod_control.decode_reply(self.reply)
        except ProtocolError:
            return None

    @property
    def told(self) -> str:
        """The reply for people."""
        if self.reply is None:
            return "no reply"
        reply = self.read
        return f"{self.reply.hex()} (unreadable)" if reply is None else defs.StatusCode(reply.status).name

    def is_status(self, *wanted: defs.StatusCode) -> bool:
        """Whether it was answered, to this very command, with one of these."""
        reply = self.read
        return reply is not None and reply.opcode == self.command[0] and reply.status in wanted


@dataclass(frozen=True, slots=True)
class SyncSent:
    """A clock request: its number and when it was sent [s]."""

    sequence: int
    sent_s: float


@dataclass(frozen=True, slots=True, eq=False)
class Packets:
    """Packets of one characteristic in the order in which they came.

    Attributes
    ----------
    blocks
        Those that could be read.
    errors
        What was wrong with the others.
    first, n, sequence, flags
        (k,) unwrapped index of the first sample, samples, packet counter as sent (-1: none), flags.
    device_s, arrival_s
        (k,) unwrapped device time of the first sample, session time of arrival [s].
    """

    blocks: tuple[SampleBlock, ...]
    errors: tuple[str, ...]
    first: IntArray
    n: IntArray
    sequence: IntArray
    flags: IntArray
    device_s: FloatArray
    arrival_s: FloatArray

    @classmethod
    def of(cls, came: Sequence[tuple[float, bytes]]) -> Packets:
        """Read packets."""
        blocks, errors, arrivals = [], [], []
        for arrival_s, data in came:
            try:
                block = codec.decode_imu(data)
            except ProtocolError as error:
                errors.append(str(error))
                continue
            if len(block):
                blocks.append(block)
                arrivals.append(arrival_s)
        index = Unwrapper(blocks[0].index_modulus if blocks else 2**32)
        ticks = Unwrapper(2**32)
        return cls(
            tuple(blocks),
            tuple(errors),
            np.array([index(block.first_index or 0) for block in blocks], np.int64),
            np.array([len(block) for block in blocks], np.int64),
            np.array([-1 if block.sequence is None else block.sequence for block in blocks], np.int64),
            np.array([int(block.flags) for block in blocks], np.int64),
            np.array([ticks(block.device_time or 0) for block in blocks], np.float64) * 1e-6,
            np.array(arrivals, np.float64),
        )

    def __len__(self) -> int:
        return len(self.blocks)

    @property
    def samples(self) -> int:
        """Samples that came."""
        return int(self.n.sum())

    @property
    def span(self) -> int:
        """Samples from the first index to the last."""
        return int(self.first[-1] + self.n[-1] - self.first[0]) if len(self) else 0

    @property
    def last_device_s(self) -> FloatArray:
        """Device time of each packet's last sample [s], by the mean period."""
        times: FloatArray = self.device_s + (self.n - 1) * self.period_s
        return times

    @property
    def period_s(self) -> float:
        """Mean time between samples by the stamps [s]; NaN if fewer than two packets came."""
        if len(self) < 2 or self.first[-1] == self.first[0]:  # noqa: PLR2004 - a slope needs two
            return float("nan")
        return float((self.device_s[-1] - self.device_s[0]) / (self.first[-1] - self.first[0]))

    def by_index(self) -> dict[int, CountArray]:
        """Give (6,) counts by sample index."""
        return {
            int(first) + k: block.counts[:, k]
            for first, block in zip(self.first, self.blocks, strict=True)
            for k in range(len(block))
        }


@dataclass(slots=True)
class Observed:
    """All that was seen.

    Attributes
    ----------
    name, side, battery_pct
        As advertised.
    characteristics
        Properties by UUID, both as bleak writes them.
    texts
        Device information.
    info, info_side_changed, info_reconnected, info_stopped
        Info as read at first, after SET_SIDE of the other side, after a lost link, after STOP.
    unsubscribed_error
        ATT error of a command written without indications; 0 if it was accepted, ``None`` if not tried.
    early_packets
        Live packets before START.
    host_mtu
        ATT MTU as the host sees it [B].
    asked
        Commands by what they were for.
    live, live_again
        Live packets, of the first stretch and after the reconnection.
    backfill
        Backfill packets by request.
    syncs, sync_replies
        Clock requests and what came back.
    idle_syncs, idle_replies
        Of these, sent and answered before START.
    long_sync_answered
        Whether a request of two bytes was answered.
    statuses
        Status notifications.
    packets_after_stop
        Live packets later than a connection interval or two after STOP was answered.
    streamed_from_s, streamed_until_s
        The first stretch [s].
    broke_off
        Why the check could not go on, empty if it could.
    """

    name: str = ""
    side: Foot | None = None
    battery_pct: int | None = None
    characteristics: dict[str, frozenset[str]] = field(default_factory=dict)
    texts: dict[str, str] = field(default_factory=dict)
    info: bytes | None = None
    info_side_changed: bytes | None = None
    info_reconnected: bytes | None = None
    info_stopped: bytes | None = None
    unsubscribed_error: int | None = None
    early_packets: int | None = None
    host_mtu: int | None = None
    asked: dict[str, Asked] = field(default_factory=dict)
    live: list[tuple[float, bytes]] = field(default_factory=list)
    live_again: list[tuple[float, bytes]] = field(default_factory=list)
    backfill: dict[str, list[tuple[float, bytes]]] = field(default_factory=dict)
    syncs: list[SyncSent] = field(default_factory=list)
    sync_replies: list[tuple[float, bytes]] = field(default_factory=list)
    idle_syncs: int = 0
    idle_replies: int = 0
    long_sync_answered: bool | None = None
    statuses: list[tuple[float, bytes]] = field(default_factory=list)
    packets_after_stop: int | None = None
    streamed_from_s: float = 0.0
    streamed_until_s: float = 0.0
    broke_off: str = ""

    def read_info(self, data: bytes | None) -> defs.Info | None:
        """Read an Info record; ``None`` if there is none that can be read."""
        try:
            return None if data is None else codec.decode_info(data)
        except ProtocolError:
            return None

    @property
    def streamed_s(self) -> float:
        """Length of the first stretch [s]."""
        return self.streamed_until_s - self.streamed_from_s

    def require(self, feature: int, otherwise: str) -> None:
        """Go on only if the pod claims a feature.

        Raises
        ------
        NotTriedError
            If it does not, or Info could not be read.
        """
        if self.read_info(self.info) is None:
            raise NotTriedError("Info could not be read")
        if not self.features & feature:
            raise NotTriedError(otherwise)

    @property
    def features(self) -> int:
        """Features that the pod claims."""
        info = self.read_info(self.info)
        return 0 if info is None else info.features

    def reply_to(self, what: str) -> soleus_pod_control.AnyReply | None:
        """Give the reply to a command, if it can be read."""
        return self.asked[what].read if what in self.asked else None

    @property
    def started(self) -> defs.ReplyStart | None:
        """The reply to START, if it was good."""
        reply = self.reply_to("start")
        return reply if isinstance(reply, defs.ReplyStart) else None
