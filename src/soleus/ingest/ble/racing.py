"""Wait for whichever comes first, for no longer than allowed, and end what is no longer wanted.

A cancellation may be lost: ``asyncio.wait_for`` before Python 3.12 drops one that comes in the same pass of the loop as
the result it waits for, and Bluetooth stacks are built on it. A task that loops then goes on for ever, and whoever
waits for its end with it. Hence tasks are ended by :func:`end` alone, and times are bounded by :func:`within`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from typing import Any, Final, TypeVar

T = TypeVar("T")
CANCEL_AGAIN_S: Final = 0.1
"""A task that has not ended this long after its cancellation is cancelled again [s]."""
CANCEL_TRIES: Final = 50
"""So often at most: 5 s; what then still runs is left to itself."""


async def within(seconds: float, work: Awaitable[T]) -> T:
    """Do something within a time [s].

    Raises
    ------
    TimeoutError
        If it takes longer; it is then cancelled.

    Examples
    --------
    >>> asyncio.run(within(1.0, asyncio.sleep(0, "done")))
    'done'
    """
    async with asyncio.timeout(seconds):
        return await work


async def end(*tasks: asyncio.Future[Any]) -> None:
    """Cancel tasks, again if need be, and wait for their end; what they raise is of no concern any more."""
    for _ in range(CANCEL_TRIES):
        pending = [task for task in tasks if not task.done()]
        if not pending:
            break
        for task in pending:
            task.cancel()
        await asyncio.wait(pending, timeout=CANCEL_AGAIN_S)
    for task in tasks:
        if task.done() and not task.cancelled():
            # Looked at, so that nobody complains of an error that was never asked for.
            task.exception()


async def first_of(*work: Any) -> None:  # noqa: ANN401 - coroutines
    """Wait for the first to end; the others are ended."""
    tasks = [asyncio.ensure_future(entry) for entry in work]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        await end(*tasks)


async def all_of(*work: Any) -> None:  # noqa: ANN401 - coroutines
    """Wait for all; the first error ends the others and is raised."""
    tasks = [asyncio.ensure_future(entry) for entry in work]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_EXCEPTION)
        for task in tasks:
            if task.done():
                task.result()
    finally:
        await end(*tasks)


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
        await end(task, stop)
