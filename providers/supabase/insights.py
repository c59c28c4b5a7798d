"""What Supabase found out about a project: advice, logs by SQL, how much it is used."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated

from console.domain.errors import Rejected
from providers.supabase.client import SupabaseClient
from providers.supabase.fields import OfProject, ProjectRef, Row, project_path, rows_of
from providers.wire import need_items, pick, text

LONGEST = timedelta(hours=24)
ADVICE = ("name", "level", "title", "detail", "remediation", "categories")


@dataclass(frozen=True)
class LogQuery:
    project: ProjectRef
    sql: Annotated[str, "BigQuery SQL over edge_logs, postgres_logs, auth_logs, function_logs, storage_logs, …"]
    since: Annotated[datetime | None, "where to begin; an hour before the end by default"] = None
    until: Annotated[datetime | None, "where to end, at most a day after the beginning; now by default"] = None


@dataclass(frozen=True)
class Usage:
    project: ProjectRef
    interval: Annotated[str, "15min, 30min, 1hr, 3hr, 1day, 3day or 7day"] = "1day"


class Insights:
    def __init__(self, client: SupabaseClient) -> None:
        self._http = client.http

    async def fetch_security(self, request: OfProject) -> Sequence[Row]:
        return await self._http.fetch(project_path(request.project, "advisors/security"), _ADVICE)

    async def fetch_performance(self, request: OfProject) -> Sequence[Row]:
        return await self._http.fetch(project_path(request.project, "advisors/performance"), _ADVICE)

    async def fetch_logs(self, request: LogQuery) -> Sequence[object]:
        """The rows of the query, as the log store gives them."""
        until = request.until or self._http.platform_time(self._http.clock())
        since = max(request.since or until - timedelta(hours=1), until - LONGEST)
        params = {"sql": request.sql, "iso_timestamp_start": _written(since), "iso_timestamp_end": _written(until)}
        return await self._fetch(request.project, "logs.all", params)

    async def fetch_usage(self, request: Usage) -> Sequence[object]:
        """Requests to auth, realtime, rest and storage, by time."""
        return await self._fetch(request.project, "usage.api-counts", {"interval": request.interval})

    async def _fetch(self, ref: str, endpoint: str, params: dict[str, str]) -> Sequence[object]:
        path = project_path(ref, "analytics/endpoints", endpoint)
        answer = await self._http.fetch(path, _read, params)
        if isinstance(answer, str):
            shown = self._http.redact(answer)
            raise Rejected(self._http.provider, f"Supabase could not answer the query: {shown}", f"project {ref}")
        return answer


_ADVICE = rows_of(*ADVICE, within="lints")


def _read(node: object) -> Sequence[object] | str:
    """The rows; or the words of an answer that is 200 and says that the query failed."""
    error = pick(node, "error")
    if error:
        return error if isinstance(error, str) else text(error, "message") or "the query failed"
    return need_items(node, "result")


def _written(at: datetime) -> str:
    return at.isoformat().replace("+00:00", "Z")
