"""Holding pages: where each service of an environment has one, and which are up by our own record."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from console.config.kinds import DATABASE_KINDS
from console.config.settings import Settings
from console.domain.codec import from_json
from console.domain.deployment import Deployment, StepStatus, fold
from console.domain.ids import DeploymentId, EnvironmentName, ProviderName, ServiceName
from console.domain.maintenance import MAINTENANCE, OpenPage
from console.domain.observations import DeploymentSummary
from console.domain.plan import StepKind
from console.storage.ledger import DeploymentLedger
from providers.contract import Maintain

AT_ONCE = 100
"""Lines of history that are read at a time."""


@dataclass(frozen=True)
class PagePlace:
    """Who is asked for the page of a service, and about what."""

    service: ServiceName
    provider: ProviderName
    target: str
    by_router: bool


def page_places(settings: Settings, environment: EnvironmentName) -> tuple[PagePlace, ...]:
    """One for each service, the router's route before the platform's own; none for databases."""
    return tuple(_places(settings, environment))


def _places(settings: Settings, environment: EnvironmentName) -> Iterator[PagePlace]:
    for name, placement in settings.environments[environment].services.items():
        if placement.migrations or settings.kind_of(name) in DATABASE_KINDS:
            continue
        before = placement.page or placement.traffic
        if before is not None:
            yield PagePlace(ServiceName(name), ProviderName(before.router), before.route, True)
        elif placement.id:
            provider = settings.services[name].provider
            yield PagePlace(ServiceName(name), ProviderName(provider), placement.id, False)


@dataclass(frozen=True)
class _Query:
    environment: EnvironmentName | None
    status: str = ""
    limit: int = AT_ONCE
    before: DeploymentId | None = None


class PageRecord:
    """The pages that were put up by deployments of the strategy `maintenance` and not taken away by one.

    The history is read only when something was added to it since the last time.
    """

    def __init__(self, ledger: DeploymentLedger) -> None:
        self._ledger = ledger
        self._seq = -1
        self._known: dict[EnvironmentName, tuple[OpenPage, ...]] = {}

    async def fetch(self, environment: EnvironmentName, services: frozenset[ServiceName]) -> tuple[OpenPage, ...]:
        """The open pages of these services."""
        seq = await self._ledger.last_seq()
        if seq != self._seq:
            self._known.clear()
            self._seq = seq
        if environment not in self._known:
            self._known[environment] = await self._read(environment, services)
        return self._known[environment]

    async def _read(self, environment: EnvironmentName, services: frozenset[ServiceName]) -> tuple[OpenPage, ...]:
        left, found = set(services), list[OpenPage]()
        before: DeploymentId | None = None
        while left:
            lines = await self._ledger.summaries(_Query(environment, before=before))
            for line in lines:
                if left and line.strategy == MAINTENANCE:
                    found += await self._pages_of(line, left)
            if len(lines) < AT_ONCE:
                break
            before = lines[-1].id
        return tuple(found)

    async def _pages_of(self, line: DeploymentSummary, left: set[ServiceName]) -> list[OpenPage]:
        """What this deployment left up, of the services that no later one has changed."""
        deployment = fold(await self._ledger.events_of(line.id))
        return [] if deployment is None else list(_read_steps(deployment, left))


def _read_steps(deployment: Deployment, left: set[ServiceName]) -> Iterator[OpenPage]:
    for state in deployment.steps.values():
        step = state.step
        succeeded = state.status is StepStatus.SUCCEEDED and step.undoes is None
        if step.kind is not StepKind.MAINTAIN or not succeeded or step.service not in left:
            continue
        left.discard(step.service)
        request = from_json(Maintain, dict(step.arguments))
        if request.on:
            since: datetime = state.ended_at or deployment.requested_at
            yield OpenPage(step.service, since, deployment.id, deployment.requested_by, request.until, request.message)
