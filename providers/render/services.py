"""Services of every type, in full, and whether a push deploys them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Annotated

from providers import wire
from providers.contract import Actuator, SetAutoDeploy
from providers.ensuring import Setting
from providers.http import segment
from providers.render.wire import Deploy, Service, parse_service
from providers.translated import Translated

if TYPE_CHECKING:
    from providers.render.client import RenderClient

ServiceId = Annotated[str, "id of the service, as srv-… or crn-…"]


@dataclass(frozen=True)
class Services:
    type: Annotated[
        str, "only of this type: web_service, private_service, background_worker, cron_job, static_site"
    ] = ""


@dataclass(frozen=True)
class OneService:
    service: ServiceId


@dataclass(frozen=True)
class Autoscaling:
    """Percent of CPU and memory that is aimed at; None where that is not watched."""

    min: int
    max: int
    cpu: int | None = None
    memory: int | None = None


@dataclass(frozen=True)
class Maintenance:
    enabled: bool
    uri: str = ""


@dataclass(frozen=True)
class Disk:
    id: str
    name: str
    mount_path: str
    size_gb: int | None


@dataclass(frozen=True)
class ServiceDetail:
    """A service as Render tells it; what its type does not have is empty. `suspenders` say who stopped it."""

    id: str
    name: str
    type: str
    owner: str
    environment: str
    dashboard: str
    suspended: bool
    suspenders: tuple[str, ...]
    auto_deploy: bool | None
    auto_deploy_trigger: str
    repository: str
    branch: str
    root_dir: str
    image: str
    url: str
    region: str
    plan: str
    runtime: str
    build_command: str
    start_command: str
    pre_deploy_command: str
    publish_path: str
    health_check_path: str
    schedule: str
    cache_profile: str
    instances: int | None
    shutdown_delay_s: int | None
    autoscaling: Autoscaling | None
    maintenance: Maintenance | None
    disk: Disk | None
    last_successful_run_at: datetime | None
    created_at: datetime | None
    updated_at: datetime | None


def parse_detail(body: object) -> ServiceDetail:
    """Read a service of any type. The types share the names of what they share, so each field is simply looked for."""
    basics, details = parse_service(body), wire.table(body, "serviceDetails")
    commands = wire.table(details, "envSpecificDetails")
    return ServiceDetail(
        id=basics.id,
        name=basics.name,
        type=basics.type,
        owner=basics.owner,
        environment=wire.text(body, "environmentId"),
        dashboard=wire.text(body, "dashboardUrl"),
        suspended=basics.suspended,
        suspenders=wire.texts(body, "suspenders"),
        auto_deploy=basics.auto_deploy,
        auto_deploy_trigger=wire.text(body, "autoDeployTrigger"),
        repository=wire.text(body, "repo"),
        branch=wire.text(body, "branch"),
        root_dir=wire.text(body, "rootDir"),
        image=wire.text(body, "imagePath"),
        url=basics.url,
        region=wire.text(details, "region"),
        plan=wire.text(details, "plan"),
        runtime=wire.text(details, "runtime") or wire.text(details, "env"),
        build_command=wire.text(commands, "buildCommand") or wire.text(details, "buildCommand"),
        start_command=wire.text(commands, "startCommand") or wire.text(commands, "dockerCommand"),
        pre_deploy_command=wire.text(commands, "preDeployCommand"),
        publish_path=wire.text(details, "publishPath"),
        health_check_path=wire.text(details, "healthCheckPath"),
        schedule=wire.text(details, "schedule"),
        cache_profile=wire.text(details, "cache", "profile"),
        instances=basics.instances,
        shutdown_delay_s=wire.whole(details, "maxShutdownDelaySeconds"),
        autoscaling=parse_autoscaling(wire.pick(details, "autoscaling")),
        maintenance=_maintenance(wire.table(details, "maintenanceMode")),
        disk=_disk(wire.table(details, "disk")),
        last_successful_run_at=wire.moment(details, "lastSuccessfulRunAt"),
        created_at=wire.moment(body, "createdAt"),
        updated_at=wire.moment(body, "updatedAt"),
    )


def parse_autoscaling(node: object) -> Autoscaling | None:
    """None where there is none, or where it is switched off."""
    low, high = wire.whole(node, "min"), wire.whole(node, "max")
    if not wire.flag(node, "enabled") or low is None or high is None:
        return None
    return Autoscaling(low, high, _aim(node, "cpu"), _aim(node, "memory"))


def _aim(node: object, what: str) -> int | None:
    watched = wire.flag(node, "criteria", what, "enabled")
    return wire.whole(node, "criteria", what, "percentage") if watched else None


def _maintenance(node: object) -> Maintenance | None:
    enabled = wire.flag(node, "enabled")
    return None if enabled is None else Maintenance(enabled, wire.text(node, "uri"))


def _disk(node: object) -> Disk | None:
    if not wire.text(node, "id"):
        return None
    size = wire.whole(node, "sizeGB")
    return Disk(wire.text(node, "id"), wire.text(node, "name"), wire.text(node, "mountPath"), size)


class ServiceReader:
    """Services in full; shared by everything that puts one into a state."""

    def __init__(self, client: RenderClient, owner: str) -> None:
        self.client = client
        self._owner = owner

    async def fetch_services(self, request: Services) -> Sequence[Service]:
        params = {"ownerId": self._owner or None, "type": request.type or None}
        return await self.client.fetch_list("/services", "service", parse_service, params)

    async def fetch_details(self) -> Sequence[ServiceDetail]:
        return await self.client.fetch_list("/services", "service", parse_detail, {"ownerId": self._owner or None})

    async def fetch_service(self, request: OneService) -> ServiceDetail:
        return await self.client.http.fetch(f"/services/{segment(request.service)}", parse_detail)

    async def fetch_deploys(self, request: OneService) -> Sequence[Deploy]:
        """Newest first; at most one page."""
        return await self.client.fetch_deploys(request.service)

    async def find_service(self, service: str) -> ServiceDetail | None:
        """None for one that Render does not know, also for a name that cannot be one's id."""
        if not service:
            return None
        return await self.client.http.fetch_or_none(f"/services/{segment(service)}", parse_detail)


@dataclass(frozen=True)
class HoldAutoDeploy:
    service: ServiceId


@dataclass(frozen=True)
class LiftAutoDeploy:
    service: ServiceId


def make_auto_deploy(reader: ServiceReader) -> Setting[SetAutoDeploy]:
    """Whether a push deploys. A rollback holds it off as well, since the next push would undo it."""

    async def holds(request: SetAutoDeploy) -> bool | None:
        service = await reader.find_service(request.target)
        return None if service is None else service.auto_deploy is request.on

    async def write(request: SetAutoDeploy) -> None:
        await reader.client.set_auto_deploy(request.target, on=request.on)

    def say(request: SetAutoDeploy) -> str:
        return "a push deploys again" if request.on else "auto-deploy held off"

    return Setting(SetAutoDeploy, holds=holds, write=write, say=say)


def make_holding(auto_deploy: Actuator[SetAutoDeploy]) -> Actuator[HoldAutoDeploy]:
    return Translated(auto_deploy, lambda request: SetAutoDeploy(request.service, on=False))


def make_lifting(auto_deploy: Actuator[SetAutoDeploy]) -> Actuator[LiftAutoDeploy]:
    return Translated(auto_deploy, lambda request: SetAutoDeploy(request.service, on=True))
