"""A small Sentry that keeps issues and answers searches for the first release, page by page."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

QUERY = re.compile(r'(?:project:(?P<project>\S+) )?firstRelease:"(?P<release>[^"]+)" firstSeen:>=(?P<since>\S+)')
PAGE = 2


@dataclass(frozen=True)
class Issue:
    id: str
    release: str
    first_seen: datetime
    project: str = "shop"


class FakeSentry:
    def __init__(self, token: str) -> None:
        self._token = token
        self.issues: list[Issue] = []
        self.pages = 0
        self.app = Starlette(
            routes=[
                Route("/api/0/organizations/{organization}/", self._organization),
                Route("/api/0/organizations/{organization}/issues/", self._issues),
            ]
        )

    async def _organization(self, request: Request) -> Response:
        return self._refusal(request) or JSONResponse({"slug": request.path_params["organization"]})

    async def _issues(self, request: Request) -> Response:
        refusal = self._refusal(request)
        if refusal is not None:
            return refusal
        asked = QUERY.fullmatch(request.query_params["query"])
        if asked is None:
            return JSONResponse({"detail": "Error parsing search query"}, 400)
        since = datetime.fromisoformat(asked["since"]).replace(tzinfo=UTC)
        found = [
            issue
            for issue in self.issues
            if issue.release == asked["release"]
            and issue.first_seen >= since
            and asked["project"] in (None, issue.project)
        ]
        begin = int(request.query_params.get("cursor", "0:0:0").split(":")[1])
        has_more = "true" if len(found) > begin + PAGE else "false"
        self.pages += 1
        link = f'<next>; rel="next"; results="{has_more}"; cursor="0:{begin + PAGE}:0"'
        return JSONResponse(
            [self._show(issue) for issue in found[begin : begin + PAGE]],
            headers={"link": f'<previous>; rel="previous"; results="false"; cursor="0:0:1", {link}'},
        )

    def _show(self, issue: Issue) -> dict[str, Any]:
        return {"id": issue.id, "title": f"Issue {issue.id}", "firstSeen": issue.first_seen.isoformat(), "count": "7"}

    def _refusal(self, request: Request) -> Response | None:
        if request.headers.get("authorization") == f"Bearer {self._token}":
            return None
        return JSONResponse({"detail": "Invalid token"}, 401)
