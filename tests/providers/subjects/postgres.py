"""Databases without a platform. What needs one is tested on real servers, tests/providers/supabase and postgres."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime

import httpx

from providers.http import utc_now
from providers.opened import Opened
from providers.postgres.adapter import open_connection
from providers.postgres.settings import PostgresSettings
from tests.providers.subject import Faults, Wish

KIND = "postgres"
ACTUATORS: tuple[str, ...] = ()
READINGS: dict[str, object] = {}


class PostgresSubject:
    secret = "Zx81kQm44pLw"

    def __init__(self) -> None:
        self.faults = Faults(httpx.MockTransport(lambda request: httpx.Response(404)))

    def open(self) -> Opened:
        return open_connection("postgres", PostgresSettings(), clock=utc_now)

    def now(self) -> datetime:
        return utc_now()

    async def finish(self) -> None:
        """Nothing is ever under way."""

    async def wish(self, capability: str) -> Wish:
        raise AssertionError(capability)


@asynccontextmanager
async def subject() -> AsyncIterator[PostgresSubject]:
    yield PostgresSubject()
