"""Constants and layouts of the Soleus pod service. Generated from firmware_interfaces/pod_service.toml.

Do not edit: change the definition and run ``python firmware_interfaces/generate.py``.
"""

from __future__ import annotations

import struct
from enum import IntEnum
from typing import Final, NamedTuple

VERSION_MAJOR: Final = 1
VERSION_MINOR: Final = 0

SERVICE_UUID: Final = "7a6e0001-5d1c-4e0b-9f2a-8c3b1d0e4f60"
INFO_UUID: Final = "7a6e0002-5d1c-4e0b-9f2a-8c3b1d0e4f60"
"""What the pod is and how it is set: layout `info`."""
CONTROL_UUID: Final = "7a6e0003-5d1c-4e0b-9f2a-8c3b1d0e4f60"
"""Commands in, replies out."""
IMU_UUID: Final = "7a6e0004-5d1c-4e0b-9f2a-8c3b1d0e4f60"
"""Live samples: `imu_header` and samples, or `imu_compact`."""
SYNC_UUID: Final = "7a6e0005-5d1c-4e0b-9f2a-8c3b1d0e4f60"
"""Clock exchange: host writes `sync_request`, pod notifies `sync_reply`."""
BACKFILL_UUID: Final = "7a6e0006-5d1c-4e0b-9f2a-8c3b1d0e4f60"
"""Samples sent again: as `imu`, flag BACKFILL; a header with n = 0 ends the request."""
STATUS_UUID: Final = "7a6e0007-5d1c-4e0b-9f2a-8c3b1d0e4f60"
"""Battery, buffers, link: layout `status`."""

ATT_HEADER_SIZE: Final = 3
"""Opcode and handle of an ATT notification; value length is at most MTU - 3 [B]."""
MTU_MIN: Final = 23
"""Smallest ATT MTU [B]."""
MTU_MAX: Final = 247
"""Largest ATT MTU this version makes use of [B]."""
CHANNELS: Final = 6
"""Channels of a sample: ax ay az gx gy gz [1]."""
SAMPLE_SIZE: Final = 12
"""One sample: six int16 [B]."""
SAMPLES_MAX: Final = 19
"""Samples of the largest packet: (247 - 3 - 12) / 12 [1]."""
CONTROL_SIZE_MAX: Final = 20
"""Commands and replies fit the smallest MTU [B]."""
ADV_COMPANY_ID: Final = 0xFFFF
"""Company identifier of the manufacturer data (the one reserved for tests) [1]."""
ADV_MAGIC: Final = 0x5053
"""First two bytes of our manufacturer data, the letters SP [1]."""
REPLY_OPCODE: Final = 0x80
"""First byte of every reply [1]."""
FLAG_BACKFILL: Final = 0x01
"""Samples sent again from the ring buffer [bit]."""
FLAG_OVERRUN: Final = 0x02
"""Samples were lost inside the pod since the last packet (sensor FIFO or ring overrun) [bit]."""
FLAG_CONFIG_CHANGED: Final = 0x04
"""First packet after a change of rate or range [bit]."""
FLAG_GYRO_SATURATED: Final = 0x08
"""A gyroscope reading of this packet stands at full scale [bit]."""
FLAG_ACCEL_SATURATED: Final = 0x10
"""An accelerometer reading of this packet stands at full scale [bit]."""
FLAG_COMPACT: Final = 0x80
"""The 20-byte packet of one sample, for MTU below 27 [bit]."""
FLAGS_KNOWN: Final = 0x9F
"""All flags of this version; a receiver refuses a packet with any other bit set [bits]."""
FEATURE_BACKFILL: Final = 0x01
"""The pod keeps a ring buffer and answers BACKFILL [bit]."""
FEATURE_SYNC: Final = 0x02
"""The pod answers on the Sync characteristic [bit]."""
FEATURE_IDENTIFY: Final = 0x04
"""The pod can blink or buzz [bit]."""
FEATURE_SIDE_STORED: Final = 0x08
"""The side survives a reset [bit]."""
FEATURE_CONN_PARAMS: Final = 0x10
"""The pod can ask for other connection parameters [bit]."""
BUFFERING_LIMIT_S: Final = 600
"""A pod without connection stops sampling after this time [s]."""
STATUS_PERIOD_S: Final = 5
"""Longest time between two Status notifications while subscribed [s]."""
BATTERY_UNKNOWN: Final = 255
"""Battery level when it cannot be measured [%]."""
TEMPERATURE_UNKNOWN: Final = -128
"""Temperature when it cannot be measured [°C]."""
CONNECTION_INTERVAL_MIN: Final = 12
"""15 ms: the shortest interval that every desktop and phone grants [1.25 ms]."""
CONNECTION_INTERVAL_MAX: Final = 12
"""15 ms [1.25 ms]."""
CONNECTION_LATENCY: Final = 0
"""No event may be skipped: it would delay samples and clock exchanges [events]."""
CONNECTION_SUPERVISION_TIMEOUT: Final = 400
"""4 s [10 ms]."""
CONNECTION_MTU: Final = 247
"""ATT MTU: one notification in one data-length-extended packet of 251 B [B]."""
CONNECTION_DATA_LENGTH: Final = 251
"""LE data length extension [B]."""
CONNECTION_PHY: Final = 2
"""2M PHY when the central grants it, otherwise 1M [Mbit/s]."""
CONNECTION_NOTIFICATIONS_PER_EVENT: Final = 4
"""Notifications the firmware queues so that one event can carry them [1]."""


class Side(IntEnum):
    """The foot a pod sits on."""

    UNSET = 0
    """Never set."""
    LEFT = 1
    """Left foot."""
    RIGHT = 2
    """Right foot."""


class State(IntEnum):
    """State of the pod."""

    IDLE = 0
    """Sensor off."""
    STREAMING = 1
    """Sampling and notifying."""
    BUFFERING = 2
    """Sampling into the ring, link lost or START not yet repeated."""
    FAULT = 3
    """Sensor does not answer; see last_error."""


class Opcode(IntEnum):
    """First byte of a command."""

    START = 1
    """Sample and notify; also resumes after a reconnection."""
    STOP = 2
    """Stop sampling; the ring stays readable."""
    BACKFILL = 3
    """Send a range of samples again."""
    SET_SIDE = 4
    """Set and store the side."""
    IDENTIFY = 5
    """Blink or buzz."""
    CONN_PARAMS = 6
    """Ask the central for these connection parameters."""
    GET_STATS = 8
    """Tell what the ring holds."""
    CANCEL_BACKFILL = 9
    """Drop the running backfill."""


class StatusCode(IntEnum):
    """Outcome of a command."""

    OK = 0
    """Done."""
    UNKNOWN_OPCODE = 1
    """No such command in this version."""
    BAD_LENGTH = 2
    """The command is shorter or longer than its layout."""
    OUT_OF_RANGE = 3
    """A parameter the pod cannot serve."""
    WRONG_STATE = 4
    """Not possible in this state."""
    BUSY = 5
    """A backfill is running."""
    UNSUPPORTED = 6
    """A feature this pod does not have."""
    HARDWARE = 7
    """The sensor refused."""
    NOT_HELD = 8
    """None of the samples asked for is still in the ring."""


class Error(IntEnum):
    """last_error of the Status characteristic."""

    NONE = 0
    """No error since boot."""
    SENSOR_SILENT = 1
    """The sensor does not answer on its bus."""
    FIFO_OVERRUN = 2
    """The sensor's FIFO overran: the firmware read it too late."""
    RING_OVERRUN = 3
    """Live samples were overwritten before they could be sent."""
    STORAGE = 4
    """The side could not be stored."""
    LOW_BATTERY = 5
    """Battery below the regulator's need; the pod is about to stop."""


class Phy(IntEnum):
    """Radio mode of the link."""

    UNKNOWN = 0
    """Not known to the firmware."""
    LE_1M = 1
    """1 Mbit/s."""
    LE_2M = 2
    """2 Mbit/s."""


class Info(NamedTuple):
    """Info characteristic."""

    version_major: int
    """Protocol version; a host refuses a major version it does not know [1]."""
    version_minor: int
    """Raised for additions that an older host can ignore [1]."""
    side: int
    """Foot [side]."""
    state: int
    """State [state]."""
    rate_hz: int
    """Sampling rate in force, or of the next start [Hz]."""
    rate_min_hz: int
    """Lowest rate the pod can sample at [Hz]."""
    rate_max_hz: int
    """Highest rate the pod can sample at [Hz]."""
    accel_range_g: int
    """Accelerometer full scale in force [g]."""
    clock_tolerance_ppm: int
    """Tolerance of the pod's clock [ppm]."""
    gyro_range_dps: int
    """Gyroscope full scale in force [°/s]."""
    features: int
    """FEATURE_* [bits]."""
    accel_lsb_ng: int
    """One accelerometer count in 1e-9 g (9.80665 m/s²) [ng]."""
    gyro_lsb_ndps: int
    """One gyroscope count in 1e-9 °/s [n°/s]."""
    ring_capacity: int
    """Samples the ring can hold [samples]."""
    pod_id: int
    """Unique to the device, for hosts that hide its address [1]."""
    boot_id: int
    """Random at every boot: indices and device time began anew [1]."""


class Status(NamedTuple):
    """Status characteristic."""

    battery_mv: int
    """Battery voltage, 0 if unknown [mV]."""
    battery_pct: int
    """Battery level 0-100, 255 if unknown [%]."""
    temperature_c: int
    """Sensor temperature, -128 if unknown [°C]."""
    state: int
    """State [state]."""
    queue_high_water: int
    """Most notifications queued at once since the last Status [1]."""
    last_error: int
    """Last error since boot [error]."""
    phy: int
    """Radio mode [phy]."""
    conn_interval: int
    """Connection interval in force, 0 if unknown [1.25 ms]."""
    mtu: int
    """ATT MTU in force [B]."""
    lost_samples: int
    """Samples lost inside the pod since boot [samples]."""
    ring_fill: int
    """Samples in the ring [samples]."""


class Advertisement(NamedTuple):
    """Manufacturer data of the scan response, after the company identifier."""

    magic: int
    """ADV_MAGIC [1]."""
    version_major: int
    """Protocol version [1]."""
    side: int
    """Foot [side]."""
    state: int
    """State [state]."""
    battery_pct: int
    """Battery level 0-100, 255 if unknown [%]."""


class ImuHeader(NamedTuple):
    """Head of a live or backfill packet; n samples of six int16 follow."""

    flags: int
    """FLAG_*, without COMPACT [bits]."""
    n: int
    """Samples that follow, 1-19; 0 only to end a backfill [1]."""
    sequence: int
    """Counts the packets handed to the radio on this characteristic; wraps [1]."""
    first_index: int
    """Index of the first sample; counts from 0 at boot, never reset, wraps [samples]."""
    first_time_us: int
    """Device time of the first sample; low 32 bits, wraps every 71.6 min [µs]."""


class ImuCompact(NamedTuple):
    """The whole packet of one sample for MTU 23."""

    flags: int
    """FLAG_*, with COMPACT [bits]."""
    index_high: int
    """Bits 16-23 of the sample index [samples]."""
    index_low: int
    """Bits 0-15 of the sample index [samples]."""
    time_us: int
    """Device time of the sample, low 32 bits [µs]."""
    ax: int
    """Accelerometer x [counts]."""
    ay: int
    """Accelerometer y [counts]."""
    az: int
    """Accelerometer z [counts]."""
    gx: int
    """Gyroscope x [counts]."""
    gy: int
    """Gyroscope y [counts]."""
    gz: int
    """Gyroscope z [counts]."""


class SyncRequest(NamedTuple):
    """What the host writes to Sync."""

    sequence: int
    """Echoed; tells late replies from fresh ones [1]."""


class SyncReply(NamedTuple):
    """What the pod notifies on Sync."""

    sequence: int
    """That of the request [1]."""
    received_us: int
    """Device time when the request reached the firmware [µs]."""
    sent_us: int
    """Device time when this reply was handed to the radio [µs]."""


class CommandStart(NamedTuple):
    """START."""

    opcode: int
    """0x01 [opcode]."""
    rate_hz: int
    """Wanted rate: the pod takes its nearest at or above, or its highest [Hz]."""
    samples_max: int
    """Most samples a packet, 0: the pod decides [1]."""
    accel_range_g: int
    """Wanted full scale: nearest at or above [g]."""
    gyro_range_dps: int
    """Wanted full scale: nearest at or above [°/s]."""


class CommandStop(NamedTuple):
    """STOP."""

    opcode: int
    """0x02 [opcode]."""


class CommandBackfill(NamedTuple):
    """BACKFILL."""

    opcode: int
    """0x03 [opcode]."""
    first_index: int
    """First sample wanted [samples]."""
    span: int
    """Samples wanted, at least 1 [samples]."""


class CommandSetSide(NamedTuple):
    """SET_SIDE."""

    opcode: int
    """0x04 [opcode]."""
    side: int
    """Foot [side]."""


class CommandIdentify(NamedTuple):
    """IDENTIFY."""

    opcode: int
    """0x05 [opcode]."""
    seconds: int
    """How long; 0 stops [s]."""


class CommandConnParams(NamedTuple):
    """CONN_PARAMS."""

    opcode: int
    """0x06 [opcode]."""
    interval_min: int
    """6-3200 [1.25 ms]."""
    interval_max: int
    """6-3200, not below interval_min [1.25 ms]."""
    latency: int
    """0-499 [events]."""
    timeout: int
    """10-3200 [10 ms]."""
    phy: int
    """Wanted radio mode [phy]."""


class CommandGetStats(NamedTuple):
    """GET_STATS."""

    opcode: int
    """0x08 [opcode]."""


class CommandCancelBackfill(NamedTuple):
    """CANCEL_BACKFILL."""

    opcode: int
    """0x09 [opcode]."""


class Reply(NamedTuple):
    """Every reply begins so; STOP, SET_SIDE, IDENTIFY, CONN_PARAMS, CANCEL_BACKFILL and every failure end here."""

    marker: int
    """REPLY_OPCODE [1]."""
    opcode: int
    """The command answered [opcode]."""
    status: int
    """Outcome [status_code]."""


class ReplyStart(NamedTuple):
    """Reply to START when OK."""

    marker: int
    """REPLY_OPCODE [1]."""
    opcode: int
    """0x01 [opcode]."""
    status: int
    """0 [status_code]."""
    rate_hz: int
    """Nominal rate the sensor really runs at [Hz]."""
    samples_max: int
    """Most samples a packet will carry [1]."""
    accel_range_g: int
    """Full scale in force [g]."""
    gyro_range_dps: int
    """Full scale in force [°/s]."""
    mtu: int
    """ATT MTU as the pod sees it [B]."""
    boot_id: int
    """As in info [1]."""
    next_index: int
    """Index of the next sample to be taken [samples]."""


class ReplyBackfill(NamedTuple):
    """Reply to BACKFILL when OK."""

    marker: int
    """REPLY_OPCODE [1]."""
    opcode: int
    """0x03 [opcode]."""
    status: int
    """0 [status_code]."""
    first_index: int
    """First sample that will come [samples]."""
    span: int
    """Length of the range that will be walked [samples]."""
    lost: int
    """Samples asked for before first_index, gone for good [samples]."""


class ReplyGetStats(NamedTuple):
    """Reply to GET_STATS when OK."""

    marker: int
    """REPLY_OPCODE [1]."""
    opcode: int
    """0x08 [opcode]."""
    status: int
    """0 [status_code]."""
    oldest_index: int
    """Oldest sample in the ring [samples]."""
    next_index: int
    """Index of the next sample to be taken [samples]."""
    lost_samples: int
    """Samples lost inside the pod since boot [samples]."""


INFO_STRUCT: Final = struct.Struct("<BBBBHHHBBHHIIIII")
STATUS_STRUCT: Final = struct.Struct("<HBbBBBBHHII")
ADVERTISEMENT_STRUCT: Final = struct.Struct("<HBBBB")
IMU_HEADER_STRUCT: Final = struct.Struct("<BBHII")
IMU_COMPACT_STRUCT: Final = struct.Struct("<BBHIhhhhhh")
SYNC_REQUEST_STRUCT: Final = struct.Struct("<B")
SYNC_REPLY_STRUCT: Final = struct.Struct("<BQQ")
COMMAND_START_STRUCT: Final = struct.Struct("<BHBBH")
COMMAND_STOP_STRUCT: Final = struct.Struct("<B")
COMMAND_BACKFILL_STRUCT: Final = struct.Struct("<BII")
COMMAND_SET_SIDE_STRUCT: Final = struct.Struct("<BB")
COMMAND_IDENTIFY_STRUCT: Final = struct.Struct("<BB")
COMMAND_CONN_PARAMS_STRUCT: Final = struct.Struct("<BHHHHB")
COMMAND_GET_STATS_STRUCT: Final = struct.Struct("<B")
COMMAND_CANCEL_BACKFILL_STRUCT: Final = struct.Struct("<B")
REPLY_STRUCT: Final = struct.Struct("<BBB")
REPLY_START_STRUCT: Final = struct.Struct("<BBBHBBHHII")
REPLY_BACKFILL_STRUCT: Final = struct.Struct("<BBBIII")
REPLY_GET_STATS_STRUCT: Final = struct.Struct("<BBBIII")

STRUCTS: Final[dict[type[tuple[int, ...]], struct.Struct]] = {
    Info: INFO_STRUCT,
    Status: STATUS_STRUCT,
    Advertisement: ADVERTISEMENT_STRUCT,
    ImuHeader: IMU_HEADER_STRUCT,
    ImuCompact: IMU_COMPACT_STRUCT,
    SyncRequest: SYNC_REQUEST_STRUCT,
    SyncReply: SYNC_REPLY_STRUCT,
    CommandStart: COMMAND_START_STRUCT,
    CommandStop: COMMAND_STOP_STRUCT,
    CommandBackfill: COMMAND_BACKFILL_STRUCT,
    CommandSetSide: COMMAND_SET_SIDE_STRUCT,
    CommandIdentify: COMMAND_IDENTIFY_STRUCT,
    CommandConnParams: COMMAND_CONN_PARAMS_STRUCT,
    CommandGetStats: COMMAND_GET_STATS_STRUCT,
    CommandCancelBackfill: COMMAND_CANCEL_BACKFILL_STRUCT,
    Reply: REPLY_STRUCT,
    ReplyStart: REPLY_START_STRUCT,
    ReplyBackfill: REPLY_BACKFILL_STRUCT,
    ReplyGetStats: REPLY_GET_STATS_STRUCT,
}
"""Wire format of each layout."""
