"""Where a secret is used, by what the configuration says, and why it cannot be replaced where that is so."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from console.config.settings import Settings, is_reference
from console.domain.plan import Wish
from console.domain.rotation import API_KEY, DATABASE, VARIABLE, Rotation
from console.planning.login_rotation import refuse_logins

FILE = "file:"


@dataclass(frozen=True)
class SecretUses:
    """`names` has, by service, the variables that get the secret."""

    reference: str = ""
    names: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    refusals: tuple[str, ...] = ()


def find_uses(settings: Settings, wish: Wish, rotation: Rotation) -> SecretUses:
    """Find every consumer of the secret that a variable of the environment's services is set from."""
    environment = wish.environment
    unknown = (
        _refuse_kind(rotation)
        or _refuse_provider(settings, environment, rotation)
        or refuse_logins(settings, environment, rotation)
    )
    if unknown:
        return SecretUses(refusals=unknown)
    placed = settings.environments[wish.environment].services
    chosen = [name for name in placed if not wish.services or name in wish.services]
    written = {
        value
        for name in chosen
        for key, value in settings.variables_of(wish.environment, name).items()
        if key == rotation.name
    }
    if not written:
        what = f"No service of {wish.environment} has a variable {rotation.name} in the configuration."
        return SecretUses(refusals=(f"{what} `quarterdeck secrets check` lists the secrets there are.",))
    if len(written) > 1:
        what = f"{rotation.name} is not the same secret for every service: name those that share one with --service."
        return SecretUses(refusals=(what,))
    reference = written.pop()
    refusals = _refuse_reference(rotation, reference)
    names = {name: keys for name in placed if (keys := _keys_of(settings, wish.environment, name, reference))}
    elsewhere = list(_elsewhere(settings, wish.environment, reference))
    if elsewhere:
        shared = f"{reference} is also the secret of {', '.join(elsewhere)}, which would change with it."
        return SecretUses(reference, names, (*refusals, f"{shared} Give each a file of its own first."))
    return SecretUses(reference, names, refusals)


def _refuse_kind(rotation: Rotation) -> tuple[str, ...]:
    known = (VARIABLE, API_KEY, DATABASE)
    return () if rotation.kind in known else (f"There is no kind {rotation.kind!r}. Known: {', '.join(known)}.",)


def projects_of(settings: Settings, environment: str, provider: str) -> tuple[str, ...]:
    """Where the environment has something at a provider, by the platform's ids."""
    placed = settings.environments[environment].services.items()
    return tuple(dict.fromkeys(place.id for name, place in placed if settings.services[name].provider == provider))


def _refuse_provider(settings: Settings, environment: str, rotation: Rotation) -> tuple[str, ...]:
    if rotation.kind != API_KEY:
        return ()
    if not rotation.provider:
        return ("An API key is made by the platform that checks it: name the provider with --provider.",)
    count = len(projects_of(settings, environment, rotation.provider))
    if count != 1:
        return (f"{environment} has {count or 'no'} places at the provider {rotation.provider!r}; it takes exactly 1.",)
    return ()


def _refuse_reference(rotation: Rotation, reference: str) -> tuple[str, ...]:
    if reference.startswith(FILE):
        return ()
    if not is_reference(reference):
        return (f"{rotation.name} is written in the open; it is no secret. Refer to a file (file:PATH) first.",)
    scheme = reference.partition(":")[0]
    what = f"{rotation.name} is referred to with {scheme}:, where nothing can be written from here."
    return (f"{what} Put the secret into a file of mode 0600 and refer to it with file:PATH, then rotate.",)


def _keys_of(settings: Settings, environment: str, service: str, reference: str) -> tuple[str, ...]:
    variables = settings.variables_of(environment, service)
    return tuple(key for key, value in variables.items() if _is_same(settings, value, reference))


def _is_same(settings: Settings, one: str, other: str) -> bool:
    """Whether two references lead to one file, however it is written."""
    return one.startswith(FILE) and other.startswith(FILE) and _place(settings, one) == _place(settings, other)


def _place(settings: Settings, reference: str) -> str:
    base = settings.file.parent if settings.file else Path()
    return os.path.normpath(base / Path(reference.removeprefix(FILE)).expanduser())


def _elsewhere(settings: Settings, environment: str, reference: str) -> Iterator[str]:
    """Whatever else reads the same reference: a provider's secret, or another environment's service."""
    for name, provider in settings.providers.items():
        yield from (f"providers.{name}" for text in _texts(provider.options) if _is_same(settings, text, reference))
    if _is_same(settings, settings.engine.url, reference):
        yield "engine.url"
    for name, each in settings.environments.items():
        for service, placement in each.services.items():
            if _is_same(settings, placement.database_url, reference):
                yield f"environments.{name}.services.{service}.database_url"
        for variable, login in each.logins.items():
            if _is_same(settings, login.admin, reference):
                yield f"environments.{name}.logins.{variable}.admin"
    for other, environment_settings in settings.environments.items():
        for service in environment_settings.services if other != environment else ():
            for key in _keys_of(settings, other, service, reference):
                yield f"{other}/{service}/{key}"


def _texts(value: object) -> Iterator[str]:
    """Every text in a table, however deep."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        yield from (text for each in value.values() for text in _texts(each))
    elif isinstance(value, list | tuple):
        yield from (text for each in value for text in _texts(each))
