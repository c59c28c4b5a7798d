"""Maintenance mode of a web service: its visitors get a page instead of the service. And Render's own maintenance."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Annotated

from providers import wire
from providers.contract import Actuator, Maintain, Nothing, Page
from providers.ensuring import Setting
from providers.http import segment
from providers.render.services import ServiceId, ServiceReader, parse_detail
from providers.translated import Translated

if TYPE_CHECKING:
    from providers.render.client import RenderClient

WEB_SERVICE = "web_service"


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


NO_PAGE = "Render has a maintenance mode for web services only, and this is a {type}."


class Pages:
    """`PageSource`."""

    def __init__(self, client: RenderClient) -> None:
        self._client = client

    async def fetch_page(self, target: str) -> Page:
        service = await self._client.http.fetch(f"/services/{segment(target)}", parse_detail)
        if service.type != WEB_SERVICE:
            return Page(cannot=NO_PAGE.format(type=service.type.replace("_", " ")))
        return Page(bool(service.maintenance and service.maintenance.enabled))


def make_maintain(reader: ServiceReader) -> Setting[Maintain]:
    """Of what is asked Render knows a page's address. Switched off, the page stays configured."""

    async def holds(request: Maintain) -> bool | None:
        service = await reader.find_service(request.target)
        if service is None:
            return None
        mode = service.maintenance
        is_on = bool(mode and mode.enabled)
        return is_on and bool(mode and mode.uri == request.page) if request.on else not is_on

    async def write(request: Maintain) -> None:
        page = request.page
        if not request.on:
            service = await reader.find_service(request.target)
            page = service.maintenance.uri if service and service.maintenance else ""
        mode = {"enabled": request.on, "uri": page}
        await reader.client.update_service(request.target, {"serviceDetails": {"maintenanceMode": mode}})

    def say(request: Maintain) -> str:
        return "in maintenance" if request.on else "not in maintenance"

    return Setting(Maintain, holds=holds, write=write, say=say)


def make_maintenance_on(maintain: Actuator[Maintain]) -> Translated[MaintenanceOn, Maintain]:
    return Translated(maintain, lambda asked: Maintain(asked.service, True, page=asked.uri))


def make_maintenance_off(maintain: Actuator[Maintain]) -> Translated[MaintenanceOff, Maintain]:
    return Translated(maintain, lambda asked: Maintain(asked.service, False))


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
