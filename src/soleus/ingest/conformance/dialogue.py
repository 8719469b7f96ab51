"""Checks of commands and replies."""

from __future__ import annotations

from typing import Final

from soleus.ingest.conformance.observed import Observed
from soleus.ingest.conformance.verdict import FaultError, NotTriedError
from soleus.ingest.protocols import soleus_pod as codec
from soleus.ingest.protocols import soleus_pod_defs as defs

ERROR_NOT_CONFIGURED: Final = 0xFD
"""ATT error 'descriptor improperly configured', Core Supplement Part B 1.2."""
ACCEL_RANGE_MIN_G: Final = 16
GYRO_RANGE_MIN_DPS: Final = 2000
INDEX_MODULUS: Final = 2**32
CODES = defs.StatusCode
BAD_COMMANDS: Final = {
    "unknown opcode": (CODES.UNKNOWN_OPCODE,),
    "command too long": (CODES.BAD_LENGTH,),
    "command too short": (CODES.BAD_LENGTH,),
    "rate 0": (CODES.OUT_OF_RANGE,),
    "side 3": (CODES.OUT_OF_RANGE,),
}
"""What was asked wrongly, and the right answers, POD_SERVICE.md section 6."""


def check_indications_needed(seen: Observed) -> str:
    """Whether a command without indications is refused."""
    if seen.unsubscribed_error is None:
        raise NotTriedError("not reached")
    if seen.unsubscribed_error != ERROR_NOT_CONFIGURED:
        told = "accepted" if not seen.unsubscribed_error else f"ATT error 0x{seen.unsubscribed_error:02X}"
        mend = "refuse writes to Control with ATT error 0xFD until indications are enabled"
        raise FaultError(f"a command without indications: {told}", mend, "6")
    return "ATT error 0xFD"


def check_bad_commands(seen: Observed) -> str:
    """Whether bad commands get the error that tells what is wrong."""
    tried = {what: seen.asked[what] for what in BAD_COMMANDS if what in seen.asked}
    if not tried:
        raise NotTriedError("not reached")
    wrong = [
        f"{what}: {asked.told}, not {BAD_COMMANDS[what][0].name}"
        for what, asked in tried.items()
        if not asked.is_status(*BAD_COMMANDS[what])
    ]
    if wrong:
        raise FaultError("; ".join(wrong), "answer every write to Control, with the status code of the table", "6")
    return f"{len(tried)} bad commands told apart"


def check_side(seen: Observed) -> str:
    """Whether the side can be set, is told in Info, and set back."""
    if "side" not in seen.asked or "side back" not in seen.asked:
        raise NotTriedError("not reached")
    if not seen.asked["side"].is_status(CODES.OK):
        raise FaultError(f"SET_SIDE: {seen.asked['side'].told}", "take 1 and 2 in SET_SIDE", "6")
    wanted = seen.asked["side"].command[1]
    info = seen.read_info(seen.info_side_changed)
    if info is None or info.side != wanted:
        told = "Info cannot be read" if info is None else f"Info says {info.side}, set was {wanted}"
        raise FaultError(told, "update Info (and the advertisement) at SET_SIDE", "6")
    if not seen.asked["side back"].is_status(CODES.OK):
        raise FaultError(f"SET_SIDE back: {seen.asked['side back'].told}", "take 1 and 2 in SET_SIDE", "6")
    return "set, told in Info, set back"


def check_identify(seen: Observed) -> str:
    """Whether IDENTIFY is obeyed, or refused by a pod that cannot."""
    return _optional(seen, "identify", defs.FEATURE_IDENTIFY, "FEATURE_IDENTIFY")


def check_conn_params(seen: Observed) -> str:
    """Whether CONN_PARAMS is obeyed, or refused by a pod that cannot."""
    return _optional(seen, "connection parameters", defs.FEATURE_CONN_PARAMS, "FEATURE_CONN_PARAMS")


def _optional(seen: Observed, key: str, feature: int, name: str) -> str:
    asked = seen.asked.get(key)
    if asked is None:
        raise NotTriedError("not reached")
    if seen.read_info(seen.info) is None:
        raise NotTriedError("Info could not be read")
    if seen.features & feature:
        if asked.is_status(CODES.OK):
            return f"OK after {asked.seconds * 1e3:.0f} ms"
        raise FaultError(f"{name} is set, the reply is {asked.told}", "obey the command or clear the feature", "6")
    if asked.is_status(CODES.UNSUPPORTED):
        raise NotTriedError(f"{name} is not set; the pod says UNSUPPORTED as it should")
    raise FaultError(f"{name} is not set, the reply is {asked.told}", "answer UNSUPPORTED or set the feature", "6")


def check_start(seen: Observed) -> str:
    """Whether START is answered with settings that can be."""
    asked = seen.asked.get("start")
    if asked is None:
        raise NotTriedError("not reached")
    reply = seen.started
    if reply is None:
        raise FaultError(f"START: {asked.told}", "start at the nearest rate and ranges, and reply with them", "6 START")
    wish = codec.unpack(defs.CommandStart, asked.command)
    info = seen.read_info(seen.info)
    told = f"{reply.rate_hz} Hz, ±{reply.accel_range_g} g, ±{reply.gyro_range_dps} °/s, n ≤ {reply.samples_max}"
    highest = info.rate_max_hz if info else wish.rate_hz
    if reply.rate_hz < min(wish.rate_hz, highest):
        mend = "take the nearest rate at or above the wish, or the highest"
        raise FaultError(f"{told}; asked for {wish.rate_hz} Hz", mend, "6 START")
    if reply.accel_range_g < ACCEL_RANGE_MIN_G or reply.gyro_range_dps < GYRO_RANGE_MIN_DPS:
        mend = f"offer at least ±{ACCEL_RANGE_MIN_G} g and ±{GYRO_RANGE_MIN_DPS} °/s: feet hit the ground hard"
        raise FaultError(told, mend, "3")
    if not 1 <= reply.samples_max <= codec.samples_per_packet(reply.mtu):
        mend = f"carry at most {codec.samples_per_packet(reply.mtu)} samples at MTU {reply.mtu}"
        raise FaultError(told, mend, "5")
    if info is not None and reply.boot_id != info.boot_id:
        raise FaultError("boot_id differs from Info", "tell the same boot_id in Info and in the reply", "6 START")
    return told


def check_start_again(seen: Observed) -> str:
    """Whether a second START with the same settings changes nothing."""
    asked, first = seen.asked.get("start again"), seen.started
    if asked is None or first is None:
        raise NotTriedError("not reached")
    reply = asked.read
    if not isinstance(reply, defs.ReplyStart):
        raise FaultError(f"second START: {asked.told}", "answer START with OK while streaming, too", "4")
    same = (reply.rate_hz, reply.boot_id) == (first.rate_hz, first.boot_id)
    ahead = (reply.next_index - first.next_index) % INDEX_MODULUS
    # Asked for half-way: a quarter is certain.
    least = first.rate_hz * seen.streamed_s / 4
    if not same or not least <= ahead < INDEX_MODULUS / 2:
        told = f"rate {reply.rate_hz} Hz, next index {reply.next_index} after {first.next_index}"
        raise FaultError(told, "let rate, index and sequence go on at a START with the same settings", "4")
    return f"the index went on by {ahead}"
