"""Databases on servers of one's own behind the provider contract. There is no platform: each is asked by itself."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING

from providers.database import Database
from providers.http import Clock, Sleep, utc_now
from providers.opened import Opened

if TYPE_CHECKING:
    from console.migrations.patience import Patience
    from providers.contract import Capabilities
    from providers.postgres.settings import PostgresSettings


def open_connection(
    name: str,
    settings: PostgresSettings,
    *,
    clock: Clock = utc_now,
    sleep: Sleep = asyncio.sleep,
    patience: Patience | None = None,
) -> Opened:
    """Open the configured databases without asking any database anything."""
    known = {
        ref: Database(name, ref, address.get_secret_value(), "database") for ref, address in settings.databases.items()
    }
    closing = AsyncExitStack()

    def make_capabilities() -> Capabilities:
        from console.migrations.patience import Patience
        from providers.databases import Databases
        from providers.migrating import Runs
        from providers.postgres.capabilities import build_capabilities

        databases = Databases(name, known)
        runs = Runs(name, databases, patience or Patience(), sleep)
        closing.push_async_callback(runs.close)
        return build_capabilities(databases, runs, clock)

    return Opened(name, "postgres", None, make_capabilities, closing=closing)
