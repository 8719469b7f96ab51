"""One definition, two codecs: Python and C say the same of every packet."""

import importlib.util
import json
import re
import subprocess
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from soleus.ingest.protocols import soleus_pod, soleus_pod_control, soleus_pod_defs
from soleus.ingest.protocols.block import ProtocolError

FIRMWARE = Path(__file__).resolve().parents[2] / "firmware_interfaces"
VECTORS = json.loads((FIRMWARE / "vectors" / "soleus_pod.json").read_text(encoding="utf-8"))
LAYOUTS = {re.sub(r"(?<!^)([A-Z])", r"_\1", layout.__name__).lower(): layout for layout in soleus_pod_defs.STRUCTS}
RANGES = {"B": (0, 2**8 - 1), "b": (-(2**7), 2**7 - 1), "H": (0, 2**16 - 1), "h": (-(2**15), 2**15 - 1)}
RANGES |= {"I": (0, 2**32 - 1), "Q": (0, 2**64 - 1)}


def generator():
    spec = importlib.util.spec_from_file_location("generate", FIRMWARE / "generate.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_generated_files_are_current():
    for path, text in generator().outputs().items():
        assert path.read_text(encoding="utf-8") == text, f"{path.name}: run python firmware_interfaces/generate.py"


def test_the_document_shows_every_layout_and_enumeration():
    module = generator()
    text = (FIRMWARE / "POD_SERVICE.md").read_text(encoding="utf-8")
    definition = module.tomllib.loads(module.DEFINITION.read_text(encoding="utf-8"))
    missing = [part for part in module.document_parts(definition) if f"<!-- begin {part} -->" not in text]
    assert not missing


def test_everything_fits_the_smallest_mtu_where_it_must():
    for name, layout in LAYOUTS.items():
        size = soleus_pod_defs.STRUCTS[layout].size
        if name.startswith(("command", "reply", "sync", "status", "imu_compact")):
            assert size <= soleus_pod_defs.CONTROL_SIZE_MAX, name
    largest = soleus_pod_defs.IMU_HEADER_STRUCT.size + soleus_pod_defs.SAMPLES_MAX * soleus_pod_defs.SAMPLE_SIZE
    assert largest <= soleus_pod_defs.MTU_MAX - soleus_pod_defs.ATT_HEADER_SIZE < largest + soleus_pod_defs.SAMPLE_SIZE


@pytest.mark.parametrize("source", ["c/soleus_pod.c", "c/soleus_ring.c", "zephyr/src/pod_app.c"])
def test_c_sources_have_no_hidden_conversion(compiler, source):
    flags = ["-std=c99", "-Wall", "-Wextra", "-Werror", "-pedantic", "-Wconversion", "-Wshadow", "-fsyntax-only"]
    built = subprocess.run(
        [compiler, *flags, "-I", FIRMWARE / "c", FIRMWARE / source], capture_output=True, text=True, check=False
    )
    assert built.returncode == 0, built.stderr


@pytest.mark.parametrize("vector", VECTORS["layouts"], ids=lambda v: v["layout"])
def test_layout_vectors(pod, vector):
    layout = LAYOUTS[vector["layout"]]
    message = layout(**vector["fields"])
    assert soleus_pod.pack(message).hex() == vector["hex"]
    assert pod("L", vector["layout"], *message) == vector["hex"]
    assert pod.numbers("U", vector["layout"], vector["hex"]) == list(message)


def hexadecimal(data):
    return data.hex() or "-"


def c_packet(pod, data):
    """What the C codec reads: None if it refuses."""
    answer = pod("Q", hexadecimal(data)).split()
    return None if answer[0] == "error" else [int(word) for word in answer[1:]]


def python_packet(data):
    try:
        block = soleus_pod.decode_imu(data)
    except ProtocolError:
        return None
    compact = bool(data[0] & soleus_pod_defs.FLAG_COMPACT)
    head = [int(compact), data[0], len(block), block.sequence or 0, block.first_index, block.device_time]
    return head + block.counts.T.ravel().tolist()


@pytest.mark.parametrize("vector", VECTORS["packets"], ids=lambda v: v["note"])
def test_packet_vectors(pod, vector):
    counts = np.array(vector["samples"], np.int16).reshape(-1, 6).T
    samples = hexadecimal(counts.T.astype("<i2").tobytes())
    fields = (vector["flags"], counts.shape[1], vector["sequence"], vector["first_index"], vector["first_time_us"])
    if vector["compact"]:
        data = soleus_pod.encode_compact(
            counts, index=vector["first_index"], time_us=vector["first_time_us"], flags=vector["flags"]
        )
    else:
        data = soleus_pod.encode_imu(
            counts,
            first_index=vector["first_index"],
            first_time_us=vector["first_time_us"],
            sequence=vector["sequence"],
            flags=vector["flags"],
        )
    assert data.hex() == vector["hex"]
    assert pod("K" if vector["compact"] else "P", *fields, samples) == vector["hex"]
    read = python_packet(data)
    assert read == c_packet(pod, data)
    assert read[6:] == np.array(vector["samples"]).ravel().tolist()


@pytest.mark.parametrize("vector", VECTORS["refused_packets"], ids=lambda v: v["note"])
def test_refused_packets(pod, vector):
    data = bytes.fromhex(vector["hex"])
    assert c_packet(pod, data) is None
    with pytest.raises(ProtocolError, match="soleus"):
        soleus_pod.decode_imu(data)


@pytest.mark.parametrize("vector", VECTORS["refused_commands"], ids=lambda v: v["note"])
def test_refused_commands(pod, vector):
    data = bytes.fromhex(vector["hex"])
    assert pod.numbers("C", "command", hexadecimal(data)) != [0]
    with pytest.raises(ProtocolError):
        soleus_pod_control.decode_command(data)


@st.composite
def messages(draw):
    name = draw(st.sampled_from(sorted(LAYOUTS)))
    code = soleus_pod_defs.STRUCTS[LAYOUTS[name]].format[1:]
    return name, LAYOUTS[name](*(draw(st.integers(*RANGES[letter])) for letter in code))


@settings(max_examples=400, deadline=None)
@given(messages())
def test_any_layout_both_ways(pod, named):
    name, message = named
    data = soleus_pod.pack(message)
    assert pod("L", name, *message) == data.hex()
    assert pod.numbers("U", name, data.hex()) == list(message)


@st.composite
def near_packets(draw):
    """Packets, mostly well formed, some bent."""
    n = draw(st.integers(0, 20))
    flags = draw(st.sampled_from([0, 1, 2, 4, 0x18, 0x80, 0x81, 0x20, 0x40]))
    head = bytes([flags, draw(st.sampled_from([n, n, n, 0, 255]))]) + draw(st.binary(min_size=10, max_size=10))
    body = draw(st.binary(min_size=12 * n, max_size=12 * n + draw(st.sampled_from([0, 0, 0, 1]))))
    return (head + body)[: draw(st.sampled_from([300, 300, 300, 20, 12, 5]))]


@settings(max_examples=600, deadline=None)
@given(st.one_of(near_packets(), st.binary(max_size=260)))
def test_both_codecs_accept_and_refuse_the_same_packets(pod, data):
    assert python_packet(data) == c_packet(pod, data)


def accepted(decode, data):
    try:
        decode(data)
    except ProtocolError:
        return False
    return True


@settings(max_examples=500, deadline=None)
@given(st.data())
def test_both_codecs_accept_and_refuse_the_same_commands(pod, data):
    opcode = data.draw(st.integers(0, 12))
    layout = soleus_pod_control.COMMANDS.get(opcode)
    size = soleus_pod_defs.STRUCTS[layout].size - 1 if layout else 3
    small = st.lists(st.sampled_from([0, 0, 1, 2, 6, 16, 200, 255]), min_size=size, max_size=size).map(bytes)
    command = bytes([opcode]) + data.draw(st.one_of(small, st.binary(max_size=10)))
    assert accepted(soleus_pod_control.decode_command, command) == (pod.numbers("C", "command", command.hex()) == [0])


@settings(max_examples=500, deadline=None)
@given(st.sampled_from(["info", "status"]), st.data())
def test_both_codecs_accept_and_refuse_the_same_values(pod, name, data):
    good = next(bytes.fromhex(v["hex"]) for v in VECTORS["layouts"] if v["layout"] == name)
    bent = bytearray(good)
    for at, value in data.draw(st.lists(st.tuples(st.integers(0, len(good) - 1), st.integers(0, 255)), max_size=2)):
        bent[at] = value
    decode = soleus_pod.decode_info if name == "info" else soleus_pod.decode_status
    assert accepted(decode, bytes(bent)) == (pod.numbers("C", name, bent.hex()) == [0])


def test_later_versions_may_append_to_info_and_status():
    info = next(bytes.fromhex(v["hex"]) for v in VECTORS["layouts"] if v["layout"] == "info")
    assert soleus_pod.decode_info(info + b"\1\2") == soleus_pod.decode_info(info)
    with pytest.raises(ProtocolError, match="version 2"):
        soleus_pod.decode_info(b"\2" + info[1:])
