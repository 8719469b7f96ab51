"""What a virtual pod tells of itself: the Info and Status records of firmware_interfaces/POD_SERVICE.md."""

from __future__ import annotations

from typing import Final

from soleus.ingest.protocols import soleus_pod_defs as defs
from soleus.ingest.protocols.block import DEGREE_RAD, STANDARD_GRAVITY_MPS2
from soleus.ingest.virtual.pod_clock import SampleSource
from soleus.ingest.virtual.pod_memory import PodMemory, PodSetting

RATE_MIN_HZ: Final = 52
RATE_MAX_HZ: Final = 1660
ACCEL_RANGE_G: Final = 16
GYRO_RANGE_DPS: Final = 2000
BATTERY_FULL_MV: Final = 4200
BATTERY_EMPTY_MV: Final = 3300
TEMPERATURE_C: Final = 31
NANO: Final = 1e9
FEATURES: Final = (
    defs.FEATURE_BACKFILL
    | defs.FEATURE_SYNC
    | defs.FEATURE_IDENTIFY
    | defs.FEATURE_SIDE_STORED
    | defs.FEATURE_CONN_PARAMS
)

INTERVAL_UNIT_MS: Final = 1.25
"""Unit of connection intervals, Bluetooth Core 5.4 Vol 4 Part E 7.8.18."""
QUEUE_TOLD_MAX: Final = 255


def info_record(setting: PodSetting, source: SampleSource, memory: PodMemory, side: int, state: int) -> defs.Info:
    """Give the Info record."""
    return defs.Info(
        version_major=defs.VERSION_MAJOR,
        version_minor=defs.VERSION_MINOR,
        side=side,
        state=state,
        rate_hz=round(source.rate_hz),
        rate_min_hz=RATE_MIN_HZ,
        rate_max_hz=RATE_MAX_HZ,
        accel_range_g=ACCEL_RANGE_G,
        clock_tolerance_ppm=round(abs(setting.clock_drift_ppm)) % 256,
        gyro_range_dps=GYRO_RANGE_DPS,
        features=FEATURES,
        accel_lsb_ng=round(source.accel_lsb_mps2 / STANDARD_GRAVITY_MPS2 * NANO),
        gyro_lsb_ndps=round(source.gyro_lsb_rads / DEGREE_RAD * NANO),
        ring_capacity=memory.capacity,
        pod_id=setting.pod_id,
        boot_id=memory.boot.boot_id,
    )


def status_record(
    memory: PodMemory,
    battery_pct: int,
    state: int,
    queued: int,
    last_error: int,
    interval_ms: float,
    mtu: int,
    lost_samples: int,
) -> defs.Status:
    """Give the Status record; ``interval_ms`` is that of the connection, 0 without one."""
    share = battery_pct / 100
    return defs.Status(
        battery_mv=round(BATTERY_EMPTY_MV + share * (BATTERY_FULL_MV - BATTERY_EMPTY_MV)),
        battery_pct=battery_pct,
        temperature_c=TEMPERATURE_C,
        state=state,
        queue_high_water=min(queued, QUEUE_TOLD_MAX),
        last_error=last_error,
        phy=defs.Phy.LE_1M,
        conn_interval=round(interval_ms / INTERVAL_UNIT_MS),
        mtu=mtu,
        lost_samples=lost_samples,
        ring_fill=memory.end_index() - memory.oldest(),
    )
