"""A worker's API that listens."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.server.world import World, open_world


@pytest.fixture
async def world() -> AsyncIterator[World]:
    async with open_world() as made:
        await made.open()
        yield made
