"""Open every provider of the configuration, and tell each what the environments say about it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from console.config.secrets import Secrets
from console.config.settings import PlacementSettings, Settings
from console.domain.clock import Clock
from console.domain.errors import ConfigError, ConfigProblem, ConsoleError
from console.engine.executors.trial import PROBES
from providers.contract import Connection
from providers.registry import open_provider
from providers.statuspages import StatusPages


def open_connections(
    settings: Settings, secrets: Secrets, clock: Clock, pages: StatusPages | None = None
) -> dict[str, Connection]:
    """Open them without asking anybody anything; a platform that is down does not keep the worker from starting.

    The provider that asks questions over HTTP is always there, configured or not.

    Raises:
        ConfigError: Naming everything that no adapter takes.
    """
    connections: dict[str, Connection] = {}
    problems: list[ConfigProblem] = []
    for name in settings.providers:
        options, block = provider_options(settings, secrets, name), settings.providers[name]
        try:
            connections[name] = open_provider(
                name, options, clock=clock.now, pages=pages, status_page=block.status_page
            )
        except ConfigError as problem:
            problems += problem.problems
        except ConsoleError as problem:
            file = str(settings.file or "configuration")
            problems.append(ConfigProblem(file, 0, f"providers.{name}", problem.what, problem.remedy))
    if problems:
        raise ConfigError(problems)
    if PROBES not in connections:
        connections[PROBES] = open_provider(PROBES, {"kind": "web"}, clock=clock.now)
    return connections


def provider_options(settings: Settings, secrets: Secrets, name: str) -> dict[str, Any]:
    """Everything that an adapter is opened with, secrets in place."""
    own = {**secrets.options_of(settings, name), **_from_environments(settings, secrets, name)}
    return {**own, "kind": settings.providers[name].kind}


def _from_environments(settings: Settings, secrets: Secrets, provider: str) -> dict[str, Any]:
    """What an adapter must know that is written with the environments: addresses of databases, names of routes."""
    placements = tuple(_placements(settings))
    databases = {
        placement.id: secret.reveal()
        for environment, service, placement in placements
        if settings.services[service].provider == provider
        and (secret := secrets.find(f"environments.{environment}.services.{service}.database_url")) is not None
    }
    routes = {
        placement.traffic.route: {"arms": tuple(placement.places), "metrics": placement.traffic.metrics}
        for _, _, placement in placements
        if placement.traffic is not None and placement.traffic.router == provider
    }
    routes |= {
        move.traffic.route: {"arms": (move.traffic.primary, move.traffic.standby), "metrics": "{arm}"}
        for place in settings.environments.values()
        for move in (place.failover.services.values() if place.failover else ())
        if move.traffic is not None and move.traffic.router == provider
    }
    return {**({"databases": databases} if databases else {}), **({"routes": routes} if routes else {})}


def _placements(settings: Settings) -> Iterator[tuple[str, str, PlacementSettings]]:
    for environment, place in settings.environments.items():
        for service, placement in place.services.items():
            yield environment, service, placement
