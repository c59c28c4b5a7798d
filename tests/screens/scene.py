"""A deployment with everything in it, told as real events: what the fake service plays and the tests look at."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from console.domain import events as ev
from console.domain.deployment import Deployment, fold
from console.domain.events import Event, Payload
from console.domain.hold import Hold
from console.domain.ids import Actor, DeploymentId, EnvironmentName, ProviderName, ServiceName, StepId
from console.domain.observations import ArmHealth, Confirmation, EnvironmentStatus, Health, ServiceStatus
from console.domain.outlook import Outlook, Takeover
from console.domain.plan import Phase, Plan, Push, Risk, Step, StepKind, Undo
from console.domain.release import Release
from console.domain.telemetry import LogLine
from console.domain.verdict import Verdict, VerdictKind

START = datetime(2026, 11, 22, 6, 16, 3, tzinfo=UTC)
KIM = Actor("kim")
ANN = Actor("ann")
PRODUCTION = EnvironmentName("production")
STAGING = EnvironmentName("staging")
FIRST = DeploymentId("261122-061603-k3f9")
BACKEND, WORKER, FRONTEND, DATABASE = (ServiceName(name) for name in ("backend", "worker", "frontend", "database"))


def seconds(count: float) -> timedelta:
    return timedelta(seconds=count)


def _step(
    name: str,
    kind: StepKind,
    phase: Phase,
    title: str,
    *needs: str,
    service: ServiceName | None = None,
    provider: str = "",
    forecast: float = 5,
    undo: Undo | None = None,
    no_undo: str = "",
) -> Step:
    return Step(
        StepId(name),
        title,
        kind,
        phase,
        service,
        ProviderName(provider) if provider else None,
        needs=tuple(StepId(need) for need in needs),
        undo=undo,
        no_undo=no_undo,
        forecast=seconds(forecast),
    )


BACK_TO_BLUE = Undo(StepKind.SHIFT, "backend: all traffic to blue")

STEPS = (
    _step("check", StepKind.CHECK_COMMIT, Phase.CHECK, "checks of a1b2c3d4", provider="github", forecast=2),
    _step("approval", StepKind.APPROVAL, Phase.CHECK, "approval", "check", forecast=60),
    _step("announce", StepKind.ANNOUNCE, Phase.ANNOUNCE, "announce", "approval", provider="github", forecast=1),
    _step(
        "migrate",
        StepKind.MIGRATE,
        Phase.MIGRATE,
        "database: 2 migrations",
        "announce",
        service=DATABASE,
        provider="supabase",
        forecast=8,
        no_undo="Expanded columns stay; the old release ignores them.",
    ),
    _step(
        "resume",
        StepKind.RESUME,
        Phase.PREPARE,
        "backend green: resume",
        "migrate",
        service=BACKEND,
        provider="render",
        forecast=6,
        undo=Undo(StepKind.SUSPEND, "backend green: suspend"),
    ),
    _step(
        "deploy",
        StepKind.DEPLOY,
        Phase.PREPARE,
        "backend green: deploy",
        "resume",
        service=BACKEND,
        provider="render",
        forecast=45,
    ),
    _step(
        "worker",
        StepKind.DEPLOY,
        Phase.PREPARE,
        "worker: deploy",
        "migrate",
        service=WORKER,
        provider="render",
        forecast=30,
        undo=Undo(StepKind.ROLL_BACK_RELEASE, "worker: back to v1.4.2"),
    ),
    _step("health", StepKind.HEALTH, Phase.PREPARE, "backend green: health", "deploy", service=BACKEND, forecast=5),
    _step(
        "bench", StepKind.BENCHMARK, Phase.PREPARE, "backend green: benchmark", "health", service=BACKEND, forecast=10
    ),
    _step(
        "shift-10",
        StepKind.SHIFT,
        Phase.ROLLOUT,
        "backend: 10 % to green",
        "bench",
        service=BACKEND,
        provider="caddy",
        forecast=1,
        undo=BACK_TO_BLUE,
    ),
    _step("bake-10", StepKind.BAKE, Phase.ROLLOUT, "backend: bake at 10 %", "shift-10", service=BACKEND, forecast=60),
    _step(
        "shift-50",
        StepKind.SHIFT,
        Phase.ROLLOUT,
        "backend: 50 % to green",
        "bake-10",
        service=BACKEND,
        provider="caddy",
        forecast=1,
        undo=BACK_TO_BLUE,
    ),
    _step("bake-50", StepKind.BAKE, Phase.ROLLOUT, "backend: bake at 50 %", "shift-50", service=BACKEND, forecast=60),
    _step(
        "shift-100",
        StepKind.SHIFT,
        Phase.ROLLOUT,
        "backend: 100 % to green",
        "bake-50",
        service=BACKEND,
        provider="caddy",
        forecast=1,
        undo=BACK_TO_BLUE,
    ),
    _step(
        "frontend",
        StepKind.DEPLOY,
        Phase.ROLLOUT,
        "frontend: deploy",
        "shift-100",
        service=FRONTEND,
        provider="vercel",
        forecast=40,
        undo=Undo(StepKind.ROLL_BACK_RELEASE, "frontend: back to v1.4.2"),
    ),
    _step("verify", StepKind.VERIFY, Phase.VERIFY, "verify the whole", "frontend", forecast=20),
    _step(
        "suspend",
        StepKind.SUSPEND,
        Phase.DECOMMISSION,
        "backend blue: suspend",
        "verify",
        service=BACKEND,
        provider="render",
        forecast=4,
    ),
)


def plan(**changes: object) -> Plan:
    values: dict[str, object] = {
        "environment": PRODUCTION,
        "strategy": "blue-green",
        "release": Release("a1b2c3d4e5f60718293a4b5c6d7e8f9012345678", "v1.5.0", "Faster checkout", "kim"),
        "steps": STEPS,
        "services": (DATABASE, BACKEND, WORKER, FRONTEND),
        "current": {"backend": "v1.4.2", "worker": "v1.4.2", "frontend": "v1.4.2"},
        "candidate_arms": {"backend": "green"},
        "risk": Risk(35, ("Two migrations run.", "The last deployment was rolled back.")),
        "notes": ("Vercel cannot divide traffic on this plan; the frontend goes live at once.",),
    }
    return Plan(**{**values, **changes})  # type: ignore[arg-type]  # a test's own mixture


HOLD = Hold(FIRST, "v1.5.0", START + seconds(140), KIM, "errors", (Push(BACKEND, ProviderName("render"), "srv-1"),))

FAILOVER = Plan(
    PRODUCTION,
    "failover",
    Release("77aa88bb99cc00dd11ee22ff33aa44bb55cc66dd", "77aa88bb"),
    (
        _step("backend.standby", StepKind.CHECK_STANDBY, Phase.CHECK, "Check backend in recovery", service=BACKEND),
        _step("db.lag", StepKind.CHECK_STANDBY, Phase.CHECK, "Measure how far the standby of db is behind"),
        _step(
            "db.fence",
            StepKind.FENCE,
            Phase.ROLLOUT,
            "Make db in production read-only and end its sessions",
            "db.lag",
            undo=Undo(StepKind.UNFENCE, "Let db in production take writes again"),
        ),
        _step(
            "db.promote",
            StepKind.PROMOTE_STANDBY,
            Phase.ROLLOUT,
            "Promote db in recovery",
            "db.fence",
            no_undo="Nothing demotes a server that took writes.",
        ),
        _step(
            "backend.move",
            StepKind.SHIFT,
            Phase.ROLLOUT,
            "Lead all visitors of backend to recovery",
            "db.promote",
            service=BACKEND,
            provider="caddy",
            no_undo="The old side's database is fenced by then.",
        ),
        _step("failover.verify", StepKind.VERIFY_FAILOVER, Phase.VERIFY, "Verify that recovery serves", "backend.move"),
    ),
    (BACKEND,),
    notes=("From the first promotion on nothing goes back by itself: a step that fails waits for a person.",),
    outlook=Outlook(takeover=Takeover(34.0, ("promote-standby",), 10.0, 0.4, True, 120.0, 5.0, 60)),
)

RESTART = Plan(
    PRODUCTION,
    "recovery:restart",
    Release("a1b2c3d4e5f60718293a4b5c6d7e8f9012345678", "v1.5.0"),
    (
        _step(
            "worker.restart",
            StepKind.RESTART,
            Phase.ROLLOUT,
            "Restart worker",
            service=WORKER,
            provider="render",
            no_undo="Instances that were replaced do not come back; the release stays the same.",
        ),
    ),
    (WORKER,),
)

LIFTING = Plan(
    PRODUCTION,
    "lift-hold",
    Release("a1b2c3d4e5f60718293a4b5c6d7e8f9012345678", "v1.4.2"),
    (_step("backend.lift", StepKind.LIFT_HOLD, Phase.CLOSE, "Let pushes of backend go live again", service=BACKEND),),
    (BACKEND,),
    notes=(f"{HOLD.words}.",),
)


class Tale:
    """Builds events one after another; `at` is the time of the next one."""

    def __init__(self, deployment: DeploymentId = FIRST, start: datetime = START, seq: int = 0) -> None:
        self.deployment = deployment
        self.at = start
        self.events: list[Event] = []
        self._seq = seq

    def say(self, payload: Payload, *, after: float = 0.0, actor: Actor = ev.SYSTEM) -> Tale:
        self.at += seconds(after)
        self._seq += 1
        self.events.append(Event(self.deployment, self.at, payload, actor, self._seq))
        return self

    def step(self, name: str, took: float, detail: str = "", **outputs: object) -> Tale:
        """A step that starts and succeeds `took` seconds later."""
        self.say(ev.StepStarted(StepId(name), 1))
        return self.say(ev.StepSucceeded(StepId(name), detail, outputs), after=took)

    @property
    def folded(self) -> Deployment:
        deployment = fold(self.events)
        assert deployment is not None
        return deployment


PASSED = Verdict(
    VerdictKind.PASS,
    "Green does not err more than blue at any look so far.",
    {"canary_requests": 1240, "canary_errors": 2, "baseline_requests": 11160, "baseline_errors": 17, "looks": 6},
)
FAILED = Verdict(
    VerdictKind.FAIL,
    "Green errs more than blue: 74 of 1,190 requests against 19 of 10,980. More requests would not change this.",
    {"canary_requests": 1190, "canary_errors": 74, "canary_error_rate": 0.0622, "baseline_error_rate": 0.0017},
)


def tale(until: str = "bake-10", *, start: datetime = START, deployment: DeploymentId = FIRST, seq: int = 0) -> Tale:
    """The story as far as `until`: requested, approval, prepare, asked, bake-10, paused, failing, waiting-for-render,
    rolled-back, succeeded.
    """
    t = Tale(deployment, start, seq)
    t.say(ev.DeploymentRequested(PRODUCTION, plan(), "checkout is slow", "r-1"), actor=KIM)
    t.say(ev.DeploymentStarted("bastion-1/4711"), after=0.2)
    if until == "requested":
        return t
    t.step("check", 1.4, "14 checks passed on a1b2c3d4")
    t.say(ev.StepStarted(StepId("approval"), 1))
    t.say(ev.StepWaiting(StepId("approval"), "waits for an approver", START + timedelta(hours=1)), after=0.1)
    if until == "approval":
        return t
    t.say(ev.ControlReceived(ev.Control.APPROVE, StepId("approval")), after=47, actor=ANN)
    t.say(ev.StepSucceeded(StepId("approval"), "approved by ann"))
    t.step("announce", 0.6, "deployment 8841 opened on GitHub")
    t.step("migrate", 5.2, "2 migrations applied, 0 locks waited for")
    t.step("resume", 4.0, "running, 1 instance")
    t.say(ev.StepStarted(StepId("worker"), 1))
    t.say(ev.StepStarted(StepId("deploy"), 1))
    t.say(ev.OperationIntended(StepId("deploy"), "k3f9-deploy-1", "POST /v1/services/srv-d4green/deploys"), after=0.1)
    t.say(ev.OperationStarted(StepId("deploy"), "k3f9-deploy-1", "dep-91ac77"), after=0.4)
    t.say(ev.StepProgressed(StepId("deploy"), "build in progress (dep-91ac77)"), after=3)
    if until == "prepare":
        t.at += seconds(15)
        return t
    t.say(ev.StepSucceeded(StepId("worker"), "live: dep-44be10"), after=28)
    t.say(ev.StepSucceeded(StepId("deploy"), "live: dep-91ac77", {"url": "http://127.0.0.1:4102"}), after=9)
    t.step("health", 4.1, "5 of 5 probes passed")
    if until == "asked":
        return _ask(t)
    t.step("bench", 8.7, "p95 46 ms against 44 ms")
    t.say(
        ev.StageJudged(
            StepId("bench"), Verdict(VerdictKind.PASS, "Green is as fast as blue.", {"p95_ratio": 1.05}), BACKEND
        )
    )
    t.say(ev.StepStarted(StepId("shift-10"), 1))
    t.say(ev.TrafficShifted(BACKEND, {"blue": 90, "green": 10}), after=0.3)
    t.say(ev.StepSucceeded(StepId("shift-10"), "read back: blue 90, green 10"))
    t.say(ev.StepStarted(StepId("bake-10"), 1))
    until_at = t.at + seconds(60)
    t.say(ev.StepWaiting(StepId("bake-10"), "1,240 of 2,000 requests judged", until_at), after=22)
    if until == "bake-10":
        return t
    if until == "paused":
        return t.say(ev.ControlReceived(ev.Control.PAUSE), after=1, actor=KIM).say(ev.DeploymentPaused(), actor=KIM)
    if until in {"failing", "rolled-back", "waiting-for-render"}:
        _roll_back(t)
        if until == "waiting-for-render":
            return _wait_for_render(t)
        return t if until == "failing" else _rolled_back(t)
    return _succeed(t)


UNDOS = (
    Step(
        StepId("undo-shift-10"),
        "backend: all traffic to blue",
        StepKind.SHIFT,
        Phase.ROLLBACK,
        BACKEND,
        ProviderName("caddy"),
        undoes=StepId("shift-10"),
        forecast=seconds(1),
    ),
    Step(
        StepId("undo-worker"),
        "worker: back to v1.4.2",
        StepKind.ROLL_BACK_RELEASE,
        Phase.ROLLBACK,
        WORKER,
        ProviderName("render"),
        needs=(StepId("undo-shift-10"),),
        undoes=StepId("worker"),
        forecast=seconds(20),
    ),
    Step(
        StepId("undo-resume"),
        "backend green: suspend",
        StepKind.SUSPEND,
        Phase.ROLLBACK,
        BACKEND,
        ProviderName("render"),
        needs=(StepId("undo-shift-10"),),
        undoes=StepId("resume"),
        forecast=seconds(4),
    ),
)


def _roll_back(t: Tale) -> None:
    t.say(ev.StageJudged(StepId("bake-10"), FAILED, BACKEND), after=9)
    t.say(ev.StepFailed(StepId("bake-10"), "Green errs more than blue."))
    t.say(ev.RollbackRequested(ev.Trigger.AUTOMATIC, "green errs more than blue at 10 %", t.at))
    t.say(ev.RollbackPlanned(UNDOS))
    t.say(ev.StepStarted(StepId("undo-shift-10"), 1))
    t.say(ev.TrafficShifted(BACKEND, {"blue": 100, "green": 0}), after=0.4)
    t.say(ev.StepSucceeded(StepId("undo-shift-10"), "read back: blue 100"))
    t.say(ev.TrafficRestored())
    t.say(ev.StepStarted(StepId("undo-worker"), 1))
    t.say(ev.StepStarted(StepId("undo-resume"), 1))


SLOW = "p95 was 91 ms, 44 ms is usual: 2.07 times as slow, and 1.20 times is accepted."


def _ask(t: Tale) -> Tale:
    """A step that nothing stands on failed, and a person is to decide."""
    t.say(ev.StepStarted(StepId("bench"), 1))
    t.say(ev.StepFailed(StepId("bench"), SLOW, settled=True), after=9)
    return t.say(ev.PersonAsked(StepId("bench"), "Retry it, skip it with a reason, or roll back."))


def _wait_for_render(t: Tale) -> Tale:
    """Traffic is back, and a platform does not answer."""
    down = "waiting for render: HTTP 503 Service Unavailable; asked again until 2026-11-23 06:20 UTC"
    t.say(ev.StepProgressed(StepId("undo-worker"), down), after=4)
    return t.say(ev.StepProgressed(StepId("undo-resume"), down), after=0.2)


def _rolled_back(t: Tale) -> Tale:
    t.say(ev.StepSucceeded(StepId("undo-resume"), "suspended"), after=3)
    t.say(ev.StepSucceeded(StepId("undo-worker"), "live: v1.4.2"), after=14)
    for state in t.folded.steps.values():
        if not state.status.is_terminal:
            t.say(ev.StepSkipped(state.step.id, "rolled back"))
    return t.say(ev.DeploymentRolledBack())


def _succeed(t: Tale) -> Tale:
    t.say(ev.StageJudged(StepId("bake-10"), PASSED, BACKEND), after=30)
    t.say(ev.StepSucceeded(StepId("bake-10"), "judged: pass"))
    for weight in (50, 100):
        t.say(ev.StepStarted(StepId(f"shift-{weight}"), 1))
        t.say(ev.TrafficShifted(BACKEND, {"blue": 100 - weight, "green": weight}), after=0.3)
        t.say(ev.StepSucceeded(StepId(f"shift-{weight}"), f"read back: green {weight}"))
        if weight == 50:
            t.step("bake-50", 60, "judged: pass")
    t.step("frontend", 38, "live: dpl_7Hk2")
    t.step("verify", 19, "12 of 12 checks passed")
    t.step("suspend", 3, "suspended")
    return t.say(ev.DeploymentSucceeded())


def environments(release: str = "v1.4.2") -> list[EnvironmentStatus]:
    ok = Health.HEALTHY
    return [
        EnvironmentStatus(
            PRODUCTION,
            "production",
            ok,
            release,
            (
                ServiceStatus(BACKEND, "render", release, ok, weights={"blue": 90, "green": 10}),
                ServiceStatus(WORKER, "render", release, ok),
                ServiceStatus(FRONTEND, "vercel", release, ok),
                ServiceStatus(DATABASE, "supabase", "", ok),
            ),
        ),
        EnvironmentStatus(
            STAGING,
            "staging",
            Health.DEGRADED,
            "v1.5.0",
            (
                ServiceStatus(BACKEND, "render", "v1.5.0", Health.DEGRADED, "1 of 5 probes failed"),
                ServiceStatus(DATABASE, "supabase", "", ok),
            ),
            confirmation=Confirmation.YES,
        ),
        EnvironmentStatus(EnvironmentName("recovery"), "disaster-recovery", ok, "v1.4.2", ()),
    ]


def arms(*, green: int = 10, failing: bool = False, wave: float = 0.0) -> tuple[ArmHealth, ...]:
    """Health of production with `green` percent of requests on the candidate; `wave` moves the figures a little."""
    errors = 0.0622 if failing else 0.0016
    return (
        ArmHealth(
            BACKEND,
            "blue",
            Health.HEALTHY,
            "",
            "v1.4.2",
            100 - green,
            100 - green,
            11160,
            372 + wave,
            0.0015,
            12,
            44,
            0.41,
            182 * 2**20,
            2,
        ),
        ArmHealth(
            BACKEND,
            "green",
            Health.DEGRADED if failing else Health.HEALTHY,
            "6.2% of requests fail" if failing else "",
            "v1.5.0",
            green,
            green,
            1240,
            41 + wave,
            errors,
            12.4,
            57 + wave if failing else 46,
            0.12,
            176 * 2**20,
            2,
        ),
        ArmHealth(
            WORKER, "only", Health.HEALTHY, "", "v1.5.0", None, None, None, 8.2, 0.0, 31, 120, 0.2, 96 * 2**20, 1
        ),
        ArmHealth(FRONTEND, "only", Health.HEALTHY, "", "v1.4.2", None, None, 5200, 130, 0.0, 9, 38),
    )


WORDS: Sequence[tuple[str, str, str]] = (
    ("backend/green", "info", "GET /checkout 200 in 12 ms"),
    ("backend/blue", "info", "GET /cart 200 in 9 ms"),
    ("worker", "info", "picked up job 88213 (invoice)"),
    ("backend/green", "warning", "pool nearly empty: 2 of 20 connections free"),
    ("frontend", "info", "edge cache refilled, 412 objects"),
    ("backend/green", "error", "POST /checkout 500: payment gateway timed out after 3000 ms"),
    ("quarterdeck", "info", "backend: weights read back blue 90, green 10"),
)


def log_lines(count: int, first: int = 1, start: datetime = START) -> tuple[LogLine, ...]:
    lines = []
    for number in range(first, first + count):
        source, level, text = WORDS[number % len(WORDS)]
        lines.append(LogLine(start + seconds(number / 5), source, f"{text} #{number}", level, 0))
    return tuple(lines)
