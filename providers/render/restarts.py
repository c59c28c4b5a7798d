"""Restart a service: fresh instances of what is live. Render answers with nothing, and leaves an event."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from providers import wire
from providers.contract import Operation, OperationKey, OperationStatus
from providers.http import segment
from providers.render.client import RenderClient, write_time
from providers.render.deploys import earliest, lost
from providers.render.services import OneService, ServiceId
from providers.wire import moment

RESTARTED = "server_restarted"
LOST_AFTER = timedelta(minutes=2)


@dataclass(frozen=True)
class Restart:
    service: ServiceId


@dataclass(frozen=True)
class Instance:
    id: str
    created_at: datetime | None


def parse_instances(body: object) -> list[Instance]:
    """Not wrapped and not paged."""
    return [Instance(wire.need_text(row, "id"), wire.moment(row, "createdAt")) for row in wire.need_items(body)]


class InstanceReader:
    def __init__(self, client: RenderClient) -> None:
        self._client = client

    async def fetch(self, request: OneService) -> Sequence[Instance]:
        path = f"/services/{segment(request.service)}/instances"
        return await self._client.http.fetch(path, parse_instances)


class Restarts:
    """`Actuator[Restart]`. A restart since the wish counts as the wish's; references are `srv-…/restart/<time>`.

    It has ended once no instance is older than the restart.
    """

    def __init__(self, client: RenderClient) -> None:
        self._client = client
        self._instances = InstanceReader(client)

    async def start(self, request: Restart, key: OperationKey) -> Operation:
        found = await self.find(request, key)
        if found is not None:
            return found
        await self._client.http.send("POST", f"/services/{segment(request.service)}/restart")
        return await self.observe(_reference(request, key))

    async def observe(self, reference: str) -> Operation:
        service, _, rest = reference.partition("/")
        kind, _, written = rest.partition("/")
        intended_at = moment({"at": written}, "at") if kind == "restart" else None
        known = await self._client.fetch_service_or_none(service) if service and intended_at else None
        if known is None or intended_at is None:
            return lost(reference)
        restarted_at = await self._restarted_at(service, intended_at)
        if restarted_at is None:
            gone = self._client.http.clock() - intended_at > LOST_AFTER
            return lost(reference) if gone else Operation(reference, OperationStatus.RUNNING, "asked for")
        instances = await self._instances.fetch(OneService(service))
        older = [one for one in instances if one.created_at is not None and one.created_at < restarted_at]
        if older:
            return Operation(reference, OperationStatus.RUNNING, f"{len(older)} instances to be replaced")
        return Operation(reference, OperationStatus.SUCCEEDED, "every instance is fresh")

    async def find(self, request: Restart, key: OperationKey) -> Operation | None:
        await self._client.fetch_service(request.service)
        known = await self._restarted_at(request.service, key.intended_at)
        return await self.observe(_reference(request, key)) if known else None

    async def _restarted_at(self, service: str, intended_at: datetime) -> datetime | None:
        events = await self._client.fetch_events(service, (RESTARTED,), earliest(self._client, intended_at))
        return next((event.at for event in reversed(events) if event.at is not None), None)


def _reference(request: Restart, key: OperationKey) -> str:
    return f"{request.service}/restart/{write_time(key.intended_at)}"
