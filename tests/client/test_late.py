"""A service that connects late passes everything on, and says why it could not connect."""

from __future__ import annotations

import pytest

from console.client.late import LateService
from console.domain.errors import UsageError


class Plain:
    async def whoami(self):
        return "kim"

    async def events(self, after=0):
        yield after + 1


class TestGivenAServiceThatConnectsLate:
    async def test_when_nothing_is_asked_then_nothing_is_made(self):
        made = []
        late = LateService(lambda: made.append(1), failed=lambda: None)

        assert (made, late.is_connected) == ([], False)
        await late.close()

    async def test_when_asked_then_calls_and_streams_reach_the_one_service(self):
        made = []

        async def connect():
            made.append(1)
            return Plain()

        late = LateService(connect, failed=lambda: None)

        assert await late.whoami() == "kim"
        assert [item async for item in late.events(after=4)] == [5]
        assert (made, late.is_connected) == ([1], True)

    async def test_when_it_cannot_connect_then_the_reason_is_kept_and_told(self):
        told = []

        async def connect():
            raise UsageError("The configuration has 1 problem:")

        late = LateService(connect, failed=lambda: told.append(1))

        with pytest.raises(UsageError):
            await late.whoami()
        assert told == [1]
        assert "1 problem" in late.failure.what
