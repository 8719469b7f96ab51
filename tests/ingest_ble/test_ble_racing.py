"""Ending tasks that drop a cancellation, as what is built on asyncio.wait_for before Python 3.12 now and then does."""

import asyncio

import pytest

from soleus.ingest.ble.racing import all_of, end, first_of, unless, within


class Deaf:
    """Work in a loop that drops its first cancellations."""

    def __init__(self, drops):
        self.drops = drops

    async def work(self):
        while True:
            try:
                await asyncio.sleep(10.0)
            except asyncio.CancelledError:
                self.drops -= 1
                if self.drops < 0:
                    raise


def test_a_dropped_cancellation_is_repeated():
    async def main():
        task = asyncio.create_task(Deaf(2).work())
        await asyncio.sleep(0)
        await end(task)
        assert task.cancelled()

    asyncio.run(asyncio.wait_for(main(), 5.0))


@pytest.mark.parametrize("wait", [first_of, all_of])
def test_deaf_work_beside_others_ends(wait):
    async def main():
        async def fail():
            raise ValueError("x")

        if wait is all_of:
            with pytest.raises(ValueError, match="x"):
                await all_of(Deaf(1).work(), fail())
        else:
            await first_of(Deaf(1).work(), asyncio.sleep(0))
        assert len(asyncio.all_tasks()) == 1, "none is left behind"

    asyncio.run(main())


def test_unless():
    async def main():
        event = asyncio.Event()
        asyncio.get_running_loop().call_later(0.01, event.set)
        assert not await unless(event, Deaf(1).work())
        assert await unless(asyncio.Event(), asyncio.sleep(0))
        with pytest.raises(TimeoutError):
            await within(0.01, asyncio.Event().wait())

    asyncio.run(main())
