"""Wait for whichever comes first."""

from __future__ import annotations

import asyncio
from typing import Any


async def first_of(*work: Any) -> None:  # noqa: ANN401 - coroutines
    """Wait for the first to end; the others are cancelled."""
    tasks = [asyncio.ensure_future(entry) for entry in work]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()


async def unless(event: asyncio.Event, work: Any) -> bool:  # noqa: ANN401 - a coroutine
    """Do something unless an event happens first; tell whether it was done, and raise what it raises."""
    task, stop = asyncio.ensure_future(work), asyncio.ensure_future(event.wait())
    try:
        await asyncio.wait({task, stop}, return_when=asyncio.FIRST_COMPLETED)
        if not task.done():
            return False
        task.result()
        return True
    finally:
        for entry in (task, stop):
            entry.cancel()
        await asyncio.gather(task, stop, return_exceptions=True)
