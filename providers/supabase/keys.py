"""API keys of a project, and the keys that sign its tokens. Values of keys are never shown.

Rotating an API key is: create another, move its users, delete the old one. Rotating a signing key is: create one
(standby), put it in use, and revoke the old one once no token that it signed is valid any more.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated

from providers.ensuring import UNKNOWN, Ensuring, Setting, Standing, absent, done
from providers.http import segment
from providers.supabase.client import SupabaseClient
from providers.supabase.fields import OfProject, ProjectRef, Row, project_path, rows_of
from providers.traced import Traced
from providers.wire import flag, moment, need_items, need_table, text

SHOWN = ("id", "type", "name", "prefix", "description", "inserted_at", "updated_at")
SIGNING = ("id", "algorithm", "status", "created_at", "updated_at")


@dataclass(frozen=True)
class CreateApiKey:
    project: ProjectRef
    name: Annotated[str, "4 to 64 lowercase letters, digits and underscores"]
    type: Annotated[str, "publishable or secret"] = "secret"
    description: Annotated[str, "what it is for"] = ""


@dataclass(frozen=True)
class DeleteApiKey:
    project: ProjectRef
    key: Annotated[str, "id of the key as `api-keys` lists it; whoever uses it is refused from then on"]
    reason: Annotated[str, "why, for the platform's own record"] = ""
    compromised: Annotated[bool, "somebody else has it"] = False


@dataclass(frozen=True)
class SetLegacyKeys:
    project: ProjectRef
    enabled: Annotated[bool, "whether the old anon and service_role keys are taken"]


@dataclass(frozen=True)
class CreateSigningKey:
    project: ProjectRef
    algorithm: Annotated[str, "ES256, RS256, EdDSA or HS256"] = "ES256"


@dataclass(frozen=True)
class SetSigningKey:
    project: ProjectRef
    key: Annotated[str, "id of the key as `signing-keys` lists it"]
    status: Annotated[str, "in_use, previously_used, standby or revoked; tokens signed by a revoked key are void"]


@dataclass(frozen=True)
class DeleteSigningKey:
    project: ProjectRef
    key: Annotated[str, "id of a revoked key"]


class Keys:
    def __init__(self, client: SupabaseClient) -> None:
        self._http = client.http

    async def fetch_api_keys(self, request: OfProject) -> Sequence[Row]:
        return await self._http.fetch(_path(request.project), rows_of(*SHOWN))

    async def fetch_legacy(self, request: OfProject) -> Row:
        return {"enabled": flag(await self._http.fetch(_path(request.project, "legacy"), need_table), "enabled")}

    async def fetch_signing_keys(self, request: OfProject) -> Sequence[Row]:
        return await self._http.fetch(_signing(request.project), rows_of(*SIGNING, within="keys"))

    def creating(self) -> Ensuring[CreateApiKey]:
        async def look(request: CreateApiKey) -> Standing:
            listed = await self._http.fetch(_path(request.project), need_items)
            for one in listed:
                if (text(one, "type"), text(one, "name")) == (request.type, request.name):
                    return done(f"{request.type} key {request.name}, {text(one, 'prefix')}…", key=text(one, "id"))
            return absent()

        async def write(request: CreateApiKey) -> None:
            body: dict[str, object] = {"type": request.type, "name": request.name}
            if request.description:
                body["description"] = request.description
            if request.type == "secret":
                body["secret_jwt_template"] = {"role": "service_role"}
            await self._http.send("POST", _path(request.project), json=body)

        return Ensuring(CreateApiKey, look, write)

    def deleting(self) -> Setting[DeleteApiKey]:
        async def holds(request: DeleteApiKey) -> bool:
            listed = await self._http.fetch(_path(request.project), need_items)
            return all(text(one, "id") != request.key for one in listed)

        async def write(request: DeleteApiKey) -> None:
            params = {"was_compromised": "true" if request.compromised else "false", "reason": request.reason or None}
            path = _path(request.project, segment(request.key))
            await self._http.send("DELETE", path, params=params, accept=(404,))

        def say(request: DeleteApiKey) -> str:
            return f"there is no key {request.key}"

        return Setting(DeleteApiKey, holds=holds, write=write, say=say)

    def setting_legacy(self) -> Setting[SetLegacyKeys]:
        async def holds(request: SetLegacyKeys) -> bool:
            told = await self._http.fetch(_path(request.project, "legacy"), need_table)
            return flag(told, "enabled") is request.enabled

        async def write(request: SetLegacyKeys) -> None:
            params = {"enabled": "true" if request.enabled else "false"}
            await self._http.send("PUT", _path(request.project, "legacy"), params=params)

        def say(request: SetLegacyKeys) -> str:
            return f"legacy keys {'taken' if request.enabled else 'refused'}"

        return Setting(SetLegacyKeys, holds=holds, write=write, say=say)

    def creating_signing(self) -> Traced[CreateSigningKey]:
        async def look(request: CreateSigningKey, since: datetime) -> Standing:
            for one in await self._signing_keys(request.project):
                made = moment(one, "created_at")
                if text(one, "algorithm") == request.algorithm and made is not None and made >= since:
                    return done(f"{request.algorithm} key {text(one, 'id')}", key=text(one, "id"))
            return absent()

        async def write(request: CreateSigningKey) -> None:
            body = {"algorithm": request.algorithm, "status": "standby"}
            await self._http.send("POST", _signing(request.project), json=body)

        return Traced(self._http, CreateSigningKey, look, write)

    def setting_signing(self) -> Ensuring[SetSigningKey]:
        async def look(request: SetSigningKey) -> Standing:
            listed = {text(one, "id"): text(one, "status") for one in await self._signing_keys(request.project)}
            status = listed.get(request.key)
            if status is None:
                return UNKNOWN
            return done(f"key {status}") if status == request.status else absent(f"key still {status}")

        async def write(request: SetSigningKey) -> None:
            path = _signing(request.project, segment(request.key))
            await self._http.send("PATCH", path, json={"status": request.status}, repeatable=True)

        return Ensuring(SetSigningKey, look, write)

    def deleting_signing(self) -> Setting[DeleteSigningKey]:
        async def holds(request: DeleteSigningKey) -> bool:
            return all(text(one, "id") != request.key for one in await self._signing_keys(request.project))

        async def write(request: DeleteSigningKey) -> None:
            await self._http.send("DELETE", _signing(request.project, segment(request.key)), accept=(404,))

        def say(request: DeleteSigningKey) -> str:
            return f"there is no signing key {request.key}"

        return Setting(DeleteSigningKey, holds=holds, write=write, say=say)

    async def _signing_keys(self, ref: str) -> Sequence[object]:
        return await self._http.fetch(_signing(ref), lambda node: need_items(node, "keys"))


def _path(ref: str, *rest: str) -> str:
    return project_path(ref, "api-keys", *rest)


def _signing(ref: str, *rest: str) -> str:
    return project_path(ref, "config/auth/signing-keys", *rest)
