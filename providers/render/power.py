"""Suspend and resume a Render service.

Both repeat harmlessly by nature. References are `srv-…/suspend/<time>` and `srv-…/resume/<time>`, with our time of the
wish: what happened is then read from the service's events and deploys, so that it stays ended though the service is
switched again later. `srv-…/running` is a resume that found the service running.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from providers import contract
from providers.contract import Operation, OperationKey, OperationStatus
from providers.render.client import RenderClient, write_time
from providers.render.deploys import DeployReader, Since, earliest, judge, lost
from providers.wire import moment

BY_RESUME = "service_resumed"
RESUMED_WITHOUT_DEPLOY_AFTER = timedelta(seconds=30)


def _parse(reference: str, verb: str) -> tuple[str, datetime | None]:
    """The service and the time of `srv-…/<verb>/<time>`; no time for anything else."""
    service, _, rest = reference.partition("/")
    found, _, written = rest.partition("/")
    return service, moment({"at": written}, "at") if found == verb else None


def _reference(service: str, verb: str, key: OperationKey) -> str:
    return f"{service}/{verb}/{write_time(key.intended_at)}"


class Suspensions:
    """`Actuator[Suspend]`."""

    def __init__(self, client: RenderClient) -> None:
        self._client = client

    async def start(self, request: contract.Suspend, key: OperationKey) -> Operation:
        found = await self.find(request, key)
        if found is not None:
            return found
        await self._client.suspend(request.target)
        return await self.observe(_reference(request.target, "suspend", key))

    async def observe(self, reference: str) -> Operation:
        name, intended_at = _parse(reference, "suspend")
        service = await self._client.fetch_service_or_none(name) if name and intended_at else None
        if service is None or intended_at is None:
            return lost(reference)
        if service.suspended:
            return Operation(reference, OperationStatus.SUCCEEDED, "suspended")
        since = earliest(self._client, intended_at)
        if await self._client.fetch_events(name, ("service_suspended",), since):
            return Operation(reference, OperationStatus.SUCCEEDED, "suspended, and resumed since")
        return Operation(reference, OperationStatus.RUNNING, "stopping")

    async def find(self, request: contract.Suspend, key: OperationKey) -> Operation | None:
        await self._client.fetch_service(request.target)
        found = await self.observe(_reference(request.target, "suspend", key))
        return found if found.status is OperationStatus.SUCCEEDED else None


class Resumptions:
    """`Actuator[Resume]`. A resume brings the last release up by a deploy of its own; that deploy's end is its end."""

    def __init__(self, reader: DeployReader) -> None:
        self._reader = reader
        self._client = reader.client

    async def start(self, request: contract.Resume, key: OperationKey) -> Operation:
        found = await self.find(request, key)
        if found is not None:
            return found
        service = await self._client.fetch_service(request.target)
        if not service.suspended:
            return _running(request.target)
        await self._client.resume(request.target)
        return await self.observe(_reference(request.target, "resume", key))

    async def observe(self, reference: str) -> Operation:
        name, intended_at = _parse(reference, "resume")
        service = await self._client.fetch_service_or_none(name) if name else None
        if service is None or (intended_at is None and reference != f"{name}/running"):
            return lost(reference)
        if intended_at is None:
            return _running(name)
        since = earliest(self._client, intended_at)
        deploy = Since(BY_RESUME, "", since).pick(await self._client.fetch_deploys(name))
        if deploy is not None:
            status, detail = judge(deploy)
            if status is OperationStatus.FAILED:
                detail = (await self._reader.describe(name, deploy)).detail
            outputs = {"deploy": deploy.id, "commit": deploy.commit}
            return Operation(reference, status, detail, outputs)
        age = self._client.http.clock() - intended_at
        if not service.suspended and age > RESUMED_WITHOUT_DEPLOY_AFTER:
            return Operation(reference, OperationStatus.SUCCEEDED, "running; there was nothing to bring up")
        detail = "still suspended" if service.suspended else "resumed, coming up"
        return Operation(reference, OperationStatus.RUNNING, detail)

    async def find(self, request: contract.Resume, key: OperationKey) -> Operation | None:
        service = await self._client.fetch_service(request.target)
        since = earliest(self._client, key.intended_at)
        events = await self._client.fetch_events(service.id, ("service_resumed",), since)
        brought_up = Since(BY_RESUME, "", since).pick(await self._client.fetch_deploys(service.id))
        return await self.observe(_reference(service.id, "resume", key)) if events or brought_up else None


def _running(service: str) -> Operation:
    return Operation(f"{service}/running", OperationStatus.SUCCEEDED, "it was running already")
