"""What the emulated Vercel knows: projects, deployments, env vars, and their shapes on the wire.

Times on the wire are whole milliseconds. A deployment's `url` is a host without a scheme, as at Vercel.
"""

from dataclasses import dataclass, field
from typing import Literal

from console.playground.emulators.clock import millis
from console.playground.emulators.vercel_parts import (
    AliasRequest,
    CheckRun,
    Json,
    ProjectCheck,
    ProjectDomain,
    Rollout,
    RolloutStage,
)
from console.playground.hosting import Instance
from console.playground.releases import Release
from console.playground.scene import REPOSITORY, VERCEL_TEAM, PlatformService

ReadyState = Literal["QUEUED", "INITIALIZING", "BUILDING", "READY", "ERROR", "CANCELED"]

USER_ID = "usr7Dk2QuarterdeckHarbour4"
USERNAME = "quarterdeck"
ENDED = frozenset({"READY", "ERROR", "CANCELED"})


@dataclass(frozen=True)
class LogLine:
    """One line of a build. `kind` is Vercel's event type, `at` Unix seconds."""

    serial: str
    at: float
    kind: str
    text: str


@dataclass
class Deployment:
    """One deployment; it is its own real process while `process` is set. `release` is None for an unknown commit."""

    id: str
    public_name: str
    host: str
    name: str
    project_id: str
    commit: str
    ref: str
    release: Release | None
    target: str | None
    meta: dict[str, str]
    source: str
    created_at: float
    state: ReadyState = "QUEUED"
    substate: str | None = None
    building_at: float | None = None
    ready_at: float | None = None
    canceled_at: float | None = None
    alias_assigned_at: float | None = None
    error: tuple[str, str] | None = None
    process: Instance | None = None
    used_at: float = 0.0
    build_log: list[LogLine] = field(default_factory=list)
    checks: list[CheckRun] = field(default_factory=list)

    @property
    def is_over(self) -> bool:
        return self.state in ENDED

    def says(self, at: float, kind: str, text: str) -> None:
        self.build_log.append(LogLine(f"{millis(at)}{len(self.build_log):06d}", at, kind, text))

    @property
    def blocking(self) -> list[CheckRun]:
        """The checks that the domains wait for."""
        return [run for run in self.checks if run.check.blocks == "deployment-alias"]

    def summary(self, aliases: list[str], is_candidate: bool) -> Json:
        """The item of `GET /v6/deployments`."""
        told: Json = {
            "uid": self.id,
            "name": self.name,
            "projectId": self.project_id,
            "url": self.host,
            "created": millis(self.created_at),
            "createdAt": millis(self.created_at),
            "source": self.source,
            "state": self.state,
            "readyState": self.state,
            "type": "LAMBDAS",
            "creator": {"uid": USER_ID, "username": USERNAME},
            "meta": self.meta,
            "target": self.target,
            "aliasError": None,
            "aliasAssigned": millis(self.alias_assigned_at) if self.alias_assigned_at is not None else None,
            "inspectorUrl": f"https://vercel.com/{USERNAME}/{self.name}/{self.id}",
            "isRollbackCandidate": is_candidate,
        }
        return told | self._progress()

    def full(self, aliases: list[str], auto_assign: bool) -> Json:
        """The answer of `GET /v13/deployments/{id}` and of everything that returns one deployment."""
        org, _, repo = REPOSITORY.partition("/")
        told: Json = {
            "id": self.id,
            "name": self.name,
            "url": self.host,
            "projectId": self.project_id,
            "project": {"id": self.project_id, "name": self.name, "framework": None},
            "ownerId": VERCEL_TEAM,
            "team": {"id": VERCEL_TEAM, "name": "Harbour Shop", "slug": "harbour-shop"},
            "plan": "pro",
            "createdIn": "fra1",
            "createdAt": millis(self.created_at),
            "bootedAt": millis(self.created_at),
            "buildingAt": millis(self.building_at if self.building_at is not None else self.created_at),
            "buildSkipped": False,
            "creator": {"uid": USER_ID, "username": USERNAME},
            "public": False,
            "status": self.state,
            "readyState": self.state,
            "type": "LAMBDAS",
            "version": 2,
            "source": self.source,
            "target": self.target,
            "meta": self.meta,
            "gitSource": {"type": "github", "org": org, "repo": repo, "ref": self.ref, "sha": self.commit},
            "alias": aliases,
            "aliasAssigned": self.alias_assigned_at is not None,
            "aliasError": None,
            "autoAssignCustomDomains": auto_assign,
            "regions": ["fra1"],
            "routes": [],
            "build": {"env": []},
            "env": [],
            "inspectorUrl": f"https://vercel.com/{USERNAME}/{self.name}/{self.id}",
            "isInConcurrentBuildsQueue": self.state == "QUEUED",
            "isInSystemBuildsQueue": False,
            "projectSettings": {"framework": None},
        }
        if self.alias_assigned_at is not None:
            told["aliasAssignedAt"] = millis(self.alias_assigned_at)
        if self.canceled_at is not None:
            told["canceledAt"] = millis(self.canceled_at)
        if self.state == "ERROR":
            told["errorStep"] = "buildStep"
            told["buildErrorAt"] = millis(self.ready_at or self.created_at)
        return told | self._progress()

    def _progress(self) -> Json:
        told: Json = {}
        if self.building_at is not None:
            told["buildingAt"] = millis(self.building_at)
        if self.state == "READY" and self.ready_at is not None:
            told["ready"] = millis(self.ready_at)
        if self.state == "READY" and self.substate is not None:
            told["readySubstate"] = self.substate
        if self.error is not None:
            told["errorCode"], told["errorMessage"] = self.error
        return told | self._judged()

    def _judged(self) -> Json:
        """How far its checks are; nothing where it has none."""
        if not self.checks:
            return {}
        states = {run.status for run in self.checks}
        if states != {"completed"}:
            return {"checksState": "registered" if states == {"queued"} else "running"}
        good = all(run.conclusion in ("succeeded", "neutral", "skipped") for run in self.checks)
        return {"checksState": "completed", "checksConclusion": "succeeded" if good else "failed"}


@dataclass
class EnvVar:
    """One environment variable; `sensitive` ones can never be read back."""

    id: str
    key: str
    value: str
    kind: str
    target: tuple[str, ...]
    git_branch: str | None
    comment: str
    created_at: float
    updated_at: float

    def collides(self, key: str, target: tuple[str, ...], branch: str | None) -> bool:
        return self.key == key and self.git_branch == branch and bool(set(self.target) & set(target))

    def to_json(self, decrypt: bool) -> Json:
        clear = decrypt or self.kind == "plain"
        shown = "" if self.kind == "sensitive" else self.value if clear else f"eyJ2IjoidjIi{self.id[-12:]}"
        told: Json = {
            "id": self.id,
            "key": self.key,
            "value": shown,
            "type": self.kind,
            "target": list(self.target),
            "createdAt": millis(self.created_at),
            "updatedAt": millis(self.updated_at),
            "createdBy": USER_ID,
            "updatedBy": USER_ID,
            "configurationId": None,
        }
        if self.git_branch is not None:
            told["gitBranch"] = self.git_branch
        if self.comment:
            told["comment"] = self.comment
        return told


@dataclass
class Project:
    """One project. `deployments` newest first; `aliases` maps a host to the deployment that it leads to."""

    cast: PlatformService
    domain: str
    created_at: float
    updated_at: float
    auto_assign: bool = True
    is_paused: bool = False
    production: str = ""
    rolled_back_to: str | None = None
    rollback_description: str | None = None
    request: AliasRequest | None = None
    deployments: list[Deployment] = field(default_factory=list)
    aliases: dict[str, tuple[str, str, float]] = field(default_factory=dict)
    env: list[EnvVar] = field(default_factory=list)
    checks: list[ProjectCheck] = field(default_factory=list)
    domains: list[ProjectDomain] = field(default_factory=list)
    rolling_stages: tuple[RolloutStage, ...] | None = None
    rolling_advancement: str = "manual-approval"
    rollout: Rollout | None = None

    def __post_init__(self) -> None:
        self.domains = self.domains or [ProjectDomain(self.domain, self.created_at)]

    @property
    def id(self) -> str:
        return self.cast.id

    @property
    def name(self) -> str:
        return self.cast.name

    def find(self, id_or_url: str) -> Deployment | None:
        host = id_or_url.removeprefix("https://").removeprefix("http://")
        return next((one for one in self.deployments if host in (one.id, one.host)), None)

    def aliases_of(self, deployment: Deployment) -> list[str]:
        return [alias for alias, (_, target, _) in self.aliases.items() if target == deployment.id]

    def rolling_config(self) -> Json | None:
        if self.rolling_stages is None:
            return None
        return {"target": "production", "stages": [stage.to_config() for stage in self.rolling_stages]}

    def to_json(self) -> Json:
        org, _, repo = REPOSITORY.partition("/")
        told: Json = {
            "id": self.id,
            "name": self.name,
            "accountId": VERCEL_TEAM,
            "framework": None,
            "nodeVersion": "22.x",
            "directoryListing": False,
            "live": not self.is_paused,
            "paused": self.is_paused,
            "autoAssignCustomDomains": self.auto_assign,
            "autoExposeSystemEnvs": True,
            "resourceConfig": {"functionDefaultRegions": ["fra1"]},
            "defaultResourceConfig": {"functionDefaultRegions": ["fra1"]},
            "createdAt": millis(self.created_at),
            "updatedAt": millis(self.updated_at),
            "link": {
                "type": "github",
                "org": org,
                "repo": repo,
                "repoId": 90_210_100,
                "productionBranch": "main",
                "gitCredentialId": "",
                "deployHooks": [],
                "sourceless": False,
                "createdAt": millis(self.created_at),
                "updatedAt": millis(self.created_at),
            },
            "targets": {"production": self._target()},
            "lastAliasRequest": None,
            "lastRollbackTarget": None,
            "rollingRelease": self.rolling_config(),
        }
        if self.request is not None:
            told["lastAliasRequest"] = {
                "fromDeploymentId": self.request.origin,
                "toDeploymentId": self.request.destination,
                "jobStatus": self.request.status,
                "requestedAt": millis(self.request.requested_at),
                "type": self.request.kind,
            }
        if self.rolled_back_to is not None:
            told["lastRollbackTarget"] = {"id": self.rolled_back_to}
        return told

    def _target(self) -> Json | None:
        live = self.find(self.production)
        if live is None:
            return None
        return {
            "id": live.id,
            "name": live.name,
            "url": live.host,
            "alias": self.aliases_of(live),
            "aliasAssigned": millis(live.alias_assigned_at) if live.alias_assigned_at is not None else None,
            "createdAt": millis(live.created_at),
            "createdIn": "fra1",
            "creator": {"uid": USER_ID, "username": USERNAME, "email": "ops@harbour.example"},
            "deploymentHostname": live.host.partition(":")[0],
            "readyState": live.state,
            "readySubstate": live.substate or "PROMOTED",
            "meta": live.meta,
            "plan": "pro",
            "private": True,
            "target": live.target,
            "teamId": VERCEL_TEAM,
            "type": "LAMBDAS",
            "userId": USER_ID,
        }
