"""One rehearsal: today's plan of a real configuration, run to its end by the real engine, with nothing real changed."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path

from console.config.settings import Settings
from console.domain.deployment import Deployment, fold
from console.domain.errors import PlanRejected, Refused
from console.domain.events import ConfigurationRecorded, Control, Event
from console.domain.exchange import ControlRequest
from console.domain.ids import Actor, DeploymentId
from console.domain.plan import Plan, StepKind, Wish
from console.domain.statuses import StepStatus
from console.engine.engine import Engine
from console.engine.executors.trial import PROBES
from console.engine.memory import MemoryDurable
from console.engine.variables import Resolve, Variables
from console.planning.rollback import name_irreversible
from console.rehearsal.clock import JumpingClock
from console.rehearsal.standin import Stage, StandIn
from console.rehearsal.traffic import RehearsedTraffic
from console.rehearsal.troubles import Troubles
from console.storage.kept import KeptValues
from console.storage.memory_ledger import MemoryLedger
from console.variables.digest import Masker
from providers.contract import Connection

REHEARSER = Actor("rehearsal")
LONGEST = timedelta(days=2)
STUCK_STEPS = 50
ASSUMED: Mapping[str, float] = {"deploy": 90.0, "resume": 20.0, "promote": 5.0, "roll_back": 5.0, "migrate": 5.0}
"""Seconds that an act takes which no record tells of; everything else takes ASSUMED_ELSE."""
ASSUMED_ELSE = 1.0

PRETENDED = frozenset(
    {
        StepKind.CHECK_COMMIT,
        StepKind.APPROVAL,
        StepKind.ANNOUNCE,
        StepKind.MIGRATE,
        StepKind.MIGRATE_DOWN,
        StepKind.CONFIGURE,
        StepKind.RESTORE_CONFIGURATION,
        StepKind.RESUME,
        StepKind.SUSPEND,
        StepKind.DEPLOY,
        StepKind.ROLL_BACK_RELEASE,
        StepKind.HEALTH,
        StepKind.INTEGRATION,
        StepKind.BENCHMARK,
        StepKind.MEASURE,
        StepKind.SHIFT,
        StepKind.BAKE,
        StepKind.PROMOTE,
        StepKind.VERIFY,
        StepKind.RESTART,
        StepKind.SCALE,
        StepKind.REDEPLOY,
        StepKind.HOLD_PUSHES,
        StepKind.LIFT_HOLD,
        StepKind.MAINTAIN,
    }
)
"""Kinds of steps that reach the world through a connection alone."""

_ACTS: Mapping[StepKind, str] = {
    StepKind.DEPLOY: "deploy",
    StepKind.PROMOTE: "promote",
    StepKind.ROLL_BACK_RELEASE: "roll_back",
    StepKind.SUSPEND: "suspend",
    StepKind.RESUME: "resume",
    StepKind.MIGRATE: "migrate",
    StepKind.MIGRATE_DOWN: "migrate_down",
    StepKind.SHIFT: "shift_traffic",
    StepKind.CONFIGURE: "set_variables",
}


@dataclass(frozen=True)
class Calls:
    """What one platform would be asked: calls by name, and the most within any minute."""

    provider: str
    total: int
    most_in_a_minute: int
    by_name: Mapping[str, int]
    struck: int = 0


@dataclass(frozen=True)
class Rehearsed:
    """How it went. `assumed` names steps whose length no record tells; `stuck` says what it waits for, if it does."""

    deployment: Deployment
    began: datetime
    ended: datetime
    calls: tuple[Calls, ...] = ()
    cannot: tuple[str, ...] = ()
    assumed: tuple[str, ...] = ()
    stuck: str = ""
    notes: tuple[str, ...] = field(default=())


async def rehearse(
    settings: Settings,
    wish: Wish,
    connections: Mapping[str, Connection],
    *,
    began: datetime,
    past: Sequence[Sequence[Event]] = (),
    troubles: Troubles | None = None,
    rate: float = 50.0,
    resolve: Resolve | None = None,
) -> Rehearsed:
    """Plan with what the real platforms report now, then run the plan against stand-ins.

    Args:
        connections: Open connections to the real platforms; they are only read.
        past: Recorded deployments, from which lengths are known.
        rate: Requests a second that every route is imagined to get.
        resolve: How wanted variables get their values; without it variables stay out of the rehearsal.

    Raises:
        PlanRejected: The plan has refusals, as a real deployment would.
        Refused: It does something that has no stand-in and would be done for real.
        UsageError: There is no such environment, release or strategy.
    """
    settings = _thaw(settings)
    clock = JumpingClock(began)
    lengths: dict[tuple[str, str], float] = {}
    trouble = troubles or Troubles()
    stage = Stage(clock, trouble, lambda kind, place: lengths.get((kind, place), ASSUMED.get(kind, ASSUMED_ELSE)))
    stand_ins: dict[str, Connection] = {name: StandIn(name, real, stage) for name, real in connections.items()}
    ledger = MemoryLedger(_known(past), on_call=clock.touch)
    durable = MemoryDurable()
    with tempfile.TemporaryDirectory(prefix="qd-rehearsal-") as home:
        kept = KeptValues(Path(home) / "kept")
        variables = Variables(settings, stand_ins, Masker(b"rehearsal"), kept, resolve) if resolve else None
        engine = Engine(
            settings=settings,
            ledger=ledger,
            durable=durable,
            connections=stand_ins,
            clock=clock,
            worker="rehearsal",
            variables=variables,
        )
        plan = await engine.preview(wish)
        if plan.refusals:
            raise PlanRejected(wish.environment, plan.refusals)
        _refuse_what_is_not_pretended(plan)
        lengths.update(_lengths(plan))
        _furnish(settings, wish, plan, stage, trouble, rate)
        await engine.start()
        try:
            submitted = await engine.deploy(wish, "rehearsal", "", REHEARSER)
            stage.armed = True
            stuck = await _run(engine, ledger, clock, submitted.deployment, began + LONGEST)
        finally:
            await engine.stop()
            await durable.stop()
    ended = ledger.deployment(submitted.deployment)
    return Rehearsed(
        deployment=ended,
        began=began,
        ended=ended.ended_at or clock.now(),
        calls=_calls(stage),
        cannot=name_irreversible(_at_its_end(ended)),
        assumed=tuple(
            step.name for step in plan.steps if step.forecast is None and step.kind in _ACTS and step.provider
        ),
        stuck=stuck,
        notes=plan.notes,
    )


def _thaw(settings: Settings) -> Settings:
    """A freeze keeps releases from people; what changes nothing may be rehearsed in it, and needs no backup before."""
    environments = {
        name: each.model_copy(
            update={"freezes": (), "backups": each.backups.model_copy(update={"before_migrations": False})}
        )
        for name, each in settings.environments.items()
    }
    return settings.model_copy(update={"environments": environments})


def _known(past: Sequence[Sequence[Event]]) -> Iterator[Event]:
    """What ended. Variables are left out: their digests are under the worker's own salt, which stays with it."""
    for history in past:
        known = [event for event in history if not isinstance(event.payload, ConfigurationRecorded)]
        folded = fold(known)
        if folded is not None and folded.is_terminal:
            yield from known


def _refuse_what_is_not_pretended(plan: Plan) -> None:
    """Commands and requests of the operator's own, secrets and databases themselves would be touched for real."""
    real = [step.name for step in plan.steps if {step.kind, step.undo.kind if step.undo else step.kind} - PRETENDED]
    if real:
        raise Refused(
            f"A rehearsal has no stand-in for {', '.join(real)}, and would do it for real.",
            f"rehearsal of {plan.environment}",
            "Rehearse with --strategy and a strategy that goes without.",
        )


def _lengths(plan: Plan) -> dict[tuple[str, str], float]:
    found: dict[tuple[str, str], float] = {}
    for step in plan.steps:
        act = _ACTS.get(step.kind)
        place = str(step.arguments.get("target") or step.arguments.get("route") or "")
        if act and step.forecast is not None:
            found[act, place] = step.forecast.total_seconds()
    return found


def _furnish(settings: Settings, wish: Wish, plan: Plan, stage: Stage, troubles: Troubles, rate: float) -> None:
    """Say which arm is which place, so that requests and probes meet what runs there."""
    arms: dict[tuple[str, str], str] = {}
    for placement in settings.environments[wish.environment].services.values():
        for arm, place in placement.places.items():
            if placement.traffic is not None:
                arms[placement.traffic.route, arm] = place.id
            if place.url:
                stage.urls[place.url] = place.id

    def runs(route: str, arm: str) -> str:
        place = stage.places.get(arms.get((route, arm), ""))
        return place.live if place else ""

    stage.traffic = RehearsedTraffic(rate, runs, troubles.bad, plan.release.commit, stage.clock.now)


async def _run(
    engine: Engine, ledger: MemoryLedger, clock: JumpingClock, deployment: DeploymentId, latest: datetime
) -> str:
    """Let time pass to the end, with every approval given as soon as it is waited for. Says what it hangs on, if so."""
    idle = 0
    approved: set[str] = set()
    while not ledger.deployment(deployment).is_terminal:
        for state in ledger.deployment(deployment).steps.values():
            if state.status is not StepStatus.WAITING or state.step.id in approved or state.retry_at is not None:
                continue
            if state.step.kind is not StepKind.APPROVAL:
                return f"{state.step.name} waits for a person: {state.detail}"
            approved.add(state.step.id)
            count = state.step.arguments.get("approvals")
            for number in range(count if isinstance(count, int) else 1):
                request = ControlRequest(Control.APPROVE, state.step.id, "a rehearsal")
                await engine.control(deployment, request, Actor(f"approver {number + 1}"))
        asked = next((s for s in ledger.deployment(deployment).steps.values() if s.asked), None)
        if asked is not None:
            return f"{asked.step.name} waits for a decision: {asked.detail}"
        idle = 0 if await clock.step() else idle + 1
        if idle > STUCK_STEPS or clock.now() > latest:
            return f"nothing moves any more after {clock.now() - ledger.deployment(deployment).requested_at}"
    return ""


def _at_its_end(deployment: Deployment) -> Deployment:
    """As if everything had been done: what could not be taken back then cannot be taken back at all."""
    done = {
        name: replace(state, status=StepStatus.SUCCEEDED, started_at=state.started_at or deployment.requested_at)
        for name, state in deployment.steps.items()
        if state.step.undoes is None
    }
    return replace(deployment, steps=done)


def _calls(stage: Stage) -> tuple[Calls, ...]:
    found = []
    for provider, counts in sorted(stage.calls.items()):
        if provider == PROBES:
            continue
        times = sorted(stage.called_at[provider])
        most = first = 0
        for last, at in enumerate(times):
            while at - times[first] >= timedelta(minutes=1):
                first += 1
            most = max(most, last - first + 1)
        struck = stage.troubles.struck.get(provider, 0)
        found.append(Calls(provider, len(times), most, dict(sorted(counts.items())), struck))
    return tuple(found)
