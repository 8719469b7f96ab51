"""Connections to treadmills and heart-rate straps."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from soleus.ingest import heart_rate, treadmill
from soleus.ingest.ble.events import BatteryTold, BeltIn, Event, HeartRateIn
from soleus.ingest.ble.link import DeviceLink
from soleus.model import Belt

if TYPE_CHECKING:
    from bleak import BleakClient


class BeltStamps:
    """Gives belt readings times that rise and never lie in the past of samples handed out.

    A reading is valid from its time on; one that came while samples after it were already on their way must not
    change them in hindsight, or the live analysis would differ from the one after the fact.

    Examples
    --------
    >>> stamps = BeltStamps()
    >>> stamps.samples_until(5.0)
    >>> stamps.stamp(4.98), stamps.stamp(4.99) > 5.0, stamps.stamp(7.0)
    (5.0, True, 7.0)
    """

    def __init__(self) -> None:
        self._least_s = -np.inf

    def samples_until(self, time_s: float) -> None:
        """Take note of the time of the last sample handed out [s]."""
        self._least_s = max(self._least_s, time_s)

    def stamp(self, arrival_s: float) -> float:
        """Give a reading its time [s]."""
        time_s = max(arrival_s, self._least_s)
        self._least_s = float(np.nextafter(time_s, np.inf))
        return time_s


class TreadmillLink(DeviceLink):
    """A connection to a treadmill."""

    def __init__(self, client: BleakClient, device: str, now_s: Callable[[], float], stamps: BeltStamps) -> None:
        super().__init__(client, device, now_s)
        self._stamps = stamps
        self._decoder = treadmill.TreadmillDecoder()
        self._grade = np.nan

    async def open(self) -> None:
        """Subscribe to Treadmill Data."""
        await self.read_standard_services()
        await self.subscribe(treadmill.DATA_UUID, "belt")

    def handle(self, arrival_s: float, channel: str, data: bytes) -> list[Event]:
        """Take one notification; records that come in parts are put together."""
        if channel == "battery":
            return [BatteryTold(arrival_s, self.device, heart_rate.decode_battery_level(data))]
        reading = self._decoder.push(data)
        if reading is None or reading.speed_mps is None:
            return []
        # A treadmill that told its incline before and leaves it out now has not changed it.
        self._grade = self._grade if reading.grade is None else reading.grade
        time_s = self._stamps.stamp(arrival_s)
        belt = Belt(np.array([time_s]), np.array([reading.speed_mps]), np.array([self._grade]))
        return [BeltIn(self.device, belt, reading)]


class HeartRateLink(DeviceLink):
    """A connection to a heart-rate strap."""

    async def open(self) -> None:
        """Subscribe to Heart Rate Measurement."""
        await self.read_standard_services()
        await self.subscribe(heart_rate.MEASUREMENT_UUID, "heart rate")

    def handle(self, arrival_s: float, channel: str, data: bytes) -> list[Event]:
        """Take one notification."""
        if channel == "battery":
            return [BatteryTold(arrival_s, self.device, heart_rate.decode_battery_level(data))]
        return [HeartRateIn(arrival_s, self.device, heart_rate.decode_measurement(data))]
