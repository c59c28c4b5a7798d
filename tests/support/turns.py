"""Turns of the event loop, as many as it takes and no more."""

from __future__ import annotations

import asyncio

MOST = 50
"""Turns after which somebody goes round in circles."""


async def settle() -> None:
    """Let every task run until it waits for something that is not a turn of the loop."""
    ready = asyncio.get_running_loop()._ready  # type: ignore[attr-defined]  # nothing public says that nobody is next
    for _ in range(MOST):
        await asyncio.sleep(0)
        if not ready:
            return
