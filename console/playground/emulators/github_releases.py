"""GitHub's releases: drafts that only a list shows, files that hang on them, notes that are composed.

A published tag exists once (422 `already_exists`); drafts of one tag may be several, as at GitHub.
"""

import hashlib
from dataclasses import dataclass, field
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from console.playground.emulators import github_shapes as shapes
from console.playground.emulators.clock import Clock, iso_seconds
from console.playground.emulators.emulator import Tally
from console.playground.emulators.github_app import Frontdoor, api_of, invalid, paged
from console.playground.emulators.github_code import Code
from console.playground.emulators.wire import Refusal, as_json, empty, read_object

Json = dict[str, Any]


@dataclass
class Asset:
    """A file of a release; one whose upload broke off stays `open` and has no content."""

    id: int
    name: str
    label: str | None
    content_type: str
    content: bytes
    at: float
    state: str = "uploaded"


@dataclass
class PublishedRelease:
    id: int
    tag: str
    name: str
    body: str
    target: str
    at: float
    is_draft: bool = False
    is_prerelease: bool = False
    published_at: float | None = None
    assets: list[Asset] = field(default_factory=list)


class Releases:
    """Newest first."""

    def __init__(self, code: Code, clock: Clock, tally: Tally) -> None:
        self._code = code
        self._clock = clock
        self._tally = tally
        self._numbers = 72_100_000
        self.all = [self._founded(number) for number in reversed(range(len(code.releases.releases)))]
        self.all = [release for release in self.all if (found := code.releases.find(release.tag)) and found.good]

    def _founded(self, number: int) -> PublishedRelease:
        release = self._code.releases.releases[number]
        at = release.created_at.timestamp() + 600
        words = f"* {release.message}"
        return PublishedRelease(72_000_000 + number, release.name, release.name, words, "main", at, published_at=at)

    def routes(self, door: Frontdoor) -> list[Route]:
        releases = "/repos/{owner}/{repo}/releases"
        return [
            door.route("GET", releases, self._list),
            door.route("POST", releases, self._create),
            door.route("POST", f"{releases}/generate-notes", self._generate_notes),
            door.route("GET", f"{releases}/latest", self._latest),
            door.route("GET", f"{releases}/tags/{{tag:path}}", self._of_tag),
            door.route("GET", f"{releases}/assets/{{asset:int}}", self._get_asset),
            door.route("DELETE", f"{releases}/assets/{{asset:int}}", self._delete_asset),
            door.route("GET", f"{releases}/{{id:int}}", self._get),
            door.route("PATCH", f"{releases}/{{id:int}}", self._edit),
            door.route("GET", f"{releases}/{{id:int}}/assets", self._list_assets),
            door.route("POST", f"{releases}/{{id:int}}/assets", self._upload),
        ]

    def _number(self) -> int:
        self._numbers += 1
        return self._numbers

    def _find(self, request: Request) -> PublishedRelease:
        self._code.own(request)
        for release in self.all:
            if release.id == request.path_params["id"]:
                return release
        raise Refusal(404, "Not Found")

    async def _list(self, request: Request) -> Response:
        self._code.own(request)
        return paged(request, [self._json(request, release) for release in self.all])

    async def _get(self, request: Request) -> Response:
        return as_json(self._json(request, self._find(request)))

    async def _latest(self, request: Request) -> Response:
        self._code.own(request)
        for release in self.all:
            if not (release.is_draft or release.is_prerelease):
                return as_json(self._json(request, release))
        raise Refusal(404, "Not Found")

    async def _of_tag(self, request: Request) -> Response:
        self._code.own(request)
        for release in self.all:
            if release.tag == request.path_params["tag"] and not release.is_draft:
                return as_json(self._json(request, release))
        raise Refusal(404, "Not Found")

    def _need_free(self, tag: str, but: PublishedRelease | None = None) -> None:
        if any(one.tag == tag and not one.is_draft and one is not but for one in self.all):
            raise invalid("Release", "tag_name", "already_exists")

    async def _create(self, request: Request) -> Response:
        self._code.own(request)
        wish = await read_object(request)
        tag = wish.get("tag_name")
        if not isinstance(tag, str) or not tag:
            raise invalid("Release", "tag_name", "missing_field")
        self._need_free(tag)
        notes = self._notes(tag, None) if wish.get("generate_release_notes") else ""
        release = PublishedRelease(
            id=self._number(),
            tag=tag,
            name=wish.get("name") or tag,
            body="\n\n".join(filter(None, (wish.get("body"), notes))),
            target=wish.get("target_commitish") or "main",
            at=self._clock.now(),
            is_draft=bool(wish.get("draft")),
            is_prerelease=bool(wish.get("prerelease")),
        )
        release.published_at = None if release.is_draft else release.at
        self.all.insert(0, release)
        self._tally.add("release")
        return as_json(self._json(request, release), 201)

    async def _edit(self, request: Request) -> Response:
        release, wish = self._find(request), await read_object(request, required=False)
        is_public = not wish.get("draft", release.is_draft)
        tag = wish.get("tag_name") or release.tag
        if is_public:
            self._need_free(tag, but=release)
        if release.is_draft and is_public:
            release.published_at = self._clock.now()
            self._tally.add("release_published")
        release.is_draft, release.tag = not is_public, tag
        release.name, release.body = wish.get("name", release.name), wish.get("body", release.body)
        release.target = wish.get("target_commitish", release.target)
        release.is_prerelease = bool(wish.get("prerelease", release.is_prerelease))
        return as_json(self._json(request, release))

    async def _list_assets(self, request: Request) -> Response:
        release = self._find(request)
        return paged(request, [self._asset_json(request, release, asset) for asset in release.assets])

    async def _upload(self, request: Request) -> Response:
        release, name = self._find(request), request.query_params.get("name", "")
        content = await request.body()
        if not name:
            raise invalid("ReleaseAsset", "name", "missing_field")
        if any(asset.name == name for asset in release.assets):
            raise invalid("ReleaseAsset", "name", "already_exists")
        media = request.headers.get("content-type", "application/octet-stream")
        label = request.query_params.get("label")
        asset = Asset(self._number(), name, label, media, content, self._clock.now())
        release.assets.append(asset)
        self._tally.add("release_asset")
        return as_json(self._asset_json(request, release, asset), 201)

    def _asset(self, request: Request) -> tuple[PublishedRelease, Asset]:
        self._code.own(request)
        for release in self.all:
            for asset in release.assets:
                if asset.id == request.path_params["asset"]:
                    return release, asset
        raise Refusal(404, "Not Found")

    async def _get_asset(self, request: Request) -> Response:
        return as_json(self._asset_json(request, *self._asset(request)))

    async def _delete_asset(self, request: Request) -> Response:
        release, asset = self._asset(request)
        release.assets.remove(asset)
        self._tally.add("release_asset_deleted")
        return empty(204)

    async def _generate_notes(self, request: Request) -> Response:
        self._code.own(request)
        wish = await read_object(request)
        if not wish.get("tag_name"):
            raise invalid("Release", "tag_name", "missing_field")
        return as_json({"name": wish["tag_name"], "body": self._notes(wish["tag_name"], wish.get("previous_tag_name"))})

    def _notes(self, tag: str, previous: str | None) -> str:
        line = list(self._code.releases.releases)
        head = self._code.releases.find(tag) or self._code.releases.main
        start = next((place + 1 for place, one in enumerate(line) if one.name == previous), line.index(head))
        changes = "\n".join(f"* {one.message} by @{shapes.USER}" for one in line[start : line.index(head) + 1])
        compare = f"https://github.com/{self._code.full_name}/compare/{previous}...{tag}" if previous else tag
        return f"## What's Changed\n{changes}\n\n\n**Full Changelog**: {compare}"

    def _at(self, request: Request) -> str:
        return f"{api_of(request)}/repos/{self._code.full_name}"

    def _json(self, request: Request, release: PublishedRelease) -> Json:
        at = f"{self._at(request)}/releases/{release.id}"
        return {
            "id": release.id,
            "node_id": shapes.node_id("Release", release.id),
            "tag_name": release.tag,
            "target_commitish": release.target,
            "name": release.name,
            "body": release.body,
            "draft": release.is_draft,
            "prerelease": release.is_prerelease,
            "immutable": False,
            "created_at": iso_seconds(release.at),
            "published_at": None if release.published_at is None else iso_seconds(release.published_at),
            "author": shapes.user(api_of(request)),
            "assets": [self._asset_json(request, release, asset) for asset in release.assets],
            "url": at,
            "assets_url": f"{at}/assets",
            "upload_url": f"{at}/assets{{?name,label}}",
            "html_url": f"https://github.com/{self._code.full_name}/releases/tag/{release.tag}",
            "tarball_url": f"{self._at(request)}/tarball/{release.tag}",
            "zipball_url": f"{self._at(request)}/zipball/{release.tag}",
        }

    def _asset_json(self, request: Request, release: PublishedRelease, asset: Asset) -> Json:
        web = f"https://github.com/{self._code.full_name}/releases/download"
        return {
            "id": asset.id,
            "node_id": shapes.node_id("ReleaseAsset", asset.id),
            "url": f"{self._at(request)}/releases/assets/{asset.id}",
            "browser_download_url": f"{web}/{release.tag}/{asset.name}",
            "name": asset.name,
            "label": asset.label,
            "state": asset.state,
            "content_type": asset.content_type,
            "size": len(asset.content),
            "digest": f"sha256:{hashlib.sha256(asset.content).hexdigest()}" if asset.content else None,
            "download_count": 0,
            "created_at": iso_seconds(asset.at),
            "updated_at": iso_seconds(asset.at),
            "uploader": shapes.user(api_of(request)),
        }
