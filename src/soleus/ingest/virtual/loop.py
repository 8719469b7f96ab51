"""An event loop whose clock runs at any speed: in real time, faster, or as fast as the machine can.

As fast as possible means that the clock jumps to the next timer whenever nothing is left to do. Everything that runs
in the loop (radio, pods, host) then sees exact times, free of the machine's scheduling.
"""

from __future__ import annotations

import asyncio
import selectors
import time
from collections.abc import Callable
from typing import Any, Final

START_S: Final = 1000.0
"""What the loop's clock shows at first [s]."""
BRAKE_LOOK_S: Final = 0.002
"""While the brake is on it is looked at this often [s]."""
RESOLUTION_S: Final = 1e-9
"""Timers closer than this to the present are due [s]."""


class _PacedSelector(selectors.DefaultSelector):
    """Waits for sockets as any other, but lets the paced clock decide how long."""

    loop: PacedLoop | None = None

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        loop = self.loop
        if loop is None or timeout is None or timeout <= 0:
            return super().select(timeout)
        if loop.speed is not None:
            return super().select(timeout / loop.speed)
        if ready := super().select(0):
            return ready
        if loop.brake is not None and loop.brake():
            return super().select(BRAKE_LOOK_S)
        loop.skip(timeout)
        return []


class PacedLoop(asyncio.SelectorEventLoop):
    """An event loop with a clock of its own.

    Parameters
    ----------
    speed
        How many seconds of the loop's clock pass in one second; ``None``: as many as the machine manages.
    brake
        Asked before the clock jumps (only without a speed): while it says yes the clock stands, so that whoever
        takes the results can keep up.

    Examples
    --------
    >>> async def hour():
    ...     loop = asyncio.get_running_loop()
    ...     start = loop.time()
    ...     await asyncio.sleep(3600.0)
    ...     return loop.time() - start
    >>> with asyncio.Runner(loop_factory=PacedLoop) as runner:
    ...     round(runner.run(hour()), 6)
    3600.0
    """

    def __init__(self, speed: float | None = None, brake: Callable[[], bool] | None = None) -> None:
        if speed is not None and not speed > 0:
            raise ValueError(f"speed must be greater than 0, not {speed}")
        self.speed = speed
        self.brake = brake
        self._paced_s = START_S
        self._real_start_s = time.perf_counter()
        selector = _PacedSelector()
        super().__init__(selector)
        selector.loop = self
        self._clock_resolution = RESOLUTION_S

    def time(self) -> float:
        """Time of the loop's clock [s]."""
        if self.speed is None:
            return self._paced_s
        return START_S + (time.perf_counter() - self._real_start_s) * self.speed

    def skip(self, duration_s: float) -> None:
        """Let the clock jump ahead."""
        self._paced_s += duration_s

    def __repr__(self) -> str:
        return f"<PacedLoop speed={self.speed} time={self.time():.3f}>"


def paced(speed: float | None = None, brake: Callable[[], bool] | None = None) -> Callable[[], Any]:
    """Make a loop factory for :class:`asyncio.Runner`."""
    return lambda: PacedLoop(speed, brake)
