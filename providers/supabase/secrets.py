"""Secrets of edge functions: names and digests are listed, values go in and never come out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated

from providers.ensuring import HIDDEN, Sealed, Setting, Standing, absent, done
from providers.supabase.client import SupabaseClient
from providers.supabase.fields import OfProject, ProjectRef, Row, project_path
from providers.supabase.values import is_same
from providers.traced import Traced
from providers.wire import moment, need_items, text


@dataclass(frozen=True)
class SetSecrets:
    project: ProjectRef
    values: Annotated[Mapping[str, str], "names and values; names must not start with SUPABASE_"]


@dataclass(frozen=True)
class RemoveSecrets:
    project: ProjectRef
    names: Annotated[tuple[str, ...], "of the secrets"]


class Secrets:
    def __init__(self, client: SupabaseClient) -> None:
        self._http = client.http

    async def fetch_secrets(self, request: OfProject) -> Sequence[Row]:
        """Name, digest of the value, time of the last change."""
        listed = await self._http.fetch(_path(request.project), need_items)
        return [
            {"name": text(one, "name"), "digest": text(one, "value"), "updated_at": text(one, "updated_at") or None}
            for one in listed
        ]

    def setting(self) -> Traced[SetSecrets]:
        async def look(request: SetSecrets, since: datetime) -> Standing:
            listed = {text(one, "name"): one for one in await self._http.fetch(_path(request.project), need_items)}
            missing = [
                name
                for name, value in request.values.items()
                if not _is_set(listed.get(name), value, request.project, since)
            ]
            if missing:
                return absent(f"not yet set: {', '.join(missing)}")
            return done(f"set {', '.join(request.values)}")

        async def write(request: SetSecrets) -> None:
            body = [{"name": name, "value": value} for name, value in request.values.items()]
            await self._http.send("POST", _path(request.project), json=body, repeatable=True)

        return Traced(self._http, SetSecrets, look, write, sealed=Sealed(self._http, ("values",)))

    def removing(self) -> Setting[RemoveSecrets]:
        async def holds(request: RemoveSecrets) -> bool:
            listed = await self._http.fetch(_path(request.project), need_items)
            return not {text(one, "name") for one in listed} & set(request.names)

        async def write(request: RemoveSecrets) -> None:
            await self._http.send("DELETE", _path(request.project), json=list(request.names))

        def say(request: RemoveSecrets) -> str:
            return f"removed {', '.join(request.names)}"

        return Setting(RemoveSecrets, holds=holds, write=write, say=say)


def _path(ref: str) -> str:
    return project_path(ref, "secrets")


def _is_set(listed: object, value: str, ref: str, since: datetime) -> bool:
    if listed is None:
        return False
    at = moment(listed, "updated_at")
    return value is HIDDEN or is_same(text(listed, "value"), value, ref) or (at is not None and at >= since)
