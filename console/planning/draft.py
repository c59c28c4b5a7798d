"""What every flow needs to write its steps: settings, the wish, what is live, and one place that makes a `Step`.

Arguments of steps hold JSON values only. A key that ends in `_from` names a step whose outputs supply the value:
`{"url_from": "frontend.deploy"}` is the `url` that `frontend.deploy` gave. Times are seconds in keys ending in `_s`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import TypedDict, Unpack

from console.config.settings import (
    EnvironmentSettings,
    HealthSettings,
    IntegrationSettings,
    JudgeSettings,
    PlacementSettings,
    ServiceSettings,
    Settings,
)
from console.config.strategies import BUILT_IN, RolloutShape, find_shape
from console.domain.emergency import Gate
from console.domain.ids import ProviderName, ServiceName, StepId
from console.domain.plan import Phase, Step, StepKind, Undo, Wish
from console.domain.release import Release
from console.planning.forecast import Forecasts
from console.planning.live import Live, LiveService
from providers.contract import MigrationFile

SLACK = timedelta(seconds=30)


class StepParts(TypedDict, total=False):
    """What may be said of any step, as `Draft.step` takes it."""

    arguments: Mapping[str, object]
    needs: Sequence[str]
    undo: Undo | None
    no_undo: str
    lasts: timedelta | None
    time_limit: timedelta | None


@dataclass(frozen=True)
class Draft:
    """Everything a plan is made from. `environment` and every service named later exist in the settings."""

    settings: Settings
    wish: Wish
    release: Release
    live: Live
    files: tuple[MigrationFile, ...] = ()
    history: Forecasts = field(default_factory=Forecasts)

    @property
    def environment(self) -> EnvironmentSettings:
        return self.settings.environments[self.wish.environment]

    def service(self, name: str) -> ServiceSettings:
        return self.settings.services[name]

    def placement(self, name: str) -> PlacementSettings:
        return self.environment.services[name]

    def shape_of(self, name: str) -> RolloutShape:
        """How the service goes live; a pipeline takes the times of its environment."""
        wished = self.wish.strategy if self.wish.strategy in BUILT_IN else ""
        return find_shape(self.environment, name, wished)

    def passes(self, gate: Gate) -> bool:
        """Whether this is an emergency, and the environment lets one pass over the gate."""
        return self.wish.emergency and gate in self.environment.emergency.skips

    def live_of(self, name: str) -> LiveService:
        return self.live.of(name)

    def step(
        self,
        step_id: str,
        name: str,
        kind: StepKind,
        phase: Phase,
        *,
        service: str | None = None,
        provider: str | None = None,
        arguments: Mapping[str, object] | None = None,
        needs: Sequence[str] = (),
        undo: Undo | None = None,
        no_undo: str = "",
        lasts: timedelta | None = None,
        time_limit: timedelta | None = None,
    ) -> Step:
        """Make a step. `lasts` is the fixed length of one that waits on purpose; others are forecast from history."""
        limits = self.environment.limits
        deploys = kind in {StepKind.DEPLOY, StepKind.PROMOTE, StepKind.ROLL_BACK_RELEASE, StepKind.RESUME}
        limit = time_limit or (limits.deploy if deploys else limits.step)
        forecast = lasts if lasts is not None else self.history.of(self.wish.environment, service, kind)
        return Step(
            id=StepId(step_id),
            name=name,
            kind=kind,
            phase=phase,
            service=ServiceName(service) if service else None,
            provider=ProviderName(provider) if provider else None,
            arguments=dict(arguments or {}),
            needs=tuple(StepId(need) for need in dict.fromkeys(needs)),
            undo=undo,
            no_undo=no_undo,
            time_limit=limit,
            forecast=forecast,
            attempts=limits.attempts,
        )

    def step_of(
        self,
        service: str,
        word: str,
        title: str,
        kind: StepKind,
        phase: Phase,
        *,
        provider: str = "",
        **parts: Unpack[StepParts],
    ) -> Step:
        """The step `SERVICE.WORD`, at the service's own provider unless another is named."""
        own = provider or self.service(service).provider
        return self.step(f"{service}.{word}", title, kind, phase, service=service, provider=own, **parts)


@dataclass(frozen=True)
class Flow:
    """The steps of one service, by what others wait for.

    `prepare` changes nothing that anyone is served, `serve` does; `verify` watches, `retire` comes after everything is
    verified. Needs between services are added when flows are put together.
    """

    service: str
    prepare: tuple[Step, ...] = ()
    serve: tuple[Step, ...] = ()
    verify: tuple[Step, ...] = ()
    retire: tuple[Step, ...] = ()
    notes: tuple[str, ...] = ()
    refusals: tuple[str, ...] = ()
    candidate_arm: str = ""
    first: bool = False


def chain(steps: Sequence[Step]) -> tuple[Step, ...]:
    """Let each step need the one before it."""
    linked: list[Step] = []
    for step in steps:
        linked.append(replace(step, needs=(*step.needs, linked[-1].id)) if linked else step)
    return tuple(linked)


def probe_arguments(health: HealthSettings) -> dict[str, object]:
    return {
        "path": health.path,
        "expect_status": health.expect_status,
        "expect_text": health.expect_text,
        "timeout_s": health.timeout.total_seconds(),
        "attempts": health.attempts,
        "interval_s": health.interval.total_seconds(),
        "successes": health.successes,
    }


def request_arguments(check: IntegrationSettings) -> dict[str, object]:
    return {
        "name": check.name or f"{check.method} {check.path}",
        "method": check.method,
        "path": check.path,
        "expect_status": check.expect_status,
        "expect_text": check.expect_text,
        "timeout_s": check.timeout.total_seconds(),
    }


def count_requests(checks: Sequence[IntegrationSettings]) -> str:
    return "1 request" if len(checks) == 1 else f"{len(checks)} requests"


def judge_arguments(judge: JudgeSettings) -> dict[str, object]:
    return {
        "alpha": judge.alpha,
        "floor": judge.floor,
        "min_requests": judge.min_requests,
        "max_error_rate": judge.max_error_rate,
        "interval_s": judge.interval.total_seconds(),
        "hold_s": judge.hold.total_seconds(),
        "undecided": judge.undecided,
        "latency_ratio": judge.latency_ratio,
        "latency_floor_s": judge.latency_floor.total_seconds(),
        "latency_margin": judge.latency_margin,
        "on_errors": judge.on_errors,
        "on_latency": judge.on_latency,
        "on_reports": judge.on_reports,
        "on_alert": judge.on_alert,
        "on_gauges": judge.on_gauges,
        "on_crash": judge.on_crash,
        "on_probe": judge.on_probe,
        "on_saturation": judge.on_saturation,
        "dry_run": judge.dry_run,
    }


def health_limit(health: HealthSettings) -> timedelta:
    """The longest that a health step can take: every attempt runs into its timeout."""
    return health.attempts * (health.timeout + health.interval) + SLACK
