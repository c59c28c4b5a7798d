"""Edge functions: bundled from sources, put into service one by one or all at once, kept as what was uploaded."""

import hashlib
import json
import uuid
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from console.playground.emulators.clock import millis
from console.playground.emulators.supabase_doors import Door
from console.playground.emulators.supabase_state import Function, Json, Platform, Project
from console.playground.emulators.wire import Refusal, as_json, empty, read_json

_TOLD = ("id", "slug", "name", "status", "version", "created_at", "updated_at")
_MORE = ("verify_jwt", "import_map", "entrypoint_path", "import_map_path", "ezbr_sha256")


class Functions:
    """Answers below `/functions`."""

    def __init__(self, platform: Platform) -> None:
        self._platform = platform

    def doors(self) -> list[Door]:
        path = "/v1/projects/{ref}/functions"
        return [
            Door("GET", path, self._list),
            Door("PUT", path, self._update_all),
            Door("POST", f"{path}/deploy", self._deploy),
            Door("GET", f"{path}/{{slug}}", self._get),
            Door("GET", f"{path}/{{slug}}/body", self._get_body),
            Door("DELETE", f"{path}/{{slug}}", self._delete),
        ]

    def _function(self, request: Request) -> tuple[Project, Function]:
        project = self._platform.project(request)
        found = project.functions.get(request.path_params["slug"])
        if found is None:
            raise Refusal(404, "Function not found")
        return project, found

    async def _list(self, request: Request) -> Response:
        return as_json([one.told for one in self._platform.project(request).functions.values()])

    async def _get(self, request: Request) -> Response:
        return as_json(self._function(request)[1].told)

    async def _get_body(self, request: Request) -> Response:
        body = self._function(request)[1].body
        return Response(body, 200, {"content-type": "multipart/form-data; boundary=bundle"})

    async def _deploy(self, request: Request) -> Response:
        project = self._platform.project(request)
        metadata, files = _parts(request.headers.get("content-type", ""), await request.body())
        slug = request.query_params.get("slug") or metadata.get("name") or ""
        if not slug.replace("-", "").replace("_", "").isalnum() or not slug[0].isalpha():
            raise Refusal(400, "slug: Invalid")
        if metadata.get("entrypoint_path") not in files:
            raise Refusal(400, "Failed to bundle the function: entrypoint path does not exist")
        told = self._bundle(project, slug, metadata, files)
        if request.query_params.get("bundleOnly") != "true":
            self._serve(project, told)
        return as_json(told, 201)

    def _bundle(self, project: Project, slug: str, metadata: Json, files: dict[str, bytes]) -> Json:
        now, old = millis(self._platform.clock.now()), project.functions.get(slug)
        body = b"".join(f"{name}\n".encode() + files[name] for name in sorted(files))
        digest = hashlib.sha256(json.dumps(metadata, sort_keys=True).encode() + body).hexdigest()
        project.bundles[digest] = body
        return {
            "id": old.told["id"] if old else str(uuid.uuid4()),
            "slug": slug,
            "name": metadata.get("name") or slug,
            "status": "ACTIVE",
            "version": old.told["version"] + 1 if old else 1,
            "created_at": old.told["created_at"] if old else now,
            "updated_at": now,
            "verify_jwt": metadata.get("verify_jwt", True),
            "import_map": bool(metadata.get("import_map_path")),
            "entrypoint_path": metadata["entrypoint_path"],
            **({"import_map_path": metadata["import_map_path"]} if metadata.get("import_map_path") else {}),
            "ezbr_sha256": digest,
        }

    def _serve(self, project: Project, told: Json) -> None:
        project.functions[told["slug"]] = Function(told, project.bundles.get(told.get("ezbr_sha256", ""), b""))
        self._platform.tally.add("function")

    async def _update_all(self, request: Request) -> Response:
        project, wish = self._platform.project(request), await read_json(request)
        if not isinstance(wish, list):
            raise Refusal(400, "Expected array")
        for one in wish:
            if any(name not in one for name in ("id", "slug", "name", "status", "version")):
                raise Refusal(400, "id, slug, name, status and version are required")
            if one.get("ezbr_sha256") not in project.bundles:
                raise Refusal(400, f"{one['slug']}: no such bundle")
        now = millis(self._platform.clock.now())
        for one in wish:
            old = project.functions.get(one["slug"])
            # A version that is not newer changes nothing, which makes the call harmless to repeat.
            if old is None or one["version"] > old.told["version"]:
                kept = {name: one[name] for name in (*_TOLD, *_MORE) if name in one}
                made = old.told["created_at"] if old else one.get("created_at", now)
                self._serve(project, {**kept, "created_at": made, "updated_at": now})
        return as_json({"functions": [one.told for one in project.functions.values()]})

    async def _delete(self, request: Request) -> Response:
        project, found = self._function(request)
        del project.functions[found.told["slug"]]
        self._platform.tally.add("function")
        return empty(200)


def _parts(media: str, body: bytes) -> tuple[Json, dict[str, bytes]]:
    """The metadata and the files of a multipart form."""
    _, _, boundary = media.partition("boundary=")
    if not media.startswith("multipart/form-data") or not boundary:
        raise Refusal(400, "Expected multipart/form-data")
    metadata: Any = None
    files: dict[str, bytes] = {}
    for piece in body.split(b"--" + boundary.strip('"').encode())[1:-1]:
        head, _, content = piece.removeprefix(b"\r\n").partition(b"\r\n\r\n")
        said = head.decode()
        if 'name="metadata"' in said:
            metadata = json.loads(content.removesuffix(b"\r\n"))
        elif 'name="file"' in said:
            files[said.partition('filename="')[2].partition('"')[0]] = content.removesuffix(b"\r\n")
    if not isinstance(metadata, dict) or not isinstance(metadata.get("entrypoint_path"), str):
        raise Refusal(400, "metadata.entrypoint_path: Required")
    return metadata, files
