"""A plan: the steps of one deployment, fixed before the start, each with its undo.

Steps form a graph by `needs`. A rollback is a second graph of the same shape, built from the undos of what was done.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from console.domain.backups import BackupWish
from console.domain.codec import to_json
from console.domain.emergency import EmergencyTerms
from console.domain.ids import EnvironmentName, ProviderName, ServiceName, StepId
from console.domain.maintenance import MaintenanceWish
from console.domain.outlook import Outlook
from console.domain.release import Release
from console.domain.switch_over import SwitchWish


class Phase(StrEnum):
    """Where in a deployment a step belongs; panes and reports group by it."""

    CHECK = "check"
    ANNOUNCE = "announce"
    MIGRATE = "migrate"
    PREPARE = "prepare"
    ROLLOUT = "rollout"
    VERIFY = "verify"
    DECOMMISSION = "decommission"
    CLOSE = "close"
    ROLLBACK = "rollback"


class StepKind(StrEnum):
    """What a step does. Each kind has one executor in the engine."""

    CHECK_COMMIT = "check-commit"
    APPROVAL = "approval"
    ANNOUNCE = "announce"
    BACK_UP = "back-up"
    PROVE_BACKUP = "prove-backup"
    RESTORE_DATA = "restore-data"
    BRING_BACK_DATA = "bring-back-data"
    MIGRATE = "migrate"
    MIGRATE_DOWN = "migrate-down"
    CONFIGURE = "configure"
    RESTORE_CONFIGURATION = "restore-configuration"
    MAKE_SECRET = "make-secret"  # noqa: S105  # a kind of step
    UNMAKE_SECRET = "unmake-secret"  # noqa: S105  # a kind of step
    REVOKE_SECRET = "revoke-secret"  # noqa: S105  # a kind of step
    AWAIT_UNUSED = "await-unused"
    RESTORE_SECRET = "restore-secret"  # noqa: S105  # a kind of step
    RESUME = "resume"
    SUSPEND = "suspend"
    DEPLOY = "deploy"
    ROLL_BACK_RELEASE = "roll-back-release"
    HEALTH = "health"
    INTEGRATION = "integration"
    BENCHMARK = "benchmark"
    MEASURE = "measure"
    SHIFT = "shift"
    BAKE = "bake"
    PROMOTE = "promote"
    VERIFY = "verify"
    RESTART = "restart"
    SCALE = "scale"
    REDEPLOY = "redeploy"
    HOLD_PUSHES = "hold-pushes"
    LIFT_HOLD = "lift-hold"
    COMMAND = "command"
    REQUEST = "request"
    CHECK_STANDBY = "check-standby"
    FENCE = "fence"
    UNFENCE = "unfence"
    PROMOTE_STANDBY = "promote-standby"
    POINT_NAME = "point-name"
    VERIFY_FAILOVER = "verify-failover"
    AWAIT_RESOLVERS = "await-resolvers"
    MAINTAIN = "maintain"
    TRANSFER_DATA = "transfer-data"
    TRANSFER_FILES = "transfer-files"
    PREPARE_PROJECT = "prepare-project"
    RESTORE_PROJECT = "restore-project"
    PREPARE_BUCKET = "prepare-bucket"
    TAKE_BACK_DATA = "take-back-data"
    FENCE_SOURCE = "fence-source"
    OPEN_SOURCE = "open-source"


TRAFFIC_KINDS = frozenset({StepKind.SHIFT, StepKind.PROMOTE})
SKIPPABLE_KINDS = frozenset(
    {
        StepKind.INTEGRATION,
        StepKind.BENCHMARK,
        StepKind.MEASURE,
        StepKind.ANNOUNCE,
        StepKind.SUSPEND,
        StepKind.COMMAND,
        StepKind.REQUEST,
        StepKind.POINT_NAME,
        StepKind.VERIFY_FAILOVER,
    }
)
"""What comes later can stand without these; traffic never depends on a step that can be left out."""


@dataclass(frozen=True)
class Undo:
    """How a step is taken back. `arguments` hold what is known at planning; the rest comes from the step's outputs."""

    kind: StepKind
    name: str
    arguments: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True)
class Step:
    """The smallest thing that is recorded and resumed."""

    id: StepId
    name: str
    kind: StepKind
    phase: Phase
    service: ServiceName | None = None
    provider: ProviderName | None = None
    arguments: Mapping[str, object] = field(default_factory=dict)
    needs: tuple[StepId, ...] = ()
    undo: Undo | None = None
    no_undo: str = ""
    undoes: StepId | None = None
    time_limit: timedelta = timedelta(minutes=15)
    forecast: timedelta | None = None
    attempts: int = 3

    @property
    def is_skippable(self) -> bool:
        """Whether a person may leave it out once it has failed."""
        return self.kind in SKIPPABLE_KINDS


@dataclass(frozen=True)
class Push:
    """A place of a service where the platform makes every push live by itself."""

    service: ServiceName
    provider: ProviderName
    target: str
    arm: str = ""

    @property
    def place(self) -> str:
        return f"{self.arm} of {self.service}" if self.arm else self.service


@dataclass(frozen=True)
class Risk:
    """How dangerous a plan looks, 0 (routine) to 100, with the reasons in words and the points of each."""

    score: int
    reasons: tuple[str, ...] = ()
    points: tuple[int, ...] = ()

    @property
    def word(self) -> str:
        if self.score >= 60:
            return "high"
        return "medium" if self.score >= 25 else "low"


@dataclass(frozen=True)
class Wish:
    """What somebody asked for. Empty fields mean the configuration's own choice."""

    environment: EnvironmentName
    release: str = ""
    strategy: str = ""
    services: tuple[ServiceName, ...] = ()
    reason: str = ""
    emergency: bool = False
    returns: bool = False
    """Go back to a release that was live before, forwards: without approvals, and at once where it still runs."""
    maintenance: MaintenanceWish | None = None
    switch: SwitchWish | None = None
    backup: BackupWish | None = None
    at: datetime | None = None
    """When it is to begin; None for now."""
    pinned: Release | None = None
    """What `release` named when a deployment to come was added; nobody is asked again."""


@dataclass(frozen=True)
class Plan:
    """The steps of one deployment, in an order that respects `needs`.

    `current` names what is live before the start, by service; `arms` says which arm of a service is the candidate.
    `on_failure` is what follows a failed step: `rollback`, or `ask` for a person who decides.
    `pushes` go live by themselves, and would undo a rollback. `obstacles` stand in the way back as of the planning.
    `returns` says that the release was live before, so that it is held as a rollback is.
    `emergency` says what is passed over.
    """

    environment: EnvironmentName
    strategy: str
    release: Release
    steps: tuple[Step, ...]
    services: tuple[ServiceName, ...] = ()
    current: Mapping[str, str] = field(default_factory=dict)
    candidate_arms: Mapping[str, str] = field(default_factory=dict)
    risk: Risk = Risk(0)
    refusals: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    on_failure: str = "rollback"
    pushes: tuple[Push, ...] = ()
    obstacles: tuple[str, ...] = ()
    returns: bool = False
    outlook: Outlook = field(default_factory=Outlook)
    emergency: EmergencyTerms | None = None

    @property
    def digest(self) -> str:
        """Identify what will be done: the same digest means the same steps on the same release."""
        content = {
            "environment": self.environment,
            "strategy": self.strategy,
            "commit": self.release.commit,
            "steps": [
                {**to_json(step), "forecast": None}  # a forecast changes with history, the work does not
                for step in self.steps
            ],
        }
        return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:16]

    @property
    def forecast(self) -> timedelta | None:
        """How long the longest path takes by the forecasts; None while any step on it has none."""
        return longest_path(self.steps)

    def step(self, step_id: StepId) -> Step:
        return next(step for step in self.steps if step.id == step_id)


def longest_path(steps: Iterable[Step]) -> timedelta | None:
    """Add up the forecasts along the slowest chain of `needs`; steps come in an order that respects it."""
    ends: dict[StepId, timedelta] = {}
    for step in steps:
        if step.forecast is None:
            return None
        begins = max((ends[need] for need in step.needs if need in ends), default=timedelta())
        ends[step.id] = begins + step.forecast
    return max(ends.values(), default=timedelta())


def ready_steps(steps: Iterable[Step], finished: frozenset[StepId], begun: frozenset[StepId]) -> tuple[Step, ...]:
    """Pick the steps whose needs are all finished and which have not begun, in plan order."""
    return tuple(step for step in steps if step.id not in begun and all(need in finished for need in step.needs))
