"""Open every provider of the configuration, by the kind it names."""

from __future__ import annotations

import importlib
from typing import cast

from console.config.adapters import find_model
from console.config.secrets import Secrets
from console.config.settings import Settings
from console.domain.errors import ConfigError, ConfigProblem
from providers.contract import Connection


def open_connections(settings: Settings, secrets: Secrets) -> dict[str, Connection]:
    """Open them without asking anybody anything; a platform that is down does not keep the worker from starting.

    Raises:
        ConfigError: A kind has no adapter; names every such provider.
    """
    unknown = [name for name, provider in settings.providers.items() if find_model(provider.kind) is None]
    if unknown:
        file = str(settings.file or "configuration")
        problems = [
            ConfigProblem(
                file, 0, f"providers.{name}.kind", f"No adapter is called {settings.providers[name].kind!r}.", ""
            )
            for name in unknown
        ]
        raise ConfigError(problems)
    return {name: _open(settings, secrets, name) for name in settings.providers}


def _open(settings: Settings, secrets: Secrets, name: str) -> Connection:
    kind = settings.providers[name].kind
    model = find_model(kind)
    assert model is not None
    adapter = importlib.import_module(f"providers.{kind}.adapter")
    options = model.model_validate(secrets.options_of(settings, name))
    return cast(Connection, adapter.open_connection(name, options))
