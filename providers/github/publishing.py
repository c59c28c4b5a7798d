"""Make releases, hang files on them, publish them.

GitHub takes no idempotency key: a release is known by its tag, a file by the release, its name and its content.
"""

from __future__ import annotations

import asyncio
import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import httpx

from console.domain.errors import UnexpectedReply, UsageError
from providers.contract import Operation, OperationKey, OperationStatus
from providers.contract.desk import LocalPath
from providers.ensuring import Setting
from providers.github.client import GitHubClient
from providers.github.releases import Asset, PublishedRelease, find_release, no_release, parse_asset, parse_release

UPLOADED = "uploaded"
UPLOAD_TIME = 300.0
LARGEST_FILE = 128 * 1024 * 1024


@dataclass(frozen=True)
class CreateRelease:
    tag: Annotated[str, "its tag; GitHub makes it when the release is published"]
    target: Annotated[str, "branch or commit for a tag that does not exist yet"] = ""
    name: Annotated[str, "its title; the tag by default"] = ""
    notes: Annotated[str, "its text"] = ""
    generate_notes: Annotated[bool, "have GitHub write what changed, below the text"] = False
    draft: Annotated[bool, "keep it to ourselves until it is published"] = False
    prerelease: Annotated[bool, "say that it is not for production"] = False


@dataclass(frozen=True)
class PublishRelease:
    tag: Annotated[str, "the tag of a draft"]
    latest: Annotated[bool | None, "call it the latest; left out, GitHub decides by date and version"] = None


@dataclass(frozen=True)
class UploadArtifact:
    tag: Annotated[str, "the tag of the release, also of a draft"]
    file: Annotated[str, "the file, where the worker sees it", LocalPath()]
    name: Annotated[str, "its name at GitHub; the file's own by default"] = ""
    label: Annotated[str, "what is shown instead of the name"] = ""
    content_type: Annotated[str, "its media type"] = "application/octet-stream"


class Creation:
    """`Actuator[CreateRelease]`: one release a tag. References are GitHub's ids."""

    def __init__(self, client: GitHubClient) -> None:
        self._client = client

    async def start(self, request: CreateRelease, key: OperationKey) -> Operation:
        found = await find_release(self._client, request.tag)
        return _made(found or await self._create(request))

    async def observe(self, reference: str) -> Operation:
        found = None
        if reference.isdigit():
            found = await self._client.fetch_or_none(self._client.at("releases", reference), parse_release)
        return _made(found) if found else Operation(reference, OperationStatus.LOST, "GitHub knows no such release")

    async def find(self, request: CreateRelease, key: OperationKey) -> Operation | None:
        found = await find_release(self._client, request.tag)
        return _made(found) if found else None

    async def _create(self, request: CreateRelease) -> PublishedRelease:
        wish: dict[str, Any] = {
            "tag_name": request.tag,
            "name": request.name or request.tag,
            "body": request.notes,
            "draft": request.draft,
            "prerelease": request.prerelease,
            "generate_release_notes": request.generate_notes,
        }
        if request.target:
            wish["target_commitish"] = request.target
        return await self._client.change("POST", self._client.at("releases"), wish, parse_release)


class Publication:
    """What makes a draft public; `setting` is the actuator."""

    def __init__(self, client: GitHubClient) -> None:
        self._client = client
        self.setting = Setting(
            PublishRelease, holds=self._holds, write=self._write, say=lambda request: f"{request.tag} published"
        )

    async def _holds(self, request: PublishRelease) -> bool | None:
        found = await find_release(self._client, request.tag)
        return None if found is None else not found.draft

    async def _write(self, request: PublishRelease) -> None:
        found = await find_release(self._client, request.tag)
        if found is None:
            raise no_release(self._client, request.tag)
        wish: dict[str, Any] = {"draft": False}
        if request.latest is not None:
            wish["make_latest"] = "true" if request.latest else "false"
        await self._client.change("PATCH", self._client.at("releases", found.id), wish, parse_release)


class Upload:
    """`Actuator[UploadArtifact]`. References are GitHub's ids of files.

    What an upload that broke off leaves behind is removed before the next one; a whole file of the same name and
    another content is left alone, and GitHub refuses (422).
    """

    def __init__(self, client: GitHubClient) -> None:
        self._client = client

    async def start(self, request: UploadArtifact, key: OperationKey) -> Operation:
        content = await _read(request.file)
        release, found = await self._find(request)
        if found is not None and _is_same(found, content):
            return _hung(found)
        if found is not None and found.state != UPLOADED:
            await self._client.http.send("DELETE", self._client.at("releases", "assets", found.id), accept=(404,))
        reply = await self._client.http.send(
            "POST",
            self._upload_address(release),
            content=content,
            params={"name": _name(request), "label": request.label or None},
            headers={"content-type": request.content_type},
            answer=UPLOAD_TIME,
        )
        return _hung(self._client.http.decode(reply, parse_asset))

    async def observe(self, reference: str) -> Operation:
        found = None
        if reference.isdigit():
            found = await self._client.fetch_or_none(self._client.at("releases", "assets", reference), parse_asset)
        return _hung(found) if found else Operation(reference, OperationStatus.LOST, "GitHub knows no such file")

    async def find(self, request: UploadArtifact, key: OperationKey) -> Operation | None:
        content = await _read(request.file)
        _, found = await self._find(request)
        return _hung(found) if found is not None and _is_same(found, content) else None

    async def _find(self, request: UploadArtifact) -> tuple[PublishedRelease, Asset | None]:
        release = await find_release(self._client, request.tag)
        if release is None:
            raise no_release(self._client, request.tag)
        return release, next((one for one in release.assets if one.name == _name(request)), None)

    def _upload_address(self, release: PublishedRelease) -> str:
        """Where GitHub wants the file: at its own host for uploads, which must be a sibling of the API's."""
        address = release.upload_url.partition("{")[0]
        ours, theirs = httpx.URL(self._client.base_url).host, httpx.URL(address).host
        sibling = f"uploads.{ours.removeprefix('api.')}" if ours.startswith("api.") else ours
        if theirs not in (ours, sibling):
            raise UnexpectedReply(
                self._client.http.provider,
                "GitHub wants files at a host that does not belong to its API.",
                f"release {release.tag} · {theirs or 'no address'}",
                "Set base_url to the address under which GitHub itself answers.",
            )
        return address


async def _read(file: str) -> bytes:
    path = Path(file)
    try:
        size = (await asyncio.to_thread(path.stat)).st_size
        if size > LARGEST_FILE:
            remedy = f"Files up to {LARGEST_FILE // 1024 // 1024} MiB are taken; upload larger ones with `gh`."
            raise UsageError(f"{path.name} is too large to be uploaded from here.", f"file {file}", remedy)
        return await asyncio.to_thread(path.read_bytes)
    except OSError as problem:
        reason = problem.strerror or type(problem).__name__
        remedy = "Name a file of the worker's host."
        raise UsageError(f"{path.name} cannot be read: {reason}.", f"file {file}", remedy) from problem


def _name(request: UploadArtifact) -> str:
    return request.name or Path(request.file).name


def _is_same(asset: Asset, content: bytes) -> bool:
    if asset.state != UPLOADED or asset.size != len(content):
        return False
    return not asset.digest or asset.digest == f"sha256:{hashlib.sha256(content).hexdigest()}"


def _made(release: PublishedRelease) -> Operation:
    words = f"{release.tag}: {'a draft' if release.draft else 'published'}"
    return Operation(release.id, OperationStatus.SUCCEEDED, words, {"release": release.id, "url": release.url})


def _hung(asset: Asset) -> Operation:
    status = OperationStatus.SUCCEEDED if asset.state == UPLOADED else OperationStatus.RUNNING
    words = f"{asset.name}: {asset.state or 'unknown'}, {asset.size} bytes"
    return Operation(asset.id, status, words, {"url": asset.url, "digest": asset.digest})
