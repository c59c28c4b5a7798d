"""Deploy, cancel and roll back on Render.

Render takes no idempotency key, so `find` matches what started it (`trigger`), the commit and the creation time.
Two wishes for the same commit within a second or two are therefore one deploy, as an operator means it anyway.

References are `srv-…/dep-…`. A deploy that was queued with Render's empty answer, and is not listed yet, is
`srv-…/queued:<commit, image or build>:<our time of the wish>`, which leads to it once it is.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING
from urllib.parse import unquote

from console.domain.errors import ProviderError
from providers.contract import Operation, OperationKey, OperationStatus
from providers.http import segment
from providers.render import wire
from providers.render.client import RenderClient, write_time
from providers.render.reasons import explain_failure
from providers.stopping import Stopping
from providers.wire import moment

if TYPE_CHECKING:
    from providers import contract
    from providers.render.wire import Deploy

CLOCK_TOLERANCE = timedelta(milliseconds=500)
"""Our idea of Render's clock is early already; this is for times that were rounded."""
QUEUED_LOOKS = 3
QUEUED_LOOK_EVERY_S = 1.0
QUEUED_LOST_AFTER = timedelta(minutes=2)
WHERE_REASONS_ARE = {
    "build_failed": ("build_ended",),
    "pre_deploy_failed": ("pre_deploy_ended",),
    "update_failed": ("image_pull_failed",),
}
"""Events that may say why a deploy ended so, beside `deploy_ended`."""
BY_API = "api"
BY_ROLLBACK = "rollback"


@dataclass(frozen=True)
class Since:
    """Picks deploys that one wish may have made: by trigger and artifact, not before `at` (Render's clock).

    The artifact is a commit, an image or a build; "" is any. A deploy that names none yet matches any: Render fills
    that in late.
    """

    trigger: str
    artifact: str
    at: datetime

    def pick(self, deploys: Sequence[Deploy]) -> Deploy | None:
        """The oldest match of a list that is newest first."""
        fitting = [
            deploy
            for deploy in deploys
            if deploy.trigger == self.trigger
            and (not self.artifact or not deploy.artifacts or self.artifact in deploy.artifacts)
            and deploy.created_at is not None
            and deploy.created_at >= self.at
        ]
        return fitting[-1] if fitting else None


def earliest(client: RenderClient, intended_at: datetime) -> datetime:
    """The earliest time, on Render's clock, at which something made for a wish of that time can have been created.

    Ask after a first answer has arrived on the connection: the difference of the clocks is unknown before.
    """
    return client.http.platform_time(intended_at) - CLOCK_TOLERANCE


def served_before(deploys: Sequence[Deploy], deploy: Deploy) -> str:
    """The id of what served when `deploy` took over, "" for nothing. Render runs deploys of a service in turn."""
    for other in deploys:
        earlier = other.created_at and deploy.created_at and other.created_at <= deploy.created_at
        if other.id != deploy.id and other.has_served and earlier:
            return other.id
    return ""


class DeployReader:
    """Says how a deploy stands; shared by every actuator whose operation is a deploy."""

    def __init__(self, client: RenderClient) -> None:
        self.client = client

    async def observe(self, reference: str) -> Operation:
        service, _, deploy_id = reference.partition("/")
        if deploy_id.startswith("queued:"):
            return await self._observe_queued(service, reference)
        if not service or not deploy_id:
            return lost(reference)
        deploy = await self.client.fetch_deploy_or_none(service, deploy_id)
        return lost(reference) if deploy is None else await self.describe(service, deploy)

    async def describe(self, service: str, deploy: Deploy, known: Sequence[Deploy] | None = None) -> Operation:
        """Turn a deploy into an operation. `known` saves a call where the service's deploys were just listed."""
        outputs = {"deploy": deploy.id, "commit": deploy.commit}
        if known is None and deploy.is_over:
            known = await self.client.fetch_deploys(service)
        if known is not None:
            outputs["previous"] = served_before(known, deploy)
        status, detail = judge(deploy)
        if status is OperationStatus.FAILED and (reason := await self._reason(service, deploy)):
            detail = f"{detail}: {reason}"
        return Operation(f"{service}/{deploy.id}", status, detail, outputs)

    async def _reason(self, service: str, deploy: Deploy) -> str:
        """Why it failed. Knowing that it failed matters more, so trouble on the way leaves the reason empty."""
        try:
            since = deploy.created_at and deploy.created_at - CLOCK_TOLERANCE
            events = await self.client.fetch_events(service, ("deploy_ended", *WHERE_REASONS_ARE[deploy.status]), since)
        except ProviderError:
            return ""
        return explain_failure(events, deploy.id)

    async def _observe_queued(self, service: str, reference: str) -> Operation:
        _, _, wish = reference.partition("queued:")
        artifact, _, written = wish.partition(":")
        intended_at = moment({"at": written}, "at")
        if intended_at is None:
            return lost(reference)
        deploys = await self.client.fetch_deploys(service)
        deploy = Since(BY_API, unquote(artifact), earliest(self.client, intended_at)).pick(deploys)
        if deploy is not None:
            return await self.describe(service, deploy, deploys)
        if self.client.http.clock() - intended_at > QUEUED_LOST_AFTER:
            return lost(reference)
        detail = "queued behind another deploy, not listed yet"
        return Operation(reference, OperationStatus.RUNNING, detail)


def judge(deploy: Deploy) -> tuple[OperationStatus, str]:
    """Render's status as ours. A word that is not known here means that it has not ended as far as we know."""
    if deploy.status in wire.SUCCEEDED:
        return OperationStatus.SUCCEEDED, wire.SUCCEEDED[deploy.status]
    if deploy.status in wire.FAILED:
        return OperationStatus.FAILED, wire.FAILED[deploy.status]
    if deploy.status == wire.CANCELLED:
        return OperationStatus.CANCELLED, "canceled on Render"
    known = wire.RUNNING.get(deploy.status)
    return OperationStatus.RUNNING, known or f'Render says "{deploy.status}", a word not known here'


def lost(reference: str) -> Operation:
    return Operation(reference, OperationStatus.LOST, "Render does not know this")


class Beginner:
    """Begins a deploy of an artifact, once for a key; shared by every actuator that deploys something."""

    def __init__(self, reader: DeployReader) -> None:
        self.reader = reader
        self._client = reader.client

    async def start(self, service: str, kind: str, artifact: str, key: OperationKey) -> Operation:
        """`kind` is the field of Render's request: `commitId`, `imageUrl` or `buildId`."""
        found = await self.find(service, artifact, key)
        if found is not None:
            return found
        created = await self._client.create_deploy(service, {kind: artifact})
        if created is not None:
            return await self._begun(service, created)
        return await self._await_listing(service, artifact, key)

    async def find(self, service: str, artifact: str, key: OperationKey) -> Operation | None:
        deploys = await self._client.fetch_deploys(service)
        deploy = Since(BY_API, artifact, earliest(self._client, key.intended_at)).pick(deploys)
        return None if deploy is None else await self.reader.describe(service, deploy, deploys)

    async def _begun(self, service: str, deploy: Deploy) -> Operation:
        """Describe what was begun. What served before is worth a call, its absence no failure of the deploy."""
        try:
            known = await self._client.fetch_deploys(service)
        except ProviderError:
            known = None
        return await self.reader.describe(service, deploy, known)

    async def _await_listing(self, service: str, artifact: str, key: OperationKey) -> Operation:
        for look in range(QUEUED_LOOKS):
            if look:
                await self._client.http.sleep(QUEUED_LOOK_EVERY_S)
            found = await self.find(service, artifact, key)
            if found is not None:
                return found
        return await self.reader.observe(f"{service}/queued:{segment(artifact)}:{write_time(key.intended_at)}")


class Deploys:
    """`Actuator[Deploy]`. The edge decides who gets traffic, so `serve` makes no difference to a service."""

    def __init__(self, reader: DeployReader) -> None:
        self._beginner = Beginner(reader)

    async def start(self, request: contract.Deploy, key: OperationKey) -> Operation:
        return await self._beginner.start(request.target, "commitId", request.release.commit, key)

    async def observe(self, reference: str) -> Operation:
        return await self._beginner.reader.observe(reference)

    async def find(self, request: contract.Deploy, key: OperationKey) -> Operation | None:
        return await self._beginner.find(request.target, request.release.commit, key)


class Rollbacks:
    """`Actuator[RollBack]`. Auto-deploy is switched off first, or the next push would undo the rollback."""

    def __init__(self, reader: DeployReader) -> None:
        self._reader = reader
        self._client = reader.client

    async def start(self, request: contract.RollBack, key: OperationKey) -> Operation:
        service = await self._client.fetch_service(request.target)
        if service.auto_deploy is not False:
            await self._client.set_auto_deploy(request.target, on=False)
        deploys = await self._client.fetch_deploys(request.target)
        found = self._made_for(request, key, deploys) or _already_live(deploys, request.deployment)
        if found is None:
            found = await self._client.roll_back(request.target, request.deployment)
            deploys = await self._client.fetch_deploys(request.target)
            found = found or self._made_for(request, key, deploys)
        if found is None:
            return Operation(f"{request.target}/", OperationStatus.LOST, "Render took the rollback, and lists none")
        return await self._reader.describe(request.target, found, deploys)

    async def observe(self, reference: str) -> Operation:
        return await self._reader.observe(reference)

    async def find(self, request: contract.RollBack, key: OperationKey) -> Operation | None:
        deploys = await self._client.fetch_deploys(request.target)
        deploy = self._made_for(request, key, deploys)
        return None if deploy is None else await self._reader.describe(request.target, deploy, deploys)

    def _made_for(self, request: contract.RollBack, key: OperationKey, deploys: Sequence[Deploy]) -> Deploy | None:
        commit = next((deploy.commit for deploy in deploys if deploy.id == request.deployment), "")
        return Since(BY_ROLLBACK, commit, earliest(self._client, key.intended_at)).pick(deploys)


def _already_live(deploys: Sequence[Deploy], wanted: str) -> Deploy | None:
    """The deploy to return to, when it serves and nothing is about to replace it."""
    if any(not deploy.is_over for deploy in deploys):
        return None
    return next((deploy for deploy in deploys if deploy.id == wanted and deploy.status == "live"), None)


def make_cancel(reader: DeployReader) -> Stopping[contract.Cancel]:
    async def stop(reference: str) -> None:
        service, _, deploy = reference.partition("/")
        await reader.client.cancel_deploy(service, deploy)

    return Stopping(lambda request: request.reference, look=reader.observe, stop=stop)
