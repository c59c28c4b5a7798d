"""Storage's buckets: listed, made, changed, emptied, deleted. Emptying is queued and may take an hour."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

from providers.ensuring import UNKNOWN, Ensuring, Setting, Standing, absent, done
from providers.http import segment
from providers.supabase.fields import OfProject, ProjectRef, Row, rows_of
from providers.supabase.hosts import ProjectHosts
from providers.wire import need_items, need_table, pick, texts

SHOWN = ("id", "public", "file_size_limit", "allowed_mime_types", "created_at", "updated_at")
PAGE = 100
BucketName = Annotated[str, "name of the bucket"]


@dataclass(frozen=True)
class CreateBucket:
    project: ProjectRef
    bucket: BucketName
    public: Annotated[bool, "whether everybody may read its files"] = False
    file_size_limit: Annotated[int | None, "largest file in bytes; none for the project's limit"] = None
    mime_types: Annotated[tuple[str, ...], "types that it takes, as image/*; empty for all"] = ()


@dataclass(frozen=True)
class ChangeBucket:
    project: ProjectRef
    bucket: BucketName
    public: Annotated[bool | None, "whether everybody may read its files"] = None
    file_size_limit: Annotated[int | None, "largest file in bytes"] = None
    mime_types: Annotated[tuple[str, ...], "types that it takes, as image/*; empty leaves them"] = ()


@dataclass(frozen=True)
class EmptyBucket:
    project: ProjectRef
    bucket: BucketName


@dataclass(frozen=True)
class DeleteBucket:
    project: ProjectRef
    bucket: BucketName


class Buckets:
    def __init__(self, hosts: ProjectHosts) -> None:
        self._hosts = hosts
        self._http = hosts.http

    async def fetch_buckets(self, request: OfProject) -> Sequence[Row]:
        found: list[Row] = []
        while True:
            params = {"limit": PAGE, "offset": len(found), "sortColumn": "name", "sortOrder": "asc"}
            reply = await self._hosts.storage(request.project, "GET", "/bucket/", params=params)
            page = self._http.decode(reply, rows_of(*SHOWN))
            found += page
            if len(page) < PAGE:
                return found

    def creating(self) -> Setting[CreateBucket]:
        async def holds(request: CreateBucket) -> bool:
            return await self._find(request.project, request.bucket) is not None

        async def write(request: CreateBucket) -> None:
            body = {"name": request.bucket, "id": request.bucket, "public": request.public}
            more = _limits(request.file_size_limit, request.mime_types)
            await self._hosts.storage(request.project, "POST", "/bucket/", body={**body, **more})

        def say(request: CreateBucket) -> str:
            return f"bucket {request.bucket}"

        return Setting(CreateBucket, holds=holds, write=write, say=say)

    def changing(self) -> Setting[ChangeBucket]:
        async def holds(request: ChangeBucket) -> bool | None:
            found = await self._find(request.project, request.bucket)
            if found is None:
                return None
            wanted = _changes(request)
            fits = all(pick(found, name) == value for name, value in wanted.items() if name != "allowed_mime_types")
            return fits and set(request.mime_types) <= set(texts(found, "allowed_mime_types"))

        async def write(request: ChangeBucket) -> None:
            path = f"/bucket/{segment(request.bucket)}"
            await self._hosts.storage(request.project, "PUT", path, body=_changes(request))

        def say(request: ChangeBucket) -> str:
            return ", ".join(f"{name} {value}" for name, value in _changes(request).items())

        return Setting(ChangeBucket, holds=holds, write=write, say=say)

    def emptying(self) -> Ensuring[EmptyBucket]:
        async def look(request: EmptyBucket) -> Standing:
            if await self._find(request.project, request.bucket) is None:
                return UNKNOWN
            path = f"/object/list/{segment(request.bucket)}"
            reply = await self._hosts.storage(
                request.project, "POST", path, body={"prefix": "", "limit": 1}, repeatable=True
            )
            left = self._http.decode(reply, need_items)
            return absent("files are left; it may take an hour") if left else done(f"bucket {request.bucket} is empty")

        async def write(request: EmptyBucket) -> None:
            await self._hosts.storage(request.project, "POST", f"/bucket/{segment(request.bucket)}/empty")

        return Ensuring(EmptyBucket, look, write)

    def deleting(self) -> Setting[DeleteBucket]:
        async def holds(request: DeleteBucket) -> bool:
            return await self._find(request.project, request.bucket) is None

        async def write(request: DeleteBucket) -> None:
            path = f"/bucket/{segment(request.bucket)}"
            await self._hosts.storage(request.project, "DELETE", path, accept=(404,))

        def say(request: DeleteBucket) -> str:
            return f"there is no bucket {request.bucket}"

        return Setting(DeleteBucket, holds=holds, write=write, say=say)

    async def _find(self, ref: str, bucket: str) -> object | None:
        reply = await self._hosts.storage(ref, "GET", f"/bucket/{segment(bucket)}", accept=(404,))
        return None if reply.status == 404 else self._http.decode(reply, need_table)


def _limits(size: int | None, types: tuple[str, ...]) -> dict[str, object]:
    told = {"file_size_limit": size, "allowed_mime_types": list(types) or None}
    return {name: value for name, value in told.items() if value is not None}


def _changes(request: ChangeBucket) -> dict[str, object]:
    told: dict[str, object] = {} if request.public is None else {"public": request.public}
    return told | _limits(request.file_size_limit, request.mime_types)
