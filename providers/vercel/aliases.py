"""Promote and instant rollback: production domains move to a deployment that exists, in one step.

Vercel keeps the last such request on the project (`lastAliasRequest`), which is how one is found again. References are
`prj_…/promote/dpl_…/<time>/<previous>` and the same with `rollback`: what was asked, our time of the wish in
milliseconds, and what served before. A request that a later one has replaced is judged by the deployment: one that ever
had production traffic is marked so for good.

In a project with rolling releases a promotion begins one, and has ended when the deployment has all visitors; rolling
back to what served before it aborts it.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Generic, Literal, Protocol, TypeVar

from console.domain.errors import RateLimited, Rejected
from providers.contract import Operation, OperationKey, OperationStatus
from providers.vercel.client import VercelClient, millis
from providers.vercel.deploys import lost
from providers.vercel.rolling_release import ABORTED, RollingCalls, RollingRelease
from providers.wire import moment

if TYPE_CHECKING:
    from providers.contract import Promote, RollBack
    from providers.vercel.wire import AliasRequest, Project

CLOCK_TOLERANCE = timedelta(milliseconds=500)
UNLISTED_LOST_AFTER = timedelta(minutes=10)
BUSY_FOR = timedelta(milliseconds=500)
PENDING = {"pending": "waiting", "in-progress": "moving the production domains"}


class Moving(Protocol):
    """What is asked: give the production domains of a project to a deployment."""

    @property
    def target(self) -> str: ...

    @property
    def deployment(self) -> str: ...


Move = TypeVar("Move", bound=Moving)


@dataclass(frozen=True)
class Reference:
    project: str
    kind: str
    deployment: str
    intended_at: datetime
    previous: str

    def __str__(self) -> str:
        return f"{self.project}/{self.kind}/{self.deployment}/{millis(self.intended_at)}/{self.previous}"

    @staticmethod
    def parse(text: str, kind: str) -> Reference | None:
        parts = text.split("/")
        if len(parts) != 5 or parts[1] != kind or not parts[3].isdigit():
            return None
        intended_at = moment({"at": int(parts[3])}, "at")
        return Reference(parts[0], kind, parts[2], intended_at, parts[4]) if intended_at else None


class Aliases(Generic[Move]):
    """`Actuator[Promote]` or `Actuator[RollBack]`. `move` asks Vercel, given the project's id and the request."""

    def __init__(
        self,
        client: VercelClient,
        kind: Literal["promote", "rollback"],
        move: Callable[[str, Move], Awaitable[None]],
    ) -> None:
        self._client = client
        self._rolling = RollingCalls(client)
        self._kind = kind
        self._move = move

    async def start(self, request: Move, key: OperationKey) -> Operation:
        project = await self._client.fetch_project(request.target)
        release = await self._release_of(project)
        wanted = self._wanted(request, key, project)
        if self._has_begun(wanted, project, release):
            return await self._judge(wanted, project, release)
        try:
            await self._move(project.id, request)
        except Rejected:
            project = await self._client.fetch_project(request.target)
            if not self._has_begun(wanted, project, await self._release_of(project)):
                self._raise_if_busy(project)
                raise
        return await self.observe(str(wanted))

    async def observe(self, reference: str) -> Operation:
        wanted = Reference.parse(reference, self._kind)
        project = await self._client.fetch_project_or_none(wanted.project) if wanted and wanted.project else None
        if wanted is None or project is None:
            return lost(reference)
        return await self._judge(wanted, project, await self._release_of(project))

    async def find(self, request: Move, key: OperationKey) -> Operation | None:
        project = await self._client.fetch_project(request.target)
        release = await self._release_of(project)
        wanted = self._wanted(request, key, project)
        if not self._has_begun(wanted, project, release):
            return None
        return await self._judge(wanted, project, release)

    async def _release_of(self, project: Project) -> RollingRelease | None:
        """The project's last rolling release; not asked for where production moves at once."""
        return await self._rolling.fetch(project.id) if project.rolls else None

    def _raise_if_busy(self, project: Project) -> None:
        """Vercel moves domains for one request at a time; a way back has to wait for it, not fail on it."""
        last = project.last_alias_request
        if last is not None and last.status in PENDING:
            raise RateLimited(
                self._client.http.provider,
                f"Vercel is busy with another {last.kind} of {project.name}, to {last.target}.",
                f"project {project.id}",
                "It is asked again when that has ended.",
                retry_after=BUSY_FOR,
            )

    def _wanted(self, request: Move, key: OperationKey, project: Project) -> Reference:
        wanted = Reference(request.target, self._kind, request.deployment, key.intended_at, "")
        answer = self._answer_to(wanted, project)
        if answer is not None:
            return replace(wanted, previous=answer.source)
        return wanted if _serves(project, request.deployment) else replace(wanted, previous=project.production)

    def _has_begun(self, wanted: Reference, project: Project, release: RollingRelease | None) -> bool:
        if release is not None and release.is_active:
            if self._kind == "rollback" and release.current == wanted.deployment:
                return False
            if self._kind == "promote" and wanted.deployment in (release.canary, release.queued):
                return True
        return self._answer_to(wanted, project) is not None or _serves(project, wanted.deployment)

    def _answer_to(self, wanted: Reference, project: Project) -> AliasRequest | None:
        """The project's last request, if it is ours: same kind, same deployment, not older than the wish."""
        last = self._request_since(wanted, project)
        ours = last is not None and (last.kind, last.target) == (wanted.kind, wanted.deployment)
        return last if ours else None

    def _request_since(self, wanted: Reference, project: Project) -> AliasRequest | None:
        """The project's last request, whoever made it, if it is not older than the wish."""
        last = project.last_alias_request
        since = self._client.http.platform_time(wanted.intended_at) - CLOCK_TOLERANCE
        return last if last is not None and last.requested_at is not None and last.requested_at >= since else None

    async def _judge(self, wanted: Reference, project: Project, release: RollingRelease | None) -> Operation:
        rolled = self._judge_rolling(wanted, project, release)
        if rolled is not None:
            return rolled
        last = self._answer_to(wanted, project)
        if last is not None:
            if last.status in PENDING:
                return self._operation(wanted, OperationStatus.RUNNING, PENDING[last.status])
            if last.status == "failed":
                return self._operation(wanted, OperationStatus.FAILED, "Vercel could not move every production domain")
            if last.status in ("succeeded", "skipped"):
                return self._operation(wanted, OperationStatus.SUCCEEDED, "has production traffic")
            detail = f'Vercel says "{last.status}", a word not known here'
            return self._operation(wanted, OperationStatus.RUNNING, detail)
        if project.production == wanted.deployment:
            return self._operation(wanted, OperationStatus.SUCCEEDED, "has production traffic")
        return await self._judge_replaced(wanted, replaced=self._request_since(wanted, project) is not None)

    def _judge_rolling(self, wanted: Reference, project: Project, release: RollingRelease | None) -> Operation | None:
        """What the rolling release says of it; None where it is about something else."""
        if release is None or self._kind != "promote":
            return None
        if release.is_active and wanted.deployment == release.canary:
            return self._operation(wanted, OperationStatus.RUNNING, release.describe())
        if release.is_active and wanted.deployment == release.queued:
            detail = f"queued behind the rolling release of {release.canary}"
            return self._operation(wanted, OperationStatus.RUNNING, detail)
        if release.state == ABORTED and wanted.deployment == release.canary != project.production:
            return self._operation(wanted, OperationStatus.FAILED, "the rolling release was aborted")
        return None

    async def _judge_replaced(self, wanted: Reference, *, replaced: bool) -> Operation:
        deployment = await self._client.fetch_deployment_or_none(wanted.deployment)
        if deployment is None:
            return lost(str(wanted))
        if replaced and deployment.substate == "PROMOTED":
            return self._operation(wanted, OperationStatus.SUCCEEDED, "had production traffic, replaced since")
        age = self._client.http.clock() - wanted.intended_at
        if replaced or age > UNLISTED_LOST_AFTER:
            return lost(str(wanted))
        return self._operation(wanted, OperationStatus.RUNNING, "asked for; Vercel does not show it yet")

    def _operation(self, wanted: Reference, status: OperationStatus, detail: str) -> Operation:
        outputs = {"deployment": wanted.deployment, "previous": wanted.previous}
        return Operation(str(wanted), status, detail, outputs)


def _serves(project: Project, deployment: str) -> bool:
    """Whether a deployment has the production domains, and no request is about to move them."""
    last = project.last_alias_request
    moving = last is not None and last.status in PENDING and last.target != deployment
    return project.production == deployment and not moving


def make_promote(client: VercelClient) -> Aliases[Promote]:
    """Give a deployment the production domains."""
    return Aliases(client, "promote", lambda project, request: client.promote(project, request.deployment))


def make_roll_back(client: VercelClient) -> Aliases[RollBack]:
    """Give them back to one that had them."""
    return Aliases(client, "rollback", lambda project, request: client.roll_back(project, request.deployment))
