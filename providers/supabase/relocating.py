"""Move and copy files within Storage. Neither ever takes another file's place: Storage refuses it (409)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated

from providers.ensuring import UNKNOWN, Ensuring, Standing, absent, done
from providers.supabase.buckets import BucketName
from providers.supabase.fields import ProjectRef
from providers.supabase.hosts import ProjectHosts
from providers.supabase.objects import FilePath, Objects
from providers.wire import text, whole

Destination = Annotated[str, "its new path"]
OtherBucket = Annotated[str, "the bucket it goes to; empty for the same"]


@dataclass(frozen=True)
class MoveFile:
    project: ProjectRef
    bucket: BucketName
    path: FilePath
    to: Destination
    to_bucket: OtherBucket = ""


@dataclass(frozen=True)
class CopyFile:
    project: ProjectRef
    bucket: BucketName
    path: FilePath
    to: Destination
    to_bucket: OtherBucket = ""


class Relocation:
    """What moves and copies; both are judged by what lies at the two places."""

    def __init__(self, hosts: ProjectHosts, objects: Objects) -> None:
        self._hosts = hosts
        self._objects = objects

    def moving(self) -> Ensuring[MoveFile]:
        async def look(request: MoveFile) -> Standing:
            source, target = await self._find_both(request)
            if source is not None:
                return absent(f"{request.bucket}/{request.path} is still there")
            return UNKNOWN if target is None else done(f"moved to {_place(request)}")

        async def write(request: MoveFile) -> None:
            await self._ask("/object/move", request)

        return Ensuring(MoveFile, look, write)

    def copying(self) -> Ensuring[CopyFile]:
        async def look(request: CopyFile) -> Standing:
            source, target = await self._find_both(request)
            if target is not None and (source is None or is_same(source, target)):
                return done(f"copied to {_place(request)}")
            return UNKNOWN if source is None else absent(f"not yet at {_place(request)}")

        async def write(request: CopyFile) -> None:
            await self._ask("/object/copy", request)

        return Ensuring(CopyFile, look, write)

    async def _find_both(self, request: MoveFile | CopyFile) -> tuple[object | None, object | None]:
        find, bucket = self._objects.find_or_none, request.to_bucket or request.bucket
        source = await find(request.project, request.bucket, request.path)
        return source, await find(request.project, bucket, request.to)

    async def _ask(self, path: str, request: MoveFile | CopyFile) -> None:
        body = {
            "bucketId": request.bucket,
            "sourceKey": request.path.strip("/"),
            "destinationKey": request.to.strip("/"),
        }
        if request.to_bucket:
            body["destinationBucket"] = request.to_bucket
        await self._hosts.storage(request.project, "POST", path, body=body)


def is_same(one: object, other: object) -> bool:
    """Whether two files have one content, by all that Storage tells; digests of files in parts are not compared."""
    told: list[Callable[[object], str]] = [lambda node: text(node, "metadata", "sha256"), digest_of]
    digests = [(read(one), read(other)) for read in told]
    return whole(one, "size") == whole(other, "size") and all(a == b for a, b in digests if a and b)


def digest_of(info: object) -> str:
    """The MD5 in hex that Storage tells as the etag of a file; empty for one that came in parts."""
    return md5_in(text(info, "etag"))


def md5_in(etag: str) -> str:
    """The MD5 in hex that an etag is; empty for that of a file that came in parts, which is no digest."""
    bare = etag.strip('"').removeprefix("W/").strip('"').lower()
    return bare if len(bare) == 32 and not set(bare) - set("0123456789abcdef") else ""


def _place(request: MoveFile | CopyFile) -> str:
    return f"{request.to_bucket or request.bucket}/{request.to.strip('/')}"
