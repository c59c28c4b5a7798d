"""A small product on four platforms, and deployments of it told as events: the ground of planning and report tests."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from console.config.settings import Settings
from console.domain import events as ev
from console.domain.deployment import Deployment, begin
from console.domain.ids import Actor, DeploymentId, EnvironmentName, ServiceName
from console.domain.plan import Plan, Step, StepKind, Wish
from console.domain.release import Release
from console.domain.verdict import Verdict, VerdictKind
from console.planning.live import Live, LiveArm, LiveService
from console.planning.plans import build_plan
from console.planning.rollback import build_rollback
from providers.contract import MigrationFile

NOON = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
OLD, NEW = "a" * 40, "b" * 40
RELEASE = Release(NEW, "v1.1", "Let customers leave a note", "Ada")
PRODUCTION = EnvironmentName("production")

SHOP = """
[providers.render]
kind = "render"
[providers.vercel]
kind = "vercel"
[providers.supabase]
kind = "supabase"
[providers.github]
kind = "github"
[providers.edge]
kind = "caddy"
[source]
provider = "github"
[services.database]
provider = "supabase"
[services.backend]
provider = "render"
needs = ["database"]
health = { path = "/health" }
integration = [{ path = "/api/items", expect_text = "Brass" }]
benchmark = { path = "/api/items" }
[services.worker]
provider = "render"
needs = ["database"]
[services.frontend]
provider = "vercel"
needs = ["backend"]
health = { path = "/" }
[environments.production]
tier = "production"
bake_time = "5s"
verify_time = "5s"
[environments.production.services.database]
id = "quarterdeckprodshopa"
migrations = "supabase/migrations"
[environments.production.services.backend]
blue = { id = "srv-blue", url = "http://blue" }
green = { id = "srv-green", url = "http://green" }
traffic = { router = "edge", route = "backend", metrics = "backend-{arm}" }
[environments.production.services.worker]
id = "srv-worker"
[environments.production.services.frontend]
id = "prj_front"
url = "http://shop"
"""

FIRST = MigrationFile("20260901090000", "create_shop", "create table items ();", "drop table items;")
SECOND = MigrationFile("20260915101500", "add_note", "alter table orders add note text;", "alter table orders …;")


def shop(changes: Mapping[str, Any] | None = None) -> Settings:
    """The shop's settings, with changes to `[environments.production]`."""
    data = tomllib.loads(SHOP)
    data["environments"]["production"].update(changes or {})
    return Settings.model_validate(data)


def live_shop(**services: LiveService) -> Live:
    """The shop as it usually is: the old release everywhere, blue serving, green asleep."""
    usual = {
        "database": LiveService(applied=(FIRST.version,)),
        "backend": LiveService(
            arms={
                "blue": LiveArm(OLD, "dep-blue", weight=100),
                "green": LiveArm(OLD, "dep-green", suspended=True),
            }
        ),
        "worker": LiveService(OLD, "dep-worker"),
        "frontend": LiveService(OLD, "dpl_old"),
    }
    return Live({ServiceName(name): state for name, state in {**usual, **services}.items()}, at=NOON)


def plan_shop(
    settings: Settings | None = None,
    live: Live | None = None,
    files: tuple[MigrationFile, ...] = (FIRST, SECOND),
    **wish: Any,
) -> Plan:
    return build_plan(settings or shop(), Wish(PRODUCTION, **wish), RELEASE, live or live_shop(), files)


@dataclass
class Story:
    """Events of one deployment, written one after the other on a clock that the story moves."""

    plan: Plan
    now: datetime = NOON
    events: list[ev.Event] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.tell(ev.DeploymentRequested(self.plan.environment, self.plan, "orders need notes"), Actor("ada"))
        self.tell(ev.DeploymentStarted("bastion-1"))

    @property
    def deployment(self) -> Deployment:
        return self._folded

    def tell(self, payload: ev.Payload, actor: Actor = ev.SYSTEM, after: float = 0.0) -> Story:
        self.now += timedelta(seconds=after)
        seq = len(self.events) + 1
        event = ev.Event(DeploymentId("261122-120000-k3f9"), self.now, payload, actor, seq)
        self._folded = self._folded.apply(event) if self.events else begin(event)
        self.events.append(event)
        return self

    def run(self, steps: Iterable[Step], *, until: str = "", took: Callable[[Step], float] | None = None) -> Story:
        """Let steps succeed one after the other; the one named `until` is begun and left running."""
        for step in steps:
            self.tell(ev.StepStarted(step.id, 1), after=0.1)
            if step.provider:
                self.tell(ev.OperationIntended(step.id, f"op-{step.id}", step.name))
                self.tell(ev.OperationStarted(step.id, f"op-{step.id}", f"ref-{step.id}"))
            if step.id == until:
                return self
            self._judge(step)
            self.now += timedelta(seconds=took(step) if took else float(step.arguments.get("duration_s", 2.0)))
            if step.kind is StepKind.SHIFT and step.service:
                self.tell(ev.TrafficShifted(step.service, dict(step.arguments["weights"])))
            self.tell(ev.StepSucceeded(step.id, "done", {"url": f"http://{step.id}"}))
        return self

    def _judge(self, step: Step) -> None:
        if step.kind in {StepKind.BAKE, StepKind.VERIFY}:
            self.tell(ev.StageJudged(step.id, judged(VerdictKind.PASS, 400, 1, 3600, 11), step.service))
        elif step.kind in {StepKind.HEALTH, StepKind.CHECK_COMMIT, StepKind.INTEGRATION, StepKind.BENCHMARK}:
            self.tell(ev.StageJudged(step.id, Verdict(VerdictKind.PASS, f"{step.name}: all good."), step.service))

    def roll_back(self, reason: str, trigger: ev.Trigger = ev.Trigger.AUTOMATIC) -> Story:
        """Ask for a rollback, run it whole and end."""
        self.tell(ev.RollbackRequested(trigger, reason, self.now))
        steps = build_rollback(self.deployment)
        self.tell(ev.RollbackPlanned(steps))
        traffic = [step for step in steps if step.kind is StepKind.SHIFT]
        for step in steps:
            self.run([step], took=lambda _: 0.2)
            if traffic and step is traffic[-1]:
                self.tell(ev.TrafficRestored())
        return self.tell(ev.DeploymentRolledBack())


def judged(kind: VerdictKind, requests: int, errors: int, others: int, their_errors: int) -> Verdict:
    """A verdict with the figures that the judge writes."""
    evidence = {
        "canary_requests": requests,
        "canary_errors": errors,
        "canary_error_rate": errors / requests,
        "baseline_requests": others,
        "baseline_errors": their_errors,
        "baseline_error_rate": their_errors / others,
        "canary_latency_mean": 0.021,
        "baseline_latency_mean": 0.019,
        "error_log_evidence": 5.1 if kind is VerdictKind.FAIL else -0.4,
    }
    return Verdict(kind, f"{errors} errors in {requests} requests, beside {their_errors} in {others}.", evidence)


def good_story() -> Story:
    plan = plan_shop()
    return Story(plan).run(plan.steps).tell(ev.DeploymentSucceeded(), after=0.2)


def bad_story() -> Story:
    """A release that errors: found at 10 %, taken back by itself."""
    plan = plan_shop()
    story = Story(plan)
    bake = next(step for step in plan.steps if step.id == "backend.bake-10")
    earlier = plan.steps[: plan.steps.index(bake)]
    story.run(earlier).run([bake], until=bake.id)
    verdict = judged(VerdictKind.FAIL, 210, 19, 1890, 3)
    story.tell(ev.StageJudged(bake.id, verdict, bake.service), after=3.4)
    story.tell(ev.StepFailed(bake.id, verdict.explanation, f"step {bake.id}", "The release is taken back."))
    return story.roll_back(verdict.explanation)
