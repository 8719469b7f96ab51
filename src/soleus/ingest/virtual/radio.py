"""A :class:`~soleus.ingest.ble.radio.Radio` whose devices are virtual, at any speed."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

from soleus.ingest.ble.backend import Backend
from soleus.ingest.ble.bumble_backend import BumbleAdapter
from soleus.ingest.ble.radio import Opened, Radio
from soleus.ingest.virtual.loop import PacedLoop
from soleus.ingest.virtual.world import VirtualWorld, WorldSetting
from soleus.model import HeartRate, Recording

EVENTS_AHEAD: Final = 64
"""As fast as possible, the radio runs at most this many events ahead of whoever takes them."""


def world_opener(
    recording: Recording, setting: WorldSetting | None, heart_rate: HeartRate | None
) -> Callable[[], Awaitable[Opened]]:
    """Make what opens a world of virtual devices around a recording, and Bluetooth in it, on the running loop."""

    async def opener() -> Opened:
        world = await VirtualWorld.open(recording, setting, heart_rate)
        adapter = await BumbleAdapter.on_controller(world.controller())
        return Opened(Backend.of(adapter), asyncio.get_running_loop().time, world.close)

    return opener


def virtual_radio(
    recording: Recording,
    setting: WorldSetting | None = None,
    *,
    heart_rate: HeartRate | None = None,
    speed: float | None = 1.0,
) -> Radio:
    """Make a radio around which virtual pods, treadmill and strap play a recording.

    Parameters
    ----------
    recording
        What they measure.
    setting
        Radio, devices and faults.
    heart_rate
        What the strap shows; otherwise the recording's.
    speed
        Times real time; ``None``: as fast as events are taken.
    """
    box: list[Radio] = []

    def brake() -> bool:
        # Between commands the time of the world must not run away.
        return bool(box) and not box[0].closing and (box[0].idle or box[0].queued > EVENTS_AHEAD)

    radio = Radio(
        "virtual", opener=world_opener(recording, setting, heart_rate), loop_factory=lambda: PacedLoop(speed, brake)
    )
    box.append(radio)
    return radio
