"""What the engine does to a service, asked for by a person: requests of the desk, and what of the engine they mean."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from console.domain.release import Release
from providers import contract
from providers.render.services import ServiceId

DeployId = Annotated[str, "id of the deploy, as dep-…"]


@dataclass(frozen=True)
class DeployCommit:
    service: ServiceId
    commit: Annotated[str, "the whole SHA of a commit"]


@dataclass(frozen=True)
class CancelDeploy:
    service: ServiceId
    deploy: DeployId


@dataclass(frozen=True)
class RollBackTo:
    service: ServiceId
    deploy: Annotated[str, "id of an earlier deploy that was live, as dep-…"]


@dataclass(frozen=True)
class SuspendService:
    service: ServiceId


@dataclass(frozen=True)
class ResumeService:
    service: ServiceId


def as_deploy(request: DeployCommit) -> contract.Deploy:
    return contract.Deploy(request.service, Release(request.commit, request.commit))


def as_cancel(request: CancelDeploy) -> contract.Cancel:
    return contract.Cancel(request.service, f"{request.service}/{request.deploy}")


def as_rollback(request: RollBackTo) -> contract.RollBack:
    return contract.RollBack(request.service, request.deploy)


def as_suspend(request: SuspendService) -> contract.Suspend:
    return contract.Suspend(request.service)


def as_resume(request: ResumeService) -> contract.Resume:
    return contract.Resume(request.service)
