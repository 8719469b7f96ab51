"""A single command to a pod that is not streaming: let it blink, tell it its foot."""

from __future__ import annotations

import asyncio
from typing import Any, Final

from soleus.ingest.ble.backend import Backend, BluetoothError
from soleus.ingest.ble.scan import ScanRow
from soleus.ingest.protocols import soleus_pod as codec
from soleus.ingest.protocols import soleus_pod_control
from soleus.ingest.protocols import soleus_pod_defs as defs
from soleus.ingest.protocols.block import ProtocolError
from soleus.model import Foot

TIMEOUT_S: Final = 15.0
"""Connecting and one command take no longer than this [s]."""
BLINK_S: Final = 5


async def identify(backend: Backend, row: ScanRow, seconds: int = BLINK_S) -> None:
    """Let a pod blink or buzz, so that one sees which it is.

    Raises
    ------
    BluetoothError
        If it cannot, or does not answer.
    """
    await _command(backend, row, defs.CommandIdentify(defs.Opcode.IDENTIFY, seconds))


async def set_side(backend: Backend, row: ScanRow, foot: Foot) -> None:
    """Tell a pod its foot; it remembers it.

    Raises
    ------
    BluetoothError
        If it cannot, or does not answer.
    """
    await _command(backend, row, defs.CommandSetSide(defs.Opcode.SET_SIDE, codec.side_of(foot)))


async def _command(backend: Backend, row: ScanRow, command: soleus_pod_control.Command) -> None:
    from bleak import BleakClient
    from bleak.exc import BleakError

    name = row.name or row.address
    if row.family != codec.KEY:
        raise BluetoothError(f"{name} is a {row.title} and takes no such command: choose its foot by name instead")
    chosen: dict[str, Any] = {} if backend.client is None else {"backend": backend.client}
    replies: asyncio.Queue[bytes] = asyncio.Queue()
    try:
        async with asyncio.timeout(TIMEOUT_S), BleakClient(row.device or row.address, **chosen) as client:
            await client.start_notify(defs.CONTROL_UUID, lambda _sender, data: replies.put_nowait(bytes(data)))
            await client.write_gatt_char(defs.CONTROL_UUID, codec.pack(command), response=True)
            reply = soleus_pod_control.decode_reply(await replies.get())
    except (BleakError, ProtocolError, TimeoutError, OSError, EOFError) as error:
        raise BluetoothError(
            f"{name} does not answer ({str(error) or 'timeout'}): wake it up and bring it nearer"
        ) from error
    if reply.status != defs.StatusCode.OK:
        raise BluetoothError(f"{name} refuses: {defs.StatusCode(reply.status).name}")
