"""A `render.yaml`: what it says, how the workspace differs from it, and what of it becomes configuration here.

Pure: text and values in, values and text out. Fields are those of Render's Blueprint reference; what is not known here
is passed over, because Render adds to it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from providers import wire
from providers.render.services import ServiceDetail

TYPES = {
    "web": "web_service",
    "pserv": "private_service",
    "worker": "background_worker",
    "cron": "cron_job",
    "static": "static_site",
    "keyvalue": "key_value",
    "redis": "key_value",
}
STORES = ("key_value", "postgres")
DEPLOYABLE = ("web_service", "private_service", "background_worker", "static_site")
BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")
DEFAULT_ENVIRONMENT = "production"
SERVICE_FIELDS = {
    "plan": "plan",
    "region": "region",
    "branch": "branch",
    "rootDir": "root_dir",
    "buildCommand": "build_command",
    "startCommand": "start_command",
    "dockerCommand": "start_command",
    "preDeployCommand": "pre_deploy_command",
    "healthCheckPath": "health_check_path",
    "staticPublishPath": "publish_path",
    "schedule": "schedule",
    "numInstances": "instances",
    "maxShutdownDelaySeconds": "shutdown_delay_s",
}
"""What a Blueprint calls it, and what `ServiceDetail` does."""


class BlueprintError(ValueError):
    """The text is no Blueprint; says why."""


@dataclass(frozen=True)
class Planned:
    """One resource of a Blueprint. `type` is a word of Render's API; `said` holds the fields as they are written.

    `variables` are those with a value in the file; `needs` are the names of services that its variables come from.
    """

    name: str
    type: str
    environment: str
    said: Mapping[str, Any]
    variables: Mapping[str, str] = field(default_factory=dict)
    needs: tuple[str, ...] = ()

    @property
    def is_store(self) -> bool:
        return self.type in STORES


@dataclass(frozen=True)
class Difference:
    """Values of variables are never told, only that they differ."""

    resource: str
    what: str
    wanted: str
    found: str


def read_blueprint(text: str) -> Sequence[Planned]:
    """Every service and database, also those within projects.

    Raises:
        BlueprintError: It is not YAML, or no mapping.
    """
    import yaml  # only here: opening a connection should not pay for a parser that it rarely needs

    try:
        told = yaml.safe_load(text)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f" in line {mark.line + 1}" if mark else ""
        raise BlueprintError(f"it is not YAML{where}") from error
    if not isinstance(told, dict):
        raise BlueprintError("it is no mapping with services or databases")
    found = _read_resources(told, DEFAULT_ENVIRONMENT)
    for project in wire.items(told, "projects"):
        for environment in wire.items(project, "environments"):
            found += _read_resources(environment, wire.text(environment, "name") or DEFAULT_ENVIRONMENT)
    return found + _read_resources(wire.table(told, "ungrouped"), DEFAULT_ENVIRONMENT)


def _read_resources(node: object, environment: str) -> list[Planned]:
    found = []
    for row in wire.items(node, "services"):
        kind = TYPES.get(wire.text(row, "type"), wire.text(row, "type"))
        runtime = wire.text(row, "runtime") or wire.text(row, "env")
        if runtime == "static":
            kind = "static_site"
        if name := wire.text(row, "name"):
            variables, needs = _read_variables(row)
            found.append(Planned(name, kind, environment, wire.table(row), variables, needs))
    databases = [wire.table(row) for row in wire.items(node, "databases")]
    found += [Planned(str(row["name"]), "postgres", environment, row) for row in databases if row.get("name")]
    return found


def _read_variables(row: object) -> tuple[Mapping[str, str], tuple[str, ...]]:
    values, needs = {}, []
    for variable in wire.items(row, "envVars"):
        key = wire.text(variable, "key")
        if key and wire.pick(variable, "value") is not None:
            values[key] = _written(wire.pick(variable, "value"))
        needed = wire.text(variable, "fromService", "name")
        if needed and needed not in needs:
            needs.append(needed)
    return values, tuple(needs)


def find_drift(
    planned: Sequence[Planned],
    services: Mapping[str, ServiceDetail],
    variables: Mapping[str, Mapping[str, str]],
    stores: Mapping[str, str],
) -> Sequence[Difference]:
    """What the workspace has otherwise than the Blueprint says. What the Blueprint does not say is free.

    Args:
        services: By name.
        variables: Of the services, by name.
        stores: Databases and Key Value instances: name to plan.
    """
    found: list[Difference] = []
    for resource in planned:
        if resource.is_store:
            found += _store_drift(resource, stores)
        elif (service := services.get(resource.name)) is None:
            found.append(Difference(resource.name, "service", resource.type, "missing"))
        else:
            found += _service_drift(resource, service)
            found += _variable_drift(resource, variables.get(resource.name, {}))
    return found


def _store_drift(resource: Planned, stores: Mapping[str, str]) -> list[Difference]:
    if resource.name not in stores:
        return [Difference(resource.name, resource.type, resource.type, "missing")]
    wanted = wire.text(resource.said, "plan")
    return _compare(resource.name, "plan", _plan(wanted), _plan(stores[resource.name])) if wanted else []


def _service_drift(resource: Planned, service: ServiceDetail) -> list[Difference]:
    found = _compare(resource.name, "type", resource.type, service.type)
    for name, attribute in SERVICE_FIELDS.items():
        wanted, is_plan = wire.pick(resource.said, name), name == "plan"
        if wanted is not None:
            now = _written(getattr(service, attribute))
            asked = _written(wanted)
            found += _compare(resource.name, name, _plan(asked), _plan(now)) if is_plan else []
            found += [] if is_plan else _compare(resource.name, name, asked, now)
    if image := wire.text(resource.said, "image", "url"):
        found += _compare(resource.name, "image", image, service.image)
    if (deploys := _auto_deploy(resource.said)) is not None and service.auto_deploy is not None:
        found += _compare(resource.name, "autoDeploy", _written(deploys), _written(service.auto_deploy))
    if scaling := wire.table(resource.said, "scaling"):
        limits = f"{wire.text(scaling, 'minInstances')} to {wire.text(scaling, 'maxInstances')}"
        scaled = service.autoscaling
        found += _compare(resource.name, "scaling", limits, f"{scaled.min} to {scaled.max}" if scaled else "none")
    return found


def _auto_deploy(said: object) -> bool | None:
    """The newer field says it by a word, the older one by a flag."""
    if trigger := wire.text(said, "autoDeployTrigger"):
        return trigger != "off"
    return wire.flag(said, "autoDeploy")


def _variable_drift(resource: Planned, now: Mapping[str, str]) -> list[Difference]:
    found = []
    for name, wanted in resource.variables.items():
        if name not in now:
            found.append(Difference(resource.name, f"variable {name}", "set", "missing"))
        elif now[name] != wanted:
            found.append(Difference(resource.name, f"variable {name}", "the Blueprint's value", "another value"))
    return found


def _compare(resource: str, what: str, wanted: str, found: str) -> list[Difference]:
    return [] if wanted == found else [Difference(resource, what, wanted, found or "nothing")]


def _plan(text: str) -> str:
    return re.sub(r"[\s-]+", "_", text.strip().lower())


def _written(value: object) -> str:
    """A YAML value as the platform writes it."""
    if value is None:
        return ""
    return json.dumps(value) if isinstance(value, bool) else str(value)


def write_configuration(
    planned: Sequence[Planned], services: Mapping[str, ServiceDetail], provider: str = "render"
) -> str:
    """What the Blueprint describes, as tables of Quarterdeck's configuration, to be read and completed by a person.

    Args:
        services: Those of the workspace, by name; they lend their ids and addresses. Others are left out, with a word.
        provider: The name of the provider in the configuration.
    """
    known = {resource.name for resource in planned if resource.name in services and resource.type in DEPLOYABLE}
    lines = ["# From a render.yaml. Databases and Key Value instances are no services here; neither are cron jobs,"]
    lines += ["# which Render does not deploy by commit.", ""]
    lines += [f"# Left out: {resource.name} ({_why(resource)})." for resource in planned if resource.name not in known]
    for resource in planned:
        if resource.name in known:
            lines += _service_table(resource, services[resource.name], known, provider)
    for environment in dict.fromkeys(resource.environment for resource in planned if resource.name in known):
        tier = f"tier = {_quoted(environment)}" if environment in ("production", "staging") else ""
        lines += ["", f"[environments.{_key(environment)}]", *([tier] if tier else [])]
        for resource in planned:
            if resource.name in known and resource.environment == environment:
                lines += _placement_table(environment, services[resource.name])
    return "\n".join(lines) + "\n"


def _why(resource: Planned) -> str:
    if resource.type in DEPLOYABLE:
        return "not in the workspace"
    return resource.type.replace("_", " ")


def _service_table(resource: Planned, service: ServiceDetail, known: set[str], provider: str) -> list[str]:
    lines = ["", f"[services.{_key(resource.name)}]", f"provider = {_quoted(provider)}"]
    if needs := [need for need in resource.needs if need in known and need != resource.name]:
        lines.append(f"needs = [{', '.join(map(_quoted, needs))}]")
    path = wire.text(resource.said, "healthCheckPath")
    if path and _address(service):
        lines.append(f"health = {{ path = {_quoted(path)} }}")
    return lines


def _placement_table(environment: str, service: ServiceDetail) -> list[str]:
    lines = ["", f"[environments.{_key(environment)}.services.{_key(service.name)}]", f"id = {_quoted(service.id)}"]
    return [*lines, f"url = {_quoted(_address(service))}"] if _address(service) else lines


def _address(service: ServiceDetail) -> str:
    """Where it answers the public; a private service's address is of no use here."""
    return service.url if service.url.startswith(("http://", "https://")) else ""


def _key(name: str) -> str:
    return name if BARE_KEY.fullmatch(name) else _quoted(name)


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)
