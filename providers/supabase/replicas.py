"""Read replicas: added in a region, removed. They are listed with their organization's projects only."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

from console.domain.errors import Rejected
from providers.ensuring import Ensuring, Setting, Standing, absent, done, moving, went_wrong
from providers.http import segment
from providers.supabase.client import SupabaseClient
from providers.supabase.fields import OfProject, ProjectRef, Row, project_path
from providers.wire import items, need_items, need_table, need_text, text

PAGE = 100
READY = "ACTIVE_HEALTHY"


@dataclass(frozen=True)
class AddReplica:
    project: ProjectRef
    region: Annotated[str, "e.g. eu-west-1; one replica a region"]


@dataclass(frozen=True)
class RemoveReplica:
    project: ProjectRef
    replica: Annotated[str, "identifier of the replica as `read-replicas` lists it"]


class Replicas:
    def __init__(self, client: SupabaseClient) -> None:
        self._http = client.http

    async def fetch_replicas(self, request: OfProject) -> Sequence[Row]:
        return [
            {name: text(one, name) for name in ("identifier", "region", "status")}
            for one in await self._list(request.project)
        ]

    def adding(self) -> Ensuring[AddReplica]:
        async def look(request: AddReplica) -> Standing:
            there = [one for one in await self._list(request.project) if text(one, "region") == request.region]
            if not there:
                return absent()
            status, outputs = text(there[0], "status"), {"replica": text(there[0], "identifier")}
            if status == READY:
                return done(f"replica in {request.region}", **outputs)
            broken = status.endswith("_FAILED") or status == "REMOVED"
            return went_wrong(f"the replica is {status}") if broken else moving(f"the replica is {status}", **outputs)

        async def write(request: AddReplica) -> None:
            body = {"read_replica_region": request.region}
            await self._http.send("POST", project_path(request.project, "read-replicas/setup"), json=body)

        return Ensuring(AddReplica, look, write)

    def removing(self) -> Setting[RemoveReplica]:
        async def holds(request: RemoveReplica) -> bool:
            listed = await self._list(request.project)
            return all(text(one, "identifier") != request.replica for one in listed)

        async def write(request: RemoveReplica) -> None:
            body = {"database_identifier": request.replica}
            path = project_path(request.project, "read-replicas/remove")
            await self._http.send("POST", path, json=body, accept=(404,))

        def say(request: RemoveReplica) -> str:
            return f"there is no replica {request.replica}"

        return Setting(RemoveReplica, holds=holds, write=write, say=say)

    async def _list(self, ref: str) -> list[object]:
        slug = await self._http.fetch(project_path(ref), lambda node: need_text(node, "organization_slug"))
        path, offset = f"/v1/organizations/{segment(slug)}/projects", 0
        while True:
            page = await self._http.fetch(path, need_table, {"offset": offset, "limit": PAGE})
            listed = need_items(page, "projects")
            for project in listed:
                if text(project, "ref") == ref:
                    return [one for one in items(project, "databases") if text(one, "type") == "READ_REPLICA"]
            offset += PAGE
            if len(listed) < PAGE:
                what = f"The organization {slug} does not list the Supabase project {ref}."
                raise Rejected(self._http.provider, what, f"project {ref}")
