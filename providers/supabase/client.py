"""Supabase's Management API calls, and nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from console.domain.errors import Rejected
from providers.http import ProviderHttp, segment
from providers.supabase import wire

if TYPE_CHECKING:
    from providers.supabase.wire import Project, ServiceHealth
    from providers.tail import Entry

WATCHED = ("db", "auth", "rest", "storage", "realtime", "pooler")
# The fields of a parsed line lie two lists deep in Supabase's log store.
LOG_QUERY = (
    "select id, postgres_logs.timestamp, event_message, parsed.error_severity from postgres_logs "
    "cross join unnest(metadata) as m cross join unnest(m.parsed) as parsed order by timestamp desc limit {limit}"
)


class SupabaseClient:
    """Raises the contract's errors, as `ProviderHttp` does."""

    def __init__(self, http: ProviderHttp) -> None:
        self.http = http

    async def fetch_organizations(self) -> Sequence[str]:
        return await self.http.fetch("/v1/organizations", wire.parse_organizations)

    async def fetch_projects(self) -> Sequence[Project]:
        return await self.http.fetch("/v1/projects", wire.parse_projects)

    async def fetch_project(self, ref: str) -> Project:
        return await self.http.fetch(f"/v1/projects/{segment(ref)}", wire.parse_project)

    async def fetch_health(self, ref: str) -> Sequence[ServiceHealth]:
        path = f"/v1/projects/{segment(ref)}/health"
        return await self.http.fetch(path, wire.parse_health, {"services": WATCHED})

    async def fetch_logs(self, ref: str, since: datetime, until: datetime, limit: int) -> Sequence[Entry]:
        """The newest lines of the database in a range of at most a day, oldest first."""
        path = f"/v1/projects/{segment(ref)}/analytics/endpoints/logs.all"
        params = {
            "sql": LOG_QUERY.format(limit=int(limit)),
            "iso_timestamp_start": _write(since),
            "iso_timestamp_end": _write(until),
        }
        answer = await self.http.fetch(path, wire.parse_logs, params)
        if isinstance(answer, str):
            raise Rejected(self.http.provider, f"Supabase could not read the logs: {answer}", f"project {ref}")
        return answer


def _write(at: datetime) -> str:
    return at.isoformat().replace("+00:00", "Z")
