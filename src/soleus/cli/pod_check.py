"""``soleus pod-check``: whether a pod's firmware keeps to the pod service."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated, Final

from cyclopts import Parameter, validators

if TYPE_CHECKING:
    from collections.abc import Sequence

    from soleus.ingest.ble import ScanRow
    from soleus.ingest.conformance import Verdict

Flag = Annotated[bool, Parameter(negative=(), show_default=False)]
SCAN_S: Final = 5.0
MARKS: Final = {"passed": "[green]pass[/]", "failed": "[red]FAIL[/]", "skipped": "[yellow]skip[/]"}
DOCUMENT: Final = "firmware_interfaces/POD_SERVICE.md"


def pod_check(
    address: str | None = None,
    /,
    *,
    seconds: Annotated[float, Parameter(validator=validators.Number(gte=2, lte=600))] = 20.0,
    transport: str = "auto",
    virtual: Flag = False,
    json: Flag = False,
) -> int:
    """Check a pod against the pod service: services, commands, rate, loss, clock, backfill, reconnection.

    The link is dropped on purpose for a few seconds, and the pod's side is changed for a moment and set back.
    Exit status 1 if a check failed.

    Parameters
    ----------
    address
        Address or name of the pod; may be left out if only one is nearby.
    seconds
        How long the pod streams; at least 20 tell its clock's drift.
    transport
        auto: the system's Bluetooth. Or a dongle of Soleus' own, such as usb:0 or serial:/dev/ttyACM0.
    virtual
        Check a virtual pod instead: no hardware needed.
    json
        Print all as JSON.
    """
    from soleus.cli import EXIT_DONE, EXIT_SHORT
    from soleus.cli.nearby import radio_of
    from soleus.cli.terminal import telling, working, write_json

    with radio_of(transport, virtual=virtual, seconds=seconds) as radio:
        with working("Looking for pods ..."):
            rows = radio.scan(SCAN_S)
        row = _the_pod(rows, address, virtual=virtual)
        with telling() as tell:
            verdicts = radio.check(row, seconds, tell=lambda what: tell(f"{what} ..."))
    if json:
        pod = {"address": row.address, "name": row.name}
        write_json({"pod": pod, "document": DOCUMENT, "checks": verdicts})
    else:
        _show(row, verdicts)
    return EXIT_SHORT if any(verdict.outcome == "failed" for verdict in verdicts) else EXIT_DONE


def _the_pod(rows: Sequence[ScanRow], address: str | None, *, virtual: bool) -> ScanRow:
    from soleus.cli.errors import UsageError
    from soleus.cli.nearby import row_named

    if address is not None:
        return row_named(rows, address)
    pods = [row for row in rows if row.family == "soleus"]
    if len(pods) > 1 and not virtual:
        names = ", ".join(f"{row.name} ({row.address})" for row in pods)
        raise UsageError(f"several pods are nearby; name one: {names}")
    if not pods:
        raise UsageError("no pod of the Soleus service was seen: wake it up and bring it nearer")
    return pods[0]


def _show(row: ScanRow, verdicts: Sequence[Verdict]) -> None:
    from rich.markup import escape

    from soleus.cli.terminal import screen, table

    console = screen()
    shown = table("", "check", "found", title=f"{row.name or row.address}", numbers_from=3)
    for verdict in verdicts:
        shown.add_row(MARKS[verdict.outcome], verdict.check, escape(verdict.found))
    console.print(shown)
    faults = [verdict for verdict in verdicts if verdict.outcome == "failed"]
    for verdict in faults:
        console.print(
            f"[bold]{verdict.check}[/]: {escape(verdict.mend)} ({DOCUMENT}, section {verdict.section}).", soft_wrap=True
        )
    count = {outcome: sum(verdict.outcome == outcome for verdict in verdicts) for outcome in MARKS}
    console.print(f"{count['passed']} passed, {count['failed']} failed, {count['skipped']} skipped.")
    sys.stdout.flush()
