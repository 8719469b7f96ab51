"""Checks of the ring: backfill, reconnection, stop."""

from __future__ import annotations

from typing import Final

import numpy as np

from soleus.ingest.conformance.observed import Asked, Observed, Packets
from soleus.ingest.conformance.verdict import FaultError, NotTriedError
from soleus.ingest.protocols import soleus_pod_defs as defs
from soleus.ingest.protocols.block import ProtocolError
from soleus.ingest.protocols.soleus_pod import decode_imu

CODES = defs.StatusCode
MISSING_SHOWN: Final = 3


def _ended(came: list[tuple[float, bytes]]) -> bool:
    """Whether a backfill ended with the header that says so."""
    try:
        return bool(came) and len(decode_imu(came[-1][1])) == 0
    except ProtocolError:
        return False


def check_backfill(seen: Observed) -> str:
    """Whether samples sent again are those that came live, and the end is told."""
    seen.require(defs.FEATURE_BACKFILL, "FEATURE_BACKFILL is not set: what is lost stays lost")
    asked = seen.asked.get("backfill")
    if asked is None:
        raise NotTriedError("not reached")
    reply, came = asked.read, seen.backfill.get("backfill", [])
    if not isinstance(reply, defs.ReplyBackfill):
        raise FaultError(f"BACKFILL: {asked.told}", "serve what the ring holds", "6 BACKFILL")
    if not _ended(came):
        told = f"{len(came)} packets without an end"
        raise FaultError(told, "end with a 12-byte header, flag BACKFILL, n = 0", "6 BACKFILL")
    again, live = Packets.of(came), Packets.of(seen.live).by_index()
    if not (again.flags & defs.FLAG_BACKFILL).all():
        raise FaultError("packets without flag BACKFILL", "flag what is sent again with BACKFILL", "5")
    sent = again.by_index()
    wanted = set(range(reply.first_index, reply.first_index + reply.span))
    missing = sorted(wanted & live.keys() - sent.keys())
    if missing:
        told = f"{len(missing)} of {len(wanted)} samples did not come, such as {missing[:MISSING_SHOWN]}"
        raise FaultError(told, "walk the whole range that the reply promises", "6 BACKFILL")
    other = [index for index in sorted(sent.keys() & live.keys()) if not np.array_equal(sent[index], live[index])]
    if other:
        told = f"{len(other)} samples differ from those that came live, such as index {other[0]}"
        raise FaultError(told, "send the very samples that the index stands for", "6 BACKFILL")
    return f"{len(sent)} samples sent again, {len(sent.keys() & live.keys())} compared, all equal"


def check_backfill_errors(seen: Observed) -> str:
    """Whether a second request is refused as busy, and what is not held as such."""
    seen.require(defs.FEATURE_BACKFILL, "FEATURE_BACKFILL is not set")
    wrong = [
        f"{what}: {seen.asked[what].told}, not {' or '.join(code.name for code in right)}"
        for what, right in (
            ("while one runs", (CODES.BUSY,)),
            ("samples to come", (CODES.NOT_HELD,)),
            ("span 0", (CODES.OUT_OF_RANGE,)),
        )
        if what in seen.asked and not seen.asked[what].is_status(*right)
    ]
    if wrong:
        raise FaultError("; ".join(wrong), "one request at a time; NOT_HELD where the ring has none", "6 BACKFILL")
    if "samples to come" not in seen.asked:
        raise NotTriedError("not reached")
    return "told apart"


def check_reconnection(seen: Observed) -> str:
    """Whether the pod goes on sampling without a host, and gives the samples of the outage afterwards."""
    again = seen.asked.get("start after outage")
    if again is None or not seen.live:
        raise NotTriedError("not reached")
    capacity = _resumed(seen, again)
    live, back = Packets.of(seen.live), Packets.of(seen.live_again)
    if not len(back):
        raise FaultError("no live packets after the outage", "resume live packets at START", "4")
    last = int(live.first[-1] + live.n[-1])
    outage = range(last, int(back.first[0]))
    if back.first[0] < last:
        told = f"index {back.first[0]} after the outage, {last} before"
        raise FaultError(told, "let the index go on during an outage", "4")
    if not outage:
        told = "no samples were taken while the link was down"
        raise FaultError(told, "go on sampling, and resume live packets with the newest sample", "4")
    if not seen.features & defs.FEATURE_BACKFILL:
        return f"{len(outage)} samples taken while the link was down; no backfill"
    held = min(len(outage), capacity)
    came = Packets.of(seen.backfill.get("outage", [])).by_index()
    found = len(came.keys() & set(outage))
    told = f"{found} of {len(outage)} samples of the outage were sent again"
    if found < held:
        raise FaultError(told, "keep what is sampled without a host, and send it on BACKFILL", "4")
    return told


def _resumed(seen: Observed, again: Asked) -> int:
    """Look whether the pod went on in BUFFERING and resumed; give the capacity of its ring [samples]."""
    info, before = seen.read_info(seen.info_reconnected), seen.read_info(seen.info)
    if info is None or before is None:
        raise FaultError("Info cannot be read after the link came back", "let Info be read in every state", "3")
    if info.boot_id != before.boot_id:
        raise FaultError("boot_id changed with the link", "go on; change boot_id at a boot only", "4")
    if info.state != defs.State.BUFFERING:
        told = f"state {defs.State(info.state).name} after the link was lost"
        raise FaultError(told, "go on sampling into the ring when the link is lost: state BUFFERING", "4")
    reply = again.read
    if not isinstance(reply, defs.ReplyStart):
        raise FaultError(f"START after the outage: {again.told}", "resume with START in BUFFERING", "4")
    return before.ring_capacity


def check_stop(seen: Observed) -> str:
    """Whether STOP is obeyed and the ring stays readable."""
    asked = seen.asked.get("stop")
    if asked is None:
        raise NotTriedError("not reached")
    if not asked.is_status(CODES.OK):
        raise FaultError(f"STOP: {asked.told}", "stop sampling and answer OK", "4")
    if seen.packets_after_stop:
        told = f"{seen.packets_after_stop} live packets after STOP"
        raise FaultError(told, "send no live packets after STOP", "4")
    info = seen.read_info(seen.info_stopped)
    if info is not None and info.state != defs.State.IDLE:
        raise FaultError(f"state {defs.State(info.state).name} after STOP", "go to IDLE at STOP", "4")
    last = seen.asked.get("after stop")
    if seen.features & defs.FEATURE_BACKFILL and last is not None and not isinstance(last.read, defs.ReplyBackfill):
        raise FaultError(f"BACKFILL after STOP: {last.told}", "keep the ring readable until the next START", "4")
    return "no packets after it, state IDLE, the ring stays readable"
