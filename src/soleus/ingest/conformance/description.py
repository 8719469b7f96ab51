"""Checks of what a pod says of itself: services, Info, advertisement, connection, Status."""

from __future__ import annotations

from typing import Final

import numpy as np

from soleus.ingest.conformance.observed import Observed
from soleus.ingest.conformance.verdict import FaultError, NotTriedError
from soleus.ingest.heart_rate import BATTERY_LEVEL_UUID, DEVICE_INFORMATION_UUIDS
from soleus.ingest.protocols import soleus_pod as codec
from soleus.ingest.protocols import soleus_pod_defs as defs
from soleus.ingest.protocols.block import ProtocolError
from soleus.model import INT16_MAX

WANTED: Final = {
    "info": (defs.INFO_UUID, {"read"}),
    "control": (defs.CONTROL_UUID, {"write", "indicate"}),
    "imu": (defs.IMU_UUID, {"notify"}),
    "sync": (defs.SYNC_UUID, {"write-without-response", "notify"}),
    "backfill": (defs.BACKFILL_UUID, {"notify"}),
    "status": (defs.STATUS_UUID, {"read", "notify"}),
}
"""Properties by characteristic, POD_SERVICE.md section 1."""
TEXTS: Final = ("maker", "model", "firmware", "serial")
NAME_MAX: Final = 19
FULL_SCALE_RATIOS: Final = (0.95, 1.25)
"""32767 counts over the full scale told: data sheets round up by 0 to 15 % (LSM6DS3TR-C: 2294 °/s for 2000)."""
NANO: Final = 1e-9
INTERVAL_UNIT_MS: Final = 1.25
INTERVAL_MAX: Final = 2 * defs.CONNECTION_INTERVAL_MAX
"""30 ms [1.25 ms]: what a host grants that does not grant 15 ms; more was not asked for."""
STATUS_SLACK_S: Final = 1.0
"""A notification may be late by this [s]."""


def check_services(seen: Observed) -> str:
    """Whether the six characteristics are there with their properties."""
    missing = [name for name, (uuid, _) in WANTED.items() if uuid not in seen.characteristics]
    wrong = [
        f"{name} lacks {', '.join(sorted(properties - seen.characteristics[uuid]))}"
        for name, (uuid, properties) in WANTED.items()
        if uuid in seen.characteristics and properties - seen.characteristics[uuid]
    ]
    if missing or wrong:
        told = "; ".join([*(["missing: " + ", ".join(missing)] if missing else []), *wrong])
        raise FaultError(told, "expose the characteristics with the UUIDs and properties of the table", "1")
    return f"{len(WANTED)} characteristics with their properties"


def check_device_information(seen: Observed) -> str:
    """Whether the standard services are there."""
    missing = [name for name in TEXTS if DEVICE_INFORMATION_UUIDS[name] not in seen.characteristics]
    if BATTERY_LEVEL_UUID not in seen.characteristics:
        missing.append("battery level")
    if missing:
        told = "missing: " + ", ".join(missing)
        raise FaultError(told, "expose Battery Service (180F) and Device Information (180A) with these", "1")
    empty = [name for name in TEXTS if not seen.texts.get(name)]
    if empty:
        raise FaultError(f"empty: {', '.join(empty)}", "fill in these characteristics of Device Information", "1")
    return ", ".join(f"{name} {seen.texts[name]}" for name in TEXTS)


def check_advertisement(seen: Observed) -> str:
    """Whether name, side and battery are advertised, and the side is that of Info."""
    info = seen.read_info(seen.info)
    if not seen.name or len(seen.name) > NAME_MAX:
        raise FaultError(f"name '{seen.name}'", f"advertise a complete local name of 1 to {NAME_MAX} characters", "2")
    if info is None:
        raise NotTriedError("Info could not be read")
    told_side = codec.foot_of(info.side)
    if seen.side is not told_side:
        told = f"advertised side {_side(seen.side)}, Info says {_side(told_side)}"
        raise FaultError(told, "put magic, version, side, state and battery into the manufacturer data, kept up", "2")
    return f"'{seen.name}', side {_side(seen.side)}, battery {_percent(seen.battery_pct)}"


def check_info(seen: Observed) -> str:
    """Whether Info can be read and its values can be."""
    if seen.info is None:
        raise NotTriedError("not reached")
    try:
        info = codec.decode_info(seen.info)
    except ProtocolError as error:
        raise FaultError(str(error), "write Info with the layout and the ranges of the table", "3") from error
    for what, lsb_nano, full_scale in (
        ("accel_lsb_ng", info.accel_lsb_ng, info.accel_range_g),
        ("gyro_lsb_ndps", info.gyro_lsb_ndps, info.gyro_range_dps),
    ):
        ratio = lsb_nano * NANO * INT16_MAX / full_scale
        if not FULL_SCALE_RATIOS[0] <= ratio <= FULL_SCALE_RATIOS[1]:
            told = f"{what} {lsb_nano}: 32767 counts are {ratio:.2f} times the full scale of {full_scale}"
            raise FaultError(told, f"set {what} to what one count means, from the sensor's data sheet", "3")
    if not info.ring_capacity and info.features & defs.FEATURE_BACKFILL:
        raise FaultError("ring_capacity 0 with FEATURE_BACKFILL", "tell how many samples the ring holds", "3")
    ring_s = info.ring_capacity / info.rate_hz
    return (
        f"version {info.version_major}.{info.version_minor}, {info.rate_min_hz}-{info.rate_max_hz} Hz, "
        f"±{info.accel_range_g} g, ±{info.gyro_range_dps} °/s, ring {ring_s:.0f} s at {info.rate_hz} Hz"
    )


def check_connection(seen: Observed) -> str:
    """Whether the pod asked for what it must ask for, as far as it was granted."""
    if seen.host_mtu is None:
        raise NotTriedError("not reached")
    mtu = min(seen.host_mtu, defs.MTU_MAX)
    if mtu < defs.CONNECTION_MTU:
        told = f"ATT MTU {mtu}"
        raise FaultError(told, f"grant an ATT MTU of {defs.CONNECTION_MTU}, and ask for it if the host does not", "9")
    told_by_pod = seen.started.mtu if seen.started else None
    if told_by_pod is not None and min(told_by_pod, defs.MTU_MAX) != mtu:
        told = f"the pod says MTU {told_by_pod}, the host has {seen.host_mtu}"
        raise FaultError(told, "tell the MTU of the connection in force in the reply to START", "6 START")
    intervals = [status.conn_interval for status in _statuses(seen) if status.conn_interval]
    if not intervals:
        return f"ATT MTU {mtu}; connection interval not told"
    interval_ms = intervals[-1] * INTERVAL_UNIT_MS
    if intervals[-1] > INTERVAL_MAX:
        told = f"connection interval {interval_ms:g} ms"
        raise FaultError(told, "ask for 15 ms after the connection, and once more 5 s later if refused", "9")
    return f"ATT MTU {mtu}, connection interval {interval_ms:g} ms"


def check_status(seen: Observed) -> str:
    """Whether Status can be read, comes in time, and tells the state."""
    if not seen.streamed_s:
        raise NotTriedError("not reached")
    errors = []
    states = set()
    came_s = [at for at, _ in seen.statuses if seen.streamed_from_s <= at <= seen.streamed_until_s]
    for _, data in seen.statuses:
        try:
            states.add(codec.decode_status(data).state)
        except ProtocolError as error:
            errors.append(str(error))
    if errors:
        raise FaultError(errors[0], "write Status with the layout and the ranges of the table", "8")
    longest_s = float(np.diff([seen.streamed_from_s, *came_s, seen.streamed_until_s]).max())
    if longest_s > defs.STATUS_PERIOD_S + STATUS_SLACK_S:
        told = f"{len(came_s)} notifications in {seen.streamed_s:.0f} s, up to {longest_s:.1f} s apart"
        raise FaultError(told, f"notify Status on every change and every {defs.STATUS_PERIOD_S} s at least", "8")
    if states and defs.State.STREAMING not in states:
        told = f"states {', '.join(defs.State(state).name for state in sorted(states))} while streaming"
        raise FaultError(told, "notify Status when the state changes, with the new one", "8")
    return f"{len(came_s)} notifications in {seen.streamed_s:.0f} s, at most {longest_s:.1f} s apart"


def _statuses(seen: Observed) -> list[defs.Status]:
    found = []
    for _, data in seen.statuses:
        try:
            found.append(codec.decode_status(data))
        except ProtocolError:
            # Told by check_status.
            continue
    return found


def _side(foot: object) -> str:
    return "unset" if foot is None else str(getattr(foot, "label", foot))


def _percent(value: int | None) -> str:
    return "unknown" if value is None else f"{value} %"
