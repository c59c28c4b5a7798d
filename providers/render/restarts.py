"""Restart a service: fresh instances of what is live. Render answers with nothing, and leaves an event."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from providers import wire
from providers.ensuring import UNKNOWN, Standing, absent, done, moving
from providers.http import segment
from providers.render.services import OneService, ServiceId
from providers.traced import Traced

if TYPE_CHECKING:
    from providers.render.client import RenderClient

RESTARTED = "server_restarted"
UNSEEN_FOR = timedelta(minutes=2)


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


def make_restart(client: RenderClient) -> Traced[Restart]:
    """It has ended once no instance is older than the restart."""
    reader = InstanceReader(client)

    async def look(request: Restart, since: datetime) -> Standing:
        if await client.fetch_service_or_none(request.service) is None:
            return UNKNOWN
        events = await client.fetch_events(request.service, (RESTARTED,), since)
        restarted_at = next((event.at for event in reversed(events) if event.at is not None), None)
        if restarted_at is None:
            return absent("asked for")
        instances = await reader.fetch(OneService(request.service))
        older = [one for one in instances if one.created_at is not None and one.created_at < restarted_at]
        return moving(f"{len(older)} instances to be replaced") if older else done("every instance is fresh")

    async def write(request: Restart) -> None:
        await client.http.send("POST", f"/services/{segment(request.service)}/restart")

    return Traced(client.http, Restart, look, write, unseen_for=UNSEEN_FOR)
