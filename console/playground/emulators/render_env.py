"""What a service is told by its surroundings: environment variables, secret files, and groups of both."""

import secrets
from dataclasses import dataclass, field

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from console.playground.emulators.clock import iso
from console.playground.emulators.render_app import Frontdoor
from console.playground.emulators.render_estate import Estate, page
from console.playground.emulators.render_state import Json, Service
from console.playground.emulators.wire import Refusal, as_json, empty, many, read_json, read_object, whole
from console.playground.scene import RENDER_OWNER

GROUP = "evg-d4shar0k7v1c9m2e5fg0"
LINK_TYPES = {
    "web_service": "web",
    "private_service": "pserv",
    "background_worker": "worker",
    "cron_job": "cron",
    "static_site": "static",
}


@dataclass
class Group:
    """An env group and the services that see it."""

    id: str
    name: str
    created_at: float
    updated_at: float
    variables: dict[str, str] = field(default_factory=dict)
    files: dict[str, str] = field(default_factory=dict)
    links: list[str] = field(default_factory=list)


class Surroundings:
    """The handlers. Files of a service answer 201 to a PUT, those of a group 200, as the document has it."""

    def __init__(self, estate: Estate) -> None:
        self._estate = estate
        founded = min(service.created_at for service in estate.services.values())
        shared = Group(GROUP, "shared", founded, founded, {"REGION": "eu"})
        self.groups = {shared.id: shared}

    def routes(self, door: Frontdoor) -> list[Route]:
        variables, files = "/services/{service}/env-vars", "/services/{service}/secret-files"
        group = "/env-groups/{group}"
        return [
            door.route("GET", variables, self._list_variables),
            door.route("PUT", variables, self._replace_variables),
            door.route("GET", f"{variables}/{{key}}", self._get_variable),
            door.route("PUT", f"{variables}/{{key}}", self._put_variable),
            door.route("DELETE", f"{variables}/{{key}}", self._delete_variable),
            door.route("GET", files, self._list_files),
            door.route("PUT", files, self._replace_files),
            door.route("GET", f"{files}/{{key}}", self._get_file),
            door.route("PUT", f"{files}/{{key}}", self._put_file),
            door.route("DELETE", f"{files}/{{key}}", self._delete_file),
            door.route("GET", "/env-groups", self._list_groups),
            door.route("GET", group, self._get_group),
            door.route("GET", f"{group}/env-vars/{{key}}", self._get_group_variable),
            door.route("PUT", f"{group}/env-vars/{{key}}", self._put_group_variable),
            door.route("DELETE", f"{group}/env-vars/{{key}}", self._delete_group_variable),
            door.route("PUT", f"{group}/secret-files/{{key}}", self._put_group_file),
            door.route("DELETE", f"{group}/secret-files/{{key}}", self._delete_group_file),
            door.route("POST", f"{group}/services/{{service}}", self._link),
            door.route("DELETE", f"{group}/services/{{service}}", self._unlink),
        ]

    async def _list_variables(self, request: Request) -> Response:
        return _variables_page(request, self._estate.service(request))

    async def _replace_variables(self, request: Request) -> Response:
        service, wish = self._estate.service(request), await read_json(request)
        if not isinstance(wish, list) or not all(isinstance(one, dict) and one.get("key") for one in wish):
            raise Refusal(400, "a list of env vars with a key each is required")
        self._replace(service.env_vars, {one["key"]: _value(one) for one in wish}, "env_vars")
        return _variables_page(request, service)

    async def _get_variable(self, request: Request) -> Response:
        key, kept = request.path_params["key"], self._estate.service(request).env_vars
        return as_json({"key": key, "value": _known(kept, key)})

    async def _put_variable(self, request: Request) -> Response:
        service, key, wish = self._estate.service(request), request.path_params["key"], await read_object(request)
        self._replace(service.env_vars, {**service.env_vars, key: _value(wish)}, "env_vars")
        return as_json({"key": key, "value": service.env_vars[key]})

    async def _delete_variable(self, request: Request) -> Response:
        service = self._estate.service(request)
        return self._drop(service.env_vars, request.path_params["key"], "env_vars")

    async def _list_files(self, request: Request) -> Response:
        return _files_page(request, self._estate.service(request))

    async def _replace_files(self, request: Request) -> Response:
        service, wish = self._estate.service(request), await read_json(request)
        if not isinstance(wish, list) or not all(isinstance(one, dict) and one.get("name") for one in wish):
            raise Refusal(400, "a list of secret files with a name each is required")
        self._replace(service.secret_files, {one["name"]: str(one.get("content", "")) for one in wish}, "secret_files")
        return _files_page(request, service)

    async def _get_file(self, request: Request) -> Response:
        key, kept = request.path_params["key"], self._estate.service(request).secret_files
        return as_json({"name": key, "content": _known(kept, key)})

    async def _put_file(self, request: Request) -> Response:
        service, key, wish = self._estate.service(request), request.path_params["key"], await read_object(request)
        self._replace(service.secret_files, {**service.secret_files, key: _content(wish)}, "secret_files")
        return as_json({"name": key, "content": service.secret_files[key]}, 201)

    async def _delete_file(self, request: Request) -> Response:
        service = self._estate.service(request)
        return self._drop(service.secret_files, request.path_params["key"], "secret_files")

    async def _list_groups(self, request: Request) -> Response:
        """Wrapped in nothing and without cursors, as the document has it."""
        names, owners = many(request, "name"), many(request, "ownerId")
        found = [
            group
            for group in self.groups.values()
            if (not names or group.name in names) and (not owners or RENDER_OWNER in owners)
        ]
        limit = whole(request, "limit", 20, 1, 100)
        return as_json([self._told(group) for group in found[:limit]])

    async def _get_group(self, request: Request) -> Response:
        return self._whole(self._group(request))

    async def _get_group_variable(self, request: Request) -> Response:
        key = request.path_params["key"]
        return as_json({"key": key, "value": _known(self._group(request).variables, key)})

    async def _put_group_variable(self, request: Request) -> Response:
        group, key, wish = self._group(request), request.path_params["key"], await read_object(request)
        self._replace(group.variables, {**group.variables, key: _value(wish)}, "env_groups")
        return self._whole(group)

    async def _delete_group_variable(self, request: Request) -> Response:
        return self._drop(self._group(request).variables, request.path_params["key"], "env_groups")

    async def _put_group_file(self, request: Request) -> Response:
        group, key, wish = self._group(request), request.path_params["key"], await read_object(request)
        self._replace(group.files, {**group.files, key: _content(wish)}, "env_groups")
        return self._whole(group)

    async def _delete_group_file(self, request: Request) -> Response:
        return self._drop(self._group(request).files, request.path_params["key"], "env_groups")

    async def _link(self, request: Request) -> Response:
        group, service = self._group(request), self._estate.service(request)
        if service.id not in group.links:
            group.links.append(service.id)
            self._estate.tally.add("env_groups")
        return self._whole(group)

    async def _unlink(self, request: Request) -> Response:
        group, service = self._group(request), self._estate.service(request)
        if service.id not in group.links:
            raise Refusal(404, f"not found: {service.id}")
        group.links.remove(service.id)
        self._estate.tally.add("env_groups")
        return empty(204)

    def _group(self, request: Request) -> Group:
        found = self.groups.get(request.path_params["group"])
        if found is None:
            raise Refusal(404, f"not found: {request.path_params['group']}")
        return found

    def _told(self, group: Group) -> Json:
        linked = [self._estate.services[name] for name in group.links]
        return {
            "id": group.id,
            "name": group.name,
            "ownerId": RENDER_OWNER,
            "createdAt": iso(group.created_at),
            "updatedAt": iso(group.updated_at),
            "serviceLinks": [{"id": s.id, "name": s.name, "type": LINK_TYPES[s.type]} for s in linked],
        }

    def _whole(self, group: Group) -> Response:
        variables = [{"key": key, "value": value} for key, value in group.variables.items()]
        files = [{"name": name, "content": content} for name, content in group.files.items()]
        return as_json(self._told(group) | {"envVars": variables, "secretFiles": files})

    def _replace(self, kept: dict[str, str], wanted: dict[str, str], change: str) -> None:
        if wanted != kept:
            kept.clear()
            kept.update(wanted)
            self._estate.tally.add(change)

    def _drop(self, kept: dict[str, str], key: str, change: str) -> Response:
        _known(kept, key)
        del kept[key]
        self._estate.tally.add(change)
        return empty(204)


def _variables_page(request: Request, service: Service) -> Response:
    pairs = list(service.env_vars.items())
    return page(request, pairs, "envVar", lambda pair: pair[0], lambda p: {"key": p[0], "value": p[1]})


def _files_page(request: Request, service: Service) -> Response:
    pairs = list(service.secret_files.items())
    return page(request, pairs, "secretFile", lambda pair: pair[0], lambda p: {"name": p[0], "content": p[1]})


def _known(kept: dict[str, str], key: str) -> str:
    if key not in kept:
        raise Refusal(404, f"not found: {key}")
    return kept[key]


def _content(wish: Json) -> str:
    if not isinstance(wish.get("content"), str):
        raise Refusal(400, "content is required")
    return str(wish["content"])


def _value(wish: Json) -> str:
    if isinstance(wish.get("value"), str):
        return str(wish["value"])
    if wish.get("generateValue") is True:
        return secrets.token_urlsafe(32)
    raise Refusal(400, "value or generateValue is required")
