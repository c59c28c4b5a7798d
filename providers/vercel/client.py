"""Vercel's HTTP calls, and nothing else."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, TypeVar

from providers.http import ProviderHttp, segment
from providers.vercel import wire

if TYPE_CHECKING:
    from providers.tail import Entry
    from providers.vercel.wire import Deployment, Failure, Project, Variable

PAGE = 100
PAGES_AT_MOST = 50
QUIET_STREAM_S = 60.0
NOT_OF_A_TEAM = {"teamId": None, "slug": None}
"""The account and the list of teams are not inside any team."""


T = TypeVar("T")


def millis(at: datetime) -> int:
    return int(at.timestamp() * 1000)


def team_scope(team: str) -> Mapping[str, str] | None:
    """The query that scopes every call: `teamId` for an id, `slug` for a name, nothing for the token's own account."""
    if not team:
        return None
    return {"teamId": team} if team.startswith("team_") else {"slug": team}


class VercelClient:
    """Raises the contract's errors, as `ProviderHttp` does; the team goes with every call through it."""

    def __init__(self, http: ProviderHttp) -> None:
        self.http = http

    async def fetch_user(self) -> str:
        return await self.http.fetch("/v2/user", wire.parse_user, NOT_OF_A_TEAM)

    async def fetch_team(self, team: str) -> str:
        return await self.http.fetch(f"/v2/teams/{segment(team)}", wire.parse_team, NOT_OF_A_TEAM)

    async def fetch_project(self, project: str) -> Project:
        return await self.http.fetch(f"/v9/projects/{segment(project)}", wire.parse_project)

    async def fetch_project_or_none(self, project: str) -> Project | None:
        return await self.http.fetch_or_none(f"/v9/projects/{segment(project)}", wire.parse_project)

    async def fetch_pages(
        self, path: str, parse: Callable[[Any], Sequence[T]], params: Mapping[str, Any] | None = None
    ) -> Sequence[T]:
        """Everything in a list that is paged by time, newest first; `parse` reads one page."""
        found: list[T] = []
        until: str = ""
        for _ in range(PAGES_AT_MOST):
            asked = {"limit": PAGE, **(params or {}), "until": until or None}
            page, following = await self.http.fetch(path, lambda body: (parse(body), wire.parse_next(body)), asked)
            found += page
            if following in ("", until):
                break
            until = following
        return found

    async def fetch_projects(self, search: str = "") -> Sequence[Project]:
        found: list[Project] = []
        start = ""
        for _ in range(PAGES_AT_MOST):
            params = {"limit": str(PAGE), "from": start or None, "search": search or None}
            page, following = await self.http.fetch("/v10/projects", wire.parse_projects, params)
            found += page
            if following in ("", start):
                break
            start = following
        return found

    async def assign_domains(self, project: str, on: bool) -> None:
        """Say whether a new production build gets the production domains by itself."""
        path = f"/v9/projects/{segment(project)}"
        await self.http.send("PATCH", path, json={"autoAssignCustomDomains": on}, repeatable=True)

    async def pause_project(self, project: str, on: bool) -> None:
        """Take the site down, or up again. Wants the project's id."""
        verb = "pause" if on else "unpause"
        await self.http.send("POST", f"/v1/projects/{segment(project)}/{verb}", repeatable=True)

    async def create_deployment(
        self, project: Project, source: Mapping[str, object], meta: Mapping[str, str], target: str = "production"
    ) -> Deployment:
        """Begin a build of `gitSource` or `deploymentId`; `target` is "" for a preview.

        Forced, or Vercel would answer with an earlier build of the same content.
        """
        body = {"name": project.name, "project": project.id, **source, "meta": meta}
        if target:
            body["target"] = target
        reply = await self.http.send("POST", "/v13/deployments", json=body, params={"forceNew": "1"})
        return self.http.decode(reply, wire.parse_deployment)

    async def fetch_deployment_or_none(self, deployment: str) -> Deployment | None:
        return await self.http.fetch_or_none(f"/v13/deployments/{segment(deployment)}", wire.parse_deployment)

    async def fetch_deployments(self, project: str, commit: str = "", limit: int = PAGE) -> Sequence[Deployment]:
        """The newest deployments, newest first; at most one page."""
        params = {"projectId": project, "sha": commit or None, "limit": limit}
        return await self.http.fetch("/v6/deployments", wire.parse_deployments, params)

    async def fetch_all_deployments(self, **wanted: str | None) -> Sequence[Deployment]:
        """Every deployment that fits, newest first. `wanted` are Vercel's own filters."""
        return await self.fetch_pages("/v6/deployments", wire.parse_deployments, wanted)

    async def delete_deployment(self, deployment: str) -> None:
        await self.http.send("DELETE", f"/v13/deployments/{segment(deployment)}", accept=(404,))

    async def cancel_deployment(self, deployment: str) -> None:
        await self.http.send("PATCH", f"/v12/deployments/{segment(deployment)}/cancel", repeatable=True)

    async def promote(self, project: str, deployment: str) -> None:
        await self.http.send("POST", f"/v10/projects/{segment(project)}/promote/{segment(deployment)}")

    async def roll_back(self, project: str, deployment: str, description: str = "") -> None:
        path = f"/v1/projects/{segment(project)}/rollback/{segment(deployment)}"
        await self.http.send("POST", path, params={"description": description or None})

    async def fetch_variables(self, project: str, decrypt: bool = True) -> Sequence[Variable]:
        path = f"/v10/projects/{segment(project)}/env"
        return await self.http.fetch(path, wire.parse_variables, {"decrypt": "true"} if decrypt else None)

    async def write_variables(self, project: str, variables: Sequence[Mapping[str, object]]) -> Sequence[Failure]:
        """Write variables; the answer is what Vercel did not write, with its words."""
        path = f"/v10/projects/{segment(project)}/env"
        reply = await self.http.send("POST", path, json=list(variables), params={"upsert": "true"}, repeatable=True)
        return self.http.decode(reply, wire.parse_failures)

    async def delete_variable(self, project: str, variable: str) -> None:
        path = f"/v9/projects/{segment(project)}/env/{segment(variable)}"
        await self.http.send("DELETE", path, accept=(404,))

    async def narrow_variable(self, project: str, variable: str, targets: Sequence[str]) -> None:
        path = f"/v9/projects/{segment(project)}/env/{segment(variable)}"
        await self.http.send("PATCH", path, json={"target": list(targets)}, repeatable=True)

    async def fetch_build_events(
        self, deployment: str, since: datetime, until: datetime | None = None
    ) -> Sequence[Entry]:
        params = {
            "builds": 1,
            "direction": "forward",
            "limit": -1,
            "since": millis(since),
            "until": millis(until) if until else None,
        }
        return await self.http.fetch(f"/v3/deployments/{segment(deployment)}/events", wire.parse_build_events, params)

    async def follow_runtime_log(self, project: str, deployment: str) -> AsyncIterator[Entry]:
        """Lines as they are said, until Vercel closes the stream or nothing was said for a minute."""
        path = f"/v1/projects/{segment(project)}/deployments/{segment(deployment)}/runtime-logs"
        async with self.http.stream("GET", path, read_timeout=QUIET_STREAM_S) as lines:
            async for line in lines:
                entry = _runtime_entry(line)
                if entry is not None:
                    yield entry


def _runtime_entry(line: str) -> Entry | None:
    try:
        return wire.parse_runtime_line(json.loads(line))
    except ValueError:
        return None
