"""What the engine does to a service, asked for by a person: the engine's own actuators, with words of the desk."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Generic, TypeVar

from console.domain.release import Release
from providers import contract
from providers.contract import Actuator, Operation, OperationKey
from providers.render.services import ServiceId

Asked = TypeVar("Asked")
Meant = TypeVar("Meant")
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


class Translated(Generic[Asked, Meant]):
    """`Actuator` of one request by means of another's. References are the inner one's."""

    def __init__(self, inner: Actuator[Meant], turn: Callable[[Asked], Meant]) -> None:
        self._inner = inner
        self._turn = turn

    async def start(self, request: Asked, key: OperationKey) -> Operation:
        return await self._inner.start(self._turn(request), key)

    async def observe(self, reference: str) -> Operation:
        return await self._inner.observe(reference)

    async def find(self, request: Asked, key: OperationKey) -> Operation | None:
        return await self._inner.find(self._turn(request), key)


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
