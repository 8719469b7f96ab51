"""Whatever comes over the air: a decoder returns sane samples or raises its own error, nothing else."""

import json
import struct
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from soleus.ingest import heart_rate, treadmill
from soleus.ingest.protocols import capture2go, metamotion, movesense, polar, soleus_pod, soleus_pod_control, thingy52
from soleus.ingest.protocols import soleus_pod_defs as defs
from soleus.ingest.protocols.block import ProtocolError, SampleBlock

PACKETS = 20_000
PACKETS_SLOW = 1_000_000
VECTORS = Path(__file__).resolve().parents[2] / "firmware_interfaces" / "vectors"
SAMPLES_MAX = 512
"""More than any packet of 512 bytes holds."""


def check_block(block):
    rows = {"imu": 6, "accel": 3, "gyro": 3}[block.stream]
    assert block.counts.dtype == np.int16
    assert block.counts.shape[0] == rows
    assert len(block) <= SAMPLES_MAX
    assert block.device_time is None or block.device_time >= 0
    assert len(block) == 0 or 0 <= block.time_index < len(block)
    assert block.first_index is None or 0 <= block.first_index < block.index_modulus
    for lsb in (block.accel_lsb_mps2, block.gyro_lsb_rads):
        assert lsb is None or (np.isfinite(lsb) and lsb > 0)


def check_nothing(_message):
    """The decoder itself refuses what is impossible."""


def check_info(info):
    assert info.rate_min_hz <= info.rate_hz <= info.rate_max_hz
    assert info.side in (0, 1, 2)


def check_reading(pair):
    reading, _more = pair
    assert reading.speed_mps is None or 0 <= reading.speed_mps <= treadmill.SPEED_MAX_MPS
    assert reading.grade is None or abs(reading.grade) <= treadmill.GRADE_MAX
    assert reading.heart_rate_bpm is None or reading.heart_rate_bpm > 0


def check_heart(reading):
    assert reading.rate_bpm is None or 0 < reading.rate_bpm <= heart_rate.RATE_MAX_BPM


def movesense_stream():
    return movesense.MovesenseDecoder(reference=5, rate_hz=104).push


def capture_stream():
    return capture2go.Capture2GoDecoder().push


def check_packages(packages):
    for package in packages:
        if isinstance(package, SampleBlock):
            check_block(package)


def check_optional(block):
    if block is not None:
        check_block(block)


def vector(name, *path):
    found = json.loads((VECTORS / f"{name}.json").read_text(encoding="utf-8"))
    for key in path:
        found = found[key]
    return bytes.fromhex(found)


def layout(number):
    return vector("soleus_pod", "layouts", number, "hex")


COUNTS = np.arange(48, dtype=np.int16).reshape(6, 8)
POLAR = polar.StreamSettings(208, 16, 2.44e-4)
DECODERS = {
    "soleus imu": (
        lambda: soleus_pod.decode_imu,
        check_block,
        [vector("soleus_pod", "packets", i, "hex") for i in range(6)],
    ),
    "soleus info": (lambda: soleus_pod.decode_info, check_info, [layout(0)]),
    "soleus status": (lambda: soleus_pod.decode_status, check_nothing, [layout(1)]),
    "soleus reply": (lambda: soleus_pod_control.decode_reply, check_nothing, [layout(i) for i in (16, 17, 18, 19)]),
    "soleus command": (lambda: soleus_pod_control.decode_command, check_nothing, [layout(i) for i in range(8, 16)]),
    "soleus sync": (lambda: soleus_pod_control.decode_sync_reply, check_nothing, [struct.pack("<BQQ", 1, 5, 9)]),
    "soleus advertisement": (
        lambda: lambda data: soleus_pod.decode_advertisement({defs.ADV_COMPANY_ID: data}),
        check_nothing,
        [layout(3)],
    ),
    "polar frame": (
        lambda: lambda data: polar.decode_frame(data, POLAR),
        check_block,
        [vector("polar", "frames", i, "hex") for i in range(5)],
    ),
    "polar response": (lambda: polar.decode_response, check_nothing, [bytes.fromhex("f00202000005018ee3733a")]),
    "movesense body": (lambda: movesense.decode_imu6, check_block, [vector("movesense", "packets", 0, "hex")]),
    "movesense": (movesense_stream, check_optional, [b"\2\5" + movesense.encode_imu6(COUNTS, time_ms=9)]),
    "capture2go": (
        capture_stream,
        check_packages,
        [b"\xff" + vector("capture2go", "frames", 0, "hex"), b"\xfe" + vector("capture2go", "roundtrip", "hex")],
    ),
    "metamotion": (
        lambda: metamotion.decode,
        check_block,
        [vector("metamotion", "packets", i, "hex") for i in range(5)],
    ),
    "metamotion sensor": (lambda: metamotion.decode_sensor, check_nothing, [bytes.fromhex("13800100")]),
    "thingy52": (lambda: thingy52.decode, check_block, [vector("thingy52", "packets", 0, "hex")]),
    "treadmill": (
        lambda: treadmill.decode_packet,
        check_reading,
        [vector("treadmill", "packets", i, "hex") for i in range(6)],
    ),
    "heart rate": (
        lambda: heart_rate.decode_measurement,
        check_heart,
        [vector("heart_rate", "measurements", i, "hex") for i in range(4)],
    ),
    "battery": (lambda: heart_rate.decode_battery_level, check_nothing, [b"\x40"]),
    "text": (lambda: heart_rate.decode_text, check_nothing, [b"Polar\0"]),
}


def packets(seed, examples, n):
    """Bent vectors and noise, drawn by the block."""
    rng = np.random.default_rng(seed)
    kinds, picks = rng.integers(0, 4, n), rng.integers(0, len(examples), n)
    sizes = rng.integers(0, 260, n)
    noise = rng.integers(0, 256, n + 600, dtype=np.uint8)
    for i in range(n):
        if kinds[i] == 0:
            yield noise[i : i + sizes[i]].tobytes()
            continue
        bent = bytearray(examples[picks[i]])
        for k in range(1 + sizes[i] % 3):
            bent[int(noise[i + k]) * 7 % len(bent)] = noise[i + 3 + k]
        if kinds[i] == 1:
            del bent[int(noise[i + 9]) % len(bent) :]
        elif kinds[i] == 2:
            bent += noise[i : i + sizes[i] % 30].tobytes()
        yield bytes(bent)


def fuzz(name, n, seed=1):
    make, check, examples = DECODERS[name]
    decode, accepted = make(), 0
    for data in packets(seed, examples, n):
        try:
            result = decode(data)
        except ProtocolError:
            continue
        check(result)
        accepted += 1
    return accepted


@pytest.mark.parametrize("name", DECODERS)
def test_fuzz(name):
    accepted = fuzz(name, PACKETS // len(DECODERS))
    assert 0 < accepted < PACKETS // len(DECODERS), "the fuzz must reach both sides of the fence"


@pytest.mark.slow
@pytest.mark.parametrize("name", DECODERS)
def test_fuzz_a_million(name):
    assert fuzz(name, PACKETS_SLOW, seed=2) > 0


@pytest.mark.parametrize("name", DECODERS)
def test_the_vectors_themselves_are_accepted(name):
    make, check, examples = DECODERS[name]
    decode = make()
    for data in examples:
        check(decode(data))


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(sorted(DECODERS)), st.lists(st.binary(max_size=520), max_size=4))
def test_any_bytes(name, stream):
    make, check, _ = DECODERS[name]
    decode = make()
    for data in stream:
        try:
            result = decode(data)
        except ProtocolError:
            continue
        check(result)


def test_memory_stays_bounded():
    """A damaged stream never makes a decoder keep more than one frame."""
    decoder = capture2go.Capture2GoDecoder()
    for data in packets(3, [b"\xff\x02\x00\x00\x00\x00\xec\x31\x02"], 2000):
        try:
            decoder.push(data)
        except ProtocolError:
            continue
        assert len(decoder._buffer) <= 244
