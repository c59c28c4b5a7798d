"""The emulated GitHub, connections to it, and its desk as people use it."""

from collections.abc import AsyncIterator, Callable
from typing import Any

import httpx
import pytest

from providers.contract import Operation, OperationKey
from providers.github.adapter import open_connection
from providers.github.settings import GitHubSettings
from providers.opened import Opened
from tests.providers.subjects.github import SECRET, GitHubSubject, subject

Handler = Callable[[httpx.Request], httpx.Response]


class Hand:
    """Asks and acts at the desk of one connection."""

    def __init__(self, connection: Opened, github: GitHubSubject | None = None) -> None:
        self.connection = connection
        self.github = github
        self._keys = 0

    async def ask(self, reading: str, request: Any) -> Any:
        return await self.connection.desk.readings[reading].fetch(request)

    async def act(self, action: str, request: Any) -> Operation:
        """Start an action as a wish of its own."""
        self._keys += 1
        assert self.github is not None
        key = OperationKey(f"wish-{self._keys}", self.github.now())
        return await self.connection.desk.actions[action].actuator.start(request, key)

    async def observe(self, action: str, reference: str) -> Operation:
        return await self.connection.desk.actions[action].actuator.observe(reference)


@pytest.fixture
async def github() -> AsyncIterator[GitHubSubject]:
    async with subject() as one:
        yield one


@pytest.fixture
async def hand(github: GitHubSubject) -> AsyncIterator[Hand]:
    connection = github.open()
    yield Hand(connection, github)
    await connection.close()


@pytest.fixture
def scripted() -> Callable[[Handler], Hand]:
    """A desk that gets whatever a function answers."""

    def open_it(handler: Handler) -> Hand:
        settings = GitHubSettings(token=SECRET, repository="o/r")
        return Hand(open_connection("github", settings, sleep=_no_sleep, transport=httpx.MockTransport(handler)))

    return open_it


async def _no_sleep(seconds: float) -> None:
    """Time does not matter where answers are made up."""
