"""Files in Storage: listed, looked at, signed, removed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

from providers.ensuring import Setting
from providers.http import segment
from providers.supabase.buckets import BucketName
from providers.supabase.fields import ProjectRef, Row, row_of
from providers.supabase.hosts import ProjectHosts
from providers.wire import need_items, need_table, need_text, text, whole

PAGE = 100
INFO = ("name", "size", "content_type", "etag", "cache_control", "last_modified", "created_at", "metadata")
FilePath = Annotated[str, "the file's path in the bucket"]


@dataclass(frozen=True)
class Files:
    project: ProjectRef
    bucket: BucketName
    folder: Annotated[str, "only what lies in it; empty for the top"] = ""
    search: Annotated[str, "only names that hold this text"] = ""
    limit: Annotated[int, "at most so many"] = 100
    offset: Annotated[int, "leave out so many at the beginning"] = 0


@dataclass(frozen=True)
class OfFile:
    project: ProjectRef
    bucket: BucketName
    path: FilePath


@dataclass(frozen=True)
class SignedUrl:
    project: ProjectRef
    bucket: BucketName
    path: FilePath
    seconds: Annotated[int, "for how long whoever has the address may read the file"] = 3600


@dataclass(frozen=True)
class RemoveFiles:
    project: ProjectRef
    bucket: BucketName
    paths: Annotated[tuple[str, ...], "of the files"]


def file_path(bucket: str, path: str) -> str:
    """A file's place in an address: slashes divide folders, all else is quoted."""
    return "/".join((segment(bucket), *(segment(part) for part in path.strip("/").split("/"))))


class Objects:
    def __init__(self, hosts: ProjectHosts) -> None:
        self._hosts = hosts
        self._http = hosts.http

    async def fetch_files(self, request: Files) -> Sequence[Row]:
        """Files and folders of one level; folders have no size."""
        body = {
            "prefix": request.folder,
            "limit": max(1, request.limit),
            "offset": request.offset,
            "sortBy": {"column": "name", "order": "asc"},
        }
        if request.search:
            body["search"] = request.search
        path = f"/object/list/{segment(request.bucket)}"
        reply = await self._hosts.storage(request.project, "POST", path, body=body, repeatable=True)
        return [
            {
                "name": text(one, "name"),
                "folder": not text(one, "id"),
                "size": whole(one, "metadata", "size"),
                "content_type": text(one, "metadata", "mimetype") or None,
                "updated_at": text(one, "updated_at") or None,
            }
            for one in self._http.decode(reply, need_items)
        ]

    async def fetch_file(self, request: OfFile) -> Row:
        path = f"/object/info/authenticated/{file_path(request.bucket, request.path)}"
        return self._http.decode(await self._hosts.storage(request.project, "GET", path), row_of(*INFO))

    async def sign(self, request: SignedUrl) -> Row:
        """An address that reads the file without a key, for a while. Signing changes nothing at the platform."""
        path = f"/object/sign/{file_path(request.bucket, request.path)}"
        body = {"expiresIn": request.seconds}
        reply = await self._hosts.storage(request.project, "POST", path, body=body, repeatable=True)
        relative = self._http.decode(reply, lambda node: need_text(node, "signedURL"))
        return {"url": self._hosts.address_of(request.project, relative), "seconds": request.seconds}

    async def find_or_none(self, ref: str, bucket: str, path: str) -> object | None:
        """What Storage tells of a file; None where there is no such file or bucket."""
        where = f"/object/info/authenticated/{file_path(bucket, path)}"
        reply = await self._hosts.storage(ref, "GET", where, accept=(404,))
        return None if reply.status == 404 else self._http.decode(reply, need_table)

    def removing(self) -> Setting[RemoveFiles]:
        async def holds(request: RemoveFiles) -> bool:
            found = [await self.find_or_none(request.project, request.bucket, path) for path in request.paths]
            return not any(found)

        async def write(request: RemoveFiles) -> None:
            """Names that do not exist are left out by Storage without a word."""
            body = {"prefixes": [path.strip("/") for path in request.paths]}
            await self._hosts.storage(request.project, "DELETE", f"/object/{segment(request.bucket)}", body=body)

        def say(request: RemoveFiles) -> str:
            return f"removed {', '.join(request.paths)}"

        return Setting(RemoveFiles, holds=holds, write=write, say=say)
