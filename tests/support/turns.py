"""Turns of the event loop, as many as it takes and no more."""

from __future__ import annotations

import asyncio

MOST = 50
"""Turns after which somebody goes round in circles."""
GLANCE_S = 0.0005
LONGEST = 4_000
"""Glances at threads after which one is not waited for any more: 2 s."""


async def settle() -> None:
    """Let every task run until it waits for something that is neither a turn of the loop nor work in a thread."""
    loop = asyncio.get_running_loop()
    ready = loop._ready  # type: ignore[attr-defined]  # nothing public says that nobody is next
    glances = 0
    for _ in range(MOST):
        await asyncio.sleep(0)
        while not ready and glances < LONGEST and _is_at_work(loop):
            glances += 1
            await asyncio.sleep(GLANCE_S)
        if not ready:
            return


def _is_at_work(loop: asyncio.AbstractEventLoop) -> bool:
    """Whether a thread of `asyncio.to_thread` has something to do, or has just done it."""
    threads = loop._default_executor  # type: ignore[attr-defined]  # nor does anything public know of these
    return threads is not None and (
        threads._work_queue.qsize() > 0 or threads._idle_semaphore._value < len(threads._threads)
    )
