"""Third-party packets from their makers' own tests and tools."""

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from soleus.ingest import heart_rate, treadmill
from soleus.ingest.protocols import capture2go, metamotion, movesense, polar, thingy52
from soleus.ingest.protocols.block import (
    DEGREE_RAD,
    STANDARD_GRAVITY_MPS2,
    BlockFlag,
    ProtocolError,
    SampleBlock,
    Stream,
)

VECTORS = Path(__file__).resolve().parents[2] / "firmware_interfaces" / "vectors"


def vectors(name):
    return json.loads((VECTORS / f"{name}.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("vector", vectors("polar")["frames"], ids=lambda v: v["note"])
def test_polar(vector):
    block = polar.decode_frame(
        bytes.fromhex(vector["hex"]), polar.StreamSettings(vector["rate_hz"], vector["full_scale"], vector["factor"])
    )
    assert (block.stream, len(block), block.device_time) == (vector["stream"], vector["n"], vector["device_time"])
    assert block.time_index == len(block) - 1
    if "first_counts" in vector:
        assert block.counts[:, :2].T.tolist() == vector["first_counts"]
    else:
        first = np.array(vector["first_values"])
        values = block.counts[:, : len(first)].T * block.gyro_lsb_rads / DEGREE_RAD
        np.testing.assert_allclose(values, first, atol=0.031)
        assert block.flags & BlockFlag.REQUANTISED


def test_polar_commands():
    start = vectors("polar")["start"]
    assert polar.encode_start(polar.Measurement.ACCEL, rate_hz=208, full_scale=16).hex() == start["accel_208hz_16g"]
    assert polar.encode_start(polar.Measurement.GYRO, rate_hz=208, full_scale=2000).hex() == start["gyro_208hz_2000dps"]
    assert polar.encode_sdk_mode(on=True).hex() == start["sdk_mode"]


int16 = st.integers(-(2**15), 2**15 - 1)


@settings(deadline=None)
@given(st.lists(st.tuples(int16, int16, int16), min_size=1, max_size=70), st.integers(1, 64))
def test_polar_round_trip(samples, block_samples):
    counts = np.array(samples, np.int16).T
    frame = polar.encode_frame(polar.Measurement.ACCEL, counts, time_ns=7, block_samples=block_samples)
    if len(frame) <= 512:
        assert (polar.decode_frame(frame, polar.StreamSettings(208, 16)).counts == counts).all()


@pytest.mark.parametrize("vector", vectors("movesense")["packets"], ids=lambda v: str(v["rate_hz"]))
def test_movesense(vector):
    block = movesense.decode_imu6(bytes.fromhex(vector["hex"]))
    assert block.device_time == vector["device_time"]
    assert not block.flags & BlockFlag.REQUANTISED, "a recorded packet holds whole counts"
    np.testing.assert_allclose(block.counts[:3].T * block.accel_lsb_mps2, vector["accel_mps2"], rtol=1e-5)
    np.testing.assert_allclose(block.counts[3:].T * block.gyro_lsb_rads / DEGREE_RAD, vector["gyro_dps"], rtol=1e-5)


def test_movesense_in_two_parts():
    counts = np.arange(96, dtype=np.int16).reshape(6, 16)
    body = movesense.encode_imu6(counts, time_ms=99)
    decoder = movesense.MovesenseDecoder(reference=5, rate_hz=208)
    assert decoder.push(b"\x02\x05" + body[:240]) is None
    block = decoder.push(b"\x03\x05" + body[240:])
    assert (block.counts == counts).all()
    assert decoder.push(b"\x02\x05" + body[:240]) is None
    assert decoder.push(b"\x02\x05" + body[:240]) is None
    assert decoder.incomplete == 1
    with pytest.raises(ProtocolError, match="not ours"):
        decoder.push(b"\x02\x06" + body)
    assert len(decoder.push(b"\x03\x05" + body[240:])) == 16
    with pytest.raises(ProtocolError, match="without its first"):
        decoder.push(b"\x03\x05" + body[240:])
    subscribe = vectors("movesense")["subscribe"]
    assert movesense.encode_subscribe(subscribe["reference"], subscribe["rate_hz"]).hex() == subscribe["hex"]


def test_capture2go():
    told = vectors("capture2go")
    for vector in told["frames"]:
        frame = bytes.fromhex(vector["hex"])
        [block] = capture2go.Capture2GoDecoder().push(b"\xff" + frame)
        assert block.device_time == vector["device_time"]
        assert block.counts[3:].T.ravel().tolist() == vector["gyro_counts"]
        assert block.counts[:3].T.ravel().tolist() == vector["accel_counts"]
    exchange = capture2go.ClockRoundtrip(told["roundtrip"]["host_sent_ns"], 0, 0, 0)
    assert capture2go.encode_roundtrip(exchange).hex() == told["roundtrip"]["hex"]
    assert capture2go.Capture2GoDecoder().push(b"\xfe" + bytes.fromhex(told["roundtrip"]["hex"])) == [exchange]
    assert capture2go.encode_streaming(on=True).hex() == told["start_streaming"]
    assert capture2go.encode_streaming(on=False).hex() == told["stop_streaming"]
    assert capture2go.encode_set_mode(200).hex() == told["set_mode_200hz"]


def test_capture2go_finds_its_way_after_a_lost_notification():
    frames = [capture2go.encode_samples(np.full((6, 8), i, np.int16), time_ns=i) for i in range(40)]
    stream = b"".join(frames)
    pieces = [stream[at : at + 200] for at in range(0, len(stream), 200)]
    del pieces[7]
    decoder = capture2go.Capture2GoDecoder()
    got = [p.device_time for piece in pieces for p in decoder.push(b"\xff" + piece)]
    lost = set(range(40)) - set(got)
    assert got == sorted(set(got))
    assert len(lost) in {2, 3}
    assert len(lost) * len(frames[0]) == decoder.skipped_bytes + 200


@pytest.mark.parametrize("vector", vectors("metamotion")["packets"], ids=lambda v: v["hex"][:4])
def test_metamotion(vector):
    block = metamotion.decode(
        bytes.fromhex(vector["hex"]), accel_range_g=vector["accel_range_g"], gyro_range_dps=vector["gyro_range_dps"]
    )
    assert block.device_time is None
    assert block.flags & BlockFlag.LOSS_BLIND
    if block.stream is Stream.ACCEL:
        values, wanted = block.counts.T * block.accel_lsb_mps2 / STANDARD_GRAVITY_MPS2, vector["accel_g"]
    else:
        values, wanted = block.counts.T * block.gyro_lsb_rads / DEGREE_RAD, vector["gyro_dps"]
    np.testing.assert_allclose(values, wanted, atol=6e-4)


@pytest.mark.parametrize("sensor", list(metamotion.Sensor))
def test_metamotion_is_started_as_its_makers_library_does(sensor):
    commands = metamotion.encode_start(sensor, accel_range_g=16, gyro_range_dps=2000)
    assert [command.hex() for command in commands] == vectors("metamotion")["start"][sensor.name.lower()]
    stops = [command.hex() for command in metamotion.encode_stop(sensor)]
    assert len(stops) == len(set(stops)) == 6
    with pytest.raises(ProtocolError, match="no range of 3 g"):
        metamotion.encode_start(sensor, accel_range_g=3, gyro_range_dps=2000)


@pytest.mark.parametrize(("told", "sensor"), [("13800001", 0), ("13800100", 1), ("0380", None), ("", None)])
def test_metamotion_says_which_sensor_it_has(told, sensor):
    assert metamotion.decode_sensor(bytes.fromhex(told)) == sensor


def test_thingy52():
    told = vectors("thingy52")
    for vector in told["packets"]:
        block = thingy52.decode(bytes.fromhex(vector["hex"]))
        accel = block.counts[:3, 0] * block.accel_lsb_mps2 / STANDARD_GRAVITY_MPS2
        gyro = block.counts[3:, 0] * block.gyro_lsb_rads / DEGREE_RAD
        np.testing.assert_allclose(accel, vector["accel_g"])
        np.testing.assert_allclose(gyro, vector["gyro_dps"])
    assert thingy52.encode_config(200).hex() == told["config_200hz"]


@pytest.mark.parametrize("vector", vectors("treadmill")["packets"], ids=lambda v: v["hex"])
def test_treadmill(vector):
    reading, more = treadmill.decode_packet(bytes.fromhex(vector["hex"]))
    assert more == vector["more"]
    for name in ("speed", "average_speed"):
        speed = getattr(reading, f"{name}_mps")
        wanted = vector.get(f"{name}_kmh")
        assert (speed is None) == (wanted is None)
        assert speed is None or speed * 3.6 == pytest.approx(wanted)
    for name in ("grade", "heart_rate_bpm", "distance_m", "energy_kcal", "elapsed_s"):
        assert getattr(reading, name) == vector.get(name)
    assert reading.vendor_bytes == vector.get("vendor_bytes", 0)


@pytest.mark.parametrize("vector", vectors("heart_rate")["measurements"], ids=lambda v: v["hex"])
def test_heart_rate(vector):
    reading = heart_rate.decode_measurement(bytes.fromhex(vector["hex"]))
    assert (reading.rate_bpm, reading.contact) == (vector["rate_bpm"], vector["contact"])
    assert list(reading.intervals_s) == vector["intervals_s"]
    assert reading.energy_kj == vector.get("energy_kj")


def test_a_treadmill_record_in_two_packets():
    decoder = treadmill.TreadmillDecoder()
    assert decoder.push(treadmill.encode_packet(speed_mps=None, grade=0.02, distance_m=500)) is None
    record = decoder.push(treadmill.encode_packet(speed_mps=3.0, elapsed_s=60))
    assert (record.grade, record.distance_m, record.elapsed_s) == (0.02, 500, 60)
    assert record.speed_mps == pytest.approx(3.0, abs=1e-3)
    alone = decoder.push(treadmill.encode_packet(speed_mps=3.1))
    assert alone.grade is None, "nothing of the last record is carried over"


def test_a_record_that_never_ends_is_given_up_and_counted():
    decoder = treadmill.TreadmillDecoder()
    for _ in range(5):
        assert decoder.push(treadmill.encode_packet(speed_mps=None, grade=0.02)) is None
    assert decoder.abandoned_parts == 4
    with pytest.raises(ProtocolError, match="shorter"):
        decoder.push(b"\x00\x00\x01")
    assert decoder.abandoned_parts == 5


def test_pace_of_unknown_width_costs_only_what_follows():
    # One pace field, heart rate, and three bytes of a reserved flag: the pace may have one byte or two.
    reading, _ = treadmill.decode_packet(bytes.fromhex("2021 e803 3c 00 9b 010203".replace(" ", "")))
    assert reading.pace_unsure
    assert reading.speed_mps * 3.6 == pytest.approx(10)
    assert reading.heart_rate_bpm is None


@pytest.mark.parametrize("data", ["0000e0ff", "080000000010ff7f", "", "00", "0000e8"])
def test_impossible_treadmill_packets(data):
    with pytest.raises(ProtocolError, match="treadmill"):
        treadmill.decode_packet(bytes.fromhex(data))


@pytest.mark.parametrize("data", ["", "00", "01e8", "01e803", "2048", "1048ff", "004b0002", "0848"])
def test_impossible_heart_rates(data):
    with pytest.raises(ProtocolError):
        heart_rate.decode_measurement(bytes.fromhex(data))


def test_battery_and_device_information():
    assert heart_rate.decode_battery_level(b"\x64") == 100
    for data in (b"", b"\x65", b"\x01\x02"):
        with pytest.raises(ProtocolError):
            heart_rate.decode_battery_level(data)
    assert heart_rate.decode_text("Šport\x1b[31m\0".encode()) == "Šport[31m"
    with pytest.raises(ProtocolError):
        heart_rate.decode_text(b"\xff\xfe")


def test_sample_block_counts_on():
    block = SampleBlock(Stream.IMU, np.zeros((6, 4), np.int16), 0, first_index=2**24 - 2, index_modulus=2**24)
    assert block.next_index == 2
