"""Every recorded answer of the real Render, for the operations that the adapter uses, is read without loss."""

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from providers.render import datastores, domains, envgroups, secretfiles, services, wire
from providers.render.client import limit_class
from providers.wire import moment, pick

RECORDINGS = Path(__file__).resolve().parents[3].parent / "shared" / "recordings" / "render-api.jsonl"
pytestmark = pytest.mark.skipif(not RECORDINGS.is_file(), reason="the shared recordings are absent")

SERVICE = r"/v1/services/(srv|crn)-[^/?]+"
READERS: dict[str, tuple[str, Callable[[Any], Any]]] = {
    "service": (rf"(GET|PATCH) {SERVICE}", wire.parse_service),
    "services": (r"GET /v1/services\?.*", wire.parse_page("service", wire.parse_service)),
    "deploy": (rf"POST {SERVICE}/deploys", wire.parse_deploy),
    "variables": (rf"(GET|PUT) {SERVICE}/env-vars(\?.*)?", wire.parse_page("envVar", wire.parse_variable)),
    "detail": (rf"(GET|PATCH) {SERVICE}", services.parse_detail),
    "details": (r"GET /v1/services\?.*", wire.parse_page("service", services.parse_detail)),
    "autoscaling": (rf"PUT {SERVICE}/autoscaling", services.parse_autoscaling),
    "domains": (rf"(GET|POST) {SERVICE}/custom-domains(\?.*)?", wire.parse_page("customDomain", domains.parse_domain)),
    "files": (
        rf"(GET|PUT) {SERVICE}/secret-files(\?.*)?",
        wire.parse_page("secretFile", secretfiles.parse_file),
    ),
    "group": (r"(GET|PUT|PATCH) /v1/env-groups/evg-[^?]+", envgroups.parse_contents),
    "postgres": (r"(GET|PATCH|POST) /v1/postgres(/dpg-[^/]+)?", datastores.parse_datastore),
    "key value": (r"(GET|PATCH|POST) /v1/(key-value|redis)(/red-[^/]+)?", datastores.parse_datastore),
}
DETAIL = {
    "environment": "environmentId",
    "dashboard": "dashboardUrl",
    "auto_deploy_trigger": "autoDeployTrigger",
    "repository": "repo",
    "branch": "branch",
    "root_dir": "rootDir",
    "image": "imagePath",
    "url": "serviceDetails.url",
    "region": "serviceDetails.region",
    "plan": "serviceDetails.plan",
    "runtime": "serviceDetails.runtime",
    "publish_path": "serviceDetails.publishPath",
    "health_check_path": "serviceDetails.healthCheckPath",
    "schedule": "serviceDetails.schedule",
    "pre_deploy_command": "serviceDetails.envSpecificDetails.preDeployCommand",
    "instances": "serviceDetails.numInstances",
    "created_at": "createdAt",
    "updated_at": "updatedAt",
    "suspenders": "suspenders",
    "last_successful_run_at": "serviceDetails.lastSuccessfulRunAt",
    "shutdown_delay_s": "serviceDetails.maxShutdownDelaySeconds",
    "cache_profile": "serviceDetails.cache.profile",
}
STORE = {
    "id": "id",
    "name": "name",
    "status": "status",
    "plan": "plan",
    "region": "region",
    "version": "version",
    "environment": "environmentId",
    "role": "role",
    "disk_gb": "diskSizeGB",
    "high_availability": "highAvailabilityEnabled",
    "created_at": "createdAt",
    "expires_at": "expiresAt",
}
DOMAIN = {
    "id": "id",
    "name": "name",
    "kind": "domainType",
    "status": "verificationStatus",
    "redirects_to": "redirectForName",
    "created_at": "createdAt",
}


def lost(read: object, told: object, fields: dict[str, str]) -> list[str]:
    """Attributes that do not hold what the answer has at their path; what it lacks has to be empty."""
    found = []
    for attribute, path in fields.items():
        value, now = pick(told, *path.split(".")), getattr(read, attribute)
        if attribute.endswith("_at"):
            value = moment({"at": value}, "at")
        wanted = tuple(value) if isinstance(value, list) else value
        if (now and value in (None, "", [])) or (value not in (None, "", []) and now != wanted):
            found.append(f"{attribute}: {now!r} of {value!r}")
    return found


def recorded(pattern: str) -> Iterator[dict[str, Any]]:
    with RECORDINGS.open() as lines:
        for line in lines:
            exchange = json.loads(line)
            if re.fullmatch(pattern, f"{exchange['method']} {exchange['path']}") and exchange["status"] < 300:
                yield exchange


@pytest.mark.parametrize("name", READERS)
def test_when_it_is_read_then_nothing_is_raised(name: str) -> None:
    pattern, parse = READERS[name]
    answers = [exchange["response"] for exchange in recorded(pattern) if exchange["response"] is not None]

    assert len([parse(answer) for answer in answers]) == len(answers) > 0


def test_when_services_are_read_then_every_used_field_is_kept() -> None:
    for exchange in recorded(READERS["service"][0]):
        told = exchange["response"]
        service = wire.parse_service(told)

        assert (service.id, service.name, service.type) == (told["id"], told["name"], told["type"])
        assert service.suspended is (told["suspended"] == "suspended")
        assert service.auto_deploy is (told["autoDeploy"] == "yes")
        assert service.url == told["serviceDetails"].get("url", "")
        assert service.instances == told["serviceDetails"].get("numInstances")


def test_when_deploys_are_read_then_every_used_field_is_kept() -> None:
    for exchange in recorded(READERS["deploy"][0]):
        told = exchange["response"]
        if told is None:
            assert exchange["status"] == 202
            continue
        deploy = wire.parse_deploy(told)

        assert (deploy.id, deploy.status, deploy.trigger) == (told["id"], told["status"], told["trigger"])
        assert deploy.commit == (told["commit"] or {}).get("id", "")
        assert deploy.created_at is not None
        assert deploy.status in {*wire.RUNNING, *wire.ENDED}


def test_when_variables_are_read_then_every_used_field_is_kept() -> None:
    for exchange in recorded(READERS["variables"][0]):
        told = [row.get("envVar", row) for row in exchange["response"]]
        page = READERS["variables"][1](exchange["response"])

        assert page.items == tuple((one["key"], one["value"]) for one in told)


def test_when_services_are_read_in_full_then_no_field_is_lost() -> None:
    seen: set[str] = set()
    for exchange in recorded(READERS["detail"][0]):
        told = exchange["response"]
        detail = services.parse_detail(told)
        seen.add(detail.type)

        assert lost(detail, told, DETAIL) == []
        rest, commands = told["serviceDetails"], told["serviceDetails"].get("envSpecificDetails", {})
        assert detail.build_command == commands.get("buildCommand", rest.get("buildCommand", ""))
        assert detail.start_command == commands.get("startCommand", commands.get("dockerCommand", ""))
        assert (detail.disk is not None) == ("disk" in rest)
        assert (detail.maintenance is not None) == ("maintenanceMode" in rest)
        scaled = rest.get("autoscaling")
        assert (detail.autoscaling is not None) == bool(scaled and scaled["enabled"])

    assert seen == {"web_service", "private_service", "background_worker", "cron_job", "static_site"}


def test_when_stores_and_domains_are_read_then_no_field_is_lost() -> None:
    for exchange in (*recorded(READERS["postgres"][0]), *recorded(READERS["key value"][0])):
        assert lost(datastores.parse_datastore(exchange["response"]), exchange["response"], STORE) == []
    for exchange in recorded(READERS["domains"][0]):
        rows = [row.get("customDomain", row) for row in exchange["response"]]
        for row, domain in zip(rows, READERS["domains"][1](exchange["response"]).items, strict=True):
            assert lost(domain, row, DOMAIN) == []


def test_when_files_and_groups_are_read_then_no_field_is_lost() -> None:
    for exchange in recorded(READERS["files"][0]):
        told = [row.get("secretFile", row) for row in exchange["response"]]
        page = READERS["files"][1](exchange["response"])
        assert page.items == tuple((one["name"], one["content"]) for one in told)
    for exchange in recorded(READERS["group"][0]):
        told = exchange["response"]
        contents = envgroups.parse_contents(told)
        assert contents.shelves[envgroups.VARIABLES] == {one["key"]: one["value"] for one in told["envVars"]}
        assert contents.shelves[envgroups.FILES] == {one["name"]: one["content"] for one in told["secretFiles"]}
        assert contents.group.services == tuple(one["id"] for one in told["serviceLinks"])


def test_when_limits_are_grouped_then_calls_of_one_group_have_one_limit() -> None:
    """Only the groups that the adapter uses: the others have limits of their own, which it never meets."""
    limits: dict[str, set[str]] = {}
    ours = "deploys|env-vars|secret-files|scale|autoscaling|custom-domains"
    for exchange in recorded(rf"(GET|POST|PATCH|PUT|DELETE) {SERVICE}(/({ours}).*)?"):
        group = limit_class(exchange["method"], exchange["path"].removeprefix("/v1").partition("?")[0])
        limits.setdefault(re.sub(r"(srv|crn)-\S+", "one service", group), set()).add(
            exchange["headers"]["Ratelimit-Limit"]
        )

    expected = {"reading": {"400"}, "changing": {"100"}, "changing one service": {"10"}, "adding domains": {"50"}}
    assert limits == expected
