"""Blueprints: what a `render.yaml` in the repository describes, when it was applied, and whether a text is one."""

import re
from typing import Any

import yaml
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from console.playground.emulators.clock import iso
from console.playground.emulators.render_app import Frontdoor
from console.playground.emulators.render_estate import OWNER, Estate, page
from console.playground.emulators.render_state import Json
from console.playground.emulators.wire import Refusal, as_json
from console.playground.scene import REPOSITORY

BLUEPRINT = "exs-d4blue0k7v1c9m2e5fg0"
LARGEST = 10 * 1024 * 1024
TYPES = ("web", "pserv", "worker", "cron", "static", "keyvalue", "redis")


class Blueprints:
    """The handlers. There is one blueprint, in sync since the beginning."""

    def __init__(self, estate: Estate) -> None:
        self._estate = estate

    def routes(self, door: Frontdoor) -> list[Route]:
        return [
            door.route("GET", "/blueprints", self._list),
            door.route("GET", "/blueprints/{blueprint}", self._get),
            door.route("GET", "/blueprints/{blueprint}/syncs", self._syncs),
            door.route("POST", "/blueprints/validate", self._validate),
        ]

    async def _list(self, request: Request) -> Response:
        return page(request, [self._told()], "blueprint", lambda told: str(told["id"]), lambda told: told)

    async def _get(self, request: Request) -> Response:
        _check(request)
        made = [
            {"id": service.id, "name": service.name, "type": service.type} for service in self._estate.services.values()
        ]
        return as_json(self._told() | {"resources": made})

    async def _syncs(self, request: Request) -> Response:
        _check(request)
        at = iso(self._founded())
        sync: Json = {
            "id": "exe-d4sync0k7v1c9m2e5fg0",
            "commit": {"id": self._estate.deployer.releases.first.commit},
            "startedAt": at,
            "completedAt": at,
            "state": "success",
        }
        return page(request, [sync], "sync", lambda told: str(told["id"]), lambda told: told)

    async def _validate(self, request: Request) -> Response:
        parts = _parts(await request.body(), request.headers.get("content-type", ""))
        if parts.get("ownerId") != OWNER["id"].encode():
            raise Refusal(400, "ownerId is required")
        if "file" not in parts or len(parts["file"]) > LARGEST:
            raise Refusal(400, "file is required, and at most 10 MB")
        return as_json(_judge(parts["file"]))

    def _founded(self) -> float:
        return min(service.created_at for service in self._estate.services.values())

    def _told(self) -> Json:
        return {
            "id": BLUEPRINT,
            "name": "shop",
            "status": "in_sync",
            "autoSync": True,
            "repo": f"https://github.com/{REPOSITORY}",
            "branch": "main",
            "path": "render.yaml",
            "lastSync": iso(self._founded()),
        }


def _check(request: Request) -> None:
    if request.path_params["blueprint"] != BLUEPRINT:
        raise Refusal(404, f"not found: {request.path_params['blueprint']}")


def _parts(body: bytes, media: str) -> dict[str, bytes]:
    """The parts of a form by name; the framework's own reader needs a package that is not installed."""
    boundary = re.search(r'boundary="?([^";]+)', media)
    if "multipart/form-data" not in media or boundary is None:
        raise Refusal(400, "request Content-Type isn't multipart/form-data")
    found: dict[str, bytes] = {}
    for part in body.split(b"--" + boundary[1].encode()):
        head, _, content = part.partition(b"\r\n\r\n")
        name = re.search(rb'name="([^"]+)"', head)
        if name is not None:
            found[name[1].decode()] = content.removesuffix(b"\r\n")
    return found


def _judge(content: bytes) -> Json:
    try:
        told = yaml.safe_load(content)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        place = {"line": mark.line + 1, "column": mark.column + 1} if mark else {}
        return {"valid": False, "errors": [{"error": "invalid YAML", **place}]}
    if not isinstance(told, dict):
        return {"valid": False, "errors": [{"path": "", "error": "a Blueprint must be a mapping"}]}
    services, databases = _rows(told, "services"), _rows(told, "databases")
    groups = _rows(told, "envVarGroups")
    errors = [
        {"path": f"services[{number}].type", "error": f"unknown type {row.get('type')}"}
        for number, row in enumerate(services)
        if row.get("type") not in TYPES
    ]
    if errors:
        return {"valid": False, "errors": errors}
    stores = [row["name"] for row in services if row["type"] in ("keyvalue", "redis")]
    plan = {
        "services": [row["name"] for row in services if row["name"] not in stores],
        "databases": [row["name"] for row in databases],
        "keyValue": stores,
        "envGroups": [row["name"] for row in groups],
    }
    return {"valid": True, "plan": plan | {"totalActions": sum(len(names) for names in plan.values())}}


def _rows(told: dict[str, Any], name: str) -> list[Any]:
    return [row for row in told.get(name) or [] if isinstance(row, dict) and row.get("name")]
