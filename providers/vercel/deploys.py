"""Deploy to Vercel, and cancel.

Vercel takes no idempotency key, but keeps what we attach: `meta.quarterdeckKey` is the key, and `find` looks for it
among the deployments of the commit. The same place remembers whether the deployment is to serve and what served
before, so that a reference (`prj_…/dpl_…`) is enough for any connection.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from console.domain.errors import Rejected
from providers.contract import Operation, OperationKey, OperationStatus
from providers.stopping import Stopping
from providers.vercel import wire
from providers.vercel.rolling_release import ABORTED, RollingCalls

if TYPE_CHECKING:
    from console.domain.release import Release
    from providers import contract
    from providers.vercel.client import VercelClient
    from providers.vercel.wire import Deployment, Project

KEY, SERVE, PREVIOUS = "quarterdeckKey", "quarterdeckServe", "quarterdeckPrevious"
RHYTHM: tuple[tuple[timedelta, timedelta | None], ...] = (
    (timedelta(minutes=1), None),
    (timedelta(minutes=5), timedelta(seconds=15)),
)
"""By age: a young build is looked at as often as the caller likes, an older one as seldom as by Vercel's command."""
SLOWEST = timedelta(seconds=30)


class Deploys:
    """`Actuator[Deploy]`. With `serve` false the project stops giving domains to new builds, so the build is staged."""

    def __init__(self, client: VercelClient, scheme: str) -> None:
        self._client = client
        self._scheme = scheme

    async def start(self, request: contract.Deploy, key: OperationKey) -> Operation:
        found = await self.find(request, key)
        if found is not None:
            return found
        project = await self._client.fetch_project(request.target)
        source = {"gitSource": _git_source(self._client.http.provider, project, request.release)}
        return await self.build(project, source, key, serve=request.serve, name=request.target)

    async def build(
        self,
        project: Project,
        source: Mapping[str, object],
        key: OperationKey,
        *,
        serve: bool,
        name: str,
        target: str = "production",
    ) -> Operation:
        """Begin a build of `gitSource` or `deploymentId`. `name` is what the reference calls the project."""
        if target == "production" and project.assigns_domains != serve:
            await self._client.assign_domains(project.id, serve)
        meta = {KEY: key.text, SERVE: "1" if serve else "0", PREVIOUS: project.production}
        created = await self._client.create_deployment(project, source, meta, target)
        return self._describe(name, created, meta)

    async def observe(self, reference: str) -> Operation:
        project, _, deployment_id = reference.partition("/")
        if not project or not deployment_id or "/" in deployment_id:
            return lost(reference)
        deployment = await self._client.fetch_deployment_or_none(deployment_id)
        if deployment is None or deployment.state == wire.DELETED:
            return lost(reference)
        operation = self._describe(project, deployment, deployment.meta)
        if operation.status is OperationStatus.RUNNING and deployment.state == wire.READY and not deployment.checks:
            return await self._explain_waiting(project, operation)
        return operation

    async def _explain_waiting(self, project: str, operation: Operation) -> Operation:
        """A finished build whose project gives it no domains waits for ever: say so instead of running on."""
        held = await self._client.fetch_project_or_none(project)
        if held is None:
            return operation
        why = await self._find_hold(held, str(operation.outputs["deployment"]))
        if not why:
            return operation
        detail = f"built, but without the production domains: {why}. Promote it"
        return Operation(operation.reference, OperationStatus.FAILED, detail, operation.outputs)

    async def _find_hold(self, project: Project, deployment: str) -> str:
        """Why a build gets no domains, "" where it may yet get them."""
        if project.rolled_back:
            return "the last rollback holds them"
        if not project.assigns_domains:
            return "the project does not assign them by itself"
        release = await RollingCalls(self._client).fetch(project.id) if project.rolls else None
        aborted = release is not None and release.state == ABORTED and release.canary == deployment
        return "its rolling release was aborted" if aborted else ""

    async def find(self, request: contract.Deploy, key: OperationKey) -> Operation | None:
        listed = await self._client.fetch_deployments(request.target, request.release.commit)
        for deployment in listed:
            if deployment.meta.get(KEY) == key.text:
                return await self.observe(f"{request.target}/{deployment.id}")
        return None

    def _describe(self, project: str, deployment: Deployment, meta: Mapping[str, str]) -> Operation:
        status, detail = judge(deployment, serve=meta.get(SERVE) != "0")
        outputs = {
            "deployment": deployment.id,
            "url": f"{self._scheme}://{deployment.url}" if deployment.url else "",
            "previous": meta.get(PREVIOUS, ""),
        }
        now = self._client.http.platform_time(self._client.http.clock())
        poll_after = None if status.is_terminal else rhythm(deployment.created_at, now)
        return Operation(f"{project}/{deployment.id}", status, detail, outputs, poll_after)


def _git_source(provider: str, project: Project, release: Release) -> Mapping[str, object]:
    """Say where the commit lies, from what the project is linked to.

    Raises:
        Rejected: The project is linked to no repository, so that there is nothing to build from.
    """
    link = project.link
    kind = str(link.get("type") or "")
    where: dict[str, object]
    if link.get("repoId") is not None:
        where = {"repoId": link["repoId"]}
    elif link.get("org") and link.get("repo"):
        where = {"org": link["org"], "repo": link["repo"]}
    else:
        raise Rejected(
            provider,
            f"The Vercel project {project.name} is linked to no repository that can be deployed from.",
            f"project {project.id}",
            "Link it to its repository in the project's settings.",
        )
    return {"type": kind or "github", **where, "ref": release.name, "sha": release.commit}


def judge(deployment: Deployment, *, serve: bool) -> tuple[OperationStatus, str]:
    """Vercel's state as ours. READY alone does not mean that it serves: that is when its aliases are assigned."""
    state = deployment.state
    if state == wire.ERROR:
        return OperationStatus.FAILED, f"the build failed: {deployment.error or 'Vercel gives no reason'}"
    if state == wire.CANCELED:
        return OperationStatus.CANCELLED, "canceled on Vercel"
    if state == wire.BLOCKED:
        return OperationStatus.RUNNING, "blocked on Vercel until someone there allows it"
    if state != wire.READY:
        known = wire.RUNNING.get(state)
        return OperationStatus.RUNNING, known or f'Vercel says "{state}", a word not known here'
    if not serve:
        return OperationStatus.SUCCEEDED, "built and staged, without production traffic"
    if deployment.alias_error:
        return OperationStatus.FAILED, f"built, but its domains were not assigned: {deployment.alias_error}"
    if deployment.alias_assigned and deployment.substate != "ROLLING":
        return OperationStatus.SUCCEEDED, "built and serving"
    if deployment.substate == "ROLLING":
        return OperationStatus.RUNNING, "built, being rolled out to visitors in stages"
    checks = f", checks {deployment.checks}" if deployment.checks else ""
    return OperationStatus.RUNNING, f"built, waiting for its domains{checks}"


def rhythm(created_at: datetime | None, now: datetime) -> timedelta | None:
    """How long to wait before looking again at something of that age."""
    age = now - created_at if created_at else timedelta(0)
    return next((pause for until, pause in RHYTHM if age < until), SLOWEST)


def lost(reference: str) -> Operation:
    return Operation(reference, OperationStatus.LOST, "Vercel does not know this")


def make_cancel(client: VercelClient, deploys: Deploys) -> Stopping[contract.Cancel]:
    async def stop(reference: str) -> None:
        await client.cancel_deployment(reference.partition("/")[2])

    return Stopping(lambda request: request.reference, look=deploys.observe, stop=stop)
