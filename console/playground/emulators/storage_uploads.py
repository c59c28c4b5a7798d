"""Resumable uploads by the TUS protocol, version 1.0.0, as Storage offers them."""

import base64
import binascii
import json
import secrets
from typing import TYPE_CHECKING

from starlette.requests import Request
from starlette.responses import Response

from console.playground.emulators.storage_state import Stored, Upload, check_key
from console.playground.emulators.supabase_doors import Door
from console.playground.emulators.wire import Refusal

if TYPE_CHECKING:
    from console.playground.emulators.storage import Storage

TUS = {"tus-resumable": "1.0.0"}
KEPT_FOR = 86_400.0
PIECE = "application/offset+octet-stream"


class Uploads:
    """Keeps what has arrived of each upload until it is whole."""

    def __init__(self, storage: "Storage") -> None:
        self._storage = storage
        self._open: dict[str, Upload] = {}

    def routes(self) -> list[Door]:
        one = "/upload/resumable/{id:path}"
        return [
            Door("POST", "/upload/resumable", self._create),
            Door("POST", "/upload/resumable/", self._create),
            Door("HEAD", one, self._look),
            Door("PATCH", one, self._append),
            Door("DELETE", one, self._drop),
        ]

    async def _create(self, request: Request) -> Response:
        if request.headers.get("tus-resumable") != "1.0.0":
            return Response("Tus-Resumable Required", 412, TUS)
        told = _metadata(request.headers.get("upload-metadata", ""))
        length = request.headers.get("upload-length", "")
        if not length.isdigit() or not told.get("bucketName") or not told.get("objectName"):
            return Response("Upload-Length, bucketName and objectName are required", 400, TUS)
        bucket = self._storage.bucket(told["bucketName"])
        check_key(told["objectName"])
        upsert = request.headers.get("x-upsert") == "true"
        if told["objectName"] in bucket.objects and not upsert:
            return Response("The resource already exists", 409, TUS)
        if bucket.file_size_limit is not None and int(length) > bucket.file_size_limit:
            return Response("Maximum size exceeded", 413, TUS)
        age = told.get("cacheControl", "3600")
        upload = Upload(
            id=secrets.token_urlsafe(24),
            bucket=bucket.id,
            name=told["objectName"],
            length=int(length),
            content_type=told.get("contentType", "application/octet-stream"),
            cache_control=f"max-age={age}" if age.isdigit() else age,
            upsert=upsert,
            metadata=_json(told.get("metadata", "")),
            made_at=self._storage.clock.now(),
        )
        self._open[upload.id] = upload
        place = str(request.url).partition("?")[0].rstrip("/")
        return Response(None, 201, {**TUS, "location": f"{place}/{upload.id}", "upload-offset": "0"})

    def _find(self, request: Request) -> Upload | None:
        found = self._open.get(request.path_params["id"])
        if found is not None and self._storage.clock.now() > found.made_at + KEPT_FOR:
            del self._open[found.id]
            return None
        return found

    async def _look(self, request: Request) -> Response:
        upload = self._find(request)
        if upload is None:
            return Response(None, 404, TUS)
        told = {"upload-offset": str(upload.offset), "upload-length": str(upload.length)}
        return Response(None, 200, {**TUS, **told, "cache-control": "no-store"})

    async def _append(self, request: Request) -> Response:
        upload = self._find(request)
        if upload is None:
            return Response("The file for this url was not found", 404, TUS)
        if request.headers.get("content-type") != PIECE:
            return Response("Content-Type required", 415, TUS)
        if request.headers.get("upload-offset") != str(upload.offset):
            return Response("Upload-Offset conflict", 409, TUS)
        piece = await request.body()
        if upload.offset + len(piece) > upload.length:
            return Response("Maximum size exceeded", 413, TUS)
        upload.received += piece
        upload.parts += 1
        if len(upload.received) == upload.length:
            try:
                self._finish(upload)
            except Refusal as refusal:
                return Response(refusal.message, refusal.status, TUS)
        return Response(None, 204, {**TUS, "upload-offset": str(upload.offset)})

    def _finish(self, upload: Upload) -> None:
        now = self._storage.clock.now()
        self._storage.keep(
            Stored(
                upload.bucket,
                upload.name,
                bytes(upload.received),
                upload.content_type,
                upload.cache_control,
                upload.metadata,
                now,
                now,
                parts=upload.parts,
            ),
            upload.upsert,
        )
        upload.is_whole = True
        upload.received.clear()

    async def _drop(self, request: Request) -> Response:
        return Response(None, 204 if self._open.pop(request.path_params["id"], None) else 404, TUS)


def _json(text: str) -> dict[str, object]:
    try:
        told = json.loads(text) if text else {}
    except ValueError:
        return {}
    return told if isinstance(told, dict) else {}


def _metadata(header: str) -> dict[str, str]:
    told: dict[str, str] = {}
    for pair in filter(None, (part.strip() for part in header.split(","))):
        name, _, coded = pair.partition(" ")
        try:
            told[name] = base64.b64decode(coded).decode()
        except (binascii.Error, UnicodeDecodeError):
            continue
    return told
