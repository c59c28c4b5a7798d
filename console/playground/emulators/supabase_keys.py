"""API keys and the keys that sign tokens: made, listed, moved through their states, deleted."""

import re
import secrets
import uuid

from starlette.requests import Request
from starlette.responses import Response

from console.playground.emulators.clock import iso
from console.playground.emulators.supabase_doors import Door
from console.playground.emulators.supabase_readings import digest
from console.playground.emulators.supabase_state import ApiKey, Json, Platform, Project, SigningKey
from console.playground.emulators.wire import Refusal, as_json, read_object

NAME = re.compile(r"[a-z_][a-z0-9_]{3,63}")
ALGORITHMS = ("ES256", "RS256", "EdDSA", "HS256")
MOVES = {
    "standby": ("in_use", "revoked"),
    "in_use": (),
    "previously_used": ("in_use", "revoked", "standby"),
    "revoked": ("previously_used", "standby"),
}


class Keys:
    """Answers below `/api-keys` and `/config/auth/signing-keys`."""

    def __init__(self, platform: Platform) -> None:
        self._platform = platform

    def doors(self) -> list[Door]:
        keys = "/v1/projects/{ref}/api-keys"
        signing = "/v1/projects/{ref}/config/auth/signing-keys"
        return [
            Door("GET", keys, self._list),
            Door("POST", keys, self._create),
            Door("GET", f"{keys}/legacy", self._get_legacy),
            Door("PUT", f"{keys}/legacy", self._set_legacy),
            Door("GET", f"{keys}/{{id}}", self._get),
            Door("DELETE", f"{keys}/{{id}}", self._delete),
            Door("GET", signing, self._list_signing),
            Door("POST", signing, self._create_signing),
            Door("GET", f"{signing}/{{id}}", self._get_signing),
            Door("PATCH", f"{signing}/{{id}}", self._move_signing),
            Door("DELETE", f"{signing}/{{id}}", self._delete_signing),
        ]

    async def _list(self, request: Request) -> Response:
        project = self._platform.project(request)
        return as_json([_told(key, request) for key in project.api_keys.values()])

    async def _create(self, request: Request) -> Response:
        project, wish = self._platform.project(request), await read_object(request)
        kind, name = wish.get("type"), wish.get("name")
        if kind not in ("publishable", "secret"):
            raise Refusal(400, "type: must be publishable or secret")
        if not isinstance(name, str) or not NAME.fullmatch(name):
            raise Refusal(400, "name: 4 to 64 lowercase letters, digits and underscores, no digit first")
        if any((key.kind, key.name) == (kind, name) for key in project.api_keys.values()):
            raise Refusal(400, f"An API key named {name} exists already")
        value = f"sb_{kind}_{secrets.token_urlsafe(24)}"
        key = ApiKey(str(uuid.uuid4()), kind, name, value, self._platform.clock.now(), wish.get("description"))
        project.api_keys[key.id] = key
        if kind == "secret":
            project.storage.keys.add(value)
        self._platform.tally.add("api_key")
        return as_json(_told(key, request), 201)

    def _key(self, request: Request) -> tuple[Project, ApiKey]:
        project = self._platform.project(request)
        found = project.api_keys.get(request.path_params["id"])
        if found is None:
            raise Refusal(404, "API key not found")
        return project, found

    async def _get(self, request: Request) -> Response:
        return as_json(_told(self._key(request)[1], request))

    async def _delete(self, request: Request) -> Response:
        project, key = self._key(request)
        del project.api_keys[key.id]
        project.storage.keys.discard(key.value)
        self._platform.tally.add("api_key")
        return as_json(_told(key, request))

    async def _get_legacy(self, request: Request) -> Response:
        return as_json({"enabled": self._platform.project(request).legacy_keys})

    async def _set_legacy(self, request: Request) -> Response:
        project, wanted = self._platform.project(request), request.query_params.get("enabled")
        if wanted not in ("true", "false"):
            raise Refusal(400, "enabled: Required")
        if (wanted == "true") != project.legacy_keys:
            project.legacy_keys = wanted == "true"
            self._platform.tally.add("legacy_keys")
        return as_json({"enabled": project.legacy_keys})

    async def _list_signing(self, request: Request) -> Response:
        project = self._platform.project(request)
        return as_json({"keys": [_signing(key) for key in project.signing_keys.values()]})

    async def _create_signing(self, request: Request) -> Response:
        project, wish = self._platform.project(request), await read_object(request)
        status = wish.get("status", "standby")
        if wish.get("algorithm") not in ALGORITHMS or status not in ("standby", "in_use"):
            raise Refusal(400, "algorithm: Invalid")
        if status == "standby" and any(key.status == "standby" for key in project.signing_keys.values()):
            raise Refusal(400, "There is a standby key already")
        now = self._platform.clock.now()
        key = SigningKey(str(uuid.uuid4()), wish["algorithm"], "standby", now, now)
        project.signing_keys[key.id] = key
        self._platform.tally.add("signing_key")
        if status == "in_use":
            self._put_in_use(project, key)
        return as_json(_signing(key), 201)

    def _signing_key(self, request: Request) -> tuple[Project, SigningKey]:
        project = self._platform.project(request)
        found = project.signing_keys.get(request.path_params["id"])
        if found is None:
            raise Refusal(404, "Signing key not found")
        return project, found

    async def _get_signing(self, request: Request) -> Response:
        return as_json(_signing(self._signing_key(request)[1]))

    async def _move_signing(self, request: Request) -> Response:
        project, key = self._signing_key(request)
        status = (await read_object(request)).get("status")
        if status not in MOVES:
            raise Refusal(400, "status: Invalid")
        if status != key.status:
            if status not in MOVES[key.status]:
                raise Refusal(400, f"A key that is {key.status} cannot become {status}")
            if status == "in_use":
                self._put_in_use(project, key)
            else:
                key.status, key.updated_at = status, self._platform.clock.now()
            self._platform.tally.add("signing_key")
        return as_json(_signing(key))

    def _put_in_use(self, project: Project, key: SigningKey) -> None:
        for other in project.signing_keys.values():
            if other.status == "in_use":
                other.status, other.updated_at = "previously_used", self._platform.clock.now()
        key.status, key.updated_at = "in_use", self._platform.clock.now()

    async def _delete_signing(self, request: Request) -> Response:
        project, key = self._signing_key(request)
        if key.status != "revoked":
            raise Refusal(400, "Only a revoked key can be deleted")
        del project.signing_keys[key.id]
        self._platform.tally.add("signing_key")
        return as_json(_signing(key))


def _told(key: ApiKey, request: Request) -> Json:
    reveal = request.query_params.get("reveal") == "true" or key.kind == "publishable"
    return {
        "id": key.id,
        "type": key.kind,
        "name": key.name,
        "prefix": key.value[:6],
        "description": key.description,
        "hash": digest(key.value),
        "secret_jwt_template": {"role": "service_role"} if key.kind == "secret" else None,
        "inserted_at": iso(key.made_at),
        "updated_at": iso(key.made_at),
        "api_key": key.value if reveal else f"{key.value[:6]}······",
    }


def _signing(key: SigningKey) -> Json:
    return {
        "id": key.id,
        "algorithm": key.algorithm,
        "status": key.status,
        "public_jwk": None,
        "created_at": iso(key.made_at),
        "updated_at": iso(key.updated_at),
    }
