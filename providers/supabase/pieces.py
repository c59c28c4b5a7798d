"""The requests by which a file gets into Storage: whole, or in pieces by TUS 1.0.0, which is three requests.

The platform wants pieces of exactly six MiB, the last excepted. An upload is named by its path below Storage: its host
is never taken from an answer, so that the key goes nowhere else.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from console.domain.errors import UnexpectedReply
from providers.supabase.hosts import STORAGE, ProjectHosts
from providers.supabase.objects import file_path

PIECE = 6 * 1024 * 1024
TUS = {"tus-resumable": "1.0.0"}
RESUMABLE = "/upload/resumable/"
TAKEN = 409
WRITING = (409, 423)
GONE = (404, 410)


@dataclass(frozen=True)
class Place:
    """Where a file shall be, and what is told with it. `replace`: take the place of another."""

    project: str
    bucket: str
    path: str
    content_type: str
    cache_seconds: int
    facts: Mapping[str, str]
    replace: bool


class Pieces:
    def __init__(self, hosts: ProjectHosts) -> None:
        self._hosts = hosts
        self._http = hosts.http

    async def send_whole(self, place: Place, content: bytes, *, repeatable: bool | None = None) -> bool:
        """False where another file is there."""
        headers = {
            "content-type": place.content_type,
            "cache-control": f"max-age={place.cache_seconds}",
            "x-upsert": str(place.replace).lower(),
            "x-metadata": _coded(json.dumps(dict(place.facts))),
        }
        path = f"/object/{file_path(place.bucket, place.path)}"
        reply = await self._hosts.storage(
            place.project, "POST", path, content=content, headers=headers, accept=(TAKEN,), repeatable=repeatable
        )
        return reply.status != TAKEN

    async def begin(self, place: Place, size: int, *, repeatable: bool | None = None) -> str | None:
        """Begin an upload in pieces; None where another file is there."""
        told = {
            "bucketName": place.bucket,
            "objectName": place.path.strip("/"),
            "contentType": place.content_type,
            "cacheControl": str(place.cache_seconds),
            "metadata": json.dumps(dict(place.facts)),
        }
        headers = {
            **TUS,
            "upload-length": str(size),
            "upload-metadata": ",".join(f"{name} {_coded(value)}" for name, value in told.items()),
            "x-upsert": str(place.replace).lower(),
        }
        reply = await self._hosts.storage(
            place.project,
            "POST",
            RESUMABLE,
            headers=headers,
            accept=(TAKEN,),
            repeatable=repeatable,
            as_text=True,
        )
        return None if reply.status == TAKEN else self._upload(reply.headers.get("location", ""))

    async def arrived(self, project: str, upload: str) -> int | None:
        """How much of an upload has arrived; None where it is not known any more."""
        reply = await self._hosts.storage(project, "HEAD", upload, headers=TUS, accept=GONE)
        return None if reply.status in GONE else self._offset(reply.headers.get("upload-offset", ""))

    async def append(self, project: str, upload: str, offset: int, piece: bytes) -> int | None:
        """Send what comes at `offset`, and tell how much has arrived; None where it was not taken.

        Raises:
            Unreachable: It is not known whether the piece arrived.
        """
        reply = await self._hosts.storage(
            project,
            "PATCH",
            upload,
            content=piece,
            headers={**TUS, "upload-offset": str(offset), "content-type": "application/offset+octet-stream"},
            accept=(*WRITING, *GONE),
            repeatable=False,
            as_text=True,
        )
        if reply.status in (*WRITING, *GONE):
            return None
        return self._offset(reply.headers.get("upload-offset", ""))

    def _upload(self, location: str) -> str:
        _, found, rest = urlsplit(location).path.partition(f"{STORAGE}{RESUMABLE}")
        if not found or not rest:
            raise UnexpectedReply(
                self._http.provider, "Supabase did not say where to upload to.", f"Location: {location}", garbled=True
            )
        return f"{RESUMABLE}{rest}"

    def _offset(self, header: str) -> int:
        if not header.isdigit():
            raise UnexpectedReply(
                self._http.provider, "Supabase did not say how much has arrived.", "Upload-Offset", garbled=True
            )
        return int(header)


def _coded(value: str) -> str:
    return base64.b64encode(value.encode()).decode()
