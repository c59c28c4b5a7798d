"""Buckets of Storage as stores of files: what transfers of many files go through."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping

from console.domain.errors import UnexpectedReply
from providers.contract import BucketFacts, FileHead, StoredFile
from providers.http import segment
from providers.supabase.hosts import ProjectHosts
from providers.supabase.objects import Objects, file_path
from providers.supabase.pieces import PIECE, Pieces, Place
from providers.supabase.relocating import digest_of, md5_in
from providers.wire import flag, items, need_table, need_text, table, text, texts, whole

PAGE = 1000
PIECE_SECONDS = 60.0


class Bucket:
    """`FileStore`."""

    whole_up_to = PIECE
    piece = PIECE

    def __init__(self, hosts: ProjectHosts, project: str, bucket: str) -> None:
        self._hosts = hosts
        self._http = hosts.http
        self._objects = Objects(hosts)
        self._pieces = Pieces(hosts)
        self._project = project
        self._bucket = bucket

    async def fetch_bucket(self) -> BucketFacts | None:
        path = f"/bucket/{segment(self._bucket)}"
        reply = await self._hosts.storage(self._project, "GET", path, accept=(404,))
        if reply.status == 404:
            return None
        found = self._http.decode(reply, need_table)
        return BucketFacts(
            self._bucket,
            bool(flag(found, "public")),
            whole(found, "file_size_limit"),
            texts(found, "allowed_mime_types"),
        )

    async def find(self, key: str) -> StoredFile | None:
        found = await self._objects.find_or_none(self._project, self._bucket, key)
        if found is None:
            return None
        facts = {name: str(value) for name, value in table(found, "metadata").items()}
        return StoredFile(key, whole(found, "size") or 0, text(found, "content_type"), digest_of(found), facts)

    async def list(self, prefix: str = "") -> AsyncIterator[StoredFile]:
        path, cursor = f"/object/list-v2/{segment(self._bucket)}", ""
        while True:
            body = {"prefix": prefix, "limit": PAGE, "sortBy": {"column": "name", "order": "asc"}}
            more = {"cursor": cursor} if cursor else {}
            reply = await self._hosts.storage(self._project, "POST", path, body={**body, **more}, repeatable=True)
            page = self._http.decode(reply, need_table)
            for one in items(page, "objects"):
                yield _listed(one)
            cursor = text(page, "nextCursor")
            if not flag(page, "hasNext") or not cursor:
                return

    async def put(self, key: str, content: bytes, head: FileHead, *, replace: bool = False) -> bool:
        # Sent again without looking, one that replaces would be kept twice; any other is refused.
        return await self._pieces.send_whole(self._place(key, head, replace), content, repeatable=not replace)

    async def begin(self, key: str, size: int, head: FileHead, *, replace: bool = False) -> str | None:
        return await self._pieces.begin(self._place(key, head, replace), size, repeatable=True)

    async def arrived(self, upload: str) -> int | None:
        return await self._pieces.arrived(self._project, upload)

    async def append(self, upload: str, offset: int, piece: bytes) -> int | None:
        return await self._pieces.append(self._project, upload, offset, piece)

    async def read(self, key: str, first: int, last: int) -> bytes:
        path = f"/object/authenticated/{file_path(self._bucket, key)}"
        reply = await self._hosts.storage(
            self._project, "GET", path, headers=_range(first, last), as_bytes=True, answer=PIECE_SECONDS
        )
        if len(reply.content) != last - first + 1:
            what = f"{len(reply.content)} bytes of {key} came where {last - first + 1} were asked for."
            raise UnexpectedReply(self._http.provider, what, f"bucket {self._bucket}", "Read it again.", garbled=True)
        return reply.content

    async def read_as_visitor(self, key: str, *, public: bool) -> bytes:
        address = self.address(key) if public else await self._sign(key)
        reply = await self._http.send("GET", address, headers=_range(0, 0), as_bytes=True)
        return reply.content[:1]

    def address(self, key: str) -> str:
        return self._hosts.address_of(self._project, f"/object/public/{file_path(self._bucket, key)}")

    async def _sign(self, key: str) -> str:
        path = f"/object/sign/{file_path(self._bucket, key)}"
        reply = await self._hosts.storage(self._project, "POST", path, body={"expiresIn": 60}, repeatable=True)
        relative = self._http.decode(reply, lambda node: need_text(node, "signedURL"))
        return self._hosts.address_of(self._project, relative)

    def _place(self, key: str, head: FileHead, replace: bool) -> Place:
        return Place(self._project, self._bucket, key, head.content_type, head.cache_seconds, head.facts, replace)


def _listed(one: object) -> StoredFile:
    told: Mapping[str, object] = table(one, "metadata")
    return StoredFile(
        text(one, "key") or text(one, "name"),
        whole(told, "size") or 0,
        text(told, "mimetype"),
        md5_in(text(told, "eTag")),
    )


def _range(first: int, last: int) -> dict[str, str]:
    return {"accept": "*/*", "accept-encoding": "identity", "range": f"bytes={first}-{last}"}
