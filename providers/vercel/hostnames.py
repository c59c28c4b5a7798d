"""Aliases at the desk: single hostnames that lead to a deployment, moved in one step."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated

from providers import wire
from providers.ensuring import UNKNOWN, Ensuring, Standing, absent, done
from providers.http import segment
from providers.vercel.client import VercelClient
from providers.vercel.projects import ProjectName

Hostname = Annotated[str, "the hostname"]


@dataclass(frozen=True)
class Aliases:
    project: ProjectName
    domain: Annotated[str, "only those of that domain"] = ""


@dataclass(frozen=True)
class AssignAlias:
    deployment: Annotated[str, "the id of the deployment that the hostname is to lead to"]
    alias: Hostname


@dataclass(frozen=True)
class RemoveAlias:
    project: ProjectName
    alias: Hostname


@dataclass(frozen=True)
class Alias:
    """`deployment` is "" where the hostname leads elsewhere: `redirect`."""

    alias: str
    id: str
    deployment: str
    project: str
    redirect: str
    created_at: datetime | None


def parse_alias(row: object) -> Alias:
    return Alias(
        wire.need_text(row, "alias"),
        wire.text(row, "uid"),
        wire.text(row, "deploymentId"),
        wire.text(row, "projectId"),
        wire.text(row, "redirect"),
        wire.moment(row, "createdAt") or wire.moment(row, "created"),
    )


def parse_one(body: object) -> Alias:
    """One alias. The document says that it comes as a list, the name of the call that it does not."""
    rows = wire.need_items(body) if isinstance(body, list) else [body]
    return parse_alias(rows[0] if rows else {})


class Hostnames:
    """The reading and the actuators."""

    def __init__(self, client: VercelClient) -> None:
        self._client = client
        self._http = client.http
        self.assigning = Ensuring(AssignAlias, self._look_at_assigned, self._assign)
        self.removing = Ensuring(RemoveAlias, self._look_at_removed, self._remove)

    async def fetch(self, request: Aliases) -> Sequence[Alias]:
        project = await self._client.fetch_project(request.project)
        return await self._fetch_of(project.id, request.domain)

    async def _fetch_of(self, project: str, domain: str = "") -> Sequence[Alias]:
        params = {"projectId": project, "domain": domain or None}
        return await self._client.fetch_pages(
            "/v4/aliases", lambda body: [parse_alias(row) for row in wire.need_items(body, "aliases")], params
        )

    async def _look_at_assigned(self, request: AssignAlias) -> Standing:
        if await self._client.fetch_deployment_or_none(request.deployment) is None:
            return UNKNOWN
        now = await self._http.fetch_or_none(f"/v4/aliases/{segment(request.alias)}", parse_one)
        if now is None or now.deployment != request.deployment:
            return absent(f"{request.alias} does not lead there yet")
        return done(f"{request.alias} leads to {now.deployment}", alias=now.alias, deployment=now.deployment)

    async def _assign(self, request: AssignAlias) -> Mapping[str, object]:
        """`previous` is the undo, and only this answer has it: an alias knows where it leads, not where it led."""
        path = f"/v2/deployments/{segment(request.deployment)}/aliases"
        reply = await self._http.send("POST", path, json={"alias": request.alias})
        return {"previous": self._http.decode(reply, lambda body: wire.text(wire.need_table(body), "oldDeploymentId"))}

    async def _look_at_removed(self, request: RemoveAlias) -> Standing:
        project = await self._client.fetch_project_or_none(request.project)
        if project is None:
            return UNKNOWN
        here = [one for one in await self._fetch_of(project.id) if one.alias == request.alias]
        return (
            absent(f"{request.alias} still leads somewhere")
            if here
            else done(f"{request.alias} leads nowhere in this project")
        )

    async def _remove(self, request: RemoveAlias) -> Mapping[str, object]:
        """`previous` is where it led: assigning it there again is the undo."""
        project = await self._client.fetch_project(request.project)
        before = next(one for one in await self._fetch_of(project.id) if one.alias == request.alias)
        await self._http.send("DELETE", f"/v2/aliases/{segment(before.id or before.alias)}", accept=(404,))
        return {"alias": before.alias, "previous": before.deployment}
