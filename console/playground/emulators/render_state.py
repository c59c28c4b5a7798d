"""What the emulated Render knows: services, deploys, events, and their shapes on the wire.

Shapes follow Render's OpenAPI document, and recorded traffic where that differs: `commit` and `finishedAt` of a
deploy may be null, `autoDeployTrigger` is there though the document's service does not name it.
"""

from dataclasses import dataclass, field
from typing import Any, Literal

from console.playground.emulators.clock import Clock, iso
from console.playground.emulators.ids import render_id, render_instance_id
from console.playground.hosting import Instance
from console.playground.releases import Release
from console.playground.scene import PlatformService

Json = dict[str, Any]
DeployStatus = Literal[
    "created",
    "queued",
    "build_in_progress",
    "pre_deploy_in_progress",
    "update_in_progress",
    "live",
    "deactivated",
    "build_failed",
    "update_failed",
    "canceled",
]
Trigger = Literal["api", "rollback", "service_resumed", "manual"]

ENDED = frozenset({"live", "deactivated", "build_failed", "update_failed", "canceled"})
ENVIRONMENT_IDS = {"production": "evm-d4prod0k7v1c9m2e5fg0", "staging": "evm-d4stage0k7v1c9m2e5fg"}


@dataclass
class Deploy:
    """One deploy. `release` is None when the commit is unknown to the repository; times are Unix seconds."""

    id: str
    commit: str
    release: Release | None
    trigger: Trigger
    status: DeployStatus
    created_at: float
    updated_at: float
    started_at: float | None = None
    finished_at: float | None = None
    is_switching: bool = False
    clears_cache: bool = False
    rollback_target: str | None = None

    @property
    def is_over(self) -> bool:
        return self.status in ENDED

    def to_json(self) -> Json:
        body: Json = {
            "id": self.id,
            "commit": None,
            "status": self.status,
            "trigger": self.trigger,
            "createdAt": iso(self.created_at),
            "updatedAt": iso(self.updated_at),
            "finishedAt": iso(self.finished_at) if self.finished_at is not None else None,
        }
        if self.release is not None:
            body["commit"] = {
                "id": self.commit,
                "message": self.release.message,
                "createdAt": iso(self.release.created_at.timestamp()),
            }
        if self.started_at is not None:
            body["startedAt"] = iso(self.started_at)
        return body


@dataclass(frozen=True)
class Event:
    """Something that happened to a service."""

    id: str
    at: float
    type: str
    details: Json


@dataclass
class Running:
    """One live instance: Render's id for it, and the process behind."""

    id: str
    created_at: float
    process: Instance


@dataclass
class Job:
    """A one-off job; it has no process of its own here and succeeds at once."""

    id: str
    command: str
    plan: str
    status: str
    created_at: float


@dataclass
class Service:
    """One service. `deploys` and `events` are newest first."""

    cast: PlatformService
    url: str
    created_at: float
    updated_at: float
    suspended: bool = False
    auto_deploy: bool = True
    auto_deploy_trigger: str = "commit"
    count: int = 1
    maintenance: bool = False
    maintenance_uri: str = ""
    branch: str = "main"
    health_check_path: str = "/health"
    plan: str = "starter"
    pre_deploy_command: str = ""
    shutdown_delay_s: int = 30
    root_dir: str = ""
    env_vars: dict[str, str] = field(default_factory=dict)
    deploys: list[Deploy] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    jobs: list[Job] = field(default_factory=list)
    running: list[Running] = field(default_factory=list)
    samples: list[tuple[float, float, int, int]] = field(default_factory=list)
    """Measured by the second at most: Unix seconds, cores, bytes, instances."""

    @property
    def id(self) -> str:
        return self.cast.id

    @property
    def name(self) -> str:
        return self.cast.name

    @property
    def is_web(self) -> bool:
        return self.cast.role == "api"

    @property
    def live(self) -> Deploy | None:
        return next((deploy for deploy in self.deploys if deploy.status == "live"), None)

    @property
    def in_progress(self) -> Deploy | None:
        """The deploy that is being worked on; a queued one waits behind it."""
        return next((d for d in self.deploys if not d.is_over and d.status != "queued"), None)

    def find(self, deploy_id: str) -> Deploy | None:
        return next((deploy for deploy in self.deploys if deploy.id == deploy_id), None)

    def happened(self, at: float, kind: str, details: Json) -> None:
        self.events.insert(0, Event(render_id("evt"), at, kind, details))

    def to_json(self, owner: str, repository: str) -> Json:
        return {
            "id": self.id,
            "autoDeploy": "yes" if self.auto_deploy else "no",
            "autoDeployTrigger": self.auto_deploy_trigger if self.auto_deploy else "off",
            "branch": self.branch,
            "createdAt": iso(self.created_at),
            "dashboardUrl": f"https://dashboard.render.com/{'web' if self.is_web else 'worker'}/{self.id}",
            "environmentId": ENVIRONMENT_IDS.get(self.cast.environment, ENVIRONMENT_IDS["production"]),
            "name": self.name,
            "notifyOnFail": "default",
            "ownerId": owner,
            "repo": f"https://github.com/{repository}",
            "rootDir": self.root_dir,
            "slug": self.name,
            "suspended": "suspended" if self.suspended else "not_suspended",
            "suspenders": ["user"] if self.suspended else [],
            "type": "web_service" if self.is_web else "background_worker",
            "updatedAt": iso(self.updated_at),
            "serviceDetails": self._details(),
        }

    def _details(self) -> Json:
        start = {"buildCommand": "pip install -r requirements.txt", "startCommand": "python -m shop"}
        if self.pre_deploy_command:
            start["preDeployCommand"] = self.pre_deploy_command
        details: Json = {
            "buildPlan": "starter",
            "env": "python",
            "envSpecificDetails": start,
            "maxShutdownDelaySeconds": self.shutdown_delay_s,
            "numInstances": self.count,
            "plan": self.plan,
            "previews": {"generation": "off"},
            "pullRequestPreviewsEnabled": "no",
            "region": "frankfurt",
            "runtime": "python",
            "sshAddress": f"{self.id}@ssh.frankfurt.render.com",
        }
        if self.is_web:
            details |= {
                "healthCheckPath": self.health_check_path,
                "maintenanceMode": {"enabled": self.maintenance, "uri": self.maintenance_uri},
                "openPorts": [{"port": 10000, "protocol": "TCP"}],
                "url": self.url,
            }
        return details


def begun_deploy(clock: Clock, commit: str, release: Release | None, trigger: Trigger) -> Deploy:
    """Make a deploy that was asked for now."""
    now = clock.now()
    return Deploy(render_id("dep"), commit, release, trigger, "created", now, now)


def running(clock: Clock, service: Service, process: Instance) -> Running:
    """Give a started process its Render id."""
    return Running(render_instance_id(service.id), clock.now(), process)
