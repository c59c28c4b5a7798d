"""A first configuration as text: what is sure in force, the rest as comments beside it. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from console.cli.proposal import ARMS, Placing

_BARE = re.compile(r"[A-Za-z0-9_-]+")
TIERS = frozenset({"production", "staging", "development", "disaster-recovery"})


@dataclass(frozen=True)
class Platform:
    """One `[providers.NAME]` block: its keys in order, what to say about them, and why it is left out where it is."""

    name: str
    kind: str
    options: Mapping[str, str] = field(default_factory=dict)
    notes: Mapping[str, str] = field(default_factory=dict)
    alternatives: Sequence[str] = ()
    trouble: str = ""


@dataclass(frozen=True)
class FirstConfig:
    """Everything that goes into the file."""

    platforms: Sequence[Platform]
    placings: Sequence[Placing]
    source: str = ""
    branch: str = ""
    migrations: str = ""
    router: str = ""
    router_url: str = ""


def write_config(config: FirstConfig, now: datetime) -> str:
    """The file's text."""
    return "\n".join(_lines(config, now)) + "\n"


def _lines(config: FirstConfig, now: datetime) -> Iterator[str]:
    yield f"# Written by `quarterdeck init` on {now:%Y-%m-%d}; yours from here on. Lines behind a # are suggestions."
    yield "# `quarterdeck config check` names every fault, `quarterdeck doctor` asks the platforms. Every setting is in"
    yield "# config.example.toml. Secrets are references: env:NAME, file:PATH, keyring:SERVICE/NAME, command:PROGRAM."
    yield ""
    yield "# [roles]                        # who may do what; the worker's own user is always an administrator"
    yield '# deployer = ["@ops"]'
    for platform in config.platforms:
        yield ""
        yield from _platform_lines(platform)
    if config.router:
        yield ""
        yield f"[providers.{_key(config.router)}]"
        yield 'kind = "caddy"'
        yield f"admin_url = {_text(config.router_url)}"
    elif any(placing.arm for placing in config.placings):
        yield ""
        yield "# Blue and green need something that divides requests between them (docs/caddy.md):"
        yield "# [providers.edge]"
        yield '# kind = "caddy"'
        yield '# admin_url = "http://127.0.0.1:2019"'
    yield ""
    if config.source:
        yield "[source]"
        yield f"provider = {_text(config.source)}"
        yield f"branch = {_text(config.branch or 'main')}"
    else:
        yield "# [source]                       # where releases come from"
        yield '# provider = "github"'
        yield '# branch = "main"'
    yield from _service_lines(config)
    yield from _environment_lines(config)


def _platform_lines(platform: Platform) -> Iterator[str]:
    off = "# " if platform.trouble else ""
    if platform.trouble:
        yield from (f"# {line}" for line in platform.trouble.splitlines())
    yield f"{off}[providers.{_key(platform.name)}]"
    yield f"{off}kind = {_text(platform.kind)}"
    for name, value in platform.options.items():
        note = platform.notes.get(name, "")
        yield f"{off}{name} = {_text(value)}" + (f"  # {note}" if note else "")
    for words in platform.alternatives:
        yield f"# {words}"


def _service_lines(config: FirstConfig) -> Iterator[str]:
    by_service: dict[str, list[Placing]] = {}
    for placing in config.placings:
        by_service.setdefault(placing.service, []).append(placing)
    for service, placings in by_service.items():
        off = "# " if all(placing.doubt for placing in placings) else ""
        yield ""
        yield f"{off}[services.{_key(service)}]"
        yield f"{off}provider = {_text(placings[0].place.provider)}"
        if placings[0].place.kind == "supabase":
            continue
        databases = [name for name, others in by_service.items() if others[0].place.kind == "supabase"]
        needed = databases or [name for name in by_service if name != service]
        if needed:
            yield f"# needs = [{_text(needed[0])}]  # what must be live in the new release before this"
        if any(placing.place.url for placing in placings):
            yield '# health = { path = "/health" }  # when a fresh instance counts as alive'
            yield '# integration = [{ path = "/api/items" }]  # what a release must answer before it gets traffic'


def _environment_lines(config: FirstConfig) -> Iterator[str]:
    by_environment: dict[str, dict[str, list[Placing]]] = {}
    for placing in config.placings:
        by_environment.setdefault(placing.environment, {}).setdefault(placing.service, []).append(placing)
    for environment, services in by_environment.items():
        off = "# " if all(placing.doubt for placings in services.values() for placing in placings) else ""
        yield ""
        yield f"{off}[environments.{_key(environment)}]"
        if environment in TIERS:
            yield f"{off}tier = {_text(environment)}"
        yield "# stages = [10, 50, 100]  # percent of requests for a new release"
        yield '# bake_time = "5m"  # how long each stage must hold'
        for service, placings in services.items():
            yield ""
            yield from _placement_lines(config, environment, service, placings)


def _placement_lines(config: FirstConfig, environment: str, service: str, placings: Sequence[Placing]) -> Iterator[str]:
    sure = [placing for placing in placings if not placing.doubt]
    head = f"[environments.{_key(environment)}.services.{_key(service)}]"
    if not sure:
        yield f"# Not sure: {placings[0].doubt}"
    yield head if sure else f"# {head}"
    off = "" if sure else "# "
    for placing in sure or placings:
        place = placing.place
        about = f"{place.name}, {place.about}" if place.about else place.name
        if placing.arm:
            url = f", url = {_text(place.url)}" if place.url else ""
            yield f"{off}{placing.arm} = {{ id = {_text(place.id)}{url} }}  # {about}"
        else:
            yield f"{off}id = {_text(place.id)}  # {about}"
            if place.url:
                yield f"{off}url = {_text(place.url)}"
        if place.kind == "supabase":
            yield '# database_url = "file:secrets/database-url"  # postgresql://… on port 5432, for migrations'
            yield f"# migrations = {_text(config.migrations or 'supabase/migrations')}"
    if {placing.arm for placing in sure or placings} >= set(ARMS):
        router = _text(config.router or "edge")
        yield f"{off}traffic = {{ router = {router}, route = {_text(service)} }}  # the route's name in the router"
    if sure:
        for placing in placings:
            if placing.doubt:
                yield f"# {placing.place.name} ({placing.place.id}) is left out: {placing.doubt}"


def _key(name: str) -> str:
    return name if _BARE.fullmatch(name) else _text(name)


def _text(value: str) -> str:
    # A JSON string is a TOML basic string as well.
    return json.dumps(value, ensure_ascii=False)
