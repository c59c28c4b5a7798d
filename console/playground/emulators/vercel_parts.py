"""Parts of the emulated Vercel's projects and deployments: checks, rolling releases, domains, moves of production."""

from dataclasses import dataclass
from typing import Any, Literal

Json = dict[str, Any]


@dataclass(frozen=True)
class ProjectCheck:
    """What a project wants looked at on every deployment. `timeout` is seconds."""

    id: str
    name: str
    blocks: str
    timeout: int
    created_at: float


@dataclass
class CheckRun:
    """One check on one deployment."""

    id: str
    check: ProjectCheck
    created_at: float
    updated_at: float
    status: str = "queued"
    conclusion: str | None = None
    text: str = ""
    url: str = ""
    completed_at: float | None = None


@dataclass(frozen=True)
class RolloutStage:
    """One stage of a rolling release. `minutes` None waits for approval."""

    percent: int
    needs_approval: bool
    minutes: int | None
    linear: bool

    def to_config(self) -> Json:
        told: Json = {"targetPercentage": self.percent, "requireApproval": self.needs_approval}
        if self.minutes is not None:
            told["duration"] = self.minutes
        if self.linear:
            told["linearShift"] = True
        return told


@dataclass
class Rollout:
    """One rolling release: its stages are those of the template when it began."""

    current: str
    canary: str
    stages: tuple[RolloutStage, ...]
    advancement: str
    started_at: float
    updated_at: float
    state: Literal["ACTIVE", "COMPLETE", "ABORTED"] = "ACTIVE"
    active: int = 0
    queued: str | None = None


@dataclass
class ProjectDomain:
    """A domain of a project. `proof` is the text that a TXT record has to show, "" once it is verified."""

    name: str
    created_at: float
    redirect: str | None = None
    git_branch: str | None = None
    proof: str = ""

    @property
    def serves_production(self) -> bool:
        return not (self.proof or self.redirect or self.git_branch)


@dataclass
class AliasRequest:
    """The last promote or rollback of a project."""

    origin: str
    destination: str
    status: str
    requested_at: float
    kind: Literal["promote", "rollback"]
