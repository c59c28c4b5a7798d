"""Suspend and resume a Render service.

Both repeat harmlessly by nature. References have our time of the wish: what happened is then read from the service's
events and deploys, so that it stays ended though the service is switched again later. A resume's is
`srv-…/resume/<time>`, or `srv-…/running` where it found the service running.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from providers import contract
from providers.contract import Operation, OperationKey, OperationStatus
from providers.ensuring import UNKNOWN, Standing, absent, done
from providers.render.client import RenderClient, write_time
from providers.render.deploys import DeployReader, Since, earliest, judge, lost
from providers.traced import Traced
from providers.wire import moment

BY_RESUME = "service_resumed"
RESUMED_WITHOUT_DEPLOY_AFTER = timedelta(seconds=30)


def make_suspend(client: RenderClient) -> Traced[contract.Suspend]:
    """What has been resumed since stays suspended by this wish: its event tells."""

    async def look(request: contract.Suspend, since: datetime) -> Standing:
        service = await client.fetch_service_or_none(request.target)
        if service is None:
            return UNKNOWN
        if service.suspended:
            return done("suspended")
        events = await client.fetch_events(request.target, ("service_suspended",), since)
        return done("suspended, and resumed since") if events else absent("stopping")

    async def write(request: contract.Suspend) -> None:
        await client.suspend(request.target)

    return Traced(client.http, contract.Suspend, look, write)


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
        return await self.observe(_reference(request.target, key))

    async def observe(self, reference: str) -> Operation:
        name, _, rest = reference.partition("/")
        verb, _, written = rest.partition("/")
        intended_at = moment({"at": written}, "at") if verb == "resume" else None
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
        return await self.observe(_reference(service.id, key)) if events or brought_up else None


def _running(service: str) -> Operation:
    return Operation(f"{service}/running", OperationStatus.SUCCEEDED, "it was running already")


def _reference(service: str, key: OperationKey) -> str:
    return f"{service}/resume/{write_time(key.intended_at)}"
