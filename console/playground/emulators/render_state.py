"""What the emulated Render knows: services, deploys, events, and their shapes on the wire.

Shapes follow Render's OpenAPI document, and recorded traffic where that differs: `commit` and `finishedAt` of a
deploy may be null, `autoDeployTrigger` is there though the document's service does not name it.
"""

from dataclasses import dataclass, field
from hashlib import sha256
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
DASHBOARD = {
    "web_service": "web",
    "private_service": "pserv",
    "background_worker": "worker",
    "cron_job": "cron",
    "static_site": "static",
}
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
    image: str = ""
    build: str = ""
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
        if self.image:
            body["image"] = {"ref": self.image, "sha": f"sha256:{sha256(self.image.encode()).hexdigest()}"}
        if self.build:
            body["buildId"] = self.build
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
    """A one-off job; it has no process of its own here, and takes a moment."""

    id: str
    command: str
    plan: str
    created_at: float
    status: Literal["pending", "running", "succeeded", "failed", "canceled"] = "running"
    finished_at: float | None = None


@dataclass
class CronRun:
    """One run of a cron job; like a job it takes a moment."""

    id: str
    started_at: float
    status: Literal["pending", "successful", "unsuccessful", "canceled"] = "pending"
    finished_at: float | None = None


@dataclass
class Domain:
    """A custom domain. The one to which its twin (`www.` or bare) redirects is named in `redirects_to`."""

    id: str
    name: str
    created_at: float
    redirects_to: str = ""
    verified: bool = False
    is_checking: bool = False


@dataclass
class Service:
    """One service. `deploys`, `events`, `jobs` and `runs` are newest first.

    `type` is Render's; only a `hosted` one has processes. `cached` says that the edge holds answers of it.
    """

    cast: PlatformService
    url: str
    created_at: float
    updated_at: float
    type: str = "web_service"
    hosted: bool = True
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
    image: str = ""
    schedule: str = ""
    autoscaling: Json | None = None
    cached: bool = True
    shutdown_delay_s: int = 30
    root_dir: str = ""
    env_vars: dict[str, str] = field(default_factory=dict)
    deploys: list[Deploy] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    secret_files: dict[str, str] = field(default_factory=dict)
    domains: list[Domain] = field(default_factory=list)
    jobs: list[Job] = field(default_factory=list)
    runs: list[CronRun] = field(default_factory=list)
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
        return self.type == "web_service"

    @property
    def has_edge(self) -> bool:
        """Whether visitors reach it through Render's edge, which caches and knows domains."""
        return self.type in ("web_service", "static_site")

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
        origin = {"imagePath": self.image} if self.image else {"branch": self.branch, "repo": _github(repository)}
        return {
            "id": self.id,
            "autoDeploy": "yes" if self.auto_deploy else "no",
            "autoDeployTrigger": self.auto_deploy_trigger if self.auto_deploy else "off",
            "createdAt": iso(self.created_at),
            "dashboardUrl": f"https://dashboard.render.com/{DASHBOARD[self.type]}/{self.id}",
            "environmentId": ENVIRONMENT_IDS.get(self.cast.environment, ENVIRONMENT_IDS["production"]),
            "name": self.name,
            "notifyOnFail": "default",
            "ownerId": owner,
            "rootDir": self.root_dir,
            "slug": self.name,
            "suspended": "suspended" if self.suspended else "not_suspended",
            "suspenders": ["user"] if self.suspended else [],
            "type": self.type,
            "updatedAt": iso(self.updated_at),
            "serviceDetails": self._static() if self.type == "static_site" else self._details(),
            **origin,
        }

    def _static(self) -> Json:
        return {
            "buildCommand": "mkdocs build",
            "buildPlan": "starter",
            "previews": {"generation": "off"},
            "publishPath": "site",
            "pullRequestPreviewsEnabled": "no",
            "url": self.url,
        }

    def _details(self) -> Json:
        runtime = "image" if self.image else "python"
        details: Json = {
            "buildPlan": "starter",
            "env": runtime,
            "envSpecificDetails": self._commands(),
            "plan": self.plan,
            "region": "frankfurt",
            "runtime": runtime,
        }
        if self.type == "cron_job":
            done = next((run.finished_at for run in self.runs if run.status == "successful"), None)
            return details | {"schedule": self.schedule} | ({"lastSuccessfulRunAt": iso(done)} if done else {})
        details |= {
            "maxShutdownDelaySeconds": self.shutdown_delay_s,
            "numInstances": self.count,
            "previews": {"generation": "off"},
            "pullRequestPreviewsEnabled": "no",
            "sshAddress": f"{self.id}@ssh.frankfurt.render.com",
        }
        if self.autoscaling is not None:
            details["autoscaling"] = self.autoscaling
        if self.type == "background_worker":
            return details
        details |= {"openPorts": [{"port": 10000, "protocol": "TCP"}], "url": self.url}
        if self.is_web:
            details |= {
                "cache": {"profile": "origin-controlled"},
                "healthCheckPath": self.health_check_path,
                "maintenanceMode": {"enabled": self.maintenance, "uri": self.maintenance_uri},
            }
        return details

    def _commands(self) -> Json:
        if self.image:
            return {"dockerCommand": "", "dockerContext": "", "dockerfilePath": ""}
        start = {"buildCommand": "pip install -r requirements.txt", "startCommand": "python -m shop"}
        return start | ({"preDeployCommand": self.pre_deploy_command} if self.pre_deploy_command else {})


def _github(repository: str) -> str:
    return f"https://github.com/{repository}"


def begun_deploy(clock: Clock, commit: str, release: Release | None, trigger: Trigger) -> Deploy:
    """Make a deploy that was asked for now."""
    now = clock.now()
    return Deploy(render_id("dep"), commit, release, trigger, "created", now, now)


def running(clock: Clock, service: Service, process: Instance) -> Running:
    """Give a started process its Render id."""
    return Running(render_instance_id(service.id), clock.now(), process)
