"""``soleus scan``: what is nearby and what it is good for; which pod is which."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated, Any, Literal

from cyclopts import Parameter, validators

if TYPE_CHECKING:
    from collections.abc import Sequence

    from soleus.ingest.ble import Paired, Radio, RememberedDevices, ScanRow

Flag = Annotated[bool, Parameter(negative=(), show_default=False)]
Side = Literal["left", "right"]


def scan(
    *,
    seconds: Annotated[float, Parameter(validator=validators.Number(gt=0, lte=600))] = 5.0,
    transport: str = "auto",
    identify: str | None = None,
    set_side: tuple[str, Side] | None = None,
    tap: Flag = False,
    virtual: Flag = False,
    json: Flag = False,
) -> int:
    """List pods, treadmills and heart-rate straps nearby, and say what each is good for.

    Exit status 1 if no pod was seen that a run can be recorded with.

    Parameters
    ----------
    seconds
        How long to listen.
    transport
        auto: the system's Bluetooth. Or a dongle of Soleus' own, such as usb:0 or serial:/dev/ttyACM0.
    identify
        Address or name of a pod that shall blink.
    set_side
        Address or name of a pod and the foot it sits on, left or right; the pod remembers it.
    tap
        Find out by tapping the left foot which pod is which, and remember it.
    virtual
        Look at virtual devices instead: no hardware needed.
    json
        Print all as JSON.
    """
    from soleus.cli import EXIT_DONE, EXIT_SHORT
    from soleus.cli.nearby import devices_file, radio_of
    from soleus.cli.terminal import working, write_json
    from soleus.ingest.ble import RememberedDevices

    known = RememberedDevices.read(devices_file())
    with radio_of(transport, virtual=virtual, seconds=2 * seconds) as radio:
        with working(f"Listening for {seconds:.0f} s ..."):
            rows = radio.scan(seconds)
        said = _command(radio, rows, identify, set_side)
        if set_side is not None:
            with working("Looking again ..."):
                rows = radio.scan(seconds)
        found = _roles(radio, rows, known, tap=tap)
    if tap and found.roles:
        known = known.with_roles((row, role) for role, row in found.roles.items())
        known.write(devices_file())
        said.append(f"Remembered in {devices_file()}.")
    if json:
        write_json({"devices": [_plain(row, known) for row in rows], "notes": [*said, *found.notes]})
    else:
        _show(rows, found, said)
    return EXIT_DONE if any(row.usable and row.kind == "pod" for row in rows) else EXIT_SHORT


def _command(
    radio: Radio, rows: Sequence[ScanRow], identify: str | None, set_side: tuple[str, Side] | None
) -> list[str]:
    from soleus.cli.nearby import row_named
    from soleus.model import Foot

    said = []
    if identify is not None:
        row = row_named(rows, identify)
        radio.identify(row)
        said.append(f"{row.name or row.address} blinks now.")
    if set_side is not None:
        row = row_named(rows, set_side[0])
        radio.set_side(row, Foot.LEFT if set_side[1] == "left" else Foot.RIGHT)
        said.append(f"{row.name or row.address} is the {set_side[1]} pod from now on.")
    return said


def _roles(radio: Radio, rows: Sequence[ScanRow], known: RememberedDevices, *, tap: bool) -> Paired:
    from soleus.ingest.ble import pair

    if not tap:
        return pair(rows, known)
    return radio.pair_by_tap(rows, remembered=known, tell=lambda sentence: print(sentence, file=sys.stderr))


def _plain(row: ScanRow, known: RememberedDevices) -> dict[str, Any]:
    return {
        "address": row.address,
        "name": row.name,
        "family": row.family,
        "title": row.title,
        "kind": row.kind,
        "usable": row.usable,
        "good_for": row.sentence,
        "side": None if row.foot is None else row.foot.label,
        "signal_dbm": row.rssi_dbm,
        "battery_pct": row.battery_pct,
        "remembered_as": known.role_of(row.address),
    }


def _show(rows: Sequence[ScanRow], found: Paired, said: Sequence[str]) -> None:
    from rich.markup import escape

    from soleus.cli.terminal import screen, table

    console = screen()
    if rows:
        shown = table("name", "address", "family", "side", "signal", "battery", "good for", numbers_from=7)
        for row in rows:
            name, title, side, signal, battery, sentence = (escape(cell) for cell in row.cells())
            style = None if row.usable else "dim"
            shown.add_row(name, escape(row.address), title, side, signal, battery, sentence, style=style)
        console.print(shown)
    else:
        console.print("Nothing was seen that can be used. Pods sleep: move them, and bring them nearer.")
    for sentence in (*said, *found.notes):
        console.print(escape(sentence), soft_wrap=True)
    for role, row in found.roles.items():
        console.print(f"{role.value}: {escape(row.name or row.address)}", soft_wrap=True)
    if found.undecided:
        console.print(
            "Which pod is which is not known: soleus scan --tap, or soleus scan --set-side ADDRESS left", soft_wrap=True
        )
