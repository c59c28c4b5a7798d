"""Every recorded answer of the real Render, for the operations that the adapter uses, is read without loss."""

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from providers.render import wire
from providers.render.client import limit_class

RECORDINGS = Path(__file__).resolve().parents[3].parent / "shared" / "recordings" / "render-api.jsonl"
pytestmark = pytest.mark.skipif(not RECORDINGS.is_file(), reason="the shared recordings are absent")

SERVICE = r"/v1/services/(srv|crn)-[^/?]+"
READERS: dict[str, tuple[str, Callable[[Any], Any]]] = {
    "service": (rf"(GET|PATCH) {SERVICE}", wire.parse_service),
    "services": (r"GET /v1/services\?.*", wire.parse_page("service", wire.parse_service)),
    "deploy": (rf"POST {SERVICE}/deploys", wire.parse_deploy),
    "variables": (rf"(GET|PUT) {SERVICE}/env-vars(\?.*)?", wire.parse_page("envVar", wire.parse_variable)),
}


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


def test_when_limits_are_grouped_then_calls_of_one_group_have_one_limit() -> None:
    """Only the groups that the adapter uses: the others have limits of their own, which it never meets."""
    limits: dict[str, set[str]] = {}
    for exchange in recorded(rf"(GET|POST|PATCH|PUT|DELETE) {SERVICE}(/(deploys|env-vars|scale).*)?"):
        group = limit_class(exchange["method"], exchange["path"].removeprefix("/v1").partition("?")[0])
        limits.setdefault(re.sub(r"(srv|crn)-\S+", "one service", group), set()).add(
            exchange["headers"]["Ratelimit-Limit"]
        )

    assert limits == {"reading": {"400"}, "changing": {"100"}, "changing one service": {"10"}}
