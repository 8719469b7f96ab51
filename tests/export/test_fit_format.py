import math
import struct

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from soleus.report.export.fit_format import (
    FLOAT32,
    SINT16,
    STRING,
    UINT8,
    UINT16,
    UINT32,
    Field,
    Message,
    checksum,
    fit_file,
    pack,
)

KIND = Message(
    20,
    (Field(253, "timestamp", UINT32), Field(41, "stance_time", UINT16, 10.0), Field(9, "grade", SINT16, 100.0)),
    (Field(0, "own", FLOAT32, unit="cm"),),
)


def slow_checksum(data: bytes) -> int:
    """Bit by bit, as the polynomial is defined."""
    crc = 0
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ 0xA001 if crc & 1 else crc >> 1
    return crc


@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=5000))
def test_the_checksum_is_that_of_the_polynomial(data):
    assert checksum(data) == slow_checksum(data)


def test_the_checksum_holds_for_parts_of_every_length():
    data = np.random.default_rng(1).integers(0, 256, 9000, np.uint8).tobytes()
    for size in (0, 1, 2047, 2048, 2049, 4095, 4096, 4097, 8999):
        assert checksum(data[:size]) == slow_checksum(data[:size])


def test_a_file_checks_out_as_a_whole():
    """A checksum over data and its own checksum is zero."""
    assert checksum(fit_file(b"\x40\x00")) == 0


@settings(max_examples=100, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.floats(0, 2**32 - 2), st.floats(-10, 7000) | st.just(float("nan")), st.floats(-400, 400),
            st.floats(width=32, allow_nan=False, allow_infinity=False) | st.just(float("nan")),
        ),
        min_size=1,
        max_size=20,
    )
)  # fmt: skip
def test_rows_are_what_struct_would_pack(rows):
    times, stance, grade, own = (np.array(column) for column in zip(*rows, strict=True))
    packed = pack(KIND, 5, {"timestamp": times, "stance_time": stance, "grade": grade, "own": own})
    expected = b""
    beyond = 0
    for t, s, g, o in rows:
        stance_raw = round(s * 10) if not math.isnan(s) else 0xFFFF
        if not 0 <= stance_raw < 0xFFFF:
            stance_raw, beyond = 0xFFFF, beyond + (not math.isnan(s))
        grade_raw = round(g * 100)
        if not -0x8000 <= grade_raw < 0x7FFF:
            grade_raw = 0x7FFF
        expected += struct.pack("<BIHh", 5, round(t), stance_raw, grade_raw)
        expected += struct.pack("<f", o) if not math.isnan(o) else b"\xff\xff\xff\xff"
    assert packed.rows.tobytes() == expected
    assert packed.beyond.get("stance_time", 0) == beyond


def test_what_does_not_fit_is_missing_and_counted():
    packed = pack(KIND, 0, {"timestamp": [1, 2, 3], "stance_time": [6553.4, 6553.5, np.inf], "grade": [327.66, 400, 0]})
    assert packed.rows["stance_time"].tolist() == [65534, 65535, 65535]
    assert packed.beyond == {"stance_time": 1, "grade": 1}


def test_texts_end_with_a_zero_and_are_cut_between_characters():
    kind = Message(0, (Field(8, "product_name", STRING),))
    packed = pack(kind, 0, {"product_name": ["run", "läufer"]})
    assert packed.rows.tobytes() == b"\0run\0\0\0\0\0" + b"\0" + "läufer".encode() + b"\0"
    long = pack(kind, 0, {"product_name": "ä" * 300})
    assert long.rows["product_name"][0].decode() == "ä" * 127
    assert len(long.rows.tobytes()) == 256


def test_an_unknown_field_is_a_mistake():
    with pytest.raises(KeyError, match="speed"):
        pack(KIND, 0, {"speed": 3.0})


def test_one_byte_fields_keep_255_for_missing():
    packed = pack(Message(20, (Field(3, "heart_rate", UINT8),)), 0, {"heart_rate": [0, 254, 255, 256, np.nan]})
    assert packed.rows["heart_rate"].tolist() == [0, 254, 255, 255, 255]
