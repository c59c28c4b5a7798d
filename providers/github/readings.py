"""What GitHub says without being changed: releases, files, checks."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from console.domain.errors import UnknownRelease
from console.domain.release import Release
from console.domain.verdict import Verdict, VerdictKind
from providers.github.wire import Check, CheckState, Commit, Entry

if TYPE_CHECKING:
    from providers.github.client import GitHubClient

AT_ONCE = 8
KEPT_TEXTS = 1000
BETTER_FIRST = (CheckState.PASSED, CheckState.PENDING, CheckState.FAILED)


class Releases:
    """`ReleaseSource` and `TagSource`. Texts of files are kept by their hash, so that a directory is fetched once."""

    def __init__(self, client: GitHubClient) -> None:
        self._client = client
        self._texts: OrderedDict[str, str] = OrderedDict()

    async def fetch_release(self, reference: str) -> Release:
        commit = await self._client.fetch_commit_or_none(reference or "HEAD")
        if commit is None:
            raise self._unknown(reference)
        return _release(commit, reference or commit.sha)

    async def fetch_tags(self) -> Mapping[str, str]:
        return await self._client.fetch_tags()

    async def fetch_files(self, commit: str, directory: str) -> Mapping[str, str]:
        entries = await self._client.fetch_directory_or_none(directory, commit)
        if entries is None:
            if await self._client.fetch_commit_or_none(commit) is None:
                raise self._unknown(commit)
            return {}
        gate = asyncio.Semaphore(AT_ONCE)

        async def fetch(entry: Entry) -> str:
            if entry.sha not in self._texts:
                async with gate:
                    self._texts[entry.sha] = await self._client.fetch_text(entry, commit)
            return self._texts[entry.sha]

        texts = await asyncio.gather(*map(fetch, entries))
        while len(self._texts) > KEPT_TEXTS:
            self._texts.popitem(last=False)
        return {entry.name: content for entry, content in zip(entries, texts, strict=True)}

    async def fetch_changes(self, base: str, head: str) -> Sequence[Release]:
        return [_release(commit, commit.sha) for commit in await self._client.fetch_compared(base, head)]

    def _unknown(self, reference: str) -> UnknownRelease:
        return UnknownRelease(
            self._client.http.provider,
            f"GitHub knows no release {reference!r} in {self._client.repository}.",
            f"repository {self._client.repository}",
            "Name a tag, a branch or a commit that was pushed; a token that may not see the repository gets this too.",
        )


def _release(commit: Commit, name: str) -> Release:
    return Release(commit.sha, name, commit.message, commit.author, commit.committed_at)


class Checks:
    """`CheckSource`: the combined status leaves check runs out, so both are asked."""

    def __init__(self, client: GitHubClient, required: Sequence[str]) -> None:
        self._client = client
        self._required = tuple(required)

    async def fetch_verdict(self, commit: str) -> Verdict:
        statuses, runs = await asyncio.gather(
            self._client.fetch_statuses(commit), self._client.fetch_check_runs(commit)
        )
        return judge([*statuses, *runs], self._required)


def judge(checks: Sequence[Check], required: Sequence[str] = ()) -> Verdict:
    """One answer for all checks. Evidence is GitHub's word for each, by name."""
    # A status and a check run may have the same name: the worse word is the one that is shown.
    evidence = {check.name: check.word for check in sorted(checks, key=lambda check: BETTER_FIRST.index(check.state))}
    failed = [check for check in checks if check.state is CheckState.FAILED]
    waiting = [check for check in checks if check.state is CheckState.PENDING]
    missing = [name for name in required if name not in evidence]
    if failed:
        words = ", ".join(f"{check.name} ({check.word})" for check in failed)
        return Verdict(VerdictKind.FAIL, f"{_count(len(failed), 'check')} of {len(checks)} failed: {words}.", evidence)
    if waiting or missing:
        words = ", ".join([*(f"{one.name} ({one.word})" for one in waiting), *(f"{n} (not begun)" for n in missing)])
        return Verdict(VerdictKind.INCONCLUSIVE, f"Still waiting for {words}.", evidence)
    if not checks:
        return Verdict(VerdictKind.NOT_RUN, "No check has run on this commit.", evidence)
    return Verdict(VerdictKind.PASS, f"{_count(len(checks), 'check')} passed.", evidence)


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
