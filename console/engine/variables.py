"""Variables of services at the edge: resolve what is wanted, read what is set, keep what is replaced.

Values live only within a call; everything that is answered, recorded or planned has digests in their place.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from console.config.failover import PairSettings
from console.config.settings import Settings
from console.domain.errors import UsageError
from console.domain.ids import EnvironmentName, ServiceName
from console.domain.variables import Reconfiguration
from console.storage.kept import KeptValues
from console.variables.change import plan_change
from console.variables.compare import Wanted
from console.variables.digest import Masker
from providers.contract import Connection, Logins, Standbys, Unsupported, VariableSource


@dataclass(frozen=True)
class Place:
    """Where a service has its variables. `arm` is empty for a service in one place; `target` is the platform's id."""

    environment: EnvironmentName
    service: ServiceName
    arm: str
    provider: str
    kind: str
    target: str

    def __str__(self) -> str:
        return f"{self.service} ({self.arm})" if self.arm else self.service


@dataclass(frozen=True)
class WantedValues:
    """What a service is to have. `unresolved` says in words why a reference leads nowhere."""

    values: Mapping[str, str] = field(default_factory=dict, repr=False)
    unresolved: Mapping[str, str] = field(default_factory=dict)


Resolve = Callable[[str, str], WantedValues]
"""Fetch what the configuration wants, by environment and service; may take seconds, and runs in a thread."""

Follow = Callable[[str, str], str]
"""Fetch the secret that a reference leads to; told where it is written. Raises UsageError; runs in a thread."""


class Variables:
    """Everything about variables that needs a value or a platform."""

    def __init__(
        self,
        settings: Settings,
        connections: Mapping[str, Connection],
        masker: Masker,
        kept: KeptValues,
        resolve: Resolve,
        logins: Logins | None = None,
        follow: Follow | None = None,
        standbys: Standbys | None = None,
    ) -> None:
        """`logins` is how databases are asked and told about their login roles; without it nothing rotates them.

        `standbys` is how they are asked and told who is primary; without it none takes over.
        """
        self.masker = masker
        self.kept = kept
        self.logins = logins
        self.standbys = standbys
        self._follow = follow
        self._settings = settings
        self._connections = connections
        self._resolve = resolve

    def places(self, environment: EnvironmentName, services: Collection[str] = ()) -> tuple[Place, ...]:
        """Every place of the environment, or of the services named, whose platform has variables.

        Raises:
            UsageError: The environment does not have a service that is named.
        """
        placed = self._settings.environments[environment].services
        for unknown in (name for name in services if name not in placed):
            raise UsageError(
                f"There is no service {unknown!r} in {environment}.",
                f"Known: {', '.join(placed) or 'none'}.",
                "Name one of these.",
            )
        chosen = [name for name in placed if not services or name in services]
        return tuple(place for name in chosen for place in self._places_of(environment, name))

    def wants(self, environment: str, service: str) -> bool:
        return bool(self._settings.variables_of(environment, service))

    def provider_of(self, service: str) -> str:
        return self._settings.services[service].provider

    def mask_wanted(self, wanted: WantedValues) -> Wanted:
        digests = {name: self.masker.mask(value) for name, value in wanted.values.items()}
        return Wanted(digests, wanted.unresolved)

    async def fetch_wanted(self, environment: str, service: str) -> WantedValues:
        """Resolve what the configuration says now; a secret that changed at its source is seen at once."""
        return await asyncio.to_thread(self._resolve, environment, service)

    async def fetch_actual(self, provider: str, target: str) -> Mapping[str, str | None]:
        """Names and values as set on the platform.

        Raises:
            UsageError: The provider has none.
            ProviderError: They cannot be read.
        """
        return await self._source(provider).fetch_variables(target)

    async def plan(self, place: Place, live: Mapping[str, str] | None) -> Reconfiguration:
        """What must change there so that it has what is wanted. Nothing for a service that is not configured from here.

        Raises:
            ProviderError: The platform cannot be read.
        """
        if not self.wants(place.environment, place.service):
            return Reconfiguration()
        wanted, actual = await asyncio.gather(
            self.fetch_wanted(place.environment, place.service), self.fetch_actual(place.provider, place.target)
        )
        masked = self.masker.mask_all(actual)
        return await asyncio.to_thread(
            plan_change,
            self.mask_wanted(wanted),
            masked,
            live,
            lambda name, digest: self.find_kept(place.target, name, digest) is not None,
        )

    async def fetch_admin(self, environment: str, name: str) -> str:
        """The address by which the login roles behind a variable are altered; a secret.

        Raises:
            UsageError: The configuration has none, or its reference leads nowhere.
        """
        where = f"[environments.{environment}.logins.{name}] admin"
        found = self._settings.environments[environment].logins.get(name)
        if found is None:
            raise UsageError("The configuration does not say who may alter the login roles.", where, "Write it there.")
        return await self.follow(found.admin, where)

    def databases(self, environment: str) -> Mapping[str, PairSettings]:
        """Databases of an environment that have a standby elsewhere."""
        failover = self._settings.environments[environment].failover
        return failover.databases if failover else {}

    async def follow(self, reference: str, where: str) -> str:
        """What a reference leads to; a secret.

        Raises:
            UsageError: It leads nowhere.
        """
        if self._follow is None:
            raise UsageError("This worker follows no references.", where)
        return await asyncio.to_thread(self._follow, reference, where)

    def path_of(self, reference: str) -> Path:
        """Where a `file:` reference leads; a relative one counts from the configuration's directory."""
        base = self._settings.file.parent if self._settings.file else Path()
        return base / Path(reference.removeprefix("file:")).expanduser()

    def find_kept(self, target: str, name: str, digest: str) -> str | None:
        """A value that was replaced, by its digest."""
        return self.kept.find(target, name, lambda value: self.masker.mask(value) == digest)

    def _places_of(self, environment: EnvironmentName, service: str) -> Iterator[Place]:
        placement = self._settings.environments[environment].services[service]
        provider = self._settings.services[service].provider
        connection = self._connections.get(provider)
        if connection is None or isinstance(connection.capabilities.variables, Unsupported):
            return
        kind = self._settings.kind_of(service)
        targets = {arm: settings.id for arm, settings in placement.places.items()} or {"": placement.id}
        for arm, target in targets.items():
            yield Place(environment, ServiceName(service), arm, provider, kind, target)

    def _source(self, provider: str) -> VariableSource:
        connection = self._connections.get(provider)
        source = connection.capabilities.variables if connection is not None else None
        if source is None:
            raise UsageError(f"No provider is called {provider!r}.", "[providers]", "Add it to the configuration.")
        if isinstance(source, Unsupported):
            raise UsageError(source.reason, f"provider {provider}", source.remedy)
        return source
