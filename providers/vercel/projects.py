"""Projects at the desk: what there is, what really serves, pausing, and who gets the production domains."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated

from console.domain.errors import Rejected
from providers.contract import Operation, OperationKey, Promote
from providers.ensuring import Setting
from providers.vercel import wire
from providers.vercel.aliases import PENDING, Aliases
from providers.vercel.client import VercelClient
from providers.vercel.deploys import lost
from providers.vercel.power import power
from providers.vercel.rolling_release import RollingCalls, RollingRelease
from providers.vercel.wire import Deployment, Project

ProjectName = Annotated[str, "the project's id or name"]
NEWEST = 20


@dataclass(frozen=True)
class Projects:
    search: Annotated[str, "part of the name; empty lists all"] = ""


@dataclass(frozen=True)
class OneProject:
    project: ProjectName


@dataclass(frozen=True)
class Serving:
    project: ProjectName


@dataclass(frozen=True)
class Pause:
    project: ProjectName


@dataclass(frozen=True)
class Unpause:
    project: ProjectName


@dataclass(frozen=True)
class AssignDomains:
    project: ProjectName
    on: Annotated[bool, "whether a new production build gets the production domains by itself; false stages it"]


@dataclass(frozen=True)
class UndoRollback:
    project: ProjectName
    deployment: Annotated[str, "what to promote; empty for what the rollback had replaced"] = ""


class ProjectReader:
    """The readings."""

    def __init__(self, client: VercelClient) -> None:
        self._client = client
        self._rolling = RollingCalls(client)

    async def fetch_projects(self, request: Projects) -> Sequence[Mapping[str, object]]:
        return [_show(project) for project in await self._client.fetch_projects(request.search)]

    async def fetch_project(self, request: OneProject) -> Mapping[str, object]:
        return _show(await self._client.fetch_project(request.project))

    async def fetch_serving(self, request: Serving) -> Mapping[str, object]:
        """Tell apart what has the production domains and what is only READY."""
        project = await self._client.fetch_project(request.project)
        release = await self._rolling.fetch(project.id) if project.rolls else None
        params = {"projectId": project.id, "target": "production", "limit": NEWEST}
        newest = await self._client.http.fetch("/v6/deployments", wire.parse_deployments, params)
        return {
            "project": project.id,
            "name": project.name,
            "production": project.production,
            "domains": project.domains,
            "paused": project.paused,
            "new_builds": _new_builds(project),
            "moving": _moving(project),
            "rolling": release.describe() if release else "",
            "deployments": [
                {
                    "deployment": one.id,
                    "commit": one.commit,
                    "ref": one.ref,
                    "state": one.state,
                    "serves": serves(one, project, release),
                    "says": describe(one, project, release),
                }
                for one in newest
            ],
        }


def _show(project: Project) -> Mapping[str, object]:
    link = project.link
    return {
        "project": project.id,
        "name": project.name,
        "framework": project.framework,
        "repository": "/".join(str(link[part]) for part in ("org", "repo") if link.get(part)),
        "branch": str(link.get("productionBranch") or ""),
        "production": project.production,
        "domains": project.domains,
        "paused": project.paused,
        "assigns_domains": project.assigns_domains,
        "held_by_rollback": project.rolled_back,
        "rolling_releases": project.rolls,
    }


def _new_builds(project: Project) -> str:
    if project.rolled_back:
        return "are staged: the last rollback holds the production domains"
    if not project.assigns_domains:
        return "are staged: the project does not assign production domains by itself"
    return "are rolled out to visitors" if project.rolls else "get the production domains"


def _moving(project: Project) -> str:
    last = project.last_alias_request
    if last is None or last.status in ("succeeded", "skipped"):
        return ""
    return f"{last.kind} to {last.target}: {PENDING.get(last.status, last.status)}"


def serves(deployment: Deployment, project: Project, release: RollingRelease | None) -> bool:
    """Whether visitors of the production domains get it now."""
    if project.paused:
        return False
    rolling = release is not None and release.is_active and deployment.id == release.canary
    return deployment.id == project.production or rolling


def describe(deployment: Deployment, project: Project, release: RollingRelease | None) -> str:
    """READY says that it was built. Whether it serves is another question."""
    if release is not None and release.is_active and deployment.id == release.canary:
        return f"rolling out: {release.percent} % of the visitors"
    if deployment.id == project.production:
        return "has the production domains" + (", but the project is paused" if project.paused else "")
    if deployment.state != wire.READY:
        return wire.RUNNING.get(deployment.state, deployment.error or deployment.state)
    if deployment.alias_error:
        return f"ready only: its domains were refused: {deployment.alias_error}"
    if deployment.substate == "STAGED":
        waits = f", checks {deployment.checks}" if deployment.checks not in ("", "succeeded") else ""
        return f"ready only: staged, without production domains{waits}"
    if deployment.substate == "PROMOTED" or deployment.rollback_candidate:
        return "ready only: served before"
    return "ready only" if deployment.substate in ("", "ROLLING") else f"ready only: Vercel says {deployment.substate}"


def pausing(client: VercelClient) -> Setting[Pause]:
    return power(client, Pause, lambda request: request.project, on=False)


def unpausing(client: VercelClient) -> Setting[Unpause]:
    return power(client, Unpause, lambda request: request.project, on=True)


def assigning(client: VercelClient) -> Setting[AssignDomains]:
    async def holds(request: AssignDomains) -> bool | None:
        project = await client.fetch_project_or_none(request.project)
        return project.assigns_domains is request.on if project else None

    return Setting(
        AssignDomains,
        holds=holds,
        write=lambda request: client.assign_domains(request.project, request.on),
        say=lambda request: f"new production builds {'get the domains' if request.on else 'are staged'}",
    )


class RollbackUndo:
    """`Actuator[UndoRollback]`: the hold that a rollback puts on the production domains ends with a promotion."""

    def __init__(self, client: VercelClient, promote: Aliases[Promote]) -> None:
        self._client = client
        self._promote = promote

    async def start(self, request: UndoRollback, key: OperationKey) -> Operation:
        found = await self.find(request, key)
        if found is not None:
            return found
        project = await self._client.fetch_project(request.project)
        wanted = request.deployment or _replaced_by_rollback(project)
        if not project.rolled_back or not wanted:
            raise Rejected(
                self._client.http.provider,
                f"No rollback holds the production domains of {project.name}.",
                f"project {project.id}",
                "`assign-domains` says whether new builds get them; `promote` gives them to a deployment.",
            )
        return await self._promote.start(Promote(request.project, wanted), key)

    async def observe(self, reference: str) -> Operation:
        return await self._promote.observe(reference) if reference else lost(reference)

    async def find(self, request: UndoRollback, key: OperationKey) -> Operation | None:
        """A promotion that is not older than the wish is its answer."""
        project = await self._client.fetch_project(request.project)
        last = project.last_alias_request
        wanted = request.deployment or (last.target if last is not None and last.kind == "promote" else "")
        if not wanted or (project.rolled_back and last is not None and last.kind != "promote"):
            return None
        return await self._promote.find(Promote(request.project, wanted), key)


def _replaced_by_rollback(project: Project) -> str:
    last = project.last_alias_request
    return last.source if last is not None and last.kind == "rollback" else ""
