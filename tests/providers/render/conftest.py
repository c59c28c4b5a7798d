"""The emulated Render and a connection to it."""

from collections.abc import AsyncIterator

import pytest

from providers.opened import Opened
from tests.providers.subjects.render import RenderSubject, subject


@pytest.fixture
async def render() -> AsyncIterator[RenderSubject]:
    async with subject() as one:
        yield one


@pytest.fixture
async def connection(render: RenderSubject) -> AsyncIterator[Opened]:
    opened = render.open()
    yield opened
    await opened.close()
