"""Log lines of a resource, picked by Render itself: text, level, status, path."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated

from providers.render.client import PAGE, RenderClient, write_time
from providers.render.wire import parse_logs

PAGES_AT_MOST = 100


@dataclass(frozen=True)
class LogQuery:
    resource: Annotated[str, "id of a service or a database"]
    since: Annotated[timedelta, "how far back"] = timedelta(hours=1)
    until: Annotated[datetime | None, "where to end; now when left out"] = None
    text: Annotated[tuple[str, ...], "only lines with one of these; * stands for anything"] = ()
    level: Annotated[tuple[str, ...], "only these levels, as error"] = ()
    type: Annotated[tuple[str, ...], "only these kinds: app, request, build"] = ()
    status: Annotated[tuple[str, ...], "only requests answered so, as 500"] = ()
    path: Annotated[tuple[str, ...], "only requests of these paths"] = ()
    limit: Annotated[int, "lines at most"] = 200


@dataclass(frozen=True)
class Line:
    at: datetime
    level: str
    text: str


class LogReader:
    def __init__(self, client: RenderClient, owner: str) -> None:
        self._client = client
        self._owner = owner

    async def fetch(self, request: LogQuery) -> Sequence[Line]:
        """The newest lines that fit, oldest first. Pages lead backwards by the times that each answer names."""
        http = self._client.http
        end_at = request.until or http.platform_time(http.clock())
        owner = self._owner or (await self._client.fetch_service(request.resource)).owner
        asked = {
            "ownerId": owner,
            "resource": request.resource,
            "direction": "backward",
            "text": list(request.text),
            "level": list(request.level),
            "type": list(request.type),
            "statusCode": list(request.status),
            "path": list(request.path),
        }
        start, end = write_time(end_at - request.since), write_time(end_at)
        found: list[Line] = []
        for _ in range(PAGES_AT_MOST):
            left = min(PAGE, request.limit - len(found))
            page = await http.fetch("/logs", parse_logs, asked | {"startTime": start, "endTime": end, "limit": left})
            found += [Line(entry.at, entry.level, entry.text) for entry in page.entries]
            following = (page.next_start or start, page.next_end or end)
            if not page.has_more or len(found) >= request.limit or following == (start, end):
                break
            start, end = following
        return sorted(found, key=lambda line: line.at)
