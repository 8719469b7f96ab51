"""The FIT messages of an activity, and the developer fields of Soleus.

Numbers, scales and units of native fields are those of the FIT profile 21.158 (https://developer.garmin.com/fit/),
messages 0, 18-21, 23, 34, 206 and 207; base types as in its column 'Field Type'. Numbers and names of the developer
fields are fixed for good: whoever built a chart on them keeps it.
"""

from __future__ import annotations

from typing import Final

from soleus.report.export.fit_format import (
    BYTES,
    ENUM,
    FLOAT32,
    SINT16,
    STRING,
    UINT8,
    UINT16,
    UINT32,
    UINT32Z,
    Base,
    Field,
    Message,
)

FIT_EPOCH_S: Final = 631_065_600
"""1989-12-31T00:00:00Z in seconds since 1970; FIT time begins there."""
MIN_DATE_TIME: Final = 0x10000000
"""Smaller values of a date_time are seconds since power-up (type date_time)."""
APPLICATION_ID: Final = bytes.fromhex("6a1f0e5c84d94b0f9d2b5c7e13a80f46")
"""Who defines our developer fields; fixed for good."""
APPLICATION_VERSION: Final = 1
"""Goes up when a developer field is added."""

FILE_ACTIVITY: Final = 4
MANUFACTURER_DEVELOPMENT: Final = 255
"""The profile's number for makers that have none of their own."""
PRODUCT: Final = 1
SOURCE_LOCAL: Final = 5
DEVICE_CREATOR: Final = 0
EVENT_TIMER: Final = 0
EVENT_SESSION: Final = 8
EVENT_LAP: Final = 9
EVENT_ACTIVITY: Final = 26
EVENT_USER_MARKER: Final = 32
TYPE_START: Final = 0
TYPE_STOP: Final = 1
TYPE_MARKER: Final = 3
TYPE_STOP_ALL: Final = 4
LAP_MANUAL: Final = 0
LAP_SESSION_END: Final = 7
SESSION_ACTIVITY_END: Final = 0
ACTIVITY_MANUAL: Final = 0
SPORT_RUNNING: Final = 1
SPORT_WALKING: Final = 11
SUB_SPORT_GENERIC: Final = 0
SUB_SPORT_TREADMILL: Final = 1
SUB_SPORTS: Final = {"treadmill": SUB_SPORT_TREADMILL, "road": 2, "trail": 3, "track": 4}
"""Sub-sport of each surface that the profile knows."""

MM_PER_M: Final = 1000.0
CM_PER_M: Final = 100.0
MS_PER_S: Final = 1000.0
PERCENT: Final = 100.0
STEPS_PER_CYCLE: Final = 2
"""FIT counts strides, of two steps each, in cadence and cycles."""
FRACTIONS: Final = 128.0
"""Parts of one in the profile's fractional fields."""

TIMESTAMP: Final = Field(253, "timestamp", UINT32)
INDEX: Final = Field(254, "message_index", UINT16)

FILE_ID: Final = Message(
    0,
    (
        Field(0, "type", ENUM),
        Field(1, "manufacturer", UINT16),
        Field(2, "product", UINT16),
        Field(3, "serial_number", UINT32Z),
        Field(4, "time_created", UINT32),
        Field(8, "product_name", STRING),
    ),
)
DEVELOPER_DATA_ID: Final = Message(
    207,
    (
        Field(1, "application_id", BYTES, count=len(APPLICATION_ID)),
        Field(2, "manufacturer_id", UINT16),
        Field(3, "developer_data_index", UINT8),
        Field(4, "application_version", UINT32),
    ),
)
FIELD_DESCRIPTION: Final = Message(
    206,
    (
        Field(0, "developer_data_index", UINT8),
        Field(1, "field_definition_number", UINT8),
        Field(2, "fit_base_type_id", UINT8),
        Field(3, "field_name", STRING),
        Field(8, "units", STRING),
        Field(14, "native_mesg_num", UINT16),
    ),
)
DEVICE_INFO: Final = Message(
    23,
    (
        TIMESTAMP,
        Field(0, "device_index", UINT8),
        Field(2, "manufacturer", UINT16),
        Field(4, "product", UINT16),
        Field(5, "software_version", UINT16, 100.0),
        Field(19, "descriptor", STRING),
        Field(25, "source_type", ENUM),
        Field(27, "product_name", STRING),
    ),
)
TIMER_EVENT: Final = Message(
    21, (TIMESTAMP, Field(0, "event", ENUM), Field(1, "event_type", ENUM), Field(4, "event_group", UINT8))
)
ACTIVITY: Final = Message(
    34,
    (
        TIMESTAMP,
        Field(0, "total_timer_time", UINT32, 1000.0),
        Field(1, "num_sessions", UINT16),
        Field(2, "type", ENUM),
        Field(3, "event", ENUM),
        Field(4, "event_type", ENUM),
    ),
)


def _own(number: int, name: str, base: Base, unit: str) -> Field:
    return Field(number, name, base, unit=unit)


_STEP_VALUES: Final[tuple[tuple[str, Base, str], ...]] = (
    ("overstride", FLOAT32, "cm"),
    ("achilles_impulse", FLOAT32, "bw*s"),
    ("achilles_peak", FLOAT32, "bw"),
    ("foot_strike_angle", FLOAT32, "deg"),
    ("calf_dose", FLOAT32, "bw^6*s"),
    ("contact_time_left", FLOAT32, "ms"),
    ("contact_time_right", FLOAT32, "ms"),
)
STEP_VALUES: Final = tuple(name for name, _, _ in _STEP_VALUES)
"""Developer fields of records, laps and the session: means over steps."""


def _step_values(first: int) -> tuple[Field, ...]:
    return tuple(_own(first + i, *each) for i, each in enumerate(_STEP_VALUES))


RECORD: Final = Message(
    20,
    (
        TIMESTAMP,
        Field(3, "heart_rate", UINT8),
        Field(4, "cadence", UINT8),
        Field(53, "fractional_cadence", UINT8, FRACTIONS),
        Field(5, "distance", UINT32, 100.0),
        Field(73, "enhanced_speed", UINT32, 1000.0),
        Field(9, "grade", SINT16, 100.0),
        Field(39, "vertical_oscillation", UINT16, 10.0),
        Field(41, "stance_time", UINT16, 10.0),
        Field(40, "stance_time_percent", UINT16, 100.0),
        Field(84, "stance_time_balance", UINT16, 100.0),
        Field(83, "vertical_ratio", UINT16, 100.0),
        Field(85, "step_length", UINT16, 10.0),
    ),
    _step_values(0),
)
LAP: Final = Message(
    19,
    (
        TIMESTAMP,
        INDEX,
        Field(0, "event", ENUM),
        Field(1, "event_type", ENUM),
        Field(2, "start_time", UINT32),
        Field(7, "total_elapsed_time", UINT32, 1000.0),
        Field(8, "total_timer_time", UINT32, 1000.0),
        Field(9, "total_distance", UINT32, 100.0),
        Field(10, "total_cycles", UINT32),
        Field(82, "total_fractional_cycles", UINT8, FRACTIONS),
        Field(15, "avg_heart_rate", UINT8),
        Field(16, "max_heart_rate", UINT8),
        Field(17, "avg_cadence", UINT8),
        Field(80, "avg_fractional_cadence", UINT8, FRACTIONS),
        Field(21, "total_ascent", UINT16),
        Field(24, "lap_trigger", ENUM),
        Field(25, "sport", ENUM),
        Field(39, "sub_sport", ENUM),
        Field(110, "enhanced_avg_speed", UINT32, 1000.0),
        Field(111, "enhanced_max_speed", UINT32, 1000.0),
        Field(77, "avg_vertical_oscillation", UINT16, 10.0),
        Field(79, "avg_stance_time", UINT16, 10.0),
        Field(78, "avg_stance_time_percent", UINT16, 100.0),
        Field(119, "avg_stance_time_balance", UINT16, 100.0),
        Field(118, "avg_vertical_ratio", UINT16, 100.0),
        Field(120, "avg_step_length", UINT16, 10.0),
    ),
    _step_values(20),
)
SESSION: Final = Message(
    18,
    (
        TIMESTAMP,
        INDEX,
        Field(0, "event", ENUM),
        Field(1, "event_type", ENUM),
        Field(2, "start_time", UINT32),
        Field(5, "sport", ENUM),
        Field(6, "sub_sport", ENUM),
        Field(7, "total_elapsed_time", UINT32, 1000.0),
        Field(8, "total_timer_time", UINT32, 1000.0),
        Field(9, "total_distance", UINT32, 100.0),
        Field(10, "total_cycles", UINT32),
        Field(94, "total_fractional_cycles", UINT8, FRACTIONS),
        Field(16, "avg_heart_rate", UINT8),
        Field(17, "max_heart_rate", UINT8),
        Field(18, "avg_cadence", UINT8),
        Field(92, "avg_fractional_cadence", UINT8, FRACTIONS),
        Field(22, "total_ascent", UINT16),
        Field(25, "first_lap_index", UINT16),
        Field(26, "num_laps", UINT16),
        Field(28, "trigger", ENUM),
        Field(124, "enhanced_avg_speed", UINT32, 1000.0),
        Field(125, "enhanced_max_speed", UINT32, 1000.0),
        Field(89, "avg_vertical_oscillation", UINT16, 10.0),
        Field(91, "avg_stance_time", UINT16, 10.0),
        Field(90, "avg_stance_time_percent", UINT16, 100.0),
        Field(133, "avg_stance_time_balance", UINT16, 100.0),
        Field(132, "avg_vertical_ratio", UINT16, 100.0),
        Field(134, "avg_step_length", UINT16, 10.0),
    ),
    (
        *_step_values(40),
        _own(50, "achilles_impulse_total", FLOAT32, "bw*s"),
        _own(51, "calf_dose_total", FLOAT32, "bw^6*s"),
    ),
)
MARKER_EVENT: Final = Message(
    21,
    (TIMESTAMP, Field(0, "event", ENUM), Field(1, "event_type", ENUM)),
    (
        _own(60, "warning", STRING, ""),
        _own(61, "warning_severity", STRING, ""),
        _own(62, "warning_foot", STRING, ""),
        _own(63, "calf_pain", FLOAT32, "0-10"),
    ),
)
OWN_FIELDS: Final = tuple(
    (message.number, field) for message in (RECORD, LAP, SESSION, MARKER_EVENT) for field in message.developer
)
"""Every developer field with the message it belongs to."""
