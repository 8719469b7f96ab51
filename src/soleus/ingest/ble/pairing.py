"""Which device does what: left pod, right pod, treadmill, strap; remembered from run to run."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Final

import msgspec

from soleus.ingest.ble.backend import BluetoothError
from soleus.ingest.ble.scan import ScanRow
from soleus.ingest.protocols.family import Kind
from soleus.model import Foot

DEVICES_NAME: Final = "devices.toml"
"""File of remembered devices, in the folder of the runner's own files."""
CONFIG_SIZE_MAX: Final = 100_000
"""Largest file of remembered devices read [B]."""


class Role(StrEnum):
    """What a device is used for."""

    LEFT = "left"
    RIGHT = "right"
    TREADMILL = "treadmill"
    HEART_RATE = "heart rate"

    @property
    def foot(self) -> Foot | None:
        """The foot, if it is a pod's role."""
        return {Role.LEFT: Foot.LEFT, Role.RIGHT: Foot.RIGHT}.get(self)


ROLE_OF: Final = {Foot.LEFT: Role.LEFT, Foot.RIGHT: Role.RIGHT}


class RememberedDevice(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A device and its role in earlier runs."""

    address: str
    family: str
    role: Role
    name: str = ""


class RememberedDevices(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """All devices remembered, as kept in a TOML file."""

    devices: tuple[RememberedDevice, ...] = ()

    @classmethod
    def read(cls, path: Path) -> RememberedDevices:
        """Read the file; none gives nothing remembered.

        Raises
        ------
        BluetoothError
            If the file cannot be read or has unknown keys.
        """
        try:
            if not path.exists():
                return cls()
            if path.stat().st_size > CONFIG_SIZE_MAX:
                raise BluetoothError(f"{path}: larger than {CONFIG_SIZE_MAX} B; delete it to pair anew")
            return msgspec.toml.decode(path.read_bytes(), type=cls)
        except (OSError, msgspec.DecodeError, UnicodeDecodeError) as error:
            raise BluetoothError(f"{path}: {error}; correct it, or delete it to pair anew") from error

    def write(self, path: Path) -> None:
        """Write the file, whole or not at all."""
        lines = [
            "\n".join(
                [
                    "[[devices]]",
                    *(f"{key} = {_toml_text(getattr(entry, key))}" for key in ("address", "family", "role", "name")),
                ]
            )
            for entry in self.devices
        ]
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_suffix(path.suffix + ".part")
        part.write_text("\n\n".join(lines) + "\n", encoding="utf-8")
        part.replace(path)

    def role_of(self, address: str) -> Role | None:
        """Role of a device, if it is remembered."""
        return next((entry.role for entry in self.devices if entry.address == address), None)

    def with_roles(self, chosen: Iterable[tuple[ScanRow, Role]]) -> RememberedDevices:
        """Remember more; a device has one role, its latest."""
        entries = {entry.address: entry for entry in self.devices}
        for row, role in chosen:
            entries[row.address] = RememberedDevice(row.address, row.family, role, row.name)
        return RememberedDevices(tuple(entries.values()))


def _toml_text(text: str) -> str:
    return msgspec.json.encode(str(text)).decode()


@dataclass(frozen=True, slots=True)
class Paired:
    """The outcome of pairing.

    Attributes
    ----------
    roles
        A row a role.
    notes
        What had to be decided, one sentence each.
    undecided
        Pods of which nobody knows the side: let them blink and ask.
    """

    roles: dict[Role, ScanRow]
    notes: tuple[str, ...] = ()
    undecided: tuple[ScanRow, ...] = field(default=())


def pair(
    rows: Sequence[ScanRow],
    remembered: RememberedDevices | None = None,
    chosen: dict[Role, str] | None = None,
) -> Paired:
    """Give roles: what the user chose first, then what was remembered, then the pod's own side, then signal strength.

    Parameters
    ----------
    rows
        Of a scan.
    remembered
        Roles of earlier runs.
    chosen
        Addresses or names by role, as the user wishes.

    Raises
    ------
    BluetoothError
        If a chosen device was not seen, or cannot do what it was chosen for.

    Examples
    --------
    >>> def pod(address, foot, rssi):
    ...     return ScanRow(address, address, "soleus", "Soleus pod", Kind.POD, True, "", foot, rssi, 80)
    >>> found = pair([pod("A", Foot.RIGHT, -50), pod("B", None, -60)])
    >>> {role.value: row.address for role, row in found.roles.items()}
    {'right': 'A', 'left': 'B'}
    >>> found.notes
    ('B does not say on which foot it sits; it is taken for the left one since the right one is known.',)
    """
    remembered = remembered or RememberedDevices()
    usable = [row for row in rows if row.usable]
    roles: dict[Role, ScanRow] = {}
    notes: list[str] = []
    for role, wanted in (chosen or {}).items():
        roles[role] = _chosen(rows, role, wanted)
    for row in usable:
        before = remembered.role_of(row.address)
        if before is not None and before not in roles and row not in roles.values() and _fits(row, before):
            roles[before] = row
            if before.foot is not None and row.foot is not None and row.foot is not before.foot:
                notes.append(
                    f"{row.name or row.address} says it is the {row.foot.label} pod, but was remembered as the "
                    f"{before.foot.label} one; the memory is followed."
                )
    for row in usable:
        own = {Kind.TREADMILL: Role.TREADMILL, Kind.HEART_RATE: Role.HEART_RATE}.get(row.kind)
        if own is None and row.foot is not None:
            own = ROLE_OF[row.foot]
        if own is None or row in roles.values():
            continue
        if own in roles:
            told = roles[own].name or roles[own].address
            notes.append(f"{row.name or row.address} is left out: {told} is the {own.value} device already.")
        else:
            roles[own] = row
    undecided = [row for row in usable if row.kind is Kind.POD and row.foot is None and row not in roles.values()]
    free = [role for role in (Role.LEFT, Role.RIGHT) if role not in roles]
    if len(free) == 1 and len(undecided) == 1:
        row = undecided.pop()
        roles[free[0]] = row
        other = Role.RIGHT if free[0] is Role.LEFT else Role.LEFT
        notes.append(
            f"{row.name or row.address} does not say on which foot it sits; it is taken for the {free[0].value} one "
            f"since the {other.value} one is known."
        )
    return Paired(roles, tuple(notes), tuple(undecided) if free else ())


def _chosen(rows: Sequence[ScanRow], role: Role, wanted: str) -> ScanRow:
    row = next((row for row in rows if wanted.lower() in {row.address.lower(), row.name.lower()}), None)
    if row is None:
        seen = ", ".join(row.name or row.address for row in rows) or "none"
        raise BluetoothError(f"'{wanted}' for {role.value} was not seen; seen were: {seen}")
    if not row.usable or not _fits(row, role):
        raise BluetoothError(f"'{wanted}' cannot be used for {role.value}: {row.sentence}")
    return row


def _fits(row: ScanRow, role: Role) -> bool:
    kind = {Role.TREADMILL: Kind.TREADMILL, Role.HEART_RATE: Kind.HEART_RATE}.get(role, Kind.POD)
    return row.kind is kind
