"""Settings of a service that hold in every environment: who runs it, what it needs, how it is tried out."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Literal

from pydantic import Field

from console.config.shape import Duration, Section, VariableValue


class HealthSettings(Section):
    """When a freshly started instance counts as alive."""

    path: str = "/health"
    """Path that is asked for."""
    expect_status: int = Field(200, ge=100, le=599)
    """Status of a healthy answer."""
    expect_text: str = ""
    """Text that the answer must contain; empty asks for none."""
    timeout: Duration = timedelta(seconds=5)
    """Longest wait for one answer."""
    attempts: int = Field(30, ge=1, le=1000)
    """How often it is asked before the step fails."""
    interval: Duration = timedelta(seconds=1)
    """Pause between two attempts."""
    successes: int = Field(2, ge=1, le=100)
    """Good answers in a row that are needed."""


class IntegrationSettings(Section):
    """One request that a new release must answer as expected before it gets any traffic."""

    path: str
    """Path that is asked for."""
    name: str = ""
    """What the check is called in reports; empty takes method and path."""
    method: Literal["GET", "HEAD", "POST", "OPTIONS"] = "GET"
    """HTTP method."""
    expect_status: int = Field(200, ge=100, le=599)
    """Status of the right answer."""
    expect_text: str = ""
    """Text that the answer must contain; empty asks for none."""
    timeout: Duration = timedelta(seconds=5)
    """Longest wait for the answer."""


class BenchmarkSettings(Section):
    """A short burst at both arms, before any traffic: the new release must not be much slower."""

    path: str = "/"
    """Path that is asked for."""
    requests: int = Field(60, ge=10, le=10_000)
    """Requests to each arm."""
    concurrency: int = Field(4, ge=1, le=64)
    """Requests in flight at once."""
    max_slowdown: float = Field(1.5, gt=1.0, le=100.0)
    """How many times the other arm's median latency is still accepted."""
    slack: Duration = timedelta(milliseconds=20)
    """A difference of medians below this is never called slow."""
    timeout: Duration = timedelta(seconds=5)
    """Longest wait for one answer."""


class ServiceSettings(Section):
    """`[services.NAME]`: a thing that gets deployed."""

    provider: str
    """Name of the provider that runs it."""
    needs: tuple[str, ...] = ()
    """Services that must be live in the new release before this one."""
    health: HealthSettings | None = None
    """When a new instance counts as alive; without it the platform's word is taken."""
    integration: tuple[IntegrationSettings, ...] = ()
    """Requests that a new release must answer before it gets traffic."""
    benchmark: BenchmarkSettings | None = None
    """A short comparison of both arms before any traffic."""
    variables: Mapping[str, VariableValue] = Field(default_factory=dict)
    """Environment variables it is to have everywhere: text, or a reference to a secret."""
