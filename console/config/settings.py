"""The whole configuration as checked, frozen values. What refers to what is checked in `console.config.checks`."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, PrivateAttr

from console.config.environments import (
    ArmSettings,
    EmergencySettings,
    EnvironmentSettings,
    GateSettings,
    JudgeSettings,
    LimitSettings,
    PlacementSettings,
    Tier,
    TrafficSettings,
)
from console.config.pipeline_shape import Pipeline
from console.config.services import BenchmarkSettings, HealthSettings, IntegrationSettings, ServiceSettings
from console.config.shape import Duration, Section, is_reference

__all__ = [
    "ArmSettings",
    "BenchmarkSettings",
    "EmergencySettings",
    "EngineSettings",
    "EnvironmentSettings",
    "GateSettings",
    "HealthSettings",
    "HistorySettings",
    "IntegrationSettings",
    "JudgeSettings",
    "LimitSettings",
    "PipelineSettings",
    "PlacementSettings",
    "ProviderSettings",
    "RoleSettings",
    "ServerSettings",
    "ServiceSettings",
    "Settings",
    "SourceSettings",
    "Tier",
    "TrafficSettings",
    "is_reference",
]


class EngineSettings(Section):
    """`[engine]`: where the durable engine keeps its state."""

    url: str = ""
    """Empty for SQLite in the state directory; a PostgreSQL address, or a reference to one, shares it among hosts."""
    worker: str = ""
    """Name of this worker in records; empty takes the host's name."""


class HistorySettings(Section):
    """`[history]`: how long things are kept."""

    keep_deployments: int = Field(500, ge=1)
    """Deployments that are kept, newest first; running ones are never removed."""
    keep_logs: Duration = timedelta(days=30)
    """Age at which log files are removed."""
    keep_metrics: Duration = timedelta(days=14)
    """Age at which measurements are removed."""


class ServerSettings(Section):
    """`[server]`: the worker's socket."""

    socket_group: str = ""
    """Group that may open the socket; empty keeps it to the worker's own user."""


class RoleSettings(Section):
    """`[roles]`: who may do what. Entries are user names, `@group`, numeric user ids, or `*` for everybody."""

    admin: tuple[str, ...] = ("root",)
    """May do everything, and stop the worker."""
    approver: tuple[str, ...] = ()
    """May approve and deploy."""
    deployer: tuple[str, ...] = ()
    """May deploy, control and roll back."""
    viewer: tuple[str, ...] = ("*",)
    """May look."""
    emergency: tuple[str, ...] = ()
    """May also pass gates in an emergency, if a deployer; approvers and administrators may anyway."""


class ProviderSettings(BaseModel):
    """`[providers.NAME]`: a platform. Keys beside `kind` belong to the adapter, which checks them itself."""

    model_config = ConfigDict(frozen=True, extra="allow", use_attribute_docstrings=True)

    kind: str
    """Which adapter speaks to it."""
    status_page: str | None = Field(None, pattern=r"^(https?://[^/\s]+\S*)?$")
    """Where it tells of incidents; empty asks nowhere. Unset: the platform's own page, none for one's own address."""

    @property
    def options(self) -> Mapping[str, Any]:
        """Every key of the adapter's, as written; references to secrets are not resolved."""
        return dict(self.model_extra or {})


class SourceSettings(Section):
    """`[source]`: where releases come from."""

    provider: str = ""
    """Name of the provider that holds the repository."""
    branch: str = "main"
    """Branch that is deployed when no release is named."""


class PipelineSettings(Section):
    """`[pipelines]`: strategies of your own, one YAML file each."""

    directory: str = ""
    """Where the files are, relative to the configuration file; empty for none."""


class Settings(Section):
    """The configuration file."""

    engine: EngineSettings = EngineSettings()
    history: HistorySettings = HistorySettings()
    server: ServerSettings = ServerSettings()
    roles: RoleSettings = RoleSettings()
    source: SourceSettings = SourceSettings()
    pipelines: PipelineSettings = PipelineSettings()
    providers: Mapping[str, ProviderSettings] = Field(default_factory=dict)
    services: Mapping[str, ServiceSettings] = Field(default_factory=dict)
    environments: Mapping[str, EnvironmentSettings] = Field(default_factory=dict)

    _file: Path | None = PrivateAttr(default=None)
    _custom: Mapping[str, Pipeline] = PrivateAttr(default_factory=dict)

    @property
    def file(self) -> Path | None:
        """The file that it was loaded from."""
        return self._file

    @property
    def custom_pipelines(self) -> Mapping[str, Pipeline]:
        """Pipelines that were read from files, by name."""
        return self._custom

    def located_at(self, file: Path, custom: Mapping[str, Pipeline] | None = None) -> Settings:
        """The same settings, remembering their file and the pipelines read beside it."""
        copy = self.model_copy()
        copy._file = file
        copy._custom = dict(custom or {})
        return copy

    def kind_of(self, service: str) -> str:
        """The kind of the provider that runs a service: `render`, `vercel`, `supabase`, …"""
        return self.providers[self.services[service].provider].kind

    def variables_of(self, environment: str, service: str) -> Mapping[str, str]:
        """What is written of a service's variables; the environment's word goes before the service's."""
        placement = self.environments[environment].services[service]
        return {**self.services[service].variables, **placement.variables}

    def branch_of(self, environment: str) -> str:
        return self.environments[environment].branch or self.source.branch

    def providers_of(self, environment: str, services: Collection[str] = ()) -> tuple[str, ...]:
        """Every provider that a deployment asks: of the services named (else of all), their routers, the source."""
        placed = self.environments[environment].services.items()
        chosen = [(name, placement) for name, placement in placed if not services or name in services]
        named = [
            *(self.services[name].provider for name, _ in chosen if name in self.services),
            *(placement.traffic.router for _, placement in chosen if placement.traffic is not None),
            self.source.provider,
        ]
        return tuple(dict.fromkeys(filter(None, named)))
