"""Maintenance mode of a web service: its visitors get a page instead of the service. And Render's own maintenance."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated

from providers import wire
from providers.contract import Nothing
from providers.ensuring import Setting
from providers.render.client import RenderClient
from providers.render.services import ServiceId, ServiceReader


@dataclass(frozen=True)
class MaintenanceOn:
    service: ServiceId
    uri: Annotated[str, "page to show instead; Render's own when left out"] = ""


@dataclass(frozen=True)
class MaintenanceOff:
    service: ServiceId


@dataclass(frozen=True)
class MaintenanceRun:
    """Something that Render does to a database or a Key Value instance. It happens by `at_the_latest` at the latest."""

    id: str
    resource: str
    type: str
    state: str
    scheduled_at: datetime | None
    at_the_latest: datetime | None


def make_maintenance_on(reader: ServiceReader) -> Setting[MaintenanceOn]:
    async def holds(request: MaintenanceOn) -> bool | None:
        service = await reader.find_service(request.service)
        mode = service and service.maintenance
        return None if service is None else bool(mode and mode.enabled and mode.uri == request.uri)

    async def write(request: MaintenanceOn) -> None:
        await _switch(reader, request.service, True, request.uri)

    return Setting(MaintenanceOn, holds=holds, write=write, say=lambda _: "in maintenance")


def make_maintenance_off(reader: ServiceReader) -> Setting[MaintenanceOff]:
    """The page stays configured: only the switch is turned."""

    async def holds(request: MaintenanceOff) -> bool | None:
        service = await reader.find_service(request.service)
        return None if service is None else not (service.maintenance and service.maintenance.enabled)

    async def write(request: MaintenanceOff) -> None:
        service = await reader.find_service(request.service)
        uri = service.maintenance.uri if service and service.maintenance else ""
        await _switch(reader, request.service, False, uri)

    return Setting(MaintenanceOff, holds=holds, write=write, say=lambda _: "not in maintenance")


async def _switch(reader: ServiceReader, service: str, on: bool, uri: str) -> None:
    mode = {"enabled": on, "uri": uri}
    await reader.client.update_service(service, {"serviceDetails": {"maintenanceMode": mode}})


def parse_run(body: object) -> MaintenanceRun:
    return MaintenanceRun(
        id=wire.need_text(body, "id"),
        resource=wire.text(body, "resourceId"),
        type=wire.text(body, "type"),
        state=wire.text(body, "state"),
        scheduled_at=wire.moment(body, "scheduledAt"),
        at_the_latest=wire.moment(body, "pendingMaintenanceBy"),
    )


class MaintenanceRuns:
    def __init__(self, client: RenderClient, owner: str) -> None:
        self._client = client
        self._owner = owner

    async def fetch(self, request: Nothing) -> Sequence[MaintenanceRun]:
        """Not wrapped and not paged, unlike Render's other lists."""
        params = {"ownerId": self._owner or None}
        return await self._client.http.fetch("/maintenance", parse_runs, params)


def parse_runs(body: object) -> Sequence[MaintenanceRun]:
    return [parse_run(row) for row in wire.need_items(body)]
