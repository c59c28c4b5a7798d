"""Ask the platforms what is live, before a plan is made. Reads only; everything at the same time.

What cannot be read becomes a `problem` of its service, in words, so that a preview shows it beside everything else.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import replace

from console.config.settings import PlacementSettings, Settings
from console.domain.clock import Clock
from console.domain.errors import ConsoleError, UsageError
from console.domain.ids import EnvironmentName, ServiceName
from console.domain.recovery import REDEPLOY, RESTART, SCALE
from console.domain.release import Release
from console.domain.variables import Reconfiguration
from console.engine.tokens import Tokens
from console.engine.variables import Place, Variables
from console.migrations.files import read_migrations
from console.planning.live import Live, LiveArm, LiveService
from providers.contract import Capabilities, Connection, MigrationFile, Unsupported


class Survey:
    """What `Engine` needs to know of the world before it plans."""

    def __init__(
        self,
        settings: Settings,
        connections: Mapping[str, Connection],
        clock: Clock,
        variables: Variables | None = None,
    ) -> None:
        self._tokens = Tokens(connections, clock)
        self._variables = variables
        self._settings = settings
        self._connections = connections

    async def fetch_release(self, environment: EnvironmentName, reference: str) -> Release:
        """Resolve what was asked for, or the head of the environment's branch.

        Raises:
            UsageError: There is no such release, or no source that could know it.
        """
        source = self._source().releases
        if isinstance(source, Unsupported):
            raise UsageError(source.reason, "[source]", source.remedy)
        return await source.fetch_release(reference or self._settings.branch_of(environment))

    async def fetch_migrations(self, environment: EnvironmentName, release: Release) -> tuple[MigrationFile, ...]:
        """The migration files of the release, for the environment's database."""
        source = self._source().releases
        if isinstance(source, Unsupported):
            return ()
        placements = self._settings.environments[environment].services.values()
        directories = [placement.migrations for placement in placements if placement.migrations]
        found = await asyncio.gather(*(source.fetch_files(release.commit, directory) for directory in directories))
        return tuple(migration for files in found for migration in read_migrations(files))

    async def fetch_commits(self, base: str, release: Release) -> tuple[str, ...] | None:
        """The first lines of the commits that the release adds to what is live; None when nobody can say."""
        source = self._source().releases
        if isinstance(source, Unsupported) or not base or base == release.commit:
            return () if base == release.commit else None
        try:
            added = await source.fetch_changes(base, release.commit)
        except ConsoleError:
            return None
        return tuple((commit.message.splitlines() or [commit.short])[0] for commit in added)

    async def fetch_live(self, environment: EnvironmentName, ran_with: Mapping[str, Mapping[str, str]]) -> Live:
        """What runs in the environment now, and what must change of its variables.

        Args:
            ran_with: Digests of the variables that each place's release was given with, by target.
        """
        placements = self._settings.environments[environment].services
        narrow, changes, found = await asyncio.gather(
            self._fetch_narrow(environment),
            self._fetch_changes_of_variables(environment, ran_with),
            asyncio.gather(*(self._fetch_service(name, place) for name, place in placements.items())),
        )
        services = {
            ServiceName(name): _configured(live, changes.get(ServiceName(name), {}))
            for name, live in zip(placements, found, strict=True)
        }
        return Live(services, narrow=narrow)

    async def _fetch_changes_of_variables(
        self, environment: EnvironmentName, ran_with: Mapping[str, Mapping[str, str]]
    ) -> dict[ServiceName, dict[str, Reconfiguration]]:
        """By service and arm."""
        variables = self._variables
        if variables is None:
            return {}
        places = variables.places(environment)
        planned = await asyncio.gather(*(self._plan(variables, place, ran_with.get(place.target)) for place in places))
        found: dict[ServiceName, dict[str, Reconfiguration]] = {}
        for place, change in zip(places, planned, strict=True):
            found.setdefault(place.service, {})[place.arm] = change
        return found

    async def _plan(self, variables: Variables, place: Place, live: Mapping[str, str] | None) -> Reconfiguration:
        try:
            return await variables.plan(place, live)
        except ConsoleError as problem:
            return Reconfiguration(problem=" ".join(part for part in (problem.what, problem.remedy) if part))

    async def _fetch_narrow(self, environment: EnvironmentName) -> dict[str, tuple[str, ...]]:
        """The scopes that tokens lack here, by provider; what is about another environment's places is left out."""
        names = self._settings.providers_of(environment)
        missing = await asyncio.gather(*map(self._tokens.fetch_missing, names))
        here = self._places(environment)
        elsewhere = {place for other in self._settings.environments for place in self._places(other)} - here
        concerned = {
            name: tuple(scope for scope in scopes if not any(place in scope for place in elsewhere))
            for name, scopes in zip(names, missing, strict=True)
        }
        return {name: scopes for name, scopes in concerned.items() if scopes}

    def _places(self, environment: str) -> set[str]:
        placements = self._settings.environments[environment].services.values()
        ids = {arm.id for placement in placements for arm in placement.places.values()}
        return {place for place in {*ids, *(placement.id for placement in placements)} if place}

    async def _fetch_service(self, name: str, placement: PlacementSettings) -> LiveService:
        try:
            if placement.migrations:
                return await self._fetch_database(name, placement)
            if placement.places:
                return await self._with_route(placement, await self._fetch_arms(name, placement))
            return await self._fetch_single(name, placement)
        except ConsoleError as problem:
            return LiveService(problem=" ".join(part for part in (problem.what, problem.remedy) if part))

    async def _fetch_database(self, name: str, placement: PlacementSettings) -> LiveService:
        source = self._of_service(name).migrations
        if isinstance(source, Unsupported):
            raise UsageError(source.reason, f"service {name}", source.remedy)
        return LiveService(applied=tuple(await source.fetch_applied(placement.id)))

    async def _fetch_single(self, name: str, placement: PlacementSettings) -> LiveService:
        inventory = self._of_service(name).inventory
        if isinstance(inventory, Unsupported):
            raise UsageError(inventory.reason, f"service {name}", inventory.remedy)
        target = await inventory.fetch_target(placement.id)
        return LiveService(
            target.live,
            target.live_deployment,
            target.suspended,
            target.auto_deploy,
            instances=target.instances,
            cannot=_cannot(self._of_service(name)),
            stages=target.stages,
        )

    async def _fetch_arms(self, name: str, placement: PlacementSettings) -> LiveService:
        weights, arms = await asyncio.gather(
            self._fetch_weights(name, placement),
            asyncio.gather(*(self._fetch_single(name, PlacementSettings(id=a.id)) for a in placement.places.values())),
        )
        lives = {
            arm: LiveArm(
                live.commit,
                live.deployment,
                live.suspended,
                weights.get(arm, 0),
                auto_deploy=live.auto_deploy,
                instances=live.instances,
            )
            for arm, live in zip(placement.places, arms, strict=True)
        }
        auto = next((live.auto_deploy for live in arms if live.auto_deploy), None)
        commit = "" if placement.traffic else next((live.commit for live in arms if live.commit), "")
        return LiveService(commit, arms=lives, auto_deploy=auto, cannot=_cannot(self._of_service(name)))

    async def _fetch_weights(self, name: str, placement: PlacementSettings) -> Mapping[str, int]:
        """None of instances that no router divides requests between."""
        traffic = placement.traffic
        if traffic is None and placement.instances:
            return {}
        if traffic is None:
            raise UsageError(f"{name} has arms and no traffic.", f"service {name}", "Add traffic = { router, route }.")
        router = self._of_provider(traffic.router).router
        if isinstance(router, Unsupported):
            raise UsageError(router.reason, f"provider {traffic.router}", router.remedy)
        return await router.fetch_weights(traffic.route)

    async def _with_route(self, placement: PlacementSettings, live: LiveService) -> LiveService:
        if placement.traffic is None:
            return live
        capabilities = self._of_provider(placement.traffic.router)
        router, counters = capabilities.router, capabilities.counters
        sticky = "" if isinstance(router, Unsupported) else await router.fetch_sticky(placement.traffic.route)
        return replace(live, sticky=sticky, uncounted=counters.reason if isinstance(counters, Unsupported) else "")

    def _of_service(self, service: str) -> Capabilities:
        return self._of_provider(self._settings.services[service].provider)

    def _of_provider(self, provider: str) -> Capabilities:
        connection = self._connections.get(provider)
        if connection is None:
            raise UsageError(f"No provider is called {provider!r}.", "[providers]", "Add it to the configuration.")
        return connection.capabilities

    def _source(self) -> Capabilities:
        provider = self._settings.source.provider
        if not provider:
            raise UsageError(
                "No source of releases is configured.", "[source]", "Name the provider that holds the repository."
            )
        return self._of_provider(provider)


def _cannot(can: Capabilities) -> dict[str, str]:
    """Acts of recovery that a platform does not offer, with its reason."""
    offered = {RESTART: can.restart, SCALE: can.scale, REDEPLOY: can.deploy}
    return {act: f"{how.reason} {how.remedy}".strip() for act, how in offered.items() if isinstance(how, Unsupported)}


def _configured(live: LiveService, changes: Mapping[str, Reconfiguration]) -> LiveService:
    arms = {arm: replace(state, configuration=changes.get(arm, Reconfiguration())) for arm, state in live.arms.items()}
    return replace(live, arms=arms, configuration=changes.get("", Reconfiguration()))
