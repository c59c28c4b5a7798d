"""Empty what Render's edge has cached of a web service or a static site.

Render answers with nothing and leaves no trace: no event, no field, no entry in the audit log. So what it acknowledged
is remembered here, as long as this process runs. After that `find` says that it did not happen, and purging once more
does no harm.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from weakref import WeakKeyDictionary

from providers.contract import Operation, OperationKey, OperationStatus
from providers.http import segment
from providers.render.client import RenderClient, write_time
from providers.render.deploys import lost
from providers.render.services import ServiceId
from providers.wire import moment

REMEMBERED = 1000
_acknowledged: WeakKeyDictionary[asyncio.AbstractEventLoop, dict[str, None]] = WeakKeyDictionary()
"""References by the loop that asked: every connection of a worker shares one, so a new connection knows as well."""


@dataclass(frozen=True)
class PurgeCache:
    service: ServiceId


class Purges:
    """`Actuator[PurgeCache]`. References are `srv-…/purge/<time>`, given only for what Render acknowledged."""

    def __init__(self, client: RenderClient) -> None:
        self._client = client

    async def start(self, request: PurgeCache, key: OperationKey) -> Operation:
        found = await self.find(request, key)
        if found is not None:
            return found
        path = f"/services/{segment(request.service)}/cache/purge"
        await self._client.http.send("POST", path, repeatable=True)
        reference = _reference(request, key)
        known = _known()
        known[reference] = None
        for old in list(known)[: max(0, len(known) - REMEMBERED)]:
            del known[old]
        return _done(reference)

    async def observe(self, reference: str) -> Operation:
        service, _, rest = reference.partition("/")
        kind, _, written = rest.partition("/")
        is_ours = kind == "purge" and moment({"at": written}, "at") is not None
        found = await self._client.fetch_service_or_none(service) if service and is_ours else None
        return lost(reference) if found is None else _done(reference)

    async def find(self, request: PurgeCache, key: OperationKey) -> Operation | None:
        await self._client.fetch_service(request.service)
        reference = _reference(request, key)
        return _done(reference) if reference in _known() else None


def _known() -> dict[str, None]:
    return _acknowledged.setdefault(asyncio.get_running_loop(), {})


def _done(reference: str) -> Operation:
    return Operation(reference, OperationStatus.SUCCEEDED, "purged")


def _reference(request: PurgeCache, key: OperationKey) -> str:
    return f"{request.service}/purge/{write_time(key.intended_at)}"
