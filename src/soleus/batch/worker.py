"""A process of the pool: tasks come in by the standard input, outcomes go out by what was the standard output.

When the program that started it ends, however it ends, the standard input does too, and with it this process.
"""

from __future__ import annotations

import os
import signal
import sys

import msgspec

from soleus.batch.errors import BatchError
from soleus.batch.frames import receive, send
from soleus.batch.item import Outcome, Settings, Task
from soleus.batch.work import use_one_core, work


class Refusal(msgspec.Struct, frozen=True, kw_only=True, tag="refusal"):
    """Why nothing can be done at all."""

    reason: str


Reply = Outcome | Refusal


def serve() -> None:
    """Do tasks until there are no more."""
    # An interrupt is for the program that started this process; it then ends the input.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    replies = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # whatever a library prints must not get among the replies
    tasks = sys.stdin.buffer
    use_one_core()
    first = receive(tasks)
    if first is None:
        return
    settings = msgspec.msgpack.decode(first, type=Settings)
    while (message := receive(tasks)) is not None:
        reply: Reply
        try:
            reply = work(msgspec.msgpack.decode(message, type=Task), settings)
        except BatchError as error:
            reply = Refusal(reason=str(error))
        try:
            send(replies, msgspec.msgpack.encode(reply))
        except OSError:
            return


if __name__ == "__main__":
    serve()
