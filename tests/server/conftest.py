"""A worker's API that listens."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.server.world import World, open_world


@pytest.fixture
async def world() -> AsyncIterator[World]:
    async with open_world() as made:
        await made.open()
        yield made


@pytest.fixture
async def client(world: World):
    async with world.client() as service:
        yield service


@pytest.fixture
def short(tmp_path_factory: pytest.TempPathFactory):
    """A directory whose path leaves room for a socket's name."""
    import shutil
    import tempfile

    made = Path(tempfile.mkdtemp(prefix="qd-", dir="/tmp"))
    yield made
    shutil.rmtree(made, ignore_errors=True)
