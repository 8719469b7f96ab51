#!/usr/bin/env python3
"""Write the Python constants, the C header and the tables of POD_SERVICE.md from pod_service.toml.

Run ``python firmware_interfaces/generate.py`` after a change of the definition; with ``--check`` nothing is written
and the exit status tells whether the files are current.
"""

from __future__ import annotations

import re
import sys
import tomllib
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
DEFINITION = HERE / "pod_service.toml"
PYTHON_FILE = HERE.parent / "src" / "soleus" / "ingest" / "protocols" / "soleus_pod_defs.py"
C_FILE = HERE / "c" / "soleus_pod_defs.h"
DOCUMENT = HERE / "POD_SERVICE.md"

SIZES = {"u8": 1, "i8": 1, "u16": 2, "i16": 2, "u32": 4, "u64": 8}
STRUCT_CODES = {"u8": "B", "i8": "b", "u16": "H", "i16": "h", "u32": "I", "u64": "Q"}
C_TYPES = {
    "u8": "uint8_t",
    "i8": "int8_t",
    "u16": "uint16_t",
    "i16": "int16_t",
    "u32": "uint32_t",
    "u64": "uint64_t",
}
NOT_FIELDS = {"meaning"}

# Air time of LE data packets, Bluetooth Core 5.4 Vol 6 Part B 2.1 and 4.1: preamble + access address 4 + header 2
# + payload + CRC 3, then the inter-frame space, an empty acknowledgement and again the inter-frame space.
INTER_FRAME_SPACE_US = 150
LL_OVERHEAD_B = {"1M": 10, "2M": 11}
US_PER_BYTE = {"1M": 8, "2M": 4}
L2CAP_AND_ATT_B = 7
LL_PAYLOAD_SHORT_B = 27
LL_PAYLOAD_LONG_B = 251
TABLE_RATE_HZ = 400
TABLE_ROWS = ((23, 1), (65, 4), (185, 14), (247, 8), (247, 10), (247, 19))

Definition = dict[str, Any]


def layout_size(layout: Definition) -> int:
    """Size of a layout in bytes."""
    return sum(SIZES[field[1]] for field in layout["fields"])


def uuid_of(definition: Definition, short: int) -> str:
    """128-bit UUID with ``short`` in its second pair of bytes."""
    base = definition["service"]["base_uuid"]
    return f"{base[:4]}{short:04x}{base[8:]}"


def class_name(layout: str) -> str:
    """``imu_header`` -> ``ImuHeader``."""
    return "".join(part.capitalize() for part in layout.split("_"))


def number(name: str, value: int) -> str:
    """Write bit masks and magic numbers in hexadecimal, as the documents do."""
    return f"0x{value:02X}" if value > 0 and name.startswith(("FLAG", "FEATURE", "ADV_", "REPLY")) else str(value)


def enumerations(definition: Definition) -> list[tuple[str, str, list[tuple[str, int, str]]]]:
    """Name, meaning and members of each enumeration."""
    return [
        (name, enum["meaning"], [(member, *entry) for member, entry in enum.items() if member not in NOT_FIELDS])
        for name, enum in definition["enums"].items()
    ]


def python_module(definition: Definition) -> str:
    """Text of the Python constants module."""
    protocol = definition["protocol"]
    lines = [
        '"""Constants and layouts of the Soleus pod service. Generated from firmware_interfaces/pod_service.toml.',
        "",
        "Do not edit: change the definition and run ``python firmware_interfaces/generate.py``.",
        '"""',
        "",
        "from __future__ import annotations",
        "",
        "import struct",
        "from enum import IntEnum",
        "from typing import Final, NamedTuple",
        "",
        f"VERSION_MAJOR: Final = {protocol['version_major']}",
        f"VERSION_MINOR: Final = {protocol['version_minor']}",
        "",
        f'SERVICE_UUID: Final = "{uuid_of(definition, definition["service"]["short"])}"',
    ]
    for characteristic in definition["characteristic"]:
        lines.append(f'{characteristic["name"].upper()}_UUID: Final = "{uuid_of(definition, characteristic["short"])}"')
        lines.append(f'"""{characteristic["meaning"]}."""')
    lines.append("")
    for name, (value, unit, meaning) in definition["constants"].items():
        lines += [f"{name}: Final = {number(name, value)}", f'"""{meaning} [{unit}]."""']
    for name, (value, unit, meaning) in definition["connection"].items():
        lines += [f"CONNECTION_{name.upper()}: Final = {value}", f'"""{meaning} [{unit}]."""']
    for name, meaning, members in enumerations(definition):
        lines += ["", "", f"class {class_name(name)}(IntEnum):", f'    """{meaning}."""', ""]
        for member, value, member_meaning in members:
            lines += [f"    {member} = {value}", f'    """{member_meaning}."""']
    for name, layout in definition["layout"].items():
        lines += ["", "", f"class {class_name(name)}(NamedTuple):", f'    """{layout["meaning"]}."""', ""]
        for field, _kind, unit, meaning in layout["fields"]:
            lines += [f"    {field}: int", f'    """{meaning} [{unit}]."""']
    lines += ["", ""]
    for name, layout in definition["layout"].items():
        code = "".join(STRUCT_CODES[field[1]] for field in layout["fields"])
        lines.append(f'{name.upper()}_STRUCT: Final = struct.Struct("<{code}")')
    lines += ["", "STRUCTS: Final[dict[type[tuple[int, ...]], struct.Struct]] = {"]
    lines += [f"    {class_name(name)}: {name.upper()}_STRUCT," for name in definition["layout"]]
    lines += ["}", '"""Wire format of each layout."""']
    return "\n".join(lines) + "\n"


def c_header(definition: Definition) -> str:
    """Text of the C header: constants, structures, pack and unpack of every fixed layout."""
    protocol = definition["protocol"]
    lines = [
        "/* Constants and layouts of the Soleus pod service. Generated from pod_service.toml: do not edit,",
        " * change the definition and run `python firmware_interfaces/generate.py`.",
        " * C99, no dependencies, no allocation; all layouts are little-endian and unaligned. */",
        "#ifndef SOLEUS_POD_DEFS_H",
        "#define SOLEUS_POD_DEFS_H",
        "",
        "#include <stddef.h>",
        "#include <stdint.h>",
        "",
        f"#define SOLEUS_VERSION_MAJOR {protocol['version_major']}u",
        f"#define SOLEUS_VERSION_MINOR {protocol['version_minor']}u",
        "",
        "/* UUIDs as text and as the 16 bytes of an advertisement (least significant first). */",
    ]
    attributes = [("service", definition["service"]["short"])]
    attributes += [(c["name"], c["short"]) for c in definition["characteristic"]]
    for name, short in attributes:
        uuid = uuid_of(definition, short)
        octets = ", ".join(f"0x{octet:02x}" for octet in reversed(bytes.fromhex(uuid.replace("-", ""))))
        lines += [
            f'#define SOLEUS_{name.upper()}_UUID "{uuid}"',
            f"#define SOLEUS_{name.upper()}_UUID_BYTES {octets}",
        ]
    lines.append("")
    for prefix, table in (("", definition["constants"]), ("CONNECTION_", definition["connection"])):
        for name, (value, unit, meaning) in table.items():
            literal = f"{number(name, value)}u" if value >= 0 else f"({value})"
            lines.append(f"#define SOLEUS_{prefix}{name.upper()} {literal} /* [{unit}] {meaning} */")
    for name, meaning, members in enumerations(definition):
        lines += ["", f"/* {meaning}. */", f"enum soleus_{name} {{"]
        lines += [f"    SOLEUS_{name.upper()}_{m} = {value}, /* {text} */" for m, value, text in members]
        lines.append("};")
    lines += ["", *C_PRIMITIVES]
    for name, layout in definition["layout"].items():
        lines += c_layout(name, layout)
    lines += ["", "/* Field lists, for tables and tests: X(type, name). */"]
    for name, layout in definition["layout"].items():
        fields = " ".join(f"X({kind}, {field})" for field, kind, _unit, _meaning in layout["fields"])
        lines.append(f"#define SOLEUS_{name.upper()}_FIELDS(X) {fields}")
    names = " ".join(f"L({name}, {name.upper()})" for name in definition["layout"])
    lines += [f"#define SOLEUS_LAYOUTS(L) {names}", "", "#endif"]
    return "\n".join(lines) + "\n"


def c_layout(name: str, layout: Definition) -> list[str]:
    """Structure, size, pack and unpack of one layout."""
    lines = ["", f"/* {layout['meaning']}. */", f"#define SOLEUS_{name.upper()}_SIZE {layout_size(layout)}u"]
    lines.append(f"struct soleus_{name} {{")
    lines += [f"    {C_TYPES[kind]} {field}; /* [{unit}] {text} */" for field, kind, unit, text in layout["fields"]]
    lines += ["};", f"static inline void soleus_{name}_pack(const struct soleus_{name} *v, uint8_t *out)", "{"]
    offset = 0
    for field, kind, _unit, _meaning in layout["fields"]:
        lines.append(f"    soleus_put_u{8 * SIZES[kind]}(out + {offset}, (uint{8 * SIZES[kind]}_t)v->{field});")
        offset += SIZES[kind]
    lines += ["}", f"static inline void soleus_{name}_unpack(const uint8_t *in, struct soleus_{name} *v)", "{"]
    offset = 0
    for field, kind, _unit, _meaning in layout["fields"]:
        read = f"soleus_get_u{8 * SIZES[kind]}(in + {offset})"
        signed = {"i8": "soleus_signed8", "i16": "soleus_signed16"}.get(kind)
        lines.append(f"    v->{field} = {f'{signed}({read})' if signed else read};")
        offset += SIZES[kind]
    lines.append("}")
    return lines


C_PRIMITIVES = """\
static inline void soleus_put_u8(uint8_t *p, uint8_t v) { p[0] = v; }
static inline void soleus_put_u16(uint8_t *p, uint16_t v)
{
    p[0] = (uint8_t)(v & 0xFFu);
    p[1] = (uint8_t)(v >> 8);
}
static inline void soleus_put_u32(uint8_t *p, uint32_t v)
{
    soleus_put_u16(p, (uint16_t)(v & 0xFFFFu));
    soleus_put_u16(p + 2, (uint16_t)(v >> 16));
}
static inline void soleus_put_u64(uint8_t *p, uint64_t v)
{
    soleus_put_u32(p, (uint32_t)(v & 0xFFFFFFFFu));
    soleus_put_u32(p + 4, (uint32_t)(v >> 32));
}
static inline uint8_t soleus_get_u8(const uint8_t *p) { return p[0]; }
static inline uint16_t soleus_get_u16(const uint8_t *p)
{
    return (uint16_t)((uint16_t)p[0] | (uint16_t)((uint16_t)p[1] << 8));
}
static inline uint32_t soleus_get_u32(const uint8_t *p)
{
    return (uint32_t)soleus_get_u16(p) | ((uint32_t)soleus_get_u16(p + 2) << 16);
}
static inline uint64_t soleus_get_u64(const uint8_t *p)
{
    return (uint64_t)soleus_get_u32(p) | ((uint64_t)soleus_get_u32(p + 4) << 32);
}
/* Two's complement without relying on implementation-defined conversions. */
static inline int8_t soleus_signed8(uint8_t v) { return (int8_t)(v < 0x80u ? (int)v : (int)v - 0x100); }
static inline int16_t soleus_signed16(uint16_t v)
{
    return (int16_t)(v < 0x8000u ? (int32_t)v : (int32_t)v - 0x10000);
}""".splitlines()


def air_time_us(value_bytes: int, phy: str, ll_payload: int) -> float:
    """Air time of one notification, with acknowledgements and inter-frame spaces."""
    left, total = value_bytes + L2CAP_AND_ATT_B, 0.0
    while left > 0:
        part = min(left, ll_payload)
        total += (part + LL_OVERHEAD_B[phy]) * US_PER_BYTE[phy] + INTER_FRAME_SPACE_US
        total += LL_OVERHEAD_B[phy] * US_PER_BYTE[phy] + INTER_FRAME_SPACE_US
        left -= part
    return total


def throughput_table() -> list[str]:
    """Rows of the throughput table for two pods at the table's rate."""
    columns = ["value [B]", "notifications/s/pod", "kB/s/pod", "air 1M, 27 B", "air 1M, 251 B", "air 2M, 251 B"]
    columns = [f"2 pods at {TABLE_RATE_HZ} Hz", *columns, "age of the first sample"]
    lines = [f"| {' | '.join(columns)} |", "|---" * len(columns) + "|"]
    for mtu, n in TABLE_ROWS:
        value = 20 if n == 1 else 12 + 12 * n
        rate = TABLE_RATE_HZ / n
        shares = [
            2 * rate * air_time_us(value, phy, payload) / 1e4
            for phy, payload in (("1M", LL_PAYLOAD_SHORT_B), ("1M", LL_PAYLOAD_LONG_B), ("2M", LL_PAYLOAD_LONG_B))
        ]
        lines.append(
            f"| MTU {mtu}, n = {n} | {value} | {rate:.1f} | {rate * value / 1000:.2f} | "
            + " | ".join(f"{share:.1f} %" for share in shares)
            + f" | {1000 * n / TABLE_RATE_HZ:.1f} ms |"
        )
    return lines


def document_parts(definition: Definition) -> dict[str, list[str]]:
    """Tables of POD_SERVICE.md by the name of their marker."""
    service = definition["service"]
    parts: dict[str, list[str]] = {}
    parts["uuids"] = [
        "| attribute | UUID | properties | content |",
        "|---|---|---|---|",
        f"| service | `{uuid_of(definition, service['short'])}` | | |",
        *(
            f"| {c['name']} | `{uuid_of(definition, c['short'])}` | {', '.join(c['properties'])} | {c['meaning']} |"
            for c in definition["characteristic"]
        ),
    ]
    for part, table in (("constants", definition["constants"]), ("connection", definition["connection"])):
        rows = [f"| `{name}` | {number(name, v)} | {unit} | {text} |" for name, (v, unit, text) in table.items()]
        parts[part] = ["| name | value | unit | meaning |", "|---|---|---|---|", *rows]
    for name, meaning, members in enumerations(definition):
        rows = [f"| {value} | `{member}` | {text} |" for member, value, text in members]
        parts[f"enum {name}"] = [f"{meaning}:", "", "| value | name | meaning |", "|---|---|---|", *rows]
    for name, layout in definition["layout"].items():
        rows, offset = [], 0
        for field, kind, unit, meaning in layout["fields"]:
            rows.append(f"| {offset} | {kind} | `{field}` | {unit} | {meaning} |")
            offset += SIZES[kind]
        parts[f"layout {name}"] = [
            f"`{name}`, {offset} B. {layout['meaning']}.",
            "",
            "| offset | type | field | unit | meaning |",
            "|---|---|---|---|---|",
            *rows,
        ]
    parts["throughput"] = throughput_table()
    return parts


def document(definition: Definition, text: str) -> str:
    """Fill the tables between ``<!-- begin X -->`` and ``<!-- end X -->``."""
    parts = document_parts(definition)

    def fill(match: re.Match[str]) -> str:
        body = "\n".join(parts[match["name"]])
        return f"<!-- begin {match['name']} -->\n{body}\n<!-- end {match['name']} -->"

    return re.sub(r"<!-- begin (?P<name>[^>]+?) -->.*?<!-- end (?P=name) -->", fill, text, flags=re.DOTALL)


def outputs() -> dict[Path, str]:
    """Every generated file and the text it should hold."""
    definition = tomllib.loads(DEFINITION.read_text(encoding="utf-8"))
    return {
        PYTHON_FILE: python_module(definition),
        C_FILE: c_header(definition),
        DOCUMENT: document(definition, DOCUMENT.read_text(encoding="utf-8")),
    }


def main(arguments: list[str]) -> int:
    """Write the files, or only compare them."""
    stale = [path for path, text in outputs().items() if not path.exists() or path.read_text(encoding="utf-8") != text]
    if "--check" in arguments:
        sys.stderr.writelines(f"{path} is not current: run python firmware_interfaces/generate.py\n" for path in stale)
        return 1 if stale else 0
    texts = outputs()
    for path in stale:
        path.write_text(texts[path], encoding="utf-8", newline="\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
