"""Deployments at the desk: lists, one in full, its logs; building a commit, building again, cancelling, deleting."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Annotated

from console.domain.errors import Rejected
from console.domain.release import Release
from providers import contract
from providers.contract import Operation, OperationKey
from providers.ensuring import Setting
from providers.tail import Entry
from providers.vercel import wire
from providers.vercel.client import VercelClient
from providers.vercel.deploys import KEY, Deploys
from providers.vercel.projects import ProjectName
from providers.vercel.wire import Deployment

DeploymentId = Annotated[str, "the deployment's id, dpl_…"]
SomeDeployment = Annotated[str, "a deployment's id or address; empty for the one with the production domains"]
BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Deployments:
    project: ProjectName
    target: Annotated[str, "production or preview; empty for both"] = ""
    states: Annotated[tuple[str, ...], "Vercel's own words, as READY or ERROR; empty for all"] = ()
    commit: Annotated[str, "a commit's whole hash; empty for all"] = ""
    branch: Annotated[str, "a branch; empty for all"] = ""
    rollback_candidates: Annotated[bool, "only those that instant rollback can return to"] = False
    since: Annotated[datetime | None, "made at or after that time"] = None


@dataclass(frozen=True)
class OneDeployment:
    project: ProjectName
    deployment: SomeDeployment = ""


@dataclass(frozen=True)
class BuildLog:
    project: ProjectName
    deployment: SomeDeployment = ""
    since: Annotated[datetime | None, "lines from that time on"] = None


@dataclass(frozen=True)
class RuntimeLog:
    project: ProjectName
    deployment: SomeDeployment = ""
    listen: Annotated[timedelta, "how long to listen: Vercel keeps no runtime log to read back"] = timedelta(seconds=5)
    lines: Annotated[int, "stop after that many"] = 200


@dataclass(frozen=True)
class DeployCommit:
    project: ProjectName
    commit: Annotated[str, "the commit's whole hash"]
    ref: Annotated[str, "the branch or tag it is on; empty for the commit itself"] = ""
    serve: Annotated[bool, "give it the production domains once it is built; false stages it"] = False


@dataclass(frozen=True)
class Redeploy:
    project: ProjectName
    deployment: Annotated[str, "the deployment to build again, with today's variables"]
    preview: Annotated[bool, "build a preview rather than for production"] = False
    serve: Annotated[bool, "give it the production domains once it is built; false stages it"] = False
    latest_commit: Annotated[bool, "build the newest commit of its branch instead of its own"] = False


@dataclass(frozen=True)
class CancelDeployment:
    project: ProjectName
    deployment: DeploymentId


@dataclass(frozen=True)
class DeleteDeployment:
    project: ProjectName
    deployment: DeploymentId


class DeploymentReader:
    """The readings."""

    def __init__(self, client: VercelClient) -> None:
        self._client = client

    async def fetch_deployments(self, request: Deployments) -> Sequence[Mapping[str, object]]:
        project = await self._client.fetch_project(request.project)
        listed = await self._client.fetch_all_deployments(
            projectId=project.id,
            target=request.target or None,
            state=",".join(request.states) or None,
            sha=request.commit or None,
            branch=request.branch or None,
            rollbackCandidate="true" if request.rollback_candidates else None,
            since=str(int(request.since.timestamp() * 1000)) if request.since else None,
        )
        return [show(one) for one in listed]

    async def fetch_deployment(self, request: OneDeployment) -> Mapping[str, object]:
        return show(await self.find(request.project, request.deployment))

    async def fetch_build_log(self, request: BuildLog) -> Sequence[Mapping[str, object]]:
        deployment = await self.find(request.project, request.deployment)
        entries = await self._client.fetch_build_events(deployment.id, request.since or BEGINNING)
        return [_line(entry) for entry in entries]

    async def fetch_runtime_log(self, request: RuntimeLog) -> Sequence[Mapping[str, object]]:
        """What is said while one listens, each line once. Ends early when Vercel ends the stream."""
        deployment = await self.find(request.project, request.deployment)
        heard: dict[str, Entry] = {}
        try:
            async with asyncio.timeout(request.listen.total_seconds()):
                async for entry in self._client.follow_runtime_log(deployment.project, deployment.id):
                    heard.setdefault(entry.id, entry)
                    if len(heard) >= request.lines:
                        break
        except TimeoutError:
            pass
        return [_line(entry) for entry in heard.values()]

    async def find(self, project: str, deployment: str) -> Deployment:
        """The deployment named, or the one with the production domains.

        Raises:
            Rejected: There is none, or Vercel does not know it.
        """
        wanted = deployment
        if not wanted:
            wanted = (await self._client.fetch_project(project)).production
        found = await self._client.fetch_deployment_or_none(wanted) if wanted else None
        if found is None:
            what = f"Vercel knows no deployment {wanted} of {project}." if wanted else f"{project} serves nothing yet."
            raise Rejected(self._client.http.provider, what, f"project {project}", "Ask `deployments` for what is.")
        return found


class Redeploys:
    """`Actuator[Redeploy]`. Found again as every deploy of ours is: by the key in its `meta`."""

    def __init__(self, client: VercelClient, deploys: Deploys) -> None:
        self._client = client
        self._deploys = deploys
        self._reader = DeploymentReader(client)

    async def start(self, request: Redeploy, key: OperationKey) -> Operation:
        found = await self.find(request, key)
        if found is not None:
            return found
        project = await self._client.fetch_project(request.project)
        original = await self._reader.find(request.project, request.deployment)
        source: dict[str, object] = {"deploymentId": original.id}
        if request.latest_commit:
            source["withLatestCommit"] = True
        serve = request.serve and not request.preview
        return await self._deploys.build(
            project, source, key, serve=serve, target="" if request.preview else "production", name=request.project
        )

    async def observe(self, reference: str) -> Operation:
        return await self._deploys.observe(reference)

    async def find(self, request: Redeploy, key: OperationKey) -> Operation | None:
        project = await self._client.fetch_project(request.project)
        for one in await self._client.fetch_deployments(project.id):
            if one.meta.get(KEY) == key.text:
                return await self.observe(f"{request.project}/{one.id}")
        return None


def as_deploy(request: DeployCommit) -> contract.Deploy:
    return contract.Deploy(request.project, Release(request.commit, request.ref or request.commit), request.serve)


def as_cancel(request: CancelDeployment) -> contract.Cancel:
    return contract.Cancel(request.project, f"{request.project}/{request.deployment}")


def deleting(client: VercelClient) -> Setting[DeleteDeployment]:
    async def is_gone(request: DeleteDeployment) -> bool | None:
        if await client.fetch_project_or_none(request.project) is None:
            return None
        found = await client.fetch_deployment_or_none(request.deployment)
        return found is None or found.state == wire.DELETED

    return Setting(
        DeleteDeployment,
        holds=is_gone,
        write=lambda request: client.delete_deployment(request.deployment),
        say=lambda request: f"{request.deployment} is deleted",
    )


def show(deployment: Deployment) -> Mapping[str, object]:
    return {
        "deployment": deployment.id,
        "project": deployment.project,
        "state": deployment.state,
        "substate": deployment.substate,
        "target": deployment.target or "preview",
        "commit": deployment.commit,
        "ref": deployment.ref,
        "url": deployment.url,
        "aliases": deployment.aliases,
        "has_domains": deployment.alias_assigned,
        "trouble": deployment.error or deployment.alias_error,
        "checks": deployment.checks,
        "rollback_candidate": deployment.rollback_candidate,
        "created_at": deployment.created_at,
    }


def _line(entry: Entry) -> Mapping[str, object]:
    return {"at": entry.at, "level": entry.level, "text": entry.text}
