"""Vercel, emulated, and somebody at its desk."""

from collections.abc import AsyncIterator

import pytest

from tests.providers.subjects.vercel import VercelSubject, subject
from tests.providers.vercel.operating import Operator


@pytest.fixture
async def vercel() -> AsyncIterator[VercelSubject]:
    async with subject() as one:
        yield one


@pytest.fixture
async def operator(vercel: VercelSubject) -> AsyncIterator[Operator]:
    one = Operator(vercel)
    yield one
    await one.connection.close()
