"""Edge functions: bundled from a directory, put into service together, deleted.

Every function is uploaded as a bundle first, which changes nothing that serves; then one call switches all of them. A
bundle's digest is its identity. After a lost answer the switch is found by the functions' own times of change.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated

from console.domain.errors import UsageError
from providers.contract.desk import LocalPath
from providers.ensuring import UNKNOWN, Setting, Standing, absent, done, failed
from providers.http import segment
from providers.supabase.bundle import Bundle, read_bundles
from providers.supabase.client import SupabaseClient
from providers.supabase.fields import OfProject, ProjectRef, Row, project_path, row_of, rows_of
from providers.traced import Traced
from providers.wire import moment, need_items, need_table, need_text, text, whole

SHOWN = ("slug", "name", "status", "version", "updated_at", "verify_jwt", "entrypoint_path", "ezbr_sha256")
SWITCHED = (
    "id",
    "slug",
    "name",
    "status",
    "version",
    "created_at",
    "verify_jwt",
    "import_map",
    "entrypoint_path",
    "import_map_path",
    "ezbr_sha256",
)
REMOVED = "REMOVED"


@dataclass(frozen=True)
class OfFunction:
    project: ProjectRef
    function: Annotated[str, "the function's slug"]


@dataclass(frozen=True)
class DeployFunctions:
    project: ProjectRef
    directory: Annotated[
        str, "path of the directory that holds one directory a function, as supabase/functions", LocalPath()
    ]
    functions: Annotated[tuple[str, ...], "only these; empty for all that have an index file"] = ()
    open_to_all: Annotated[tuple[str, ...], "of them, those that anyone may call without a token"] = ()


@dataclass(frozen=True)
class DeleteFunction:
    project: ProjectRef
    function: Annotated[str, "the function's slug"]


class Functions:
    def __init__(self, client: SupabaseClient) -> None:
        self._http = client.http

    async def fetch_functions(self, request: OfProject) -> Sequence[Row]:
        return await self._http.fetch(_path(request.project), rows_of(*SHOWN))

    async def fetch_function(self, request: OfFunction) -> Row:
        path = _path(request.project, segment(request.function))
        return await self._http.fetch(path, row_of(*SHOWN))

    def deploying(self) -> Traced[DeployFunctions]:
        async def look(request: DeployFunctions, since: datetime) -> Standing:
            live = await self._list(request.project)
            try:
                slugs = request.functions or tuple(one.slug for one in await _read(request))
            except UsageError:
                return UNKNOWN
            told = {slug: live.get(slug) for slug in slugs}
            old = [slug for slug, one in told.items() if not _changed_since(one, since)]
            if old:
                return absent(f"not yet in service: {', '.join(old)}")
            gone = [slug for slug, one in told.items() if text(one, "status") == REMOVED]
            if gone:
                return failed(f"removed: {', '.join(gone)}")
            words = ", ".join(
                f"{slug} version {text(one, 'version')} {text(one, 'status')}" for slug, one in told.items()
            )
            return done(words, **{slug: text(one, "ezbr_sha256") for slug, one in told.items()})

        async def write(request: DeployFunctions) -> None:
            bundles = await _read(request)
            live = await self._list(request.project)
            switch = [await self._upload(request.project, one, live.get(one.slug)) for one in bundles]
            await self._http.send("PUT", _path(request.project), json=switch)

        return Traced(self._http, DeployFunctions, look, write)

    def deleting(self) -> Setting[DeleteFunction]:
        async def holds(request: DeleteFunction) -> bool:
            return request.function not in await self._list(request.project)

        async def write(request: DeleteFunction) -> None:
            await self._http.send("DELETE", _path(request.project, segment(request.function)), accept=(404,))

        def say(request: DeleteFunction) -> str:
            return f"there is no function {request.function}"

        return Setting(DeleteFunction, holds=holds, write=write, say=say)

    async def _list(self, ref: str) -> Mapping[str, object]:
        return {text(one, "slug"): one for one in await self._http.fetch(_path(ref), need_items)}

    async def _upload(self, ref: str, bundle: Bundle, live: object) -> Row:
        """Have it bundled, and say what will serve: the version has to be raised by whoever switches."""
        content, media = bundle.encode()
        reply = await self._http.send(
            "POST",
            _path(ref, "deploy"),
            params={"slug": bundle.slug, "bundleOnly": "true"},
            content=content,
            headers={"content-type": media},
            repeatable=True,
        )
        told = self._http.decode(reply, need_table)
        need_text(told, "id")
        version = max(whole(told, "version") or 1, (whole(live, "version") or 0) + 1)
        return {name: told[name] for name in SWITCHED if told.get(name) is not None} | {"version": version}


async def _read(request: DeployFunctions) -> Sequence[Bundle]:
    return await asyncio.to_thread(read_bundles, request.directory, request.functions, request.open_to_all)


def _path(ref: str, *rest: str) -> str:
    return project_path(ref, "functions", *rest)


def _changed_since(function: object, since: datetime) -> bool:
    at = moment(function, "updated_at")
    return at is not None and at >= since
