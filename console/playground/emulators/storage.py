"""Supabase Storage: buckets, objects, lists and signed addresses, below `/storage/v1`.

Almost every error is HTTP 400 with the real status as the text `statusCode` in the body, as tried against the real
server. Signed addresses are relative and lack `/storage/v1`.
"""

import secrets
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import Response

from console.playground.emulators.clock import Clock
from console.playground.emulators.emulator import Tally
from console.playground.emulators.storage_bodies import read_object_body
from console.playground.emulators.storage_buckets import Buckets
from console.playground.emulators.storage_lists import list_folder, list_v2
from console.playground.emulators.storage_state import Bucket, Grant, Json, Stored, check_key, refused
from console.playground.emulators.storage_uploads import Uploads
from console.playground.emulators.supabase_doors import Door, Doors
from console.playground.emulators.wire import Refusal, as_json, read_object


class Storage:
    """One project's Storage; everything needs one of its `keys`."""

    def __init__(self, key: str, clock: Clock, tally: Tally) -> None:
        self.keys = {key}
        self.clock = clock
        self.tally = tally
        self.buckets: dict[str, Bucket] = {}
        self._grants: dict[str, Grant] = {}
        self._doors = Doors(self._build())

    async def answer(self, request: Request, path: str) -> Response:
        """Answer a request, in Storage's errors; `path` is what comes behind `/storage/v1`."""
        door = self._doors.find(request, path)
        if door is None:
            return self._nothing(request)
        try:
            if door.needs_key:
                self._admit(request)
            return await door.answer(request)
        except Refusal as refusal:
            error = refusal.extra.get("error", "Bad Request")
            body = {"statusCode": str(refusal.status), "error": error, "message": refusal.message}
            body["code"] = refusal.code or "InvalidRequest"
            return as_json(body, 400, refusal.extra.get("headers"))

    def _build(self) -> list[Door]:
        path = "{bucket}/{path:path}"
        return [
            Door("GET", "/health", self._health, needs_key=False),
            Door("GET", "/status", self._health, needs_key=False),
            *Buckets(self).routes(),
            *Uploads(self).routes(),
            Door("POST", "/object/list/{bucket}", self._list),
            Door("POST", "/object/list-v2/{bucket}", self._list_v2),
            Door("POST", "/object/move", self._move),
            Door("POST", "/object/copy", self._copy),
            Door("POST", f"/object/upload/sign/{path}", self._sign_upload),
            Door("PUT", f"/object/upload/sign/{path}", self._signed_upload, needs_key=False),
            Door("POST", f"/object/sign/{path}", self._sign),
            Door("POST", "/object/sign/{bucket}", self._sign_many),
            Door("GET", f"/object/sign/{path}", self._signed_download, needs_key=False),
            Door("GET", f"/object/info/authenticated/{path}", self._info),
            Door("GET", f"/object/info/public/{path}", self._info, needs_key=False),
            Door("GET", f"/object/info/{path}", self._info),
            Door("GET", f"/object/authenticated/{path}", self._download),
            Door("GET", f"/object/public/{path}", self._download_public, needs_key=False),
            Door("GET", f"/object/{path}", self._download),
            Door("POST", f"/object/{path}", self._upload),
            Door("PUT", f"/object/{path}", self._replace),
            Door("DELETE", f"/object/{path}", self._delete_one),
            Door("DELETE", "/object/{bucket}", self._delete_many),
        ]

    def _admit(self, request: Request) -> None:
        scheme, _, key = request.headers.get("authorization", "").partition(" ")
        if scheme != "Bearer" or key not in self.keys:
            raise refused(403, "AccessDenied", "Unauthorized", "Invalid Compact JWS")

    def _nothing(self, request: Request) -> Response:
        words = f"Route {request.method}:{request.url.path} not found"
        return as_json({"message": words, "error": "Not Found", "statusCode": 404}, 404)

    async def _health(self, _: Request) -> Response:
        return as_json({"healthy": True})

    def bucket(self, name: str) -> Bucket:
        found = self.buckets.get(name)
        if found is None:
            raise refused(404, "NoSuchBucket", "Bucket not found", "Bucket not found")
        return found

    def _object(self, request: Request) -> Stored:
        bucket = self.bucket(request.path_params["bucket"])
        found = bucket.objects.get(request.path_params["path"])
        if found is None:
            raise refused(404, "NoSuchKey", "not_found", "Object not found")
        return found

    def keep(self, stored: Stored, upsert: bool) -> Stored:
        """Put an object into its bucket, within the bucket's limits.

        Raises:
            Refusal: 409 it exists, 413 too large, 415 a type that the bucket does not take.
        """
        bucket = self.bucket(stored.bucket)
        check_key(stored.name)
        old = bucket.objects.get(stored.name)
        if old is not None and not upsert:
            raise refused(409, "KeyAlreadyExists", "Duplicate", "The resource already exists")
        if bucket.file_size_limit is not None and len(stored.body) > bucket.file_size_limit:
            words = "The object exceeded the maximum allowed size"
            raise refused(413, "EntityTooLarge", "Payload too large", words)
        if bucket.allowed_mime_types and not any(_fits(stored.content_type, one) for one in bucket.allowed_mime_types):
            raise refused(
                415, "InvalidMimeType", "invalid_mime_type", f"mime type {stored.content_type} is not supported"
            )
        if old is not None:
            stored.id, stored.created_at = old.id, old.created_at
        bucket.objects[stored.name] = stored
        self.tally.add("object")
        return stored

    async def _read(self, request: Request) -> Stored:
        arrived, now = await read_object_body(request), self.clock.now()
        return Stored(
            bucket=request.path_params["bucket"],
            name=request.path_params["path"],
            body=arrived.body,
            content_type=arrived.content_type,
            cache_control=arrived.cache_control,
            user_metadata=arrived.user_metadata,
            created_at=now,
            updated_at=now,
        )

    async def _upload(self, request: Request) -> Response:
        stored = self.keep(await self._read(request), request.headers.get("x-upsert") == "true")
        return as_json({"Key": f"{stored.bucket}/{stored.name}", "Id": stored.id})

    async def _replace(self, request: Request) -> Response:
        self._object(request)
        stored = self.keep(await self._read(request), upsert=True)
        return as_json({"Key": f"{stored.bucket}/{stored.name}", "Id": stored.id})

    async def _download(self, request: Request) -> Response:
        return self._send(request, self._object(request))

    async def _download_public(self, request: Request) -> Response:
        if not self.bucket(request.path_params["bucket"]).is_public:
            raise refused(404, "NoSuchBucket", "Bucket not found", "Bucket not found")
        return self._send(request, self._object(request))

    def _send(self, request: Request, stored: Stored) -> Response:
        headers = {
            "etag": stored.etag,
            "cache-control": stored.cache_control,
            "content-type": stored.content_type,
            "accept-ranges": "bytes",
        }
        if request.headers.get("if-none-match") == stored.etag:
            return Response(None, 304, headers)
        wanted = _range(request.headers.get("range", ""), len(stored.body))
        if wanted is None:
            return Response(stored.body, 200, headers)
        first, last = wanted
        headers["content-range"] = f"bytes {first}-{last}/{len(stored.body)}"
        return Response(stored.body[first : last + 1], 206, headers)

    async def _info(self, request: Request) -> Response:
        stored = self._object(request)
        told = stored.to_json()
        return as_json(
            {
                "id": stored.id,
                "name": stored.name,
                "bucket_id": stored.bucket,
                "version": stored.version,
                "size": len(stored.body),
                "etag": stored.etag,
                "content_type": stored.content_type,
                "cache_control": stored.cache_control,
                "metadata": stored.user_metadata,
                "last_modified": told["updated_at"],
                "created_at": told["created_at"],
            }
        )

    async def _list(self, request: Request) -> Response:
        bucket, wish = self.bucket(request.path_params["bucket"]), await read_object(request)
        if "prefix" not in wish:
            raise refused(400, "InvalidRequest", "Error", "body must have required property 'prefix'")
        return as_json(list_folder(bucket, wish))

    async def _list_v2(self, request: Request) -> Response:
        bucket, wish = self.bucket(request.path_params["bucket"]), await read_object(request, required=False)
        return as_json(list_v2(bucket, wish))

    async def _relocation(self, request: Request) -> tuple[Stored, Bucket, str]:
        wish = await read_object(request)
        source = self.bucket(str(wish.get("bucketId"))).objects.get(str(wish.get("sourceKey")))
        if source is None:
            raise refused(404, "NoSuchKey", "not_found", "Object not found")
        target = self.bucket(wish.get("destinationBucket") or source.bucket)
        name = str(wish.get("destinationKey") or "")
        if name in target.objects and request.headers.get("x-upsert") != "true":
            raise refused(409, "KeyAlreadyExists", "Duplicate", "The resource already exists")
        return source, target, name

    async def _move(self, request: Request) -> Response:
        source, target, name = await self._relocation(request)
        del self.bucket(source.bucket).objects[source.name]
        source.bucket, source.name, source.updated_at = target.id, name, self.clock.now()
        target.objects[name] = source
        self.tally.add("object")
        return as_json({"message": "Successfully moved"})

    async def _copy(self, request: Request) -> Response:
        source, target, name = await self._relocation(request)
        now = self.clock.now()
        made = Stored(
            target.id, name, source.body, source.content_type, source.cache_control, source.user_metadata, now, now
        )
        target.objects[name] = made
        self.tally.add("object")
        return as_json({**made.row(), "Key": f"{target.id}/{name}", "Id": made.id})

    async def _delete_one(self, request: Request) -> Response:
        stored = self._object(request)
        del self.bucket(stored.bucket).objects[stored.name]
        self.tally.add("object")
        return as_json({"message": "Successfully deleted"})

    async def _delete_many(self, request: Request) -> Response:
        bucket, wish = self.bucket(request.path_params["bucket"]), await read_object(request)
        names = wish.get("prefixes")
        if not isinstance(names, list) or not names:
            raise refused(400, "InvalidRequest", "Error", "body must have required property 'prefixes'")
        gone = [bucket.objects.pop(name) for name in names if name in bucket.objects]
        for _ in gone:
            self.tally.add("object")
        return as_json([stored.row() for stored in gone])

    def _grant(self, bucket: str, name: str, seconds: float, for_upload: bool, upsert: bool = False) -> str:
        token = secrets.token_urlsafe(24)
        self._grants[token] = Grant(bucket, name, self.clock.now() + seconds, for_upload, upsert)
        return token

    async def _sign(self, request: Request) -> Response:
        stored, wish = self._object(request), await read_object(request)
        token = self._grant(stored.bucket, stored.name, _seconds(wish), for_upload=False)
        return as_json({"signedURL": f"/object/sign/{stored.bucket}/{quote(stored.name)}?token={token}"})

    async def _sign_many(self, request: Request) -> Response:
        bucket, wish = self.bucket(request.path_params["bucket"]), await read_object(request)
        told: list[Json] = []
        for name in wish.get("paths") or []:
            if name in bucket.objects:
                token = self._grant(bucket.id, name, _seconds(wish), for_upload=False)
                address = f"/object/sign/{bucket.id}/{quote(name)}?token={token}"
                told.append({"error": None, "path": name, "signedURL": address})
            else:
                told.append({"error": "Either the object does not exist", "path": name, "signedURL": None})
        return as_json(told)

    async def _sign_upload(self, request: Request) -> Response:
        bucket, name = self.bucket(request.path_params["bucket"]), request.path_params["path"]
        upsert = request.headers.get("x-upsert") == "true"
        if name in bucket.objects and not upsert:
            raise refused(409, "KeyAlreadyExists", "Duplicate", "The resource already exists")
        token = self._grant(bucket.id, name, 7200, for_upload=True, upsert=upsert)
        return as_json({"url": f"/object/upload/sign/{bucket.id}/{quote(name)}?token={token}", "token": token})

    def _granted(self, request: Request, for_upload: bool) -> Grant:
        grant = self._grants.get(request.query_params.get("token", ""))
        asked = request.path_params["bucket"], request.path_params["path"]
        if grant is None or (grant.bucket, grant.name) != asked or grant.for_upload != for_upload:
            raise refused(400, "InvalidJWT", "InvalidJWT", "signature verification failed")
        if self.clock.now() > grant.until:
            raise refused(400, "InvalidJWT", "InvalidJWT", '"exp" claim timestamp check failed')
        return grant

    async def _signed_upload(self, request: Request) -> Response:
        grant = self._granted(request, for_upload=True)
        stored = self.keep(await self._read(request), grant.upsert)
        return as_json({"Key": f"{stored.bucket}/{stored.name}"})

    async def _signed_download(self, request: Request) -> Response:
        self._granted(request, for_upload=False)
        return self._send(request, self._object(request))


def _fits(content_type: str, allowed: str) -> bool:
    bare = content_type.partition(";")[0].strip()
    return bare == allowed or (allowed.endswith("/*") and bare.startswith(allowed[:-1]))


def _seconds(wish: Json) -> float:
    """Seconds as a number; the official clients in Python send it as text, which Storage takes for the number."""
    value = wish.get("expiresIn")
    if isinstance(value, str) and value.isdigit():
        value = int(value)
    if not isinstance(value, int) or value < 1:
        raise refused(400, "InvalidRequest", "Error", "body/expiresIn must be >= 1")
    return value


def _range(header: str, size: int) -> tuple[int, int] | None:
    unit, _, span = header.partition("=")
    first, dash, last = span.partition("-")
    if unit != "bytes" or not dash or "," in span or size == 0:
        return None
    if not first:
        return max(0, size - int(last)), size - 1
    start, end = int(first), min(int(last), size - 1) if last else size - 1
    return (start, end) if start <= end else None
