"""Vercel's environment variables of a project.

A key may exist once per target and branch, so identity is (key, targets, branch). Creating several at once answers
201 and names those that failed beside those that were made.
"""

from collections.abc import Callable
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from console.playground.emulators.clock import Clock
from console.playground.emulators.emulator import Tally
from console.playground.emulators.ids import slug
from console.playground.emulators.vercel_app import Frontdoor
from console.playground.emulators.vercel_state import EnvVar, Project
from console.playground.emulators.wire import Refusal, as_json, read_json, read_object

Json = dict[str, Any]
KINDS = ("plain", "encrypted", "sensitive", "system", "secret")
TARGETS = ("production", "preview", "development")


class EnvVars:
    """Answers what is asked about env vars."""

    def __init__(self, project: Callable[[Request], Project], clock: Clock, tally: Tally) -> None:
        self._project = project
        self._clock = clock
        self._tally = tally

    def routes(self, door: Frontdoor) -> list[Route]:
        return [
            door.route("GET", "/v10/projects/{project}/env", self._list),
            door.route("POST", "/v10/projects/{project}/env", self._create),
            door.route("GET", "/v1/projects/{project}/env/{id}", self._get),
            door.route("PATCH", "/v9/projects/{project}/env/{id}", self._edit),
            door.route("DELETE", "/v9/projects/{project}/env/{id}", self._delete),
        ]

    def _find(self, request: Request) -> tuple[Project, EnvVar]:
        project = self._project(request)
        for one in project.env:
            if one.id == request.path_params["id"]:
                return project, one
        raise Refusal(404, "The environment variable was not found", "env_not_found")

    async def _list(self, request: Request) -> Response:
        decrypt = request.query_params.get("decrypt") == "true"
        branch = request.query_params.get("gitBranch")
        found = [one for one in self._project(request).env if branch in (None, one.git_branch)]
        return as_json({"envs": [one.to_json(decrypt) for one in found]})

    async def _get(self, request: Request) -> Response:
        _, one = self._find(request)
        return as_json({**one.to_json(decrypt=True), "decrypted": one.kind != "sensitive"})

    async def _create(self, request: Request) -> Response:
        project, wish = self._project(request), await read_json(request)
        upsert = request.query_params.get("upsert") == "true"
        created: list[Json] = []
        failed: list[Json] = []
        for one in wish if isinstance(wish, list) else [wish]:
            if not isinstance(one, dict):
                raise Refusal(400, "Invalid request: should be an object or a list of them.", "bad_request")
            made = self._made(one)
            clash = next((old for old in project.env if old.collides(made.key, made.target, made.git_branch)), None)
            if clash is not None and not upsert:
                words = f"The key {made.key} already exists for the target."
                told = {"code": "ENV_CONFLICT", "message": words, "key": made.key, "envVarId": clash.id}
                failed.append({"error": {**told, "envVarKey": made.key, "target": list(made.target)}})
                continue
            created.append(self._keep(project, made, clash).to_json(decrypt=False))
        single = not isinstance(wish, list) and bool(created)
        return as_json({"created": created[0] if single else created, "failed": failed}, 201)

    def _keep(self, project: Project, made: EnvVar, old: EnvVar | None) -> EnvVar:
        if old is None:
            project.env.append(made)
            self._tally.add("env_vars")
            return made
        if (old.value, old.kind, old.target) != (made.value, made.kind, made.target):
            old.value, old.kind, old.target = made.value, made.kind, made.target
            old.updated_at = self._clock.now()
            self._tally.add("env_vars")
        return old

    def _made(self, wish: Json) -> EnvVar:
        if not wish.get("key") or not isinstance(wish.get("value"), str):
            raise Refusal(400, "Invalid request: `key` and `value` are required.", "bad_request")
        if wish.get("type") not in KINDS:
            raise Refusal(400, f"Invalid request: `type` should be one of {', '.join(KINDS)}.", "bad_request")
        target = wish.get("target") or []
        target = [target] if isinstance(target, str) else target
        if not target and not wish.get("customEnvironmentIds"):
            raise Refusal(400, "Invalid request: `target` is required.", "bad_request")
        self._check_targets(target)
        now = self._clock.now()
        branch, comment = wish.get("gitBranch"), wish.get("comment") or ""
        return EnvVar(slug(16), wish["key"], wish["value"], wish["type"], tuple(target), branch, comment, now, now)

    def _check_targets(self, targets: list[str]) -> None:
        if not set(targets) <= set(TARGETS):
            raise Refusal(400, f"Invalid request: `target` should be among {', '.join(TARGETS)}.", "bad_request")

    async def _edit(self, request: Request) -> Response:
        (_, one), wish = self._find(request), await read_object(request)
        before = one.to_json(decrypt=True) | {"secret": one.value}
        self._check_targets(list(wish.get("target") or one.target))
        one.key = wish.get("key", one.key)
        one.value = wish.get("value", one.value)
        one.kind = wish.get("type", one.kind)
        one.target = tuple(wish.get("target") or one.target)
        one.comment = wish.get("comment", one.comment)
        if one.to_json(decrypt=True) | {"secret": one.value} != before:
            one.updated_at = self._clock.now()
            self._tally.add("env_vars")
        return as_json(one.to_json(decrypt=False))

    async def _delete(self, request: Request) -> Response:
        project, one = self._find(request)
        project.env.remove(one)
        self._tally.add("env_vars")
        return as_json(one.to_json(decrypt=False))
