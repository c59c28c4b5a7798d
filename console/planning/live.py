"""What is live in an environment before a deployment, as the platforms and the router report it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from console.domain.backups import BackupFacts
from console.domain.hold import Hold
from console.domain.ids import ServiceName
from console.domain.observations import Lock
from console.domain.rotation import SecretFacts
from console.domain.standby import FailoverFacts
from console.domain.switch_over import SwitchFacts
from console.domain.variables import Reconfiguration
from providers.contract import PlatformStage


@dataclass(frozen=True)
class LiveArm:
    """One arm or instance: the commit and the platform's deployment there (empty for nothing), its share in percent.

    `configuration` is what must change of its variables.
    """

    commit: str = ""
    deployment: str = ""
    suspended: bool = False
    weight: int = 0
    configuration: Reconfiguration = field(default_factory=Reconfiguration)
    auto_deploy: bool | None = None
    instances: int | None = None


@dataclass(frozen=True)
class LiveService:
    """One service. `arms` is empty for a service in one place, and has the instances of one that runs as several.

    `applied` lists a database's migrations, oldest first.

    `uncounted` says why its router counts nothing that a release could be judged by; empty where it counts. `sticky`
    says what keeps visitors at their arm.

    `problem` says why it could not be read; then nothing else here is to be trusted. `cannot` names acts of recovery
    that its platform does not offer, and why. `stages` are the platform's own, for what is promoted there.
    """

    commit: str = ""
    deployment: str = ""
    suspended: bool = False
    auto_deploy: bool | None = None
    arms: Mapping[str, LiveArm] = field(default_factory=dict)
    applied: tuple[str, ...] = ()
    uncounted: str = ""
    sticky: str = ""
    configuration: Reconfiguration = field(default_factory=Reconfiguration)
    problem: str = ""
    instances: int | None = None
    cannot: Mapping[str, str] = field(default_factory=dict)
    stages: tuple[PlatformStage, ...] = ()

    @property
    def weights(self) -> dict[str, int]:
        return {name: arm.weight for name, arm in self.arms.items()}

    @property
    def stable_arm(self) -> str | None:
        """The arm with the most traffic; None while no arm has any or none runs anything."""
        serving = [name for name, arm in self.arms.items() if arm.weight > 0 and (arm.commit or arm.deployment)]
        return max(serving, key=lambda name: self.arms[name].weight, default=None)

    @property
    def live_commit(self) -> str:
        """What answers requests now; for arms, what the one with the most traffic runs."""
        stable = self.stable_arm
        return self.arms[stable].commit if stable is not None else self.commit


@dataclass(frozen=True)
class LivePage:
    """Where the holding page of a service is put up: a router's route, or its platform's place; and whether it is up.

    `cannot` says why it can have none, `problem` why nobody knows whether one is up.
    """

    provider: str
    target: str
    by_router: bool = False
    on: bool = False
    cannot: str = ""
    problem: str = ""


@dataclass(frozen=True)
class Live:
    """Everything a plan depends on besides the settings.

    `since` is when what is live went live, `changes` how many commits the new release adds and `commits` their first
    lines, oldest first; None when not known. `others` are deployments of other environments that are under way.
    `narrow` names the scopes that the token of a provider lacks, `secret` is what a rotation replaces. `served` are
    commits that were live before, as far back as somebody looked. `pages`
    has every service that people could be shown a page instead of.
    """

    services: Mapping[ServiceName, LiveService] = field(default_factory=dict)
    lock: Lock | None = None
    at: datetime | None = None
    since: datetime | None = None
    changes: int | None = None
    commits: tuple[str, ...] | None = None
    others: tuple[Lock, ...] = ()
    narrow: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    secret: SecretFacts = field(default_factory=SecretFacts)
    hold: Hold | None = None
    served: frozenset[str] = frozenset()
    failover: FailoverFacts = field(default_factory=FailoverFacts)
    switch: SwitchFacts = field(default_factory=SwitchFacts)
    pages: Mapping[ServiceName, LivePage] = field(default_factory=dict)
    backups: BackupFacts = field(default_factory=BackupFacts)

    def of(self, service: str) -> LiveService:
        """A service nobody read counts as not deployed."""
        return self.services.get(ServiceName(service), LiveService())

    @property
    def most_live_commit(self) -> str:
        """The commit that most services run; empty while none runs any."""
        commits = [service.live_commit for service in self.services.values() if service.live_commit]
        return max(dict.fromkeys(commits), key=commits.count, default="")
