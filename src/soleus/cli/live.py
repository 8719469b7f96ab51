"""``soleus live``: a run while it happens."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter, validators

from soleus.cli.errors import UsageError

if TYPE_CHECKING:
    from soleus.ingest.ble import Radio, Role, ScanRow
    from soleus.model import Belt, Runner

Flag = Annotated[bool, Parameter(negative=(), show_default=False)]


def live(
    *,
    out: Path | None = None,
    runner: Path | None = None,
    left: str | None = None,
    right: str | None = None,
    treadmill: str | None = None,
    heart_rate: str | None = None,
    tap: Flag = False,
    belt_speed: str | None = None,
    grade: Annotated[str | None, Parameter(allow_leading_hyphen=True)] = None,
    belt_profile: Path | None = None,
    rate: Annotated[int, Parameter(validator=validators.Number(gte=50, lte=1600))] = 200,
    seconds: Annotated[float | None, Parameter(validator=validators.Number(gt=0))] = None,
    wait: Flag = False,
    no_stand_still: Flag = False,
    transport: str = "auto",
    scan_seconds: Annotated[float, Parameter(validator=validators.Number(gt=0, lte=600))] = 5.0,
    history: Annotated[Path | None, Parameter(name="--history")] = None,
    no_history: Flag = False,
    rules: Path | None = None,
    no_page: Flag = False,
    lan: Flag = False,
    port: Annotated[int, Parameter(validator=validators.Number(gte=0, lte=65535))] = 8765,
    tui: Flag = False,
    lsl: Flag = False,
    json: Flag = False,
) -> int:
    """Follow a run while it happens: connect the pods, show every step, warn, and record.

    What was recorded survives a crash at any moment; soleus recover finishes such a session. Ctrl-C ends the run.

    Parameters
    ----------
    out
        The session folder; by default one named after date and time, here.
    runner
        TOML file with the runner's measures; by default the runner's own.
    left
        Address or name of the left pod; otherwise as remembered, or as the pod says itself.
    right
        Address or name of the right pod.
    treadmill
        Address or name of the treadmill; otherwise the nearest.
    heart_rate
        Address or name of the strap; otherwise the nearest.
    tap
        Find out by tapping the left foot which pod is which.
    belt_speed
        Speed of a treadmill that does not tell it: 12km/h, 3.3m/s, 7.5mph, 5:00/km.
    grade
        Grade of such a treadmill: 1% or 0.01. Needs --belt-speed.
    belt_profile
        CSV file of its speed: time_s, speed_kmh and perhaps grade_pct.
    rate
        Samples a second asked of pods that let one choose.
    seconds
        End after so many seconds of the run.
    wait
        Begin when start is pressed on the page, or Enter in the terminal.
    no_stand_still
        Skip the check of the pods before the run.
    transport
        auto: the system's Bluetooth. Or a dongle of Soleus' own, such as usb:0 or serial:/dev/ttyACM0.
    scan_seconds
        How long to look for devices.
    history
        The log to compare with and to add the session to; by default the runner's own, if there is one.
    no_history
        Use no log.
    rules
        TOML file of rules of your own.
    no_page
        No page, only the terminal.
    lan
        Let tablets and phones on the same network see the page.
    port
        Port of the page.
    tui
        Fill the terminal with a view of its own.
    lsl
        Open a lab-streaming-layer outlet.
    json
        Print the outcome as JSON, and nothing else.
    """
    from soleus.cli.finish_run import Finish
    from soleus.cli.follow import Displays, folder_for, follow, streamed
    from soleus.cli.rules import rules_in_force
    from soleus.cli.terminal import working
    from soleus.cli.with_history import use_history
    from soleus.ingest.ble import Radio, Wish
    from soleus.live.setting import RunSetting

    belt = _belt(belt_speed, grade, belt_profile)
    who = _runner(runner)
    in_force = rules_in_force(rules)
    chosen = {"left": left, "right": right, "treadmill": treadmill, "heart rate": heart_rate}
    folder = folder_for(out, "soleus", datetime.now(UTC))
    log = use_history(history, who, datetime.now(UTC), without=no_history)
    asked: dict[str, Any] = {"belt_speed": belt_speed, "grade": grade, "rate_hz": rate, "transport": transport}
    with Radio(transport) as radio:
        with working(f"Looking for pods for {scan_seconds:.0f} s ..."):
            rows = radio.scan(scan_seconds)
        roles = _choose(radio, rows, {word: name for word, name in chosen.items() if name is not None}, tap=tap)
        radio.stream(roles, Wish(rate), belt)
        configuration = {"live": {name: value for name, value in asked.items() if value is not None}}
        finish = Finish(log, configuration)
        run = streamed(
            radio,
            roles,
            folder,
            finish,
            runner=who,
            rules=in_force,
            history=log.summary,
            setting=RunSetting(not no_stand_still, wait, seconds),
        )
        shown = Displays(
            not no_page, lan, port, tui=tui, lsl=lsl, json=json, title=who.name,
            runner=who, log=log.file, history=log.summary,
        )  # fmt: skip
        return follow(run, finish, shown)


def _belt(speed: str | None, grade: str | None, profile: Path | None) -> Belt | None:
    import numpy as np

    from soleus.ingest.belt_profile import read_profile
    from soleus.model import Belt
    from soleus.recording import parse_grade, parse_speed

    if profile is not None and speed is not None:
        raise UsageError("--belt-speed and --belt-profile say the same thing twice; give one of them")
    if speed is None:
        if grade is not None:
            raise UsageError("--grade needs --belt-speed: a grade alone cannot be used")
        return None if profile is None else read_profile(profile)
    grades = np.array([0.0 if grade is None else parse_grade(grade)])
    return Belt(np.array([0.0]), np.array([parse_speed(speed)]), grades)


def _runner(file: Path | None) -> Runner:
    from soleus.history import owner_of_log
    from soleus.model import Runner
    from soleus.recording import load_runner

    return (owner_of_log() or Runner()) if file is None else load_runner(file)


def _choose(radio: Radio, rows: list[ScanRow], wanted: dict[str, str], *, tap: bool) -> dict[Role, ScanRow]:
    """Choose who does what, and remember it."""
    from soleus.cli.nearby import devices_file, row_named
    from soleus.ingest.ble import BluetoothError, RememberedDevices, Role, pair

    def tell(sentence: str) -> None:
        sys.stderr.write(f"{sentence}\n")

    known = RememberedDevices.read(devices_file())
    chosen = {Role(word): row_named(rows, name).address for word, name in wanted.items()}
    found = radio.pair_by_tap(rows, remembered=known, tell=tell) if tap else pair(rows, known, chosen)
    for note in found.notes:
        tell(note)
    if found.undecided:
        names = " and ".join(row.name or row.address for row in found.undecided)
        raise BluetoothError(
            f"on which foot {names} sit is not known: give --left and --right, or --tap, or use soleus scan --set-side"
        )
    if not any(role.foot is not None for role in found.roles):
        unusable = [f"{row.name or row.title}: {row.sentence}" for row in rows if not row.usable]
        why = f" Seen were: {' '.join(unusable)}" if unusable else ""
        raise BluetoothError(f"no pod was seen that can be used: wake the pods up and bring them nearer.{why}")
    known.with_roles((row, role) for role, row in found.roles.items()).write(devices_file())
    return found.roles
