"""The databases of one connection that the configuration gives addresses of, and what each says of itself."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

from console.domain.errors import Rejected
from console.domain.ids import EnvironmentName
from console.domain.telemetry import Measurement
from console.migrations.history import fetch_versions
from providers.database import Database

FIGURES = """
select (select count(*) from pg_stat_activity where backend_type = 'client backend') as db_connections,
       current_setting('max_connections')::int as db_max_connections,
       pg_database_size(current_database()) as db_size_bytes,
       (select count(*) from pg_stat_activity
        where state = 'active' and pid <> pg_backend_pid() and datname = current_database()) as db_active_queries
"""
NAMES = ("db_connections", "db_max_connections", "db_size_bytes", "db_active_queries")


class Databases:
    """Databases by what the configuration calls them: its `id`, with Supabase the ref of a project.

    Args:
        noun: What a name stands for there, for messages.
    """

    def __init__(self, provider: str, known: Mapping[str, Database], noun: str = "database") -> None:
        self._provider = provider
        self._noun = noun
        self.known = known

    def find_or_none(self, ref: str) -> Database | None:
        return self.known.get(ref)

    def find(self, ref: str) -> Database:
        """Raises Rejected for a name without an address."""
        found = self.known.get(ref)
        if found is None:
            raise Rejected(
                self._provider,
                f"No database address is configured for the {self._noun} {ref!r}.",
                f"{self._noun.split()[-1]} {ref}",
                "Set database_url of its service: a reference to a postgresql:// address on port 5432.",
            )
        return found


class Figures:
    """`MetricSource` over SQL, and `MigrationSource`."""

    def __init__(self, databases: Databases, clock: Callable[[], datetime]) -> None:
        self._databases = databases
        self._clock = clock

    async def fetch_metrics(self, target: str) -> Sequence[Measurement]:
        async with self._databases.find(target).connect() as connection:
            row = await (await connection.execute(FIGURES)).fetchone()
        at = self._clock()
        return [
            Measurement(at, EnvironmentName(""), name, float(value), {"service": target})
            for name, value in zip(NAMES, row or (), strict=False)
            if value is not None
        ]

    async def fetch_applied(self, target: str) -> Sequence[str]:
        async with self._databases.find(target).connect() as connection:
            return await fetch_versions(connection)
