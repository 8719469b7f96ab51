"""Virtual treadmill and heart-rate strap."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Final

import numpy as np
from bumble import gatt

from soleus.ingest import heart_rate, treadmill
from soleus.ingest.virtual.peripheral import Peripheral, Properties, Radio, characteristic
from soleus.model import Belt, HeartRate

PERIOD_S: Final = 1.0
"""Treadmills and straps notify once a second."""


class _Ticking(Peripheral):
    """A device that notifies once a second."""

    def __init__(self, radio: Radio, now_s: Callable[[], float], *, name: str, address: str) -> None:
        self._now_s = now_s
        self._timer: asyncio.TimerHandle | None = None
        super().__init__(radio, name=name, address=address)

    async def power_on(self) -> None:
        """Switch on, advertise, begin to notify."""
        await super().power_on()
        self._tick()

    def _tick(self) -> None:
        self.tell()
        self._timer = asyncio.get_running_loop().call_later(PERIOD_S, self._tick)

    def tell(self) -> None:
        """Notify the present value."""

    async def close(self) -> None:
        """End all work of the device."""
        if self._timer is not None:
            self._timer.cancel()
        await super().close()


class VirtualTreadmill(_Ticking):
    """A treadmill that speaks the Fitness Machine Service.

    Parameters
    ----------
    belt
        What it shows, by session time.
    start_s
        World time of session time zero [s].
    split
        Send incline and speed in two packets, as some do.
    """

    def __init__(
        self,
        radio: Radio,
        belt: Belt,
        now_s: Callable[[], float],
        *,
        start_s: float = 0.0,
        split: bool = False,
        name: str = "Treadmill",
        address: str = "F0:00:00:00:00:31",
    ) -> None:
        self._belt, self._start_s, self._split = belt, start_s, split
        self._distance_m = 0.0
        self._data = characteristic(treadmill.DATA_UUID, Properties.NOTIFY)
        super().__init__(radio, now_s, name=name, address=address)

    def services(self) -> Sequence[gatt.Service]:
        """Give the Fitness Machine Service."""
        return [gatt.Service(treadmill.SERVICE_UUID, [self._data])]

    def advertised_services(self) -> Sequence[str]:
        """Give its UUID."""
        return [treadmill.SERVICE_UUID]

    def tell(self) -> None:
        """Notify speed, incline, distance and time."""
        speed, grade = (float(part[0]) for part in self._belt.at(np.array([self._now_s() - self._start_s])))
        if not np.isfinite(speed):
            return
        self._distance_m += speed * PERIOD_S
        known_grade = grade if np.isfinite(grade) else None
        if self._split:
            self.notify(self._data, treadmill.encode_packet(speed_mps=None, grade=known_grade))
            self.notify(self._data, treadmill.encode_packet(speed_mps=speed))
        else:
            packet = treadmill.encode_packet(
                speed_mps=speed, grade=known_grade, distance_m=round(self._distance_m), elapsed_s=round(self._now_s())
            )
            self.notify(self._data, packet)


class VirtualStrap(_Ticking):
    """A heart-rate strap.

    Parameters
    ----------
    rates
        What it shows, by session time.
    start_s
        World time of session time zero [s].
    """

    def __init__(
        self,
        radio: Radio,
        rates: HeartRate,
        now_s: Callable[[], float],
        *,
        start_s: float = 0.0,
        name: str = "Strap",
        address: str = "F0:00:00:00:00:41",
    ) -> None:
        self._rates, self._start_s = rates, start_s
        self._data = characteristic(heart_rate.MEASUREMENT_UUID, Properties.NOTIFY)
        super().__init__(radio, now_s, name=name, address=address)

    def services(self) -> Sequence[gatt.Service]:
        """Give the Heart Rate Service."""
        return [gatt.Service(heart_rate.SERVICE_UUID, [self._data])]

    def advertised_services(self) -> Sequence[str]:
        """Give its UUID."""
        return [heart_rate.SERVICE_UUID]

    def tell(self) -> None:
        """Notify rate and beat interval."""
        at = int(np.searchsorted(self._rates.time_s, self._now_s() - self._start_s, side="right")) - 1
        rate = self._rates.rate_bpm[at] if at >= 0 else np.nan
        if np.isfinite(rate) and rate > 0:
            self.notify(self._data, heart_rate.encode_measurement(round(float(rate)), (60.0 / float(rate),)))
