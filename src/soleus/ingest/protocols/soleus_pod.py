"""The Soleus pod service: firmware_interfaces/POD_SERVICE.md, version 1.

Constants, enumerations and layouts are in :mod:`~soleus.ingest.protocols.soleus_pod_defs`, generated from the same
definition as the C header.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from typing import Final, TypeVar

import numpy as np

from soleus.ingest.protocols import soleus_pod_defs as defs
from soleus.ingest.protocols.block import (
    DEGREE_RAD,
    NO_FLAGS,
    STANDARD_GRAVITY_MPS2,
    BlockFlag,
    ProtocolError,
    SampleBlock,
    Stream,
    TimeBase,
    interleaved_counts,
)
from soleus.ingest.protocols.family import Family
from soleus.ingest.protocols.soleus_pod_defs import (
    BATTERY_UNKNOWN,
    Advertisement,
    ImuCompact,
    ImuHeader,
    Info,
    Side,
    Status,
)
from soleus.model import CountArray, Foot, PodInfo

__all__ = ["BATTERY_UNKNOWN", "FAMILIES", "SOLEUS"]

KEY: Final = "soleus"
SOLEUS: Final = Family(
    key=KEY,
    title="Soleus pod",
    service_uuids=(defs.SERVICE_UUID,),
    time_base=TimeBase(tick_s=1e-6, modulus=2**32),
)
FAMILIES: Final = (SOLEUS,)

COMPACT_INDEX_MODULUS: Final = 2**24
"""A compact packet carries 24 bits of the sample index."""
NANO: Final = 1e-9
"""``accel_lsb_ng`` and ``gyro_lsb_ndps`` are in billionths."""
CONN_INTERVALS: Final = range(6, 3201)
"""Connection intervals [1.25 ms], Bluetooth Core 5.4 Vol 4 Part E 7.8.18."""
PERCENT: Final = range(101)
L = TypeVar("L", bound=tuple[int, ...])


def pack(message: tuple[int, ...]) -> bytes:
    """Write a layout of ``soleus_pod_defs`` (Info, Status, a command, a reply, ...).

    Raises
    ------
    ProtocolError
        If a field does not fit its type.

    Examples
    --------
    >>> pack(defs.CommandSetSide(defs.Opcode.SET_SIDE, defs.Side.LEFT)).hex()
    '0401'
    """
    try:
        return defs.STRUCTS[type(message)].pack(*message)
    except struct.error as error:
        raise ProtocolError(KEY, f"{type(message).__name__}: {error}") from error


def unpack(layout: type[L], data: bytes, *, exact: bool = True) -> L:
    """Read a layout of ``soleus_pod_defs``; ``exact`` refuses further bytes.

    Raises
    ------
    ProtocolError
        If the length is wrong.
    """
    wire = defs.STRUCTS[layout]
    if len(data) < wire.size or (exact and len(data) != wire.size):
        raise ProtocolError(KEY, f"{layout.__name__} has {len(data)} bytes, {wire.size} expected")
    return layout._make(wire.unpack_from(data))  # type: ignore[attr-defined, no-any-return]


def refused(layout: type[tuple[int, ...]], field: str, value: int) -> ProtocolError:
    """Make the error for a value that cannot be."""
    return ProtocolError(KEY, f"{layout.__name__} with impossible {field} {value}")


def samples_per_packet(mtu: int) -> int:
    """Count the samples that fit a packet of this ATT MTU.

    Examples
    --------
    >>> [samples_per_packet(mtu) for mtu in (22, 23, 65, 185, 247, 512)]
    [0, 1, 4, 14, 19, 19]
    """
    if mtu < defs.MTU_MIN:
        return 0
    if is_compact_mtu(mtu):
        return 1
    fit = (mtu - defs.ATT_HEADER_SIZE - defs.IMU_HEADER_STRUCT.size) // defs.SAMPLE_SIZE
    return min(fit, defs.SAMPLES_MAX)


def is_compact_mtu(mtu: int) -> bool:
    """Whether packets for this MTU are the 20-byte ones."""
    return mtu < defs.ATT_HEADER_SIZE + defs.IMU_HEADER_STRUCT.size + defs.SAMPLE_SIZE


def encode_imu(counts: CountArray, *, first_index: int, first_time_us: int, sequence: int = 0, flags: int = 0) -> bytes:
    """Write a live or backfill packet.

    Parameters
    ----------
    counts
        (6, n) int16, n at most 19; n = 0 with FLAG_BACKFILL ends a backfill.
    first_index, first_time_us, sequence
        Wrapped as the wire needs it.
    flags
        FLAG_* without COMPACT.

    Raises
    ------
    ProtocolError
        If the flags or the number of samples are against the rules.

    Examples
    --------
    >>> import numpy as np
    >>> data = encode_imu(np.ones((6, 2), np.int16), first_index=7, first_time_us=1000)
    >>> len(data), decode_imu(data).first_index
    (36, 7)
    """
    n = counts.shape[1]
    _check_flags(flags)
    if flags & defs.FLAG_COMPACT:
        raise ProtocolError(KEY, "a compact packet is written by encode_compact")
    _check_count(flags, n)
    header = ImuHeader(flags, n, sequence % 2**16, first_index % 2**32, first_time_us % 2**32)
    return pack(header) + np.ascontiguousarray(counts.T, "<i2").tobytes()


def encode_compact(counts: CountArray, *, index: int, time_us: int, flags: int = 0) -> bytes:
    """Write the 20-byte packet of one sample, (6,) or (6, 1) int16, for MTU 23.

    Raises
    ------
    ProtocolError
        If a flag is unknown.
    """
    flags |= defs.FLAG_COMPACT
    _check_flags(flags)
    high, low = divmod(index % COMPACT_INDEX_MODULUS, 2**16)
    return pack(ImuCompact(flags, high, low, time_us % 2**32, *(int(count) for count in counts.ravel())))


def _check_flags(flags: int) -> None:
    if flags & ~defs.FLAGS_KNOWN:
        raise ProtocolError(KEY, f"packet with unknown flags 0x{flags:02x}")


def _check_count(flags: int, n: int) -> None:
    if n > defs.SAMPLES_MAX or (n == 0 and not flags & defs.FLAG_BACKFILL):
        raise ProtocolError(KEY, f"packet with {n} samples")


def decode_imu(data: bytes) -> SampleBlock:
    """Read a live or backfill packet, compact or not.

    Raises
    ------
    ProtocolError
        If length, flags and number of samples do not fit each other.
    """
    if len(data) < defs.IMU_HEADER_STRUCT.size:
        raise ProtocolError(KEY, f"packet of {len(data)} bytes, at least {defs.IMU_HEADER_STRUCT.size} expected")
    _check_flags(data[0])
    if data[0] & defs.FLAG_COMPACT:
        return _decode_compact(data)
    header = ImuHeader._make(defs.IMU_HEADER_STRUCT.unpack_from(data))
    _check_count(header.flags, header.n)
    expected = defs.IMU_HEADER_STRUCT.size + header.n * defs.SAMPLE_SIZE
    if len(data) != expected:
        raise ProtocolError(KEY, f"packet of {len(data)} bytes, {expected} expected for {header.n} samples")
    return SampleBlock(
        Stream.IMU,
        interleaved_counts(data[defs.IMU_HEADER_STRUCT.size :], defs.CHANNELS),
        device_time=header.first_time_us,
        first_index=header.first_index,
        sequence=header.sequence,
        flags=BlockFlag(header.flags) | (NO_FLAGS if header.n else BlockFlag.ENDS_BACKFILL),
    )


def _decode_compact(data: bytes) -> SampleBlock:
    packet = unpack(ImuCompact, data)
    return SampleBlock(
        Stream.IMU,
        np.array(packet[-defs.CHANNELS :], np.int16).reshape(-1, 1),
        device_time=packet.time_us,
        first_index=packet.index_high << 16 | packet.index_low,
        index_modulus=COMPACT_INDEX_MODULUS,
        flags=BlockFlag(packet.flags & ~defs.FLAG_COMPACT),
    )


def decode_info(data: bytes) -> Info:
    """Read the Info characteristic; bytes of later minor versions after it are passed over.

    Raises
    ------
    ProtocolError
        If it is too short, of another major version, or holds impossible values.
    """
    info = unpack(Info, data, exact=False)
    if info.version_major != defs.VERSION_MAJOR:
        raise ProtocolError(
            KEY, f"pod speaks version {info.version_major}, this program {defs.VERSION_MAJOR}: update the older one"
        )
    checks: tuple[tuple[str, bool], ...] = (
        ("side", info.side <= Side.RIGHT),
        ("state", info.state <= defs.State.FAULT),
        ("rate_hz", 0 < info.rate_min_hz <= info.rate_hz <= info.rate_max_hz),
        ("accel_range_g", info.accel_range_g > 0),
        ("gyro_range_dps", info.gyro_range_dps > 0),
        ("accel_lsb_ng", info.accel_lsb_ng > 0),
        ("gyro_lsb_ndps", info.gyro_lsb_ndps > 0),
    )
    for field, good in checks:
        if not good:
            raise refused(Info, field, getattr(info, field))
    return info


def decode_status(data: bytes) -> Status:
    """Read the Status characteristic; bytes of later minor versions after it are passed over.

    Raises
    ------
    ProtocolError
        If it is too short or holds impossible values.
    """
    status = unpack(Status, data, exact=False)
    checks: tuple[tuple[str, bool], ...] = (
        ("battery_pct", status.battery_pct in PERCENT or status.battery_pct == BATTERY_UNKNOWN),
        ("state", status.state <= defs.State.FAULT),
        ("last_error", status.last_error <= defs.Error.LOW_BATTERY),
        ("phy", status.phy <= defs.Phy.LE_2M),
        ("conn_interval", status.conn_interval == 0 or status.conn_interval in CONN_INTERVALS),
        ("mtu", status.mtu >= defs.MTU_MIN),
    )
    for field, good in checks:
        if not good:
            raise refused(Status, field, getattr(status, field))
    return status


def decode_advertisement(manufacturer_data: Mapping[int, bytes]) -> Advertisement | None:
    """Read our manufacturer data; ``None`` if there is none.

    Raises
    ------
    ProtocolError
        If it begins as ours but holds impossible values.
    """
    data = manufacturer_data.get(defs.ADV_COMPANY_ID, b"")
    if data[:2] != defs.ADV_MAGIC.to_bytes(2, "little"):
        return None
    told = unpack(Advertisement, data, exact=False)
    good = told.side <= Side.RIGHT and told.state <= defs.State.FAULT
    if not good or (told.battery_pct not in PERCENT and told.battery_pct != BATTERY_UNKNOWN):
        raise ProtocolError(KEY, "advertisement with impossible values")
    return told


def foot_of(side: int) -> Foot | None:
    """Translate a pod's side; ``None`` if it was never set.

    Examples
    --------
    >>> foot_of(Side.RIGHT).label, foot_of(Side.UNSET)
    ('right', None)
    """
    return {Side.LEFT: Foot.LEFT, Side.RIGHT: Foot.RIGHT}.get(Side(side))


def side_of(foot: Foot) -> Side:
    """Translate a foot to a pod's side."""
    return Side.LEFT if foot is Foot.LEFT else Side.RIGHT


def pod_info(info: Info, foot: Foot, *, maker: str = "", firmware: str = "") -> PodInfo:
    """Describe the pod for the core: what a count means, where it clips.

    Examples
    --------
    >>> told = Info(1, 0, 1, 0, 416, 52, 1660, 16, 20, 2000, 3, 488000, 70000000, 8192, 0xABCD, 1)
    >>> pod = pod_info(told, Foot.LEFT)
    >>> round(pod.accel_lsb_mps2 * 32768 / 9.80665, 2), pod.pod_id
    (15.99, '0000abcd')
    """
    accel_lsb = info.accel_lsb_ng * NANO * STANDARD_GRAVITY_MPS2
    gyro_lsb = info.gyro_lsb_ndps * NANO * DEGREE_RAD
    return PodInfo(
        foot,
        accel_lsb_mps2=accel_lsb,
        gyro_lsb_rads=gyro_lsb,
        rate_hz=float(info.rate_hz),
        pod_id=f"{info.pod_id:08x}",
        maker=maker,
        firmware=firmware,
    )
