"""Storage's buckets: made, listed, edited, emptied and deleted."""

from typing import TYPE_CHECKING, Any

from starlette.requests import Request
from starlette.responses import Response

from console.playground.emulators.storage_state import Bucket, refused
from console.playground.emulators.supabase_doors import Door
from console.playground.emulators.wire import as_json, read_object

if TYPE_CHECKING:
    from console.playground.emulators.storage import Storage


class Buckets:
    """Answers what is asked about buckets."""

    def __init__(self, storage: "Storage") -> None:
        self._storage = storage

    def routes(self) -> list[Door]:
        return [
            *(Door("POST", path, self._create_bucket) for path in ("/bucket", "/bucket/")),
            *(Door("GET", path, self._list_buckets) for path in ("/bucket", "/bucket/")),
            Door("POST", "/bucket/{bucket}/empty", self._empty_bucket),
            Door("GET", "/bucket/{bucket}", self._get_bucket),
            Door("PUT", "/bucket/{bucket}", self._edit_bucket),
            Door("DELETE", "/bucket/{bucket}", self._delete_bucket),
        ]

    async def _create_bucket(self, request: Request) -> Response:
        wish, now = await read_object(request), self._storage.clock.now()
        name = wish.get("name")
        if not isinstance(name, str) or not name:
            raise refused(400, "InvalidRequest", "Error", "body must have required property 'name'")
        identity = wish.get("id") or name
        if identity in self._storage.buckets:
            raise refused(409, "BucketAlreadyExists", "Duplicate", "The resource already exists")
        limit, types = _limit(wish.get("file_size_limit")), wish.get("allowed_mime_types")
        self._storage.buckets[identity] = Bucket(identity, name, bool(wish.get("public")), limit, types, now, now)
        self._storage.tally.add("bucket")
        return as_json({"name": name})

    async def _list_buckets(self, request: Request) -> Response:
        search = request.query_params.get("search", "")
        found = [bucket.to_json() for bucket in self._storage.buckets.values() if search in bucket.name]
        start = int(request.query_params.get("offset", "0"))
        return as_json(found[start : start + int(request.query_params.get("limit", "100"))])

    async def _get_bucket(self, request: Request) -> Response:
        return as_json(self._storage.bucket(request.path_params["bucket"]).to_json())

    async def _edit_bucket(self, request: Request) -> Response:
        bucket, wish = self._storage.bucket(request.path_params["bucket"]), await read_object(request)
        old = bucket.is_public, bucket.file_size_limit, bucket.allowed_mime_types
        bucket.is_public = bool(wish.get("public", bucket.is_public))
        if "file_size_limit" in wish:
            bucket.file_size_limit = _limit(wish["file_size_limit"])
        bucket.allowed_mime_types = wish.get("allowed_mime_types", bucket.allowed_mime_types)
        if old != (bucket.is_public, bucket.file_size_limit, bucket.allowed_mime_types):
            bucket.updated_at = self._storage.clock.now()
            self._storage.tally.add("bucket")
        return as_json({"message": "Successfully updated"})

    async def _empty_bucket(self, request: Request) -> Response:
        self._storage.bucket(request.path_params["bucket"]).objects.clear()
        self._storage.tally.add("bucket")
        return as_json({"message": "Empty bucket has been queued. Completion may take up to an hour."})

    async def _delete_bucket(self, request: Request) -> Response:
        bucket = self._storage.bucket(request.path_params["bucket"])
        if bucket.objects:
            words = "The bucket you tried to delete is not empty"
            raise refused(409, "ResourceNotEmpty", "InvalidRequest", words)
        del self._storage.buckets[bucket.id]
        self._storage.tally.add("bucket")
        return as_json({"message": "Successfully deleted"})


def _limit(value: Any) -> int | None:
    if value is None or isinstance(value, int):
        return value
    units = {"kb": 1024, "mb": 1024**2, "gb": 1024**3, "b": 1}
    text = str(value).lower().strip()
    for unit, size in units.items():
        if text.endswith(unit):
            return int(float(text.removesuffix(unit)) * size)
    return int(text)
