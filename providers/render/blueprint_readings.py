"""Blueprints of the workspace, and a `render.yaml` held against it."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated

from console.domain.errors import Rejected
from providers import wire
from providers.http import segment
from providers.render.blueprints import (
    BlueprintError,
    Difference,
    Planned,
    find_drift,
    read_blueprint,
    write_configuration,
)
from providers.render.client import RenderClient
from providers.render.datastores import Datastores
from providers.render.services import ServiceDetail, ServiceReader

AT_ONCE = 8


@dataclass(frozen=True)
class BlueprintText:
    text: Annotated[str, "the text of a render.yaml"]


@dataclass(frozen=True)
class OneBlueprint:
    blueprint: Annotated[str, "id of the Blueprint"]


@dataclass(frozen=True)
class Blueprint:
    """`status` keeps Render's word. `resources` (ids by name) are told of one only, not in a list."""

    id: str
    name: str
    status: str
    repository: str
    branch: str
    path: str
    auto_sync: bool | None
    synced_at: datetime | None
    resources: Mapping[str, str]


@dataclass(frozen=True)
class Sync:
    id: str
    commit: str
    state: str
    started_at: datetime | None
    completed_at: datetime | None


@dataclass(frozen=True)
class Validation:
    """`creates` names what a sync would make, by kind; empty where the text is not valid."""

    valid: bool
    errors: tuple[str, ...]
    creates: Mapping[str, tuple[str, ...]]


def parse_blueprint(body: object) -> Blueprint:
    return Blueprint(
        id=wire.need_text(body, "id"),
        name=wire.text(body, "name"),
        status=wire.text(body, "status"),
        repository=wire.text(body, "repo"),
        branch=wire.text(body, "branch"),
        path=wire.text(body, "path"),
        auto_sync=wire.flag(body, "autoSync"),
        synced_at=wire.moment(body, "lastSync"),
        resources={wire.text(row, "name"): wire.text(row, "id") for row in wire.items(body, "resources")},
    )


def parse_sync(body: object) -> Sync:
    return Sync(
        id=wire.need_text(body, "id"),
        commit=wire.text(body, "commit", "id"),
        state=wire.text(body, "state"),
        started_at=wire.moment(body, "startedAt"),
        completed_at=wire.moment(body, "completedAt"),
    )


def parse_validation(body: object) -> Validation:
    valid = wire.flag(body, "valid")
    if valid is None:
        raise wire.ShapeError("it has no valid")
    kinds = ("services", "databases", "keyValue", "envGroups")
    creates = {kind: wire.texts(body, "plan", kind) for kind in kinds}
    return Validation(
        valid=valid,
        errors=tuple(_say(row) for row in wire.items(body, "errors")),
        creates={kind: names for kind, names in creates.items() if names},
    )


def _say(error: object) -> str:
    line = wire.whole(error, "line")
    place = [wire.text(error, "path"), f"line {line}" if line is not None else ""]
    where = ", ".join(part for part in place if part)
    return f"{where}: {wire.text(error, 'error')}" if where else wire.text(error, "error")


class BlueprintReader:
    def __init__(self, client: RenderClient, owner: str) -> None:
        self._client = client
        self._owner = owner
        self._services = ServiceReader(client, owner)
        self._stores = Datastores(client, owner)

    async def fetch_blueprints(self, request: object) -> Sequence[Blueprint]:
        asked = {"ownerId": self._owner or None}
        return await self._client.fetch_list("/blueprints", "blueprint", parse_blueprint, asked)

    async def fetch_blueprint(self, request: OneBlueprint) -> Blueprint:
        return await self._client.http.fetch(f"/blueprints/{segment(request.blueprint)}", parse_blueprint)

    async def fetch_syncs(self, request: OneBlueprint) -> Sequence[Sync]:
        return await self._client.fetch_list(f"/blueprints/{segment(request.blueprint)}/syncs", "sync", parse_sync)

    async def validate(self, request: BlueprintText) -> Validation:
        """Render's own judgement of the text; it changes nothing there."""
        boundary = f"quarterdeck-{secrets.token_hex(16)}"
        body = _form(boundary, await self._find_owner(), request.text)
        media = {"content-type": f"multipart/form-data; boundary={boundary}"}
        http = self._client.http
        reply = await http.send("POST", "/blueprints/validate", content=body, headers=media, repeatable=True)
        return http.decode(reply, parse_validation)

    async def fetch_drift(self, request: BlueprintText) -> Sequence[Difference]:
        """How the workspace differs from what the text says."""
        planned, services = self._read(request.text), await self._by_name()
        wanted = [services[one.name] for one in planned if one.variables and one.name in services]
        gate = asyncio.Semaphore(AT_ONCE)

        async def fetch(service: ServiceDetail) -> tuple[str, Mapping[str, str]]:
            async with gate:
                return service.name, await self._client.fetch_variables(service.id)

        variables = dict(await asyncio.gather(*map(fetch, wanted)))
        stores = [*await self._stores.fetch_postgres(None), *await self._stores.fetch_key_values(None)]
        return find_drift(planned, services, variables, {store.name: store.plan for store in stores})

    async def write_configuration(self, request: BlueprintText) -> str:
        """The text as configuration of Quarterdeck, with the ids of the workspace."""
        planned = self._read(request.text)
        return write_configuration(planned, await self._by_name(), self._client.http.provider)

    def _read(self, text: str) -> Sequence[Planned]:
        try:
            return read_blueprint(text)
        except BlueprintError as error:
            remedy = "Ask `validate-blueprint` what Render says of it."
            raise Rejected(self._client.http.provider, f"The Blueprint cannot be read: {error}.", "", remedy) from error

    async def _by_name(self) -> Mapping[str, ServiceDetail]:
        return {service.name: service for service in await self._services.fetch_details()}

    async def _find_owner(self) -> str:
        """The configured workspace, or the only one that the token sees."""
        owners = [self._owner] if self._owner else list(await self._client.fetch_owners())
        if len(owners) != 1:
            raise Rejected(
                self._client.http.provider,
                f"The token sees {len(owners)} workspaces, and a Blueprint is judged for one.",
                "",
                f"Write owner = … into [providers.{self._client.http.provider}].",
            )
        return owners[0]


def _form(boundary: str, owner: str, text: str) -> bytes:
    head = f'--{boundary}\r\ncontent-disposition: form-data; name="ownerId"\r\n\r\n{owner}\r\n'
    file = f'--{boundary}\r\ncontent-disposition: form-data; name="file"; filename="render.yaml"\r\n'
    return f"{head}{file}content-type: application/yaml\r\n\r\n{text}\r\n--{boundary}--\r\n".encode()
