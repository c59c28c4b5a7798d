"""Releases as people read them, with what hangs on them, and the notes that GitHub would write."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated

from console.domain.errors import Rejected
from providers.github.client import GitHubClient
from providers.wire import flag, items, moment, need_items, need_text, text, whole

SEARCHED = 300
"""How many of the newest releases are looked through for a tag."""


@dataclass(frozen=True)
class ListReleases:
    limit: Annotated[int, "how many, newest first"] = 20


@dataclass(frozen=True)
class ShowRelease:
    tag: Annotated[str, "its tag; drafts are found too"]


@dataclass(frozen=True)
class WriteNotes:
    tag: Annotated[str, "the tag that the notes are for; it need not exist yet"]
    target: Annotated[str, "branch or commit of a tag that does not exist yet"] = ""
    previous: Annotated[str, "the tag to count from; GitHub finds one by itself"] = ""


@dataclass(frozen=True)
class Asset:
    """A file of a release. `digest` is `sha256:…`, empty where GitHub has none; `size` in bytes."""

    id: str
    name: str
    label: str
    state: str
    size: int
    digest: str
    url: str
    downloads: int


@dataclass(frozen=True)
class PublishedRelease:
    """An immutable one takes no further files and no other tag. `upload_url` is where GitHub wants files."""

    id: str
    tag: str
    name: str
    notes: str
    target: str
    draft: bool
    prerelease: bool
    immutable: bool
    by: str
    at: datetime | None
    url: str
    upload_url: str
    assets: tuple[Asset, ...]


@dataclass(frozen=True)
class Notes:
    name: str
    body: str


class ReleaseReadings:
    def __init__(self, client: GitHubClient) -> None:
        self._client = client

    async def list(self, request: ListReleases) -> Sequence[PublishedRelease]:
        return await self._client.fetch_all(self._client.at("releases"), _parse_releases, at_most=request.limit)

    async def show(self, request: ShowRelease) -> PublishedRelease:
        found = await find_release(self._client, request.tag)
        if found is None:
            raise no_release(self._client, request.tag)
        return found

    async def write_notes(self, request: WriteNotes) -> Notes:
        """GitHub composes them and saves nothing."""
        wish = {"tag_name": request.tag}
        if request.target:
            wish["target_commitish"] = request.target
        if request.previous:
            wish["previous_tag_name"] = request.previous
        path = self._client.at("releases", "generate-notes")
        reply = await self._client.http.send("POST", path, json=wish, repeatable=True)
        return self._client.http.decode(reply, lambda node: Notes(text(node, "name"), need_text(node, "body")))


async def find_release(client: GitHubClient, tag: str) -> PublishedRelease | None:
    """A published release of the tag, else a draft of it; drafts are listed only to who may push."""
    published = await client.fetch_or_none(client.at("releases", "tags", tag), parse_release)
    if published is not None:
        return published
    listed = await client.fetch_all(client.at("releases"), _parse_releases, at_most=SEARCHED)
    return next((one for one in listed if one.tag == tag), None)


def no_release(client: GitHubClient, tag: str) -> Rejected:
    return Rejected(
        client.http.provider,
        f"GitHub has no release of the tag {tag!r} in {client.repository}.",
        f"repository {client.repository}",
        "Create it first; drafts are seen only by who may push.",
    )


def parse_release(node: object) -> PublishedRelease:
    return PublishedRelease(
        id=need_text(node, "id"),
        tag=need_text(node, "tag_name"),
        name=text(node, "name"),
        notes=text(node, "body"),
        target=text(node, "target_commitish"),
        draft=flag(node, "draft") or False,
        prerelease=flag(node, "prerelease") or False,
        immutable=flag(node, "immutable") or False,
        by=text(node, "author", "login"),
        at=moment(node, "published_at") or moment(node, "created_at"),
        url=text(node, "html_url"),
        upload_url=text(node, "upload_url"),
        assets=tuple(parse_asset(one) for one in items(node, "assets")),
    )


def _parse_releases(node: object) -> Sequence[PublishedRelease]:
    return [parse_release(one) for one in need_items(node)]


def parse_asset(node: object) -> Asset:
    return Asset(
        id=need_text(node, "id"),
        name=need_text(node, "name"),
        label=text(node, "label"),
        state=text(node, "state"),
        size=whole(node, "size") or 0,
        digest=text(node, "digest"),
        url=text(node, "browser_download_url"),
        downloads=whole(node, "download_count") or 0,
    )
