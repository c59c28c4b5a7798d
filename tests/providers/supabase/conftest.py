"""Supabase's emulator with a connection to it, for tests of what the desk does."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from providers.contract import Operation, OperationKey
from tests.providers.line import Line
from tests.providers.subjects.supabase import SupabaseSubject


class Office:
    """A desk over the emulator: `ask` and `act` by name, as an operator does."""

    def __init__(self) -> None:
        self.subject = SupabaseSubject()
        self.platform = self.subject.emulator
        self.project = self.subject.project
        self.clock = self.subject.clock
        self.faults = self.subject.faults
        self.line = Line(self.faults)
        self.connection = self.subject.open(self.line)

    async def ask(self, name: str, request: Any) -> Any:
        return await self.connection.desk.readings[name].fetch(request)

    async def act(self, name: str, request: Any, key: str = "wish") -> Operation:
        return await self.actuator(name).start(request, OperationKey(key, self.subject.now()))

    def actuator(self, name: str) -> Any:
        return self.connection.desk.actions[name].actuator

    async def see(self, name: str, operation: Operation, after: float = 0.0) -> Operation:
        await self.clock.sleep(after)
        return await self.actuator(name).observe(operation.reference)

    def sent(self, method: str, part: str = "") -> list[Any]:
        return [one for one in self.faults.sent if one.method == method and part in one.url.path]


@pytest.fixture
async def office() -> AsyncIterator[Office]:
    one = Office()
    yield one
    await one.connection.close()
