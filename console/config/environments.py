"""Settings of an environment: how releases go live there, and where its services are on the platforms."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from enum import StrEnum
from typing import Literal

from pydantic import Field

from console.config.backups import BackupSettings
from console.config.failover import FailoverSettings
from console.config.logins import LoginSettings
from console.config.maintenance import MaintenanceSettings, PageSettings
from console.config.metrics import MetricSettings
from console.config.projects import ProjectSettings
from console.config.shape import Batch, Duration, DurationOrForever, SecretReference, Section, VariableValue
from console.config.windows import FreezeSettings, ScheduleSettings
from console.domain.observations import Confirmation


class Tier(StrEnum):
    """How much depends on an environment."""

    DEVELOPMENT = "development"
    STAGING = "staging"
    PRODUCTION = "production"
    DISASTER_RECOVERY = "disaster-recovery"

    @property
    def serves_customers(self) -> bool:
        return self in {Tier.PRODUCTION, Tier.DISASTER_RECOVERY}


class LimitSettings(Section):
    """How much may happen at once, and for how long."""

    parallel: int = Field(4, ge=1, le=32)
    """Steps that run at the same time."""
    deploy: Duration = timedelta(minutes=15)
    """Longest time for one build and start on a platform."""
    step: Duration = timedelta(minutes=5)
    """Longest time for any other step that asks a platform."""
    transfer: Duration = timedelta(hours=12)
    """Longest time for bringing data or files over."""
    hold: Duration = Field(timedelta(seconds=2), gt=timedelta(0))
    """How long readers of a table may wait for a migration, from the first lock that stops them to its commit."""
    approval: Duration = timedelta(hours=24)
    """Longest wait for approvals, then nothing is changed; for a promotion, then judge.undecided says what follows."""
    attempts: int = Field(3, ge=1, le=20)
    """Attempts at a step that met a passing trouble: no answer, a 5xx, a rate limit."""


class GateSettings(Section):
    """What must hold before a deployment begins."""

    checks: Literal["required", "warn", "off"] = "required"
    """The commit's checks: `required` closes the gate, `warn` only shows, `off` does not ask."""


class EmergencySettings(Section):
    """`[environments.ENV.emergency]`: what `deploy --emergency` passes over. `[roles] emergency` says who may."""

    skips: tuple[Literal["checks", "approvals", "benchmark", "bake", "promotion", "freeze"], ...] = (
        "checks",
        "approvals",
        "freeze",
    )
    """Gates that are not waited for; `bake` gives everybody the release at once, and watches it there."""
    valid: Duration = Field(timedelta(minutes=30), gt=timedelta())
    """How long the permission holds: until the first change, and for taking up again what was interrupted."""


class JudgeSettings(Section):
    """How the candidate's answers are judged against those of the arm beside it."""

    alpha: float = Field(0.01, gt=0.0, lt=0.5)
    """Chance that a release no worse than the other is taken back, over the whole rollout."""
    floor: float = Field(0.005, ge=0.0, lt=1.0)
    """Difference of error rates (0 to 1) below which nothing is taken back."""
    min_requests: int = Field(20, ge=1, le=1_000_000)
    """Requests the candidate must have answered in a stage before the stage can pass."""
    max_error_rate: float = Field(1.0, gt=0.0, le=1.0)
    """Error rate (0 to 1) at which the candidate is taken back whatever the other arm does; 1 turns it off."""
    interval: Duration = timedelta(seconds=1)
    """Time between two looks at the counters."""
    hold: Duration = timedelta(minutes=10)
    """How long beyond the bake time a stage without enough requests waits for them."""
    undecided: Literal["wait", "rollback", "promote"] = "wait"
    """What follows when even then nothing can be said: wait for a person, take it back, or go on."""
    latency_ratio: float = Field(1.1, ge=1.0, le=100.0)
    """Latency acts only when the candidate's mean exceeds the other's by this factor, and"""
    latency_floor: Duration = timedelta(milliseconds=10)
    """by this much."""
    latency_margin: float = Field(0.0, ge=0.0, le=10.0)
    """A stage passes only once it is shown that answers are not slower by this part; 0 does not ask."""
    on_errors: Literal["rollback", "pause", "observe"] = "rollback"
    """What more errors lead to: take it back, hold for a person, or only a word in the record."""
    on_latency: Literal["rollback", "pause", "observe"] = "rollback"
    """What slower answers lead to."""
    on_reports: Literal["rollback", "pause", "observe"] = "rollback"
    """What more issues that users report lead to."""
    on_alert: Literal["rollback", "pause", "observe"] = "rollback"
    """What a security alert of the candidate leads to."""
    on_gauges: Literal["pause", "observe"] = "observe"
    """What a differing use of CPU, memory or connections leads to."""
    on_crash: Literal["rollback", "pause", "observe"] = "rollback"
    """What an instance of the candidate that crashes leads to."""
    on_probe: Literal["rollback", "pause", "observe"] = "rollback"
    """What a candidate that no longer answers its health check leads to, while the other arm answers."""
    on_saturation: Literal["rollback", "pause", "observe"] = "pause"
    """What a candidate at its limit of CPU, memory or connections leads to, while the other arm is not."""
    dry_run: bool = False
    """Judge and record, but go on whatever is found."""


class ArmSettings(Section):
    """One of the places where a release of the service can run: an arm, or an instance."""

    id: str
    """The platform's id of it."""
    url: str = ""
    """Where it answers without passing the router; health and integration are asked here."""


class TrafficSettings(Section):
    """How requests are divided between the arms, or between the instances."""

    router: str
    """Name of the provider that routes."""
    route: str
    """The router's name of the route whose weights are moved."""
    metrics: str = "{arm}"
    """The router's name of an arm in its counters, `{arm}` standing for the arm or the instance."""
    force_header: str = Field("", pattern=r"^[A-Za-z0-9-]*$")
    """Header by which the router sends a request to the arm that it names; integration then also goes that way."""
    drain: Duration = timedelta(seconds=30)
    """How long an arm may take to answer what is under way before it is stopped; the whole time if nobody counts it."""


class PlacementSettings(Section):
    """`[environments.ENV.services.NAME]`: where a service is on its platform, in this environment."""

    id: str = ""
    """The platform's id, for a service in one place."""
    url: str = ""
    """Public address, where there is one."""
    blue: ArmSettings | None = None
    """The first of two places."""
    green: ArmSettings | None = None
    """The second of two places."""
    instances: Mapping[str, ArmSettings] = Field(default_factory=dict)
    """Places that all serve at once, by a name of yours; their releases change in batches."""
    batch: Batch | None = None
    """How many of its instances change at once; unset takes the environment's."""
    traffic: TrafficSettings | None = None
    """How requests are divided between blue and green, or between the instances."""
    page: PageSettings | None = None
    """Where its holding page is put up; unset takes the route of its traffic, else its platform's own means."""
    database_url: SecretReference = ""
    """Reference to the address of the database, for migrations over a direct connection."""
    migrations: str = ""
    """Directory of the migration files in the repository."""
    project: ProjectSettings = ProjectSettings()
    """What a switch-over prepares of the database's project before data comes."""
    variables: Mapping[str, VariableValue] = Field(default_factory=dict)
    """Environment variables it is to have in this environment, over those of the service."""
    promotion: Literal["", "automatic", "manual"] = ""
    """Whether its stages wait for a person though they passed; empty takes the environment's."""
    strategy: Literal["", "blue-green", "canary", "rolling", "recreate"] = ""
    """How this service goes live here; empty takes the environment's, and for instances `rolling`."""
    stages: tuple[int, ...] | None = None
    """Percent of its requests for the candidate; unset takes the environment's."""
    bake_time: Duration | tuple[Duration, ...] | None = None
    """How long each of its stages must hold; unset takes the environment's."""

    @property
    def arms(self) -> Mapping[str, ArmSettings]:
        named = {"blue": self.blue, "green": self.green}
        return {name: arm for name, arm in named.items() if arm is not None}

    @property
    def places(self) -> Mapping[str, ArmSettings]:
        """Every place beside which there is another: the arms, or the instances."""
        return self.arms or self.instances


class EnvironmentSettings(Section):
    """`[environments.NAME]`: a named place where services run."""

    tier: Tier = Tier.DEVELOPMENT
    """How much depends on it; production and disaster-recovery ask for more care."""
    strategy: str = "blue-green"
    """How a release goes live: `blue-green`, `canary`, `rolling` (instances in batches), `recreate` (with a holding
    page), or `pipeline:NAME`."""
    stages: tuple[int, ...] | None = None
    """Percent of requests for the candidate, rising to 100; unset takes the strategy's own."""
    bake_time: Duration | tuple[Duration, ...] = timedelta(minutes=5)
    """How long each stage must hold before it may pass: one time for all, or one for each."""
    batch: Batch = 1
    """How many of a service's instances change at once: a count, or a part as `25%`; never all of them."""
    promotion: Literal["automatic", "manual"] = "automatic"
    """What follows a stage below 100 that passed: the next one, or a wait for `promote` (limits.approval at most)."""
    verify_time: Duration = timedelta(minutes=5)
    """How long everything is watched at 100 before the deployment counts as verified."""
    keep: DurationOrForever = timedelta()
    """How long the old arm stays warm after that; `forever` never suspends it."""
    confirm: Literal["auto", "name", "yes", "none"] = "auto"
    """What the console asks before going forward; `auto` is the environment's name in production, else a yes."""
    approvals: int = Field(0, ge=0, le=10)
    """Approvals by other people that are needed before anything changes."""
    branch: str = ""
    """Branch that is deployed when no release is named; empty takes the source's."""
    on_failure: Literal["rollback", "ask"] = "rollback"
    """What follows a step that failed before people were served by it: take all back, or wait for a person."""
    contracts: Literal["last", "refuse", "first"] = "last"
    """When migrations run by which an older release would fail: once it serves no more, never while it does, or at once
    with all others."""
    migrations_on_rollback: Literal["down", "keep"] = "down"
    """Whether a rollback also takes migrations back by their down scripts."""
    limits: LimitSettings = LimitSettings()
    """How much may happen at once, and for how long."""
    gates: GateSettings = GateSettings()
    """What must hold before a deployment begins."""
    emergency: EmergencySettings = EmergencySettings()
    """What an emergency deployment passes over."""
    judge: JudgeSettings = JudgeSettings()
    """How the candidate is judged."""
    metrics: Mapping[str, MetricSettings] = Field(default_factory=dict)
    """What else is measured of both arms, by a name of yours."""
    maintenance: MaintenanceSettings = MaintenanceSettings()
    """What visitors see while it is in maintenance, and when that is by itself."""
    freezes: tuple[FreezeSettings, ...] = ()
    """When nothing goes forward here."""
    schedule: ScheduleSettings = ScheduleSettings()
    """Deployments that begin at a moment to come."""
    backups: BackupSettings = BackupSettings()
    """Backups of its databases."""
    services: Mapping[str, PlacementSettings] = Field(default_factory=dict)
    """The services of this environment, and where they are."""
    logins: Mapping[str, LoginSettings] = Field(default_factory=dict)
    """Login roles of databases that take turns, by the variable that services get the address by."""
    failover: FailoverSettings | None = None
    """What takes over when this environment is lost."""

    @property
    def confirmation(self) -> Confirmation:
        """What a person gives before a deployment."""
        if self.confirm == "auto":
            return Confirmation.NAME if self.tier.serves_customers else Confirmation.YES
        return Confirmation(self.confirm)
