"""How two releases, branches or commits differ."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Annotated
from urllib.parse import quote

from providers.github.client import PAGE, GitHubClient
from providers.github.wire import Commit
from providers.wire import items, need_text, text, whole

FILES_AT_MOST = 300
"""GitHub lists no more, and those only on the first page."""


@dataclass(frozen=True)
class Compare:
    base: Annotated[str, "where to start: a tag, a branch or a commit"]
    head: Annotated[str, "where to end"]


@dataclass(frozen=True)
class ChangedFile:
    name: str
    status: str
    additions: int
    deletions: int
    previous_name: str


@dataclass(frozen=True)
class Comparison:
    """`status` is GitHub's word: ahead, behind, diverged or identical. Commits are oldest first."""

    status: str
    ahead_by: int
    behind_by: int
    commits: tuple[Commit, ...]
    files: tuple[ChangedFile, ...]
    files_complete: bool
    url: str


class Comparing:
    def __init__(self, client: GitHubClient) -> None:
        self._client = client

    async def compare(self, request: Compare) -> Comparison:
        path = f"{self._client.at('compare')}/{quote(request.base)}...{quote(request.head)}"
        first = await self._client.fetch(path, parse_comparison, {"per_page": PAGE})
        commits = await self._client.fetch_compared(request.base, request.head) if first.ahead_by else []
        return replace(first, commits=tuple(commits))


def parse_comparison(node: object) -> Comparison:
    files = tuple(
        ChangedFile(
            name=need_text(one, "filename"),
            status=text(one, "status"),
            additions=whole(one, "additions") or 0,
            deletions=whole(one, "deletions") or 0,
            previous_name=text(one, "previous_filename"),
        )
        for one in items(node, "files")
    )
    return Comparison(
        status=need_text(node, "status"),
        ahead_by=whole(node, "ahead_by") or 0,
        behind_by=whole(node, "behind_by") or 0,
        commits=(),
        files=files,
        files_complete=len(files) < FILES_AT_MOST,
        url=text(node, "html_url"),
    )
