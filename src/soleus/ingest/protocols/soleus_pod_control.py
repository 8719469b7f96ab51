"""What host and Soleus pod say to each other beside the samples: commands, replies, the clock exchange.

The service is described in firmware_interfaces/POD_SERVICE.md, version 1.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final, TypeAlias

from soleus.ingest.protocols import soleus_pod_defs as defs
from soleus.ingest.protocols.block import ProtocolError
from soleus.ingest.protocols.soleus_pod import CONN_INTERVALS, KEY, pack, refused, unpack
from soleus.ingest.protocols.soleus_pod_defs import (
    CommandBackfill,
    CommandCancelBackfill,
    CommandConnParams,
    CommandGetStats,
    CommandIdentify,
    CommandSetSide,
    CommandStart,
    CommandStop,
    Opcode,
    Reply,
    ReplyBackfill,
    ReplyGetStats,
    ReplyStart,
    Side,
    StatusCode,
    SyncReply,
    SyncRequest,
)

CONN_LATENCIES: Final = range(500)
"""Peripheral latencies [events], same section."""
CONN_TIMEOUTS: Final = range(10, 3201)
"""Supervision timeouts [10 ms], same section."""
BACKFILL_SPANS: Final = range(1, 2**31)
"""A range of more than half the index circle has no direction."""
STATUS_ENDS_REPLY: Final = frozenset(
    {Opcode.STOP, Opcode.SET_SIDE, Opcode.IDENTIFY, Opcode.CONN_PARAMS, Opcode.CANCEL_BACKFILL}
)

Command: TypeAlias = (
    CommandStart
    | CommandStop
    | CommandBackfill
    | CommandSetSide
    | CommandIdentify
    | CommandConnParams
    | CommandGetStats
    | CommandCancelBackfill
)
AnyReply: TypeAlias = Reply | ReplyStart | ReplyBackfill | ReplyGetStats

COMMANDS: Final[Mapping[int, type[Command]]] = {
    Opcode.START: CommandStart,
    Opcode.STOP: CommandStop,
    Opcode.BACKFILL: CommandBackfill,
    Opcode.SET_SIDE: CommandSetSide,
    Opcode.IDENTIFY: CommandIdentify,
    Opcode.CONN_PARAMS: CommandConnParams,
    Opcode.GET_STATS: CommandGetStats,
    Opcode.CANCEL_BACKFILL: CommandCancelBackfill,
}
REPLIES: Final[Mapping[int, type[AnyReply]]] = {
    Opcode.START: ReplyStart,
    Opcode.BACKFILL: ReplyBackfill,
    Opcode.GET_STATS: ReplyGetStats,
}


def decode_command(data: bytes) -> Command:
    """Read a command, as a pod does.

    Raises
    ------
    ProtocolError
        If the opcode is unknown, the length wrong, or a value out of range.

    Examples
    --------
    >>> decode_command(bytes.fromhex("03 40000000 10000000"))
    CommandBackfill(opcode=3, first_index=64, span=16)
    """
    if not data or data[0] not in COMMANDS:
        raise ProtocolError(KEY, f"unknown command {data[:1].hex() or '(empty)'}")
    command = unpack(COMMANDS[data[0]], data)
    check = _COMMAND_CHECKS.get(data[0])
    if check is not None and not check(command):
        raise ProtocolError(KEY, f"{type(command).__name__} with impossible values")
    return command


def _good_start(c: CommandStart) -> bool:
    return c.rate_hz > 0 and c.samples_max <= defs.SAMPLES_MAX and c.accel_range_g > 0 and c.gyro_range_dps > 0


def _good_conn_params(c: CommandConnParams) -> bool:
    return (
        c.interval_min in CONN_INTERVALS
        and c.interval_max in CONN_INTERVALS
        and c.interval_min <= c.interval_max
        and c.latency in CONN_LATENCIES
        and c.timeout in CONN_TIMEOUTS
        and c.phy <= defs.Phy.LE_2M
    )


_COMMAND_CHECKS: Final[Mapping[int, Callable[..., bool]]] = {
    Opcode.START: _good_start,
    Opcode.BACKFILL: lambda c: c.span in BACKFILL_SPANS,
    Opcode.SET_SIDE: lambda c: c.side in {Side.LEFT, Side.RIGHT},
    Opcode.CONN_PARAMS: _good_conn_params,
}


def reply_to(data: bytes, status: StatusCode) -> bytes:
    """Write the short reply to a command, as a pod does."""
    return pack(Reply(defs.REPLY_OPCODE, data[0] if data else 0, status))


def decode_reply(data: bytes) -> AnyReply:
    """Read a reply: its long form if the command succeeded and has one.

    Raises
    ------
    ProtocolError
        If it is no reply, of unknown opcode or status, or of wrong length.

    Examples
    --------
    >>> decode_reply(bytes.fromhex("800200")).status
    0
    """
    head = unpack(Reply, data[: defs.REPLY_STRUCT.size])
    if head.marker != defs.REPLY_OPCODE:
        raise ProtocolError(KEY, f"reply begins with 0x{head.marker:02x}")
    if head.status > StatusCode.NOT_HELD:
        raise refused(Reply, "status", head.status)
    long_form = REPLIES.get(head.opcode) if head.status == StatusCode.OK else None
    if long_form is not None:
        return unpack(long_form, data)
    if head.status == StatusCode.OK and head.opcode not in STATUS_ENDS_REPLY:
        raise refused(Reply, "opcode", head.opcode)
    return unpack(Reply, data)


def encode_sync_request(sequence: int) -> bytes:
    """Write a clock request."""
    return pack(SyncRequest(sequence % 2**8))


def decode_sync_reply(data: bytes) -> SyncReply:
    """Read a clock reply.

    Raises
    ------
    ProtocolError
        If the length is wrong or the reply was sent before the request came.
    """
    reply = unpack(SyncReply, data)
    if reply.sent_us < reply.received_us:
        raise ProtocolError(KEY, "clock reply sent before its request came")
    return reply
